"""Enhancing prompts over HTTP: the answers, what fails, and who waits for whom."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from waiting import wait_until

from wgp_core.errors import Cancelled, EngineMemoryError, RequestError, WorkerError
from wgp_core.jobs import prompt_tasks
from wgp_core.jobs.prompt_line import PromptLine
from wgp_core.jobs.supervisor import SupervisorStatus, WorkerState, WorkerStatus
from wgp_core.jobs.tasks import TASKS, TaskContext
from wgp_core.server import build_web

PROMPT = "two dogs run along the beach"
FIELDS = {"success", "original_prompt", "enhanced_prompt", "generation_time", "enhancement_type", "job_type", "quality",
          "enhancement_source", "cache_hit", "worker_optimizations", "quality_score"}


def line_of(studio: SimpleNamespace, run_task: Callable[..., Mapping[str, Any]], waiting: int = 8) -> PromptLine:
    studio.supervisor.prompts = PromptLine(run_task, waiting=waiting)
    return studio.supervisor.prompts


@pytest.fixture
def rules(studio: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The real task in this process, with rules for a model; gives the names of the tasks that were run."""
    monkeypatch.setattr(prompt_tasks, "_desk", prompt_tasks._Desk(store=studio.store))
    studio.config.save({"enhancer_provider": "rules"})
    studio.settings = studio.config.settings
    run: list[str] = []

    def run_task(name: str, payload: Mapping[str, Any], **_: Any) -> Mapping[str, Any]:
        run.append(name)
        return TASKS[name](payload, TaskContext(studio.paths, settings=studio.settings))

    line_of(studio, run_task)
    yield run


@pytest.mark.parametrize("path", ["/enhance", "/enhance/intelligent"])
def test_an_edge_caller_s_two_calls(client: TestClient, rules: list[str], path: str) -> None:
    plain = client.post(path, json={"prompt": PROMPT, "job_type": "video_fast", "quality": "fast"})
    assert plain.status_code == 200
    answer = plain.json()
    assert set(answer) == {*FIELDS, "wan_optimizations"}
    assert answer["success"] is True and answer["original_prompt"] == PROMPT and "two dogs" in answer["enhanced_prompt"]
    assert answer["enhancement_type"] == "manual" and answer["enhancement_source"] == "emergency_fallback"
    assert answer["cache_hit"] is False and 0 <= answer["quality_score"] <= 1
    assert set(answer["worker_optimizations"]) == {"caching", "post_processing", "fallback_ready"}
    assert set(answer["wan_optimizations"]) == {"has_motion", "has_cinematography", "has_temporal_consistency",
                                                "has_quality_terms", "token_count"}
    assert 0 < answer["wan_optimizations"]["token_count"] <= 175
    own = client.post(path, json={"prompt": PROMPT, "job_type": "sdxl_image_high", "quality": "high",
                                  "enhancement_type": "button", "system_prompt": "You add light.", "context": None})
    answer = own.json()
    assert own.status_code == 200 and set(answer) == {*FIELDS, "sdxl_optimizations"}
    assert answer["enhancement_type"] == "button" and answer["job_type"] == "sdxl_image_high"
    assert set(answer["sdxl_optimizations"]) == {"has_quality_tags", "has_lighting", "has_technical_terms",
                                                 "has_resolution", "token_count"}
    assert answer["sdxl_optimizations"]["token_count"] <= 120


def test_a_known_answer_does_not_stand_in_line(client: TestClient, studio: SimpleNamespace, rules: list[str]) -> None:
    first = client.post("/enhance", json={"prompt": PROMPT}).json()
    again = client.post("/enhance", json={"prompt": PROMPT}).json()
    assert again["cache_hit"] is True and again["enhanced_prompt"] == first["enhanced_prompt"]
    assert rules == ["enhance"]
    for change in ({"job_type": "video_high"}, {"quality": "high"}, {"system_prompt": "x"}, {"context": "y"},
                   {"enhancement_type": "other"}):
        assert client.post("/enhance", json={"prompt": PROMPT, **change}).json()["cache_hit"] is False
    info = client.get("/enhancement/info").json()
    assert info["cache"] == {"entries": 6, "limit": 100}
    assert client.post("/enhancement/cache/clear").json() == {"success": True, "entries_cleared": 6, "hits": 1,
                                                              "cache_size": 0}
    assert client.post("/enhance", json={"prompt": PROMPT}).json()["cache_hit"] is False


def test_the_plain_rewriting(client: TestClient, rules: list[str]) -> None:
    answer = client.post("/enhance/legacy", json={"prompt": PROMPT})
    assert answer.status_code == 200
    assert set(answer.json()) == {"success", "original_prompt", "enhanced_prompt", "generation_time"}
    assert client.post("/enhance/legacy", json={"prompt": PROMPT, "quality": "fast"}).status_code == 422


