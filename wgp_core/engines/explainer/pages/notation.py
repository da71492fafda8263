"""How a scene's content is written in `ScenePlan.visual`: short lines of plain text that a person can read and edit.

One item to a line. ` | ` separates the parts of an item:

    steps, summary     item
    comparison         left heading | right heading, then  left point | right point
    timeline           date | event
    concept map        term | linking words | term, or a lone term
    definition         term | definition
    formula            the formula, then  symbol | meaning
    title              subtitle

A last line "+3 more" says how many items were left out. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

BAR = " | "
_MORE = re.compile(r"^\+(\d+) more$")
_NUMBERED = re.compile(r"^\s*(?:\(?\d{1,3}[.)](?=\s|$)|step\s+\d{1,3}\s*[:.)]|[-*•–](?=\s))\s*", re.I)
_DATED = re.compile(r"^(.{1,40}?\d.{0,12}?)\s*(?::|–|—|\s-)\s+(.+)$")
_ARROW = re.compile(r"\s*(?:-+>|→|⇒|=>)\s*")
_LABELLED_ARROW = re.compile(r"^(.+?)\s+-+\s*([^->]+?)\s*-+>\s*(.+)$")


@dataclass(frozen=True)
class Listing:
    """Items of a scene; `more` were left out."""

    items: tuple[str, ...]
    more: int = 0


def flat(text: str) -> str:
    """One line, single spaces, no separator inside."""
    return " ".join(text.split()).replace(BAR, " / ").removesuffix(" |").removeprefix("| ")


def write_rows(rows: Iterable[Sequence[str]], more: int = 0) -> str:
    """Rows of parts as lines; empty rows vanish."""
    lines = [BAR.join(flat(part) for part in row).strip() if row[0].strip() else row_without_head(row)
             for row in rows if any(part.strip() for part in row)]
    if more:
        lines.append(f"+{more} more")
    return "\n".join(lines)


def row_without_head(row: Sequence[str]) -> str:
    """A row whose first part is empty: alone it is written as plain text, else a dash keeps the place."""
    rest = [flat(part) for part in row[1:]]
    return rest[0] if len(rest) == 1 else BAR.join(["-", *rest])


def write_list(items: Iterable[str], more: int = 0) -> str:
    return write_rows(((item,) for item in items), more)


def read_lines(visual: str) -> Listing:
    """The non-empty lines, without list marks, and how many more there were."""
    items, more = [], 0
    for line in visual.splitlines():
        found = _MORE.match(line.strip())
        if found:
            more = int(found.group(1))
        elif line.strip():
            items.append(_NUMBERED.sub("", line).strip() or line.strip())
    return Listing(tuple(items), more)


def read_rows(visual: str, parts: int) -> tuple[list[tuple[str, ...]], int]:
    """Lines split at ` | ` into exactly `parts` parts (missing ones are empty, further ones stay in the last)."""
    listing = read_lines(visual)
    rows = []
    for line in listing.items:
        split = [part.strip() for part in line.split(BAR.strip() if line.count(BAR) == 0 and parts < 2 else BAR,
                                                     parts - 1)]
        rows.append(tuple(split + [""] * (parts - len(split))))
    return rows, listing.more


def read_dated(visual: str) -> tuple[list[tuple[str, str]], int]:
    """Timeline rows; also "1789: event" and "1789 - event"."""
    listing = read_lines(visual.replace("\t", " "))
    rows = []
    for line in listing.items:
        date, bar, event = line.partition(BAR)
        if not bar:
            found = _DATED.match(line)
            date, event = (found.group(1), found.group(2)) if found else ("", line)
        rows.append((date.strip(), event.strip()))
    return rows, listing.more


def read_links(visual: str) -> tuple[list[tuple[str, str, str]], int]:
    """Concept map rows; also "a -> b", "a -> b -> c" (a chain) and "a --causes--> b"."""
    listing = read_lines(visual)
    rows: list[tuple[str, str, str]] = []
    for line in listing.items:
        if BAR in line:
            parts = [part.strip() for part in line.split(BAR, 2)]
            rows.append((parts[0], "", parts[1]) if len(parts) == 2 else (parts[0], parts[1], parts[2]))
            continue
        labelled = _LABELLED_ARROW.match(line)
        chain = [part for part in _ARROW.split(line) if part]
        if labelled:
            rows.append((labelled.group(1).strip(), labelled.group(2).strip(), labelled.group(3).strip()))
        elif len(chain) > 1:
            rows.extend((a, "", b) for a, b in pairwise(chain))
        else:
            rows.append((line, "", ""))
    return rows, listing.more


def looks_written(visual: str) -> bool:
    """Whether this is content in the notation, not a description of a picture in prose."""
    lines = [line for line in visual.splitlines() if line.strip()]
    marked = [line for line in lines if BAR in line or _NUMBERED.match(line) or _ARROW.search(line)]
    dated = len(lines) > 1 and all(_DATED.match(line.strip()) for line in lines)
    return bool(marked) or dated or len(lines) > 2
