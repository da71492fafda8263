"""Whether a LoRA file fits a model, told before anything runs and from headers alone.

`detect` says what a file was made for, from its names and widths. `match` leads each of its modules to a module of
the model and compares shapes. `require_fit` turns a misfit into one error: the tensor, both shapes and the family.
A model is given as shapes: component -> module name -> shape of its weight. No weight is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EngineError, RequestError
from ..models.spec import Family
from .header import Header
from .keys import DENOISERS, MAIN, Role, Sorted, Target, flat, group_by_base, name_table, sort_keys, split_component

if TYPE_CHECKING:
    import torch

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""Module name -> shape of its weight: (out, in) of a linear layer, (out, in, *kernel) of a convolution, (width,) of a
norm."""
ModelShapes = Mapping[str, Shapes]


@dataclass(frozen=True)
class Origin:
    """What a file was made for. `family` None: not recognised, or a model that is not supported (see `label`)."""

    family: Family | None
    label: str
    width: int = 0
    """Width of the model's layers, 0 where the file does not show it."""


@dataclass(frozen=True)
class Piece:
    """What is added to one module: the tensors' names by part, and how they are cut to fit.

    `rows` is the part of the output that belongs to this module where the file has several modules in one.
    """

    component: str
    module: str
    base: str
    tensors: Mapping[Role, str]
    rows: tuple[int, int] | None = None
    swap_halves: bool = False


