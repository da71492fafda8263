"""A small engine that obeys the real protocol, for tests of everything around an engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from wgp_core.engines.base import (
    Availability,
    Caption,
    EngineDefaults,
    EngineSpec,
    FrameStream,
    MemoryPlan,
    ModelUse,
    RenderSession,
    StepRule,
)
from wgp_core.engines.registry import EngineRegistry
from wgp_core.events import Progress, Stage
from wgp_core.request import EngineChoice, VideoRequest

Draw = Callable[[VideoRequest, RenderSession, int], np.ndarray]


def coloured(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
    """A frame whose colour comes from the seed and whose bright square moves."""
    frame = np.full((request.height, request.width, 3), request.seed % 200 + 20, np.uint8)
    left = index * 2 % (request.width - 8)
    frame[8:16, left:left + 8] = (250, 40, 40)
    return frame


@dataclass
class FakeEngine:
    """`choice` says which engine it stands for; `draw` makes frame i and may raise what real engines raise."""

    choice: EngineChoice = EngineChoice.DIFFUSION
    draw: Draw = coloured
    id: str = "fake"
    ladder: tuple[MemoryPlan, ...] = ()
    ready: Availability = Availability(True)
    frame_s: float = 0.0
    plans: list[MemoryPlan] = field(default_factory=list)
    requests: list[VideoRequest] = field(default_factory=list)

    @property
    def spec(self) -> EngineSpec:
        local = self.choice is EngineChoice.LOCAL
        return EngineSpec(
            id=self.id, label=f"the {self.id} engine", choice=self.choice, width=StepRule(64, 640, 16),
            height=StepRule(64, 640, 16), frames=StepRule(1, 401) if local else StepRule(5, 161, 4, 1),
            fps=StepRule(1, 60), max_seconds=60,
            defaults=EngineDefaults(64, 64, 16, 1.0, steps=4, guidance=5.0, flow_shift=3.0),
            uses=frozenset({"steps", "guidance", "seed", "start_image"}))

    def spec_for(self, request: VideoRequest) -> EngineSpec:
        return self.spec

    def availability(self, request: VideoRequest | None = None) -> Availability:
        return self.ready

    def memory_ladder(self, start: MemoryPlan) -> tuple[MemoryPlan, ...]:
        return self.ladder

    def render(self, request: VideoRequest, session: RenderSession) -> FrameStream:
        self.plans.append(session.memory)
        self.requests.append(request)
        return FrameStream(
            width=request.width, height=request.height, fps=request.fps, count=request.frames,
            frames=self._frames(request, session), captions=(Caption(0, 1, "Hello <there> --> you"),),
            models=(ModelUse("toy", "toy.safetensors", 3, "ab" * 32),))

    def _frames(self, request: VideoRequest, session: RenderSession) -> Iterator[np.ndarray]:
        for index in range(request.frames):
            if self.frame_s:
                time.sleep(self.frame_s)
            frame = self.draw(request, session, index)
            session.on_progress(Progress(Stage.RENDER, index + 1, request.frames, preview=frame))
            yield frame


def registry(*engines: FakeEngine) -> EngineRegistry:
    """The given engines, and a fake local one where none is given."""
    listed = list(engines)
    if all(engine.choice is not EngineChoice.LOCAL for engine in listed):
        listed.append(FakeEngine(EngineChoice.LOCAL, id="fake-local"))
    return EngineRegistry(listed)
