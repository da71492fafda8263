"""Where the boxes of a concept map go: networkx proposes, boxes are pushed apart, the tidiest proposal wins."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from ..layout import Rect

GAP = 0.28
Size = tuple[float, float]
Edge = tuple[int, int]


@dataclass(frozen=True)
class MapLayout:
    """Centres of the boxes, and for every edge the place of its label's centre (None: no room for it)."""

    centres: tuple[tuple[float, float], ...]
    labels: tuple[tuple[float, float] | None, ...]
    cost: float


def lay_out(sizes: Sequence[Size], edges: Sequence[Edge], label_sizes: Sequence[Size], area: Rect) -> MapLayout | None:
    """The best layout found in which no two boxes overlap and all lie in `area`; None if there is none."""
    best: MapLayout | None = None
    for proposal in _proposals(len(sizes), edges, area):
        for share in (1.0, 0.8, 0.6):
            centres = _push_apart(_spread(proposal, sizes, area, share), sizes, area)
            if centres is None:
                continue
            made = _judge(centres, sizes, edges, label_sizes, area)
            if best is None or made.cost < best.cost - 1e-9:
                best = made
    return best


def _proposals(count: int, edges: Sequence[Edge], area: Rect) -> list[np.ndarray]:
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(edges)
    found = [nx.circular_layout(graph)]
    if count <= 4:
        found.append({n: np.array([float(n), 0.0]) for n in range(count)})
    if nx.is_connected(graph):
        found.append(nx.kamada_kawai_layout(graph))
    found.extend(nx.spring_layout(graph, seed=seed, iterations=80, k=1.6 / math.sqrt(count)) for seed in range(6))
    hub = max(range(count), key=lambda n: (graph.degree[n], -n))
    if count > 2:
        around = [n for n in range(count) if n != hub]
        found.append(nx.shell_layout(graph, nlist=[[hub], around]))
    layers = _layers(graph, edges)
    for axis in ("vertical", "horizontal"):
        for name, layer in layers.items():
            graph.nodes[name]["layer"] = layer
        placed = nx.multipartite_layout(graph, subset_key="layer", align=axis)
        flip = np.array([1, -1]) if axis == "horizontal" else np.array([1, 1])
        found.append({name: place * flip for name, place in placed.items()})
    arrays = [np.array([places[n] for n in range(count)], dtype=float) for places in found]
    turned = [np.column_stack([-a[:, 1], a[:, 0]]) for a in arrays[1:4]]
    return [a if area.landscape else np.column_stack([a[:, 1], a[:, 0]]) for a in arrays] + turned


def _layers(graph: nx.Graph, edges: Sequence[Edge]) -> dict[int, int]:
    """Steps from the first term, along the text's own direction where that reaches."""
    layers: dict[int, int] = {}
    for start in [e[0] for e in edges] + list(graph.nodes):
        if start in layers:
            continue
        depth = nx.single_source_shortest_path_length(graph, start)
        for name, level in depth.items():
            layers.setdefault(name, level)
    return layers


def _spread(places: np.ndarray, sizes: Sequence[Size], area: Rect, reach: float) -> np.ndarray:
    """Stretch a proposal so that its boxes take the share `reach` of the area, in its middle."""
    half = np.array(sizes) / 2
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.where(high - low < 1e-6, 1.0, high - low)
    share = 0.5 + (np.where(high - low < 1e-6, 0.5, (places - low) / span) - 0.5) * reach
    corner = np.array([area.x, area.y]) + half
    room = np.array([area.w, area.h]) - 2 * half
    return corner + share * room


def _push_apart(centres: np.ndarray, sizes: Sequence[Size], area: Rect) -> np.ndarray | None:
    """Move overlapping boxes along the shorter way out; None where that does not settle."""
    centres, half = centres.copy(), np.array(sizes) / 2
    low = np.array([area.x, area.y]) + half
    high = np.array([area.right, area.top]) - half
    if (high < low - 1e-6).any():
        return None
    high = np.maximum(high, low)
    count = len(centres)
    for turn in range(260):
        clear = True
        for i, j in itertools.combinations(range(count), 2):
            delta = centres[j] - centres[i]
            over = half[i] + half[j] + GAP - np.abs(delta)
            if (over > 1e-6).all():
                clear = False
                axis = int(over[1] < over[0]) if turn % 7 else int(over[1] > over[0])
                sign = 1.0 if delta[axis] > 0 or (delta[axis] == 0 and i < j) else -1.0
                step = np.zeros(2)
                step[axis] = sign * (over[axis] / 2 + 0.005)
                centres[i] -= step
                centres[j] += step
        centres = np.clip(centres, low, high)
        if clear:
            return centres
    return None


