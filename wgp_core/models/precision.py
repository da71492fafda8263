"""Which number format a model computes in on this device, with the reason. Knows no model."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

from ..errors import EngineError, SettingsError
from .options import Precision

if TYPE_CHECKING:
    import torch

AUTO = ("", "auto")
_NAMES = {
    "bf16": Precision.BF16, "bfloat16": Precision.BF16, "fp16": Precision.FP16, "float16": Precision.FP16,
    "half": Precision.FP16, "fp32": Precision.FP32, "float32": Precision.FP32, "float": Precision.FP32,
}
SLOWER_IS_FINE = 1.5
"""bf16 halves the memory of every activation and every weight that is not quantized, so it may cost this much time."""


def torch_dtype(precision: Precision) -> torch.dtype:
    """torch's type for a precision."""
    import torch

    return {Precision.BF16: torch.bfloat16, Precision.FP16: torch.float16, Precision.FP32: torch.float32}[precision]


def choose_precision(device: str, wanted: str = "") -> tuple[Precision, str]:
    """The precision for `device` ("cpu", "cuda", "cuda:N") and a short sentence why.

    `wanted` is the user's word (`T2V_DTYPE`): "bf16", "fp16", "fp32" or torch's names for them; "" or "auto" decides
    by the device. Raises `SettingsError` for another word and `EngineError` for a CUDA device that is not there.
    """
    word = wanted.strip().lower().removeprefix("torch.")
    if word not in AUTO:
        if word not in _NAMES:
            raise SettingsError(f"The precision {wanted!r} is not known.", fix="Use auto, bf16, fp16 or fp32.")
        return _NAMES[word], f"{_NAMES[word]} was asked for"
    if device.startswith("cuda"):
        return _for_cuda(device)
    return _for_cpu()


def _for_cuda(device: str) -> tuple[Precision, str]:
    import torch

    if not torch.cuda.is_available():
        raise EngineError(f"The device {device} is not there: torch sees no CUDA device.",
                          fix="Choose the CPU, or install a torch build with CUDA and the driver.")
    try:
        major, minor = torch.cuda.get_device_capability(device)
    except (AssertionError, RuntimeError) as error:
        raise EngineError(f"The device {device} cannot be asked what it can do: {error}.",
                          fix=f"Devices here: {torch.cuda.device_count()}, counted from 0.") from error
    if major >= 8:
        return Precision.BF16, f"compute capability {major}.{minor} has bf16 units"
    return Precision.FP16, f"compute capability {major}.{minor} has no bf16 units (they begin at 8.0)"


def _for_cpu() -> tuple[Precision, str]:
    bf16, fp32 = _cpu_matmul_seconds()
    ratio = bf16 / fp32
    compared = f"a product of matrices takes {bf16 * 1000:.1f} ms in bf16 and {fp32 * 1000:.1f} ms in fp32 here"
    if ratio <= SLOWER_IS_FINE:
        return Precision.BF16, f"{compared}, and bf16 needs half the memory"
    return Precision.FP32, f"{compared}: this processor has no fast bf16"


@functools.cache
def _cpu_matmul_seconds() -> tuple[float, float]:
    """(bf16, fp32): best of three products of (256, 1536) with (1536, 1536), the shape of a small model's layer."""
    import torch

    seconds = []
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for dtype in (torch.bfloat16, torch.float32):
            left = torch.randn(256, 1536, generator=generator).to(dtype)
            right = torch.randn(1536, 1536, generator=generator).to(dtype)
            times = []
            for _ in range(4):
                began = time.perf_counter()
                torch.matmul(left, right)
                times.append(time.perf_counter() - began)
            seconds.append(min(times[1:]))
    return seconds[0], seconds[1]
