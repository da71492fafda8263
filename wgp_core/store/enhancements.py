"""What the prompt enhancer answered before, and how each prompt came about.

The cache is bounded: past `LIMIT` entries the oldest `DROPPED` go, in the transaction that adds the one too many. It is
only a cache: where the database cannot be used, `get` finds nothing and `put` keeps nothing, and the log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from ..errors import StoreError
from .records import EvolutionRecord
from .tables import EnhancementRow, EvolutionRow, utc_now

if TYPE_CHECKING:
    from .database import Transactions

log = logging.getLogger(__name__)

LIMIT = 100
DROPPED = 20


class EnhancementRepository:
    """The enhancer's cache. Keys are hex digests of 64 characters, answers are JSON objects."""

    limit = LIMIT

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def get(self, key: str) -> dict[str, Any] | None:
        """The answer under this key, and one hit more for it; None where there is none."""
        try:
            with self._transactions.read() as session:
                found = session.scalar(select(EnhancementRow.result).where(EnhancementRow.key == key))
        except StoreError as error:
            log.warning("The cache of enhanced prompts was not read: %s", error)
            return None
        if found is None:
            return None
        self._mark(key)
        return dict(found)

    def put(self, key: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer; one of the same key is replaced and is the newest then."""
        values = {"result": dict(answer), "hits": 0, "created_at": utc_now()}
        try:
            with self._transactions.write() as session:
                session.execute(insert(EnhancementRow).values(key=key, **values)
                                .on_conflict_do_update(index_elements=["key"], set_=values))
                if _size(session) > LIMIT:
                    oldest = (select(EnhancementRow.key).order_by(EnhancementRow.created_at, EnhancementRow.key)
                              .limit(DROPPED))
                    session.execute(delete(EnhancementRow).where(EnhancementRow.key.in_(oldest)))
        except StoreError as error:
            log.warning("An enhanced prompt was not kept in the cache: %s", error)

    def size(self) -> int:
        with self._transactions.read() as session:
            return _size(session)

    def clear(self) -> dict[str, Any]:
        """Forget all answers; returns how many there were (`entries`) and how often they were used (`hits`)."""
        with self._transactions.write() as session:
            hits = session.scalar(select(func.coalesce(func.sum(EnhancementRow.hits), 0))) or 0
            entries = _size(session)
            session.execute(delete(EnhancementRow))
        return {"entries": entries, "hits": int(hits)}

    def hits(self, key: str) -> int:
        """How often an answer was used since it was kept; 0 where there is none."""
        with self._transactions.read() as session:
            return session.scalar(select(EnhancementRow.hits).where(EnhancementRow.key == key)) or 0

    def _mark(self, key: str) -> None:
        try:
            with self._transactions.write() as session:
                session.execute(update(EnhancementRow).where(EnhancementRow.key == key)
                                .values(hits=EnhancementRow.hits + 1))
        except StoreError as error:
            log.warning("The use of a cached prompt was not counted: %s", error)


class EvolutionRepository:
    """How prompts came about, oldest first. An unknown row id raises `StoreError`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def add(self, *, original: str, enhanced: str, level: str, provider: str, model: str = "",
            accepted: str | None = None, draft_id: str | None = None, job_id: str | None = None,
            generation_id: str | None = None) -> EvolutionRecord:
        """Record an enhancement of a draft, a job or a video (name at least one). `accepted` None: not decided yet."""
        if not (draft_id or job_id or generation_id):
            raise ValueError("An enhancement belongs to a draft, a job or a video.")
        row = EvolutionRow(original=original, enhanced=enhanced, level=level, provider=provider, model=model,
                           accepted=accepted, draft_id=draft_id, job_id=job_id, generation_id=generation_id,
                           created_at=utc_now())
        with self._transactions.write() as session:
            session.add(row)
            session.flush()
            return _record(row)

    def accept(self, row_id: int, text: str) -> EvolutionRecord:
        """Note the text that was taken: the enhanced one, an edited one, or the original."""
        with self._transactions.write() as session:
            row = session.get(EvolutionRow, row_id)
            if row is None:
                raise StoreError(f"There is no enhancement {row_id} on record.")
            row.accepted = text
            return _record(row)

    def draft_became(self, draft_id: str, job_id: str) -> int:
        """A draft was submitted: what has no job yet belongs to this job too; returns how many rows that were."""
        return self._link(EvolutionRow.draft_id == draft_id, EvolutionRow.job_id, job_id)

    def job_became(self, job_id: str, generation_id: str) -> int:
        """A job made a video: its rows belong to the video too; returns how many that were."""
        return self._link(EvolutionRow.job_id == job_id, EvolutionRow.generation_id, generation_id)

    def of(self, subject_id: str) -> tuple[EvolutionRecord, ...]:
        """Everything that is known of the prompt of a draft, a job or a video."""
        query = select(EvolutionRow).where(or_(
            EvolutionRow.draft_id == subject_id, EvolutionRow.job_id == subject_id,
            EvolutionRow.generation_id == subject_id)).order_by(EvolutionRow.id)
        with self._transactions.read() as session:
            return tuple(_record(row) for row in session.scalars(query))

    def _link(self, which: Any, column: Any, value: str) -> int:
        with self._transactions.write() as session:
            result: Any = session.execute(update(EvolutionRow).where(which, column.is_(None))
                                          .values({column.key: value})
                                          .execution_options(synchronize_session=False))
            return result.rowcount


def _size(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(EnhancementRow)) or 0


def _record(row: EvolutionRow) -> EvolutionRecord:
    return EvolutionRecord(
        id=row.id, draft_id=row.draft_id, job_id=row.job_id, generation_id=row.generation_id, original=row.original,
        enhanced=row.enhanced, level=row.level, provider=row.provider, model=row.model, accepted=row.accepted,
        created_at=row.created_at)
