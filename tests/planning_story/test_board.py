"""Boards and their JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.errors import RequestError
from wgp_core.planning.story.board import (
    Bible,
    Board,
    Character,
    Place,
    Repair,
    StoryScene,
    read_board,
    renumbered,
    write_board,
)

SCENE = StoryScene(1, "The fox runs.", "wide shot, slow pan", "calm")
BOARD = Board("A fox runs.", (SCENE, StoryScene(2, "The fox sleeps under a tree.", "close-up", "peaceful", seconds=3.5,
                                                characters=("fox",), notes=("keep",))),
              Bible((Character("fox", "fox_tok", Path("loras/fox.safetensors"), "a red fox"),), (Place("the wood",
                  "dark"),),
                    "ink"), "local", "2026-01-02T03:04:05+00:00", (Repair(2, "camera", "shot set", "before"),), "toy",
                    ("w",))
TEXT = st.text(min_size=1, max_size=20).filter(lambda text: text.strip())


def test_the_shape_of_a_scene_breakdown() -> None:
    data = json.loads(json.dumps(BOARD.to_dict()))
    assert (data["story"], data["timestamp"], data["num_frames"]) == (BOARD.story, BOARD.timestamp, 2)
    assert {"frame", "description", "camera", "mood"} <= set(data["scenes"][0])
    assert Board.from_dict(data) == BOARD


def test_a_file_and_back(tmp_path: Path) -> None:
    path = tmp_path / "out" / "scene_breakdown.json"
    write_board(path, BOARD)
    assert read_board(path) == BOARD and list(path.parent.iterdir()) == [path]


@given(st.builds(Board, TEXT, st.lists(st.builds(StoryScene, st.just(0), TEXT, TEXT, TEXT, st.text(), st.text(),
                                                 st.text(),
                                                 st.lists(st.text(), max_size=2).map(tuple), st.text(),
                                                 st.floats(0.5, 60.0)), min_size=1, max_size=3).map(renumbered)))
def test_any_board_survives(board: Board) -> None:
    assert Board.from_dict(json.loads(json.dumps(board.to_dict()))) == board


def test_the_least_that_a_person_must_write() -> None:
    board = Board.from_dict({"story": "A fox.", "scenes": [{"description": "The fox runs.", "camera": "wide",
                                                            "mood": "calm"}]})
    assert board.scenes[0].frame == 1 and board.provider == "rules"


def changed(*path: Any, to: Any) -> dict[str, Any]:
    data = BOARD.to_dict()
    place: Any = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return data


@pytest.mark.parametrize(("data", "says", "field"), [
    ([], "is not an object", ""),
    ({"story": "x"}, "no list of scenes", "scenes"),
    (changed("num_frames", to=3), "num_frames is 3 and has 2", "num_frames"),
    (changed("scenes", 1, "mood", to=7), "scene 2: mood is 7; it must be a text", "scene.2.mood"),
    (changed("scenes", 1, "description", to=""), "scene 2: description is missing", "scene.2.description"),
    (changed("scenes", 0, "frame", to=4), "scene 1: frame is 4; it must be 1", "scene.1.frame"),
    (changed("scenes", 0, "seconds", to=float("nan")), "scene 1: seconds is nan", "scene.1.seconds"),
    (changed("scenes", 0, "characters", to=[1]), "characters must be a list of texts", "scene.1.characters"),
    (changed("scenes", 0, "colour", to="red"), "scene 1 has unknown fields: colour", "scene.1.colour"),
    (changed("bible", "characters", 0, "lora", to=3), "character 1: lora is 3", "character.1.lora"),
    (changed("bible", "places", to="here"), "bible: places is 'here'", "bible.places"),
    (changed("scenes", to=[{}] * 61), "at most 60", "scenes"),
])
def test_what_is_wrong_is_said_with_file_scene_and_field(data: Any, says: str, field: str) -> None:
    with pytest.raises(RequestError) as error:
        Board.from_dict(data, "my.json")
    assert says in str(error.value) and "my.json" in str(error.value) and error.value.field == field


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\udcff"])
def test_files_that_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    with pytest.raises(RequestError, match="no board"):
        read_board(path)
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RequestError, match=r"b\.json"):
        read_board(path)
