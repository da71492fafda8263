"""The end of the loop: what was selected for each scene of a work, joined, with sound and a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..engines.base import Caption
from ..errors import RequestError
from ..events import Progress, Stage
from ..marked import split_enhanced
from ..media import audio, encode, metadata, subtitles
from ..media.crossfade import fitted, joined, overlap_frames
from ..media.images import save_jpeg
from ..media.probe import count_frames, probe
from ..naming import file_name
from ..request import MAX_PROMPT_CHARS, OutputOptions, ScenePlan, VideoRequest
from ..result import Manifest, VideoResult
from ..store.attempt_records import AttemptRecord, IterationRecord, SceneRecord
from .bench import Watch, Workbench
from .trends import overview

FILM_MANIFEST = 1
MOST_CROSSFADE_S = 5.0


@dataclass(frozen=True)
class FilmOptions:
    """`crossfade` in seconds, 0 cuts. `soundtrack` None takes the first that a scene asks for. `name` is the file's."""

    crossfade: float = 0.4
    soundtrack: Path | None = None
    name: str = ""


@dataclass(frozen=True)
class Film:
    """The finished film; `manifest` is the JSON beside it."""

    result: VideoResult
    manifest: Path


@dataclass(frozen=True)
class _Part:
    """One scene of the film: what counts for it, and its video as it is on the disk."""

    scene: SceneRecord
    round: IterationRecord
    attempt: AttemptRecord
    path: Path
    frames: int
    start_s: float = 0.0


def finalize(work_id: str, bench: Workbench, options: FilmOptions | None = None, watch: Watch | None = None) -> Film:
    """Join the selected videos of all scenes of a work, in order.

    Size and frame rate are the first scene's: others are scaled to its size, and must have its rate. Raises
    `RequestError` where a scene has no selected video or its file is gone, `MediaError`, and `Cancelled`.
    """
    options, watch = options or FilmOptions(), watch or Watch()
    if not 0 <= options.crossfade <= MOST_CROSSFADE_S:
        raise RequestError(f"The cross-fade is {options.crossfade:g} s; it must be from 0 to {MOST_CROSSFADE_S:g} s.",
                           field="crossfade")
    return _Cut(work_id, bench, options, watch).make()


