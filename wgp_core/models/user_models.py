"""Models beside the catalog: diffusers folders, hub repositories, and entries in `ckpts/*.json`.

A folder's rules come from its own configuration files (VAE compression, patch sizes, sample sizes), its size from the
headers of its weight files; no model library is imported. Knows nothing of downloads.
"""

from __future__ import annotations

import functools
import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..engines.base import StepRule
from ..errors import EngineError
from ..paths import Paths
from ..request import Solver
from .catalog import by_id
from .catalog.layout import DIFFUSERS_FILES
from .spec import Defaults, Family, ModelSpec, Part, Rules, Task

INDEX = "model_index.json"
TINY_BYTES = 200_000_000
"""A checkpoint below this is a toy or a study: its defaults are small."""

_PIPELINES: Mapping[str, tuple[Family, tuple[Task, ...]]] = {
    "WanPipeline": (Family.WAN, (Task.T2V, Task.T2I)),
    "WanImageToVideoPipeline": (Family.WAN, (Task.I2V,)),
    "CogVideoXPipeline": (Family.COGVIDEOX, (Task.T2V,)),
    "CogVideoXImageToVideoPipeline": (Family.COGVIDEOX, (Task.I2V,)),
    "LTXPipeline": (Family.LTX, (Task.T2V, Task.I2V)),
    "LTXImageToVideoPipeline": (Family.LTX, (Task.T2V, Task.I2V)),
    "LTXConditionPipeline": (Family.LTX, (Task.T2V, Task.I2V)),
    "StableDiffusionXLPipeline": (Family.SDXL, (Task.T2I,)),
    "FluxPipeline": (Family.FLUX, (Task.T2I,)),
}
_TEXT_PIPELINE = {Family.WAN: "WanPipeline", Family.COGVIDEOX: "CogVideoXPipeline", Family.LTX: "LTXPipeline",
                  Family.SDXL: "StableDiffusionXLPipeline", Family.FLUX: "FluxPipeline"}
_LIKE = {Family.WAN: "wan2.1-t2v-1.3b", Family.COGVIDEOX: "cogvideox-2b", Family.LTX: "ltx-video-0.9.1",
         Family.SDXL: "sdxl-base-1.0", Family.FLUX: "flux.1-dev"}
_FLUX_DEV = "guidance_embeds"


class ModelFolderError(EngineError):
    """A folder or a `ckpts/*.json` entry that cannot be used as a model."""


def is_model_folder(folder: Path) -> bool:
    """Whether it looks like a pipeline in diffusers layout."""
    return (folder / INDEX).is_file()


def spec_of_folder(folder: Path, *, model_id: str = "", repo: str = "") -> ModelSpec:
    """What the model in this diffusers folder takes, from its configuration. Raises `ModelFolderError`."""
    index = _read_object(folder / INDEX)
    pipeline = str(index.get("_class_name", ""))
    if pipeline not in _PIPELINES:
        raise ModelFolderError(f"{folder} holds a {pipeline or 'pipeline without a name'}, which no engine here runs.",
                               fix=f"Known: {', '.join(_PIPELINES)}.")
    family, tasks = _PIPELINES[pipeline]
    configs = _Configs(folder, index)
    parts = _parts(folder, index)
    size = sum(part.disk_bytes for part in parts)
    rules = _RULES[family](configs, pipeline)
    if family is Family.WAN and configs.expands_timesteps:
        tasks = (Task.T2V, Task.I2V, Task.T2I)
    name = model_id or folder.name
    return ModelSpec(id=name, label=name.rpartition("/")[2], family=family, tasks=tasks,
                     used_for=f"{' and '.join(t.label for t in tasks)} ({family.label}, {pipeline}).", repo=repo,
                     files=DIFFUSERS_FILES, size_bytes=size, pipeline=pipeline, parts=parts, rules=rules,
                     defaults=_defaults(family, rules, configs, tiny=size < TINY_BYTES), path=folder)


