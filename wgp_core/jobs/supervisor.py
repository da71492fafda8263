"""Keeps the workers alive, in the window's process, without ever loading what they load.

```
supervisor = Supervisor(paths, store, settings_provider)
queue.subscribe(supervisor.wake)
supervisor.start()          # recovers what a former run left, then watches
...
supervisor.stop()
```

One thread looks at the queue and at the render worker a few times a second: it starts the worker when a job waits,
hands it one job at a time with the settings in force, passes on cancels, ends it when it hangs, ignores a cancel or
idles too long, and settles the job of a worker that died. Tasks go to a second worker (`assistant`), work on model
folders to a third (`models`), reading documents to a fourth (`documents`), drawing storyboards to a fifth (`boards`),
hero frames and attempts to a sixth (`attempts`), so that none waits for another. On a machine with a card, a video is
handed over once the assistant has given back what it had there, and the storyboard or the attempts that are being made
are done.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..engines.base import RuntimeOptions
from ..errors import Cancelled, StoreError, WgpError, WorkerError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..paths import PROGRAM_ROOT, Paths
from ..settings import Settings
from ..store.database import Store
from ..store.records import JobRecord, JobState
from .assistant import POLL_S, AssistantDesk
from .causes import Death, Killed, OomCounter, judge
from .gpu_lease import GpuLease, uses_card
from .model_desk import IDLE_S, ModelDesk
from .process import Launch, WorkerProcess, kill_marked
from .prompt_line import PromptLine
from .protocol import Message, Say
from .recovery import discard_half_files, recover_at_startup, settle_abandoned
from .tasks import DeviceReport

log = logging.getLogger(__name__)

START_LIMIT_S = 180.0
STOP_LIMIT_S = 10.0
MAX_BACKOFF_S = 60.0
CARD_LIMIT_S = 60.0
"""How long a video waits at most for a task that has something on the card."""


@dataclass(frozen=True)
class SupervisorOptions:
    """How workers are started and how closely they are watched. `engines` is the worker's option of that name."""

    engines: str = ""
    worker_command: tuple[str, ...] = (sys.executable, "-m", "wgp_core.jobs.worker")
    poll_s: float = 0.25
    heartbeat_s: float = 2.0


