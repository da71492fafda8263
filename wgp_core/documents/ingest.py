"""Documents to a set of chunks on disk: read, clean, cut, drop repetitions, write; only what changed is read again.

The set is replaced as a whole when everything is ready. The record beside it says what was read with which settings and
which bytes the chunks have, so that a set which was interrupted or edited is noticed and made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..events import CancelToken
from .chunking import Sizes, chunks_of
from .cleaning import NOISE, SHORT, noise_of, stretches_of
from .duplicates import near_duplicates
from .layout import blocks_of, style_of, without_furniture
from .pdf import Limits
from .readers import Document, Found, digest_of, find_documents, read_document
from .types import Chunk, ChunkFiles, DocumentError, Page, Rejected, as_json_lines, read_chunks, read_rejected

FORMAT = 1
RULES = 2
"""Raised when reading or cleaning changes, so that older sets are made anew."""
REPEATED = "near-duplicate"
FURNITURE = "running head or foot"
LEAST_WORDS = 12
NOISY = 0.6


@dataclass(frozen=True)
class IngestOptions:
    """`clean` False keeps everything but running heads and feet; `save_rejected` False writes no rejected file."""

    sizes: Sizes = field(default_factory=Sizes)
    clean: bool = True
    save_rejected: bool = True
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class IngestEvent:
    """Where the work is: `pages` of `of_pages` (0: unknown) of document `document` of `of_documents`."""

    source: str
    document: int
    of_documents: int
    pages: int
    of_pages: int


@dataclass(frozen=True)
class DocumentReport:
    """One document: what came of it. `skipped` are (page, reason); `error` says why nothing could be read."""

    source: str
    path: str
    sha256: str = ""
    pages: int = 0
    chunks: int = 0
    rejected: int = 0
    skipped: tuple[tuple[int, str], ...] = ()
    error: str = ""
    kept: bool = field(default=False, compare=False)
    """True where the document was not read again, since it did not change."""


@dataclass(frozen=True)
class IngestReport:
    documents: tuple[DocumentReport, ...]
    chunks: tuple[Chunk, ...]
    rejected: tuple[Rejected, ...]
    seconds: float

    @property
    def pages(self) -> int:
        return sum(document.pages for document in self.documents)


@dataclass(frozen=True)
class _Cut:
    """What one document gave, before repetitions are looked for."""

    report: DocumentReport
    chunks: list[Chunk]
    rejected: list[Rejected]


Seen = Callable[[IngestEvent], None]


def ingest(inputs: Sequence[Path | Found], files: ChunkFiles, options: IngestOptions | None = None, *,
           on_progress: Seen = lambda _event: None, cancel: CancelToken | None = None) -> IngestReport:
    """Make the set of just these documents. A document that fails is reported; the others are used.

    One that is in the set already stays as it was when its file is gone or can no longer be read.
    Raises `DocumentError` where no document can be read, `RequestError` for sizes that cannot be, and `Cancelled`;
    the old set is then as it was.
    """
    options, cancel, started = options or IngestOptions(), cancel or CancelToken(), time.monotonic()
    options.sizes.check()
    found = find_documents(inputs)
    with _locked(files):
        known = _known_cuts(files, options)
        cuts = []
        for number, document in enumerate(found, 1):
            cancel.raise_if_cancelled()

            def seen(pages: int, of: int, source: str = document.source, number: int = number) -> None:
                on_progress(IngestEvent(source, number, len(found), pages, of))

            cuts.append(_cut_of(document, known, options, cancel, seen))
        if all(cut.report.error and not cut.chunks for cut in cuts):
            raise DocumentError(" ".join(dict.fromkeys(cut.report.error for cut in cuts)))
        chunks, rejected = _joined(cuts, options)
        cancel.raise_if_cancelled()
        reports = tuple(_counted(cut.report, chunks, rejected) for cut in cuts)
        _write(files, options, reports, chunks, rejected)
    return IngestReport(reports, tuple(chunks), tuple(rejected), time.monotonic() - started)


def _cut_of(found: Found, known: Mapping[tuple[str, str], _Cut], options: IngestOptions, cancel: CancelToken,
            seen: Callable[[int, int], None]) -> _Cut:
    """The document's chunks, from the set that is there where the file has not changed."""
    try:
        digest = digest_of(found.path)
        kept = known.get((found.source, digest))
        if kept is not None:
            seen(kept.report.pages, kept.report.pages)
            return replace(kept, report=replace(kept.report, path=str(found.path), error="", kept=True))
        document = read_document(found, options.limits, cancel, seen)
        report = DocumentReport(found.source, str(found.path), digest, len(document.pages),
                                skipped=tuple((page.number, page.skipped) for page in document.skipped))
        return _Cut(report, *cut_document(document, options))
    except DocumentError as error:
        kept = next((cut for (source, _digest), cut in known.items() if source == found.source), None)
        if kept is not None:
            return replace(kept, report=replace(kept.report, error=str(error), kept=True))
        return _Cut(DocumentReport(found.source, str(found.path), error=str(error)), [], [])


