"""Makes a quantized file from the hub's weights in bounded memory, and tells whether one is still good.

A file is good when its length and a sample of its data are as written, and its sources are the ones it was made from;
where the sources are gone (to save disk) it is good by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from importlib import metadata as packages
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..events import CancelToken, Progress, ProgressCallback, Stage
from ..sizes import file_size
from . import build
from .aligned import (
    AlignedWriter,
    Entry,
    Header,
    UnwritableError,
    WeightsFileError,
    read_header,
    torch_type,
    type_name,
)
from .options import Precision, Quantization
from .quanto_format import (
    QuantizedWeight,
    choose_layers,
    pack_metadata,
    quantization_map,
    quantize_groups,
    quantize_rows,
    unpack_metadata,
)
from .weight_files import Shards, fingerprint

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

FORMAT = "1"
"""Raised when files of an older version must be made again."""
PROVENANCE = "wgp"
DATA_SAMPLE = "data_sample_sha256"
BLOCK_BYTES = 32 << 20
SPARE_DISK = 256 << 20


def is_fresh(path: Path, shards: Shards | None, cls: type, config: Mapping[str, Any], precision: Precision,
             quantization: Quantization) -> bool:
    """Whether the quantized file can be used as it is. A file of another program is never judged, nor made again."""
    if not path.is_file():
        return False
    try:
        header = read_header(path)
        made = unpack_metadata(header.metadata, PROVENANCE)
        if not isinstance(made, dict):
            return unpack_metadata(header.metadata, "quantization_map") is not None
        same = (made.get("format"), made.get("class"), made.get("config"), made.get("precision"),
                made.get("quantization")) == (FORMAT, cls.__name__, _digest(config), precision.value,
                                              quantization.value)
        good = (same and header.metadata.get(DATA_SAMPLE) == fingerprint(path, header.data_start)
                and (shards is None or _same_sources(made.get("sources"), shards.files)))
    except (WeightsFileError, OSError) as error:
        log.warning("The quantized weights %s are made again: %s", path, error)
        return False
    if not good:
        log.info("The quantized weights %s are made again: they are damaged or of other sources", path)
    return good


def _same_sources(noted: Any, files: tuple[Path, ...]) -> bool:
    """By name, size and time of change; where only the time differs (a copied folder), by a sample of the data."""
    if not isinstance(noted, list) or len(noted) != len(files):
        return False
    for note, file in zip(noted, files, strict=True):
        stat = file.stat()
        if (note.get("name"), note.get("size")) != (file.name, stat.st_size):
            return False
        if note.get("mtime_ns") != stat.st_mtime_ns and note.get("sample") != fingerprint(file):
            return False
    return True


def _digest(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _metadata(shards: Shards, cls: type, config: Mapping[str, Any], precision: Precision, quantization: Quantization,
              layers: Mapping[str, QuantizedWeight]) -> dict[str, str]:
    sources = [{"name": file.name, "size": file.stat().st_size, "mtime_ns": file.stat().st_mtime_ns,
                "sample": fingerprint(file)} for file in shards.files]
    versions = {name: packages.version(name) for name in ("torch", "optimum-quanto", "diffusers", "transformers")}
    made = {"format": FORMAT, "class": cls.__name__, "config": _digest(config), "precision": precision.value,
            "quantization": quantization.value, "sources": sources, "versions": versions}
    return pack_metadata({"format": "pt", "quantization_format": "quanto", "config": dict(config),
                          "quantization_map": quantization_map(layers), PROVENANCE: made, DATA_SAMPLE: "0" * 64})


def write_quantized(path: Path, component: Path, shards: Shards, cls: type, config: Mapping[str, Any],
                    precision: Precision, quantization: Quantization, *, on_progress: ProgressCallback,
                    cancel: CancelToken) -> None:
    """Quantize the weights of `shards` into `path`, block by block, in the order of the model's layers.

    Raises `UnwritableError` where the file has no place, `WeightsFileError` where the weights do not fit the class, and
    `Cancelled`.
    """
    model = build.build_empty(cls, config, component)
    names = build.matching_names(model, shards.where)
    source = (_FromShards(shards, {own: name for name, own in names.items()}) if names is not None else
              _FromLibrary(build.load_by_library(cls, component, precision, "cpu")))
    dtypes = build.wanted_dtypes(model, precision)
    layers = {name: layer for name, layer in
              choose_layers(model, quantization, getattr(cls, "_skip_layerwise_casting_patterns", None) or ()).items()
              if f"{name}.weight" in source.names}
    entries: list[Entry] = []
    for name in (own for own in model.state_dict() if own in source.names):
        layer = layers.get(name.removesuffix(".weight")) if name.endswith(".weight") else None
        if layer is not None:
            entries += layer.entries(name.removesuffix(".weight"), dtypes[name])
        else:
            stored = source.entry(name)
            entries.append(Entry(name, type_name(dtypes[name]) if name in dtypes else stored.dtype, stored.shape))
    _drop_leftovers(path)
    writer = AlignedWriter(path, entries, _metadata(shards, cls, config, precision, quantization, layers))
    _check_disk(path, writer.layout.size)
    total = max(1, sum(source.entry(name).nbytes for name in source.names) >> 20)
    done = 0
    with writer:
        for name in (own for own in model.state_dict() if own in source.names):
            layer = layers.get(name.removesuffix(".weight")) if name.endswith(".weight") else None
            for block in _write_one(writer, source, name, layer, dtypes.get(name)):
                cancel.raise_if_cancelled()
                done += block
                on_progress(Progress(Stage.LOAD, min(total, done >> 20), total,
                                     f"Quantizing {component.name} to {quantization}: {done / 1e9:.1f} of "
                                     f"{total * 1.048576e-3:.1f} GB, once"))
        writer.flush()
        writer.commit({DATA_SAMPLE: fingerprint(writer.part, writer.layout.header_bytes)})


def _write_one(writer: AlignedWriter, source: _FromShards | _FromLibrary, name: str, layer: QuantizedWeight | None,
               dtype: torch.dtype | None) -> Iterator[int]:
    """Write one tensor; yields the number of source bytes after each block."""
    import torch

    stored = source.entry(name)
    if layer is None:
        at = 0
        for block in source.blocks(name, max(1, BLOCK_BYTES // 4)):
            value = block.to(dtype) if dtype is not None else block
            writer.write(name, value, at)
            at += value.numel() * value.element_size()
            yield block.numel() * block.element_size()
        return
    assert dtype is not None
    prefix = name.removesuffix(".weight")
    for which in ("input_scale", "output_scale"):
        writer.write(f"{prefix}.{which}", torch.ones((), dtype=dtype))
    if layer.qtype == "qint4":
        weight = torch.cat(list(source.blocks(name, max(1, BLOCK_BYTES // 4)))).reshape(layer.rows, layer.columns)
        data, scale, shift = quantize_groups(weight, layer.group, dtype)
        for key, value in (("_data._data", data), ("_scale", scale), ("_shift", shift)):
            writer.write(f"{name}.{key}", value)
        yield stored.nbytes
        return
    rows = max(1, BLOCK_BYTES // (layer.columns * 4))
    first = 0
    for block in source.blocks(name, rows * layer.columns):
        data, scale = quantize_rows(block.reshape(-1, layer.columns), layer.qtype, dtype)
        writer.write(f"{name}._data", data, first * layer.columns)
        writer.write(f"{name}._scale", scale, first * scale.element_size())
        first += data.shape[0]
        yield block.numel() * block.element_size()


class _FromShards:
    """Tensors read block by block from safetensors files, without mapping them: the memory stays ours and small."""

    def __init__(self, shards: Shards, stored_as: Mapping[str, str]) -> None:
        self._headers: dict[Path, Header] = {file: read_header(file) for file in shards.files}
        self._where = {own: (shards.where[name], name) for own, name in stored_as.items()}
        self.names = frozenset(stored_as)

    def entry(self, name: str) -> Entry:
        file, stored = self._where[name]
        return self._headers[file].entries[stored]

    def blocks(self, name: str, items: int) -> Iterator[torch.Tensor]:
        """The tensor's values in runs of `items`, flat, in memory of their own."""
        import torch

        file, _ = self._where[name]
        entry = self.entry(name)
        dtype = torch_type(entry.dtype)
        step = items * dtype.itemsize
        try:
            with file.open("rb", buffering=0) as opened:
                for at in range(0, entry.nbytes, step):
                    room = bytearray(min(step, entry.nbytes - at))
                    view, filled = memoryview(room), 0
                    opened.seek(self._headers[file].data_start + entry.start + at)
                    while filled < len(room):
                        count = opened.readinto(view[filled:])
                        if not count:
                            raise WeightsFileError(f"{file} ended early.", fix="Install the model again.")
                        filled += count
                    yield torch.frombuffer(room, dtype=dtype)
        except OSError as error:
            raise WeightsFileError(f"{file} cannot be read: {error.strerror or error}.",
                                   fix="Check the disk, and install the model again.") from error


