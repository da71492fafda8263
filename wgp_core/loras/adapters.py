"""LoRAs on a live model, by forward hooks: each adds scale * up(down(x)) to the output of its module.

The model's weights are never read or written, so quantized weights stay as they are, several LoRAs add up, their
multipliers can change at every step, and `remove` leaves the model bit for bit as it was. Whole differences of a
weight or bias are added in the same way: linear layers, convolutions and affine norms are linear in their parameters.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import EngineError
from ..models.spec import Family
from ..request import LoraUse
from .compat import Match, Piece, match, module_shapes, require_fit
from .header import Header, read_header
from .keys import Role
from .multipliers import Multiplier, parse_one

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)
_PHASE_OF = {"transformer": 0, "transformer_2": 1}
"""Wan 2.2: `transformer` denoises the high-noise phase, `transformer_2` the low-noise one."""


@dataclass
class _Strength:
    """One LoRA's multiplier in one component, at the present step; shared by all its modules there."""

    multiplier: Multiplier
    value: float = 0.0


@dataclass
class _Addition:
    """What one LoRA adds to one module. Tensors are kept as read, and once more where the input is.

    `scale` is alpha / rank; differences have none. LoRA matrices have two dimensions for a linear layer.
    """

    strength: _Strength
    scale: float
    tensors: Mapping[Role, torch.Tensor]
    placed: dict[tuple[torch.device, torch.dtype], dict[Role, torch.Tensor]] = field(default_factory=dict)

    def at(self, device: torch.device, dtype: torch.dtype) -> dict[Role, torch.Tensor]:
        found = self.placed.get((device, dtype))
        if found is None:
            found = {role: tensor.to(device=device, dtype=dtype) for role, tensor in self.tensors.items()}
            self.placed[(device, dtype)] = found
        return found


class _Hook:
    """The forward hook of one module: sums what every LoRA adds to its output."""

    def __init__(self) -> None:
        self.additions: list[_Addition] = []

    def __call__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        active = [addition for addition in self.additions if addition.strength.value]
        if not active:
            return None
        x = args[0] if args else next(iter(kwargs.values()))
        for addition in active:
            output = output + _added(module, x, addition, output.dtype).to(output.dtype)
        return output


def _added(module: Any, x: torch.Tensor, addition: _Addition, out_dtype: torch.dtype) -> torch.Tensor:
    dtype = x.dtype if x.is_floating_point() else out_dtype
    x = x.to(dtype)
    parts = addition.at(x.device, dtype)
    total: Any = 0
    if Role.DOWN in parts:
        low_rank = _weigh(module, x, parts[Role.DOWN], None)
        total = _raise(module, low_rank, parts[Role.UP], parts.get(Role.UP_BIAS)) * addition.scale
    if Role.DIFF in parts or Role.DIFF_BIAS in parts:
        total = total + _difference(module, x, parts)
    return total * addition.strength.value


def _weigh(module: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """The module's own operation on `x` with another weight of its kind."""
    import torch.nn.functional as F
    from torch import nn

    if isinstance(module, nn.Linear):
        return F.linear(x, weight, bias)
    if module.padding_mode != "zeros":
        raise EngineError(f"A LoRA cannot be added to a convolution with {module.padding_mode} padding.")
    convolve = (F.conv1d, F.conv2d, F.conv3d)[weight.ndim - 3]
    return convolve(x, weight, bias, module.stride, module.padding, module.dilation, module.groups)


def _raise(module: Any, x: torch.Tensor, up: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """From the rank to the module's outputs: always a product with a matrix, at every place of a convolution."""
    import torch.nn.functional as F
    from torch import nn

    if isinstance(module, nn.Linear):
        return F.linear(x, up, bias)
    return (F.conv1d, F.conv2d, F.conv3d)[up.ndim - 3](x, up, bias)


def _difference(module: Any, x: torch.Tensor, parts: Mapping[Role, torch.Tensor]) -> torch.Tensor:
    import torch.nn.functional as F
    from torch import nn

    weight, bias = parts.get(Role.DIFF), parts.get(Role.DIFF_BIAS)
    convolution = isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d))
    if weight is None:
        assert bias is not None
        return bias.reshape(-1, *([1] * (len(module.kernel_size)))) if convolution else bias
    if convolution or isinstance(module, nn.Linear):
        return _weigh(module, x, weight, bias)
    x = x.float()
    if isinstance(module, nn.LayerNorm):
        return F.layer_norm(x, weight.shape, weight.float(), None if bias is None else bias.float(), module.eps)
    eps = getattr(module, "eps", None) or getattr(module, "variance_epsilon", 1e-6)
    scaled = x * (x.square().mean(-1, keepdim=True) + eps).rsqrt() * weight.float()
    return scaled if bias is None else scaled + bias.float()


