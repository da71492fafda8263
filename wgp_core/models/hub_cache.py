"""Models fetched by repository name: the cache folder, and giving its disk space back.

Layout as huggingface_hub reads it: `models--ORG--NAME/snapshots/COMMIT/`, the commit in `refs/main`. Only repositories
that this program fetched (they carry `MARK`) are ever removed, so a cache that is shared with other programs keeps
theirs. Nothing outside the root is touched, links are not followed, and a repository in use is left alone: users hold a
shared lock on a file of `.leases/`, which the system releases when their process dies.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import RequestError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..paths import Paths
from .catalog.layout import DIFFUSERS_FILES
from .download import has_bad_files, remove_tree, tree_size, write_record
from .hub import DownloadError, HubAccess, Watch, fetch, list_files
from .locking import LockTaken, file_lock

log = logging.getLogger(__name__)

MARK = ".wgp-fetched"
_PREFIX = "models--"
_REPO = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*", re.ASCII)


@dataclass(frozen=True)
class CachedRepo:
    """One repository in the cache. `keep` says why it stays; empty: it is (or would be) removed."""

    repo: str
    folder: Path
    size_bytes: int
    keep: str = ""


@dataclass(frozen=True)
class CachePlan:
    """What a clean-up removes and keeps; `done` is false for a dry run."""

    root: Path
    items: tuple[CachedRepo, ...]
    done: bool

    @property
    def removed(self) -> tuple[CachedRepo, ...]:
        return tuple(item for item in self.items if not item.keep)

    @property
    def freed_bytes(self) -> int:
        return sum(item.size_bytes for item in self.removed)


def cache_root_of(paths: Paths, setting: str = "") -> Path:
    """The cache's folder: the setting (`T2V_CACHE_ROOT`), else `data/hub`."""
    return Path(setting).expanduser().resolve() if setting.strip() else paths.data / "hub"


def is_repo_name(name: str) -> bool:
    """Whether it reads like "org/name"; the hub allows neither ".." nor "--" in it."""
    return _REPO.fullmatch(name) is not None and ".." not in name and "--" not in name


def repo_folder(repo: str, root: Path) -> Path:
    """The repository's folder in the cache. Raises `RequestError` for what is not "org/name"."""
    if not is_repo_name(repo):
        raise RequestError(f"{repo!r} is not a hub repository.", field="model", fix='Write it as "org/name".')
    return root / (_PREFIX + repo.replace("/", "--"))


def cached_folder(repo: str, root: Path) -> Path | None:
    """The snapshot of `refs/main`, whoever fetched it; None where it is not in the cache."""
    folder = repo_folder(repo, root)
    try:
        commit = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    snapshot = folder / "snapshots" / commit
    return snapshot if re.fullmatch(r"[0-9a-f]{7,64}", commit) and snapshot.is_dir() else None


def fetch_repo(repo: str, root: Path, *, revision: str = "main", patterns: tuple[str, ...] = DIFFUSERS_FILES,
               on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None,
               token: str | None = None, endpoint: str | None = None) -> Path:
    """Fetch a repository into the cache and return its snapshot folder. One that is there needs no network.

    Raises `DownloadError`, or `Cancelled`: the next call continues.
    """
    folder = repo_folder(repo, root)
    known = cached_folder(repo, root)
    if known is not None and revision == "main" and not has_bad_files(known):
        return known
    access = HubAccess(token, endpoint)
    try:
        with lease(repo, root), file_lock(root / ".leases" / f"{folder.name}.fetch.lock"):
            on_progress(Progress(Stage.LOAD, message=f"Asking the hub for {repo}"))
            listing = list_files(repo, revision, patterns, access)
            snapshot = folder / "snapshots" / listing.commit
            if not snapshot.is_dir() or has_bad_files(snapshot):
                (folder / "snapshots").mkdir(parents=True, exist_ok=True)
                (folder / MARK).touch()
                part = folder / "snapshots" / f".partial-{listing.commit}"
                if snapshot.is_dir() and not part.exists():
                    snapshot.rename(part)
                part.mkdir(exist_ok=True)
                hashes = fetch(listing, part, Watch(repo, on_progress, cancel or CancelToken()), access)
                write_record(part, repo, listing.commit, hashes)
                part.rename(snapshot)
            ref = folder / "refs" / revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(listing.commit, encoding="utf-8")
    except LockTaken:
        raise DownloadError(f"{repo} is being fetched or removed by another process.",
                            fix="Wait until it ends.") from None
    return snapshot


