"""A character on one line, as people write it in the window and on the command line."""

from __future__ import annotations

from pathlib import Path

from ...errors import RequestError
from .board import Character

FORM = "name = token @ LoRA | how they look"


def read_character(line: str) -> Character:
    """The character of a line in the form of `FORM`; everything but the name may be left out. Raises `RequestError`."""
    named, _, looks = line.partition("|")
    named, _, lora = named.partition("@")
    name, _, token = (part.strip() for part in named.partition("="))
    if not name or " " in token:
        raise RequestError(f"The character {line.strip()[:60]!r} cannot be read.", field="characters",
                           fix=f"Write: {FORM}. A token is one word.")
    return Character(name, token, Path(lora.strip()) if lora.strip() else None, looks.strip())


def character_line(character: Character) -> str:
    """The line that `read_character` reads back."""
    parts = [character.name, f" = {character.token}" if character.token else "",
             f" @ {character.lora}" if character.lora else "",
             f" | {character.description}" if character.description else ""]
    return "".join(parts)
