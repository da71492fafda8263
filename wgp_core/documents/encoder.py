"""Sentence vectors of many passages: sentence-transformers in batches of like length, in bfloat16 where that is fast.

The weights are those of `MiniLmEmbedder`, which reads questions without loading torch; both give the same vectors to
more than three nines of cosine. Where sentence-transformers is missing, and for a few passages, that embedder does all.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..events import CancelToken
from ..models.embedder import WIDTH, MiniLmEmbedder

log = logging.getLogger(__name__)

FEW = 32
"""So many passages are encoded sooner than torch is loaded."""
BATCH_TOKENS = 4096

Counted = Callable[[int, int], None]
"""Told how many of how many are done."""


def ignore_count(_done: int, _total: int) -> None:
    """The callback of a caller that does not watch."""


class PassageEncoder:
    """Maps passages to unit vectors, many at once. The model is loaded by the first large call and kept."""

    def __init__(self, embedder: MiniLmEmbedder, *, precision: str = "auto") -> None:
        self.embedder = embedder
        self._asked = precision
        self._model: Any = None

    @property
    def fingerprint(self) -> str:
        """Tells one set of weights from another."""
        return self.embedder.fingerprint

    def encode(self, texts: Sequence[str], *, on_progress: Counted = ignore_count,
               cancel: CancelToken | None = None) -> np.ndarray:
        """Unit vectors, float32, (len(texts), 384). Raises `Cancelled` between batches and `EmbedderError`."""
        texts, cancel = list(texts), cancel or CancelToken()
        out = np.zeros((len(texts), WIDTH), dtype=np.float32)
        encode = self._encoder(len(texts))
        done = 0
        for batch in self._batches(texts):
            cancel.raise_if_cancelled()
            out[batch] = encode([texts[i] for i in batch])
            done += len(batch)
            on_progress(done, len(texts))
        return out

    def _encoder(self, count: int) -> Callable[[list[str]], np.ndarray]:
        """What encodes one batch."""
        if self._model is None and (count <= FEW or importlib.util.find_spec("sentence_transformers") is None):
            return self.embedder.embed
        model = self._load()

        def encode(batch: list[str]) -> np.ndarray:
            vectors = model.encode(batch, batch_size=len(batch), show_progress_bar=False, convert_to_numpy=False)
            return _unit(np.stack([vector.float().cpu().numpy() for vector in vectors]))

        return encode

    def _load(self) -> Any:
        if self._model is None:
            import torch
            from sentence_transformers import SentenceTransformer

            name = self._asked if self._asked != "auto" else fast_precision()
            log.info("Passages are encoded with sentence-transformers in %s.", name)
            self._model = SentenceTransformer(str(self.embedder.folder), device="cpu", local_files_only=True,
                                              model_kwargs={"dtype": getattr(torch, name)})
        return self._model

    def _batches(self, texts: list[str]) -> list[list[int]]:
        """Neighbours in length together, so that little is padding, the longest first; bounded in padded size."""
        lengths = [min(len(text) // 4 + 2, 256) for text in texts]
        batches: list[list[int]] = []
        for i in sorted(range(len(texts)), key=lambda i: -len(texts[i])):
            if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= BATCH_TOKENS:
                batches[-1].append(i)
            else:
                batches.append([i])
        return batches


def fast_precision() -> str:
    """bfloat16 where the processor computes it by itself, else float32."""
    import torch

    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return "bfloat16" if supported is not None and supported() else "float32"


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
