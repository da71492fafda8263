"""Counting tokens as the target model does: its own tokenizer where that model is installed, else an estimate.

No torch and no transformers are loaded: tokenizer files are read with `tokenizers` or `sentencepiece`. Marks of start
and end are not counted.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import WgpError
from ..models.locate import Found, find, installed
from ..models.spec import Family, Task
from ..paths import Paths
from .enhancement import JobType, TokenCounter
from .job_types import spec_of

log = logging.getLogger(__name__)
_LEAST_VOCABULARY = 1000
_WORD = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_", re.UNICODE)
_LETTERS_A_TOKEN = {"clip": 6, "umt5": 4}


@dataclass
class EstimatedCounter:
    """A count from the lengths of words, meant to err high.

    A word costs one token and one more for each further six letters (CLIP) or four (UMT5), a digit and a mark one
    each, a letter outside ASCII one and a half.
    """

    kind: str
    name: str = "estimate"
    exact: bool = False

    def count(self, text: str) -> int:
        return sum(self._word(word) for word in _WORD.findall(text))

    def _word(self, word: str) -> int:
        if not word.isascii():
            return math.ceil(1.5 * len(word))
        return 1 + (len(word) - 1) // _LETTERS_A_TOKEN[self.kind]


@dataclass
class FileCounter:
    """A count by a tokenizer's own files; `encode` gives the number of tokens."""

    name: str
    encode: Callable[[str], int]
    exact: bool = True

    def count(self, text: str) -> int:
        return self.encode(text)


def counter_for(job_type: JobType, paths: Paths, target_model: str = "") -> TokenCounter:
    """The counter for a job type's text.

    `target_model` names the image or video model (an id, a repository, a folder); "" takes the first installed SDXL
    or Wan model. Where none is installed, or its tokenizer cannot be read or is a toy's, the estimate is given; never
    raises.
    """
    kind = spec_of(job_type).tokenizer
    for found in _targets(kind, paths, target_model):
        folder = found.folder / "tokenizer" if found.folder else None
        if folder is None or not folder.is_dir():
            continue
        counter = _read(folder, _stamp(folder), found.spec.id)
        if counter is not None:
            return counter
    return EstimatedCounter(kind, f"estimate for {'CLIP' if kind == 'clip' else 'UMT5'}")


def _targets(kind: str, paths: Paths, target_model: str) -> list[Found]:
    try:
        if target_model:
            return [find(target_model, paths)]
        family = Family.SDXL if kind == "clip" else Family.WAN
        wanted = Task.T2I if kind == "clip" else Task.T2V
        here = [found for found in installed(paths) if found.spec.family is family]
        return sorted(here, key=lambda found: not found.spec.can(wanted))
    except (WgpError, OSError) as error:
        log.info("tokens are estimated: %s", error)
        return []


def _stamp(folder: Path) -> int:
    """Changes when a tokenizer is replaced, so that a changed one is read again."""
    return max((path.stat().st_mtime_ns for path in folder.iterdir()), default=0)


@lru_cache(maxsize=4)
def _read(folder: Path, stamp: int, model: str) -> TokenCounter | None:
    """The tokenizer of a folder; None where it cannot be read or is too small to be a real one."""
    for reader in (_from_json, _from_bpe, _from_pieces):
        try:
            encode = reader(folder)
        except Exception as error:  # noqa: BLE001 - foreign files; the estimate stands in
            log.warning("the tokenizer in %s cannot be read: %s", folder, error)
            continue
        if encode is not None:
            return FileCounter(f"tokenizer of {model}", encode)
    return None


def _from_json(folder: Path) -> Callable[[str], int] | None:
    path = folder / "tokenizer.json"
    if not path.is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if tokenizer.get_vocab_size() < _LEAST_VOCABULARY:
        return None
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _from_bpe(folder: Path) -> Callable[[str], int] | None:
    """CLIP's two files, put together as CLIP does: lower case, words and single digits, `</w>` at the ends of words."""
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    if not (vocabulary.is_file() and merges.is_file()):
        return None
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    known = json.loads(vocabulary.read_text(encoding="utf-8"))
    if len(known) < _LEAST_VOCABULARY:
        return None
    lines = merges.read_text(encoding="utf-8").splitlines()
    pairs = [(left, right) for left, right in (line.split() for line in lines if len(line.split()) == 2)
             if left + right in known and not left.startswith("#version")]
    tokenizer = Tokenizer(models.BPE(vocab=known, merges=pairs, continuing_subword_prefix="", end_of_word_suffix="</w>",
                                     fuse_unk=False, unk_token="<|endoftext|>"))
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    steps = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    split = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(words), behavior="removed", invert=True),
                                     pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.normalizer = steps  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.pre_tokenizer = split  # pyright: ignore[reportAttributeAccessIssue]
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _from_pieces(folder: Path) -> Callable[[str], int] | None:
    path = folder / "spiece.model"
    if not path.is_file():
        return None
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor(model_file=str(path))  # pyright: ignore[reportCallIssue]
    if pieces.GetPieceSize() < _LEAST_VOCABULARY:
        return None
    return lambda text: len(pieces.EncodeAsIds(text))
