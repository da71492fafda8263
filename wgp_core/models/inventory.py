"""Every model that is known or found, installed or missing, as rows for people. Loads nothing.

The catalog's models come first, in its order; then the user's own entries, folders and files of `ckpts/`, and LoRAs.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..paths import Paths
from ..sizes import file_size
from .catalog import CATALOG
from .download import tree_size
from .hub_cache import cache_root_of, cached_repos
from .locate import folder_of, local_folders
from .presence import package_folder
from .spec import ModelSpec, Task
from .user_models import ModelFolderError, spec_of_folder, user_models


class ModelTask(enum.StrEnum):
    TEXT_TO_VIDEO = "text to video"
    IMAGE_TO_VIDEO = "image to video"
    TEXT_TO_IMAGE = "text to image"
    LANGUAGE = "language model"
    CAPTION = "image captions"
    EMBEDDING = "text embedding"
    QUALITY = "quality scores"
    LORA = "LoRA"
    OTHER = "other weights"

    @property
    def makes_pixels(self) -> bool:
        """Whether such a model can be chosen for a generation."""
        return self in (ModelTask.TEXT_TO_VIDEO, ModelTask.IMAGE_TO_VIDEO, ModelTask.TEXT_TO_IMAGE)


_TASKS = {Task.T2V: ModelTask.TEXT_TO_VIDEO, Task.I2V: ModelTask.IMAGE_TO_VIDEO, Task.T2I: ModelTask.TEXT_TO_IMAGE,
          Task.LLM: ModelTask.LANGUAGE, Task.CAPTION: ModelTask.CAPTION, Task.EMBED: ModelTask.EMBEDDING,
          Task.QUALITY: ModelTask.QUALITY}


@dataclass(frozen=True)
class ModelStatus:
    """One row of the Models tab. `size_bytes` is what is on disk, or what the download would take.

    `task` is what it is mainly for, `tasks` all of it. `installable` says whether `models install ID` can fetch it,
    `partial_bytes` what is here of one that is not whole: an unfinished download, or a folder that lacks files.
    """

    id: str
    label: str
    task: ModelTask
    installed: bool
    size_bytes: int
    path: Path | None
    licence: str
    used_for: str
    how_to_get: str = ""
    tasks: tuple[ModelTask, ...] = ()
    family: str = ""
    licence_note: str = ""
    repo: str = ""
    installable: bool = False
    partial_bytes: int = 0
    problem: str = ""


def all_models(paths: Paths, cache_root: str = "") -> tuple[ModelStatus, ...]:
    """Every model that is known or found, the catalog's first."""
    return (*catalog_models(paths, cache_root), *own_models(paths, cache_root), *loras(paths))


def catalog_models(paths: Paths, cache_root: str = "") -> Iterator[ModelStatus]:
    for spec in CATALOG:
        yield status_of(spec, paths, cache_root)


def starter_models(paths: Paths) -> Iterator[ModelStatus]:
    """The small models that come as Python packages."""
    for spec in CATALOG:
        if spec.starter:
            yield status_of(spec, paths)


def status_of(spec: ModelSpec, paths: Paths, cache_root: str = "") -> ModelStatus:
    """The row of one model."""
    folder = folder_of(spec, paths, cache_root=cache_root)
    tasks = tuple(_TASKS[task] for task in spec.tasks)
    place, size = folder, spec.size_bytes
    if folder is not None:
        place = _starter_file(spec, folder) or folder
        size = place.stat().st_size if place.is_file() else tree_size(place.resolve())
    begun = (paths.ckpts / f".installing-{spec.folder}", paths.ckpts / spec.folder) if spec.folder else ()
    partial = sum(tree_size(place) for place in begun if place.is_dir()) if folder is None else 0
    return ModelStatus(
        id=spec.id, label=spec.label, task=tasks[0], installed=folder is not None, size_bytes=size, path=place,
        licence=spec.licence, used_for=spec.used_for, how_to_get="" if folder else _how_to_get(spec, paths, partial),
        tasks=tasks, family=spec.family.value, licence_note=spec.licence_note, repo=spec.repo,
        installable=spec.installable, partial_bytes=partial)


