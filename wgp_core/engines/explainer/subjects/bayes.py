"""Bayes' theorem with a medical test: a thousand people, the update in numbers, the effect of the prior."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..layout import Rect
from ..pieces import Discs, Readout, Tiles, blend, rgba, squeeze
from ..scene import Clock, Scene, smooth
from ..stage import Stage
from .base import Subject, Topic

PEOPLE = 1000


@dataclass(frozen=True)
class Test:
    """`prior` is the share of ill people, `hit` P(positive | ill), `false` P(positive | healthy)."""

    prior: float = 0.01
    hit: float = 0.9
    false: float = 0.09

    def posterior(self, prior: Any = None) -> Any:
        """P(ill | positive) by Bayes' theorem, for the test's own prior or for other ones (a number or an array)."""
        p = self.prior if prior is None else prior
        return self.hit * p / (self.hit * p + self.false * (1 - p))

    def counts(self) -> tuple[int, int, int, int]:
        """Of 1000 people, rounded: ill and positive, ill and negative, healthy and positive, healthy and negative."""
        ill = round(PEOPLE * self.prior)
        caught = round(ill * self.hit)
        alarmed = round((PEOPLE - ill) * self.false)
        return caught, ill - caught, alarmed, PEOPLE - ill - alarmed


def percent(share: float) -> str:
    """A share as a percentage with at most three digits."""
    value = 100 * share
    return f"{value:.2f}%" if value < 0.995 else f"{value:.1f}%" if value < 99.95 and value % 1 else f"{value:.0f}%"


class People:
    """The people as dots: scattered over a field, the positive ones walking to a second box."""

    def __init__(self, stage: Stage, field: Rect, box: Rect, test: Test, rng: np.random.Generator) -> None:
        caught, missed, alarmed, _ = test.counts()
        cols = max(round((PEOPLE * field.w / field.h) ** 0.5), 1)
        rows = -(-PEOPLE // cols)
        step = min(field.w / cols, field.h / rows)
        k = np.arange(PEOPLE)
        self.home = np.stack([field.cx + (k % cols - (cols - 1) / 2) * field.w / cols,
                              field.top - (k // cols + 0.5) * field.h / rows], 1)
        order = rng.permutation(PEOPLE)
        self.ill = order[:caught + missed]
        self.positive = np.concatenate([order[:caught], order[caught + missed:caught + missed + alarmed]])
        self.caught = caught
        count = max(len(self.positive), 1)
        wide = max(int(np.ceil((count * box.w / box.h) ** 0.5)), 1)
        gap = min(box.w / wide, box.h / -(-count // wide), step * 1.15)
        j = np.arange(len(self.positive))
        self.away = np.stack([box.x + (j % wide + 0.5) * gap, box.top - (j // wide + 0.5) * gap], 1)
        self.tones = {name: rgba(stage, color) for name, color in (("ill", "bad"), ("alarm", "accent"), ("rest", "s0"))}
        self.tones["rest"] = blend(rgba(stage, "paper"), self.tones["rest"], 0.6)
        self.tones["gone"] = blend(rgba(stage, "paper"), rgba(stage, "faint"), 0.75)
        self.dots = Discs(stage, self.home, step * 0.62, self.tones["rest"])
        self.places = [self.home, self.home + 0.0]
        self.delay = rng.random(len(self.positive)) * 0.35

    def show(self, ill: float, tested: float, walk: float) -> None:
        colors = np.tile(self.tones["rest"], (PEOPLE, 1))
        colors[self.ill] = blend(self.tones["rest"], self.tones["ill"], ill)
        if tested > 0:
            read = int(tested * PEOPLE)
            seen = np.zeros(PEOPLE, dtype=bool)
            seen[np.lexsort((self.home[:, 1], self.home[:, 0]))[:read]] = True
            negative = seen.copy()
            negative[self.positive] = False
            colors[negative] = self.tones["gone"]
            missed = negative.copy()
            missed[np.setdiff1d(np.arange(PEOPLE), self.ill)] = False
            colors[missed] = blend(self.tones["gone"], self.tones["ill"], 0.4)
            alarm = self.positive[self.caught:]
            colors[alarm[seen[alarm]]] = self.tones["alarm"]
        places = self.home.copy()
        if walk > 0:
            go = np.array([smooth(walk * 1.35 - d) for d in self.delay])[:, None]
            places[self.positive] += (self.away - self.home[self.positive]) * go
        self.dots.place(places)
        self.dots.paint(colors)


@dataclass
class Frequencies(Scene):
    """A thousand people, the ill among them, the test, and the positive ones counted apart."""

    test: Test = Test()
    seed: int = 0

    def build(self, stage: Stage) -> None:
        main, side = stage.content.split((1.7, 1), gap=0.45)
        stage.card(side)
        inner = side.inset(0.3, 0.25)
        head, box, *lines = inner.rows((0.8, max(inner.h - 3.4, 1), 0.6, 0.6, 0.9), gap=0.1)
        stage.paragraph(head, "positive tests", "label", color="muted", ha="center")
        caught, missed, alarmed, _ = self.test.counts()
        self.people = People(stage, main.inset(0.1), box, self.test, np.random.default_rng(self.seed))
        share = caught / max(caught + alarmed, 1)
        texts = (f"{caught} ill", f"{alarmed} healthy", f"{caught} of {caught + alarmed}: {percent(share)}")
        self.lines = [stage.moving(stage.text(line.cx, line.cy, "", role, color=color, weight="semibold"))
                      for line, role, color in zip(lines, ("label", "label", "heading"), ("bad", "accent", "ink"),
                                                   strict=True)]
        for artist, text in zip(self.lines, texts, strict=True):
            squeeze(stage, [artist], [text], inner.w)
        self.texts = texts
        self.early = (f"{caught + missed} of {PEOPLE} ill", f"{caught + alarmed} positive", "")

    def draw(self, clock: Clock) -> None:
        self.people.show(clock.ramp(0.06, 0.2), clock.line(0.22, 0.48), clock.line(0.5, 0.82))
        starts = ((0.12, 0.6), (0.48, 0.7), (0.9, 0.82))
        for artist, early, text, (first, then) in zip(self.lines, self.early, self.texts, starts, strict=True):
            artist.set_text(text if clock.u >= then else early if clock.u >= first else "")


@dataclass
class Update(Scene):
    """Prior, times likelihood, rescaled: three pairs of bars growing out of one another, and the formula."""

    test: Test = Test()

    def build(self, stage: Stage) -> None:
        t = self.test
        joint = (t.prior * t.hit, (1 - t.prior) * t.false)
        post = t.posterior()
        self.levels = ((t.prior, 1 - t.prior), joint, (post, 1 - post))
        foot_h = 1.25
        charts, foot = stage.content.rows((stage.content.h - foot_h - 0.2, foot_h), gap=0.2)
        self.columns, self.labels, boxes = [], [], []
        heads = ("before the test", "and positive", "after the test")
        narrow = charts.w < 11
        for rect, head, level in zip(charts.columns(3, gap=0.3), heads, self.levels, strict=True):
            stage.card(rect)
            top, plot = rect.inset(0.15, 0.1).rows((0.8, rect.h - 1.1), gap=0.1)
            stage.paragraph(top, head, "label", color="muted", ha="center")
            frame = Rect(plot.x + 0.1, plot.y + 0.6, plot.w - 0.2, plot.h - 1.15)
            stage.line([frame.x, frame.right], [frame.y, frame.y], color="muted", width=0.03)
            pair = []
            for cell, name, tone, value in zip(frame.columns(2, gap=0.15), ("ill", "healthy"), ("bad", "s0"), level,
                                               strict=True):
                boxes.append((cell.inset(cell.w * 0.14, 0), tone))
                stage.text(cell.cx, frame.y - 0.3, name, "small" if narrow else "label", color=tone)
                label = stage.moving(stage.text(cell.cx, frame.y, "", "label", weight="semibold", zorder=5))
                squeeze(stage, [label], [percent(value)], cell.w + 0.1)
                pair.append(label)
            self.labels.append(pair)
        self.cells = [box for box, _ in boxes]
        self.bars = Tiles(stage, self._boxes([0.0] * 6), np.array([rgba(stage, tone) for _, tone in boxes]))
        self._formula(stage, foot, post)

    def _formula(self, stage: Stage, rect: Rect, post: float) -> None:
        t = self.test
        a, b = f"{t.hit:.3g} \\cdot {t.prior:.3g}", f"{t.false:.3g} \\cdot {1 - t.prior:.4g}"
        text = rf"$P(\mathrm{{ill}}\,|\,+) = \dfrac{{{a}}}{{{a} + {b}}} = {post:.3g}$"
        self.formula = stage.moving(stage.text(*rect.center, text, "heading", color="accent", math=True))
        squeeze(stage, [self.formula], [text], rect.w - 0.3)

    def _boxes(self, heights: list[float]) -> np.ndarray:
        return np.array([[cell.x, cell.y, cell.w, max(cell.h * height, 0.0)]
                         for cell, height in zip(self.cells, heights, strict=True)])

    def draw(self, clock: Clock) -> None:
        first, second, third = clock.ramp(0.02, 0.2), clock.ramp(0.3, 0.5), clock.ramp(0.6, 0.8)
        prior, joint, post = self.levels
        heights = [p * first for p in prior]
        heights += [p + (j - p) * second if clock.u > 0.24 else 0.0 for p, j in zip(prior, joint, strict=True)]
        heights += [j + (q - j) * third if clock.u > 0.55 else 0.0 for j, q in zip(joint, post, strict=True)]
        self.bars.place(self._boxes(heights))
        shown = (clock.u > 0.1, clock.u > 0.24, clock.u > 0.55)
        for k, pair in enumerate(self.labels):
            for j, label in enumerate(pair):
                label.set_text(percent(heights[2 * k + j]) if shown[k] else "")
                cell = self.cells[2 * k + j]
                y = cell.y + cell.h * heights[2 * k + j] + 0.28
                if label.get_position()[1] != y:
                    label.set_y(y)
        self.formula.set_visible(clock.u > 0.7)


@dataclass
class PriorMatters(Scene):
    """What a positive test means, for every share of ill people."""

    test: Test = Test()

    def build(self, stage: Stage) -> None:
        main, side = stage.content.split((2.1, 1), gap=0.4)
        ax = stage.axes(main, xlabel="ill before the test (%)", ylabel="ill if positive (%)", xlim=(0, 100),
                        ylim=(0, 104))
        prior = np.linspace(0, 1, 200)
        ax.plot([0, 100], [0, 100], color=stage.color("faint"), lw=stage.line_width(0.04), ls=(0, (3, 3)))
        ax.plot(100 * prior, 100 * self.test.posterior(prior), color=stage.color("s0"), lw=stage.line_width(0.07))
        stage.text(74, 56, "no test", "label", color="muted", ha="left", on=ax)
        self.drop = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.03))[0])
        self.dot = Discs(stage, np.zeros((1, 2)), 0.3, rgba(stage, "accent"), on=ax, zorder=4, edge="paper")
        self.panel = Readout(stage, side, ("before", "if positive", "factor"), ("100%", "99.9%", "× 10.0"),
                             colors=("ink", "accent", "s0"), title="chance of being ill")

    def draw(self, clock: Clock) -> None:
        rest = self.test.prior
        prior = rest + (0.8 - rest) * (clock.ramp(0.1, 0.55) - clock.ramp(0.62, 0.92))
        post = self.test.posterior(prior)
        self.drop.set_data([100 * prior, 100 * prior, 0], [0, 100 * post, 100 * post])
        self.dot.place(np.array([[100 * prior, 100 * post]]))
        self.panel.show(percent(prior), percent(post), f"× {post / prior:.1f}")


@dataclass
class Repeat(Scene):
    """One positive test after another: each posterior is the next prior."""

    test: Test = Test()
    rounds: int = 4

    def build(self, stage: Stage) -> None:
        self.values = [self.test.prior]
        for _ in range(self.rounds):
            self.values.append(self.test.posterior(self.values[-1]))
        frame = Rect(stage.content.x + 0.3, stage.content.y + 0.75, stage.content.w - 0.6, stage.content.h - 1.5)
        stage.line([frame.x, frame.right], [frame.y, frame.y], color="muted", width=0.03)
        self.cells = frame.columns(self.rounds + 1, gap=0.6)
        for k, cell in enumerate(self.cells):
            stage.text(cell.cx, frame.y - 0.4, "before" if k == 0 else f"{k} positive" if cell.w > 1.5 else f"{k}+",
                       "label", color="muted")
        self.bars = Tiles(stage, self._boxes([0.0] * len(self.values)),
                          np.array([blend(rgba(stage, "s0"), rgba(stage, "bad"), v) for v in self.values]))
        self.labels = [stage.moving(stage.text(cell.cx, 0, "", "body", weight="semibold", zorder=4))
                       for cell in self.cells]

    def _boxes(self, heights: list[float]) -> np.ndarray:
        return np.array([[c.x, c.y, c.w, c.h * v] for c, v in zip(self.cells, heights, strict=True)])

    def draw(self, clock: Clock) -> None:
        i, part = clock.index(0.02, 0.9, len(self.values))
        part = smooth(part / 0.7)
        heights = []
        for k, value in enumerate(self.values):
            before = self.values[k - 1] if k else 0.0
            heights.append(value if k < i else before + (value - before) * part if k == i else 0.0)
        self.bars.place(self._boxes(heights))
        for k, (label, height) in enumerate(zip(self.labels, heights, strict=True)):
            label.set_text(percent(height) if k <= i and height else "")
            label.set_y(self.cells[k].y + self.cells[k].h * height + 0.32)


def _share(text: str, names: tuple[str, ...], low: float, high: float, default: float) -> float:
    """A share said beside one of `names`: "prior 1%", "sensitivity of 0.9", "5% prevalence"."""
    number = r"(\d+(?:\.\d+)?)\s*(%|percent)?"
    for name in names:
        match = (re.search(rf"\b{name}\b(?:\s+rate)?\s*(?:=|:|of|is|at)?\s*{number}", text, re.I)
                 or re.search(rf"{number}\s*(?:of\s+(?:the\s+)?)?{name}\b", text, re.I))
        if match:
            value = float(match.group(1))
            value = value / 100 if match.group(2) or value > 1 else value
            return min(max(value, low), high)
    return default


def read_test(topic: Topic) -> Test:
    """The three shares of the topic; unnamed percentages are prior, sensitivity and false positives in that order."""
    text = topic.text
    plain = [float(n) / 100 for n in re.findall(r"(\d+(?:\.\d+)?)\s*(?:%|percent)", text)]
    plain += [0.01, 0.9, 0.09][len(plain):]
    prior = _share(text, ("prior", "prevalence", "base rate", "incidence", "people", "population"), 0.002, 0.6,
                   min(max(plain[0], 0.002), 0.6))
    hit = _share(text, ("sensitivity", "true positive", "accuracy", "accurate"), 0.3, 1.0,
                 min(max(plain[1], 0.3), 1.0))
    usual = min(max(plain[2], 0.002), 0.6)
    false = _share(text, ("false positive", "false positives", "false alarm", "false alarms"), 0.002, 0.6, usual)
    specificity = _share(text, ("specificity",), 0.4, 0.998, 1 - false)
    return Test(prior, hit, round(1 - specificity, 6))


def make(topic: Topic) -> list[Scene]:
    test = read_test(topic)
    told = f"{percent(test.prior)} are ill. The test finds {percent(test.hit)} of them and errs on " \
        f"{percent(test.false)} of the healthy."
    return [
        Frequencies("What a positive test means", told, test=test, seed=topic.seed, weight=1.3, min_seconds=3),
        Update("Bayes in numbers", "Weigh each case by how well it explains the result, then rescale the two to 100%.",
               test=test),
        PriorMatters("The prior matters", "The rarer the illness, the less a positive test means.", test=test,
                     priority=2),
        Repeat("Test again", "If a second test errs independently, today's posterior is tomorrow's prior.", test=test,
               priority=3),
    ]


SUBJECT = Subject(
    id="bayes",
    title="Bayes' theorem",
    keywords=("bayes", "bayes' theorem", "bayes theorem", "bayesian", "base rate fallacy", "posterior probability"),
    phrases=("how likely is an illness after a positive test", "updating a belief with new evidence",
             "why medical tests give false alarms"),
    make=make,
)
