"""How a model is loaded on this machine: device, precision, quantization, VRAM profile, attention.

`LoadOptions` is decided once per job from the settings, the device and the memory plan, with the reason for each
choice. Two loads with equal options give the same weights in memory.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Precision(enum.StrEnum):
    BF16 = "bf16"
    FP16 = "fp16"
    FP32 = "fp32"


class Quantization(enum.StrEnum):
    NONE = "none"
    INT8 = "int8"
    FP8 = "fp8"
    INT4 = "int4"


@dataclass(frozen=True)
class LoadOptions:
    """`device` is "cpu" or "cuda:N"; `profile` "1" to "5" ("" on the CPU, where nothing is offloaded).

    `reasons` maps each choice's name to a short sentence for logs and records; it does not take part in comparisons.
    """

    device: str = "cpu"
    precision: Precision = Precision.BF16
    quantization: Quantization = Quantization.INT8
    profile: str = ""
    attention: str = "sdpa"
    compile: bool = False
    preload_mb: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict, compare=False)
