"""`generate_video`: the one way to a video. Validate, enrich, render, check, encode, record.

Owns the order of things, the retries (frames that show nothing, memory that runs out), the fallback to the local
engine, and the rule that a file gets its final name only when it is whole. Knows no queue and no window: it tells
progress through a callback, stops through a token, and hands the result to a `Recorder`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from .clock import Clock
from .engines.base import Caption, FrameStream, MemoryPlan, RenderSession, RuntimeOptions
from .engines.registry import EngineRegistry
from .enriching import Enriching
from .errors import EncoderMissingError, EngineError, EngineMemoryError, RequestError
from .events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from .grounding import with_context
from .marked import join_enhanced, split_enhanced
from .media import audio, encode, ffmpeg, images, metadata, subtitles
from .media.checks import FrameCheck, Verdict
from .naming import file_name, with_suffix
from .paths import Paths
from .prompts.enhancer import Cache
from .request import EngineChoice, EnhanceMode, VideoRequest, without_words
from .resolve import Resolved, for_local, resolve
from .result import VideoResult, library_versions
from .scenes import render as render_scenes
from .settings import Settings

log = logging.getLogger(__name__)

POSTER_AT = 0.4
"""Which frame becomes the poster, as a share of the video: late enough that something is drawn."""


class Recorder(Protocol):
    """Where results are kept.

    `planned` is called before a file is begun and again before it gets another name; `moved` after an older file made
    room for it; `record` once the file is whole and named.
    """

    @property
    def job_id(self) -> str | None: ...

    def planned(self, path: Path) -> None: ...

    def moved(self, old: Path, new: Path) -> None: ...

    def record(self, result: VideoResult) -> None: ...


class NoRecorder:
    """Keeps nothing; for callers that only want the file."""

    job_id: str | None = None

    def planned(self, path: Path) -> None:
        """Nothing to keep."""

    def moved(self, old: Path, new: Path) -> None:
        """Nothing to keep."""

    def record(self, result: VideoResult) -> None:
        """Nothing to keep."""


@dataclass
class GenerationContext:
    """What `generate_video` needs beside the request."""

    paths: Paths
    settings: Settings
    engines: EngineRegistry
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)
    recorder: Recorder = field(default_factory=NoRecorder)
    prompt_cache: Cache | None = None
    """Where enhanced prompts are remembered."""


@dataclass(frozen=True)
class Prepared:
    """What will be rendered: the effective request, and what the engine is told."""

    request: VideoRequest
    engine: str
    prompts: tuple[str, ...]
    """One a scene where scenes are rendered one by one; else the one prompt."""
    planner: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the video."""
        assert self.request.frames and self.request.fps
        return self.request.frames / self.request.fps


def prepare_video(request: VideoRequest, context: GenerationContext, *,
                  on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None) -> Prepared:
    """Everything that comes before frames: checks, documents, scene plan, prompts. Raises as `generate_video`."""
    return _Run(request, context, on_progress, cancel or CancelToken()).prepare()


def generate_video(request: VideoRequest, context: GenerationContext, *,
                   on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None,
                   on_prepared: Callable[[Prepared], None] = lambda prepared: None,
                   ahead: Sequence[VideoRequest] = ()) -> VideoResult:
    """Make one video and return where it is and how it came about; `on_prepared` is told what will be rendered.

    `ahead` are single pictures that the caller will ask for next: where they differ from this one in words and seed
    only, the engine may make them together, which is faster, and gives them when they are asked for.

    Raises `RequestError` for what cannot be asked, `EngineError` or `MediaError` for what failed, `Cancelled` after
    `cancel`. Whatever is raised, no half file is left and nothing that existed before is touched.
    """
    run = _Run(request, context, on_progress, cancel or CancelToken())
    run.on_prepared, run.ahead = on_prepared, tuple(ahead)
    return run.make()


@dataclass
class _Take:
    """One rendering that reached the disk: a whole but unnamed file, and what was seen on the way."""

    part: Path
    stream: FrameStream
    count: int
    verdict: Verdict
    poster: np.ndarray | None
    snapshots: list[Path]


