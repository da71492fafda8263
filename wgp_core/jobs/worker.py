"""The worker: the separate process that generates. The only one that loads models, and the only one that may die.

    python -m wgp_core.jobs.worker --role render --home FOLDER [--engines package.module:function]

It is started by the supervisor and obeys messages on stdin (`protocol`). `--engines` names a function that takes the
`Paths` and returns an `EngineRegistry`: the way to plug in engines from elsewhere. When stdin ends, the app is gone:
what runs is interrupted, and after a short grace the whole process group ends itself.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engines.base import PreloadingEngine, RuntimeOptions
from ..errors import Cancelled, StoreError, WgpError
from ..events import CancelToken
from ..paths import Paths, build_paths
from ..settings import Settings
from ..store.database import Store
from ..store.jobs import Claim
from . import (  # noqa: F401 - they register their tasks
    attempt_tasks,
    document_tasks,
    model_tasks,
    prompt_tasks,
    quality_tasks,
    storyboard_tasks,
)
from .preloading import Preloader
from .process import rotate
from .progress import ProgressWriter, TaskProgress
from .protocol import Message, Say, WorkerChannel
from .render import JobWork, Runner, generate_job, run_job
from .tasks import TaskContext, run_registered

log = logging.getLogger(__name__)

ORPHAN_GRACE_S = 5.0
PRELOAD_GRACE_S = 3.0
WATCHDOG_S = 300.0
ROLES = ("render", "assistant", "models", "documents", "boards", "attempts")


@dataclass(frozen=True)
class WorkerOptions:
    """The command line. `engines` empty takes the built-in ones; `heartbeat_s` is the beat's interval in seconds."""

    role: str
    paths: Paths
    engines: str = ""
    log_file: Path | None = None
    heartbeat_s: float = 2.0


@dataclass
class _Current:
    """What runs now: a job's or a task's id, its cancel token, and its progress."""

    id: str
    cancel: CancelToken
    progress: ProgressWriter | TaskProgress


