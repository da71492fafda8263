"""Hero frames and attempts over HTTP: the whole loop with the tasks in this process, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fakes import FakeEngine, registry
from fastapi.testclient import TestClient
from test_events_api import read
from tones import write_tone
from waiting import wait_until

from wgp_core.engines.base import RenderSession
from wgp_core.jobs.attempt_desk import AttemptDesk
from wgp_core.jobs.tasks import TaskContext, run_registered
from wgp_core.media.audio import loudness_of
from wgp_core.request import EngineChoice, VideoRequest
from wgp_core.server import build_web

LOCAL = "http://127.0.0.1:7860"
ASK = {"prompt": "waves at night", "engine": "local", "frames": 9}


def jittery(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
    """A pattern that jumps; an odd seed adds noise, another prompt has it drift instead."""
    y, x = np.mgrid[0:request.height, 0:request.width].astype(float)
    calm = "slow" in request.prompt or "steady" in request.prompt or "even" in request.prompt
    at = 2 * index if calm else 23 * ((index * 7) % 5)
    wave = 110 + 60 * np.sin((x + at) / 9) + 40 * np.cos(y / 7)
    if request.seed % 2:
        wave += np.random.default_rng(index).normal(0, 30, wave.shape)
    return np.clip(np.stack([wave, wave * 0.8, 220 - wave * 0.5], -1), 0, 255).astype(np.uint8)


@pytest.fixture
def web(studio: SimpleNamespace) -> Iterator[TestClient]:
    engines = registry(FakeEngine(EngineChoice.LOCAL, jittery, "local"))
    studio.engines = engines

    def run_task(name: str, payload: Mapping[str, Any], *, cancel: Any, timeout_s: float,
                 on_progress: Any = lambda _event: None) -> Mapping[str, Any]:
        del timeout_s
        return run_registered(name, payload, TaskContext(studio.paths, cancel=cancel, on_progress=on_progress,
                                                         engines=lambda: engines))

    studio.attempts = AttemptDesk(studio.store, studio.paths, lambda: studio.settings, run_task, run_task)
    yield TestClient(build_web(studio, None), base_url=LOCAL)  # type: ignore[arg-type]


def done(web: TestClient, sent: Any) -> dict[str, Any]:
    assert sent.status_code == 202, sent.text
    address = f"/api/attempt-work/{sent.json()['id']}"
    wait_until(lambda: web.get(address).json()["state"] in ("done", "failed", "cancelled"), 120)
    work = web.get(address).json()
    assert work["state"] == "done", work
    return work


def test_the_loop_from_stills_to_the_film(web: TestClient, studio: SimpleNamespace) -> None:
    scene = web.post("/api/scenes", json={"request": ASK}).json()
    at = f"/api/generations/{scene['generation_id']}"
    done(web, web.post(f"{at}/hero-frames", json={"count": 2}))
    first, second = web.get(f"{at}/hero-frames").json()
    assert first["seed"] != second["seed"] and web.get(first["picture_url"]).content.startswith(b"\x89PNG")
    done(web, web.post(f"{at}/hero-frames/{first['id']}/regenerate", json={"prompt": "waves at noon"}))
    again = web.get(f"{at}/hero-frames").json()[2]
    assert again["parent_id"] == first["id"] and again["changes"]["prompt"]["after"] == "waves at noon"
    assert web.post(f"{at}/hero-frames/{second['id']}/select").json()["hero_frame_id"] == second["id"]

    sent = web.post(f"{at}/process", json={"attempts": 2})
    with web.stream("GET", f"/api/attempt-work/{sent.json()['id']}/events") as answer:
        heard = list(read(answer.iter_lines()))
    assert heard[-1].name == "done" and heard[-1].data["state"] == "done"
    tried = web.get(f"{at}/attempts").json()
    assert [one["number"] for one in tried] == [1, 2] and sum(one["counts"] for one in tried) == 1
    assert tried[0]["seed"] == second["seed"], "the first attempt has the hero frame's seed"
    other = next(one for one in tried if not one["selected"])
    taken = web.post(f"{at}/attempts/{other['id']}/select").json()
    assert taken["by_person"] and taken["counts"]
    assert web.get(taken["video_url"]).headers["content-type"].startswith("video/")

    suggestion = web.get(f"{at}/prompt-suggestions").json()[0]
    accepted = web.post(f"{at}/prompt-suggestions/{suggestion['key']}",
                        json={"attempt_id": other["id"], "accepted": True}).json()
    assert accepted["decided"] is True and accepted["prompt"] != ASK["prompt"]
    done(web, web.post(f"{at}/scenes/1/regenerate", json={"prompt": accepted["prompt"], "attempts": 1,
                                                          "negative_prompt": accepted["negative_prompt"]}))
    [told] = web.get(f"{at}/quality-trends").json()["scenes"]
    assert [point["iteration"] for point in told["points"]] == [1, 2]
    assert told["points"][1]["changes"]["prompt"] and told["points"][1]["gain"] is not None
    assert told["figures"]["suggestions_accepted"] == 1 and told["figures"]["manual"] == 1
    report = web.get(f"{at}/quality-report").json()
    assert report["overall"] is not None and report["scenes"][0]["report"]["scores"]

    film = done(web, web.post(f"{at}/finalize", json={"name": "waves"}))
    assert film["result"]["file"] == "waves.mp4" and film["result"]["manifest"] == "waves.manifest.json"
    assert (studio.paths.outputs / "waves.mp4").is_file()
    assert studio.store.library.find_by_path(studio.paths.outputs / "waves.mp4") is not None


def test_a_film_gets_the_soundtrack_that_was_sent(web: TestClient, studio: SimpleNamespace, tmp_path: Path) -> None:
    at = f"/api/generations/{web.post('/api/scenes', json={'request': ASK}).json()['generation_id']}"
    done(web, web.post(f"{at}/process", json={"attempts": 1}))
    tone = write_tone(tmp_path / "tone.wav", seconds=2)
    sent = web.put(f"{at}/soundtrack", files={"file": ("../tone.wav", tone.read_bytes())})
    assert sent.status_code == 200, sent.text
    film = done(web, web.post(f"{at}/finalize", json={"name": "loud", "soundtrack": sent.json()["soundtrack"]}))
    assert loudness_of(studio.paths.outputs / film["result"]["file"]) > -40

    kept = sorted(studio.paths.uploads.iterdir())
    silent = web.put(f"{at}/soundtrack", files={"file": ("text.wav", b"no sound in here")})
    assert silent.status_code == 422 and silent.json()["field"] == "file"
    assert sorted(studio.paths.uploads.iterdir()) == kept
    gone = web.post(f"{at}/finalize", json={"soundtrack": "0123456789abcdef-gone.wav"})
    assert gone.status_code == 422 and "Send it again" in gone.json()["fix"]
    assert web.post(f"{at}/finalize", json={"soundtrack": "../../etc/passwd"}).status_code == 422
    assert web.put("/api/generations/ffffffffffff/soundtrack", files={"file": ("a", b"b")}).status_code == 404


def test_a_job_becomes_a_scene_and_starts_from_a_hero_frame(web: TestClient) -> None:
    job = web.post("/api/generations", json={"request": ASK, "negative_prompt": "blur",
                                             "camera_movement": "pan"}).json()
    assert (job["request"]["negative_prompt"], job["request"]["camera"]) == ("blur", "pan")
    [scene] = web.get(f"/api/generations/{job['id']}/scenes").json()
    assert scene["camera_movement"] == "pan" and scene["generation_id"] == job["id"]
    done(web, web.post(f"/api/generations/{job['id']}/hero-frames", json={"count": 1}))
    [hero] = web.get(f"/api/generations/{job['id']}/hero-frames").json()
    after = web.post("/api/generations", json={"request": ASK, "hero_frame_id": hero["id"]}).json()
    assert after["request"]["start_image"]
    assert web.post("/api/generations", json={"request": ASK, "hero_frame_id": "0" * 12}).status_code == 404


def test_what_is_not_there_is_said(web: TestClient) -> None:
    mine = web.post("/api/scenes", json={"request": ASK}).json()
    other = web.post("/api/scenes", json={"request": ASK}).json()
    done(web, web.post(f"/api/generations/{other['generation_id']}/hero-frames", json={"count": 1}))
    [hero] = web.get(f"/api/generations/{other['generation_id']}/hero-frames").json()
    at = f"/api/generations/{mine['generation_id']}"
    asked: list[Callable[[], Any]] = [
        lambda: web.get("/api/generations/ffffffffffff/attempts"), lambda: web.get(f"{at}/attempts?scene=2"),
        lambda: web.post(f"{at}/hero-frames/{hero['id']}/select"), lambda: web.get("/api/attempt-work/ffffffffffff"),
        lambda: web.post(f"{at}/process", json={"hero_frame_id": hero["id"]}),
        lambda: web.post(f"{at}/attempts/ffffffffffff/select"),
        lambda: web.post("/api/scenes", json={"request": ASK, "generation_id": "f" * 12})]
    for ask in asked:
        answer = ask()
        assert answer.status_code == 404 and answer.json()["error"], answer.text
    assert web.post(f"{at}/finalize", json={}).status_code == 422
    assert web.post("/api/scenes", json={"request": {**ASK, "start_image": "/etc/passwd"}}).status_code == 422
    both = web.post("/api/scenes", json={"request": ASK, "generation_id": mine["generation_id"]}).json()
    assert both["number"] == 2 and len(web.get(f"{at}/scenes").json()) == 2
