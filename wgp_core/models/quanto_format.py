"""How a linear layer's weight is stored quantized: optimum-quanto's arithmetic, its tensor names, its metadata.

Owns the choice of layers, the streaming arithmetic and the rebuilding of quanto's modules from mapped tensors. Files
follow the names that optimum-quanto saves and the metadata that mmgp reads. Knows no folders and no model classes.
"""

from __future__ import annotations

import base64
import functools
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .aligned import Entry, WeightsFileError, aligned_copy, is_aligned, type_name
from .options import Quantization

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

QTYPES = {Quantization.INT8: "qint8", Quantization.FP8: "qfloat8_e4m3fn", Quantization.INT4: "qint4"}
KEPT = frozenset({"embed", "embedder", "embedding", "embeddings", "shared", "lm_head", "time"})
"""A linear layer stays in full precision where a part of its name is or holds, between underscores, such a word."""
KEPT_AT_TOP = ("proj_in", "proj_out", "norm")
"""The first and last layers of a transformer. Blocks have layers of these names too, which are large and quantized."""
CPU_INT8_COLUMNS = 16
"""Row length in bytes must be a multiple of this: torch's int8 product on the CPU reads rows as aligned vectors, and
ends the process (or reads beyond the weight) on others; seen with rows of 24, 72 and 100 bytes."""


