"""The weight files of one component folder: hub shards, quantized files, GGUF; and what tells one set from another.

Reads only headers and samples. Knows the hub's two naming schemes (diffusers' and transformers'), no model classes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelMissingError
from .aligned import WeightsFileError, read_header
from .quanto_format import unpack_metadata

STEMS = ("diffusion_pytorch_model", "model")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")
SAMPLES, SAMPLE_BYTES = 16, 65_536


@dataclass(frozen=True)
class Shards:
    """A component's own weights: safetensors files, in order, and the file that holds each tensor."""

    files: tuple[Path, ...]
    where: Mapping[str, Path]


def find_shards(component: Path) -> Shards:
    """The hub's weights in a component folder, whole or in shards with an index.

    Raises `ModelMissingError` where there are none, `WeightsFileError` where a shard of the index is missing, leads out
    of the folder or only pickles are there.
    """
    names = [name for stem in STEMS for name in (f"{stem}.safetensors.index.json", f"{stem}.safetensors")]
    names += [f"{stem}.{variant}.safetensors{index}" for stem in STEMS for variant in ("bf16", "fp16", "fp32")
              for index in (".index.json", "")]
    names += [f"{stem}.safetensors.index.{variant}.json" for stem in STEMS for variant in ("bf16", "fp16", "fp32")]
    for name in names:
        path = component / name
        if path.is_file():
            return _from_index(path) if name.endswith(".json") else _one(path)
    pickles = sorted(p.name for p in component.glob("*") if p.suffix in PICKLES)
    if pickles:
        raise WeightsFileError(f"{component} holds its weights as pickles ({pickles[0]}), which can run any code when "
                               "they are opened.", fix="Install the model's safetensors files instead.")
    raise ModelMissingError(f"There are no weights in {component}.",
                            fix="Install the model, or put its .safetensors files there.")


def _one(path: Path) -> Shards:
    return Shards((path,), dict.fromkeys(read_header(path).entries, path))


def _from_index(path: Path) -> Shards:
    try:
        named = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        where = {str(name): path.parent / str(file) for name, file in named.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsFileError(f"The index {path} cannot be read: {error!r}.",
                               fix="Install the model again.") from error
    files = tuple(dict.fromkeys(where.values()))
    for file in files:
        if file.parent != path.parent or file.suffix != ".safetensors":
            raise WeightsFileError(f"The index {path} names {file.name}, which is not a safetensors file beside it.",
                                   fix="Install the model again.")
        if not file.is_file():
            raise ModelMissingError(f"The shard {file.name} of {path.parent} is missing.",
                                    fix="Install the model again; what is there is kept.")
    held = {file: read_header(file).entries for file in files}
    lost = next((name for name, file in where.items() if name not in held[file]), None)
    if lost is not None:
        raise WeightsFileError(f"The index {path} promises {lost} in {where[lost].name}, which does not hold it.",
                               fix="Install the model again.")
    return Shards(files, where)


def read_config(component: Path) -> dict[str, Any]:
    """The `config.json` of a folder, or that of a single file: from its metadata, else beside it."""
    if component.is_file() and component.suffix == ".safetensors":
        kept = unpack_metadata(read_header(component).metadata, "config")
        if isinstance(kept, dict):
            return kept
    path = (component if component.is_dir() else component.parent) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelMissingError(f"{path} is missing; it says how the model is built.",
                                fix="Install the model again.") from error
    except (OSError, ValueError) as error:
        raise WeightsFileError(f"{path} cannot be read: {error}.", fix="Install the model again.") from error
    if not isinstance(config, dict):
        raise WeightsFileError(f"{path} does not hold a JSON object.", fix="Install the model again.")
    return config


def quantization_map_of(path: Path) -> dict[str, dict[str, str]]:
    """quanto's map of a file: in its metadata, or beside it as NAME_map.json; empty where it is not quantized."""
    found = unpack_metadata(read_header(path).metadata, "quantization_map")
    beside = path.with_name(f"{path.stem}_map.json")
    if found is None and beside.is_file():
        try:
            found = json.loads(beside.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsFileError(f"{beside} cannot be read: {error}.", fix="Copy it again.") from error
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, dict) for value in found.values()):
        raise WeightsFileError(f"The quantization map of {path} is not a map of layers.", fix="Copy the file again.")
    return found


def foreign_quantized(component: Path) -> Path | None:
    """A quantized file that another program put into the folder: the first by name that carries a quantization map."""
    for path in sorted(component.glob("*quanto*.safetensors")):
        try:
            if quantization_map_of(path):
                return path
        except WeightsFileError:
            continue
    return None


def gguf_file(component: Path) -> Path | None:
    """The GGUF file meant by `component`: itself, or the only one in a folder."""
    if component.is_file():
        return component if component.suffix == ".gguf" else None
    found = sorted(component.glob("*.gguf"))
    return found[0] if len(found) == 1 else None


def fingerprint(path: Path, start: int = 0) -> str:
    """sha256 over 16 samples of 64 KiB, evenly spread from byte `start` to the end, and the size.

    Reads 1 MiB at most, so it can be asked on every load. It notices another training of the same model, a file that
    was cut, and blocks that never reached the disk; it does not notice one flipped bit.
    """
    size = path.stat().st_size - start
    digest = hashlib.sha256(str(size).encode())
    last = max(0, size - SAMPLE_BYTES)
    with path.open("rb") as file:
        for number in range(SAMPLES):
            file.seek(start + last * number // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
