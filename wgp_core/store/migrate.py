"""Brings a database file to the newest schema. Imported only when a file needs it, since Alembic is slow to load."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ..errors import StoreError

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).resolve().parent / "migrations"


def migrate(engine: Engine, database: Path, *, target: str = "head") -> Path | None:
    """Upgrade the file to `target`; returns the backup that was made, None for a new or current file.

    One process at a time: others wait. Raises `StoreError` where the file is of a newer version (it stays untouched)
    or the migration fails (the message names the backup).
    """
    from filelock import FileLock

    with FileLock(database.with_name(f".{database.name}.migrating")):
        with engine.connect() as connection:
            stored = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory(str(MIGRATIONS))
        known = {script.revision for script in scripts.walk_revisions()}
        if stored is not None and stored not in known:
            raise StoreError(f"{database} was written by a newer version of WGP Studio (schema {stored}; this program "
                             f"knows up to {scripts.get_current_head()}).",
                             fix="Update WGP Studio, or put back the copy made before the update "
                                 f"({database.name}.backup-...). The file was not changed.")
        if stored == scripts.get_current_head():
            return None
        kept = backup(database, stored) if stored is not None else None
        _upgrade(engine, database, target, kept)
        return kept


def backup(database: Path, revision: str) -> Path:
    """Copy the file, with what its write-ahead log still holds, to `NAME.backup-REVISION-TIMESTAMP`."""
    target = database.with_name(f"{database.name}.backup-{revision}-{time.strftime('%Y%m%d-%H%M%S')}")
    part = target.with_name(f".{target.name}.part")
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"No copy of {database} could be made before its update: {error}.",
                         fix="Free some space beside it and start again. The file was not changed.") from error
    log.info("Kept a copy of the database as %s before its migration.", target)
    return target


def _upgrade(engine: Engine, database: Path, target: str, kept: Path | None) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.execution_options(wgp_begin="BEGIN IMMEDIATE").begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, target)
    except DBAPIError as error:
        raise StoreError(f"{database} could not be brought to the newest version: {error.orig}.",
                         fix=f"Nothing was changed; a copy is kept as {kept.name}." if kept else "") from error
