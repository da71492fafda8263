"""The LoRA files that are here: listed, searched, and found by the names that people give. Reads headers, no weights.

Files lie in `loras/<family>/` (or directly in `loras/`). A name may be a path below `loras/`, an absolute path, a
folder, or a hub-style "owner/name" whose copy lies in `loras/` or in the hub's cache; nothing is downloaded here.
"""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import ModelMissingError, RequestError
from ..models.hub_cache import cache_root_of
from ..models.spec import DIFFUSION, Family
from ..paths import Paths
from ..request import LoraUse
from .compat import detect
from .header import PICKLES, SUFFIX, Header, read_header, refuse_pickle
from .multipliers import parse_one

log = logging.getLogger(__name__)
LONGEST_NAME = 255 - len(SUFFIX)
"""Bytes of a name without its ending."""
MAX_TRIGGERS = 5
MAX_TRIGGER_CHARS = 200


@dataclass(frozen=True)
class LoraFile:
    """One file. `name` is its path below `loras/` with forward slashes; `triggers` are words that it was trained on.

    `error` is set where the file cannot be used; the other fields are then empty.
    """

    name: str
    path: Path
    size_bytes: int
    family: Family | None
    made_for: str = ""
    triggers: tuple[str, ...] = ()
    note: str = ""
    error: str = ""


def list_files(paths: Paths) -> tuple[LoraFile, ...]:
    """Every safetensors file below `loras/`, by name. A file that cannot be read is listed with its error."""
    if not paths.loras.is_dir():
        return ()
    found = [path for path in paths.loras.rglob("*") if path.suffix.lower() == SUFFIX and path.is_file()
             and not any(part.startswith(".") for part in path.relative_to(paths.loras).parts)]
    return tuple(describe(path, paths) for path in sorted(found, key=lambda path: path.as_posix().lower()))


def describe(path: Path, paths: Paths) -> LoraFile:
    """One file's entry; unchanged files are not read again."""
    try:
        state = path.stat()
    except OSError as error:
        return LoraFile(_name(path, paths), path, 0, None, error=f"It cannot be read: {error.strerror or error}.")
    beside = path.with_suffix(".json")
    read = _describe(path, state.st_mtime_ns, state.st_size,
                     beside.stat().st_mtime_ns if beside.is_file() else 0)
    return replace(read, name=_name(path, paths), family=read.family or _folder_family(path, paths))


@functools.lru_cache(maxsize=2_000)
def _describe(path: Path, _changed_ns: int, size: int, _beside_ns: int) -> LoraFile:
    try:
        header = read_header(path)
    except RequestError as error:
        return LoraFile(path.name, path, size, None, error=str(error))
    origin = detect(header)
    own = _beside(path)
    triggers = _words(own) or _metadata_words(header)
    note = own.get("description") or own.get("note") or header.metadata.get("modelspec.description") or ""
    return LoraFile(path.name, path, size, origin.family, origin.label, triggers, str(note)[:500])


def search(files: Sequence[LoraFile], text: str = "", family: Family | None = None) -> tuple[LoraFile, ...]:
    """Files whose name, family, triggers or note contain every word of `text`; of `family`, or of no known one."""
    words = text.lower().split()

    def fits(file: LoraFile) -> bool:
        if family is not None and file.family not in (None, family):
            return False
        content = " ".join((file.name, file.made_for, *file.triggers, file.note)).lower()
        return all(word in content for word in words)

    return tuple(file for file in files if fits(file))


# -- from a name to a file -------------------------------------------------------------------------------------------

