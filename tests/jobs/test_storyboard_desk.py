"""Boards for the window: made by the real tasks in real workers, changed by hand, cancelled, refused while in work."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from workshop import Workshop, wait_until

from wgp_core.errors import Cancelled, MediaError, QueueError, RequestError, WorkerError
from wgp_core.events import CancelToken, Progress, Stage
from wgp_core.jobs.storyboard_desk import BoardAction, BoardWork, StoryAsk, StoryboardDesk, payload_of
from wgp_core.jobs.storyboard_tasks import bible_of
from wgp_core.jobs.supervisor import SupervisorOptions
from wgp_core.jobs.work_line import WorkState
from wgp_core.paths import Paths
from wgp_core.planning.story.board import Bible, Character, Place
from wgp_core.planning.story.break_down import break_down
from wgp_core.planning.story.shots import Transition
from wgp_core.request import EngineChoice
from wgp_core.storyboard.project import BoardProject, Frame, FrameState

STORY = "a trickster sells a wealthy merchant a magical pot"
MAKE = StoryAsk(STORY, 6, engine=EngineChoice.LOCAL)


def ended(desk: StoryboardDesk, work: BoardWork, timeout_s: float = 240) -> BoardWork:
    wait_until(lambda: not desk.line.get(work.id).open, timeout_s, lambda: str(desk.line.get(work.id)))
    return desk.line.get(work.id)


def no_task(name: str, *_: object, **__: object) -> Mapping[str, Any]:
    raise AssertionError(f"{name} was not expected")


def desk_of(paths: Paths, task: Callable[..., Mapping[str, Any]] = no_task) -> StoryboardDesk:
    return StoryboardDesk(paths, task, task)


@pytest.fixture
def project(paths: Paths) -> BoardProject:
    """A board of six scenes whose frames are drawn; each picture holds its number."""
    made = BoardProject.create_in(paths.outputs, break_down(STORY, count=6))
    for number in range(1, 7):
        made.frame_path(number).write_bytes(bytes([number]))
        made.put_frame(Frame(number, FrameState.DRAWN, made.scene(number).prompt, seed=number))
    return made


def pictures(desk: StoryboardDesk, name: str) -> list[int | None]:
    """The number that each frame had at first; None where it is missing."""
    now = desk.open(name)
    return [now.frame_path(frame.number).read_bytes()[0] if frame.is_there else None for frame in now.frames]


@pytest.fixture
def stuck() -> Iterator[tuple[Callable[..., Mapping[str, Any]], threading.Event]]:
    """A task that goes on until it is let go, or cancelled."""
    go = threading.Event()

    def task(_name: str, _payload: object, *, cancel: CancelToken, on_progress: Callable[[Progress], None],
             **_: object) -> Mapping[str, Any]:
        on_progress(Progress(Stage.RENDER, 1, 4, "Frame 2 of 4"))
        while not go.wait(0.02):
            cancel.raise_if_cancelled()
        return {"message": "Well."}

    yield task, go
    go.set()


@pytest.mark.slow
def test_a_story_becomes_a_board_frames_files_and_a_film_in_real_workers(workshop: Workshop) -> None:
    workshop.options = SupervisorOptions(poll_s=0.05, heartbeat_s=0.2)
    supervisor = workshop.start()
    desk = StoryboardDesk(workshop.paths, supervisor.run_task, supervisor.run_drawing)
    made = ended(desk, desk.break_down(MAKE))
    assert made.state is WorkState.DONE, made
    project = desk.shown
    assert project is not None and project.folder.name == made.board and project.missing == tuple(range(1, 7))
    assert desk.breaches(project) == ()

    with pytest.raises(RequestError, match="Frame 1 is not drawn"):
        desk.film(made.board)
    assert ended(desk, desk.draw(made.board)).state is WorkState.DONE
    before = desk.open(made.board)
    assert before.missing == () and before.frame_path(6).read_bytes().startswith(b"\x89PNG")

    desk.edit(made.board, 2, {"description": "The merchant dances on a table in the market.", "mood": "merry"})
    assert desk.open(made.board).is_stale(2)
    drawn = ended(desk, desk.draw(made.board)).result
    assert drawn is not None and drawn["drawn"] == [2], "only the changed scene is drawn again"
    assert not desk.open(made.board).is_stale(2)

    files = ended(desk, desk.export(made.board)).result
    assert files is not None and {"storyboard_grid.png", "storyboard.pdf", "storyboard.html"} <= set(files["files"])
    film = ended(desk, desk.film(made.board))
    assert film.state is WorkState.DONE and film.result is not None and film.result["seconds"] > 10
    assert desk.open(made.board).film_path.is_file()
    assert workshop.store.library.find_by_path(desk.open(made.board).film_path) is not None


def test_pictures_go_where_their_scenes_go(paths: Paths, project: BoardProject) -> None:
    desk, name = desk_of(paths), project.folder.name
    told = [scene.description for scene in project.board.scenes]
    desk.move(name, 1, 3)
    assert pictures(desk, name) == [2, 3, 1, 4, 5, 6]
    assert [scene.description for scene in desk.open(name).board.scenes][:3] == [told[1], told[2], told[0]]
    desk.insert(name, 3)
    assert pictures(desk, name) == [2, 3, 1, None, 4, 5, 6]
    new = desk.open(name).scene(4)
    assert new.prompt and new.camera not in {scene.camera for scene in project.board.scenes}
    desk.insert(name, 0)
    desk.remove(name, 2)
    assert pictures(desk, name) == [None, 3, 1, None, 4, 5, 6]
    assert [scene.frame for scene in desk.open(name).board.scenes] == list(range(1, 8))
    for number, to in ((1, 0), (8, 1), (1, 8)):
        with pytest.raises(RequestError, match="There is no frame"):
            desk.move(name, number, to)


def test_an_edited_scene_gets_new_prompts_unless_they_were_edited(paths: Paths, project: BoardProject) -> None:
    desk, name = desk_of(paths), project.folder.name
    before = project.scene(1)
    changed = desk.edit(name, 1, {"description": "A fox steals the pot at night.", "prompt": before.prompt}).scene(1)
    assert "fox" in changed.prompt and "fox" in changed.motion and changed.action == ""
    own = desk.edit(name, 1, {"mood": "eerie", "prompt": "my words"}).scene(1)
    assert own.prompt == "my words" and own.mood == "eerie"
    assert desk.edit(name, 1, {"seconds": 2}).scene(1).prompt == "my words", "the length is not in the prompt"
    assert desk.open(name).is_stale(1) and pictures(desk, name)[0] == 1
    for changes, said in (({"seconds": 500}, "seconds"), ({"mood": " "}, "mood is missing"), ({"frame": 2}, "frame"),
                          ({"seconds": None}, "seconds")):
        with pytest.raises(RequestError, match=said):
            desk.edit(name, 1, changes)
    assert desk.open(name).scene(1).seconds == 2


def test_rules_are_checked_as_scenes_are_now(paths: Paths, project: BoardProject) -> None:
    desk, name = desk_of(paths), project.folder.name
    for number in (1, 2, 3):
        desk.edit(name, number, {"camera": "close-up, static camera"})
    assert any(breach.frame == 3 and breach.rule == "camera" for breach in desk.breaches(desk.open(name)))


def test_locked_frames_are_left_alone(paths: Paths, project: BoardProject) -> None:
    seen: list[Any] = []

    def note(_name: str, payload: Mapping[str, Any], **_: object) -> Mapping[str, Any]:
        seen.append(payload["frames"])
        return {}

    desk, name = desk_of(paths, note), project.folder.name
    desk.lock(name, 2)
    ended(desk, desk.draw_again(name))
    assert seen == [[1, 3, 4, 5, 6]]
    with pytest.raises(RequestError, match="locked"):
        desk.draw(name, [2])
    desk.lock(name, 2, False)
    ended(desk, desk.draw(name, [2, 2]))
    assert seen[-1] == [2]


def test_a_board_in_work_is_not_changed_and_can_be_cancelled(
        paths: Paths, project: BoardProject, stuck: tuple[Callable[..., Mapping[str, Any]], threading.Event]) -> None:
    desk, name = desk_of(paths, stuck[0]), project.folder.name
    work = desk.draw(name)
    wait_until(lambda: desk.line.get(work.id).total == 4)
    assert desk.line.busy(name) and desk.line.get(work.id).fraction == 0.25
    for change in (lambda: desk.edit(name, 1, {"mood": "calm"}), lambda: desk.remove(name, 1),
                   lambda: desk.lock(name, 1), lambda: desk.draw(name), lambda: desk.delete(name)):
        with pytest.raises(QueueError, match="being worked on"):
            change()
    behind = desk.break_down(MAKE)
    assert desk.line.cancel(behind.id).state is WorkState.CANCELLED
    assert desk.line.cancel(work.id).stopping
    assert ended(desk, work).state is WorkState.CANCELLED
    desk.edit(name, 1, {"mood": "calm"})
    version = desk.version
    desk.line.dismiss(work.id)
    assert desk.version.states > version.states
    with pytest.raises(QueueError):
        desk.line.get(work.id)


def test_what_fails_is_told_and_the_next_goes_on(paths: Paths, project: BoardProject) -> None:
    problems: list[Exception] = [WorkerError("It died.", fix="Try again."), ValueError("odd"), Cancelled("gone")]

    def task(*_: object, **__: object) -> Mapping[str, Any]:
        raise problems.pop(0)

    desk, name = desk_of(paths, task), project.folder.name
    first = ended(desk, desk.draw(name))
    assert (first.state, first.message, first.fix) == (WorkState.FAILED, "It died.", "Try again.")
    assert ended(desk, desk.film(name)).message == "ValueError: odd"
    assert ended(desk, desk.draw(name)).state is WorkState.CANCELLED


def test_stories_and_names_that_cannot_be_are_refused(paths: Paths, project: BoardProject) -> None:
    desk = desk_of(paths)
    for ask, said in ((StoryAsk(" ... "), "empty"), (StoryAsk("x" * 20_001), "20001"), (StoryAsk("a man", 11), "11")):
        with pytest.raises(RequestError, match=said):
            desk.break_down(ask)
    for name in ("nothing", "../outputs", str(project.folder), f"./{project.folder.name}", ""):
        with pytest.raises(RequestError, match="no storyboard"):
            desk.open(name)


def test_the_newest_board_is_shown_unless_another_was_chosen(paths: Paths, project: BoardProject) -> None:
    desk = desk_of(paths)
    second = BoardProject.create_in(paths.outputs, break_down("a cat finds a lost key", count=6))
    assert desk.shown is not None and desk.shown.folder == second.folder
    desk.show(project.folder.name)
    assert desk.shown.folder == project.folder
    (second.folder / "scene_breakdown.json").write_text("{")
    assert [one.folder for one in desk.boards()] == [project.folder], "one that cannot be read is left out"
    gone = desk.delete(project.folder.name)
    assert desk.shown is None and (gone / "scene_breakdown.json").is_file() and gone.parent == paths.trash


def test_the_bible_survives_the_way_to_the_worker() -> None:
    bible = Bible((Character("Aldar Kose", "aldar_kose_man"), Character("Bay", description="an old rich man")),
                  (Place("the steppe", "endless grass"),), "ink")
    payload = payload_of(StoryAsk(STORY, bible=bible))
    assert bible_of(payload["bible"]) == bible
    assert BoardAction.MAKE.value == "make" and payload["seed"] == 42


def test_how_the_film_is_made_is_kept_with_the_board(paths: Paths, project: BoardProject, tmp_path: Path) -> None:
    desk, name = desk_of(paths), project.folder.name
    desk.set_film(name, {"transition": Transition.MATCH, "seconds": 2.5})
    options = desk.open(name).film_options
    assert (options.transition, options.seconds, options.subtitles) == (Transition.MATCH, 2.5, True)
    assert desk.open(name).shot_seconds(3) == 2.5

    tune, silent = tmp_path / "My tune.WAV", tmp_path / "silent.txt"
    with wave.open(str(tune), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(8000))
    silent.write_text("no sound")
    sound = desk.put_soundtrack(name, tune).soundtrack
    assert sound is not None and sound == project.folder / "soundtrack.wav" and sound.read_bytes() == tune.read_bytes()
    with pytest.raises(MediaError):
        desk.put_soundtrack(name, silent)
    assert desk.open(name).soundtrack == sound and sound.is_file(), "what was there stays"
    assert desk.put_soundtrack(name, None).soundtrack is None and not sound.exists()


def test_a_character_s_lora_must_be_there(paths: Paths) -> None:
    desk = desk_of(paths, lambda *_, **__: {})
    asked = StoryAsk(STORY, 6, bible=Bible((Character("Ann", "ann_x", Path("ann.safetensors")),)))
    with pytest.raises(RequestError, match=r"ann\.safetensors"):
        desk.break_down(asked)
    (paths.loras / "ann.safetensors").write_bytes(b"x")
    assert desk.break_down(asked).open
