"""Reading, asking and planning for the window: states, progress by page, cancel, and the real tasks in real workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from workshop import Workshop, wait_until

from tests.documents.small_pdf import column, write_pdf
from wgp_core.documents import collections
from wgp_core.errors import Cancelled, QueueError, RequestError, WorkerError
from wgp_core.events import CancelToken, Progress
from wgp_core.jobs.document_desk import (
    DocumentAction,
    DocumentDesk,
    DocumentWork,
    PlanAsk,
    Upload,
    scenes_of,
)
from wgp_core.jobs.document_tasks import INDEXING, READING
from wgp_core.jobs.work_line import WorkState
from wgp_core.models.embedder import MiniLmEmbedder
from wgp_core.paths import Paths
from wgp_core.request import ScenePlan

LESSONS = {
    "Gradient descent": "Gradient descent is a method that finds a minimum of a function. In each step it moves "
                        "against the slope, and the learning rate sets how large the step is. With a large learning "
                        "rate the method may diverge, and with a small one it needs many steps. For example, a rate "
                        "of 0.1 needs 40 steps on a parabola. The method stops when the slope is close to zero.",
    "Photosynthesis": "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen. It happens in the "
                      "chloroplasts, whose green chlorophyll absorbs red and blue light and reflects the green. "
                      "Plants make sugar because the light gives the energy for it. The oxygen leaves the leaf "
                      "through small openings that are called stomata, and water vapour leaves there too.",
}


def book(path: Path, pages: Mapping[str, str] = LESSONS) -> Path:
    """A PDF with a heading and a paragraph a page."""
    def lines(text: str) -> list[str]:
        out, words = [""], text.split()
        for word in words:
            if len(out[-1]) + len(word) > 80:
                out.append("")
            out[-1] = f"{out[-1]} {word}".strip()
        return out

    return write_pdf(path, [column([title], size=18) + column(lines(text), top=660) for title, text in pages.items()])


def upload(path: Path) -> Upload:
    return Upload(path, path.name)


def ended(desk: DocumentDesk, work: DocumentWork, timeout_s: float = 120) -> DocumentWork:
    wait_until(lambda: not desk.get(work.id).open, timeout_s, lambda: str(desk.get(work.id)))
    return desk.get(work.id)


def answered(desk: DocumentDesk, action: DocumentAction, timeout_s: float = 120) -> DocumentWork:
    def found() -> DocumentWork:
        work = desk.asked(action)
        assert work is not None
        return work

    wait_until(lambda: not found().open, timeout_s, lambda: str(found()))
    return found()


def desk_of(paths: Paths, task: Callable[..., Mapping[str, Any]]) -> DocumentDesk:
    return DocumentDesk(paths, task, task)


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text(LESSONS["Photosynthesis"])
    return path


def test_a_book_is_read_asked_planned_and_forgotten_by_real_workers(workshop: Workshop, tmp_path: Path) -> None:
    if MiniLmEmbedder.find(workshop.paths.ckpts) is None:
        pytest.skip("the text model is not installed")
    supervisor = workshop.start()
    desk = DocumentDesk(workshop.paths, supervisor.run_reading, supervisor.run_task)
    given = book(tmp_path / "lessons.pdf")
    work = ended(desk, desk.add("  My   lessons ", [upload(given)]))
    assert work.state is WorkState.DONE and work.collection == "My lessons" and work.result is not None
    assert (work.result["pages"], work.result["chunks"]) == (2, 2)

    [summary] = collections.list_collections(workshop.paths)
    assert (summary.pages, summary.chunks, summary.problem) == (2, 2, "")
    given.unlink()
    for file in workshop.paths.uploads.iterdir():
        file.unlink()
    collections.rename(workshop.paths, "My lessons", "Lessons")
    again = ended(desk, desk.refresh("Lessons"))
    assert again.state is WorkState.DONE and again.result is not None
    assert [one["error"] for one in again.result["documents"]] == [""], "the copy in the collection is read"

    desk.search("Lessons", "What does photosynthesis need?")
    found = answered(desk, DocumentAction.SEARCH)
    assert found.result is not None
    first = found.result["hits"][0]
    assert (first["page"], first["source"]) == (2, "lessons.pdf") and "carbon dioxide" in first["text"]
    desk.search("Lessons", "Who won the football world cup?")
    silent = answered(desk, DocumentAction.SEARCH).result
    assert silent is not None and silent["hits"] == []

    collections.delete(workshop.paths, "Lessons")
    desk.search("Lessons", "What does photosynthesis need?")
    gone = answered(desk, DocumentAction.SEARCH)
    assert gone.state is WorkState.FAILED and "no collection named 'Lessons'" in gone.message


def test_a_plan_rests_on_the_book_and_can_be_edited(workshop: Workshop, tmp_path: Path) -> None:
    if MiniLmEmbedder.find(workshop.paths.ckpts) is None:
        pytest.skip("the text model is not installed")
    supervisor = workshop.start()
    desk = DocumentDesk(workshop.paths, supervisor.run_reading, supervisor.run_task)
    assert ended(desk, desk.add("Lessons", [upload(book(tmp_path / "lessons.pdf"))])).state is WorkState.DONE
    desk.plan("Lessons", PlanAsk("gradient descent", seconds=20))
    work = answered(desk, DocumentAction.PLAN)
    assert work.state is WorkState.DONE, work.message
    draft = desk.draft
    assert draft is not None and draft.scenes and draft.planner == "rules"
    assert abs(sum(scene.seconds or 0 for scene in draft.scenes) - 20) < 0.2
    cues = [cue for scene in draft.scenes for cue in scene.cues]
    assert cues and all(cue.source == "lessons.pdf" and cue.page in (1, 2) for cue in cues)
    assert desk.edit(draft.scenes[:1]).scenes == draft.scenes[:1]
    desk.drop_draft()
    assert desk.draft is None
    with pytest.raises(QueueError):
        desk.edit(draft.scenes)


def test_progress_is_told_by_page_and_cancel_leaves_what_was_there(paths: Paths, text_file: Path) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def task(_name: str, _payload: Mapping[str, Any], *, cancel: CancelToken, on_progress: Any,
             **_: Any) -> Mapping[str, Any]:
        on_progress(Progress(READING, 3, 12, "notes.txt"))
        reading.set()
        assert go_on.wait(10)
        cancel.raise_if_cancelled()
        return {}

    desk = desk_of(paths, task)
    work = desk.add("Notes", [upload(text_file)])
    assert reading.wait(10)
    now = desk.get(work.id)
    assert (now.state, now.step, now.total, now.title) == (WorkState.RUNNING, 3, 12, "notes.txt")
    with pytest.raises(QueueError, match="being read"):
        desk.refresh("Notes")
    other = desk.refresh("Others")
    assert desk.get(other.id).state is WorkState.QUEUED and desk.busy("Others")
    assert desk.cancel(other.id).state is WorkState.CANCELLED
    assert desk.cancel(work.id).stopping
    go_on.set()
    done = ended(desk, work)
    assert done.state is WorkState.CANCELLED and "as it was" in done.message
    before = desk.version
    desk.dismiss(work.id)
    assert work.id not in {one.id for one in desk.works()} and desk.version != before


def test_the_index_has_its_own_count(paths: Paths, text_file: Path) -> None:
    seen: list[DocumentWork] = []

    def task(_name: str, _payload: Mapping[str, Any], *, on_progress: Any, **_: Any) -> Mapping[str, Any]:
        on_progress(Progress(READING, 12, 12, "notes.txt"))
        on_progress(Progress(INDEXING, 5, 50))
        seen.extend(desk.works())
        raise Cancelled

    desk = desk_of(paths, task)
    done = ended(desk, desk.add("Notes", [upload(text_file)]))
    assert (seen[0].indexing, seen[0].fraction) == (True, 0.1)
    assert "What was read is kept" in done.message


@pytest.mark.parametrize("error", [WorkerError("It died.", fix="Try again."), ValueError("odd")])
def test_a_failure_is_told_and_the_next_one_runs(paths: Paths, text_file: Path, error: Exception) -> None:
    outcomes: list[Exception | None] = [error, None]

    def task(*_args: Any, **_options: Any) -> Mapping[str, Any]:
        problem = outcomes.pop(0)
        if problem is not None:
            raise problem
        return {"hits": []}

    desk = desk_of(paths, task)
    assert str(error).split()[0] in ended(desk, desk.add("Notes", [upload(text_file)])).message
    assert ended(desk, desk.refresh("Notes")).state is WorkState.DONE
    outcomes[:] = [error, None]
    desk.search("Notes", "What?")
    assert answered(desk, DocumentAction.SEARCH).state is WorkState.FAILED
    desk.search("Notes", "What?")
    assert answered(desk, DocumentAction.SEARCH).state is WorkState.DONE


def test_what_cannot_be_read_or_asked_is_refused(paths: Paths, tmp_path: Path, text_file: Path) -> None:
    def never(*_args: Any, **_options: Any) -> Mapping[str, Any]:
        raise AssertionError

    desk = desk_of(paths, never)
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    for name, files, words in (("Notes", [upload(picture)], "a.png is of a kind"), ("Notes", [], "0 documents"),
                               ("../out", [upload(text_file)], "cannot be called"),
                               ("Notes", [upload(text_file)] * 2, "Two of the documents"),
                               ("Notes", [Upload(tmp_path / "gone.txt", "gone.txt")], "does not exist")):
        with pytest.raises(RequestError, match=words):
            desk.add(name, files)
    for question in ("", " ?! ", "x" * 3000):
        with pytest.raises(RequestError):
            desk.search("Notes", question)
    assert not desk.works()


def test_a_question_that_takes_long_is_cancelled(paths: Paths) -> None:
    def slow(_name: str, _payload: Mapping[str, Any], *, cancel: CancelToken, **_: Any) -> Mapping[str, Any]:
        while not cancel.cancelled:
            time.sleep(0.01)
        raise Cancelled

    desk = desk_of(paths, slow)
    desk.search("Notes", "What?")
    with pytest.raises(QueueError, match="already"):
        desk.search("Notes", "What else?")
    desk.stop_asking(DocumentAction.SEARCH)
    assert answered(desk, DocumentAction.SEARCH).state is WorkState.CANCELLED
    desk.stop_asking(DocumentAction.SEARCH)
    assert desk.asked(DocumentAction.SEARCH) is None


def test_scenes_in_json_are_checked_by_name() -> None:
    assert scenes_of([{"title": "One", "seconds": 3}]) == (ScenePlan("One", seconds=3),)
    with pytest.raises(RequestError, match=r"plan\.0\.colour"):
        scenes_of([{"title": "One", "colour": "red"}])
    with pytest.raises(RequestError, match="plan"):
        scenes_of("no list")
