"""The tiny video model that comes with the program. What it knows and how it was trained: docs/starter.md."""

from __future__ import annotations

from ...engines.base import StepRule
from ...request import Solver
from ..spec import Defaults, Family, ModelSpec, Rules, Task
from .layout import DIFFUSERS_FILES, part, total_bytes

_SIDE = StepRule(64, 64)
_PARTS = (part("transformer", 8_109_120, quantize=True), part("text_encoder", 8_239_488, quantize=True),
          part("vae", 2_560_860))

STARTER = ModelSpec(
    id="wan-starter", label="Wan starter", family=Family.WAN, tasks=(Task.T2V, Task.I2V, Task.T2I),
    used_for="Tiny videos (64x64) of coloured things that move, on any computer in seconds: for trying everything out.",
    folder="wan-starter", files=DIFFUSERS_FILES, size_bytes=total_bytes(_PARTS), licence="Apache-2.0",
    pipeline="WanPipeline", parts=_PARTS, shipped=True,
    rules=Rules(width=_SIDE, height=_SIDE, frames=StepRule(1, 17, 4, 1), max_seconds=10.0, size_presets=((64, 64),),
                start_image=True, window=True),
    defaults=Defaults(64, 64, frames=17, fps=8, steps=20, guidance=4.0, flow_shift=2.0, solver=Solver.UNIPC))
