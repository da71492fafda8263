"""The queue's rules: a state machine, claims by two processes, order, editing, uploads."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wgp_core.errors import QueueError, RequestError
from wgp_core.events import Stage
from wgp_core.jobs.queue import JobQueue
from wgp_core.paths import PROGRAM_ROOT, Paths, build_paths
from wgp_core.request import VideoRequest
from wgp_core.result import VideoResult
from wgp_core.store import JobProgress, JobSource, JobState
from wgp_core.store.database import Store
from wgp_core.store.jobs import Claim, ClaimLostError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return build_paths(home=tmp_path / "home").ensure()


@pytest.fixture
def queue(paths: Paths):
    with Store.open(paths.database) as store:
        yield JobQueue(store, paths)


def result_of(job_id: str | None, path: Path) -> VideoResult:
    request = VideoRequest("p", seed=1)
    return VideoResult(path=path, request=request, asked=request, engine="fake", width=64, height=48, fps=8, frames=4,
                       job_id=job_id)


def prompts(queue: JobQueue, *states: JobState) -> list[str]:
    return [job.request.prompt for job in queue.jobs(*states)]


def test_a_submitted_job_is_committed_and_checked(queue: JobQueue, paths: Paths) -> None:
    job = queue.submit(VideoRequest("a cat", seconds=2), source="api", priority=3)
    assert (job.state, job.source, job.priority, job.rank) == (JobState.QUEUED, JobSource.API, 3, 1)
    with Store.open(paths.database) as other:
        assert other.jobs.get(job.id) == job
    with pytest.raises(RequestError):
        queue.submit(VideoRequest("  "))
    with pytest.raises(RequestError):
        queue.submit_many([VideoRequest("good"), VideoRequest("")])
    assert len(queue.jobs()) == 1, "all or none"


def test_order_follows_priority_then_position_then_moves(queue: JobQueue) -> None:
    ids = {name: queue.submit(VideoRequest(name)).id for name in "abcd"}
    queue.submit(VideoRequest("urgent"), priority=5)
    assert prompts(queue) == ["urgent", "a", "b", "c", "d"]
    queue.move(ids["d"], "up")
    queue.move(ids["a"], "bottom")
    assert prompts(queue) == ["urgent", "b", "d", "c", "a"]
    assert queue.move(ids["c"], 2).rank == 2
    assert queue.move(ids["a"], "top").priority == 5, "it takes the priority that the place needs"
    assert prompts(queue) == ["a", "urgent", "c", "b", "d"]
    assert queue.move(ids["a"], 99).rank == 5
    assert [queue._jobs.claim(1).request.prompt for _ in range(2)] == ["urgent", "c"]  # type: ignore[union-attr]
    with pytest.raises(QueueError, match="running"):
        queue.move(ids["c"], "top")
    with pytest.raises(QueueError, match="sideways"):
        queue.move(ids["a"], "sideways")  # type: ignore[arg-type]


def test_editing_fits_waiting_jobs_only(queue: JobQueue) -> None:
    job = queue.submit(VideoRequest("old"))
    assert queue.edit(job.id, VideoRequest("new", width=64, height=48)).request.width == 64
    claimed = queue._jobs.claim(1)
    assert claimed is not None and claimed.request.prompt == "new"
    with pytest.raises(QueueError, match="running"):
        queue.edit(job.id, VideoRequest("newer"))
    twin = queue.duplicate(job.id)
    assert twin.request == claimed.request and twin.state is JobState.QUEUED
    with pytest.raises(QueueError, match="no job 'nothing'"):
        queue.get("nothing")


def test_the_pause_and_changes_outlive_the_process(queue: JobQueue, paths: Paths) -> None:
    queue.submit(VideoRequest("a"))
    before = queue.version()
    queue.pause()
    assert queue.version() != before
    with Store.open(paths.database) as store:
        other = JobQueue(store, paths)
        assert other.paused and store.jobs.claim(1) is None and not store.jobs.has_work()
        other.resume()
    assert not queue.paused and queue._jobs.claim(1) is not None


def test_listeners_hear_of_changes(queue: JobQueue) -> None:
    heard: list[int] = []
    queue.subscribe(lambda: heard.append(1))
    queue.cancel(queue.submit(VideoRequest("a")).id)
    assert len(heard) == 2


def test_a_lost_claim_writes_nothing(queue: JobQueue, paths: Paths) -> None:
    """A worker that was given up cannot end, or record for, a later attempt of its job."""
    job = queue.submit(VideoRequest("a"))
    first = queue._jobs.claim(1)
    assert first is not None
    assert queue._jobs.settle(Claim.of(first), JobState.INTERRUPTED, "gone")
    queue.retry(job.id)
    second = queue._jobs.claim(2)
    assert second is not None and second.attempts == 2
    old = Claim.of(first)
    with pytest.raises(ClaimLostError):
        queue._jobs.complete(old, result_of(job.id, paths.outputs / "a.mp4"))
    with pytest.raises(ClaimLostError):
        queue._jobs.save_progress(old, JobProgress(Stage.RENDER))
    assert not queue._jobs.settle(old, JobState.FAILED, "late")
    assert queue.get(job.id).state is JobState.RUNNING and queue._store.library.count() == 0
    made = queue._jobs.complete(Claim.of(second), result_of(job.id, paths.outputs / "a.mp4"))
    assert queue.get(job.id).generation_id == made.id and queue._store.library.find_by_job(job.id) == made


def test_clearing_keeps_videos_and_interrupted_jobs(queue: JobQueue, paths: Paths) -> None:
    done, failed, stays = (queue.submit(VideoRequest(name)) for name in "abc")
    queue._jobs.complete(Claim.of(queue._jobs.claim(1)), result_of(done.id, paths.outputs / "a.mp4"))  # type: ignore[arg-type]
    queue._jobs.settle(Claim.of(queue._jobs.claim(1)), JobState.FAILED, "no")  # type: ignore[arg-type]
    queue._jobs.settle(Claim.of(queue._jobs.claim(1)), JobState.INTERRUPTED, "cut")  # type: ignore[arg-type]
    for file in paths.preview_files(failed.id):
        file.write_bytes(b"x")
    assert queue.clear_finished() == 2
    assert [job.id for job in queue.jobs()] == [stays.id] and queue._store.library.count() == 1
    assert not list(paths.previews.iterdir())
    queue.remove(stays.id)
    assert queue.jobs() == ()


def test_uploads_stay_as_long_as_something_needs_them(queue: JobQueue, paths: Paths, tmp_path: Path) -> None:
    picture = tmp_path / "my cat.png"
    picture.write_bytes(b"picture")
    job = queue.submit(VideoRequest("a", start_image=picture))
    picture.write_bytes(b"changed later")
    kept = job.request.start_image
    assert kept is not None and kept.parent == paths.uploads and kept.read_bytes() == b"picture"
    loose = queue.keep_upload(picture)
    assert queue.sweep_uploads() == 0, "a form may still hold it"
    for path in (kept, loose):
        os.utime(path, (time.time() - 10**6,) * 2)
    assert queue.sweep_uploads() == 1 and kept.exists() and not loose.exists()
    request = job.request.with_(seed=1)
    result = result_of(job.id, paths.outputs / "a.mp4")
    queue._jobs.claim(1)
    queue._jobs.complete(Claim(job.id, 1), VideoResult(**{**vars(result), "request": request}))
    assert queue.clear_finished() == 1 and kept.exists(), "the generation can still be repeated"
    with pytest.raises(RequestError, match="does not exist") as refusal:
        queue.submit(VideoRequest("a", end_image=tmp_path / "nothing.png"))
    assert refusal.value.field == "end_image"


def test_a_request_that_cannot_be_read_harms_no_other_job(queue: JobQueue, paths: Paths) -> None:
    import sqlite3

    bad, good = queue.submit(VideoRequest("bad one")), queue.submit(VideoRequest("good"))
    with sqlite3.connect(paths.database) as raw:
        raw.execute("UPDATE jobs SET request = json_set(request, '$.colour', 'red') WHERE id = ?", (bad.id,))
    found = queue.get(bad.id)
    assert "colour" in found.request_problem and found.request.prompt == "bad one"
    assert len(queue.jobs()) == 2 and not queue.get(good.id).request_problem
    queue.cancel(bad.id)
    with pytest.raises(QueueError, match="cannot be read"):
        queue.retry(bad.id)


CLAIMER = """
import sys
from pathlib import Path
from wgp_core.store.database import Store
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
while (job := store.jobs.claim(int(sys.argv[2]))) is not None:
    print(job.id, flush=True)
