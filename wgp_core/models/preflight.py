"""How much VRAM, RAM, disk and time a request would take, estimated before anything is loaded.

Weights are counted from the catalog's parameter numbers; what is computed beside them from the size of the latents, by
the formulas below. They are rough on purpose and have not been compared with a card yet:
they answer "can this fit?", not "how many bytes?". Time comes from earlier runs of the same model, never from a guess.
Loads no model library. GB are 2^30 bytes.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .. import hardware
from ..request import VideoRequest
from .choose import GB, part_bytes
from .options import LoadOptions
from .profiles import DENOISERS, TEXT_ENCODERS, Budgets, by_name
from .spec import Family, ModelSpec

MB = 2**20
CUDA_CONTEXT_GB = 0.6
"""What the driver and torch's kernels take on the card before any weight."""
PROCESS_GB = 1.5
"""RAM of a worker with torch and diffusers loaded and no model."""
BLOCKS = 30
"""Repeated blocks of a denoiser or text encoder, to tell the size of one: 24 (T5-XXL) to 42 (CogVideoX 5B)."""
ACTIVATION_COPIES = 13
"""Tensors of tokens x width alive at the peak of a block: its input, a float32 norm (2), its output, and the
feed-forward's inner activation before and after the nonlinearity (4.5 each: Wan's is 2.7 to 5.8 times the width)."""
MOST_PICTURES = 8
"""Pictures in one batch at most; beyond that little is gained."""
VIDEO_BITS_PER_PIXEL = 0.25
"""H.264 at CRF 18, rounded up."""


@dataclass(frozen=True)
class PastRun:
    """One finished render, from the library. `seconds` counts the denoising and decoding, not the loading."""

    model: str
    width: int
    height: int
    frames: int
    steps: int
    seconds: float
    device: str = ""

    @property
    def work(self) -> float:
        """What time grows with: frames x pixels x steps."""
        return float(self.frames) * self.width * self.height * self.steps


@dataclass(frozen=True)
class Room:
    """Memory and disk there is. `gpu` None: no card, or a run on the CPU. None elsewhere: not known."""

    gpu: hardware.Gpu | None = None
    ram_total_gb: float | None = None
    ram_free_gb: float | None = None
    disk_free_gb: float | None = None

    @staticmethod
    def here(device: str, disk_free_gb: float | None = None) -> Room:
        """This computer, asked now; `device` as in `LoadOptions`."""
        import psutil

        index = int(device.partition(":")[2] or 0) if device.startswith("cuda") else -1
        card = next((gpu for gpu in hardware.gpus() if gpu.index == index), None)
        memory = psutil.virtual_memory()
        return Room(card, memory.total / GB, memory.available / GB, disk_free_gb)


@dataclass(frozen=True)
class Estimate:
    """`seconds` is None without an earlier run to go by; `basis` says where the figures come from."""

    vram_gb: float
    ram_gb: float
    disk_gb: float
    seconds: float | None
    basis: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Geometry:
    """How a family's VAE and denoiser shrink a video, and what decoding costs.

    `decoded_frames` are decoded at once untiled (0: all); `decode_values` is how many numbers per decoded pixel are
    alive at the decoder's peak (channels at full size x tensors held by the last up-block, its caches counted in).
    `doubled` says that both branches of classifier-free guidance are computed in one batch.
    """

    spatial: int
    temporal: int
    patch: int
    decoded_frames: int
    decode_values: int
    doubled: bool
    vae_fp32: bool = False
    """Whether the autoencoder computes in 32 bits whatever the model does."""


_GEOMETRY = {
    # Wan: VAE 4x8x8, patch 1x2x2, decodes one latent frame (4 frames) at a time and caches earlier features.
    Family.WAN: _Geometry(8, 4, 2, 4, 700, False, vae_fp32=True),
    # CogVideoX: VAE 4x8x8, patch 2, decodes two latent frames at a time.
    Family.COGVIDEOX: _Geometry(8, 4, 2, 8, 600, True),
    # LTX: VAE 8x32x32, no patches in the denoiser; its decoder ends at a quarter of the size, 128 channels.
    Family.LTX: _Geometry(32, 8, 1, 0, 40, True),
    Family.SDXL: _Geometry(8, 1, 2, 1, 700, True, vae_fp32=True),
    Family.FLUX: _Geometry(8, 1, 2, 1, 700, False),
}
TILE_PIXELS = 256 * 256
"""diffusers' tile of a video VAE."""


