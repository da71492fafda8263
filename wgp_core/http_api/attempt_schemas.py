"""What the routes of hero frames and attempts take and give. Scores are 0 to 1; scenes count from 1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..attempts import Overview, TrendPoint, Workflow
from ..attempts.heroes import MOST_HEROES
from ..attempts.refining import MOST_ROUNDS, as_json
from ..attempts.rounds import MOST_ATTEMPTS
from ..jobs.attempt_desk import CROSSFADE_S, MOST_NOTES, AttemptAction
from ..quality.suggest import Suggestion
from ..request import MAX_PROMPT_CHARS, MAX_SEED, CameraMovement, VideoRequest
from ..store.attempt_records import AttemptRecord, HeroFrameRecord, IterationRecord, IterationState, SceneRecord
from .schemas import DescribedAs
from .work_events import WorkNow

ID = "^[0-9a-f]{12}$"
Prompt = Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]


class SceneNewIn(BaseModel):
    """A scene to begin, without making anything yet. `generation_id` adds it to the scenes of a film."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={
        "examples": [{"request": {"prompt": "a red fox runs through snow", "seconds": 2}}]})

    request: Annotated[dict[str, Any], DescribedAs(VideoRequest)]
    generation_id: str = Field("", pattern="^([0-9a-f]{12})?$")


class HeroesIn(BaseModel):
    """How many stills to draw; `model` empty takes the best one here; `enhance` has the prompt enriched first."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"count": 4}]})

    count: int = Field(4, ge=1, le=MOST_HEROES)
    model: str = Field("", max_length=300)
    enhance: bool = False
    scene: int = Field(1, ge=1, le=1000)


class RedrawIn(BaseModel):
    """What to change; what is left out stays. `seed` -1 draws another."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"seed": -1}]})

    prompt: Prompt | None = Field(None, min_length=1)
    negative_prompt: Prompt | None = None
    seed: int | None = Field(None, ge=-1, le=MAX_SEED)
    model: str | None = Field(None, max_length=300)

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class ProcessIn(BaseModel):
    """Attempts from the chosen hero frame, or from `hero_frame_id`, which is then chosen."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"attempts": 3}]})

    attempts: int = Field(3, ge=1, le=MOST_ATTEMPTS)
    hero_frame_id: str = Field("", pattern="^([0-9a-f]{12})?$")
    scene: int = Field(1, ge=1, le=1000)


class RegenerateIn(BaseModel):
    """The next round of a scene; what is left out stays as in the attempt that it goes on from.

    `parent_attempt_id` empty goes on from what counts for the scene; `keep_hero_frame` false starts from no picture.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={
        "examples": [{"prompt": "a red fox runs through deep snow", "attempts": 3}]})

    prompt: Prompt | None = Field(None, min_length=1)
    negative_prompt: Prompt | None = None
    camera_movement: CameraMovement | None = None
    seed: int = Field(-1, ge=-1, le=MAX_SEED)
    attempts: int = Field(3, ge=1, le=MOST_ATTEMPTS)
    parent_attempt_id: str = Field("", pattern="^([0-9a-f]{12})?$")
    keep_hero_frame: bool = True

    def applied(self, request: VideoRequest) -> VideoRequest:
        given = {"prompt": self.prompt, "negative_prompt": self.negative_prompt, "camera": self.camera_movement}
        return request.with_(seed=self.seed, **{name: value for name, value in given.items() if value is not None})


class RefineIn(BaseModel):
    """Up to `rounds` times: a suggestion, `attempts` tries, kept only if the score rises."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rounds": 1, "attempts": 3}]})

    rounds: int = Field(1, ge=1, le=MOST_ROUNDS)
    attempts: int = Field(3, ge=1, le=MOST_ATTEMPTS)


class DecisionIn(BaseModel):
    """A person's word on a suggestion."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={
        "examples": [{"attempt_id": "0a1b2c3d4e5f", "accepted": True}]})

    attempt_id: str = Field(pattern=ID)
    accepted: bool


