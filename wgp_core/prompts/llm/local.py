"""A language model on this machine, through transformers' own classes.

Loads quantized files, folders of the hub's layout, and GGUF files, which are unpacked once into the cache. Models below
a billion parameters stay on the CPU, beside whatever the card is doing. Not for several threads at once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...engines.base import MemoryPlan, RuntimeOptions
from ...errors import EngineError, EngineMemoryError
from ...events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ...models.aligned import UnwritableError
from ...models.build import class_of
from ...models.choose import load_options
from ...models.gguf_unpacked import unpacked
from ...models.manager import MB, as_memory_error, free_memory
from ...models.options import LoadOptions
from ...models.quantized import load_component
from ...models.weight_files import read_config
from ...paths import Paths
from .chat import chat_ids, end_tokens
from .find import LocalSource
from .stopping import stop_on

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

TEMPERATURE, TOP_P = 0.6, 0.9


class LocalModel:
    """A `TextModel`. Made by `open_local`; `close` gives its memory back."""

    def __init__(self, source: LocalSource, model: Any, tokenizer: Any, ends: Sequence[int]) -> None:
        self.name = source.spec.id
        self.label = source.spec.label
        self.strong = source.strong
        self._model: Any = model
        self._tokenizer: Any = tokenizer
        self._ends = list(ends)
        self._head: tuple[list[int], Any] = ([], None)

    @property
    def device(self) -> str:
        """Where it computes: "cpu" or "cuda:N"."""
        return str(self._ready().device)

    @property
    def size_bytes(self) -> int:
        """What its weights take in memory."""
        return sum(p.numel() * p.element_size() for p in self._ready().parameters())

    def complete(self, system: str, user: str, *, max_new_tokens: int, seed: int,
                 cancel: CancelToken | None = None) -> str:
        """The model's answer, sampled (temperature 0.6, top-p 0.9); the same seed gives the same answer here.

        Raises `EngineMemoryError`, `EngineError` (also for a text longer than the model reads) or `Cancelled`.
        """
        import torch

        cancel = cancel or CancelToken()
        cancel.raise_if_cancelled()
        model = self._ready()
        ids = chat_ids(self._tokenizer, system, user)
        self._check_length(len(ids) + max_new_tokens)
        cards = [model.device.index] if model.device.type == "cuda" else []
        with self._errors(), torch.random.fork_rng(devices=cards):
            torch.manual_seed(seed % 2**63)
            given = torch.tensor([ids], device=model.device)
            made = model.generate(
                input_ids=given, attention_mask=torch.ones_like(given), max_new_tokens=max_new_tokens, do_sample=True,
                temperature=TEMPERATURE, top_p=TOP_P, top_k=0, eos_token_id=self._ends, pad_token_id=self._ends[0],
                stopping_criteria=stop_on(cancel))
            answer = made[0, len(ids):].tolist()
        cancel.raise_if_cancelled()
        return self._tokenizer.decode(answer, skip_special_tokens=True).strip()

    def rank(self, context: str, options: Sequence[str], *, cancel: CancelToken | None = None) -> list[float]:
        """How well each option continues `context`: mean log-likelihood a token, higher is better.

        All options are read in one pass. What stands before the last empty line of the context is remembered, so a
        context that keeps its beginning is fast. A space is put between where neither side has one. Raises
        `EngineError` for an empty option, `EngineMemoryError` or `Cancelled`.
        """
        (cancel or CancelToken()).raise_if_cancelled()
        if not all(option.strip() for option in options):
            raise EngineError("An empty option cannot be ranked.")
        if not options:
            return []
        head, rest, runs = self._tokens(context, options)
        self._check_length(len(head) + len(rest) + sum(map(len, runs)))
        with self._errors():
            return self._likelihoods(head, rest, runs)

    def close(self) -> None:
        """Give the memory back; calling it again does nothing. The figures of a card are logged."""
        if self._model is None:
            return
        device, size = self.device, self.size_bytes
        before = _card_bytes(device)
        self._model = self._tokenizer = None
        self._head = ([], None)
        free_memory()
        if before is None:
            log.info("freed %s: %.0f MB of weights", self.label, size / MB)
        else:
            after = _card_bytes(device) or 0
            log.info("freed %s: %.0f MB of weights; %s held %.0f MB and now holds %.0f MB", self.label, size / MB,
                     device, before / MB, after / MB)

    # -- inside -------------------------------------------------------------------------------------------------

    def _ready(self) -> Any:
        if self._model is None:
            raise EngineError(f"{self.label} was closed.", fix="Load it again.")
        return self._model

    def _check_length(self, tokens: int) -> None:
        most = int(getattr(self._ready().config, "max_position_embeddings", 0) or 0)
        if most and tokens > most:
            raise EngineError(f"The text takes {tokens} tokens; {self.label} reads {most}.", fix="Shorten the prompt.")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        with _spoken(self.label):
            import torch

            with _threads(0 if self.strong else small_model_threads()), torch.inference_mode():
                yield

    def _tokens(self, context: str, options: Sequence[str]) -> tuple[list[int], list[int], list[list[int]]]:
        """Tokens of the remembered head, of the rest of the context, and of each option."""
        at = context.rfind("\n\n") + 2 if "\n\n" in context else 0
        head, rest = context[:at], context[at:]
        space = "" if rest.endswith("\n") or not rest else " "
        return (self._ids(head), self._ids(rest.rstrip(" ")) or self._ids("\n"),
                [self._ids(space + option.lstrip(" ")) for option in options])

    def _ids(self, text: str) -> list[int]:
        self._ready()
        return list(self._tokenizer(text, add_special_tokens=False).input_ids) if text else []

    def _likelihoods(self, head: list[int], rest: list[int], runs: list[list[int]]) -> list[float]:
        """One pass over rest and options, each option blind to the others; its first token is judged by the rest's end.

        The last token of an option is only judged, never read.
        """
        import torch

        model = self._ready()
        past = self._head_cache(head)
        self._head = ([], None)  # until this pass is over, which makes it longer for a while
        read = rest + [token for run in runs for token in run[:-1]]
        places = list(range(len(head), len(head) + len(rest)))
        for run in runs:
            places += range(len(head) + len(rest), len(head) + len(rest) + len(run) - 1)
        device = model.device
        given, where = torch.tensor([read], device=device), torch.tensor([places], device=device)
        logits = model(input_ids=given, position_ids=where,
                       attention_mask=_mask(len(head), len(rest), [len(run) - 1 for run in runs], model),
                       past_key_values=past, use_cache=True, logits_to_keep=len(read) - len(rest) + 1).logits[0]
        if head:
            past.crop(-len(read))
            self._head = (head, past)
        scores = torch.log_softmax(logits.float(), dim=-1)
        means, at = [], 1
        for run in runs:
            rows = [0, *range(at, at + len(run) - 1)]
            at += len(run) - 1
            means.append(scores[rows, run].mean().item())
        return means

    def _head_cache(self, head: list[int]) -> Any:
        """Keys and values of the head alone. They are always made in one pass, so they do not depend on the past."""
        import torch
        from transformers import DynamicCache

        model = self._ready()
        if not head:
            return DynamicCache(config=model.config)
        if self._head[0] == head:
            return self._head[1]
        cache = DynamicCache(config=model.config)
        model(input_ids=torch.tensor([head], device=model.device), past_key_values=cache, use_cache=True,
              logits_to_keep=1)
        return cache


def open_local(source: LocalSource, paths: Paths, runtime: RuntimeOptions, *,
               on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None) -> LocalModel:
    """Load a language model; small ones always onto the CPU.

    Raises `ModelMissingError`, `EngineMemoryError`, `EngineError` (files that cannot be read among them), or
    `Cancelled`.
    """
    cancel = cancel or CancelToken()
    cancel.raise_if_cancelled()
    began = time.perf_counter()
    on_progress(Progress(Stage.LOAD, message=f"Loading {source.spec.label}"))
    with _spoken(source.spec.label):
        options = _options(source, runtime)
        weights = _mappable(source.weights, paths, cancel)
        model, tokenizer, ends = _load(weights, options, on_progress, cancel)
    loaded = LocalModel(source, model, tokenizer, ends)
    log.info("loaded %s in %.1f s: %.0f MB, %s, %s, %s", source.spec.label, time.perf_counter() - began,
             loaded.size_bytes / MB, options.device, options.precision, options.quantization)
    return loaded


def _options(source: LocalSource, runtime: RuntimeOptions) -> LoadOptions:
    if not source.strong:
        runtime = replace(runtime, device="cpu")
    return replace(load_options(runtime, MemoryPlan(), None, source.spec), profile="")


def _mappable(weights: Path, paths: Paths, cancel: CancelToken) -> Path:
    """The weights, or for a GGUF file the folder that it is unpacked into."""
    if weights.suffix != ".gguf":
        return weights
    try:
        return unpacked(weights, paths.cache / "language", cancel=cancel)
    except UnwritableError as error:
        raise EngineError(f"There is no place to unpack {weights.name}: {error.message}", fix=error.fix) from error


def _load(weights: Path, options: LoadOptions, on_progress: ProgressCallback,
          cancel: CancelToken) -> tuple[Any, Any, list[int]]:
    from transformers import AutoTokenizer, GenerationConfig

    folder = weights if weights.is_dir() else weights.parent
    config = read_config(weights)
    model = load_component(weights, class_of(config), options, quantize=True, on_progress=on_progress, cancel=cancel)
    if not model.can_generate():
        raise EngineError(f"{weights} holds {type(model).__name__}, which writes no text.",
                          fix="Choose an instruct model.")
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    known = folder / "generation_config.json"
    own = GenerationConfig.from_pretrained(str(folder)).eos_token_id if known.is_file() else None
    ends = end_tokens(tokenizer, config.get("eos_token_id"), own)
    if not ends:
        raise EngineError(f"Nothing in {folder} says how an answer ends.", fix="Install the model again.")
    return model, tokenizer, ends


def _mask(head: int, rest: int, lengths: Sequence[int], model: Any) -> torch.Tensor:
    """What each token may look at, added to the attention's scores: 0 or the lowest number. (1, 1, read, head + read).

    The rest of the context sees what is before it; each option sees the context and its own beginning.
    """
    import torch

    read = rest + sum(lengths)
    seen = torch.zeros(read, head + read, dtype=torch.bool)
    seen[:, :head] = True
    seen[:rest, head:head + rest] = torch.ones(rest, rest, dtype=torch.bool).tril()
    seen[rest:, head:head + rest] = True
    at = rest
    for length in lengths:
        seen[at:at + length, head + at:head + at + length] = torch.ones(length, length, dtype=torch.bool).tril()
        at += length
    mask = torch.zeros(seen.shape, dtype=model.dtype).masked_fill_(~seen, torch.finfo(model.dtype).min)
    return mask[None, None].to(model.device)


def small_model_threads() -> int:
    """Half the cores, at most four. With all of them, whatever else runs makes every small product wait for its slowest
    part: on two busy cores two threads took eight times as long as one.
    """
    return max(1, min(4, len(os.sched_getaffinity(0)) // 2 if hasattr(os, "sched_getaffinity") else
                      (os.cpu_count() or 2) // 2))


@contextlib.contextmanager
def _threads(most: int) -> Iterator[None]:
    """torch's threads on the CPU, at most so many for a while; 0 leaves them."""
    import torch

    before = torch.get_num_threads()
    if most and most < before:
        torch.set_num_threads(most)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _spoken(label: str) -> Iterator[None]:
    """Library errors as `EngineError`, running out of memory as `EngineMemoryError`."""
    try:
        with as_memory_error():
            yield
    except EngineMemoryError as error:
        raise EngineMemoryError(f"{label}: {error.message}", fix="Choose a smaller language model.") from error
    except (RuntimeError, ValueError, OSError, ImportError, KeyError, IndexError, TypeError) as error:
        log.warning("%s failed", label, exc_info=True)
        raise EngineError(f"{label} failed: {error}.", fix="Choose another language model, or the rules.") from error


def _card_bytes(device: str) -> int | None:
    """VRAM that torch holds on a card; None on the CPU."""
    if not device.startswith("cuda"):
        return None
    import torch

    return torch.cuda.memory_reserved(device)
