"""Draws the frames of a project through `generate_video`'s still path, and tries again what does not look alike.

Without a diffusion model that makes single pictures the local engine sketches each frame.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..engines.base import Engine
from ..engines.explainer.sketch import Sketch
from ..errors import EngineError, RequestError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..generate import GenerationContext, NoRecorder, generate_video
from ..planning.story.board import StoryScene
from ..planning.story.settings import place_kind, place_suggested
from ..planning.story.shots import Shot as Framing
from ..planning.story.shots import movement_of, shot_of
from ..request import MAX_SEED, EngineChoice, LoraUse, OutputOptions, SceneKind, ScenePlan, VideoRequest
from .cast import cast_of, people_in
from .likeness import Likeness
from .project import BoardProject, Frame, FrameState

log = logging.getLogger(__name__)

NEXT_TRY = 1000
"""Added to a frame's seed for each further try; larger than any board, so that no two frames share one."""
SKETCH_SIZE = (1280, 720)


@dataclass(frozen=True)
class Drawn:
    """What came of a call: the frames that were drawn, and sentences for the person."""

    numbers: tuple[int, ...]
    warnings: tuple[str, ...] = ()


def draw(project: BoardProject, numbers: Sequence[int] | None, context: GenerationContext,
         on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None) -> Drawn:
    """Draw frames; None draws every one that is missing or was drawn from another prompt and is not locked.

    A frame that is named and there already is drawn with another seed; the old picture stays until the new one is
    whole. Each is saved when it is done. Raises `RequestError` for a locked or unknown frame, what `generate_video`
    raises, and `Cancelled`.
    """
    cancel = cancel or CancelToken()
    if numbers is None:
        wanted = [frame.number for frame in project.frames if frame.state is not FrameState.LOCKED
                  and (not frame.is_there or project.is_stale(frame.number))]
    else:
        wanted = list(dict.fromkeys(numbers))
        for number in wanted:
            if project.frame(number).state is FrameState.LOCKED:
                raise RequestError(f"Frame {number} is locked.", field="frame", fix="Unlock it to draw it again.")
    run = _Drawing(project, replace(context, recorder=NoRecorder()), on_progress, cancel)
    try:
        for done, number in enumerate(wanted):
            cancel.raise_if_cancelled()
            on_progress(Progress(Stage.RENDER, done, len(wanted), f"Frame {number} of {len(project.frames)}"))
            run.frame(number, done, len(wanted), wanted[done + 1:])
        if wanted:
            run.compare()
    finally:
        run.close()
    on_progress(Progress(Stage.RENDER, len(wanted), len(wanted), "The frames are drawn"))
    return Drawn(tuple(wanted), tuple(dict.fromkeys(run.warnings)))


def within(event: Progress, done: int, of: int, text: str) -> Progress | None:
    """The progress of one of several pieces as that of all; None for stages that have a count of their own."""
    if event.stage is Stage.RENDER:
        return replace(event, step=round((done + event.fraction) * 100), total=of * 100, message=text)
    return replace(event, step=done * 100, total=of * 100) if event.stage is Stage.LOAD else None


def sketch_of(project: BoardProject, number: int, *, notes: bool = True) -> ScenePlan:
    """The scene as the local engine sketches it; `notes` adds arrows and the line below the picture."""
    scene = project.scene(number)
    shot = shot_of(scene.camera) or Framing.MEDIUM
    sketch = Sketch(number=number, shot=shot.value, move=movement_of(scene.camera).value, setting=scene.setting,
                    place=_place(project, scene), light=scene.lighting, mood=scene.mood,
                    action=scene.action or scene.description, cast=cast_of(project.board),
                    seen=people_in(project.board, scene), notes=notes)
    return ScenePlan(title=f"Frame {number}", kind=SceneKind.BOARD, narration=scene.description, visual=sketch.text())


