"""A storyboard's folder: what is kept, what is forgotten, and how frames move."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wgp_core.engines.explainer.board_people import kind_of, thing_of
from wgp_core.engines.explainer.sketch import Sketch, read_sketch
from wgp_core.errors import RequestError
from wgp_core.media.images import load_image, save_png
from wgp_core.planning.story.board import Bible, Board, Character
from wgp_core.planning.story.break_down import break_down
from wgp_core.planning.story.character_line import character_line, read_character
from wgp_core.storyboard import BoardProject, DrawOptions, FilmOptions, Frame, FrameState, Transition
from wgp_core.storyboard.cast import cast_of, people_in
from wgp_core.storyboard.export import _columns

STORY = "a trickster sells a wealthy merchant a magical pot"


@pytest.fixture(scope="module")
def board() -> Board:
    return break_down(STORY, count=6)


@pytest.fixture
def project(board: Board, tmp_path: Path) -> BoardProject:
    return BoardProject.create(tmp_path / "p", board)


def colored(project: BoardProject, number: int, value: int) -> None:
    save_png(np.full((36, 64, 3), value, np.uint8), project.frame_path(number))
    project.put_frame(Frame(number, FrameState.DRAWN, project.scene(number).prompt, 42, "explainer", 1))


def shown(project: BoardProject) -> list[int | None]:
    return [int(load_image(project.frame_path(f.number))[0, 0, 0]) if f.is_there else None for f in project.frames]


def test_a_project_is_read_back_as_it_was_written(board: Board, tmp_path: Path) -> None:
    made = BoardProject.create(tmp_path / "p", board, DrawOptions(loras=(Path("a.safetensors"),), width=640),
                               FilmOptions(transition=Transition.MATCH, soundtrack=Path("m.mp3")))
    colored(made, 2, 9)
    made.lock(2)
    again = BoardProject.open(tmp_path / "p")
    assert (again.board, again.options, again.film_options, again.frames) == (
        board, made.options, made.film_options, made.frames)
    assert again.frame(2).state is FrameState.LOCKED
    assert again.missing == (1, 3, 4, 5, 6)


def test_the_files_hold_what_they_are_known_for(project: BoardProject) -> None:
    told = json.loads((project.folder / "scene_breakdown.json").read_text())
    assert told["story"] == STORY and told["num_frames"] == len(told["scenes"]) == 6 and told["timestamp"]
    assert json.loads((project.folder / "sdxl_prompts.json").read_text()) == [s.prompt for s in project.board.scenes]


def test_a_frame_whose_file_is_gone_is_missing_again(project: BoardProject) -> None:
    colored(project, 1, 9)
    project.frame_path(1).unlink()
    assert BoardProject.open(project.folder).missing == (1, 2, 3, 4, 5, 6)


def test_pictures_follow_their_scenes_when_frames_are_moved_inserted_and_removed(project: BoardProject) -> None:
    for number in range(1, 7):
        colored(project, number, number * 10)
    scenes = project.board.scenes
    project.arrange([scenes[2], scenes[0], replace(scenes[1], description="A new one."), scenes[5]], [3, 1, None, 6])
    again = BoardProject.open(project.folder)
    assert shown(again) == [30, 10, None, 60]
    assert [scene.frame for scene in again.board.scenes] == [1, 2, 3, 4]
    assert sorted(p.name for p in project.folder.glob("*.png")) == ["frame_001.png", "frame_002.png", "frame_004.png"]
    kept = [int(load_image(path)[0, 0, 0]) for path in sorted((project.folder / "earlier").iterdir())]
    assert kept == [20, 40, 50], "pictures whose scenes are gone are kept"


def test_an_order_that_names_a_frame_twice_changes_nothing(project: BoardProject) -> None:
    colored(project, 1, 10)
    scenes = project.board.scenes
    with pytest.raises(RequestError, match="cannot be put in that order"):
        project.arrange([scenes[0], scenes[1]], [1, 1])
    assert len(project.frames) == 6 and project.frame_path(1).is_file()


def test_an_edited_scene_makes_its_frame_stale(project: BoardProject) -> None:
    colored(project, 1, 10)
    assert not project.is_stale(1)
    project.edit(1, prompt="another prompt")
    assert project.is_stale(1) and BoardProject.open(project.folder).is_stale(1)


def test_what_cannot_be_done_is_said(project: BoardProject, board: Board) -> None:
    with pytest.raises(RequestError, match="already"):
        BoardProject.create(project.folder, board)
    with pytest.raises(RequestError, match="no frame 9"):
        project.frame(9)
    with pytest.raises(RequestError, match="not drawn yet"):
        project.lock(1)
    (project.folder / "storyboard.json").write_text('{"frames": [{"state": "odd"}]}')
    with pytest.raises(RequestError, match="cannot be read"):
        BoardProject.open(project.folder)


def test_projects_are_listed_newest_first(board: Board, tmp_path: Path) -> None:
    first, second = BoardProject.create_in(tmp_path, board), BoardProject.create_in(tmp_path, board)
    assert first.folder != second.folder and first.folder.name.startswith("prompt_storyboard_")
    assert set(BoardProject.list(tmp_path)) == {first.folder, second.folder}
    assert BoardProject.list(tmp_path / "none") == ()


def test_the_people_of_a_story_are_found_without_a_bible(board: Board) -> None:
    assert cast_of(board) == ("trickster", "wealthy merchant")
    selling = next(s for s in board.scenes if "sells" in s.description)
    assert people_in(board, selling) == ("trickster", "wealthy merchant")


def test_a_token_stands_for_its_character() -> None:
    made = break_down("Aldar Kose tricks a rich man", count=6, bible=Bible((Character("Aldar Kose",
            "aldar_kose_man"),)))
    assert cast_of(made)[0] == "aldar_kose_man"
    assert any("aldar_kose_man" in people_in(made, scene) for scene in made.scenes)


def test_a_sketch_survives_its_text() -> None:
    sketch = Sketch(3, "close-up", "push-in", "in a lane: dark", "market", "dawn", "calm", "He runs: fast", ("a",
            "b c"),
                    ("b c",), False)
    assert read_sketch(sketch.text()) == sketch
    assert read_sketch("A man walks.").action == "A man walks."
    assert read_sketch("") == Sketch()


def test_a_sketch_shows_the_thing_that_is_meant() -> None:
    assert thing_of("The merchant inspects the magical pot while coins lie there.") == "pot"
    assert [thing_of(text) for text in ("She reads a letter", "two knives", "a rose")] == ["book", "sword", "flower"]
    for text in ("People watch the golden lighthouse.", "He rose and hid behind the cupboard.", "The potter spins."):
        assert thing_of(text) == "", text


def test_the_grid_leaves_few_places_empty() -> None:
    assert [_columns(count) for count in (1, 4, 6, 7, 8, 9, 10, 12)] == [1, 2, 3, 4, 4, 3, 5, 3]


def test_a_character_is_written_on_a_line() -> None:
    for line in ("Ann", "Ann = ann_x", "Ann = ann_x @ a/b.safetensors | an old woman", "Ann | tall"):
        assert character_line(read_character(line)) == line
    for line in ("", "= ann_x", "Ann = two words"):
        with pytest.raises(RequestError, match="cannot be read"):
            read_character(line)


@pytest.mark.parametrize(("name", "kind"), [
    ("wounded whale calf", "fish"), ("calf", "beast"), ("wolves", "beast"), ("geese", "bird"), ("old robot", "machine"),
    ("fishmonger", "person"), ("mother", "person"), ("Catherine", "person")])
def test_characters_are_drawn_as_what_they_are(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_one_whale_is_not_the_other() -> None:
    board = break_down("Maya finds a wounded whale calf on the beach. The mother whale calls from the sea.")
    finding = next(scene for scene in board.scenes if "finds a wounded" in scene.description)
    assert people_in(board, finding) == ("Maya", "wounded whale calf")
