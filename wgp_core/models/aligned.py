"""Safetensors files whose every tensor begins at a multiple of 64 bytes, and a reader that maps them without a copy.

The format is plain safetensors, so every library reads the files. It forbids holes between tensors; therefore tensors
whose size is a multiple of 64 bytes come first, and filler tensors with a reserved name stand behind the odd ones.
The JSON header is padded with spaces, which the format allows. Knows nothing of models or of quantization.

Why 64: the int8 product of torch on the CPU reads whole vectors and ends the process on an address that is not aligned.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import EngineError

if TYPE_CHECKING:
    import torch

ALIGNMENT = 64
FILLER = "__filler__."
MAX_HEADER_BYTES = 100_000_000
"""The limit of the safetensors library."""
_DTYPES = {
    "BOOL": ("bool", 1), "U8": ("uint8", 1), "I8": ("int8", 1), "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2": ("float8_e5m2", 1), "I16": ("int16", 2), "U16": ("uint16", 2), "F16": ("float16", 2),
    "BF16": ("bfloat16", 2), "I32": ("int32", 4), "U32": ("uint32", 4), "F32": ("float32", 4), "I64": ("int64", 8),
    "U64": ("uint64", 8), "F64": ("float64", 8),
}
_NORESERVE = 0x4000 if sys.platform == "linux" else 0


class WeightsFileError(EngineError):
    """A file of weights is broken, or cannot be written."""


class UnwritableError(WeightsFileError):
    """There is no place for a file of weights: the folder may not be written to, or the disk is full."""


@dataclass(frozen=True)
class Entry:
    """One tensor of a file: `dtype` as safetensors names it ("BF16"); `start` counts from the first byte of data."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int = 0

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * _DTYPES[self.dtype][1]

    @property
    def stop(self) -> int:
        return self.start + self.nbytes


@dataclass(frozen=True)
class Header:
    """What a file says of itself. `data_start` and `size` in bytes; entries in the order of their data, no fillers."""

    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]
    data_start: int
    size: int


def torch_type(dtype: str) -> torch.dtype:
    """torch's type for a safetensors type name."""
    import torch

    return getattr(torch, _DTYPES[dtype][0])


def type_name(dtype: torch.dtype) -> str:
    """The safetensors name of a torch type. Raises `WeightsFileError` where there is none."""
    plain = str(dtype).removeprefix("torch.")
    for name, (known, _) in _DTYPES.items():
        if known == plain:
            return name
    raise WeightsFileError(f"Tensors of type {plain} have no place in a safetensors file.")