def spec_of_repo(repo: str) -> ModelSpec | None:
    """A first guess about a hub repository that is not on this machine, from its name; None where it tells nothing."""
    name = repo.lower()
    for words, family in (("wan", Family.WAN), ("cogvideo", Family.COGVIDEOX), ("ltx", Family.LTX),
                          ("sdxl|stable-diffusion-xl", Family.SDXL), ("flux", Family.FLUX)):
        if re.search(rf"(?:^|[/_.\-])(?:{words})", name):
            like = by_id(_LIKE[family])
            return replace(like, id=repo, label=repo.rpartition("/")[2], repo=repo, folder="", size_bytes=0, licence="",
                           licence_note="", used_for=f"{family.label} model from the hub.", files=DIFFUSERS_FILES)
    return None


# -- rules ------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class _Configs:
    """The configuration files of a folder's components, read when they are asked for."""

    folder: Path
    index: Mapping[str, Any]

    def of(self, part: str) -> Mapping[str, Any]:
        file = self.folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
        return _read_object(file) if file.is_file() else {}

    def has(self, part: str) -> bool:
        """Whether the pipeline has this component; `model_index.json` names absent ones with nulls."""
        kind = self.index.get(part)
        return isinstance(kind, list) and len(kind) == 2 and bool(kind[1])

    @property
    def expands_timesteps(self) -> bool:
        """True for checkpoints like Wan 2.2 TI2V, whose text model also starts from an image."""
        return bool(self.index.get("expand_timesteps"))


def _wan_rules(configs: _Configs, pipeline: str) -> Rules:
    """diffusers asks for multiples of 16 and of VAE scale x patch; frames are (VAE temporal scale) k + 1."""
    vae, transformer = configs.of("vae"), configs.of("transformer")
    patch = transformer.get("patch_size") or (1, 2, 2)
    multiple = math.lcm(16, int(vae.get("scale_factor_spatial", 8)) * int(patch[-1]))
    every = int(vae.get("scale_factor_temporal", 4))
    image = pipeline == "WanImageToVideoPipeline"
    last = image and (configs.has("transformer_2") or transformer.get("pos_embed_seq_len") is not None)
    return Rules(_sizes(multiple), _sizes(multiple), StepRule(every + 1 if image else 1, 20 * every + 1, every, 1),
                 max_seconds=60.0, start_image=image or configs.expands_timesteps, needs_start_image=image,
                 end_image=last, window=True)