def _judge(centres: np.ndarray, sizes: Sequence[Size], edges: Sequence[Edge], label_sizes: Sequence[Size],
           area: Rect) -> MapLayout:
    boxes = [Rect(x - w / 2, y - h / 2, w, h) for (x, y), (w, h) in zip(centres, sizes, strict=True)]
    cost = 0.0
    segments = [clip(boxes[a], boxes[b]) for a, b in edges]
    for (a, b), (p, q), label in zip(edges, segments, label_sizes, strict=True):
        cost += 6.0 * sum(crosses_box(p, q, box) for i, box in enumerate(boxes) if i not in (a, b))
        length = math.dist(p, q)
        lying = abs(q[0] - p[0]) / max(length, 1e-6)
        ideal = 1.1 + label[0] * lying + label[1] * (1 - lying)
        cost += 0.3 * abs(length - ideal) + (2.0 if length < 0.5 else 0.0)
    for (e, s), (f, t) in itertools.combinations(zip(edges, segments, strict=True), 2):
        if not set(e) & set(f) and _cross(*s, *t):
            cost += 3.0
    labels: list[tuple[float, float] | None] = []
    taken = [_grown(box, 0.05) for box in boxes]
    for (p, q), size in zip(segments, label_sizes, strict=True):
        place = _label_place(p, q, size, taken, area, segments) if size[0] else None
        if size[0] and place is None:
            cost += 5.0
        labels.append(place)
        if place:
            taken.append(_around(place, size))
    spread = np.ptp(centres, axis=0) / np.array([area.w, area.h])
    cost -= (2.0 if len(boxes) > 3 else 0.0) * float(spread.min()) + 0.6 * float(spread.max())
    cost -= 0.8 * float(spread[0 if area.landscape else 1])
    cost += _against_reading(centres, edges, area)
    return MapLayout(tuple((float(x), float(y)) for x, y in centres), tuple(labels), cost)


def _against_reading(centres: np.ndarray, edges: Sequence[Edge], area: Rect) -> float:
    """Costs for arrows that run right to left or upwards, and for a first term that is not where reading starts."""
    along, down = (0, 1) if area.landscape else (1, 0)
    sign = 1.0 if area.landscape else -1.0
    back = sum(sign * (centres[b][along] - centres[a][along]) < -0.3 for a, b in edges)
    tilt = abs(centres[0][down] - centres[1][down]) if len(centres) == 2 else 0.0
    first = sign * (centres[0][along] - centres[:, along].mean()) > 0.5
    return 0.5 * back + 0.8 * float(first) + 0.8 * float(tilt)


def _label_place(p: tuple[float, float], q: tuple[float, float], size: Size, taken: list[Rect], area: Rect,
                 segments: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> tuple[float, float] | None:
    """A place on the edge, near its middle, where the label covers no box, no label and preferably no other edge."""
    fallback = None
    for share in (0.5, 0.44, 0.56, 0.38, 0.62, 0.32, 0.68):
        place = (p[0] + (q[0] - p[0]) * share, p[1] + (q[1] - p[1]) * share)
        box = _around(place, size)
        if box.x < area.x or box.right > area.right or box.y < area.y or box.top > area.top:
            continue
        if any(overlap(box, other) for other in taken):
            continue
        crossed = sum((s, t) != (p, q) and crosses_box(s, t, box) for s, t in segments)
        if not crossed:
            return place
        fallback = fallback or place
    return fallback


def _around(place: tuple[float, float], size: Size) -> Rect:
    return Rect(place[0] - size[0] / 2, place[1] - size[1] / 2, *size)


def _grown(box: Rect, by: float) -> Rect:
    return Rect(box.x - by, box.y - by, box.w + 2 * by, box.h + 2 * by)


def overlap(a: Rect, b: Rect) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.top and b.y < a.top


def clip(a: Rect, b: Rect, gap: float = 0.06) -> tuple[tuple[float, float], tuple[float, float]]:
    """The part of the line between two boxes' centres that lies outside both."""
    return _exit(a, b.center, gap), _exit(b, a.center, gap)


def _exit(box: Rect, towards: tuple[float, float], gap: float) -> tuple[float, float]:
    dx, dy = towards[0] - box.cx, towards[1] - box.cy
    length = math.hypot(dx, dy) or 1.0
    share = min((box.w / 2) / abs(dx) if dx else math.inf, (box.h / 2) / abs(dy) if dy else math.inf, 1.0)
    share = min(share + gap / length, 1.0)
    return box.cx + dx * share, box.cy + dy * share


def crosses_box(p: tuple[float, float], q: tuple[float, float], box: Rect) -> bool:
    """Whether the segment p-q touches the box (Liang-Barsky clipping)."""
    low, high = 0.0, 1.0
    for start, delta, least, most in ((p[0], q[0] - p[0], box.x, box.right), (p[1], q[1] - p[1], box.y, box.top)):
        if abs(delta) < 1e-12:
            if not least <= start <= most:
                return False
            continue
        near, far = sorted(((least - start) / delta, (most - start) / delta))
        low, high = max(low, near), min(high, far)
    return low <= high


def _cross(p: tuple[float, float], q: tuple[float, float], r: tuple[float, float], s: tuple[float, float]) -> bool:
    def side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    return side(p, q, r) * side(p, q, s) < 0 and side(r, s, p) * side(r, s, q) < 0
