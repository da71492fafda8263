"""Opens the database file and hands out the repositories.

Invariants: WAL, foreign keys on, 10 s busy timeout, synchronous=NORMAL on every connection. Every write begins with
`BEGIN IMMEDIATE`, so that two processes wait for each other instead of failing half-way. An existing file is copied
through SQLite's backup API before it is migrated; a file of a newer version is refused untouched. Alembic is loaded
only where a migration is needed.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ..errors import StoreError
from .attempts import AttemptRepository
from .enhancements import EnhancementRepository, EvolutionRepository
from .jobs import JobRepository
from .library import LibraryRepository
from .places import Places

log = logging.getLogger(__name__)

SCHEMA_HEAD = "0004"
"""Newest revision in `migrations/versions`."""

BUSY_TIMEOUT_S = 10.0


class Transactions:
    """Sessions on one engine: `read()` sees one snapshot, `write()` commits at the end or rolls back."""

    def __init__(self, engine: Engine, database: Path) -> None:
        self._reader = engine
        self._writer = engine.execution_options(wgp_begin="BEGIN IMMEDIATE")
        self._database = database

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._explained(), Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self._explained(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise explain(error.orig or error, self._database) from error


class Store:
    """The open database. Thread-safe; `close` it when done, or use it as a context manager."""

    def __init__(self, engine: Engine, database: Path, places: Places) -> None:
        self._engine = engine
        self.database = database
        transactions = Transactions(engine, database)
        self.library = LibraryRepository(transactions, places)
        self.jobs = JobRepository(transactions, places, self.library)
        self.enhancements = EnhancementRepository(transactions)
        self.evolution = EvolutionRepository(transactions)
        self.attempts = AttemptRepository(transactions, places)

    @staticmethod
    def open(database: Path, *, trash: Path | None = None) -> Store:
        """Open or create the database, migrating it where needed. `trash` defaults to `trash/` beside the file.

        Raises `StoreError` in plain words: not a database, damaged, no right to write, or of a newer version.
        """
        database = database.expanduser().resolve()
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The folder {database.parent} cannot be created: {error.strerror or error}.",
                             fix="Set WGP_HOME to a folder that you may write to.") from error
        engine = _create_engine(database)
        try:
            if _stored_revision(engine, database) != SCHEMA_HEAD:
                from .migrate import migrate

                migrate(engine, database)
        except BaseException:
            engine.dispose()
            raise
        return Store(engine, database, Places(database.parent.parent, trash or database.parent / "trash"))

    def integrity_problems(self) -> tuple[str, ...]:
        """SQLite's own check of the whole file; empty means sound."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("PRAGMA integrity_check")).scalars().all()
        return tuple(row for row in rows if row != "ok")

    def referenced_files(self) -> frozenset[Path]:
        """Every image that a job's, a generation's or an iteration's request names: what must not be deleted."""
        return self.jobs.referenced_files() | self.library.referenced_files() | self.attempts.referenced_files()

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _create_engine(database: Path) -> Engine:
    engine = create_engine(f"sqlite:///{database}", connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin by itself; `_on_begin` does
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL",
                   f"busy_timeout={int(BUSY_TIMEOUT_S * 1000)}"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("wgp_begin", "BEGIN"))


def _stored_revision(engine: Engine, database: Path) -> str | None:
    """The revision in the file; None for an empty file. Raises `StoreError` for a file that is none of ours."""
    try:
        with engine.connect() as connection:
            names = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type='table'")).scalars())
            if not names:
                return None
            if "alembic_version" not in names:
                raise StoreError(f"{database} is a database, but not one of WGP Studio.",
                                 fix="Move it away, or set WGP_HOME to another folder.")
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError as error:
        raise explain(error.orig or error, database) from error


def explain(error: BaseException, database: Path) -> StoreError:
    """SQLite's error in plain words, with the next step."""
    said = str(error)
    if "not a database" in said or "malformed" in said:
        return StoreError(f"{database} is damaged or is not a database ({said}).",
                          fix=f"Put back a copy ({database.name}.backup-...) or move the file away to start empty.")
    if "locked" in said or "busy" in said:
        return StoreError(f"{database} has been locked by another program for {BUSY_TIMEOUT_S:g} s.",
                          fix="Close the other program and try again.")
    if "readonly" in said or "unable to open" in said:
        return StoreError(f"{database} cannot be opened for writing ({said}).", fix="Check the rights of the folder.")
    if "full" in said:
        return StoreError(f"The disk of {database} is full.", fix="Free some space and try again.")
    return StoreError(f"The database {database} could not be used: {said}.")