class RoundIn(BaseModel):
    """What a person says of a round."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"flagged": True}]})

    flagged: bool | None = None
    notes: str | None = Field(None, max_length=MOST_NOTES)


class FilmIn(BaseModel):
    """How the selected scenes are joined. `crossfade` in seconds, 0 cuts; `name` empty names the file itself.

    `soundtrack` is what `PUT .../soundtrack` returned; empty takes the first that a scene asks for.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"crossfade": 0.4}]})

    crossfade: float = Field(CROSSFADE_S, ge=0, le=5)
    name: str = Field("", max_length=100)
    soundtrack: str = Field("", max_length=100, pattern=r"^([0-9a-f]{16}-[\w.-]+)?$")


class SoundtrackOut(BaseModel):
    """A file with sound that is kept for a film: its name for `finalize`. It is kept for a day at least."""

    soundtrack: str


class SceneOut(BaseModel):
    """A scene as it stands. `selected_attempt_id` is what counts now, `unfinished` the rounds that were cut off."""

    id: str
    generation_id: str
    number: int
    prompt: str
    negative_prompt: str
    camera_movement: CameraMovement
    hero_frame_id: str | None
    selected_attempt_id: str | None
    iterations: int
    unfinished: list[str]
    busy: bool
    created_at: datetime | None

    @staticmethod
    def of(scene: SceneRecord, iterations: int, unfinished: list[str], *, busy: bool) -> SceneOut:
        return SceneOut(
            id=scene.id, generation_id=scene.work_id, number=scene.number, prompt=scene.prompt,
            negative_prompt=scene.negative_prompt, camera_movement=scene.camera_movement,
            hero_frame_id=scene.hero_frame_id, selected_attempt_id=scene.selected_attempt_id, iterations=iterations,
            unfinished=unfinished, busy=busy, created_at=scene.created_at)


class HeroOut(BaseModel):
    """A hero frame. `parent_id` is the one it was drawn from anew, `changes` what differs from that."""

    id: str
    scene: int
    number: int
    prompt: str
    enhanced_prompt: str | None
    negative_prompt: str
    seed: int
    engine: str
    model: str | None
    total: float | None
    selected: bool
    parent_id: str | None
    changes: dict[str, Any]
    picture_url: str | None

    @staticmethod
    def of(hero: HeroFrameRecord, scene: SceneRecord) -> HeroOut:
        url = f"/api/generations/{scene.work_id}/hero-frames/{hero.id}/picture" if hero.path.is_file() else None
        return HeroOut(
            id=hero.id, scene=scene.number, number=hero.number, prompt=hero.prompt,
            enhanced_prompt=hero.enhanced_prompt, negative_prompt=hero.negative_prompt, seed=hero.seed,
            engine=hero.engine, model=hero.model, total=hero.total, selected=hero.id == scene.hero_frame_id,
            parent_id=hero.parent_id, changes=dict(hero.changes), picture_url=url)


class AttemptOut(BaseModel):
    """An attempt. `proposed` is what the scores took, `selected` what was taken in its round, `counts` what counts for
    its scene now."""

    id: str
    scene: int
    iteration: int
    iteration_id: str
    number: int
    seed: int
    total: float | None
    rank: int | None
    proposed: bool
    selected: bool
    by_person: bool
    counts: bool
    parent_attempt_id: str | None
    error: str
    warnings: list[str]
    report: dict[str, Any] | None
    video_url: str | None

    @staticmethod
    def of(attempt: AttemptRecord, round_: IterationRecord, scene: SceneRecord) -> AttemptOut:
        there = attempt.path is not None and attempt.path.is_file()
        return AttemptOut(
            id=attempt.id, scene=scene.number, iteration=round_.iteration, iteration_id=round_.id,
            number=attempt.number, seed=attempt.seed, total=attempt.total, rank=attempt.rank,
            proposed=attempt.proposed, selected=attempt.selected, by_person=attempt.by_person,
            counts=attempt.id == scene.selected_attempt_id, parent_attempt_id=attempt.parent_attempt_id,
            error=attempt.error, warnings=list(attempt.warnings),
            report=None if attempt.report is None else dict(attempt.report),
            video_url=f"/api/generations/{scene.work_id}/attempts/{attempt.id}/video" if there else None)


class RoundOut(BaseModel):
    """A round of attempts: its request, what changed, why a person should look."""

    id: str
    scene_id: str
    iteration: int
    state: IterationState
    request: dict[str, Any]
    changes: dict[str, Any]
    review: list[str]
    automatic: bool
    flagged: bool
    notes: str

    @staticmethod
    def of(round_: IterationRecord) -> RoundOut:
        return RoundOut(
            id=round_.id, scene_id=round_.scene_id, iteration=round_.iteration, state=round_.state,
            request=round_.request.to_dict(), changes=dict(round_.changes), review=list(round_.review),
            automatic=round_.automatic, flagged=round_.flagged, notes=round_.notes)


