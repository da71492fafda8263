"""What supervisor and worker say to each other: one JSON object a line, over the worker's stdin and stdout.

The worker moves both streams away from descriptors 0 and 1 first, so that a library's print cannot corrupt the
protocol and no child (ffmpeg) reads from it.
"""

from __future__ import annotations

import enum
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

log = logging.getLogger(__name__)


class Say(enum.StrEnum):
    """Kinds of messages. To the worker: work, cancel, preload, task, stop. From it: the others."""

    WORK = "work"
    """Claim and run one job. settings, runtime."""
    CANCEL = "cancel"
    """Stop the job or task `id`."""
    PRELOAD = "preload"
    """Load a model beside whatever else is done. model, runtime."""
    TASK = "task"
    """Run a task. id, name, payload, runtime, settings."""
    STOP = "stop"
    """Interrupt what runs and exit."""
    HELLO = "hello"
    """Ready for work. pid."""
    BEAT = "beat"
    """Every few seconds. quiet_s (seconds since the last progress), rss_gb."""
    CLAIMED = "claimed"
    """Runs job `id` from now on."""
    IDLE = "idle"
    """No longer busy."""
    PROGRESS = "progress"
    """How far a task is. id, stage, step, total, message, eta_s."""
    NOTICE = "notice"
    """What became of a preload, or how far it is. text."""
    RESULT = "result"
    """A task's end. id, and result or error, message, fix."""


@dataclass(frozen=True)
class Message:
    """One line of the protocol."""

    say: Say
    data: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        return json.dumps({"say": self.say.value, **self.data}, ensure_ascii=True).encode("ascii") + b"\n"

    @staticmethod
    def decode(line: bytes) -> Message | None:
        """The message of a line; None (and a log entry) for a line that is none."""
        try:
            data = json.loads(line)
            return Message(Say(data.pop("say")), data)
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("A line is no message: %.200r", line)
            return None


class WorkerChannel:
    """The worker's end. `send` may be called from any thread; a reader that is gone is not an error."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._lock = threading.Lock()

    @staticmethod
    def take_standard_streams() -> WorkerChannel:
        """Keep the real stdin and stdout; descriptor 0 becomes empty and descriptor 1 the log (stderr)."""
        sys.stdout.flush()
        incoming, outgoing = os.dup(0), os.dup(1)
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.dup2(2, 1)
        os.close(empty)
        return WorkerChannel(os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb"))

    def send(self, say: Say, **data: Any) -> None:
        with self._lock:
            try:
                self._outgoing.write(Message(say, data).encode())
                self._outgoing.flush()
            except (BrokenPipeError, ValueError):
                log.debug("The supervisor no longer listens; %s was not sent.", say)

    def messages(self) -> Iterator[Message]:
        """Every message until the supervisor closes its end or dies."""
        for line in self._incoming:
            message = Message.decode(line)
            if message is not None:
                yield message
