from __future__ import annotations

import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from wgp_core.errors import Cancelled, EngineError, EngineMemoryError, RequestError, SettingsError
from wgp_core.events import CancelToken, Progress, ProgressCallback, Stage
from wgp_core.models.manager import Loaded, ModelManager, as_memory_error, process_manager
from wgp_core.models.options import LoadOptions, Precision, Quantization
from wgp_core.models.spec import Family, ModelSpec, Task

OPTIONS = LoadOptions(precision=Precision.FP32, quantization=Quantization.NONE, reasons={"profile": "on the CPU"})


@dataclass(frozen=True)
class _Found:
    spec: ModelSpec
    folder: Path | None


def _found(name: str) -> Any:
    return _Found(ModelSpec(name, name.title(), Family.WAN, (Task.T2V,), "video"), Path("/models") / name)


ONE, TWO = _found("one"), _found("two")


@dataclass
class _Loads:
    """A loader of small real modules that keeps count and knows which of them are alive."""

    seconds: float = 0.0
    loaded: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    alive: list[weakref.ref[torch.nn.Module]] = field(default_factory=list)

    def __call__(self, found: Any, options: LoadOptions, on_progress: ProgressCallback, cancel: CancelToken) -> Loaded:
        name = found.spec.id
        for step in range(3):
            cancel.raise_if_cancelled()
            on_progress(Progress(Stage.LOAD, step, 3, name))
            time.sleep(self.seconds / 3)
        module = torch.nn.Linear(64, 64)
        self.loaded.append(name)
        self.alive.append(weakref.ref(module))
        return Loaded(module, lambda: self.released.append(name), sum(p.nbytes for p in module.parameters()))

    def living(self) -> int:
        return sum(ref() is not None for ref in self.alive)


@pytest.fixture
def loads() -> _Loads:
    return _Loads()


@pytest.fixture
def manager() -> Iterator[ModelManager]:
    manager = ModelManager()
    yield manager
    manager.release_all()