class _Run:
    """One call of `generate_video`."""

    def __init__(self, request: VideoRequest, context: GenerationContext, on_progress: ProgressCallback,
                 cancel: CancelToken) -> None:
        self.asked = request
        self.context = context
        self.cancel = cancel
        self.clock = Clock(on_progress)
        self.warnings: list[str] = []
        self.before = Enriching(request, context, self.clock, self.cancel, self.warnings)
        self.on_prepared: Callable[[Prepared], None] = lambda prepared: None
        self.ahead: tuple[VideoRequest, ...] = ()
        self.scratch = context.paths.data / "scratch" / (context.recorder.job_id or uuid.uuid4().hex)
        self.started = datetime.now().astimezone()

    def prepare(self) -> Prepared:
        return self._prepared(self.before.effective())

    def make(self) -> VideoResult:
        try:
            resolved = self.before.effective()
            self.on_prepared(self._prepared(resolved))
            self.scratch.mkdir(parents=True, exist_ok=True)
            try:
                return self._produce(resolved)
            except EngineError as error:
                log.warning("%s failed", resolved.engine.spec.id, exc_info=True)
                if resolved.engine.spec.choice is EngineChoice.LOCAL or not self.asked.fallback_local_on_fail:
                    raise
                return self._produce(self._fall_back(str(error)))
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    # -- before frames ------------------------------------------------------------------------------------------

    def _fall_back(self, cause: str) -> Resolved:
        """The request for the local engine, with what the documents gave; the scenes as long as they were planned."""
        prompt, _ = split_enhanced(self.asked.prompt)
        asked = replace(self.before.made_from, prompt=with_context(prompt, self.before.grounded.context),
                        plan=self.before.grounded.plan or self.asked.plan)
        resolved = for_local(asked, self.context.engines, self.context.settings, cause=cause)
        self.warnings += resolved.warnings
        self.before.scene_prompts = ()
        return resolved

    def _prepared(self, resolved: Resolved) -> Prepared:
        before = self.before
        return Prepared(resolved.request, resolved.engine.spec.id, before.scene_prompts or (resolved.request.prompt,),
                        before.grounded.planner, tuple(self.warnings))

    # -- frames -------------------------------------------------------------------------------------------------

    def _produce(self, resolved: Resolved) -> VideoResult:
        final = self._plan_output(resolved)
        self.context.recorder.planned(final)
        part = encode.part_path(final)
        try:
            take = self._take(resolved, part)
            if take.verdict is not Verdict.FINE:
                resolved, take = self._retake(resolved, take)
            return self._finish(resolved, take, final)
        finally:
            part.unlink(missing_ok=True)

    def _plan_output(self, resolved: Resolved) -> Path:
        output, paths = resolved.request.output, self.context.paths
        suffix = ".png" if _is_still(resolved.request) else encode.suffix_of(output.codec)
        try:
            ffmpeg.binary()
        except EncoderMissingError as error:
            if suffix != ".png":
                self.warnings.append(f"Saved as a GIF: {error}")
                suffix = ".gif"
        if output.soundtrack is not None and suffix in (".gif", ".png"):
            self.warnings.append(f"The soundtrack was left out: a {suffix[1:].upper()} has no sound.")
        if output.path is not None and (paths.outputs / output.path).is_dir():
            raise RequestError(f"{output.path} is a folder.", field="output.path", fix="Name a file.")
        if output.path is not None:
            final = with_suffix(Path(output.path) if Path(output.path).is_absolute() else paths.outputs / output.path,
                                suffix)
        else:
            final = paths.outputs / file_name(self.context.settings.filename_template, resolved.request,
                                              resolved.engine.spec.id, suffix, now=self.started)
        encode.check_folder(final.parent)
        return final if output.path is not None else encode.free_name(final)

    def _take(self, resolved: Resolved, part: Path) -> _Take:
        """Render and encode, walking down the engine's memory ladder when memory runs out."""
        plan = MemoryPlan(profile=resolved.request.profile or self.context.runtime.profile)
        together, self.ahead = self._together(resolved.request), ()
        if together:
            try:
                return self._render(resolved, part, plan, together)
            except EngineMemoryError:
                log.warning("Memory ran out with several pictures at a time", exc_info=True)
                self.clock.tell(Progress(Stage.LOAD, message="Memory ran out with several pictures at a time; making "
                                                             "them one by one."))
        ladder = [plan, *resolved.engine.memory_ladder(plan)]
        for number, plan in enumerate(ladder):
            try:
                return self._render(resolved, part, plan)
            except EngineMemoryError as error:
                if number + 1 == len(ladder):
                    raise EngineMemoryError(
                        f"Memory ran out even with {plan.describe()}: {error.message}",
                        fix="Ask for a smaller size or fewer frames, or close other programs.") from error
                note = f"Memory ran out with {plan.describe()}; trying again with {ladder[number + 1].describe()}."
                self.warnings.append(note)
                self.clock.tell(Progress(Stage.LOAD, message=note))
        raise AssertionError("the ladder is never empty")

    def _together(self, request: VideoRequest) -> tuple[VideoRequest, ...]:
        """The effective requests among `ahead` that are as this one but for words and seed; none for a video."""
        if request.frames != 1 or not self.ahead or self.before.scene_prompts or self.before.enhanced is not None:
            return ()
        plain = [one for one in self.ahead if one.seed >= 0 and not one.makes_plan and not one.plan
                 and one.enhance is EnhanceMode.OFF and split_enhanced(one.prompt)[1] is None]
        closed = (resolve(one, self.context.engines, self.context.settings).request for one in plain)
        return tuple(one for one in closed if without_words(one) == without_words(request))

    def _render(self, resolved: Resolved, part: Path, plan: MemoryPlan, ahead: tuple[VideoRequest, ...] = ()) -> _Take:
        request = resolved.request
        session = RenderSession(runtime=self.context.runtime, memory=plan, on_progress=self.clock.tell,
                                cancel=self.cancel, scratch=self.scratch, ahead=ahead)
        with self.clock.stage(Stage.RENDER):
            prompts = self.before.scene_prompts
            stream = (render_scenes(resolved.engine, request, prompts, session) if prompts
                      else resolved.engine.render(request, session))
            self.clock.tell(Progress(Stage.RENDER))  # whatever was loaded for it is there
            watch = _Watch(stream, self.cancel, self.scratch, request.output.snapshots)
            with contextlib.closing(watch.frames()) as frames:
                if part.suffix == ".gif":
                    count = encode.encode_gif(frames, part, stream.fps)
                elif part.suffix == ".png":
                    count = encode.encode_png(frames, part)
                else:
                    count = encode.encode(frames, part, encode.EncodeOptions(
                        stream.width, stream.height, stream.fps, request.output.codec,
                        self.context.settings.crf if request.output.crf is None else request.output.crf,
                        self.context.settings.encoder_preset))
        self.warnings += session.notes
        if count != stream.count:
            raise EngineError(f"{resolved.engine.spec.label} promised {stream.count} frames and gave {count}.")
        self.clock.tell(Progress(Stage.CHECK, 1, 1))
        verdict = watch.check.verdict if resolved.engine.spec.check_frames else Verdict.FINE
        return _Take(part, stream, count, verdict, watch.poster, watch.snapshots)

    def _retake(self, resolved: Resolved, take: _Take) -> tuple[Resolved, _Take]:
        """Once more with the retry knobs, where the policy says so; else keep what there is, with a warning."""
        policy, verdict = resolved.request.retry, take.verdict
        look = "near-black" if verdict is Verdict.BLACK else "washed-out"
        if not (policy.on_black if verdict is Verdict.BLACK else policy.on_blank):
            self.warnings.append(f"The frames are {look}. Try another seed or lower guidance.")
            return resolved, take
        request = resolved.request
        changed = replace(request, guidance=policy.guidance or request.guidance, steps=policy.steps or request.steps)
        if changed == request:
            changed = replace(request, seed=(request.seed + 1) % 2**32)
        self.warnings.append(f"The frames were {look}, so they were made once more with seed {changed.seed}, "
                             f"guidance {changed.guidance:g} and {changed.steps} steps."
                             if changed.guidance is not None else f"The frames were {look}; made once more.")
        again = replace(resolved, request=changed)
        second = self._take(again, take.part)
        if second.verdict is not Verdict.FINE:
            self.warnings.append(f"The second try is {look} too. Try another prompt, seed or guidance.")
        return again, second

    # -- after frames -------------------------------------------------------------------------------------------

    def _finish(self, resolved: Resolved, take: _Take, final: Path) -> VideoResult:
        self.cancel.raise_if_cancelled()
        self.warnings += [note for note in take.stream.notes if note not in self.warnings]
        request = replace(self._repeatable(resolved.request), plan=take.stream.plan or resolved.request.plan)
        draft = VideoResult(
            path=final, request=request, asked=self.asked, engine=resolved.engine.spec.id, width=take.stream.width,
            height=take.stream.height, fps=take.stream.fps, frames=take.count, timings_s=dict(self.clock.spent),
            enhanced_prompt=self.before.enhanced, enhancement=self.before.enhancement,
            scene_prompts=self.before.scene_prompts, planner=self.before.grounded.planner, peaks=_peaks(),
            models=take.stream.models, facts=dict(take.stream.facts), warnings=tuple(self.warnings),
            versions=library_versions("torch", "diffusers", "transformers", "optimum-quanto", "mmgp", "matplotlib",
                                      "numpy", "imageio-ffmpeg"),
            created_at=self.started.isoformat(timespec="seconds"), job_id=self.context.recorder.job_id)
        whole = encode.part_path(final, 2)
        try:
            with self.clock.stage(Stage.ENCODE):
                self._add_sound(take)
                if final.suffix == ".gif":
                    metadata.write_gif(take.part, whole, draft.to_manifest())
                elif final.suffix == ".png":
                    metadata.write_png(take.part, whole, draft.to_manifest())
                else:
                    metadata.write_video(take.part, whole, draft.to_manifest(), title=self.asked.prompt[:200])
            self.cancel.raise_if_cancelled()
            path = self._publish(whole, final)
        finally:
            whole.unlink(missing_ok=True)
            take.part.unlink(missing_ok=True)  # before the record: a job that is done leaves nothing half
        with self.clock.stage(Stage.RECORD):
            result = replace(
                draft, path=path, warnings=tuple(self.warnings), poster=self._poster(take),
                timings_s=dict(self.clock.spent), snapshots=_place_snapshots(take.snapshots, path),
                subtitles=self._subtitles(take.stream.captions, path))
            self.context.recorder.record(result)
        return result

    def _add_sound(self, take: _Take) -> None:
        """Put the soundtrack under the whole but unnamed video."""
        soundtrack = self.asked.output.soundtrack
        if soundtrack is None or take.part.suffix in (".gif", ".png"):
            return
        sounded = encode.part_path(take.part, 3)
        audio.add(take.part, soundtrack, sounded, take.count / take.stream.fps)
        sounded.replace(take.part)

    def _repeatable(self, request: VideoRequest) -> VideoRequest:
        """The request as it is recorded: an enhanced prompt stands beside the original and is not enhanced anew."""
        if self.before.enhanced is None:
            return request
        original, _ = split_enhanced(self.asked.prompt)
        return replace(request, prompt=join_enhanced(original, self.before.enhanced), enhance=EnhanceMode.OFF)

    def _publish(self, whole: Path, final: Path) -> Path:
        """Name the file. What already bears a name that was asked for is kept beside it, never replaced."""
        if self.asked.output.path is not None and final.exists():
            kept = encode.free_name(final.with_name(f"{final.stem}.kept-{self.started:%Y%m%d-%H%M%S}{final.suffix}"))
            final.rename(kept)
            for suffix in subtitles.SUFFIXES:
                beside = final.with_suffix(suffix)
                if beside.exists():
                    beside.rename(kept.with_suffix(suffix))
            self.context.recorder.moved(final, kept)
            self.warnings.append(f"{final.name} was there already; it is now called {kept.name}.")
        return encode.publish(whole, final, before=self.context.recorder.planned)

    def _poster(self, take: _Take) -> Path | None:
        if take.poster is None or not self.asked.output.poster:
            return None
        name = self.context.recorder.job_id or uuid.uuid4().hex
        return images.save_jpeg(take.poster, self.context.paths.posters / f"{name}.jpg", longest=960)

    def _subtitles(self, captions: tuple[Caption, ...], video: Path) -> tuple[Path, ...]:
        return subtitles.write(captions, video) if self.asked.output.subtitles else ()


