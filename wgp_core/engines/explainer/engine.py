"""The local engine behind the `Engine` protocol: request -> scenes -> frames, with no torch and no download."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...events import Progress, Stage
from ...paths import Paths
from ...request import CameraMovement, VideoRequest
from ..base import Availability, Caption, EngineSpec, FrameStream, MemoryPlan, ModelUse, RenderSession
from .spec import SPEC

if TYPE_CHECKING:
    from ...models.embedder import MiniLmEmbedder

log = logging.getLogger(__name__)


class ExplainerEngine:
    """Draws known subjects and laid-out text. The same request and seed give the same frames on every run."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._meaning = _Meaning(paths)

    @property
    def spec(self) -> EngineSpec:
        return SPEC

    def spec_for(self, request: VideoRequest) -> EngineSpec:
        return SPEC

    def availability(self, request: VideoRequest | None = None) -> Availability:
        return Availability(True)

    def memory_ladder(self, start: MemoryPlan) -> tuple[MemoryPlan, ...]:
        return ()

    def render(self, request: VideoRequest, session: RenderSession) -> FrameStream:
        """Plan, compose and schedule at once; draw as frames are pulled."""
        from . import compose
        from .drawing import Drawing
        from .pool import draw_frames

        assert request.width and request.height and request.fps and request.frames
        session.on_progress(Progress(Stage.RENDER, 0, request.frames, "Planning the scenes"))
        seconds = request.frames / request.fps
        self._meaning.used = False
        plan = compose.plan_for(request, seconds, self._meaning.embedder())
        topic = compose.topic_for(request, seconds)
        scenes = compose.compose(plan, topic, start_image=request.start_image)
        slots = tuple(compose.schedule(scenes, request.frames, request.fps))
        cameras = _cameras(request, len(slots))
        drawing = Drawing(slots, cameras, request.width, request.height, request.fps, request.theme, request.captions)
        captions = tuple(Caption(s.first_frame / request.fps, (s.first_frame + s.frames) / request.fps,
                                 s.scene.spoken or s.scene.narration)
                         for s in slots if s.scene.spoken or s.scene.narration)
        frames = draw_frames(drawing, session.cancel, processes=session.runtime.render_processes)
        return FrameStream(
            width=request.width, height=request.height, fps=request.fps, count=request.frames,
            frames=_with_progress(frames, request.frames, session), captions=captions, plan=plan,
            models=self._meaning.models(), notes=compose.notes_for(slots, request.fps))


class _Meaning:
    """The starter's text embedder, loaded when a topic is first compared by meaning; notes whether it was asked."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._found: MiniLmEmbedder | None = None
        self._cached: Callable[[list[str]], Any] | None = None
        self._sought = False
        self.used = False

    def embedder(self) -> Callable[[list[str]], Any] | None:
        if not self._sought:
            from ...models.embedder import MiniLmEmbedder

            self._sought = True
            self._found = MiniLmEmbedder.find(self._paths.ckpts)
            self._cached = self._found.cached(self._paths.cache) if self._found else None
        return self._embed if self._found else None

    def _embed(self, texts: list[str]) -> Any:
        assert self._cached is not None
        self.used = True
        return self._cached(texts)

    def models(self) -> tuple[ModelUse, ...]:
        """For the manifest: the weights that had a say in what was drawn."""
        if not self.used or self._found is None:
            return ()
        from ...models.hashes import FileHashes

        hashes = FileHashes(self._paths.cache / "sha256.json")
        return (hashes.model_use("all-MiniLM-L6-v2", self._found.folder / "model.safetensors"),)


def _cameras(request: VideoRequest, count: int) -> tuple[CameraMovement, ...]:
    """Each planned scene's own movement, where it has one, else the request's."""
    planned = [scene.camera for scene in request.plan][:count]
    planned += [CameraMovement.STATIC] * (count - len(planned))
    return tuple(own if own is not CameraMovement.STATIC else request.camera for own in planned)


def _with_progress(frames: Iterator[np.ndarray], total: int, session: RenderSession) -> Iterator[np.ndarray]:
    for number, frame in enumerate(frames, 1):
        session.on_progress(Progress(Stage.RENDER, number, total, preview=frame))
        yield frame


