"""The search index beside a file of chunks: vectors, postings, and how well questions about other things score.

One uncompressed `.npz` whose arrays are mapped into memory. It says which model and settings it was made with; chunks
are told apart by id, so that a refresh encodes only what is new. It is replaced as a whole or not at all, and an index
that does not belong to its chunks is noticed by their ids.
"""

from __future__ import annotations

import json
import mmap
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..events import CancelToken
from ..models.embedder import WIDTH
from ..whole import whole_file
from .background import QUESTIONS
from .encoder import Counted, PassageEncoder, ignore_count
from .lexical import Postings
from .types import Chunk, DocumentError

FORMAT = 1
SKETCH_WIDTH = 96
SKETCH_FROM = 20_000
"""Collections of this many chunks are looked through by their first principal directions, then exactly."""
_ALIGN = 64


@dataclass(frozen=True)
class Index:
    """`vectors` (chunks, 384) float16, `sketch` the same turned and cut to its first directions, or empty.

    `background` holds the best cosine that each of the questions about other things reaches, sorted.
    """

    meta: Mapping[str, Any]
    ids: np.ndarray
    vectors: np.ndarray
    rotation: np.ndarray
    sketch: np.ndarray
    background: np.ndarray
    postings: Postings

    @property
    def count(self) -> int:
        return len(self.ids)

    def belongs_to(self, chunks: Sequence[Chunk]) -> bool:
        """Whether it was made of just these chunks, in this order."""
        return np.array_equal(self.ids, _ids(chunks))

    def nearest(self, question: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and cosines of the nearest chunks, best first. Exact below `SKETCH_FROM` chunks."""
        count = min(count, self.count)
        if not self.sketch.size:
            rows = np.arange(self.count)
        else:
            with _blas().limit(limits=1, user_api="blas"):
                rough = self.sketch @ (self.rotation.T @ question)
            rows = _top(rough, max(40 * count, 512, self.count // 200))
            rows.sort()
        cosines = self.vectors[rows].astype(np.float32) @ question
        best = _top(cosines, count)
        best = best[np.argsort(-cosines[best], kind="stable")]
        return rows[best], cosines[best]


def refresh_index(path: Path, chunks: Sequence[Chunk], encoder: PassageEncoder, *, on_progress: Counted = ignore_count,
                  cancel: CancelToken | None = None) -> Index:
    """The index of `chunks` at `path`, made or brought up to date.

    Vectors of chunks that the index already knows are kept. Raises `DocumentError` where the index is another model's
    or cannot be written, and `Cancelled`, which leaves the old one.
    """
    old = read_index(path, encoder.fingerprint) if path.exists() else None
    if old is not None and old.belongs_to(chunks):
        return old
    known = {} if old is None else {bytes(key): row for row, key in enumerate(old.ids)}
    vectors = np.zeros((len(chunks), WIDTH), np.float16)
    ids = _ids(chunks)
    new = [row for row, key in enumerate(ids) if bytes(key) not in known]
    if old is not None:
        for row, key in enumerate(ids):
            if bytes(key) in known:
                vectors[row] = old.vectors[known[bytes(key)]]
    vectors[new] = encoder.encode([read_as(chunks[row]) for row in new], on_progress=on_progress, cancel=cancel)
    _write(path, assemble(ids, vectors, Postings.build([read_as(chunk) for chunk in chunks]), encoder))
    return read_index(path, encoder.fingerprint)


def read_as(chunk: Chunk) -> str:
    """What is searched: the passage after its last two headings, which often name what it is about."""
    return ". ".join([*chunk.heading[-2:], chunk.text])


def assemble(ids: np.ndarray, vectors: np.ndarray, postings: Postings, encoder: PassageEncoder) -> dict[str, Any]:
    """All arrays of an index file."""
    rotation, sketch = _sketch(vectors)
    meta = {"format": FORMAT, "model": encoder.fingerprint, "width": WIDTH, "chunks": len(ids),
            "background": len(QUESTIONS)}
    return {"vectors": vectors, "sketch": sketch, "rotation": rotation, "ids": ids,
            "background": _background(vectors, encoder), **postings.arrays(),
            "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}


def read_index(path: Path, fingerprint: str) -> Index:
    """Open an index; large arrays stay on disk. Raises `DocumentError` where it is damaged or another model's."""
    try:
        arrays = mapped_arrays(path)
        meta = json.loads(bytes(arrays["meta"]))
        if meta["format"] != FORMAT:
            raise ValueError(f"format {meta['format']}, known: {FORMAT}")
        index = Index(meta, np.asarray(arrays["ids"]), arrays["vectors"], np.asarray(arrays["rotation"]),
                      np.ascontiguousarray(arrays["sketch"]), np.asarray(arrays["background"]),
                      Postings.from_arrays(arrays, len(arrays["ids"])))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DocumentError(f"The search index {path} cannot be read: {error}.",
                            fix="Delete it; the next search makes it again.") from error
    if meta["model"] != fingerprint:
        raise DocumentError(f"The search index {path} was made with the model {meta['model']}, and this program reads "
                            f"with {fingerprint}: their vectors cannot be compared.",
                            fix="Delete the index, and the next search makes it again, or install that model.")
    return index


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """One pass over the sketch waits for memory: a second thread wins nothing, and beside other work it costs much."""
    return ThreadpoolController()


def _ids(chunks: Sequence[Chunk]) -> np.ndarray:
    return np.array([chunk.id.encode() for chunk in chunks], dtype="S") if chunks else np.zeros(0, "S1")


def _top(scores: np.ndarray, count: int) -> np.ndarray:
    """Places of the largest scores, in no order."""
    if count >= len(scores):
        return np.arange(len(scores))
    if len(scores) < 200_000:
        return np.argpartition(scores, -count)[-count:]
    sample = np.sort(scores[::64])
    bar = sample[max(0, len(sample) - 2 * count // 64 - 8)]
    rows = np.flatnonzero(scores >= bar)
    if len(rows) < count:
        rows = np.arange(len(scores))
    return rows[np.argpartition(scores[rows], -count)[-count:]]


def _sketch(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The principal directions (384, 96) and the vectors in them; empty for collections that are looked through whole.

    Not centred, since what is looked for is the product with a question.
    """
    if len(vectors) < SKETCH_FROM:
        return np.zeros((WIDTH, 0), np.float32), np.zeros((0, 0), np.float32)
    step = max(1, len(vectors) // SKETCH_FROM)
    sample = vectors[::step].astype(np.float32)
    _, directions = np.linalg.eigh(sample.T @ sample)
    rotation = np.ascontiguousarray(directions[:, ::-1][:, :SKETCH_WIDTH].astype(np.float32))
    sketch = np.empty((len(vectors), SKETCH_WIDTH), np.float32)
    for start in range(0, len(vectors), SKETCH_FROM):
        at = slice(start, start + SKETCH_FROM)
        sketch[at] = vectors[at].astype(np.float32) @ rotation
    return rotation, sketch


def _background(vectors: np.ndarray, encoder: PassageEncoder) -> np.ndarray:
    """The best cosine of each question about other things, sorted: what this collection answers to anything."""
    questions = encoder.embedder.embed(QUESTIONS).T
    best = np.full(len(QUESTIONS), -1.0, np.float32)
    for start in range(0, len(vectors), SKETCH_FROM):
        part = vectors[start:start + SKETCH_FROM].astype(np.float32) @ questions
        best = np.maximum(best, part.max(axis=0))
    return np.sort(best)


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Written beside and renamed; every array starts at a multiple of 64 bytes, so that it can be mapped."""
    try:
        with whole_file(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name, array in arrays.items():
                _add(archive, f"{name}.npy", np.ascontiguousarray(array))
    except OSError as error:
        raise DocumentError(f"The search index cannot be written to {path}: {error.strerror or error}.",
                            fix="Free some space, or choose a folder that you may write to.") from error


def _add(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    info = zipfile.ZipInfo(name)
    large = array.nbytes > 1_900_000_000
    start = (archive.fp.tell() if archive.fp else 0) + 30 + len(name) + (20 if large else 0) + 4
    pad = -start % _ALIGN
    info.extra = (0xD935).to_bytes(2, "little") + pad.to_bytes(2, "little") + bytes(pad)
    with archive.open(info, "w", force_zip64=large) as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def mapped_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an uncompressed `.npz`, mapped and read-only. Raises `OSError`, `ValueError`, `BadZipFile`."""
    found: dict[str, np.ndarray] = {}
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED:
                raise ValueError("it is compressed")
            file.seek(info.header_offset + 26)
            name_size, extra_size = (int.from_bytes(file.read(2), "little") for _ in range(2))
            file.seek(info.header_offset + 30 + name_size + extra_size)
            found[info.filename.removesuffix(".npy")] = _array_at(file, whole)
    return found


def _array_at(file: Any, whole: mmap.mmap) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject or fortran:
        raise ValueError(f"an array of {dtype} is not expected")
    count = int(np.prod(shape))
    if file.tell() + count * dtype.itemsize > len(whole):
        raise ValueError("it ends too early")
    return np.frombuffer(whole, dtype, count, file.tell()).reshape(shape)
