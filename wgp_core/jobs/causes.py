"""Why a worker died, in plain words, and what that means for its job."""

from __future__ import annotations

import enum
import signal
from dataclasses import dataclass
from pathlib import Path

from ..store.records import JobState


class Killed(enum.StrEnum):
    """Why the supervisor itself ended a worker."""

    CANCEL = "cancel"
    HANG = "hang"
    STOP = "stop"


@dataclass(frozen=True)
class Death:
    """How a worker ended. `code` is its exit status, negative for a signal; `oom` that the kernel killed for memory.

    `by_us` tells why the supervisor killed it; `limit_s` is the time that was exceeded then; `last_words` is the end
    of its log.
    """

    code: int
    oom: bool = False
    by_us: Killed | None = None
    limit_s: float = 0.0
    last_words: str = ""


@dataclass(frozen=True)
class Verdict:
    """The state in which the dead worker's job ends, and the sentence for the person."""

    state: JobState
    cause: str


OUTSIDE_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def judge(death: Death) -> Verdict:
    """A kill from outside interrupts (the job may simply go on); all that the job may have caused fails it."""
    if death.by_us is not None:
        return _by_us(death)
    if death.code == -signal.SIGKILL and death.oom:
        return Verdict(JobState.FAILED, "The job ran out of memory (RAM): the system ended its worker. Close other "
                                        "programs, or ask for a smaller size, fewer frames or a lower VRAM profile.")
    if death.code < 0 and -death.code in OUTSIDE_SIGNALS:
        return Verdict(JobState.INTERRUPTED, f"The worker was ended from outside ({_name(-death.code)}) while this "
                                             "job ran. Resume the job to run it again.")
    words = f" Its last words: {death.last_words}" if death.last_words else ""
    if death.code < 0:
        return Verdict(JobState.FAILED, f"The worker crashed ({_name(-death.code)}) while this job ran.{words} "
                                        "The log has the details.")
    return Verdict(JobState.FAILED, f"The worker ended with status {death.code} while this job ran.{words}")


def _by_us(death: Death) -> Verdict:
    if death.by_us is Killed.CANCEL:
        return Verdict(JobState.CANCELLED, f"The job did not stop by itself within {death.limit_s:g} s, so its worker "
                                           "was ended.")
    if death.by_us is Killed.HANG:
        return Verdict(JobState.FAILED, f"The job gave no sign of life for {death.limit_s:g} s, so its worker was "
                                        "ended. The log shows where it stood; the limit is a setting (hang timeout).")
    return Verdict(JobState.INTERRUPTED, "The program was closed while this job ran.")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class OomCounter:
    """Whether the kernel killed a process for memory since the last look: the cgroup's counter, else the system's."""

    def __init__(self, files: tuple[Path, ...] | None = None) -> None:
        self._files = _counter_files() if files is None else files
        self._seen = self._read()

    def increased(self) -> bool:
        """True once after each increase."""
        now = self._read()
        grown, self._seen = now > self._seen, now
        return grown

    def _read(self) -> int:
        for path in self._files:
            try:
                lines = path.read_text(encoding="ascii", errors="replace").splitlines()
            except OSError:
                continue
            counts = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
            if counts and counts[0].isdigit():
                return int(counts[0])
        return 0


def _counter_files() -> tuple[Path, ...]:
    """cgroup v2 `memory.events`, v1 `memory.oom_control`, then `/proc/vmstat`, which counts the whole system."""
    files = []
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        number, controllers, group = line.split(":", 2)
        inner = group.lstrip("/")
        if number == "0":
            files += [Path("/sys/fs/cgroup", inner, "memory.events"), Path("/sys/fs/cgroup/memory.events")]
        elif "memory" in controllers.split(","):
            base = Path("/sys/fs/cgroup/memory")
            files += [base / inner / "memory.oom_control", base / "memory.oom_control"]
    return (*files, Path("/proc/vmstat"))
