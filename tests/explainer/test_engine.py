"""The local engine end to end: the same frames on every run, whoever draws them, and no torch."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from wgp_core.engines.base import RenderSession, RuntimeOptions
from wgp_core.engines.explainer import pool
from wgp_core.engines.explainer.camera import move
from wgp_core.engines.explainer.engine import ExplainerEngine
from wgp_core.engines.registry import builtin
from wgp_core.errors import EngineError
from wgp_core.events import Cancelled, CancelToken
from wgp_core.generate import GenerationContext, generate_video
from wgp_core.media.probe import count_frames, probe
from wgp_core.paths import PROGRAM_ROOT, Paths
from wgp_core.request import CameraMovement, OutputOptions, SceneKind, ScenePlan, Theme, VideoRequest
from wgp_core.settings import Settings


def request(**fields: object) -> VideoRequest:
    base = VideoRequest(prompt="gradient descent", width=320, height=240, fps=10, frames=60, seed=3)
    return base.with_(**fields)


def frames_of(paths: Paths, asked: VideoRequest, processes: int) -> str:
    session = RenderSession(runtime=RuntimeOptions(render_processes=processes))
    digest = hashlib.sha256()
    stream = ExplainerEngine(paths).render(asked, session)
    count = 0
    for frame in stream.frames:
        assert frame.shape == (asked.height, asked.width, 3)
        digest.update(frame.tobytes())
        count += 1
    assert count == asked.frames == stream.count
    return digest.hexdigest()


def test_one_process_and_three_draw_the_same_frames(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SMALL_WORK_PIXELS", 0)
    monkeypatch.setattr(pool, "CHUNK_BYTES", 320 * 240 * 3 * 7)
    asked = request(camera=CameraMovement.HANDHELD)
    assert frames_of(paths, asked, 1) == frames_of(paths, asked, 3)


def test_another_process_draws_the_same_frames_without_torch(paths: Paths) -> None:
    code = ("import sys; sys.path[:0] = ['tests', '.']\n"
            "from explainer.test_engine import frames_of, request\n"
            "from wgp_core.paths import build_paths\n"
            "print(frames_of(build_paths(), request(), 1), 'torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROGRAM_ROOT, check=True,
                          env={**os.environ, "PYTHONHASHSEED": "77"})
    assert done.stdout.split() == [frames_of(paths, request(), 1), "False"]


def test_seed_theme_and_topic_change_the_frames(paths: Paths) -> None:
    seen = {frames_of(paths, asked, 1) for asked in (
        request(frames=20), request(frames=20, theme=Theme.LIGHT), request(frames=20, prompt="k-means"),
        request(frames=20, prompt="k-means", seed=4), request(frames=20, camera=CameraMovement.ORBIT))}
    assert len(seen) == 5


def test_after_a_cancel_no_process_draws_on_and_the_next_video_is_whole(
        paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SMALL_WORK_PIXELS", 0)
    token = CancelToken()
    session = RenderSession(runtime=RuntimeOptions(render_processes=2), cancel=token)
    stream = ExplainerEngine(paths).render(request(frames=400), session)
    next(stream.frames)
    children = psutil.Process().children(recursive=True)
    assert children
    token.cancel()
    with pytest.raises(Cancelled):
        list(stream.frames)
    left = [child for child in psutil.Process().children() if "explainer.pool" in " ".join(child.cmdline())]
    before = [child.cpu_times().user for child in left]
    time.sleep(0.5)
    assert [child.cpu_times().user for child in left] == before
    assert frames_of(paths, request(), 2) == frames_of(paths, request(), 1)


def test_a_killed_drawing_process_is_an_error_and_not_a_hang(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SMALL_WORK_PIXELS", 0)
    stream = ExplainerEngine(paths).render(request(frames=2000), RenderSession(
        runtime=RuntimeOptions(render_processes=2)))
    next(stream.frames)
    for child in psutil.Process().children():
        if "explainer.pool" in " ".join(child.cmdline()):
            os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(EngineError, match="ended unexpectedly"):
        for _frame in stream.frames:
            pass


def test_drawing_processes_end_with_their_parent() -> None:
    code = ("import sys, time; sys.path[:0] = ['tests', '.']\n"
            "from explainer.test_engine import request\n"
            "from wgp_core.engines.explainer import pool\n"
            "from wgp_core.engines.explainer.engine import ExplainerEngine\n"
            "from wgp_core.engines.base import RenderSession, RuntimeOptions\n"
            "from wgp_core.paths import build_paths\n"
            "pool.SMALL_WORK_PIXELS = 0\n"
            "s = ExplainerEngine(build_paths()).render(request(frames=2000), RenderSession("
            "runtime=RuntimeOptions(render_processes=2)))\n"
            "next(s.frames); print('ready', flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=PROGRAM_ROOT) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip() == "ready"
        children = psutil.Process(parent.pid).children(recursive=True)
        painters = [c for c in children if "explainer.pool" in " ".join(c.cmdline())]
        assert len(painters) == 1
        parent.kill()
    _gone, alive = psutil.wait_procs(painters, timeout=10)
    assert not alive


def test_a_plan_is_followed_scene_by_scene(paths: Paths) -> None:
    plan = (ScenePlan("Opening", SceneKind.TITLE, seconds=1.5), ScenePlan("A ball falls", SceneKind.STEPS,
            visual="Let go\nIt speeds up\nIt lands", narration="Gravity pulls.", seconds=2.5))
    ctx = GenerationContext(paths, Settings(), builtin(paths))
    result = generate_video(VideoRequest(prompt="falling", plan=plan, width=320, height=240, fps=10, seconds=4,
                                         output=OutputOptions(subtitles=True)), ctx)
    assert [scene.title for scene in result.request.plan] == ["Opening", "A ball falls"]
    assert count_frames(result.path) == 40
    assert "Gravity pulls." in result.subtitles[0].read_text()


@pytest.mark.parametrize(("width", "height", "fps"), [(320, 240, 8), (240, 320, 60), (1920, 1080, 24)])
def test_the_smallest_and_largest_sizes(paths: Paths, width: int, height: int, fps: int) -> None:
    ctx = GenerationContext(paths, Settings(), builtin(paths))
    result = generate_video(VideoRequest(prompt="binary search", width=width, height=height, fps=fps, seconds=1), ctx)
    info = probe(result.path)
    assert (info.width, info.height, round(info.fps), round(info.seconds, 1)) == (width, height, fps, 1.0)


@pytest.mark.parametrize("movement", list(CameraMovement))
def test_the_camera_never_cuts_anything_off(movement: CameraMovement) -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[4:116, 6:154] = 255  # the safe area of a drawing
    for u in np.linspace(0, 1, 9):
        seen = move(frame, movement, float(u), (0, 0, 0))
        assert seen[0].max() == seen[-1].max() == seen[:, 0].max() == seen[:, -1].max() == 0


def test_a_long_video_streams_in_bounded_memory(paths: Paths) -> None:
    session = RenderSession(runtime=RuntimeOptions(render_processes=2))
    stream = ExplainerEngine(paths).render(request(frames=1800, width=640, height=480, fps=30, prompt="fourier series"),
                                           session)
    before = psutil.Process().memory_info().rss
    began = time.monotonic()
    for number, _frame in enumerate(stream.frames):
        if number > 400 or time.monotonic() - began > 20:
            break
    grown = psutil.Process().memory_info().rss - before
    stream.frames.close()  # type: ignore[attr-defined]
    assert grown < 400 * 2**20
