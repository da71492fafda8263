"""The queue as one zip: `queue.json` and the images that its jobs start from.

A zip may come from anywhere. So its names are never used as paths (images are stored by content in the uploads),
sizes are counted while reading (a header may lie), and where to write a video is not taken over from it. All is read
and checked before anything is queued; the zip itself is never changed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ..errors import QueueError, RequestError
from ..request import VideoRequest
from ..store.records import JobRecord
from ..whole import whole_file
from .uploads import IMAGE_FIELDS, UploadFolder

ARCHIVE_VERSION = 1
QUEUE_FILE = "queue.json"
MEDIA = "media/"
MAX_JOBS = 1_000
MAX_ENTRIES = 2 * MAX_JOBS + 1
MAX_QUEUE_BYTES = 16 * 2**20
MAX_MEDIA_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 1024 * 2**20
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"})


@dataclass(frozen=True)
class ArchiveJob:
    """One job read from a zip, ready to queue; `warnings` say what was not taken over."""

    request: VideoRequest
    priority: int = 0
    warnings: tuple[str, ...] = ()


# -- writing ----------------------------------------------------------------------------------------------------


def write_archive(path: Path, jobs: Sequence[JobRecord]) -> int:
    """Write the jobs and their images to `path` (through a temporary name) and return how many jobs."""
    media: dict[Path, str] = {}
    try:
        with whole_file(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            entries = [{"request": _portable(job.request, media), "priority": job.priority,
                        "source": job.source.value} for job in jobs]
            document = {"wgp_queue": ARCHIVE_VERSION, "jobs": entries}
            archive.writestr(QUEUE_FILE, json.dumps(document, ensure_ascii=False, indent=1))
            for image, name in media.items():
                archive.write(image, name)
    except OSError as error:
        raise QueueError(f"The queue cannot be exported to {path}: {error.strerror or error}.",
                         fix="Check that the images of its jobs exist and that the folder is writable.") from error
    return len(jobs)


def _portable(request: VideoRequest, media: dict[Path, str]) -> dict[str, Any]:
    """The request's JSON with images as names in the zip and LoRAs by file name."""
    data = request.to_dict()
    for field in IMAGE_FIELDS:
        image: Path | None = getattr(request, field)
        if image is not None:
            media.setdefault(image, f"{MEDIA}{len(media):04d}-{image.name}")
            data[field] = media[image]
    for lora, use in zip(data["loras"], request.loras, strict=True):
        lora["path"] = use.path.name
    if request.output.path is not None:
        data["output"]["path"] = request.output.path.name
    return data


# -- reading ----------------------------------------------------------------------------------------------------


