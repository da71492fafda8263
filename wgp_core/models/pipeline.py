"""Builds a model's pipelines from a folder in diffusers layout: the one `Loader` of the diffusion engine.

Owns which classes may be made (an allow-list: a `model_index.json` from anywhere names classes) and in which precision
each component is held. Reads safetensors only, never runs code from a folder, never reaches for the network.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EngineError, ModelMissingError
from ..events import CancelToken, Progress, ProgressCallback, Stage
from .options import LoadOptions, Precision, Quantization
from .spec import Family, ModelSpec

if TYPE_CHECKING:
    from .locate import Found
    from .manager import Loaded

log = logging.getLogger(__name__)

INDEX = "model_index.json"

PIPELINES: Mapping[str, Family] = {
    "WanPipeline": Family.WAN, "WanImageToVideoPipeline": Family.WAN, "CogVideoXPipeline": Family.COGVIDEOX,
    "CogVideoXImageToVideoPipeline": Family.COGVIDEOX, "LTXPipeline": Family.LTX,
    "LTXImageToVideoPipeline": Family.LTX, "LTXConditionPipeline": Family.LTX,
    "StableDiffusionXLPipeline": Family.SDXL, "FluxPipeline": Family.FLUX,
}
"""Classes of diffusers that are built, and the family of each."""

_DENOISERS = frozenset({"WanTransformer3DModel", "CogVideoXTransformer3DModel", "LTXVideoTransformer3DModel",
                        "UNet2DConditionModel", "FluxTransformer2DModel"})
_VAES = frozenset({"AutoencoderKLWan", "AutoencoderKLCogVideoX", "AutoencoderKLLTXVideo", "AutoencoderKL"})
_SCHEDULERS = frozenset({
    "UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler", "DPMSolverMultistepScheduler",
    "CogVideoXDDIMScheduler", "CogVideoXDPMScheduler", "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler",
    "DDIMScheduler", "DPMSolverSDEScheduler", "LCMScheduler", "PNDMScheduler"})
_TEXT_ENCODERS = frozenset({"T5EncoderModel", "UMT5EncoderModel"})
_SMALL_ENCODERS = frozenset({"BertModel", "CLIPTextModel", "CLIPTextModelWithProjection", "CLIPVisionModel",
                             "CLIPVisionModelWithProjection"})
_TOKENIZERS = frozenset({"BertTokenizer", "BertTokenizerFast", "T5Tokenizer", "T5TokenizerFast", "CLIPTokenizer",
                         "CLIPTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"})
_PROCESSORS = frozenset({"CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil"})
_ALLOWED: Mapping[str, frozenset[str]] = {
    "diffusers": _DENOISERS | _VAES | _SCHEDULERS,
    "transformers": _TEXT_ENCODERS | _SMALL_ENCODERS | _TOKENIZERS | _PROCESSORS,
}
_MODELS = _DENOISERS | _VAES | _TEXT_ENCODERS | _SMALL_ENCODERS
_FP32 = frozenset({"CLIPVisionModel", "CLIPVisionModelWithProjection"})
_VAE_FP32 = frozenset({Family.WAN, Family.SDXL})
"""Wan's autoencoder loses detail in 16 bits, SDXL's overflows; the other families' pipelines need it as the rest."""
_PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl"})
_SCALARS = ("boundary_ratio", "expand_timesteps", "force_zeros_for_empty_prompt")


@dataclass(frozen=True)
class Component:
    """One entry of a `model_index.json`: its folder's name and the class that it names."""

    name: str
    library: str
    cls: str

    @property
    def is_model(self) -> bool:
        return self.cls in _MODELS


@dataclass(frozen=True)
class Index:
    """What a `model_index.json` says, checked. `scalars` are the pipeline's own numbers and switches."""

    pipeline: str
    components: tuple[Component, ...]
    scalars: Mapping[str, Any]

    @property
    def family(self) -> Family:
        return PIPELINES[self.pipeline]


