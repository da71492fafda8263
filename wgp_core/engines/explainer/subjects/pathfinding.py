"""Path finding: breadth-first search, Dijkstra and A* on one weighted grid, and Dijkstra on a small graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_hex

from ..layout import Rect
from ..pieces import Discs, Readout, Segments, Tiles, blend, rgba, tint
from ..scene import Clock, Scene, mix, smooth
from ..stage import Stage
from .base import Subject, Topic
from .pathfinding_search import MUD_COST, Cell, Step, World, dijkstra_steps, graph_weights, make_world, search

NAMES = {"bfs": "Breadth-first", "dijkstra": "Dijkstra", "a*": "A*"}
TINTS = {"bfs": "s4", "dijkstra": "s0", "a*": "s2"}


def world_for(rect: Rect, cells: int, seed: int) -> World:
    """A world of about `cells` cells whose shape fills `rect`."""
    side = (rect.w * rect.h / cells) ** 0.5
    return make_world(max(round(rect.w / side), 6), max(round(rect.h / side), 6), seed)


class GridView:
    """A world drawn in a rectangle, showing a search after some number of expansions."""

    def __init__(self, stage: Stage, rect: Rect, world: World, method: str) -> None:
        rows, cols = world.cost.shape
        side = min(rect.w / cols, rect.h / rows)
        self.world, self.found = world, search(world, method)
        x0, y0 = rect.cx - side * cols / 2, rect.cy - side * rows / 2
        self.box = Rect(x0, y0, side * cols, side * rows)
        self._side = side
        r, c = np.mgrid[:rows, :cols]
        gap = side * 0.05
        boxes = np.stack([x0 + c * side + gap, y0 + (rows - 1 - r) * side + gap,
                          np.full(r.shape, side - 2 * gap), np.full(r.shape, side - 2 * gap)], -1).reshape(-1, 4)
        mud = blend(rgba(stage, "panel"), rgba(stage, "s1"), 0.32)
        self._base = np.where((world.cost == 0)[..., None], rgba(stage, "muted"),
                              np.where((world.cost == MUD_COST)[..., None], mud, rgba(stage, "panel")))
        self._paint_path(stage, boxes, method)

    def _paint_path(self, stage: Stage, boxes: np.ndarray, method: str) -> None:
        self._edge, self._fill = rgba(stage, "accent"), rgba(stage, TINTS[method])
        self.tiles = Tiles(stage, boxes, self._base.reshape(-1, 4))
        self._points = np.array([self._at(cell) for cell in self.found.path])
        width = max(self._side * 0.26, 0.07)
        self._under = stage.moving(stage.line([], [], color="paper", width=width * 1.9, zorder=3))
        self._path = stage.moving(stage.line([], [], color="ink", width=width, zorder=3.1))
        ends = np.array([self._at(self.world.start), self._at(self.world.goal)])
        self._ends = Discs(stage, ends, self._side * 0.74, np.stack([rgba(stage, "good"), rgba(stage, "bad")]),
                           moving=True, zorder=4, edge="paper")
        self._walker = Discs(stage, ends[:1], self._side * 0.62, rgba(stage, "ink"), zorder=5, edge="paper")

    def _at(self, cell: Cell) -> tuple[float, float]:
        rows = self.world.cost.shape[0]
        return self.box.x + (cell[1] + 0.5) * self._side, self.box.y + (rows - 0.5 - cell[0]) * self._side

    def show(self, expansions: int, path: float = 0.0) -> None:
        """The state after that many expansions, with the fraction `path` of the way drawn."""
        colors = self._base.copy()
        count = min(expansions, len(self.found.expanded))
        if count:
            done = np.array(self.found.expanded[:count])
            under = colors[done[:, 0], done[:, 1]]
            colors[done[:, 0], done[:, 1]] = under + (self._fill - under) * np.linspace(0.3, 0.72, count)[:, None]
            for cell in self.found.frontiers[count - 1] if not path else ():
                colors[cell] = blend(colors[cell], self._edge, 0.75)
        self.tiles.paint(colors.reshape(-1, 4))
        points = self._points[:1] if not path or not len(self._points) else self._along(path)
        self._path.set_visible(path > 0)
        self._under.set_visible(path > 0)
        if path > 0:
            self._path.set_data(points[:, 0], points[:, 1])
            self._under.set_data(points[:, 0], points[:, 1])
        self._walker.collection.set_visible(path > 0)
        self._walker.place(points[-1:])

    def _along(self, part: float) -> np.ndarray:
        reach = part * (len(self._points) - 1)
        k = min(int(reach), len(self._points) - 2)
        tip = self._points[k] + (self._points[k + 1] - self._points[k]) * (reach - k)
        return np.vstack([self._points[:k + 1], tip])


@dataclass
class Explore(Scene):
    """One search on a large grid: the expanded cells spread in their real order, then the path is walked."""

    method: str = "a*"
    seed: int = 0

    def build(self, stage: Stage) -> None:
        main, side = stage.content.split((2.5, 1), gap=0.45)
        self.grid = GridView(stage, main, world_for(main, 330, self.seed), self.method)
        formulas = {"a*": r"least $f = g + h$", "dijkstra": r"least $g$ first", "bfs": "first in, first out"}
        box, key = side.rows((3.1, 1.15) if side.h > 4.4 else (1.9, 1.1), gap=0.25)
        self.panel = Readout(stage, box, ("expanded", "frontier", "path cost"), ("000", "00", "000"),
                             formula=formulas[self.method], colors=(TINTS[self.method], "accent", "ink"))
        self._legend(stage, key)

    def _legend(self, stage: Stage, rect: Rect) -> None:
        mud = to_hex(tuple(blend(rgba(stage, "panel"), rgba(stage, "s1"), 0.32)))
        entries = (("good", "start"), ("bad", "goal"), ("muted", "wall"), (mud, f"mud: {MUD_COST}"))
        rows = rect.rows(2, gap=0.1)
        for k, (color, name) in enumerate(entries):
            cell = rows[k // 2].columns(2, gap=0.1)[k % 2]
            Discs(stage, np.array([[cell.x + 0.2, cell.cy]]), 0.28, rgba(stage, color), moving=False)
            stage.paragraph(Rect(cell.x + 0.48, cell.y, cell.w - 0.48, cell.h), name, "label", color="muted")

    def draw(self, clock: Clock) -> None:
        found = self.grid.found
        count = round(clock.line(0.03, 0.68) * len(found.expanded))
        walked = clock.ramp(0.7, 0.94)
        self.grid.show(count, walked)
        frontier = len(found.frontiers[count - 1]) if count else 1
        self.panel.show(f"{count}", f"{frontier}", f"{found.cost}" if count == len(found.expanded) else "…")


@dataclass
class Race(Scene):
    """The three searches on one world at the same pace: whoever expands fewer cells is done first."""

    methods: tuple[str, ...] = ("a*", "dijkstra", "bfs")
    seed: int = 0

    def build(self, stage: Stage) -> None:
        self.views, self.counts, self.costs = [], [], []
        world = None
        for rect, method in zip(stage.content.split(3, gap=0.35), self.methods, strict=True):
            beside = rect.w > 1.3 * rect.h
            plot, label = rect.columns((1.9, 1), gap=0.3) if beside else rect.rows((rect.h - 1.5, 1.5), gap=0)
            world = world or world_for(plot, 170, self.seed)
            self.views.append(GridView(stage, plot, world, method))
            lines = label.rows((1, 1, 1, 1, 1))[1:4] if beside else label.inset(0, 0.05).rows(2, gap=0)
            name, *rest = lines if beside else (lines[0], lines[1], lines[1])
            left = "left" if beside else "center"
            x = label.x if beside else label.cx
            stage.text(x, name.cy, NAMES[method], "body", color=TINTS[method], ha=left, weight="semibold")
            self.counts.append(stage.moving(stage.text(x, rest[0].cy, "", "label", ha=left)))
            self.costs.append(stage.moving(stage.text(x, rest[1].cy, "", "label", ha=left)) if beside else None)
        self.most = max(len(view.found.expanded) for view in self.views)

    def draw(self, clock: Clock) -> None:
        count = round(clock.line(0.03, 0.72) * self.most)
        for view, text, cost in zip(self.views, self.counts, self.costs, strict=True):
            total = len(view.found.expanded)
            finish = 0.03 + 0.69 * total / self.most
            view.show(min(count, total), clock.ramp(finish, min(finish + 0.2, 0.96)))
            steps, price = f"{min(count, total)} cells", f"cost {view.found.cost if count >= total else '…'}"
            text.set_text(steps if cost else f"{steps}, {price}")
            if cost:
                cost.set_text(price)


GRAPH_NODES = {"A": (0.0, 0.55), "B": (0.22, 0.95), "C": (0.27, 0.35), "D": (0.52, 0.68), "E": (0.55, 0.04),
               "F": (0.78, 0.98), "G": (0.80, 0.34), "H": (1.0, 0.66)}


@dataclass
class Graph(Scene):
    """Dijkstra on eight nodes: the nearest is settled, its edges are tried, distances fall."""

    seed: int = 0

    def build(self, stage: Stage) -> None:
        weights = graph_weights(self.seed)
        self.steps, self.parent = dijkstra_steps(weights)
        main, side = stage.content.split((2.5, 1), gap=0.45)
        inner = Rect(main.x + 0.6, main.y + 0.95, main.w - 1.2, main.h - 1.55)
        self.at = {n: np.array(inner.at(*xy)) for n, xy in GRAPH_NODES.items()}
        self.edges = list(weights)
        grey = rgba(stage, "faint")
        self.tones = {"off": grey, "try": rgba(stage, "accent"), "tree": rgba(stage, "good")}
        self.lines = Segments(stage, [np.array([self.at[a], self.at[b]]) for a, b in self.edges],
                              np.tile(grey, (len(self.edges), 1)), width=0.07)
        self.pulse = Discs(stage, self.at["A"][None], 0.3, rgba(stage, "accent"), zorder=6, edge="paper")
        for (a, b), weight in weights.items():
            along = self.at[b] - self.at[a]
            across = np.array([-along[1], along[0]]) / np.hypot(*along)
            x, y = self.at[a] + along * 0.5 + across * 0.3
            stage.text(x, y, f"{weight}", "label")
        self.discs = Discs(stage, np.array(list(self.at.values())), 0.86, rgba(stage, "panel"), edge="s0", zorder=3)
        for name, (x, y) in self.at.items():
            stage.moving(stage.text(x, y, name, "label", weight="bold", zorder=4))
        self.shown = {name: stage.moving(stage.text(x, y - 0.68, "∞", "label", color="muted", weight="semibold",
                                                    zorder=4)) for name, (x, y) in self.at.items()}
        self.fills = (rgba(stage, "panel"), blend(rgba(stage, "panel"), rgba(stage, "good"), 0.55),
                      blend(rgba(stage, "panel"), rgba(stage, "accent"), 0.6))
        self.inks = {name: stage.color(name) for name in ("muted", "accent", "good")}
        self.panel = Readout(stage, side, ("now at", "try edge", "sum", "known", "result"),
                             ("A", "A – B", "10 + 9 = 19", "∞", "too long"), title="distance from A")

    def draw(self, clock: Clock) -> None:
        i, part = clock.index(0.02, 0.86, len(self.steps))
        step = self.steps[i]
        before = self.steps[i - 1].distances if i else dict.fromkeys(step.distances, np.inf)
        known = step.distances if part > 0.55 else before
        self._paint(step, clock.u > 0.9)
        start, end = self.at[step.node], self.at[step.to or step.node]
        self.pulse.place((start + (end - start) * mix(0.12, 0.88, smooth(part / 0.6)))[None])
        show = bool(step.to) and part < 1
        if show != self.pulse.collection.get_visible():
            self.pulse.collection.set_visible(show)
        for name, artist in self.shown.items():
            artist.set_text("∞" if np.isinf(known[name]) else f"{known[name]:g}")
            changed = name == step.to and step.better and part > 0.55
            tint(artist, self.inks["good" if name in step.settled else "accent" if changed else "muted"])
        if step.to:
            at, weight, was = step.trial
            verdict = "" if part < 0.55 else "shorter" if step.better else "too long"
            self.panel.show(step.node, f"{step.node} – {step.to}", f"{at:g} + {weight:g} = {at + weight:g}",
                            "∞" if np.isinf(was) else f"{was:g}", verdict)
        else:
            self.panel.show(step.node, "", "", f"{step.distances[step.node]:g}", "settled")

    def _paint(self, step: Step, over: bool) -> None:
        kinds = []
        for a, b in self.edges:
            tree = any(self.parent.get(x) == y and x in step.settled for x, y in ((a, b), (b, a)))
            kinds.append("try" if step.to and {a, b} == {step.node, step.to} else "tree" if tree else "off")
        self.lines.paint(np.array([self.tones[kind] for kind in kinds]),
                         np.array([0.05 if kind == "off" else 0.1 for kind in kinds]))
        fills = [self.fills[2 if n == step.node and not over else 1 if n in step.settled else 0] for n in self.at]
        self.discs.paint(np.array(fills))


def _hero(topic: Topic) -> str:
    """The method the topic names first; A* when it names none."""
    text = topic.text.lower()
    words = {"a*": ("a*", "a star", "a-star"), "dijkstra": ("dijkstra",),
             "bfs": ("bfs", "breadth-first", "breadth first")}
    places = {m: min((text.find(w) for w in names if w in text), default=-1) for m, names in words.items()}
    named = [m for m, place in places.items() if place >= 0]
    return min(named, key=lambda m: places[m]) if named else "a*"


def make(topic: Topic) -> list[Scene]:
    hero = _hero(topic)
    others = tuple(m for m in ("a*", "dijkstra", "bfs") if m != hero)
    told = {"a*": "A* adds the distance travelled and a guess of what remains, so it leans towards the goal.",
            "dijkstra": "Dijkstra always expands the cheapest cell reached so far, in every direction.",
            "bfs": "Breadth-first search expands in rings, by number of steps, and does not see the mud."}
    titles = {"a*": "A* heads for the goal", "dijkstra": "Dijkstra on a grid", "bfs": "Breadth-first search"}
    explore = Explore(titles[hero], told[hero], method=hero, seed=topic.seed, weight=1.3,
                      priority=2 if hero == "dijkstra" else 1, min_seconds=3)
    race = Race("Three searches, one pace", "All move at one pace. A* and Dijkstra pay the least; A* expands fewer "
                "cells.", methods=(hero, *others), seed=topic.seed + 1, min_seconds=3)
    graph = Graph("Dijkstra on a graph", "Settle the nearest node, then see whether its edges shorten the way to "
                  "others.", seed=topic.seed, weight=1.5, priority=1 if hero == "dijkstra" else 2, min_seconds=5)
    return [graph, race, explore] if hero == "dijkstra" else [explore, race, graph]


SUBJECT = Subject(
    id="pathfinding",
    title="Path finding",
    keywords=("pathfinding", "path finding", "shortest path", "dijkstra", "a* search", "a* algorithm", "a star search",
              "breadth-first search", "breadth first search", "bfs"),
    phrases=("how a navigation app finds the shortest route", "finding a way through a maze or grid with obstacles",
             "how game characters find their way around walls"),
    make=make,
)
