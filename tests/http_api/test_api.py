from __future__ import annotations

import base64
import dataclasses
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from wgp_core.errors import SettingsError
from wgp_core.generate import GenerationContext, NoRecorder, generate_video
from wgp_core.hardware import Gpu, check_device
from wgp_core.http_api.guard import Credentials
from wgp_core.request import VideoRequest
from wgp_core.server import ServerOptions, build_web, serve
from wgp_core.settings import Settings
from wgp_core.store.jobs import Claim
from wgp_core.store.records import JobState

LOCAL = "http://127.0.0.1:7860"


def test_a_job_is_queued_seen_and_cancelled(client: TestClient, studio) -> None:
    made = client.post("/api/generations", json={"request": {"prompt": "a cat", "seconds": 1, "output": {"crf": 30}}})
    assert made.status_code == 201
    job = made.json()
    assert job["state"] == "queued" and job["request"]["output"]["crf"] == 30
    assert studio.queue.get(job["id"]).request.prompt == "a cat"
    assert client.get(f"/api/generations/{job['id']}").json() == job
    assert [j["id"] for j in client.get("/api/generations", params={"state": "queued"}).json()] == [job["id"]]
    assert client.get("/api/health").json()["queued"] == 1
    assert client.delete(f"/api/generations/{job['id']}").json()["state"] == "cancelled"
    assert client.delete(f"/api/generations/{job['id']}").status_code in (200, 409)
    assert studio.queue.counts()[JobState.CANCELLED] == 1


@pytest.mark.parametrize(("body", "field", "words"), [
    ({"request": {"prompt": ""}}, "prompt", "empty"),
    ({"request": {"prompt": "x", "promt": "y"}}, "promt", "Unknown key"),
    ({"request": {"prompt": "x", "width": 100, "height": 64}}, "width", "multiple of 16"),
    ({"request": {"prompt": "x", "start_image": "/etc/passwd"}}, "start_image", "cannot be set"),
    ({"request": {"prompt": "x", "output": {"path": "/tmp/x.mp4"}}}, "output.path", "cannot be set"),
    ({"request": {"prompt": "x", "loras": [{"path": "../../x.safetensors"}]}}, "loras", "leaves"),
    ({"request": {"prompt": "x"}, "priority": 1000}, "priority", "100"),
    ({"prompt": "x"}, "request", "required"),
    ({}, "request", "required"),
])
def test_what_cannot_be_asked_is_422_with_the_field(client: TestClient, body: dict, field: str, words: str) -> None:
    answer = client.post("/api/generations", json=body)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert words in answer.json()["error"]


def test_a_body_that_is_no_json_is_said_to_be_none(client: TestClient) -> None:
    for url in ("/api/generations", "/enhance"):
        answer = client.post(url, content=b"{nonsense", headers={"Content-Type": "application/json"})
        assert answer.status_code == 422 and "no JSON" in answer.json()["error"] and not answer.json()["field"]


def test_unknown_jobs_and_videos_are_404(client: TestClient) -> None:
    for url in ("/api/generations/0123456789ab", "/api/generations/0123456789ab/video"):
        assert client.get(url).status_code == 404
        assert "error" in client.get(url).json()
    assert client.get("/api/generations/nonsense").status_code == 422


def test_the_finished_video_is_served(client: TestClient, studio) -> None:
    job = studio.queue.submit(VideoRequest(prompt="x"))
    assert client.get(f"/api/generations/{job.id}/video").status_code == 404
    claimed = studio.store.jobs.claim(worker_pid=1)
    assert claimed is not None and claimed.id == job.id
    recorder = NoRecorder()
    recorder.job_id = job.id
    result = generate_video(job.request, GenerationContext(studio.paths, Settings(), studio.engines, recorder=recorder))
    studio.store.jobs.complete(Claim.of(claimed), result)
    seen = client.get(f"/api/generations/{job.id}").json()
    assert seen["state"] == "done"
    assert client.get(seen["video_url"]).content == Path(result.path).read_bytes()


@pytest.mark.parametrize(("headers", "status"), [
    ({"host": "evil.example"}, 403),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "http://127.0.0.1:1"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": LOCAL}, 201),
    ({"content-length": "999999999"}, 413),
])
def test_pages_from_elsewhere_cannot_drive_it(client: TestClient, headers: dict, status: int) -> None:
    answer = client.post("/api/generations", json={"request": {"prompt": "x"}}, headers=headers)
    assert answer.status_code == status


def test_with_credentials_nobody_else_gets_in(studio) -> None:
    client = TestClient(build_web(studio, None, hosts=frozenset(), credentials=Credentials("ann", "secret-word")))

    def ask(text: str) -> int:
        token = base64.b64encode(text.encode()).decode()
        return client.get("/api/health", headers={"authorization": f"Basic {token}"}).status_code

    assert client.get("/api/health").status_code == 401
    assert "Basic" in client.get("/api/health").headers["www-authenticate"]
    assert [ask("ann:secret-word"), ask("ann:other"), ask("bob:secret-word"), ask("ann")] == [200, 401, 401, 401]
    assert client.get("/api/health", headers={"authorization": b"Basic \xe4"}).status_code == 401


@pytest.mark.parametrize(("options", "words"), [
    (ServerOptions(listen=True), "needs a name and a password"),
    (ServerOptions(listen=True, auth="ann"), "credentials"),
    (ServerOptions(listen=True, auth="ann:short"), "at least 8"),
    (ServerOptions(name="0.0.0.0"), "other machines"),
    (ServerOptions(auth_file=Path("/none")), "cannot be read"),
    (ServerOptions(gpu="tpu"), "--gpu"),
    (ServerOptions(overrides={"profile": "9"}), "VRAM profile"),
])
def test_what_cannot_be_started_says_why(options: ServerOptions, words: str, capsys: pytest.CaptureFixture) -> None:
    options = dataclasses.replace(options, port=_free_port())
    assert serve(options, None) == 2
    assert words in capsys.readouterr().err


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert serve(ServerOptions(port=port), None) == 2
    text = capsys.readouterr().err
    assert str(port) in text and "--server-port" in text


def test_a_wrong_gpu_says_which_there_are() -> None:
    cards = (Gpu(0, "RTX 4070", 12, 11),)
    assert check_device("cuda:0", cards) == ""
    assert "no NVIDIA GPU" in check_device("cuda:0", ())
    with pytest.raises(SettingsError, match=r"cuda:0 \(RTX 4070, 12 GB\)"):
        check_device("cuda:3", cards)


def _free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
