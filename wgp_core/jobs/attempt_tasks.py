"""Tasks on scenes: hero frames, attempts, the rest of a round, refinement, the finished film.

They run in a worker of their own. What is done is decided in `wgp_core.attempts`; here are payloads and progress.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..request import VideoRequest
from .tasks import TaskContext, task

if TYPE_CHECKING:
    from ..attempts import Round, Watch, Workbench


@task("attempts_heroes")
def attempts_heroes(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `scene`, `request`, `count`, `model` (empty: the best one here). Result: `heroes` (ids), `message`."""
    from ..attempts import draw_heroes
    from ..attempts.heroes import all_alike

    with _bench(context) as (bench, watch):
        drawn = draw_heroes(VideoRequest.from_dict(payload["request"]), bench, str(payload["scene"]),
                            int(payload["count"]), model=payload["model"] or None, watch=watch)
        alike = "They are all the same picture: the seed changes nothing in it." if all_alike(drawn) else ""
    return {"heroes": [hero.id for hero in drawn], "message": alike}


@task("attempts_redraw")
def attempts_redraw(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `hero`, and `changes` to the request that drew it. Result: `heroes` (the new one's id), `message`."""
    from ..attempts import redraw_hero

    with _bench(context) as (bench, watch):
        drawn = redraw_hero(str(payload["hero"]), bench, watch=watch.making("Hero frame", 1, 1),
                            **typed(payload["changes"]))
    return {"heroes": [drawn.id], "message": ""}


@task("attempts_attempts")
def attempts_attempts(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `scene`, `request`, `n`, `hero` and `parent` (ids, or null). Result: as `_told`."""
    from ..attempts import Origin, run

    with _bench(context) as (bench, watch):
        origin = Origin(str(payload["scene"]), payload["hero"], payload["parent"])
        return _told(run(VideoRequest.from_dict(payload["request"]), bench, int(payload["n"]), origin=origin,
                         watch=watch))


@task("attempts_resume")
def attempts_resume(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `iteration`, a round that was cut off. Result: as `_told`."""
    from ..attempts import resume

    with _bench(context) as (bench, watch):
        return _told(resume(str(payload["iteration"]), bench, watch=watch))


@task("attempts_refine")
def attempts_refine(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `attempt`, `rounds`, `n`. Result: `best` (an attempt's id), `kept` (how many rounds), `message`, and
    `steps`: of each round its `iteration`, `dimension`, `gain` and whether it was `kept`."""
    from ..attempts import refine

    with _bench(context) as (bench, watch):
        done = refine(str(payload["attempt"]), bench, int(payload["rounds"]), int(payload["n"]), watch=watch)
    steps = [{"iteration": step.round.iteration.id, "dimension": step.suggestion.dimension.value, "gain": step.gain,
              "kept": step.kept} for step in done.steps]
    return {"best": done.best.id, "kept": sum(step.kept for step in done.steps), "steps": steps,
            "message": done.describe()}


@task("attempts_finalize")
def attempts_finalize(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `work`, `crossfade` (seconds), `soundtrack` and `name` (or null). Result: `file` and `manifest` (paths),
    `seconds`, `warnings`, `message`."""
    from ..attempts.film import FilmOptions, finalize

    with _bench(context) as (bench, watch):
        sound = payload["soundtrack"]
        film = finalize(str(payload["work"]), bench, FilmOptions(
            float(payload["crossfade"]), Path(sound) if sound else None, str(payload["name"] or "")), watch)
    warnings = list(film.result.warnings)
    return {"file": str(film.result.path), "manifest": str(film.manifest), "seconds": round(film.result.seconds, 3),
            "warnings": warnings, "message": " ".join([f"The film is ready: {film.result.path.name}.", *warnings])}


def typed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a request from JSON types. Raises `RequestError` that names what cannot be."""
    request = VideoRequest.from_dict({"prompt": "", **changes})
    return {name: getattr(request, name) for name in changes}


def _told(made: Round) -> dict[str, Any]:
    """`scene`, `iteration` and `selected` (ids), `review` (why a person should look), `message`."""
    chosen = made.selected
    failed = [attempt.number for attempt in made.attempts if attempt.error]
    said = f"Attempt{'s' if len(failed) > 1 else ''} {', '.join(map(str, failed))} failed." if failed else ""
    return {"scene": made.scene.id, "iteration": made.iteration.id, "selected": chosen and chosen.id,
            "review": list(made.iteration.review), "message": said}


@contextmanager
def _bench(context: TaskContext) -> Iterator[tuple[Workbench, Watch]]:
    """What the work needs, with the database open."""
    from ..attempts import Watch, Workbench
    from ..generate import GenerationContext
    from ..quality.score import ScoreOptions
    from ..store import Store
    from .quality_tasks import quality_models
    from .recorder import LibraryRecorder

    with Store.open(context.paths.database) as store:
        generation = GenerationContext(
            paths=context.paths, settings=context.settings, engines=context.engines_of(), runtime=context.runtime,
            recorder=LibraryRecorder(store), prompt_cache=store.enhancements)
        bench = Workbench(generation, store, ScoreOptions.of(context.settings), quality_models(context))
        yield bench, Watch(context.on_progress, context.cancel, whole=True)
