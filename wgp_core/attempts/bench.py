"""What the loop works with beside the request, and small things that its steps share."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MediaError, RequestError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..generate import GenerationContext
from ..quality.metric import AlignmentScorer
from ..quality.models import QualityModels
from ..quality.score import ScoreOptions, score_file
from ..quality.types import QualityError, QualityReport
from ..request import MAX_SEED, VideoRequest
from ..store.attempt_records import AttemptRecord

if TYPE_CHECKING:
    from ..store import Store


@dataclass
class Workbench:
    """Generation, store and judge. The context's recorder must take several results (a library's, not a job's).

    `models` None scores by estimates only.
    """

    context: GenerationContext
    store: Store
    options: ScoreOptions = field(default_factory=ScoreOptions)
    models: QualityModels | None = None

    @classmethod
    def of(cls, context: GenerationContext, store: Store, scorers: Sequence[AlignmentScorer] = ()) -> Workbench:
        """With weights, threshold and models as the settings say."""
        settings = context.settings
        models = None
        if settings.quality_models:
            models = QualityModels(context.paths, settings.device, settings.cache_root)
        return cls(context, store, ScoreOptions.of(settings, scorers), models)

    def score(self, file: Path, prompt: str, watch: Watch) -> tuple[QualityReport | None, str]:
        """(Report, "") or (None, why it could not be scored): an unscored video is still a video."""
        try:
            return score_file(file, prompt, options=self.options, models=self.models, on_progress=watch.on_progress,
                              cancel=watch.cancel), ""
        except (MediaError, QualityError) as error:
            return None, f"It could not be scored: {error}"

    def generation_id(self, file: Path) -> str | None:
        """The library's id of a file; None where it is not recorded."""
        found = self.store.library.find_by_path(file)
        return None if found is None else found.id


@dataclass(frozen=True)
class Watch:
    """How a caller follows and stops the work; `on_attempt` is told each attempt as soon as it is kept.

    With `whole`, `step` of `total` is told of all that was asked for, else of the stage.
    """

    on_progress: ProgressCallback = ignore_progress
    cancel: CancelToken = field(default_factory=CancelToken)
    on_attempt: Callable[[AttemptRecord], None] = lambda attempt: None
    whole: bool = False

    def making(self, what: str, number: int, of: int) -> Watch:
        """For picture or video `number` (from 1) of several: "Attempt 2 of 3: Drawing frames"."""
        return self._within(f"{what} {number} of {of}", number, of, _share_of_one)

    def part(self, what: str, number: int, of: int) -> Watch:
        """For a part that itself makes several."""
        return self._within(f"{what} {number} of {of}", number, of, lambda event: event.fraction)

    def _within(self, title: str, number: int, of: int, share: Callable[[Progress], float]) -> Watch:
        def tell(event: Progress) -> None:
            told = replace(event, message=f"{title}: {event.message or event.stage.label}")
            if self.whole:
                told = replace(told, step=round(SCALE * (number - 1 + share(event))), total=SCALE * of, eta_s=None)
            self.on_progress(told)

        return replace(self, on_progress=tell)


SCALE = 1000
_MADE = 0.75
"""Share of the work on one video that is over when only the scores are missing."""


def _share_of_one(event: Progress) -> float:
    """How far one picture or video with its scores is, 0..1."""
    if event.stage is Stage.RENDER:
        return _MADE * event.fraction
    if event.stage in (Stage.ENCODE, Stage.RECORD):
        return _MADE
    if event.stage is Stage.CHECK:
        return _MADE + (1 - _MADE) * event.fraction * (event.total > 1)
    return 0.0


@dataclass(frozen=True)
class Origin:
    """Where a round comes from: a scene that is there, a hero frame, the attempt that it refines. All may be open.

    `automatic` says that no person asked for this very round.
    """

    scene_id: str = ""
    hero_frame_id: str | None = None
    parent_attempt_id: str | None = None
    automatic: bool = False


def seeds(request: VideoRequest, count: int, first: int | None = None) -> tuple[int, ...]:
    """Different seeds: drawn where the request has -1 (`first` in front where given), else counting from its own."""
    if request.seed != -1:
        return tuple((request.seed + i) % (MAX_SEED + 1) for i in range(count))
    found = [] if first is None else [first]
    while len(found) < count:
        drawn = secrets.randbelow(MAX_SEED + 1)
        if drawn not in found:
            found.append(drawn)
    return tuple(found[:count])


def check_count(count: int, most: int, what: str) -> None:
    """Raise `RequestError` for a number of pictures or videos that cannot be meant."""
    if not 1 <= count <= most:
        raise RequestError(f"{count} {what} were asked for; it must be from 1 to {most}.", field=what)


def total_of(report: QualityReport | None) -> float | None:
    return None if report is None else report.total.value


def as_json(report: QualityReport | None) -> dict[str, Any] | None:
    return None if report is None else report.to_dict()
