"""How a diffusers repository is laid out, and what is fetched of it."""

from __future__ import annotations

from ..spec import Part

DIFFUSERS_FILES = ("model_index.json", "LICENSE*", "README.md", "*/*.json", "*/*.safetensors", "*/*.model", "*/*.txt")
"""Components only: single-file checkpoints at the top of a repository, pickles and other frameworks stay behind."""
TRANSFORMERS_FILES = ("LICENSE*", "README.md", "*.json", "*.safetensors", "*.model", "*.txt")

UMT5_XXL = 5_680_910_336
T5_XXL = 4_762_310_656


def part(name: str, parameters: int, *, bytes_each: int = 2, quantize: bool = False) -> Part:
    """A component stored in `bytes_each` bytes a weight (2: bf16 or fp16; 4: fp32)."""
    return Part(name, parameters, parameters * bytes_each, quantize)


def total_bytes(parts: tuple[Part, ...]) -> int:
    """What the parts weigh together; tokenizers and configurations add some megabytes at most."""
    return sum(p.disk_bytes for p in parts)
