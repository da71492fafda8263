"""A language model in a GGUF file, unpacked once into a folder of the hub's layout, which is then mapped in no time.

transformers unpacks a GGUF file at every load, which takes half a minute for 135 M weights. Here files of the Llama
architecture with a byte-level vocabulary are unpacked by their own header, others by transformers; either way the
result is kept: `config.json`, `tokenizer.json`, and bf16 weights in an aligned safetensors file.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..events import CancelToken
from .aligned import AlignedWriter, Entry, UnwritableError, WeightsFileError
from .gguf_header import GgufHeader, read_gguf_header
from .weight_files import fingerprint

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

FORMAT = 1
"""Raised when what is written changes, so that older copies are made again."""
WEIGHTS = "model.safetensors"
_CUT_AT_DIGITS = "smollm"
"""`tokenizer.ggml.pre`: how the text is cut before byte pairs are merged; here, every digit alone."""


def unpacked(gguf: Path, cache: Path, *, cancel: CancelToken | None = None) -> Path:
    """The folder in `cache` that holds this file's model, made where it is missing; takes some seconds once.

    A copy made from other weights of the same name is removed. Raises `WeightsFileError` where the file cannot be read,
    `UnwritableError` where the cache has no place, `Cancelled`.
    """
    key = f"{fingerprint(gguf)[:16]}-{FORMAT}"
    folder = cache / f"{gguf.stem}-{key}"
    if (folder / WEIGHTS).is_file():
        return folder
    part = cache / f".{gguf.stem}-{key}.{os.getpid()}.part"
    try:
        part.mkdir(parents=True, exist_ok=True)
        try:
            _unpack(gguf, part, cancel or CancelToken())
        except (KeyError, ValueError, TypeError, IndexError, RuntimeError) as error:
            raise WeightsFileError(f"{gguf} cannot be read as a language model: {error!r}.",
                                   fix="Install the model again.") from error
        for old in cache.glob(f"{gguf.stem}-*"):
            shutil.rmtree(old, ignore_errors=True)
        part.rename(folder)
    except OSError as error:
        if (folder / WEIGHTS).is_file():  # another process was faster
            return folder
        raise UnwritableError(f"{folder} cannot be written: {error.strerror or error}.",
                              fix="Make its folder writable and free disk space.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _unpack(gguf: Path, folder: Path, cancel: CancelToken) -> None:
    header = read_gguf_header(gguf)
    if _is_plain_llama(header):
        tied = all(t.name != "output.weight" for t in header.tensors)
        _write_json(folder / "config.json", {**_llama_config(header.fields), "tie_word_embeddings": tied})
        _byte_tokenizer(header.fields).save_pretrained(folder)
        shapes = {_llama_name(t.name): t.shape for t in header.tensors}
        tensors = _llama_tensors(gguf, header, cancel)
    else:
        model, tokenizer = _by_transformers(gguf)
        config = {k: v for k, v in model.config.to_dict().items() if k != "quantization_config"}
        _write_json(folder / "config.json", {**config, "architectures": [type(model).__name__]})
        tokenizer.save_pretrained(folder)
        state = _without_doubles(model)
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
        tensors = iter(state.items())
    _write_weights(folder / WEIGHTS, shapes, tensors, cancel)


def _write_weights(path: Path, shapes: Mapping[str, tuple[int, ...]], tensors: Iterator[tuple[str, torch.Tensor]],
                   cancel: CancelToken) -> None:
    import torch

    with AlignedWriter(path, [Entry(name, "BF16", shape) for name, shape in shapes.items()],
                       {"format": "pt"}) as writer:
        for name, tensor in tensors:
            cancel.raise_if_cancelled()
            writer.write(name, tensor.to(torch.bfloat16))
        writer.commit()


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


# -- Llama by its header ----------------------------------------------------------------------------------------


def _is_plain_llama(header: GgufHeader) -> bool:
    """Whether every field that changes the arithmetic is one that is understood here."""
    fields = header.fields
    special = [name for name in fields if name.startswith("llama.") and any(
        word in name for word in ("expert", "rope.scaling", "attention.sliding"))]
    named = all(_llama_name(t.name) for t in header.tensors)
    return (fields.get("general.architecture") == "llama" and fields.get("tokenizer.ggml.model") == "gpt2"
            and fields.get("tokenizer.ggml.pre") == _CUT_AT_DIGITS and not special and named
            and sys.byteorder == "little")


def _llama_config(fields: Mapping[str, Any]) -> dict[str, Any]:
    own = {name.removeprefix("llama."): value for name, value in fields.items() if name.startswith("llama.")}
    heads = own["attention.head_count"]
    tokens = {name: fields.get(f"tokenizer.ggml.{word}_token_id")
              for name, word in (("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding"))}
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "dtype": "bfloat16",
        "hidden_size": own["embedding_length"], "intermediate_size": own["feed_forward_length"],
        "num_hidden_layers": own["block_count"], "num_attention_heads": heads,
        "num_key_value_heads": own.get("attention.head_count_kv", heads),
        "head_dim": own.get("attention.key_length", own["embedding_length"] // heads),
        "max_position_embeddings": own["context_length"],
        "rms_norm_eps": own["attention.layer_norm_rms_epsilon"],
        "rope_parameters": {"rope_type": "default", "rope_theta": own.get("rope.freq_base", 10000.0)},
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        **{name: value for name, value in tokens.items() if value is not None},
    }


_TOP = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight"}
_IN_BLOCK = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}


def _llama_name(name: str) -> str:
    """transformers' name of a tensor of llama.cpp; "" for one that is not known."""
    if name in _TOP:
        return _TOP[name]
    parts = name.split(".")
    if len(parts) == 4 and parts[0] == "blk" and parts[1].isdigit() and parts[2] in _IN_BLOCK and parts[3] == "weight":
        return f"model.layers.{parts[1]}.{_IN_BLOCK[parts[2]]}.weight"
    return ""


