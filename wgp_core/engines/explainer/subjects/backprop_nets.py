"""The networks behind the backpropagation scenes: one small net, a chain, deep random nets, and a training run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def sigmoid(z: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(z, float)))


@dataclass(frozen=True)
class Net:
    """Two inputs, three sigmoid units, one linear output: w1 (3, 2), b1 (3,), w2 (3,), b2."""

    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: float

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, float]:
        """The hidden values (3,) and the output."""
        hidden = sigmoid(self.w1 @ x + self.b1)
        return hidden, float(self.w2 @ hidden + self.b2)

    def loss(self, x: np.ndarray, target: float) -> float:
        """L = (y - t)^2 / 2."""
        return 0.5 * (self.forward(x)[1] - target) ** 2

    def gradients(self, x: np.ndarray, target: float) -> Net:
        """dL/d(every weight), in the shape of the net itself."""
        hidden, y = self.forward(x)
        delta_out = y - target
        delta = delta_out * self.w2 * hidden * (1 - hidden)
        return Net(np.outer(delta, x), delta, delta_out * hidden, delta_out)

    def stepped(self, gradient: Net, rate: float) -> Net:
        return Net(self.w1 - rate * gradient.w1, self.b1 - rate * gradient.b1, self.w2 - rate * gradient.w2,
                   self.b2 - rate * gradient.b2)


def small_net(seed: int) -> tuple[Net, np.ndarray, float]:
    """A net with two-decimal weights, an input and a target it misses by a visible amount."""
    rng = np.random.default_rng(seed)
    while True:
        net = Net(np.round(rng.uniform(-1, 1, (3, 2)), 2), np.round(rng.uniform(-0.3, 0.3, 3), 2),
                  np.round(rng.uniform(-1, 1, 3), 2), round(float(rng.uniform(-0.2, 0.2)), 2))
        x = np.round(rng.uniform(0.3, 1, 2), 1)
        if net.loss(x, 1.0) > 0.2 and np.abs(net.w1).min() > 0.15 and np.abs(net.w2).min() > 0.2:
            return net, x, 1.0


@dataclass(frozen=True)
class Chain:
    """x -> z1 = w1 x -> a1 = sigmoid(z1) -> z2 = w2 a1 -> a2 = sigmoid(z2) -> L = (a2 - t)^2 / 2."""

    x: float = 1.0
    w1: float = 0.8
    w2: float = -1.5
    target: float = 1.0

    def values(self) -> list[float]:
        """x, z1, a1, z2, a2, L."""
        z1 = self.w1 * self.x
        a1 = float(sigmoid(z1))
        z2 = self.w2 * a1
        a2 = float(sigmoid(z2))
        return [self.x, z1, a1, z2, a2, 0.5 * (a2 - self.target) ** 2]

    def local(self) -> list[float]:
        """dz1/dw1, da1/dz1, dz2/da1, da2/dz2, dL/da2: their product is dL/dw1."""
        x, _, a1, _, a2, _ = self.values()
        return [x, a1 * (1 - a1), self.w2, a2 * (1 - a2), a2 - self.target]


def layer_gradients(kind: str, layers: int, seed: int, width: int = 32) -> np.ndarray:
    """Mean |dL/dW| of every layer, first to last, of a random deep net (`kind` "sigmoid" or "relu"), last = 1.

    Weights have variance 1 / width (sigmoid, Glorot) or 2 / width (ReLU, He); the loss is half the squared output.
    """
    rng = np.random.default_rng(seed)
    scale = np.sqrt((2.0 if kind == "relu" else 1.0) / width)
    weights = [rng.normal(0, scale, (width, width)) for _ in range(layers)]
    values, slopes = [rng.normal(0, 1, width)], []
    for w in weights:
        z = w @ values[-1]
        a = np.maximum(z, 0) if kind == "relu" else sigmoid(z)
        values.append(a)
        slopes.append((z > 0).astype(float) if kind == "relu" else a * (1 - a))
    delta, sizes = values[-1] * slopes[-1], []
    for i in range(layers - 1, -1, -1):
        sizes.append(np.abs(np.outer(delta, values[i])).mean())
        if i:
            delta = (weights[i].T @ delta) * slopes[i - 1]
    return np.array(sizes[::-1]) / sizes[0]


@dataclass(frozen=True)
class Training:
    """A 2-10-1 tanh net learning an XOR of blobs by full-batch backpropagation: loss per epoch and some maps."""

    points: np.ndarray
    labels: np.ndarray
    losses: np.ndarray
    epochs: np.ndarray
    maps: np.ndarray

    SPAN = 2.4


def train(seed: int, epochs: int = 600, shots: int = 36, rate: float = 0.6) -> Training:
    """Points (n, 2), labels 0/1, losses (epochs + 1,), and the net's output on a 40 x 40 grid at `shots` epochs."""
    rng = np.random.default_rng(seed)
    centers = np.array([(1, 1), (-1, -1), (1, -1), (-1, 1)]) * 1.15
    points = np.vstack([rng.normal(c, 0.42, (24, 2)) for c in centers])
    labels = np.repeat([1.0, 1.0, 0.0, 0.0], 24)
    w1, b1 = rng.normal(0, 0.7, (10, 2)), np.zeros(10)
    w2, b2 = rng.normal(0, 0.4, 10), 0.0
    side = np.linspace(-Training.SPAN, Training.SPAN, 40)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    kept = np.unique((np.linspace(0, 1, shots) ** 2 * epochs).astype(int))
    losses, maps = [], []
    for epoch in range(epochs + 1):
        hidden = np.tanh(points @ w1.T + b1)
        out = sigmoid(hidden @ w2 + b2)
        losses.append(float(-np.mean(labels * np.log(out + 1e-12) + (1 - labels) * np.log(1 - out + 1e-12))))
        if epoch in kept:
            maps.append(sigmoid(np.tanh(grid @ w1.T + b1) @ w2 + b2).reshape(40, 40))
        delta = (out - labels) / len(labels)
        delta_hidden = np.outer(delta, w2) * (1 - hidden**2)
        w2, b2 = w2 - rate * hidden.T @ delta, b2 - rate * delta.sum()
        w1, b1 = w1 - rate * delta_hidden.T @ points, b1 - rate * delta_hidden.sum(0)
    return Training(points, labels, np.array(losses), kept, np.array(maps))
