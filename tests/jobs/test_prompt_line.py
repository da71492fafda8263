"""The line in front of the language model: one is served, some wait, the others hear when to come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from workshop import wait_until

from wgp_core.errors import BusyError, Cancelled, EngineError, WorkerError
from wgp_core.events import CancelToken
from wgp_core.jobs.prompt_line import PromptLine


class Model:
    """A task runner that answers when it is told to, and notes how many it served at once."""

    def __init__(self) -> None:
        self.served: list[str] = []
        self.at_once = self.most_at_once = 0
        self.go = threading.Event()

    def __call__(self, name: str, payload: Mapping[str, Any], *, timeout_s: float, cancel: CancelToken) -> dict:
        assert name == "enhance" and timeout_s > 0
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.served.append(payload["prompt"])
        try:
            while not self.go.wait(0.01):
                cancel.raise_if_cancelled()
            if payload["prompt"] == "bad":
                raise EngineError("It failed.")
            return {"enhanced": payload["prompt"].upper()}
        finally:
            self.at_once -= 1


@pytest.fixture
def model():
    made = Model()
    yield made
    made.go.set()


def test_one_at_a_time_in_the_order_of_coming(model: Model) -> None:
    line = PromptLine(model, waiting=3)
    places = [line.join({"prompt": name}) for name in ("a", "bad", "c", "d")]
    wait_until(lambda: model.served == ["a"])
    with pytest.raises(BusyError, match="4 prompts are being enhanced or wait") as full:
        line.join({"prompt": "e"})
    assert full.value.retry_after_s >= 1
    model.go.set()
    assert places[0].answer.result(5) == {"enhanced": "A"}
    with pytest.raises(EngineError, match="It failed"):
        places[1].answer.result(5)
    assert places[3].answer.result(5) == {"enhanced": "D"}
    assert model.served == ["a", "bad", "c", "d"] and model.most_at_once == 1
    wait_until(lambda: line.taken == 0)
    assert line.join({"prompt": "f"}).answer.result(5) == {"enhanced": "F"}


def test_whoever_leaves_frees_the_place(model: Model) -> None:
    line = PromptLine(model, waiting=1)
    first, second = line.join({"prompt": "a"}), line.join({"prompt": "b"})
    wait_until(lambda: model.served == ["a"])
    second.leave()
    assert line.taken == 1, "a waiting one is gone at once"
    third = line.join({"prompt": "c"})
    first.leave()
    with pytest.raises(Cancelled):
        first.answer.result(5)
    model.go.set()
    assert third.answer.result(5) == {"enhanced": "C"} and model.served == ["a", "c"]


def test_a_model_that_takes_its_process_with_it_is_replaced_by_rules() -> None:
    asked: list[dict] = []

    def run_task(name: str, payload: Mapping[str, Any], **_: Any) -> dict:
        asked.append(dict(payload))
        if payload.get("provider") != "rules":
            raise WorkerError("The assistant worker ended (signal 9).")
        return {"enhanced": "a cat at dusk", "attempts": [{"outcome": "accepted"}], "warnings": []}

    answer = PromptLine(run_task).join({"prompt": "a cat", "provider": "auto", "context": "x"}).answer.result(5)
    assert answer["enhanced"] == "a cat at dusk" and [one["provider"] for one in asked] == ["auto", "rules"]
    assert [one["outcome"] for one in answer["attempts"]] == ["failed", "accepted"]
    assert answer["attempts"][0]["level"] == "edge_function" and "signal 9" in answer["warnings"][0]


def test_rules_that_fail_are_not_asked_again() -> None:
    asked: list[Mapping[str, Any]] = []

    def run_task(name: str, payload: Mapping[str, Any], **_: Any) -> dict:
        asked.append(payload)
        raise WorkerError("The assistant worker ended (signal 9).")

    with pytest.raises(WorkerError, match="signal 9"):
        PromptLine(run_task).join({"prompt": "a cat", "provider": "rules"}).answer.result(5)
    assert len(asked) == 1


def test_closing_sends_everybody_home(model: Model) -> None:
    line = PromptLine(model, waiting=2)
    running, waiting = line.join({"prompt": "a"}), line.join({"prompt": "b"})
    wait_until(lambda: model.served == ["a"])
    line.close()
    assert waiting.answer.cancelled()
    with pytest.raises(WorkerError, match="closing"):
        line.join({"prompt": "c"})
    running.leave()
    began = time.monotonic()
    wait_until(lambda: line.taken == 0)
    assert time.monotonic() - began < 2 and model.served == ["a"]
    line.open()
    model.go.set()
    assert line.join({"prompt": "d"}).answer.result(5) == {"enhanced": "D"}
