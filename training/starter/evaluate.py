"""Judges the starter model: `python -m training.starter.evaluate [--part table] [--prompts 200]`.

Clips are made for held-out combinations in held-out words and looked at by the detector, whose own accuracy is measured
first. Every prompt has a noise of its own, the same for all settings. Each part is written to the JSON file when it is
done and replaces what the file had of it; `--part` makes one part anew.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import platform
import shutil
import statistics
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import WanImageToVideoPipeline, WanPipeline, WanTransformer3DModel
from rich.console import Console
from rich.table import Table

from wgp_core.quality.starter.detector import Detection, detect
from wgp_core.quality.starter.world import FRAMES, SIZE, Scene, Style, render

from .captions import TRIGGER, caption
from .degrade import degrade
from .run import ROOT
from .scenes import draw_scene
from .transformer import TrainingAttention

SEED = 2026
ATTRIBUTES = ("colour", "shape", "motion", "background")
PARTS = ("detector", "vae", "table", "i2v", "int8", "lora", "time", "sheet")
AIMS = {"detector": 0.98, "attribute": 0.90, "all": 0.75, "psnr": 28.0, "i2v_motion": 0.85, "int8": 0.02,
        "lora_with": 0.90, "lora_without": 0.05, "seconds": 10.0}
LORA = ROOT / "loras" / "wan-starter" / "outline.safetensors"
SHEET = ROOT / "docs" / "images" / "starter-sheet.png"
console = Console(width=120)


# What is asked and what is seen

@dataclass(frozen=True)
class Question:
    """One prompt: the scene that it tells of, and the seed of its noise."""

    scene: Scene
    prompt: str
    seed: int


def draw_questions(count: int, seed: int = SEED) -> list[Question]:
    """Held-out combinations of one thing in held-out words, the same on every call."""
    questions = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        scene = draw_scene(rng, held=True, pairs=0)
        questions.append(Question(scene, caption(scene, rng, held=True), number))
    return questions


def wanted(scene: Scene) -> dict[str, str]:
    """The values of the four attributes."""
    thing = scene.things[0]
    return {"colour": thing.colour, "shape": thing.shape, "motion": thing.motion, "background": scene.background}


def judge(scenes: Sequence[Scene], seen: Sequence[Detection]) -> dict[str, Any]:
    """Shares of right answers: by attribute, for all four, and under `values` for each value of each attribute."""
    right = [{name: getattr(found, name) == value for name, value in wanted(scene).items()}
             for scene, found in zip(scenes, seen, strict=True)]
    shares: dict[str, Any] = {name: _share([r[name] for r in right]) for name in ATTRIBUTES}
    shares["all"] = _share([all(r.values()) for r in right])
    values: dict[str, dict[str, list[bool]]] = {name: {} for name in ATTRIBUTES}
    for scene, r in zip(scenes, right, strict=True):
        for name, value in wanted(scene).items():
            values[name].setdefault(value, []).append(r[name])
    shares["values"] = {name: {value: _share(flags) for value, flags in sorted(by.items())}
                        for name, by in values.items()}
    return shares


def _share(flags: Sequence[bool]) -> float:
    return round(sum(flags) / max(1, len(flags)), 4)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures in dB, at most 99."""
    error = float(((one.astype(np.float64) - other) ** 2).mean())
    return 99.0 if error == 0 else min(99.0, 10 * np.log10(255**2 / error))


# The model

class _ManyImages(WanImageToVideoPipeline):
    """The plain pipeline with several pictures in one call; as it is, it repeats every picture for every prompt."""

    def prepare_latents(self, image: torch.Tensor, batch_size: int, num_channels_latents: int = 16, height: int = SIZE,
                        width: int = SIZE, num_frames: int = FRAMES, dtype: Any = None, device: Any = None,
                        generator: Any = None, latents: Any = None, last_image: Any = None) -> Any:
        parts = []
        for at in range(batch_size):
            parts.append(super().prepare_latents(image[at:at + 1], 1, num_channels_latents, height, width, num_frames,
                                                 dtype, device, [generator[at]], None, None))
        return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts]), *parts[0][2:]


