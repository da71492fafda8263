"""Hero frames: stills of one scene, kept with prompt, seed, model and scores; one of them becomes the first frame."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engines.base import EngineSpec
from ..errors import RequestError
from ..generate import generate_video
from ..marked import split_enhanced
from ..media.images import load_image
from ..media.metadata import read_manifest
from ..models.locate import installed
from ..models.spec import Task
from ..quality.select import TIE
from ..request import EngineChoice, OutputOptions, StepCache, VideoRequest
from ..resolve import resolve
from ..result import Manifest
from ..store.attempt_records import HeroFrameRecord
from .bench import Watch, Workbench, as_json, check_count, seeds, total_of
from .changes import compare

log = logging.getLogger(__name__)

MOST_HEROES = 16


def draw_heroes(request: VideoRequest, bench: Workbench, scene_id: str, count: int = 4, *, model: str | None = None,
                watch: Watch | None = None) -> tuple[HeroFrameRecord, ...]:
    """Draw `count` stills for the video that `request` asks for, each with another seed. None is chosen.

    `model` names a still model; without it `still_request` decides. Each is kept as soon as it is there. Raises as
    `generate_video`.
    """
    check_count(count, MOST_HEROES, "hero frames")
    watch = watch or Watch()
    still = still_request(request, bench, model)
    bench.store.attempts.scene(scene_id)
    drawn = []
    asked = [still.with_(seed=seed) for seed in seeds(still, count)]
    for number, one in enumerate(asked, 1):
        watch.cancel.raise_if_cancelled()
        drawn.append(_draw(one, bench, scene_id, watch.making("Hero frame", number, count), ahead=asked[number:]))
    return tuple(drawn)


def redraw_hero(hero_id: str, bench: Workbench, *, watch: Watch | None = None, **changes: Any) -> HeroFrameRecord:
    """Draw a hero frame again with some fields of its request changed; the new one is kept beside it, as its child.

    The seed stays unless it is among the changes (-1 draws another). Raises as `generate_video`.
    """
    before = bench.store.attempts.hero(hero_id)
    request = _request_of(before)
    after = request.with_(**changes)
    if after.seed == -1:
        after = after.with_(seed=seeds(after, 1)[0])
    return _draw(after, bench, before.scene_id, watch or Watch(), parent=before, changes=compare(request, after))


def best_hero(heroes: tuple[HeroFrameRecord, ...]) -> HeroFrameRecord:
    """The one with the highest total; the first of equal ones, and of unscored ones."""
    return max(heroes, key=lambda hero: (hero.total if hero.total is not None else -1.0, -hero.number))


def tied_first(heroes: tuple[HeroFrameRecord, ...]) -> tuple[HeroFrameRecord, ...]:
    """Those whose totals are within half a point of the best one; only itself where the scores decide."""
    best = best_hero(heroes).total
    return tuple(hero for hero in heroes if best is None or (hero.total is not None and best - hero.total < TIE))


def all_alike(heroes: tuple[HeroFrameRecord, ...]) -> bool:
    """Whether several stills are the same picture: the engine drew nothing from the seed."""
    if len(heroes) < 2:
        return False
    first = load_image(heroes[0].path)
    return all(np.array_equal(first, load_image(hero.path)) for hero in heroes[1:])


def still_request(request: VideoRequest, bench: Workbench, model: str | None = None) -> VideoRequest:
    """One picture in the shape of the video. A still model is taken where one is named or installed, else the video's
    own model where it can make one frame; where the video is drawn locally, so is the still.

    Raises `RequestError` where nothing here can make single pictures.
    """
    if request.plan or request.makes_plan:
        raise RequestError("Hero frames belong to one scene, and this request has a plan of several.", field="plan",
                           fix="Ask for the hero frames of each scene, or leave out the plan.")
    video = resolve(request.with_(start_image=None, end_image=None), bench.context.engines, bench.context.settings)
    shaped = video.request
    still = request.with_(
        frames=1, seconds=None, fps=None, width=shaped.width, height=shaped.height, start_image=None, end_image=None,
        window_prompts=(), window_frames=None, window_overlap=None, scene_frames=None, step_cache=StepCache.OFF,
        output=OutputOptions())
    if model is None and video.engine.spec.choice is EngineChoice.DIFFUSION:
        model = _still_model(bench)
    if model is not None and model != request.model:
        still = still.with_(model=model, engine=EngineChoice.DIFFUSION, steps=None, guidance=None, guidance_2=None,
                            flow_shift=None, solver=None, loras=())
    engine = bench.context.engines.choose(still) if model or video.engine.spec.choice is EngineChoice.DIFFUSION else (
        bench.context.engines.local())
    if engine.spec.choice is EngineChoice.LOCAL:
        still = still.with_(engine=EngineChoice.LOCAL, model=None)
    spec = engine.spec_for(still)
    return _fitted(still, spec)


def _fitted(still: VideoRequest, spec: EngineSpec) -> VideoRequest:
    if not spec.frames.fits(1):
        raise RequestError(f"{spec.label} makes no single pictures.", field="model",
                           fix="Install a still model such as SDXL, or name one for the hero frames.")
    snapped, _notes = spec.snap(still)
    return snapped


def _still_model(bench: Workbench) -> str | None:
    """The first installed model of single pictures; None where there is none."""
    found = installed(bench.context.paths, bench.context.settings.cache_root)
    return next((f.spec.id for f in found if f.spec.can(Task.T2I) and not f.spec.can(Task.T2V)), None)


def _draw(request: VideoRequest, bench: Workbench, scene_id: str, watch: Watch, *,
          parent: HeroFrameRecord | None = None, changes: dict[str, Any] | None = None,
          ahead: Sequence[VideoRequest] = ()) -> HeroFrameRecord:
    result = generate_video(request, bench.context, on_progress=watch.on_progress, cancel=watch.cancel, ahead=ahead)
    prompt, _ = split_enhanced(request.prompt)
    report, problem = bench.score(result.path, prompt, watch)
    if problem:
        log.warning("The hero frame %s has no scores. %s", result.path.name, problem)
    return bench.store.attempts.add_hero(HeroFrameRecord(
        scene_id=scene_id, path=result.path, prompt=prompt, seed=result.request.seed, engine=result.engine,
        parent_id=parent and parent.id, generation_id=bench.generation_id(result.path),
        enhanced_prompt=result.enhanced_prompt, negative_prompt=request.negative_prompt, model=result.request.model,
        changes=changes or {}, total=total_of(report), report=as_json(report)))


def _request_of(hero: HeroFrameRecord) -> VideoRequest:
    """The request that drew it, as the picture carries it. Raises `MediaError` where the picture is gone."""
    asked = Manifest.from_dict(read_manifest(hero.path)).asked
    return replace(asked, seed=hero.seed)
