"""From board to film: each frame is the start image of a shot, the shots are joined, and what is there stays."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..engines.base import Caption, Engine
from ..errors import EngineError, RequestError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..generate import GenerationContext, NoRecorder, generate_video
from ..media import audio, encode, metadata, subtitles
from ..media.crossfade import fitted, joined, overlap_frames
from ..media.images import load_image, save_jpeg
from ..media.metadata import read_manifest
from ..media.probe import count_frames, probe
from ..request import MAX_SEED, EngineChoice, OutputOptions, ScenePlan, VideoRequest
from ..result import Manifest, VideoResult
from .draw import sketch_of, within
from .project import BoardProject, Shot, Transition

log = logging.getLogger(__name__)

FPS = 24


def film(project: BoardProject, context: GenerationContext, on_progress: ProgressCallback = ignore_progress,
         cancel: CancelToken | None = None) -> VideoResult:
    """Film what is drawn: shots that are there and still fit their frames stay, the others are made; then all are
    joined into `storyboard.mp4`, which replaces an earlier one.

    Frames that are missing are left out, with a warning. Without a video model that starts from a picture the local
    engine moves a camera over pictures, and draws its own sketches in motion. Raises `RequestError` where nothing is
    drawn, what `generate_video` raises, and `Cancelled`; shots that are done stay for the next call.
    """
    run = _Film(project, context, on_progress, cancel or CancelToken())
    numbers = [frame.number for frame in project.frames if frame.is_there]
    if not numbers:
        raise RequestError("No frame of the storyboard is drawn.", field="frames", fix="Draw the frames first.")
    if project.soundtrack is not None:
        audio.check(project.soundtrack)
    if project.missing:
        run.warnings.append(f"Frames {', '.join(map(str, project.missing))} are not drawn; the film goes without them.")
    for done, number in enumerate(numbers):
        run.shot(number, done, numbers)
    return run.join(numbers)


class _Film:
    def __init__(self, project: BoardProject, context: GenerationContext, on_progress: ProgressCallback,
                 cancel: CancelToken) -> None:
        self.project, self.context, self.on_progress, self.cancel = project, context, on_progress, cancel
        self.options = project.film_options
        self.quiet = replace(context, recorder=NoRecorder())
        self.warnings: list[str] = []
        self.started = datetime.now().astimezone()

    # -- shots --------------------------------------------------------------------------------------------------

    def shot(self, number: int, done: int, numbers: list[int]) -> None:
        """Make one shot, unless the one that is there was made from the same things."""
        self.cancel.raise_if_cancelled()
        project, path = self.project, self.project.shot_path(number)
        after = numbers[done + 1] if done + 1 < len(numbers) else None
        made_from = self._identity(number, after)
        if path.is_file() and project.shots[number - 1].made_from == made_from:
            return
        request = self._request(number, after, path)

        def tell(event: Progress) -> None:
            text = f"Shot {done + 1} of {len(numbers)}"
            if (told := within(event, done, len(numbers), text)) is not None:
                self.on_progress(told)

        path.parent.mkdir(parents=True, exist_ok=True)
        trial = path.with_name(f"try_{path.name}")
        trial.unlink(missing_ok=True)
        request = replace(request, output=OutputOptions(path=trial, poster=False, crf=12))
        try:
            result = generate_video(request, self.quiet, on_progress=tell, cancel=self.cancel)
        except EngineError as error:
            if request.engine is EngineChoice.LOCAL or self.options.engine is not EngineChoice.AUTO:
                raise
            log.warning("shot %d failed", number, exc_info=True)
            self.warnings.append(f"Shot {number} was made by the local engine, because: {error}")
            result = generate_video(replace(self._moved(number), output=request.output), self.quiet, on_progress=tell,
                                    cancel=self.cancel)
        if result.path.suffix != ".mp4":
            result.path.unlink(missing_ok=True)
            raise RequestError("A film needs ffmpeg, and there is none here.", fix="Install imageio-ffmpeg.")
        self.warnings += result.warnings
        result.path.replace(path)
        project.put_shot(Shot(number, made_from))

    def _identity(self, number: int, after: int | None) -> str:
        scene, options = self.project.scene(number), self.options
        match = options.transition is Transition.MATCH
        parts = [scene.motion, scene.camera, f"{self.project.shot_seconds(number):g}", options.engine.value,
                 options.model or "", str(options.fps), str(match), scene.setting if self._is_sketch(number) else ""]
        digest = hashlib.sha256("\0".join(parts).encode())
        digest.update(self.project.frame_path(number).read_bytes())
        if match and after is not None:
            digest.update(self.project.frame_path(after).read_bytes())
        return digest.hexdigest()[:32]

    def _is_sketch(self, number: int) -> bool:
        return self.project.frame(number).engine == self.context.engines.local().spec.id

    def _request(self, number: int, after: int | None, path: Path) -> VideoRequest:
        """A diffusion shot from the frame where a model can start from a picture, else the local engine's."""
        options, scene = self.options, self.project.scene(number)
        request = VideoRequest(
            prompt=scene.motion or scene.description, negative_prompt=scene.negative_prompt, engine=options.engine,
            model=options.model, fps=options.fps, start_image=self.project.frame_path(number),
            seed=(self.project.options.base_seed + number - 1) % (MAX_SEED + 1), fallback_local_on_fail=False)
        engine = self._engine(request)
        if engine is None:
            return self._moved(number)
        spec = engine.spec_for(request)
        fps = options.fps or spec.defaults.fps
        height, width = load_image(self.project.frame_path(number)).shape[:2]
        high = spec.height.nearest(min(spec.defaults.height, height))
        seconds = self.project.shot_seconds(number)
        frames = spec.frames.nearest(min(seconds, spec.max_seconds) * fps)
        if abs(frames / fps - seconds) > 0.5:
            self.warnings.append(f"Shots are as long as {spec.label} can make them, at most {frames / fps:.1f} s.")
        match = options.transition is Transition.MATCH and after is not None and "end_image" in spec.uses
        return replace(request, fps=fps, frames=frames, width=spec.width.nearest(high * width / height), height=high,
                       end_image=self.project.frame_path(after) if match and after is not None else None)

    def _engine(self, request: VideoRequest) -> Engine | None:
        """The diffusion engine that can start from a picture; None for the local one."""
        engines = self.context.engines
        if request.engine is EngineChoice.LOCAL:
            return None
        free = request.engine is EngineChoice.AUTO and not request.model
        try:
            engine = engines.choose(request)
        except EngineError:
            if not free:
                raise
            return None
        spec = engine.spec_for(request)
        if engine.spec.choice is EngineChoice.LOCAL:
            return None
        if "start_image" not in spec.uses or spec.frames.high == 1:
            if not free:
                raise RequestError(f"{spec.label} cannot start from a picture.", field="model",
                                   fix="Choose a model for image to video, or the local engine.")
            self.warnings.append(f"{spec.label} cannot start from a picture; the local engine made the shots.")
            return None
        return engine

    def _moved(self, number: int) -> VideoRequest:
        """The local engine: a sketch drawn in motion, or a camera that moves over a picture from elsewhere."""
        scene = self.project.scene(number)
        path = self.project.frame_path(number)
        height, width = load_image(path).shape[:2]
        rule = self.context.engines.local().spec
        return VideoRequest(
            prompt=scene.description, engine=EngineChoice.LOCAL, width=rule.width.nearest(width),
            height=rule.height.nearest(height), seconds=self.project.shot_seconds(number), fps=self.options.fps or FPS,
            seed=self.project.frame(number).seed or 0, plan=(sketch_of(self.project, number, notes=False),),
            start_image=None if self._is_sketch(number) else path)

    # -- the film -----------------------------------------------------------------------------------------------

    def join(self, numbers: list[int]) -> VideoResult:
        """Join the shots, put sound and settings in, and give the film its name."""
        project, options = self.project, self.options
        paths = [project.shot_path(number) for number in numbers]
        infos = [probe(path) for path in paths]
        counts = [count_frames(path) for path in paths]
        width, height, fps = infos[0].width, infos[0].height, round(infos[0].fps)
        if any(round(info.fps) != fps for info in infos):
            raise RequestError("The shots have different frame rates.", field="fps",
                               fix="Name frames per second for the film, and film again.")
        overlap = 0
        if options.transition is Transition.CROSSFADE:
            overlap = overlap_frames(options.crossfade, fps, min(counts))
        total = sum(counts) - overlap * (len(counts) - 1)
        part = encode.part_path(project.film_path)
        whole = encode.part_path(project.film_path, 2)
        try:
            frames = joined((fitted(path, width, height) for path in paths), overlap)
            written = encode.encode(self._watched(frames, total), part, encode.EncodeOptions(
                width, height, fps, crf=self.context.settings.crf, preset=self.context.settings.encoder_preset))
            if project.soundtrack is not None:
                sounded = encode.part_path(part, 3)
                audio.add(part, project.soundtrack, sounded, written / fps)
                sounded.replace(part)
            result = self._result(numbers, counts, overlap, (width, height, fps, written))
            metadata.write_video(part, whole, result.to_manifest(), title=project.board.story[:200])
            self.cancel.raise_if_cancelled()
            for suffix in subtitles.SUFFIXES:
                project.film_path.with_suffix(suffix).unlink(missing_ok=True)
            whole.replace(project.film_path)
        finally:
            part.unlink(missing_ok=True)
            whole.unlink(missing_ok=True)
        said = subtitles.write(self._captions(numbers, counts, overlap, fps), project.film_path) \
            if options.subtitles else ()
        poster = save_jpeg(load_image(project.frame_path(numbers[0])), self.context.paths.posters / (
            f"{project.folder.name}.jpg"), longest=960)
        result = replace(result, subtitles=said, poster=poster)
        self.context.recorder.record(result)
        return result

    def _watched(self, frames: Iterator[np.ndarray], total: int) -> Iterator[np.ndarray]:
        for number, frame in enumerate(frames, 1):
            self.cancel.raise_if_cancelled()
            if number % 24 == 0:
                self.on_progress(Progress(Stage.ENCODE, number, total, "Joining the shots"))
            yield frame

    def _captions(self, numbers: list[int], counts: list[int], overlap: int, fps: int) -> tuple[Caption, ...]:
        starts = list(itertools.accumulate((count - overlap for count in counts), initial=0))
        starts[-1] += overlap  # the last shot is seen to its end
        return tuple(Caption(start / fps, end / fps, self.project.scene(number).description)
                     for number, start, end in zip(numbers, starts, starts[1:], strict=False))

    def _result(self, numbers: list[int], counts: list[int], overlap: int,
                video: tuple[int, int, int, int]) -> VideoResult:
        """The record of the film: the first shot's settings, with all shots as its plan."""
        width, height, fps, frames = video
        first: Any = Manifest.from_dict(read_manifest(self.project.shot_path(numbers[0])))
        plan = tuple(ScenePlan(f"Shot {number}", narration=self.project.scene(number).description,
                               visual=self.project.scene(number).motion, seconds=(count - overlap) / fps)
                     for number, count in zip(numbers, counts, strict=True))
        request = replace(first.request, prompt=self.project.board.story[:8000], plan=plan, frames=frames,
                          start_image=None, end_image=None, output=OutputOptions(soundtrack=self.project.soundtrack))
        return VideoResult(
            path=self.project.film_path, request=request, asked=request, engine=str(first.data.get("engine", "")),
            width=width, height=height, fps=fps, frames=frames, warnings=tuple(dict.fromkeys(self.warnings)),
            versions=dict(first.versions), created_at=self.started.isoformat(timespec="seconds"),
            facts={"storyboard": self.project.folder.name, "shots": str(len(numbers))},
            job_id=self.context.recorder.job_id)