class Studio:
    """The loaded pipeline; makes clips of many prompts in batches and reads every prompt once.

    The transformer has type `dtype`, text encoder and autoencoder float32. `tokens` is the length that texts are padded
    to, 512 where the pipeline is not told otherwise; one token stands for all padding, as in training.
    """

    def __init__(self, folder: Path, dtype: torch.dtype, *, batch: int = 16, tokens: int = 512) -> None:
        self.folder, self.dtype, self.batch, self.tokens = folder, dtype, batch, tokens
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        types = {"transformer": dtype, "default": torch.float32}
        self.pipe: Any = WanPipeline.from_pretrained(folder, torch_dtype=types).to(self.device)
        self.pipe.set_progress_bar_config(disable=True)
        self._read: dict[str, torch.Tensor] = {}
        self._attention = TrainingAttention()

    def read(self, prompt: str) -> torch.Tensor:
        """The prompt's states, [its tokens, width]."""
        if prompt not in self._read:
            length = min(self.tokens, len(self.pipe.tokenizer(prompt).input_ids))
            with torch.no_grad():
                self._read[prompt] = self.pipe.encode_prompt(prompt, do_classifier_free_guidance=False,
                                                             max_sequence_length=length)[0][0]
        return self._read[prompt]

    def make(self, questions: Sequence[Question], *, guidance: float, steps: int,
             images: Sequence[np.ndarray] = (), prefix: str = "") -> list[np.ndarray]:
        """One clip for each question, uint8 [17, 64, 64, 3]; `images` are first frames, uint8 [64, 64, 3]."""
        clips: list[np.ndarray] = []
        pipe = self._image_pipe() if len(images) else self.pipe
        for start in range(0, len(questions), self.batch):
            some = questions[start:start + self.batch]
            call: dict[str, Any] = self._texts([prefix + q.prompt for q in some], guidance > 1)
            if len(images):
                call["image"] = torch.from_numpy(np.stack(images[start:start + self.batch])).permute(0, 3, 1, 2) / 255
            with self._short_texts():
                made = pipe(**call, height=SIZE, width=SIZE, num_frames=FRAMES, num_inference_steps=steps,
                            guidance_scale=guidance, generator=[torch.Generator().manual_seed(q.seed) for q in some],
                            output_type="np").frames
            clips.extend(np.round(np.asarray(made) * 255).astype(np.uint8))
        return clips

    def _texts(self, prompts: Sequence[str], guided: bool) -> dict[str, torch.Tensor]:
        """The pipeline's embeddings [B, T, width]: the last token is padding, and weighs as much as all of it."""
        states = [self.read(prompt) for prompt in [*prompts, ""]]
        length = min(self.tokens, max(map(len, states)) + 1)
        padded = torch.stack([torch.nn.functional.pad(one, (0, 0, 0, length - len(one))) for one in states])
        self._attention.bias = bias = torch.zeros(1, 1, 1, length, device=padded.device)
        bias[..., -1] = math.log(self.tokens - length + 1)
        found = {"prompt_embeds": padded[:-1]}
        if guided:
            found["negative_prompt_embeds"] = padded[-1].expand(len(prompts), -1, -1)
        return found

    @contextmanager
    def _short_texts(self) -> Iterator[None]:
        transformer = self.pipe.transformer
        plain = transformer.attn_processors
        transformer.set_attn_processor(self._attention)
        try:
            yield
        finally:
            transformer.set_attn_processor(plain)

    def _image_pipe(self) -> Any:
        own = {name: self.pipe.components[name] for name in ("tokenizer", "text_encoder", "vae", "scheduler",
                                                             "transformer")}
        pipe = _ManyImages.from_pretrained(self.folder, **own)
        pipe.set_progress_bar_config(disable=True)
        return pipe


