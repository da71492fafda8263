"""Where English sentences end."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[\"“'(\[]?[A-Z0-9])")
_NO_END = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|etc|Dr|Mr|Mrs|Ms|Prof|St|Fig|Figs|Eq|Eqs|Sec|Ch|No|Vol|pp|p|al|approx|"
                     r"resp)|\b[A-Z])\.$")


def sentences_of(text: str) -> list[str]:
    """The sentences of a passage, spaces made single; abbreviations and initials do not end one."""
    found: list[str] = []
    for part in _END.split(" ".join(text.split())):
        if found and _NO_END.search(found[-1]):
            found[-1] += " " + part
        elif part:
            found.append(part)
    return found
