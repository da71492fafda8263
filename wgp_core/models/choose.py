"""Decides once per job how a model is loaded here: device, precision, quantization, VRAM profile, attention.

Every choice comes with a short reason, which goes into the log and into the video's record. A wish that cannot be met
(fp8 on a card without it, an attention package that is not installed) is replaced, logged as a warning, and its reason
says so. Loads no model library unless a card's abilities must be asked.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from .. import hardware
from ..engines.base import Availability, MemoryPlan, RuntimeOptions
from ..errors import SettingsError
from . import profiles
from .options import LoadOptions, Precision, Quantization
from .spec import ModelSpec

log = logging.getLogger(__name__)

FP8_CAPABILITY = (8, 9)
"""Compute capability from which NVIDIA cards multiply 8-bit floats (Ada, Hopper and later)."""
BYTES_PER_WEIGHT: dict[Precision | Quantization, float] = {
    Precision.BF16: 2.0, Precision.FP16: 2.0, Precision.FP32: 4.0,
    Quantization.INT8: 1.02, Quantization.FP8: 1.02, Quantization.INT4: 0.5625,
}
"""Quantized: the weights and their scales (optimum-quanto: one per row in 8 bits, two per 128 weights in 4 bits)."""
GB = 2**30


@dataclass(frozen=True)
class Machine:
    """What choices depend on. Memory in GB (2^30 bytes).

    `capability` asks a card its CUDA compute capability; `cuda_works` whether this torch can use the cards at all.
    """

    gpus: tuple[hardware.Gpu, ...]
    ram_gb: float
    capability: Callable[[int], tuple[int, int]]
    cuda_works: Callable[[], bool]

    @staticmethod
    def here() -> Machine:
        """This computer, asked now."""
        return Machine(hardware.gpus(), psutil.virtual_memory().total / GB, _capability, _cuda_works)


def load_options(runtime: RuntimeOptions, memory: MemoryPlan, request_profile: str | None, spec: ModelSpec, *,
                 machine: Machine | None = None) -> LoadOptions:
    """How to load `spec` for one job.

    The profile is `memory.profile` (a step down the ladder), else the request's, else the setting's. Raises
    `SettingsError` for a device or profile that does not exist.
    """
    machine = machine or Machine.here()
    reasons: dict[str, str] = {}
    device, reasons["device"] = _device(runtime.device, machine)
    precision, reasons["precision"] = _precision(device, runtime.dtype)
    quantization, reasons["quantization"] = _quantization(runtime.quantization, device, spec, machine)
    profile, reasons["profile"] = _profile((memory.profile, request_profile, runtime.profile), device, machine,
                                           weights_gb(spec, precision, quantization))
    attention, reasons["attention"] = _attention(runtime.attention, device)
    if runtime.compile:
        reasons["compile"] = "asked for" if device != "cpu" else "asked for; on the CPU it needs a C++ compiler"
    return LoadOptions(device=device, precision=precision, quantization=quantization, profile=profile,
                       attention=attention, compile=runtime.compile,
                       preload_mb=runtime.preload_mb if profile else 0, reasons=reasons)


def weights_gb(spec: ModelSpec, precision: Precision, quantization: Quantization) -> float:
    """What all weights of the model take in memory, in GB; 0 where the spec does not say how many there are."""
    return sum(part_bytes(part.parameters, part.quantize, precision, quantization) for part in spec.parts) / GB


def part_bytes(parameters: int, quantize: bool, precision: Precision, quantization: Quantization) -> float:
    """Bytes of one component's weights. Norms, embeddings and biases, about 5 %, are not quantized."""
    plain = BYTES_PER_WEIGHT[precision]
    if not quantize or quantization is Quantization.NONE:
        return parameters * plain
    return parameters * (0.95 * BYTES_PER_WEIGHT[quantization] + 0.05 * plain)


def _device(wanted: str, machine: Machine) -> tuple[str, str]:
    if wanted == "auto":
        if not machine.gpus:
            return "cpu", "auto: no NVIDIA GPU was found"
        card = machine.gpus[0]
        if not machine.cuda_works():
            reason = f"auto: there is a {card.name}, but the installed torch cannot use it"
            log.warning("%s.", reason)
            return "cpu", reason
        return f"cuda:{card.index}", f"auto: {card.name}, {card.total_gb:.0f} GB"
    device = "cuda:0" if wanted == "cuda" else wanted
    problem = hardware.check_device(device, machine.gpus)
    if problem:
        raise SettingsError(problem, fix="Set the device to auto or cpu.")
    return device, "asked for"