"""


def test_two_processes_never_claim_the_same_job(queue: JobQueue, paths: Paths) -> None:
    ids = [job.id for job in queue.submit_many([VideoRequest(str(number)) for number in range(120)])]
    claimers = [subprocess.Popen([sys.executable, "-c", CLAIMER, str(paths.database), str(pid)], cwd=PROGRAM_ROOT,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for pid in (1, 2)]
    for claimer in claimers:
        assert claimer.stdout is not None and claimer.stdout.readline() == "ready\n"
    for claimer in claimers:
        assert claimer.stdin is not None
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    taken = [claimer.communicate(timeout=60)[0].split() for claimer in claimers]
    assert sorted(taken[0] + taken[1]) == sorted(ids)
    assert all(job.attempts == 1 for job in queue.jobs())


class QueueMachine(RuleBasedStateMachine):
    """Random actions against a plain model of what each job's state must be."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        paths = build_paths(home=Path(self.folder.name)).ensure()
        self.store = Store.open(paths.database)
        self.queue = JobQueue(self.store, paths)
        self.outputs = paths.outputs
        self.model: dict[str, JobState] = {}
        self.claims: dict[str, Claim] = {}
        self.done: set[str] = set()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def pick(self, number: int) -> str | None:
        return sorted(self.model)[number % len(self.model)] if self.model else None

    @rule(priority=st.integers(-1, 1))
    def submit(self, priority: int) -> None:
        job = self.queue.submit(VideoRequest("p"), priority=priority)
        self.model[job.id] = JobState.QUEUED

    @rule()
    def claim(self) -> None:
        waiting = [job.id for job in self.queue.jobs(JobState.QUEUED)]
        job = self.store.jobs.claim(1)
        assert (job.id if job else None) == (waiting[0] if waiting and not self.queue.paused else None)
        if job:
            self.model[job.id] = JobState.RUNNING
            self.claims[job.id] = Claim.of(job)

    @rule(number=st.integers(0, 9), end=st.sampled_from(["done", "failed", "cancelled", "interrupted"]))
    def end(self, number: int, end: str) -> None:
        job_id = self.pick(number)
        if job_id not in self.claims:
            return
        is_running = self.model[job_id] is JobState.RUNNING
        claim = self.claims.pop(job_id)
        if end == "done":
            try:
                self.store.jobs.complete(claim, result_of(job_id, self.outputs / f"{job_id}.mp4"))
                assert is_running
                self.done.add(job_id)
            except ClaimLostError:
                assert not is_running
        else:
            assert self.store.jobs.settle(claim, JobState(end)) == is_running
        if is_running:
            self.model[job_id] = JobState(end)

    @rule(number=st.integers(0, 9))
    def cancel(self, number: int) -> None:
        self.act(number, self.queue.cancel, (JobState.QUEUED, JobState.INTERRUPTED), JobState.CANCELLED,
                 also=(JobState.RUNNING,))

    @rule(number=st.integers(0, 9))
    def retry(self, number: int) -> None:
        self.act(number, self.queue.retry, (JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED), JobState.QUEUED)

    @rule(number=st.integers(0, 9))
    def resume(self, number: int) -> None:
        self.act(number, lambda job_id: self.queue.resume_interrupted(job_id)[0], (JobState.INTERRUPTED,),
                 JobState.QUEUED)

    @rule(number=st.integers(0, 9), to=st.one_of(st.integers(-1, 9), st.sampled_from(["up", "down", "top", "bottom"])))
    def move(self, number: int, to: int | str) -> None:
        self.act(number, lambda job_id: self.queue.move(job_id, to), (JobState.QUEUED,), JobState.QUEUED)  # type: ignore[arg-type]

    def act(self, number, action, fits, leads_to, also=()) -> None:
        job_id = self.pick(number)
        if job_id is None:
            return
        state = self.model[job_id]
        if state in fits or state in also:
            self.model[job_id] = leads_to if state in fits else state
            assert action(job_id).state is self.model[job_id]
        else:
            with pytest.raises(QueueError):
                action(job_id)

    @rule(pause=st.booleans())
    def pause(self, pause: bool) -> None:
        (self.queue.pause if pause else self.queue.resume)()

    @rule()
    def clear(self) -> None:
        self.queue.clear_finished()
        finished = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
        self.model = {job_id: state for job_id, state in self.model.items() if state not in finished}

    @invariant()
    def states_agree(self) -> None:
        jobs = self.queue.jobs()
        assert {job.id: job.state for job in jobs} == self.model
        waiting = [job for job in jobs if job.state is JobState.QUEUED]
        assert [job.rank for job in waiting] == list(range(1, len(waiting) + 1))
        assert [-job.priority for job in waiting] == sorted(-job.priority for job in waiting)
        assert sum(self.queue.counts().values()) == len(jobs)
        assert self.store.library.count() == len(self.done)


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=15, stateful_step_count=25, deadline=None,
                                     suppress_health_check=list(HealthCheck), database=None)