def _is_still(request: VideoRequest) -> bool:
    """One frame is saved as a picture, unless a video's name was asked for."""
    asked = request.output.path
    return request.frames == 1 and (asked is None or asked.suffix.lower() not in (".mp4", ".mov"))


class _Watch:
    """Looks at frames as they stream by: verdicts, the poster, snapshots."""

    def __init__(self, stream: FrameStream, cancel: CancelToken, folder: Path, snapshots: int) -> None:
        self._stream, self._cancel, self._folder = stream, cancel, folder
        self._wanted = {round((k + 0.5) * stream.count / snapshots - 0.5) for k in range(snapshots)}
        self._poster_at = int(stream.count * POSTER_AT)
        self.check = FrameCheck(every=max(1, stream.count // 40))
        self.poster: np.ndarray | None = None
        self.snapshots: list[Path] = []

    def frames(self) -> Generator[np.ndarray]:
        stream = self._stream.frames
        try:
            for index, frame in enumerate(stream):
                self._cancel.raise_if_cancelled()
                self.check.look(index, frame)
                if index == self._poster_at:
                    self.poster = frame.copy()
                if index in self._wanted:
                    self.snapshots.append(images.save_png(frame, self._folder / f"frame_{index:05}.png"))
                yield frame
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                close()


def _place_snapshots(parts: list[Path], video: Path) -> tuple[Path, ...]:
    placed = []
    for number, part in enumerate(parts, 1):
        target = encode.free_name(video.with_name(f"{video.stem}_frame{number:03}.png"))
        shutil.move(part, target)
        placed.append(target)
    return tuple(placed)


def _peaks() -> dict[str, float]:
    """Peak memory of this process and its children so far, in GB; of the card where torch was used."""
    import sys

    peaks = {}
    if os.name == "posix":
        import resource

        scale = 2**30 if sys.platform == "darwin" else 2**20
        peaks["rss_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, 3)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peaks["vram_gb"] = round(torch.cuda.max_memory_allocated() / 2**30, 3)
    return peaks