def estimate(spec: ModelSpec, request: VideoRequest, *, options_hint: LoadOptions, history: Sequence[PastRun] = (),
             room: Room | None = None, vae_tiling: bool = False, quantized_on_disk: bool = True) -> Estimate:
    """What `request` would take with `spec` loaded as `options_hint` says.

    Fields that the request leaves open take the model's defaults. `quantized_on_disk` False adds the 8-bit copy that
    the first load writes. With `room`, warnings say in plain words what does not fit.
    """
    width, height, frames, steps = _asked(spec, request)
    parts = {part.name: part_bytes(part.parameters, part.quantize, options_hint.precision, options_hint.quantization)
             for part in spec.parts}
    computed = _computed_bytes(spec, options_hint, width, height, frames, vae_tiling)
    weights = sum(parts.values())
    if options_hint.device == "cpu":
        vram, ram = 0.0, PROCESS_GB + (weights + computed) / GB
    else:
        budgets = by_name(options_hint.profile or "1").budgets
        card_gb = room.gpu.total_gb if room and room.gpu else float(by_name(options_hint.profile or "1").vram_gb)
        on_card = max((_resident_bytes(name, size, budgets, card_gb, options_hint.preload_mb)
                       for name, size in parts.items()), default=0.0)
        vram = CUDA_CONTEXT_GB + (on_card + computed) / GB
        ram = PROCESS_GB + weights / GB
    video = width * height * frames * VIDEO_BITS_PER_PIXEL / 8
    copies = 0.0 if quantized_on_disk or options_hint.quantization == "none" else sum(
        parts[part.name] for part in spec.parts if part.quantize)
    seconds, said = _seconds(spec.id, options_hint.device, width * height * frames * steps, history)
    found = Estimate(round(vram, 2), round(ram, 2), round((video + copies) / GB, 2), seconds,
                     f"{width}x{height}, {frames} frames, {steps} steps; {said}")
    return found if room is None else Estimate(found.vram_gb, found.ram_gb, found.disk_gb, seconds, found.basis,
                                               fit_warnings(found, room))


def pictures_at_once(spec: ModelSpec, request: VideoRequest, *, options_hint: LoadOptions, room: Room) -> int:
    """How many pictures of this size can be computed in one batch, 1 to `MOST_PICTURES`, with the model in memory.

    What is free then is shared among the denoiser's activations, half of it left alone: the figures are rough. Pictures
    are decoded one by one.
    """
    width, height, _, _ = _asked(spec, request)
    each = _block_bytes(spec, options_hint, width, height, 1) / GB
    free = room.ram_free_gb if options_hint.device == "cpu" else room.gpu.free_gb if room.gpu else None
    if free is None or each <= 0:
        return 1
    if options_hint.device != "cpu" and room.gpu:
        needed = estimate(spec, request.with_(frames=1), options_hint=options_hint, room=room)
        free = min(free, room.gpu.total_gb - needed.vram_gb)  # streamed weights come and go
    return max(1, min(MOST_PICTURES, 1 + int(free / 2 / each)))


def fit_warnings(needed: Estimate, room: Room) -> tuple[str, ...]:
    """What does not fit, each a sentence with the two numbers and what to do; empty where all is well."""
    warnings = []
    if needed.vram_gb and room.gpu:
        card = room.gpu
        if needed.vram_gb > card.total_gb:
            warnings.append(f"This needs about {needed.vram_gb:.1f} GB of VRAM and {card.name} has {card.total_gb:.0f} "
                            "GB. Choose a lower VRAM profile, a smaller size or fewer frames.")
        elif needed.vram_gb > card.free_gb:
            warnings.append(f"This needs about {needed.vram_gb:.1f} GB of VRAM, and {card.free_gb:.1f} GB of "
                            f"{card.name} is free. Close other programs that use the card.")
    if room.ram_total_gb is not None and needed.ram_gb > room.ram_total_gb:
        warnings.append(f"This needs about {needed.ram_gb:.1f} GB of RAM and the computer has {room.ram_total_gb:.0f} "
                        "GB. Choose a smaller model or 8-bit weights.")
    elif room.ram_free_gb is not None and needed.ram_gb > room.ram_free_gb:
        warnings.append(f"This needs about {needed.ram_gb:.1f} GB of RAM, and {room.ram_free_gb:.1f} GB is free. Close "
                        "other programs, or it will be slow.")
    if room.disk_free_gb is not None and needed.disk_gb > room.disk_free_gb:
        warnings.append(f"This writes about {needed.disk_gb:.1f} GB, and {room.disk_free_gb:.1f} GB of disk is free.")
    return tuple(warnings)