def cut_document(document: Document, options: IngestOptions) -> tuple[list[Chunk], list[Rejected]]:
    """Chunks of one document, and what cleaning left out of it."""
    pages, furniture = without_furniture(document.pages)
    rejected = [Rejected(Chunk.make(item.text, source=document.source, page_from=item.pages[0],
                                    page_to=item.pages[-1]), f"{FURNITURE} on {len(item.pages)} pages")
                for item in furniture]
    style = style_of(pages)
    if options.clean:
        pages, left_out = _without_stretches(pages, document.source, style)
        rejected += left_out
    kept = []
    for chunk in chunks_of(blocks_of(pages, style), document.source, options.sizes):
        why = _fault_of(chunk) if options.clean else None
        if why is None:
            kept.append(chunk)
        else:
            rejected.append(why)
    return kept, rejected


def _without_stretches(pages: Sequence[Page], source: str, style: Any) -> tuple[list[Page], list[Rejected]]:
    by_number = {page.number: page for page in pages}
    gone: dict[int, set[int]] = {}
    rejected = []
    for stretch in stretches_of(pages, style):
        lines = by_number[stretch.page].lines[stretch.start:stretch.end]
        gone.setdefault(stretch.page, set()).update(range(stretch.start, stretch.end))
        rejected.append(Rejected(Chunk.make("\n".join(line.text for line in lines), source=source,
                                            page_from=stretch.page, page_to=stretch.page),
                                 stretch.reason, stretch.score))
    return [replace(page, lines=tuple(line for i, line in enumerate(page.lines)
                                      if i not in gone.get(page.number, ()))) for page in pages], rejected


def _fault_of(chunk: Chunk) -> Rejected | None:
    if chunk.words < LEAST_WORDS:
        return Rejected(chunk, f"{SHORT} ({chunk.words} words)")
    score, sign = noise_of(chunk.text)
    return Rejected(chunk, f"{NOISE} ({sign})", score) if score >= NOISY else None


def _joined(cuts: Sequence[_Cut], options: IngestOptions) -> tuple[list[Chunk], list[Rejected]]:
    """All chunks without repetitions, and all that was left out."""
    chunks = list({chunk.id: chunk for cut in cuts for chunk in cut.chunks}.values())
    rejected = [item for cut in cuts for item in cut.rejected]
    again = near_duplicates([chunk.text for chunk in chunks]) if options.clean else {}
    rejected += [Rejected(chunks[i], f"{REPEATED} of {chunks[other].id}", share)
                 for i, (other, share) in again.items()]
    return [chunk for i, chunk in enumerate(chunks) if i not in again], rejected


def _counted(report: DocumentReport, chunks: Sequence[Chunk], rejected: Sequence[Rejected]) -> DocumentReport:
    return replace(report, chunks=sum(chunk.source == report.source for chunk in chunks),
                   rejected=sum(item.chunk.source == report.source for item in rejected))


