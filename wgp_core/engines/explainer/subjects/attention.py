"""Self-attention: the weight matrix row by row, one query in detail, and where each word looks."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field

import numpy as np

from ..layout import Rect
from ..parts import NumberGrid, between, ink_on, num, put, signed
from ..pieces import Segments, Tiles, extent, rgba
from ..scene import Clock, Scene, smooth
from ..stage import Stage
from .base import Subject, Topic

MAX_WORDS = 7
MODEL_WIDTH = 16


@dataclass(frozen=True)
class Attention:
    """One head over n words: q, k, v (n, d), scores q k^T / sqrt(d) (n, n), weights = softmax of the rows, out (n, d).

    With `causal`, a word cannot look at later ones: those scores are -inf and the weights 0.
    """

    words: tuple[str, ...]
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    scores: np.ndarray
    weights: np.ndarray
    out: np.ndarray


def softmax(scores: np.ndarray) -> np.ndarray:
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attend(words: tuple[str, ...], seed: int, *, width: int = 4, causal: bool = False) -> Attention:
    """A toy head with seeded random weights. A word's vector depends on the word, the place and the seed alone.

    Keys are made to resemble queries, so that equal and neighbouring words attract each other.
    """
    rng = np.random.default_rng(seed)
    to_q = rng.normal(0, 1, (MODEL_WIDTH, width)) / np.sqrt(MODEL_WIDTH)
    to_k = to_q + 0.6 * rng.normal(0, 1, (MODEL_WIDTH, width)) / np.sqrt(MODEL_WIDTH)
    to_v = rng.normal(0, 1, (MODEL_WIDTH, width)) / np.sqrt(MODEL_WIDTH)
    x = np.array([np.random.default_rng([seed, zlib.crc32(word.lower().encode())]).normal(0, 0.95, MODEL_WIDTH)
                  for word in words])
    x += 0.7 * positions(len(words))
    q, k, v = (np.round(x @ m, 1) for m in (to_q, to_k, to_v))
    scores = q @ k.T / np.sqrt(width)
    if causal:
        scores = np.where(np.tril(np.ones_like(scores)) > 0, scores, -np.inf)
    weights = softmax(scores)
    return Attention(words, q, k, v, scores, weights, weights @ v)


def positions(count: int) -> np.ndarray:
    """Sinusoidal position codes (count, MODEL_WIDTH), as in "Attention Is All You Need"."""
    rate = 1 / 10000 ** (np.arange(0, MODEL_WIDTH, 2) / MODEL_WIDTH)
    angle = np.arange(count)[:, None] * rate
    return np.concatenate([np.sin(angle), np.cos(angle)], 1)


def words_of(text: str) -> tuple[str, ...]:
    """The first words of the quoted sentence in a topic, else those of a stock sentence."""
    match = re.search(r"[\"“«']([^\"”»]{3,}?)[\"”»'](?!\w)", text)
    words = re.findall(r"[^\s.,;:!?…()]+", match.group(1)) if match else []
    return tuple(words[:MAX_WORDS]) if len(words) > 1 else ("the", "cat", "sat", "on", "the", "mat")


def _shorten(stage: Stage, word: str, room: float) -> str:
    """The word, or its beginning with an ellipsis, within `room` stage units at label size."""
    probe = stage.text(0, 0, "", "label")
    shown = word
    while len(shown) > 1 and extent(stage, probe, shown if shown == word else shown + "…")[0] > room:
        shown = shown[:-1]
    probe.remove()
    return shown if shown == word else shown + "…"


# -- scene 1: the matrix ----------------------------------------------------------------------------------------


@dataclass
class Matrix(Scene):
    """Row by row: scores of one word against all, then their softmax as bars and as a row of the heat map."""

    head: Attention = field(default_factory=lambda: attend(("a", "b"), 0))

    def build(self, stage: Stage) -> None:
        self.stage = stage
        left, right = stage.content.split((1.1, 1), gap=0.45)
        self._build_map(stage, left)
        formula, body = right.rows((1.15, max(right.h - 1.35, 1)), gap=0.2)
        stage.card(formula)
        stage.paragraph(formula.inset(0.15, 0.1), r"$\mathrm{softmax}\left(Q K^{\top} / \sqrt{d}\right)\,V$", "body",
                        color="accent", ha="center", math=True)
        self._build_row(stage, body)

    def _build_map(self, stage: Stage, rect: Rect) -> None:
        words = self.head.words
        n = len(words)
        room = min(rect.w * 0.24, 1.7)
        names = [_shorten(stage, word, room - 0.2) for word in words]
        cell = min((rect.w - room) / n, (rect.h - 0.6) / n)
        probe = stage.text(0, 0, "", "label")
        widest = max(extent(stage, probe, name)[0] for name in names)
        probe.remove()
        upright = widest > cell * 0.92
        above = widest + 0.2 if upright else 0.55
        self.grid = NumberGrid(stage, Rect(rect.x + room, rect.y, rect.w - room, rect.h - above), n, n, role="small",
                               chars=3)
        g = self.grid
        for i, name in enumerate(names):
            place = g.cell(i, 0)
            stage.text(g.rect.x - 0.15, place.cy, name, "label", ha="right", color="muted")
            x = g.cell(0, i).cx
            stage.text(x, g.rect.top + 0.12, name, "label", color="muted", rotation=90 if upright else 0, va="bottom")
        self.frame = stage.moving(stage.line([], [], color="accent", width=0.06, zorder=6))

    def _build_row(self, stage: Stage, rect: Rect) -> None:
        words = self.head.words
        rows = rect.rows([1.15] + [1.0] * len(words), gap=0.06)
        self.asking = stage.moving(stage.text(rect.x, rows[0].cy, "", "label", color="accent", ha="left",
                                             weight="semibold"))
        name_w, score_w, value_w = min(rect.w * 0.24, 1.5), min(rect.w * 0.2, 1.1), 0.8
        self.bar_x = rect.x + name_w + score_w + 0.25
        self.bar_w = rect.right - value_w - self.bar_x
        self.scores, self.values = [], []
        self.bar_boxes = np.array([(self.bar_x, row.cy - min(row.h, 0.5) * 0.36, 0.0, min(row.h, 0.5) * 0.72)
                                   for row in rows[1:]])
        self.bars = Tiles(stage, self.bar_boxes, rgba(stage, "s0"), zorder=7)
        for row, word in zip(rows[1:], words, strict=True):
            stage.text(rect.x, row.cy, _shorten(stage, word, name_w), "label", ha="left", color="muted")
            self.scores.append(stage.moving(stage.text(rect.x + name_w + score_w, row.cy, "", "label", ha="right",
                                                       zorder=6)))
            self.values.append(stage.moving(stage.text(rect.right, row.cy, "", "label", ha="right", zorder=8,
                                                       weight="semibold")))

    def draw(self, clock: Clock) -> None:
        head = self.head
        n = len(head.words)
        i, part = clock.index(0.02, 0.95, n)
        grown = smooth((part - 0.35) / 0.5)
        for r in range(n):
            for c in range(n):
                shown = 1.0 if r < i else grown if r == i else 0.0
                self._show_cell(r, c, shown)
        self.asking.set_text(f"“{head.words[i]}” asks: score, weight")
        boxes = self.bar_boxes.copy()
        boxes[:, 2] = head.weights[i] * grown * self.bar_w
        self.bars.place(boxes)
        for j in range(n):
            score, here = head.scores[i, j], part > 0.05 + 0.3 * j / n
            self.scores[j].set_text((num(score, 1, sign=True) if np.isfinite(score) else "−∞") if here else "")
            self.values[j].set_text(f"{head.weights[i, j]:.2f}" if grown > 0.5 else "")
        row = self.grid.window(i, 0, 1)
        right = self.grid.rect.right
        put(self.frame, data=((row.x, right, right, row.x, row.x), (row.y, row.y, row.top, row.top, row.y)))

    def _show_cell(self, row: int, column: int, shown: float) -> None:
        weight = float(self.head.weights[row, column])
        level = round(shown * 8) / 8  # a few steps are enough, and most frames then change nothing
        if level == 0 or weight == 0:
            self.grid.clear(row, column)
            return
        color = between(self.stage, "panel", "s0", level * min(0.08 + 1.1 * weight, 1))
        text = f"{weight:.2f}".removeprefix("0") if shown > 0.5 else ""
        self.grid.fill(row, column, text, color)


# -- scene 2: one query in detail -------------------------------------------------------------------------------


@dataclass
class OneQuery(Scene):
    """The query's dot product with every key, the softmax, and the values added up by their weights."""

    head: Attention = field(default_factory=lambda: attend(("a", "b"), 0))
    row: int = 1

    def build(self, stage: Stage) -> None:
        self.stage = stage
        head = self.head
        n, d = head.q.shape
        self.order = np.argsort(-head.weights[self.row], kind="stable")[:min(n, 5 if stage.unit_px > 40 else 4)]
        self.order.sort()
        count = len(self.order)
        rows = stage.content.rows([1.0, 0.7] + [1.0] * count + [0.25, 1.0], gap=0.06)
        wide = stage.content.landscape
        columns, gap = ((1.3, 1.9, 1.0, 1.0, 1.9), 0.2) if wide else ((0.9, 2.3, 1.0, 0.9, 2.3), 0.1)
        self.query = self._vector(stage, rows[0].columns(columns, gap=gap)[1], d)
        first = rows[0].columns(columns, gap=gap)
        stage.text(first[0].x, first[0].cy, _shorten(stage, f"q: {head.words[self.row]}", first[0].w), "label",
                   color="accent", ha="left", weight="semibold")
        heads = ("word", "key k", "q·k/√d", "weight", "value v")
        for cell, name in zip(rows[1].columns(columns, gap=gap), heads, strict=True):
            stage.text(*cell.center, name, "label", color="muted")
        self.keys, self.values, self.scores, self.weights = [], [], [], []
        for line, j in zip(rows[2:2 + count], self.order, strict=True):
            cells = line.columns(columns, gap=gap)
            stage.text(*cells[0].center, _shorten(stage, head.words[j], cells[0].w), "label")
            self.keys.append(self._vector(stage, cells[1], d))
            self.scores.append(stage.moving(stage.text(*cells[2].center, "", "label", weight="semibold")))
            self.weights.append(self._weight(stage, cells[3]))
            self.values.append(self._vector(stage, cells[4], d))
        last = rows[-1].columns(columns, gap=gap)
        x = last[0].x
        name = f"output: values of all {n} words, added up by weight" if stage.content.w > 10 else "output Σ w·v"
        stage.text(x, rows[-1].cy, name, "label", color="good", ha="left", weight="semibold")
        self.out = self._vector(stage, last[4], d)

    def _vector(self, stage: Stage, rect: Rect, width: int) -> NumberGrid:
        return NumberGrid(stage, Rect(rect.x, rect.cy - min(rect.h, 0.9) / 2, rect.w, min(rect.h, 0.9)), 1, width,
                          role="small", chars=4)

    def _weight(self, stage: Stage, rect: Rect):
        text = stage.moving(stage.text(*rect.center, "", "label", weight="semibold", zorder=5))
        bar = Tiles(stage, np.array([(rect.x, rect.cy - 0.24, 0.0, 0.48)]), rgba(stage, "s0", 0.55), zorder=4)
        return text, bar, rect

    def _paint(self, grid: NumberGrid, vector: np.ndarray, shown: float) -> None:
        for c, value in enumerate(vector):
            color = signed(self.stage, float(np.clip(value / 2.5, -1, 1)) * round(shown * 6) / 6)
            grid.fill(0, c, num(value, 1) if shown > 0.5 else "", color)

    def draw(self, clock: Clock) -> None:
        head, i, count = self.head, self.row, len(self.order)
        self._paint(self.query, head.q[i], clock.ramp(0.0, 0.06))
        at = clock.line(0.06, 0.5) * count
        soft = clock.ramp(0.52, 0.66)
        for n, j in enumerate(self.order):
            self._paint(self.keys[n], head.k[j], smooth((at - n) * 2.5))
            score = head.scores[i, j]
            self.scores[n].set_text((num(score, 2, sign=True) if np.isfinite(score) else "−∞") if at > n + 0.6 else "")
            text, bar, rect = self.weights[n]
            bar.place(np.array([(rect.x, rect.cy - 0.24, rect.w * head.weights[i, j] * soft, 0.48)]))
            text.set_text(f"{head.weights[i, j]:.2f}" if soft > 0.5 else "")
            added = clock.line(0.68, 0.92) * count
            self._paint(self.values[n], head.v[j], smooth((added - n) * 2))
        added = clock.line(0.68, 0.92) * count
        part = np.array([smooth(added - n) for n in range(count)])
        sums = (part[:, None] * head.weights[i, self.order, None] * head.v[self.order]).sum(0)
        self._paint(self.out, head.out[i] if clock.u >= 0.92 else sums, 1.0 if added > 0.1 else 0.0)


