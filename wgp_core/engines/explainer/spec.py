"""What the local engine takes: any even size from 240 to 1920 pixels, 8 to 60 fps, up to three minutes."""

from __future__ import annotations

from ...request import EngineChoice
from ..base import EngineDefaults, EngineSpec, StepRule

SPEC = EngineSpec(
    id="explainer",
    label="the local engine",
    choice=EngineChoice.LOCAL,
    width=StepRule(240, 1920, step=2),
    height=StepRule(240, 1920, step=2),
    frames=StepRule(1, 180 * 60),
    fps=StepRule(8, 60),
    max_seconds=180,
    defaults=EngineDefaults(width=1280, height=720, fps=30, seconds=8),
    size_presets=((1280, 720), (1920, 1080), (854, 480), (720, 1280), (480, 832), (1080, 1080)),
    uses=frozenset({"start_image", "camera", "plan", "theme", "captions", "seed"}),
    check_frames=False,
)
