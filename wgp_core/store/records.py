"""What the repositories take and return: frozen records, never database objects.

Times are aware UTC datetimes. Paths are absolute. Enums are stored by name. Knows nothing of SQL.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ..events import Progress, Stage
from ..request import VideoRequest


class JobState(enum.StrEnum):
    """Where a job stands. `queued` and `running` are open; the others are finished until someone acts."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def label(self) -> str:
        return {"queued": "Waiting", "running": "Running", "done": "Done", "failed": "Failed",
                "cancelled": "Cancelled", "interrupted": "Interrupted"}[self.value]

    @property
    def is_open(self) -> bool:
        """Still to be worked on without anyone asking again."""
        return self in (JobState.QUEUED, JobState.RUNNING)


FINISHED_STATES = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
"""What `clear_finished` removes; interrupted jobs stay, because they are offered for resume."""


class JobSource(enum.StrEnum):
    """Who submitted a job."""

    WINDOW = "window"
    API = "api"
    BATCH = "batch"
    IMPORT = "import"


@dataclass(frozen=True)
class JobProgress:
    """Where a running job is, as last persisted (at most twice a second).

    `step` of `total` counts the stage's units (frames, denoising steps); `total` 0 means unknown. `fraction` is the
    share of the stage that is done, 0 to 1. `eta_s` is the estimate for the rest of the whole job, in seconds.
    """

    stage: Stage
    step: int = 0
    total: int = 0
    message: str = ""
    fraction: float = 0.0
    eta_s: float | None = None
    updated_at: datetime | None = None

    @staticmethod
    def of(event: Progress, *, updated_at: datetime | None = None) -> JobProgress:
        """The persisted part of a progress event (all but the preview image)."""
        return JobProgress(stage=event.stage, step=event.step, total=event.total, message=event.message,
                           fraction=event.fraction, eta_s=event.eta_s, updated_at=updated_at)

    @property
    def label(self) -> str:
        """ "Drawing frames 12 of 81" """
        count = f" {self.step} of {self.total}" if self.total else ""
        return f"{self.stage.label}{count}"


@dataclass(frozen=True)
class JobRecord:
    """One job of the queue. `id` is 12 hex digits.

    `rank` is the place among the waiting jobs (1 is next), None in other states. `attempts` counts how often a worker
    took it. `error` and `warnings` are plain sentences; `memory_note` tells the memory plan that was stepped down to.
    `preview` is a JPEG that is replaced while the job runs. `generation_id` points to the result in the library.
    `request_problem` is not empty where the stored request cannot be read (it was edited by hand, or written by
    another version); `request` then holds its prompt only.
    """

    id: str
    state: JobState
    request: VideoRequest
    position: int = 0
    rank: int | None = None
    priority: int = 0
    source: JobSource = JobSource.WINDOW
    attempts: int = 0
    error: str = ""
    warnings: tuple[str, ...] = ()
    memory_note: str = ""
    progress: JobProgress | None = None
    preview: Path | None = None
    worker_pid: int | None = None
    planned_output: Path | None = None
    generation_id: str | None = None
    cancel_requested: bool = False
    created_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    request_problem: str = ""

    @property
    def running_s(self) -> float | None:
        """Seconds from start to end; None where the job has not both."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class GenerationRecord:
    """One finished video in the library. `seconds` is its length; `took_s` what making it took, None if unknown.

    `missing` is computed when the record is read: the file is no longer where it was. `side_files` are snapshots and
    subtitles. In the trash (`trashed_at` set), `path`, `poster` and `side_files` point into the trash folder.
    """

    id: str
    path: Path
    prompt: str
    engine: str
    width: int
    height: int
    fps: int
    frames: int
    seconds: float
    seed: int
    created_at: datetime
    job_id: str | None = None
    poster: Path | None = None
    side_files: tuple[Path, ...] = ()
    enhanced_prompt: str | None = None
    model: str | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict, compare=False)
    warnings: tuple[str, ...] = ()
    favourite: bool = False
    notes: str = ""
    took_s: float | None = None
    trashed_at: datetime | None = None
    missing: bool = False
    parent_id: str | None = None
    """The video that it was refined from."""
    iteration: int = 1

    @property
    def request(self) -> VideoRequest:
        """The effective request, from the manifest. Raises `RequestError` where it cannot be read."""
        return VideoRequest.from_dict(self.manifest.get("request") or {})

    @property
    def asked(self) -> VideoRequest:
        """The request as it was asked for, from the manifest."""
        return VideoRequest.from_dict(self.manifest.get("asked") or self.manifest.get("request") or {})


@dataclass(frozen=True)
class EvolutionRecord:
    """One enhancement of a prompt that was shown or used. `level` and `provider` are names of `prompts.enhancement`.

    `accepted` is the text that was taken in the end (it may be the original, or one edited by hand), None while nobody
    has decided.
    """

    id: int
    original: str
    enhanced: str
    level: str
    provider: str
    model: str
    accepted: str | None
    created_at: datetime
    draft_id: str | None = None
    job_id: str | None = None
    generation_id: str | None = None


class LibrarySort(enum.StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    LONGEST = "longest"
    PROMPT = "prompt"


@dataclass(frozen=True)
class DurationHistory:
    """What past videos took: the median of `seconds_per_frame` over `samples` videos.

    `exact` is True where they had the asked size; else the figure is scaled by the number of pixels.
    """

    seconds_per_frame: float
    samples: int
    exact: bool

    def estimate_s(self, frames: int) -> float:
        return self.seconds_per_frame * frames
