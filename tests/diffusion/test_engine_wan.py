"""Wan through the engine, with the real classes at toy size."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import WanTransformer3DModel
from PIL import Image
from safetensors.torch import save_file

from wgp_core.engines.base import FrameStream, RenderSession, RuntimeOptions
from wgp_core.engines.diffusion.engine import DiffusionEngine
from wgp_core.engines.explainer.engine import ExplainerEngine
from wgp_core.engines.registry import EngineRegistry
from wgp_core.errors import Cancelled, EngineError, RequestError
from wgp_core.events import CancelToken, Progress, ProgressCallback, Stage
from wgp_core.generate import GenerationContext, generate_video
from wgp_core.models import pipeline
from wgp_core.models.locate import Found
from wgp_core.models.manager import Loaded, process_manager
from wgp_core.models.options import LoadOptions
from wgp_core.models.toy import write_toy
from wgp_core.paths import Paths
from wgp_core.request import EngineChoice, LoraUse, Solver, VideoRequest
from wgp_core.settings import Settings

torch.set_num_threads(1)


@pytest.fixture
def engine(paths: Paths) -> DiffusionEngine:
    yield DiffusionEngine(paths)  # type: ignore[misc]
    process_manager().release_all()


def ask(kind: str, **fields: object) -> VideoRequest:
    start = {"model": kind, "engine": EngineChoice.DIFFUSION, "width": 64, "height": 64, "frames": 9, "fps": 8,
             "steps": 2, "guidance": 3.0, "flow_shift": 3.0, "seed": 7}
    return VideoRequest(**{"prompt": "a red car", **start, **fields})  # type: ignore[arg-type]


def make(engine: DiffusionEngine, request: VideoRequest, **session: object) -> np.ndarray:
    return np.stack(list(engine.render(request, RenderSession(**session)).frames))  # type: ignore[arg-type]


def picture(path: Path) -> Path:
    y, x = np.mgrid[0:80, 0:100]
    Image.fromarray(np.stack([x * 2, y * 3, 255 - x * 2], -1).astype(np.uint8)).save(path)
    return path


def test_text_to_video(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    told: list[Progress] = []
    stream = engine.render(ask("wan"), RenderSession(on_progress=told.append))
    assert isinstance(stream, FrameStream) and (stream.width, stream.height, stream.fps, stream.count) == (64, 64, 8, 9)
    assert {use.name for use in stream.models} == {"wan/transformer", "wan/text_encoder", "wan/vae"}
    assert all(len(use.sha256) == 64 for use in stream.models)
    assert stream.facts["model"] == "wan" and stream.facts["device"] == "cpu" and stream.facts["device reason"]
    assert process_manager().status().borrowers == 1
    frames = np.stack(list(stream.frames))
    assert process_manager().status().borrowers == 0
    assert frames.shape == (9, 64, 64, 3) and frames.dtype == np.uint8 and frames.std() > 5

    steps = [event for event in told if event.stage is Stage.RENDER and event.message.startswith("step")]
    assert [(event.step, event.total) for event in steps] == [(1, 2), (2, 2)]
    assert all(event.preview.shape == (256, 256, 3) and event.preview.dtype == np.uint8 for event in steps)
    assert told[0].stage is Stage.LOAD and any("Loading" in event.message for event in told)

    assert np.array_equal(frames, make(engine, ask("wan")))
    assert not np.array_equal(frames, make(engine, ask("wan", seed=8)))
    changed = [make(engine, ask("wan", **{name: value})) for name, value in
               {"solver": Solver.EULER, "flow_shift": 9.0, "negative_prompt": "blurred"}.items()]
    assert all(not np.array_equal(frames, other) for other in changed)
    assert make(engine, ask("wan", frames=1)).shape == (1, 64, 64, 3)


def test_a_model_that_was_loaded_ahead_is_taken_by_the_next_job(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    assert engine.preload("", RenderSession()) == "wan"
    seconds = process_manager().status().load_seconds
    told: list[Progress] = []
    make(engine, ask("wan"), on_progress=told.append)
    status = process_manager().status()
    assert status.model == "wan" and status.load_seconds == seconds  # it was not loaded again
    with pytest.raises(RequestError, match="nothing-like-it"):
        engine.preload("nothing-like-it", RenderSession())


def test_a_job_waits_for_its_model_and_stops_the_loading_of_another(engine: DiffusionEngine, paths: Paths,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        write_toy(paths.ckpts / name, "wan")
    begun, real = threading.Event(), pipeline.load_pipeline

    def slow(found: Found, options: LoadOptions, on_progress: ProgressCallback, cancel: CancelToken) -> Loaded:
        begun.set()
        for _ in range(10 if found.spec.id == "one" else 0):
            cancel.raise_if_cancelled()
            time.sleep(0.1)
        return real(found, options, on_progress, cancel)

    def load_ahead(session: RenderSession) -> None:
        with contextlib.suppress(Cancelled):
            engine.preload("one", session)

    monkeypatch.setattr(pipeline, "load_pipeline", slow)
    for job, ahead_ended_well in (("two", False), ("one", True)):
        begun.clear()
        process_manager().release_all()
        ahead = RenderSession()
        thread = threading.Thread(target=load_ahead, args=(ahead,))
        thread.start()
        assert begun.wait(60)
        make(engine, ask(job))
        thread.join(10)
        assert process_manager().status().model == job
        assert ahead.cancel.cancelled is not ahead_ended_well


def test_the_engine_gives_what_the_pipeline_gives(engine: DiffusionEngine, paths: Paths) -> None:
    """In full precision the frames are those of diffusers' own call, decoded by the pipeline itself."""
    from diffusers import UniPCMultistepScheduler, WanPipeline

    folder = write_toy(paths.ckpts / "wan", "wan")
    runtime = RuntimeOptions(dtype="fp32", quantization="none")
    made = make(engine, ask("wan", negative_prompt="blurred"), runtime=runtime)
    pipe = WanPipeline.from_pretrained(str(folder), torch_dtype=torch.float32)
    pipe.scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    video = pipe("a red car", negative_prompt="blurred", width=64, height=64, num_frames=9, num_inference_steps=2,
                 guidance_scale=3.0, generator=torch.Generator("cpu").manual_seed(7)).frames[0]
    assert np.abs(made / 255.0 - video).max() < 0.02


