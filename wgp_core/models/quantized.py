"""Loads a component: quantized weights are made once beside the hub's own and mapped into memory on every later load.

The file `NAME_quanto_{bf16|fp16}_{int8|fp8|int4}.safetensors` in a component folder carries what it was made from; one
that is cut short, damaged or made from other weights is made again. WanGP's and mmgp's quanto files and GGUF load too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelMissingError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from . import build, quanto_format
from .aligned import UnwritableError, WeightsFileError, map_tensors, read_header
from .gguf import load_gguf
from .options import LoadOptions, Precision, Quantization
from .quantizing import is_fresh, write_quantized
from .weight_files import (
    PICKLES,
    Shards,
    find_shards,
    foreign_quantized,
    gguf_file,
    quantization_map_of,
    read_config,
)

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)


def quantized_path(component: Path, precision: Precision, quantization: Quantization) -> Path:
    """Where the quantized weights of a component folder lie."""
    return component / f"{component.name}_quanto_{precision}_{quantization}.safetensors"


def quantize_component(component: Path, precision: Precision, quantization: Quantization, *, cls: type | None = None,
                       on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None) -> Path:
    """Make the quantized file of a component folder from the hub's weights, or return one that is up to date.

    Memory stays at a few hundred MB whatever the size of the model. `cls` is the model's class where `config.json` does
    not name it. Raises `WeightsFileError`, `ModelMissingError` or `Cancelled`; no partial file is left.
    """
    config = read_config(component)
    known = cls or build.class_of(config)
    path = quantized_path(component, precision, quantization)
    shards = find_shards(component)
    if not is_fresh(path, shards, known, config, precision, quantization):
        write_quantized(path, component, shards, known, config, precision, quantization,
                        on_progress=on_progress, cancel=cancel or CancelToken())
    return path


def component_files(component: Path, options: LoadOptions) -> tuple[Path, ...]:
    """The weight files that a load with these options uses; those of the hub where no quantized file is made yet."""
    if component.is_file():
        return (component,)
    if options.quantization is not Quantization.NONE:
        path = quantized_path(component, options.precision, options.quantization)
        if path.is_file():
            return (path,)
    try:
        return find_shards(component).files
    except ModelMissingError:
        other = foreign_quantized(component) or gguf_file(component)
        if other is None:
            raise
        return (other,)


def load_component(component: Path, cls: type, options: LoadOptions, *, quantize: bool,
                   on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None,
                   warn: Callable[[str], None] = log.warning) -> Any:
    """A component's model with its weights, ready for inference (evaluation mode, no gradients).

    `component` is a folder of the hub's layout, or one .safetensors or .gguf file; `cls` a diffusers or transformers
    class. Where `quantize` is set and `options.quantization` asks for it, linear layers are quantized, by a file that
    is made on the first load; where that file has no place, they stay as the hub has them and `warn` is told why.
    Weights stay on the CPU, mapped from the file, unless the device is CUDA and `options.profile` is empty. Raises
    `ModelMissingError`, `WeightsFileError` or `Cancelled`.
    """
    cancel = cancel or CancelToken()
    cancel.raise_if_cancelled()
    on_progress(Progress(Stage.LOAD, message=f"Loading {component.stem}"))
    device = options.device if options.device.startswith("cuda") and not options.profile else "cpu"
    if component.is_file():
        return _load_file(component, cls, options.precision, device)
    shards = _own_weights(component)
    config = read_config(component)
    if quantize and options.quantization is not Quantization.NONE:
        try:
            path = _ready_quantized(component, shards, cls, config, options, on_progress, cancel)
        except UnwritableError as error:
            warn(f"The {component.name} was loaded with its whole weights, which take more memory: {error}")
            path = None
        if path is not None:
            return _load_quantized(path, cls, config, component, options.precision, device)
    if shards is not None:
        return _load_plain(component, shards, cls, config, options.precision, device)
    other = foreign_quantized(component) or gguf_file(component)
    if other is None:
        find_shards(component)  # says what is missing
        raise ModelMissingError(f"There are no weights in {component}.", fix="Install the model again.")
    log.info("%s has no weights of its own; %s is used", component, other.name)
    return _load_file(other, cls, options.precision, device)


def _ready_quantized(component: Path, shards: Shards | None, cls: type, config: Mapping[str, Any],
                     options: LoadOptions, on_progress: ProgressCallback, cancel: CancelToken) -> Path | None:
    """The component's quantized file, made where it is missing or outdated; None where it has no source."""
    path = quantized_path(component, options.precision, options.quantization)
    if shards is None:
        return path if path.is_file() else None
    if not is_fresh(path, shards, cls, config, options.precision, options.quantization):
        write_quantized(path, component, shards, cls, config, options.precision, options.quantization,
                        on_progress=on_progress, cancel=cancel)
    return path


def _own_weights(component: Path) -> Shards | None:
    """The hub's weights; None where there are none, but something else that can be loaded is there."""
    try:
        return find_shards(component)
    except (ModelMissingError, WeightsFileError):
        if any(component.glob("*quanto*.safetensors")) or gguf_file(component):
            return None
        raise


def _load_file(path: Path, cls: type, precision: Precision, device: str) -> Any:
    if path.suffix == ".gguf":
        return load_gguf(path, cls, precision, device)
    if path.suffix in PICKLES:
        raise WeightsFileError(f"{path} is a pickle, which can run any code when it is opened.",
                               fix="Use a safetensors file of the same model.")
    config = read_config(path)
    if quantization_map_of(path):
        return _load_quantized(path, cls, config, path.parent, precision, device)
    return _load_plain(path.parent, Shards((path,), dict.fromkeys(read_header(path).entries, path)), cls, config,
                       precision, device)


def _load_quantized(path: Path, cls: type, config: Mapping[str, Any], folder: Path, precision: Precision,
                    device: str) -> Any:
    header = read_header(path)
    qmap = quantization_map_of(path)
    model = build.build_empty(cls, config, folder)
    dtypes = build.wanted_dtypes(model, precision)
    tensors = map_tensors(path, header)
    for first, others in (quanto_format.unpack_metadata(header.metadata, "tied_weights_map") or {}).items():
        tensors.update(dict.fromkeys(others, tensors[first]))
    if device != "cpu":
        tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
    quanto_format.put_quantized(model, qmap, tensors, dtypes)
    build.put_tensors(model, tensors, dtypes, device)
    _mark(model, qmap)
    return model


def _mark(model: torch.nn.Module, qmap: Mapping[str, Mapping[str, str]]) -> None:
    """mmgp looks for this attribute, and quantizes a model that lacks it."""
    model.__dict__["_quanto_map"] = {name: dict(kinds) for name, kinds in qmap.items()}


def _load_plain(component: Path, shards: Shards, cls: type, config: Mapping[str, Any], precision: Precision,
                device: str) -> Any:
    """Weights as the hub has them, mapped where their type is the wanted one, else converted one by one."""
    model = build.build_empty(cls, config, component)
    names = build.matching_names(model, shards.where)
    if names is None:
        return build.load_by_library(cls, component, precision, device)
    tensors = {}
    for file in shards.files:
        for name, tensor in map_tensors(file).items():
            if name in names and shards.where.get(name) == file:
                tensors[names[name]] = tensor
    build.put_tensors(model, tensors, build.wanted_dtypes(model, precision), device)
    return model