@contextmanager
def lease(repo: str, root: Path) -> Iterator[None]:
    """Hold a repository of the cache: while one does, no process removes it. Raises `DownloadError`."""
    try:
        with file_lock(_lease_file(repo_folder(repo, root)), shared=True):
            yield
    except LockTaken:
        raise DownloadError(f"{repo} is being removed from the hub cache just now.", fix="Try again.") from None


@contextmanager
def lease_folder(folder: Path, root: Path) -> Iterator[None]:
    """`lease` for a model's folder; does nothing for one that is not in the cache."""
    inside = folder.is_relative_to(root) and folder.relative_to(root).parts
    repo = inside[0].removeprefix(_PREFIX).replace("--", "/", 1) if inside and inside[0].startswith(_PREFIX) else ""
    if repo and is_repo_name(repo):
        with lease(repo, root):
            yield
    else:
        yield


def prune(root: Path, keep: Collection[str] = (), *, dry_run: bool = False) -> CachePlan:
    """Remove what this program fetched and does not use now; `keep` holds repositories that stay (the active ones)."""
    kept = {name.lower() for name in keep}
    return _clean(root, kept, dry_run=dry_run)


def purge(root: Path, *, dry_run: bool = False) -> CachePlan:
    """Remove everything that this program fetched into the cache, except what a process is using."""
    return _clean(root, set(), dry_run=dry_run)


def forget(repo: str, root: Path) -> int:
    """Remove one repository that this program fetched; returns the bytes freed. Raises `RequestError`."""
    folder = repo_folder(repo, root)
    if not folder.is_dir() or folder.is_symlink() or not (folder / MARK).is_file():
        raise RequestError(f"{repo} was not fetched into {root} by this program.", field="model",
                           fix="See what is here: ./run.sh -m wgp_core models")
    item = CachedRepo(repo, folder, tree_size(folder))
    why = _remove(item, dry_run=False)
    if why:
        raise RequestError(f"{repo} stays: {why}.", field="model", fix="Close what uses it and try again.")
    return item.size_bytes


def cached_repos(root: Path) -> tuple[CachedRepo, ...]:
    """Every repository in the cache, with its size."""
    if not root.is_dir():
        return ()
    return tuple(CachedRepo(entry.name.removeprefix(_PREFIX).replace("--", "/", 1), entry, tree_size(entry))
                 for entry in sorted(root.iterdir())
                 if entry.name.startswith(_PREFIX) and entry.is_dir() and not entry.is_symlink())


def _clean(root: Path, kept: set[str], *, dry_run: bool) -> CachePlan:
    items = []
    for item in cached_repos(root):
        why = ""
        if not (item.folder / MARK).is_file():
            why = "fetched by another program"
        elif item.repo.lower() in kept:
            why = "the active model"
        else:
            why = _remove(item, dry_run=dry_run)
        items.append(CachedRepo(item.repo, item.folder, item.size_bytes, why))
    return CachePlan(root, tuple(items), done=not dry_run)


def _remove(item: CachedRepo, *, dry_run: bool) -> str:
    """Remove one repository under its lock; returns why it stays, or an empty text."""
    try:
        with file_lock(_lease_file(item.folder)):
            if not dry_run:
                remove_tree(item.folder)
                log.info("Removed %s from the hub cache: %.1f GB.", item.repo, item.size_bytes / 1e9)
    except LockTaken:
        return "in use"
    except OSError as error:
        log.warning("%s cannot be removed: %s", item.folder, error)
        return f"cannot be removed: {error.strerror or error}"
    return ""


def _lease_file(folder: Path) -> Path:
    return folder.parent / ".leases" / f"{folder.name}.lock"
