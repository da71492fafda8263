"""Copies of the images that jobs start from, named by their content.

A job must find its image as it was when the job was submitted, though the browser's temporary file is gone or the
user's own file has changed by then. A copy is deleted only when no job and no generation names it any more and it is
older than a day (a form may still hold it).
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO
from uuid import uuid4

from ..errors import RequestError
from ..request import VideoRequest

log = logging.getLogger(__name__)

MAX_UPLOAD_BYTES = 256 * 2**20
IMAGE_FIELDS = ("start_image", "end_image")


class UploadFolder:
    """The folder of copies (`paths.uploads`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep_images(self, request: VideoRequest) -> VideoRequest:
        """The request with its start and end image replaced by kept copies.

        Raises `RequestError` for an image that is not there, cannot be read or is larger than 256 MB.
        """
        changes = {}
        for name in IMAGE_FIELDS:
            path: Path | None = getattr(request, name)
            if path is None:
                continue
            try:
                changes[name] = self.keep(path)
            except RequestError as error:
                raise RequestError(error.message, field=name, fix=error.fix) from error
        return request.with_(**changes) if changes else request

    def keep(self, path: Path) -> Path:
        """Copy a file into the folder; a file that is there already is returned as it is."""
        path = path.expanduser().absolute()
        try:
            if path.is_file() and path.resolve().is_relative_to(self.folder.resolve()):
                os.utime(path)
                return path
            size = path.stat().st_size
            if not path.is_file():
                raise RequestError(f"{path} is not a file.", fix="Choose a file.")
            if size > MAX_UPLOAD_BYTES:
                raise RequestError(f"{path} has {size / 2**20:.0f} MB; the most is {MAX_UPLOAD_BYTES >> 20} MB.",
                                   fix="Choose a smaller file.")
            with path.open("rb") as source:
                return self.keep_stream(source, path.name)
        except FileNotFoundError:
            raise RequestError(f"The file {path} does not exist.", fix="Choose it again.") from None
        except OSError as error:
            raise RequestError(f"The file {path} cannot be kept: {error.strerror or error}.",
                               fix=f"Check the file's rights and the free space of {self.folder}.") from error

    def keep_stream(self, source: IO[bytes], name: str) -> Path:
        """Write a stream's content to the folder under a name made of its hash and the safe part of `name`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{uuid4().hex}.part"
        try:
            with part.open("xb") as target:
                shutil.copyfileobj(source, target, 2**20)
            with part.open("rb") as written:
                digest = hashlib.file_digest(written, "sha256").hexdigest()
            kept = self.folder / f"{digest[:16]}-{_safe(name)}"
            part.replace(kept)
            return kept
        finally:
            part.unlink(missing_ok=True)

    def sweep(self, referenced: Callable[[], Collection[Path]], *, min_age_s: float) -> int:
        """Delete copies older than `min_age_s` that are not referenced; returns how many."""
        now = time.time()
        old = [path for path in self.folder.glob("*") if path.is_file() and now - path.stat().st_mtime >= min_age_s]
        if not old:
            return 0
        needed = {path.resolve() for path in referenced()}
        unused = [path for path in old if path.resolve() not in needed]
        for path in unused:
            log.info("Deleting %s: no job and no video needs it any more.", path)
            path.unlink(missing_ok=True)
        return len(unused)


def _safe(name: str) -> str:
    """Letters, digits, dot, dash and underscore of a file's own name, at most 60 characters with its suffix."""
    clean = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name).strip("._") or "image"
    path = Path(clean)
    return path.stem[:48] + path.suffix[:12]
