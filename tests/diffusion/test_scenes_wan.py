"""A plan rendered scene by scene with the real Wan classes at toy size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from wgp_core.engines.diffusion.engine import DiffusionEngine
from wgp_core.engines.explainer.engine import ExplainerEngine
from wgp_core.engines.registry import EngineRegistry
from wgp_core.generate import GenerationContext, generate_video
from wgp_core.media.probe import count_frames
from wgp_core.models.manager import process_manager
from wgp_core.models.toy import write_toy
from wgp_core.paths import Paths
from wgp_core.request import Cue, EngineChoice, ScenePlan, VideoRequest
from wgp_core.settings import Settings

torch.set_num_threads(1)
PLAN = (ScenePlan("A lens", narration="A lens bends light.", cues=(Cue("A lens bends light.", "Book.pdf", 3),)),
        ScenePlan("A picture", narration="The picture stands upside down.", visual="an upside down tree"))


@pytest.mark.parametrize("kind", ["wan", "wan-i2v"])
def test_every_scene_is_denoised_with_its_own_prompt(paths: Paths, kind: str, tmp_path: Path) -> None:
    from PIL import Image

    write_toy(paths.ckpts / kind, kind)
    start = tmp_path / "start.png"
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(start)
    context = GenerationContext(paths, Settings(), EngineRegistry([DiffusionEngine(paths), ExplainerEngine(paths)]))
    request = VideoRequest("how lenses make pictures", plan=PLAN, engine=EngineChoice.DIFFUSION, model=kind, width=64,
                           height=64, fps=8, steps=1, seed=3, scene_frames=9, crossfade=0.3,
                           start_image=start if kind == "wan-i2v" else None, fallback_local_on_fail=False)
    try:
        result = generate_video(request, context)
        assert process_manager().status().borrowers == 0
    finally:
        process_manager().release_all()
    assert result.frames == count_frames(result.path) == 9 + 9 - 2
    assert "lens bends light" in result.scene_prompts[0] and "upside down tree" in result.scene_prompts[1]
    assert len(result.request.plan) == 2 and result.models
