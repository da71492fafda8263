"""Reads what a GGUF file says of itself: its fields, and where its tensors lie. Knows no models and unpacks nothing.

The format is that of ggml's `docs/gguf.md`, versions 2 and 3, little-endian. The gguf package reads the same, but
through a view for each of the vocabulary's words, which takes seconds.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .aligned import WeightsFileError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_AGAIN = "Install the model again."


@dataclass(frozen=True)
class GgufTensor:
    """One tensor. `shape` as torch has it (rows first), `kind` ggml's number of the type, `start` from byte 0."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class GgufHeader:
    """`fields` maps names such as "llama.block_count" to numbers, texts and lists of them."""

    fields: Mapping[str, Any]
    tensors: tuple[GgufTensor, ...]


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of a GGUF file. Raises `WeightsFileError` where it is none, is cut short or of another version."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).header()
    except (OSError, ValueError, KeyError, struct.error, IndexError) as error:
        raise WeightsFileError(f"{path} cannot be read as a GGUF file: {error}.", fix=_AGAIN) from error


class _Reader:
    """Walks over the bytes; `at` is the next one."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def header(self) -> GgufHeader:
        if self.data[:4] != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        self.at = 4
        version, tensors, fields = self.one("I"), self.one("Q"), self.one("Q")
        if version not in (2, 3):
            raise ValueError(f"version {version} is not known")
        known = {self.text(): self.value(self.one("I")) for _ in range(fields)}
        infos = [(self.text(), self.shape(), self.one("I"), self.one("Q")) for _ in range(tensors)]
        step = int(known.get("general.alignment", 32))
        first = self.at + (-self.at % step)
        return GgufHeader(known, tuple(GgufTensor(name, shape, kind, first + offset)
                                       for name, shape, kind, offset in infos))

    def one(self, kind: str) -> Any:
        value, = struct.unpack_from(f"<{kind}", self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def text(self) -> str:
        length = self.one("Q")
        begin = self.at
        self.at += length
        if self.at > len(self.data):
            raise ValueError("it ends within a text")
        return self.data[begin:self.at].decode("utf-8", errors="replace")

    def shape(self) -> tuple[int, ...]:
        """ggml counts the fastest dimension first, torch last."""
        count = self.one("I")
        if count > 8:
            raise ValueError(f"a tensor cannot have {count} dimensions")
        return tuple(reversed([self.one("Q") for _ in range(count)]))

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            return self.one(_SCALARS[kind])
        inner, count = self.one("I"), self.one("Q")
        if count > len(self.data) or inner == _ARRAY:
            raise ValueError("a list is too long, or one of lists")
        if inner not in _SCALARS:
            return [self.value(inner) for _ in range(count)]
        letter = _SCALARS[inner]
        found = struct.unpack_from(f"<{count}{letter}", self.data, self.at)
        self.at += struct.calcsize(letter) * count
        return list(found)
