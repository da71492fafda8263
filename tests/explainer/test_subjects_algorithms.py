"""What the subjects of algorithms, mathematics and physics compute is true."""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from wgp_core.engines.explainer.subjects import (
    Topic,
    bayes,
    binary_search,
    fourier,
    markov,
    pendulum,
    projectile,
    sorting,
)
from wgp_core.engines.explainer.subjects import pathfinding_search as paths

SEEDS = (0, 1, 7, 42)


# -- path finding -----------------------------------------------------------------------------------------------------


def grid_graph(world: paths.World) -> nx.DiGraph:
    graph = nx.DiGraph()
    rows, cols = world.cost.shape
    for cell in ((r, c) for r in range(rows) for c in range(cols) if world.cost[r, c]):
        for near in world.neighbours(cell):
            graph.add_edge(cell, near, weight=int(world.cost[near]))
    return graph


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(24, 14), (13, 13), (17, 20)])
def test_a_star_and_dijkstra_find_the_cheapest_path(seed: int, shape: tuple[int, int]) -> None:
    world = paths.make_world(*shape, seed)
    graph = grid_graph(world)
    cheapest = nx.dijkstra_path_length(graph, world.start, world.goal)
    star, dijkstra, breadth = (paths.search(world, method) for method in ("a*", "dijkstra", "bfs"))
    assert star.cost == dijkstra.cost == cheapest <= breadth.cost
    assert len(breadth.path) - 1 == nx.shortest_path_length(graph, world.start, world.goal)
    assert len(star.expanded) < len(dijkstra.expanded)
    for found in (star, dijkstra, breadth):
        assert found.path[0] == world.start and found.path[-1] == world.goal
        assert all(b in world.neighbours(a) for a, b in pairwise(found.path))
        assert found.cost == world.path_cost(found.path)
        assert len(set(found.expanded)) == len(found.expanded) == len(found.frontiers)
        assert set(found.path) <= set(found.expanded)


def test_dijkstra_expands_by_rising_distance() -> None:
    world = paths.make_world(20, 12, 3)
    distances = nx.single_source_dijkstra_path_length(grid_graph(world), world.start)
    order = [distances[cell] for cell in paths.search(world, "dijkstra").expanded]
    assert order == sorted(order)


def test_a_walled_off_goal_gives_no_path() -> None:
    cost = np.ones((5, 5), dtype=int)
    cost[:, 2] = 0
    for method in paths.METHODS:
        assert paths.search(paths.World(cost, (2, 0), (2, 4)), method).path == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_distances_on_the_graph_are_those_of_networkx(seed: int) -> None:
    weights = paths.graph_weights(seed)
    graph = nx.Graph()
    graph.add_weighted_edges_from((a, b, w) for (a, b), w in weights.items())
    steps, parent = paths.dijkstra_steps(weights)
    truth = nx.single_source_dijkstra_path_length(graph, "A")
    assert steps[-1].distances == truth
    assert all(truth[node] == truth[up] + graph[up][node]["weight"] for node, up in parent.items())
    settled = [step.node for step in steps if not step.to]
    assert [truth[n] for n in settled] == sorted(truth.values())


# -- sorting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(sorting.ALGORITHMS))
@pytest.mark.parametrize("values", [[5, 2, 9, 1], [3, 3, 1, -2.5, 3], list(range(12)), list(range(12, 0, -1)), [1]])
def test_every_algorithm_ends_sorted(name: str, values: list[float]) -> None:
    tape = sorting.play(name, values)
    last = tape.frames[-1]
    assert [values[item] for item in np.argsort(last.slots)] == sorted(values)
    assert sorted(last.slots) == list(range(len(values))) and not last.lane.any()
    assert last.settled == set(range(len(values)))
    assert last.comparisons == sum(frame.kind == "compare" for frame in tape.frames)
    assert last.moves == sum(frame.kind == "move" for frame in tape.frames)


