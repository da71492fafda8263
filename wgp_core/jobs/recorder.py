"""How a result reaches the library: for a job of the queue, and for a script without one.

Both are the `Recorder` that `generate_video` asks for: `planned` before the file gets its final name, `record` after.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ..errors import StoreError
from ..marked import split_enhanced
from ..result import VideoResult
from ..store.database import Store
from ..store.jobs import Claim
from ..store.records import GenerationRecord

log = logging.getLogger(__name__)


class JobRecorder:
    """Records for a claimed job: the generation and the job's end are one transaction."""

    def __init__(self, store: Store, claim: Claim, before_end: Callable[[], None] = lambda: None) -> None:
        """`before_end` is called while the job may still be written to (its last progress)."""
        self._store = store
        self._claim = claim
        self._before_end = before_end
        self.generation: GenerationRecord | None = None

    @property
    def job_id(self) -> str | None:
        return self._claim.job_id

    def planned(self, path: Path) -> None:
        self._store.jobs.plan_output(self._claim, path)

    def moved(self, old: Path, new: Path) -> None:
        self._store.library.moved(old, new)

    def record(self, result: VideoResult) -> None:
        self._before_end()
        self.generation = self._store.jobs.complete(self._claim, result)
        _note_prompt(self._store, result, self.generation, self.job_id)


class LibraryRecorder:
    """Records results that no job asked for."""

    job_id: str | None = None

    def __init__(self, store: Store) -> None:
        self._store = store
        self.generation: GenerationRecord | None = None

    def planned(self, path: Path) -> None:
        """Nothing to keep: without a job there is nothing to recover."""

    def moved(self, old: Path, new: Path) -> None:
        self._store.library.moved(old, new)

    def record(self, result: VideoResult) -> None:
        self.generation = self._store.library.add(result)
        _note_prompt(self._store, result, self.generation, None)


def _note_prompt(store: Store, result: VideoResult, generation: GenerationRecord | None, job_id: str | None) -> None:
    """How the prompt came about: enhanced on the way, or reviewed before. Losing it costs a line in the log."""
    if generation is None or result.enhanced_prompt is None:
        return
    try:
        if result.enhancement:
            told = result.enhancement
            store.evolution.add(original=split_enhanced(result.asked.prompt)[0], enhanced=result.enhanced_prompt,
                                level=str(told.get("level")), provider=str(told.get("provider")),
                                model=str(told.get("model", "")), accepted=result.enhanced_prompt, job_id=job_id,
                                generation_id=generation.id)
        elif job_id is not None:
            store.evolution.job_became(job_id, generation.id)
    except StoreError as error:
        log.warning("How the prompt came about is not recorded: %s", error)
