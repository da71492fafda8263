"""Fetching files of a hub repository into a folder: resumable, checked, and with progress.

huggingface_hub names the files and carries the HTTP (authentication, `HF_ENDPOINT`, `HF_HUB_OFFLINE`, limits of rate).
Its own `hf_hub_download` drops a file that was cut off, so the partial files are kept here: `NAME.HASH.part` beside the
final name, which a file gets only once its hash is the hub's.
"""

from __future__ import annotations

import fnmatch
import hashlib
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import EngineError
from ..events import CancelToken, Progress, ProgressCallback, Stage
from ..sizes import file_size

log = logging.getLogger(__name__)

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5", ".py")
"""Endings that are never fetched: pickles, code, and weights of other frameworks."""
SPARE_BYTES = 1_000_000_000
_HASH_BLOCK = 16 * 2**20
_CHUNK = 2**20
_TRIES = 5
"""Connections in a row that bring nothing, before a download gives up."""


class DownloadError(EngineError):
    """Files could not be fetched, or are not what the hub says they are."""


@dataclass(frozen=True)
class RemoteFile:
    """A file at one commit. Large files carry `sha256`; small ones `git_sha1`, the hash of their git blob."""

    path: str
    size: int
    sha256: str = ""
    git_sha1: str = ""


@dataclass(frozen=True)
class Listing:
    """What is fetched of a repository, pinned to a commit."""

    repo: str
    commit: str
    files: tuple[RemoteFile, ...]

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class HubAccess:
    """How the hub is reached. None takes what the environment says (`HF_TOKEN`, `HF_ENDPOINT`)."""

    token: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True)
class Watch:
    """Who is told of the progress of `label`, and who may stop it."""

    label: str
    on_progress: ProgressCallback
    cancel: CancelToken


def list_files(repo: str, revision: str, patterns: Sequence[str], access: HubAccess) -> Listing:
    """Ask the hub which files match `patterns` ("*" matches "/" too), with sizes and hashes. Raises `DownloadError`."""
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        raise DownloadError(f"{repo} cannot be fetched: HF_HUB_OFFLINE is set, which forbids the network.",
                            fix="Unset it, or copy the model's folder into ckpts/ from another machine.")
    with _hub_errors(repo):
        info = HfApi(endpoint=access.endpoint, token=access.token).model_info(repo, revision=revision,
                                                                              files_metadata=True)
    files = []
    for sibling in info.siblings or ():
        path = sibling.rfilename
        if not any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns) or path.lower().endswith(PICKLES):
            continue
        _check_path(repo, path)
        lfs = sibling.lfs
        files.append(RemoteFile(path, sibling.size or 0, lfs.sha256 if lfs else "", sibling.blob_id or ""))
    if not files or not info.sha:
        raise DownloadError(f"{repo} holds none of the files that are wanted ({', '.join(patterns)}).",
                            fix="Check the name. Weights must be safetensors files; pickles are refused.")
    return Listing(repo, info.sha, tuple(files))


def fetch(listing: Listing, folder: Path, watch: Watch, access: HubAccess, *, inner: str = "") -> dict[str, str]:
    """Bring `folder` to hold every file of the listing; returns path in the folder to sha256.

    Files that are there and whole are kept, partial ones continued. `inner` is a folder of the repository whose files
    come to lie in `folder` itself. Raises `DownloadError`, `Cancelled`.
    """
    def place(file: RemoteFile) -> Path:
        return folder / file.path.removeprefix(f"{inner}/" if inner else "")

    missing = [file for file in listing.files if not _has_size(place(file), file)]
    _check_space(folder, sum(file.size - _part_size(place(file), file) for file in missing), listing.repo)
    meter = _Meter(watch, listing.total_bytes)
    hashes = {}
    for file in listing.files:
        target = place(file)
        name = target.relative_to(folder).as_posix()
        meter.begin(file)
        if _has_size(target, file):
            digest = _checked(target, file, meter)
            if digest:
                hashes[name] = digest
                meter.finish(file)
                continue
            log.warning("%s is not the hub's file and is fetched again.", target)
            target.unlink()
        hashes[name] = _fetch_one(listing, file, target, meter, access)
        meter.finish(file)
    return hashes