def inversions(values: list[int]) -> int:
    return sum(a > b for i, a in enumerate(values) for b in values[i + 1:])


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_follow_the_theory(seed: int) -> None:
    n = 20
    values = np.random.default_rng(seed).permutation(n).tolist()
    last = {name: sorting.play(name, values).frames[-1] for name in sorting.ALGORITHMS}
    assert last["bubble"].moves == last["insertion"].moves == inversions(values)
    assert last["selection"].comparisons == n * (n - 1) // 2
    assert last["bubble"].comparisons <= n * (n - 1) // 2
    assert inversions(values) <= last["insertion"].comparisons <= inversions(values) + n - 1
    assert last["merge"].comparisons <= n * math.ceil(math.log2(n)) - 2 ** math.ceil(math.log2(n)) + 1
    assert last["quick"].comparisons <= n * (n - 1) // 2


def test_the_topic_gives_the_values_and_the_algorithm() -> None:
    scene = sorting.make(Topic("insertion sort of 5, 2, 9, 1", seed=1))[0]
    assert scene.title == "Insertion sort" and scene.values == (5, 2, 9, 1)


# -- binary search ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 15, 16, 100, 128])
def test_binary_search_finds_every_place_within_the_worst_case(count: int) -> None:
    values = list(range(0, 2 * count, 2))
    most = 0
    for place, target in enumerate(values):
        steps, found = binary_search.probes(values, target)
        assert found and steps[-1].middle == place
        most = max(most, len(steps))
    assert most == binary_search.worst_case(count) == math.floor(math.log2(count)) + 1
    steps, found = binary_search.probes(values, 1)
    assert not found and len(steps) <= most


def test_every_step_leaves_less_than_half() -> None:
    steps, _ = binary_search.probes(range(1000), 777)
    sizes = [step.high - step.low + 1 for step in steps]
    assert all(after <= before / 2 for before, after in pairwise(sizes))


# -- Fourier series ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wave", ["square", "sawtooth", "triangle"])
def test_coefficients_are_the_integrals(wave: str) -> None:
    t = (np.arange(200_000) + 0.5) / 200_000 * 2 * np.pi - np.pi
    n, b = fourier.harmonics(wave, 6)
    integrals = [2 * np.mean(fourier.target(wave, t) * np.sin(k * t)) for k in n]
    assert b == pytest.approx(integrals, abs=1e-4)


@pytest.mark.parametrize("wave", ["square", "sawtooth", "triangle"])
def test_partial_sums_are_the_direct_sums(wave: str) -> None:
    t = np.linspace(-4, 4, 37)
    sums = fourier.partial_sums(wave, 9, t)
    n, b = fourier.harmonics(wave, 9)
    for terms in (1, 4, 9):
        direct = [sum(b[k] * math.sin(n[k] * x) for k in range(terms)) for x in t]
        assert sums[terms - 1] == pytest.approx(direct, abs=1e-12)


@pytest.mark.parametrize("wave", ["square", "sawtooth"])
def test_the_overshoot_tends_to_nine_percent_of_the_jump(wave: str) -> None:
    assert fourier.overshoot(wave, 60)[-1] == pytest.approx(2 * 0.0894899, abs=5e-4)


# -- Bayes ------------------------------------------------------------------------------------------------------------


def test_the_classic_medical_test() -> None:
    test = bayes.Test(prior=0.01, hit=0.9, false=0.09)
    assert test.posterior() == pytest.approx(0.009 / (0.009 + 0.0891))
    assert test.counts() == (9, 1, 89, 901)


@pytest.mark.parametrize(("text", "shares"), [
    ("Bayes' theorem", (0.01, 0.9, 0.09)),
    ("Bayes with prevalence 5%, sensitivity 80% and specificity 95%", (0.05, 0.8, 0.05)),
    ("Bayes: 2% are ill, 95%, 10%", (0.02, 0.95, 0.1)),
    ("Bayes with a prior of 0.1 and false positive rate 20%", (0.1, 0.9, 0.2)),
])
def test_the_topic_gives_the_shares(text: str, shares: tuple[float, float, float]) -> None:
    test = bayes.read_test(Topic(text))
    assert (test.prior, test.hit, test.false) == pytest.approx(shares)


