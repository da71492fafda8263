"""The command line's view of attempts: what was tried, how scores went, and a person's choice."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from .attempts import Workflow, trend, workflow
from .attempts.changes import describe
from .attempts.trends import TrendPoint
from .errors import StoreError
from .paths import Paths
from .quality.total import Weights
from .settings import load
from .store import Store
from .store.attempt_records import AttemptRecord, HeroFrameRecord, SceneRecord


def list_scenes(paths: Paths, as_json: bool, limit: int) -> None:
    """The newest scenes, with the total of what counts for them now."""
    with Store.open(paths.database) as store:
        rows = [_scene_row(scene, store) for scene in store.attempts.scenes(limit=limit)]
    if as_json:
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return
    if not rows:
        Console().print("Nothing was tried yet. Begin with: create_sample_video.py --attempts 3")
        return
    table = Table("scene", Column("prompt", overflow="fold"), "rounds", "attempts", "selected", "look", box=None,
                  pad_edge=False)
    for row in rows:
        table.add_row(row["scene"], _plain(row["prompt"]), str(row["rounds"]), str(row["attempts"]),
                      _points(row["total"]), "yes" if row["review"] else "")
    Console().print(table)


def show_scene(paths: Paths, name: str, as_json: bool, select: bool, note: str | None) -> None:
    """One scene, named by its id, an attempt's id or a video: rounds, attempts, scores, figures.

    `select` takes the attempt that is named for its round; `note` is written beside that round (or the last one).
    Raises `StoreError` for a name that means nothing, or means no attempt where one is needed.
    """
    weights = Weights.of(load(paths.settings_file).settings)
    with Store.open(paths.database) as store:
        scene_id, attempt = _meant(name, store)
        if select:
            if attempt is None:
                raise StoreError(f"{name} is a scene, and one attempt is to be taken.", fix="Name its video or its id.")
            store.attempts.select(attempt.id)
        if note is not None:
            rounds = store.attempts.iterations(scene_id)
            if not rounds:
                raise StoreError("This scene has no round of attempts that a note could stand beside.")
            store.attempts.set_notes(attempt.iteration_id if attempt else rounds[-1].id, note)
        scene, points = store.attempts.scene(scene_id), trend(scene_id, store, weights)
        figures, heroes = workflow(scene_id, store, weights), store.attempts.heroes(scene_id)
        attempts = {point.iteration.id: store.attempts.attempts(point.iteration.id) for point in points}
    if as_json:
        sys.stdout.write(json.dumps(_scene_json(scene, points, attempts, heroes, figures), ensure_ascii=False,
                                    indent=2) + "\n")
    else:
        _print_scene(scene, points, attempts, heroes, figures)


def _meant(name: str, store: Store) -> tuple[str, AttemptRecord | None]:
    """(Scene id, attempt or None) for a video, an attempt's id or a scene's id."""
    file = Path(name).expanduser()
    if file.is_file():
        found = store.attempts.attempt_at(file.resolve())
        if found is None:
            raise StoreError(f"{file.name} was not made by an attempt that this library knows.")
    else:
        try:
            found = store.attempts.attempt(name)
        except StoreError:
            return store.attempts.scene(name).id, None
    return store.attempts.iteration(found.iteration_id).scene_id, found


def _scene_row(scene: SceneRecord, store: Store) -> dict[str, Any]:
    rounds = store.attempts.iterations(scene.id)
    attempts = [store.attempts.attempts(iteration.id) for iteration in rounds]
    chosen = store.attempts.attempt(scene.selected_attempt_id) if scene.selected_attempt_id else None
    review = store.attempts.iteration(chosen.iteration_id).review if chosen else ()
    return {"scene": scene.id, "prompt": scene.prompt, "rounds": len(rounds), "attempts": sum(map(len, attempts)),
            "total": None if chosen is None else chosen.total,
            "review": [] if chosen is not None and chosen.by_person else list(review)}


def _scene_json(scene: SceneRecord, points: tuple[TrendPoint, ...], attempts: dict[str, tuple[AttemptRecord, ...]],
                heroes: tuple[HeroFrameRecord, ...], figures: Workflow) -> dict[str, Any]:
    return {
        "scene": scene.id, "prompt": scene.prompt, "hero_frame": scene.hero_frame_id,
        "hero_frames": [{"id": hero.id, "seed": hero.seed, "path": str(hero.path), "total": hero.total,
                         "parent": hero.parent_id, "changes": dict(hero.changes)} for hero in heroes],
        "iterations": [{
            "iteration": point.iteration.iteration, "state": point.iteration.state.value,
            "changes": dict(point.iteration.changes), "review": list(point.iteration.review),
            "notes": point.iteration.notes, "total": point.total, "mean": point.mean_total, "gain": point.gain,
            "dimensions": dict(point.dimensions),
            "attempts": [{"id": a.id, "number": a.number, "seed": a.seed, "path": a.path and str(a.path),
                          "total": a.total, "rank": a.rank, "proposed": a.proposed, "selected": a.selected,
                          "by_person": a.by_person, "error": a.error} for a in attempts[point.iteration.id]]}
            for point in points],
        "figures": figures.__dict__}


def _print_scene(scene: SceneRecord, points: tuple[TrendPoint, ...], attempts: dict[str, tuple[AttemptRecord, ...]],
                 heroes: tuple[HeroFrameRecord, ...], figures: Workflow) -> None:
    console = Console()
    console.print(f"[bold]{_plain(scene.prompt)}[/]  [dim]scene {scene.id}[/]", highlight=False)
    for hero in heroes:
        taken = ", taken" if hero.id == scene.hero_frame_id else ""
        console.print(f"Hero frame {hero.number}: {_points(hero.total)}, seed {hero.seed}{taken}  {_plain(hero.path)}",
                      highlight=False, soft_wrap=True)
    for point in points:
        iteration = point.iteration
        gain = "" if point.gain is None else f", {100 * point.gain:+.1f} against the one it went on from"
        console.print(f"[bold]Iteration {iteration.iteration}[/] ({iteration.state.value}): selected "
                      f"{_points(point.total)}, mean {_points(point.mean_total)}{gain}", highlight=False,
                      soft_wrap=True)
        for line in describe(dict(iteration.changes)):
            console.print(f"  [dim]{_plain(line)}[/]", highlight=False, soft_wrap=True)
        for attempt in attempts[iteration.id]:
            console.print("  " + _plain(_attempt_line(attempt)), highlight=False, soft_wrap=True)
        for line in iteration.review:
            console.print(f"  [yellow]{_plain(line)}[/]", highlight=False, soft_wrap=True)
        if iteration.notes:
            console.print(f"  Note: {_plain(iteration.notes)}", highlight=False, soft_wrap=True)
    mean = "" if figures.mean_gain is None else f", {100 * figures.mean_gain:+.1f} points a refinement"
    console.print(f"{figures.attempts} attempts, {figures.failed} failed; the scores' choice was kept in "
                  f"{figures.accepted} of {figures.decided} rounds{mean}.", highlight=False, soft_wrap=True)


def _attempt_line(attempt: AttemptRecord) -> str:
    if attempt.path is None:
        return f"{attempt.number}  failed: {attempt.error}"
    mark = " selected by a person" if attempt.by_person else " selected" if attempt.selected else ""
    took = " (the scores' choice)" if attempt.proposed and not attempt.selected else ""
    return f"{attempt.number}  {_points(attempt.total)}  seed {attempt.seed}{mark}{took}  {attempt.path}"


def _points(total: float | None) -> str:
    return "-" if total is None else f"{100 * total:.1f}"


def _plain(value: object) -> str:
    return str(value).replace("[", r"\[")