def _place(project: BoardProject, scene: StoryScene) -> str:
    """The kind of place of a scene: what its setting names, else what the story's words suggest."""
    words = re.findall(r"[a-z]+", scene.setting.lower())
    named = [domain for word in reversed(words) if (domain := place_kind(word)) is not None]
    story = re.findall(r"[a-z]+", project.board.story.lower())
    return (named[0] if named else place_suggested(story)).name


class _Drawing:
    def __init__(self, project: BoardProject, context: GenerationContext, on_progress: ProgressCallback,
                 cancel: CancelToken) -> None:
        self.project, self.context, self.on_progress, self.cancel = project, context, on_progress, cancel
        self.likeness = Likeness(context.paths, context.settings.cache_root)
        self.folder = project.folder / ".tries"
        self.warnings: list[str] = []

    def close(self) -> None:
        self.likeness.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def frame(self, number: int, done: int, of: int, after: Sequence[int] = ()) -> None:
        """Draw one frame: up to `tries` times with other seeds while it is unlike its character's other frames.

        Frames `after` it may be drawn together with its first try.
        """
        project, scene = self.project, self.project.scene(number)
        options, seed = project.options, self._first_seed(number)
        ahead = tuple(self._request(project.scene(one), self._first_seed(one), self.folder) for one in after)
        others, threshold = self._same_people(number), project.threshold(self.likeness.measure)
        best: tuple[float, Path, Frame] | None = None
        for again in range(max(options.tries, 1)):
            own = (seed + NEXT_TRY * again) % (MAX_SEED + 1)
            path, engine = self._picture(number, scene, own, again, done, of, () if again else ahead)
            made = self._judged(Frame(number, FrameState.DRAWN, scene.prompt, own, engine, again + 1), path, others)
            value = made.consistency if made.consistency is not None else 1.0
            if best is None or value > best[0]:
                best = (value, path, made)
            best = (best[0], best[1], replace(best[2], tries=again + 1))
            if value >= threshold or engine == self.context.engines.local().spec.id:
                break  # a sketch has its likeness from its rules, not from its seed
        assert best is not None
        value, path, made = best
        sketched = made.engine == self.context.engines.local().spec.id
        if value < threshold and not sketched:
            made = replace(made, marked=True, note=f"{made.tries} tries stayed below {threshold:g}; "
                                                   "the best is kept.")
            self.warnings.append(f"Frame {number} looks unlike the other frames of its characters ({value:.2f}).")
        project.keep_earlier(number)
        path.replace(project.frame_path(number))
        project.put_frame(made)

    def _first_seed(self, number: int) -> int:
        """The seed of a frame's first try; another one where the frame is there and only wanted anew."""
        project, before = self.project, self.project.frame(number)
        if before.is_there and before.seed is not None and not project.is_stale(number):
            return (before.seed + NEXT_TRY * max(project.options.tries, 1)) % (MAX_SEED + 1)
        return (project.options.base_seed + number - 1) % (MAX_SEED + 1)

    def compare(self) -> None:
        """Measure every drawn frame against every other, for the heat map and for each frame's consistency."""
        project = self.project
        there = [frame for frame in project.frames if frame.is_there]
        vectors = {frame.number: self.likeness.vector(project.frame_path(frame.number)) for frame in there}
        count = len(project.frames)
        project.likeness = tuple(
            tuple(round(float(vectors[a] @ vectors[b]), 4) if a in vectors and b in vectors else None
                  for b in range(1, count + 1)) for a in range(1, count + 1))
        project.measure = self.likeness.measure
        frames = []
        for frame in project.frames:
            found = [value for other in self._same_people(frame.number) if frame.is_there
                     and (value := project.likeness[frame.number - 1][other - 1]) is not None]
            mean = round(sum(found) / len(found), 4) if found else None
            frames.append(replace(frame, consistency=mean, measure=self.likeness.measure if found else ""))
        project.frames = tuple(frames)
        project.save_state()

    def _judged(self, frame: Frame, path: Path, others: Sequence[int]) -> Frame:
        vector = self.likeness.vector(path)
        values = [float(vector @ self.likeness.vector(self.project.frame_path(other))) for other in others]
        return replace(frame, consistency=sum(values) / len(values) if values else None,
                       alignment=self.likeness.agreement(path, frame.prompt),
                       measure=self.likeness.measure if values else "")

    def _same_people(self, number: int) -> tuple[int, ...]:
        """Other frames that are there and show somebody of this one."""
        people = set(people_in(self.project.board, self.project.scene(number)))
        return tuple(frame.number for frame in self.project.frames if frame.is_there and frame.number != number
                     and people & set(people_in(self.project.board, self.project.scene(frame.number))))

    # -- one picture --------------------------------------------------------------------------------------------

    def _picture(self, number: int, scene: StoryScene, seed: int, again: int, done: int, of: int,
                 ahead: Sequence[VideoRequest]) -> tuple[Path, str]:
        """A picture in the folder of tries, and the id of the engine that made it."""
        target = self.folder / f"frame_{number:03}_{again + 1}.png"
        target.unlink(missing_ok=True)

        def tell(event: Progress) -> None:
            text = f"Frame {number}" + (f", try {again + 1}" if again else "")
            if (told := within(event, done, of, text)) is not None:
                self.on_progress(told)

        request = self._request(scene, seed, target)
        engine = self._engine(request)
        sketched = engine.spec.choice is EngineChoice.LOCAL
        try:
            result = generate_video(self._sketched(number, seed, target) if sketched else request, self.context,
                                    on_progress=tell, cancel=self.cancel, ahead=() if sketched else ahead)
        except EngineError as error:
            if sketched or self.project.options.engine is not EngineChoice.AUTO:
                raise
            log.warning("frame %d could not be made by %s", number, engine.spec.id, exc_info=True)
            self.warnings.append(f"Frame {number} was sketched by the local engine, because: {error}")
            result = generate_video(self._sketched(number, seed, target), self.context, on_progress=tell,
                                    cancel=self.cancel)
        self.warnings += result.warnings
        return result.path, result.engine

    def _engine(self, request: VideoRequest) -> Engine:
        """Who draws: what can make single pictures, else the local engine where the choice is free."""
        engines = self.context.engines
        if request.engine is EngineChoice.LOCAL:
            return engines.local()
        try:
            engine = engines.choose(request)
        except EngineError:
            if request.engine is EngineChoice.DIFFUSION or request.model:
                raise
            return engines.local()
        if engine.spec.choice is EngineChoice.DIFFUSION and not engine.spec_for(request).frames.fits(1):
            if request.engine is EngineChoice.DIFFUSION or request.model:
                raise RequestError(f"{engine.spec_for(request).label} makes no single pictures.", field="model",
                                   fix="Choose a model for pictures, or a Wan model.")
            self.warnings.append(f"{engine.spec_for(request).label} makes no single pictures; the local engine "
                                 "sketched the frames.")
            return engines.local()
        return engine

    def _request(self, scene: StoryScene, seed: int, target: Path) -> VideoRequest:
        options = self.project.options
        board = self.project.board
        shown = {*scene.characters, *people_in(board, scene)}
        of_people = [LoraUse(character.lora, trigger=character.token) for character in board.bible.characters
                     if character.lora is not None and shown & {character.name, character.token}]
        return VideoRequest(
            prompt=scene.prompt, negative_prompt=scene.negative_prompt, engine=options.engine, model=options.model,
            width=options.width, height=options.height, frames=1, steps=options.steps, guidance=options.guidance,
            seed=seed, loras=(*(LoraUse(path) for path in options.loras), *of_people), fallback_local_on_fail=False,
            output=OutputOptions(path=target, poster=False))

    def _sketched(self, number: int, seed: int, target: Path) -> VideoRequest:
        options = self.project.options
        width, height = options.width or SKETCH_SIZE[0], options.height or SKETCH_SIZE[1]
        return VideoRequest(
            prompt=self.project.scene(number).description, engine=EngineChoice.LOCAL, width=width, height=height,
            frames=1, fps=24, seed=seed, plan=(sketch_of(self.project, number),),
            output=OutputOptions(path=target, poster=False))
