"""The card is lent to one of two: videos come first, and what the assistant had there is given back before them."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from workshop import HERE, Workshop, wait_until

from wgp_core.jobs import gpu_lease
from wgp_core.jobs.gpu_lease import GpuLease, uses_card
from wgp_core.store import JobState


@pytest.fixture
def with_card(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setattr(gpu_lease, "has_card", lambda: True)
    workshop.options = replace(workshop.options, worker_command=(sys.executable, str(HERE / "fake_worker.py")))
    return workshop


def test_who_may_have_it() -> None:
    lease = GpuLease()
    assert lease.take() and not lease.lend() and not lease.lent, "a video has it"
    lease.done()
    assert lease.lend() and lease.lent
    assert not lease.take(), "the assistant has something there"
    assert not lease.lend(), "and gets no more of it"
    lease.give_back()
    assert lease.take()
    lease.done()
    assert lease.lend()


def test_which_devices_are_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_lease, "has_card", lambda: False)
    assert [uses_card(device) for device in ("auto", "cpu", "cuda:0")] == [False, False, True]
    monkeypatch.setattr(gpu_lease, "has_card", lambda: True)
    assert [uses_card(device) for device in ("auto", "cpu", "cuda:0")] == [True, False, True]


def test_the_assistant_gives_the_card_back_before_a_video(with_card: Workshop, tmp_path: Path,
                                                         caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with_card.settings = replace(with_card.settings, crf=31)
    supervisor = with_card.start()
    assert supervisor.run_task("device") == {"device": "auto", "crf": 31}, "nothing else wants it"
    assistant = supervisor.status().assistant.pid
    gate = tmp_path / "gate"
    job = with_card.submit(f"wait {gate}")
    with_card.wait(job.id, JobState.RUNNING)
    assert "gave its memory back before a video" in caplog.text
    assert supervisor.status().assistant.pid is None, "even what a process keeps by itself is free"
    assert supervisor.run_task("device")["device"] == "cpu", "a task does not wait for the video"
    gate.touch()
    assert with_card.wait(job.id).state is JobState.DONE
    wait_until(lambda: supervisor.run_task("device")["device"] == "auto")
    assert assistant is not None


def test_a_video_waits_for_a_task_on_the_card(with_card: Workshop) -> None:
    supervisor = with_card.start()
    thread = threading.Thread(target=supervisor.run_task, args=("nap", {"seconds": 1.5}))
    thread.start()
    wait_until(lambda: supervisor.status().assistant.state == "busy")
    wait_until(lambda: supervisor.status().assistant.pid is not None)
    job = with_card.submit("frames")
    wait_until(lambda: with_card.queue.get(job.id).state is JobState.RUNNING or not thread.is_alive())
    assert not thread.is_alive()
    assert with_card.wait(job.id).state is JobState.DONE


def test_without_a_card_nobody_waits(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    workshop.options = replace(workshop.options, worker_command=(sys.executable, str(HERE / "fake_worker.py")))
    workshop.settings = replace(workshop.settings, device="cpu")
    supervisor = workshop.start()
    supervisor.run_task("device")
    assistant = supervisor.status().assistant.pid
    assert workshop.wait(workshop.submit("frames").id).state is JobState.DONE
    assert supervisor.status().assistant.pid == assistant and "gave its memory back" not in caplog.text
