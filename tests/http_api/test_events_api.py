"""A job's news as server-sent events."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from waiting import wait_until

from wgp_core.events import Stage
from wgp_core.http_api import events
from wgp_core.request import VideoRequest
from wgp_core.store.jobs import Claim
from wgp_core.store.records import JobProgress, JobRecord, JobState


def read(lines: Iterator[str]) -> Iterator[SimpleNamespace]:
    """Events of a stream, as a browser reads them."""
    found: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line == "" and "data" in found:
            yield SimpleNamespace(id=found["id"], name=found["event"], data=json.loads(found["data"]))
            found = {}
        elif name:
            found[name] = value


def listen(client: TestClient, job_id: str, last_id: str = "") -> list[SimpleNamespace]:
    headers = {"last-event-id": last_id} if last_id else {}
    with client.stream("GET", f"/api/generations/{job_id}/events", headers=headers) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        return list(read(answer.iter_lines()))


@pytest.fixture
def looks(studio: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the queue had answered about a job."""
    times: list[float] = []
    get = studio.queue.get

    def look(job_id: str) -> JobRecord:
        try:
            return get(job_id)
        finally:
            times.append(time.monotonic())

    monkeypatch.setattr(studio.queue, "get", look)
    return times


def seen(looks: list[float]) -> None:
    """Wait until the stream has seen what was written before."""
    count = len(looks)
    wait_until(lambda: len(looks) >= count + 2)


def running(studio: SimpleNamespace) -> tuple[JobRecord, Claim]:
    studio.queue.submit(VideoRequest(prompt="x"))
    job = studio.store.jobs.claim(worker_pid=1)
    return job, Claim.of(job)


def test_the_news_of_a_job_from_start_to_end(client: TestClient, studio: SimpleNamespace,
                                             looks: list[float]) -> None:
    job, claim = running(studio)

    def work() -> None:
        for step in (1, 2, 2, 3):
            studio.store.jobs.save_progress(claim, JobProgress(Stage.RENDER, step, 3, "Drawing é\n\nframes"))
            seen(looks)
        studio.store.jobs.settle(claim, JobState.FAILED, "It broke.")

    thread = threading.Thread(target=work)
    thread.start()
    heard = listen(client, job.id)
    thread.join()
    assert [event.name for event in heard if event.name != "progress"] == ["state", "state", "done"]
    steps = [event.data["step"] for event in heard if event.name == "progress"]
    assert steps == [1, 2, 3], "each step once"
    assert [event.data["state"] for event in heard if event.name == "state"] == ["running", "failed"]
    assert next(event for event in heard if event.name == "progress").data["message"] == "Drawing é\n\nframes"
    assert heard[-1].data == client.get(f"/api/generations/{job.id}").json() and heard[-1].data["error"] == "It broke."
    assert len({event.id for event in heard}) == len(heard)
    again = client.get(f"/api/generations/{job.id}/events", headers={"last-event-id": heard[-1].id})
    assert again.status_code == 204 and again.content == b""


def test_a_reader_who_comes_back_hears_nothing_twice(client: TestClient, studio: SimpleNamespace) -> None:
    job, claim = running(studio)
    progress = JobProgress(Stage.RENDER, 1, 3, "Drawing")
    studio.store.jobs.save_progress(claim, progress)
    first = list(events.news(studio.queue.get(job.id), ""))
    assert [event.name for event in first] == ["state", "progress"]
    assert list(events.news(studio.queue.get(job.id), first[1].id)) == []
    assert list(events.news(studio.queue.get(job.id), first[0].id)) == first[1:]
    studio.store.jobs.save_progress(claim, replace(progress, eta_s=4.0))
    assert list(events.news(studio.queue.get(job.id), first[1].id)) == [], "a new estimate alone is no news"
    studio.store.jobs.save_progress(claim, replace(progress, step=2))
    assert [event.name for event in events.news(studio.queue.get(job.id), first[1].id)] == ["progress"]
    studio.store.jobs.settle(claim, JobState.CANCELLED)
    assert [event.name for event in listen(client, job.id, first[1].id)] == ["state", "done"]
    state = listen(client, job.id)[0]
    assert [event.name for event in listen(client, job.id, state.id)] == ["done"]
    assert [event.name for event in listen(client, job.id, "of another server")] == ["state", "done"]
    studio.queue.retry(job.id)
    done_before = list(events.news(replace(studio.queue.get(job.id), state=JobState.CANCELLED), ""))[-1].id
    assert not events.is_over(studio.queue.get(job.id), done_before), "a job that was queued again has news"


def test_a_removed_job_ends_the_stream(client: TestClient, studio: SimpleNamespace, looks: list[float]) -> None:
    job = studio.queue.submit(VideoRequest(prompt="x"))
    threading.Thread(target=lambda: (seen(looks), studio.queue.remove(job.id))).start()
    heard = listen(client, job.id)
    assert [event.name for event in heard] == ["state", "done"] and heard[-1].data == {"state": "removed"}
    assert client.get(f"/api/generations/{job.id}/events").status_code == 404
    assert client.get("/api/generations/nonsense/events").status_code == 422


def test_a_reader_who_leaves_is_not_looked_after(studio: SimpleNamespace, address: tuple[str, int],
                                                 looks: list[float]) -> None:
    """Nobody reads the job any more; and while somebody does, it is read about twice a second."""
    job = studio.queue.submit(VideoRequest(prompt="x"))
    with socket.create_connection(address, timeout=10) as sock:
        sock.sendall(f"GET /api/generations/{job.id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        wait_until(lambda: len(looks) >= 3)
        began, count = time.monotonic(), len(looks)
        time.sleep(1.2)
        assert len(looks) - count <= 3, f"{len(looks) - count} looks in {time.monotonic() - began:.1f} s"
    wait_until(lambda: time.monotonic() - looks[-1] > 1.5)


def test_a_quiet_stream_shows_that_it_lives(studio: SimpleNamespace, address: tuple[str, int],
                                            monkeypatch: Any) -> None:
    monkeypatch.setattr(events, "ALIVE_EVERY_S", 0.0)
    job = studio.queue.submit(VideoRequest(prompt="x"))
    with socket.create_connection(address, timeout=10) as sock:
        sock.sendall(f"GET /api/generations/{job.id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        text = b""
        while b": still here\n\n" not in text:
            chunk = sock.recv(65536)
            assert chunk, text
            text += chunk
    assert b"retry: 2000\n\n" in text
