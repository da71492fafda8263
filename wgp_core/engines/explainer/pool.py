"""Drawing processes: several frames at once, delivered in order, with nothing copied through a pipe but orders.

Each process is a plain `python -m wgp_core.engines.explainer.pool` that draws chunks of frames straight into shared
memory. It is kept for the next video, and ends by itself when its parent closes the pipe or dies. A short video is
drawn in this process instead.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker, shared_memory
from typing import Any, ClassVar

import numpy as np

from ...errors import EngineError
from ...events import CancelToken
from ...hardware import usable_cores
from ...paths import PROGRAM_ROOT
from .drawing import Drawing, FrameDrawer

log = logging.getLogger(__name__)

CHUNK_BYTES = 24 * 2**20
SMALL_WORK_PIXELS = 12_000_000
"""Below this many pixels in all, starting a process costs more than it saves."""


def draw_frames(drawing: Drawing, cancel: CancelToken, *, processes: int = 0) -> Iterator[np.ndarray]:
    """Every frame in order, RGB uint8 (height, width, 3); each is valid until the next is taken.

    Raises `Cancelled` between frames, `EngineError` if a drawing process dies.
    """
    wanted = processes or usable_cores()
    if wanted == 1 or drawing.count * drawing.width * drawing.height < SMALL_WORK_PIXELS:
        return _draw_here(drawing, cancel)
    return _draw_in_processes(drawing, cancel, wanted)


def _draw_here(drawing: Drawing, cancel: CancelToken) -> Iterator[np.ndarray]:
    drawer = FrameDrawer(drawing)
    frame = np.empty((drawing.height, drawing.width, 3), np.uint8)
    for index in range(drawing.count):
        cancel.raise_if_cancelled()
        drawer.draw(index, frame)
        yield frame


@dataclass
class _Board:
    """Shared state of the feeder threads: which chunk is next, which are ready, which memory slots are free."""

    chunks: int
    free: list[int]
    ready: dict[int, int] = field(default_factory=dict)
    next_chunk: int = 0
    error: BaseException | None = None
    closed: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self) -> tuple[int, int] | None:
        """The next chunk and a slot for it; None when there is no more to do. Slots go to chunks in order."""
        with self.changed:
            while not self.closed and self.next_chunk < self.chunks and not self.free:
                self.changed.wait()
            if self.closed or self.next_chunk >= self.chunks:
                return None
            chunk, self.next_chunk = self.next_chunk, self.next_chunk + 1
            return chunk, self.free.pop()

    def finish(self, chunk: int, slot: int) -> None:
        with self.changed:
            self.ready[chunk] = slot
            self.changed.notify_all()

    def fail(self, error: BaseException) -> None:
        with self.changed:
            self.error = self.error or error
            self.changed.notify_all()

    def await_chunk(self, chunk: int, cancel: CancelToken) -> int:
        """Wait for a chunk and return its slot."""
        with self.changed:
            while chunk not in self.ready:
                cancel.raise_if_cancelled()
                if self.error is not None:
                    raise self.error
                self.changed.wait(timeout=0.1)
            return self.ready.pop(chunk)

    def release(self, slot: int) -> None:
        with self.changed:
            self.free.append(slot)
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()


def _draw_in_processes(drawing: Drawing, cancel: CancelToken, wanted: int) -> Iterator[np.ndarray]:
    """One process fewer than `wanted`: a thread here draws too, from the first moment, while the others still start.

    A thread, so that drawing goes on while the caller waits for the encoder to take a frame.
    """
    frame_bytes = drawing.width * drawing.height * 3
    per_chunk = max(1, min(CHUNK_BYTES // frame_bytes, -(-drawing.count // (2 * wanted))))
    chunks = -(-drawing.count // per_chunk)
    slots = 2 * wanted + 1
    memory = shared_memory.SharedMemory(create=True, size=slots * per_chunk * frame_bytes)
    board = _Board(chunks=chunks, free=list(range(slots)))
    canvas = _Canvas(drawing, memory, per_chunk)
    painters: list[_LocalPainter | _Painter] = [_LocalPainter(canvas, board)]
    painters += [_Painter(drawing, memory.name, board, per_chunk) for _ in range(min(wanted, chunks) - 1)]
    try:
        for chunk in range(chunks):
            slot = board.await_chunk(chunk, cancel)
            for frame in canvas.view(chunk, slot):
                cancel.raise_if_cancelled()
                yield frame
            board.release(slot)
    finally:
        board.close()
        for painter in painters:
            painter.stop()
        with contextlib.suppress(BufferError):  # a caller still holds a frame; the system frees it with the process
            memory.close()
        memory.unlink()


class _Canvas:
    """Chunks of frames in shared memory, and the drawer that fills them."""

    def __init__(self, drawing: Drawing, memory: shared_memory.SharedMemory, per_chunk: int) -> None:
        self._drawing, self._memory, self._per_chunk = drawing, memory, per_chunk
        self._drawer = FrameDrawer(drawing)

    def view(self, chunk: int, slot: int) -> np.ndarray:
        """The frames of a chunk, (n, height, width, 3), where they lie."""
        width, height = self._drawing.width, self._drawing.height
        count = min(self._per_chunk, self._drawing.count - chunk * self._per_chunk)
        return np.ndarray((count, height, width, 3), np.uint8, self._memory.buf,
                          slot * self._per_chunk * width * height * 3)

    def draw(self, chunk: int, slot: int) -> Iterator[np.ndarray]:
        """Draw a chunk frame by frame."""
        for offset, frame in enumerate(self.view(chunk, slot)):
            self._drawer.draw(chunk * self._per_chunk + offset, frame)
            yield frame


class _LocalPainter:
    """Draws chunks in a thread of this process."""

    def __init__(self, canvas: _Canvas, board: _Board) -> None:
        self._canvas, self._board = canvas, board
        self._thread = threading.Thread(target=self._draw, name="local-painter", daemon=True)
        self._thread.start()

    def _draw(self) -> None:
        try:
            while (order := self._board.take()) is not None:
                for _frame in self._canvas.draw(*order):
                    if self._board.closed:
                        return
                self._board.finish(*order)
        except Exception as error:  # handed to the caller, who raises it
            log.debug("drawing failed", exc_info=True)
            self._board.fail(EngineError(f"Drawing a frame failed: {type(error).__name__}: {error}."))

    def stop(self) -> None:
        self._thread.join()


class _Process:
    """One drawing process. `ask` sends an order and waits for the answer."""

    _idle: ClassVar[list[_Process]] = []

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROGRAM_ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

    @classmethod
    def borrow(cls) -> _Process:
        """One that is left from an earlier video and still lives, else a new one."""
        while cls._idle:
            process = cls._idle.pop()
            if process._popen.poll() is None:
                return process
            process.kill()
        return cls()

    def give_back(self) -> None:
        self._idle.append(self)

    def ask(self, order: Any) -> Any:
        assert self._popen.stdin is not None and self._popen.stdout is not None
        pickle.dump(order, self._popen.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        self._popen.stdin.flush()
        return _receive(self._popen.stdout)

    def status(self) -> int | None:
        return self._popen.poll()

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class _Painter:
    """Feeds chunks to one drawing process, in a thread of its own."""

    def __init__(self, drawing: Drawing, memory: str, board: _Board, per_chunk: int) -> None:
        self._board = board
        self._process = _Process.borrow()
        self._order = (drawing, memory, per_chunk)
        self._clean = False
        self._thread = threading.Thread(target=self._feed, name="painter", daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        try:
            self._process.ask(self._order)  # answered when it is ready: a chunk given earlier would keep all waiting
            while (order := self._board.take()) is not None:
                problem = self._process.ask(order)
                if problem is not None:
                    raise EngineError(f"Drawing a frame failed: {problem}.")
                self._board.finish(*order)
            self._process.ask(None)  # lets go of the drawing and its memory
            self._clean = True
        except (OSError, EOFError, pickle.UnpicklingError):
            log.debug("a drawing process is gone", exc_info=True)
            self._board.fail(EngineError(f"A drawing process ended unexpectedly (status {self._process.status()}).",
                                         fix="Try again; if it happens again, the machine may be short of memory."))
        except EngineError as error:
            self._board.fail(error)

    def stop(self) -> None:
        """After the board is closed. A process in the middle of a chunk is not waited for."""
        self._thread.join(timeout=0.2)
        if self._thread.is_alive() or not self._clean:
            self._process.kill()
            self._thread.join()
        else:
            self._process.give_back()


def _receive(pipe: Any) -> Any:
    """The next value of a pipe between our own two processes; `EOFError` at its end."""
    return pickle.load(pipe)  # noqa: S301 - both ends are this module


def _orders(pipe: Any) -> Iterator[Any]:
    """What the parent sends, until it closes the pipe or dies."""
    with contextlib.suppress(EOFError):
        while True:
            yield _receive(pipe)


def _child() -> None:
    """The drawing process. Orders: a drawing (answered "ready"), chunks (answered None or an error), None (the end)."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not reach the pipe
    canvas: _Canvas | None = None
    for order in _orders(sys.stdin.buffer):
        answer: str | None = None
        try:
            if order is None:
                canvas = None
            elif isinstance(order[0], Drawing):
                canvas, answer = _Canvas(order[0], _attach(order[1]), order[2]), "ready"
            elif canvas is not None:
                for _frame in canvas.draw(*order):
                    pass
        except Exception as error:  # noqa: BLE001 - reported to the parent, which raises it
            answer = f"{type(error).__name__}: {error}"
        pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _attach(name: str) -> shared_memory.SharedMemory:
    memory = shared_memory.SharedMemory(name=name)
    resource_tracker.unregister(memory._name, "shared_memory")  # type: ignore[attr-defined]  # the parent owns it
    return memory


if __name__ == "__main__":
    _child()
