"""Finding models on this machine by id, repository name or folder.

Looks into `ckpts/`, the hub cache and the starter packages; loads nothing and reaches for no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ModelMissingError, RequestError
from ..paths import Paths
from ..sizes import file_size
from .catalog import CATALOG, by_repo, default_spec
from .hub_cache import cache_root_of, cached_folder, is_repo_name
from .presence import complete, starter_folder
from .spec import Family, ModelSpec, Task
from .user_models import ModelFolderError, is_model_folder, spec_of_folder, spec_of_repo, user_models


@dataclass(frozen=True)
class Found:
    """A model and the folder that holds it; `folder` None: it is known, but not installed.

    `problem` says why the folder cannot be used; only `find_to_mend` returns such.
    """

    spec: ModelSpec
    folder: Path | None
    problem: str = ""


def find(name: str | None, paths: Paths, *, task: Task | None = None, cache_root: str = "") -> Found:
    """The model that `name` means: an id, a hub repository "org/name", or a diffusers folder.

    None takes the best installed video model, or the best one for `task`; with nothing installed, the one that is
    recommended. Raises `RequestError` for a name that means nothing, `ModelFolderError` for a folder that cannot be
    used.
    """
    if not name or not name.strip():
        return _best(paths, task, cache_root)
    name = name.strip()
    spec = known_spec(name, paths)
    if spec is not None:
        return Found(spec, folder_of(spec, paths, cache_root=cache_root))
    folder = _as_folder(name, paths)
    if folder is not None:
        known = next((s for s in CATALOG if s.folder and folder.resolve() == (paths.ckpts / s.folder).resolve()), None)
        return Found(known or spec_of_folder(folder), folder)
    if is_repo_name(name):
        snapshot = cached_folder(name, cache_root_of(paths, cache_root))
        if snapshot is not None:
            return Found(spec_of_folder(snapshot, model_id=name, repo=name), snapshot)
        guess = spec_of_repo(name)
        if guess is not None:
            return Found(guess, None)
    raise _unknown(name, paths, cache_root)


def find_to_mend(name: str, paths: Paths, *, cache_root: str = "") -> Found:
    """As `find`, and also a folder that cannot be used: it can still be checked and removed.

    Raises `RequestError` for a name that means nothing.
    """
    try:
        return find(name, paths, cache_root=cache_root)
    except ModelFolderError as error:
        name = name.strip()
        folder = _as_folder(name, paths)
        repo = "" if folder is not None else name
        folder = folder or cached_folder(name, cache_root_of(paths, cache_root))
        assert folder is not None, "something was found that cannot be used"
        spec = ModelSpec(id=name, label=name.rpartition("/")[2], family=Family.UNKNOWN, tasks=(),
                         used_for="A damaged model folder.", repo=repo, path=folder)
        return Found(spec, folder, str(error))


def known_spec(name: str, paths: Paths) -> ModelSpec | None:
    """The model of the catalog or of `ckpts/*.json` with this id or repository, in any case; None if none has."""
    own = user_models(paths).specs
    for spec in (*CATALOG, *own):
        if spec.id.lower() == name.lower():
            return spec
    return by_repo(name) or next((spec for spec in own if spec.repo and spec.repo.lower() == name.lower()), None)


def repos_to_keep(model: str, paths: Paths) -> frozenset[str]:
    """Repositories that a clean-up of the hub cache leaves alone: the chosen model and the sentence embedder."""
    spec = known_spec(model, paths) if model else None
    embedders = [s.repo for s in CATALOG if s.can(Task.EMBED)]
    return frozenset(name for name in (model, spec.repo if spec else "", *embedders) if is_repo_name(name))


def installed(paths: Paths, cache_root: str = "") -> tuple[Found, ...]:
    """Every diffusion model that is on this machine: the catalog's in its order, then the user's."""
    known = [Found(spec, folder_of(spec, paths, cache_root=cache_root)) for spec in CATALOG if spec.is_diffusion]
    own = [Found(spec, folder_of(spec, paths, cache_root=cache_root)) for spec in user_models(paths).specs]
    found = [f for f in (*known, *own) if f.folder is not None and f.spec.is_diffusion]
    seen = {f.folder.resolve() for f in found if f.folder}
    for folder in local_folders(paths):
        if folder.resolve() not in seen:
            try:
                found.append(Found(spec_of_folder(folder), folder))
            except ModelFolderError:
                continue  # the inventory shows it, with the reason
    return tuple(found)


def folder_of(spec: ModelSpec, paths: Paths, *, cache_root: str = "") -> Path | None:
    """Where this model is on this machine: its own path, `ckpts/`, the hub cache, or its starter package."""
    if spec.path is not None:
        return spec.path if complete(spec, spec.path) else None
    if spec.folder and complete(spec, paths.ckpts / spec.folder):
        return paths.ckpts / spec.folder
    if spec.repo and is_repo_name(spec.repo) and spec.is_diffusion:
        snapshot = cached_folder(spec.repo, cache_root_of(paths, cache_root))
        if snapshot is not None and complete(spec, snapshot):
            return snapshot
    return starter_folder(spec)


def local_folders(paths: Paths) -> Iterator[Path]:
    """Diffusers folders below `ckpts/`, at the first or second level."""
    if not paths.ckpts.is_dir():
        return
    for entry in sorted(paths.ckpts.iterdir()):
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        if is_model_folder(entry):
            yield entry
        else:
            yield from (inner for inner in sorted(entry.iterdir())
                        if not inner.name.startswith(".") and inner.is_dir() and is_model_folder(inner))


def missing_error(spec: ModelSpec, paths: Paths, cache_root: str = "") -> ModelMissingError:
    """What to say where the model is not installed: its size, its place, how to get it, and what could be used."""
    size = f" ({file_size(spec.size_bytes)})" if spec.size_bytes else ""
    place = spec.path or (paths.ckpts / spec.folder if spec.folder else cache_root_of(paths, cache_root))
    if spec.repo or spec.shipped:
        fix = f"Install it: ./run.sh -m wgp_core models install {spec.id}"
    else:
        fix = f"Put {', '.join(spec.needs)} into {place}"
    others = [f.spec.id for f in installed(paths, cache_root) if set(f.spec.tasks) & set(spec.tasks)]
    instead = f" Installed and usable instead: {', '.join(others)}." if others else ""
    if not others and spec.is_diffusion:
        instead = " The local engine draws without any model."
    return ModelMissingError(f"{spec.label}{size} is not installed: {place} does not hold it.", fix=f"{fix}.{instead}")


def _best(paths: Paths, task: Task | None, cache_root: str) -> Found:
    wanted = (task,) if task else (Task.T2V, Task.I2V)
    found = sorted(installed(paths, cache_root), key=lambda f: f.spec.shipped)
    for each in wanted:
        best = next((f for f in found if f.spec.can(each)), None)
        if best:
            return best
    spec = default_spec() if task is None else next((s for s in CATALOG if s.can(task)), default_spec())
    return Found(spec, folder_of(spec, paths, cache_root=cache_root))


def _as_folder(name: str, paths: Paths) -> Path | None:
    given = Path(name).expanduser()
    places = (given,) if given.is_absolute() else (paths.ckpts / given, paths.root / given, Path.cwd() / given)
    return next((place for place in places if is_model_folder(place)), None)


def _unknown(name: str, paths: Paths, cache_root: str) -> RequestError:
    broken = next((p for p in user_models(paths).problems if p.startswith(f"{name}.json")), "")
    if broken:
        return RequestError(f"The model {name!r} cannot be used: {broken}", field="model")
    here = [f.spec.id for f in installed(paths, cache_root)]
    have = f"Installed: {', '.join(here)}." if here else "No diffusion model is installed."
    return RequestError(f"There is no model {name!r}: it is neither a known id, a folder in diffusers layout, nor a "
                        "repository in the hub cache.", field="model",
                        fix=f"{have} Known: {', '.join(s.id for s in CATALOG if s.is_diffusion)}. "
                            "./run.sh -m wgp_core models install ORG/NAME fetches another.")


def as_local(found: Found) -> ModelSpec:
    """The spec with the parts that are really in the folder, for memory estimates of what lies on this disk."""
    if found.folder is None or not found.spec.is_diffusion or not is_model_folder(found.folder):
        return found.spec
    own = spec_of_folder(found.folder)
    return replace(found.spec, parts=own.parts or found.spec.parts)