@dataclass
class Pipelines:
    """A loaded model: its components, and the pipelines over them. `text` or `image` is None where it has no such."""

    spec: ModelSpec
    family: Family
    options: LoadOptions
    components: dict[str, Any]
    text: Any = None
    image: Any = None
    scheduler_config: Mapping[str, Any] = field(default_factory=dict)
    """The scheduler's configuration as it came; runs that choose another solver start from it."""
    scheduler_class: type | None = None
    extras: dict[str, Any] = field(default_factory=dict)
    """What engines keep with the model between runs, e.g. preview weights."""

    def modules(self) -> dict[str, Any]:
        """The torch modules by component name."""
        import torch

        return {name: part for name, part in self.components.items() if isinstance(part, torch.nn.Module)}

    def denoiser(self) -> Any:
        """The first transformer, or the U-Net."""
        return self.components.get("transformer") or self.components["unet"]

    @property
    def vae(self) -> Any:
        return self.components["vae"]

    def choose(self, *, from_image: bool) -> Any:
        """The pipeline for a task. Raises `EngineError` where the model has none for it."""
        pipeline = self.image if from_image else self.text
        if pipeline is None:
            what = "a start image" if from_image else "text alone"
            raise EngineError(f"{self.spec.label} cannot make a video from {what}.", fix="Choose another model.")
        return pipeline

    def clear(self) -> None:
        """Drop every reference, so that memory is freed even where someone still holds this object."""
        self.components.clear()
        self.extras.clear()
        self.text = self.image = None


def read_index(folder: Path) -> Index:
    """The checked `model_index.json` of a folder. Raises `EngineError` for what is damaged, unknown or unsafe."""
    path = folder / INDEX
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read: {error}.", fix="Install the model again.") from error
    name = data.get("_class_name") if isinstance(data, dict) else None
    if not isinstance(name, str) or name not in PIPELINES:
        raise EngineError(f"{folder.name} is a {name or 'folder without a pipeline name'}, which is not supported.",
                          fix="Supported: " + ", ".join(PIPELINES) + ".")
    components = tuple(_component(folder, key, value) for key, value in data.items()
                       if isinstance(value, list) and any(part is not None for part in value))
    return Index(name, components, {key: data[key] for key in _SCALARS if key in data})


def load_pipeline(found: Found, options: LoadOptions, on_progress: ProgressCallback, cancel: CancelToken) -> Loaded:
    """Load `found` as `options` says. The `Loaded`'s value is a `Pipelines`.

    Raises `ModelMissingError` where it is not installed, `EngineError` for folders that cannot be used, `Cancelled`.
    """
    from .manager import Loaded

    if found.folder is None:
        raise ModelMissingError(f"{found.spec.label} is not installed.", fix="Install it in the Models tab.")
    folder = found.folder
    index = read_index(folder)
    components: dict[str, Any] = {}
    files: list[Path] = []
    notes: list[str] = []
    ordered = sorted(index.components, key=lambda part: not part.is_model)
    for number, part in enumerate(ordered):
        cancel.raise_if_cancelled()
        on_progress(Progress(Stage.LOAD, number, len(ordered), f"Loading {part.name.replace('_', ' ')}"))
        whole: list[str] = []
        components[part.name] = _load(folder, part, found.spec, index.family, options, on_progress, cancel,
                                      whole.append)
        if part.is_model:
            files += _files(folder, part, found.spec, index.family,
                            replace(options, quantization=Quantization.NONE) if whole else options)
        notes += whole
    on_progress(Progress(Stage.LOAD, len(ordered), len(ordered), "Model loaded"))
    for note in notes:
        log.warning(note)
    pipelines = _pipelines(index, found.spec, options, components)
    handle = _place(pipelines, options, on_progress, cancel)

    def release() -> None:
        handle.release()
        pipelines.clear()
        _free()

    return Loaded(value=pipelines, release=release, size_bytes=_bytes(pipelines), facts=_facts(options, index),
                  files=tuple(files), notes=tuple(notes))


# -- checking -------------------------------------------------------------------------------------------------------


def _component(folder: Path, name: str, value: list[Any]) -> Component:
    library, cls = (*value, None, None)[:2]
    if not isinstance(library, str) or not isinstance(cls, str) or cls not in _ALLOWED.get(library, frozenset()):
        raise EngineError(f"{folder.name} asks for {library}.{cls} as its {name}, which is not a class that is loaded.",
                          fix="Use a model in diffusers layout of a supported family.")
    if not name.isidentifier():
        raise EngineError(f"{folder.name} has a component with the unusable name {name!r}.")
    return Component(name, library, cls)


def _check_weights(folder: Path, part: Component) -> Path:
    """The component's folder, with weights that may be read."""
    place = folder / part.name
    if not place.is_dir():
        raise ModelMissingError(f"{folder.name} lacks its folder {part.name}.", fix="Install the model again.")
    if part.is_model and not any(place.glob("*.safetensors")):
        pickles = [file.name for file in place.iterdir() if file.suffix in _PICKLES]
        if pickles:
            raise EngineError(f"{place} has only pickled weights ({pickles[0]}), which may run code when read.",
                              fix="Get the model as safetensors.")
        raise ModelMissingError(f"{place} has no weights.", fix="Install the model again.")
    return place


