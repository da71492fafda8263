"""GGUF files, through what the libraries read: diffusers keeps them quantized, transformers unpacks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import EngineError, ModelMissingError
from .aligned import WeightsFileError
from .build import is_diffusers
from .options import Precision
from .precision import torch_dtype


def load_gguf(path: Path, cls: type, precision: Precision, device: str) -> Any:
    """The model in a GGUF file. diffusers' classes need the component's `config.json` beside it.

    Raises `EngineError` where the class has no reader, `ModelMissingError` without `config.json`, `WeightsFileError`
    where the file cannot be read.
    """
    known: Any = cls
    dtype = torch_dtype(precision)
    if is_diffusers(cls):
        from diffusers import GGUFQuantizationConfig

        if not hasattr(known, "from_single_file"):
            raise EngineError(f"diffusers reads no GGUF files for {cls.__name__}.", fix="Use safetensors weights.")
        if not (path.parent / "config.json").is_file():
            raise ModelMissingError(f"{path.parent / 'config.json'} is missing; a GGUF file needs it beside it.",
                                    fix="Copy the config.json of the model's component there.")
        try:
            model = known.from_single_file(str(path), config=str(path.parent), torch_dtype=dtype,
                                           quantization_config=GGUFQuantizationConfig(compute_dtype=dtype),
                                           local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            raise WeightsFileError(f"{path} cannot be read as {cls.__name__}: {error}.",
                                   fix="Use a GGUF file of this very model.") from error
    else:
        try:
            model = known.from_pretrained(str(path.parent), gguf_file=path.name, dtype=dtype, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            raise WeightsFileError(f"{path} cannot be read as {cls.__name__}: {error}.",
                                   fix="Use a GGUF file of this model that transformers reads.") from error
    return model.eval().requires_grad_(False).to(device)
