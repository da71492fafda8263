"""Collections over HTTP: read, listen, list, search, plan, rename, delete; the tasks run in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from test_events_api import read
from waiting import wait_until

from tests.documents.small_pdf import column, write_pdf
from wgp_core.events import CancelToken, Progress
from wgp_core.http_api import guard
from wgp_core.jobs.document_desk import DocumentDesk
from wgp_core.jobs.document_tasks import READING
from wgp_core.jobs.tasks import TaskContext, run_registered
from wgp_core.models.embedder import MiniLmEmbedder
from wgp_core.paths import Paths
from wgp_core.server import build_web

LOCAL = "http://127.0.0.1:7860"
PAGES = (["Photosynthesis turns light, water and carbon dioxide into sugar and oxygen. It happens in",
          "the chloroplasts, whose green chlorophyll absorbs red and blue light and reflects the green.",
          "Plants make sugar because the light gives the energy for it. The oxygen leaves the leaf",
          "through small openings that are called stomata."],
         ["Mitosis is the division of a cell nucleus into two nuclei with the same chromosomes. It has",
          "four phases: prophase, metaphase, anaphase and telophase. The cell itself divides afterwards",
          "by cytokinesis. For example, a skin cell needs about one hour for all four phases together."])
TEXT = "\n".join(PAGES[0]).encode()


def here(paths: Paths) -> Callable[..., Mapping[str, Any]]:
    def run_task(name: str, payload: Mapping[str, Any], *, cancel: CancelToken, timeout_s: float,
                 on_progress: Any = lambda _event: None) -> Mapping[str, Any]:
        del timeout_s
        return run_registered(name, payload, TaskContext(paths, cancel=cancel, on_progress=on_progress))

    return run_task


@pytest.fixture
def web(studio: SimpleNamespace) -> TestClient:
    """The API whose documents are read in this process."""
    studio.documents = DocumentDesk(studio.paths, here(studio.paths), here(studio.paths))
    return TestClient(build_web(studio, None), base_url=LOCAL)  # type: ignore[arg-type]


@pytest.fixture
def lessons(web: TestClient, tmp_path: Path) -> Iterator[TestClient]:
    """With a collection of a two-page book."""
    if MiniLmEmbedder.find(tmp_path) is None:
        pytest.skip("the text model is not installed")
    book = write_pdf(tmp_path / "book.pdf", [column(lines) for lines in PAGES])
    sent = web.post("/documents/collections", data={"name": "Lessons"},
                    files=[("files", ("book.pdf", book.read_bytes()))])
    assert sent.status_code == 202, sent.text
    assert done(web, sent.json()["id"])["state"] == "done"
    yield web


def done(web: TestClient, work: str) -> dict[str, Any]:
    wait_until(lambda: web.get(f"/documents/work/{work}").json()["state"] in ("done", "failed", "cancelled"), 60)
    return web.get(f"/documents/work/{work}").json()


def test_a_book_is_read_listed_asked_renamed_and_deleted(lessons: TestClient, studio: SimpleNamespace) -> None:
    [found] = lessons.get("/documents/collections").json()
    assert (found["name"], found["pages"], found["chunks"], found["busy"]) == ("Lessons", 2, 2, False)
    assert found["documents"][0] == {"source": "book.pdf", "pages": 2, "chunks": 2, "rejected": 0, "skipped": [],
                                     "error": ""}
    answer = lessons.post("/documents/Lessons/search", json={"question": "What are the phases of mitosis?", "top": 1})
    assert answer.status_code == 200
    [hit] = answer.json()["hits"]
    assert (hit["source"], hit["page"]) == ("book.pdf", 2) and "anaphase" in hit["text"]
    silent = lessons.post("/documents/Lessons/search", json={"question": "Who won the football world cup?"}).json()
    assert silent["silent"] and silent["hits"] == []

    again = lessons.post("/documents/Lessons/refresh")
    assert again.status_code == 202
    assert [one["unchanged"] for one in done(lessons, again.json()["id"])["result"]["documents"]] == [True]
    rejected = lessons.get("/documents/collections/Lessons/rejected")
    assert rejected.status_code == 200 and rejected.text == ""
    named = lessons.post("/documents/Lessons/rename", json={"name": "Biology 1"})
    assert named.json()["name"] == "Biology 1" and lessons.get("/documents/collections/Lessons").status_code == 404
    assert lessons.get("/documents/collections/Biology%201").json()["chunks"] == 2
    assert lessons.delete("/documents/collections/Biology 1").status_code == 204
    assert lessons.get("/documents/collections").json() == []
    assert [path.name.startswith("documents-Biology 1") for path in studio.paths.trash.iterdir()] == [True]


def test_a_plan_goes_into_a_generation_as_it_is(lessons: TestClient, studio: SimpleNamespace) -> None:
    answer = lessons.post("/documents/Lessons/plan", json={"topic": "mitosis", "seconds": 15})
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    cues = [cue for scene in plan["scenes"] for cue in scene["cues"]]
    assert plan["planner"] == "rules" and cues and {cue["source"] for cue in cues} == {"book.pdf"}
    sent = lessons.post("/api/generations", json={"request": {"prompt": "mitosis", "plan": plan["scenes"]}})
    assert sent.status_code == 201
    assert len(studio.queue.get(sent.json()["id"]).request.plan) == len(plan["scenes"])


def test_a_new_edition_takes_the_place_of_the_old_one(lessons: TestClient) -> None:
    sent = lessons.post("/documents/collections", data={"name": "Lessons"}, files=[("files", ("notes.txt", TEXT))])
    assert done(lessons, sent.json()["id"])["state"] == "done"
    new = TEXT.replace(b"Photosynthesis", b"Respiration").replace(b"light", b"air")
    sent = lessons.post("/documents/collections", data={"name": "Lessons"}, files=[("files", ("notes.txt", new))])
    assert done(lessons, sent.json()["id"])["state"] == "done"
    found = lessons.get("/documents/collections/Lessons").json()
    assert [one["source"] for one in found["documents"]] == ["book.pdf", "notes.txt"]
    hits = lessons.post("/documents/Lessons/search", json={"question": "What is respiration?"}).json()["hits"]
    assert hits and hits[0]["source"] == "notes.txt"
    assert lessons.delete("/documents/collections/Lessons/documents/none.txt").status_code == 404
    out = lessons.delete("/documents/collections/Lessons/documents/notes.txt")
    assert out.status_code == 202 and done(lessons, out.json()["id"])["result"]["removed"] == "notes.txt"
    found = lessons.get("/documents/collections/Lessons").json()
    assert [one["source"] for one in found["documents"]] == ["book.pdf"]
    last = lessons.delete("/documents/collections/Lessons/documents/book.pdf").json()["id"]
    assert "only document" in done(lessons, last)["message"]


def test_reading_is_heard_by_page_and_cancelled(studio: SimpleNamespace) -> None:
    go_on = threading.Event()

    def task(_name: str, _payload: Any, *, cancel: CancelToken, on_progress: Any, **_: Any) -> Mapping[str, Any]:
        on_progress(Progress(READING, 7, 20, "notes.txt"))
        assert go_on.wait(20)
        cancel.raise_if_cancelled()
        return {}

    studio.documents = DocumentDesk(studio.paths, task, task)
    web = TestClient(build_web(studio, None), base_url=LOCAL)  # type: ignore[arg-type]
    work = web.post("/documents/collections", data={"name": "Notes"}, files=[("files", ("notes.txt", TEXT))]).json()
    wait_until(lambda: web.get(f"/documents/work/{work['id']}").json()["step"] == 7)
    busy = web.post("/documents/collections", data={"name": "Notes"}, files=[("files", ("b.txt", TEXT))])
    assert busy.status_code == 409 and "being read" in busy.json()["error"]
    stopping = web.delete(f"/documents/work/{work['id']}")
    assert stopping.status_code == 200
    threading.Timer(1.0, go_on.set).start()
    with web.stream("GET", f"/documents/work/{work['id']}/events") as answer:
        heard = list(read(answer.iter_lines()))
    assert [event.name for event in heard] == ["state", "progress", "state", "done"]
    assert (heard[1].data["step"], heard[1].data["total"]) == (7, 20)
    assert heard[-1].data["state"] == "cancelled"
    again = web.get(f"/documents/work/{work['id']}/events", headers={"last-event-id": heard[-1].id})
    assert again.status_code == 204


@pytest.mark.parametrize(("name", "file", "field", "words"), [
    ("../x", "a.txt", "collection", "cannot be called"),
    ("Notes", "a.exe", "files", "a.exe is of a kind"),
    ("Notes", ".txt", "files", "of a kind"),
    ("", "a.txt", "name", "required"),
])
def test_what_cannot_be_read_is_422_with_the_field(web: TestClient, studio: SimpleNamespace, name: str, file: str,
                                                   field: str, words: str) -> None:
    answer = web.post("/documents/collections", data={"name": name}, files=[("files", (file, TEXT))])
    assert (answer.status_code, answer.json()["field"]) == (422, field) and words in answer.json()["error"]
    assert not studio.documents.works() and not list(studio.paths.uploads.iterdir())


def test_what_is_not_there_is_404(web: TestClient) -> None:
    for method, url in (("GET", "/documents/collections/None"), ("DELETE", "/documents/collections/None"),
                        ("GET", "/documents/collections/None/rejected"), ("POST", "/documents/None/refresh"),
                        ("GET", "/documents/work/0123456789ab"), ("DELETE", "/documents/work/0123456789ab"),
                        ("GET", "/documents/work/0123456789ab/events")):
        answer = web.request(method, url)
        assert answer.status_code == 404 and answer.json()["error"], url
    for url, body in (("/documents/None/search", {"question": "what?"}), ("/documents/None/plan", {"topic": "x"}),
                      ("/documents/None/rename", {"name": "B"})):
        assert web.post(url, json=body).status_code == 404
    assert web.post("/documents/None/search", json={"question": ""}).status_code == 422
    assert web.post("/documents/None/plan", json={"topic": "x", "framework": "odd"}).status_code == 422


def test_documents_may_be_large_and_the_rest_may_not(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_JSON_BYTES", 1000)
    monkeypatch.setattr(guard, "MAX_UPLOAD_BYTES", 5000)
    small = web.post("/documents/collections", data={"name": "Notes"}, files=[("files", ("a.exe", b"x" * 3000))])
    assert small.status_code == 422
    large = web.post("/documents/collections", data={"name": "Notes"}, files=[("files", ("a.txt", b"x" * 6000))])
    assert large.status_code == 413 and large.headers["content-type"] == "application/json"
    assert web.post("/documents/Notes/search", json={"question": "x" * 1500}).status_code == 413


@pytest.mark.parametrize(("request_", "field"), [
    ({"prompt": "x", "documents": {"chunks": "/etc/passwd"}}, "documents.chunks"),
    ({"prompt": "x", "output": {"soundtrack": "/etc/passwd"}}, "output.soundtrack"),
])
def test_files_of_the_server_are_not_the_callers(web: TestClient, request_: dict[str, Any], field: str) -> None:
    answer = web.post("/api/generations", json={"request": request_})
    assert answer.status_code == 422 and answer.json()["field"] == field
