"""A formula set large, and what its symbols mean, in turn."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..layout import Rect
from ..scene import Clock
from ..theme import style
from .parts import Group, Page, Spotlight, card

if TYPE_CHECKING:
    from ..stage import Stage

_GREEK = ("alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
          "Gamma Delta Theta Lambda Sigma Phi Psi Omega").split()
_FUNCTIONS = "sin cos tan log ln exp min max lim det".split()
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")


@functools.lru_cache(maxsize=256)
def to_math(formula: str) -> str | None:
    """The formula as mathtext ("$E = mc^{2}$"), or None where it cannot be read as one."""
    body = formula.strip().strip("$").strip()
    if not body or not body.isprintable() or "$" in body:
        return None
    written = _latex(body) if "\\" in body else _plain(body)
    return written if _parses(written) else None


def _latex(body: str) -> str:
    body = re.sub(r"\\(?:text|textrm|operatorname|mbox)\b", r"\\mathrm", body)
    body = re.sub(r"\\[dt]frac\b", r"\\frac", body)
    return "$" + re.sub(r"\\(?:displaystyle|limits|nolimits|;|!)", " ", body) + "$"


def _plain(body: str) -> str:
    out = body.replace("**", "^")
    out = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda m: "^" + "{" + m.group().translate(_RAISED) + "}", out)
    out = re.sub(r"\^\(([^()]*)\)", r"^{\1}", out)
    out = re.sub(r"\^(-?[A-Za-z0-9.]+)", r"^{\1}", out)
    out = re.sub(r"_\(?([A-Za-z0-9,+-]+)\)?", r"_{\1}", out)
    out = re.sub(r"(?:sqrt|√)\s*\(([^()]*)\)", r"\\sqrt{\1}", out)
    out = re.sub(r"√\s*(\w+)", r"\\sqrt{\1}", out)
    for written, command in (("<=", r"\leq "), (">=", r"\geq "), ("!=", r"\neq "), ("->", r"\rightarrow "),
                             ("*", r" \cdot "), ("·", r" \cdot "), ("×", r" \times "), ("%", r"\%"), ("#", r"\#"),
                             ("&", r"\&"), ("′", "'")):
        out = out.replace(written, command)
    out = re.sub(r"(?<![\\A-Za-z])(" + "|".join(_GREEK + _FUNCTIONS) + r")(?![A-Za-z])", r"\\\1 ", out)
    out = re.sub(r"(?<=[A-Za-z]{2}) (?=[A-Za-z]{2})", r"\\ ", out)  # words keep their spaces
    named = re.search(r"(?<![\\A-Za-z])[A-Za-z]{4,}", out) is not None
    out = re.sub(r"(?<![\\A-Za-z])([A-Za-z]{3,})", lambda m: m.group() if len(m.group()) == 3 and not named
                 else rf"\mathrm{{{m.group()}}}", out)  # longer runs of letters are names; three alone a product
    return f"${out}$"


def _parses(written: str) -> bool:
    from matplotlib.mathtext import MathTextParser

    try:
        MathTextParser("path").parse(written)
    except (ValueError, RuntimeError):
        return False
    return True


@dataclass
class Formula(Page):
    """The formula; `parts` are symbols with their meaning, pointed at one after the other."""

    formula: str = ""
    parts: tuple[tuple[str, str], ...] = ()

    def texts(self) -> list[str]:
        return [self.formula, *(text for part in self.parts for text in part)]

    def build(self, stage: Stage) -> None:
        area = self.place_more(stage, self.area(stage))
        if self.parts:
            across = 1 if not area.landscape or len(self.parts) == 1 else 2 if len(self.parts) in (2, 4) else 3
            lines = -(-len(self.parts) // across)
            below = min(lines * 1.25 + (lines - 1) * 0.25, area.h * 0.56)
            top = Rect(area.x, area.y + below + 0.35, area.w, area.h - below - 0.35)
            cells = [cell for row in Rect(area.x, area.y, area.w, below).rows(lines, 0.25)
                     for cell in row.columns(across, 0.3)]
        else:
            tall = min(area.h, 4.2)
            top, cells = Rect(area.x, area.cy - tall / 2, area.w, tall), []
        stage.card(top)
        self.whole = self._set_formula(stage, top)
        self.spots = self._spots(stage)
        self.sweep = stage.moving(stage.line([0, 0], [0, 0], color="accent", width=0.07, zorder=5))
        self.groups = [self._part(stage, cell, part) for cell, part in zip(cells, self.parts, strict=False)]
        self.light = Spotlight(stage, cells[:len(self.parts)]) if self.parts else None
        known = [spot for spot in self.spots if spot]
        self.mark = Spotlight(stage, [spot or known[0] for spot in self.spots]) if known else None

    def _set_formula(self, stage: Stage, top: Rect) -> Rect:
        """Draw the formula as large as fits; returns its box."""
        inner = top.inset(0.4, 0.3)
        written = to_math(self.formula)
        if written:
            artist = stage.text(*inner.center, written, "hero", math=True, zorder=4)
            size = stage.points("hero", 1.7)
            artist.set_fontsize(size)
            factor = min(1.0, inner.w / stage.width_of(artist), inner.h * 0.8 / max(stage.height_of(artist), 1e-6))
            artist.set_fontsize(size * factor)
            if size * factor >= stage.points("label"):
                self.size = size * factor
                self.written = written
                w, h = stage.width_of(artist), stage.height_of(artist)
                self.head = Group(stage, [artist], dy=-0.15)
                return Rect(inner.cx - w / 2, inner.cy - h / 2, w, h)
            artist.remove()
        self.written = ""
        artist = stage.paragraph(inner, self.formula, "hero", ha="center")
        w, h = stage.width_of(artist), stage.height_of(artist)
        self.head = Group(stage, [artist], dy=-0.15)
        return Rect(inner.cx - w / 2, inner.cy - h / 2, w, h)

    def _part(self, stage: Stage, cell: Rect, part: tuple[str, str]) -> Group:
        symbol, meaning = part
        box = card(stage, cell)
        sign_w = min(1.3, cell.w * 0.3)
        math = to_math(symbol)
        sign = stage.text(cell.x + 0.1 + sign_w / 2, cell.cy, math or symbol, "title", color="accent", math=bool(math),
                          zorder=4)
        if stage.width_of(sign) > sign_w:
            sign.set_fontsize(stage.points("title") * max(sign_w / stage.width_of(sign), 0.45))
        words = stage.paragraph(Rect(cell.x + sign_w + 0.2, cell.y + 0.06, cell.w - sign_w - 0.4, cell.h - 0.12),
                                meaning, "body")
        return Group(stage, [box, sign, words])

    def _spots(self, stage: Stage) -> list[Rect | None]:
        """Where each part's symbol first stands in the drawn formula; None where it cannot be told."""
        if not self.written:
            return [None for _ in self.parts]
        from matplotlib import rc_context
        from matplotlib.font_manager import FontProperties
        from matplotlib.mathtext import MathTextParser

        with rc_context(dict(style())):
            parsed = MathTextParser("path").parse(self.written, dpi=72, prop=FontProperties(size=self.size))
        width, height = parsed[0], parsed[1]
        unit = self.whole.w / max(width, 1e-6)
        found: list[Rect | None] = []
        for symbol, _ in self.parts:
            glyph = _find_glyph(parsed[3], symbol)
            if glyph is None:
                found.append(None)
                continue
            x, y, size = glyph
            rise = 0.95 if symbol[:1].isupper() or symbol[:1] in "bdfhklt" else 0.72
            low = 0.28 if symbol[:1] in "gpqyjμηρφχψ" else 0.1
            base = self.whole.cy + (y - height / 2) * unit
            found.append(Rect(self.whole.x + (x - size * 0.05) * unit, base - low * size * unit,
                              size * (0.55 if symbol[:1] in "fijlrt" else 0.72) * unit, (rise + low) * size * unit))
        return found

    def draw(self, clock: Clock) -> None:
        self.head.show(clock.line(0.0, 0.1))
        n = len(self.groups)
        for i, group in enumerate(self.groups):
            begin = 0.1 + 0.3 * i / n
            group.show(clock.line(begin, begin + 0.12))
        x = clock.line(0.12, 1.0)
        if self.light:
            place = self.light.walk(x, clock.ramp(0.14, 0.2))
            if self.mark:
                known = self.spots[min(round(place), n - 1)] is not None
                self.mark.at(place, clock.ramp(0.14, 0.2) if known else 0.0)
        run = clock.ramp(0.06, 0.3) if self.groups else clock.ramp(0.06, 0.97)
        y = self.whole.y - 0.22
        self.sweep.set_data([self.whole.x, self.whole.x + self.whole.w * run], [y, y])


def _find_glyph(glyphs: object, symbol: str) -> tuple[float, float, float] | None:
    """x, y and size in points of the first glyph that shows the first letter of `symbol`."""
    greek: dict[str, str] = dict(zip(_GREEK, "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΣΦΨΩ", strict=True))
    letter = greek.get(symbol.strip("\\$ "), symbol.strip("\\$ ")[:1])
    for font, size, *codes, x, y in glyphs:  # type: ignore[attr-defined]
        if letter and (codes[0] == ord(letter) or font.get_char_index(ord(letter)) in codes[1:]):
            return float(x), float(y), float(size)
    return None
