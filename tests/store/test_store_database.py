"""Opening, migrating and refusing database files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from test_store_library import result_of

from wgp_core.errors import StoreError
from wgp_core.paths import PROGRAM_ROOT
from wgp_core.request import VideoRequest
from wgp_core.store import JobSource
from wgp_core.store.database import SCHEMA_HEAD, Store, _create_engine

NEXT = f"{int(SCHEMA_HEAD) + 1:04d}"


def test_a_new_file_has_the_promised_settings(tmp_path: Path) -> None:
    with Store.open(tmp_path / "data" / "studio.db") as store:
        assert store.integrity_problems() == ()
        with store._engine.connect() as connection:
            values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                      for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")]
        assert values == ["wal", 1, 10_000, 1]
    assert not list(tmp_path.rglob("*.backup-*")), "nothing to keep a copy of"


def test_tables_and_migrations_say_the_same(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import inspect

    from wgp_core.store.migrate import MIGRATIONS
    from wgp_core.store.tables import Base

    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA_HEAD
    with Store.open(tmp_path / "data" / "studio.db") as store, store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        checks = {check["name"] for check in inspect(connection).get_check_constraints("jobs")}
        assert checks == {"ck_jobs_state"}


def test_a_current_file_opens_without_alembic(tmp_path: Path) -> None:
    database = tmp_path / "studio.db"
    Store.open(database).close()
    code = ("import sys; from pathlib import Path; from wgp_core.store import Store\n"
            "Store.open(Path(sys.argv[1])).close(); print('alembic' in sys.modules)")
    said = subprocess.run([sys.executable, "-c", code, str(database)], cwd=PROGRAM_ROOT, capture_output=True, text=True,
                          check=True)
    assert said.stdout == "False\n"


def test_a_migration_keeps_a_copy_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older file: the next migration is played with one made up for the test."""
    from wgp_core.store import database as module
    from wgp_core.store import migrate

    database = tmp_path / "studio.db"
    with Store.open(database) as store:
        (job,) = store.jobs.add_many([VideoRequest("a")], source=JobSource.WINDOW)
    _add_migration(tmp_path, monkeypatch, "op.add_column('flags', sa.Column('seen', sa.Integer()))")
    monkeypatch.setattr(module, "SCHEMA_HEAD", NEXT)
    with Store.open(database) as store:
        assert store.jobs.get(job.id) == job
    (kept,) = tmp_path.glob(f"studio.db.backup-{SCHEMA_HEAD}-*")
    with closing(sqlite3.connect(kept)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == (SCHEMA_HEAD,)
        assert raw.execute("SELECT id FROM jobs").fetchall() == [(job.id,)]
    with closing(sqlite3.connect(database)) as raw:
        assert "seen" in [row[1] for row in raw.execute("PRAGMA table_info(flags)")]
    assert migrate.migrate(_create_engine(database), database) is None, "once is enough"


def test_a_file_of_the_first_schema_keeps_its_jobs(tmp_path: Path) -> None:
    from wgp_core.store import migrate

    database = tmp_path / "studio.db"
    engine = _create_engine(database)
    migrate.migrate(engine, database, target="0001")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO flags VALUES ('paused', '1')")
    engine.dispose()
    with Store.open(database) as store:
        assert store.jobs.paused
        assert store.enhancements.size() == 0 and store.evolution.of("x") == ()
    assert len(list(tmp_path.glob("studio.db.backup-0001-*"))) == 1


def test_a_failed_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wgp_core.store import database as module

    database = tmp_path / "studio.db"
    Store.open(database).close()
    _add_migration(tmp_path, monkeypatch, "op.add_column('flags', sa.Column('seen', sa.Integer()))\n"
                                          "    op.execute('INSERT INTO no_such_table VALUES (1)')")
    monkeypatch.setattr(module, "SCHEMA_HEAD", NEXT)
    with pytest.raises(StoreError, match=rf"no_such_table.*backup-{SCHEMA_HEAD}"):
        Store.open(database)
    with closing(sqlite3.connect(database)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == (SCHEMA_HEAD,)
        assert "seen" not in [row[1] for row in raw.execute("PRAGMA table_info(flags)")]


def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    database = tmp_path / "studio.db"
    Store.open(database).close()
    with closing(sqlite3.connect(database)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0099'")
        raw.commit()
    before = database.read_bytes()
    with pytest.raises(StoreError, match=r"newer version of WGP Studio \(schema 0099.*Update"):
        Store.open(database)
    assert database.read_bytes() == before and not list(tmp_path.glob("*.backup-*"))


def test_other_files_are_refused(tmp_path: Path) -> None:
    database = tmp_path / "studio.db"
    database.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="is not a database"):
        Store.open(database)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as raw:
        raw.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StoreError, match="not one of WGP Studio"):
        Store.open(other)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created"):
        Store.open(tmp_path / "file" / "studio.db")


def test_a_locked_file_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wgp_core.store import database as module

    monkeypatch.setattr(module, "BUSY_TIMEOUT_S", 0.1)
    database = tmp_path / "studio.db"
    with Store.open(database) as store, closing(sqlite3.connect(database, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program"):
            store.jobs.set_paused(True)


def test_the_folder_can_be_moved(tmp_path: Path) -> None:
    """Paths below the program's folder are stored relative to it."""
    old, new = tmp_path / "old", tmp_path / "new"
    with Store.open(old / "data" / "studio.db") as store:
        made = store.library.add(result_of(old / "outputs" / "a.mp4"))
        far = store.library.add(result_of(tmp_path / "far" / "b.mp4"))
    old.rename(new)
    with Store.open(new / "data" / "studio.db") as store:
        assert store.library.get(made.id).path == new / "outputs" / "a.mp4" and not store.library.get(made.id).missing
        assert store.library.get(far.id).path == tmp_path / "far" / "b.mp4"


def _add_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    import shutil

    from wgp_core.store import migrate

    scripts = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, scripts)
    (scripts / "versions" / f"v{NEXT}_test.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '{NEXT}', '{SCHEMA_HEAD}'\n"
        f"def upgrade():\n    {body}\n")
    monkeypatch.setattr(migrate, "MIGRATIONS", scripts)
