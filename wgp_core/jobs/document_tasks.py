"""Tasks on documents: read them into a collection, read again what changed, search, and plan scenes.

Reading runs in a worker of its own, questions in the assistant, which keeps the collections that were asked last. What
is done with documents is decided in `wgp_core.documents` and `wgp_core.planning`; here are payloads and progress.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..documents import collections
from ..documents.ingest import IngestEvent, IngestReport
from ..documents.readers import Found
from ..documents.types import Collection
from ..events import Progress, Stage
from .tasks import TaskContext, task

if TYPE_CHECKING:
    from ..documents.retrieve import Retriever

READING, INDEXING = Stage.LOAD, Stage.ENRICH
"""The stages of reading: pages first, then passages for the search index."""
KEPT = 3
TOP = 8


@dataclass
class _Shelf:
    """The retrievers that this process keeps, by what the files were when they were opened, the last asked last."""

    open: dict[tuple[Any, ...], Retriever] = field(default_factory=dict)


_shelf = _Shelf()


@task("documents_ingest")
def documents_ingest(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `collection`, `files` (each `path` and the `name` it goes by). Result: as `_told`.

    Copies of the files are kept in the collection, so that the given ones may vanish.
    """
    name = str(payload["collection"])
    documents = [Found(Path(file["path"]), str(file["name"])) for file in payload["files"]]
    report = collections.add_documents(context.paths, name, documents, on_progress=_pages(context),
                                       cancel=context.cancel)
    item = collections.existing(context.paths, name)
    unread = {document.source for document in report.documents if document.error and not document.chunks}
    for document in documents:
        if document.source not in unread:
            collections.keep_original(item, document)
    return _told(item, report, context)


@task("documents_refresh")
def documents_refresh(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `collection`. Result: as `_told`."""
    name = str(payload["collection"])
    report = collections.refresh(context.paths, name, on_progress=_pages(context), cancel=context.cancel)
    return _told(collections.existing(context.paths, name), report, context)


@task("documents_remove")
def documents_remove(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `collection`, `source`: the document's name in it. Result: as `_told`, and `removed`: that name."""
    name, source = str(payload["collection"]), str(payload["source"])
    report = collections.remove_document(context.paths, name, source, on_progress=_pages(context),
                                         cancel=context.cancel)
    return {**_told(collections.existing(context.paths, name), report, context), "removed": source}


@task("documents_search")
def documents_search(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `collection`, `question`, `top`. Result: `query`, `hits` (each a chunk with its `score`), `evidence`."""
    retriever = _retriever(str(payload["collection"]), context)
    answer = retriever.search(str(payload["question"]), int(payload.get("top", TOP)))
    return {"query": answer.query, "evidence": round(answer.evidence, 4),
            "hits": [{**hit.chunk.to_dict(), "score": round(hit.score, 4)} for hit in answer.hits]}


def _pages(context: TaskContext) -> Any:
    def tell(event: IngestEvent) -> None:
        place = f" ({event.document} of {event.of_documents})" if event.of_documents > 1 else ""
        context.on_progress(Progress(READING, event.pages, event.of_pages, event.source + place))

    return tell


def _told(item: Collection, report: IngestReport, context: TaskContext) -> Mapping[str, Any]:
    """`pages`, `chunks`, `rejected`, `seconds`, and `documents` with what was skipped or could not be read.

    Makes the search index first; that fails only where the text model is not installed or cannot be read.
    """
    _index(item, report, context)
    documents = [{"source": one.source, "pages": one.pages, "chunks": one.chunks, "rejected": one.rejected,
                  "skipped": [list(skip) for skip in one.skipped], "error": one.error, "unchanged": one.kept}
                 for one in report.documents]
    return {"pages": report.pages, "chunks": len(report.chunks), "rejected": len(report.rejected),
            "seconds": round(report.seconds, 2), "documents": documents}


def _index(item: Collection, report: IngestReport, context: TaskContext) -> None:
    from ..documents.encoder import PassageEncoder
    from ..documents.index import refresh_index
    from ..documents.retrieve import find_embedder

    def tell(done: int, total: int) -> None:
        context.on_progress(Progress(INDEXING, done, total))

    context.on_progress(Progress(INDEXING))
    refresh_index(item.files.embeddings, report.chunks, PassageEncoder(find_embedder(context.paths.ckpts)),
                  on_progress=tell, cancel=context.cancel)


def _retriever(name: str, context: TaskContext) -> Retriever:
    """The collection, opened; kept as long as its files and the settings stay what they are."""
    from ..documents.retrieve import RetrievalOptions, open_retriever

    files = collections.existing(context.paths, name).files
    options = RetrievalOptions.of(context.settings)
    key = (files.chunks, _stamp(files.chunks), _stamp(files.embeddings), options)
    found = _shelf.open.pop(key, None)
    if found is None:
        found = open_retriever(files.chunks, context.paths.ckpts, options, cancel=context.cancel,
                               on_progress=lambda done, total: context.on_progress(
                                   Progress(INDEXING, done, total, "Making the search index")))
        key = (*key[:2], _stamp(files.embeddings), options)
    while len(_shelf.open) >= KEPT:
        del _shelf.open[next(iter(_shelf.open))]
    _shelf.open[key] = found
    return found


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@task("documents_plan")
def documents_plan(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `seconds`, and `request`: a `VideoRequest` as JSON with a topic as its prompt, documents and a brief.

    Result: `scenes` as JSON, `planner` ("rules" or a model's name) and `warnings`. The scenes are those that the
    request would get while its video is made.
    """
    from ..grounding import Workshop, ground
    from ..request import VideoRequest

    def tell(message: str, step: int, total: int) -> None:
        context.cancel.raise_if_cancelled()
        context.on_progress(Progress(INDEXING, step, total, message))

    request = VideoRequest.from_dict(payload["request"])
    planned = ground(request, float(payload["seconds"]), Workshop(context.paths, context.settings, context.runtime,
                                                                  tell, context.cancel))
    return {"scenes": VideoRequest(prompt="", plan=planned.plan).to_dict()["plan"], "planner": planned.planner,
            "warnings": list(planned.warnings)}
