"""A workshop in a temporary folder, and a supervisor whose workers use the fake engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from wgp_core.jobs.queue import JobQueue
from wgp_core.jobs.supervisor import Supervisor, SupervisorOptions
from wgp_core.paths import Paths
from wgp_core.request import VideoRequest
from wgp_core.settings import Settings
from wgp_core.store import JobRecord, JobState
from wgp_core.store.database import Store

HERE = Path(__file__).resolve().parent
FAST = SupervisorOptions(engines="fake_engine:engines", poll_s=0.05, heartbeat_s=0.2)


@dataclass
class Workshop:
    """Everything a test needs to submit a job and see what becomes of it."""

    paths: Paths
    store: Store
    queue: JobQueue
    options: SupervisorOptions = FAST
    settings: Settings = field(default_factory=lambda: replace(Settings(), cancel_grace_s=1.0, hang_timeout_s=30.0))
    supervisor: Supervisor | None = None

    def start(self) -> Supervisor:
        self.supervisor = Supervisor(self.paths, self.store, lambda: self.settings, options=self.options)
        self.queue.subscribe(self.supervisor.wake)
        self.supervisor.start()
        return self.supervisor

    def submit(self, prompt: str, **fields: object) -> JobRecord:
        return self.queue.submit(VideoRequest(prompt, **fields))  # type: ignore[arg-type]

    def wait(self, job_id: str, *states: JobState, timeout_s: float = 30.0) -> JobRecord:
        """The job as soon as it is in one of the states (default: any finished one)."""
        wanted = states or (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED)
        wait_until(lambda: self.queue.get(job_id).state in wanted, timeout_s, lambda: str(self.queue.get(job_id)))
        return self.queue.get(job_id)


def wait_until(condition: Callable[[], bool], timeout_s: float = 30.0, say: Callable[[], str] = lambda: "") -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"nothing happened within {timeout_s} s. {say()}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
