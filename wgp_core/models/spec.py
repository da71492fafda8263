"""What a model is, as data: where its weights come from, how large they are, what it takes and what it is for.

No code of a model is here and nothing is loaded; `catalog` holds the instances, `locate` finds them on disk.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path

from ..engines.base import StepRule
from ..request import Solver


class Family(enum.StrEnum):
    """Architectures. A LoRA fits one family; a family has one engine adapter and one loader."""

    WAN = "wan"
    COGVIDEOX = "cogvideox"
    LTX = "ltx"
    SDXL = "sdxl"
    FLUX = "flux"
    LLAMA = "llama"
    QWEN = "qwen"
    FLORENCE = "florence"
    MINILM = "minilm"
    QUALITY = "quality"
    UNKNOWN = "unknown"
    """Of a folder that is too damaged to tell."""

    @property
    def label(self) -> str:
        return _FAMILY_LABELS[self]


_FAMILY_LABELS = {
    Family.WAN: "Wan", Family.COGVIDEOX: "CogVideoX", Family.LTX: "LTX-Video", Family.SDXL: "SDXL", Family.FLUX: "FLUX",
    Family.LLAMA: "Llama", Family.QWEN: "Qwen", Family.FLORENCE: "Florence", Family.MINILM: "MiniLM",
    Family.QUALITY: "Quality scores", Family.UNKNOWN: "Unknown",
}
DIFFUSION = frozenset({Family.WAN, Family.COGVIDEOX, Family.LTX, Family.SDXL, Family.FLUX})


class Task(enum.StrEnum):
    """What a model can be asked to do."""

    T2V = "t2v"
    I2V = "i2v"
    T2I = "t2i"
    LLM = "llm"
    CAPTION = "caption"
    EMBED = "embed"
    QUALITY = "quality"

    @property
    def label(self) -> str:
        return _TASK_LABELS[self]


_TASK_LABELS = {
    Task.T2V: "text to video", Task.I2V: "image to video", Task.T2I: "text to image", Task.LLM: "language model",
    Task.CAPTION: "image captions", Task.EMBED: "text embedding", Task.QUALITY: "quality scores",
}


@dataclass(frozen=True)
class Part:
    """One component folder of a pipeline ("transformer", "vae").

    `parameters` counts weights; `disk_bytes` is what the hub's files of this part weigh (0: unknown). `quantize` says
    whether its linear layers are stored quantized when quantization is on.
    """

    name: str
    parameters: int
    disk_bytes: int = 0
    quantize: bool = False


@dataclass(frozen=True)
class Defaults:
    """What a diffusion model takes for fields that a request leaves open (the model card's values)."""

    width: int = 832
    height: int = 480
    frames: int = 81
    fps: int = 16
    steps: int = 30
    guidance: float = 5.0
    guidance_2: float | None = None
    flow_shift: float | None = None
    solver: Solver | None = None
    negative_prompt: str = ""


@dataclass(frozen=True)
class Rules:
    """What a diffusion model accepts. Sizes in pixels; `max_seconds` counts sliding windows in, where it has them.

    `frames` is the rule of one window; `window` says whether longer videos can be made of overlapping windows.
    """

    width: StepRule
    height: StepRule
    frames: StepRule
    fps: StepRule = field(default_factory=lambda: StepRule(1, 60))
    max_seconds: float = 10.0
    size_presets: tuple[tuple[int, int], ...] = ()
    start_image: bool = False
    needs_start_image: bool = False
    end_image: bool = False
    window: bool = False


@dataclass(frozen=True)
class ModelSpec:
    """One model. `repo` is its hub repository ("" for a local one), `folder` its place below `ckpts/`.

    `files` are glob patterns of what is downloaded; `needs` are files that must be there for it to count as installed.
    `size_bytes` is the download; `licence_note` says in plain words where use is restricted. `starter` names the
    installed Python package that carries it, `starter_file` the file inside. `path` is set for a model that lies
    outside `ckpts/`. A `shipped` one comes with the program in its own `ckpts/`; it is taken only where it is asked
    for, or where diffusion is and nothing else is installed.
    """

    id: str
    label: str
    family: Family
    tasks: tuple[Task, ...]
    used_for: str
    repo: str = ""
    revision: str = "main"
    folder: str = ""
    files: tuple[str, ...] = ("*",)
    needs: tuple[str, ...] = ("model_index.json",)
    size_bytes: int = 0
    licence: str = ""
    licence_note: str = ""
    pipeline: str = ""
    """diffusers' class for text input, as in `model_index.json` ("WanPipeline")."""
    parts: tuple[Part, ...] = ()
    defaults: Defaults = field(default_factory=Defaults)
    rules: Rules | None = None
    starter: str = ""
    starter_file: str = ""
    path: Path | None = None
    shipped: bool = False

    @property
    def installable(self) -> bool:
        """Whether `models install ID` can bring it: from the hub, or out of the program's own folder."""
        return bool(self.folder and (self.repo or self.shipped))

    @property
    def is_diffusion(self) -> bool:
        return self.family in DIFFUSION

    def can(self, task: Task) -> bool:
        return task in self.tasks
