"""The database: what must survive a crash, and the only SQL of the project.

`Store.open(paths.database)` gives the repositories. The records (`JobRecord`, `GenerationRecord`, ...) import nothing
heavy; `Store` itself, and with it SQLAlchemy, is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .records import (
    DurationHistory,
    EvolutionRecord,
    GenerationRecord,
    JobProgress,
    JobRecord,
    JobSource,
    JobState,
    LibrarySort,
)

if TYPE_CHECKING:
    from .database import Store

__all__ = ["DurationHistory", "EvolutionRecord", "GenerationRecord", "JobProgress", "JobRecord", "JobSource",
           "JobState", "LibrarySort", "Store"]


def __getattr__(name: str) -> Any:
    if name == "Store":
        from .database import Store

        return Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
