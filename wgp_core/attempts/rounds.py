"""A round of attempts: one request with several seeds, each scored, ranked, the best selected, all kept.

A failed attempt does not stop the others. Ties, missing measures and identical videos are said, never hidden; the
record then asks for a person (`IterationRecord.review`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import Cancelled, RequestError, WgpError
from ..generate import generate_video
from ..marked import split_enhanced
from ..media.images import load_image
from ..media.probe import read_frames
from ..quality.score import PICTURES
from ..quality.select import Ranking, rank
from ..quality.types import QualityReport
from ..request import VideoRequest
from ..result import VideoResult
from ..store.attempt_records import (
    AttemptRecord,
    HeroFrameRecord,
    IterationRecord,
    IterationState,
    SceneRecord,
    Verdict,
)
from .bench import Origin, Watch, Workbench, as_json, check_count, seeds, total_of
from .changes import compare

if TYPE_CHECKING:
    from ..store import Store

MOST_ATTEMPTS = 20


@dataclass(frozen=True)
class Round:
    """One iteration of a scene with its attempts, by number. `results` are those made just now, by attempt id."""

    scene: SceneRecord
    iteration: IterationRecord
    attempts: tuple[AttemptRecord, ...]
    results: Mapping[str, VideoResult] = field(default_factory=dict)

    @property
    def selected(self) -> AttemptRecord | None:
        return next((attempt for attempt in self.attempts if attempt.selected), None)

    @property
    def flagged(self) -> bool:
        """Whether a person should look."""
        return bool(self.iteration.review)


def round_of(iteration_id: str, store: Store) -> Round:
    """A round as it is on record. Raises `StoreError`."""
    iteration = store.attempts.iteration(iteration_id)
    return Round(store.attempts.scene(iteration.scene_id), iteration, store.attempts.attempts(iteration_id))


def run(request: VideoRequest, bench: Workbench, n: int = 3, *, origin: Origin | None = None,
        watch: Watch | None = None) -> Round:
    """Make `n` attempts at a request and select the best by score.

    Seeds count from the request's own; where it is -1 they are drawn, and the first is that of the attempt which is
    refined, or of the hero frame, which becomes the start image. An output path names the attempts (`NAME_attempt1`).

    Raises `RequestError` for what cannot be asked, `Cancelled`, and the last attempt's error where none succeeded.
    """
    check_count(n, MOST_ATTEMPTS, "attempts")
    origin, watch, book = origin or Origin(), watch or Watch(), bench.store.attempts
    request.check()
    parent = book.attempt(origin.parent_attempt_id) if origin.parent_attempt_id else None
    hero = book.hero(origin.hero_frame_id) if origin.hero_frame_id else None
    if hero is not None:
        request = _with_hero(request, hero)
    first = parent.seed if parent is not None else hero.seed if hero is not None else None
    iteration = _begin(request, bench, origin, parent)
    tries = _Tries(bench, iteration, request, watch)
    try:
        for number, seed in enumerate(seeds(request, n, first), 1):
            watch.cancel.raise_if_cancelled()
            tries.make(number, seed, n, parent)
    except Cancelled:
        book.stop(iteration.id, IterationState.CANCELLED, f"Cancelled after {len(tries.made)} of {n} attempts.")
        raise
    except BaseException as error:
        book.stop(iteration.id, IterationState.FAILED, f"Stopped by an error: {error}")
        raise
    if tries.error is not None and not tries.results:
        book.stop(iteration.id, IterationState.FAILED, f"No attempt succeeded. {tries.error}")
        raise tries.error
    book.finish(iteration.id, _judge(tries, bench))
    kept = round_of(iteration.id, bench.store)
    return Round(kept.scene, kept.iteration, kept.attempts, tries.results)


def _begin(request: VideoRequest, bench: Workbench, origin: Origin, parent: AttemptRecord | None) -> IterationRecord:
    book, changes = bench.store.attempts, {}
    scene_id = origin.scene_id
    if parent is not None:
        before = book.iteration(parent.iteration_id)
        scene_id = scene_id or before.scene_id
        changes = compare(before.request, request, parent)
    elif not scene_id:
        scene_id = book.new_scene(request.prompt, request.negative_prompt, request.camera).id
    return book.begin(scene_id, request, parent_attempt_id=origin.parent_attempt_id,
                      hero_frame_id=origin.hero_frame_id, changes=changes)


def _with_hero(request: VideoRequest, hero: HeroFrameRecord) -> VideoRequest:
    if request.start_image is not None and Path(request.start_image) != hero.path:
        raise RequestError("The request has a start image, and a hero frame was chosen too.", field="start_image",
                           fix="Leave one of them out.")
    return request.with_(start_image=hero.path)


class _Tries:
    """The attempts of one round as they are made."""

    def __init__(self, bench: Workbench, iteration: IterationRecord, request: VideoRequest, watch: Watch) -> None:
        self._bench, self._iteration, self._request, self._watch = bench, iteration, request, watch
        self.made: list[AttemptRecord] = []
        self.reports: dict[str, QualityReport] = {}
        self.results: dict[str, VideoResult] = {}
        self.error: WgpError | None = None

    def make(self, number: int, seed: int, of: int, parent: AttemptRecord | None) -> None:
        """One attempt: video, scores, row. A `WgpError` is kept in the row; everything else is raised."""
        watch = self._watch.within(f"Attempt {number} of {of}")
        asked = _numbered(self._request.with_(seed=seed), number)
        blank = AttemptRecord(self._iteration.id, number, seed, parent_attempt_id=parent and parent.id)
        try:
            result = generate_video(asked, self._bench.context, on_progress=watch.on_progress, cancel=watch.cancel)
        except WgpError as error:
            self.error = error
            self._keep(replace(blank, error=str(error)))
            return
        report, problem = self._bench.score(result.path, split_enhanced(asked.prompt)[0], watch)
        kept = self._keep(replace(
            blank, seed=result.request.seed, path=result.path, generation_id=self._bench.generation_id(result.path),
            warnings=(*result.warnings, *filter(None, [problem])), total=total_of(report), report=as_json(report)))
        self.results[kept.id] = result
        if report is not None:
            self.reports[kept.id] = report

    def _keep(self, attempt: AttemptRecord) -> AttemptRecord:
        kept = self._bench.store.attempts.add_attempt(attempt)
        self.made.append(kept)
        self._watch.on_attempt(kept)
        return kept


def _numbered(request: VideoRequest, number: int) -> VideoRequest:
    """With a name of its own, where the request names the file."""
    if request.output.path is None:
        return request
    path = Path(request.output.path)
    named = path.with_name(f"{path.stem}_attempt{number}{path.suffix}")
    return request.with_(output=replace(request.output, path=named))


# -- judging ----------------------------------------------------------------------------------------------------


def _judge(tries: _Tries, bench: Workbench) -> Verdict:
    """Rank what was scored; say what the numbers cannot decide."""
    scored = [attempt for attempt in tries.made if attempt.id in tries.reports]
    reports = [tries.reports[attempt.id] for attempt in scored]
    ranking = rank(reports, bench.options.weights, expects_motion=True)
    with_video = [attempt for attempt in tries.made if attempt.path is not None]
    chosen = scored[ranking.selected] if ranking.selected is not None else with_video[0]
    review = _review(ranking, scored, chosen, tries.reports.get(chosen.id))
    return Verdict(asdict(ranking), {scored[place.index].id: place.rank for place in ranking.places}, chosen.id,
                   tuple(review))


def _review(ranking: Ranking, scored: Sequence[AttemptRecord], chosen: AttemptRecord,
            report: QualityReport | None) -> list[str]:
    """Why a person should look at this round; empty where the numbers are enough."""
    review = list(report.review) if report is not None else []
    if ranking.selected is None:
        review.append(f"The attempts could not be compared; number {chosen.number} is taken until a person chooses.")
    tied = sorted([chosen.number, *(scored[i].number for i in ranking.tied)]) if ranking.tied else []
    if tied:
        names = ", ".join(map(str, tied[:-1])) + f" and {tied[-1]}"
        if same_frames([path for i in tied if (path := _path(scored, i)) is not None]):
            review.append(f"Attempts {names} are the same frame by frame: the seed changes nothing here. Change the "
                          "prompt or the settings.")
        else:
            review.append(f"Attempts {names} are tied within half a point; number {chosen.number} is taken because it "
                          "came first.")
    if ranking.still_first:
        review.append(f"Number {chosen.number} hardly moves and others do; stillness scores well.")
    return list(dict.fromkeys(review))


def _path(attempts: Sequence[AttemptRecord], number: int) -> Path | None:
    return next((attempt.path for attempt in attempts if attempt.number == number), None)


def same_frames(files: Sequence[Path]) -> bool:
    """Whether several videos or pictures show exactly the same; read frame by frame, up to the first difference."""
    if len(files) < 2:
        return False
    streams = [iter([load_image(file)] if file.suffix.lower() in PICTURES else read_frames(file)) for file in files]
    while True:
        frames = [next(stream, None) for stream in streams]
        if all(frame is None for frame in frames):
            return True
        first = frames[0]
        if first is None or any(frame is None or not np.array_equal(first, frame) for frame in frames[1:]):
            return False
