"""Routes of the queue. They read and write rows; the work itself happens in the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, StreamingResponse
from starlette.exceptions import HTTPException

from .. import __version__, resolve
from ..errors import EngineError, QueueError, RequestError, StoreError, WgpError, WorkerError
from ..request import MAX_PROMPT_CHARS, VideoRequest
from ..store.records import JobRecord, JobState
from . import events
from .attempt_routes import build_attempt_router
from .document_routes import build_document_router
from .enhance_routes import build_enhance_router
from .enhance_schemas import EnhanceProblemOut
from .schemas import Answer, GenerationIn, GenerationOut, HealthOut, NotFound, ProblemOut
from .storyboard_routes import build_storyboard_router

if TYPE_CHECKING:
    from ..context import Studio

JobId = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="The id that the submission returned.")]
_MISSING = {404: {"model": ProblemOut, "description": "There is no such job."}}
_NO_FRAME = {404: {"model": ProblemOut, "description": "There is no such hero frame."}}
_CONFLICT = {409: {"model": ProblemOut, "description": "The job's state does not allow it."}}
_BAD = {422: {"model": ProblemOut, "description": "The request cannot be carried out."}}
_UNREADABLE = {400: {"model": ProblemOut, "description": "The body is no JSON."}}
EVERYWHERE: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemOut, "description": "A name and a password are needed."},
    403: {"model": ProblemOut, "description": "Asked by a page of another site, or under a foreign name."},
    413: {"model": ProblemOut, "description": "The body is too large."},
    503: {"model": ProblemOut, "description": "The server cannot do it now; the reason is in the answer."},
}
_EVENTS = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": (
        "id: 1-running\nevent: state\ndata: {\"id\": \"0a1b2c3d4e5f\", \"state\": \"running\", \"attempts\": 1}\n\n")}},
        "description": "Events `state`, `progress` and `done`; the stream ends after `done`."},
    204: {"description": "The reader has heard everything (see `Last-Event-ID`)."},
}


def build_router(studio: Studio, closing: Callable[[], bool]) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["generations"], responses={**_BAD})

    @router.post("/generations", status_code=201, responses={**_UNREADABLE, **_NO_FRAME})
    def submit(body: GenerationIn) -> GenerationOut:
        """Queue a video. The answer comes at once; ask for the job to see how it goes."""
        request = _with_scene_fields(_request_of(body.request, studio), body, studio)
        resolve.resolve(request, studio.engines, studio.settings)
        return GenerationOut.of(studio.queue.submit(request, source="api", priority=body.priority))

    @router.get("/generations")
    def jobs(state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
             limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[GenerationOut]:
        """Jobs: running first, then waiting in order, then finished, newest first."""
        return [GenerationOut.of(job) for job in studio.queue.jobs(*([state] if state else []), limit=limit)]

    @router.get("/generations/{job_id}", responses={**_MISSING})
    def job(job_id: JobId) -> GenerationOut:
        """One job, with its progress."""
        return GenerationOut.of(_get(studio, job_id))

    @router.delete("/generations/{job_id}", responses={**_MISSING, **_CONFLICT})
    def cancel(job_id: JobId) -> GenerationOut:
        """Cancel a waiting or running job. What is finished stays as it is."""
        _get(studio, job_id)
        return GenerationOut.of(studio.queue.cancel(job_id))

    @router.get("/generations/{job_id}/video", responses={
        **_MISSING, 200: {"content": {"video/mp4": {}}, "description": "The file."}}, response_class=FileResponse)
    def video(job_id: JobId) -> FileResponse:
        """The finished video."""
        record = _get(studio, job_id)
        found = studio.store.library.get(record.generation_id) if record.generation_id else None
        if found is None or not found.path.is_file():
            raise NotFound(f"Job {job_id} has no video (it is {record.state.value}).")
        return FileResponse(found.path, filename=found.path.name)

    @router.get("/generations/{job_id}/events", responses={**_MISSING, **_EVENTS}, response_class=StreamingResponse)
    def news(job_id: JobId, last_event_id: Annotated[str, Header(
            max_length=100, description="The id of the last event that was heard.")] = "") -> Response:
        """The job's news as server-sent events, until it has ended."""
        if events.is_over(_get(studio, job_id), last_event_id):
            return Response(status_code=204)
        return StreamingResponse(events.stream(lambda: _find(studio, job_id), closing, last_event_id),
                                 media_type="text/event-stream", headers={"cache-control": "no-store"})

    @router.get("/health")
    def health() -> HealthOut:
        """Whether the server answers, and how much waits."""
        counts = studio.queue.counts()
        return HealthOut(status="ok", version=__version__, queued=counts[JobState.QUEUED],
                         running=counts[JobState.RUNNING])

    return router