# -- Markov chains ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["markov chain", *(f"markov chain with {n} states" for n in (2, 3, 4, 5))])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_stationary_distribution_is_kept_and_reached(text: str, seed: int) -> None:
    chain = markov.make_chain(Topic(text, seed=seed))
    goal = chain.stationary()
    assert chain.matrix.sum(axis=1) == pytest.approx(1) and (chain.matrix >= 0).all()
    assert goal.sum() == pytest.approx(1) and (goal > 0).all()
    assert goal @ chain.matrix == pytest.approx(goal)
    for start in range(len(chain.names)):
        assert chain.distributions(start, 200)[-1] == pytest.approx(goal, abs=1e-6)


def test_the_walk_uses_the_rows_of_the_matrix() -> None:
    chain = markov.make_chain(Topic("markov chain"))
    states = chain.walk(8000, seed=3)
    for i in range(3):
        after = states[1:][states[:-1] == i]
        assert np.bincount(after, minlength=3) / len(after) == pytest.approx(chain.matrix[i], abs=0.03)
    assert (chain.walk(50, seed=3) == states[:51]).all()


# -- projectile -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [10, 45, 80])
@pytest.mark.parametrize("g", [1.62, 9.81])
def test_without_drag_the_integration_gives_the_formula(angle: float, g: float) -> None:
    throw = projectile.Throw(speed=20, angle=angle, g=g)
    rows = projectile.integrate(throw, drag=0.0)
    assert rows[-1, 1] == pytest.approx(throw.range_m, rel=1e-3)
    assert rows[-1, 0] == pytest.approx(throw.flight_s, rel=1e-3)
    assert rows[:, 2].max() == pytest.approx(throw.height_m, rel=1e-3)
    assert throw.range_m == pytest.approx(20**2 * math.sin(2 * math.radians(angle)) / g)


def test_drag_shortens_the_throw_and_steepens_the_fall() -> None:
    throw = projectile.Throw()
    free, air = projectile.integrate(throw, 0.0), projectile.integrate(throw, projectile.FOOTBALL_DRAG)
    assert air[-1, 1] < free[-1, 1] and air[:, 2].max() < free[:, 2].max()
    top = air[np.argmax(air[:, 2]), 1]
    assert air[-1, 1] - top < top


def test_the_topic_gives_the_throw() -> None:
    throw, place = projectile.read_throw(Topic("projectile at 30 degrees and 12 m/s on the Moon"))
    assert (throw.angle, throw.speed, throw.g, place) == (30, 12, 1.62, "moon")


# -- pendulum ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [5, 60, 120, 170])
def test_the_swing_keeps_its_energy_and_its_true_period(degrees: float) -> None:
    amplitude = math.radians(degrees)
    period = pendulum.true_period(1.0, amplitude)
    motion = pendulum.swing(1.0, amplitude, 2 * period)
    total = np.sum(motion.energies(motion.angle, motion.speed), axis=0)
    assert total == pytest.approx(total[0], rel=1e-6)
    assert float(motion.at(period)[0]) == pytest.approx(amplitude, rel=1e-4)
    assert float(motion.at(period / 2)[0]) == pytest.approx(-amplitude, rel=1e-4)


def test_the_period_follows_the_series_for_small_swings() -> None:
    a = math.radians(20)
    series = 1 + a**2 / 16 + 11 * a**4 / 3072
    assert pendulum.true_period(2.0, a) / pendulum.small_period(2.0) == pytest.approx(series, rel=1e-5)


def test_the_double_pendulum_keeps_its_energy() -> None:
    start = np.array([2.1, 2.5, 0.0, 0.0])
    states = pendulum.runge_kutta(pendulum.double_rate, start, 0.004, 1500)
    energy = pendulum.double_energy(states.T)
    assert energy == pytest.approx(energy[0], abs=2e-3)