def test_a_model_is_loaded_once_and_reported(manager: ModelManager, loads: _Loads,
                                             caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    events: list[Progress] = []
    with manager.use(ONE, OPTIONS, loads, on_progress=events.append) as first:
        assert manager.status().borrowers == 1
    other_reason = replace(OPTIONS, reasons={"profile": "another"})
    with manager.use(ONE, other_reason, loads) as second:
        assert second is first
    status = manager.status()
    assert loads.loaded == ["one"]
    assert (status.model, status.label, status.options, status.borrowers) == ("one", "One", OPTIONS, 0)
    assert status.size_bytes == 64 * 65 * 4 and status.load_seconds > 0
    assert [event.stage for event in events] == [Stage.LOAD] * 4
    assert any("loaded One in" in line and "on the CPU" in line for line in caplog.messages)


def test_another_model_or_other_options_evict(manager: ModelManager, loads: _Loads) -> None:
    manager.preload(ONE, OPTIONS, loads)
    manager.preload(TWO, OPTIONS, loads)
    assert loads.released == ["one"] and loads.living() == 1
    manager.preload(TWO, replace(OPTIONS, profile="5"), loads)
    assert loads.loaded == ["one", "two", "two"] and loads.living() == 1


def test_the_same_model_may_be_borrowed_again_inside(manager: ModelManager, loads: _Loads) -> None:
    with manager.use(ONE, OPTIONS, loads) as outer:
        with manager.use(ONE, OPTIONS, loads) as inner:
            assert inner is outer and manager.status().borrowers == 2
        manager.release_all()
        with manager.use(ONE, OPTIONS, loads) as again:
            assert again is outer
        assert loads.released == []
    assert loads.released == ["one"] and manager.status().model == ""


def test_another_model_in_the_same_thread_is_an_error_not_a_deadlock(manager: ModelManager, loads: _Loads) -> None:
    with manager.use(ONE, OPTIONS, loads):
        with pytest.raises(EngineError, match=r"Two was asked for while One is in use"):
            manager.preload(TWO, OPTIONS, loads)
        assert manager.status().borrowers == 1

    def greedy(*args: Any) -> Loaded:
        manager.preload(ONE, OPTIONS, loads)
        return loads(*args)

    with pytest.raises(EngineError, match="while Two is being loaded"):
        manager.preload(TWO, OPTIONS, greedy)
    manager.preload(TWO, OPTIONS, loads)


def test_another_thread_waits_and_says_for_whom(manager: ModelManager, loads: _Loads) -> None:
    events: list[str] = []
    done = threading.Event()

    def other() -> None:
        manager.preload(TWO, OPTIONS, loads, on_progress=lambda event: events.append(event.message))
        done.set()

    with manager.use(ONE, OPTIONS, loads):
        thread = threading.Thread(target=other)
        thread.start()
        assert not done.wait(0.6)
        assert manager.status().model == "one"
    assert done.wait(10)
    thread.join()
    assert "Waiting until One is free" in events
    assert loads.loaded == ["one", "two"] and manager.status().model == "two"


def test_waiting_can_be_cancelled(manager: ModelManager, loads: _Loads) -> None:
    cancel = CancelToken()
    ended: list[BaseException] = []

    def other() -> None:
        try:
            manager.preload(TWO, OPTIONS, loads, cancel=cancel)
        except Cancelled as error:
            ended.append(error)

    with manager.use(ONE, OPTIONS, loads):
        thread = threading.Thread(target=other)
        thread.start()
        cancel.cancel()
        thread.join(10)
    assert len(ended) == 1 and loads.loaded == ["one"]


def test_status_answers_while_a_model_loads(manager: ModelManager) -> None:
    loads = _Loads(seconds=1.0)
    thread = threading.Thread(target=manager.preload, args=(ONE, OPTIONS, loads))
    thread.start()
    time.sleep(0.2)
    began = time.perf_counter()
    assert manager.status().loading == "One"
    assert time.perf_counter() - began < 0.1
    thread.join()
    assert manager.status().loading == "" and manager.status().model == "one"


def test_many_threads_share_one_load_at_a_time(manager: ModelManager) -> None:
    loads = _Loads(seconds=0.01)
    failed: list[BaseException] = []

    def work(found: Any) -> None:
        for _ in range(5):
            with manager.use(found, OPTIONS, loads) as loaded:
                if loaded.value.weight.shape != (64, 64) or loads.living() != 1:
                    failed.append(AssertionError(loads.living()))

    threads = [threading.Thread(target=work, args=(found,)) for found in (ONE, TWO, ONE, TWO)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == [] and not any(thread.is_alive() for thread in threads)
    assert manager.status().borrowers == 0


def test_a_load_that_fails_or_is_cancelled_leaves_nothing(manager: ModelManager, loads: _Loads) -> None:
    def broken(*args: Any) -> Loaded:
        loads(*args)
        raise EngineError("The weights are broken.")

    manager.preload(ONE, OPTIONS, loads)
    with pytest.raises(EngineError, match="broken"):
        manager.preload(TWO, OPTIONS, broken)
    assert manager.status() == type(manager.status())()
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        manager.preload(TWO, OPTIONS, loads, cancel=cancel)
    manager.preload(TWO, OPTIONS, loads)
    assert manager.status().model == "two" and loads.living() == 1


@pytest.mark.parametrize(("error", "stays"), [
    (ZeroDivisionError("bug"), False), (EngineError("half done"), False), (Cancelled("stop"), True),
    (RequestError("wrong"), True)])
def test_what_failed_in_use_is_not_lent_again(manager: ModelManager, loads: _Loads, error: Exception,
                                              stays: bool) -> None:
    with pytest.raises(type(error)), manager.use(ONE, OPTIONS, loads):
        raise error
    assert (manager.status().model == "one") is stays
    assert manager.status().borrowers == 0


def test_a_left_over_variable_keeps_no_model(manager: ModelManager, loads: _Loads) -> None:
    with manager.use(ONE, OPTIONS, loads) as left_over:
        assert left_over.value is not None
    manager.preload(TWO, OPTIONS, loads)
    assert left_over.value is None and loads.living() == 1


def test_a_release_that_fails_still_frees(manager: ModelManager, loads: _Loads,
                                          caplog: pytest.LogCaptureFixture) -> None:
    def loader(*args: Any) -> Loaded:
        loaded = loads(*args)
        return replace(loaded, release=lambda: (_ for _ in ()).throw(OSError("hook")))

    manager.preload(ONE, OPTIONS, loader)
    manager.release_all()
    assert loads.living() == 0 and "releasing One failed" in caplog.text


@pytest.mark.parametrize(("policy", "queue_empty", "freed"), [
    ("keep", True, False), ("queue-end", False, False), ("queue-end", True, True), ("job-end", False, True)])
def test_policies(manager: ModelManager, loads: _Loads, policy: str, queue_empty: bool, freed: bool) -> None:
    manager.preload(ONE, OPTIONS, loads)
    manager.job_done(policy, queue_empty)
    assert (loads.living() == 0) is freed


def test_an_unknown_policy_is_refused(manager: ModelManager) -> None:
    with pytest.raises(SettingsError, match="'later'"):
        manager.job_done("later", True)


def test_a_generator_that_borrows_may_be_closed_by_another_thread(manager: ModelManager, loads: _Loads) -> None:
    def frames() -> Iterator[int]:
        with manager.use(ONE, OPTIONS, loads):
            yield from range(10)

    stream = frames()
    assert next(stream) == 0 and manager.status().borrowers == 1
    thread = threading.Thread(target=stream.close)  # type: ignore[attr-defined]
    thread.start()
    thread.join()
    assert manager.status().borrowers == 0 and manager.status().model == "one"


def _allocate_too_much() -> None:
    local = torch.zeros(1000)
    torch.empty(2**46)  # 256 TiB: refused before any of it is touched
    del local


def test_real_out_of_memory_becomes_a_memory_error_and_frees(manager: ModelManager, loads: _Loads) -> None:
    with pytest.raises(EngineMemoryError, match=r"ran out of RAM.*lower VRAM profile"), \
            manager.use(ONE, OPTIONS, loads):
        _allocate_too_much()
    assert manager.status().model == ""
    manager.release_all()
    assert loads.living() == 0


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
                                   RuntimeError("CUDA error: out of memory")])
def test_every_kind_of_memory_error_is_known(error: Exception) -> None:
    with pytest.raises(EngineMemoryError, match="VRAM" if "CUDA" in str(error) else "RAM"), as_memory_error():
        raise error


def test_what_failed_calls_held_is_let_go() -> None:
    kept: list[weakref.ref[torch.nn.Module]] = []

    def deep() -> None:
        module = torch.nn.Linear(8, 8)
        kept.append(weakref.ref(module))
        raise MemoryError

    try:
        with as_memory_error():
            deep()
    except EngineMemoryError:
        assert kept[0]() is None, "freed while the error is still being handled"


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shape"), as_memory_error():
        raise RuntimeError("shape mismatch")


def test_there_is_one_manager_in_a_process() -> None:
    assert process_manager() is process_manager()


def test_importing_manager_profiles_and_choice_loads_no_model_library() -> None:
    code = ("import sys, wgp_core.models.manager, wgp_core.models.profiles, wgp_core.models.choose\n"
            "import wgp_core.models.preflight, wgp_core.models.offload\n"
            "wgp_core.models.manager.process_manager().release_all()\n"
            "print(*{'torch', 'mmgp', 'diffusers', 'transformers'} & set(sys.modules), 'released')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["released"], done.stdout + done.stderr
