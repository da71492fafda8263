"""One video in, one report out. The file is decoded once; every dimension sees the same frames in one pass."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import MediaError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..marked import split_enhanced
from ..media.images import load_image
from ..media.metadata import read_manifest
from ..media.probe import probe, read_frames
from ..settings import Settings
from .advice import reasons_to_look, recommend
from .diagnostics import Watcher
from .frames import ClipFacts, Frame
from .metric import AlignmentScorer, Metric, Setup
from .models import QualityModels
from .registry import METRICS
from .total import Weights, weigh
from .types import QualityError, QualityReport
from .vbench import partial_quality

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif")
TELL_EVERY = 8


@dataclass(frozen=True)
class ScoreOptions:
    """A total under `review_below` (0..1) wants a person's look. `scorers` judge agreement before CLIP does."""

    weights: Weights = field(default_factory=Weights)
    review_below: float = 0.6
    scorers: Sequence[AlignmentScorer] = ()

    @classmethod
    def of(cls, settings: Settings, scorers: Sequence[AlignmentScorer] = ()) -> ScoreOptions:
        return cls(Weights.of(settings), settings.quality_review_below / 100, scorers)


def score_file(path: Path, prompt: str | None = None, *, options: ScoreOptions | None = None,
               models: QualityModels | None = None, on_progress: ProgressCallback = ignore_progress,
               cancel: CancelToken | None = None) -> QualityReport:
    """Score a video, GIF or picture. `prompt` None takes the one that is embedded in the file, if any.

    Without `models` only what needs no weights is used. Raises `MediaError` for what cannot be read, `Cancelled`.
    """
    if path.suffix.lower() in PICTURES:
        frames, fps, total = [load_image(path)], 0.0, 1
    else:
        info = probe(path)
        frames, fps, total = read_frames(path), info.fps, round(info.seconds * info.fps)
    if prompt is None:
        prompt = embedded_prompt(path)
    return score_frames(frames, fps, prompt, name=path.name, expected=total, options=options, models=models,
                        on_progress=on_progress, cancel=cancel)


def score_frames(frames: Iterable[np.ndarray], fps: float, prompt: str = "", *, name: str = "", expected: int = 0,
                 options: ScoreOptions | None = None, models: QualityModels | None = None,
                 on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None) -> QualityReport:
    """Score RGB uint8 frames (height, width, 3) of one size; `expected` is about how many there are.

    Raises `QualityError` where there is no frame.
    """
    options, cancel = options or ScoreOptions(), cancel or CancelToken()
    began = time.perf_counter()
    watched = _Timed(frames)
    stream = iter(watched)
    first = next(stream, None)
    if first is None:
        raise QualityError(f"{name or 'The video'} has no frames that can be read.", fix="Choose another file.")
    setup = Setup(first.shape[1], first.shape[0], fps, prompt, models, options.scorers)
    on_progress(Progress(Stage.CHECK, 0, expected, "Loading what measures"))
    metrics, watcher = [choose(setup) for choose in METRICS], Watcher(fps)
    ready = time.perf_counter()
    count = 0
    for rgb in _chain(first, stream):
        cancel.raise_if_cancelled()
        frame = Frame(count, rgb)
        for metric in metrics:
            metric.see(frame)
        watcher.see(frame)
        count += 1
        if count % TELL_EVERY == 0:
            on_progress(Progress(Stage.CHECK, min(count, expected), expected, "Scoring"))
    facts = ClipFacts(setup.width, setup.height, fps, count)
    report = _report(facts, metrics, watcher, options, name, prompt)
    timings = {"decode": round(watched.seconds, 3), "load": round(ready - began, 3),
               "total": round(time.perf_counter() - began, 3)}
    return replace(report, timings_s=timings)


def embedded_prompt(path: Path) -> str:
    """The prompt that a file of this program carries, as its author wrote it; "" for other files."""
    try:
        manifest = read_manifest(path)
    except MediaError:
        return ""
    asked = (manifest or {}).get("asked")
    prompt = asked.get("prompt") if isinstance(asked, dict) else ""
    return split_enhanced(prompt)[0] if isinstance(prompt, str) else ""


def _report(facts: ClipFacts, metrics: Sequence[Metric], watcher: Watcher, options: ScoreOptions, name: str,
            prompt: str) -> QualityReport:
    scores = tuple(metric.finish(facts) for metric in metrics)
    total = weigh(scores, options.weights)
    report = QualityReport(name, facts.width, facts.height, facts.fps, facts.frames, prompt, scores, total,
                           watcher.finish(), partial_quality(scores))
    return replace(report, recommendations=recommend(report), review=reasons_to_look(report, options.review_below))


class _Timed:
    """Passes frames on and adds up how long they were waited for."""

    def __init__(self, frames: Iterable[np.ndarray]) -> None:
        self._frames = frames
        self.seconds = 0.0

    def __iter__(self) -> Iterator[np.ndarray]:
        source = iter(self._frames)
        while True:
            began = time.perf_counter()
            frame = next(source, None)
            self.seconds += time.perf_counter() - began
            if frame is None:
                return
            yield frame


def _chain(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest
