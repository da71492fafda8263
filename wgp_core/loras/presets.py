"""Named sets of LoRAs, one JSON file each in `loras/presets/`, made to be shared.

A preset names files relative to `loras/` with their sha256, so that on another machine it tells which are missing and
which are not the same file. Names become safe file names; no entry can lead out of `loras/`.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import RequestError, WgpError
from ..models.spec import Family
from ..naming import slug
from ..paths import Paths
from ..request import LoraUse
from ..whole import whole_file
from .header import SUFFIX, refuse_pickle
from .library import describe, resolve
from .multipliers import parse_one

PRESET_VERSION = 1
MAX_PRESET_BYTES = 1_000_000
_CONFIG: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True)
class PresetLora:
    """One LoRA of a set. `file` is relative to `loras/`, with forward slashes; `sha256` in lower-case hex."""

    __pydantic_config__ = _CONFIG

    file: str
    sha256: str = ""
    multiplier: str = "1"
    trigger: str = ""


@dataclass(frozen=True)
class Preset:
    """A set of LoRAs for models of one family."""

    __pydantic_config__ = _CONFIG

    name: str
    loras: tuple[PresetLora, ...]
    family: Family | None = None
    note: str = ""
    version: int = PRESET_VERSION


@dataclass(frozen=True)
class LoadedPreset:
    """A preset met with the files that are here. `missing` names files that are not; `changed` those that differ."""

    preset: Preset
    uses: tuple[LoraUse, ...]
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        lines = [f"The preset {self.preset.name} needs {name}, which is not here: put it into loras/."
                 for name in self.missing]
        lines += [f"The preset {self.preset.name} was made with another file named {name}: results may differ."
                  for name in self.changed]
        return tuple(lines)


def folder(paths: Paths) -> Path:
    return paths.loras / "presets"


def file_of(name: str, paths: Paths) -> Path:
    """Where the preset `name` is kept. Raises `RequestError` for an empty name."""
    if not name.strip():
        raise RequestError("A LoRA preset needs a name.", field="loras")
    return folder(paths) / f"{slug(name, 80)}.json"


def make(name: str, uses: Sequence[LoraUse], paths: Paths, *, note: str = "") -> Preset:
    """A preset of the uses' files. Raises `RequestError` where a file is not below `loras/` or cannot be read."""
    if not uses:
        raise RequestError("A LoRA preset needs at least one LoRA.", field="loras")
    file_of(name, paths)
    loras, families = [], []
    for use in uses:
        parse_one(use.multiplier)
        path = resolve(use.path, paths)
        if not path.is_relative_to(paths.loras):
            raise RequestError(f"{path} is outside the LoRA folder, so a preset could not be shared.", field="loras",
                               fix=f"Move it into {paths.loras}/ first.")
        loras.append(PresetLora(path.relative_to(paths.loras).as_posix(), sha256_of(path), use.multiplier, use.trigger))
        families.append(describe(path, paths).family)
    known = {family for family in families if family is not None}
    if len(known) > 1:
        labels = " and ".join(sorted(family.label for family in known))
        raise RequestError(f"These LoRAs are for different models: {labels}.", field="loras",
                           fix="Make one preset for each.")
    return Preset(name.strip(), tuple(loras), next(iter(known), None), note)


def save(preset: Preset, paths: Paths, *, replace_existing: bool = False) -> Path:
    """Write the preset and return its file. Raises `RequestError` where one of that name exists, or it cannot be
    written."""
    target = file_of(preset.name, paths)
    if target.exists() and not replace_existing:
        raise RequestError(f"There is a LoRA preset named {preset.name} already ({target.name}).", field="loras",
                           fix="Choose another name, or replace it.")
    data = _adapter().dump_python(preset, mode="json")
    try:
        with whole_file(target) as part:
            part.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RequestError(f"The preset cannot be written to {target}: {error.strerror or error}.",
                           field="loras") from error
    return target


def list_names(paths: Paths) -> tuple[str, ...]:
    """Names of the presets that can be read, sorted."""
    names = []
    for path in sorted(folder(paths).glob("*.json")):
        try:
            names.append(read(path).name)
        except WgpError:
            continue
    return tuple(sorted(names, key=str.lower))


def load(name: str, paths: Paths) -> LoadedPreset:
    """The preset `name` met with the files that are here. Raises `RequestError` where there is none."""
    path = file_of(name, paths)
    if not path.is_file():
        known = ", ".join(list_names(paths))
        raise RequestError(f"There is no LoRA preset named {name}.", field="loras",
                           fix=f"There are: {known}." if known else "None is saved yet.")
    return meet(read(path), paths)


def meet(preset: Preset, paths: Paths) -> LoadedPreset:
    """Look the preset's files up below `loras/`; a file that moved to another folder is found by its name."""
    uses, missing, changed = [], [], []
    for lora in preset.loras:
        try:
            path = resolve(Path(lora.file), paths)
        except WgpError:
            try:
                path = resolve(Path(PurePosixPath(lora.file).name), paths)
            except WgpError:
                missing.append(lora.file)
                continue
        if lora.sha256 and sha256_of(path) != lora.sha256:
            changed.append(lora.file)
        uses.append(LoraUse(path, lora.multiplier, lora.trigger))
    return LoadedPreset(preset, tuple(uses), tuple(missing), tuple(changed))


def read(path: Path) -> Preset:
    """Read a preset's file, of this folder or one that was handed over.

    Raises `RequestError` where it cannot be read, has unknown keys, or an entry that leads out of `loras/`.
    """
    from pydantic import ValidationError

    try:
        if path.stat().st_size > MAX_PRESET_BYTES:
            raise RequestError(f"{path.name} is too large for a LoRA preset.", field="loras")
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data.get("version", PRESET_VERSION) if isinstance(data, dict) else PRESET_VERSION
        if isinstance(version, int) and version > PRESET_VERSION:
            raise RequestError(f"{path.name} was written by a newer version (format {version}).", field="loras",
                               fix="Update WGP Studio to use it.")
        preset: Preset = _adapter().validate_python(data)
    except OSError as error:
        raise RequestError(f"The preset {path} cannot be read: {error.strerror or error}.", field="loras") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise RequestError(f"{path.name} is not a LoRA preset: {where}: {problem['msg']}.", field="loras") from error
    except ValueError as error:
        raise RequestError(f"{path.name} is not a LoRA preset: it is not JSON.", field="loras") from error
    return replace(preset, loras=tuple(_checked(lora, path.name) for lora in preset.loras))


def delete(name: str, paths: Paths) -> None:
    """Remove the preset's file; the LoRA files stay. Raises `RequestError` where there is none."""
    try:
        file_of(name, paths).unlink()
    except FileNotFoundError as error:
        raise RequestError(f"There is no LoRA preset named {name}.", field="loras") from error


def _checked(lora: PresetLora, where: str) -> PresetLora:
    parts = PurePosixPath(lora.file.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
        raise RequestError(f"{where} names {lora.file!r}, which leads out of the LoRA folder.", field="loras",
                           fix="Presets name files below loras/ only.")
    file = "/".join(parts)
    refuse_pickle(Path(file) if Path(file).suffix else Path(file + SUFFIX))
    parse_one(lora.multiplier)
    return replace(lora, file=file)


def sha256_of(path: Path) -> str:
    """The file's sha256 in lower-case hex; a file that did not change is not read again."""
    state = path.stat()
    return _sha256(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=500)
def _sha256(path: Path, _changed_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Preset)
