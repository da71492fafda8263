"""A plan's scenes from an engine that makes one clip at a time: how long each is, its request, and the clips joined.

Frames stream: a scene begins when the one before it has ended, from that one's last frame where the model takes a start
image. Knows no encoder and no documents.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .engines.base import Caption, Engine, EngineSpec, FrameStream, RenderSession
from .errors import EngineError, RequestError
from .events import Progress, ProgressCallback, Stage
from .media.checks import FrameCheck, Verdict
from .media.crossfade import joined, overlap_frames
from .media.images import save_png
from .request import MAX_SEED, EngineChoice, ScenePlan, VideoRequest

log = logging.getLogger(__name__)

SCENE_FRAMES = 16
"""Frames of a scene where neither the plan nor the request says how long it is."""
MOST_SECONDS = 600.0
_LOOKS = {Verdict.BLACK: "near-black", Verdict.BLANK: "washed-out"}


def rendered_apart(request: VideoRequest, spec: EngineSpec) -> bool:
    """Whether the request becomes one clip a scene: its plan, there or still to be made, meets a diffusion model."""
    return (spec.choice is EngineChoice.DIFFUSION and spec.frames.high > 1
            and (bool(request.plan) or request.makes_plan))


@dataclass(frozen=True)
class Layout:
    """Frames of each scene's clip; neighbours share `overlap` frames."""

    frames: tuple[int, ...]
    overlap: int
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.frames) - self.overlap * (len(self.frames) - 1)

    @property
    def own(self) -> tuple[int, ...]:
        """Frames of each scene up to where the next one begins to show."""
        return (*(count - self.overlap for count in self.frames[:-1]), self.frames[-1])


def lay_out(request: VideoRequest, spec: EngineSpec) -> Layout:
    """How long each planned scene's clip is: `scene_frames`, or its seconds scaled to the frames that are asked for.

    `request.fps` is settled. What the model's rules do not allow moves to the nearest count, with a note.
    """
    assert request.plan and request.fps
    if request.scene_frames is not None:
        layout = _alike(request, spec, request.scene_frames)
    else:
        layout = _timed(request, spec)
    if layout.total > MOST_SECONDS * request.fps:
        raise RequestError(f"The scenes take {layout.total / request.fps:.0f} s together; the most is "
                           f"{MOST_SECONDS:g} s.", field="plan", fix="Plan fewer or shorter scenes.")
    if request.frames is not None and abs(layout.total - request.frames) > max(0.05 * request.frames, 4):
        note = (f"The video lasts {layout.total / request.fps:.1f} s instead of {request.frames / request.fps:.1f} s: "
                f"{len(layout.frames)} scenes of {_span(layout.frames)} frames.")
        layout = replace(layout, notes=(*layout.notes, note))
    return layout


def settled(request: VideoRequest, layout: Layout) -> VideoRequest:
    """The request with the layout in it; laid out again, it gives the same."""
    assert request.fps
    plan = tuple(replace(scene, seconds=own / request.fps)
                 for scene, own in zip(request.plan, layout.own, strict=True))
    frames = layout.frames[0] if request.scene_frames is not None else None
    return replace(request, plan=plan, frames=layout.total, scene_frames=frames,
                   crossfade=layout.overlap / request.fps)


def _alike(request: VideoRequest, spec: EngineSpec, wanted: int) -> Layout:
    assert request.fps
    count = _allowed(wanted, spec, request.fps)
    notes = (f"scene_frames {wanted} became {count}: {spec.label} takes {spec.frames.describe()}.",)
    return Layout((count,) * len(request.plan), overlap_frames(request.crossfade, request.fps, count),
                  notes if count != wanted else ())


def _timed(request: VideoRequest, spec: EngineSpec) -> Layout:
    assert request.fps
    shares = _shares(request, spec)
    overlap = overlap_frames(request.crossfade, request.fps, int(min(shares)))
    while True:  # a shorter overlap makes shorter clips, which may allow a shorter one only
        last = len(shares) - 1
        counts = tuple(_allowed(share + (overlap if i < last else 0), spec, request.fps)
                       for i, share in enumerate(shares))
        layout = Layout(counts, overlap)
        fitting = min(overlap, overlap_frames(request.crossfade, request.fps, min(layout.own)))
        if fitting >= overlap:
            return layout
        overlap = max(fitting, 0)


def _shares(request: VideoRequest, spec: EngineSpec) -> list[float]:
    """Frames of each scene by its seconds, scaled to the whole; scenes without seconds take the others' mean."""
    assert request.fps
    known = [scene.seconds for scene in request.plan if scene.seconds is not None]
    usual = sum(known) / len(known) if known else spec.frames.nearest(SCENE_FRAMES) / request.fps
    shares = [(usual if scene.seconds is None else scene.seconds) * request.fps for scene in request.plan]
    scale = request.frames / sum(shares) if request.frames else 1.0
    return [share * scale for share in shares]


