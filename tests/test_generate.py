from __future__ import annotations

import dataclasses
import signal
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEngine, coloured, registry
from PIL import Image

from wgp_core.engines.base import Availability, FrameStream, MemoryPlan, RenderSession
from wgp_core.engines.memory import memory_ladder
from wgp_core.errors import EncoderMissingError, EngineError, EngineMemoryError, MediaError, RequestError, WgpError
from wgp_core.events import Cancelled, CancelToken, Progress, Stage
from wgp_core.generate import GenerationContext, generate_video
from wgp_core.media import ffmpeg
from wgp_core.media.metadata import read_manifest
from wgp_core.media.probe import count_frames, probe
from wgp_core.paths import Paths
from wgp_core.request import (
    CameraMovement,
    EngineChoice,
    EnhanceMode,
    OutputOptions,
    RetryPolicy,
    VideoCodec,
    VideoRequest,
)
from wgp_core.result import Manifest, VideoResult
from wgp_core.settings import Settings


class ListRecorder:
    job_id = "abc123abc123"

    def __init__(self) -> None:
        self.told: list[Path] = []
        self.moves: list[tuple[Path, Path]] = []
        self.results: list[VideoResult] = []

    def planned(self, path: Path) -> None:
        self.told.append(path)

    def moved(self, old: Path, new: Path) -> None:
        assert new.is_file() and not old.exists()
        self.moves.append((old, new))

    def record(self, result: VideoResult) -> None:
        assert result.path.is_file()
        self.results.append(result)


def context(paths: Paths, *engines: FakeEngine, **settings: object) -> GenerationContext:
    return GenerationContext(paths, dataclasses.replace(Settings(), **settings), registry(*engines),
                             recorder=ListRecorder())


def only_files(paths: Paths) -> list[str]:
    return sorted(p.name for p in paths.outputs.rglob("*"))


def black(request: VideoRequest, session: object, index: int) -> np.ndarray:
    return np.zeros((request.height, request.width, 3), np.uint8)


def test_a_video_is_made_recorded_and_carries_its_settings(paths: Paths) -> None:
    ctx = context(paths, FakeEngine())
    events: list[Progress] = []
    asked = VideoRequest(prompt="a red square", seconds=1, output=OutputOptions(snapshots=3, subtitles=True))
    result = generate_video(asked, ctx, on_progress=events.append)

    info = probe(result.path)
    assert (info.width, info.height, info.codec, info.pixel_format) == (64, 64, "h264", "yuv420p")
    assert count_frames(result.path) == result.frames == 17
    assert ctx.recorder.results == [result]
    assert ctx.recorder.told[0] == result.path
    manifest = Manifest.from_dict(read_manifest(result.path))
    assert manifest.request == result.request
    assert manifest.asked == asked
    assert manifest.data["job_id"] == "abc123abc123"
    assert manifest.models[0]["sha256"] == "ab" * 32
    assert result.request.seed >= 0
    assert result.request.steps == 4
    assert result.poster and Image.open(result.poster).size == (64, 64)
    assert len(result.snapshots) == 3 and all(p.is_file() for p in result.snapshots)
    assert [p.suffix for p in result.subtitles] == [".srt", ".vtt"]
    assert "00:00:00,000 --> 00:00:01,000\nHello <there> → you" in result.subtitles[0].read_text()
    stages = list(dict.fromkeys(event.stage for event in events))
    assert stages == [Stage.RESOLVE, Stage.RENDER, Stage.CHECK, Stage.ENCODE, Stage.RECORD]
    assert not any(name.startswith(".") for name in only_files(paths))


def test_the_effective_request_makes_the_same_video_again(paths: Paths) -> None:
    ctx = context(paths, FakeEngine())
    first = generate_video(VideoRequest(prompt="x"), ctx)
    again = generate_video(first.request, ctx)
    assert again.path != first.path
    assert again.request == first.request
    assert (again.frames, again.width) == (first.frames, first.width)


