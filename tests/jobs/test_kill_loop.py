"""The worker is killed at random points, again and again, over a queue of short jobs.

At the end every job was done exactly once, no half file remains and the database is sound. `WGP_KILL_LOOP_ENGINE=local`
takes the built-in engine instead of the fake one, `WGP_KILL_LOOP_KILLS` another number of kills, and
`WGP_KILL_LOOP_SEED` another seed.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from workshop import Workshop, wait_until

from wgp_core.media.metadata import read_manifest
from wgp_core.request import EngineChoice, VideoRequest
from wgp_core.store import JobState

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("WGP_KILL_LOOP_KILLS", "50"))
SEED = int(os.environ.get("WGP_KILL_LOOP_SEED", "1"))
LOCAL = os.environ.get("WGP_KILL_LOOP_ENGINE") == "local"
JOBS_AT_ONCE = 3


def _request(number: int) -> VideoRequest:
    if LOCAL:
        return VideoRequest(f"binary search {number}", engine=EngineChoice.LOCAL, width=320, height=240, fps=8,
                            seconds=1)
    return VideoRequest("sleep 0.02", frames=3 + number % 5, seed=number)


@pytest.mark.slow
def test_every_job_is_done_exactly_once(workshop: Workshop, record_property: Callable[[str, object], None]) -> None:
    if LOCAL:
        workshop.options = replace(workshop.options, engines="")
    chance = random.Random(SEED)
    workshop.start()
    ids: list[str] = []
    stages: dict[str, int] = {}
    deadline = time.monotonic() + 240
    kills = 0
    while kills < KILLS:
        assert time.monotonic() < deadline, f"only {kills} kills"
        while sum(not _is_done(workshop, one) for one in ids[-2 * JOBS_AT_ONCE:]) < JOBS_AT_ONCE:
            ids.append(workshop.queue.submit(_request(len(ids))).id)
        for job in workshop.queue.jobs(JobState.INTERRUPTED):
            assert "from outside" in job.error
            workshop.queue.resume_interrupted(job.id)
        pid = _running_pid(workshop, ids)
        _wait_for_a_bad_moment(workshop, chance)
        where = _where(workshop, pid)
        if _kill(pid):
            kills += 1
            stages[where] = stages.get(where, 0) + 1
    _finish(workshop, ids)
    _judge(workshop, ids)
    attempts = [workshop.queue.get(one).attempts for one in ids]
    found_again = sum("found again" in " ".join(workshop.queue.get(one).warnings) for one in ids)
    record_property("killed at", stages)
    log.info("%d kills, %d jobs, %d attempts, %d files found whole after a kill; killed at %s", kills, len(ids),
             sum(attempts), found_again, stages)


def _is_done(workshop: Workshop, job_id: str) -> bool:
    return workshop.queue.get(job_id).state is JobState.DONE


def _running_pid(workshop: Workshop, ids: list[str]) -> int | None:
    """Wait for a job that runs and return its worker, resuming what was interrupted; None when all are done."""
    found: list[int | None] = []

    def look() -> bool:
        workshop.queue.resume_interrupted()
        found[:] = [job.worker_pid for job in workshop.queue.jobs(JobState.RUNNING)]
        return bool(found) or all(_is_done(workshop, one) for one in ids)

    wait_until(look, 30)
    return found[0] if found else None


def _wait_for_a_bad_moment(workshop: Workshop, chance: random.Random) -> None:
    """A random time after: now, the first half file, the second one (settings inside), or the final name."""
    outputs = workshop.paths.outputs
    sign = chance.choice(["", ".part1", ".part2", "named"])
    before = {path.name for path in outputs.iterdir() if not path.name.startswith(".")}
    until = time.monotonic() + 3

    def seen() -> bool:
        names = [path.name for path in outputs.iterdir()]
        if sign == "named":
            return any(name not in before and not name.startswith(".") for name in names)
        return any(sign in name for name in names)

    while sign and not seen() and time.monotonic() < until:
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, {"": 0.45, ".part1": 0.15, ".part2": 0.05, "named": 0.01}[sign]))


def _where(workshop: Workshop, pid: int | None) -> str:
    """What the worker did just before its kill, as far as the rows tell."""
    for job in workshop.queue.jobs(JobState.RUNNING):
        if job.worker_pid == pid:
            if job.planned_output is not None and job.planned_output.exists():
                return "named, not recorded"
            return job.progress.stage.value if job.progress else "claimed"
    return "between jobs"


def _kill(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _finish(workshop: Workshop, ids: list[str]) -> None:
    def look() -> bool:
        workshop.queue.resume_interrupted()
        return all(_is_done(workshop, one) for one in ids)

    wait_until(look, 120, lambda: str([job for job in workshop.queue.jobs() if job.state is not JobState.DONE]))


def _judge(workshop: Workshop, ids: list[str]) -> None:
    library = workshop.store.library
    records = library.search(limit=10_000)
    assert sorted(record.job_id or "" for record in records) == sorted(ids), "one generation row a job"
    videos = [path for path in workshop.paths.outputs.rglob("*") if path.is_file()]
    assert sorted(videos) == sorted(record.path for record in records), "one file a job, and no half file"
    for record in records:
        manifest = read_manifest(record.path)
        assert manifest is not None and manifest["job_id"] == record.job_id
        assert record.poster is not None and record.poster.is_file()
    assert workshop.store.integrity_problems() == ()
    assert workshop.supervisor is not None
    workshop.supervisor.stop()
    leftovers = [path for path in workshop.paths.root.rglob("*.part*") if path.parent != workshop.paths.posters]
    assert leftovers == [] and not list(Path(workshop.paths.data / "scratch").glob("*"))
