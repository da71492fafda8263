"""Multipliers of LoRAs: a small language of numbers, read and written here, and the value at a step.

A set of LoRAs has one text: one entry per LoRA, separated by spaces or line ends; `#` begins a comment that runs to the
end of its line. In an entry `;` separates phases (Wan 2.2 denoises with a high-noise and then a low-noise model) and
`,` separates values that are spread evenly over the steps:

    1 0.8            two LoRAs
    0;1              nothing in the first phase, all of it in the second
    1,0.5,0          full strength in the first third of the steps, half in the second, nothing in the last

The syntax is the one that WanGP's users know; a `LoraUse` holds the text of one entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from ..errors import RequestError

LIMIT = 100.0
MAX_VALUES = 1_000
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_ENTRY = re.compile(r"\S+")
_AROUND = re.compile(r"\s*([,;])\s*")


@dataclass(frozen=True)
class Multiplier:
    """Values per phase, each spread over that phase's steps. At least one phase, each with at least one value."""

    phases: tuple[tuple[float, ...], ...] = ((1.0,),)

    def value_at(self, step: int, steps: int, phase: int = 0, phases: int = 1) -> float:
        """The value at `step` (from 0) of `steps`, in `phase` (from 0) of the model's `phases`.

        `step` and `steps` count the stretch that the values are spread over: the phase's own steps where they are
        known, else the whole run. An entry with fewer phases than the model serves the later ones with its last.
        """
        if steps < 1 or not 0 <= step < steps or not 0 <= phase < phases:
            raise ValueError(f"step {step} of {steps}, phase {phase} of {phases}")
        values = self.phases[min(phase, len(self.phases) - 1)]
        return values[value_index(step, steps, len(values))]

    def is_zero(self, phase: int) -> bool:
        """Whether nothing is added in `phase`, whatever the step."""
        return not any(self.phases[min(phase, len(self.phases) - 1)])

    def __str__(self) -> str:
        return ";".join(",".join(_number(value) for value in values) for values in self.phases)

    @classmethod
    def constant(cls, value: float) -> Self:
        return cls(((value,),))


def value_index(step: int, steps: int, count: int) -> int:
    """Which of `count` values holds at `step` of `steps`: equal stretches, floor(step * count / steps)."""
    return min(count - 1, step * count // steps)


def parse_one(text: str) -> Multiplier:
    """Read one LoRA's entry; an empty one is 1. Spaces around `,` and `;` are allowed here.

    Raises `RequestError` that gives the position of what cannot be read.
    """
    stripped = _without_comments(text)
    first = len(stripped) - len(stripped.lstrip())
    body = stripped.strip()
    if not body:
        return Multiplier()
    tokens = _ENTRY.findall(_AROUND.sub(r"\1", body))
    if len(tokens) > 1:
        raise _error(text, first + body.index(tokens[1], len(tokens[0])) if tokens[1] in body else first,
                     "there are two entries where one LoRA has one")
    return _parse(text, body, first)


def parse_many(text: str, count: int) -> tuple[Multiplier, ...]:
    """Read the entries of `count` LoRAs; those that the text does not reach have multiplier 1.

    Raises `RequestError` where an entry cannot be read or there are more entries than LoRAs.
    """
    clean = _without_comments(text)
    found = [_parse(text, match.group(), match.start()) for match in _ENTRY.finditer(clean)]
    if len(found) > count:
        start = list(_ENTRY.finditer(clean))[count].start()
        raise _error(text, start, f"there are {len(found)} multipliers for {count} LoRA{'' if count == 1 else 's'}")
    return tuple(found) + (Multiplier(),) * (count - len(found))


def format_many(multipliers: tuple[Multiplier, ...]) -> str:
    """The text of a set; `parse_many(format_many(m), len(m)) == m`."""
    return " ".join(str(multiplier) for multiplier in multipliers)


def _without_comments(text: str) -> str:
    """Comments become spaces, so that positions stay those of the text as written."""
    return re.sub(r"#[^\n]*", lambda match: " " * len(match.group()), text)


def _parse(text: str, entry: str, start: int) -> Multiplier:
    phases: list[tuple[float, ...]] = []
    values: list[float] = []
    at = 0
    for part in re.split(r"([,;])", entry):
        if part in (",", ";"):
            if part == ";":
                phases.append(tuple(values))
                values = []
        else:
            values.append(_read_number(text, part, start + at))
        at += len(part)
    phases.append(tuple(values))
    if sum(len(values) for values in phases) > MAX_VALUES:
        raise _error(text, start, f"an entry has more than {MAX_VALUES} values")
    return Multiplier(tuple(phases))


def _read_number(text: str, part: str, at: int) -> float:
    body = part.strip()
    at += len(part) - len(part.lstrip())
    if not body:
        raise _error(text, at, "a number is missing beside a separator")
    if not _NUMBER.match(body):
        raise _error(text, at, f"{body[:30]!r} is not a number")
    value = float(body)
    if abs(value) > LIMIT:
        raise _error(text, at, f"{body[:30]} is beyond ±{LIMIT:g}")
    return value


def _number(value: float) -> str:
    text = repr(value)
    return text.removesuffix(".0")


def _error(text: str, at: int, what: str) -> RequestError:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    where = f"position {column}" if "\n" not in text else f"line {line}, position {column}"
    shown = text if len(text) <= 60 else text[:57] + "..."
    return RequestError(f"The LoRA multiplier {shown!r} cannot be read at {where}: {what}.", field="loras",
                        fix='Write one number per LoRA ("0.8 1"), "," between values over the steps ("1,0.5") and ";" '
                            'between phases ("0;1").')
