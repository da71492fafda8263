"""Jobs, results and the library in words and HTML."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ui import result, stage, tab_library, tab_models, tab_queue, words
from ui.components import attempt, notice
from ui.live import Pulse
from ui.progress import job_view, now_panel, overall_percent
from ui.tab_library import Query
from wgp_core.errors import QueueError, RequestError
from wgp_core.events import Stage
from wgp_core.jobs.recovery import recover_at_startup
from wgp_core.jobs.tasks import DeviceReport, GpuInfo
from wgp_core.request import VideoRequest
from wgp_core.result import VideoResult
from wgp_core.sizes import file_size
from wgp_core.store.records import JobProgress, JobRecord, JobState

NASTY = '<img src=x onerror=alert(1)> "quoted" & more'


def job(state: JobState = JobState.QUEUED, **extra) -> JobRecord:
    return JobRecord("a" * 12, state, VideoRequest(prompt=extra.pop("prompt", "a topic"), seconds=8), **extra)


def names(record: JobRecord) -> set[str]:
    return {action.name for action in tab_queue.card_actions(job_view(record), record)}


@pytest.mark.parametrize("seconds, told", [(0.43, "0.4 s"), (8, "8 s"), (80, "1 min 20 s"), (120, "2 min"),
                                           (7500, "2 h 5 min"), (None, "")])
def test_durations(seconds, told):
    assert words.duration(seconds) == told


def test_sizes_ages_and_counts():
    assert [file_size(n) for n in (812, 98_400_000, 2_400_000_000)] == ["812 B", "98 MB", "2.4 GB"]
    now = datetime(2026, 5, 1, tzinfo=UTC)
    assert words.ago(now - timedelta(minutes=5), now) == "5 min ago"
    assert words.ago(now - timedelta(days=1, hours=3), now) == "1 day ago"
    assert (words.plural(1, "job"), words.plural(3, "job")) == ("1 job", "3 jobs")
    assert words.short("one two three four", 12) == "one two…"
    assert words.timings({"render": 11.2, "encode": 1.8, "check": 0.001}) == \
        "drawing frames 11 s, encoding the video 1.8 s"


def test_file_addresses_are_quoted():
    assert words.file_url(Path("/tmp/a b/ü#1.mp4"), 7) == "/gradio_api/file=/tmp/a%20b/%C3%BC%231.mp4?v=7"


def test_a_running_job_in_words():
    running = job(JobState.RUNNING, progress=JobProgress(Stage.RENDER, 24, 48, fraction=0.5, eta_s=42))
    view = job_view(running)
    assert (view.detail, view.eta, view.badge) == ("Drawing frames 24 of 48", "about 42 s left", "Running")
    assert view.percent == overall_percent(running) == 51
    assert job_view(job(JobState.RUNNING)).detail == "Starting the worker"
    assert job_view(job(JobState.RUNNING, cancel_requested=True)).badge == "Stopping"


def test_progress_never_goes_back_from_stage_to_stage():
    shares = [overall_percent(job(JobState.RUNNING, progress=JobProgress(each, fraction=f)))
              for each in Stage for f in (0.0, 0.5, 1.0)]
    assert shares == sorted(shares) and shares[-1] == 100


def test_waiting_failed_and_interrupted_jobs_in_words():
    assert job_view(job(rank=1)).detail == "Next in line"
    assert job_view(job(rank=3)).detail == "2 jobs ahead of it"
    assert job_view(job(JobState.FAILED, error="No disk space.")).error == "No disk space."
    assert "Resume it" in job_view(job(JobState.INTERRUPTED)).detail


def test_actions_fit_the_state():
    assert "edit" in names(job(rank=1)) and "retry" not in names(job(rank=1))
    assert names(job(JobState.RUNNING)) == {"cancel", "duplicate"}
    assert "resume" in names(job(JobState.INTERRUPTED))
    assert "retry" in names(job(JobState.FAILED))
    assert names(job(JobState.FAILED, request_problem="unreadable")) == {"remove"}


def test_texts_from_outside_are_escaped():
    nasty = job(JobState.FAILED, prompt=NASTY, error=NASTY, warnings=(NASTY,))
    for html in (tab_queue.card_html(nasty), result.outcome_panel(nasty), notice(NASTY, fix=NASTY),
                 now_panel(job(JobState.RUNNING, prompt=NASTY), 2, paused=False)):
        assert "<img src=x" not in html
        assert "&lt;img" in html


def test_the_panel_says_why_nothing_runs():
    assert now_panel(None, 0, paused=False) == ""
    assert "queue is paused" in now_panel(None, 2, paused=True)
    assert "worker is starting" in now_panel(None, 1, paused=False)


def test_errors_become_messages_and_surprises_are_logged(caplog):
    def refuse():
        raise RequestError("It is red.", fix="Make it blue.")

    def crash():
        raise ZeroDivisionError("oops")

    assert attempt(lambda: 3) == (3, "")
    told = attempt(refuse)[1]
    assert "It is red." in told and "Make it blue." in told and not caplog.records
    assert "ZeroDivisionError" in attempt(crash)[1]
    assert caplog.records[0].exc_info


def test_the_stage_shows_the_latest_and_what_is_pinned(studio, add_video):
    assert "Your video will appear here" in stage.views(studio, "")[1]
    first, second = add_video("first topic"), add_video("second topic")
    shown = stage.views(studio, "")[1]
    assert "second topic" in shown and 'data-action="show"' in shown
    assert f'data-id="{first.id}" aria-label="first topic" aria-current=true' in stage.views(studio, first.id)[1]
    studio.store.library.trash(first.id)
    assert "second topic" in stage.views(studio, "gone")[1]
    assert second.id in stage.views(studio, "")[1]


def test_cancel_takes_the_next_waiting_job_when_none_runs(studio):
    with pytest.raises(QueueError, match="nothing to cancel"):
        stage.cancel_current(studio)
    one, two = studio.queue.submit_many([VideoRequest(prompt="one"), VideoRequest(prompt="two")])
    assert stage.views(studio, "")[2]["interactive"] is True
    assert stage.cancel_current(studio).id == one.id
    assert studio.queue.get(two.id).state is JobState.QUEUED
    assert "You cancelled this job." in stage.views(studio, "")[1]


def test_an_old_failure_makes_room_for_the_running_job(studio):
    old = studio.queue.submit(VideoRequest(prompt="old"))
    studio.queue.cancel(old.id)
    studio.queue.submit(VideoRequest(prompt="new"))
    assert "You cancelled this job." in stage.views(studio, "")[1]
    running = studio.store.jobs.claim(4242)
    assert running is not None and "You cancelled this job." not in stage.views(studio, "")[1]


def test_interrupted_jobs_are_told_beside_the_form(studio):
    assert "interrupted" not in stage.views(studio, "")[0]
    studio.queue.submit(VideoRequest(prompt="x"))
    studio.store.jobs.claim(4242)
    recover_at_startup(studio.store, studio.paths, resume=False)
    assert "1 interrupted job can be resumed." in stage.views(studio, "")[0]


def test_a_variation_has_a_new_seed_and_a_new_name():
    request = stage.variation(VideoRequest.from_dict({"prompt": "x", "seed": 4, "output": {"path": "/out/a.mp4"}}))
    assert request.seed == -1 and request.output.path is None


def test_the_library_finds_filters_and_pages(studio, add_video, monkeypatch):
    monkeypatch.setattr(tab_library, "PAGE", 2)
    for name in ("sorting step by step", "sorting a list", "a pendulum"):
        add_video(name)
    found, total, page = Query("sorting").find(studio, 5)
    assert (len(found), total, page) == (2, 2, 0)
    found, total, page = Query().find(studio, 1)
    assert (len(found), total, page) == (1, 3, 1)
    html = tab_library.grid_html(found, total, page, "", Query())
    assert "Page 2 of 2" in html and "3 results" in html
    assert "Nothing found" in tab_library.grid_html((), 0, 0, "", Query("zebra"))
    assert "No favourites yet" in tab_library.grid_html((), 0, 0, "", Query(view="favourites"))


def test_library_actions_change_what_they_say(studio, add_video):
    video = add_video("a pendulum", warnings=("Drawn by the local engine instead.",))
    details = tab_library.details_html(studio.store.library.get(video.id))
    assert "Drawn by the local engine instead." in details and str(video.path) in details
    assert "Made just now in 13 s: drawing frames 11 s, encoding the video 1.8 s." in details
    tab_library._act(studio, "star", video.id, 0, video.id)
    assert Query(view="favourites").find(studio, 0)[1] == 1
    assert tab_library._act(studio, "trash", video.id, 0, video.id)[1] == ""
    assert Query().find(studio, 0)[1] == 0 and Query(view="trash").find(studio, 0)[1] == 1
    assert 'data-action="restore"' in tab_library.details_html(studio.store.library.get(video.id))
    tab_library._act(studio, "restore", video.id, 0, "")
    assert Query().find(studio, 0)[1] == 1


def test_a_missing_file_is_told(studio, add_video):
    video = add_video("a pendulum")
    video.path.unlink()
    gone = studio.store.library.get(video.id)
    assert "no longer at" in result.player(gone) and result.download_link(gone) == ""


def test_the_editor_takes_what_the_schema_takes():
    request = VideoRequest(prompt="old", seconds=8, seed=3)
    assert tab_queue.settings_text(request) == '{\n  "seconds": 8.0,\n  "seed": 3\n}'
    changed = tab_queue.edited(request, "new", '{"seconds": 4}')
    assert (changed.prompt, changed.seconds, changed.seed) == ("new", 4, -1)
    for text, told in (("{", "not valid JSON"), ("[]", "one JSON object"), ('{"colour": 1}', "colour"),
                       ('{"seconds": "soon"}', "seconds"), ('{"seconds": 4, "frames": 9}', "both")):
        with pytest.raises(RequestError, match=told):
            tab_queue.edited(request, "new", text)
    with pytest.raises(RequestError, match="empty"):
        tab_queue.edited(request, " ", "{}")


def test_queue_actions_reach_the_queue(studio):
    one, two = studio.queue.submit_many([VideoRequest(prompt="one"), VideoRequest(prompt="two")])
    tab_queue._act(studio, "top", two.id)
    assert [j.id for j in studio.queue.jobs()] == [two.id, one.id]
    tab_queue._act(studio, "pause", "all")
    assert studio.queue.paused
    told = tab_queue._act(studio, "export", "all")
    assert "2 jobs exported" in told and list(studio.paths.cache.glob("wgp-queue-*.zip"))
    tab_queue._act(studio, "cancel", one.id)
    assert "1 job removed" in tab_queue._act(studio, "clear", "all")
    bar = tab_queue.tools_html(studio.queue.counts(), paused=True)
    assert "1 waiting" in bar and "Resume queue" in bar


def test_the_banner_offers_interrupted_jobs():
    counts = dict.fromkeys(JobState, 0) | {JobState.INTERRUPTED: 2}
    bar = tab_queue.tools_html(counts, paused=False)
    assert "2 jobs stopped when the program ended." in bar and 'data-action="resume-all"' in bar


def test_the_pulse_is_silent_until_something_changes(studio):
    pulse = Pulse(studio)
    first = pulse.poll({})
    assert first["title"] == "WGP Studio" and first["ended"]["id"] == ""
    assert "title" not in pulse.poll({"known": first["version"]})
    record = studio.queue.submit(VideoRequest(prompt="x"))
    assert "title" in pulse.poll({"known": first["version"]})
    studio.queue.cancel(record.id)
    assert pulse.poll({})["ended"]["title"] == "A job was cancelled"


def test_models_and_the_machine_in_words(studio, monkeypatch):
    table = tab_models.table_html(studio)
    assert "into ckpts/, and LoRAs into loras/" in table
    assert "No video model is installed" in table and "all-MiniLM-L6-v2" in table and "Apache-2.0" in table
    assert "not checked yet" in tab_models.machine_html(studio)
    report = DeviceReport("2.13.0", "13.0", (GpuInfo(0, "NVIDIA H100", 79.2, 70.0, "9.0"),), 16)
    assert tab_models.device_words(report) == "NVIDIA H100, 79.2 GB (cuda:0); torch 2.13.0"
    assert tab_models.device_words(DeviceReport(cpu_threads=2)) == "no graphics card, 2 processor threads"
    assert "Notice" not in tab_models.machine_html(studio)
    now = replace(studio.supervisor.status(), notice="Wan <1> is loaded.")
    monkeypatch.setattr(studio.supervisor, "status", lambda: now)
    assert "<dt>Notice</dt><dd>Wan &lt;1&gt; is loaded.</dd>" in tab_models.machine_html(studio)


@pytest.mark.parametrize(("model", "name"), [
    ("/home/me/models/toy-sdxl", "toy-sdxl"), ("ckpts/toy-wan/", "toy-wan"), ("./mine", "mine"), ("~/mine", "mine"),
    ("C:\\models\\mine", "mine"), ("org/name", "org/name"), ("wan2.1-t2v-1.3b", "wan2.1-t2v-1.3b")])
def test_a_model_is_called_by_its_folder_where_it_was_given_by_path(model, name):
    assert words.model_name(model) == name


def test_a_still_is_shown_as_a_picture(studio):
    path = studio.paths.outputs / "still.png"
    path.write_bytes(b"picture")
    asked = VideoRequest(prompt="a red cube", model="/far/toy-sdxl", seed=3, frames=1)
    record = studio.store.library.add(VideoResult(path=path, request=asked, asked=asked, engine="diffusion", width=64,
                                                  height=64, fps=16, frames=1))
    shown = result.player(record)
    assert "still.png" in shown and "<img" in shown and "cannot play" not in shown
    assert result.facts(record) == ("64 × 64", "picture", "toy-sdxl", "seed 3")
    assert "w-length" not in result.thumbnail(record, "open")
