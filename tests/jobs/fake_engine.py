"""A fast engine that does what its prompt says, for tests of queue and workers. No torch, no plotting.

`worker --engines fake_engine:engines` loads it through the real extension point. A prompt is a list of commands:
"frames" (just draw), "sleep 0.5" (between frames, cancellable), "stubborn 5" (ignores cancel), "hang 60" (no
progress), "abort", "exit 3", "oom", "fail TEXT", "bug", "print" (writes to stdout), "child FILE" (leaves a child
process whose id is written to FILE), "wait FILE" (goes on once FILE exists), "recorded" (killed once it is on record).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wgp_core.engines.base import (
    Availability,
    EngineDefaults,
    EngineSpec,
    FrameStream,
    MemoryPlan,
    RenderSession,
    StepRule,
)
from wgp_core.engines.registry import EngineRegistry
from wgp_core.errors import EngineError, EngineMemoryError
from wgp_core.events import Progress, Stage
from wgp_core.jobs.recorder import JobRecorder
from wgp_core.paths import Paths
from wgp_core.request import EngineChoice, VideoRequest
from wgp_core.result import VideoResult

SPEC = EngineSpec(
    id="fake", label="Fake engine", choice=EngineChoice.LOCAL, width=StepRule(64, 640, 2), height=StepRule(48, 480, 2),
    frames=StepRule(1, 1000), fps=StepRule(1, 60), max_seconds=60, check_frames=False,
    defaults=EngineDefaults(width=64, height=48, fps=8, seconds=0.5))


class FakeEngine:
    spec = SPEC

    def spec_for(self, request: VideoRequest) -> EngineSpec:
        return self.spec

    def availability(self, request: VideoRequest | None = None) -> Availability:
        return Availability(True)

    def memory_ladder(self, start: MemoryPlan) -> tuple[MemoryPlan, ...]:
        return (MemoryPlan("5"),)

    def preload(self, model: str, session: RenderSession) -> str:
        """A model is loaded for as many seconds as its name says; others are missing."""
        if not model.isdigit():
            raise EngineError(f"{model} is not installed.", fix="Install it.")
        session.on_progress(Progress(Stage.LOAD, message=f"Loading {model}"))
        until = time.monotonic() + float(model)
        while time.monotonic() < until:
            session.cancel.raise_if_cancelled()
            time.sleep(0.01)
        return f"Model {model}"

    def render(self, request: VideoRequest, session: RenderSession) -> FrameStream:
        command, _, argument = request.prompt.partition(" ")
        obey(command, argument, session)
        frames = draw(request, session, float(argument) if command == "sleep" else 0.0)
        return FrameStream(request.width or 64, request.height or 48, request.fps or 8, request.frames or 4, frames)


def obey(command: str, argument: str, session: RenderSession) -> None:
    if command == "abort":
        os.abort()
    elif command == "exit":
        os._exit(int(argument))
    elif command == "oom" or (command == "oom-once" and session.memory.profile != "5"):
        raise EngineMemoryError("The card has 8 GB; 12 GB were needed.")
    elif command == "fail":
        raise EngineError(argument, fix="Ask for something else.")
    elif command == "bug":
        raise KeyError("weights")
    elif command == "print":
        sys.stdout.write("a library says hello\n")
        sys.stdout.flush()
        os.write(1, b'{"say": "idle"}\n')
    elif command in ("stubborn", "hang"):
        session.on_progress(Progress(Stage.LOAD, message=command))
        time.sleep(float(argument))
    elif command == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(argument).write_text(str(child.pid))
        time.sleep(600)
    elif command == "recorded":
        kill_after_the_record()
    elif command == "wait":
        while not Path(argument).exists():
            session.cancel.raise_if_cancelled()
            session.on_progress(Progress(Stage.LOAD, message="waiting"))
            time.sleep(0.02)


def kill_after_the_record() -> None:
    record = JobRecorder.record

    def record_and_die(self: JobRecorder, result: VideoResult) -> None:
        record(self, result)
        os.kill(os.getpid(), signal.SIGKILL)

    JobRecorder.record = record_and_die


def draw(request: VideoRequest, session: RenderSession, pause_s: float) -> Iterator[np.ndarray]:
    total = request.frames or 4
    for index in range(total):
        session.cancel.raise_if_cancelled()
        frame = np.full((request.height or 48, request.width or 64, 3), (37 * index + request.seed) % 255, np.uint8)
        session.on_progress(Progress(Stage.RENDER, index + 1, total, preview=frame))
        yield frame
        until = time.monotonic() + pause_s
        while time.monotonic() < until:
            session.cancel.raise_if_cancelled()
            time.sleep(0.01)


def engines(paths: Paths) -> EngineRegistry:
    return EngineRegistry([FakeEngine()])
