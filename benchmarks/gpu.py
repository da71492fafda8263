"""Seconds per step and memory of real model shapes on this card, ours beside bare diffusers, in one run.

    ./run.sh benchmarks/gpu.py                       # every model and way; a markdown table goes to standard output
    ./run.sh benchmarks/gpu.py --models wan-1.3b --ways bare,profile-1,profile-4 --steps 3
    ./run.sh benchmarks/gpu.py --toy                 # a minute on the CPU: checks this script, not the machine

The weights are random: speed and memory do not depend on what they say. Text embeddings are given, so that the text
encoder (the same everywhere) is left out. Each row runs in a process of its own; one that runs out of memory says so
in its row. "peak" is torch's, "driver" what nvidia-smi saw used above the idle card, "estimate" what preflight says.
Without a CUDA device it says so and ends with status 0.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

GB = 2**30
MARK = "ROW "
ROW_LIMIT_S = 1800


@dataclass(frozen=True)
class Shape:
    """One model at one size. `config` are the arguments of diffusers' class."""

    kind: str
    config: dict[str, Any]
    width: int
    height: int
    frames: int
    text_tokens: int
    text_width: int


_WAN = {"patch_size": (1, 2, 2), "attention_head_dim": 128, "in_channels": 16, "out_channels": 16, "text_dim": 4096,
        "freq_dim": 256, "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "eps": 1e-6}
SHAPES = {
    "wan-1.3b": Shape("wan", {**_WAN, "num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30},
                      832, 480, 81, 512, 4096),
    "wan-14b": Shape("wan", {**_WAN, "num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40},
                     832, 480, 81, 512, 4096),
    "ltx-2b": Shape("ltx", {}, 768, 512, 121, 128, 4096),
}
TOY = Shape("wan", {**_WAN, "num_attention_heads": 2, "attention_head_dim": 16, "ffn_dim": 64, "num_layers": 6,
                    "text_dim": 32}, 64, 64, 9, 16, 32)
WAYS = ("bare", "model-offload", "group-offload", "sequential-offload", "profile-1", "profile-2", "profile-3",
        "profile-3.5", "profile-4", "profile-4.5", "profile-5", "int8", "fp8", "flash", "sage", "xformers")


@dataclass
class Row:
    """One measurement. Seconds, and GB of 2^30 bytes; `said` is why there is none."""

    model: str
    way: str
    step_s: float = 0.0
    decode_s: float = 0.0
    peak_gb: float = 0.0
    driver_gb: float = 0.0
    estimate_gb: float = 0.0
    said: str = ""


# -- building ---------------------------------------------------------------------------------------------------------

def random_weights(make: Any, dtype: Any) -> Any:
    """A module of real shape in `dtype`, filled quickly with small random numbers."""
    import torch
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        module = make()
    noise = torch.randn(2**20, generator=torch.Generator().manual_seed(0)).mul_(0.02).to(dtype)
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            count = parameter.numel()
            values = noise.repeat(math.ceil(count / noise.numel()))[:count].view(parameter.shape).clone()
            setattr(part, name, torch.nn.Parameter(values, requires_grad=False))
    return module.eval()


def build(shape: Shape) -> Any:
    """A diffusers pipeline of this shape without a text encoder, on the CPU."""
    import diffusers
    import torch

    if shape.kind == "ltx":
        transformer = random_weights(lambda: diffusers.LTXVideoTransformer3DModel(**shape.config), torch.bfloat16)
        vae = random_weights(diffusers.AutoencoderKLLTXVideo, torch.bfloat16)
        ltx: Any = diffusers.LTXPipeline
        return ltx(scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True), vae=vae,
                   text_encoder=None, tokenizer=None, transformer=transformer)
    transformer = random_weights(lambda: diffusers.WanTransformer3DModel(**shape.config), torch.bfloat16)
    vae_config: dict[str, Any] = {"base_dim": 8} if shape is TOY else {}
    vae = random_weights(lambda: diffusers.AutoencoderKLWan(**vae_config), torch.float32)
    scheduler = diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True,
                                                  flow_shift=3.0, num_train_timesteps=1000)
    wan: Any = diffusers.WanPipeline
    return wan(tokenizer=None, text_encoder=None, vae=vae, scheduler=scheduler, transformer=transformer)


def arguments(shape: Shape, steps: int, device: str) -> dict[str, Any]:
    """What the pipeline is called with: both guidance branches, as in practice."""
    import torch

    def text(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(1, shape.text_tokens, shape.text_width, generator=generator).to(device, torch.bfloat16)

    found: dict[str, Any] = {
        "prompt_embeds": text(1), "negative_prompt_embeds": text(2), "width": shape.width, "height": shape.height,
        "num_frames": shape.frames, "num_inference_steps": steps, "guidance_scale": 5.0, "output_type": "latent",
        "generator": torch.Generator().manual_seed(0)}
    if shape.kind == "ltx":
        mask = torch.ones(1, shape.text_tokens, dtype=torch.long, device=device)
        found |= {"prompt_attention_mask": mask, "negative_prompt_attention_mask": mask}
    return found


# -- ways of running --------------------------------------------------------------------------------------------------

def prepare(pipeline: Any, way: str, device: str) -> None:
    """Put the pipeline on the device in one of `WAYS`."""
    import torch

    if way.startswith("profile-"):
        from wgp_core.models.offload import attach
        from wgp_core.models.options import LoadOptions

        attach({"transformer": pipeline.transformer, "vae": pipeline.vae},
               LoadOptions(device=device, profile=way.removeprefix("profile-")))
    elif way == "model-offload":
        pipeline.enable_model_cpu_offload(device=device)
    elif way == "sequential-offload":
        pipeline.enable_sequential_cpu_offload(device=device)
    elif way == "group-offload":
        pipeline.transformer.enable_group_offload(
            onload_device=torch.device(device), offload_device=torch.device("cpu"), offload_type="leaf_level",
            use_stream=True)
        pipeline.vae.to(device)
    elif way in ("int8", "fp8"):
        from optimum.quanto import freeze, qfloat8, qint8, quantize

        # The loader leaves these layers as they are, too: they are small, and most sensitive.
        quantize(pipeline.transformer, weights=qint8 if way == "int8" else qfloat8,
                 exclude=["*embed*", "proj_out", "proj_in", "*time*"])
        freeze(pipeline.transformer)
        pipeline.to(device)
    else:
        pipeline.to(device)
        if way != "bare":
            pipeline.transformer.set_attention_backend(way)


def decode(pipeline: Any, latents: Any, shape: Shape, device: str) -> None:
    """Run the autoencoder's decoder over latents as they come out of the pipeline."""
    import torch

    vae = pipeline.vae
    if shape.kind == "ltx":
        cells = [(shape.frames - 1) // 8 + 1, shape.height // 32, shape.width // 32]
        latents = latents.reshape(1, *cells, -1).permute(0, 4, 1, 2, 3).contiguous()
    vae.decode(latents.to(device, next(vae.parameters()).dtype), return_dict=False)
    if device != "cpu":
        torch.cuda.synchronize()


def measure(model: str, way: str, shape: Shape, steps: int, device: str) -> Row:
    """Build, run once, and tell seconds and memory. Runs in a process of its own."""
    import torch

    torch.manual_seed(0)
    row = Row(model, way)
    idle = driver_used_gb()
    pipeline = build(shape)
    pipeline.set_progress_bar_config(disable=True)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    moments: list[float] = []

    def step_ended(_pipeline: Any, _step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        if device != "cpu":
            torch.cuda.synchronize()
        moments.append(time.perf_counter())
        return values

    with torch.inference_mode(), watched() as seen:
        prepare(pipeline, way, device)
        asked = arguments(shape, steps, device)
        latents = pipeline(**asked, callback_on_step_end=step_ended).frames
        row.step_s = statistics.median(b - a for a, b in itertools.pairwise(moments))
        began = time.perf_counter()
        decode(pipeline, latents, shape, device)
        row.decode_s = time.perf_counter() - began
    if device != "cpu":
        row.peak_gb = torch.cuda.max_memory_allocated() / GB
        row.driver_gb = max(seen, default=0.0) - idle
        row.estimate_gb = estimated_gb(pipeline, way, shape, device)
    return row


def estimated_gb(pipeline: Any, way: str, shape: Shape, device: str) -> float:
    """What preflight would have said; 0 for ways that are not ours."""
    from wgp_core.models.options import LoadOptions, Precision, Quantization
    from wgp_core.models.preflight import Room, estimate
    from wgp_core.models.spec import Family, ModelSpec, Part, Task
    from wgp_core.request import VideoRequest

    if "offload" in way:
        return 0.0
    count = {name: sum(p.numel() for p in getattr(pipeline, name).parameters()) for name in ("transformer", "vae")}
    quantization = Quantization(way) if way in ("int8", "fp8") else Quantization.NONE
    whole = not way.startswith("profile-")
    spec = ModelSpec("measured", "measured", Family.LTX if shape.kind == "ltx" else Family.WAN, (Task.T2V,), "",
                     parts=(Part("transformer", count["transformer"], quantize=True), Part("vae", count["vae"])))
    hint = LoadOptions(device, Precision.BF16, quantization, "1" if whole else way.removeprefix("profile-"))
    request = VideoRequest("a", width=shape.width, height=shape.height, frames=shape.frames, steps=1)
    return estimate(spec, request, options_hint=hint, room=Room.here(device)).vram_gb


def driver_used_gb() -> float:
    """Memory in use on the first card, by nvidia-smi; 0 without one."""
    from wgp_core.hardware import gpus

    return next((card.total_gb - card.free_gb for card in gpus()), 0.0)


@contextmanager
def watched() -> Iterator[list[float]]:
    """Asks nvidia-smi five times a second what is in use."""
    seen: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.2):
            seen.append(driver_used_gb())

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


# -- our whole path against a bare pipeline ---------------------------------------------------------------------------

def overhead(shape: Shape, steps: int, device: str) -> tuple[float, float]:
    """(bare diffusers, generate_video): seconds of the better of two runs after a first, models in memory.

    A checkpoint with a toy text encoder and the real denoiser and autoencoder is written to a temporary folder.
    generate_video also checks every frame and encodes the video.
    """
    import diffusers
    import torch

    from wgp_core.context import generation_context
    from wgp_core.generate import NoRecorder, generate_video
    from wgp_core.models.toy import TEXT_WIDTH, write_toy
    from wgp_core.paths import build_paths
    from wgp_core.request import EngineChoice, OutputOptions, RetryPolicy, VideoRequest
    from wgp_core.settings import Settings

    with tempfile.TemporaryDirectory() as home:
        folder = write_toy(Path(home) / "model", "wan")
        built = build(Shape(**{**asdict(shape), "config": {**shape.config, "text_dim": TEXT_WIDTH}}))
        built.transformer.save_pretrained(folder / "transformer")
        built.vae.save_pretrained(folder / "vae")
        del built

        wan: Any = diffusers.WanPipeline
        bare = wan.from_pretrained(folder, torch_dtype=torch.bfloat16)
        bare.vae.to(torch.float32)
        bare.to(device)
        bare.set_progress_bar_config(disable=True)
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            with torch.inference_mode():
                bare("a boat on a lake", num_inference_steps=steps, width=shape.width, height=shape.height,
                     num_frames=shape.frames, guidance_scale=5.0, output_type="np")
            seconds.append(time.perf_counter() - began)
        del bare
        if device != "cpu":
            torch.cuda.empty_cache()

        paths = build_paths(home=Path(home) / "studio").ensure()
        settings = Settings(device=device, profile="1", dtype="bf16", quantization="none")
        context = generation_context(paths, settings, NoRecorder())
        ours = []
        for number in range(3):
            request = VideoRequest(
                "a boat on a lake", engine=EngineChoice.DIFFUSION, model=str(folder), steps=steps, width=shape.width,
                height=shape.height, frames=shape.frames, guidance=5.0, seed=1, fallback_local_on_fail=False,
                retry=RetryPolicy(on_black=False, on_blank=False),
                output=OutputOptions(path=Path(home) / f"video{number}.mp4", poster=False))
            began = time.perf_counter()
            generate_video(request, context)
            ours.append(time.perf_counter() - began)
        return min(seconds[1:]), min(ours[1:])


# -- the run ----------------------------------------------------------------------------------------------------------

def in_own_process(model: str, way: str, steps: int, *, toy: bool) -> Row:
    """Measure in a process of its own, so that each row starts from an empty card."""
    command = [sys.executable, __file__, "--row", f"{model}/{way}", "--steps", str(steps), *(["--toy"] if toy else [])]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=ROW_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return Row(model, way, said=f"no result in {ROW_LIMIT_S} s")
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return Row(**json.loads(line.removeprefix(MARK)))
    told = [line for line in done.stderr.splitlines() if line.strip()]
    return Row(model, way, said=told[-1][:160] if told else f"ended with status {done.returncode}")


def one_row(asked: str, steps: int, *, toy: bool) -> None:
    """What a row's process does: measure, and print the row as JSON."""
    model, _, way = asked.partition("/")
    device = "cpu" if toy else "cuda:0"
    shape = TOY if toy else SHAPES[model]
    if way == "overhead":
        bare, ours = overhead(shape, steps, device)
        row = Row(model, way, step_s=bare, decode_s=ours)
    else:
        row = measure(model, way, shape, steps, device)
    print(MARK + json.dumps(asdict(row)), flush=True)


def table(rows: list[Row]) -> str:
    """The rows in markdown."""
    lines = ["| model | way | s/step | decode s | peak GB | driver GB | estimate GB | |",
             "|---|---|" + "---:|" * 5 + "---|"]
    for row in rows:
        if row.way == "overhead":
            share = 100 * (row.decode_s / row.step_s - 1) if row.step_s else 0.0
            said = row.said or (f"bare pipeline {row.step_s:.2f} s, generate_video with checks and encoding "
                                f"{row.decode_s:.2f} s ({share:+.0f} %)")
            lines.append(f"| {row.model} | whole run | | | | | | {said} |")
        elif row.said:
            lines.append(f"| {row.model} | {row.way} | | | | | | {row.said} |")
        else:
            estimate = f"{row.estimate_gb:.1f}" if row.estimate_gb else ""
            lines.append(f"| {row.model} | {row.way} | {row.step_s:.3f} | {row.decode_s:.2f} | {row.peak_gb:.1f} | "
                         f"{row.driver_gb:.1f} | {estimate} | |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(SHAPES), help="separated by commas")
    parser.add_argument("--ways", default=",".join((*WAYS, "overhead")), help="separated by commas")
    parser.add_argument("--steps", type=int, default=4, help="denoising steps; at least 2")
    parser.add_argument("--toy", action="store_true", help="tiny shapes on the CPU")
    parser.add_argument("--row", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.row:
        one_row(asked.row, asked.steps, toy=asked.toy)
        return
    import torch

    if not asked.toy and not torch.cuda.is_available():
        print("There is no CUDA device here, so there is nothing to measure.")
        return
    device = "CPU, toy shapes" if asked.toy else torch.cuda.get_device_name(0)
    import diffusers

    print(f"{device}; torch {torch.__version__}, diffusers {diffusers.__version__}, "
          f"Python {sys.version.split()[0]}\n", flush=True)
    models = ["toy"] if asked.toy else asked.models.split(",")
    ways = ["bare", "int8", "overhead"] if asked.toy else asked.ways.split(",")
    rows = []
    for model in models:
        for way in ways:
            if way == "overhead" and model not in ("toy", "wan-1.3b"):
                continue  # one model is enough for what our own code adds
            rows.append(in_own_process(model, way, max(2, asked.steps), toy=asked.toy))
            print(f"{model} {way}: {rows[-1].said or 'measured'}", file=sys.stderr, flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
