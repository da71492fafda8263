"""One worker process as its supervisor holds it: start, talk, notice death, end it with all its children.

The worker leads its own session, so that its process group is everything it started. Death is noticed without reaping
(`waitid` with `WNOWAIT`): while the dead worker is still a zombie its number cannot be reused, so the group can be
killed safely. A mark in the environment finds what left the group, and what a killed app left behind.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from .causes import Death, Killed
from .protocol import Message, Say

log = logging.getLogger(__name__)

MARK = "WGP_WORKER"
MAX_LOG_BYTES = 5 * 2**20
KEPT_LOGS = 3


@dataclass(frozen=True)
class Launch:
    """How a worker is started: the command line, the file for its log, and the mark `OWNER:TOKEN`'s owner."""

    command: Sequence[str]
    log_file: Path
    owner: str
    environment: dict[str, str] = field(default_factory=dict)


class WorkerProcess:
    """A running worker. `on_message` is called from a reader thread for each message."""

    def __init__(self, launch: Launch, on_message: Callable[[WorkerProcess, Message], None]) -> None:
        self._token = f"{launch.owner}:{uuid4().hex}"
        self._log_file = launch.log_file
        self._on_message = on_message
        self._lock = threading.Lock()
        self.killed: Killed | None = None
        self.limit_s = 0.0
        rotate(launch.log_file)
        self._log_start = launch.log_file.stat().st_size if launch.log_file.exists() else 0
        with launch.log_file.open("ab") as stderr:
            self._process = subprocess.Popen(
                list(launch.command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                start_new_session=True, env={**os.environ, **launch.environment, MARK: self._token})
        self.pid = self._process.pid
        self.started_at = time.monotonic()
        self._reader = threading.Thread(target=self._read, name=f"worker-{self.pid}-reader", daemon=True)
        self._reader.start()

    def send(self, say: Say, **data: object) -> None:
        """Send a message; a worker that is gone is noticed by `death`, not here."""
        assert self._process.stdin is not None
        with self._lock:
            try:
                self._process.stdin.write(Message(say, data).encode())
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):
                log.debug("Worker %d no longer listens.", self.pid)

    def death(self) -> Death | None:
        """None while it lives. Once dead, everything it started is killed and the way it died is returned."""
        if not self._is_dead():
            return None
        self._kill_group()
        code = self._process.wait()
        self._await_group()
        kill_marked(self._token)
        self._reader.join(timeout=2)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    log.debug("Worker %d left unread messages.", self.pid)
        return Death(code, by_us=self.killed, limit_s=self.limit_s, last_words=self._last_words())

    def kill(self, why: Killed, limit_s: float = 0.0) -> None:
        """End it now. On a hang it first writes to its log where every thread stands."""
        if self.killed is not None:
            return
        self.killed, self.limit_s = why, limit_s
        if why is Killed.HANG and hasattr(signal, "SIGUSR1"):
            self._signal(signal.SIGUSR1)
            time.sleep(0.3)
        self._kill_group()

    def _is_dead(self) -> bool:
        if not hasattr(os, "waitid"):
            return self._process.poll() is not None
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _kill_group(self) -> None:
        if not hasattr(os, "killpg"):
            self._process.kill()
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            log.debug("The process group of worker %d is gone.", self.pid)
        except PermissionError:  # macOS says so for a group of zombies
            log.debug("The process group of worker %d cannot be signalled.", self.pid)

    def _await_group(self, limit_s: float = 2.0) -> None:
        """A killed process may still finish the call that it was in, such as making a file: wait until it is gone."""
        deadline = time.monotonic() + limit_s
        while hasattr(os, "killpg") and time.monotonic() < deadline:
            try:
                os.killpg(self.pid, 0)
            except OSError:
                return
            time.sleep(0.01)

    def _signal(self, number: int) -> None:
        try:
            self._process.send_signal(number)
        except ProcessLookupError:
            log.debug("Worker %d is gone.", self.pid)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = Message.decode(line)
            if message is not None:
                self._on_message(self, message)

    def _last_words(self) -> str:
        """The last line that it wrote to its log, at most 300 characters."""
        try:
            with self._log_file.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                start = self._log_start if self._log_start <= size else 0
                file.seek(max(start, size - 4096))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()
        except OSError as error:
            log.debug("The log of worker %d cannot be read: %s", self.pid, error)
            return ""
        fatal = [line for line in lines if line.startswith("Fatal Python error")]
        return (fatal or lines or [""])[-1].strip()[:300]


def rotate(log_file: Path) -> bool:
    """Move a log that grew over 5 MB to `.1` (`.1` to `.2`, ...); three old ones are kept. True where it moved."""
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        if not log_file.exists() or log_file.stat().st_size <= MAX_LOG_BYTES:
            return False
        for number in range(KEPT_LOGS - 1, 0, -1):
            older = log_file.with_name(f"{log_file.name}.{number}")
            if older.exists():
                older.replace(log_file.with_name(f"{log_file.name}.{number + 1}"))
        log_file.replace(log_file.with_name(f"{log_file.name}.1"))
    except OSError as error:
        log.warning("The log %s was not rotated: %s", log_file, error)
        return False
    return True


def kill_marked(mark: str) -> list[int]:
    """Kill every process of this user whose `WGP_WORKER` begins with `mark`; returns their ids. Linux only."""
    killed = []
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
            if int(entry.name) != os.getpid() and any(one.startswith(wanted) for one in variables):
                os.kill(int(entry.name), signal.SIGKILL)
                killed.append(int(entry.name))
        except OSError:  # it ended meanwhile, or belongs to another user
            continue
    if killed:
        log.info("Ended processes that a worker left behind: %s", killed)
    return killed