class _FromLibrary:
    """Tensors of a model that its own library has loaded: for files whose names only the library can translate."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._tensors: dict[str, torch.Tensor] = {}
        seen = set()
        for name, tensor in model.state_dict().items():
            if tensor.data_ptr() not in seen or not tensor.numel():
                self._tensors[name] = tensor
                seen.add(tensor.data_ptr())
        self.names = frozenset(self._tensors)

    def entry(self, name: str) -> Entry:
        tensor = self._tensors[name]
        return Entry(name, type_name(tensor.dtype), tuple(tensor.shape))

    def blocks(self, name: str, items: int) -> Iterator[torch.Tensor]:
        """The tensor's values in runs of `items`, flat."""
        flat = self._tensors[name].reshape(-1)
        for at in range(0, flat.numel(), items):
            yield flat[at:at + items]


def _check_disk(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < size + SPARE_DISK:
        raise UnwritableError(f"The quantized weights {path.name} take {file_size(size)} and {path.parent} has "
                              f"{file_size(free)} free.", fix="Free disk space, or choose no quantization.")


def _drop_leftovers(path: Path) -> None:
    """Remove part files of processes that are gone."""
    import psutil

    for part in path.parent.glob(f".{path.name}.*.part"):
        owner = part.name.removesuffix(".part").rsplit(".", 1)[-1]
        if not owner.isdigit() or not psutil.pid_exists(int(owner)):
            with contextlib.suppress(OSError):
                part.unlink()
