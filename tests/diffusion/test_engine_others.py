"""CogVideoX, LTX-Video, SDXL and FLUX through the engine, with the real classes at toy size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from wgp_core.engines.base import RenderSession, RuntimeOptions
from wgp_core.engines.diffusion.engine import DiffusionEngine
from wgp_core.events import Progress
from wgp_core.models.manager import process_manager
from wgp_core.models.toy import write_toy
from wgp_core.paths import Paths
from wgp_core.request import EngineChoice, Solver, VideoRequest

torch.set_num_threads(1)


@pytest.fixture
def engine(paths: Paths) -> DiffusionEngine:
    yield DiffusionEngine(paths)  # type: ignore[misc]
    process_manager().release_all()


def ask(kind: str, **fields: object) -> VideoRequest:
    start = {"model": kind, "engine": EngineChoice.DIFFUSION, "width": 64, "height": 64, "fps": 8, "steps": 2,
             "guidance": 3.0, "seed": 7, "frames": 1 if kind in ("sdxl", "flux") else 9}
    return VideoRequest(**{"prompt": "a red car", **start, **fields})  # type: ignore[arg-type]


def make(engine: DiffusionEngine, request: VideoRequest, **session: object) -> np.ndarray:
    return np.stack(list(engine.render(request, RenderSession(**session)).frames))  # type: ignore[arg-type]


@pytest.fixture
def start(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:64, 0:64]
    path = tmp_path / "start.png"
    Image.fromarray(np.stack([x * 4, y * 4, 255 - x * 4], -1).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("kind", ["cogvideox", "cogvideox-i2v", "ltx", "sdxl", "flux"])
def test_a_family_makes_frames(kind: str, engine: DiffusionEngine, paths: Paths, start: Path) -> None:
    write_toy(paths.ckpts / kind, kind)
    image = start if kind.endswith("i2v") else None
    told: list[Progress] = []
    frames = make(engine, ask(kind, start_image=image), on_progress=told.append)
    assert frames.shape == (1 if kind in ("sdxl", "flux") else 9, 64, 64, 3) and frames.dtype == np.uint8
    assert frames.std() > 5
    steps = [event for event in told if event.message.startswith("step")]
    assert [event.step for event in steps] == [1, 2] and all(event.preview is not None for event in steps)
    assert np.array_equal(frames, make(engine, ask(kind, start_image=image)))
    assert not np.array_equal(frames, make(engine, ask(kind, start_image=image, seed=8)))


@pytest.mark.parametrize("kind", ["cogvideox", "ltx", "sdxl", "flux"])
def test_the_engine_gives_what_the_pipeline_gives(kind: str, engine: DiffusionEngine, paths: Paths) -> None:
    """In full precision the frames are those of diffusers' own call, decoded by the pipeline itself."""
    from diffusers import DiffusionPipeline

    folder = write_toy(paths.ckpts / kind, kind)
    made = make(engine, ask(kind), runtime=RuntimeOptions(dtype="fp32", quantization="none"))
    pipe = DiffusionPipeline.from_pretrained(str(folder))
    more = {"cogvideox": {"num_frames": 9}, "ltx": {"num_frames": 9, "frame_rate": 8}}.get(kind, {})
    output = pipe("a red car", width=64, height=64, num_inference_steps=2, guidance_scale=3.0, output_type="np",
                  generator=torch.Generator("cpu").manual_seed(7), **more)
    expected = output.frames[0] if more else output.images
    assert np.abs(made / 255.0 - expected).max() < 0.02


def test_ltx_takes_a_start_image_with_the_same_weights(engine: DiffusionEngine, paths: Paths, start: Path) -> None:
    write_toy(paths.ckpts / "ltx", "ltx")
    frames = make(engine, ask("ltx", start_image=start))
    loaded = process_manager().status().load_seconds
    assert not np.array_equal(frames, make(engine, ask("ltx")))
    assert process_manager().status().load_seconds == loaded  # not loaded again


def test_ltx_conditions_on_first_and_last_frames(engine: DiffusionEngine, paths: Paths, start: Path,
                                                 tmp_path: Path) -> None:
    """The pipeline of 0.9.8, over the same components."""
    folder = write_toy(paths.ckpts / "ltx", "ltx")
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace('"LTXPipeline"', '"LTXConditionPipeline"'))
    scheduler = folder / "scheduler" / "scheduler_config.json"
    scheduler.write_text(scheduler.read_text().replace('"use_dynamic_shifting": true', '"use_dynamic_shifting": false'))
    end = tmp_path / "end.png"
    Image.new("RGB", (64, 64), (200, 30, 30)).save(end)
    plain = make(engine, ask("ltx"))
    first = make(engine, ask("ltx", start_image=start))
    assert plain.shape == first.shape == (9, 64, 64, 3) and not np.array_equal(plain, first)
    if "end_image" in engine.spec_for(ask("ltx")).uses:
        assert not np.array_equal(first, make(engine, ask("ltx", start_image=start, end_image=end)))


def test_sdxl_takes_another_solver(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "sdxl", "sdxl")
    made = {solver: make(engine, ask("sdxl", solver=solver)) for solver in (None, Solver.DPM, Solver.UNIPC)}
    assert not np.array_equal(made[None], made[Solver.DPM])
    assert not np.array_equal(made[Solver.UNIPC], made[Solver.DPM])


def test_what_a_model_does_not_use_is_not_promised(engine: DiffusionEngine, paths: Paths, start: Path) -> None:
    write_toy(paths.ckpts / "flux", "flux")
    spec = engine.spec_for(ask("flux"))
    assert spec.uses.isdisjoint({"negative_prompt", "solver", "flow_shift", "start_image"})
    assert spec.frames.high == 1
    state = engine.availability(ask("flux", start_image=start))
    assert not state.ok and "start image" in state.reason