# -- loading --------------------------------------------------------------------------------------------------------


def _load(folder: Path, part: Component, spec: ModelSpec, family: Family, options: LoadOptions,
          on_progress: ProgressCallback, cancel: CancelToken, warn: Callable[[str], None]) -> Any:
    place = _check_weights(folder, part)
    cls = _class(part)
    try:
        if not part.is_model:
            return cls.from_pretrained(str(place), local_files_only=True)
        from .quantized import load_component

        own, quantize = _own_options(part, spec, family, options)
        module = load_component(place, cls, own, quantize=quantize, on_progress=on_progress, cancel=cancel,
                                warn=warn)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"The {part.name} of {spec.label} cannot be loaded: {error}",
                          fix="Install the model again.") from error
    return module.eval().requires_grad_(False)


def _class(part: Component) -> type[Any]:
    if part.cls in _PROCESSORS:
        from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

        return CLIPImageProcessorPil
    import importlib

    return getattr(importlib.import_module(part.library), part.cls)


def _own_options(part: Component, spec: ModelSpec, family: Family, options: LoadOptions) -> tuple[LoadOptions, bool]:
    """The options for one component, and whether its linear layers are held quantized."""
    if part.cls in _FP32 or (part.cls in _VAES and family in _VAE_FP32):
        return replace(options, precision=Precision.FP32, quantization=Quantization.NONE), False
    listed = {p.name: p.quantize for p in spec.parts}
    quantize = listed.get(part.name, part.cls in _TEXT_ENCODERS or part.name.startswith("transformer"))
    if not quantize or options.quantization is Quantization.NONE or part.cls in _VAES:
        return replace(options, quantization=Quantization.NONE), False
    return options, True


def _files(folder: Path, part: Component, spec: ModelSpec, family: Family, options: LoadOptions) -> tuple[Path, ...]:
    from .quantized import component_files

    own, _ = _own_options(part, spec, family, options)
    return tuple(component_files(folder / part.name, own))


# -- putting together -----------------------------------------------------------------------------------------------


def _pipelines(index: Index, spec: ModelSpec, options: LoadOptions, components: dict[str, Any]) -> Pipelines:
    import inspect

    import diffusers

    given = {**components, **index.scalars}

    def build(name: str) -> Any:
        cls = getattr(diffusers, name)
        takes = inspect.signature(cls.__init__).parameters
        pipeline = cls(**{key: value for key, value in given.items() if key in takes})
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    text_name, image_name = _both(index)
    text = build(text_name) if text_name else None
    image = text if image_name == text_name else build(image_name) if image_name else None
    scheduler = components["scheduler"]
    return Pipelines(spec, index.family, options, components, text, image, dict(scheduler.config), type(scheduler))


def _both(index: Index) -> tuple[str, str]:
    """The classes for text alone and for a start image; an empty name where the checkpoint is not made for it."""
    name = index.pipeline
    if name == "WanPipeline" and index.scalars.get("expand_timesteps"):
        return name, "WanImageToVideoPipeline"
    if name in ("WanImageToVideoPipeline", "CogVideoXImageToVideoPipeline"):
        return "", name
    if name in ("LTXPipeline", "LTXImageToVideoPipeline"):
        return "LTXPipeline", "LTXImageToVideoPipeline"
    return name, name if name == "LTXConditionPipeline" else ""


def _place(pipelines: Pipelines, options: LoadOptions, on_progress: ProgressCallback, cancel: CancelToken) -> Any:
    """Put the modules where they compute: all on the card, or behind the VRAM profile's hooks."""
    from .offload import OffloadHandle, attach

    if options.device == "cpu":
        return OffloadHandle()
    if options.profile:
        return attach(pipelines.modules(), options, on_progress=on_progress, cancel=cancel)
    for module in pipelines.modules().values():
        cancel.raise_if_cancelled()
        module.to(options.device)
    return OffloadHandle()


def _bytes(pipelines: Pipelines) -> int:
    from itertools import chain

    return sum(tensor.numel() * tensor.element_size() for module in pipelines.modules().values()
               for tensor in chain(module.parameters(), module.buffers()))


def _facts(options: LoadOptions, index: Index) -> dict[str, str]:
    facts = {"pipeline": index.pipeline, "device": options.device, "precision": options.precision.value,
             "quantization": options.quantization.value, "profile": options.profile or "none",
             "attention": options.attention}
    facts.update({f"{name} reason": reason for name, reason in options.reasons.items() if reason})
    return facts


def _free() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
