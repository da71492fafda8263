"""Routes of the queue. They read and write rows; the work itself happens in the worker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse

from .. import __version__, resolve
from ..errors import QueueError, RequestError, WgpError
from ..request import VideoRequest
from ..store.records import JobState
from .schemas import GenerationIn, GenerationOut, HealthOut, ProblemOut

if TYPE_CHECKING:
    from ..context import Studio

JobId = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="The id that the submission returned.")]
_MISSING = {404: {"model": ProblemOut, "description": "There is no such job."}}
_CONFLICT = {409: {"model": ProblemOut, "description": "The job's state does not allow it."}}
_BAD = {422: {"model": ProblemOut, "description": "The request cannot be carried out."}}


class NotFound(Exception):
    """No job, or no file, of that name."""


def build_router(studio: Studio) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["generations"], responses={**_BAD})

    @router.post("/generations", status_code=201)
    def submit(body: GenerationIn) -> GenerationOut:
        """Queue a video. The answer comes at once; ask for the job to see how it goes."""
        request = _request_of(body, studio)
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

    @router.get("/health")
    def health() -> HealthOut:
        """Whether the server answers, and how much waits."""
        counts = studio.queue.counts()
        return HealthOut(status="ok", version=__version__, queued=counts[JobState.QUEUED],
                         running=counts[JobState.RUNNING])

    return router


def _request_of(body: GenerationIn, studio: Studio) -> VideoRequest:
    """The settings' defaults under the caller's keys; callers over HTTP choose no files of this machine."""
    for name in ("start_image", "end_image"):
        if body.request.get(name):
            raise RequestError(f"{name} cannot be set over HTTP: paths of this machine are not the caller's.",
                               field=name, fix="Add the picture in the window.")
    start = resolve.new_request(studio.settings, prompt="").to_dict()
    merged = {**start, **body.request}
    for name in ("output", "retry"):
        if isinstance(body.request.get(name), dict):
            merged[name] = {**start[name], **body.request[name]}
    request = VideoRequest.from_dict(merged)
    if request.output.path is not None:
        raise RequestError("output.path cannot be set over HTTP.", field="output.path",
                           fix="Leave it out; the file is at video_url when it is done.")
    if request.loras:
        for lora in request.loras:
            if lora.path.is_absolute() or ".." in lora.path.parts:
                raise RequestError(f"The LoRA path {lora.path} leaves the LoRA folder.", field="loras",
                                   fix="Name a file below loras/.")
        request = replace(request, loras=tuple(replace(lora, path=studio.paths.loras / lora.path)
                                               for lora in request.loras))
    return request


def _get(studio: Studio, job_id: str):
    try:
        return studio.queue.get(job_id)
    except QueueError as error:
        raise NotFound(error.message) from error


def add_api(app: FastAPI, studio: Studio) -> None:
    """Put the API's routes and its error answers on `app`."""
    app.include_router(build_router(studio))

    @app.exception_handler(NotFound)
    def missing(request: Request, error: NotFound) -> JSONResponse:
        return JSONResponse(ProblemOut(error=str(error)).model_dump(), 404)

    @app.exception_handler(QueueError)
    def conflict(request: Request, error: QueueError) -> JSONResponse:
        return JSONResponse(ProblemOut(error=error.message, fix=error.fix).model_dump(), 409)

    @app.exception_handler(WgpError)
    def refused(request: Request, error: WgpError) -> JSONResponse:
        field = error.field if isinstance(error, RequestError) else ""
        return JSONResponse(ProblemOut(error=error.message, field=field, fix=error.fix).model_dump(), 422)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return JSONResponse(ProblemOut(error=f"{place or 'body'}: {first['msg']}", field=place).model_dump(), 422)
