"""Installing, checking and removing models below `ckpts/`.

Invariant: a model's folder under its own name is whole. Files are fetched into `.installing-NAME` beside it and the
folder is renamed at the end, so that a download that was cut off is never mistaken for a model. `RECORD` keeps the
hashes, for checks without a network. Nothing outside `ckpts/` is ever removed, and links are never followed to do it.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import RequestError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..paths import PROGRAM_ROOT, Paths
from .hub import DownloadError, HubAccess, Watch, fetch, list_files, sha256_of
from .locking import LockTaken, file_lock
from .presence import complete
from .spec import ModelSpec
from .user_models import ModelFolderError, safetensors_header

log = logging.getLogger(__name__)

RECORD = ".wgp-files.json"
_STAGING = ".installing-"
_DOOMED = ".deleted-"


@dataclass(frozen=True)
class VerifyReport:
    """What a check found. `recorded` is false for a folder copied by hand: only its files' structure is checked."""

    folder: Path
    files: int
    size_bytes: int
    problems: tuple[str, ...]
    recorded: bool

    @property
    def ok(self) -> bool:
        return not self.problems


def install(spec: ModelSpec, paths: Paths, *, on_progress: ProgressCallback = ignore_progress,
            cancel: CancelToken | None = None, token: str | None = None, endpoint: str | None = None) -> Path:
    """Fetch the model into `ckpts/` and return its folder; an installed one is returned at once.

    Raises `DownloadError`, or `Cancelled`: what was fetched stays, and the next call continues.
    """
    folder = install_folder(spec, paths)
    if complete(spec, folder) and not has_bad_files(folder):
        return folder
    if spec.shipped:
        return _copy_shipped(spec, paths, folder)
    if not spec.repo:
        raise DownloadError(f"{spec.label} cannot be fetched: it is not on the hub as safetensors.",
                            fix=f"Put {', '.join(spec.needs)} into {folder}.")
    staging = folder.with_name(_STAGING + folder.name)
    try:
        with file_lock(paths.data / "locks" / f"install-{folder.name}.lock"):
            watch = Watch(spec.label, on_progress, cancel or CancelToken())
            on_progress(Progress(Stage.LOAD, message=f"Asking the hub for {spec.repo}"))
            listing = list_files(spec.repo, spec.revision, spec.files, HubAccess(token, endpoint))
            _check_listing(spec, [file.path for file in listing.files])
            _stage(folder, staging)
            hashes = fetch(listing, staging, watch, HubAccess(token, endpoint), inner=_inner(spec))
            write_record(staging, spec.repo, listing.commit, hashes)
            _finish(spec, staging, folder)
    except LockTaken:
        raise DownloadError(f"{spec.label} is being installed by another process.", fix="Wait until it ends.") from None
    return folder


def _copy_shipped(spec: ModelSpec, paths: Paths, folder: Path) -> Path:
    """The model out of the program's own `ckpts/`, for a workshop that lies elsewhere."""
    source = PROGRAM_ROOT / "ckpts" / spec.folder
    if source == folder or not complete(spec, source):
        raise DownloadError(f"{spec.label} comes with the program, and its files are not in {source}.",
                            fix=f"Bring that folder back: git checkout -- ckpts/{spec.folder}.")
    staging = folder.with_name(_STAGING + folder.name)
    try:
        with file_lock(paths.data / "locks" / f"install-{folder.name}.lock"):
            shutil.rmtree(staging, ignore_errors=True)
            shutil.copytree(source, staging, ignore=shutil.ignore_patterns("*_quanto_*", ".*"))
            _finish(spec, staging, folder)
    except LockTaken:
        raise DownloadError(f"{spec.label} is being installed by another process.", fix="Wait until it ends.") from None
    except OSError as error:
        raise DownloadError(f"{spec.label} cannot be copied into {folder}: {error.strerror or error}.",
                            fix="Make room there, or correct its permissions.") from error
    return folder


def verify(spec: ModelSpec, folder: Path, *, on_progress: ProgressCallback = ignore_progress,
           cancel: CancelToken | None = None) -> VerifyReport:
    """Read every file and compare it with the hashes of its download; needs no network. Raises `Cancelled`.

    Damaged files are noted in the record, so that the next `install` fetches them again.
    """
    cancel = cancel or CancelToken()
    record = read_record(folder)
    files = record.files if record else {str(p.relative_to(folder)): "" for p in sorted(folder.rglob("*.safetensors"))
                                         if ".cache" not in p.parts}
    total = sum((folder / name).stat().st_size for name in files if (folder / name).is_file())
    bad, done = {}, 0
    for name, wanted in files.items():
        path = folder / name

        def tick(count: int, name: str = name, base: int = done) -> None:
            cancel.raise_if_cancelled()
            on_progress(Progress(Stage.LOAD, base + count, total, f"Checking {spec.label}: {name}"))

        cancel.raise_if_cancelled()
        if not path.is_file():
            bad[name] = "is missing"
            continue
        if wanted and sha256_of(path, tick) != wanted:
            bad[name] = "is damaged: its hash is not the hub's"
        elif not wanted:
            try:
                safetensors_header(path)
            except ModelFolderError as error:
                bad[name] = f"is damaged: {error.message}"
        done += path.stat().st_size
    if record:
        write_record(folder, record.repo, record.commit, record.files, bad=tuple(bad))
    gaps = () if complete(spec, folder) else (f"{folder} lacks files that {spec.label} needs.",)
    return VerifyReport(folder, len(files), total, (*(f"{name} {what}." for name, what in bad.items()), *gaps),
                        record is not None)