def _precision(device: str, wanted: str) -> tuple[Precision, str]:
    from .precision import choose_precision  # asks torch

    return choose_precision(device, wanted)


def _quantization(wanted: str, device: str, spec: ModelSpec, machine: Machine) -> tuple[Quantization, str]:
    if wanted == "auto":
        return _auto_quantization(spec)
    quantization = Quantization(wanted)
    if quantization is not Quantization.FP8:
        return quantization, "asked for"
    if device == "cpu":
        return _replaced(Quantization.INT8, "fp8 was asked for, but the CPU has no 8-bit float arithmetic")
    index = int(device.partition(":")[2] or 0)
    capability = machine.capability(index)
    if capability >= FP8_CAPABILITY:
        return quantization, f"asked for; the card has it (compute capability {capability[0]}.{capability[1]})"
    return _replaced(Quantization.INT8, f"fp8 was asked for, but it needs compute capability {FP8_CAPABILITY[0]}."
                     f"{FP8_CAPABILITY[1]} and this card has {capability[0]}.{capability[1]}")


def _replaced(value: Any, why: str) -> tuple[Any, str]:
    reason = f"{why}; {value} is used instead"
    log.warning("%s.", reason[:1].upper() + reason[1:])
    return value, reason


def _auto_quantization(spec: ModelSpec) -> tuple[Quantization, str]:
    large = [part for part in spec.parts if part.quantize]
    if not large:
        return Quantization.NONE, "auto: no part of this model is meant to be quantized"
    millions = sum(part.parameters for part in large) / 1e6
    return Quantization.INT8, f"auto: {millions:,.0f} M weights take half the memory in 8 bits"


def _profile(wishes: tuple[str | None, ...], device: str, machine: Machine, weights: float) -> tuple[str, str]:
    wanted = next((wish for wish in wishes if wish and wish != profiles.AUTO), profiles.AUTO)
    if device == "cpu":
        profiles.choose_profile(wanted, vram_gb=0, ram_gb=machine.ram_gb)  # an unknown name is an error here too
        return "", "on the CPU all weights stay in RAM"
    index = int(device.partition(":")[2] or 0)
    card = next(gpu for gpu in machine.gpus if gpu.index == index)
    choice = profiles.choose_profile(wanted, vram_gb=card.total_gb, ram_gb=machine.ram_gb, weights_gb=weights)
    return choice.name, choice.reason


def _attention(wanted: str, device: str) -> tuple[str, str]:
    if wanted == "auto":
        return "sdpa", "auto: torch's own attention, which takes the fastest kernel that is exact"
    found = attention_availability(wanted, device)
    if found.ok:
        return wanted, "asked for"
    return _replaced("sdpa", f"{wanted} attention was asked for, but {found.reason}")


_ATTENTION_PACKAGES = {"flash": "flash_attn", "sage": "sageattention", "xformers": "xformers"}
ATTENTIONS = ("sdpa", *_ATTENTION_PACKAGES)


def attention_availability(name: str, device: str) -> Availability:
    """Whether an attention backend can run on `device`, judged by what is installed, without importing it."""
    if name in ("auto", "sdpa"):
        return Availability(True)
    package = _ATTENTION_PACKAGES.get(name)
    if package is None:
        return Availability(False, f"there is no attention backend {name!r}", f"Known: {', '.join(ATTENTIONS)}.")
    if not device.startswith("cuda"):
        return Availability(False, "it needs an NVIDIA GPU", "Use sdpa.")
    if importlib.util.find_spec(package) is None:
        return Availability(False, f"the package {package} is not installed", f"Install {package}, or use sdpa.")
    return Availability(True)


def _cuda_works() -> bool:
    import torch

    return torch.cuda.is_available()


def _capability(index: int) -> tuple[int, int]:
    import torch

    major, minor = torch.cuda.get_device_capability(index)
    return major, minor
