"""Flags that more than one command takes, each said once: `engine: flags.Engine = None`. None is "not given"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .headless import LoraFlags
from .request import EngineChoice, LoraProfile, StepCache, Theme, VideoCodec

VIDEO = "The video"
LORAS = "LoRAs"
RUN = "How it runs"


def option(panel: str, text: str, *names: str, **settings: Any) -> Any:
    """A flag under the heading `panel`; `names` where its spelling is not that of the parameter."""
    return typer.Option(*names, help=text, rich_help_panel=panel, **settings)


Engine = Annotated[EngineChoice | None, option(VIDEO, "Which engine.")]
ModelId = Annotated[str | None, option(VIDEO, "Diffusion model or folder; with --engine remote: owner/name.")]
NegativePrompt = Annotated[str | None, option(VIDEO, "What it must not show.")]
ImageStart = Annotated[Path | None, option(VIDEO, "First frame.")]
Pixels = Annotated[int | None, option(VIDEO, "Pixels.")]
Seconds = Annotated[float | None, option(VIDEO, "Length; or give --frames.")]
Frames = Annotated[int | None, option(VIDEO, "Length in frames.")]
Fps = Annotated[int | None, option(VIDEO, "Frames per second.")]
Steps = Annotated[int | None, option(VIDEO, "Denoising steps.")]
Guidance = Annotated[float | None, option(VIDEO, "Guidance scale.")]
FlowShift = Annotated[float | None, option(VIDEO, "Flow shift.")]
StepCaching = Annotated[StepCache | None, option(VIDEO, "Reuse results between steps.")]
Seed = Annotated[int | None, option(VIDEO, "-1 draws one.")]
ThemeChoice = Annotated[Theme | None, option(VIDEO, "Look of local drawings.")]
Codec = Annotated[VideoCodec | None, option(VIDEO, "Video codec.")]
Crf = Annotated[int | None, option(VIDEO, "Quality, 0 best to 51.")]
Subtitles = Annotated[bool | None, option(VIDEO, "Write .srt and .vtt.")]
Snapshots = Annotated[int | None, option(VIDEO, "PNG frames to save.")]
Output = Annotated[Path | None, option(VIDEO, "File to write.")]

LoraPath = Annotated[list[str] | None, option(LORAS, "LoRA file or folder; may be repeated.")]
LoraWeightName = Annotated[list[str] | None, option(LORAS, "File inside the LoRA's folder.")]
LoraScale = Annotated[list[str] | None, option(LORAS, "Multiplier: 0.8; over the steps 1,0.5; per phase 1;0. Once for "
                                               "all, or once a LoRA.")]
LoraPromptProfile = Annotated[LoraProfile | None, option(LORAS, "Words that suit the LoRA.")]
LoraTrigger = Annotated[list[str] | None, option(LORAS, "Put before the prompt.")]
LoraNegativeBoost = Annotated[bool | None, option(LORAS, "More negative words with a LoRA profile.")]

Gpu = Annotated[str | None, option(RUN, "cuda:0, cpu or auto.")]
Profile = Annotated[str | None, option(RUN, "VRAM profile.")]
Dtype = Annotated[str | None, option(RUN, "bf16 or fp16.")]
Quantization = Annotated[str | None, option(RUN, "int8, fp8, int4 or none.")]
CacheRoot = Annotated[Path | None, option(RUN, "Hub cache.")]
PruneCache = Annotated[bool | None, option(RUN, "Remove unused models from the hub cache first.")]
PurgeCache = Annotated[bool, option(RUN, "Empty the hub cache first.", "--purge-hf-cache", envvar="T2V_PURGE_HF_CACHE")]
OutputDir = Annotated[Path | None, option(RUN, "Where results go.")]
SettingsFile = Annotated[Path | None, option(RUN, "Another settings.json.")]
AsJson = Annotated[bool, option(RUN, "One JSON object a video on standard output.", "--json")]
Verbose = Annotated[bool, option(RUN, "Log what happens.", "--verbose")]


def loras(paths: Sequence[str] | None, scales: Sequence[str] | None, names: Sequence[str] | None,
          triggers: Sequence[str] | None) -> LoraFlags:
    """The LoRA flags as one value."""
    return LoraFlags(tuple(paths or ()), tuple(scales or ()), tuple(names or ()), tuple(triggers or ()))


def machine(cache_root: Path | None, **given: Any) -> dict[str, Any]:
    """The settings that flags override: those that were given."""
    given["cache_root"] = str(cache_root.expanduser().resolve()) if cache_root else None
    return {name: value for name, value in given.items() if value is not None}
