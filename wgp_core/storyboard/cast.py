"""Who is in which frame: the bible's characters where it has some, else the people whom the story names."""

from __future__ import annotations

import functools
import re

from ..planning.story.board import Board, StoryScene
from ..planning.story.reader import read_story


def cast_of(board: Board) -> tuple[str, ...]:
    """Everybody of the story in a steady order, as they are shown: tokens of characters that have one, else names."""
    known = tuple(character.token or character.name for character in board.bible.characters)
    return tuple(dict.fromkeys((*known, *(name for name in _read(board.story) if not _is_one_of(name, board)))))


def people_in(board: Board, scene: StoryScene) -> tuple[str, ...]:
    """Who of the cast is in a scene, whoever acts first."""
    texts = (scene.action, scene.description)
    places: dict[str, tuple[int, int]] = {}
    for name in cast_of(board):
        character = next((c for c in board.bible.characters if name in (c.token, c.name)), None)
        words = {name, *((character.name, character.token) if character else ()),
                 *(() if character and character.token else (name.split()[-1],))}
        pattern = "|".join(re.escape(word) for word in words if word)
        others = [other for other in cast_of(board) if other != name and other.lower() not in name.lower()]
        for order, text in enumerate(texts):
            for other in others:  # "the mother whale" is not in "a wounded whale calf"
                text = re.sub(rf"(?<![\w-]){re.escape(other)}(?![\w-])", lambda match: "_" * len(match.group()), text,
                              flags=re.IGNORECASE)
            found = re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", text, re.IGNORECASE)
            if found:
                places[name] = (order, found.start())
                break
        else:
            if character is not None and character.name in scene.characters:
                places[name] = (len(texts), 0)
    return tuple(sorted(places, key=lambda name: places[name]))


@functools.lru_cache(maxsize=32)
def _read(story: str) -> tuple[str, ...]:
    return tuple(noun.words for noun in read_story(story).cast)[:6]


def _is_one_of(name: str, board: Board) -> bool:
    """Whether the bible may know this person under another name."""
    if not board.bible.characters:
        return False
    said = " ".join(f"{c.name} {c.description}" for c in board.bible.characters).lower()
    return name.split()[-1].lower() in said or len(board.bible.characters) >= len(_read(board.story))
