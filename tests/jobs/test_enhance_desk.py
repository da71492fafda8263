"""Enhancements for the window: state, progress, cancel, and the record of how a prompt came about."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from wgp_core.errors import Cancelled, QueueError, WorkerError
from wgp_core.events import CancelToken, Progress, Stage
from wgp_core.jobs.enhance_desk import EnhanceDesk
from wgp_core.jobs.queue import JobQueue
from wgp_core.jobs.work_line import WorkState
from wgp_core.marked import join_enhanced
from wgp_core.paths import Paths
from wgp_core.prompts.enhancement import EnhanceRequest, Provider
from wgp_core.prompts.enhancer import PromptEnhancer
from wgp_core.prompts.records import request_from_dict, result_to_dict
from wgp_core.request import VideoRequest
from wgp_core.settings import Settings
from wgp_core.store import Store

ASKED = EnhanceRequest("a red ball bounces", provider=Provider.RULES)


@pytest.fixture
def store(paths: Paths) -> Iterator[Store]:
    with Store.open(paths.database) as opened:
        yield opened


def here(paths: Paths) -> Callable[..., Mapping[str, Any]]:
    """The task without its worker."""
    def run_task(_name: str, payload: Mapping[str, Any], **options: Any) -> Mapping[str, Any]:
        options["on_progress"](Progress(Stage.ENRICH, message="thinking"))
        return result_to_dict(PromptEnhancer(paths, Settings()).enhance(request_from_dict(payload)))
    return run_task


def ended(desk: EnhanceDesk) -> WorkState:
    deadline = time.monotonic() + 20
    while (now := desk.current) is not None and now.state is WorkState.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert now is not None
    return now.state


def test_a_text_that_is_taken_edited_and_submitted_is_on_record(paths: Paths, store: Store) -> None:
    desk = EnhanceDesk(here(paths), store.evolution)
    before = desk.version
    desk.start(ASKED)
    assert ended(desk) is WorkState.DONE and desk.version > before
    text = desk.accept()
    assert text and desk.current is None and desk.accept() is None
    job = JobQueue(store, paths).submit(VideoRequest(prompt=join_enhanced(ASKED.prompt, text + " Slowly.")))
    desk.submitted([job])
    [row] = store.evolution.of(job.id)
    assert (row.original, row.enhanced, row.accepted) == (ASKED.prompt, text, text + " Slowly.")


def test_one_at_a_time_and_cancelled_in_the_middle(store: Store) -> None:
    begun = threading.Event()

    def slow(_name: str, _payload: Mapping[str, Any], *, cancel: CancelToken, **_: Any) -> Mapping[str, Any]:
        begun.set()
        while not cancel.cancelled:
            time.sleep(0.01)
        raise Cancelled

    desk = EnhanceDesk(slow, store.evolution)
    desk.start(ASKED)
    assert begun.wait(5)
    with pytest.raises(QueueError, match="already"):
        desk.start(ASKED)
    desk.cancel()
    assert ended(desk) is WorkState.CANCELLED
    desk.dismiss()
    assert desk.current is None


@pytest.mark.parametrize("error", [WorkerError("The worker died."), ValueError("odd")])
def test_a_failure_is_told_and_another_can_begin(paths: Paths, store: Store, error: Exception) -> None:
    def broken(*_args: Any, **_options: Any) -> Mapping[str, Any]:
        raise error

    desk = EnhanceDesk(broken, store.evolution)
    desk.start(ASKED)
    assert ended(desk) is WorkState.FAILED
    assert desk.current and str(error) in desk.current.message
    desk.start(ASKED)
    assert ended(desk) is WorkState.FAILED
