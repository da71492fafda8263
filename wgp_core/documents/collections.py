"""Named collections of documents below `data/documents`: list, find, make, add, refresh, remove, rename, delete.

A set that was made elsewhere with `--output` is listed too: its folder holds a `link.json` that says where it lies.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RequestError
from ..events import CancelToken
from ..paths import Paths
from ..whole import whole_file
from .chunking import Sizes
from .ingest import DocumentReport, IngestOptions, IngestReport, Seen, ingest, read_record, reports_of
from .readers import Found
from .types import LINK, ChunkFiles, Collection, DocumentError

_NAME = re.compile(r"[^\W_][\w .()+-]{0,59}\Z")
ORIGINALS = "originals"
"""The folder of a collection with copies of the documents that were given over the window or HTTP."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.IGNORECASE)


@dataclass(frozen=True)
class Summary:
    """A collection at a glance. `problem` says why it cannot be used."""

    collection: Collection
    documents: tuple[DocumentReport, ...]
    made_at: str = ""
    problem: str = ""

    @property
    def pages(self) -> int:
        return sum(document.pages for document in self.documents)

    @property
    def chunks(self) -> int:
        return sum(document.chunks for document in self.documents)

    @property
    def rejected(self) -> int:
        return sum(document.rejected for document in self.documents)


def folder_of(paths: Paths) -> Path:
    return paths.data / "documents"


def check_name(name: str) -> str:
    """The name without spaces around it. Raises `RequestError`."""
    name = " ".join(name.split())
    if not _NAME.match(name) or name.endswith(".") or _RESERVED.match(name):
        raise RequestError(f"A collection cannot be called {name!r}.", field="collection",
                           fix="Take letters, digits, spaces and . ( ) + - _, at most 60, beginning with a letter or "
                               "digit.")
    return name


def collection(paths: Paths, name: str) -> Collection:
    """The collection of that name, there or not. Raises `RequestError` for a name that cannot be."""
    name = check_name(name)
    return Collection(name, folder_of(paths) / name)


def default_chunks(paths: Paths) -> Path:
    """The file of chunks of the command line where none is named."""
    return paths.data / "book_chunks.jsonl"


def existing(paths: Paths, name: str) -> Collection:
    """The collection of that name. Raises `DocumentError` that lists the known ones."""
    found = collection(paths, name)
    if not found.folder.is_dir():
        known = ", ".join(item.collection.name for item in list_collections(paths)) or "none"
        raise DocumentError(f"There is no collection named {name!r}.", fix=f"Known: {known}.")
    return found


def list_collections(paths: Paths) -> list[Summary]:
    """All collections, by name."""
    folder = folder_of(paths)
    inside = sorted(folder.iterdir(), key=lambda path: path.name.lower()) if folder.is_dir() else []
    return [summary_of(Collection(path.name, path)) for path in inside if path.is_dir() and _NAME.match(path.name)]


def summary_of(item: Collection) -> Summary:
    record = read_record(item.files)
    if not record:
        return Summary(item, (), problem="It has not been made to the end: refresh it, or delete it.")
    try:
        documents = tuple(reports_of(record))
    except (KeyError, TypeError, ValueError):
        return Summary(item, (), problem="Its record cannot be read: add its documents again.")
    problem = "" if item.files.chunks.is_file() else f"{item.files.chunks} is missing: refresh it."
    return Summary(item, documents, str(record.get("made_at", "")), problem)


def add_documents(paths: Paths, name: str, inputs: Sequence[Path | Found], options: IngestOptions | None = None, *,
                  on_progress: Seen = lambda _event: None, cancel: CancelToken | None = None) -> IngestReport:
    """Read documents into a collection, beside those that it has. Raises as `ingest`.

    One that comes with its name (`Found`) takes the place of the document of that name. Without `options` the
    collection is made as it was before.
    """
    item = collection(paths, name)
    files = item.files
    record = read_record(files)
    named = {given.source for given in inputs if isinstance(given, Found)}
    before = [found for found in _found(item, record) if found.source not in named]
    options = options or _options_of(record)
    fresh = not item.folder.exists()
    try:
        return ingest([*before, *inputs], files, options, on_progress=on_progress, cancel=cancel)
    except BaseException:
        if fresh:
            _remove_if_empty(item)
        raise


def refresh(paths: Paths, name: str, *, on_progress: Seen = lambda _event: None,
            cancel: CancelToken | None = None) -> IngestReport:
    """Read what changed since. A document whose file is gone stays as it was."""
    item = existing(paths, name)
    record = read_record(item.files)
    here = _found(item, record)
    if not here:
        raise DocumentError(f"{name!r} has no documents.", fix="Add the documents again.")
    return ingest(here, item.files, _options_of(record), on_progress=on_progress, cancel=cancel)