class SuggestionOut(BaseModel):
    """A change of words: the whole new texts, and pieces of the diff as `action` (keep, add, remove) and `text`.

    `decided` says whether a person took it (true) or refused it (false).
    """

    key: str
    attempt_id: str
    dimension: str
    reason: str
    prompt: str
    negative_prompt: str
    prompt_diff: list[dict[str, str]]
    negative_diff: list[dict[str, str]]
    gain: float
    source: str
    """The language model that made it, or "rules"."""
    decided: bool | None

    @staticmethod
    def of(suggestion: Suggestion, attempt_id: str, decided: bool | None) -> SuggestionOut:
        return SuggestionOut(attempt_id=attempt_id, decided=decided, **as_json(suggestion))


class AskModelIn(BaseModel):
    """The attempt whose weaknesses a language model is told."""

    model_config = ConfigDict(extra="forbid")

    attempt_id: str = Field(pattern=ID)


class SceneReportOut(BaseModel):
    """The scores of what counts for a scene."""

    scene: int
    scene_id: str
    attempt_id: str | None
    total: float | None
    basis: str
    """ "exact", "estimate", "mixed" or "none": what kinds of scores the total rests on."""
    redo: bool
    review: list[str]
    report: dict[str, Any] | None


class QualityOut(BaseModel):
    """A work as it stands: `overall` is the mean of its scenes' totals."""

    generation_id: str
    overall: float | None
    scenes: list[SceneReportOut]


class PointOut(BaseModel):
    """One iteration of a scene. `gain` is over the attempt it went on from; null where the two cannot be compared."""

    iteration: int
    iteration_id: str
    state: IterationState
    automatic: bool
    selected_attempt_id: str | None
    total: float | None
    mean_total: float | None
    gain: float | None
    dimensions: dict[str, float]
    changes: dict[str, Any]
    review: list[str]

    @staticmethod
    def of(point: TrendPoint) -> PointOut:
        round_ = point.iteration
        return PointOut(
            iteration=round_.iteration, iteration_id=round_.id, state=round_.state, automatic=round_.automatic,
            selected_attempt_id=point.selected and point.selected.id, total=point.total, mean_total=point.mean_total,
            gain=point.gain, dimensions=dict(point.dimensions), changes=dict(round_.changes),
            review=list(round_.review))


class FiguresOut(BaseModel):
    """How the work on a scene went."""

    rounds: int
    attempts: int
    failed: int
    decided: int
    accepted: int
    refinements: int
    automatic: int
    manual: int
    mean_gain: float | None
    suggestions_decided: int
    suggestions_accepted: int

    @staticmethod
    def of(figures: Workflow) -> FiguresOut:
        return FiguresOut(manual=figures.manual, **vars(figures))


class SceneTrendOut(BaseModel):
    scene: int
    scene_id: str
    points: list[PointOut]
    figures: FiguresOut


class TrendsOut(BaseModel):
    """Scores over the iterations; `redo` are the numbers of the scenes that should be made again."""

    generation_id: str
    overall: float | None
    redo: list[int]
    scenes: list[SceneTrendOut]


class AttemptWorkOut(WorkNow):
    """Work on a scene, as it stands; `step` of `total` are told of all of it."""

    action: AttemptAction
    scene_id: str

    @field_validator("result", mode="before")
    @classmethod
    def _without_paths(cls, result: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Files of this machine by their names alone."""
        return result and {
            name: str(value).replace("\\", "/").rpartition("/")[2] if name in ("file", "manifest") else value
            for name, value in result.items()}


def report_out(scene: SceneRecord, attempt: AttemptRecord | None, review: list[str], look: Overview) -> SceneReportOut:
    report: Mapping[str, Any] = (attempt.report if attempt else None) or {}
    return SceneReportOut(
        scene=scene.number, scene_id=scene.id, attempt_id=attempt and attempt.id, total=attempt and attempt.total,
        basis=str(report.get("total", {}).get("basis", "none")), redo=scene.id in look.redo, review=review,
        report=dict(report) or None)
