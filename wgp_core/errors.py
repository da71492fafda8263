"""The one tree of errors that people are meant to read.

Every message says what is wrong (with the value), why, and what to do. Nothing here knows who catches it.
"""

from __future__ import annotations


class WgpError(Exception):
    """Base of every error with a message written for the person at the window.

    `fix` is the next step ("choose one of ...", "free 2 GB on ..."); it is part of `str(error)`.
    """

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class RequestError(WgpError):
    """A request that no engine can carry out: a field is missing, unknown, out of range or contradictory."""

    def __init__(self, message: str, *, field: str = "", fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.field = field


class SettingsError(WgpError):
    """A settings value or file that cannot be used."""


class EngineError(WgpError):
    """An engine could not load or render."""


class EngineMemoryError(EngineError):
    """An engine ran out of memory; the caller may try again with a smaller memory plan."""


class ModelMissingError(EngineError):
    """Weights that a request needs are not installed; `fix` says where they go and what can be used instead."""


class MediaError(WgpError):
    """A file could not be read, encoded or written."""


class EncoderMissingError(MediaError):
    """No ffmpeg binary can run here."""


class StoreError(WgpError):
    """The database cannot be opened, migrated or written."""


class QueueError(WgpError):
    """A queue action that does not fit the state of its job."""


class WorkerError(WgpError):
    """The worker process died or stopped answering."""


class BusyError(WgpError):
    """Too many wait already; it is worth trying again in `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: int = 1, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.retry_after_s = retry_after_s


class Cancelled(Exception):
    """Raised at the next step after a cancel was asked. Not a failure, hence outside the `WgpError` tree."""
