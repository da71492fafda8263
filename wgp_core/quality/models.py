"""The vision models of the exact dimensions: found in `ckpts/`, loaded when first asked for, kept, given back whole.

Weights come from safetensors files into the libraries' own classes in fp32, on whatever device; a file that lacks a
weight is an error, never a random layer. Loads no torch until a model is asked for.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelMissingError
from ..models.aligned import WeightsFileError
from ..models.catalog import by_id
from ..models.locate import folder_of
from ..paths import Paths

if TYPE_CHECKING:
    from .vision import FrameEncoder

log = logging.getLogger(__name__)

DINO = "dino-vitb16"
CLIP_SMALL = "clip-vit-base-patch32"
CLIP_LARGE = "clip-vit-large-patch14"
AESTHETIC_HEAD = "laion-aesthetic-head"
RAFT = "raft-large"
TOKENIZER_FILES = (("tokenizer.json",), ("vocab.json", "merges.txt"))


class QualityModels:
    """One shelf for a process or a batch. `device` is "cpu", "cuda:N", or "auto": a card where torch sees one."""

    def __init__(self, paths: Paths, device: str = "cpu", cache_root: str = "") -> None:
        self._asked = device
        self._paths = paths
        self._cache_root = cache_root
        self._loaded: dict[str, Any] = {}

    @functools.cached_property
    def device(self) -> str:
        """Where models are put. Loads torch to answer "auto"."""
        if self._asked not in ("auto", ""):
            return self._asked
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    def folder(self, model_id: str) -> Path:
        """Where a model lies. Raises `ModelMissingError` that says how to get it."""
        spec = by_id(model_id)
        found = folder_of(spec, self._paths, cache_root=self._cache_root)
        if found is None:
            fix = (f"Install it: ./run.sh -m wgp_core models install {spec.id}" if spec.repo else
                   f"Put {spec.needs[0]} into {self._paths.ckpts / spec.folder}")
            raise ModelMissingError(f"{spec.label} is not installed.", fix=f"{fix}.")
        return found

    def dino_vectors(self) -> FrameEncoder:
        """A new encoder of frames by DINO's class token, as VBench preprocesses them."""
        from .vision import FrameEncoder, dino_embed, dino_input, with_dino_positions

        model = self._once(DINO, lambda folder: with_dino_positions(
            _library_model("ViTModel", folder, add_pooling_layer=False)))
        return FrameEncoder("dino", dino_input, lambda batch: dino_embed(model, batch), self.device)

    def clip_vectors(self, model_id: str, shared: dict[str, object]) -> FrameEncoder:
        """The encoder of frames by a CLIP; the same one for all metrics of a video, which hold `shared` together."""
        from .vision import FrameEncoder, clip_embed, clip_input

        model = self._once(model_id, lambda folder: _library_model("CLIPVisionModelWithProjection", folder))
        name = f"{model_id} vectors"
        if name not in shared:
            shared[name] = FrameEncoder("clip", clip_input, lambda batch: clip_embed(model, batch), self.device)
        return shared[name]  # type: ignore[return-value]

    def clip_text(self, model_id: str, texts: list[str]) -> Any:
        """Unit vectors of texts by a CLIP's text half: numpy float32 [texts, width].

        Raises `ModelMissingError` where the tokenizer's files are not beside the weights.
        """
        from .vision import text_vectors

        folder = self.folder(model_id)
        if not any(all((folder / name).is_file() for name in names) for names in TOKENIZER_FILES):
            raise ModelMissingError(f"{by_id(model_id).label} has no tokenizer in {folder}.",
                                    fix="Install the model again.")
        model = self._once(model_id, lambda folder: _library_model("CLIPTextModelWithProjection", folder), part="text")
        if f"{model_id} tokenizer" not in self._loaded:
            from transformers import CLIPTokenizer

            self._loaded[f"{model_id} tokenizer"] = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
        return text_vectors(model, self._loaded[f"{model_id} tokenizer"], texts, self.device)

    def aesthetic_head(self) -> Any:
        """LAION's linear layer 768 -> 1 on vectors of CLIP ViT-L/14."""
        from .vision import linear_head

        return self._once(AESTHETIC_HEAD, lambda folder: linear_head(folder / by_id(AESTHETIC_HEAD).needs[0]))

    def raft(self) -> Any:
        """RAFT large."""
        from .raft import Raft, load_raft

        model: Raft = self._once(RAFT, lambda folder: load_raft(folder / by_id(RAFT).needs[0]))
        return model

    def release(self) -> None:
        """Forget every model and hand its memory back."""
        self._loaded.clear()
        gc.collect()

    def _once(self, model_id: str, load: Any, part: str = "vision") -> Any:
        name = f"{model_id} {part}"
        if name not in self._loaded:
            folder = self.folder(model_id)
            log.info("loading %s for quality scores from %s", by_id(model_id).label, folder)
            self._loaded[name] = load(folder).to(self.device).eval().requires_grad_(False)
        return self._loaded[name]


def _library_model(cls: str, folder: Path, **options: Any) -> Any:
    """A transformers model in fp32 from safetensors. Raises `WeightsFileError` where a weight is missing or misfits."""
    import torch
    import transformers

    try:
        with _quiet_library():
            model, info = getattr(transformers, cls).from_pretrained(
                str(folder), use_safetensors=True, local_files_only=True, dtype=torch.float32,
                output_loading_info=True, **options)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise WeightsFileError(f"The weights in {folder} do not fit {cls}: {error}.",
                               fix="Install the model again.") from error
    lost = sorted(info["missing_keys"]) + [str(key) for key in info.get("mismatched_keys", ())]
    if lost:
        raise WeightsFileError(f"{len(lost)} weights of {cls} are not in {folder}, {lost[0]} among them.",
                               fix="Install the model again.")
    return model


@contextlib.contextmanager
def _quiet_library() -> Iterator[None]:
    """No list of the weights that a half of a model leaves over, and no bar; what is missing is checked afterwards."""
    from transformers.utils import logging as library

    level, bar = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity_error()
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(level)
        if bar:
            library.enable_progress_bar()
