"""Loads the chosen model in a thread of the render worker, before the first job needs it.

Jobs never wait for it, except those that need the model libraries themselves (see the engine's `preload`). A failure is
a notice: the job that needs the model will tell it as its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..engines.base import MemoryPlan, PreloadingEngine, RenderSession, RuntimeOptions
from ..errors import Cancelled, WgpError
from ..events import CancelToken, Progress

log = logging.getLogger(__name__)

TELL_EVERY_S = 1.0


class Preloader:
    """At most one preload of a worker. `tell` takes sentences for people, from the preloading thread."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told_at = 0.0
        self._cancel = CancelToken()
        self._thread: threading.Thread | None = None

    def start(self, engine: PreloadingEngine, model: str, runtime: RuntimeOptions) -> None:
        """Begin to load; returns at once. A second call is ignored."""
        if self._thread is None:
            session = RenderSession(runtime, MemoryPlan(profile=runtime.profile), self._progress, self._cancel)
            self._thread = threading.Thread(target=self._run, args=(engine, model, session), name="preload",
                                            daemon=True)
            self._thread.start()

    def stop(self, wait_s: float) -> None:
        """Give up, and wait up to `wait_s` seconds for that."""
        self._cancel.cancel()
        if self._thread is not None:
            self._thread.join(wait_s)

    def _run(self, engine: PreloadingEngine, model: str, session: RenderSession) -> None:
        try:
            self._tell(f"{engine.preload(model, session)} is loaded.")
        except Cancelled:
            self._tell("")
        except WgpError as error:
            log.warning("The model was not loaded ahead of the first job: %s", error)
            self._tell(f"The model was not loaded ahead of the first job: {error}")
        except Exception as error:  # the edge of the thread: jobs must go on
            log.exception("The model was not loaded ahead of the first job.")
            self._tell(f"The model was not loaded ahead of the first job: {type(error).__name__}: {error}")

    def _progress(self, event: Progress) -> None:
        if event.message and time.monotonic() - self._told_at > TELL_EVERY_S:
            self._told_at = time.monotonic()
            self._tell(event.message)
