"""The header of a safetensors file, read by hand: names, types, shapes and metadata, never a weight.

Layout (format version 0.x): 8 bytes, little endian, the length N of the header; N bytes of JSON that map each tensor's
name to `dtype`, `shape` and `data_offsets` (relative to the end of the header), with text metadata under
`__metadata__`; then the tensors' bytes. Pickled files are refused by name: loading one can run any code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RequestError

SUFFIX = ".safetensors"
PICKLES = frozenset({".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"})
MAX_HEADER_BYTES = 100_000_000


@dataclass(frozen=True)
class TensorInfo:
    """One tensor's safetensors type name ("BF16") and shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What a file holds. `tensors` is in the file's order; `size_bytes` is the whole file."""

    path: Path
    size_bytes: int
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]


def refuse_pickle(path: Path) -> None:
    """Raise `RequestError` where the name is that of a pickle, or is not a safetensors file's."""
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise RequestError(f"{path.name} is a pickled file ({suffix}), which can run any code when it is opened; it is "
                           "not used.", field="loras", fix=f"Use the LoRA's {SUFFIX} version.")
    if suffix != SUFFIX:
        raise RequestError(f"{path.name} is not a LoRA file: its name does not end in {SUFFIX}.", field="loras",
                           fix=f"Name a {SUFFIX} file.")


def read_header(path: Path) -> Header:
    """Read the header of `path`. Raises `RequestError` where it is missing, a pickle, cut short or damaged."""
    refuse_pickle(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
                raise _damaged(path, "it does not begin like one")
            text = file.read(length)
    except FileNotFoundError as error:
        raise RequestError(f"The LoRA file {path} does not exist.", field="loras",
                           fix="Put it into loras/, or correct its name.") from error
    except OSError as error:
        raise RequestError(f"The LoRA file {path} cannot be read: {error.strerror or error}.", field="loras") from error
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _damaged(path, "its header is not JSON") from error
    if not isinstance(data, dict):
        raise _damaged(path, "its header is not a JSON object")
    metadata = data.pop("__metadata__", None) or {}
    tensors = {name: _tensor(path, name, value, size - 8 - length) for name, value in data.items()}
    return Header(path, size, tensors, {str(key): str(value) for key, value in metadata.items()}
                  if isinstance(metadata, dict) else {})


def _tensor(path: Path, name: str, value: Any, data_bytes: int) -> TensorInfo:
    try:
        info = TensorInfo(str(value["dtype"]), tuple(int(n) for n in value["shape"]))
        start, stop = value["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"the entry of {name} cannot be read") from error
    if not 0 <= start <= stop <= data_bytes:
        raise _damaged(path, f"it ends before the bytes of {name}; the download may have been cut short")
    return info


def _damaged(path: Path, why: str) -> RequestError:
    return RequestError(f"{path.name} is not a whole safetensors file: {why}.", field="loras", fix="Download it again.")
