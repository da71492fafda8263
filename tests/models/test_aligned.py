"""The aligned safetensors writer and the mapped reader, against the safetensors library."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from wgp_core.models.aligned import (
    ALIGNMENT,
    FILLER,
    AlignedWriter,
    Entry,
    WeightsFileError,
    is_aligned,
    lay_out,
    map_tensors,
    read_header,
    type_name,
)

TYPES = (torch.int8, torch.uint8, torch.bfloat16, torch.float16, torch.float32, torch.float8_e4m3fn, torch.int64,
         torch.bool)


def write(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    entries = [Entry(name, type_name(t.dtype), tuple(t.shape)) for name, t in tensors.items()]
    with AlignedWriter(path, entries, metadata or {}) as writer:
        for name, tensor in reversed(tensors.items()):
            writer.write(name, tensor)
        writer.commit()


def random_tensor(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    return torch.randint(0, 2, shape).to(dtype)


shapes = st.lists(st.integers(0, 9), max_size=3).map(tuple)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.lists(st.tuples(shapes, st.sampled_from(TYPES)), min_size=1, max_size=8), note=st.text(max_size=20))
def test_any_tensors_come_back_aligned_and_the_library_reads_them(tmp_path: Path, given, note: str) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {f"t{i}": random_tensor(shape, dtype) for i, (shape, dtype) in enumerate(given)}
    write(path, tensors, {"note": note})
    header = read_header(path)
    assert header.metadata == {"note": note}
    assert header.data_start % ALIGNMENT == 0
    assert all((header.data_start + e.start) % ALIGNMENT == 0 for e in header.entries.values())
    mapped, library = map_tensors(path), load_file(path)
    assert {n for n in library if not n.startswith(FILLER)} == set(mapped) == set(tensors)
    for name, tensor in tensors.items():
        for other in (mapped[name], library[name]):
            assert other.dtype == tensor.dtype and other.shape == tensor.shape
            assert torch.equal(other.to(torch.float32), tensor.to(torch.float32))
        assert not tensor.numel() or is_aligned(mapped[name])


def test_whole_multiples_of_64_need_no_filler() -> None:
    layout = lay_out([Entry("a", "I8", (3,)), Entry("b", "F32", (16,)), Entry("c", "BF16", (64, 2))], {})
    assert list(layout.entries) == ["b", "c", "a"]


@pytest.mark.parametrize("name", ["__filler__.1", "__metadata__"])
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(WeightsFileError, match="taken"):
        lay_out([Entry(name, "I8", (3,))], {})


def test_writing_to_a_mapped_tensor_does_not_change_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write(path, {"a": torch.zeros(100)})
    before = path.read_bytes()
    map_tensors(path)["a"].fill_(3)
    assert path.read_bytes() == before


def test_a_foreign_misaligned_int8_tensor_is_copied_to_alignment(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.ones(44, dtype=torch.int8), "b": torch.arange(64, dtype=torch.int8)}, path)
    mapped = map_tensors(path)
    assert is_aligned(mapped["a"]) and is_aligned(mapped["b"])
    assert torch.equal(mapped["b"], torch.arange(64, dtype=torch.int8))


def test_nothing_is_left_where_writing_stops(tmp_path: Path) -> None:
    entries = [Entry("a", "F32", (4,)), Entry("b", "F32", (4,))]
    with pytest.raises(WeightsFileError, match="not written"), \
            AlignedWriter(tmp_path / "a.safetensors", entries, {}) as writer:
        writer.write("a", torch.zeros(4))
        writer.commit()
    with pytest.raises(WeightsFileError, match="announced"), \
            AlignedWriter(tmp_path / "a.safetensors", entries, {}) as writer:
        writer.write("a", torch.zeros(5))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("harm", ["cut", "long", "header", "offset", "type", "empty"])
def test_broken_files_are_refused(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "a.safetensors"
    write(path, {"a": torch.zeros(100)})
    good = path.read_bytes()
    length = struct.unpack("<Q", good[:8])[0]
    body = json.loads(good[8:8 + length])
    if harm == "cut":
        bad = good[:-1]
    elif harm == "long":
        bad = good + b"\0"
    elif harm == "header":
        bad = struct.pack("<Q", 1 << 60) + good[8:]
    elif harm == "empty":
        bad = b""
    else:
        body["a"].update({"data_offsets": [1, 401]} if harm == "offset" else {"dtype": "F4"})
        text = json.dumps(body).encode()
        bad = struct.pack("<Q", len(text)) + text + bytes(400)
    path.write_bytes(bad)
    with pytest.raises(WeightsFileError, match=r"a\.safetensors"):
        read_header(path)