# The files

def read_record(files: ChunkFiles) -> dict[str, Any]:
    """What the record says; empty where there is none that can be used."""
    try:
        data = json.loads(files.record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) and data.get("format") == FORMAT else {}


def reports_of(record: Mapping[str, Any]) -> list[DocumentReport]:
    """The documents of a record."""
    return [DocumentReport(**{**data, "skipped": tuple((int(page), str(why)) for page, why in data["skipped"])})
            for data in record.get("documents", ())]


def _settings(options: IngestOptions) -> dict[str, Any]:
    return {"rules": RULES, "min_words": options.sizes.least, "max_words": options.sizes.most, "clean": options.clean,
            "page_s": options.limits.page_s, "memory_mb": options.limits.memory_mb}


def _known_cuts(files: ChunkFiles, options: IngestOptions) -> dict[tuple[str, str], _Cut]:
    """The documents of the set that is there, by name and digest; empty where it cannot be gone on from."""
    record = read_record(files)
    if not record or record.get("settings") != _settings(options) or "rejected_sha256" not in record:
        return {}
    try:
        if digest_of(files.chunks) != record["chunks_sha256"] or digest_of(files.rejected) != record["rejected_sha256"]:
            return {}
        reports, chunks, rejected = reports_of(record), read_chunks(files.chunks), read_rejected(files.rejected)
    except (DocumentError, KeyError, TypeError, ValueError):
        return {}
    cuts = {}
    for report in reports:
        if not report.sha256:
            continue
        own = [item for item in rejected if item.chunk.source == report.source]
        repeated = {item.chunk.id for item in own if item.reason.startswith(REPEATED)}
        cuts[(report.source, report.sha256)] = _Cut(
            report, [chunk for chunk in chunks if chunk.source == report.source]
            + [item.chunk for item in own if item.chunk.id in repeated],
            [item for item in own if item.chunk.id not in repeated])
    return cuts


def _write(files: ChunkFiles, options: IngestOptions, reports: Sequence[DocumentReport], chunks: Sequence[Chunk],
           rejected: Sequence[Rejected]) -> None:
    """All files under temporary names first, then renamed; the record, which vouches for the others, last."""
    texts = {files.chunks: as_json_lines(chunks)}
    if options.save_rejected:
        texts[files.rejected] = as_json_lines(rejected)
    record: dict[str, Any] = {
        "format": FORMAT, "made_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "settings": _settings(options),
        "chunks_sha256": _sha256(texts[files.chunks]),
        "documents": [{name: value for name, value in asdict(report).items() if name != "kept"} for report in reports]}
    if options.save_rejected:
        record["rejected_sha256"] = _sha256(texts[files.rejected])
    texts[files.record] = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    ready: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            ready.append((_written_beside(path, text), path))
        if not options.save_rejected:
            files.rejected.unlink(missing_ok=True)
        for part, path in ready:
            part.replace(path)
    except OSError as error:
        raise DocumentError(f"The chunks cannot be saved to {files.chunks.parent}: {error.strerror or error}.",
                            fix="Free space there, or choose another place with --output.") from error
    finally:
        for part, _path in ready:
            part.unlink(missing_ok=True)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _written_beside(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.",
                                     suffix=".part", delete=False) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return Path(file.name)


@contextmanager
def _locked(files: ChunkFiles) -> Iterator[None]:
    """Two makers of one set would undo each other's work."""
    from filelock import FileLock, Timeout

    lock = files.record.with_name(re.sub(r"\.json\Z", "", files.record.name) + ".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise DocumentError(f"{files.chunks} is being made by another program.", fix="Wait until it is done.") from None
    except OSError as error:
        raise DocumentError(f"{files.chunks.parent} cannot be written to: {error.strerror or error}.",
                            fix="Choose another place with --output.") from error