class AppliedLoras:
    """LoRAs that are on a model now. `files` are the files used; `notes` what the person should know.

    Use as a context manager, or call `remove` when done; it may be called twice.
    """

    def __init__(self, files: tuple[Path, ...], notes: tuple[str, ...], strengths: Sequence[tuple[str, _Strength]],
                 steps: int, phases: int, phase_starts: Sequence[int]) -> None:
        self.files = files
        self.notes = notes
        self._strengths = tuple(strengths)
        self._steps = max(1, steps)
        self._phases = phases
        self._starts = tuple(phase_starts)
        self._hooks: list[_Hook] = []
        self._handles: list[Any] = []
        self._modules: tuple[torch.nn.Module, ...] = ()
        self.at_step(0, 0)

    def at_step(self, step: int, phase: int) -> None:
        """Set the multipliers of denoising step `step` (from 0, over the whole run) in `phase` (from 0).

        Steps past the last keep its values, so that a scheduler with an extra call is served.
        """
        phase = min(max(phase, 0), self._phases - 1)
        first, last = self._stretch(phase)
        place = min(max(step - first, 0), last - first - 1)
        for component, strength in self._strengths:
            own_phase = phase if component not in _PHASE_OF or self._phases == 1 else _PHASE_OF[component]
            strength.value = strength.multiplier.value_at(place, last - first, own_phase, self._phases)

    def _stretch(self, phase: int) -> tuple[int, int]:
        """First step of the phase and the one past its last; the whole run where the phases' starts are unknown."""
        if len(self._starts) != self._phases:
            return 0, self._steps
        first = self._starts[phase]
        last = self._starts[phase + 1] if phase + 1 < self._phases else self._steps
        return (first, last) if last > first else (0, self._steps)

    @property
    def module_count(self) -> int:
        """How many modules have something added."""
        return len(self._handles)

    def attach(self, modules: Mapping[str, torch.nn.Module],
               additions: Iterable[tuple[str, str, _Addition]]) -> None:
        """Put hooks on the modules named by (component, module); called once, by `apply`."""
        hooks: dict[tuple[str, str], _Hook] = {}
        for component, name, addition in additions:
            hook = hooks.get((component, name))
            if hook is None:
                hook = hooks[(component, name)] = _Hook()
                module = modules[component].get_submodule(name)
                self._handles.append(module.register_forward_hook(hook, with_kwargs=True))
                self._hooks.append(hook)
            hook.additions.append(addition)
        self._modules = tuple(modules.values())
        self._forget_compiled()

    def remove(self) -> None:
        """Take everything off: the model is bit for bit as before, and the LoRAs' memory is free."""
        if not self._handles:
            return
        for handle in self._handles:
            handle.remove()
        for hook in self._hooks:
            hook.additions.clear()
        self._handles.clear()
        self._hooks.clear()
        self._forget_compiled()
        self._modules = ()

    def _forget_compiled(self) -> None:
        """Compiled code does not look for hooks that come or go later: make torch compile anew."""
        if any(_is_compiled(module) for module in self._modules):
            import torch

            torch.compiler.reset()

    def __enter__(self) -> AppliedLoras:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.remove()


def apply(modules: Mapping[str, torch.nn.Module], uses: Sequence[LoraUse], family: Family, steps: int, *,
          phase_starts: Sequence[int] = (), model_label: str = "") -> AppliedLoras:
    """Put LoRAs on a model's modules ("transformer", "transformer_2", "unet", "text_encoder", ...).

    `steps` is the number of denoising steps; `phase_starts` the first step of each phase where known, so that
    multipliers with several values are spread over each phase's own steps. Paths must be resolved
    (`library.resolve_uses`). Raises `RequestError` where a file cannot be read, does not fit or has a bad multiplier;
    the model is then as before.
    """
    phases = 2 if "transformer_2" in modules else 1
    shapes = {name: module_shapes(module) for name, module in modules.items()}
    strengths: list[tuple[str, _Strength]] = []
    additions: list[tuple[str, str, _Addition]] = []
    notes: list[str] = []
    for use in uses:
        multiplier = parse_one(use.multiplier)
        if len(multiplier.phases) > phases:
            notes.append(f"{use.path.name}: its multiplier {use.multiplier!r} has {len(multiplier.phases)} phases; "
                         f"this model has {phases}, so the first {'one is' if phases == 1 else f'{phases} are'} used.")
        found = match(read_header(use.path), shapes, family)
        require_fit(found, model_label or f"this {family.label} model")
        notes.extend(found.notes)
        own = {name: _Strength(multiplier) for name in dict.fromkeys(piece.component for piece in found.pieces)}
        wanted = [piece for piece in found.pieces if not _never(multiplier, piece.component, phases)]
        additions.extend(_read_pieces(found, wanted, own, shapes))
        strengths.extend(own.items())
    applied = AppliedLoras(tuple(use.path for use in uses), tuple(notes), strengths, steps, phases, phase_starts)
    applied.attach(modules, additions)
    if uses:
        log.info("%d LoRAs on %d modules", len(uses), applied.module_count)
    return applied