def _allowed(wanted: float, spec: EngineSpec, fps: int) -> int:
    """The count nearest to `wanted` that the model makes in one clip."""
    rule = spec.frames
    count = rule.nearest(wanted)
    most = math.floor(spec.max_seconds * fps + 1e-6)
    if count > most:
        count = rule.nearest(most)
        count -= rule.step if count > most and count - rule.step >= rule.low else 0
    return count


def _span(counts: Sequence[int]) -> str:
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


# -- rendering --------------------------------------------------------------------------------------------------------


def captions_of(request: VideoRequest, layout: Layout) -> tuple[Caption, ...]:
    """What is said in each scene, from when it begins to show until the next one does."""
    assert request.fps
    captions, at = [], 0
    for scene, own in zip(request.plan, layout.own, strict=True):
        if scene.narration.strip():
            captions.append(Caption(at / request.fps, (at + own) / request.fps, scene.narration.strip()))
        at += own
    return tuple(captions)


def render(engine: Engine, request: VideoRequest, prompts: Sequence[str], session: RenderSession) -> FrameStream:
    """All scenes of a settled request as one stream; `prompts` are the scenes' own. Raises what the engine raises."""
    spec = engine.spec_for(request)
    return _Film(engine, spec, request, tuple(prompts), lay_out(request, spec), session).stream()


@dataclass
class _Film:
    engine: Engine
    spec: EngineSpec
    request: VideoRequest
    prompts: tuple[str, ...]
    layout: Layout
    session: RenderSession

    def stream(self) -> FrameStream:
        first = self._begin(0, None)
        return FrameStream(
            width=first.width, height=first.height, fps=first.fps, count=self.layout.total,
            frames=joined(self._clips(first), self.layout.overlap), captions=captions_of(self.request, self.layout),
            models=first.models, notes=first.notes, plan=self.request.plan,
            facts={**first.facts, "scenes": str(len(self.prompts))})

    def _clips(self, first: FrameStream) -> Iterator[Iterator[np.ndarray]]:
        kept = _Last()
        for number in range(len(self.prompts)):
            self.session.cancel.raise_if_cancelled()
            stream = first if number == 0 else self._begin(number, kept.frame)
            yield self._frames(number, stream, kept)

    def _begin(self, number: int, before: np.ndarray | None) -> FrameStream:
        """Ask the engine for a scene; `before` is the last frame of the scene before."""
        request, last = self.request, number + 1 == len(self.prompts)
        takes_image = "start_image" in self.spec.uses
        start = request.start_image if number == 0 else None
        if before is not None and takes_image and self.session.scratch is not None:
            start = save_png(before, self.session.scratch / f"scene_{number:03}.png")
        scene: ScenePlan = request.plan[number]
        own = replace(request, prompt=self.prompts[number], frames=self.layout.frames[number], plan=(), documents=None,
                      brief=None, scene_frames=None, seed=(request.seed + number) % (MAX_SEED + 1), start_image=start,
                      end_image=request.end_image if last else None)
        self.spec.check(own)
        stream = self.engine.render(own, replace(self.session, on_progress=self._teller(number, scene.title)))
        if stream.count != own.frames:
            raise EngineError(f"{self.spec.label} promised {stream.count} frames for scene {number + 1}, and was asked "
                              f"for {own.frames}.")
        return stream

    def _frames(self, number: int, stream: FrameStream, kept: _Last) -> Iterator[np.ndarray]:
        check, count = FrameCheck(every=max(1, stream.count // 10)), 0
        try:
            for count, frame in enumerate(stream.frames, 1):
                check.look(count - 1, frame)
                kept.frame = frame
                yield frame
        finally:
            close = getattr(stream.frames, "close", None)
            if close is not None:
                close()
        if count != stream.count:
            raise EngineError(f"{self.spec.label} promised {stream.count} frames for scene {number + 1} and gave "
                              f"{count}.")
        if check.verdict is not Verdict.FINE:
            self.session.notes.append(f'Scene {number + 1} ("{self.request.plan[number].title}") is '
                                      f"{_LOOKS[check.verdict]}. Try another seed or lower guidance.")

    def _teller(self, number: int, title: str) -> ProgressCallback:
        """Progress of one scene as progress of all."""
        count, name = len(self.prompts), f"Scene {number + 1} of {len(self.prompts)} ({title[:40]})"

        def tell(event: Progress) -> None:
            if event.stage is Stage.RENDER:
                event = replace(event, step=number * event.total + event.step, total=count * event.total,
                                message=f"{name}: {event.message}" if event.message else name)
            self.session.on_progress(event)

        return tell


@dataclass
class _Last:
    """The last frame that a scene gave."""

    frame: np.ndarray | None = None