class WorkerState(enum.StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    STOPPING = "stopping"


@dataclass(frozen=True)
class WorkerStatus:
    """A worker as the window shows it. `quiet_s` is the time since its job's last progress, `rss_gb` its memory."""

    state: WorkerState = WorkerState.STOPPED
    pid: int | None = None
    job_id: str | None = None
    quiet_s: float = 0.0
    rss_gb: float = 0.0


@dataclass(frozen=True)
class SupervisorStatus:
    """`problem` is a plain sentence while the render worker cannot be started, else empty; `notice` says what becomes
    of the model that is loaded ahead of the first job, until that job comes.
    """

    render: WorkerStatus
    assistant: WorkerStatus
    problem: str = ""
    notice: str = ""


class Supervisor:
    """Owns the workers. One per app; hold the app's lock (`acquire_app_lock`) while it exists."""

    def __init__(self, paths: Paths, store: Store, settings_provider: Callable[[], Settings],
                 runtime: RuntimeOptions | None = None, options: SupervisorOptions = SupervisorOptions()) -> None:
        """`runtime` None takes the machine's choices from the settings in force, for each job anew."""
        self._paths = paths
        self._store = store
        self._settings = settings_provider
        self._runtime = runtime
        self._options = options
        self._owner = str(paths.data)
        self._render = _RenderSlot()
        self._card = GpuLease()
        self._clearing: threading.Thread | None = None
        self._assistant = AssistantDesk(lambda: self._launch("assistant"), self._assistant_runtime, settings_provider)
        self._documents = AssistantDesk(lambda: self._launch("documents"), lambda: self._runtime_of(self._settings()),
                                        settings_provider)
        self._boards = AssistantDesk(lambda: self._launch("boards"), self._assistant_runtime, settings_provider)
        self._attempts = AssistantDesk(lambda: self._launch("attempts"), lambda: self._runtime_of(self._settings()),
                                       settings_provider)
        self._attempting = threading.Event()
        """The worker of attempts has the card, or is about to take it."""
        self._prompts = PromptLine(self.run_task)
        self._models = ModelDesk(lambda: self._launch("models"), lambda: self._runtime_of(self._settings()))
        self._preload = False
        """A model is to be loaded as soon as a worker is there, unless a job comes first."""
        self._oom = OomCounter()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    # -- public -------------------------------------------------------------------------------------------------

    def start(self) -> tuple[JobRecord, ...]:
        """Settle what a former run left (returned), then watch.

        Starts no process until there is work, or a model to be loaded ahead of it.
        """
        if self._thread is not None:
            raise WorkerError("The supervisor runs already.")
        kill_marked(self._owner + ":")
        settled = recover_at_startup(self._store, self._paths, resume=self._settings().resume_queue)
        self._ending.clear()
        self._prompts.open()
        self._preload = self._settings().preload_model
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()
        return settled

    def stop(self, grace_s: float = 5.0) -> None:
        """End the workers; a running job becomes interrupted. Waits at most about `grace_s` for them to end well."""
        self._ending.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._prompts.close()
        self._assistant.stop()
        self._documents.stop()
        self._boards.stop()
        self._attempts.stop()
        self._models.stop()
        self._end_render(grace_s)

    @property
    def models(self) -> ModelDesk:
        """Work on model folders: install, verify, quantize, delete."""
        return self._models

    @property
    def prompts(self) -> PromptLine:
        """The line of those who want a prompt enhanced."""
        return self._prompts

    def wake(self) -> None:
        """Look at the queue now. Cheap, from any thread: `queue.subscribe(supervisor.wake)`."""
        self._wake.set()

    def status(self) -> SupervisorStatus:
        slot = self._render
        process = slot.process
        render = WorkerStatus(slot.state, process.pid if process else None, slot.job_id, slot.silent_s(), slot.rss_gb)
        pid = self._assistant.pid
        state = (WorkerState.BUSY if self._assistant.busy else WorkerState.IDLE) if pid else WorkerState.STOPPED
        return SupervisorStatus(render, WorkerStatus(state, pid), slot.problem, slot.notice)

    def run_task(self, name: str, payload: Mapping[str, Any] | None = None, *, timeout_s: float = 120.0,
                 cancel: CancelToken | None = None,
                 on_progress: ProgressCallback = ignore_progress) -> dict[str, Any]:
        """Run a task (`tasks.TASKS`) in the assistant worker and return its result; tasks wait for each other.

        Raises what the task raised, `Cancelled`, or `WorkerError` where it took longer than `timeout_s` (waiting
        included) or the worker died. `on_progress` is called from another thread.
        """
        return self._assistant.run(name, payload or {}, timeout_s=timeout_s, cancel=cancel or CancelToken(),
                                   on_progress=on_progress)

    def run_reading(self, name: str, payload: Mapping[str, Any], *, timeout_s: float, cancel: CancelToken,
                    on_progress: ProgressCallback = ignore_progress) -> dict[str, Any]:
        """The same in the worker that reads documents."""
        return self._documents.run(name, payload, timeout_s=timeout_s, cancel=cancel, on_progress=on_progress)

    def run_drawing(self, name: str, payload: Mapping[str, Any], *, timeout_s: float, cancel: CancelToken,
                    on_progress: ProgressCallback = ignore_progress) -> dict[str, Any]:
        """The same in the worker that draws and films storyboards; on the CPU while a video has the card."""
        return self._boards.run(name, payload, timeout_s=timeout_s, cancel=cancel, on_progress=on_progress)

    def run_attempting(self, name: str, payload: Mapping[str, Any], *, timeout_s: float, cancel: CancelToken,
                       on_progress: ProgressCallback = ignore_progress) -> dict[str, Any]:
        """The same in the worker that makes hero frames and attempts. Where there is a card it waits for the video
        that has it, and the next video waits for the worker."""
        try:
            self._take_card(cancel, on_progress)
            return self._attempts.run(name, payload, timeout_s=timeout_s, cancel=cancel, on_progress=on_progress)
        finally:
            self._attempting.clear()

    def probe_device(self, *, timeout_s: float = 120.0) -> DeviceReport:
        """What torch sees on this machine. Takes seconds: torch is loaded in the assistant."""
        return DeviceReport.from_dict(self.run_task("probe_device", timeout_s=timeout_s))

    # -- the thread ---------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._ending.is_set():
            try:
                self._tick()
            except Exception:  # the watch must go on; the next look may succeed
                log.exception("The supervisor stumbled.")
            self._wake.wait(self._options.poll_s)
            self._wake.clear()

    def _tick(self) -> None:
        slot, settings, now = self._render, self._settings(), time.monotonic()
        self._assistant.stop_if_idle(settings.worker_idle_s)
        self._models.stop_if_idle()
        self._documents.stop_if_idle(IDLE_S)
        self._boards.stop_if_idle(IDLE_S)
        self._attempts.stop_if_idle(settings.worker_idle_s)
        if slot.process is not None:
            death = slot.process.death()
            if death is not None:
                self._bury(slot.process, death)
        if slot.process is None:
            if self._preload or self._store.jobs.has_work():
                if now >= slot.not_before:
                    self._start_render()
            else:
                self._card.done()
        elif slot.state is WorkerState.IDLE:
            self._feed(slot.process, settings, now)
        elif slot.state is WorkerState.BUSY:
            self._check_busy(slot.process, settings, now)
        elif slot.state is WorkerState.STARTING and now - slot.process.started_at > START_LIMIT_S:
            slot.process.kill(Killed.HANG, START_LIMIT_S)
        elif slot.state is WorkerState.STOPPING and now > slot.deadline:
            slot.process.kill(Killed.STOP)

    def _start_render(self) -> None:
        slot = self._render
        self._oom.increased()  # what happened before is not this worker's
        slot.reset(WorkerState.STARTING)
        try:
            slot.process = WorkerProcess(self._launch("render"), self._hear)
        except OSError as error:
            slot.reset(WorkerState.STOPPED)
            self._back_off(f"The worker cannot be started: {error.strerror or error}.")
            return
        log.info("Started render worker %d.", slot.process.pid)

    def _feed(self, process: WorkerProcess, settings: Settings, now: float) -> None:
        slot = self._render
        runtime = self._runtime_of(settings)
        if self._store.jobs.has_work():
            if slot.runtime not in (None, runtime):
                log.info("The machine's settings changed; a new worker takes the next job.")
                self._dismiss(process, now)
                return
            if not self._card_is_free(runtime):
                return
            slot.begin(now, runtime)
            self._preload = False  # the job loads what it needs
            process.send(Say.WORK, settings=asdict(settings), runtime=asdict(runtime))
        elif self._preload:
            if not self._card_is_free(runtime):
                return
            self._preload, slot.runtime = False, runtime
            process.send(Say.PRELOAD, model=settings.model, runtime=asdict(runtime))
        else:
            self._card.done()
            self._rest(process, settings, now)

    def _rest(self, process: WorkerProcess, settings: Settings, now: float) -> None:
        if now - self._render.idle_since > settings.worker_idle_s:
            log.info("The render worker was idle for %g s and is stopped.", settings.worker_idle_s)
            self._dismiss(process, now)

    def _dismiss(self, process: WorkerProcess, now: float) -> None:
        self._render.state, self._render.deadline = WorkerState.STOPPING, now + STOP_LIMIT_S
        process.send(Say.STOP)

    def _runtime_of(self, settings: Settings) -> RuntimeOptions:
        if self._runtime is not None:
            return self._runtime
        return RuntimeOptions.of(settings)

    # -- the card -----------------------------------------------------------------------------------------------

    def _assistant_runtime(self) -> RuntimeOptions:
        """The machine's choices for a task: the CPU while a video has the card or waits for it."""
        runtime = self._runtime_of(self._settings())
        if uses_card(runtime.device) and not self._card.lend():
            return replace(runtime, device="cpu")
        return runtime

    def _take_card(self, cancel: CancelToken, on_progress: ProgressCallback) -> None:
        """Wait until the worker of attempts may use the card; at once where there is none."""
        self._attempting.set()
        while uses_card(self._runtime_of(self._settings()).device) and not self._card.lend():
            self._attempting.clear()
            on_progress(Progress(Stage.LOAD, message="Waiting for the video that is being made"))
            time.sleep(POLL_S)
            cancel.raise_if_cancelled()
            self._attempting.set()

    def _card_is_free(self, runtime: RuntimeOptions) -> bool:
        """Whether a video may have the card now; if not, the assistant is asked to give it back."""
        if not uses_card(runtime.device) or self._card.take():
            return True
        if self._clearing is None or not self._clearing.is_alive():
            self._clearing = threading.Thread(target=self._clear_card, name="clear-card", daemon=True)
            self._clearing.start()
        return False

    def _clear_card(self) -> None:
        """Free what the assistant holds, say how much that was, and end it: a process keeps some of a card's memory."""
        try:
            if self._assistant.pid is not None:
                freed = self._assistant.run("release_language_model", {}, timeout_s=CARD_LIMIT_S,
                                            cancel=CancelToken())
                log.info("The assistant gave its memory back before a video: %.2f of %.2f GB on the card, %.2f of "
                         "%.2f GB of RAM.", freed["vram_before_gb"] - freed["vram_after_gb"], freed["vram_before_gb"],
                         freed["ram_before_gb"] - freed["ram_after_gb"], freed["ram_before_gb"])
                self._assistant.stop_if_idle(0)
            while (self._boards.busy or self._attempting.is_set()) and not self._ending.wait(POLL_S):
                continue
            self._boards.stop_if_idle(0)
            self._attempts.stop_if_idle(0)
        except (WgpError, Cancelled) as error:
            log.warning("The assistant did not give the card back; the video begins beside it. %s", error)
        finally:
            self._card.give_back()
            self._wake.set()

    def _check_busy(self, process: WorkerProcess, settings: Settings, now: float) -> None:
        slot = self._render
        if slot.silent_s() > settings.hang_timeout_s:
            process.kill(Killed.HANG, settings.hang_timeout_s)
        elif slot.job_id is None:
            return
        elif slot.cancel_deadline is not None:
            if now > slot.cancel_deadline:
                process.kill(Killed.CANCEL, settings.cancel_grace_s)
        elif self._store.jobs.cancel_requested(slot.job_id):
            process.send(Say.CANCEL, id=slot.job_id)
            slot.cancel_deadline = now + settings.cancel_grace_s

    def _hear(self, process: WorkerProcess, message: Message) -> None:
        """Called from the reader thread."""
        slot = self._render
        if slot.process is not None and process is not slot.process:
            return
        if message.say in (Say.HELLO, Say.IDLE):
            slot.rest()
            self._wake.set()
        elif message.say is Say.CLAIMED:
            slot.job_id = message.data["id"]
        elif message.say is Say.BEAT:
            slot.heard(message.data)
        elif message.say is Say.NOTICE:
            slot.notice = str(message.data["text"])
            slot.idle_since = time.monotonic()  # a worker that loads a model is not idle

    # -- ends ---------------------------------------------------------------------------------------------------

    def _bury(self, process: WorkerProcess, death: Death) -> None:
        slot = self._render
        stopping, starting = slot.state is WorkerState.STOPPING, slot.state is WorkerState.STARTING
        took_nothing = slot.state is WorkerState.BUSY and slot.job_id is None
        last = slot.job_id
        slot.process = None
        slot.reset(WorkerState.STOPPED)
        if death.code < 0 and self._oom.increased():
            death = Death(death.code, True, death.by_us, death.limit_s, death.last_words)
        verdict = judge(death)
        log.log(logging.INFO if stopping else logging.WARNING, "Worker %d ended: %s", process.pid, death)
        jobs = [job for job in self._store.jobs.running() if job.worker_pid == process.pid]
        for job in jobs:
            state, cause = verdict.state, verdict.cause
            if job.cancel_requested and state is JobState.INTERRUPTED:
                state, cause = JobState.CANCELLED, ""
            settle_abandoned(self._store, self._paths, job, state, cause)
        if last is not None and last not in [job.id for job in jobs]:  # recorded, but perhaps not tidied up after
            with contextlib.suppress(StoreError):
                discard_half_files(self._paths, self._store.jobs.get(last))
        if starting or (took_nothing and not jobs):
            words = f" Its last words: {death.last_words}" if death.last_words else ""
            self._back_off(f"The worker ended before it took a job (status {death.code}).{words} See "
                           f"{self._paths.logs / 'worker-render.log'}.")
        elif not stopping:
            slot.failures, slot.problem = 0, ""
        self._wake.set()

    def _back_off(self, problem: str) -> None:
        slot = self._render
        slot.failures += 1
        slot.problem = problem
        wait_s = min(MAX_BACKOFF_S, 2.0 ** (slot.failures - 1))
        slot.not_before = time.monotonic() + wait_s
        log.error("%s Next try in %g s.", problem, wait_s)

    def _end_render(self, grace_s: float) -> None:
        slot = self._render
        process = slot.process
        if process is None:
            return
        slot.state = WorkerState.STOPPING
        process.send(Say.STOP)
        deadline = time.monotonic() + grace_s
        while (death := process.death()) is None:
            if time.monotonic() > deadline:
                process.kill(Killed.STOP)
            time.sleep(0.02)
        try:
            self._bury(process, death)
        except StoreError:
            log.exception("The job of worker %d is settled at the next start.", process.pid)

    def _launch(self, role: str) -> Launch:
        paths = self._paths
        log_file = paths.logs / f"worker-{role}.log"
        command = [*self._options.worker_command, "--role", role, "--home", str(paths.root), "--output-dir",
                   str(paths.outputs), "--settings", str(paths.settings_file), "--log", str(log_file),
                   "--heartbeat-s", str(self._options.heartbeat_s)]
        if self._options.engines:
            command += ["--engines", self._options.engines]
        search = [str(PROGRAM_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return Launch(command, log_file, self._owner, {"PYTHONPATH": os.pathsep.join(search)})


class _RenderSlot:
    """What the supervisor knows of the render worker. Fields are written by its thread and the reader's."""

    def __init__(self) -> None:
        self.process: WorkerProcess | None = None
        self.problem = ""
        self.failures = 0
        self.not_before = 0.0
        self.reset(WorkerState.STOPPED)

    def reset(self, state: WorkerState) -> None:
        self.state = state
        self.job_id: str | None = None
        self.cancel_deadline: float | None = None
        self.runtime: RuntimeOptions | None = None
        self.idle_since = self.deadline = 0.0
        self.rss_gb = 0.0
        self.notice = ""
        self._quiet_s = 0.0
        self._heard_at = time.monotonic()

    def begin(self, now: float, runtime: RuntimeOptions) -> None:
        """A job is handed over; silence counts from here."""
        self.state, self.runtime, self.notice = WorkerState.BUSY, runtime, ""
        self._quiet_s, self._heard_at = 0.0, now

    def rest(self) -> None:
        """The worker is ready, or has done its job."""
        self.job_id = self.cancel_deadline = None
        self.failures, self.problem = 0, ""
        self.idle_since = time.monotonic()
        if self.state in (WorkerState.STARTING, WorkerState.BUSY):
            self.state = WorkerState.IDLE

    def heard(self, data: Mapping[str, Any]) -> None:
        self._quiet_s, self._heard_at = float(data.get("quiet_s", 0.0)), time.monotonic()
        self.rss_gb = float(data.get("rss_gb", 0.0))

    def silent_s(self) -> float:
        """Seconds since the job's last progress, as far as known; a worker that stopped beating is silent too."""
        return self._quiet_s + time.monotonic() - self._heard_at if self.state is WorkerState.BUSY else 0.0