# -- scene 3: where each word looks -----------------------------------------------------------------------------


@dataclass
class Looks(Scene):
    """Two columns of the words; the lines from the asking word are as thick as the weights."""

    head: Attention = field(default_factory=lambda: attend(("a", "b"), 0))

    def build(self, stage: Stage) -> None:
        self.stage = stage
        words = self.head.words
        area = stage.content
        top, body = area.rows((0.6, max(area.h - 0.75, 1)), gap=0.15)
        width = min(area.w * 0.28, 3.0)
        lefts, rights = area.cx - area.w * 0.3 - width / 2, area.cx + area.w * 0.3 + width / 2
        stage.text(lefts + width / 2, top.cy, "asks (query)", "label", color="accent")
        stage.text(rights - width / 2, top.cy, "is looked at (key)", "label", color="s0")
        rows = body.rows(len(words), gap=0.12)
        self.boxes: list[Tiles] = []
        self.ends = lefts + width, rights - width
        self.ys = [row.cy for row in rows]
        box = np.array([(x, row.y, width, row.h) for x in (lefts, rights - width) for row in rows])
        panel = np.tile(rgba(stage, "panel"), (len(box), 1))
        self.tiles = Tiles(stage, box, panel, zorder=2)
        self.links = Segments(stage, [np.array([(self.ends[0], a), (self.ends[1], b)]) for a in self.ys
                                      for b in self.ys], rgba(stage, "s0"), zorder=1)
        self.names = []
        for side, x in ((0, lefts), (1, rights - width)):
            for row, word in zip(rows, words, strict=True):
                shift = -0.42 * side * (width > 2)
                self.names.append(stage.moving(stage.text(x + width / 2 + shift, row.cy,
                                                          _shorten(stage, word, width - 0.3 - 0.9 * side), "body",
                                                          zorder=3)))
        self.values = [stage.moving(stage.text(rights - 0.15, row.cy, "", "label", ha="right", zorder=4))
                       for row in rows]

    def draw(self, clock: Clock) -> None:
        stage, weights = self.stage, self.head.weights
        n = len(self.ys)
        i, part = clock.index(0.0, 0.97, n)
        last = i == n - 1
        x = i + (0 if last else smooth((part - 0.75) / 0.25))
        share = np.maximum(1 - np.abs(np.arange(n) - x), 0)  # how much each query is the present one
        strength = share[:, None] * weights
        self.links.paint(np.array([[*rgba(stage, "s0")[:3], min(0.12 + s * 1.1, 1) if s > 0.005 else 0]
                                   for s in strength.ravel()]), np.round(0.02 + 0.3 * strength.ravel(), 3))
        seen = strength.sum(0)
        panel, blue, warm = rgba(stage, "panel"), rgba(stage, "s0"), rgba(stage, "accent")
        left = panel + (warm - panel) * (0.85 * share)[:, None]
        right = panel + (blue - panel) * np.minimum(seen * 1.1, 1)[:, None]
        colors = np.vstack([left, right])
        self.tiles.paint(colors)
        for name, color in zip(self.names, colors, strict=True):
            put(name, color=ink_on(stage, (color[0], color[1], color[2])))
        for value, weight, color in zip(self.values, seen, right, strict=True):
            put(value, text=f"{weight:.2f}", color=ink_on(stage, (color[0], color[1], color[2])))