@dataclass(frozen=True)
class QuantizedWeight:
    """How one linear layer's weight is stored: rows, columns, quanto's type name and its group size (int4)."""

    rows: int
    columns: int
    qtype: str
    group: int | None = None

    def entries(self, name: str, scale: torch.dtype) -> list[Entry]:
        """The tensors of the layer `name` in a file. Activations are not quantized, so their scales are ones."""
        dtype = type_name(scale)
        if self.qtype == "qint4":
            length = self.group or self.columns
            groups = self.rows * self.columns // length
            stored = [Entry(f"{name}.weight._data._data", "U8", ((groups + 1) // 2, length)),
                      Entry(f"{name}.weight._scale", dtype, (groups, 1)),
                      Entry(f"{name}.weight._shift", dtype, (groups, 1))]
        else:
            stored = [Entry(f"{name}.weight._data", "I8" if self.qtype == "qint8" else "F8_E4M3",
                            (self.rows, self.columns)),
                      Entry(f"{name}.weight._scale", dtype, (self.rows, 1))]
        return [*stored, Entry(f"{name}.input_scale", dtype, ()), Entry(f"{name}.output_scale", dtype, ())]


def group_size(columns: int) -> int | None:
    """Columns that share one int4 scale, by the rule of optimum-quanto's QModuleMixin (128, else 96, 64 or 32)."""
    if columns <= 128:
        return None
    return next((size for size in (128, 96, 64, 32) if columns % size == 0), None)


def is_kept(name: str, quantization: Quantization, patterns: Iterable[str] = ()) -> bool:
    """Whether the layer `name` stays in full precision: embeddings, time embeddings, the last projection.

    `patterns` are the model class's own parts for which it refuses smaller types. The linear layers inside
    normalisations (modulation) are large in some models and stand 8 bits well; they stay whole for int4 only.
    """
    parts = name.split(".")
    if parts[0].startswith(KEPT_AT_TOP):
        return True
    for part in parts:
        if part in KEPT or not KEPT.isdisjoint(part.split("_")):
            return True
        if part.startswith("norm") and quantization is Quantization.INT4:
            return True
    return any(pattern in name for pattern in patterns if pattern != "norm")


def choose_layers(model: torch.nn.Module, quantization: Quantization,
                  patterns: Iterable[str] = ()) -> dict[str, QuantizedWeight]:
    """The linear layers of a (meta) model that are stored quantized, by name."""
    import torch

    qtype = QTYPES[quantization]
    patterns = tuple(patterns)
    return {name: QuantizedWeight(module.out_features, module.in_features, qtype,
                                  group_size(module.in_features) if qtype == "qint4" else None)
            for name, module in model.named_modules()
            if type(module) is torch.nn.Linear and module.in_features % CPU_INT8_COLUMNS == 0
            and module.out_features > 1 and not is_kept(name, quantization, patterns)}


def quantize_rows(rows: torch.Tensor, qtype: str, scale_dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """(data, scale) of some rows of a weight, for the 8-bit types; symmetric, one scale a row.

    As optimum-quanto: scale = max|w| / max of the type, data = w / scale. The scale is rounded to its stored type
    first, so that the data make up for that rounding.
    """
    import torch

    target = torch.int8 if qtype == "qint8" else torch.float8_e4m3fn
    top = 127.0 if qtype == "qint8" else float(torch.finfo(target).max)
    values = rows.float()
    scale = (values.abs().amax(dim=1, keepdim=True) / top).to(scale_dtype)
    scale = torch.where(scale == 0, torch.full_like(scale, torch.finfo(scale_dtype).tiny), scale)
    data = values.div_(scale.float())
    if target is torch.int8:
        data.round_()
    return data.clamp_(-top, top).to(target), scale


def quantize_groups(weight: torch.Tensor, group: int | None,
                    scale_dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(packed data, scale, shift) of a whole weight in int4: w = scale * q - shift with q from 0 to 15 a group.

    As optimum-quanto: scale = (max - min) / 15, shift = -min; two values a byte, the first half of the groups in the
    low bits.
    """
    import torch
    from optimum.quanto.tensor.packed import pack_weights

    groups = weight.float().reshape(-1, group or weight.shape[1])
    low, high = groups.amin(dim=1, keepdim=True), groups.amax(dim=1, keepdim=True)
    scale = ((high - low) / 15).to(scale_dtype)
    scale = torch.where(scale == 0, torch.full_like(scale, torch.finfo(scale_dtype).tiny), scale)
    shift = (-low).to(scale_dtype)
    data = ((groups + shift.float()) / scale.float()).round_().clamp_(0, 15).to(torch.uint8)
    return pack_weights(data, 4), scale, shift


def pack_metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """Metadata as mmgp writes it: text as it is, anything else as base64 of JSON under `KEY_base64`."""
    packed = {}
    for key, value in values.items():
        if isinstance(value, str):
            packed[key] = value
        else:
            packed[f"{key}_base64"] = base64.b64encode(json.dumps(value, ensure_ascii=False).encode()).decode()
    return packed


def unpack_metadata(metadata: Mapping[str, str], key: str) -> Any:
    """The value that `pack_metadata` stored, plain JSON text too; None where there is none.

    Raises `WeightsFileError` where it cannot be read.
    """
    try:
        if f"{key}_base64" in metadata:
            return json.loads(base64.b64decode(metadata[f"{key}_base64"]))
        return json.loads(metadata[key]) if key in metadata else None
    except ValueError as error:
        raise WeightsFileError(f"The metadata entry {key} of a weights file cannot be read: {error}.",
                               fix="Delete the file; it is made again from the model's own weights.") from error


def quantization_map(layers: Mapping[str, QuantizedWeight]) -> dict[str, dict[str, str]]:
    """optimum-quanto's map: module name -> type of its weights and of its activations."""
    return {name: {"weights": layer.qtype, "activations": "none"} for name, layer in layers.items()}


def put_quantized(model: torch.nn.Module, qmap: Mapping[str, Mapping[str, str]],
                  tensors: MutableMapping[str, torch.Tensor], dtypes: Mapping[str, torch.dtype]) -> None:
    """Replace each layer of `qmap` by quanto's, around the tensors themselves; they are taken out of `tensors`.

    `dtypes` gives the type to compute in by parameter name. What this device's kernel cannot multiply safely, and what
    is no linear layer, becomes a plain weight again. Raises `WeightsFileError` for a type that is not known.
    """
    import torch

    for name, kinds in qmap.items():
        qtype, activations = str(kinds.get("weights")), str(kinds.get("activations", "none"))
        if qtype == "none":
            continue
        if qtype not in QTYPES.values() or activations != "none":
            raise WeightsFileError(f"The layer {name} is stored as {qtype} with {activations} activations, which is "
                                   "not supported.", fix="Use a file of int8, fp8 or int4 weights.")
        for which in ("input_scale", "output_scale"):
            tensors.pop(f"{name}.{which}", None)
        try:
            module = model.get_submodule(name)
            weight = _weight(module, name, qtype, tensors, dtypes.get(f"{name}.weight"))
        except (AttributeError, KeyError) as error:
            raise WeightsFileError(f"The quantized file does not fit the model: {name} ({error}).",
                                   fix="Delete the file; it is made again from the model's own weights.") from error
        if type(module) is not torch.nn.Linear or _unsafe_on_cpu(weight):
            tensors[f"{name}.weight"] = weight.dequantize()
            continue
        model.set_submodule(name, _quanto_linear(module, qtype, weight))


def _weight(module: torch.nn.Module, name: str, qtype: str, tensors: MutableMapping[str, torch.Tensor],
            dtype: torch.dtype | None) -> Any:
    """quanto's tensor around stored ones. Its `optimize` is not called: it repacks, which would copy every weight."""
    import torch
    from optimum.quanto import WeightQBitsTensor, WeightQBytesTensor, qtypes
    from optimum.quanto.tensor.packed import PackedTensor

    kind = qtypes[qtype]
    old = module.get_parameter("weight")
    size = torch.Size(old.shape)
    stride = old.stride()
    scale = tensors.pop(f"{name}.weight._scale")
    if dtype is not None and scale.dtype != dtype:
        scale = scale.to(dtype)
    if qtype != "qint4":
        data = tensors.pop(f"{name}.weight._data")
        if data.dtype == torch.int8 and data.device.type == "cpu" and not is_aligned(data):
            data = aligned_copy(data)
        if data.shape != size:
            raise WeightsFileError(f"The layer {name} has the shape {tuple(data.shape)} in the file and {tuple(size)} "
                                   "in the model.", fix="The file belongs to another model.")
        return WeightQBytesTensor(kind, 0, size, stride, data, scale, None)
    group = group_size(size[1])
    shift = tensors.pop(f"{name}.weight._shift").to(scale.dtype)
    packed = tensors.pop(f"{name}.weight._data._data")
    shape = (size.numel() // group, group) if group else tuple(size)
    data = PackedTensor(packed, 4, shape, (shape[1], 1))
    return WeightQBitsTensor(kind, 0, group, size, stride, data, scale, shift)


def _unsafe_on_cpu(weight: Any) -> bool:
    import torch

    data = weight._data
    return data.dtype == torch.int8 and data.device.type == "cpu" and data.shape[-1] % CPU_INT8_COLUMNS != 0


def _quanto_linear(module: torch.nn.Module, qtype: str, weight: Any) -> torch.nn.Module:
    import torch
    from optimum.quanto import QLinear, qtypes

    kind = _unpacking_linear() if qtype == "qint4" else QLinear
    made = kind.qcreate(module, qtypes[qtype], device=torch.device("meta"))
    assert made is not None
    made.weight = torch.nn.Parameter(weight, requires_grad=False)
    made.input_scale = torch.ones((), dtype=weight.dtype, device=weight.device)
    made.output_scale = torch.ones((), dtype=weight.dtype, device=weight.device)
    return made


@functools.cache
def _unpacking_linear() -> Any:
    """quanto's linear layer that unpacks its weight first: quanto's own int4 product fails in inference mode.

    On the processor torch unpacks. quanto would have a compiler build a function for it, and a process that is killed
    meanwhile leaves a lock for which all later ones wait.
    """
    import torch
    from optimum.quanto import QLinear
    from optimum.quanto.library.extensions.cpp import ext

    def unpack(packed: torch.Tensor, bits: int) -> torch.Tensor:
        return torch.cat([packed >> shift & (1 << bits) - 1 for shift in range(0, 8, bits)])

    built: Any = ext
    built._lib = SimpleNamespace(unpack=unpack)

    class UnpackingLinear(QLinear):
        @property
        def qweight(self) -> Any:
            weight: Any = self.weight
            return weight.dequantize() if self.frozen else super().qweight

    return UnpackingLinear


def quantized_tensors(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """(module name, stored data) of every quantized layer of a loaded model."""
    for name, module in model.named_modules():
        data = getattr(getattr(module, "weight", None), "_data", None)
        if data is not None:
            yield name, getattr(data, "_data", data)