def resolve(name: Path | str, paths: Paths, *, weight_name: str = "", cache_root: str = "") -> Path:
    """The file that a name means: below `loras/`, absolute, a folder, or "owner/name" with an optional weight name.

    Raises `RequestError` for a pickle, a path that leaves `loras/`, or a name with several meanings, and
    `ModelMissingError` where there is no such file.
    """
    wanted = Path(name).expanduser()
    if max(len(os.fsencode(part.removesuffix(SUFFIX))) for part in (*wanted.parts, weight_name)) > LONGEST_NAME:
        raise RequestError(f"The LoRA's name {str(name)[:40]}… is longer than a file's name can be.", field="loras",
                           fix="Name a file below loras/.")
    if weight_name:
        if Path(weight_name).is_absolute() or ".." in Path(weight_name).parts:
            raise RequestError(f"The weight name {weight_name} leaves its folder.", field="loras",
                               fix="Give the file's name below the folder.")
        if wanted.suffix.lower() != SUFFIX:
            wanted = wanted / weight_name
    if wanted.is_relative_to(paths.loras):
        wanted = wanted.relative_to(paths.loras)
    if wanted.is_absolute():
        return _file_at(wanted, str(name)) or _raise_missing(str(wanted), paths)
    if ".." in wanted.parts:
        raise RequestError(f"The LoRA path {wanted} leaves the LoRA folder.", field="loras",
                           fix="Name a file below loras/, or give an absolute path.")
    for place in (paths.loras / wanted, *_hub_places(wanted, paths, cache_root)):
        found = _file_at(place, str(name))
        if found is not None:
            return found
    return _by_file_name(wanted, paths) or _raise_missing(str(wanted), paths)


def resolve_uses(uses: Sequence[LoraUse], paths: Paths, *, cache_root: str = "") -> tuple[LoraUse, ...]:
    """The same uses with absolute paths of files that exist, and with multipliers that can be read."""
    resolved = []
    for use in uses:
        parse_one(use.multiplier)
        resolved.append(replace(use, path=resolve(use.path, paths, cache_root=cache_root)))
    return tuple(resolved)


def uses_from_flags(lora_paths: Sequence[str], scales: Sequence[str] = (), weight_names: Sequence[str] = (),
                    triggers: Sequence[str] = ()) -> tuple[LoraUse, ...]:
    """`LoraUse`s from repeated command-line flags (`--lora-path`, `--lora-scale`, `--lora-weight-name`,
    `--lora-trigger`): none, one for all, or one for each LoRA, in order.

    Raises `RequestError` where the counts do not fit or a scale cannot be read.
    """
    if not lora_paths and (scales or weight_names or triggers):
        raise RequestError("There are LoRA flags but no --lora-path.", field="loras", fix="Name a file in --lora-path.")
    each_scale = _one_each("--lora-scale", scales, len(lora_paths), "1")
    each_weight = _one_each("--lora-weight-name", weight_names, len(lora_paths), "")
    each_trigger = _one_each("--lora-trigger", triggers, len(lora_paths), "")
    uses = []
    for path, scale, weight, trigger in zip(lora_paths, each_scale, each_weight, each_trigger, strict=True):
        parse_one(scale)
        whole = Path(path) / weight if weight and Path(path).suffix.lower() != SUFFIX else Path(path)
        uses.append(LoraUse(whole, scale, trigger))
    return tuple(uses)


def _one_each(flag: str, values: Sequence[str], count: int, default: str) -> tuple[str, ...]:
    if len(values) == count:
        return tuple(values)
    if len(values) <= 1:
        return (values[0] if values else default,) * count
    raise RequestError(f"{flag} is given {len(values)} times for {count} LoRA{'' if count == 1 else 's'}.",
                       field="loras", fix="Give it once for all, or once for each --lora-path.")


def _file_at(place: Path, asked: str) -> Path | None:
    """The LoRA file at `place`, with its ending or without, or the only one in the folder `place`."""
    if place.is_dir():
        files = sorted(path for path in place.iterdir() if path.suffix.lower() == SUFFIX)
        if len(files) == 1:
            return files[0]
        if files:
            names = ", ".join(path.name for path in files[:8]) + (", ..." if len(files) > 8 else "")
            raise RequestError(f"{asked} holds {len(files)} LoRA files.", field="loras",
                               fix=f"Name one (--lora-weight-name): {names}.")
        for path in place.iterdir():
            if path.suffix.lower() in PICKLES:
                refuse_pickle(path)
        return None
    if place.is_file():
        refuse_pickle(place)
        return place
    if place.suffix.lower() != SUFFIX:
        with_suffix = place.with_name(place.name + SUFFIX)
        if with_suffix.is_file():
            return with_suffix
    return None


