"""What a start image shows, in words, by Florence-2 through transformers' own class; no code of the repository is run.

The model is loaded, asked and freed again. It stays on the CPU: with 0.23 billion parameters it is small.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..engines.base import MemoryPlan, RuntimeOptions
from ..errors import EngineError, EngineMemoryError
from ..events import CancelToken
from ..media.images import load_image
from ..models.build import class_of
from ..models.choose import load_options
from ..models.locate import find
from ..models.manager import as_memory_error, free_memory
from ..models.quantized import load_component
from ..models.spec import ModelSpec, Task
from ..models.weight_files import read_config
from ..paths import Paths
from .llm.stopping import stop_on

TASK = "<DETAILED_CAPTION>"
MAX_NEW_TOKENS = 96
_OPENING = re.compile(r"\A(?:in )?(?:this|the) (?:image|picture|photo)"
                      r"(?: shows| is of| depicts|,? (?:we|i) can see|,? there (?:is|are))(?: that)?[,:]?\s+",
                      re.IGNORECASE)


def caption_image(image: Path, paths: Paths, runtime: RuntimeOptions, *,
                  cancel: CancelToken | None = None) -> str | None:
    """One or two sentences on the picture; None where no caption model is installed.

    Raises `MediaError` for a picture that cannot be read, `EngineMemoryError`, `EngineError` or `Cancelled`.
    """
    found = find(None, paths, task=Task.CAPTION)
    if found.folder is None:
        return None
    cancel = cancel or CancelToken()
    cancel.raise_if_cancelled()
    picture = load_image(image)
    try:
        with as_memory_error():
            return _ask(found.folder, found.spec, picture, runtime, cancel)
    except EngineMemoryError as error:
        raise EngineMemoryError(f"{found.spec.label}: {error.message}", fix="Free memory and try again.") from error
    except (RuntimeError, ValueError, OSError, ImportError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{found.spec.label} failed: {error}.", fix="Install it again.") from error
    finally:
        free_memory()


def _ask(folder: Path, spec: ModelSpec, picture: Any, runtime: RuntimeOptions, cancel: CancelToken) -> str:
    import torch

    options = load_options(replace(runtime, device="cpu"), MemoryPlan(), None, spec)
    model = load_component(folder, class_of(read_config(folder)), options, quantize=False, cancel=cancel)
    processor = _processor(folder)
    inputs = processor(images=picture, text=TASK, return_tensors="pt")
    with torch.inference_mode():
        made = model.generate(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"],
                              pixel_values=inputs["pixel_values"].to(model.dtype), max_new_tokens=MAX_NEW_TOKENS,
                              num_beams=1, do_sample=False, stopping_criteria=stop_on(cancel))
    cancel.raise_if_cancelled()
    return tidy(processor.tokenizer.decode(made[0].tolist(), skip_special_tokens=True))


def _processor(folder: Path) -> Any:
    """The model's own processor, with the picture part that needs no torchvision."""
    from transformers import AutoTokenizer, Florence2Processor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    pictures = CLIPImageProcessorPil.from_pretrained(str(folder), local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    return Florence2Processor(image_processor=pictures, tokenizer=tokenizer)


def tidy(caption: str) -> str:
    """A caption without "The image shows", on one line, with its last whole sentence as the end."""
    text = _OPENING.sub("", " ".join(caption.split()), count=1)
    end = max(text.rfind(mark) for mark in ".!?")
    if 0 < end < len(text) - 1:
        text = text[:end + 1]
    return text[:1].upper() + text[1:]
