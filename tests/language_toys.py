"""Toy language models: the real classes at a size that a test loads in a moment. What they say means nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wgp_core.models.toy import _tokenizer

VOCABULARY = 260


def write_toy_llm(folder: Path, *, kind: str = "llama", seed: int = 0, chat_template: str | None = None) -> Path:
    """A causal language model with one token a byte, in the hub's layout. The same seed gives the same weights."""
    import torch
    from tokenizers import decoders
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    sizes: dict[str, Any] = {
        "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048, "pad_token_id": 0,
        "bos_token_id": 3, "eos_token_id": 1, "tie_word_embeddings": kind == "llama", "initializer_range": 0.3}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(LlamaConfig(**sizes)) if kind == "llama" else Qwen2ForCausalLM(Qwen2Config(**sizes))
    model.save_pretrained(folder)
    tokenizer = _tokenizer(2048)
    tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
    if chat_template:
        tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)
    return folder


def write_toy_gguf(path: Path, *, seed: int = 0) -> Path:
    """A GGUF file of the Llama architecture, 4-bit weights, with a byte vocabulary cut as SmolLM2's is."""
    import gguf
    import numpy as np
    from tokenizers import pre_tokenizers

    rng = np.random.default_rng(seed)
    width, inner, layers, heads, pairs = 64, 128, 2, 4, 2
    words = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "ab", "abc"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(layers)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(pairs)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(words)
    writer.add_token_types([3, 3, 3, *[1] * (len(words) - 3)])
    writer.add_token_merges(["a b", "ab c"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)

    def put(name: str, rows: int, columns: int) -> None:
        values = rng.normal(0, 0.2, (rows, columns)).astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q4_1
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)

    put("token_embd.weight", len(words), width)
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    for block in range(layers):
        for name, rows, columns in (
                ("attn_q", width, width), ("attn_k", width // 2, width), ("attn_v", width // 2, width),
                ("attn_output", width, width), ("ffn_gate", inner, width), ("ffn_up", inner, width),
                ("ffn_down", width, inner)):
            put(f"blk.{block}.{name}.weight", rows, columns)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{block}.{name}.weight", np.ones(width, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