def _asked(spec: ModelSpec, request: VideoRequest) -> tuple[int, int, int, int]:
    defaults = spec.defaults
    frames = request.frames
    if frames is None:
        frames = (round(request.seconds * (request.fps or defaults.fps)) if request.seconds is not None
                  else defaults.frames)
    return (request.width or defaults.width, request.height or defaults.height, max(1, frames),
            request.steps or defaults.steps)


def _resident_bytes(name: str, size: float, budgets: Budgets, card_gb: float, preload_mb: int) -> float:
    """Weights of one component on the card at its peak. mmgp holds one component at a time there.

    Streamed, that is what lies outside the blocks (about 3 %), the budget, and two blocks: the one computed and the
    one on its way.
    """
    if budgets.vram_share:
        budget = budgets.vram_share * card_gb * GB
    elif not budgets.streams:
        return size
    elif name in DENOISERS:
        budget = (preload_mb or budgets.denoiser_mb) * MB
    elif name in TEXT_ENCODERS:
        budget = (preload_mb or budgets.text_encoder_mb) * MB
    else:
        budget = budgets.rest_mb * MB
    if size <= budget:
        return size
    return min(size, max(budget, size * (0.03 + 2 / BLOCKS)))


def _computed_bytes(spec: ModelSpec, options: LoadOptions, width: int, height: int, frames: int,
                    vae_tiling: bool) -> float:
    """Peak of activations: the larger of one denoiser block and of the decoding, which never run together."""
    geometry = _GEOMETRY.get(spec.family)
    if geometry is None:
        return 0.0
    bytes_each = _bytes_each(options)
    decoded = min(frames, geometry.decoded_frames) if geometry.decoded_frames else frames
    pixels = min(width * height, TILE_PIXELS) if vae_tiling else width * height
    small = min(1.0, _denoiser(spec) / 1.3e9)  # a toy's VAE is as narrow as its denoiser
    vae_bytes = 4 if geometry.vae_fp32 else bytes_each
    decode = pixels * decoded * geometry.decode_values * vae_bytes * small + width * height * frames * 3 * vae_bytes
    return max(_block_bytes(spec, options, width, height, frames), decode)


def _block_bytes(spec: ModelSpec, options: LoadOptions, width: int, height: int, frames: int) -> float:
    """Peak of activations in one denoiser block.

    Wan-like denoisers are about 1536 wide at 1.3 G weights and 5120 at 14 G, so width grows with the square root of
    the weights; tokens are latent cells over patches.
    """
    geometry = _GEOMETRY.get(spec.family)
    if geometry is None:
        return 0.0
    latent_frames = (frames - 1) // geometry.temporal + 1
    cell = geometry.spatial * geometry.patch
    tokens = latent_frames * (width // cell) * (height // cell) * (2 if geometry.doubled else 1)
    channels = 1536 * (_denoiser(spec) / 1.3e9) ** 0.5
    return tokens * channels * _bytes_each(options) * ACTIVATION_COPIES


def _denoiser(spec: ModelSpec) -> int:
    """Weights of the largest denoiser."""
    return max((part.parameters for part in spec.parts if part.name in DENOISERS), default=0)


def _bytes_each(options: LoadOptions) -> int:
    return 4 if options.precision == "fp32" else 2


def _seconds(model: str, device: str, work: float, history: Sequence[PastRun]) -> tuple[float | None, str]:
    """Seconds scaled from earlier runs by frames x pixels x steps: the median over runs on this device, else on any."""
    same = [run for run in history if run.model == model and run.work > 0 and run.seconds > 0]
    here = [run for run in same if run.device == device] or same
    if not here:
        return None, "no earlier run of this model to tell the time from"
    rate = statistics.median(run.seconds / run.work for run in here)
    count = "one earlier run" if len(here) == 1 else f"{len(here)} earlier runs"
    return rate * work, f"time from {count} of this model"
