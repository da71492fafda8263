"""Work on models in its own worker: real processes, small folders, a kill, a cancel, and other tasks meanwhile."""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from workshop import HERE, Workshop, alive, wait_until

from wgp_core.errors import QueueError
from wgp_core.jobs.model_desk import ModelDesk, ModelWork
from wgp_core.jobs.work_line import WorkState
from wgp_core.models.inventory import all_models

MODEL = "mine"


def write_weights(file: Path, count: int = 4) -> None:
    """A safetensors file of one float32 tensor, by its format: header length, header, bytes."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4 * count)


def make_model(ckpts: Path, name: str = MODEL) -> Path:
    """A folder in diffusers layout, as far as looking at it needs."""
    folder = ckpts / name
    index = {"_class_name": "WanPipeline", "transformer": ["diffusers", "WanTransformer3DModel"],
             "vae": ["diffusers", "AutoencoderKLWan"]}
    write_weights(folder / "transformer" / "diffusion_pytorch_model.safetensors")
    write_weights(folder / "vae" / "diffusion_pytorch_model.safetensors")
    (folder / "model_index.json").write_text(json.dumps(index))
    for part in ("transformer", "vae"):
        (folder / part / "config.json").write_text("{}")
    return folder


@pytest.fixture
def desk(workshop: Workshop) -> ModelDesk:
    workshop.options = replace(workshop.options, worker_command=(sys.executable, str(HERE / "fake_worker.py")))
    return workshop.start().models


def wait_for(desk: ModelDesk, model: str, *states: WorkState) -> ModelWork:
    def now() -> ModelWork | None:
        return next((work for work in desk.works() if work.model_id == model), None)

    wait_until(lambda: (work := now()) is not None and work.state in states, 40, lambda: str(now()))
    found = now()
    assert found is not None
    return found


ENDED = (WorkState.DONE, WorkState.FAILED, WorkState.CANCELLED)


def test_a_model_is_verified_and_deleted(desk: ModelDesk, workshop: Workshop) -> None:
    folder = make_model(workshop.paths.ckpts)
    before = desk.version
    desk.submit("verify", MODEL)
    done = wait_for(desk, MODEL, *ENDED)
    assert (done.state, done.fraction) == (WorkState.DONE, 1.0), done.message
    assert "2 files" in done.message
    assert desk.version.states >= before.states + 3
    desk.submit("delete", MODEL)
    assert wait_for(desk, MODEL, *ENDED).state is WorkState.DONE
    assert not folder.exists() and len(desk.works()) == 1, "the newest piece of work on a model replaces the older"
    desk.dismiss(MODEL)
    assert desk.works() == ()


def test_damage_is_told_in_plain_words(desk: ModelDesk, workshop: Workshop) -> None:
    folder = make_model(workshop.paths.ckpts)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"\0" * 40)
    desk.submit("verify", MODEL)
    failed = wait_for(desk, MODEL, *ENDED)
    assert failed.state is WorkState.FAILED
    assert "mine/vae/" in failed.message and "not a whole safetensors file" in failed.message


@pytest.mark.parametrize("harm", ["cut", "index"])
def test_a_folder_that_cannot_be_used_is_verified_and_deleted(desk: ModelDesk, workshop: Workshop, harm: str) -> None:
    folder = make_model(workshop.paths.ckpts)
    broken = folder / ("model_index.json" if harm == "index" else "vae/diffusion_pytorch_model.safetensors")
    broken.write_bytes(broken.read_bytes()[:-1])
    row = next(row for row in all_models(workshop.paths) if row.path == folder)
    assert row.problem and broken.name in row.problem
    desk.submit("verify", row.id)
    failed = wait_for(desk, row.id, *ENDED)
    words = "cannot be used" if harm == "index" else "is not whole"
    assert failed.state is WorkState.FAILED and words in failed.message and broken.name in failed.message
    desk.submit("delete", row.id)
    done = wait_for(desk, row.id, *ENDED)
    assert done.state is WorkState.DONE, done.message
    assert not folder.exists()


def test_an_unknown_model_fails_and_says_what_there_is(desk: ModelDesk) -> None:
    desk.submit("install", "no-such-model")
    failed = wait_for(desk, "no-such-model", *ENDED)
    assert failed.state is WorkState.FAILED and "no-such-model" in failed.message


def test_a_killed_worker_fails_its_work_only_and_the_same_work_may_be_asked_again(desk: ModelDesk) -> None:
    desk.submit("verify", "slow:30")
    desk.submit("verify", "slow:0.2")
    running = wait_for(desk, "slow:30", WorkState.RUNNING)
    assert running.open and wait_for(desk, "slow:0.2", WorkState.QUEUED).open
    wait_until(lambda: any(work.done_bytes for work in desk.works()), 40)
    pid = desk.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    failed = wait_for(desk, "slow:30", *ENDED)
    assert failed.state is WorkState.FAILED and "signal 9" in failed.message
    assert wait_for(desk, "slow:0.2", *ENDED).state is WorkState.DONE, "the next piece of work gets a new worker"
    desk.submit("verify", "slow:0.1")
    assert wait_for(desk, "slow:0.1", *ENDED).state is WorkState.DONE


def test_progress_arrives_and_a_cancel_stops_it(desk: ModelDesk, workshop: Workshop) -> None:
    desk.submit("verify", "slow:60")
    desk.submit("verify", "slow:61")
    with pytest.raises(QueueError, match="in work already"):
        desk.submit("delete", "slow:60")
    wait_until(lambda: any(work.fraction for work in desk.works()), 40)
    ticks = desk.version.ticks
    wait_until(lambda: desk.version.ticks > ticks, 10)
    running = wait_for(desk, "slow:60", WorkState.RUNNING)
    assert running.message == "Reading" and 0 < running.done_bytes < running.total_bytes == 60_000
    assert workshop.supervisor is not None
    began = time.monotonic()
    assert workshop.supervisor.run_task("echo", {"text": "meanwhile"}) == {"text": "meanwhile"}
    assert time.monotonic() - began < 30, "the assistant does not wait for the model's work"
    assert desk.cancel("slow:61").state is WorkState.CANCELLED, "what waits is taken out at once"
    desk.cancel("slow:60")
    assert wait_for(desk, "slow:60", *ENDED).state is WorkState.CANCELLED
    with pytest.raises(QueueError, match="Nothing is being done"):
        desk.cancel("slow:60")


def test_the_end_of_the_program_ends_the_worker(desk: ModelDesk, workshop: Workshop) -> None:
    desk.submit("verify", "slow:60")
    desk.submit("verify", "slow:61")
    wait_until(lambda: any(work.done_bytes for work in desk.works()), 40)
    pid = desk.pid or 0
    assert workshop.supervisor is not None
    workshop.supervisor.stop()
    wait_until(lambda: not alive(pid), 5)
    assert [work.state for work in desk.works()] == [WorkState.FAILED, WorkState.CANCELLED]


def test_the_worker_gives_its_memory_back_soon(desk: ModelDesk) -> None:
    desk.submit("verify", "slow:0.1")
    wait_for(desk, "slow:0.1", *ENDED)
    pid = desk.pid or 0
    assert alive(pid)
    desk.stop_if_idle(0.0)
    wait_until(lambda: not alive(pid), 5)
