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
    iteration = _begin(request, bench, origin, parent, seeds(request, n, first))
    return _carry_out(_Tries(bench, iteration, request, watch))


def resume(iteration_id: str, bench: Workbench, *, watch: Watch | None = None) -> Round:
    """Make the attempts that a round lacks: it was cancelled, or the program ended. `results` are those made now.

    Nothing else may be working on the round. Raises `RequestError` where nothing is lacking, else as `run`.
    """
    book = bench.store.attempts
    iteration = book.iteration(iteration_id)
    if not missing(iteration, book.attempts(iteration_id)):
        raise RequestError(f"Iteration {iteration.iteration} has all its attempts.", field="iteration",
                           fix="Make another round.")
    tries = _Tries(bench, book.reopen(iteration_id), iteration.request, watch or Watch())
    for attempt in book.attempts(iteration_id):
        tries.take(attempt)
    return _carry_out(tries)


def missing(iteration: IterationRecord, attempts: Sequence[AttemptRecord]) -> tuple[int, ...]:
    """The numbers of the attempts that a round was to have and has not; none once it is done."""
    if iteration.state is IterationState.DONE:
        return ()
    made = {attempt.number for attempt in attempts}
    return tuple(number for number in range(1, len(iteration.seeds) + 1) if number not in made)


def _carry_out(tries: _Tries) -> Round:
    """Make what is missing, and rank all of it."""
    book, iteration, of = tries.bench.store.attempts, tries.iteration, len(tries.iteration.seeds)
    parent = book.attempt(iteration.parent_attempt_id) if iteration.parent_attempt_id else None
    try:
        for number in missing(iteration, tries.made):
            tries.watch.cancel.raise_if_cancelled()
            tries.make(number, iteration.seeds[number - 1], of, parent)
    except Cancelled:
        book.stop(iteration.id, IterationState.CANCELLED, f"Cancelled after {len(tries.made)} of {of} attempts.")
        raise
    except BaseException as error:
        book.stop(iteration.id, IterationState.FAILED, f"Stopped by an error: {error}")
        raise
    if tries.error is not None and not any(attempt.path for attempt in tries.made):
        book.stop(iteration.id, IterationState.FAILED, f"No attempt succeeded. {tries.error}")
        raise tries.error
    book.finish(iteration.id, _judge(tries))
    kept = round_of(iteration.id, tries.bench.store)
    return Round(kept.scene, kept.iteration, kept.attempts, tries.results)


def _begin(request: VideoRequest, bench: Workbench, origin: Origin, parent: AttemptRecord | None,
           planned: Sequence[int]) -> IterationRecord:
    book, changes = bench.store.attempts, {}
    scene_id = origin.scene_id
    if parent is not None:
        before = book.iteration(parent.iteration_id)
        scene_id = scene_id or before.scene_id
        changes = compare(before.request, request, parent)
    elif not scene_id:
        scene_id = book.new_scene(request.prompt, request.negative_prompt, request.camera, request=request).id
    return book.begin(scene_id, request, parent_attempt_id=origin.parent_attempt_id, automatic=origin.automatic,
                      hero_frame_id=origin.hero_frame_id, changes=changes, seeds=planned)


def _with_hero(request: VideoRequest, hero: HeroFrameRecord) -> VideoRequest:
    if request.start_image is not None and Path(request.start_image) != hero.path:
        raise RequestError("The request has a start image, and a hero frame was chosen too.", field="start_image",
                           fix="Leave one of them out.")
    return request.with_(start_image=hero.path)


class _Tries:
    """The attempts of one round as they are made."""

    def __init__(self, bench: Workbench, iteration: IterationRecord, request: VideoRequest, watch: Watch) -> None:
        self.bench, self.iteration, self.watch = bench, iteration, watch
        self._request = request
        self.made: list[AttemptRecord] = []
        self.reports: dict[str, QualityReport] = {}
        self.results: dict[str, VideoResult] = {}
        self.error: WgpError | None = None

    def take(self, attempt: AttemptRecord) -> None:
        """One that was made before."""
        self.made.append(attempt)
        if attempt.report is not None:
            self.reports[attempt.id] = QualityReport.from_dict(attempt.report)

    def make(self, number: int, seed: int, of: int, parent: AttemptRecord | None) -> None:
        """One attempt: video, scores, row. A `WgpError` is kept in the row; everything else is raised."""
        watch = self.watch.making("Attempt", number, of)
        asked = _numbered(self._request.with_(seed=seed), number)
        blank = AttemptRecord(self.iteration.id, number, seed, parent_attempt_id=parent and parent.id)
        try:
            result = generate_video(asked, self.bench.context, on_progress=watch.on_progress, cancel=watch.cancel)
        except WgpError as error:
            self.error = error
            self._keep(replace(blank, error=str(error)))
            return
        report, problem = self.bench.score(result.path, split_enhanced(asked.prompt)[0], watch)
        kept = self._keep(replace(
            blank, seed=result.request.seed, path=result.path, generation_id=self.bench.generation_id(result.path),
            warnings=(*result.warnings, *filter(None, [problem])), total=total_of(report), report=as_json(report)))
        self.results[kept.id] = result
        if report is not None:
            self.reports[kept.id] = report

    def _keep(self, attempt: AttemptRecord) -> AttemptRecord:
        kept = self.bench.store.attempts.add_attempt(attempt)
        self.made.append(kept)
        self.watch.on_attempt(kept)
        return kept


def _numbered(request: VideoRequest, number: int) -> VideoRequest:
    """With a name of its own, where the request names the file."""
    if request.output.path is None:
        return request
    path = Path(request.output.path)
    named = path.with_name(f"{path.stem}_attempt{number}{path.suffix}")
    return request.with_(output=replace(request.output, path=named))


# -- judging ----------------------------------------------------------------------------------------------------


def _judge(tries: _Tries) -> Verdict:
    """Rank what was scored; say what the numbers cannot decide."""
    made = sorted(tries.made, key=lambda attempt: attempt.number)
    scored = [attempt for attempt in made if attempt.id in tries.reports]
    reports = [tries.reports[attempt.id] for attempt in scored]
    ranking = rank(reports, tries.bench.options.weights, expects_motion=True)
    with_video = [attempt for attempt in made if attempt.path is not None]
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
