"""Whether a model's files are there: a look at names and small JSON files, nothing is loaded."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from .spec import ModelSpec


def complete(spec: ModelSpec, folder: Path) -> bool:
    """Whether this folder holds the whole model: what it needs, each component's weights, each shard."""
    if not folder.is_dir():
        return False
    if spec.starter_file and (folder / Path(spec.starter_file).name).is_file():
        return True
    if not all((folder / need).is_file() for need in spec.needs):
        return False
    if not _has_shards(folder):
        return False
    return all(_has_weights(folder / part.name) for part in spec.parts if part.name)


def package_folder(package: str) -> Path | None:
    """The folder of an installed Python package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def starter_folder(spec: ModelSpec) -> Path | None:
    """Where the installed starter package carries this model; None where there is none."""
    root = package_folder(spec.starter) if spec.starter else None
    if root is None or not (root / spec.starter_file).is_file():
        return None
    return (root / spec.starter_file).parent


def _has_weights(component: Path) -> bool:
    """Quantized copies stand in for the hub's own shards."""
    if any(component.glob("*_quanto_*.safetensors")):
        return True
    return any(component.glob("*.safetensors")) and _has_shards(component)


def _has_shards(folder: Path) -> bool:
    for index in folder.glob("*.safetensors.index.json"):
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        if not all((folder / str(name)).is_file() for name in names):
            return False
    return True
