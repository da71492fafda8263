"""Jobs through a real worker process: done, failed, cancelled, killed, hung. The queue always goes on."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from workshop import Workshop, alive, wait_until

from wgp_core.jobs import recovery
from wgp_core.jobs.causes import OomCounter
from wgp_core.store import JobState


def test_a_job_is_done_with_its_file_in_the_library(workshop: Workshop) -> None:
    job = workshop.submit("sleep 0.3", frames=6)
    workshop.start()
    done = workshop.wait(job.id)
    assert done.state is JobState.DONE, done.error
    made = workshop.store.library.get(done.generation_id or "")
    assert made.path.is_file() and made.poster is not None and made.poster.is_file()
    assert made.job_id == job.id and made.frames == 6 and made.prompt == "sleep 0.3"
    assert done.preview is not None and done.preview.read_bytes().startswith(b"\xff\xd8")
    assert done.progress is not None and done.attempts == 1 and done.running_s and done.running_s > 1
    assert done.worker_pid != os.getpid()


def test_the_chosen_model_is_loaded_before_the_first_job_where_the_setting_says_so(workshop: Workshop) -> None:
    workshop.settings = replace(workshop.settings, preload_model=True, model="0")
    supervisor = workshop.start()
    wait_until(lambda: supervisor.status().notice == "Model 0 is loaded.")
    pid = supervisor.status().render.pid
    done = workshop.wait(workshop.submit("frames").id)
    assert done.state is JobState.DONE and done.worker_pid == pid
    assert supervisor.status().notice == ""


def test_no_worker_starts_before_the_first_job_where_no_model_is_to_be_loaded(workshop: Workshop) -> None:
    supervisor = workshop.start()
    time.sleep(0.5)
    assert supervisor.status().render.pid is None


def test_a_model_that_cannot_be_loaded_ahead_is_a_notice_and_fails_no_job(workshop: Workshop) -> None:
    workshop.settings = replace(workshop.settings, preload_model=True, model="gone")
    supervisor = workshop.start()
    wait_until(lambda: "gone is not installed. Install it." in supervisor.status().notice)
    assert supervisor.status().problem == ""
    assert workshop.wait(workshop.submit("frames").id).state is JobState.DONE


def test_a_job_does_not_wait_for_a_model_that_is_loaded_ahead(workshop: Workshop) -> None:
    workshop.settings = replace(workshop.settings, preload_model=True, model="60")
    supervisor = workshop.start()
    wait_until(lambda: supervisor.status().notice == "Loading 60")
    assert workshop.wait(workshop.submit("frames").id, timeout_s=20).state is JobState.DONE
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 5


def test_progress_is_seen_while_it_runs(workshop: Workshop) -> None:
    job = workshop.submit("sleep 0.2", frames=20)
    workshop.start()
    wait_until(lambda: (p := workshop.queue.get(job.id).progress) is not None and 0 < p.step < p.total)
    progress = workshop.queue.get(job.id).progress
    assert progress is not None and progress.total == 20 and 0 < progress.fraction < 1
    assert progress.label.startswith("Drawing frames") and progress.updated_at is not None


def test_a_failure_fails_one_job_with_its_cause(workshop: Workshop) -> None:
    wrong = workshop.submit("fail The model file is damaged.")
    bug = workshop.submit("bug")
    memory = workshop.submit("oom")
    good = workshop.submit("frames")
    workshop.start()
    assert workshop.wait(wrong.id).error == "The model file is damaged. Ask for something else."
    assert workshop.wait(bug.id).error == "KeyError: 'weights'"
    failed = workshop.wait(memory.id)
    assert failed.state is JobState.FAILED and "12 GB were needed" in failed.error
    assert "trying again" in failed.memory_note
    assert workshop.wait(good.id).state is JobState.DONE
    log = (workshop.paths.logs / "worker-render.log").read_text()
    assert "Traceback" in log and "KeyError" in log


def test_a_step_down_in_memory_is_told_and_kept(workshop: Workshop) -> None:
    job = workshop.submit("oom-once")
    workshop.start()
    done = workshop.wait(job.id)
    assert done.state is JobState.DONE and "profile 5" in done.memory_note
    assert any("profile 5" in warning for warning in done.warnings)


def test_prints_do_not_break_the_protocol(workshop: Workshop) -> None:
    first, second = workshop.submit("print"), workshop.submit("frames")
    workshop.start()
    assert workshop.wait(first.id).state is JobState.DONE
    assert workshop.wait(second.id).state is JobState.DONE
    assert "a library says hello" in (workshop.paths.logs / "worker-render.log").read_text()


def test_a_crash_fails_one_job_and_the_queue_goes_on(workshop: Workshop) -> None:
    crash, leave, good = workshop.submit("abort"), workshop.submit("exit 3"), workshop.submit("frames")
    workshop.start()
    crashed = workshop.wait(crash.id)
    assert crashed.state is JobState.FAILED
    assert "SIGABRT" in crashed.error and "Fatal Python error: Aborted" in crashed.error
    assert "status 3" in workshop.wait(leave.id).error
    assert workshop.wait(good.id).state is JobState.DONE
    assert workshop.queue.get(crash.id).attempts == 1


def test_cancel_before_start_and_while_it_runs(workshop: Workshop) -> None:
    running, waiting = workshop.submit("sleep 60"), workshop.submit("frames")
    workshop.start()
    workshop.wait(running.id, JobState.RUNNING)
    assert workshop.queue.cancel(waiting.id).state is JobState.CANCELLED
    pid = workshop.queue.get(running.id).worker_pid
    began = time.monotonic()
    workshop.queue.cancel(running.id)
    assert workshop.wait(running.id).state is JobState.CANCELLED
    assert time.monotonic() - began < 0.9
    again = workshop.submit("frames")
    assert workshop.wait(again.id).worker_pid == pid, "the worker survives a cooperative cancel"
    assert _half_files(workshop) == []


def test_a_cancel_between_claim_and_start_is_seen(workshop: Workshop) -> None:
    """The message can be lost; the row is read again after the claim."""
    job = workshop.submit("sleep 60")
    supervisor = workshop.start()
    wait_until(lambda: workshop.queue.get(job.id).state is JobState.RUNNING)
    supervisor._render.job_id = "another"  # the supervisor will not pass it on
    workshop.store.jobs.cancel(job.id)
    assert workshop.wait(job.id).state is JobState.CANCELLED


def test_a_job_that_ignores_cancel_is_ended_after_the_grace(workshop: Workshop) -> None:
    job, good = workshop.submit("stubborn 60"), workshop.submit("frames")
    workshop.start()
    wait_until(lambda: (now := workshop.queue.get(job.id).progress) is not None and now.message == "stubborn")
    workshop.queue.cancel(job.id)
    ended = workshop.wait(job.id)
    assert ended.state is JobState.CANCELLED and "did not stop by itself within 1 s" in ended.error
    assert workshop.wait(good.id).state is JobState.DONE


def test_a_hang_fails_the_job_and_the_log_shows_where(workshop: Workshop) -> None:
    workshop.settings = replace(workshop.settings, hang_timeout_s=1.5)
    job, good = workshop.submit("hang 60"), workshop.submit("frames")
    workshop.start()
    failed = workshop.wait(job.id)
    assert failed.state is JobState.FAILED and "no sign of life for 1.5 s" in failed.error
    assert workshop.wait(good.id).state is JobState.DONE
    assert "in obey" in (workshop.paths.logs / "worker-render.log").read_text()


def test_a_stopped_process_is_a_hang(workshop: Workshop) -> None:
    workshop.settings = replace(workshop.settings, hang_timeout_s=1.5)
    job = workshop.submit("sleep 60")
    workshop.start()
    pid = workshop.wait(job.id, JobState.RUNNING).worker_pid
    os.kill(pid or 0, signal.SIGSTOP)
    assert "no sign of life" in workshop.wait(job.id).error


def test_a_kill_from_outside_interrupts_and_resume_finishes(workshop: Workshop) -> None:
    job = workshop.submit("sleep 0.2", frames=10)
    workshop.start()
    wait_until(lambda: workshop.queue.get(job.id).progress is not None)
    os.kill(workshop.queue.get(job.id).worker_pid or 0, signal.SIGTERM)
    ended = workshop.wait(job.id)
    assert ended.state is JobState.INTERRUPTED and "SIGTERM" in ended.error
    assert _half_files(workshop) == []
    workshop.queue.resume_interrupted(job.id)
    done = workshop.wait(job.id, JobState.DONE)
    assert done.attempts == 2 and done.error == ""


def test_a_kernel_oom_kill_fails_the_job(workshop: Workshop, tmp_path: Path) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom_kill 4\n")
    job = workshop.submit("sleep 60")
    supervisor = workshop.start()
    supervisor._oom = OomCounter((counter,))
    pid = workshop.wait(job.id, JobState.RUNNING).worker_pid
    counter.write_text("low 0\noom_kill 5\n")
    os.kill(pid or 0, signal.SIGKILL)
    failed = workshop.wait(job.id)
    assert failed.state is JobState.FAILED and "ran out of memory" in failed.error


def test_the_workers_children_die_with_it(workshop: Workshop, tmp_path: Path) -> None:
    note = tmp_path / "child.pid"
    job = workshop.submit(f"child {note}")
    workshop.start()
    wait_until(lambda: note.exists() and note.read_text() != "")
    child = int(note.read_text())
    os.kill(workshop.queue.get(job.id).worker_pid or 0, signal.SIGKILL)
    workshop.wait(job.id)
    wait_until(lambda: not alive(child), 5)


def test_a_killed_worker_whose_file_was_whole_counts_as_done(workshop: Workshop) -> None:
    """Killed between the rename and the record: the file tells whose it is."""
    job = workshop.submit("frames")
    workshop.start()
    done = workshop.wait(job.id)
    made = workshop.store.library.get(done.generation_id or "")
    twin = workshop.submit("frames")
    workshop.wait(twin.id)
    _pretend_unfinished(workshop, job.id)
    _pretend_unfinished(workshop, twin.id, planned=made.path)  # another job's file is never taken
    found = recovery.recover_at_startup(workshop.store, workshop.paths, resume=False)
    states = {one.id: one.state for one in found}
    assert states == {job.id: JobState.DONE, twin.id: JobState.INTERRUPTED}
    again = workshop.store.library.find_by_job(job.id)
    assert again is not None and again.path == made.path and again.poster is not None and again.poster.is_file()
    assert "found again" in workshop.queue.get(job.id).warnings[-1]


def test_a_worker_killed_right_after_the_record_leaves_nothing_half(workshop: Workshop) -> None:
    job = workshop.submit("recorded")
    workshop.start()
    done = workshop.wait(job.id)
    assert done.state is JobState.DONE and done.attempts == 1
    made = workshop.store.library.get(done.generation_id or "").path
    assert [path for path in workshop.paths.outputs.iterdir() if path.is_file()] == [made]
    wait_until(lambda: not list((workshop.paths.data / "scratch").glob("*")))


def test_an_idle_worker_is_stopped_and_started_again(workshop: Workshop) -> None:
    workshop.settings = replace(workshop.settings, worker_idle_s=0.3)
    first = workshop.submit("frames")
    supervisor = workshop.start()
    pid = workshop.wait(first.id).worker_pid
    wait_until(lambda: supervisor.status().render.pid is None, 10)
    assert not alive(pid or 0)
    second = workshop.submit("frames")
    done = workshop.wait(second.id)
    assert done.state is JobState.DONE and done.worker_pid != pid


def test_a_change_of_the_machines_settings_takes_a_new_worker(workshop: Workshop) -> None:
    supervisor = workshop.start()
    first, second = (workshop.wait(workshop.submit("frames").id) for _ in range(2))
    assert first.worker_pid == second.worker_pid
    workshop.settings = replace(workshop.settings, crf=30)
    assert workshop.wait(workshop.submit("frames").id).worker_pid == first.worker_pid
    workshop.settings = replace(workshop.settings, profile="5")
    third = workshop.wait(workshop.submit("frames").id)
    assert third.state is JobState.DONE and third.worker_pid != first.worker_pid
    assert supervisor.status().problem == ""


def test_stopping_the_app_interrupts_the_running_job(workshop: Workshop) -> None:
    job = workshop.submit("sleep 60")
    supervisor = workshop.start()
    pid = workshop.wait(job.id, JobState.RUNNING).worker_pid
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 4
    assert workshop.queue.get(job.id).state is JobState.INTERRUPTED and not alive(pid or 0)


def test_a_worker_that_cannot_start_is_reported_and_jobs_wait(workshop: Workshop) -> None:
    workshop.options = replace(workshop.options, worker_command=("/bin/sh", "-c", "echo no such library >&2; exit 9"))
    job = workshop.submit("frames")
    supervisor = workshop.start()
    wait_until(lambda: supervisor.status().problem != "")
    assert "status 9" in supervisor.status().problem and "no such library" in supervisor.status().problem
    assert workshop.queue.get(job.id).state is JobState.QUEUED


def test_a_paused_queue_starts_nothing(workshop: Workshop) -> None:
    workshop.queue.pause()
    job = workshop.submit("frames")
    supervisor = workshop.start()
    time.sleep(0.4)
    assert supervisor.status().render.pid is None
    workshop.queue.resume()
    assert workshop.wait(job.id).state is JobState.DONE


def _half_files(workshop: Workshop) -> list[Path]:
    return list(workshop.paths.root.rglob("*.part*"))


def _pretend_unfinished(workshop: Workshop, job_id: str, planned: Path | None = None) -> None:
    """Put a done job back to how a crash right before its record leaves it."""
    from sqlalchemy import delete, update

    from wgp_core.store.tables import GenerationRow, JobRow

    made = workshop.store.library.find_by_job(job_id)
    assert made is not None
    with workshop.store.jobs._transactions.write() as session:
        session.execute(delete(GenerationRow).where(GenerationRow.job_id == job_id))
        session.execute(update(JobRow).where(JobRow.id == job_id).values(
            state="running", planned_output=str(planned or made.path), generation_id=None))