def make(topic: Topic) -> list[Scene]:
    words = words_of(topic.text)
    causal = topic.mentions("causal", "masked", "mask", "decoder", "gpt")
    width = int(topic.numbers.after("d_k", "dk", "d", low=2, high=5, default=4))
    head = attend(words, topic.seed, width=width, causal=causal)
    asks = int(np.argmax(np.where(np.arange(len(words)) > 0, head.weights.max(1), 0)))
    whom = "itself and those before" if causal else "every word"
    return [
        Matrix("Causal self-attention" if causal else "Self-attention", f"In this toy head each word scores {whom}; "
               "softmax makes weights that add up to 1.", weight=1.4, head=head),
        OneQuery("One query, step by step", "Dot products with the keys give the weights; the output is the weighted "
                 "sum of the values.", priority=2, head=head, row=asks),
        Looks("Where each word looks", "The thicker the line, the more of that word's value flows in (a toy head with "
              "random weights).", priority=2, head=head),
    ]


SUBJECT = Subject(
    id="attention",
    title="Self-attention",
    keywords=("attention", "self-attention", "self attention", "transformer", "transformers", "scaled dot-product",
              "query key value", "multi-head attention"),
    phrases=("how attention works in a transformer", "how words look at each other in a language model",
             "queries, keys and values"),
    make=make,
)
