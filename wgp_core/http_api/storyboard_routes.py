"""Storyboards over HTTP: make one from a story, look, change scenes, draw, film, and take the files away.

Whatever draws or breaks down goes on after the answer (202); its state can be asked for or listened to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, File, Header, Path, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse

from ..errors import MediaError, QueueError, RequestError
from ..jobs.storyboard_desk import BoardWork
from ..jobs.storyboard_tasks import board_files
from ..jobs.uploads import UploadFolder
from ..storyboard.project import BoardProject
from . import work_events
from .schemas import NotFound, ProblemOut
from .storyboard_schemas import (
    BoardLineOut,
    BoardOut,
    BoardWorkOut,
    DrawIn,
    FilmIn,
    InsertIn,
    LockIn,
    MoveIn,
    SceneIn,
    StoryIn,
)

if TYPE_CHECKING:
    from ..context import Studio

Name = Annotated[str, Path(min_length=1, max_length=120, description="The board's name.")]
Number = Annotated[int, Path(ge=1, le=1000, description="The frame, from 1.")]
WorkId = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="The id that the submission returned.")]
_BAD = {422: {"model": ProblemOut, "description": "The request cannot be carried out."}}
_MISSING = {404: {"model": ProblemOut, "description": "There is no such board, frame, work or file."}}
_CONFLICT = {409: {"model": ProblemOut, "description": "The board is being worked on."}}
_UNREADABLE = {400: {"model": ProblemOut, "description": "The body cannot be read."}}
_PICTURE = {200: {"content": {"image/png": {}}, "description": "The picture."}}
_FILE = {200: {"content": {"application/octet-stream": {}}, "description": "The file."}}


def build_storyboard_router(studio: Studio, closing: Callable[[], bool]) -> APIRouter:
    router = APIRouter(tags=["storyboards"], responses={**_BAD})

    @router.post("/generate-storyboard", status_code=202, responses={**_CONFLICT, **_UNREADABLE})
    def generate(body: StoryIn) -> BoardWorkOut:
        """Make a storyboard of a story: scenes, frames, and the files. The answer comes at once."""
        desk = studio.storyboards
        return BoardWorkOut.of(desk.break_down(body.ask()) if body.breakdown_only else desk.make(body.ask()))

    _add_work(router, studio, closing)
    _add_boards(router, studio)
    _add_scenes(router, studio)
    _add_making(router, studio)
    return router


def _add_boards(router: APIRouter, studio: Studio) -> None:
    @router.get("/storyboards")
    def listed() -> list[BoardLineOut]:
        """All boards, the newest first."""
        desk = studio.storyboards
        return [BoardLineOut.of(one, busy=desk.line.busy(one.folder.name)) for one in desk.boards()]

    @router.get("/storyboards/{name}", responses={**_MISSING})
    def one(name: Name) -> BoardOut:
        """One board with its scenes and frames."""
        return _out(studio, _open(studio, name))

    @router.delete("/storyboards/{name}", status_code=204, responses={**_MISSING, **_CONFLICT})
    def delete(name: Name) -> Response:
        """Put a board into the trash."""
        _open(studio, name)
        studio.storyboards.delete(name)
        return Response(status_code=204)

    @router.get("/storyboards/{name}/frames/{number}/picture", responses={**_MISSING, **_PICTURE},
                response_class=FileResponse)
    def picture(name: Name, number: Number) -> FileResponse:
        """The picture of a frame."""
        project = _open(studio, name, number)
        if not project.frame(number).is_there:
            raise NotFound(f"Frame {number} is not drawn yet.")
        return FileResponse(project.frame_path(number), media_type="image/png", headers={"cache-control": "no-cache"})

    @router.get("/storyboards/{name}/files/{file}", responses={**_MISSING, **_FILE}, response_class=FileResponse)
    def taken(name: Name, file: Annotated[str, Path(max_length=120)]) -> FileResponse:
        """A file of the board: grid, PDF, page, breakdown, prompts or film."""
        found = next((path for path in board_files(_open(studio, name)) if path.name == file), None)
        if found is None:
            raise NotFound(f"The board has no file {file!r}.")
        return FileResponse(found, filename=found.name, headers={"cache-control": "no-cache"})


def _add_scenes(router: APIRouter, studio: Studio) -> None:
    @router.post("/storyboards/{name}/frames", status_code=201,
                 responses={**_MISSING, **_CONFLICT, **_UNREADABLE})
    def insert(name: Name, body: InsertIn) -> BoardOut:
        """Insert a scene to write on."""
        _open(studio, name, body.after or 1)
        return _out(studio, studio.storyboards.insert(name, body.after))

    @router.patch("/storyboards/{name}/frames/{number}", responses={**_MISSING, **_CONFLICT, **_UNREADABLE})
    def edit(name: Name, number: Number, body: SceneIn) -> BoardOut:
        """Change a scene. Its picture stays until it is drawn again."""
        _open(studio, name, number)
        return _out(studio, studio.storyboards.edit(name, number, body.changes()))

    @router.delete("/storyboards/{name}/frames/{number}", responses={**_MISSING, **_CONFLICT})
    def remove(name: Name, number: Number) -> BoardOut:
        """Take a scene and its picture out."""
        _open(studio, name, number)
        return _out(studio, studio.storyboards.remove(name, number))

    @router.post("/storyboards/{name}/frames/{number}/move", responses={**_MISSING, **_CONFLICT, **_UNREADABLE})
    def move(name: Name, number: Number, body: MoveIn) -> BoardOut:
        """Move a scene, with its picture, to another place."""
        _open(studio, name, number)
        return _out(studio, studio.storyboards.move(name, number, body.to))

    @router.post("/storyboards/{name}/frames/{number}/lock", responses={**_MISSING, **_CONFLICT, **_UNREADABLE})
    def lock(name: Name, number: Number, body: LockIn) -> BoardOut:
        """Keep a frame when all are drawn again, or no longer."""
        _open(studio, name, number)
        return _out(studio, studio.storyboards.lock(name, number, body.locked))


def _add_making(router: APIRouter, studio: Studio) -> None:
    @router.post("/storyboards/{name}/draw", status_code=202, responses={**_MISSING, **_CONFLICT, **_UNREADABLE})
    def draw(name: Name, body: DrawIn) -> BoardWorkOut:
        """Draw frames. Locked ones stay."""
        _open(studio, name)
        return BoardWorkOut.of(studio.storyboards.draw(name, body.frames))

    @router.post("/storyboards/{name}/film", status_code=202, responses={**_MISSING, **_CONFLICT, **_UNREADABLE})
    def film(name: Name, body: FilmIn | None = None) -> BoardWorkOut:
        """Make the film of all frames. Shots that are there and still fit stay."""
        _open(studio, name)
        if body is not None:
            studio.storyboards.set_film(name, body.changes())
        return BoardWorkOut.of(studio.storyboards.film(name))

    @router.put("/storyboards/{name}/soundtrack", responses={**_MISSING, **_CONFLICT, **_UNREADABLE})
    def sound(name: Name, file: Annotated[UploadFile, File(description="A file with sound.")]) -> BoardOut:
        """Put sound under the film; the board keeps the file."""
        _open(studio, name)
        kept = UploadFolder(studio.paths.uploads).keep_stream(file.file, file.filename or "soundtrack")
        try:
            return _out(studio, studio.storyboards.put_soundtrack(name, kept))
        except MediaError as error:
            raise RequestError(error.message, field="file", fix=error.fix) from error

    @router.delete("/storyboards/{name}/soundtrack", responses={**_MISSING, **_CONFLICT})
    def silence(name: Name) -> BoardOut:
        """Take the sound out."""
        _open(studio, name)
        return _out(studio, studio.storyboards.put_soundtrack(name, None))

    @router.post("/storyboards/{name}/export", status_code=202, responses={**_MISSING, **_CONFLICT})
    def export(name: Name) -> BoardWorkOut:
        """Write the picture of all frames, the PDF and the page."""
        _open(studio, name)
        return BoardWorkOut.of(studio.storyboards.export(name))


def _add_work(router: APIRouter, studio: Studio, closing: Callable[[], bool]) -> None:
    @router.get("/storyboards/work/{work_id}", responses={**_MISSING})
    def work(work_id: WorkId) -> BoardWorkOut:
        """Work on a board, as it stands. Some time after it has ended it is forgotten."""
        return BoardWorkOut.of(_work(studio, work_id))

    @router.delete("/storyboards/work/{work_id}", responses={**_MISSING})
    def cancel(work_id: WorkId) -> BoardWorkOut:
        """Stop it. Frames that are drawn stay."""
        _work(studio, work_id)
        return BoardWorkOut.of(studio.storyboards.line.cancel(work_id))

    @router.get("/storyboards/work/{work_id}/events", responses={**_MISSING, **work_events.EVENTS},
                response_class=StreamingResponse)
    def news(work_id: WorkId, last_event_id: Annotated[str, Header(
            max_length=100, description="The id of the last event that was heard.")] = "") -> Response:
        """The news of the work as server-sent events, until it has ended."""
        _work(studio, work_id)
        return work_events.stream(lambda: studio.storyboards.line.get(work_id), BoardWorkOut.of, closing, last_event_id)


def _out(studio: Studio, project: BoardProject) -> BoardOut:
    desk = studio.storyboards
    return BoardOut.of(project, desk.breaches(project), busy=desk.line.busy(project.folder.name))


def _open(studio: Studio, name: str, number: int = 1) -> BoardProject:
    """The board, which has that frame. Raises `NotFound`."""
    try:
        project = studio.storyboards.open(name)
        project.scene(number)
    except RequestError as error:
        raise NotFound(error.message) from error
    return project


def _work(studio: Studio, work_id: str) -> BoardWork:
    try:
        return studio.storyboards.line.get(work_id)
    except QueueError as error:
        raise NotFound(error.message) from error
