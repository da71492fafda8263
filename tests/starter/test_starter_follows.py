"""The shipped weights through the program's own path: what is asked for is what is seen.

Each check is about meaning, read by the detector; thresholds lie below what `training.starter.evaluate` measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.starter.captions import TRIGGER, caption
from training.starter.evaluate import psnr
from training.starter.scenes import draw_scene
from wgp_core.context import engine_registry
from wgp_core.engines.base import RenderSession, RuntimeOptions
from wgp_core.loras.header import read_header
from wgp_core.models.catalog import by_id
from wgp_core.paths import PROGRAM_ROOT, Paths, build_paths
from wgp_core.quality.starter.detector import Detection, detect
from wgp_core.quality.starter.world import FRAMES, render
from wgp_core.request import EngineChoice, LoraUse, VideoRequest
from wgp_core.resolve import resolve
from wgp_core.settings import Settings

STARTER = PROGRAM_ROOT / "ckpts" / "wan-starter"
LORA = PROGRAM_ROOT / "loras" / "wan-starter" / "outline.safetensors"
STEPS = 12
PROMPTS = (
    ("a red ball moves right on a gray background", "red", "ball", "right", "gray"),
    ("a yellow star spins at night", "yellow", "star", "spin", "night"),
    ("a blue car drives on green grass, it moves left", "blue", "car", "left", "grass"),
    ("a green tree grows on a beige background", "green", "tree", "grow", "beige"),
    ("a white rocket rises in the night sky, cinematic shot, film grain", "white", "rocket", "up", "night"),
    ("an orange house stands still at sunset", "orange", "house", "still", "sunset"),
    ("a pink heart shrinks on a black background", "pink", "heart", "shrink", "black"),
    ("a purple ring sinks, in front of a gray wall", "purple", "ring", "down", "gray"),
)
Make = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A workshop of its own, with the program's weights."""
    paths = build_paths(home=tmp_path_factory.mktemp("home"))
    return replace(paths, ckpts=STARTER.parent, loras=LORA.parent.parent).ensure()


@pytest.fixture(scope="module")
def make(home: Paths) -> Make:
    """Frames of a prompt as the diffusion engine gives them, uint8 [frames, 64, 64, 3]."""

    def run(prompt: str, quantization: str = "none", **fields: object) -> np.ndarray:
        settings = Settings(quantization=quantization)
        runtime = RuntimeOptions.of(settings)
        asked = VideoRequest(prompt, engine=EngineChoice.DIFFUSION, fallback_local_on_fail=False,
                             **{"steps": STEPS, "seed": 7, **fields})  # pyright: ignore[reportArgumentType]
        resolved = resolve(asked, engine_registry(home, runtime=runtime), settings)
        stream = resolved.engine.render(resolved.request, RenderSession(runtime=runtime))
        assert stream.facts["model"] == "wan-starter"
        return np.stack(list(stream.frames))

    return run


@pytest.fixture(scope="module")
def followed(make: Make) -> list[tuple[Detection, tuple[str, ...]]]:
    return [(detect(make(prompt)), tuple(wanted)) for prompt, *wanted in PROMPTS]


def test_what_is_in_the_folder_is_what_the_catalog_says() -> None:
    spec = by_id("wan-starter")
    for part in spec.parts:
        files = [file for file in (STARTER / part.name).glob("*.safetensors") if "_quanto_" not in file.name]
        assert sum(int(np.prod(t.shape)) for f in files for t in read_header(f).tensors.values()) == part.parameters
        assert all(file.stat().st_size < 16 * 2**20 for file in files)
    assert sum(f.stat().st_size for f in STARTER.rglob("*") if "_quanto_" not in f.name and f.is_file()) < 40e6


@pytest.mark.parametrize(("place", "least"), [(0, 8), (1, 7), (2, 6), (3, 8)],
                         ids=["colour", "shape", "motion", "background"])
def test_prompts_are_followed(followed: list[tuple[Detection, tuple[str, ...]]], place: int, least: int) -> None:
    seen = [(found.colour, found.shape, found.motion, found.background)[place] for found, _ in followed]
    assert sum(a == wanted[place] for a, (_, wanted) in zip(seen, followed, strict=True)) >= least, seen


def test_a_seed_gives_one_clip_and_another_seed_another(make: Make) -> None:
    prompt = PROMPTS[0][0]
    first, again, other = (make(prompt, seed=seed, steps=6) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert psnr(first, other) < 30


def test_guidance_and_negative_words_act(make: Make) -> None:
    prompt = "a ball on a gray background"
    plain, strong, without = make(prompt, guidance=1.0), make(prompt), make(prompt, negative_prompt="red ball")
    assert not np.array_equal(plain, strong) and not np.array_equal(strong, without)
    colours = {detect(make("a ball moves right on a gray background", negative_prompt="blue ball", seed=seed)).colour
               for seed in range(4)}
    assert "blue" not in colours


def test_start_images_are_kept_and_move_as_told(make: Make, tmp_path: Path) -> None:
    from wgp_core.media.images import save_png

    rng, moved, kept = np.random.default_rng(5), [], []
    for motion in ("right", "up", "grow", "spin"):
        scene = next(s for s in iter(lambda: draw_scene(rng, pairs=0), None)
                     if s.things[0].motion == motion and s.camera == "static")
        image = render(scene, 1)[0]
        clip = make(caption(scene, rng), start_image=save_png(image, tmp_path / f"{motion}.png"))
        kept.append(psnr(clip[0], image))
        moved.append(detect(clip).motion == motion)
    assert np.mean(kept) > 28 and min(kept) > 25, kept
    assert sum(moved) >= 3, moved


def test_one_frame_is_a_picture(make: Make) -> None:
    clip = make("a red heart on a beige background", frames=1)
    found = detect(clip)
    assert clip.shape == (1, 64, 64, 3) and (found.colour, found.shape, found.background) == ("red", "heart", "beige")


def test_eight_bits_show_the_same(make: Make) -> None:
    for prompt, *wanted in PROMPTS[:3]:
        found = detect(make(prompt, quantization="int8"))
        assert [found.colour, found.background] == [wanted[0], wanted[3]]
    assert psnr(make(PROMPTS[0][0]), make(PROMPTS[0][0], quantization="int8")) > 18


def test_the_lora_draws_outlines_and_comes_off_again(make: Make) -> None:
    prompt = f"{TRIGGER} of a red square on a gray background"
    before = make(prompt)
    within = detect(make(prompt, loras=(LoraUse(LORA),)))
    assert within.style == "outline" and within.shape == "square"
    assert np.array_equal(make(prompt), before) and detect(before).style != "outline"
    assert before.shape[0] == FRAMES


def test_the_evaluation_makes_the_pipelines_own_clips() -> None:
    import torch

    from training.starter.evaluate import Studio, draw_questions

    studio, (question,) = Studio(STARTER, torch.float32), draw_questions(1)
    made, = studio.make([question], guidance=4.0, steps=2)
    plain = studio.pipe(question.prompt, negative_prompt="", height=64, width=64, num_frames=FRAMES,
                        num_inference_steps=2, guidance_scale=4.0, output_type="np",
                        generator=torch.Generator().manual_seed(question.seed)).frames[0]
    assert np.abs(made.astype(float) - 255 * plain).max() <= 2