@dataclass(frozen=True)
class Match:
    """How a file meets a model. It fits where `problems` is empty; `notes` are for the person to read."""

    header: Header
    origin: Origin
    pieces: tuple[Piece, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return not self.problems


# -- what a file was made for ----------------------------------------------------------------------------------------

_WAN_WIDTHS = {1536: "Wan 1.3B", 5120: "Wan 14B", 3072: "Wan 2.2 5B"}
_COG_WIDTHS = {1920: "CogVideoX 2B", 3072: "CogVideoX 5B"}
_LTX_WIDTHS = {2048: "LTX-Video 2B", 4096: "LTX-Video 13B"}
_UNET_CONTEXT = {2048: (Family.SDXL, "SDXL"), 768: (None, "Stable Diffusion 1.5"), 1024: (None, "Stable Diffusion 2")}


def detect(header: Header) -> Origin:
    """The family and size that a file was made for, from its modules' names and widths."""
    groups = group_by_base(sort_keys(header.tensors).keys)
    widths: dict[str, int] = {}
    for base, roles in groups.items():
        component, name = split_component(base)
        if component in (MAIN, *DENOISERS):
            widths[flat(name)] = _input_width(header, roles)
    names = tuple(widths)

    def has(pattern: str) -> bool:
        return any(re.search(pattern, name) for name in names)

    def width(pattern: str) -> int:
        return next((w for name, w in widths.items() if w and re.search(pattern, name)), 0)

    if has(r"\A(?:down_blocks|up_blocks|mid_block|input_blocks|output_blocks|middle_block)_"):
        context = width(r"attn2_to_[kv]\Z")
        if context in _UNET_CONTEXT:
            family, label = _UNET_CONTEXT[context]
            return Origin(family, label, context)
        return Origin(None, f"a UNet with {context}-wide text", context) if context else Origin(Family.SDXL, "SDXL")
    if has(r"\A(?:single_transformer_blocks|single_blocks|double_blocks)_") or has(
            r"\Atransformer_blocks_\d+_(?:norm1_context|ff_context|attn_add_q_proj)"):
        return _flux_like(names, width(r"attn_(?:to_q|qkv)\Z|linear1\Z|img_attn_qkv\Z|qkv_lora1\Z"))
    if has(r"\Ablocks_\d+_(?:self_attn|cross_attn|attn1|attn2|ffn)_"):
        found = width(r"\Ablocks_\d+_(?:self_attn|attn1)_(?:to_)?q\Z") or width(
            r"\Ablocks_\d+_(?:(?:self_attn|attn1)_\w+|(?:cross_attn|attn2)_(?:to_)?q|ffn_(?:0|net_0_proj))\Z")
        image = has(r"_(?:k_img|add_k_proj)\Z")
        label = _WAN_WIDTHS.get(found, f"Wan, width {found}" if found else "Wan")
        return Origin(Family.WAN, label + (" image-to-video" if image else ""), found)
    if has(r"\Atransformer_blocks_\d+_(?:attn1|attn2|ff)_"):
        return _cog_or_ltx(has(r"\Atransformer_blocks_\d+_attn2_") or has(r"(?:caption_projection|adaln_single)_"),
                           width(r"attn1_to_[qkv]\Z") or width(r"attn1_\w+\Z|attn2_to_q\Z|ff_net_0_proj\Z"))
    if has(r"\Atransformer_blocks_\d+_attn_"):
        return _flux_like(names, width(r"attn_to_[qkv]\Z"))
    if not names and groups:
        return Origin(None, "a text encoder alone")
    return Origin(None, "an unknown model")


def _flux_like(names: tuple[str, ...], width: int) -> Origin:
    if any(re.search(r"\A(?:single_transformer_blocks|single_blocks)_(?:3[89]|[4-9]\d)_", name) for name in names):
        return Origin(None, "a model like FLUX with more blocks (HunyuanVideo, FLUX.2)", width)
    if any(re.search(r"\Atransformer_blocks_(?:19|[2-9]\d)_|_(?:img|txt)_mlp_net_", name) for name in names):
        return Origin(None, "a model like FLUX with other blocks (Qwen-Image, SD3)", width)
    if width in (1536, 2432):
        return Origin(None, "Stable Diffusion 3", width)
    return Origin(Family.FLUX, "FLUX", width)


def _cog_or_ltx(has_cross: bool, width: int) -> Origin:
    if width in _COG_WIDTHS and not has_cross:
        return Origin(Family.COGVIDEOX, _COG_WIDTHS[width], width)
    if width in _LTX_WIDTHS:
        return Origin(Family.LTX, _LTX_WIDTHS[width], width)
    if has_cross and width not in (1152,):
        return Origin(Family.LTX, f"LTX-Video, width {width}" if width else "LTX-Video", width)
    return Origin(None, "CogVideoX or LTX-Video, of another width" if width != 1152 else "PixArt", width)


def _input_width(header: Header, roles: Mapping[Role, str]) -> int:
    name = roles.get(Role.DOWN) or roles.get(Role.DIFF)
    if name is None:
        return 0
    shape = header.tensors[name].shape
    return shape[1] if len(shape) >= 2 else 0


# -- meeting a model -------------------------------------------------------------------------------------------------

def match(header: Header, shapes: ModelShapes, family: Family) -> Match:
    """Lead every module of the file to the model's and compare shapes. Raises nothing: problems are listed."""
    origin = detect(header)
    sorted_keys = sort_keys(header.tensors)
    problems = _refusals(header, sorted_keys, origin, family)
    if problems:
        return Match(header, origin, (), problems, ())
    matcher = _Matcher(header, shapes, family)
    groups = group_by_base(sorted_keys.keys)
    for base, roles in groups.items():
        matcher.place(base, roles)
    problems = tuple(matcher.problems)
    if not problems and not matcher.pieces:
        first = next(iter(groups))
        problems = (f"none of its {len(groups)} modules exists in this model (the first is {first!r}, made for "
                    f"{origin.label})",)
    return Match(header, origin, tuple(matcher.pieces), problems, matcher.notes(sorted_keys))


def require_fit(found: Match, model_label: str) -> None:
    """Raise `RequestError` where a file does not fit; `model_label` names the model ("Wan2.1 T2V 1.3B")."""
    if found.fits:
        return
    first, *others = found.problems
    more = f" (and {len(others)} more)" if others else ""
    raise RequestError(f"The LoRA {found.header.path.name} does not fit {model_label}: {first}{more}.",
                       field="loras", fix=f"It was made for {found.origin.label}: choose such a model, or a LoRA made "
                                          f"for {model_label}.")


def _refusals(header: Header, found: Sorted, origin: Origin, family: Family) -> tuple[str, ...]:
    if found.refused:
        return (f"it is made with {' and '.join(found.refused)}, which is not supported; plain LoRA (down and up "
                "matrices) and weight differences are",)
    if not found.keys:
        first = next(iter(header.tensors), "")
        return ("it holds no LoRA tensors" + (f" (its first is {first!r}); it may be a whole model" if first else ""),)
    if origin.family is not None and origin.family is not family:
        return (f"it was made for {origin.label}, a {origin.family.label} model, and this is a {family.label} model",)
    return ()


class _Matcher:
    """Collects where a file's modules go."""

    def __init__(self, header: Header, shapes: ModelShapes, family: Family) -> None:
        self._header = header
        self._shapes = shapes
        self._tables = {name: name_table(modules, name, family) for name, modules in shapes.items()}
        self._second_named = any(split_component(name)[0] == "transformer_2" for name in header.tensors)
        self.pieces: list[Piece] = []
        self.problems: list[str] = []
        self.missing: list[str] = []
        self.absent: dict[str, None] = {}

    def place(self, base: str, roles: Mapping[Role, str]) -> None:
        component, name = split_component(base)
        targets = self._components(component)
        if not targets:
            self.absent[component] = None
            return
        placed = False
        for part in targets:
            target = self._tables[part].get(flat(name))
            if target is not None:
                self._fit(part, target, base, roles)
                placed = True
        if not placed:
            self.missing.append(base)

    def _components(self, component: str) -> tuple[str, ...]:
        """Components that a file's part goes to. One that names none goes to both of two denoisers: their multipliers
        per phase tell which gets it; unless the file has a part for the second of its own."""
        if component != MAIN:
            return (component,) if component in self._shapes else ()
        denoisers = tuple(name for name in DENOISERS if name in self._shapes)
        return tuple(name for name in denoisers if name != "transformer_2") if self._second_named else denoisers

    def _fit(self, component: str, target: Target, base: str, roles: Mapping[Role, str]) -> None:
        shapes = [self._shapes[component][module] for module in target.modules]
        wanted = shapes[0] if len(shapes) == 1 else (sum(shape[0] for shape in shapes), *shapes[0][1:])
        problem = self._misfit(roles, wanted, f"{component}.{' + '.join(target.modules)}")
        if problem:
            if problem not in self.problems:
                self.problems.append(problem)
            return
        if not {Role.DOWN, Role.DIFF, Role.DIFF_BIAS} & roles.keys():
            return
        row = 0
        for module, shape in zip(target.modules, shapes, strict=True):
            rows = (row, row + shape[0]) if len(shapes) > 1 else None
            self.pieces.append(Piece(component, module, base, roles, rows, target.swap_halves))
            row += shape[0]

    def _misfit(self, roles: Mapping[Role, str], wanted: Shape, place: str) -> str:
        """Why the tensors of one module cannot be added to a weight of shape `wanted`; "" where they can."""
        shapes = {role: self._header.tensors[name].shape for role, name in roles.items()}
        down, up = shapes.get(Role.DOWN), shapes.get(Role.UP)
        if (down is None) != (up is None):
            lonely = roles[Role.DOWN if up is None else Role.UP]
            return f"{lonely} has no {'up' if up is None else 'down'} matrix beside it"
        if down is not None and up is not None:
            if len(wanted) < 2:
                return f"{roles[Role.DOWN]} belongs to {place}, which is not a linear layer or convolution"
            rank = next(iter(down), 0)
            if not same_shape(down, (rank, *wanted[1:])):
                return _difference(roles[Role.DOWN], down, (rank, *wanted[1:]), place)
            if not same_shape(up, (wanted[0], rank)):
                return _difference(roles[Role.UP], up, (wanted[0], rank), place)
        for role, expected in ((Role.DIFF, wanted), (Role.DIFF_BIAS, wanted[:1]), (Role.UP_BIAS, wanted[:1])):
            if role in shapes and not same_shape(shapes[role], expected):
                return _difference(roles[role], shapes[role], expected, place)
        alpha = shapes.get(Role.ALPHA)
        return f"{roles[Role.ALPHA]} is not a single number" if alpha is not None and alpha not in ((), (1,)) else ""

    def notes(self, found: Sorted) -> tuple[str, ...]:
        lines = []
        name = self._header.path.name
        if self.missing:
            lines.append(f"{name}: {len(self.missing)} of its modules do not exist in this model and are left out, "
                         f"e.g. {self.missing[0]}.")
        for component in self.absent:
            lines.append(f"{name}: its part for {component} is left out: this model has no such component.")
        if found.unknown:
            lines.append(f"{name}: {len(found.unknown)} tensors with no known meaning are left out, e.g. "
                         f"{found.unknown[0]}.")
        return tuple(lines)


def same_shape(shape: Shape, wanted: Shape) -> bool:
    """Equal but for trailing ones: a 1x1 convolution and a linear layer are the same matrix."""
    return _trim(shape) == _trim(wanted)


def _trim(shape: Shape) -> Shape:
    end = len(shape)
    while end > 2 and shape[end - 1] == 1:
        end -= 1
    return shape[:end]


def _difference(name: str, shape: Shape, wanted: Shape, place: str) -> str:
    return f"{name} has shape {list(shape)} where {place} takes {list(wanted)}"


# -- shapes of a model -----------------------------------------------------------------------------------------------

def module_shapes(module: torch.nn.Module) -> dict[str, Shape]:
    """Shapes of the weights of every linear layer, convolution and norm below `module`, quantized ones too."""
    from torch import nn

    shapes: dict[str, Shape] = {}
    for name, child in module.named_modules():
        if isinstance(child, nn.Linear):
            shapes[name] = (child.out_features, child.in_features)
        elif isinstance(child, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            shapes[name] = (child.out_channels, child.in_channels // child.groups, *child.kernel_size)
        else:
            weight = child._parameters.get("weight")
            if weight is not None and weight.ndim == 1 and "Norm" in type(child).__name__:
                shapes[name] = tuple(weight.shape)
    return shapes


def folder_shapes(folder: Path, components: tuple[str, ...] = (*DENOISERS, "text_encoder", "text_encoder_2")) -> dict[
        str, dict[str, Shape]]:
    """Shapes of a diffusers model folder from its `config.json` files alone: classes are built without memory.

    Components that the folder lacks, and text encoders of a class that is not known, are left out. Raises
    `EngineError` where a denoiser's configuration cannot be used.
    """
    found = {}
    for name in components:
        config = folder / name / "config.json"
        if config.is_file():
            shapes = _component_shapes(name, config)
            if shapes is not None:
                found[name] = shapes
    return found


def _component_shapes(name: str, config: Path) -> dict[str, Shape] | None:
    try:
        data: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
        return module_shapes(_build_empty(data))
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        if name not in DENOISERS:
            return None
        raise EngineError(f"{config} cannot be used: {error}.", fix="Install the model again.") from error


def _build_empty(data: Mapping[str, Any]) -> torch.nn.Module:
    """The component's class with every weight on torch's "meta" device, which holds shapes only."""
    import torch

    class_name = data.get("_class_name")
    with torch.device("meta"):
        if class_name:
            import diffusers

            return getattr(diffusers, class_name).from_config(dict(data))
        import transformers

        architecture = getattr(transformers, data["architectures"][0])
        return architecture(architecture.config_class.from_dict(dict(data)))
