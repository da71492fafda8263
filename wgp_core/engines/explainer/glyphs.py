"""Letters that the drawing fonts lack: which they are, which installed font has them, and what stands in for them.

The packaged fonts cover Latin, Greek, Cyrillic, Arabic and Hebrew. For others an installed font is taken; where there
is none, letters with a name in Unicode are spelt in Latin, ideographs are counted, and pictures are left out.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable

from .theme import FONT_FAMILY, style

_IGNORED = re.compile("[\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ff"
                      "\U0001f3fb-\U0001f3ff]")
_SPELT = re.compile(r"(?:HIRAGANA|KATAKANA)(?: LETTER)?(?: SMALL)? (\w+)$|HANGUL SYLLABLE (\w+)$|"
                    r"(?:FULLWIDTH )?LATIN (?:SMALL|CAPITAL) LETTER (\w)\b")
_UNSUITED = re.compile(r"color|emoji|last ?resort|math|mono\b|condensed|serif|narrow|cursor", re.I)
_MOST_FONTS = 400
_PUNCTUATION = {"。": ". ", "、": ", ", "，": ", ", "！": "! ", "？": "? ", "：": ": ", "；": "; ", "「": "“",
                "」": "”", "（": " (", "）": ") ", "・": "·", "　": " "}


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def has_wide(text: str) -> bool:
    return not text.isascii() and any(map(_is_wide, text))


@functools.cache
def _base() -> frozenset[int]:
    """Code points that the packaged fonts draw, in regular and in bold."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    style()  # registers the packaged fonts
    covered: set[int] = set()
    for family in FONT_FAMILY:
        faces = [set(FT2Font(font_manager.findfont(font_manager.FontProperties(family=family, weight=weight)))
                     .get_charmap()) for weight in ("normal", "bold")]
        covered |= faces[0] & faces[1]
    return frozenset(covered)


@functools.cache
def _installed() -> tuple[tuple[str, frozenset[int]], ...]:
    """Other upright installed fonts with what they cover in regular and in bold; read only when a text needs one."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    found: dict[str, frozenset[int]] = {}
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda e: (e.name, e.weight, e.fname)):
        if entry.name in found or entry.name in FONT_FAMILY or entry.style != "normal" or _UNSUITED.search(entry.name):
            continue
        try:
            bold = font_manager.findfont(font_manager.FontProperties(family=entry.name, weight="bold"))
            found[entry.name] = frozenset(set(FT2Font(entry.fname).get_charmap()) & set(FT2Font(bold).get_charmap()))
        except (OSError, RuntimeError, ValueError):  # a listed font that was removed or cannot be read is no help
            continue
        if len(found) >= _MOST_FONTS:
            break
    return tuple(found.items())


@functools.lru_cache(maxsize=4096)
def _home(char: str) -> str | None:
    """"" for the packaged fonts, the name of an installed one, None where no font has the character."""
    code = ord(char)
    if code in _base() or char.isspace():
        return ""
    for name, covered in _installed():
        if code in covered:
            return name
    return None


def families(text: str) -> list[str] | None:
    """Font families for `text` where the packaged ones are not enough."""
    extra = dict.fromkeys(name for name in map(_home, dict.fromkeys(text)) if name)
    return [*FONT_FAMILY, *extra] if extra else None


@functools.lru_cache(maxsize=2048)
def legible(text: str) -> str:
    """`text` with nothing in it that no font can draw."""
    if text.isascii():
        return text
    plain = "".join(_PUNCTUATION.get(c, c) if _home(c) is None else c for c in _IGNORED.sub("", text))
    out: list[str] = []
    counted = ""
    for char in plain + "\0":
        if char != "\0" and _home(char) is None and _script(char) == "Chinese":
            counted += char
            continue
        if counted:
            out.append(f" ({len(counted)} Chinese character{'s' if len(counted) > 1 else ''}) ")
            counted = ""
        if char != "\0":
            out.append(char if _home(char) is not None else _stand_in(char))
    made = "".join(out)
    if made == text:
        return text
    return re.sub(r" +(?=[.,;:!?](?:\s|$))", "", re.sub(r"[ \t]+", " ", made)).strip()


def _stand_in(char: str) -> str:
    simple = unicodedata.normalize("NFKD", char)
    if simple != char and all(_home(c) is not None for c in simple):
        return simple
    found = _SPELT.match(unicodedata.name(char, ""))
    if found:
        return next(group for group in found.groups() if group).lower()
    return "·" if unicodedata.category(char).startswith("L") else ""


def _script(char: str) -> str:
    name = unicodedata.name(char, "")
    if name.startswith("CJK"):
        return "Chinese"
    if name.startswith(("HIRAGANA", "KATAKANA")):
        return "Japanese"
    if name.startswith("HANGUL"):
        return "Korean"
    if unicodedata.category(char).startswith("L") and " " in name:
        return name.split()[0].capitalize()
    return "symbol"


def notes(texts: Iterable[str]) -> tuple[str, ...]:
    """What to tell the person about characters that cannot be drawn."""
    samples: dict[str, str] = {}
    for text in texts:
        for char in _IGNORED.sub("", text):
            if char not in _PUNCTUATION and _home(char) is None:
                script = _script(char)
                samples[script] = samples.get(script, "") + ("" if char in samples.get(script, "") else char)
    out = []
    for script in samples:
        shown = samples[script][:6]
        if script == "symbol":
            out.append(f"Symbols that no installed font can draw were left out: {shown}")
        else:
            font = "Noto Sans CJK" if script in ("Chinese", "Japanese", "Korean") else f"Noto Sans {script}"
            out.append(f"No installed font has {script} letters ({shown}); stand-ins are shown. To see them, install a "
                       f"font that has them, for example {font}.")
    return tuple(out)


def wrap(text: str, columns: int, *, force: bool = False) -> list[str]:
    """Break one paragraph into lines of at most `columns` narrow letters: at spaces, between wide letters, and with
    `force` inside words that are longer than a line."""
    lines: list[str] = []
    line, width = "", 0
    for piece, space in _pieces(text):
        w = _columns(piece)
        if line and width + space + w > columns:
            lines.append(line)
            line, width, space = "", 0, 0
        while force and w > columns:
            head = piece[:max(columns // (2 if _is_wide(piece[0]) else 1), 1)]
            lines.append(head)
            piece = piece[len(head):]
            w = _columns(piece)
        line += (" " if space and line else "") + piece
        width = _columns(line)
    if line:
        lines.append(line)
    return lines


def _columns(text: str) -> int:
    return len(text) if text.isascii() else sum(2 if _is_wide(char) else 1 for char in text)


def _pieces(text: str) -> list[tuple[str, int]]:
    """Unbreakable pieces with 1 where a space precedes. No piece starts with closing punctuation of wide scripts."""
    out: list[tuple[str, int]] = []
    for word in text.split(" "):
        if not word:
            continue
        start, space = 0, 1
        for i in range(1, len(word) + 1):
            wide = i < len(word) and (_is_wide(word[i]) or _is_wide(word[i - 1]))
            if i == len(word) or (wide and word[i] not in "。，、！？；：）」』"):
                out.append((word[start:i], space))
                start, space = i, 0
    return out
