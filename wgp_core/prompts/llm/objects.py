"""JSON objects in a language model's answer, read with patience: thoughts, talk, trailing commas, a lost end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
COMMA = re.compile(r",(?=\s*[\]}])")


def objects_of(answer: str) -> Iterator[Mapping[str, Any]]:
    """The outermost objects, in order; those of arrays stand alone, and what cannot be read is passed over."""
    text = COMMA.sub("", THINKING.sub("", answer))
    decoder = json.JSONDecoder()
    at = 0
    while (at := text.find("{", at)) >= 0:
        try:
            data, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        yield data
