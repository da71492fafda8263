"""Scenes rendered one by one and joined, with a small engine that obeys the real protocol."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEngine, coloured, registry
from hypothesis import given, settings
from hypothesis import strategies as st

from wgp_core.engines.base import MemoryPlan, RenderSession
from wgp_core.errors import EngineError, EngineMemoryError, MediaError, RequestError
from wgp_core.events import Cancelled, CancelToken, Progress, Stage
from wgp_core.generate import GenerationContext, Prepared, generate_video, prepare_video
from wgp_core.media import ffmpeg
from wgp_core.media.images import load_image
from wgp_core.media.metadata import read_manifest
from wgp_core.media.probe import count_frames, read_frames
from wgp_core.paths import Paths
from wgp_core.request import Brief, Cue, EngineChoice, Framework, OutputOptions, Planner, ScenePlan, VideoRequest
from wgp_core.scenes import lay_out, settled
from wgp_core.settings import Settings

PLAN = tuple(ScenePlan(title, narration=f"{title} is said.", visual=f"{title} | a thing to see", seconds=seconds,
                       cues=(Cue(f"{title} is said.", "Book.pdf", page),))
             for title, seconds, page in (("Light", 2.0, 3), ("Lens", 1.0, 4), ("Picture", 3.0, 9)))


def context(paths: Paths, *engines: FakeEngine) -> GenerationContext:
    return GenerationContext(paths, Settings(), registry(*engines))


def ask(**fields: object) -> VideoRequest:
    return VideoRequest(**{"prompt": "how a lens works", "plan": PLAN, "seed": 40, **fields})  # type: ignore[arg-type]


def test_scenes_are_rendered_one_by_one_and_fade_into_each_other(paths: Paths) -> None:
    engine = FakeEngine()
    events: list[Progress] = []
    result = generate_video(ask(output=OutputOptions(subtitles=True)), context(paths, engine),
                            on_progress=events.append)
    assert [r.frames for r in engine.requests] == [37, 21, 49]  # 2, 1 and 3 s at 16 fps and what they share
    assert [r.seed for r in engine.requests] == [40, 41, 42]
    assert result.frames == count_frames(result.path) == 37 + 21 + 49 - 2 * 5
    assert all(not r.plan for r in engine.requests)
    prompts = [r.prompt for r in engine.requests]
    assert len(set(prompts)) == 3 and tuple(prompts) == result.scene_prompts
    assert all(title.lower() in prompt.lower() for title, prompt in zip(("light", "lens", "picture"), prompts,
                                                                        strict=True))
    assert not any("p. 3" in prompt or "Book.pdf" in prompt or "|" in prompt for prompt in prompts)
    levels = [int(frame[-8:, -8:].mean()) for frame in read_frames(result.path)]
    assert levels[0] == pytest.approx(60, abs=2) and levels[-1] == pytest.approx(62, abs=2)
    manifest = read_manifest(result.path)
    assert manifest is not None and manifest["prompts"]["scenes"] == prompts

    steps = [e for e in events if e.stage is Stage.RENDER and e.total]
    assert any("Scene 2 of 3 (Lens)" in e.message for e in steps)
    shares = [e.step / e.total for e in steps]
    assert shares == sorted(shares) and shares[-1] == 1
    text = result.subtitles[0].read_text()
    assert "Light is said." in text and "00:00:02,000 --> 00:00:03,000" in text
    assert [cue.page for scene in result.request.plan for cue in scene.cues] == [3, 4, 9]


def test_each_scene_starts_from_the_last_frame_of_the_one_before(paths: Paths) -> None:
    seen: list[np.ndarray | None] = []

    def draw(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        if index == 0:
            seen.append(load_image(request.start_image) if request.start_image else None)
        return coloured(request, session, index)

    engine = FakeEngine(draw=draw)
    generate_video(ask(), context(paths, engine))
    first, second, third = engine.requests
    assert first.start_image is None and second.start_image and third.start_image
    assert seen[0] is None and seen[1] is not None and seen[2] is not None
    assert np.array_equal(seen[1], coloured(replace_frames(first), RenderSession(), 36))
    assert np.array_equal(seen[2], coloured(replace_frames(second), RenderSession(), 20))


def replace_frames(request: VideoRequest) -> VideoRequest:
    return dataclasses.replace(request, start_image=None)


def test_the_effective_request_makes_the_same_scenes_again(paths: Paths) -> None:
    engine = FakeEngine()
    ctx = context(paths, engine)
    for asked in (ask(), ask(scene_frames=16), ask(seconds=9), ask(crossfade=0)):
        engine.requests.clear()
        first = generate_video(asked, ctx)
        before = [(r.frames, r.seed, r.prompt) for r in engine.requests]
        engine.requests.clear()
        again = generate_video(VideoRequest.from_dict(first.request.to_dict()), ctx)
        assert [(r.frames, r.seed, r.prompt) for r in engine.requests] == before
        assert again.request == first.request and again.frames == first.frames


def test_frames_a_scene_are_snapped_to_the_model_and_said(paths: Paths) -> None:
    engine = FakeEngine()
    result = generate_video(ask(scene_frames=16), context(paths, engine))
    assert [r.frames for r in engine.requests] == [17, 17, 17]
    assert any("scene_frames 16 became 17" in w for w in result.warnings)
    timed = generate_video(ask(scene_frames=17, seconds=20), context(paths, FakeEngine()))
    assert any("instead of 20.0 s" in w for w in timed.warnings)


def test_scenes_without_a_length_have_sixteen_frames_or_so(paths: Paths) -> None:
    engine = FakeEngine()
    plan = tuple(dataclasses.replace(scene, seconds=None) for scene in PLAN)
    result = generate_video(ask(plan=plan), context(paths, engine))
    assert [r.frames for r in engine.requests] == [17, 17, 17] and not result.warnings


def test_a_framework_plans_scenes_without_documents(paths: Paths) -> None:
    engine = FakeEngine()
    asked = VideoRequest(prompt="why bread rises", brief=Brief(framework=Framework.PAS), seed=1)
    seen: list[Prepared] = []
    result = generate_video(asked, context(paths, engine), on_prepared=seen.append)
    assert result.planner == "rules" and len(engine.requests) == len(result.request.plan) > 1
    assert seen[0].prompts == result.scene_prompts and seen[0].request.plan == result.request.plan
    prepared = prepare_video(asked, context(paths, FakeEngine()))
    assert prepared.prompts == result.scene_prompts and prepared.seconds == pytest.approx(result.seconds)


def test_without_a_language_model_the_rules_plan_and_it_is_said(paths: Paths) -> None:
    asked = VideoRequest(prompt="why bread rises", brief=Brief(planner=Planner.LLM), seed=1, engine=EngineChoice.LOCAL)
    ctx = GenerationContext(paths, dataclasses.replace(Settings(), enhancer_provider="rules"), registry())
    prepared = prepare_video(asked, ctx)
    assert prepared.planner == "rules" and prepared.request.plan
    assert any("planned by rules: No language model" in w for w in prepared.warnings)


def test_a_brief_alone_is_one_teaching_prompt(paths: Paths) -> None:
    engine = FakeEngine()
    asked = VideoRequest(prompt="why bread rises", brief=Brief(audience="bakers"), seed=1)
    result = generate_video(asked, context(paths, engine))
    (request,) = engine.requests
    assert "why bread rises" in request.prompt and "bakers" in request.prompt and request.frames == 17
    assert result.enhanced_prompt == request.prompt
    again = generate_video(result.request, context(paths, engine))
    assert engine.requests[1].prompt == request.prompt and again.request == result.request
    local = generate_video(asked, context(paths, FakeEngine(EngineChoice.LOCAL)))
    assert any("Audience, objective and style had no effect" in w for w in local.warnings)


def test_a_failing_scene_falls_back_to_the_local_engine_with_its_plan(paths: Paths) -> None:
    def broken(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        if request.seed == 41 and request.engine is EngineChoice.DIFFUSION:
            raise EngineError("the weights are damaged.")
        return coloured(request, session, index)

    local = FakeEngine(EngineChoice.LOCAL, id="fake-local")
    result = generate_video(ask(), context(paths, FakeEngine(draw=broken), local))
    assert result.engine == "fake-local" and local.requests[0].plan == PLAN and local.requests[0].frames == 96
    assert result.scene_prompts == () and any("weights are damaged" in w for w in result.warnings)
    assert len(list(paths.outputs.iterdir())) == 1


def test_memory_and_cancel_reach_every_scene(paths: Paths) -> None:
    def hungry(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        if request.seed == 42 and not session.memory.vae_tiling:
            raise EngineMemoryError("the card has 8 GB.")
        return coloured(request, session, index)

    engine = FakeEngine(draw=hungry, ladder=(MemoryPlan("5", vae_tiling=True),))
    result = generate_video(ask(), context(paths, engine))
    assert [r.seed for r in engine.requests] == [40, 41, 42] * 2 and result.engine == "fake"

    token = CancelToken()

    def stopping(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        if request.seed == 41 and index == 4:
            token.cancel()
        return coloured(request, session, index)

    with pytest.raises(Cancelled):
        generate_video(ask(), context(paths, FakeEngine(draw=stopping)), cancel=token)
    assert len(list(paths.outputs.iterdir())) == 1


def test_a_black_scene_among_good_ones_is_named(paths: Paths) -> None:
    def draw(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        frame = coloured(request, session, index)
        return np.zeros_like(frame) if request.seed == 41 else frame

    result = generate_video(ask(), context(paths, FakeEngine(draw=draw)))
    assert any('Scene 2 ("Lens") is near-black' in w for w in result.warnings)


def test_a_soundtrack_is_put_under_it_and_checked_first(paths: Paths, tmp_path: Path) -> None:
    import subprocess

    track = tmp_path / "hum.wav"
    subprocess.run(ffmpeg.command("-y", "-f", "lavfi", "-i", "sine=frequency=200:duration=1", str(track)), check=True)
    result = generate_video(ask(output=OutputOptions(soundtrack=track)), context(paths, FakeEngine()))
    said = ffmpeg.report([*ffmpeg.reading(result.path), "-i", str(result.path)], what="x", fails=True)
    assert "Audio: aac" in said and read_manifest(result.path) is not None
    engine = FakeEngine()
    with pytest.raises(MediaError, match="There is no soundtrack"):
        generate_video(ask(output=OutputOptions(soundtrack=tmp_path / "no.mp3")), context(paths, engine))
    assert not engine.requests
    still = generate_video(VideoRequest("x", frames=1, engine=EngineChoice.LOCAL,
                                        output=OutputOptions(soundtrack=track)), context(paths))
    assert any("soundtrack was left out" in w for w in still.warnings)


def test_too_much_is_refused(paths: Paths) -> None:
    long = tuple(dataclasses.replace(scene, seconds=180.0) for scene in PLAN * 2)
    spec = dataclasses.replace(FakeEngine().spec, frames=dataclasses.replace(FakeEngine().spec.frames, high=8001),
                               max_seconds=600)
    with pytest.raises(RequestError, match="the most is 600"):
        lay_out(ask(plan=long, fps=16), spec)


@settings(max_examples=80, deadline=None)
@given(seconds=st.lists(st.one_of(st.none(), st.floats(0.1, 30)), min_size=1, max_size=8),
       crossfade=st.floats(0, 3), fps=st.integers(4, 30), frames=st.one_of(st.none(), st.integers(1, 600)),
       scene_frames=st.one_of(st.none(), st.integers(1, 200)))
def test_any_plan_is_laid_out_and_stays_so(seconds: list[float | None], crossfade: float, fps: int,
                                           frames: int | None, scene_frames: int | None) -> None:
    spec = FakeEngine().spec
    plan = tuple(ScenePlan(str(i), seconds=length) for i, length in enumerate(seconds))
    request = VideoRequest("x", plan=plan, crossfade=crossfade, fps=fps, frames=frames, scene_frames=scene_frames)
    layout = lay_out(request, spec)
    assert all(spec.frames.fits(count) for count in layout.frames) and min(layout.own) >= 1
    assert layout.total == sum(layout.own)
    assert all(2 * layout.overlap <= count for count in layout.frames)
    effective = settled(request, layout)
    assert lay_out(effective, spec).frames == layout.frames
    assert settled(effective, lay_out(effective, spec)) == effective
