"""The app's own life: it is killed, started twice, started again. No worker is left, no job is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from workshop import HERE, Workshop, alive, wait_until

from wgp_core.errors import EngineError, StoreError, WorkerError
from wgp_core.events import CancelToken
from wgp_core.jobs.applock import acquire_app_lock
from wgp_core.jobs.tasks import TASKS, DeviceReport
from wgp_core.paths import PROGRAM_ROOT, Paths, build_paths
from wgp_core.store import JobState

APP = """
import sys, time
from dataclasses import replace
from pathlib import Path
from wgp_core.jobs.applock import acquire_app_lock
from wgp_core.jobs.supervisor import Supervisor, SupervisorOptions
from wgp_core.paths import build_paths
from wgp_core.settings import Settings
from wgp_core.store.database import Store

paths = build_paths(home=Path(sys.argv[1]))
lock = acquire_app_lock(paths, url="http://127.0.0.1:7860")
store = Store.open(paths.database)
settings = replace(Settings(), resume_queue=True)
supervisor = Supervisor(paths, store, lambda: settings,
                        options=SupervisorOptions(engines="fake_engine:engines", poll_s=0.05, heartbeat_s=0.2))
supervisor.start()
print("ready", flush=True)
time.sleep(600)
"""


def _start_app(paths: Paths) -> subprocess.Popen[bytes]:
    app = subprocess.Popen([sys.executable, "-c", APP, str(paths.root)], cwd=PROGRAM_ROOT, stdout=subprocess.PIPE)
    assert app.stdout is not None and app.stdout.readline() == b"ready\n"
    return app


def _kill(app: subprocess.Popen[bytes]) -> None:
    app.kill()
    app.wait()
    assert app.stdout is not None
    app.stdout.close()


@pytest.mark.parametrize("prompt", ["sleep 60", "child CHILD"])
def test_a_killed_app_leaves_no_worker_and_its_job_goes_on_next_time(workshop: Workshop, tmp_path: Path,
                                                                      prompt: str) -> None:
    note = tmp_path / "child.pid"
    job = workshop.submit(prompt.replace("CHILD", str(note)))
    app = _start_app(workshop.paths)
    try:
        running = workshop.wait(job.id, JobState.RUNNING)
        if "child" in prompt:
            wait_until(lambda: note.exists() and note.read_text() != "")
    finally:
        _kill(app)
    worker = running.worker_pid or 0
    wait_until(lambda: not alive(worker), 8)
    if "child" in prompt:
        wait_until(lambda: not alive(int(note.read_text())), 1)
    else:
        assert workshop.queue.get(job.id).state is JobState.INTERRUPTED, "a job that listens ends well"
    app = _start_app(workshop.paths)  # a second start: the lock is free, the job is queued again by itself
    try:
        wait_until(lambda: workshop.queue.get(job.id).attempts == 2)
        wait_until(lambda: alive(workshop.queue.get(job.id).worker_pid or 0))
    finally:
        _kill(app)
        wait_until(lambda: not alive(workshop.queue.get(job.id).worker_pid or 0), 8)


def test_a_start_ends_workers_that_were_left_behind(workshop: Workshop) -> None:
    mark = f"{workshop.paths.data}:leftover"
    stray = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                             env={**os.environ, "WGP_WORKER": mark})
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                             env={**os.environ, "WGP_WORKER": "/some/other/data:1"})
    try:
        time.sleep(0.1)
        workshop.start()
        assert stray.wait(timeout=5) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        stray.kill()
        stray.wait()


def test_running_jobs_of_a_former_run_are_interrupted_or_queued_again(workshop: Workshop) -> None:
    jobs = [workshop.submit(f"frames {number}") for number in range(2)]
    for _ in jobs:
        workshop.store.jobs.claim(worker_pid=999_999_999)
    part = workshop.paths.outputs / ".video.part1-999999999.mp4"
    others = workshop.paths.outputs / ".video.part1-4242.mp4"
    from wgp_core.store.jobs import Claim

    workshop.store.jobs.plan_output(Claim(jobs[0].id, 1), workshop.paths.outputs / "video.mp4")
    part.write_bytes(b"half")
    others.write_bytes(b"of another process")
    workshop.queue.pause()
    workshop.start().stop()
    assert {job.state for job in map(workshop.queue.get, [one.id for one in jobs])} == {JobState.INTERRUPTED}
    assert not part.exists() and others.exists()
    workshop.settings = replace(workshop.settings, resume_queue=True)
    workshop.start()
    assert [job.id for job in workshop.queue.jobs(JobState.QUEUED)] == [one.id for one in jobs]


def test_a_job_that_ends_the_program_each_time_is_not_resumed_forever(workshop: Workshop) -> None:
    job = workshop.submit("frames")
    workshop.settings = replace(workshop.settings, resume_queue=True)
    for start in range(1, 4):
        workshop.store.jobs.claim(worker_pid=999_999_999)
        workshop.queue.pause()
        workshop.start().stop()
        workshop.queue.resume()
        expected = JobState.QUEUED if start < 3 else JobState.INTERRUPTED
        assert workshop.queue.get(job.id).state is expected


def test_two_apps_on_one_folder(tmp_path: Path) -> None:
    paths = build_paths(home=tmp_path).ensure()
    app = _start_app_lock_holder(paths)
    try:
        with pytest.raises(StoreError) as refusal:
            acquire_app_lock(paths)
        assert str(app.pid) in str(refusal.value) and "http://127.0.0.1:7861" in str(refusal.value)
    finally:
        _kill(app)
    with acquire_app_lock(paths) as lock:  # its owner is dead: free
        lock.set_url("http://127.0.0.1:7862")
        with pytest.raises(StoreError, match="7862"):
            acquire_app_lock(paths)
    acquire_app_lock(paths).release()


def _start_app_lock_holder(paths: Paths) -> subprocess.Popen[bytes]:
    code = ("import sys, time; from pathlib import Path; from wgp_core.paths import build_paths\n"
            "from wgp_core.jobs.applock import acquire_app_lock\n"
            "lock = acquire_app_lock(build_paths(home=Path(sys.argv[1])), url='http://127.0.0.1:7861')\n"
            "print('ready', flush=True); time.sleep(600)")
    app = subprocess.Popen([sys.executable, "-c", code, str(paths.root)], cwd=PROGRAM_ROOT, stdout=subprocess.PIPE)
    assert app.stdout is not None and app.stdout.readline() == b"ready\n"
    return app


# -- tasks ------------------------------------------------------------------------------------------------------


def test_tasks_answer_fail_time_out_and_die_alone(workshop: Workshop) -> None:
    workshop.options = replace(workshop.options, worker_command=(sys.executable, str(HERE / "fake_worker.py")))
    supervisor = workshop.start()
    assert supervisor.run_task("echo", {"text": "é"}) == {"text": "é"}
    pid = supervisor.status().assistant.pid
    with pytest.raises(EngineError, match=r"No model\. Get one\."):
        supervisor.run_task("refuse")
    with pytest.raises(WorkerError, match="KeyError"):
        supervisor.run_task("echo", {})
    with pytest.raises(WorkerError, match="no task named 'dance'"):
        supervisor.run_task("dance")
    assert supervisor.status().assistant.pid == pid, "a failed task costs no worker"
    with pytest.raises(WorkerError, match=r"longer than 0\.5 s"):
        supervisor.run_task("nap", {"seconds": 30}, timeout_s=0.5)
    with pytest.raises(WorkerError, match="signal 6"):
        supervisor.run_task("abort")
    assert supervisor.run_task("echo", {"text": "again"}) == {"text": "again"}


def test_a_task_is_cancelled(workshop: Workshop) -> None:
    from threading import Timer

    from wgp_core.errors import Cancelled

    workshop.options = replace(workshop.options, worker_command=(sys.executable, str(HERE / "fake_worker.py")))
    supervisor = workshop.start()
    supervisor.run_task("echo", {"text": ""})
    cancel = CancelToken()
    Timer(0.3, cancel.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        supervisor.run_task("nap", {"seconds": 30}, cancel=cancel)
    assert time.monotonic() - began < 3


@pytest.mark.slow
def test_the_device_is_probed_without_torch_in_this_process(workshop: Workshop) -> None:
    report = workshop.start().probe_device(timeout_s=120)
    assert isinstance(report, DeviceReport) and (report.torch_version or report.problem)
    assert ("cuda:0" if report.gpus else "torch") in report.describe()
    assert set(TASKS) >= {"probe_device"}


def test_the_windows_side_loads_nothing_heavy() -> None:
    code = ("import sys, wgp_core.jobs.queue, wgp_core.jobs.supervisor, wgp_core.jobs.applock\n"
            "import wgp_core.store.database\n"
            "heavy = {'torch', 'matplotlib', 'alembic', 'PIL', 'diffusers', 'gradio', 'filelock'} & set(sys.modules)\n"
            "print(sorted(heavy))")
    said = subprocess.run([sys.executable, "-c", code], cwd=PROGRAM_ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
