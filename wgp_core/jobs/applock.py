"""One app per folder: a lock that the system frees when its owner dies, and a note that says who owns it."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..paths import Paths

log = logging.getLogger(__name__)


class AppLock:
    """A held lock. Use it as a context manager, or call `release`."""

    def __init__(self, lock: Any, note: Path) -> None:
        self._lock = lock
        self._note = note

    def set_url(self, url: str) -> None:
        """Note where the window answers, so that a second start can name it."""
        _write_note(self._note, {"pid": os.getpid(), "url": url})

    def release(self) -> None:
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()

    def __enter__(self) -> AppLock:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.release()


def acquire_app_lock(paths: Paths, *, url: str = "") -> AppLock:
    """Take the folder's lock for this process.

    Raises `StoreError` that names the process and the address of the app that already works on this folder. A lock
    whose owner has died counts as free.
    """
    from filelock import FileLock, Timeout

    note = paths.lock_file.with_suffix(".json")
    lock = FileLock(paths.lock_file, thread_local=False)
    try:
        paths.lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"Another WGP Studio already works on {paths.root} ({_owner(note)}).",
                         fix="Use that window, close it first, or start with another folder (WGP_HOME).") from None
    except OSError as error:
        raise StoreError(f"The folder {paths.data} cannot be locked: {error.strerror or error}.",
                         fix="Check that it can be written to.") from error
    app_lock = AppLock(lock, note)
    app_lock.set_url(url)
    return app_lock


def _owner(note: Path) -> str:
    try:
        data = json.loads(note.read_text(encoding="utf-8"))
        where = f", {data['url']}" if data.get("url") else ""
        return f"process {data['pid']}{where}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "its process could not be read"


def _write_note(note: Path, data: dict[str, Any]) -> None:
    part = note.with_name(f".{note.name}.part")
    part.write_text(json.dumps(data), encoding="utf-8")
    part.replace(note)
