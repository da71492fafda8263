"""Advisory locks between processes, on files: released by the system when a process dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class LockTaken(Exception):
    """Another process, or another part of this one, holds the lock."""


@contextmanager
def file_lock(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock on `path`, which is made where it is missing. Raises `LockTaken` at once, never waits.

    Any number may hold it `shared`; one alone holds it otherwise.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        _lock(file, shared=shared)
        try:
            yield
        finally:
            _unlock(file)


if os.name == "posix":
    import fcntl

    def _lock(file: IO[bytes], *, shared: bool) -> None:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockTaken(file.name) from None

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
else:  # Windows locks byte ranges and has no shared kind here: a holder of either kind is alone
    import msvcrt

    def _lock(file: IO[bytes], *, shared: bool) -> None:
        del shared
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            raise LockTaken(file.name) from None

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