@dataclass(frozen=True)
class Setup:
    """What the parts share. `guidance` and `steps` are tried by the table; `main` is used by the other parts."""

    studio: Studio
    questions: list[Question]
    guidance: tuple[float, ...]
    steps: tuple[int, ...]

    def main(self, results: dict[str, Any]) -> tuple[float, int]:
        """Guidance and steps: 20 steps where they were tried, with the guidance that did best in the table."""
        steps = 20 if 20 in self.steps else self.steps[-1]
        rows = [row for row in results.get("table", []) if row["steps"] == steps and row["guidance"] in self.guidance]
        if rows:
            return float(max(rows, key=lambda row: row["all"])["guidance"]), steps
        return (5.0 if 5.0 in self.guidance else self.guidance[-1]), steps


# Parts

def judge_detector(count: int) -> dict[str, Any]:
    """The detector on true renders, as they are and degraded, solid and in outlines: no model takes part."""
    out: dict[str, Any] = {}
    for name, style, spoil in (("true", "solid", False), ("degraded", "solid", True), ("outline", "outline", False)):
        scenes, seen, took = [], [], 0.0
        for number in range(count):
            rng = np.random.default_rng([SEED, 7, number])
            scene = _draw_visible(rng, number % 2 == 0, _style(style))
            clip = degrade(render(scene), rng) if spoil else render(scene)
            start = time.perf_counter()
            seen.append(detect(clip))
            took += time.perf_counter() - start if number else 0.0
            scenes.append(scene)
        out[name] = judge(scenes, seen) | {"style": _share([found.style == style for found in seen]),
                                           "clips": count, "ms": round(1000 * took / max(1, count - 1), 1)}
    return out


def _draw_visible(rng: np.random.Generator, held: bool, style: Style) -> Scene:
    """A scene of one thing; no outlined ball or ring that spins, for that cannot be seen."""
    while True:
        scene = replace(draw_scene(rng, held=held, pairs=0), style=style)
        thing = scene.things[0]
        if style == "solid" or thing.motion != "spin" or thing.shape not in ("ball", "ring"):
            return scene


def _style(name: str) -> Style:
    return "outline" if name == "outline" else "solid"