def delete(spec: ModelSpec, paths: Paths) -> int:
    """Remove the model from `ckpts/` with its unfinished download; returns the bytes that became free.

    The folder is renamed first, so that it is gone at once and whole. Of a folder that is a link only the link goes.
    Raises `RequestError` where the model is not one of `ckpts/`.
    """
    folder = install_folder(spec, paths)
    targets = [p for p in (folder, folder.with_name(_STAGING + folder.name)) if p.exists() or p.is_symlink()]
    if not targets:
        raise RequestError(f"{spec.label} is not in {paths.ckpts}.", field="model",
                           fix="Models that came as Python packages are removed with pip."
                               if spec.starter else "There is nothing to remove.")
    freed = sum(remove_tree(target) for target in targets)
    return freed


def remove_tree(target: Path) -> int:
    """Rename, then remove; a link is only unlinked. Returns the bytes freed."""
    if target.is_symlink():
        target.unlink()
        return 0
    if target.is_file():
        size = target.stat().st_size
        target.unlink()
        return size
    for left in target.parent.glob(f"{_DOOMED}*"):  # of a removal that was cut off
        shutil.rmtree(left, ignore_errors=True)
    doomed = target.with_name(f"{_DOOMED}{target.name}-{uuid.uuid4().hex[:8]}")
    target.rename(doomed)
    size = tree_size(doomed)
    shutil.rmtree(doomed)
    return size


def tree_size(folder: Path) -> int:
    """Bytes of the files below, links not followed."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


def install_folder(spec: ModelSpec, paths: Paths) -> Path:
    """Where the model belongs below `ckpts/`, or was put by hand. Raises `RequestError` for one that lies elsewhere."""
    by_hand = spec.path is not None and spec.path.is_relative_to(paths.ckpts)
    name = PurePosixPath(spec.path.relative_to(paths.ckpts) if by_hand and spec.path else spec.folder or "")
    inside = bool(name.parts) and not name.is_absolute() and ".." not in name.parts
    folder = paths.ckpts / name if inside else paths.ckpts
    outside = spec.path is not None and not by_hand
    if outside or not inside or not folder.parent.resolve().is_relative_to(paths.ckpts.resolve()):
        raise RequestError(f"{spec.label} has no place of its own below {paths.ckpts}"
                           + (f"; it lies at {spec.path}." if spec.path else "."), field="model",
                           fix="Only models below ckpts/ are installed and removed here.")
    return folder


# -- the record of what was fetched -----------------------------------------------------------------------------------

@dataclass(frozen=True)
class FileRecord:
    """Which commit a folder came from, and the sha256 of each file. `bad` failed the last check."""

    repo: str
    commit: str
    files: Mapping[str, str]
    bad: tuple[str, ...] = ()


def read_record(folder: Path) -> FileRecord | None:
    """The record in the folder; None where there is none or it is broken."""
    try:
        data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return FileRecord(str(data["repo"]), str(data["commit"]),
                          {str(k): str(v) for k, v in data["files"].items() if _plain(str(k))},
                          tuple(map(str, data.get("bad", ()))))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("The record %s cannot be read: %s", folder / RECORD, error)
        return None


def write_record(folder: Path, repo: str, commit: str, files: Mapping[str, str], bad: tuple[str, ...] = ()) -> None:
    """Write it beside the files, atomically."""
    part = folder / f"{RECORD}.{os.getpid()}.part"
    data = {"repo": repo, "commit": commit, "files": dict(files), "bad": list(bad)}
    part.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / RECORD)


def _plain(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts


def has_bad_files(folder: Path) -> bool:
    """Whether the last check found damage."""
    record = read_record(folder)
    return record is not None and bool(record.bad)


# -- staging ----------------------------------------------------------------------------------------------------------

def _stage(folder: Path, staging: Path) -> None:
    """Begin or continue: an incomplete or damaged folder becomes the staging folder, so that its files count."""
    if (folder.exists() or folder.is_symlink()) and not staging.exists():
        folder.rename(staging)
    staging.mkdir(parents=True, exist_ok=True)


def _inner(spec: ModelSpec) -> str:
    """The folder inside the repository that becomes the model's own (Llama3_2/* of a collection)."""
    heads = {pattern.partition("/")[0] for pattern in spec.files}
    name = PurePosixPath(spec.folder).name
    return name if heads == {name} else ""


def _check_listing(spec: ModelSpec, names: list[str]) -> None:
    """Raise `DownloadError`, before the first byte, where the repository lacks what the model needs."""
    inner = _inner(spec)
    have = {name.removeprefix(f"{inner}/" if inner else "") for name in names}
    lacking = [need for need in spec.needs if need not in have]
    lacking += [f"{part.name}/*.safetensors" for part in spec.parts if part.name and not any(
        name.startswith(f"{part.name}/") and name.endswith(".safetensors") for name in have)]
    if lacking:
        raise DownloadError(f"{spec.repo} lacks files that {spec.label} needs: {', '.join(lacking)}.",
                            fix="It may hold pickles only, which are refused. Use another model, or convert it to "
                                f"safetensors and put it into ckpts/{spec.folder}.")


def _finish(spec: ModelSpec, staging: Path, folder: Path) -> None:
    """Give the staged folder its name. Raises `DownloadError` where the repository lacked something."""
    if not complete(spec, staging):
        raise DownloadError(f"{spec.repo} was fetched, but lacks files that {spec.label} needs "
                            f"({', '.join(spec.needs)}) as safetensors.",
                            fix=f"What came is in {staging}. Add the missing files and rename the folder to "
                                f"{folder.name}, or use another model.")
    staging.rename(folder)
