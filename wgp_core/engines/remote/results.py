"""What a remote model made: fetched into a folder, known by its first bytes, and read as frames.

Trusts neither the address' name nor the length that a server announces.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from ...errors import EngineError
from ...events import CancelToken, Progress, ProgressCallback, Stage
from ...media.images import load_image
from ...media.probe import count_frames, probe, read_frames
from ..base import Frame
from .client import is_loopback

MAX_BYTES = 2**30
_HOPS = 5
_CHUNK = 2**18
_MAGIC = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"\x1aE\xdf\xa3", ".webm"))


@dataclass(frozen=True)
class Footage:
    """Frames of a file; `count` 1 is a picture."""

    width: int
    height: int
    fps: float
    count: int
    frames: Iterator[Frame]


def fetch(url: str, folder: Path, *, local: bool, cancel: CancelToken, on_progress: ProgressCallback) -> Path:
    """Download a result of at most 1 GiB. `local` says that the service is on this machine, so that http will do.

    Raises `EngineError` or `Cancelled`; nothing half is left.
    """
    import httpx

    path = folder / "result.part"
    for last in (False, False, True):  # what is made is paid for: a connection that breaks off once must not lose it
        try:
            _download(url, path, local=local, cancel=cancel, on_progress=on_progress)
            with path.open("rb") as file:
                kind = kind_of(file.read(16))
            if not kind:
                raise EngineError("The result is neither a video nor an image.", fix="Choose another model.")
            return path.rename(path.with_suffix(kind))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            if last:
                raise EngineError(f"The result could not be downloaded ({type(error).__name__}).") from None
        finally:
            path.unlink(missing_ok=True)
    raise AssertionError("the last try returns or raises")


def _download(url: str, path: Path, *, local: bool, cancel: CancelToken, on_progress: ProgressCallback) -> None:
    """Follows redirects itself, so that each address is looked at."""
    import httpx

    with httpx.Client(timeout=httpx.Timeout(60.0, connect=10.0)) as client:
        for _ in range(_HOPS):
            _check_address(url, local=local)
            with client.stream("GET", url) as answer:
                if answer.is_redirect:
                    url = urljoin(url, answer.headers["Location"])
                    continue
                answer.raise_for_status()
                _save(answer.iter_bytes(_CHUNK), path, int(answer.headers.get("Content-Length") or 0), cancel,
                      on_progress)
                return
    raise EngineError("The result's address leads from one to the next without end.")


def _check_address(url: str, *, local: bool) -> None:
    parts = urlsplit(url)
    at_home = is_loopback(parts.hostname)
    if not parts.hostname or parts.scheme not in ("http", "https") or (at_home and not local) or (
            parts.scheme == "http" and not at_home):
        raise EngineError("The result lies at an address that is not opened.", fix="Only https addresses are.")


def _save(chunks: Iterator[bytes], path: Path, announced: int, cancel: CancelToken,
          on_progress: ProgressCallback) -> None:
    size = 0
    with path.open("wb") as file:
        for chunk in chunks:
            cancel.raise_if_cancelled()
            size += len(chunk)
            if size > MAX_BYTES:
                raise EngineError(f"The result is larger than {MAX_BYTES // 2**30} GiB.", fix="Ask for less.")
            file.write(chunk)
            on_progress(Progress(Stage.RENDER, min(size, announced), announced, "Downloading the result"))


def kind_of(head: bytes) -> str:
    """The ending that a file's first 16 bytes ask for; "" for what is neither video nor image."""
    if head[4:8] == b"ftyp":
        return ".mp4"
    if head[:4] == b"RIFF":
        return {b"WEBP": ".webp", b"AVI ": ".avi"}.get(head[8:12], "")
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def footage(path: Path, *, still: bool) -> Footage:
    """The frames of a fetched file; `still` takes the first alone. Raises `MediaError`.

    Sides of a video become even, as encoders want them.
    """
    if path.suffix in (".png", ".jpg", ".webp"):
        picture = load_image(path)
        return Footage(picture.shape[1], picture.shape[0], 1.0, 1, iter((picture,)))
    info = probe(path)
    if still:
        return Footage(info.width, info.height, info.fps, 1, itertools.islice(read_frames(path), 1))
    width, height = info.width - info.width % 2, info.height - info.height % 2
    frames = (frame[:height, :width] for frame in read_frames(path))
    return Footage(width, height, info.fps, count_frames(path), frames)
