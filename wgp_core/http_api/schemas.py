"""What goes over the wire. A request is the same JSON as in a batch file; see `wgp_core.request.VideoRequest`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter

from ..request import MAX_PROMPT_CHARS, CameraMovement, VideoRequest
from ..store.records import JobRecord, JobState


class DescribedAs:
    """Shows the schema of a type where a plain JSON object is taken (what it holds is checked later, in its words)."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __get_pydantic_json_schema__(self, _schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(TypeAdapter(self._kind).core_schema)


class GenerationIn(BaseModel):
    """A job to queue. `request` takes the keys of a batch file's line; only `prompt` is needed.

    `hero_frame_id` is a still that the video begins with; `negative_prompt` and `camera_movement` go before those in
    `request`.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={
        "examples": [{"request": {"prompt": "how gradient descent finds a minimum", "seconds": 6}}]})

    request: Annotated[dict[str, Any], DescribedAs(VideoRequest)]
    priority: int = Field(0, ge=-100, le=100)
    hero_frame_id: str = Field("", pattern="^([0-9a-f]{12})?$")
    negative_prompt: str | None = Field(None, max_length=MAX_PROMPT_CHARS)
    camera_movement: CameraMovement | None = None


class ProgressOut(BaseModel):
    stage: str
    step: int
    total: int
    message: str
    eta_s: float | None


class GenerationOut(BaseModel):
    """A job as it stands. `video_url` is there once it is done."""

    id: str
    state: JobState
    request: dict[str, Any]
    error: str
    warnings: list[str]
    attempts: int
    progress: ProgressOut | None
    created_at: datetime | None
    finished_at: datetime | None
    video_url: str | None

    @staticmethod
    def of(job: JobRecord) -> GenerationOut:
        progress = job.progress and ProgressOut(
            stage=job.progress.stage.value, step=job.progress.step, total=job.progress.total,
            message=job.progress.message, eta_s=job.progress.eta_s)
        return GenerationOut(
            id=job.id, state=job.state, request=job.request.to_dict(), error=job.error, warnings=list(job.warnings),
            attempts=job.attempts, progress=progress, created_at=job.created_at, finished_at=job.finished_at,
            video_url=f"/api/generations/{job.id}/video" if job.state is JobState.DONE else None)


class ProblemOut(BaseModel):
    """Every error: what is wrong, which field, and what to do."""

    error: str
    field: str = ""
    fix: str = ""


class NotFound(Exception):
    """Nothing of that name is there; answered with 404."""


class StateOut(BaseModel):
    """The data of a `state` event."""

    id: str
    state: JobState
    attempts: int


class Answer(JSONResponse):
    """JSON in ASCII: what a caller sent, and gets quoted, need not be text that UTF-8 can write."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class HealthOut(BaseModel):
    status: str
    version: str
    queued: int
    running: int
