"""Frames are drawn, drawn again, exported and filmed through the real engine; who is stopped goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import pytest

from wgp_core.config import Config
from wgp_core.context import generation_context
from wgp_core.errors import Cancelled, RequestError
from wgp_core.events import CancelToken, Progress
from wgp_core.generate import GenerationContext, NoRecorder
from wgp_core.media import audio
from wgp_core.media.images import load_image
from wgp_core.media.probe import probe
from wgp_core.paths import build_paths
from wgp_core.planning.story.break_down import break_down
from wgp_core.storyboard import BoardProject, DrawOptions, FilmOptions, FrameState, Transition, draw, export, film

STORY = "a trickster sells a wealthy merchant a magical pot"
SMALL = DrawOptions(width=320, height=240)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def context(tmp_path: Path) -> GenerationContext:
    paths = build_paths(home=tmp_path / "home").ensure()
    return generation_context(paths, Config(paths.settings_file).settings, NoRecorder())


@pytest.fixture
def project(context: GenerationContext) -> BoardProject:
    return BoardProject.create_in(context.paths.outputs, break_down(STORY, count=6), SMALL, FilmOptions(fps=8))


def test_all_frames_are_drawn_once_and_only_one_again(project: BoardProject, context: GenerationContext) -> None:
    drawn = draw(project, None, context)
    assert drawn.numbers == (1, 2, 3, 4, 5, 6) and drawn.warnings == ()
    assert [load_image(project.frame_path(n)).shape for n in drawn.numbers] == [(240, 320, 3)] * 6
    assert [frame.seed for frame in project.frames] == [42, 43, 44, 45, 46, 47]
    assert sorted(p.name for p in project.folder.iterdir()) == [*(f"frame_{n:03}.png" for n in range(1, 7)),
                                                              "scene_breakdown.json", "sdxl_prompts.json",
                                                                      "storyboard.json"]
    assert draw(project, None, context).numbers == ()
    before = [project.frame_path(n).read_bytes() for n in drawn.numbers]
    project.lock(3)
    assert draw(project, [2], context).numbers == (2,)
    after = [project.frame_path(n).read_bytes() for n in drawn.numbers]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True, True, True, True]
    assert (project.folder / "earlier" / "frame_002.png").read_bytes() == before[1]
    with pytest.raises(RequestError, match="locked"):
        draw(project, [3], context)
    # likeness is measured, and called what it is
    matrix = BoardProject.open(project.folder).likeness
    assert all(matrix[k][k] == pytest.approx(1, abs=1e-3) for k in range(6)) and "estimate" in project.measure
    assert all(0 <= frame.consistency <= 1.001 for frame in project.frames if frame.consistency is not None)


def test_cancel_keeps_what_is_done_and_the_next_call_goes_on(project: BoardProject, context: GenerationContext) -> None:
    cancel = CancelToken()

    def watch(event: Progress) -> None:
        if event.message.startswith("Frame 3"):
            cancel.cancel()

    with pytest.raises(Cancelled):
        draw(project, None, context, watch, cancel)
    again = BoardProject.open(project.folder)
    assert again.missing == (3, 4, 5, 6)
    assert not (project.folder / ".tries").exists()
    assert draw(again, None, context).numbers == (3, 4, 5, 6)


def test_exports_hold_every_frame_and_need_no_other_file(project: BoardProject, context: GenerationContext) -> None:
    draw(project, [1, 2], context)
    project.edit(2, description="<b>Odd</b> & $unsafe$ words")
    made = export(project)
    assert load_image(made.grid).shape[1] == 3 * 648 + 48
    assert made.pdf.read_bytes().startswith(b"%PDF")
    page = made.page.read_text()
    assert page.count("data:image/jpeg;base64,") == 2 and page.count("not drawn yet") == 4
    assert "&lt;b&gt;Odd&lt;/b&gt; &amp; $unsafe$" in page and "http" not in page


def test_a_film_is_rebuilt_from_what_is_there(project: BoardProject, context: GenerationContext) -> None:
    with pytest.raises(RequestError, match="No frame"):
        film(project, context)
    draw(project, [1, 2], context)
    for number in (1, 2):
        project.edit(number, seconds=1.0)
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        film(project, context, lambda event: cancel.cancel() if event.message == "Shot 2 of 2" else None, cancel)
    begun = project.shot_path(1).stat().st_mtime_ns
    assert not project.film_path.exists() and not project.shot_path(2).exists()
    project = BoardProject.open(project.folder)
    result = film(project, context)
    assert project.shot_path(1).stat().st_mtime_ns == begun, "what was there stays"
    info = probe(result.path)
    assert (info.width, info.height, round(info.fps)) == (320, 240, 8)
    assert result.frames == 16 - 2 and any("3, 4, 5, 6" in warning for warning in result.warnings)
    assert project.film_path.with_suffix(".srt").read_text().count("-->") == 2
    first, second = (project.shot_path(n).stat().st_mtime_ns for n in (1, 2))
    tune = project.folder.parent / "tune.wav"
    with wave.open(str(tune), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(range(256)) * 60)
    project.put_soundtrack(tune)
    tune.unlink()
    project.set_film(transition=Transition.CUT, subtitles=False)
    project.edit(2, camera="wide shot, slow pan")
    result = film(project, context)
    audio.check(result.path)
    assert result.frames == 16 and not project.film_path.with_suffix(".srt").exists()
    assert project.shot_path(1).stat().st_mtime_ns == first and project.shot_path(2).stat().st_mtime_ns != second


def test_killed_while_drawing_the_command_goes_on_at_the_missing_frame(tmp_path: Path) -> None:
    folder = tmp_path / "board"
    command = [sys.executable, str(ROOT / "scripts" / "prompt_storyboard.py"), "--output-dir", str(folder)]
    first = [*command, "--story", STORY, "--num-frames", "6", "--provider", "rules", "--width", "320", "--height",
            "240"]
    environment = {**os.environ, "WGP_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(first, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    try:
        while not (folder / "frame_002.png").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = BoardProject.open(folder)
    there = [frame.number for frame in kept.frames if frame.state is FrameState.DRAWN]
    assert there and len(there) < 6
    before = {n: kept.frame_path(n).stat().st_mtime_ns for n in there}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert BoardProject.open(folder).missing == ()
    assert all(kept.frame_path(n).stat().st_mtime_ns == when for n, when in before.items())
    assert (folder / "storyboard_grid.png").is_file() and f"{len(there)} kept" in done.stdout


def test_breakdown_only_needs_no_engine(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "prompt_storyboard.py"), "--breakdown-only", "--provider", "rules",
         "--output-dir", str(tmp_path)], input=STORY, env={**os.environ, "WGP_HOME": str(tmp_path / "home")},
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Camera variety:" in done.stdout
    assert len(json.loads((tmp_path / "test_scene_breakdown.json").read_text())["scenes"]) == 8
