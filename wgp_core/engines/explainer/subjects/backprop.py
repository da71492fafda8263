"""Backpropagation: one full step with its numbers, the chain rule, vanishing gradients, and a net that learns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.text import Text

from ..layout import Rect
from ..parts import Bars, Field, Node, between, dots, node, num, put
from ..pieces import Readout
from ..scene import Clock, Scene, mix, smooth
from ..stage import Stage
from .backprop_nets import Chain, Net, layer_gradients, small_net, train
from .base import Subject, Topic

# -- scene 1: one step ------------------------------------------------------------------------------------------

FORWARD, LOSS, BACK, UPDATE, AGAIN = (0.03, 0.28), (0.28, 0.36), (0.36, 0.64), (0.64, 0.74), (0.74, 0.92)
STEPS = (("Forward", r"$h=\sigma(W_1x+b_1)$"), ("Backward", r"$\partial L/\partial w=\delta\,h$"),
         ("Update", r"$w-\eta\;\partial L/\partial w$"))


@dataclass
class OneStep(Scene):
    """Values flow forward, gradients flow back along the same edges, the weights change, the loss is lower."""

    seed: int = 0
    rate: float = 0.5

    def __post_init__(self) -> None:
        self.net, self.x, self.target = small_net(self.seed)
        self.grad = self.net.gradients(self.x, self.target)
        self.after = self.net.stepped(self.grad, self.rate)
        self.passes = (self.net.forward(self.x), self.after.forward(self.x))
        self.losses = (self.net.loss(self.x, self.target), self.after.loss(self.x, self.target))

    def build(self, stage: Stage) -> None:
        self.stage = stage
        area, side = stage.content.split((2.0, 1), gap=0.4)
        spread = min(area.h / 2 - 0.95, 2.3)
        self.radius = 0.56
        xs = area.x + 0.8, area.cx + 0.1, area.right - 0.9
        places = ([(xs[0], area.cy + s * spread) for s in (1, -1)],
                  [(xs[1], area.cy + s * spread) for s in (1, 0, -1)], [(xs[2], area.cy)])
        self.edges = LineCollection(self._segments(places), zorder=2, capstyle="round")
        stage.ax.add_collection(stage.moving(self.edges), autolim=False)
        self.layers = [[node(stage, place, self.radius) for place in layer] for layer in places]
        self._build_labels(stage, places)
        self.pulse = dots(stage, stage.ax, "accent", size=0.2, zorder=9)
        self._build_side(stage, side)

    def _segments(self, places: tuple) -> list:
        inputs, hidden, (out,) = places
        self.edge_ends = [(a, b) for b in hidden for a in inputs] + [(h, out) for h in hidden]
        return [list(ends) for ends in self.edge_ends]

    def _build_labels(self, stage: Stage, places: tuple) -> None:
        self.labels: list[Text] = []
        for i, (a, b) in enumerate(self.edge_ends):
            f = 0.4 if i < 6 else 0.48
            box = {"facecolor": stage.color("paper"), "edgecolor": "none", "pad": stage.unit_px * 0.02, "alpha": 0.9}
            self.labels.append(stage.moving(stage.text(mix(a[0], b[0], f), mix(a[1], b[1], f), "", "small",
                                                       zorder=3.5, bbox=box)))
        names = ("x₁", "x₂"), ("h₁", "h₂", "h₃"), ("y",)
        self.deltas: list[Text] = []
        for layer, layer_names in zip(places, names, strict=True):
            for (x, y), name in zip(layer, layer_names, strict=True):
                stage.text(x, y + self.radius + 0.25, name, "small", color="muted")
        for x, y in [*places[1], *places[2]]:
            self.deltas.append(stage.moving(stage.text(x, y - self.radius - 0.26, "", "small", color="bad",
                                                       weight="semibold")))

    def _build_side(self, stage: Stage, side: Rect) -> None:
        stage.card(side)
        rows = side.inset(0.22, 0.2).rows([1.0] * 3 + [0.8] * 4, gap=0.05)
        self.steps = []
        for row, (name, formula) in zip(rows, STEPS, strict=False):
            pair = [stage.text(row.right, row.cy, formula, "label", ha="right", math=True)]
            if row.w > 3.6:  # on a very small picture the formula needs the whole row
                pair.append(stage.text(row.x, row.cy, name, "label", ha="left", weight="semibold"))
            self.steps.append([stage.moving(text) for text in pair])
        self.values = []
        for row, name in zip(rows[3:], ("output y", "target t", "loss L", "new loss"), strict=True):
            stage.text(row.x, row.cy, name, "label", color="muted", ha="left")
            self.values.append(stage.moving(stage.text(row.right, row.cy, "", "label", ha="right",
                                                       weight="semibold")))

    def _place_pulse(self, group: slice, part: float, back: bool) -> None:
        f = smooth(1 - part if back else part)
        points = []
        for a, b in self.edge_ends[group]:
            hidden = self.radius / np.hypot(b[0] - a[0], b[1] - a[1])  # the share of the edge that a node covers
            along = mix(hidden, 1 - hidden, f)
            points.append((mix(a[0], b[0], along), mix(a[1], b[1], along)))
        put(self.pulse, data=tuple(zip(*points, strict=True)), visible=0 < part < 1,
            color=self.stage.color("bad" if back else "accent"))

    def draw(self, clock: Clock) -> None:
        second = clock.u >= UPDATE[1]
        begin, end = AGAIN if second else FORWARD
        flow = clock.line(begin, end) * 2
        back = clock.line(*BACK) * 2
        self._draw_nodes(flow, back, second)
        self._draw_edges(clock, back)
        if BACK[0] <= clock.u < BACK[1]:
            self._place_pulse(slice(6, 9) if back < 1 else slice(0, 6), back % 1, True)
        else:
            self._place_pulse(slice(0, 6) if flow < 1 else slice(6, 9), flow % 1 if flow < 2 else 1.0, False)
        active = 0 if clock.u < LOSS[1] or second else 1 if clock.u < BACK[1] else 2
        for i, step in enumerate(self.steps):
            for text in step:
                put(text, color=self.stage.color(("accent", "bad", "good")[i] if i == active else "muted"))
        y = self.passes[int(second and flow >= 2)][1]
        known = clock.u >= FORWARD[1]
        self.values[0].set_text(num(y, 3) if known else "")
        self.values[1].set_text(f"{self.target:.3f}")
        self.values[2].set_text(f"{self.losses[0]:.4f}" if clock.u >= mix(*LOSS, 0.3) else "")
        self.values[3].set_text(f"{self.losses[1]:.4f}" if second and flow >= 2 else "")
        put(self.values[3], color=self.stage.color("good" if self.losses[1] < self.losses[0] else "bad"))

    def _draw_nodes(self, flow: float, back: float, second: bool) -> None:
        hidden, y = self.passes[int(second)]
        values = (tuple(self.x), tuple(hidden), (y,))
        for depth, (layer, row) in enumerate(zip(self.layers, values, strict=True)):
            lit = flow >= depth
            for item, value in zip(layer, row, strict=True):
                self._light(item, value, lit)
        arrived = (back >= 1, back >= 1, back >= 1, back > 0)
        deltas = (*self.grad.b1, self.grad.b2)
        for text, value, here in zip(self.deltas, deltas, arrived, strict=True):
            text.set_text("δ " + num(value, sign=True) if here and not second else "")

    def _light(self, item: Node, value: float, lit: bool) -> None:
        stage = self.stage
        item.light(num(value) if lit else "", between(stage, "panel", "accent", 0.22 if lit else 0),
                   stage.color("accent" if lit else "faint"), stage.color("ink"))

    def _draw_edges(self, clock: Clock, back: float) -> None:
        stage, moved = self.stage, clock.ramp(*UPDATE)
        old, new = self._flat(self.net), self._flat(self.after)
        weights = old + (new - old) * moved
        put(self.edges, linewidths=tuple(stage.line_width(0.03 + 0.09 * abs(w)) for w in weights),
            edgecolors=tuple(between(stage, "paper", "s0" if w >= 0 else "s4", 0.75) for w in weights))
        for i, (text, w, g) in enumerate(zip(self.labels, weights, self._flat(self.grad), strict=True)):
            shown = clock.u >= BACK[0] and clock.u < UPDATE[0] and back >= (0.5 if i >= 6 else 1.5)
            color = "bad" if shown else "good" if moved > 0 else "ink"
            put(text, text=num(g if shown else w, sign=True), color=stage.color(color))

    @staticmethod
    def _flat(net: Net) -> np.ndarray:
        return np.concatenate([net.w1.ravel(), net.w2])


# -- scene 2: the chain rule ------------------------------------------------------------------------------------


@dataclass
class ChainRule(Scene):
    """Six quantities in a row; every link has a local slope, and going back multiplies them."""

    chain: Chain = field(default_factory=Chain)

    NAMES = ("$x$", "$z_1$", "$a_1$", "$z_2$", "$a_2$", "$L$")
    SLOPES = (r"\partial z_1/\partial w_1", r"\partial a_1/\partial z_1", r"\partial z_2/\partial a_1",
              r"\partial a_2/\partial z_2", r"\partial L/\partial a_2")

    def build(self, stage: Stage) -> None:
        self.stage = stage
        self.values, self.local = self.chain.values(), self.chain.local()
        self.products = np.cumprod(self.local[::-1])[::-1]
        area, foot = stage.content.rows((3.9, 1), gap=0.3)
        wide = area.landscape
        self.places = [area.at((i + 0.5) / 6, 0.77) if wide else area.at(0.24, 1 - (i + 0.5) / 6) for i in range(6)]
        r = self.radius = 0.6 if stage.unit_px > 40 else 0.5
        self.forward, self.slopes, self.totals = [], [], []
        for i, (x, y) in enumerate(self.places):
            stage.ax.add_patch(_disc(stage, (x, y), r))
            stage.text(x, y, self.NAMES[i], "body", math=True, zorder=6)
            at, ha = ((x, y + r + 0.35), "center") if wide else ((x - r - 0.25, y), "right")
            self.forward.append(stage.moving(stage.text(*at, "", "label", color="accent", ha=ha, weight="semibold")))
        for i, ((x0, y0), (x1, y1)) in enumerate(zip(self.places, self.places[1:], strict=False)):
            self._build_link(stage, i, (x0, y0, x1, y1), wide)
        self.pulse = dots(stage, stage.ax, "accent", size=0.24, zorder=7)
        x, y = self.places[0]
        if not wide:
            stage.text(x + 2.9, y, "local slope", "small", color="muted")
            stage.text(x + 4.8, y, "product", "small", color="bad")
        elif stage.unit_px > 40:
            stage.text(area.x, y - 1.75, "local slope", "small", color="muted", ha="left")
            stage.text(area.x, y - 2.75, "product", "small", color="bad", ha="left")
        stage.card(foot)
        self.answer = stage.moving(stage.paragraph(foot.inset(0.25, 0.15), self._product_text(0), "body", ha="center",
                                                   math=True))

    def _build_link(self, stage: Stage, i: int, ends: tuple[float, float, float, float], wide: bool) -> None:
        x0, y0, x1, y1 = ends
        r = self.radius + 0.1
        mx, my = (x0 + x1) / 2, (y0 + y1) / 2
        if wide:
            stage.arrow((x0 + r, y0), (x1 - r, y1))
            spots = (mx, y0 - 1.1), (mx, y0 - 1.75), (mx, y0 - 2.75)
        else:
            stage.arrow((x0, y0 - r), (x1, y1 + r))
            spots = (mx + 1.3, my), (mx + 2.9, my), (mx + 4.8, my)
        stage.text(*spots[0], f"${self.SLOPES[i]}$", "label", color="muted", math=True)
        self.slopes.append(stage.moving(stage.text(*spots[1], "", "label", weight="semibold")))
        self.totals.append(stage.moving(stage.text(*spots[2], "", "label", color="bad", weight="semibold")))

    def _product_text(self, first: int) -> str:
        factors = r" \cdot ".join(f"{v:.2f}" if v >= 0 else f"({v:.2f})" for v in self.local[first:][::-1])
        wrt = ("w_1", "z_1", "a_1", "z_2", "a_2")[first]
        return rf"$\partial L/\partial {wrt} = {factors} = {self.products[first]:+.4f}$"

    def draw(self, clock: Clock) -> None:
        ahead, behind = clock.line(0.03, 0.36) * 5, clock.line(0.42, 0.92) * 5
        for i, text in enumerate(self.forward):
            text.set_text(num(self.values[i]) if ahead >= i else "")
        for i in range(5):
            done = behind >= 5 - i - 0.3
            self.slopes[i].set_text(num(self.local[i], sign=True) if ahead >= i + 1 else "")
            self.totals[i].set_text(num(self.products[i], 3, sign=True) if done else "")
        going_back = clock.u >= 0.42
        along = 5 - behind if going_back else ahead
        i = min(int(along), 4)
        (x0, y0), (x1, y1) = self.places[i], self.places[i + 1]
        rim = self.radius / np.hypot(x1 - x0, y1 - y0)
        f = mix(rim, 1 - rim, smooth(along - i))
        put(self.pulse, data=((mix(x0, x1, f),), (mix(y0, y1, f),)),
            color=self.stage.color("bad" if going_back else "accent"))
        first = 5 - int(behind + 0.3)
        put(self.answer, text=self._product_text(min(first, 4)) if first < 5 else "")


def _disc(stage: Stage, center: tuple[float, float], radius: float):
    from matplotlib.patches import Circle

    return Circle(center, radius, facecolor=stage.color("panel"), edgecolor=stage.color("s0"),
                  linewidth=stage.line_width(0.05), zorder=5)


# -- scene 3: vanishing gradients -------------------------------------------------------------------------------


@dataclass
class Vanishing(Scene):
    """Bars on a log scale, drawn from the last layer back to the first."""

    layers: int = 12
    seed: int = 0

    def build(self, stage: Stage) -> None:
        self.sizes = {kind: layer_gradients(kind, self.layers, self.seed) for kind in ("sigmoid", "relu")}
        logs = {kind: np.log10(size) for kind, size in self.sizes.items()}
        low = float(np.floor(min(v.min() for v in logs.values()) - 0.4))
        high = float(np.ceil(max(v.max() for v in logs.values()) + 0.2))
        plot, side = stage.content.split((2.3, 1), gap=0.4)
        ax = stage.axes(plot, xlabel="layer (1 is nearest the input)", ylabel="log₁₀ of gradient size",
                        xlim=(0.3, self.layers + 0.7), ylim=(low, high))
        ax.set_xticks(range(1, self.layers + 1, max(round(self.layers / 6), 1)))
        ax.yaxis.get_major_locator().set_params(integer=True)
        ax.axhline(0, color=stage.color("faint"), lw=stage.line_width(0.025), zorder=1)
        self.low, self.logs = low, logs
        xs = np.arange(1, self.layers + 1)
        self.bars = {"sigmoid": Bars(stage, ax, xs - 0.2, 0.36, "bad", base=low),
                     "relu": Bars(stage, ax, xs + 0.2, 0.36, "good", base=low)}
        self.readout = Readout(stage, side, ("layer", "sigmoid", "ReLU"), ("12", "8.888e-8", "88.888"),
                               formula=r"$\sigma'(z)\leq 0.25$",
                               colors=("ink", "bad", "good"))

    def draw(self, clock: Clock) -> None:
        reached = clock.line(0.0, 0.9) * self.layers
        from_end = np.arange(self.layers)[::-1]
        grown = np.array([smooth(reached - i) for i in from_end])
        for kind, bars in self.bars.items():
            bars.set(self.low + (self.logs[kind] - self.low) * grown)
        now = self.layers - min(int(reached), self.layers - 1)
        self.readout.show(str(now), _size(self.sizes["sigmoid"][now - 1]), _size(self.sizes["relu"][now - 1]))


def _size(value: float) -> str:
    return f"{value:.3f}" if value >= 0.01 else f"{value:.0e}".replace("e-0", "e-")


# -- scene 4: training ------------------------------------------------------------------------------------------


@dataclass
class Learns(Scene):
    """The output of the net over the plane while the loss curve falls."""

    seed: int = 0

    def build(self, stage: Stage) -> None:
        self.run = run = train(self.seed)
        left, right = stage.content.split((1, 1.15), gap=0.5)
        span = run.SPAN
        plane = stage.axes(left, xlim=(-span, span), ylim=(-span, span), ticks=False, frame=False, equal=True)
        low, high = between(stage, "paper", "s0", 0.55), between(stage, "paper", "s1", 0.55)
        self.field = Field(stage, plane, (low, high))
        for label, tint in ((0, "s0"), (1, "s1")):
            here = run.points[run.labels == label]
            stage.moving(plane.plot(*here.T, "o", color=stage.color(tint), ms=stage.line_width(0.15),
                                    mec=stage.color("paper"), mew=stage.line_width(0.02), zorder=3)[0])
        ax = stage.axes(right, xlabel="epoch", ylabel="loss", xlim=(0, len(run.losses) - 1),
                        ylim=(0, float(run.losses.max()) * 1.1))
        self.curve = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.06))[0])
        self.ball = dots(stage, ax, "accent", size=0.26, clip_on=False)
        self.note = stage.moving(stage.text(0.97, 0.95, "", "label", ha="right", va="top", on=ax,
                                            transform=ax.transAxes))

    def draw(self, clock: Clock) -> None:
        epochs = self.run.epochs
        at = mix(0, len(epochs) - 1, clock.ramp(0.03, 0.95))
        shot = min(int(at), len(epochs) - 2)
        low, high = self.run.maps[shot], self.run.maps[shot + 1]
        self.field.show(low + (high - low) * (at - shot))
        epoch = float(np.interp(at, np.arange(len(epochs)), epochs))
        loss = float(np.interp(epoch, np.arange(len(self.run.losses)), self.run.losses))
        upto = int(epoch) + 1
        self.curve.set_data(np.append(np.arange(upto), epoch), np.append(self.run.losses[:upto], loss))
        self.ball.set_data([epoch], [loss])
        self.note.set_text(f"epoch {int(epoch)}\nloss {self.run.losses[int(epoch)]:.3f}")


def make(topic: Topic) -> list[Scene]:
    rate = topic.numbers.after("learning rate", "rate", "eta", "η", low=0.01, high=2, default=0.5)
    layers = int(topic.numbers.before("layers", "layer", low=4, high=30, default=12))
    step = OneStep("Backpropagation", seed=topic.seed, rate=rate, weight=1.5, min_seconds=3)
    before, after = step.losses
    if after > before:
        step.narration = (f"Forward, backward, update: rate {rate:g} steps too far, the loss rises from {before:.3f} "
                          f"to {after:.3f}.")
    else:
        step.narration = (f"Forward, backward, update: one step of rate {rate:g} takes the loss from {before:.3f} "
                          f"to {after:.3f}.")
    vanishing = Vanishing("Vanishing gradients", "Each sigmoid layer multiplies the gradient by at most 0.25; "
                          "ReLU lets it through.", layers=layers, seed=topic.seed)
    return [
        step,
        vanishing,
        ChainRule("The chain rule", "Going back multiplies the local slopes: that product is the gradient.",
                  priority=2),
        Learns("Repeat, and the network learns", "Every epoch computes all gradients once and moves each weight a "
               "little downhill.", priority=2),
    ]


SUBJECT = Subject(
    id="backpropagation",
    title="Backpropagation",
    keywords=("backpropagation", "backprop", "back propagation", "gradient flow", "vanishing gradient",
              "vanishing gradients", "chain rule in neural networks"),
    phrases=("how gradients flow backwards through a neural network", "how a neural network computes its gradients",
             "training a network by passing the error back layer by layer"),
    make=make,
)
