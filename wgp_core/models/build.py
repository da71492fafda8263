"""Builds a component on torch's meta device, says which type each weight has, and puts real tensors in.

Works for diffusers' `ModelMixin` and transformers' `PreTrainedModel`. Knows no files but the configuration.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EngineError
from .aligned import WeightsFileError
from .options import Precision
from .precision import torch_dtype

if TYPE_CHECKING:
    import torch


def is_diffusers(cls: type) -> bool:
    """Whether `cls` is one of diffusers' models; else it is one of transformers'. Raises `EngineError` for neither."""
    from transformers import PreTrainedModel

    if issubclass(cls, PreTrainedModel):
        return False  # without importing diffusers, which takes seconds
    from diffusers import ModelMixin

    if issubclass(cls, ModelMixin):
        return True
    raise EngineError(f"{cls.__name__} is neither a diffusers nor a transformers model.")


def build_empty(cls: type, config: Mapping[str, Any], folder: Path) -> torch.nn.Module:
    """The model of `config` with parameters on the meta device and real buffers, in evaluation mode."""
    from accelerate import init_empty_weights

    known: Any = cls
    if is_diffusers(cls):
        with init_empty_weights(include_buffers=False):
            model = known.from_config(dict(config))
    else:
        settings = known.config_class.from_dict(copy.deepcopy(dict(config)))
        settings._name_or_path = str(folder)
        with init_empty_weights(include_buffers=False):
            model = known(settings)
    return model.eval().requires_grad_(False)


def wanted_dtypes(model: torch.nn.Module, precision: Precision) -> dict[str, torch.dtype]:
    """The type of each parameter and buffer: `precision`, and fp32 where the class asks for it.

    diffusers keeps `_keep_in_fp32_modules` in fp32 always; transformers does so against fp16 only, and
    `_keep_in_fp32_modules_strict` against bf16 too.
    """
    import torch

    dtype = torch_dtype(precision)
    kept = set(getattr(model, "_keep_in_fp32_modules", None) or ())
    if not is_diffusers(type(model)):
        kept = kept if precision is Precision.FP16 else set()
        kept |= set(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    return {name: torch.float32 if not kept.isdisjoint(name.split(".")) else dtype
            for name, value in model.state_dict().items() if value.is_floating_point()}


def matching_names(model: torch.nn.Module, names: Iterable[str]) -> dict[str, str] | None:
    """File's tensor name -> model's, for the tensors that the model takes; None where some would be missing.

    transformers files may carry or lack the name of the base model in front. Tied weights may be stored once.
    """
    expected, stored = set(model.state_dict()), list(names)
    prefix = str(getattr(model, "base_model_prefix", "") or "")
    for change in (lambda n: n, lambda n: n.removeprefix(f"{prefix}."), lambda n: f"{prefix}.{n}"):
        found = {name: change(name) for name in stored if change(name) in expected}
        lost = expected - set(found.values()) - tied_names(model)
        if not lost and len(set(found.values())) == len(found):
            return found
        if not prefix:
            break
    return None


def tied_names(model: torch.nn.Module) -> set[str]:
    """Names of parameters that share their values with another one, the named one included."""
    tied = getattr(model, "all_tied_weights_keys", None) or {}
    return set(tied) | set(tied.values()) if isinstance(tied, dict) else set()


def put_tensors(model: torch.nn.Module, tensors: Mapping[str, torch.Tensor], dtypes: Mapping[str, torch.dtype],
                device: str) -> None:
    """Make `tensors` the model's own, without a copy where type and device fit; then tie weights and check.

    Raises `WeightsFileError` where a weight of the model is missing or has another shape.
    """
    import torch

    state = model.state_dict()
    ready = {}
    for name, tensor in tensors.items():
        if name not in state:
            continue
        if tensor.shape != state[name].shape:
            raise WeightsFileError(f"{name} has the shape {tuple(tensor.shape)} in the file and "
                                   f"{tuple(state[name].shape)} in the model.", fix="The file is of another model.")
        dtype = dtypes.get(name) if tensor.is_floating_point() else None
        ready[name] = tensor.to(device=device, dtype=dtype)
    model.load_state_dict(ready, strict=False, assign=True)
    if not is_diffusers(type(model)):
        tie: Any = model.tie_weights
        tie(missing_keys=set(state) - set(ready), recompute_mapping=False)
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.device != torch.device(device) and not buffer.is_meta:
                module._buffers[name] = buffer.to(device)
    empty = [name for name, value in (*model.named_parameters(), *model.named_buffers()) if value.is_meta]
    if empty:
        raise WeightsFileError(f"{len(empty)} weights are not in the files, {empty[0]} among them.",
                               fix="Install the model again.")
    model.eval().requires_grad_(False)


def load_by_library(cls: type, component: Path, precision: Precision, device: str) -> torch.nn.Module:
    """The model as its own library loads it: for files whose tensor names only the library can translate."""
    known: Any = cls
    dtype = torch_dtype(precision)
    kind = {"torch_dtype": dtype} if is_diffusers(cls) else {"dtype": dtype}
    try:
        model = known.from_pretrained(str(component), use_safetensors=True, local_files_only=True, **kind)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise WeightsFileError(f"The weights in {component} do not fit {cls.__name__}: {error}.",
                               fix="Install the model again.") from error
    return model.to(device).eval().requires_grad_(False)


def class_of(config: Mapping[str, Any]) -> type:
    """The class that a `config.json` names: diffusers' `_class_name`, transformers' `architectures`.

    Raises `EngineError` for a class that neither library has.
    """
    name = config.get("_class_name")
    library = "diffusers"
    if not name:
        library = "transformers"
        name = next(iter(config.get("architectures") or ()), "")
    found = getattr(importlib.import_module(library), str(name), None) if name else None
    if not isinstance(found, type):
        raise EngineError(f"The installed {library} has no class {name!r}.", fix=f"Update {library}.")
    is_diffusers(found)
    return found