def sha256_of(path: Path, tick: Callable[[int], None]) -> str:
    """Lower-case hex digest; `tick` gets the bytes read so far, and may raise to stop."""
    return _digest(path, hashlib.sha256(), tick)


# -- one file ---------------------------------------------------------------------------------------------------------

def _fetch_one(listing: Listing, file: RemoteFile, target: Path, meter: _Meter, access: HubAccess) -> str:
    part = _part(target, file)
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in (1, 2):
        _transfer(listing, file, part, meter, access)
        digest = _checked(part, file, meter)
        if digest:
            part.replace(target)
            return digest
        part.unlink(missing_ok=True)
        log.warning("%s came damaged (attempt %d).", file.path, attempt)
    raise DownloadError(f"{file.path} of {listing.repo} came damaged twice: its hash is not the hub's.",
                        fix="Try again later; a proxy between here and the hub may alter files.")


def _transfer(listing: Listing, file: RemoteFile, part: Path, meter: _Meter, access: HubAccess) -> None:
    """Bring the partial file to its full size. A lost connection is taken up again, while bytes keep coming."""
    import httpx2

    tries = 0
    while (have := part.stat().st_size if part.is_file() else 0) != file.size or not part.is_file():
        if have > file.size:
            part.unlink()
            continue
        meter.at(have)
        try:
            with _hub_errors(listing.repo, passing=(httpx2.TransportError,)):
                _stream(listing, file, part, meter, access, have)
        except httpx2.TransportError as error:
            tries = 0 if part.is_file() and part.stat().st_size > have else tries + 1
            if tries >= _TRIES:
                with _hub_errors(listing.repo):
                    raise
            log.warning("The connection for %s was lost and is taken up again: %s", file.path, error)
            for _ in range(10 * (tries + 1)):
                meter.watch.cancel.raise_if_cancelled()
                time.sleep(0.1)


def _stream(listing: Listing, file: RemoteFile, part: Path, meter: _Meter, access: HubAccess, have: int) -> None:
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff

    url = hf_hub_url(listing.repo, file.path, revision=listing.commit, endpoint=access.endpoint)
    headers = {**build_hf_headers(token=access.token), "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with http_stream_backoff("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
                             retry_on_exceptions=(), retry_on_status_codes=(408, 429)) as response:
        hf_raise_for_status(response)
        whole = have and response.status_code != 206  # the server ignored the range
        if whole:
            meter.at(0)
        with part.open("ab" if have and not whole else "wb") as stream:
            for chunk in response.iter_bytes(chunk_size=_CHUNK):
                stream.write(chunk)
                meter.advance(len(chunk))
        if part.stat().st_size < file.size:
            raise OSError(f"{file.path} ended early, at {part.stat().st_size} of {file.size} bytes")


def _checked(path: Path, file: RemoteFile, meter: _Meter) -> str:
    """sha256 of the file where it is the hub's; an empty text where it is not."""
    if path.stat().st_size != file.size:
        return ""
    digest = _digest(path, hashlib.sha256(), meter.checking)
    if file.sha256:
        return digest if digest == file.sha256 else ""
    if file.git_sha1:
        blob = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
        return digest if _digest(path, blob, meter.checking) == file.git_sha1 else ""
    return digest


def _digest(path: Path, state: Any, tick: Callable[[int], None]) -> str:
    done = 0
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            state.update(block)
            done += len(block)
            tick(done)
    return state.hexdigest()