def test_the_server_says_what_it_can_do(client: TestClient, studio: SimpleNamespace) -> None:
    info = client.get("/enhancement/info").json()
    budgets = {name: one["token_budget"] for name, one in info["job_types"].items()}
    assert budgets["sdxl_image_fast"] == 75 and budgets["video_high"] == 250 and len(budgets) == 5
    assert info["job_types"]["video_fast"]["elements"] == ["has_motion", "has_cinematography",
                                                           "has_temporal_consistency", "has_quality_terms"]
    assert {"rules"} <= {one["name"] for one in info["providers"] if one["ok"]}
    assert info["line"] == {"in_use": 0, "places": 9} and info["qualities"] == ["fast", "high"]


def test_the_state_of_the_model(client: TestClient, studio: SimpleNamespace) -> None:
    assert client.get("/enhancement/info").json()["model"]["state"] == "not loaded", "and no process is started for it"

    def state(assistant: WorkerState, answer: Mapping[str, Any] | Exception) -> dict[str, Any]:
        def run_task(name: str, **_: Any) -> Mapping[str, Any]:
            assert name == "language_model_state" and name in TASKS
            if isinstance(answer, Exception):
                raise answer
            return answer

        studio.supervisor.run_task = run_task
        studio.supervisor.status = lambda: SupervisorStatus(WorkerStatus(), WorkerStatus(assistant, 1))
        return client.get("/enhancement/info").json()["model"]

    found = {"model": "toy", "ram_gb": 0.5, "vram_gb": 0.0}
    assert state(WorkerState.IDLE, found) == {"state": "loaded", "name": "toy", "ram_gb": 0.5, "vram_gb": 0.0}
    assert state(WorkerState.IDLE, {**found, "model": ""})["state"] == "not loaded"
    assert state(WorkerState.BUSY, KeyError("it is not asked"))["state"] == "busy"
    assert state(WorkerState.IDLE, WorkerError("It took long."))["state"] == "busy"


@pytest.mark.parametrize(("error", "status", "words"), [
    (EngineMemoryError("Memory ran out.", fix="Close something."), 503, "Memory ran out."),
    (WorkerError("The assistant worker ended."), 503, "ended"),
    (RequestError("The prompt is empty.", field="prompt"), 422, "empty"),
    (Cancelled("x"), 503, "cancelled"),
    (KeyError("secret"), 500, "KeyError"),
])
def test_what_fails_gives_the_prompt_back(client: TestClient, studio: SimpleNamespace, error: Exception, status: int,
                                          words: str) -> None:
    def fail(*_: Any, **__: Any) -> dict:
        raise error

    line = line_of(studio, fail)
    for path in ("/enhance", "/enhance/legacy"):
        answer = client.post(path, json={"prompt": PROMPT})
        assert answer.status_code == status
        problem = answer.json()
        assert problem["success"] is False and words in problem["error"] and "secret" not in answer.text
        assert problem["enhanced_prompt"] == problem["original_prompt"] == PROMPT
    assert line.taken == 0


@pytest.mark.parametrize(("body", "field", "prompt"), [
    ({"prompt": ""}, "prompt", ""),
    ({"prompt": " \n"}, "prompt", " \n"),
    ({"prompt": "x" * 8001}, "prompt", ""),
    ({"prompt": 7}, "prompt", ""),
    ({"prompt": "a cat", "job_type": "opera"}, "job_type", "a cat"),
    ({"prompt": "a cat", "quality": "best"}, "quality", "a cat"),
    ({"prompt": "a cat", "context": "x" * 8001}, "context", "a cat"),
    ({"prompt": "a cat", "system_prompt": ["x"]}, "system_prompt", "a cat"),
    ({"prompt": "a cat", "modle": "x"}, "modle", "a cat"),
    ({}, "prompt", ""),
    ([], "", ""),
])
def test_what_cannot_be_asked_is_422(client: TestClient, body: Any, field: str, prompt: str) -> None:
    answer = client.post("/enhance", json=body)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["success"] is False and problem["field"] == field and problem["error"]
    assert problem["enhanced_prompt"] == problem["original_prompt"] == prompt


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"prompt": "\\ud800"}', b'{"\\ud800": 1, "prompt": "a"}',
                                     b""])
def test_what_is_no_text_is_refused(client: TestClient, content: bytes) -> None:
    for path in ("/enhance", "/api/generations"):
        answer = client.post(path, content=content, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422) and answer.json()["error"]


def test_unknown_places_and_methods_answer_in_the_same_shape(client: TestClient) -> None:
    assert client.get("/enhance").status_code == 405 and client.get("/enhance").json()["success"] is False
    assert client.get("/api/nothing").status_code == 404 and client.get("/api/nothing").json()["error"]


# -- the guard --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("headers", "status"), [
    ({"host": "evil.example"}, 403), ({"origin": "http://evil.example"}, 403), ({"origin": "null"}, 403),
    ({"content-length": "999999999"}, 413),
])
def test_pages_from_elsewhere_and_endless_bodies_are_refused(client: TestClient, headers: dict, status: int) -> None:
    for path in ("/enhance", "/enhance/legacy", "/enhancement/cache/clear"):
        answer = client.post(path, json={"prompt": "x"}, headers=headers)
        assert answer.status_code == status and answer.json()["error"]


