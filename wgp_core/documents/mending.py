"""Repairs the characters of a line: broken encodings, ligatures, control characters, odd spaces."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_TEX_LIGATURES = {"\x0b": "ff", "\x0c": "fi", "\x0d": "fl", "\x0e": "ffi", "\x0f": "ffl"}
_TEX_LIGATURE = re.compile("(?<=[A-Za-z])[\x0b-\x0f]|[\x0b-\x0f](?=[a-z])")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
                      "\ufff9-\ufffc\ufffe\uffff\ue000-\uf8ff]")
_SPACES = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_CIRCLED = re.compile(r"\bc©|©c\b")
_PLAIN = re.compile(r"[\x20-\x7e‘’“”–—…•]*\Z")
_MADE = str.maketrans({"\u00ad": "", "\u2010": "-", "\u2011": "-", "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl",
                       "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"})
_GLYPH = re.compile(r"/[A-Za-z]+(?:\.[A-Za-z\d]+)+\s*")
_ftfy: Any = None


def mend(text: str) -> str:
    """The line with readable characters and single spaces; empty where it has no words.

    A soft hyphen at its end becomes a hyphen.
    """
    if not _PLAIN.match(text):
        text = _mended(text)
    if "/" in text and _only_glyphs(text):
        return ""
    return _SPACES.sub(" ", text).strip()


def _only_glyphs(text: str) -> bool:
    """True for "/noteheads.s2 /dots.dot": names of signs that a font has no letters for."""
    return 2 * sum(len(name) for name in _GLYPH.findall(text)) > len(text)


def mend_code(text: str) -> str:
    """As `mend`, keeping the spaces inside the line."""
    return (text if _PLAIN.match(text) else _mended(text)).rstrip()


def _mended(text: str) -> str:
    global _ftfy
    if _ftfy is None:
        import ftfy

        config = ftfy.TextFixerConfig(uncurl_quotes=False, normalization=None, explain=False, unescape_html=False)
        _ftfy = lambda words: ftfy.fix_text(words, config)  # noqa: E731
    text = _TEX_LIGATURE.sub(lambda found: _TEX_LIGATURES[found[0]], text)
    if text.endswith("\u00ad"):
        text = text[:-1] + "-"
    text = _ftfy(text).translate(_MADE)
    return unicodedata.normalize("NFC", _CIRCLED.sub("©", _CONTROL.sub("", text)))
