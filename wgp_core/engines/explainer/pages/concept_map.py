"""Terms in boxes and the words that link them, as the text has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..layout import Rect
from ..scene import Clock, mix, smooth
from .language import term_key
from .parts import Group, Page, Spotlight, blend, card, disc

if TYPE_CHECKING:
    from ..stage import Stage
    from .map_layout import MapLayout

PAD_X, PAD_Y = 0.3, 0.2


@dataclass
class ConceptMap(Page):
    """Boxes come in one by one, each with the arrow that leads to it; then a pulse runs along the arrows."""

    links: tuple[tuple[str, str, str], ...] = ()

    def texts(self) -> list[str]:
        return [*self._terms().values(), *(label for _, label, _ in self.links)]

    def _terms(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for a, _, b in self.links:
            for term in (a, b):
                if term.strip():
                    found.setdefault(term_key(term), term)
        return found or {term_key(self.title): self.title}

    def build(self, stage: Stage) -> None:
        self.stage = stage
        area = self.place_more(stage, self.area(stage)).inset(0.1, 0.1)
        terms = self._terms()
        keys = list(terms)
        self.edges = [(keys.index(term_key(a)), keys.index(term_key(b)), label) for a, label, b in self.links
                      if a.strip() and b.strip() and term_key(a) != term_key(b)]
        self.boxes = self._place(stage, area, list(terms.values()))
        self._dress_nodes(stage, list(terms.values()))
        self._dress_edges(stage)
        self.order = self._order()
        self.light = None if self.edges else Spotlight(stage, self.boxes, grow=0.02)

    # -- placing ------------------------------------------------------------------------------------------------

    def _place(self, stage: Stage, area: Rect, terms: list[str]) -> list[Rect]:
        """Boxes without overlap; smaller letters first, then a plain grid, where there is no room."""
        self.label_places: list[tuple[float, float] | None] = [None] * len(self.edges)
        self.label_scale = 1.0
        if self.edges and len(terms) > 1:
            made = self._searched(stage, area, terms)
            if made is not None:
                layout, sizes, self.scale = made
                self.label_places = list(layout.labels)
                return [Rect(x - w / 2, y - h / 2, w, h) for (x, y), (w, h) in zip(layout.centres, sizes, strict=True)]
        self.scale = 1.0
        across = 1 if len(terms) == 1 else (2 if len(terms) <= 4 or not area.landscape else 3)
        lines = -(-len(terms) // across)
        gap = 0.5 if area.h > lines * 1.4 else 0.25
        tall = min(area.h, lines * 1.7)
        block = Rect(area.x, area.cy - tall / 2, area.w, tall)
        out = []
        for i, row in enumerate(block.rows(lines, gap)):
            here = min(across, len(terms) - i * across)
            cells = row.columns(across, gap)[:here]
            shift = (row.right - cells[-1].right) / 2
            out.extend(Rect(c.x + shift, c.y, c.w, c.h) for c in cells)
        return out

    def _searched(self, stage: Stage, area: Rect, terms: list[str]
                  ) -> tuple[MapLayout, list[tuple[float, float]], float] | None:
        from .map_layout import lay_out

        best: tuple[MapLayout, list[tuple[float, float]], float] | None = None
        pairs = [(a, b) for a, b, _ in self.edges]
        larger = ((1.45, 16), (1.2, 16)) if len(terms) <= 5 else ((1.2, 16),)
        if len(terms) <= 4:
            larger = ((1.75, 16), *larger)
        for scale, columns in (*larger, (1.0, 16), (0.88, 14), (0.76, 13), (0.64, 12)):
            sizes = [_measure(stage, term, "heading", scale, columns, PAD_X, PAD_Y) for term in terms]
            small = min(max(scale, 0.9), 1.4)
            labels = [_measure(stage, label, "label", small, 16, 0.07, 0.04) if label else (0.0, 0.0)
                      for _, _, label in self.edges]
            made = lay_out(sizes, pairs, labels, area)
            if made and (best is None or made.cost - 9 * scale < best[0].cost - 9 * best[2]):
                best = (made, sizes, scale)
            if best and best[0].cost < 1.2 * len(pairs):
                break
        return best

    # -- dressing -----------------------------------------------------------------------------------------------

    def _dress_nodes(self, stage: Stage, terms: list[str]) -> None:
        sources = {a for a, _, _ in self.edges}
        self.nodes, self.frames, self.tints = [], [], []
        for i, (term, box) in enumerate(zip(terms, self.boxes, strict=True)):
            question = term.rstrip().endswith("?")
            main = i == 0 and self.edges
            tint = "accent" if main else "faint" if question else ("s0" if i in sources else "s5")
            frame = card(stage, box, edge=tint, line=0.05 if main else 0.035, radius=0.22)
            words = _fitted(stage, box, term, "heading", self.scale, "semibold" if not question else "normal")
            words.set_zorder(4)
            self.nodes.append(Group(stage, [frame, words]))
            self.frames.append(frame)
            self.tints.append(tint)

    def _dress_edges(self, stage: Stage) -> None:
        from .map_layout import clip

        self.ends, self.arrows, self.labels = [], [], []
        for (a, b, label), place in zip(self.edges, self.label_places, strict=True):
            start, end = clip(self.boxes[a], self.boxes[b])
            self.ends.append((start, end))
            arrow = stage.moving(stage.arrow(start, end, color="muted", width=0.04, head=0.2))
            arrow.set_zorder(0.9)
            arrow.set_visible(False)
            self.arrows.append(arrow)
            group: Group | None = None
            back: Any = None
            if label and place:
                scale = min(max(self.scale, 0.9), 1.4)
                w, h = _measure(stage, label, "label", scale, 16, 0.07, 0.04)
                back = card(stage, Rect(place[0] - w / 2, place[1] - h / 2, w, h), fill="paper", edge="paper", line=0.0,
                            radius=0.08, z=2)
                words = _fitted(stage, Rect(place[0] - w / 2, place[1] - h / 2, w, h), label, "label", scale, "normal",
                                columns=16, pad=0.0)
                words.set_color(stage.color("muted"))
                stage.moving(back).set_visible(False)
                group = Group(stage, [words], dy=0)
            self.labels.append((group, back))
        self.pulse = stage.moving(disc(stage, 0, 0, 0.11, fill="accent", edge="paper", z=1.5))
        self.pulse.set_visible(False)

    def _order(self) -> list[tuple[int, int | None]]:
        """(node, the edge that brings it), then (-1, edge) for edges between nodes that are there already."""
        out: list[tuple[int, int | None]] = []
        there: set[int] = set()
        for e, (a, b, _) in enumerate(self.edges):
            if a not in there:
                out.append((a, None))
            out.append((b, e) if b not in there else (-1, e))
            there |= {a, b}
        out.extend((i, None) for i in range(len(self.boxes)) if i not in there)
        return out

    # -- time ---------------------------------------------------------------------------------------------------

    def draw(self, clock: Clock) -> None:
        n = len(self.order)
        for k, (node, edge) in enumerate(self.order):
            begin = 0.01 + 0.6 * k / n
            share = min(0.6 / n, 0.14)
            if edge is not None:
                self._grow(edge, clock.ramp(begin, begin + share * 0.7))
                group, back = self.labels[edge]
                if group:
                    x = clock.line(begin + share * 0.4, begin + share * 1.1)
                    group.show(x)
                    if back.get_visible() != (x > 0):
                        back.set_visible(x > 0)
            if node >= 0:
                late = share * 0.45 if edge is not None else 0.0
                self.nodes[node].show(clock.line(begin + late, begin + late + share * 0.8))
        if self.light is not None:
            self.light.walk(clock.line(0.3, 1.0), clock.ramp(0.25, 0.35))
        self._run_pulse(clock.line(0.66, 1.0))

    def _grow(self, edge: int, x: float) -> None:
        arrow: Any = self.arrows[edge]
        if getattr(arrow, "_grown", None) == x:
            return
        arrow._grown = x
        (x0, y0), (x1, y1) = self.ends[edge]
        arrow.set_visible(x > 0.05)
        arrow.set_positions((x0, y0), (mix(x0, x1, max(x, 0.06)), mix(y0, y1, max(x, 0.06))))

    def _run_pulse(self, x: float) -> None:
        """The pulse goes along every arrow in the order of the text; the box that it leaves and reaches lights up."""
        n = len(self.edges)
        active: dict[int, float] = {}
        if n and x > 0:
            k = min(int(x * n), n - 1)
            part = smooth(min((x * n - k) / 0.85, 1.0))
            (x0, y0), (x1, y1) = self.ends[k]
            self.pulse.set_center((mix(x0, x1, part), mix(y0, y1, part)))
            active = {self.edges[k][0]: 1 - part, self.edges[k][1]: part}
        self.pulse.set_visible(bool(active))
        for i, (frame, tint) in enumerate(zip(self.frames, self.tints, strict=True)):
            shade = blend(self.stage, tint, "accent", active.get(i, 0.0))
            if tuple(frame.get_edgecolor()[:3]) != shade:
                frame.set_edgecolor(shade)


def _fitted(stage: Stage, box: Rect, text: str, role: str, scale: float, weight: str, *, columns: int = 0,
            pad: float = PAD_X) -> Any:
    room = Rect(box.x + pad * 0.55, box.y + 0.02, box.w - pad * 1.1, box.h - 0.04)
    artist = stage.text(box.cx, box.cy, "", role, weight=weight, linespacing=1.12, zorder=4)
    artist.set_fontsize(stage.points(role, scale))
    stage.fit(artist, text, room)
    return artist


def _measure(stage: Stage, text: str, role: str, scale: float, columns: int, pad_x: float, pad_y: float
             ) -> tuple[float, float]:
    """Width and height of the box that `text` needs when it is wrapped at about `columns` letters."""
    from .. import glyphs

    lines = glyphs.wrap(glyphs.legible(text), max(columns, 8), force=False)
    if len(lines) > 4 or any(len(line) > 2.2 * columns for line in lines):
        lines = glyphs.wrap(glyphs.legible(text), 2 * columns, force=True)[:5]
    artist = stage.text(0, 0, "\n".join(lines) or " ", role, weight="semibold", linespacing=1.12)
    artist.set_fontsize(stage.points(role, scale))
    height, _ = stage.block(artist)
    width = stage.width_of(artist)
    artist.remove()
    return width + 2 * pad_x, max(height, stage.line_height(role) * scale * 0.7) + 2 * pad_y
