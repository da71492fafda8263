"""PDF pages through a child process, so that no file can hang, crash or fill the memory of the program.

A page that is too slow, too large or damaged is left out and says why. When the child itself hangs or dies it is
started again at the next page, a few times at most.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..events import CancelToken
from .types import DocumentError, Line, Page

OPEN_S = 120.0
MOST_RESTARTS = 5
MOST_PAGES = 50_000
LONG = 40
"""From this many pages on, two processes share a file."""
MOST_AHEAD = 2000
"""Pages that may wait to be taken."""
_ANSWER_BYTES = 16 << 20
_PROGRAM = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Limits:
    """Bounds of reading one document: seconds a page, megabytes of the reading process, bytes of a file."""

    page_s: float = 10.0
    memory_mb: int = 1536
    file_bytes: int = 2 << 30
    text_bytes: int = 200 << 20


class _Stopped(Exception):
    """The child hangs or is dead; the text says which."""


def read_pdf(path: Path, limits: Limits, cancel: CancelToken) -> Iterator[tuple[Page, int]]:
    """Each page with the number of pages. Raises `DocumentError` for a file that is none, or `Cancelled`.

    The second half of a long file is read at the same time, where a second core is free.
    """
    child = _Child(path, 1, limits, cancel)
    ahead: _Child | None = None
    try:
        try:
            count = _opened(child.next(OPEN_S), path, limits)
        except _Stopped as stopped:
            raise DocumentError(f"{path.name} cannot be opened as a PDF: the reader {stopped}.",
                                fix="The file is damaged or too large; save it anew from a PDF viewer.") from None
        middle = count
        if count >= LONG and _has_free_core():
            middle = count // 2
            ahead = _Child(path, middle + 1, limits, cancel, keeps=count)
        for page in _pages(path, child, 1, middle, limits, cancel):
            yield page, count
        if ahead is not None:
            for page in _pages(path, ahead, middle + 1, count, limits, cancel, opened=False):
                yield page, count
    finally:
        child.end()
        if ahead is not None:
            ahead.end()


def _has_free_core() -> bool:
    """Without it, a second process only costs its own start."""
    cores = os.cpu_count() or 1
    return cores > 1 and (not hasattr(os, "getloadavg") or os.getloadavg()[0] < cores - 0.5)


def _pages(path: Path, child: _Child, first: int, last: int, limits: Limits, cancel: CancelToken, *,
           opened: bool = True) -> Iterator[Page]:
    """Pages `first` to `last`; another child goes on where one stops."""
    restarts, why = 0, ""
    while first <= last:
        try:
            if not opened:
                _opened(child.next(OPEN_S), path, limits)
                opened = True
            yield _page(child.next(limits.page_s * 1.5 + 5), first)
            first += 1
        except _Stopped as stopped:
            child.end()
            yield Page(first, skipped=f"the reader {stopped}")
            first, restarts, why = first + 1, restarts + 1, str(stopped)
            if restarts > MOST_RESTARTS:
                break
            child, opened = _Child(path, first, limits, cancel), False
    child.end()
    for number in range(first, last + 1):
        yield Page(number, skipped=f"not read, since the reader {why} {restarts} times before")


def _opened(data: dict[str, Any], path: Path, limits: Limits) -> int:
    """The number of pages, or the error that the child reports."""
    error = data.get("error")
    if error == "encrypted":
        raise DocumentError(f"{path.name} is encrypted and needs a password.",
                            fix="Open it with its password in a PDF viewer, save it without one, and add that file.")
    if error == "memory":
        raise DocumentError(f"{path.name} needs more than {limits.memory_mb} MB to be opened.",
                            fix="Allow more with --memory-mb, or split the file.")
    if error:
        raise DocumentError(f"{path.name} cannot be opened as a PDF ({data.get('detail')}).",
                            fix="The file is damaged or no PDF; save it anew from a PDF viewer.")
    count = int(data["pages"])
    if not 0 < count <= MOST_PAGES:
        raise DocumentError(f"{path.name} says that it has {count} pages.",
                            fix=f"Files of 1 to {MOST_PAGES} pages can be read.")
    return count


def _page(data: dict[str, Any], number: int) -> Page:
    lines = tuple(Line(text, x=float(x), y=float(y), size=float(size), bold=bool(flags & 1), code=bool(flags & 2))
                  for text, x, y, size, flags in data.get("lines", ()))
    return Page(number, lines, str(data.get("skipped", "")))


class _Child:
    """The reading process and the thread that takes its answers."""

    def __init__(self, path: Path, first: int, limits: Limits, cancel: CancelToken, *, keeps: int = 32) -> None:
        self._cancel = cancel
        self._answers: queue.Queue[bytes] = queue.Queue(maxsize=min(keeps, MOST_AHEAD))
        self._over = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wgp_core.documents.pdf_child"], cwd=_PROGRAM, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        order = {"path": str(path.resolve()), "first": first, "page_s": limits.page_s, "memory_mb": limits.memory_mb}
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # it died at once: `next` says so
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.close()
        self._thread = threading.Thread(target=self._take, name="pdf-reader", daemon=True)
        self._thread.start()

    def next(self, seconds: float) -> dict[str, Any]:
        """The next answer. Raises `_Stopped` when none comes in time, or `Cancelled`."""
        until = time.monotonic() + seconds
        while True:
            self._cancel.raise_if_cancelled()
            try:
                answer = self._answers.get(timeout=0.1)
            except queue.Empty:
                if time.monotonic() > until:
                    raise _Stopped("did not answer in time") from None
                continue
            if not answer.endswith(b"\n"):
                raise _Stopped("broke off")
            try:
                return json.loads(answer)
            except ValueError:
                raise _Stopped("gave a wrong answer") from None

    def end(self) -> None:
        self._over.set()
        self._process.kill()
        self._process.wait()
        self._thread.join(timeout=5)

    def _take(self) -> None:
        assert self._process.stdout
        with self._process.stdout as stream:
            while not self._over.is_set():
                answer = stream.readline(_ANSWER_BYTES)
                while not self._over.is_set():
                    try:
                        self._answers.put(answer, timeout=0.1)
                        break
                    except queue.Full:
                        continue
                if not answer.endswith(b"\n"):
                    return