def test_quantized_is_close_to_full(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    full = make(engine, ask("wan"), runtime=RuntimeOptions(quantization="none"))
    small = make(engine, ask("wan"), runtime=RuntimeOptions(quantization="int8"))
    difference = np.abs(full.astype(float) - small.astype(float)).mean()
    assert 0 < difference < 0.15 * full.std()


def test_cancel_stops_at_the_next_step_and_leaves_the_model(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    cancel = CancelToken()
    steps: list[int] = []

    def watch(event: Progress) -> None:
        if event.message.startswith("step"):
            steps.append(event.step)
            cancel.cancel()

    with pytest.raises(Cancelled):
        make(engine, ask("wan", steps=20), on_progress=watch, cancel=cancel)
    assert steps == [1]
    assert process_manager().status().borrowers == 0 and process_manager().status().model == "wan"
    assert make(engine, ask("wan")).shape[0] == 9


def test_a_stream_that_is_never_read_gives_the_model_back(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    stream = engine.render(ask("wan"), RenderSession())
    assert process_manager().status().borrowers == 1
    stream.frames.close()  # type: ignore[attr-defined]
    assert process_manager().status().borrowers == 0


def test_two_transformers_share_the_steps(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "wan2.2", "wan2.2")
    assert "guidance_2" in engine.spec_for(ask("wan2.2")).uses
    same = make(engine, ask("wan2.2", steps=4, guidance_2=3.0))
    assert np.array_equal(same, make(engine, ask("wan2.2", steps=4)))
    assert not np.array_equal(same, make(engine, ask("wan2.2", steps=4, guidance_2=9.0)))


@pytest.mark.parametrize("kind", ["wan-i2v", "wan2.2-i2v", "wan-ti2v"])
def test_image_to_video(kind: str, engine: DiffusionEngine, paths: Paths, tmp_path: Path) -> None:
    write_toy(paths.ckpts / kind, kind)
    with_image = ask(kind, start_image=picture(tmp_path / "start.png"))
    assert "start_image" in engine.spec_for(with_image).uses
    frames = make(engine, with_image)
    assert frames.shape == (9, 64, 64, 3)
    inverted = tmp_path / "other.png"
    Image.fromarray(255 - np.asarray(Image.open(tmp_path / "start.png"))).save(inverted)
    assert not np.array_equal(frames, make(engine, ask(kind, start_image=inverted)))
    if kind != "wan-ti2v":
        state = engine.availability(ask(kind))
        assert not state.ok and "start image" in state.reason


def test_the_first_frame_stays(engine: DiffusionEngine, paths: Paths, tmp_path: Path) -> None:
    """TI2V holds the start image's latent: the first frame is the picture as the autoencoder gives it back."""
    from diffusers import AutoencoderKLWan

    folder = write_toy(paths.ckpts / "wan-ti2v", "wan-ti2v")
    start = tmp_path / "start.png"
    Image.fromarray(np.asarray(Image.open(picture(start)).resize((64, 64)))).save(start)
    frames = make(engine, ask("wan-ti2v", start_image=start))
    vae = AutoencoderKLWan.from_pretrained(str(folder / "vae"))
    pixels = np.asarray(Image.open(start)).astype(np.float32) / 127.5 - 1
    given = torch.from_numpy(pixels).permute(2, 0, 1)[None, :, None]
    with torch.no_grad():
        back = vae.decode(vae.encode(given).latent_dist.mode()).sample[0, :, 0].clamp(-1, 1)
    expected = ((back + 1) * 127.5).permute(1, 2, 0).numpy()
    assert np.abs(frames[0] - expected).mean() < 1.0
    assert np.abs(frames[5] - expected).mean() > 3.0


def test_first_and_last_frame(engine: DiffusionEngine, paths: Paths, tmp_path: Path) -> None:
    write_toy(paths.ckpts / "wan2.2-i2v", "wan2.2-i2v")
    start, end = picture(tmp_path / "a.png"), tmp_path / "b.png"
    Image.new("RGB", (64, 64), (200, 30, 30)).save(end)
    one = make(engine, ask("wan2.2-i2v", start_image=start))
    assert not np.array_equal(one, make(engine, ask("wan2.2-i2v", start_image=start, end_image=end)))


def test_wan21_without_a_place_for_it_refuses_an_end_image(engine: DiffusionEngine, paths: Paths,
                                                           tmp_path: Path) -> None:
    write_toy(paths.ckpts / "wan-i2v", "wan-i2v")
    start = picture(tmp_path / "a.png")
    with pytest.raises(EngineError, match="end image"):
        make(engine, ask("wan-i2v", start_image=start, end_image=start))


@pytest.mark.parametrize("kind", ["wan", "wan-i2v"])
def test_a_long_video_is_made_of_windows(kind: str, engine: DiffusionEngine, paths: Paths, tmp_path: Path) -> None:
    write_toy(paths.ckpts / kind, kind)
    start = picture(tmp_path / "start.png") if kind == "wan-i2v" else None
    told: list[Progress] = []
    request = ask(kind, frames=21, window_frames=13, window_overlap=5, start_image=start,
                  window_prompts=("a car", "a boat"))
    stream = engine.render(request, RenderSession(on_progress=told.append))
    frames = np.stack(list(stream.frames))
    assert len(frames) == stream.count == 21 and any("2 windows" in note for note in stream.notes)
    steps = [event for event in told if "step" in event.message]
    assert [(event.step, event.total) for event in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert steps[-1].message.startswith("Window 2 of 2")
    jumps = np.abs(np.diff(frames.astype(float), axis=0)).mean(axis=(1, 2, 3))
    assert jumps[7:14].max() < 3 * max(jumps[:7].max(), 1.0)  # no cut where the windows meet
    one_prompt = make(engine, ask(kind, frames=21, window_frames=13, window_overlap=5, start_image=start,
                                  window_prompts=("a car",)))
    assert np.array_equal(frames[:8], one_prompt[:8]) and not np.array_equal(frames[14:], one_prompt[14:])


def test_a_whole_video(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    settings = Settings()
    context = GenerationContext(paths, settings, EngineRegistry([ExplainerEngine(paths), engine]))
    told: list[Progress] = []
    result = generate_video(ask("wan"), context, on_progress=told.append)
    assert result.path.suffix == ".mp4" and result.path.stat().st_size > 500
    assert result.engine == "diffusion" and result.frames == 9 and len(result.models) == 3
    assert any(event.preview is not None for event in told)


def test_what_is_not_installed_is_said(engine: DiffusionEngine) -> None:
    state = engine.availability(ask("wan2.1-t2v-1.3b"))
    assert not state.ok and "not installed" in state.reason and "install" in state.fix
    assert engine.spec.choice is EngineChoice.DIFFUSION and engine.spec.id == "diffusion"


def test_auto_leaves_large_models_alone_without_a_card(engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch,
                                                       paths: Paths) -> None:
    from dataclasses import replace

    from wgp_core import hardware
    from wgp_core.models.locate import find
    from wgp_core.models.spec import Part

    write_toy(paths.ckpts / "wan", "wan")
    large = replace(find("wan", paths), spec=replace(find("wan", paths).spec, parts=(Part("transformer", 14 * 10**9),)))
    monkeypatch.setattr(DiffusionEngine, "_find", lambda *_: large)
    monkeypatch.setattr(hardware, "gpus", lambda: ())
    auto = engine.availability(ask("wan", engine=EngineChoice.AUTO, model=None))
    assert not auto.ok and "14 billion" in auto.reason
    assert engine.availability(ask("wan", model=None)).ok


def lora(paths: Paths, name: str, width: int) -> LoraUse:
    """A LoRA for the first attention of a Wan transformer that is `width` wide."""
    torch.manual_seed(1)
    place = "transformer.blocks.0.attn1.to_q"
    file = paths.loras / "wan" / f"{name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({f"{place}.lora_A.weight": torch.randn(4, width), f"{place}.lora_B.weight": torch.randn(width, 4)}, file)
    return LoraUse(Path(f"wan/{name}.safetensors"))


def test_a_lora_that_does_not_fit_is_refused_before_the_model_is_loaded(engine: DiffusionEngine, paths: Paths) -> None:
    folder = write_toy(paths.ckpts / "wan", "wan")
    process_manager().release_all()
    with pytest.raises(RequestError, match="to_q"):
        make(engine, ask("wan", loras=(lora(paths, "wide", 4096),)))
    assert process_manager().status().model == ""
    width = WanTransformer3DModel.load_config(folder / "transformer")
    fitting = lora(paths, "own", width["num_attention_heads"] * width["attention_head_dim"])
    plain, changed = make(engine, ask("wan")), make(engine, ask("wan", loras=(fitting,)))
    assert not np.array_equal(plain, changed)
    assert np.array_equal(plain, make(engine, ask("wan"))), "nothing of the LoRA stays"
    process_manager().release_all()
    assert np.array_equal(changed, make(engine, ask("wan", loras=(fitting,)))), "the check lets it pass"