def _hub_places(wanted: Path, paths: Paths, cache_root: str) -> tuple[Path, ...]:
    """Where a copy of "owner/name[/file]" can lie: `loras/name`, and the snapshots of the hub's cache, newest first."""
    if len(wanted.parts) < 2:
        return ()
    owner, name, *rest = wanted.parts
    places = [paths.loras.joinpath(name, *rest)]
    places += [paths.loras.joinpath(family.value, name, *rest) for family in sorted(DIFFUSION)]
    root = cache_root_of(paths, cache_root)
    for base in (root, root / "hub"):
        snapshots = base / f"models--{owner}--{name}" / "snapshots"
        if snapshots.is_dir():
            newest = sorted(snapshots.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
            places += [path.joinpath(*rest) for path in newest]
    return tuple(places)


def _by_file_name(wanted: Path, paths: Paths) -> Path | None:
    """A bare file name, whatever folder of `loras/` it lies in; it must be there once."""
    if len(wanted.parts) != 1 or not paths.loras.is_dir():
        return None
    name = wanted.name if wanted.suffix.lower() == SUFFIX else wanted.name + SUFFIX
    found = sorted(path for path in paths.loras.rglob("*" + SUFFIX) if path.name == name)
    if len(found) > 1:
        places = ", ".join(_name(path, paths) for path in found[:5])
        raise RequestError(f"There are {len(found)} LoRA files named {name}.", field="loras",
                           fix=f"Name one: {places}.")
    return found[0] if found else None


def _raise_missing(name: str, paths: Paths) -> Path:
    if Path(name).suffix.lower() in PICKLES:
        refuse_pickle(Path(name))
    raise ModelMissingError(f"The LoRA {name} is not here.", fix=f"Put its {SUFFIX} file into {paths.loras}/<family>/, "
                                                                 "or correct the name.")


def _name(path: Path, paths: Paths) -> str:
    return path.relative_to(paths.loras).as_posix() if path.is_relative_to(paths.loras) else path.as_posix()


def _folder_family(path: Path, paths: Paths) -> Family | None:
    if not path.is_relative_to(paths.loras):
        return None
    folder = path.relative_to(paths.loras).parts[0].lower()
    return next((family for family in sorted(DIFFUSION) if folder.startswith(family.value)), None)  # "wan2.1" is Wan


# -- trigger words ---------------------------------------------------------------------------------------------------

def _beside(path: Path) -> Mapping[str, Any]:
    """The JSON file of the same name, as model managers leave it; {} where there is none or it cannot be used."""
    beside = path.with_suffix(".json")
    try:
        data = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    except (OSError, ValueError) as error:
        log.warning("%s is left out: %s", beside, error)
        return {}
    return data if isinstance(data, dict) else {}


def _words(own: Mapping[str, Any]) -> tuple[str, ...]:
    for key in ("activation text", "trigger", "trigger_words", "trainedWords", "triggers", "trigger_phrase"):
        value = own.get(key)
        if isinstance(value, str) and value.strip():
            return (value.strip()[:MAX_TRIGGER_CHARS],)
        if isinstance(value, list):
            words = tuple(str(word).strip()[:MAX_TRIGGER_CHARS] for word in value if str(word).strip())
            if words:
                return words[:MAX_TRIGGERS]
    return ()


def _metadata_words(header: Header) -> tuple[str, ...]:
    """`modelspec.trigger_phrase`, else the words of most captions in the trainer's `ss_tag_frequency` (JSON: folder ->
    tag -> count): those in at least half as many pictures as the most frequent one."""
    phrase = header.metadata.get("modelspec.trigger_phrase", "").strip()
    if phrase:
        return (phrase[:MAX_TRIGGER_CHARS],)
    try:
        folders = json.loads(header.metadata.get("ss_tag_frequency", "{}"))
        counts: dict[str, int] = {}
        for tags in folders.values():
            for tag, count in tags.items():
                counts[tag.strip()] = counts.get(tag.strip(), 0) + int(count)
    except (ValueError, AttributeError, TypeError):
        return ()
    counts.pop("", None)
    ranked = sorted(counts, key=lambda tag: (-counts[tag], tag))
    most = counts[ranked[0]] if ranked else 0
    return tuple(tag[:MAX_TRIGGER_CHARS] for tag in ranked[:MAX_TRIGGERS] if counts[tag] * 2 >= most)
