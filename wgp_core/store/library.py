"""The rows of the library, and what happens to the files that they name.

Deleting is two steps: `trash` moves files into the trash folder and can be undone; `purge_trash` deletes for good, and
only what lies inside that folder. The row is written before files move, so that a crash leaves a move that
`restore` or `purge_trash` can finish, never a file that nothing knows of.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from ..errors import StoreError
from ..result import VideoResult
from .places import Places
from .records import DurationHistory, GenerationRecord, LibrarySort
from .tables import GenerationRow, utc_now

if TYPE_CHECKING:
    from .database import Transactions

log = logging.getLogger(__name__)

HISTORY_SAMPLES = 20
_SORTS = {
    LibrarySort.NEWEST: (GenerationRow.created_at.desc(), GenerationRow.id),
    LibrarySort.OLDEST: (GenerationRow.created_at, GenerationRow.id),
    LibrarySort.LONGEST: (GenerationRow.seconds.desc(), GenerationRow.id),
    LibrarySort.PROMPT: (GenerationRow.search_text, GenerationRow.id),
}


class LibraryRepository:
    """Finished videos. An unknown id raises `StoreError`."""

    def __init__(self, transactions: Transactions, places: Places) -> None:
        self._transactions = transactions
        self._places = places

    # -- adding and reading -------------------------------------------------------------------------------------

    def add(self, result: VideoResult) -> GenerationRecord:
        """Record a result that belongs to no job of the queue (a script's). A row of the same file is replaced."""
        with self._transactions.write() as session:
            return self.insert(session, result, job_id=None)

    def insert(self, session: Session, result: VideoResult, *, job_id: str | None) -> GenerationRecord:
        """Add the row within the caller's transaction (see `JobRepository.complete`)."""
        path = self._places.text(result.path)
        session.execute(delete(GenerationRow).where(GenerationRow.path == path, GenerationRow.trashed_at.is_(None)))
        manifest = {**result.to_manifest(), "job_id": job_id or result.job_id}
        row = GenerationRow(
            id=uuid4().hex[:12], job_id=job_id, path=path, poster=self._places.optional_text(result.poster),
            side_files=self._places.texts((*result.snapshots, *result.subtitles)), prompt=result.asked.prompt,
            enhanced_prompt=result.enhanced_prompt, engine=result.engine, model=result.request.model,
            width=result.width, height=result.height, fps=result.fps, frames=result.frames, seconds=result.seconds,
            seed=result.request.seed, manifest=manifest, warnings=list(result.warnings),
            took_s=sum(result.timings_s.values()) or None, created_at=_when(result.created_at),
            favourite=False, notes="", trash_map={})
        row.search_text = _search_text(row)
        session.add(row)
        session.flush()
        return self._record(row)

    def get(self, generation_id: str) -> GenerationRecord:
        with self._transactions.read() as session:
            return self._record(_need(session, generation_id))

    def find_by_path(self, path: Path) -> GenerationRecord | None:
        """The video at this place, None where the library knows none."""
        with self._transactions.read() as session:
            row = session.scalar(select(GenerationRow).where(GenerationRow.path == self._places.text(path))
                                 .order_by(GenerationRow.created_at.desc()))
            return None if row is None else self._record(row)

    def moved(self, old: Path, new: Path) -> None:
        """The file at `old` is at `new` now; a path that the library does not know changes nothing."""
        with self._transactions.write() as session:
            for row in session.scalars(select(GenerationRow).where(GenerationRow.path == self._places.text(old))):
                row.path = self._places.text(new)

    def find_by_job(self, job_id: str) -> GenerationRecord | None:
        """What a job made, None where it made nothing (yet)."""
        with self._transactions.read() as session:
            row = session.scalar(select(GenerationRow).where(GenerationRow.job_id == job_id))
            return None if row is None else self._record(row)

    def search(self, text: str = "", *, engine: str | None = None, favourites: bool = False, trashed: bool = False,
               limit: int = 50, offset: int = 0, sort: LibrarySort | str = LibrarySort.NEWEST,
               ) -> tuple[GenerationRecord, ...]:
        """Videos whose prompt, notes or file name hold every word of `text`, in any case."""
        query = _filtered(select(GenerationRow), text, engine, favourites, trashed)
        query = query.order_by(*_SORTS[LibrarySort(sort)]).limit(limit).offset(offset)
        with self._transactions.read() as session:
            return tuple(self._record(row) for row in session.scalars(query))

    def count(self, text: str = "", *, engine: str | None = None, favourites: bool = False,
              trashed: bool = False) -> int:
        """How many `search` would find without a limit."""
        query = _filtered(select(func.count()).select_from(GenerationRow), text, engine, favourites, trashed)
        with self._transactions.read() as session:
            return session.scalar(query) or 0

    def engines(self) -> tuple[str, ...]:
        """Names of the engines that occur, for a filter."""
        with self._transactions.read() as session:
            return tuple(session.scalars(select(GenerationRow.engine).distinct().order_by(GenerationRow.engine)))

    def durations(self, engine: str, width: int, height: int) -> DurationHistory | None:
        """What past videos of this engine took at this size, else scaled from other sizes; None without any."""
        query = (select(GenerationRow.took_s, GenerationRow.frames, GenerationRow.width, GenerationRow.height)
                 .where(GenerationRow.engine == engine, GenerationRow.took_s.is_not(None))
                 .order_by(GenerationRow.created_at.desc()).limit(HISTORY_SAMPLES))
        same_size = query.where(GenerationRow.width == width, GenerationRow.height == height)
        with self._transactions.read() as session:
            exact = session.execute(same_size).all()
            rows = exact or session.execute(query).all()
        if not rows:
            return None
        pixels = width * height
        rates = [took / frames * pixels / (w * h) for took, frames, w, h in rows if took and frames and w and h]
        return DurationHistory(median(rates), len(rates), exact=bool(exact)) if rates else None

    def referenced_files(self) -> frozenset[Path]:
        """Start and end images that the recorded requests name."""
        keys = [f"$.{form}.{name}" for form in ("request", "asked") for name in ("start_image", "end_image")]
        query = select(*(func.json_extract(GenerationRow.manifest, key) for key in keys))
        with self._transactions.read() as session:
            return frozenset(Path(name) for row in session.execute(query) for name in row if name)

    # -- what a person adds -------------------------------------------------------------------------------------

    def set_favourite(self, generation_id: str, favourite: bool) -> GenerationRecord:
        with self._transactions.write() as session:
            row = _need(session, generation_id)
            row.favourite = favourite
            session.flush()
            return self._record(row)

    def set_note(self, generation_id: str, notes: str) -> GenerationRecord:
        with self._transactions.write() as session:
            row = _need(session, generation_id)
            row.notes = notes
            row.search_text = _search_text(row)
            session.flush()
            return self._record(row)

    # -- the trash ----------------------------------------------------------------------------------------------

    def trash(self, generation_id: str) -> GenerationRecord:
        """Move the video, its poster and its side files to the trash. Undo it with `restore`.

        Raises `StoreError` where a file cannot be moved; then nothing has changed.
        """
        with self._transactions.write() as session:
            row = _need(session, generation_id)
            if row.trashed_at is not None:
                return self._record(row)
            folder = self._places.trash / generation_id
            moves: dict[str, str] = {}
            files: list[str] = [row.path, *([row.poster] if row.poster else []), *row.side_files]
            for number, text in enumerate(files):
                moves[text] = self._places.text(folder / f"{number:02d}-{self._places.path(text).name}")
            row.trashed_at, row.trash_map = utc_now(), {place: origin for origin, place in moves.items()}
            self._rename(row, moves)
        self._move_all(generation_id, moves, undo=True)
        return self.get(generation_id)

    def restore(self, generation_id: str) -> GenerationRecord:
        """Move everything back. A place that is taken by now is left alone; the file gets a numbered name."""
        with self._transactions.write() as session:
            row = _need(session, generation_id)
            if row.trashed_at is None:
                return self._record(row)
            back = {place: self._places.text(self._free(place, origin)) for place, origin in row.trash_map.items()}
            self._move_files(back)
            self._rename(row, back)
            row.trashed_at, row.trash_map = None, {}
        self._remove_folder(self._places.trash / generation_id)
        return self.get(generation_id)

    def purge_trash(self, *, older_than: timedelta = timedelta(0)) -> int:
        """Delete what is in the trash for good; returns how many videos. Touches nothing outside the trash folder."""
        with self._transactions.write() as session:
            before = utc_now() - older_than
            rows = session.scalars(select(GenerationRow).where(GenerationRow.trashed_at <= before)).all()
            for row in rows:
                self._move_files({origin: place for place, origin in row.trash_map.items()
                                  if not self._places.path(place).exists()})
                folder = (self._places.trash / row.id).resolve()
                if folder.parent != self._places.trash.resolve():
                    raise StoreError(f"The trash of video {row.id} lies outside {self._places.trash}.")
                try:
                    if folder.exists():
                        shutil.rmtree(folder)
                except OSError as error:
                    raise StoreError(f"{folder} cannot be deleted: {error.strerror or error}.") from error
                session.delete(row)
        return len(rows)

    # -- helpers ------------------------------------------------------------------------------------------------

    def _rename(self, row: GenerationRow, moves: dict[str, str]) -> None:
        row.path = moves.get(row.path, row.path)
        row.poster = moves.get(row.poster, row.poster) if row.poster else None
        row.side_files = [moves.get(text, text) for text in row.side_files]

    def _move_all(self, generation_id: str, moves: dict[str, str], *, undo: bool) -> None:
        try:
            self._move_files(moves)
        except StoreError:
            if undo:
                self.restore(generation_id)
            raise

    def _move_files(self, moves: dict[str, str]) -> None:
        """Move each file that is at its old place; what is gone stays gone (the record shows it as missing)."""
        for old, new in moves.items():
            source, target = self._places.path(old), self._places.path(new)
            if not source.exists() or source == target:
                continue
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(source, target)
            except OSError as error:
                raise StoreError(f"{source} cannot be moved to {target.parent}: {error.strerror or error}.",
                                 fix="Check the rights and the free space of both folders.") from error

    def _free(self, place: str, origin: str) -> Path:
        """Where a trashed file goes back to: its origin, or beside it when another file has that name now."""
        target = self._places.path(origin)
        if not self._places.path(place).exists():
            return target
        number = 2
        while target.exists():
            target = self._places.path(origin).with_stem(f"{self._places.path(origin).stem} ({number})")
            number += 1
        return target

    def _remove_folder(self, folder: Path) -> None:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("The trash folder %s stays: %s", folder, error)

    def _record(self, row: GenerationRow) -> GenerationRecord:
        path = self._places.path(row.path)
        return GenerationRecord(
            id=row.id, job_id=row.job_id, path=path, poster=self._places.optional_path(row.poster),
            side_files=tuple(self._places.path(text) for text in row.side_files), prompt=row.prompt,
            enhanced_prompt=row.enhanced_prompt, engine=row.engine, model=row.model, width=row.width,
            height=row.height, fps=row.fps, frames=row.frames, seconds=row.seconds, seed=row.seed,
            manifest=row.manifest, warnings=tuple(row.warnings), favourite=row.favourite, notes=row.notes,
            took_s=row.took_s, created_at=row.created_at, trashed_at=row.trashed_at, missing=not path.exists(),
            parent_id=row.parent_id, iteration=row.iteration)


def _filtered(query: Select[Any], text: str, engine: str | None, favourites: bool, trashed: bool) -> Select[Any]:
    in_trash = GenerationRow.trashed_at.is_not(None) if trashed else GenerationRow.trashed_at.is_(None)
    query = query.where(in_trash)
    for word in text.casefold().split():
        query = query.where(GenerationRow.search_text.contains(word, autoescape=True))
    if engine:
        query = query.where(GenerationRow.engine == engine)
    return query.where(GenerationRow.favourite.is_(True)) if favourites else query


def _search_text(row: GenerationRow) -> str:
    parts: Sequence[str | None] = (row.prompt, row.enhanced_prompt, row.notes, Path(row.path).name)
    return "\n".join(part for part in parts if part).casefold()


def _need(session: Session, generation_id: str) -> GenerationRow:
    row = session.get(GenerationRow, generation_id)
    if row is None:
        raise StoreError(f"The library has no video {generation_id!r}.",
                         fix="It may have been deleted; reload the page.")
    return row


def _when(text: str) -> datetime:
    """`VideoResult.created_at` (ISO 8601) as aware UTC; now, where it is empty."""
    if not text:
        return utc_now()
    when = datetime.fromisoformat(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