def read_archive(path: Path, *, uploads: UploadFolder, loras: Path) -> tuple[ArchiveJob, ...]:
    """Read a zip's jobs, copying their images to `uploads`. LoRA names are looked up in the folder `loras`.

    Raises `QueueError` (see `JobQueue.import_zip`).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_names(archive)
            return tuple(_Reader(archive, uploads, loras).jobs())
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise QueueError(f"{path} is not a zip that can be read ({error}).",
                         fix="Choose a file made by the queue's export.") from error
    except OSError as error:
        raise QueueError(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_names(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise QueueError(f"The zip holds {len(entries)} files; the most is {MAX_ENTRIES}.")
    for entry in entries:
        name = entry.orig_filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        is_link = (entry.external_attr >> 16) & 0o170000 == 0o120000
        if not parts or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name or is_link:
            raise QueueError(f"The zip holds an unsafe name ({name!r}); nothing was imported.",
                             fix="Only import files that you trust.")


class _Reader:
    """Reads one open zip, counting every byte that comes out of it."""

    def __init__(self, archive: zipfile.ZipFile, uploads: UploadFolder, loras: Path) -> None:
        self._archive = archive
        self._uploads = uploads
        self._loras = loras
        self._left = MAX_TOTAL_BYTES
        self._kept: dict[str, Path] = {}

    def jobs(self) -> list[ArchiveJob]:
        document = self._document()
        read = [self._job(number, entry) for number, entry in enumerate(document["jobs"], 1)]
        return [ArchiveJob(self._with_images(job.request), job.priority, job.warnings) for job in read]

    def _document(self) -> Mapping[str, Any]:
        try:
            document = json.loads(self._read(QUEUE_FILE, MAX_QUEUE_BYTES).decode("utf-8"))
        except KeyError:
            raise QueueError(f"The zip holds no {QUEUE_FILE}.",
                             fix="Choose a file made by the queue's export.") from None
        except (ValueError, RecursionError) as error:
            raise QueueError(f"{QUEUE_FILE} in the zip is not valid JSON: {error}.") from error
        version = document.get("wgp_queue") if isinstance(document, dict) else None
        if version != ARCHIVE_VERSION:
            raise QueueError(f"The zip has queue format {version!r}; this program knows {ARCHIVE_VERSION}.",
                             fix="Update WGP Studio, or export the queue again.")
        jobs = document.get("jobs")
        if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
            raise QueueError(f"{QUEUE_FILE} in the zip holds no list of jobs.")
        if len(jobs) > MAX_JOBS:
            raise QueueError(f"The zip holds {len(jobs)} jobs; the most is {MAX_JOBS}.")
        return document

    def _job(self, number: int, entry: Mapping[str, Any]) -> ArchiveJob:
        priority = entry.get("priority", 0)
        if not isinstance(priority, int) or isinstance(priority, bool) or abs(priority) > 2**31:
            raise QueueError(f"Job {number} in the zip has the priority {priority!r}; it must be a whole number.")
        try:
            request = VideoRequest.from_dict(entry.get("request") or {})
            request.check()
        except RequestError as error:
            raise QueueError(f"Job {number} in the zip cannot be used: {error}") from error
        for field in IMAGE_FIELDS:
            image: Path | None = getattr(request, field)
            if image is not None:
                self._check_image(number, image)
        request, warnings = self._local(request)
        return ArchiveJob(request, priority, warnings)

    def _check_image(self, number: int, image: Path) -> None:
        name = image.as_posix()
        if not name.startswith(MEDIA) or name not in self._archive.namelist():
            raise QueueError(f"Job {number} needs the image {name!r}, which the zip does not hold.")
        if image.suffix.lower() not in IMAGE_SUFFIXES:
            raise QueueError(f"Job {number} names {name!r}, which is no image file.")

    def _local(self, request: VideoRequest) -> tuple[VideoRequest, tuple[str, ...]]:
        """Find LoRAs in this folder and drop the place to write to."""
        warnings = []
        uses = []
        for use in request.loras:
            name = Path(str(use.path).replace("\\", "/")).name
            here = self._loras / name
            uses.append(use if not name else replace(use, path=here if here.exists() else Path(name)))
            if not here.exists():
                warnings.append(f"The LoRA {name} is not installed here; put it into {self._loras}.")
        output = request.output
        if output.path is not None:
            warnings.append(f"The file name {output.path.name} was not taken over; the video is named by the template.")
            output = replace(output, path=None)
        return request.with_(loras=tuple(uses), output=output), tuple(warnings)

    def _with_images(self, request: VideoRequest) -> VideoRequest:
        images = {field: getattr(request, field) for field in IMAGE_FIELDS}
        return request.with_(**{field: self._keep(image.as_posix()) for field, image in images.items() if image})

    def _keep(self, name: str) -> Path:
        if name not in self._kept:
            content = self._read(name, MAX_MEDIA_BYTES)
            own_name = PurePosixPath(name).name.partition("-")[2] or PurePosixPath(name).name
            self._kept[name] = self._uploads.keep_stream(io.BytesIO(content), own_name)
        return self._kept[name]

    def _read(self, name: str, limit: int) -> bytes:
        with self._archive.open(name) as entry:
            return self._counted(entry, name, limit)

    def _counted(self, entry: IO[bytes], name: str, limit: int) -> bytes:
        allowed = min(limit, self._left)
        content = entry.read(allowed + 1)
        if len(content) > allowed:
            raise QueueError(f"{name} in the zip has more than {allowed >> 20} MB; nothing was imported.",
                             fix="Import smaller parts of the queue.")
        self._left -= len(content)
        return content