def _request_of(given: Mapping[str, Any], studio: Studio) -> VideoRequest:
    """The settings' defaults under the caller's keys; callers over HTTP choose no files of this machine."""
    for name in ("start_image", "end_image"):
        if given.get(name):
            raise RequestError(f"{name} cannot be set over HTTP: paths of this machine are not the caller's.",
                               field=name, fix="Add the picture in the window.")
    start = resolve.new_request(studio.settings, prompt="").to_dict()
    merged = {**start, **given}
    for name in ("output", "retry"):
        if isinstance(given.get(name), dict):
            merged[name] = {**start[name], **given[name]}
    request = VideoRequest.from_dict(merged)
    if request.output.path is not None:
        raise RequestError("output.path cannot be set over HTTP.", field="output.path",
                           fix="Leave it out; the file is at video_url when it is done.")
    if request.output.soundtrack is not None:
        raise RequestError("output.soundtrack cannot be set over HTTP: paths of this machine are not the caller's.",
                           field="output.soundtrack", fix="Leave it out, and add the sound on your side.")
    if request.documents is not None and request.documents.chunks is not None:
        raise RequestError("documents.chunks cannot be set over HTTP: paths of this machine are not the caller's.",
                           field="documents.chunks", fix="Name a collection; GET /documents/collections lists them.")
    if request.loras:
        for lora in request.loras:
            if lora.path.is_absolute() or ".." in lora.path.parts:
                raise RequestError(f"The LoRA path {lora.path} leaves the LoRA folder.", field="loras",
                                   fix="Name a file below loras/.")
        request = replace(request, loras=tuple(replace(lora, path=studio.paths.loras / lora.path)
                                               for lora in request.loras))
    return request


def _with_scene_fields(request: VideoRequest, body: GenerationIn, studio: Studio) -> VideoRequest:
    """With the hero frame as its start image, and with the negative prompt and the camera that stand beside it."""
    given: dict[str, Any] = {"negative_prompt": body.negative_prompt, "camera": body.camera_movement}
    if body.hero_frame_id:
        try:
            given["start_image"] = studio.store.attempts.hero(body.hero_frame_id).path
        except StoreError as error:
            raise NotFound(error.message) from error
    return request.with_(**{name: value for name, value in given.items() if value is not None})


def _find(studio: Studio, job_id: str) -> JobRecord | None:
    try:
        return studio.queue.get(job_id)
    except QueueError:
        return None


def _get(studio: Studio, job_id: str) -> JobRecord:
    try:
        return studio.queue.get(job_id)
    except QueueError as error:
        raise NotFound(error.message) from error


def add_api(app: FastAPI, studio: Studio, closing: Callable[[], bool] = lambda: False) -> None:
    """Put the API's routes and its error answers on `app`; those that take long end when `closing` says so."""
    app.include_router(build_router(studio, closing), responses=EVERYWHERE)
    app.include_router(build_enhance_router(studio, closing), responses=EVERYWHERE)
    app.include_router(build_document_router(studio, closing), responses=EVERYWHERE)
    app.include_router(build_storyboard_router(studio, closing), responses=EVERYWHERE)
    app.include_router(build_attempt_router(studio, closing, lambda given: _request_of(given, studio)),
                       responses=EVERYWHERE)

    @app.exception_handler(NotFound)
    def missing(request: Request, error: NotFound) -> Answer:
        return Answer(ProblemOut(error=str(error)).model_dump(), 404)

    @app.exception_handler(QueueError)
    def conflict(request: Request, error: QueueError) -> Answer:
        return Answer(ProblemOut(error=error.message, fix=error.fix).model_dump(), 409)

    @app.exception_handler(WgpError)
    def refused(request: Request, error: WgpError) -> Answer:
        field = error.field if isinstance(error, RequestError) else ""
        status = 503 if isinstance(error, (StoreError, WorkerError, EngineError)) else 422
        return Answer(ProblemOut(error=error.message, field=field, fix=error.fix).model_dump(), status)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Answer:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return _refusal(request, 422, f"The body is no JSON: {first.get('ctx', {}).get('error', first['msg'])}.")
        place = ".".join(str(part) for part in first["loc"][1:])
        return _refusal(request, 422, f"{place or 'body'}: {first['msg']}", field=place, body=error.body)

    @app.exception_handler(HTTPException)
    def no_route(request: Request, error: HTTPException) -> Answer:
        return _refusal(request, error.status_code, str(error.detail), headers=error.headers)


def _refusal(request: Request, status: int, error: str, *, field: str = "", body: object = None,
             headers: Mapping[str, str] | None = None) -> Answer:
    """A problem in the shape of the route: an enhancement gives the prompt back, where it could be read."""
    if request.url.path.startswith("/enhance/") or request.url.path == "/enhance":
        given = body.get("prompt") if isinstance(body, dict) else ""
        prompt = given if isinstance(given, str) and len(given) <= MAX_PROMPT_CHARS else ""
        problem = EnhanceProblemOut.of(prompt, error, field=field).model_dump()
    else:
        problem = ProblemOut(error=error, field=field).model_dump()
    return Answer(problem, status, headers)
