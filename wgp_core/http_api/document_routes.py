"""Collections of documents over HTTP: list, read, refresh, take out, rename, delete, search, plan.

Reading goes on in a worker after the answer (202); its state can be asked for or listened to. A question is answered in
the assistant; a caller who hangs up gives its place free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, File, Form, Header, Path, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, StreamingResponse

from ..documents import collections
from ..documents.types import Collection
from ..errors import Cancelled, QueueError, WorkerError
from ..events import CancelToken
from ..jobs.document_desk import DocumentWork, Upload, document_names
from ..jobs.uploads import UploadFolder
from . import work_events
from .document_schemas import CollectionOut, PlanIn, PlanOut, RenameIn, SearchIn, SearchOut, WorkOut
from .enhance_routes import CLOSING_EVERY_S, hung_up
from .schemas import NotFound, ProblemOut

if TYPE_CHECKING:
    from ..context import Studio

Value = TypeVar("Value")
Name = Annotated[str, Path(min_length=1, max_length=60, description="The collection's name.")]
WorkId = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="The id that the submission returned.")]
_BAD = {422: {"model": ProblemOut, "description": "The request cannot be carried out."}}
_MISSING = {404: {"model": ProblemOut, "description": "There is no such collection, work or file."}}
_CONFLICT = {409: {"model": ProblemOut, "description": "The collection is being read."}}
_UNREADABLE = {400: {"model": ProblemOut, "description": "The body cannot be read."}}
_LINES = {200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}},
                "description": "One JSON object a line: the passage, its place, `reason` and `score`."}}


def build_document_router(studio: Studio, closing: Callable[[], bool]) -> APIRouter:
    router = APIRouter(prefix="/documents", tags=["documents"], responses={**_BAD})
    _add_collections(router, studio)
    _add_work(router, studio, closing)
    _add_questions(router, studio, closing)
    return router


def _add_collections(router: APIRouter, studio: Studio) -> None:
    @router.get("/collections")
    def listed() -> list[CollectionOut]:
        """All collections, by name."""
        found = collections.list_collections(studio.paths)
        return [CollectionOut.of(one, busy=studio.documents.busy(one.collection.name)) for one in found]

    @router.post("/collections", status_code=202, responses={**_CONFLICT, **_UNREADABLE})
    def add(name: Annotated[str, Form(min_length=1, max_length=60, description="The collection, new or not.")],
            files: Annotated[list[UploadFile], File(description="PDF, TXT, Markdown, HTML or DOCX.")]) -> WorkOut:
        """Read documents into a collection. The answer comes at once; ask for the work to see how it goes.

        A document with the name of one that is there takes its place.
        """
        collections.check_name(name)
        studio.documents.check_free(name)
        names = document_names([file.filename or "" for file in files])
        folder = UploadFolder(studio.paths.uploads)
        kept = [Upload(folder.keep_stream(file.file, label), label) for file, label in zip(files, names, strict=True)]
        return WorkOut.of(studio.documents.add(name, kept))

    @router.get("/collections/{name}", responses={**_MISSING})
    def one(name: Name) -> CollectionOut:
        """One collection with its documents."""
        return CollectionOut.of(collections.summary_of(_get(studio, name)), busy=studio.documents.busy(name))

    @router.delete("/collections/{name}", status_code=204, responses={**_MISSING, **_CONFLICT})
    def delete(name: Name) -> Response:
        """Put a collection into the trash."""
        item = _get(studio, name)
        studio.documents.check_free(item.name)
        collections.delete(studio.paths, item.name)
        studio.documents.changed_elsewhere(item.name)
        return Response(status_code=204)

    @router.delete("/collections/{name}/documents/{source:path}", status_code=202,
                   responses={**_MISSING, **_CONFLICT})
    def take_out(name: Name, source: Annotated[str, Path(min_length=1, max_length=1000, description="The document's "
                                                         "name in the collection.")]) -> WorkOut:
        """Take one document out of a collection. The last one stays: delete the collection instead."""
        item = _get(studio, name)
        if source not in [one.source for one in collections.summary_of(item).documents]:
            raise NotFound(f"{item.name!r} has no document named {source!r}.")
        return WorkOut.of(studio.documents.remove(item.name, source))

    @router.get("/collections/{name}/rejected", responses={**_MISSING, **_LINES}, response_class=FileResponse)
    def rejected(name: Name) -> FileResponse:
        """What cleaning left out, with the reason for each."""
        path: FilePath = _get(studio, name).files.rejected
        if not path.is_file():
            raise NotFound(f"Nothing is kept of what was left out of {name!r}.")
        return FileResponse(path, media_type="application/x-ndjson", filename=f"{name}.rejected.jsonl")

    @router.post("/{name}/rename", responses={**_MISSING, **_CONFLICT, **_UNREADABLE})
    def rename(name: Name, body: RenameIn) -> CollectionOut:
        """Give a collection another name."""
        item = _get(studio, name)
        studio.documents.check_free(item.name)
        now = collections.rename(studio.paths, item.name, body.name)
        studio.documents.changed_elsewhere(item.name)
        return CollectionOut.of(collections.summary_of(now), busy=False)

    @router.post("/{name}/refresh", status_code=202, responses={**_MISSING, **_CONFLICT})
    def refresh(name: Name) -> WorkOut:
        """Read again what changed since."""
        return WorkOut.of(studio.documents.refresh(_get(studio, name).name))


def _add_work(router: APIRouter, studio: Studio, closing: Callable[[], bool]) -> None:
    @router.get("/work/{work_id}", responses={**_MISSING})
    def work(work_id: WorkId) -> WorkOut:
        """Reading, as it stands. Some time after it has ended it is forgotten."""
        return WorkOut.of(_work(studio, work_id))

    @router.delete("/work/{work_id}", responses={**_MISSING})
    def cancel(work_id: WorkId) -> WorkOut:
        """Stop reading. The collection stays as it was before."""
        _work(studio, work_id)
        return WorkOut.of(studio.documents.cancel(work_id))

    @router.get("/work/{work_id}/events", responses={**_MISSING, **work_events.EVENTS},
                response_class=StreamingResponse)
    def news(work_id: WorkId, last_event_id: Annotated[str, Header(
            max_length=100, description="The id of the last event that was heard.")] = "") -> Response:
        """The news of reading as server-sent events, until it has ended."""
        _work(studio, work_id)
        return work_events.stream(lambda: studio.documents.get(work_id), WorkOut.of, closing, last_event_id,
                                  ("title", "step", "total", "indexing"))


def _add_questions(router: APIRouter, studio: Studio, closing: Callable[[], bool]) -> None:
    @router.post("/{name}/search", responses={**_MISSING, **_UNREADABLE})
    async def search(name: Name, body: SearchIn, request: Request) -> SearchOut:
        """Ask the documents. No hit means that they say nothing about it."""
        item = await run_in_threadpool(_get, studio, name)
        return SearchOut.of(await _while_heard(request, closing, lambda cancel: studio.documents.answer(
            item.name, body.question, body.top, cancel)))

    @router.post("/{name}/plan", responses={**_MISSING, **_UNREADABLE})
    async def plan(name: Name, body: PlanIn, request: Request) -> PlanOut:
        """Scenes from what the documents say about a topic, each with the cues that it rests on."""
        item = await run_in_threadpool(_get, studio, name)
        return PlanOut.of(await _while_heard(request, closing, lambda cancel: studio.documents.planned(
            item.name, body.ask(), cancel)))


async def _while_heard(request: Request, closing: Callable[[], bool], work: Callable[[CancelToken], Value]) -> Value:
    """Work in a thread, cancelled when the caller hangs up or the server closes."""
    cancel = CancelToken()
    done = asyncio.ensure_future(run_in_threadpool(work, cancel))
    gone: asyncio.Future[Any] = asyncio.ensure_future(hung_up(request))
    try:
        while not (done.done() or gone.done() or closing()):
            await asyncio.wait({done, gone}, timeout=CLOSING_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            cancel.cancel()
        return await done
    except Cancelled:
        raise WorkerError("The question was cancelled.") from None
    finally:
        gone.cancel()


def _get(studio: Studio, name: str) -> Collection:
    """The collection of that name. Raises `NotFound`, or `RequestError` for a name that cannot be."""
    item = collections.collection(studio.paths, name)
    if not item.folder.is_dir():
        raise NotFound(f"There is no collection named {item.name!r}.")
    return item


def _work(studio: Studio, work_id: str) -> DocumentWork:
    try:
        return studio.documents.get(work_id)
    except QueueError as error:
        raise NotFound(error.message) from error