def read_header(path: Path) -> Header:
    """Read and check a safetensors header: offsets without holes, and a file of exactly the promised length.

    Raises `WeightsFileError` where the file is cut short, too long or not safetensors.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            prefix = file.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
            if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
                raise WeightsFileError(f"{path} is not a safetensors file, or it was cut short.", fix=_AGAIN)
            raw = json.loads(file.read(length))
    except (OSError, ValueError) as error:
        raise WeightsFileError(f"{path} cannot be read: {error}.", fix=_AGAIN) from error
    return _checked(path, raw, 8 + length, size)


_AGAIN = "Delete it and install the model again."


def _checked(path: Path, raw: Any, data_start: int, size: int) -> Header:
    try:
        metadata = {str(k): str(v) for k, v in (raw.pop("__metadata__", None) or {}).items()}
        entries = [Entry(name, str(value["dtype"]), tuple(int(n) for n in value["shape"]),
                         int(value["data_offsets"][0])) for name, value in raw.items()]
        stops = {name: int(value["data_offsets"][1]) for name, value in raw.items()}
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise WeightsFileError(f"The header of {path} is not one of safetensors: {error!r}.", fix=_AGAIN) from error
    at = 0
    for entry in sorted(entries, key=lambda e: (e.start, e.stop if e.dtype in _DTYPES else 0)):
        if entry.dtype not in _DTYPES:
            raise WeightsFileError(f"{path} holds {entry.name} in the type {entry.dtype}, which is not supported.")
        if entry.start != at or entry.stop != stops[entry.name] or min(entry.shape, default=0) < 0:
            raise WeightsFileError(f"The header of {path} does not fit its tensor {entry.name}.", fix=_AGAIN)
        at = entry.stop
    if data_start + at != size:
        raise WeightsFileError(f"{path} has {size} bytes; its header promises {data_start + at}.", fix=_AGAIN)
    entries.sort(key=lambda e: (e.start, e.stop))
    return Header({e.name: e for e in entries if not e.name.startswith(FILLER)}, metadata, data_start, size)


@dataclass(frozen=True)
class Layout:
    """Where each tensor of a new file goes. `entries` holds the fillers too; `size` is that of the file."""

    entries: Mapping[str, Entry]
    header_bytes: int
    size: int


def lay_out(entries: Iterable[Entry], metadata: Mapping[str, str]) -> Layout:
    """Place tensors so that each begins at a multiple of 64 bytes in the file; `start` of the given ones is ignored.

    Raises `WeightsFileError` for a name that is taken twice or reserved.
    """
    given = list(entries)
    odd = [e for e in given if e.nbytes % ALIGNMENT]
    placed: dict[str, Entry] = {}
    at = 0
    for entry in [e for e in given if e.nbytes % ALIGNMENT == 0] + odd:
        if entry.name in placed or entry.name.startswith(FILLER) or entry.name == "__metadata__":
            raise WeightsFileError(f"A tensor cannot be named {entry.name!r}: the name is taken.")
        placed[entry.name] = Entry(entry.name, entry.dtype, entry.shape, at)
        at += entry.nbytes
        rest = -at % ALIGNMENT
        if rest and entry is not odd[-1]:
            name = f"{FILLER}{len(placed)}"
            placed[name] = Entry(name, "U8", (rest,), at)
            at += rest
    header = len(_header(placed, metadata))
    return Layout(placed, header, header + at)


def _header(entries: Mapping[str, Entry], metadata: Mapping[str, str]) -> bytes:
    body: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    for entry in entries.values():
        body[entry.name] = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": [entry.start, entry.stop]}
    text = json.dumps(body, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    return struct.pack("<Q", len(text)) + text


class AlignedWriter:
    """Writes one aligned file tensor by tensor, in any order, under a hidden name until `commit`.

    Leaving the `with` block without `commit` removes what was written.
    """

    def __init__(self, path: Path, entries: Sequence[Entry], metadata: Mapping[str, str]) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self.layout = lay_out(entries, metadata)
        self._metadata = dict(metadata)
        self._left = {e.name: e.nbytes for e in self.layout.entries.values() if not e.name.startswith(FILLER)}
        self._file: BinaryIO | None = None

    def __enter__(self) -> AlignedWriter:
        try:
            self._file = self.part.open("w+b")
            self._file.write(_header(self.layout.entries, self._metadata))
            self._file.truncate(self.layout.size)
        except OSError as error:
            self._drop()
            raise UnwritableError(f"{self.path} cannot be written: {error.strerror or error}.",
                                  fix="Make its folder writable and free disk space.") from error
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self._drop()

    def write(self, name: str, tensor: torch.Tensor, at: int = 0) -> None:
        """Write a whole tensor, or a run of its rows that begins `at` bytes into it. Each byte once.

        Raises `WeightsFileError` where type or size do not fit what was announced, or the disk fails.
        """
        import torch

        assert self._file is not None, "the writer is not open"
        entry = self.layout.entries[name]
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        nbytes = flat.numel() * flat.element_size()
        if type_name(flat.dtype) != entry.dtype or at + nbytes > entry.nbytes or nbytes > self._left[name]:
            raise WeightsFileError(f"{name} was announced as {entry.dtype} {entry.shape} and came as "
                                   f"{type_name(flat.dtype)} {tuple(tensor.shape)}.")
        try:
            self._file.seek(self.layout.header_bytes + entry.start + at)
            if nbytes:
                self._file.write(flat.view(torch.uint8).numpy().data)
        except OSError as error:
            raise UnwritableError(f"{self.path} cannot be written: {error.strerror or error}.",
                                  fix="Free disk space and try again.") from error
        self._left[name] -= nbytes

    def commit(self, late: Mapping[str, str] | None = None) -> None:
        """Write the bytes through to the disk and give the file its name.

        `late` replaces values of the metadata by others of the same length (a checksum of what was written).
        """
        assert self._file is not None, "the writer is not open"
        missing = [name for name, left in self._left.items() if left]
        if missing:
            raise WeightsFileError(f"{len(missing)} tensors of {self.path} were not written, {missing[0]} among them.")
        try:
            if late:
                header = _header(self.layout.entries, {**self._metadata, **late})
                assert len(header) == self.layout.header_bytes, "late metadata has another length"
                self._file.seek(0)
                self._file.write(header)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
            self.part.replace(self.path)
        except OSError as error:
            raise UnwritableError(f"{self.path} cannot be written: {error.strerror or error}.",
                                  fix="Free disk space and try again.") from error

    def flush(self) -> None:
        """Hand written bytes to the system, so that the part file can be read."""
        assert self._file is not None, "the writer is not open"
        self._file.flush()

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        with contextlib.suppress(OSError):  # a read-only disk refuses to remove also what is not there
            self.part.unlink()


def map_tensors(path: Path, header: Header | None = None) -> dict[str, torch.Tensor]:
    """Every tensor of a safetensors file as a view of the mapped file: nothing is read before it is used.

    Pages are private: writing to a tensor changes memory, never the file. int8 tensors that do not begin at a multiple
    of 64 bytes are copied, as are tensors that do not begin at a multiple of their item's size.
    """
    import torch

    header = header or read_header(path)
    if header.size == header.data_start:
        return {e.name: torch.empty(e.shape, dtype=torch_type(e.dtype)) for e in header.entries.values()}
    whole = torch.frombuffer(_mapped(path), dtype=torch.uint8)
    tensors = {}
    for entry in header.entries.values():
        view = whole[header.data_start + entry.start:header.data_start + entry.stop]
        needed = ALIGNMENT if entry.dtype == "I8" and entry.shape else _DTYPES[entry.dtype][1]
        if entry.nbytes and view.data_ptr() % needed:
            view = aligned_copy(view)
        tensors[entry.name] = (view.view(torch_type(entry.dtype)).reshape(entry.shape) if entry.nbytes else
                               torch.empty(entry.shape, dtype=torch_type(entry.dtype)))
    return tensors


def _mapped(path: Path) -> mmap.mmap:
    """The file as private, writable memory. No swap is set aside for it, so it may be larger than the memory."""
    with path.open("rb") as file:
        if sys.platform == "win32":
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        return mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE | _NORESERVE, prot=mmap.PROT_READ | mmap.PROT_WRITE)


def aligned_copy(tensor: torch.Tensor) -> torch.Tensor:
    """A copy of a contiguous tensor that begins at a multiple of 64 bytes."""
    import torch

    nbytes = tensor.numel() * tensor.element_size()
    room = torch.empty(nbytes + ALIGNMENT, dtype=torch.uint8)
    skip = -room.data_ptr() % ALIGNMENT
    copy = room[skip:skip + nbytes].view(tensor.dtype).reshape(tensor.shape)
    return copy.copy_(tensor)


def is_aligned(tensor: torch.Tensor) -> bool:
    """Whether a tensor's data begins at a multiple of 64 bytes."""
    return tensor.data_ptr() % ALIGNMENT == 0
