"""The searches behind the path finding scenes: worlds, breadth-first search, Dijkstra and A*, Dijkstra on a graph."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

MUD_COST = 4
METHODS = ("bfs", "dijkstra", "a*")
Cell = tuple[int, int]


@dataclass(frozen=True)
class World:
    """A grid of costs, (rows, columns): 0 is a wall, otherwise the cost of entering the cell."""

    cost: np.ndarray
    start: Cell
    goal: Cell

    def neighbours(self, cell: Cell) -> list[Cell]:
        r, c = cell
        around = ((r, c + 1), (r - 1, c), (r + 1, c), (r, c - 1))
        rows, cols = self.cost.shape
        return [(y, x) for y, x in around if 0 <= y < rows and 0 <= x < cols and self.cost[y, x] > 0]

    def path_cost(self, path: Sequence[Cell]) -> int:
        """What entering every cell after the first costs."""
        return int(sum(self.cost[cell] for cell in path[1:]))


@dataclass(frozen=True)
class Search:
    """What a search did: cells in the order they were expanded, the frontier after each, and the path found."""

    expanded: tuple[Cell, ...]
    frontiers: tuple[frozenset[Cell], ...] = field(repr=False)
    path: tuple[Cell, ...]
    cost: int


def search(world: World, method: str) -> Search:
    """Run "bfs", "dijkstra" or "a*" (Manhattan distance as the heuristic) from start to goal."""
    if method == "bfs":
        return _breadth_first(world)
    goal = world.goal
    weigh = 1 if method == "a*" else 0

    def remaining(cell: Cell) -> int:
        return weigh * (abs(cell[0] - goal[0]) + abs(cell[1] - goal[1]))

    best, parent = {world.start: 0}, {}
    heap = [(remaining(world.start), 0, 0, world.start)]
    order: list[Cell] = []
    closed: set[Cell] = set()
    frontiers, pushed = [], 0
    while heap:
        _, _, _, cell = heapq.heappop(heap)
        if cell in closed:
            continue
        closed.add(cell)
        order.append(cell)
        if cell != goal:
            for near in world.neighbours(cell):
                reach = best[cell] + int(world.cost[near])
                if reach < best.get(near, np.inf):
                    best[near], parent[near] = reach, cell
                    pushed += 1
                    heapq.heappush(heap, (reach + remaining(near), -weigh * reach, pushed, near))
        frontiers.append(frozenset(best.keys() - closed))
        if cell == goal:
            break
    return _finish(world, order, frontiers, parent)


def _breadth_first(world: World) -> Search:
    queue, parent, seen = deque([world.start]), {}, {world.start}
    order, frontiers = [], []
    while queue:
        cell = queue.popleft()
        order.append(cell)
        if cell != world.goal:
            for near in world.neighbours(cell):
                if near not in seen:
                    seen.add(near)
                    parent[near] = cell
                    queue.append(near)
        frontiers.append(frozenset(queue))
        if cell == world.goal:
            break
    return _finish(world, order, frontiers, parent)


def _finish(world: World, order: list[Cell], frontiers: list[frozenset[Cell]], parent: dict[Cell, Cell]) -> Search:
    path = [world.goal] if world.goal == order[-1] else []
    while path and path[-1] != world.start:
        path.append(parent[path[-1]])
    return Search(tuple(order), tuple(frontiers), tuple(reversed(path)), world.path_cost(path[::-1]))


def make_world(cols: int, rows: int, seed: int) -> World:
    """A solvable grid of walls and mud on which the three searches differ; the same for the same arguments."""
    rng = np.random.default_rng([seed, cols, rows])
    best: tuple[float, World] | None = None
    for _ in range(30):
        world = _scatter(cols, rows, rng)
        found = {method: search(world, method) for method in METHODS}
        if not found["bfs"].path:
            continue
        detour = found["bfs"].cost - found["dijkstra"].cost
        saving = 1 - len(found["a*"].expanded) / len(found["dijkstra"].expanded)
        score = min(saving, 0.55) + 0.05 * min(detour, 6)
        effort = len(found["a*"].expanded) / len(found["a*"].path)
        score -= 0.3 * max(1.7 - effort, 0)
        if best is None or score > best[0]:
            best = (score, world)
        if saving > 0.35 and detour >= 4 and effort > 1.7:
            break
    if best is None:
        cost = np.ones((rows, cols), dtype=int)
        return World(cost, (rows // 2, 1), (rows // 2, cols - 2))
    return best[1]


def _scatter(cols: int, rows: int, rng: np.random.Generator) -> World:
    cost = np.ones((rows, cols), dtype=int)
    for _ in range(max(cols * rows // 60, 2)):
        r, c = rng.integers(0, rows), rng.integers(2, max(cols - 2, 3))
        h, w = rng.integers(2, 5, size=2)
        cost[r:r + h, c:c + w] = MUD_COST
    for _ in range(max(cols * rows // 26, 4)):
        r, c, length = rng.integers(0, rows), rng.integers(0, cols), rng.integers(2, max(min(cols, rows) // 2, 3) + 1)
        if rng.random() < 0.6:
            cost[r:r + length, c] = 0
        else:
            cost[r, c:c + length] = 0
    start, goal = (rows - 2, 1), (1, cols - 2)
    for r, c in (start, goal):
        cost[r - 1:r + 2, c - 1:c + 2] = 1
    return World(cost, start, goal)


GRAPH_EDGES = ("AB", "AC", "BD", "CD", "BF", "CE", "CG", "DF", "DG", "EG", "FH", "GH")


@dataclass(frozen=True)
class Step:
    """One moment of Dijkstra on the graph: `node` is settled, or the edge to `to` is tried."""

    node: str
    to: str
    distances: dict[str, float]
    settled: tuple[str, ...]
    trial: tuple[float, float, float] = (0.0, 0.0, 0.0)
    better: bool = False


def graph_weights(seed: int) -> dict[str, int]:
    """The weight of each edge, 1 to 9."""
    rng = np.random.default_rng(seed)
    return {edge: int(w) for edge, w in zip(GRAPH_EDGES, rng.integers(1, 10, len(GRAPH_EDGES)), strict=True)}


def dijkstra_steps(weights: dict[str, int], source: str = "A") -> tuple[list[Step], dict[str, str]]:
    """Every settling and every relaxation in order, and the tree of predecessors."""
    near: dict[str, list[tuple[str, int]]] = {}
    for (a, b), weight in weights.items():
        near.setdefault(a, []).append((b, weight))
        near.setdefault(b, []).append((a, weight))
    distances = dict.fromkeys(sorted(near), np.inf)
    distances[source] = 0
    parent: dict[str, str] = {}
    settled: tuple[str, ...] = ()
    steps = []
    while len(settled) < len(distances):
        node = min((n for n in distances if n not in settled), key=lambda n: (distances[n], n))
        settled += (node,)
        steps.append(Step(node, "", dict(distances), settled))
        for other, weight in sorted(near[node]):
            if other in settled:
                continue
            was, reach = distances[other], distances[node] + weight
            if reach < was:
                distances[other], parent[other] = reach, node
            steps.append(Step(node, other, dict(distances), settled, (distances[node], weight, was), reach < was))
    return steps, parent