@pytest.mark.parametrize(("fields", "words"), [
    ({"width": 100, "height": 64}, "multiple of 16"),
    ({"frames": 18}, r"4k\+1"),
    ({"seconds": 2, "frames": 17}, "both seconds"),
    ({"seconds": 100}, "at most"),
    ({"fps": 90}, "fps is 90"),
    ({"start_image": Path("/nowhere.png")}, "no picture"),
])
def test_what_cannot_be_made_is_refused_before_any_work(paths: Paths, fields: dict, words: str) -> None:
    engine = FakeEngine()
    with pytest.raises(WgpError, match=words):
        generate_video(VideoRequest(prompt="x", **fields), context(paths, engine))
    assert engine.requests == []
    assert only_files(paths) == []


def test_fields_without_effect_are_named(paths: Paths) -> None:
    result = generate_video(VideoRequest(prompt="x", negative_prompt="rain", camera=CameraMovement.ORBIT),
                            context(paths, FakeEngine()))
    assert any("does not use the negative prompt, the camera movement" in w for w in result.warnings)


def test_a_failing_engine_falls_back_to_the_local_one_and_says_why(paths: Paths) -> None:
    def broken(request, session, index):
        if index == 3:
            raise EngineError("the weights are damaged.")
        return coloured(request, session, index)

    result = generate_video(VideoRequest(prompt="x", width=64, height=64), context(paths, FakeEngine(draw=broken)))
    assert result.engine == "fake-local"
    assert result.request.engine is EngineChoice.LOCAL
    assert any("local engine instead of diffusion" in w and "weights are damaged" in w for w in result.warnings)
    assert len(only_files(paths)) == 1


def test_without_the_fallback_the_failure_is_told_and_nothing_is_left(paths: Paths) -> None:
    def broken(request, session, index):
        raise EngineError("the weights are damaged.")

    with pytest.raises(EngineError, match="damaged"):
        generate_video(VideoRequest(prompt="x", fallback_local_on_fail=False),
                       context(paths, FakeEngine(draw=broken)))
    assert only_files(paths) == []
    assert list((paths.data / "scratch").iterdir()) == []


def test_an_engine_that_cannot_run_is_replaced_or_refused(paths: Paths) -> None:
    absent = FakeEngine(ready=Availability(False, "No model is installed.", "Install one."))
    result = generate_video(VideoRequest(prompt="x", engine=EngineChoice.DIFFUSION), context(paths, absent))
    assert result.engine == "fake-local"
    assert any("No model is installed" in w for w in result.warnings)
    with pytest.raises(EngineError, match="No model is installed"):
        generate_video(VideoRequest(prompt="x", engine=EngineChoice.DIFFUSION, fallback_local_on_fail=False),
                       context(paths, absent))
    assert generate_video(VideoRequest(prompt="x"), context(paths, absent)).warnings == ()


def test_memory_running_out_walks_down_the_ladder_and_tells_each_step(paths: Paths) -> None:
    def hungry(request, session, index):
        if not session.memory.vae_tiling:
            raise EngineMemoryError("the card has 8 GB.")
        return coloured(request, session, index)

    ladder = (MemoryPlan("4"), MemoryPlan("4", vae_tiling=True), MemoryPlan("4", True, 5))
    engine = FakeEngine(draw=hungry, ladder=ladder)
    result = generate_video(VideoRequest(prompt="x"), context(paths, engine))
    assert engine.plans == [MemoryPlan("auto"), MemoryPlan("4"), MemoryPlan("4", vae_tiling=True)]
    assert sum("Memory ran out" in w for w in result.warnings) == 2
    assert result.engine == "fake"


def test_the_ladder_ends_in_a_plain_error(paths: Paths) -> None:
    def hungry(request, session, index):
        raise EngineMemoryError("the card has 8 GB.")

    engine = FakeEngine(draw=hungry, ladder=(MemoryPlan("5", True),))
    with pytest.raises(EngineMemoryError, match="even with profile 5, VAE tiling"):
        generate_video(VideoRequest(prompt="x", fallback_local_on_fail=False), context(paths, engine))
    assert only_files(paths) == []


