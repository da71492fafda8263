"""Storyboards over HTTP: made, listened to, looked at, changed, drawn again, deleted; the tasks run in this process."""

from __future__ import annotations

import io
import threading
import wave
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from test_events_api import read
from waiting import wait_until

from wgp_core.events import CancelToken, Progress, Stage
from wgp_core.jobs.storyboard_desk import StoryboardDesk
from wgp_core.jobs.tasks import TaskContext, run_registered
from wgp_core.paths import Paths
from wgp_core.planning.story.break_down import break_down
from wgp_core.server import build_web
from wgp_core.storyboard.project import BoardProject, Frame, FrameState

LOCAL = "http://127.0.0.1:7860"
STORY = {"story": "a trickster sells a wealthy merchant a magical pot", "num_frames": 6}


def here(paths: Paths) -> Callable[..., Mapping[str, Any]]:
    def run_task(name: str, payload: Mapping[str, Any], *, cancel: CancelToken, timeout_s: float,
                 on_progress: Any = lambda _event: None) -> Mapping[str, Any]:
        del timeout_s
        return run_registered(name, payload, TaskContext(paths, cancel=cancel, on_progress=on_progress))

    return run_task


@pytest.fixture
def web(studio: SimpleNamespace) -> TestClient:
    """The API whose boards are made in this process."""
    studio.storyboards = StoryboardDesk(studio.paths, here(studio.paths), here(studio.paths))
    return TestClient(build_web(studio, None), base_url=LOCAL)  # type: ignore[arg-type]


@pytest.fixture
def board(web: TestClient, studio: SimpleNamespace) -> str:
    """The name of a board of six scenes, the first two drawn."""
    project = BoardProject.create_in(studio.paths.outputs, break_down(STORY["story"], count=6))
    for number in (1, 2):
        project.frame_path(number).write_bytes(b"\x89PNG" + bytes([number]))
        project.put_frame(Frame(number, FrameState.DRAWN, project.scene(number).prompt, seed=41 + number))
    return project.folder.name


def done(web: TestClient, work: str) -> dict[str, Any]:
    wait_until(lambda: web.get(f"/storyboards/work/{work}").json()["state"] in ("done", "failed", "cancelled"), 120)
    return web.get(f"/storyboards/work/{work}").json()


@pytest.mark.slow
def test_one_call_makes_scenes_frames_and_files(web: TestClient) -> None:
    sent = web.post("/generate-storyboard", json={**STORY, "engine": "local", "base_seed": 7})
    assert sent.status_code == 202 and sent.json()["state"] in ("queued", "running")
    work = done(web, sent.json()["id"])
    assert work["state"] == "done", work
    found = web.get(f"/storyboards/{work['board']}").json()
    assert found["num_frames"] == 6 and [frame["state"] for frame in found["frames"]] == ["drawn"] * 6
    assert found["broken_rules"] == [] and not any(frame["broken_rules"] for frame in found["frames"])
    picture = web.get(found["frames"][5]["picture_url"])
    assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
    assert web.get(found["files"]["storyboard.pdf"]).content.startswith(b"%PDF")
    files = {"storyboard_grid.png", "storyboard.html", "scene_breakdown.json", "sdxl_prompts.json"}
    assert files <= set(found["files"])


def test_a_breakdown_alone_is_at_once_and_told_as_events(web: TestClient) -> None:
    sent = web.post("/generate-storyboard", json={
        **STORY, "breakdown_only": True, "style": "ink",
        "characters": [{"name": "Aldar Kose", "token": "aldar_kose_man"}]}).json()
    with web.stream("GET", f"/storyboards/work/{sent['id']}/events") as answer:
        heard = list(read(answer.iter_lines()))
    assert heard[-1].name == "done" and heard[-1].data["state"] == "done"
    again = web.get(f"/storyboards/work/{sent['id']}/events", headers={"last-event-id": heard[-1].id})
    assert again.status_code == 204
    name = done(web, sent["id"])["board"]
    found = web.get(f"/storyboards/{name}").json()
    assert {frame["state"] for frame in found["frames"]} == {"missing"} and found["frames"][0]["picture_url"] is None
    assert any("aldar_kose_man" in frame["scene"]["prompt"] for frame in found["frames"])
    [line] = web.get("/storyboards").json()
    assert (line["name"], line["drawn"], line["busy"]) == (name, 0, False)


def test_scenes_are_changed_moved_inserted_locked_and_removed(web: TestClient, board: str) -> None:
    url = f"/storyboards/{board}/frames"
    changed = web.patch(f"{url}/1", json={"camera": "POV shot, light handheld drift", "mood": "tense"}).json()
    first = changed["frames"][0]
    assert first["stale"] and "POV" in first["scene"]["prompt"] and first["scene"]["mood"] == "tense"
    moved = web.post(f"{url}/2/move", json={"to": 1}).json()
    assert [frame["seed"] for frame in moved["frames"][:3]] == [43, 42, None]
    assert web.get(moved["frames"][0]["picture_url"]).content == b"\x89PNG\x02"
    grown = web.post(url, json={"after": 1})
    assert grown.status_code == 201 and [one["seed"] for one in grown.json()["frames"][:3]] == [43, None, 42]
    assert web.post(f"{url}/2/lock", json={"locked": True}).status_code == 422, "it is not drawn"
    assert web.post(f"{url}/3/lock", json={"locked": True}).json()["frames"][2]["state"] == "locked"
    assert web.post(f"/storyboards/{board}/draw", json={"frames": [3]}).status_code == 422
    assert web.delete(f"{url}/2").json()["num_frames"] == 6
    assert web.get("/storyboards").json()[0]["drawn"] == 2