def own_models(paths: Paths, cache_root: str = "") -> Iterator[ModelStatus]:
    """What the user described in `ckpts/*.json`, put into `ckpts/`, or fetched by repository name."""
    own = user_models(paths)
    for spec in own.specs:
        yield status_of(spec, paths, cache_root)
    for problem in own.problems:
        name = problem.partition(".json")[0].rpartition("/")[2].strip()
        yield ModelStatus(id=name, label=f"{name}.json", task=ModelTask.OTHER, installed=False, size_bytes=0,
                          path=paths.ckpts / f"{name}.json", licence="", used_for="A model entry that cannot be used.",
                          how_to_get=problem, tasks=(ModelTask.OTHER,), problem=problem)
    named = {spec.folder for spec in (*CATALOG, *own.specs)}
    found = list(local_folders(paths))
    for folder in found:
        if str(folder.relative_to(paths.ckpts)) not in named:
            yield _folder_status(folder, folder.relative_to(paths.ckpts).as_posix())
    parents = {folder.parent for folder in found} | set(found)
    for entry in sorted(paths.ckpts.iterdir()) if paths.ckpts.is_dir() else ():
        if entry.name.startswith((".", "README")) or entry.name in named or entry in parents or entry.suffix == ".json":
            continue
        yield ModelStatus(id=entry.name, label=entry.name, task=ModelTask.OTHER, installed=True,
                          size_bytes=_size(entry), path=entry, licence="",
                          used_for="Not recognised as a model folder.", tasks=(ModelTask.OTHER,))
    yield from _cached_models(paths, cache_root, {spec.repo for spec in (*CATALOG, *own.specs)})


def loras(paths: Paths) -> Iterator[ModelStatus]:
    for file in sorted(paths.loras.rglob("*.safetensors")) if paths.loras.is_dir() else ():
        yield ModelStatus(id=str(file.relative_to(paths.loras)), label=file.stem, task=ModelTask.LORA, installed=True,
                          size_bytes=file.stat().st_size, path=file, licence="", used_for="A style or character.",
                          tasks=(ModelTask.LORA,))


def _cached_models(paths: Paths, cache_root: str, known: set[str]) -> Iterator[ModelStatus]:
    from .hub_cache import cached_folder

    root = cache_root_of(paths, cache_root)
    for item in cached_repos(root):
        snapshot = cached_folder(item.repo, root) if item.repo not in known else None
        if snapshot is not None:
            yield _folder_status(snapshot, item.repo)


def _folder_status(folder: Path, name: str) -> ModelStatus:
    """A diffusers folder; one that no engine runs is listed with the reason."""
    try:
        spec = spec_of_folder(folder, model_id=name)
    except ModelFolderError as error:
        return ModelStatus(id=name, label=name, task=ModelTask.OTHER, installed=True, size_bytes=_size(folder),
                           path=folder, licence="", used_for=error.message, how_to_get=error.fix,
                           tasks=(ModelTask.OTHER,), problem=str(error))
    tasks = tuple(_TASKS[task] for task in spec.tasks)
    return ModelStatus(id=name, label=spec.label, task=tasks[0], installed=True, size_bytes=_size(folder), path=folder,
                       licence="", used_for=spec.used_for, tasks=tasks, family=spec.family.value)


def _starter_file(spec: ModelSpec, folder: Path) -> Path | None:
    """The one file that a starter model consists of, where it is what was found."""
    if not spec.starter_file:
        return None
    file = folder / Path(spec.starter_file).name
    return file if file.is_file() else None


def _how_to_get(spec: ModelSpec, paths: Paths, partial: int) -> str:
    if spec.starter:
        return (f"Run ./run.sh once with a network, or copy {Path(spec.starter_file).name} into "
                f"{paths.ckpts / spec.folder}.")
    if not spec.installable and not spec.repo:
        return f"Put {', '.join(spec.needs)} into {spec.path or paths.ckpts / spec.folder}."
    if spec.path is not None and spec.repo:
        return f"Copy {spec.repo} to {spec.path}."
    begun = f" {file_size(partial)} are here already." if partial else ""
    return f"./run.sh -m wgp_core models install {spec.id}{begun}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else tree_size(path.resolve())


__all__ = ["ModelStatus", "ModelTask", "all_models", "package_folder", "starter_models", "status_of"]
