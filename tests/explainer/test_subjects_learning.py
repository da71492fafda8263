"""The computed mathematics behind the machine-learning subjects: what the pictures show must be true."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from wgp_core.engines.explainer.subjects import (
    Topic,
    attention,
    backprop,
    backprop_nets,
    convolution,
    decision_tree,
    kmeans,
    neuron,
    pca,
)
from wgp_core.engines.explainer.subjects.base import Numbers

SEEDS = range(6)
ANY = {"low": -1e9, "high": 1e9, "default": math.nan}


@pytest.mark.parametrize(("text", "name", "value"), [
    ("learning rate 0.3", "learning rate", 0.3), ("rate .5", "rate", 0.5), ("lr=1e-3", "lr", 0.001),
    ("k=4", "k", 4), ("with k of four", "k", 4), ("k-means with k=7", "k", 7), ("rate: -2", "rate", -2),
    ("x = \u22123", "x", -3), ("a rate of about 0.2", "rate", 0.2), ("k is 5.", "k", 5),
    ("\u03b7 = 0.4", "\u03b7", 0.4),
])
def test_a_number_after_its_name(text: str, name: str, value: float) -> None:
    assert Numbers(text).after(name, **ANY) == value


def test_a_name_inside_a_word_is_not_that_name() -> None:
    assert math.isnan(Numbers("block 4").after("k", **ANY))


@pytest.mark.parametrize(("text", "noun", "value"), [
    ("5 clusters", "cluster", 5), ("three states", "states", 3), ("3-5 clusters", "clusters", 5),
    ("1,000 points", "points", 1000), ("a 3-layer net", "layer", 3), ("2.5 seconds", "seconds", 2.5),
    ("one hidden layer", "hidden", 1), ("-4 degrees", "degrees", -4), ("4 m long", "m", 4),
])
def test_a_number_before_its_noun(text: str, noun: str, value: float) -> None:
    assert Numbers(text).before(noun, **ANY) == value


@pytest.mark.parametrize(("text", "noun"), [
    ("someone clusters", "clusters"), ("x12 steps", "steps"), ("4 minutes", "m")])
def test_what_only_looks_like_a_number_before_a_noun(text: str, noun: str) -> None:
    assert math.isnan(Numbers(text).before(noun, **ANY))


@pytest.mark.parametrize(("text", "values"), [
    ("sort 5, 2, 9", [5, 2, 9]), ("sort [5,2,-9]", [5, 2, -9]), ("GPT-2 sorts 4 -7 .5 1e-3", [4, -7, 0.5, 0.001]),
    ("3-5", [3, 5]), ("x86 and 6th, 2.5.", [2.5]), ("nothing", []),
])
def test_plain_numbers_are_listed(text: str, values: list[float]) -> None:
    assert Numbers(text).listed() == values


def test_numbers_are_clamped() -> None:
    assert Numbers("k=99").after("k", low=2, high=8, default=4) == 8
    assert Numbers("1 cluster").before("clusters", "cluster", low=2, high=8, default=4) == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_backprop_gradients_equal_finite_differences(seed: int) -> None:
    net, x, target = backprop_nets.small_net(seed)
    gradient = net.gradients(x, target)
    eps = 1e-6
    for name in ("w1", "b1", "w2", "b2"):
        values, expected = np.asarray(getattr(net, name), float), np.asarray(getattr(gradient, name))
        for at in np.ndindex(values.shape):
            losses = []
            for sign in (1, -1):
                moved = values.copy()
                moved[at] += sign * eps
                losses.append(dataclasses.replace(net, **{name: moved}).loss(x, target))
            assert (losses[0] - losses[1]) / (2 * eps) == pytest.approx(float(expected[at]), abs=1e-7)


def test_the_narrated_losses_are_those_of_the_step() -> None:
    scene = backprop.make(Topic("backpropagation with learning rate 0.1", seed=2))[0]
    assert isinstance(scene, backprop.OneStep)
    before, after = scene.losses
    assert after < before
    assert f"rate 0.1 takes the loss from {before:.3f} to {after:.3f}" in scene.narration


def test_the_chain_rule_gives_the_derivative() -> None:
    chain, eps = backprop_nets.Chain(), 1e-6
    up, down = (dataclasses.replace(chain, w1=chain.w1 + e).values()[-1] for e in (eps, -eps))
    assert np.prod(chain.local()) == pytest.approx((up - down) / (2 * eps), abs=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_sigmoid_gradients_vanish_and_relu_gradients_do_not(seed: int) -> None:
    assert backprop_nets.layer_gradients("sigmoid", 12, seed)[0] < 1e-4
    assert backprop_nets.layer_gradients("relu", 12, seed)[0] > 1e-2


@pytest.mark.parametrize("seed", SEEDS)
def test_the_network_learns(seed: int) -> None:
    run = backprop_nets.train(seed)
    assert run.losses[-1] < 0.2 * run.losses[0]
    assert len(run.maps) == len(run.epochs) and run.epochs[-1] == len(run.losses) - 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_boundary_is_the_best_of_all_angles(seed: int) -> None:
    data = neuron.two_classes(seed)
    best = data.right(data.best).sum()
    assert best >= max(data.right(angle).sum() for angle in np.linspace(0, 2 * np.pi, 200))
    assert best > 0.85 * len(data.labels)


def test_the_shown_sum_adds_up() -> None:
    scene = neuron.WeightedSum("t", inputs=4, seed=3)
    x, z, y = scene.at(0.3)
    assert z == pytest.approx(float(scene.weights @ x + scene.bias))
    assert y == pytest.approx(1 / (1 + math.exp(-z)))


@pytest.mark.parametrize("causal", [False, True])
def test_attention_rows_are_weights(causal: bool) -> None:
    head = attention.attend(("the", "cat", "saw", "the", "dog"), 4, causal=causal)
    assert head.weights.sum(1) == pytest.approx(np.ones(5))
    assert (head.weights >= 0).all()
    assert np.allclose(head.weights @ head.v, head.out)
    assert np.allclose(np.triu(head.weights, 1), 0) == causal
    i, j = 3, 1
    assert head.scores[i, j] == pytest.approx(float(head.q[i] @ head.k[j]) / math.sqrt(head.q.shape[1]))


@pytest.mark.parametrize(("text", "words"), [
    ('attention in "time flies like an arrow"', ("time", "flies", "like", "an", "arrow")),
    ("attention in \u201cdogs don't bark.\u201d", ("dogs", "don't", "bark")),
    ("attention, please", ("the", "cat", "sat", "on", "the", "mat")),
])
def test_the_sentence_comes_from_the_quotes(text: str, words: tuple[str, ...]) -> None:
    assert attention.words_of(text) == words


def test_convolution_equals_the_sum_by_hand() -> None:
    image, kernel = convolution.small_image(1, 7), convolution.KERNELS["edges"]
    for stride in (1, 2):
        out = convolution.convolve(image, kernel, stride)
        assert out.shape == ((5, 5) if stride == 1 else (3, 3))
        for r, c in np.ndindex(out.shape):
            window = image[r * stride:r * stride + 3, c * stride:c * stride + 3]
            assert out[r, c] == (window * kernel).sum()


def test_kernels_see_what_they_should() -> None:
    step = np.tile(np.repeat([0.2, 0.8], 6), (12, 1))
    edges = convolution.filtered(step, "edges")
    assert edges[:, 5:7].min() > 0.99 and np.allclose(edges[:, :4], 0) and np.allclose(edges[:, 8:], 0)
    assert np.allclose(convolution.filtered(np.full((8, 8), 0.4), "sharpen"), 0.4)
    assert convolution.filtered(step, "blur").std() < step.std()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", [2, 4, 8])
def test_k_means_inertia_never_rises_and_ends_at_means(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    points = kmeans.blobs(rng, k)
    for run in kmeans.starts(points, k, rng, tries=3):
        assert all(b <= a + 1e-9 for a, b in zip(run.inertias, run.inertias[1:], strict=False))
        labels, inertia = kmeans.assign(points, run.centers[-1])
        assert len(run.centers) in (run.iterations, run.iterations + 1)
        assert inertia <= run.inertias[-1] + 1e-9
        assert set(labels) <= set(range(k))


def test_k_comes_from_the_topic() -> None:
    for text, k in (("k-means with k=3", 3), ("k-means into five clusters", 5), ("k-means", 4)):
        scene = kmeans.make(Topic(text, seed=1))[0]
        assert isinstance(scene, kmeans.Iterations)
        assert len(scene.run.centers[0]) == k


def test_voronoi_cells_hold_what_is_nearest() -> None:
    centers = np.random.default_rng(3).uniform((1, 1), (9, 6), (6, 2))
    cells = kmeans.voronoi(centers)
    areas = []
    for i, cell in enumerate(cells):
        inside = cell.mean(0)
        assert np.linalg.norm(centers - inside, axis=1).argmin() == i
        x, y = cell.T
        areas.append(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
    assert sum(areas) == pytest.approx(kmeans.WIDTH * kmeans.HEIGHT)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_split_of_the_tree_lowers_the_impurity_the_most(seed: int) -> None:
    points, labels = decision_tree.sample(np.random.default_rng(seed))
    tree = decision_tree.grow(points, labels, 3)
    assert tree.order and max(node.depth for node in tree.nodes) <= 3
    for i in tree.order:
        node = tree.nodes[i]
        feature, threshold = node.split
        mine = points[node.members, feature]
        score = decision_tree.weighted_gini(mine, labels[node.members], threshold)
        assert score < node.impurity
        left, right = (tree.nodes[j] for j in node.children)
        assert len(left.members) + len(right.members) == len(node.members)
        assert (points[left.members, feature] < threshold).all()
    leaves = [node for node in tree.nodes if not node.split]
    assert sum((b[2] - b[0]) * (b[3] - b[1]) for b in (leaf.box for leaf in leaves)) == pytest.approx(100)
    shares = np.bincount(labels) / len(labels)
    assert tree.nodes[0].impurity == pytest.approx(1 - (shares**2).sum())


def test_a_split_beats_every_other_threshold() -> None:
    points, labels = decision_tree.sample(np.random.default_rng(0))
    _, _, lowest = decision_tree.best_split(points, labels, 3)
    for feature in (0, 1):
        values = points[:, feature]
        for threshold in np.sort(values)[3:-3]:
            assert lowest <= decision_tree.weighted_gini(values, labels, threshold) + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_the_principal_angle_is_that_of_eigh_and_of_the_most_variance(seed: int) -> None:
    points = pca.cloud(seed)
    values, vectors = np.linalg.eigh(np.cov(points.T))
    angle = pca.principal_angle(points)
    assert abs(pca.direction(angle) @ vectors[:, -1]) == pytest.approx(1)
    assert pca.variance_along(points, angle) == pytest.approx(values[-1])
    angles = np.linspace(0, np.pi, 500)
    assert pca.variance_along(points, angles).max() <= values[-1] + 1e-12
    assert pca.variance_along(points, 0.7) == pytest.approx(np.var(points @ pca.direction(0.7), ddof=1))
    assert np.abs(points).max() < pca.SPAN * 1.1


def test_shares_of_variance_fall_and_add_up() -> None:
    shares = pca.spectrum(2, 7)
    assert shares.shape == (7,) and shares.sum() == pytest.approx(1)
    assert (np.diff(shares) <= 0).all()


def test_a_seed_decides_every_random_choice() -> None:
    for module in (attention, backprop, convolution, decision_tree, kmeans, neuron, pca):
        one, two = (module.make(Topic(module.SUBJECT.title, seed=5)) for _ in range(2))
        assert [scene.narration for scene in one] == [scene.narration for scene in two]
    assert np.array_equal(kmeans.blobs(np.random.default_rng(5), 4), kmeans.blobs(np.random.default_rng(5), 4))