def test_the_usual_ladder_is_walked_to_its_end(paths: Paths) -> None:
    def hungry(request, session, index):
        if not session.memory.frames_at_once:
            raise EngineMemoryError("the card has 8 GB.")
        return coloured(request, session, index)

    engine = FakeEngine(draw=hungry, ladder=memory_ladder(MemoryPlan("auto")))
    told: list[str] = []
    generate_video(VideoRequest(prompt="x"), context(paths, engine), on_progress=lambda e: told.append(e.message))
    assert [plan.describe() for plan in engine.plans] == [
        "profile auto", "profile 4.5", "profile 5", "profile 5, VAE tiling",
        "profile 5, VAE tiling, 9 frames at a time"]
    assert sum("Memory ran out with" in message for message in told) == 4


def test_black_frames_are_made_once_more_with_the_retry_knobs(paths: Paths) -> None:
    def dark_first(request, session, index):
        return (coloured if request.guidance == 3.5 else black)(request, session, index)

    engine = FakeEngine(draw=dark_first)
    policy = RetryPolicy(guidance=3.5, steps=9)
    result = generate_video(VideoRequest(prompt="x", retry=policy), context(paths, engine))
    assert [(r.guidance, r.steps) for r in engine.requests] == [(5.0, 4), (3.5, 9)]
    assert result.request.guidance == 3.5
    assert any("near-black" in w for w in result.warnings)


def test_black_frames_twice_are_kept_with_a_warning_and_not_tried_for_ever(paths: Paths) -> None:
    engine = FakeEngine(draw=black)
    result = generate_video(VideoRequest(prompt="x", seed=5), context(paths, engine))
    assert [r.seed for r in engine.requests] == [5, 6]
    assert any("second try is near-black" in w for w in result.warnings)
    once = FakeEngine(draw=black)
    generate_video(VideoRequest(prompt="x", retry=RetryPolicy(on_black=False)), context(paths, once))
    assert len(once.requests) == 1


def test_washed_out_frames_count_too(paths: Paths) -> None:
    def white(request, session, index):
        return np.full((request.height, request.width, 3), 252, np.uint8)

    engine = FakeEngine(draw=white)
    result = generate_video(VideoRequest(prompt="x"), context(paths, engine))
    assert len(engine.requests) == 2
    assert any("washed-out" in w for w in result.warnings)


@pytest.mark.parametrize("at", [0, 5, 16])
def test_a_cancel_leaves_nothing_behind(paths: Paths, at: int) -> None:
    token = CancelToken()

    def draw(request, session, index):
        if index == at:
            token.cancel()
        return coloured(request, session, index)

    ctx = context(paths, FakeEngine(draw=draw))
    with pytest.raises(Cancelled):
        generate_video(VideoRequest(prompt="x"), ctx, cancel=token)
    assert only_files(paths) == []
    assert ctx.recorder.results == []


def test_a_file_of_that_name_is_kept(paths: Paths) -> None:
    target = paths.outputs / "mine.mp4"
    target.write_text("precious")
    result = generate_video(VideoRequest(prompt="x", output=OutputOptions(path=target)), context(paths, FakeEngine()))
    assert result.path == target
    kept = [p for p in paths.outputs.iterdir() if p != target]
    assert [p.read_text() for p in kept] == ["precious"]
    assert any(kept[0].name in w for w in result.warnings)