class _Cut:
    def __init__(self, work_id: str, bench: Workbench, options: FilmOptions, watch: Watch) -> None:
        self.work_id, self.bench, self.options, self.watch = work_id, bench, options, watch
        self.started = datetime.now().astimezone()
        parts = self._parts()
        first = probe(parts[0].path)
        self.width, self.height, self.fps = first.width, first.height, round(first.fps)
        self.overlap = overlap_frames(options.crossfade, self.fps, min(part.frames for part in parts)) \
            if len(parts) > 1 else 0
        starts = np.cumsum([0, *(part.frames - self.overlap for part in parts)])
        self.parts = [replace(part, start_s=float(start) / self.fps)
                      for part, start in zip(parts, starts, strict=False)]
        self.soundtrack = options.soundtrack or next(
            (part.round.request.output.soundtrack for part in parts if part.round.request.output.soundtrack), None)

    def make(self) -> Film:
        context = self.bench.context
        request = self._request()
        final = self._name(request)
        encode.check_folder(final.parent)
        part, whole = encode.part_path(final), encode.part_path(final, 2)
        try:
            written = encode.encode(self._frames(), part, encode.EncodeOptions(
                self.width, self.height, self.fps, crf=context.settings.crf, preset=context.settings.encoder_preset))
            if self.soundtrack is not None:
                sounded = encode.part_path(part, 3)
                audio.add(part, self.soundtrack, sounded, written / self.fps)
                sounded.replace(part)
            result = self._result(request.with_(frames=written), final)
            metadata.write_video(part, whole, result.to_manifest(), title=request.prompt[:200])
            self.watch.cancel.raise_if_cancelled()
            path = encode.publish(whole, final)
        finally:
            part.unlink(missing_ok=True)
            whole.unlink(missing_ok=True)
        result = replace(result, path=path, poster=self._poster(path), subtitles=self._subtitles(path, written))
        manifest = path.with_suffix(".manifest.json")
        manifest.write_text(json.dumps(self._manifest(result), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        context.recorder.record(result)
        return Film(result, manifest)

    def _parts(self) -> list[_Part]:
        book = self.bench.store.attempts
        scenes = book.scenes(work_id=self.work_id, limit=1_000)
        if not scenes:
            raise RequestError(f"There is no work {self.work_id!r}.", field="work", fix="Make a scene first.")
        parts = []
        for scene in scenes:
            if scene.selected_attempt_id is None:
                raise RequestError(f"Scene {scene.number} has no selected video yet.", field="work",
                                   fix="Make attempts of it and choose one.")
            attempt = book.attempt(scene.selected_attempt_id)
            if attempt.path is None or not attempt.path.is_file():
                raise RequestError(f"The video of scene {scene.number} is gone: {attempt.path}.", field="work",
                                   fix="Restore it from the trash, or choose another version.")
            self.watch.cancel.raise_if_cancelled()
            parts.append(_Part(scene, book.iteration(attempt.iteration_id), attempt, attempt.path,
                               count_frames(attempt.path)))
        rates = {round(probe(part.path).fps) for part in parts}
        if len(rates) > 1:
            raise RequestError(f"The scenes have different frame rates: {', '.join(map(str, sorted(rates)))}.",
                               field="fps", fix="Make the attempts of all scenes with the same frames per second.")
        return parts

    def _frames(self) -> Iterator[np.ndarray]:
        total = sum(part.frames - self.overlap for part in self.parts) + self.overlap
        clips = (fitted(part.path, self.width, self.height) for part in self.parts)
        for number, frame in enumerate(joined(clips, self.overlap), 1):
            self.watch.cancel.raise_if_cancelled()
            if number % 12 == 0:
                self.watch.on_progress(Progress(Stage.ENCODE, number, total, "Joining the scenes"))
            yield frame

    def _request(self) -> VideoRequest:
        """The first scene's request with all scenes as its plan: what the library shows of the film."""
        first = Manifest.from_dict(metadata.read_manifest(self.parts[0].path)).request
        plan = tuple(ScenePlan(f"Scene {part.scene.number}", narration=_words(part)[:500],
                               seconds=self._seconds(part)) for part in self.parts)
        prompt = " / ".join(_words(part) for part in self.parts)[:MAX_PROMPT_CHARS]
        return replace(first, prompt=prompt, plan=plan, start_image=None, end_image=None,
                       output=OutputOptions(soundtrack=self.soundtrack))

    def _seconds(self, part: _Part) -> float:
        last = part is self.parts[-1]
        return round((part.frames - (0 if last else self.overlap)) / self.fps, 3)

    def _name(self, request: VideoRequest) -> Path:
        context = self.bench.context
        if self.options.name.strip():
            named = film_name(self.options.name)
        else:
            named = f"film_{file_name(context.settings.filename_template, request, 'film', '.mp4', now=self.started)}"
        return encode.free_name(context.paths.outputs / named)

    def _result(self, request: VideoRequest, final: Path) -> VideoResult:
        assert request.frames is not None
        first = Manifest.from_dict(metadata.read_manifest(self.parts[0].path))
        return VideoResult(
            path=final, request=request, asked=request, engine=str(first.data.get("engine", "")), width=self.width,
            height=self.height, fps=self.fps, frames=request.frames, versions=dict(first.versions),
            created_at=self.started.isoformat(timespec="seconds"), warnings=tuple(self._warnings()),
            facts={"work": self.work_id, "scenes": str(len(self.parts))}, job_id=self.bench.context.recorder.job_id)

    def _warnings(self) -> Iterator[str]:
        other = [part.scene.number for part in self.parts
                 if (size := probe(part.path)) and (size.width, size.height) != (self.width, self.height)]
        if other:
            yield (f"Scene {', '.join(map(str, other))} had another size and was scaled to {self.width}x{self.height}.")

    def _poster(self, path: Path) -> Path:
        frame = next(iter(fitted(path, self.width, self.height)))
        return save_jpeg(frame, self.bench.context.paths.posters / f"film-{path.stem}.jpg", longest=960)

    def _subtitles(self, path: Path, frames: int) -> tuple[Path, ...]:
        if not any(part.round.request.output.subtitles for part in self.parts):
            return ()
        ends = [*(part.start_s for part in self.parts[1:]), frames / self.fps]
        return subtitles.write(tuple(Caption(part.start_s, end, _words(part))
                                     for part, end in zip(self.parts, ends, strict=True)), path)

    def _manifest(self, result: VideoResult) -> dict[str, Any]:
        """What the film is made of, for people and other programs."""
        look = overview(self.work_id, self.bench.store)
        return {
            "wgp_film": FILM_MANIFEST, "work": self.work_id, "file": result.path.name, "created_at": result.created_at,
            "width": self.width, "height": self.height, "fps": self.fps, "frames": result.frames,
            "seconds": round(result.seconds, 3), "crossfade_s": round(self.overlap / self.fps, 3),
            "soundtrack": self.soundtrack and self.soundtrack.name, "overall": look.overall,
            "redo": [part.scene.number for part in self.parts if part.scene.id in look.redo],
            "warnings": list(result.warnings), "scenes": [self._scene(part) for part in self.parts]}

    def _scene(self, part: _Part) -> dict[str, Any]:
        book, attempt = self.bench.store.attempts, part.attempt
        hero = book.hero(part.round.hero_frame_id) if part.round.hero_frame_id else None
        return {
            "scene": part.scene.id, "number": part.scene.number, "start_s": round(part.start_s, 3),
            "seconds": self._seconds(part), "prompt": _words(part),
            "negative_prompt": part.round.request.negative_prompt,
            "camera_movement": part.round.request.camera.value, "iteration": part.round.iteration,
            "attempt": attempt.number, "attempt_id": attempt.id, "by_person": attempt.by_person, "seed": attempt.seed,
            "file": part.path.name, "total": attempt.total, "dimensions": _dimensions(attempt),
            "hero_frame": hero and {"id": hero.id, "seed": hero.seed, "file": hero.path.name, "model": hero.model},
            "notes": part.round.notes, "review": list(part.round.review)}


def film_name(name: str) -> str:
    """A file's name without a folder, ending in `.mp4`. Raises `RequestError` for what is none."""
    clean = name.replace("\\", "/").rpartition("/")[2].strip()
    stem = clean.removesuffix(".mp4").strip(". ")
    if not stem or not stem.isprintable() or len(stem.encode()) > 150:
        raise RequestError(f"The film cannot be called {name[:80]!r}.", field="name",
                           fix="Use a short name without a folder.")
    return f"{stem}.mp4"


def _words(part: _Part) -> str:
    return split_enhanced(part.round.request.prompt)[0]


def _dimensions(attempt: AttemptRecord) -> list[dict[str, Any]]:
    """Each score with its kind, so that exact and estimated ones stay apart."""
    scores: Sequence[dict[str, Any]] = (attempt.report or {}).get("scores") or ()
    return [{"dimension": one["dimension"], "kind": one["kind"], "value": one["value"]} for one in scores]