def test_a_body_that_does_not_tell_its_length_is_counted(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"prompt": "'
        for _ in range(300):
            yield b"x" * 10_000

    for path in ("/enhance", "/api/generations"):
        answer = client.post(path, content=endless(), headers={"content-type": "application/json"})
        assert answer.status_code == 413 and "2 MB" in answer.json()["error"]


# -- the line ---------------------------------------------------------------------------------------------------


class SlowModel:
    """Answers when it is let; notes what it was asked, how many at once, and what was cancelled."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.at_once = self.most = 0
        self.go = threading.Event()

    def __call__(self, name: str, payload: Mapping[str, Any], *, timeout_s: float, cancel: Any) -> Mapping[str, Any]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.asked.append(payload["prompt"])
        try:
            while not self.go.wait(0.01):
                cancel.raise_if_cancelled()
            return {**payload, "original": payload["prompt"], "enhanced": payload["prompt"] + ", at dusk",
                    "level": "worker_fallback", "provider": "local", "model": "toy"}
        except Cancelled:
            self.cancelled.append(payload["prompt"])
            raise
        finally:
            self.at_once -= 1


@pytest.fixture
def model() -> Iterator[SlowModel]:
    made = SlowModel()
    yield made
    made.go.set()


def test_one_is_served_some_wait_the_others_come_back(studio: SimpleNamespace, model: SlowModel,
                                                     address: tuple[str, int]) -> None:
    line = line_of(studio, model, waiting=2)
    callers = []
    for number in range(3):
        callers.append(Caller(address, f"dog {number}"))
        wait_until(lambda: line.taken == len(callers))
    refused = Caller(address, "dog 3").answer()
    assert refused.status == 429 and int(refused.headers["retry-after"]) >= 1
    assert refused.json["success"] is False and refused.json["enhanced_prompt"] == "dog 3"
    model.go.set()
    assert [caller.answer().json["enhanced_prompt"] for caller in callers] == [
        f"dog {number}, at dusk" for number in range(3)]
    assert model.asked == ["dog 0", "dog 1", "dog 2"] and model.most == 1
    assert Caller(address, "dog 4").answer().status == 200


def test_a_caller_who_hangs_up_frees_the_place(studio: SimpleNamespace, model: SlowModel,
                                               address: tuple[str, int]) -> None:
    line = line_of(studio, model, waiting=2)
    served = Caller(address, "first")
    wait_until(lambda: model.asked == ["first"])
    waiting, patient = Caller(address, "second"), Caller(address, "third")
    wait_until(lambda: line.taken == 3)
    waiting.hang_up()
    wait_until(lambda: line.taken == 2)
    served.hang_up()
    wait_until(lambda: model.cancelled == ["first"] and model.asked[-1] == "third")
    model.go.set()
    assert patient.answer().json["enhanced_prompt"] == "third, at dusk"
    assert "second" not in model.asked
    wait_until(lambda: line.taken == 0)


def test_a_server_that_closes_answers_those_who_wait(studio: SimpleNamespace, model: SlowModel,
                                                    address: tuple[str, int]) -> None:
    line = line_of(studio, model, waiting=2)
    served = Caller(address, "first")
    wait_until(lambda: model.asked == ["first"])
    waiting = Caller(address, "second")
    wait_until(lambda: line.taken == 2)
    line.close()
    answer = waiting.answer()
    assert answer.status == 503 and answer.json["enhanced_prompt"] == "second"
    served.hang_up()


def test_a_server_that_closes_does_not_wait_for_the_model(studio: SimpleNamespace, model: SlowModel) -> None:
    line = line_of(studio, model)
    client = TestClient(build_web(studio, None, closing=lambda: bool(model.asked)), base_url="http://127.0.0.1")
    answer = client.post("/enhance", json={"prompt": PROMPT})
    assert answer.status_code == 503 and answer.json()["enhanced_prompt"] == PROMPT
    wait_until(lambda: model.cancelled == [PROMPT] and line.taken == 0)


class Caller:
    """One POST /enhance on a connection of its own, which can be cut."""

    def __init__(self, address: tuple[str, int], prompt: str) -> None:
        self._sock = socket.create_connection(address, timeout=20)
        body = json.dumps({"prompt": prompt}).encode()
        self._sock.sendall(b"POST /enhance HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                           b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def hang_up(self) -> None:
        self._sock.close()

    def answer(self) -> SimpleNamespace:
        text = b""
        while chunk := self._sock.recv(65536):
            text += chunk
        self._sock.close()
        head, _, body = text.partition(b"\r\n\r\n")
        first, *rest = head.decode("ascii").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        return SimpleNamespace(status=int(first.split()[1]), headers=headers, json=json.loads(body))