def remove_document(paths: Paths, name: str, source: str, *, on_progress: Seen = lambda _event: None,
                    cancel: CancelToken | None = None) -> IngestReport:
    """Take one document out of a collection; the copy of it that was kept goes into the trash.

    Raises `DocumentError` for a document that is not in it, or is the only one, and as `ingest`.
    """
    item = existing(paths, name)
    record = read_record(item.files)
    here = _found(item, record)
    rest = [found for found in here if found.source != source]
    if len(rest) == len(here):
        known = ", ".join(found.source for found in here) or "none"
        raise DocumentError(f"{name!r} has no document named {source!r}.", fix=f"Known: {known}.")
    readable = {report.source for report in reports_of(record) if not report.error}
    if not rest or not any(found.source in readable for found in rest):
        raise DocumentError(f"{source} is the only document of {name!r} that can be read.",
                            fix="Delete the collection instead.")
    report = ingest(rest, item.files, _options_of(record), on_progress=on_progress, cancel=cancel)
    original = item.folder / ORIGINALS / source
    if "/" not in source and original.is_file():
        gone = _place_in_trash(paths, f"document-{time.strftime('%Y%m%d-%H%M%S')}-{source}")
        _do(lambda: original.rename(gone), f"{source} cannot be put into the trash")
    return report


def keep_original(item: Collection, document: Found) -> Path:
    """Copy a document that was handed over into the collection, to be read again from there. Raises `DocumentError`."""
    target = item.folder / ORIGINALS / Path(document.source).name

    def copy() -> None:
        with whole_file(target) as part:
            shutil.copyfile(document.path, part)

    _do(copy, f"{document.source} cannot be kept")
    return target


def _found(item: Collection, record: Mapping[str, Any]) -> list[Found]:
    """The collection's documents: the kept copy where there is one, else the file that was read."""
    kept = item.folder / ORIGINALS
    return [Found(kept / report.source if "/" not in report.source and (kept / report.source).is_file()
                  else Path(report.path), report.source) for report in reports_of(record)]


def _options_of(record: Mapping[str, Any]) -> IngestOptions:
    """The options that a set was made with; the defaults for one that is not there yet."""
    if not record:
        return IngestOptions()
    made_with = record.get("settings", {})
    return IngestOptions(sizes=Sizes(int(made_with.get("min_words", 45)), int(made_with.get("max_words", 220))),
                         clean=bool(made_with.get("clean", True)), save_rejected="rejected_sha256" in record)


def rename(paths: Paths, name: str, new: str) -> Collection:
    """Give a collection another name. Raises `DocumentError` where that is taken."""
    item, target = existing(paths, name), collection(paths, new)
    if target.folder.exists() and not (target.name.lower() == item.name.lower() and target.name != item.name):
        raise DocumentError(f"There is a collection named {target.name!r} already.", fix="Choose another name.")
    _do(lambda: item.folder.rename(target.folder), f"{item.name!r} cannot be renamed")
    return target


def delete(paths: Paths, name: str) -> Path:
    """Put a collection into the trash and return where it lies there. A linked set's own files stay."""
    item = existing(paths, name)
    gone = _place_in_trash(paths, f"documents-{item.name}-{time.strftime('%Y%m%d-%H%M%S')}")
    _do(lambda: item.folder.rename(gone), f"{item.name!r} cannot be deleted")
    return gone


def _place_in_trash(paths: Paths, name: str) -> Path:
    """A free name in the trash, which is there."""
    _do(lambda: paths.trash.mkdir(parents=True, exist_ok=True), "The trash cannot be made")
    gone, number = paths.trash / name, 2
    while gone.exists():
        gone, number = gone.with_name(f"{name}-{number}"), number + 1
    return gone


def link(paths: Paths, files: ChunkFiles) -> Collection:
    """List a set that lies elsewhere under the name of its file; the same set keeps its name."""
    base = re.sub(r"[^\w .()+-]", "_", files.chunks.name.removesuffix(".jsonl")).strip("_. ")[:50] or "chunks"
    where = str(files.chunks.resolve())
    for number in range(1, 1000):
        item = Collection(base if number == 1 else f"{base} {number}", folder_of(paths) / (
            base if number == 1 else f"{base} {number}"))
        if not item.folder.exists():
            break
        if item.link == where:
            return item
    with whole_file(item.folder / LINK) as part:
        part.write_text(json.dumps({"chunks": where}) + "\n", encoding="utf-8")
    return item


def _remove_if_empty(item: Collection) -> None:
    """A collection whose first documents failed leaves no folder behind."""
    if item.folder.is_dir() and all(path.suffix == ".lock" for path in item.folder.iterdir()):
        for path in item.folder.iterdir():
            path.unlink(missing_ok=True)
        item.folder.rmdir()


def _do(action: Callable[[], object], what: str) -> None:
    try:
        action()
    except OSError as error:
        raise DocumentError(f"{what}: {error.strerror or error}.", fix="Close what uses it and try again.") from error