def test_what_is_not_there_and_what_cannot_be_is_said(web: TestClient, board: str) -> None:
    assert web.get("/storyboards/none").status_code == 404
    assert web.get(f"/storyboards/{board}/frames/3/picture").status_code == 404
    assert web.get(f"/storyboards/{board}/frames/9/picture").status_code == 404
    for file in ("storyboard.json", "frame_001.png", "..%2f..%2fstudio.db"):
        assert web.get(f"/storyboards/{board}/files/{file}").status_code == 404
    assert web.get("/storyboards/work/0123456789ab").status_code == 404
    missing = web.post(f"/storyboards/{board}/film")
    assert missing.status_code == 422 and "Frame 3" in missing.json()["error"]
    assert web.patch(f"/storyboards/{board}/frames/1", json={"seconds": 900}).status_code == 422
    assert web.patch(f"/storyboards/{board}/frames/1", json={"frame": 4}).status_code == 422
    assert web.post(f"/storyboards/{board}/frames/1/move", json={"to": 40}).status_code == 422
    for body in ({"story": " "}, {**STORY, "num_frames": 11}, {**STORY, "provider": "oracle"}, {**STORY, "extra": 1},
                 {**STORY, "characters": [{"name": "A", "token": "two words"}]}):
        assert web.post("/generate-storyboard", json=body).status_code == 422, body
    assert web.post("/generate-storyboard", content=b"{").status_code in (400, 422)


def test_a_board_in_work_refuses_changes_and_is_cancelled(web: TestClient, studio: SimpleNamespace,
                                                          board: str) -> None:
    go = threading.Event()

    def stuck(_name: str, _payload: object, *, cancel: CancelToken, on_progress: Any, **_: object) -> Mapping[str, Any]:
        on_progress(Progress(Stage.RENDER, 1, 4, "Frame 2 of 6"))
        while not go.wait(0.02):
            cancel.raise_if_cancelled()
        return {}

    studio.storyboards.line._draw = stuck
    work = web.post(f"/storyboards/{board}/draw", json={}).json()["id"]
    wait_until(lambda: web.get(f"/storyboards/work/{work}").json()["total"] == 4)
    assert web.get(f"/storyboards/{board}").json()["busy"]
    assert web.patch(f"/storyboards/{board}/frames/1", json={"mood": "calm"}).status_code == 409
    assert web.delete(f"/storyboards/{board}").status_code == 409
    assert web.delete(f"/storyboards/work/{work}").status_code == 200
    assert done(web, work)["state"] == "cancelled"
    assert web.delete(f"/storyboards/{board}").status_code == 204
    assert web.get("/storyboards").json() == [] and (studio.paths.trash / board).is_dir()


def test_how_the_film_is_made_is_said_with_it_or_before(web: TestClient, studio: SimpleNamespace, board: str) -> None:
    url = f"/storyboards/{board}"
    start = {"transition": "cross-fade", "crossfade": 0.4, "seconds": None, "subtitles": True, "fps": None,
             "engine": "auto", "model": None, "soundtrack": ""}
    assert web.get(url).json()["film"] == start
    told = web.post(f"{url}/film", json={"transition": "cut", "seconds": 2})
    assert told.status_code == 422 and "not drawn" in told.json()["error"], "the frames are missing"
    assert web.get(url).json()["film"] == {**start, "transition": "cut", "seconds": 2.0}
    web.post(f"{url}/film", json={"seconds": None})
    assert web.get(url).json()["film"] == {**start, "transition": "cut"}
    for body in ({"seconds": 900}, {"transition": "wipe"}, {"soundtrack": "/etc/passwd"}):
        assert web.post(f"{url}/film", json=body).status_code == 422, body

    tune = io.BytesIO()
    with wave.open(tune, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(8000))
    sent = web.put(f"{url}/soundtrack", files={"file": ("../../a tune.wav", tune.getvalue())})
    assert sent.status_code == 200 and sent.json()["film"]["soundtrack"] == "soundtrack.wav"
    assert (studio.paths.outputs / board / "soundtrack.wav").read_bytes() == tune.getvalue()
    assert web.put(f"{url}/soundtrack", files={"file": ("a.wav", b"no sound")}).status_code == 422
    assert web.delete(f"{url}/soundtrack").json()["film"]["soundtrack"] == ""


def test_a_character_s_lora_lies_below_the_lora_folder(web: TestClient, studio: SimpleNamespace) -> None:
    def asked(lora: str) -> Any:
        return web.post("/generate-storyboard", json={
            **STORY, "breakdown_only": True, "characters": [{"name": "Ann", "token": "ann_x", "lora": lora}]})

    for lora in ("../ann.safetensors", "/tmp/ann.safetensors", "missing.safetensors"):
        assert asked(lora).status_code == 422, lora
    studio.paths.loras.mkdir(parents=True, exist_ok=True)
    (studio.paths.loras / "ann.safetensors").write_bytes(b"x")
    work = done(web, asked("ann.safetensors").json()["id"])
    bible = BoardProject.open(studio.paths.outputs / work["board"]).board.bible
    assert str(bible.characters[0].lora) == "ann.safetensors"