def _is_compiled(module: torch.nn.Module) -> bool:
    return any(getattr(child, "_compiled_call_impl", None) is not None for child in module.modules())


def _never(multiplier: Multiplier, component: str, phases: int) -> bool:
    """Whether a LoRA adds nothing to the component in the one phase that it runs in: its tensors are not read."""
    return phases > 1 and component in _PHASE_OF and multiplier.is_zero(_PHASE_OF[component])


def _read_pieces(found: Match, pieces: Sequence[Piece], strengths: Mapping[str, _Strength],
                 shapes: Mapping[str, Mapping[str, tuple[int, ...]]]) -> list[tuple[str, str, _Addition]]:
    from safetensors import SafetensorError, safe_open

    rule = _AlphaRule.of(found.header)
    loaded: dict[str, torch.Tensor] = {}
    made = []
    try:
        with safe_open(found.header.path, framework="pt") as file:
            for piece in pieces:
                for name in piece.tensors.values():
                    if name not in loaded:
                        loaded[name] = file.get_tensor(name)
                tensors = {role: loaded[name] for role, name in piece.tensors.items()}
                alpha = tensors.pop(Role.ALPHA, None)
                rank = tensors[Role.DOWN].shape[0] if Role.DOWN in tensors else 1
                scale = rule.scale(piece.base, rank) if alpha is None else float(alpha.float().item()) / rank
                shape = shapes[piece.component][piece.module]
                made.append((piece.component, piece.module, _Addition(
                    strengths[piece.component], scale, _shaped(tensors, piece, shape))))
    except (OSError, SafetensorError) as error:
        raise EngineError(f"The LoRA {found.header.path.name} cannot be read: {error}.",
                          fix="Download it again.") from error
    return made


def _shaped(tensors: Mapping[Role, torch.Tensor], piece: Piece, shape: tuple[int, ...]) -> dict[Role, torch.Tensor]:
    """Cut the module's rows out of joined ones, swap halves, and give matrices the dimensions of the module's kind."""
    import torch

    shaped = {}
    for role, tensor in tensors.items():
        if role is not Role.DOWN:
            if piece.rows is not None:
                tensor = tensor[piece.rows[0]:piece.rows[1]]
            if piece.swap_halves:
                tensor = torch.cat(tensor.chunk(2)[::-1])
        if role is Role.DOWN or role is Role.DIFF:
            tensor = tensor.reshape(tensor.shape[0], *shape[1:])
        elif role is Role.UP:
            tensor = tensor.reshape(tensor.shape[0], tensor.shape[1], *([1] * (len(shape) - 2)))
        shaped[role] = tensor.contiguous()
    return shaped


@dataclass(frozen=True)
class _AlphaRule:
    """Scales that peft keeps as JSON and not as tensors: in the metadata (`lora_adapter_metadata`) or a file beside.

    Without either, the scale is 1. alpha / rank is LoRA's (arXiv:2106.09685, section 4.1), alpha / sqrt(rank) the
    rank-stabilized variant's (arXiv:2312.03732).
    """

    settings: Mapping[str, Any]

    @staticmethod
    def of(header: Header) -> _AlphaRule:
        try:
            text = header.metadata.get("lora_adapter_metadata", "{}")
            if header.path.name == "adapter_model.safetensors":
                beside = header.path.with_name("adapter_config.json")
                text = beside.read_text(encoding="utf-8") if beside.is_file() else text
            data = json.loads(text)
        except (OSError, ValueError):
            log.warning("%s: its adapter settings cannot be read; alpha is taken as the rank", header.path.name)
            data = {}
        return _AlphaRule(data if isinstance(data, dict) else {})

    def scale(self, base: str, rank: int) -> float:
        component, _, module = base.partition(".")
        prefix = f"{component}." if f"{component}.lora_alpha" in self.settings else ""
        if not prefix:
            module = base
        alpha = self.settings.get(f"{prefix}lora_alpha")
        patterns = self.settings.get(f"{prefix}alpha_pattern")
        if isinstance(patterns, dict):
            alpha = next((value for name, value in patterns.items() if module == name or module.endswith("." + name)),
                         alpha)
        if not isinstance(alpha, (int, float)):
            return 1.0
        return alpha / (math.sqrt(rank) if self.settings.get(f"{prefix}use_rslora") else rank)
