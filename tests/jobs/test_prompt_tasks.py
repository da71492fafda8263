"""The enhancer's tasks: what is kept between them, what is given back, and the way through the assistant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from workshop import Workshop

from wgp_core.engines.base import RuntimeOptions
from wgp_core.errors import RequestError
from wgp_core.events import CancelToken, Progress, Stage
from wgp_core.jobs import prompt_tasks
from wgp_core.jobs.tasks import TASKS, TaskContext
from wgp_core.paths import Paths
from wgp_core.prompts import enhancer as enhancer_module
from wgp_core.prompts.enhancement import EnhanceRequest, EnhanceResult, Level, Mode, Provider
from wgp_core.prompts.records import request_to_dict, result_from_dict
from wgp_core.settings import Settings


class Recorder:
    """Stands for the enhancer: notes how it was made and when its memory was given back."""

    made: list[Recorder] = []

    def __init__(self, paths: Paths, settings: Settings, runtime: RuntimeOptions, cache: Any) -> None:
        self.settings, self.runtime, self.cache = settings, runtime, cache
        self.released = 0
        self._model: Any = None
        self.made.append(self)

    def enhance(self, request: EnhanceRequest, *, cancel: CancelToken, on_progress: Any) -> EnhanceResult:
        cancel.raise_if_cancelled()
        on_progress(Progress(Stage.ENRICH, message="thinking"))
        self._model = SimpleNamespace(name="toy")
        return EnhanceResult(request.prompt, request.prompt + ", at dusk", Level.WORKER, Provider.LOCAL, "toy",
                             request.mode, request.job_type, request.quality, request.enhancement_type)

    def release(self) -> None:
        self.released += 1
        self._model = None


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Recorder]]:
    monkeypatch.setattr(enhancer_module, "PromptEnhancer", Recorder)
    monkeypatch.setattr(prompt_tasks, "_desk", prompt_tasks._Desk())
    monkeypatch.setattr(Recorder, "made", [])
    yield Recorder.made
    if prompt_tasks._desk.store is not None:
        prompt_tasks._desk.store.close()


def enhance(paths: Paths, **context: Any) -> EnhanceResult:
    payload = request_to_dict(EnhanceRequest("a cat", mode=Mode.IMAGE))
    return result_from_dict(TASKS["enhance"](payload, TaskContext(paths, **context)))


def test_the_enhancer_is_kept_until_what_concerns_it_changes(paths: Paths, made: list[Recorder]) -> None:
    told: list[Progress] = []
    assert enhance(paths, on_progress=told.append).enhanced == "a cat, at dusk"
    assert [event.message for event in told] == ["thinking"]
    enhance(paths, settings=replace(Settings(), ui_theme="dark", crf=30))
    assert len(made) == 1 and made[0].released == 0, "these settings do not concern it"
    enhance(paths, runtime=RuntimeOptions(device="cpu"))
    assert len(made) == 2 and made[0].released == 1 and made[1].runtime.device == "cpu"
    assert made[1].cache is not None and made[1].cache.size() == 0


def test_its_memory_is_given_back_with_figures(paths: Paths, made: list[Recorder]) -> None:
    figures = {"ram_before_gb", "ram_after_gb", "vram_before_gb", "vram_after_gb"}
    context = TaskContext(paths)
    assert set(TASKS["release_language_model"]({}, context)) == figures, "with nothing loaded nothing happens"
    assert TASKS["language_model_state"]({}, context)["model"] == ""
    enhance(paths)
    assert TASKS["language_model_state"]({}, context)["model"] == "toy"
    freed = TASKS["release_language_model"]({}, context)
    assert TASKS["language_model_state"]({}, context)["model"] == ""
    assert made[0].released == 1 and freed["ram_before_gb"] > 0 and freed["vram_after_gb"] >= 0
    enhance(paths)
    assert len(made) == 1, "the next task loads the model again by itself"


def test_a_database_that_cannot_be_opened_costs_only_the_cache(paths: Paths, made: list[Recorder]) -> None:
    paths.database.write_bytes(b"not a database " * 100)
    assert enhance(paths).enhanced == "a cat, at dusk"
    assert made[0].cache is None


def test_a_payload_that_cannot_be_read_is_refused(paths: Paths, made: list[Recorder]) -> None:
    with pytest.raises(RequestError, match="mode cannot be"):
        TASKS["enhance"]({"prompt": "a cat", "mode": "opera"}, TaskContext(paths))
    assert made == []


def test_rules_answer_through_the_assistant_and_the_cache_survives_it(workshop: Workshop, tmp_path: Path) -> None:
    supervisor = workshop.start()
    payload = request_to_dict(EnhanceRequest("two dogs run along the beach", provider=Provider.RULES))
    first = result_from_dict(supervisor.run_task("enhance", payload))
    assert first.level is Level.EMERGENCY and not first.cache_hit
    assert "two dogs" in first.enhanced and len(first.enhanced) > len(first.original)
    again = result_from_dict(supervisor.run_task("enhance", payload))
    assert again.cache_hit and again.enhanced == first.enhanced
    assert workshop.store.enhancements.size() == 1
    supervisor.stop()
    assert result_from_dict(workshop.start().run_task("enhance", payload)).cache_hit
