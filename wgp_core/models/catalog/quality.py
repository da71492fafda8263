"""Models of the quality scores (VBench's prompt-free dimensions).

Two of them are published only as pickles, which this program refuses: they have no repository here, and are used once
somebody has put their weights as safetensors at the place that is named. AMT-S, MUSIQ and ViCLIP are not built in.
"""

from __future__ import annotations

from ..spec import Family, ModelSpec, Part, Task

_VIT_FILES = ("LICENSE*", "README.md", "config.json", "preprocessor_config.json", "model.safetensors")
_CLIP_FILES = (*_VIT_FILES, "tokenizer*", "vocab.json", "merges.txt", "special_tokens_map.json")
_NEEDS = ("config.json", "model.safetensors")


def _hub(model_id: str, label: str, used_for: str, repo: str, parameters: int, licence: str,
         files: tuple[str, ...]) -> ModelSpec:
    return ModelSpec(id=model_id, label=label, family=Family.QUALITY, tasks=(Task.QUALITY,), used_for=used_for,
                     repo=repo, folder=repo.rpartition("/")[2], files=files, needs=_NEEDS, size_bytes=parameters * 4,
                     licence=licence, parts=(Part("", parameters, parameters * 4),))


def _by_hand(model_id: str, label: str, used_for: str, file: str, parameters: int, licence: str) -> ModelSpec:
    folder, _, name = file.partition("/")
    return ModelSpec(id=model_id, label=label, family=Family.QUALITY, tasks=(Task.QUALITY,), used_for=used_for,
                     folder=folder, needs=(name,), size_bytes=parameters * 4, licence=licence,
                     parts=(Part("", parameters, parameters * 4),))


QUALITY: tuple[ModelSpec, ...] = (
    _hub("dino-vitb16", "DINO ViT-B/16", "Quality score: subject consistency.", "facebook/dino-vitb16", 86_389_248,
         "Apache-2.0", _VIT_FILES),
    _hub("clip-vit-base-patch32", "CLIP ViT-B/32", "Quality score: background consistency.",
         "openai/clip-vit-base-patch32", 151_277_313, "MIT", _CLIP_FILES),
    _hub("clip-vit-large-patch14", "CLIP ViT-L/14", "Quality score: aesthetic quality, with its linear head.",
         "openai/clip-vit-large-patch14", 427_616_513, "MIT", _CLIP_FILES),
    _by_hand("laion-aesthetic-head", "LAION aesthetic head", "Quality score: aesthetic quality, after CLIP ViT-L/14.",
             "laion-aesthetic/sa_0_4_vit_l_14_linear.safetensors", 769, "MIT"),
    _by_hand("raft-large", "RAFT large (C_T_V1)", "Quality score: dynamic degree.",
             "raft-large/raft_large_C_T_V1.safetensors", 5_257_536, "BSD-3-Clause"),
)
