"""The headless script's hero frames and attempts: stills first, then several tries, the best one as the result.

Knows no flags' spelling and no progress bars; says in lines and in JSON what was made, and why a person should look.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .attempts import Origin, Round, Watch, Workbench, draw_heroes, run
from .attempts.changes import describe
from .attempts.heroes import all_alike, best_hero, tied_first
from .attempts.trends import gained
from .errors import RequestError
from .media import encode
from .naming import with_suffix
from .request import VideoRequest
from .result import VideoResult
from .store.attempt_records import AttemptRecord, HeroFrameRecord


@dataclass(frozen=True)
class LoopFlags:
    """What the command line says of the loop. 0 means that it is not asked for."""

    hero_frames: int = 0
    attempts: int = 0
    hero_model: str | None = None
    iterate: Path | None = None
    """A video made by an attempt; the next round of its scene goes on from it."""

    @property
    def active(self) -> bool:
        return bool(self.hero_frames or self.attempts or self.iterate)


@dataclass(frozen=True)
class Made:
    """What one request came to: `result` is the selected attempt's, at `path` where a file was named."""

    result: VideoResult
    path: Path
    round: Round
    heroes: tuple[HeroFrameRecord, ...] = ()
    notes: tuple[str, ...] = ()
    gain: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON for one line of the script's output."""
        iteration = self.round.iteration
        return {
            "scene": self.round.scene.id, "iteration": iteration.iteration, "changes": dict(iteration.changes),
            "gain": self.gain, "review": list(iteration.review),
            "hero_frames": [{"id": hero.id, "seed": hero.seed, "path": str(hero.path), "total": hero.total,
                             "selected": hero.id == iteration.hero_frame_id} for hero in self.heroes],
            "attempts": [{"id": a.id, "number": a.number, "seed": a.seed, "path": a.path and str(a.path),
                          "total": a.total, "rank": a.rank, "selected": a.selected, "error": a.error}
                         for a in self.round.attempts]}

    def lines(self) -> list[str]:
        """The same for a terminal, as plain text."""
        iteration = self.round.iteration
        found = [f"Hero frame {hero.number}: {_points(hero.total)}, seed {hero.seed}"
                 f"{', taken' if hero.id == iteration.hero_frame_id else ''}  {hero.path}" for hero in self.heroes]
        found += [_attempt_line(attempt) for attempt in self.round.attempts]
        if iteration.parent_id is not None:
            found += [f"Changed: {line}" for line in describe(dict(iteration.changes))]
            rose = "cannot be compared with it" if self.gain is None else f"{100 * self.gain:+.1f} points against it"
            found.append(f"Iteration {iteration.iteration}, after attempt {iteration.changes['chosen']['attempt']} of "
                         f"the one before: {rose}.")
        return found


def make(request: VideoRequest, flags: LoopFlags, bench: Workbench, watch: Watch) -> Made:
    """Hero frames where they are asked for, then the attempts. Raises as `draw_heroes` and `run`."""
    book = bench.store.attempts
    parent = None if flags.iterate is None else _parent(flags.iterate, bench)
    scene_id, heroes, notes = "", (), []
    if parent is not None:
        scene_id = book.iteration(parent.iteration_id).scene_id
    known = None if request.start_image is None else book.hero_at(Path(request.start_image))
    if known is not None:  # drawn before and chosen by a person, or that of the round before
        scene_id = scene_id or known.scene_id
        book.select_hero(known.id)
    hero_id = known and known.id
    if flags.hero_frames:
        if request.start_image is not None:
            raise RequestError("Hero frames were asked for, and a start image is given.", field="start_image",
                               fix="Leave out --image-start or --hero-frames.")
        scene_id = scene_id or book.new_scene(request.prompt, request.negative_prompt, request.camera,
                                             request=request).id
        heroes = draw_heroes(request, bench, scene_id, flags.hero_frames, model=flags.hero_model, watch=watch)
        hero_id = best_hero(heroes).id
        book.select_hero(hero_id)
        if all_alike(heroes):
            notes.append("The hero frames are all the same picture: the seed changes nothing in it.")
        elif len(tied := tied_first(heroes)) > 1:
            taken = book.hero(hero_id).number
            notes.append(f"Hero frames {', '.join(str(hero.number) for hero in tied)} are tied within half a point; "
                         f"number {taken} is taken. To take another: --image-start FILE.")
    origin = Origin(scene_id, hero_id, None if parent is None else parent.id)
    done = run(request, bench, flags.attempts or 1, origin=origin, watch=watch)
    chosen = done.selected
    assert chosen is not None, "a round without any video raises"
    result = done.results[chosen.id]
    path, said = _named(result, request, bench)
    gain = None if parent is None else gained(parent, chosen, bench.options.weights)
    return Made(result, path, done, heroes, (*notes, *said), gain)


def iterated(asked: VideoRequest, given: Mapping[str, Any], *, new_heroes: bool) -> VideoRequest:
    """The request of an attempt's video with the flags' changes: other seeds, no start image before new hero frames."""
    start = {"seed": -1, **({"start_image": None} if new_heroes else {}), **given}
    if "seconds" in given:
        start["frames"] = None
    elif "frames" in given:
        start["seconds"] = None
    return asked.with_(**start)


def _parent(file: Path, bench: Workbench) -> AttemptRecord:
    found = bench.store.attempts.attempt_at(file.expanduser().resolve())
    if found is None:
        raise RequestError(f"{file.name} was not made by an attempt that this library knows.", field="iterate",
                           fix="Name a video made with --attempts, or use --replay with --attempts.")
    return found


def _named(result: VideoResult, request: VideoRequest, bench: Workbench) -> tuple[Path, tuple[str, ...]]:
    """A copy of the selected attempt under the name that was asked for; an older file of that name is kept beside."""
    if request.output.path is None:
        return result.path, ()
    final = with_suffix(bench.context.paths.outputs / request.output.path, result.path.suffix)
    part, notes = encode.part_path(final), []
    shutil.copy2(result.path, part)
    try:
        if final.exists():
            stamp = datetime.now().astimezone()
            kept = encode.free_name(final.with_name(f"{final.stem}.kept-{stamp:%Y%m%d-%H%M%S}{final.suffix}"))
            final.rename(kept)
            bench.context.recorder.moved(final, kept)
            notes.append(f"{final.name} was there already; it is now called {kept.name}.")
        return encode.publish(part, final), tuple(notes)
    finally:
        part.unlink(missing_ok=True)


def _attempt_line(attempt: AttemptRecord) -> str:
    head = f"Attempt {attempt.number}: "
    if attempt.path is None:
        return f"{head}failed. {attempt.error}"
    place = "" if attempt.rank is None else f", place {attempt.rank}"
    return (f"{head}{_points(attempt.total)}, seed {attempt.seed}{place}{', selected' if attempt.selected else ''}  "
            f"{attempt.path}")


def _points(total: float | None) -> str:
    return "no score" if total is None else f"{100 * total:.1f} points"
