"""Prompt macros and many prompts in one box.

A line that starts with "!" sets the variables for the template lines that follow:

    ! {Animal}="cat","dog" : {Place}="beach","garden"
    A {Animal} walks in a {Place}.

Variables with several values advance together; a variable with one value stays. The template above makes two
prompts: a cat on a beach, a dog in a garden.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from ..errors import RequestError

MAX_PROMPTS = 500
_ASSIGNMENT = re.compile(r'\s*\{(\w+)\}\s*=\s*((?:"[^"]*"\s*,?\s*)+)')
_MACRO = re.compile(r"\s*!\s*\{")
_VALUE = re.compile(r'"([^"]*)"')
_FIELD = re.compile(r"\{(\w+)\}")

Split = Literal["whole", "line", "paragraph"]


def expand_macros(text: str) -> str:
    """The text with every macro line gone and every template line written out, one line a combination.

    Raises `RequestError` that names the line: a macro that cannot be read, or an unknown or uneven variable.
    """
    values: Mapping[str, list[str]] = {}
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if _MACRO.match(line):
            values = _assignments(line.lstrip()[1:], number)
        elif values and line.strip():
            lines += _fill(line, values, number)
        else:
            lines.append(line)
    return "\n".join(lines)


def split_prompts(text: str, per: Split = "whole") -> tuple[str, ...]:
    """Macros expanded, then one prompt per line or per paragraph, or the whole text as one.

    A text with macros makes a prompt per line even as a whole: that is what its template lines are for.

    Lines that begin with "#" are comments where there is a prompt per line or paragraph. Raises `RequestError` when
    nothing is left, or for more than 500 prompts.
    """
    expanded = expand_macros(text)
    if per == "whole" and any(_MACRO.match(line) for line in text.splitlines()):
        per = "line"
    if per == "whole":
        parts = [expanded.strip()]
    else:
        kept = [line for line in expanded.splitlines() if not line.lstrip().startswith("#")]
        parts = kept if per == "line" else re.split(r"\n\s*\n", "\n".join(kept))
        parts = [" ".join(part.split()) for part in parts]
    prompts = tuple(part for part in parts if part)
    if not prompts:
        raise RequestError("The prompt is empty.", field="prompt", fix="Say in a few words what the video shows.")
    if len(prompts) > MAX_PROMPTS:
        raise RequestError(f"The text makes {len(prompts)} prompts; the most at once is {MAX_PROMPTS}.",
                           field="prompt", fix="Submit them in parts.")
    return prompts


def _assignments(text: str, number: int) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    at = 0
    while at < len(text):
        match = _ASSIGNMENT.match(text, at)
        if match is None:
            raise RequestError(f"Line {number}: the macro cannot be read from {text[at:at + 30].strip()!r} on.",
                               field="prompt", fix='Write it as ! {Animal}="cat","dog" : {Place}="beach".')
        values[match.group(1)] = _VALUE.findall(match.group(2))
        at = match.end()
        if at < len(text) and text[at] == ":":
            at += 1
        elif text[at:].strip():
            continue
        else:
            break
    if not values:
        raise RequestError(f"Line {number}: the macro names no variable.", field="prompt",
                           fix='Write it as ! {Animal}="cat","dog".')
    counts = {name: len(found) for name, found in values.items() if len(found) > 1}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{{{name}}} has {count}" for name, count in counts.items())
        raise RequestError(f"Line {number}: variables advance together, but {told} values.", field="prompt",
                           fix="Give each variable one value or the same number of values.")
    return values


def _fill(line: str, values: Mapping[str, list[str]], number: int) -> list[str]:
    unknown = [name for name in _FIELD.findall(line) if name not in values]
    if unknown:
        raise RequestError(f"Line {number}: {{{unknown[0]}}} has no value.", field="prompt",
                           fix="Known here: " + ", ".join(f"{{{name}}}" for name in values) + ".")
    used = [values[name] for name in _FIELD.findall(line)]
    count = max((len(found) for found in used), default=1)
    return [_FIELD.sub(lambda m, k=k: values[m.group(1)][k if len(values[m.group(1)]) > 1 else 0], line)
            for k in range(count)]