def _part(target: Path, file: RemoteFile) -> Path:
    """The partial file's name carries the content's hash: what was begun of another version is not continued."""
    return target.with_name(f"{target.name}.{(file.sha256 or file.git_sha1 or 'new')[:12]}.part")


def _part_size(target: Path, file: RemoteFile) -> int:
    part = _part(target, file)
    return min(part.stat().st_size, file.size) if part.is_file() else 0


def _has_size(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size


def _check_path(repo: str, path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or ":" in path or "\0" in path:
        raise DownloadError(f"{repo} lists a file named {path!r}, which would leave the model's folder.",
                            fix="Do not use this repository.")


def _check_space(folder: Path, needed: int, repo: str) -> None:
    place = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(place).free
    if needed and needed + SPARE_BYTES > free:
        raise DownloadError(f"{repo} needs {file_size(needed)} more on the disk of {place}, which has "
                            f"{file_size(free)} free.",
                            fix="Free some space, or make ckpts/ a link to a larger disk.")


# -- progress and errors ----------------------------------------------------------------------------------------------

class _Meter:
    """Adds up bytes over files and tells about them a few times a second."""

    def __init__(self, watch: Watch, total: int) -> None:
        self.watch, self.total = watch, total
        self.before = self.here = self.moved = 0
        self.file = ""
        self.started = time.monotonic()
        self.last = 0.0

    def begin(self, file: RemoteFile) -> None:
        self.file, self.here = file.path, 0
        self._tell("Fetching", self.before)

    def at(self, here: int) -> None:
        self.here = here

    def advance(self, count: int) -> None:
        self.here += count
        self.moved += count
        self._tell("Fetching", self.before + self.here)

    def checking(self, done: int) -> None:
        self._tell("Checking", self.before + max(self.here, done))

    def finish(self, file: RemoteFile) -> None:
        self.before += file.size
        self.here = 0
        self._tell("Fetched", self.before, now=self.before >= self.total)

    def _tell(self, verb: str, done: int, *, now: bool = False) -> None:
        self.watch.cancel.raise_if_cancelled()
        clock = time.monotonic()
        if not now and clock - self.last < 0.2:
            return
        self.last = clock
        rate = self.moved / max(clock - self.started, 1e-6)
        speed = f", {rate / 1e6:.1f} MB/s" if self.moved else ""
        left = (self.total - done) / rate if self.moved > 2**20 else None
        self.watch.on_progress(Progress(
            Stage.LOAD, done, self.total, f"{verb} {self.watch.label}: {self.file}, {done / 1e9:.2f} of "
            f"{self.total / 1e9:.2f} GB{speed}", eta_s=left))


@contextmanager
def _hub_errors(repo: str, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Say in words what the hub or the network refused; partial files stay. `passing` goes through as it is."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except passing:
        raise
    except errors.GatedRepoError as error:
        raise DownloadError(f"The hub gives {repo} only to accounts that accepted its licence.",
                            fix=f"Accept it at https://huggingface.co/{repo}, then set HF_TOKEN to a token of that "
                                "account.") from error
    except errors.RepositoryNotFoundError as error:
        raise DownloadError(f"The hub has no repository {repo}, or this account may not see it.",
                            fix="Check the name; for a private one set HF_TOKEN.") from error
    except errors.RevisionNotFoundError as error:
        raise DownloadError(f"{repo} has no such revision.", fix='Use "main", a tag or a commit.') from error
    except errors.HFValidationError as error:
        raise DownloadError(f"{repo!r} is not a name of the hub: {error}", fix='Write it as "org/name".') from error
    except (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, httpx2.HTTPError, OSError) as error:
        raise DownloadError(f"{repo} cannot be fetched: {str(error).splitlines()[0] if str(error) else error!r}.",
                            fix="Check the network and run the same command again: it continues where it "
                                "stopped.") from error


__all__ = ["DownloadError", "HubAccess", "Listing", "RemoteFile", "Watch", "fetch", "list_files", "sha256_of"]