def test_an_unwritable_folder_is_told_before_the_work(paths: Paths, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    engine = FakeEngine()
    with pytest.raises(MediaError, match="cannot be written"):
        generate_video(VideoRequest(prompt="x", output=OutputOptions(path=blocked / "out.mp4")),
                       context(paths, engine))
    assert engine.requests == []


def test_a_full_disk_is_told_and_nothing_is_left(paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ffmpeg's own words for a full disk, from a stand-in that writes a little and then fails as ffmpeg does."""
    real = ffmpeg.binary()
    fake = tmp_path / "ffmpeg"
    fake.write_text(f'#!/bin/sh\ncase "$*" in *rawvideo*) for last; do :; done; head -c 20000 > "$last"; '
                    f'echo "av_interleaved_write_frame(): No space left on device" >&2; exit 228;; '
                    f'*) exec {real} "$@";; esac\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(ffmpeg, "binary", lambda: str(fake))
    with pytest.raises(MediaError, match="disk is full"):
        generate_video(VideoRequest(prompt="x"), context(paths, FakeEngine()))
    assert only_files(paths) == []


def test_ffmpeg_killed_midway_is_told_and_nothing_is_left(paths: Paths) -> None:
    def killer(request, session, index):
        if index == 20:
            import psutil

            for child in psutil.Process().children():
                if "ffmpeg" in child.name():
                    child.send_signal(signal.SIGKILL)
                    time.sleep(0.2)  # its parent, not this test, collects it
        return coloured(request, session, index)

    with pytest.raises(MediaError, match="stopped from outside \\(signal 9\\)"):
        generate_video(VideoRequest(prompt="x", frames=161, width=640, height=640),
                       context(paths, FakeEngine(draw=killer)))
    assert only_files(paths) == []


def test_without_ffmpeg_a_gif_is_written_and_said(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise EncoderMissingError("No ffmpeg can run here (not found).")

    monkeypatch.setattr(ffmpeg, "binary", missing)
    result = generate_video(VideoRequest(prompt="x", output=OutputOptions(path=Path("a.mp4"))),
                            context(paths, FakeEngine()))
    assert result.path.name == "a.gif"
    assert any(w.startswith("Saved as a GIF: No ffmpeg") for w in result.warnings)
    with Image.open(result.path) as image:
        assert image.n_frames == 17
    assert read_manifest(result.path)["prompts"]["original"] == "x"


@pytest.mark.parametrize(("codec", "suffix", "name"), [
    (VideoCodec.H265, ".mp4", "hevc"), (VideoCodec.PRORES, ".mov", "prores")])
def test_other_codecs(paths: Paths, codec: VideoCodec, suffix: str, name: str) -> None:
    result = generate_video(VideoRequest(prompt="x", output=OutputOptions(codec=codec)), context(paths, FakeEngine()))
    assert result.path.suffix == suffix
    assert probe(result.path).codec == name
    assert read_manifest(result.path)["request"] == result.request.to_dict()


def test_an_enhanced_prompt_reaches_the_engine_and_the_record_and_is_repeated_as_it_is(paths: Paths) -> None:
    engine = FakeEngine()
    ctx = context(paths, engine, enhancer_provider="rules")
    asked = VideoRequest(prompt="a red ball bounces", enhance=EnhanceMode.AUTOMATIC)
    result = generate_video(asked, ctx)
    enhanced = result.enhanced_prompt
    assert enhanced and "a red ball bounces" in enhanced and len(enhanced) > 30
    assert engine.requests[0].prompt == enhanced
    prompts = read_manifest(result.path)["prompts"]
    assert prompts["task"] == f"a red ball bounces\n!enhanced!\n{enhanced}"
    assert result.request.negative_prompt == ""  # this engine takes none
    assert prompts["enhancement"]["level"] == "emergency_fallback" and "enrich" in result.timings_s
    again = generate_video(result.request, ctx)
    assert engine.requests[1].prompt == enhanced and again.enhanced_prompt == enhanced
    assert again.request.prompt == result.request.prompt


def test_a_text_that_was_enhanced_before_is_used_as_it_is(paths: Paths) -> None:
    engine = FakeEngine()
    asked = VideoRequest(prompt="a ball\n!enhanced!\na ball in soft light", enhance=EnhanceMode.AUTOMATIC)
    result = generate_video(asked, context(paths, engine, enhancer_provider="rules"))
    assert engine.requests[0].prompt == "a ball in soft light" and result.enhanced_prompt == "a ball in soft light"


def test_an_enhancer_that_fails_costs_a_warning_and_not_the_video(paths: Paths,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("out of words")

    monkeypatch.setattr("wgp_core.enriching.PromptEnhancer.enhance", broken)
    engine = FakeEngine()
    result = generate_video(VideoRequest(prompt="a ball", enhance=EnhanceMode.AUTOMATIC), context(paths, engine))
    assert engine.requests[0].prompt == "a ball" and any("out of words" in w for w in result.warnings)


def test_the_local_engine_draws_from_the_words_as_they_are(paths: Paths) -> None:
    result = generate_video(VideoRequest(prompt="how sorting works", enhance=EnhanceMode.AUTOMATIC),
                            context(paths, FakeEngine(EngineChoice.LOCAL)))
    assert result.enhanced_prompt is None and any("draws from the words" in w for w in result.warnings)


def test_an_engine_that_gives_too_few_frames_fails(paths: Paths) -> None:
    class Short(FakeEngine):
        def _frames(self, request, session):
            yield coloured(request, session, 0)

    with pytest.raises(EngineError, match="promised 17 frames and gave 1"):
        generate_video(VideoRequest(prompt="x", fallback_local_on_fail=False), context(paths, Short()))


def test_two_engines_of_one_id_are_refused() -> None:
    with pytest.raises(WgpError, match="Two engines"):
        registry(FakeEngine(), FakeEngine())


def test_an_explicit_model_without_an_engine_for_it_is_an_error(paths: Paths) -> None:
    with pytest.raises(EngineError, match="No diffusion engine"):
        generate_video(VideoRequest(prompt="x", model="wan", fallback_local_on_fail=False), context(paths))


def test_umask_and_modes_are_those_of_a_plain_file(paths: Paths) -> None:
    result = generate_video(VideoRequest(prompt="x"), context(paths, FakeEngine()))
    plain = paths.outputs / "plain"
    plain.write_text("")
    assert stat.S_IMODE(result.path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_requests_that_no_engine_takes_never_reach_one(paths: Paths) -> None:
    with pytest.raises(RequestError):
        generate_video(VideoRequest(prompt=""), context(paths, FakeEngine()))


def test_one_frame_is_saved_as_a_picture_with_its_settings(paths: Paths) -> None:
    made = generate_video(VideoRequest("a ball", engine=EngineChoice.LOCAL, frames=1), context(paths))
    assert made.path.suffix == ".png"
    with Image.open(made.path) as picture:
        assert picture.size == (64, 64)
    assert Manifest.from_dict(read_manifest(made.path)).request == made.request


def test_one_frame_with_a_videos_name_is_a_video(paths: Paths) -> None:
    output = OutputOptions(path=Path("one.mp4"))
    made = generate_video(VideoRequest("a ball", engine=EngineChoice.LOCAL, frames=1, output=output), context(paths))
    assert made.path.name == "one.mp4" and count_frames(made.path) == 1


class LoadingEngine(FakeEngine):
    """Takes a moment to load, and says so."""

    def render(self, request: VideoRequest, session: RenderSession) -> FrameStream:
        session.on_progress(Progress(Stage.LOAD, 1, 2))
        time.sleep(0.3)
        return super().render(request, session)


def test_loading_is_not_counted_as_rendering(paths: Paths) -> None:
    began = time.monotonic()
    loading = generate_video(VideoRequest("x"), context(paths, LoadingEngine()))
    took = time.monotonic() - began
    assert loading.timings_s["load"] >= 0.3 and loading.timings_s["render"] > 0
    assert sum(loading.timings_s.values()) <= took, "no moment counts twice"
    manifest = read_manifest(loading.path)
    assert manifest is not None and manifest["timings_s"]["load"] >= 0.3
    assert "load" not in generate_video(VideoRequest("x"), context(paths, FakeEngine())).timings_s