def _cogvideox_rules(configs: _Configs, pipeline: str) -> Rules:
    """The VAE halves the size once a level; learned positions fix the size (CogVideoX 5B I2V)."""
    vae, transformer = configs.of("vae"), configs.of("transformer")
    scale = 2 ** (len(vae.get("block_out_channels", (0, 0, 0, 0))) - 1)
    multiple = math.lcm(8, scale * int(transformer.get("patch_size", 2)))
    width, height = _sizes(multiple), _sizes(multiple)
    if transformer.get("use_learned_positional_embeddings"):
        w, h = int(transformer.get("sample_width", 90)) * scale, int(transformer.get("sample_height", 60)) * scale
        width, height = StepRule(w, w), StepRule(h, h)
    every = 2 * int(vae.get("temporal_compression_ratio", 4))
    trained = int(transformer.get("sample_frames", 49))
    longest = trained if transformer.get("use_learned_positional_embeddings") else max(49, trained)
    most = max(every + 1, (longest - 1) // every * every + 1)
    image = pipeline == "CogVideoXImageToVideoPipeline"
    return Rules(width, height, StepRule(every + 1, most, every, 1), max_seconds=12.0, start_image=image,
                 needs_start_image=image)


def _ltx_rules(configs: _Configs, pipeline: str) -> Rules:
    """LTX's VAE compresses space by patch size x 2 a scaled level and time by 2 a scaled level."""
    vae = configs.of("vae")
    levels = sum(bool(level) for level in vae.get("spatio_temporal_scaling", (True, True, True, False)))
    spatial = int(vae.get("spatial_compression_ratio") or int(vae.get("patch_size", 4)) * 2**levels)
    temporal = int(vae.get("temporal_compression_ratio") or int(vae.get("patch_size_t", 1)) * 2**levels)
    multiple = math.lcm(32, spatial)
    return Rules(_sizes(multiple), _sizes(multiple), StepRule(temporal + 1, 32 * temporal + 1, temporal, 1),
                 max_seconds=20.0, start_image=True, end_image=pipeline == "LTXConditionPipeline")


def _still_rules(configs: _Configs, _pipeline: str) -> Rules:
    """One frame. The latent is packed 2x2 by FLUX, not by SDXL."""
    scale = 2 ** (len(configs.of("vae").get("block_out_channels", (0, 0, 0, 0))) - 1)
    multiple = max(8, scale) if configs.has("unet") else max(16, 2 * scale)
    return Rules(_sizes(multiple), _sizes(multiple), StepRule(1, 1), max_seconds=1.0)


_RULES = {Family.WAN: _wan_rules, Family.COGVIDEOX: _cogvideox_rules, Family.LTX: _ltx_rules, Family.SDXL: _still_rules,
          Family.FLUX: _still_rules}


def _sizes(multiple: int) -> StepRule:
    return StepRule(multiple, 1920 // multiple * multiple, multiple)


def _defaults(family: Family, rules: Rules, configs: _Configs, *, tiny: bool) -> Defaults:
    """The family's usual values moved to the folder's rules; small ones for small checkpoints."""
    like = by_id(_LIKE[family]).defaults
    scheduler = configs.of("scheduler")
    shift = scheduler.get("flow_shift", scheduler.get("shift")) if family is Family.WAN else None
    guidance = like.guidance
    if family is Family.FLUX and not configs.of("transformer").get(_FLUX_DEV):
        guidance = 0.0
    width, height, frames = (64, 64, 9) if tiny else (like.width, like.height, like.frames)
    return replace(like, width=rules.width.nearest(width), height=rules.height.nearest(height),
                   frames=rules.frames.nearest(frames), steps=4 if tiny else like.steps, guidance=guidance,
                   flow_shift=float(shift) if shift else None, solver=_solver(str(scheduler.get("_class_name", ""))),
                   guidance_2=guidance if configs.has("transformer_2") and family is Family.WAN else None,
                   negative_prompt="" if tiny else like.negative_prompt)


def _solver(scheduler: str) -> Solver | None:
    return Solver.UNIPC if scheduler.startswith("UniPC") else None


# -- parts ------------------------------------------------------------------------------------------------------------

def _parts(folder: Path, index: Mapping[str, Any]) -> tuple[Part, ...]:
    parts = []
    for name, kind in index.items():
        if name.startswith("_") or not isinstance(kind, list) or len(kind) != 2 or not kind[1]:
            continue
        if not re.fullmatch(r"\w+", name) or not (folder / name).is_dir():
            continue
        files = weight_files(folder / name)
        if files:
            transformer = name.startswith(("transformer", "unet"))
            parts.append(Part(name, sum(_parameters(file) for file in files), sum(f.stat().st_size for f in files),
                              transformer or "T5" in str(kind[1])))
    return tuple(parts)


def weight_files(component: Path) -> tuple[Path, ...]:
    """The hub's own weight files of a component: no quantized copies, no fp16 variants beside full ones."""
    files = [f for f in sorted(component.glob("*.safetensors")) if "_quanto_" not in f.name and f.is_file()]
    plain = [f for f in files if ".fp16" not in f.name]
    return tuple(plain or files)


def _parameters(file: Path) -> int:
    """How many numbers a safetensors file holds, from its header. Raises `ModelFolderError`."""
    return sum(math.prod(entry.get("shape", (0,))) for entry in safetensors_header(file).values())


def safetensors_header(file: Path) -> dict[str, dict[str, Any]]:
    """Name to dtype, shape and offsets. Raises `ModelFolderError` where the file is cut short or is something else."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > 100_000_000:
                raise ValueError("its header is impossibly long")
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        end = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelFolderError(f"{file} is not a whole safetensors file: {error}.",
                               fix="Fetch or copy it again.") from error
    if end != file.stat().st_size:
        raise ModelFolderError(f"{file} has {file.stat().st_size} bytes; its header says {end}.",
                               fix="It was cut short. Fetch or copy it again.")
    return header


def _read_object(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("it must hold one JSON object")
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{file} cannot be read: {error}.", fix="Copy the model's folder again.") from error
    return data


# -- entries in ckpts/*.json ------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class UserModels:
    """Models that `ckpts/*.json` describe, and what is wrong with the entries that cannot be used."""

    specs: tuple[ModelSpec, ...] = ()
    problems: tuple[str, ...] = ()


def user_models(paths: Paths) -> UserModels:
    """Read every `ckpts/*.json`. A broken entry is a problem in words; the others are still there."""
    specs, problems = [], []
    for file in sorted(paths.ckpts.glob("*.json")) if paths.ckpts.is_dir() else ():
        try:
            specs.append(read_entry(file, paths))
        except ModelFolderError as error:
            problems.append(str(error))
    return UserModels(tuple(specs), tuple(problems))


def read_entry(file: Path, paths: Paths) -> ModelSpec:
    """One model out of a JSON file. Raises `ModelFolderError` that names each wrong or unknown key."""
    from pydantic import ValidationError

    try:
        entry = _entry_type().model_validate(_read_object(file))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, p['loc'])) or 'entry'}: {p['msg']}"
                          for p in error.errors(include_url=False))
        raise ModelFolderError(f"{file.name} is not a model entry: {wrong}.",
                               fix=f"Known keys: {', '.join(_entry_type().model_fields)}.") from error
    try:
        return _entry_spec(entry, file, paths)
    except ModelFolderError:
        raise
    except EngineError as error:
        raise ModelFolderError(f"{file.name}: {error}") from error


@functools.cache
def _entry_type() -> Any:
    from pydantic import BaseModel, ConfigDict, Field

    class Entry(BaseModel):
        """A user's model: a hub repository or a folder, like a catalog model or by its own configuration."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        id: str | None = Field(None, pattern=r"^[\w][\w.\-]*$")
        label: str | None = None
        like: str | None = None
        repo: str | None = Field(None, pattern=r"^[\w.\-]+/[\w.\-]+$")
        revision: str = Field("main", pattern=r"^[\w.\-/]+$")
        folder: str | None = None
        family: Family | None = None
        used_for: str | None = None
        licence: str = ""
        licence_note: str = ""
        size_bytes: int = Field(0, ge=0)
        width: int | None = Field(None, ge=16, le=7680)
        height: int | None = Field(None, ge=16, le=7680)
        frames: int | None = Field(None, ge=1, le=10_000)
        fps: int | None = Field(None, ge=1, le=120)
        steps: int | None = Field(None, ge=1, le=200)
        guidance: float | None = Field(None, ge=0, le=50)
        guidance_2: float | None = Field(None, ge=0, le=50)
        flow_shift: float | None = Field(None, ge=0, le=50)
        solver: Solver | None = None
        negative_prompt: str | None = None

    return Entry


_DEFAULTS = ("width", "height", "frames", "fps", "steps", "guidance", "guidance_2", "flow_shift", "solver",
             "negative_prompt")


def _entry_spec(entry: Any, file: Path, paths: Paths) -> ModelSpec:
    from ..errors import RequestError

    name = entry.id or file.stem
    if not entry.repo and not entry.folder:
        raise ModelFolderError(f"{file.name} names neither a repo nor a folder.", fix='Add "repo" or "folder".')
    folder = entry.folder or entry.repo.rpartition("/")[2]
    place = Path(folder).expanduser()
    if not place.is_absolute():
        if ".." in place.parts:
            raise ModelFolderError(f"{file.name}: the folder {folder!r} leaves ckpts/.", fix="Use an absolute path.")
        place = paths.ckpts / place
    like = entry.like or (_LIKE.get(entry.family) if entry.family else None)
    if is_model_folder(place) and not entry.like:
        base = spec_of_folder(place, model_id=name)
    elif like:
        try:
            base = by_id(like)
        except RequestError as error:
            raise ModelFolderError(f"{file.name}: {error}") from error
    else:
        guess = spec_of_repo(entry.repo or "")
        if guess is None:
            raise ModelFolderError(f"{file.name} does not say what kind of model {name} is.",
                                   fix='Add "like" with the id of a similar model of the catalog, or "family".')
        base = guess
    changed = {field: getattr(entry, field) for field in _DEFAULTS if getattr(entry, field) is not None}
    outside = Path(folder).expanduser().is_absolute()
    return replace(base, id=name, label=entry.label or name, repo=entry.repo or "", revision=entry.revision,
                   folder="" if outside else folder, path=place if outside else None,
                   used_for=entry.used_for or base.used_for, licence=entry.licence, licence_note=entry.licence_note,
                   size_bytes=entry.size_bytes or base.size_bytes, starter="", starter_file="",
                   defaults=replace(base.defaults, **changed))