def judge_vae(setup: Setup) -> dict[str, Any]:
    """True renders that went through the model's autoencoder: no clip of the model can be read better than these."""
    vae, scenes, seen, kept = setup.studio.pipe.vae, [q.scene for q in setup.questions], [], []
    for scene in scenes:
        clip = render(scene)
        pixels = torch.from_numpy(clip).permute(3, 0, 1, 2)[None].to(setup.studio.device).float() / 127.5 - 1
        with torch.no_grad():
            back = vae.decode(vae.encode(pixels).latent_dist.mode()).sample[0]
        again = ((back.permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255).byte().cpu().numpy()
        kept.append(psnr(again, clip))
        seen.append(detect(again))
    return judge(scenes, seen) | {"psnr_mean": round(statistics.mean(kept), 2), "psnr_least": round(min(kept), 2)}


def judge_table(setup: Setup, save: Callable[[list[dict[str, Any]]], None]) -> list[dict[str, Any]]:
    """Every guidance at every number of steps."""
    rows = []
    scenes = [q.scene for q in setup.questions]
    for steps in setup.steps:
        for guidance in setup.guidance:
            start = time.perf_counter()
            clips = setup.studio.make(setup.questions, guidance=guidance, steps=steps)
            took = (time.perf_counter() - start) / len(clips)
            row = {"guidance": guidance, "steps": steps, **judge(scenes, [detect(clip) for clip in clips]),
                   "seconds_per_clip": round(took, 3)}
            rows.append(row)
            console.print(f"guidance {guidance:g}, {steps} steps: all four {row['all']:.1%}, {took:.2f} s a clip")
            save(rows)
    return rows


def judge_images(setup: Setup, guidance: float, steps: int) -> dict[str, Any]:
    """Image-to-video from the first frame of a true render: is it kept, and does the prompt's motion follow?"""
    images = [render(q.scene, 1)[0] for q in setup.questions]
    clips = setup.studio.make(setup.questions, guidance=guidance, steps=steps, images=images)
    kept = [psnr(clip[0], image) for clip, image in zip(clips, images, strict=True)]
    shares = judge([q.scene for q in setup.questions], [detect(clip) for clip in clips])
    return {"guidance": guidance, "steps": steps, **shares, "psnr_mean": round(statistics.mean(kept), 2),
            "psnr_least": round(min(kept), 2), "psnr_over_28": _share([value > AIMS["psnr"] for value in kept])}


def judge_int8(setup: Setup, guidance: float, steps: int) -> dict[str, Any]:
    """The transformer in int8, by the app's own loader, against bfloat16 with the same noise."""
    from wgp_core.models.options import LoadOptions, Precision, Quantization
    from wgp_core.models.quantized import load_component

    pipe, plain = setup.studio.pipe, setup.studio.pipe.transformer
    scenes, out = [q.scene for q in setup.questions], {"guidance": guidance, "steps": steps}
    kept: list[list[np.ndarray]] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "transformer"
        shutil.copytree(setup.studio.folder / "transformer", folder, ignore=shutil.ignore_patterns("*quanto*"))
        options = LoadOptions(precision=Precision.BF16, quantization=Quantization.INT8)
        try:
            for name in ("bf16", "int8"):
                pipe.transformer = load_component(folder, WanTransformer3DModel, options, quantize=name == "int8")
                pipe.transformer.to(setup.studio.device)
                clips = setup.studio.make(setup.questions, guidance=guidance, steps=steps)
                out[name] = judge(scenes, [detect(clip) for clip in clips])
                kept.append(clips)
        finally:
            pipe.transformer = plain
    out["psnr_between"] = round(statistics.mean(psnr(a, b) for a, b in zip(*kept, strict=True)), 2)
    out["lost"] = {name: round(out["bf16"][name] - out["int8"][name], 4) for name in (*ATTRIBUTES, "all")}
    return out


def judge_lora(setup: Setup, guidance: float, steps: int, file: Path) -> dict[str, Any]:
    """How often outlines are seen with the LoRA and its words, with the words alone, and with neither.

    The LoRA is put on a copy of the transformer. What the clips show otherwise is judged beside.
    """
    from wgp_core.loras.adapters import apply
    from wgp_core.models.spec import Family
    from wgp_core.request import LoraUse

    if not file.is_file():
        return {"missing": str(file)}
    pipe, plain = setup.studio.pipe, setup.studio.pipe.transformer
    out: dict[str, Any] = {"guidance": guidance, "steps": steps}

    def look(name: str, prefix: str) -> None:
        clips = setup.studio.make(setup.questions, guidance=guidance, steps=steps, prefix=prefix)
        seen = [detect(clip) for clip in clips]
        out[name] = {"outline": _share([found.style == "outline" for found in seen]),
                     **judge([q.scene for q in setup.questions], seen)}

    look("neither", "")
    look("words", f"{TRIGGER}, ")
    try:
        pipe.transformer = copy.deepcopy(plain)
        with apply({"transformer": pipe.transformer}, [LoraUse(file)], Family.WAN, steps):
            look("with", f"{TRIGGER}, ")
    finally:
        pipe.transformer = plain
    return out


def judge_time(setup: Setup, guidance: float, threads: int) -> dict[str, Any]:
    """Seconds from prompt to pixels for one clip of 17 frames at 20 steps: the median of three, after a first one."""
    studio, before = setup.studio, torch.get_num_threads()
    torch.set_num_threads(threads)
    took = []
    for _ in range(4):
        start = time.perf_counter()
        studio.pipe("a red ball bounces on green grass", height=SIZE, width=SIZE, num_frames=FRAMES,
                    num_inference_steps=20, guidance_scale=guidance, max_sequence_length=studio.tokens,
                    generator=torch.Generator().manual_seed(0), output_type="np")
        took.append(time.perf_counter() - start)
    torch.set_num_threads(before)
    return {"guidance": guidance, "steps": 20, "threads": threads, "device": studio.device,
            "seconds": round(statistics.median(took[1:]), 2), "first": round(took[0], 2)}


def draw_sheet(setup: Setup, guidance: float, steps: int, file: Path) -> dict[str, Any]:
    """A picture of 24 prompts: four frames each, the prompt below, and what was seen where it is not what was asked."""
    from matplotlib.figure import Figure

    questions = setup.questions[:24]
    clips = setup.studio.make(questions, guidance=guidance, steps=steps)
    rows = -(-len(questions) // 3)
    figure = Figure(figsize=(12.8, 1.6 * rows), dpi=100, facecolor="white")
    for at, (question, clip) in enumerate(zip(questions, clips, strict=True)):
        axes = figure.add_axes((0.012 + (at % 3) * 0.331, 1 - (at // 3 + 0.72) / rows, 0.314, 0.6 / rows))
        gap = np.full((SIZE, 3, 3), 255, np.uint8)
        strip = [part for t in np.linspace(0, FRAMES - 1, 4).round().astype(int) for part in (clip[t], gap)]
        axes.imshow(np.concatenate(strip[:-1], 1), interpolation="nearest")
        axes.axis("off")
        found = detect(clip)
        wrong = [f"{name}: {getattr(found, name) or 'none'}" for name, value in wanted(question.scene).items()
                 if getattr(found, name) != value]
        lines = textwrap.wrap(question.prompt, 76)[:3]
        axes.text(0, -0.06, "\n".join(lines), transform=axes.transAxes, fontsize=7, va="top", parse_math=False)
        if wrong:
            axes.text(1, 1.02, "seen " + ", ".join(wrong), transform=axes.transAxes, fontsize=6, va="bottom",
                      ha="right", color="#b00020")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)
    return {"file": file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file),
            "guidance": guidance, "steps": steps}


# Output

def _grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for at, name in enumerate(columns):
        table.add_column(name, justify="left" if at == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _shares(row: dict[str, Any]) -> list[str]:
    return [f"{row[name]:.1%}" for name in (*ATTRIBUTES, "all")]


def show(part: str, found: Any) -> None:
    """Print a part's results as a table, with the aim in its title."""
    heads = (*ATTRIBUTES, "all four")
    if part == "detector":
        _grid(f"The detector on true renders (aim: over {AIMS['detector']:.0%})", ("renders", *heads, "style", "ms"),
              [(name, *_shares(row), f"{row['style']:.1%}", f"{row['ms']}") for name, row in found.items()])
    elif part == "vae":
        _grid("True renders through the autoencoder, the most that can be reached", ("", *heads, "dB mean", "least"),
              [("renders", *_shares(found), f"{found['psnr_mean']}", f"{found['psnr_least']}")])
    elif part == "table":
        _grid(f"Text to video (aims: each over {AIMS['attribute']:.0%}, all four over {AIMS['all']:.0%})",
              ("guidance", "steps", *heads, "s a clip"),
              [(f"{r['guidance']:g}", str(r["steps"]), *_shares(r), f"{r['seconds_per_clip']:.2f}") for r in found])
        best = max(found, key=lambda row: row["all"])
        for name in ATTRIBUTES:
            console.print(f"{name}: " + ", ".join(f"{v} {s:.0%}" for v, s in best["values"][name].items()))
    elif part == "i2v":
        _grid(f"Image to video (aims: over {AIMS['psnr']:g} dB, motion over {AIMS['i2v_motion']:.0%})",
              ("setting", *heads, "dB mean", "least", "over 28"),
              [(f"guidance {found['guidance']:g}, {found['steps']} steps", *_shares(found), f"{found['psnr_mean']}",
                f"{found['psnr_least']}", f"{found['psnr_over_28']:.1%}")])
    elif part == "int8":
        _grid(f"int8 (aim: within {100 * AIMS['int8']:g} points of bf16; {found['psnr_between']} dB between them)",
              ("weights", *heads), [(name, *_shares(found[name])) for name in ("bf16", "int8")])
    elif part == "lora" and "missing" not in found:
        _grid(f"The LoRA (aims: outlines in over {AIMS['lora_with']:.0%} with it, under {AIMS['lora_without']:.0%} "
              "without)", ("prompt", "outline", *heads),
              [(name, f"{found[name]['outline']:.1%}", *_shares(found[name])) for name in ("neither", "words", "with")])
    else:
        console.print(f"{part}: {found}")


def run_part(part: str, setup: Setup | None, args: argparse.Namespace, results: dict[str, Any],
             save: Callable[[], None]) -> Any:
    """The results of one part."""
    if part == "detector":
        return judge_detector(args.renders)
    assert setup is not None
    guidance, steps = setup.main(results)
    if part == "vae":
        return judge_vae(setup)
    if part == "table":
        def keep(rows: list[dict[str, Any]]) -> None:
            results["table"] = rows
            save()
        return judge_table(setup, keep)
    if part == "lora":
        return judge_lora(setup, guidance, steps, args.lora)
    if part == "time":
        return judge_time(setup, guidance, args.threads)
    if part == "sheet":
        return draw_sheet(setup, guidance, steps, args.sheet)
    return {"i2v": judge_images, "int8": judge_int8}[part](setup, guidance, steps)


def read_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=ROOT / "ckpts" / "wan-starter")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--renders", type=int, default=500, help="true renders for the detector's own accuracy")
    parser.add_argument("--guidance", type=_numbers, default=(1.0, 3.0, 5.0, 7.0))
    parser.add_argument("--steps", type=_numbers, default=(10.0, 20.0, 30.0))
    parser.add_argument("--part", choices=(*PARTS, "all"), default="all")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "starter-results.json")
    parser.add_argument("--sheet", type=Path, default=SHEET)
    parser.add_argument("--lora", type=Path, default=LORA)
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16", help="of the transformer")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=512, help="length that prompts are padded to")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(argv)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def main(argv: Sequence[str] | None = None) -> None:
    args = read_args(argv)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    parts = PARTS if args.part == "all" else (args.part,)
    results: dict[str, Any] = json.loads(args.out.read_text()) if args.out.is_file() else {}
    setup = None
    if parts != ("detector",):
        studio = Studio(args.model, getattr(torch, args.dtype), batch=args.batch, tokens=args.tokens)
        setup = Setup(studio, draw_questions(args.prompts), args.guidance, tuple(int(s) for s in args.steps))

    def save() -> None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(results, indent=1) + "\n")

    for part in parts:
        results[part] = run_part(part, setup, args, results, save)
        if setup is not None and part != "detector":
            results.setdefault("settings", {})[part] = _setting(args, setup.studio)
        save()
        show(part, results[part])
    console.print(f"Written to {args.out}.")


def _setting(args: argparse.Namespace, studio: Studio) -> dict[str, Any]:
    import diffusers

    weights = sum(p.numel() for p in studio.pipe.transformer.parameters())
    return {"model": args.model.name, "prompts": args.prompts, "seed": SEED, "dtype": args.dtype, "tokens": args.tokens,
            "transformer_parameters": weights, "device": studio.device, "threads": args.threads,
            "python": platform.python_version(), "torch": torch.__version__, "diffusers": diffusers.__version__}


if __name__ == "__main__":
    main()