class Worker:
    """Reads messages in a thread, works in the main thread, and beats in another."""

    def __init__(self, channel: WorkerChannel, options: WorkerOptions, runner: Runner = generate_job) -> None:
        self._channel = channel
        self._options = options
        self._runner = runner
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._current: _Current | None = None
        self._closing = threading.Event()
        self._store: Store | None = None
        self._engines: Any = None
        self._preloader = Preloader(lambda text: channel.send(Say.NOTICE, text=text))

    def run(self) -> int:
        """Serve until told to stop; returns the exit status."""
        if self._options.role == "render":
            self._store = Store.open(self._options.paths.database)
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        self._channel.send(Say.HELLO, pid=os.getpid())
        handlers = {Say.WORK: self._work, Say.TASK: self._task, Say.PRELOAD: self._preload}
        while not self._closing.is_set():
            message = self._inbox.get()
            if message.say in handlers:
                handlers[message.say](message.data)
                self._current = None
                self._channel.send(Say.IDLE)
        self._preloader.stop(PRELOAD_GRACE_S)
        if self._store is not None:
            self._store.close()
        return 0

    # -- roles --------------------------------------------------------------------------------------------------

    def _work(self, data: Mapping[str, Any]) -> None:
        assert self._store is not None
        job = self._store.jobs.claim(os.getpid())
        if job is None:
            return
        cancel, runtime = CancelToken(), RuntimeOptions(**data["runtime"])
        progress = ProgressWriter(self._store.jobs, Claim.of(job), self._options.paths.preview_files(job.id),
                                  cancel.cancel)
        self._current = _Current(job.id, cancel, progress)
        self._channel.send(Say.CLAIMED, id=job.id)
        if self._closing.is_set() or self._store.jobs.cancel_requested(job.id):
            cancel.cancel()  # it was asked between the claim and here
        log.info("Job %s, attempt %d.", job.id, job.attempts)
        run_job(JobWork(job, self._store, self._options.paths, Settings(**data["settings"]),
                        runtime, lambda: self._registry(runtime), progress, cancel,
                        self._closing.is_set), self._runner)
        self._keep_or_free(data["settings"]["keep_models"])

    def _preload(self, data: Mapping[str, Any]) -> None:
        """Begins in a thread of its own, so that the next job need not wait."""
        runtime = RuntimeOptions(**data["runtime"])
        engine = next((e for e in self._registry(runtime).all() if isinstance(e, PreloadingEngine)), None)
        if engine is not None:
            self._preloader.start(engine, data["model"], runtime)

    def _keep_or_free(self, policy: str) -> None:
        """After a job, loaded models stay or go as the settings want; a job that loaded none costs nothing here."""
        manager = sys.modules.get("wgp_core.models.manager")
        if manager is None or self._store is None:
            return
        try:
            manager.process_manager().job_done(policy=policy, queue_empty=not self._store.jobs.has_work())
        except (WgpError, RuntimeError):  # the job has ended well already
            log.exception("The loaded models were not given back.")

    def _task(self, data: Mapping[str, Any]) -> None:
        cancel = CancelToken()
        progress = TaskProgress(lambda event: self._channel.send(
            Say.PROGRESS, id=data["id"], stage=event.stage.value, step=event.step, total=event.total,
            message=event.message, eta_s=event.eta_s))
        self._current = _Current(data["id"], cancel, progress)
        answer: dict[str, Any] = {"id": data["id"]}
        try:
            runtime = RuntimeOptions(**data["runtime"])
            context = TaskContext(self._options.paths, runtime, cancel, progress, Settings(**data["settings"]),
                                  lambda: self._registry(runtime))
            answer["result"] = dict(run_registered(data["name"], data["payload"], context))
        except Cancelled:
            answer |= {"error": "Cancelled", "message": "The work was cancelled."}
        except WgpError as problem:
            log.exception("The task %s failed.", data["name"])
            answer |= {"error": type(problem).__name__, "message": problem.message, "fix": problem.fix}
        except Exception as problem:  # the edge of the worker: the caller gets the failure
            log.exception("The task %s failed.", data["name"])
            answer |= {"error": "WorkerError", "message": f"{type(problem).__name__}: {problem}", "fix": ""}
        self._channel.send(Say.RESULT, **answer)

    def _registry(self, runtime: RuntimeOptions) -> Any:
        from ..engines.registry import builtin, load_factory

        if self._engines is None or self._engines[0] != runtime:  # the device may have changed since the last job
            paths, named = self._options.paths, self._options.engines
            self._engines = runtime, load_factory(named)(paths) if named else builtin(paths, runtime)
        return self._engines[1]

    # -- threads ------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        for message in self._channel.messages():
            if message.say is Say.CANCEL:
                current = self._current
                if current is not None and current.id == message.data.get("id"):
                    current.cancel.cancel()
            elif message.say is Say.STOP:
                self._close()
            else:
                self._inbox.put(message)
        log.info("The app is gone; the worker ends.")
        self._close()
        time.sleep(ORPHAN_GRACE_S)
        end_group()

    def _close(self) -> None:
        self._closing.set()
        if self._current is not None:
            self._current.cancel.cancel()
        self._inbox.put(Message(Say.STOP))

    def _beat(self) -> None:
        while True:
            faulthandler.dump_traceback_later(WATCHDOG_S, exit=True)  # even where the interpreter itself is stuck
            current = self._current
            quiet_s = current.progress.quiet_s if current is not None else 0.0
            self._channel.send(Say.BEAT, quiet_s=round(quiet_s, 1), rss_gb=round(rss_gb(), 3))
            if current is not None and isinstance(current.progress, ProgressWriter):
                current.progress.flush()
                self._look_for_cancel(current)
            if self._options.log_file is not None:
                rotate_stderr(self._options.log_file)
            time.sleep(self._options.heartbeat_s)

    def _look_for_cancel(self, current: _Current) -> None:
        """The row knows of a cancel even where the message was lost."""
        assert self._store is not None
        try:
            if self._store.jobs.cancel_requested(current.id):
                current.cancel.cancel()
        except StoreError as error:
            log.warning("Whether job %s is cancelled could not be read: %s", current.id, error)


def rss_gb() -> float:
    """Resident memory of this process in GB (2**30 bytes); 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (OSError, ValueError):
        return 0.0


def rotate_stderr(log_file: Path) -> None:
    """Start a new log where the old one is too large, and point descriptors 1 and 2 at it."""
    if rotate(log_file):
        descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for standard in (1, 2):
            os.dup2(descriptor, standard)
        os.close(descriptor)


def end_group() -> None:
    """Kill this process and all it started; only itself where it does not lead its group."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def parse(argv: Sequence[str] | None) -> WorkerOptions:
    parser = argparse.ArgumentParser(prog="python -m wgp_core.jobs.worker", description="A worker of WGP Studio. "
                                     "The window starts it; it obeys messages on stdin.")
    parser.add_argument("--role", choices=ROLES, required=True)
    parser.add_argument("--home", type=Path, help="the workshop's folder")
    parser.add_argument("--output-dir", type=Path, help="where videos are written")
    parser.add_argument("--settings", type=Path, help="the settings file")
    parser.add_argument("--engines", default="", help="package.module:function that returns the engines")
    parser.add_argument("--log", type=Path, help="the file that stderr goes to, for its rotation")
    parser.add_argument("--heartbeat-s", type=float, default=2.0)
    given = parser.parse_args(argv)
    paths = build_paths(home=given.home, outputs=given.output_dir, settings_file=given.settings)
    return WorkerOptions(given.role, paths.ensure(), given.engines, given.log, given.heartbeat_s)


def main(argv: Sequence[str] | None = None, runner: Runner = generate_job) -> int:
    channel = WorkerChannel.take_standard_streams()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    faulthandler.enable()
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    status = Worker(channel, parse(argv), runner).run()
    logging.shutdown()
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(os.getpid(), signal.SIGTERM)  # whatever the job left behind
    return status


if __name__ == "__main__":
    sys.exit(main())