def _llama_tensors(gguf: Path, header: GgufHeader, cancel: CancelToken) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor with its weights unpacked, under transformers' name and in its order of rows."""
    import numpy as np
    import torch
    from gguf import GGMLQuantizationType
    from gguf.constants import GGML_QUANT_SIZES
    from gguf.quants import dequantize

    whole = np.memmap(gguf, dtype=np.uint8, mode="r")
    heads = {"attn_q": header.fields["llama.attention.head_count"]}
    heads["attn_k"] = header.fields.get("llama.attention.head_count_kv", heads["attn_q"])
    for tensor in header.tensors:
        cancel.raise_if_cancelled()
        kind = GGMLQuantizationType(tensor.kind)
        weights, size = GGML_QUANT_SIZES[kind]
        packed = np.asarray(whole[tensor.start:tensor.start + tensor.size // weights * size])
        if packed.size * weights != tensor.size * size:
            raise WeightsFileError(f"{gguf} was cut short within {tensor.name}.", fix="Install the model again.")
        flat = np.array(dequantize(packed, kind), dtype=np.float32, copy=None)
        values = torch.from_numpy(np.require(flat, requirements="W")).reshape(tensor.shape)
        count = next((n for part, n in heads.items() if f".{part}." in tensor.name), 0)
        yield _llama_name(tensor.name), _halves_apart(values, count) if count else values


def _halves_apart(weights: torch.Tensor, heads: int) -> torch.Tensor:
    """llama.cpp rotates neighbouring rows of a head, transformers a row and the one half a head further on."""
    rows, width = weights.shape
    return weights.reshape(heads, rows // heads // 2, 2, width).transpose(1, 2).reshape(rows, width)


def _byte_tokenizer(fields: Mapping[str, Any]) -> Any:
    """A fast tokenizer from the file's words and merges; control tokens (type 3) are kept whole in texts."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words: list[str] = fields["tokenizer.ggml.tokens"]
    merges = [tuple(pair.split(" ", 1)) for pair in fields["tokenizer.ggml.merges"]]
    try:
        tokenizer = Tokenizer(models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=merges))
    except Exception as error:  # tokenizers raises bare Exception
        raise WeightsFileError(f"The file's vocabulary cannot be used: {error}.",
                               fix="Install the model again.") from error
    known: Any = tokenizer
    known.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                   pre_tokenizers.ByteLevel(add_prefix_space=False)])
    known.decoder = decoders.ByteLevel()
    kinds = fields.get("tokenizer.ggml.token_type") or []
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False)
                                  for word, kind in zip(words, kinds, strict=False) if kind == 3])
    ids = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    named = {name: words[fields[f"tokenizer.ggml.{word}_token_id"]] for name, word in ids.items()
             if fields.get(f"tokenizer.ggml.{word}_token_id") is not None}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=fields.get("tokenizer.chat_template"),
                                   clean_up_tokenization_spaces=False, **named)


# -- anything else ----------------------------------------------------------------------------------------------


def _by_transformers(gguf: Path) -> tuple[Any, Any]:
    """(model, tokenizer), unpacked by the library."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, name = str(gguf.parent), gguf.name
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32, local_files_only=True,
                                                     quantization_config=GgufConfig(dequantize=True))
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, TypeError) as error:
        raise WeightsFileError(f"{gguf} cannot be read as a language model: {error}.",
                               fix="Use a GGUF file that transformers reads, or the model's safetensors.") from error
    return model, tokenizer


def _without_doubles(model: Any) -> dict[str, torch.Tensor]:
    """The model's weights, tied ones once."""
    seen: set[int] = set()
    return {name: tensor for name, tensor in model.state_dict().items()
            if not (tensor.data_ptr() in seen or seen.add(tensor.data_ptr()))}
