"""Work on documents for the window and the API: reading, one after another; a question and a plan, each one at a time.

Lives as long as the program, so that a reloaded page finds what it asked for. What the work does are the tasks of
`document_tasks`; here are only their states, their progress and their answers.
"""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..documents.collections import check_name
from ..documents.readers import KINDS
from ..errors import Cancelled, QueueError, RequestError, WgpError
from ..events import CancelToken, Progress
from ..paths import Paths
from ..request import Brief, DocumentUse, Framework, ScenePlan, VideoRequest
from .document_tasks import INDEXING, TOP
from .uploads import UploadFolder

log = logging.getLogger(__name__)

KEPT = 20
READ_LIMIT_S = 12 * 3600.0
ASK_LIMIT_S = 600.0
PLAN_LIMIT_S = 1800.0
"""A language model may plan, on a slow machine."""
MOST_FILES = 200
MOST_QUESTION = 2000
MOST_NAME = 200

RunTask = Callable[..., Mapping[str, Any]]
"""`Supervisor.run_task`."""


class DocumentAction(enum.StrEnum):
    """What is done with a collection; the task is called `documents_` and this name."""

    INGEST = "ingest"
    REFRESH = "refresh"
    REMOVE = "remove"
    SEARCH = "search"
    PLAN = "plan"


class DocumentState(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Upload:
    """A document that was handed over: where it lies, and the name that it goes by."""

    path: Path
    name: str


@dataclass(frozen=True)
class PlanAsk:
    """A plan to make: the topic, how it argues, for whom, and how long it is to be in seconds."""

    topic: str
    brief: Brief = field(default_factory=lambda: Brief(framework=Framework.ACADEMIC))
    seconds: float = 20.0


@dataclass(frozen=True)
class DocumentWork:
    """One piece of work. `step` of `total` are pages while `indexing` is False, else passages; `total` 0 is unknown.

    `title` is the document that is read, or the question; `message` says how it ended. `result` is the task's answer.
    """

    id: str
    action: DocumentAction
    collection: str
    state: DocumentState = DocumentState.QUEUED
    title: str = ""
    step: int = 0
    total: int = 0
    indexing: bool = False
    eta_s: float | None = None
    stopping: bool = False
    message: str = ""
    fix: str = ""
    result: Mapping[str, Any] | None = None

    @property
    def open(self) -> bool:
        return self.state in (DocumentState.QUEUED, DocumentState.RUNNING)

    @property
    def fraction(self) -> float | None:
        """Share of the stage that is done, 0 to 1; None where nothing can be said."""
        return min(1.0, self.step / self.total) if self.total else None


@dataclass(frozen=True)
class DraftPlan:
    """The plan in the window's hands: from which collection, about what, and its scenes as they are now."""

    collection: str
    ask: PlanAsk
    scenes: tuple[ScenePlan, ...]
    planner: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocumentVersion:
    """Changes with a state (`states`), and with any progress (`ticks`)."""

    states: int = 0
    ticks: int = 0


class DocumentDesk:
    """All methods may be called from any thread.

    `read_task` and `ask_task` run a task: the first for reading, which takes long, the second for questions.
    """

    def __init__(self, paths: Paths, read_task: RunTask, ask_task: RunTask) -> None:
        self._uploads = UploadFolder(paths.uploads)
        self._read_task, self._ask_task = read_task, ask_task
        self._lock = threading.RLock()
        self._works: dict[str, DocumentWork] = {}
        self._payloads: dict[str, Mapping[str, Any]] = {}
        self._cancels: dict[str, CancelToken] = {}
        self._asked: dict[DocumentAction, DocumentWork] = {}
        self._plan_asks: dict[str, PlanAsk] = {}
        self._draft: DraftPlan | None = None
        self._runner: threading.Thread | None = None
        self._began = 0.0
        self._version = DocumentVersion()

    @property
    def version(self) -> DocumentVersion:
        return self._version

    # -- reading ------------------------------------------------------------------------------------------------

    def works(self) -> tuple[DocumentWork, ...]:
        """Reading of this run of the program, oldest first; the last few that ended are kept."""
        with self._lock:
            return tuple(self._works.values())

    def get(self, work_id: str) -> DocumentWork:
        """One piece of reading. Raises `QueueError` for an unknown id."""
        with self._lock:
            return self._known(work_id)

    def add(self, collection: str, files: Sequence[Upload]) -> DocumentWork:
        """Read documents into a collection, new or not. Raises `RequestError` for names and files that cannot be."""
        name = check_name(collection)
        self.check_free(name)
        names = document_names([file.name for file in files])
        kept = [{"path": str(self._uploads.keep(file.path)), "name": label}
                for file, label in zip(files, names, strict=True)]
        return self._submit(DocumentAction.INGEST, name, {"collection": name, "files": kept},
                            names[0] if len(names) == 1 else f"{len(names)} documents")

    def refresh(self, collection: str) -> DocumentWork:
        """Read again what changed. Raises `QueueError` while the collection is worked on."""
        name = check_name(collection)
        return self._submit(DocumentAction.REFRESH, name, {"collection": name}, "")

    def remove(self, collection: str, source: str) -> DocumentWork:
        """Take one document out. Raises `QueueError` while the collection is worked on."""
        name = check_name(collection)
        return self._submit(DocumentAction.REMOVE, name, {"collection": name, "source": source}, source)

    def busy(self, collection: str) -> bool:
        """Whether a collection is being read, or waits for it."""
        return any(work.open and work.collection == collection for work in self.works())

    def check_free(self, collection: str) -> None:
        """Raise `QueueError` while the collection is being read."""
        if self.busy(collection):
            raise QueueError(f"{collection!r} is being read.", fix="Wait until that is done, or cancel it.")

    def cancel(self, work_id: str) -> DocumentWork:
        """Stop reading; the collection stays as it was. What has ended stays as it is."""
        with self._lock:
            work = self._known(work_id)
            if not work.open:
                return work
            self._cancels[work_id].cancel()
            waiting = work.state is DocumentState.QUEUED
            work = replace(work, state=DocumentState.CANCELLED, message="Cancelled before it began.") if waiting \
                else replace(work, stopping=True)
            self._put(work)
            return work

    def dismiss(self, work_id: str) -> None:
        """Forget how reading ended."""
        with self._lock:
            work = self._works.get(work_id)
            if work is not None and not work.open:
                self._forget(work_id)
                self._changed()

    def changed_elsewhere(self, collection: str) -> None:
        """A collection was renamed or deleted: how reading it ended is forgotten, and whoever watches is told."""
        with self._lock:
            for old in [work.id for work in self._works.values() if work.collection == collection and not work.open]:
                self._forget(old)
            self._changed()

    # -- questions and plans ------------------------------------------------------------------------------------

    def asked(self, action: DocumentAction) -> DocumentWork | None:
        """The last question, or the last plan that was asked for."""
        return self._asked.get(action)

    def search(self, collection: str, question: str, top: int = TOP) -> DocumentWork:
        """Ask a collection. Raises `RequestError` for an empty question, `QueueError` while another is answered."""
        name, question = check_name(collection), _words(question, "question")
        return self._ask(DocumentAction.SEARCH, name, question, {"collection": name, "question": question, "top": top})

    def plan(self, collection: str, ask: PlanAsk) -> DocumentWork:
        """Make a plan of scenes; it becomes the draft. Raises as `search`."""
        name = check_name(collection)
        ask = replace(ask, topic=_words(ask.topic, "topic"))
        return self._ask(DocumentAction.PLAN, name, ask.topic, plan_payload(name, ask), ask)

    def stop_asking(self, action: DocumentAction) -> None:
        """Stop the question or plan that is in work; forget one that has ended."""
        with self._lock:
            work = self._asked.get(action)
            if work is None:
                return
            if work.open:
                self._cancels[work.id].cancel()
            else:
                del self._asked[action]
            self._changed()

    @property
    def draft(self) -> DraftPlan | None:
        """The plan as it is edited now."""
        return self._draft

    def take_draft(self, draft: DraftPlan) -> DraftPlan:
        """Go on with a plan that comes from elsewhere. Raises `RequestError` for one without scenes."""
        if not draft.scenes:
            raise RequestError("The plan has no scene.", field="plan", fix="Choose another one.")
        with self._lock:
            self._draft = draft
            self._asked.pop(DocumentAction.PLAN, None)
            self._changed()
            return draft

    def edit(self, scenes: Sequence[ScenePlan]) -> DraftPlan:
        """Replace the draft's scenes. Raises `QueueError` where there is none."""
        with self._lock:
            if self._draft is None:
                raise QueueError("There is no plan to change.", fix="Make one first.")
            self._draft = replace(self._draft, scenes=tuple(scenes))
            self._changed()
            return self._draft

    def drop_draft(self) -> None:
        with self._lock:
            self._draft = None
            self._asked.pop(DocumentAction.PLAN, None)
            self._changed()

    def answer(self, collection: str, question: str, top: int, cancel: CancelToken) -> Mapping[str, Any]:
        """Answer a question for a caller that waits (the API): the result of `documents_search`."""
        payload = {"collection": check_name(collection), "question": _words(question, "question"), "top": top}
        return self._ask_task("documents_search", payload, timeout_s=ASK_LIMIT_S, cancel=cancel)

    def planned(self, collection: str, ask: PlanAsk, cancel: CancelToken) -> DraftPlan:
        """A plan for a caller that waits; the draft in the window stays as it is."""
        name, ask = check_name(collection), replace(ask, topic=_words(ask.topic, "topic"))
        result = self._ask_task("documents_plan", plan_payload(name, ask), timeout_s=PLAN_LIMIT_S, cancel=cancel)
        return draft_of(name, ask, result)

    # -- the threads --------------------------------------------------------------------------------------------

    def _submit(self, action: DocumentAction, name: str, payload: Mapping[str, Any], title: str) -> DocumentWork:
        with self._lock:
            self.check_free(name)
            for old in [work.id for work in self._works.values() if work.collection == name]:
                self._forget(old)
            work = DocumentWork(uuid4().hex[:12], action, name, title=title)
            self._payloads[work.id], self._cancels[work.id] = payload, CancelToken()
            self._put(work)
            for old in [one.id for one in self._works.values() if not one.open][:-KEPT]:
                self._forget(old)
            if self._runner is None:
                self._runner = threading.Thread(target=self._read, name="documents", daemon=True)
                self._runner.start()
            return work

    def _read(self) -> None:
        while (work := self._next()) is not None:
            ended = self._carry_out(self._read_task, work, self._payloads[work.id], READ_LIMIT_S, self._tell)
            with self._lock:
                self._put(replace(self._works.get(work.id, work), **ended, stopping=False, eta_s=None))

    def _next(self) -> DocumentWork | None:
        """The next piece of reading, now running; None ends the thread: the lock is held, so `_submit` starts another.
        """
        with self._lock:
            work = next((one for one in self._works.values() if one.state is DocumentState.QUEUED), None)
            if work is None:
                self._runner = None
                return None
            work, self._began = replace(work, state=DocumentState.RUNNING), time.monotonic()
            self._put(work)
            return work

    def _ask(self, action: DocumentAction, name: str, title: str, payload: Mapping[str, Any],
             ask: PlanAsk | None = None) -> DocumentWork:
        with self._lock:
            before = self._asked.get(action)
            if before is not None and before.open:
                raise QueueError("The documents are being asked already.", fix="Wait for the answer, or cancel it.")
            work = DocumentWork(uuid4().hex[:12], action, name, DocumentState.RUNNING, title)
            self._asked[action], self._cancels[work.id] = work, CancelToken()
            self._changed()
        threading.Thread(target=self._answer, args=(work, payload, ask), name="ask-documents", daemon=True).start()
        return work

    def _answer(self, work: DocumentWork, payload: Mapping[str, Any], ask: PlanAsk | None) -> None:
        def tell(_work_id: str, event: Progress) -> None:
            with self._lock:
                self._asked[work.action] = replace(self._asked[work.action], step=event.step, total=event.total,
                                                   message=event.message)
                self._version = replace(self._version, ticks=self._version.ticks + 1)

        limit_s = PLAN_LIMIT_S if work.action is DocumentAction.PLAN else ASK_LIMIT_S
        ended = self._carry_out(self._ask_task, work, payload, limit_s, tell)
        with self._lock:
            work = replace(work, **ended)
            self._cancels.pop(work.id, None)
            self._asked[work.action] = work
            if ask is not None and work.result is not None:
                self._draft = draft_of(work.collection, ask, work.result)
            self._changed()

    def _carry_out(self, run_task: RunTask, work: DocumentWork, payload: Mapping[str, Any], limit_s: float,
                   tell: Callable[[str, Progress], None]) -> dict[str, Any]:
        """The fields of a piece of work as it ended."""
        try:
            result = run_task(f"documents_{work.action.value}", payload, timeout_s=limit_s,
                              cancel=self._cancels[work.id], on_progress=lambda event: tell(work.id, event))
        except Cancelled:
            reading = work.action not in (DocumentAction.SEARCH, DocumentAction.PLAN)
            now = self._works.get(work.id)
            kept = " What was read is kept; the search index is made at the next question." \
                if now is not None and now.indexing else " The collection is as it was before." if reading else ""
            return {"state": DocumentState.CANCELLED, "message": f"Cancelled.{kept}"}
        except WgpError as error:
            log.warning("%s of %s failed: %s", work.action.value, work.collection, error)
            return {"state": DocumentState.FAILED, "message": error.message, "fix": error.fix}
        except Exception as error:  # the edge of the thread: the window must hear of it
            log.exception("%s of %s failed.", work.action.value, work.collection)
            return {"state": DocumentState.FAILED, "message": f"{type(error).__name__}: {error}"}
        return {"state": DocumentState.DONE, "message": "", "result": result}

    def _tell(self, work_id: str, event: Progress) -> None:
        """Called from the reader thread of the worker."""
        with self._lock:
            work = self._works.get(work_id)
            if work is None or work.state is not DocumentState.RUNNING:
                return
            indexing = event.stage is INDEXING
            if indexing and not work.indexing:
                self._began = time.monotonic()
            work = replace(work, step=event.step, total=event.total, indexing=indexing,
                           title=event.message or ("" if indexing else work.title))
            self._works[work_id] = replace(work, eta_s=self._estimate(work.fraction))
            self._version = replace(self._version, ticks=self._version.ticks + 1)

    def _estimate(self, fraction: float | None) -> float | None:
        """Seconds left at the pace so far, once enough was seen to say."""
        took = time.monotonic() - self._began
        return took * (1 - fraction) / fraction if fraction and fraction > 0.05 and took > 3 else None

    def _known(self, work_id: str) -> DocumentWork:
        if work_id not in self._works:
            raise QueueError(f"There is no work {work_id}.", fix="It may have been forgotten since.")
        return self._works[work_id]

    def _put(self, work: DocumentWork) -> None:
        self._works[work.id] = work
        self._changed()

    def _forget(self, work_id: str) -> None:
        for kept in (self._works, self._payloads, self._cancels):
            kept.pop(work_id, None)

    def _changed(self) -> None:
        self._version = DocumentVersion(self._version.states + 1, self._version.ticks + 1)


def document_names(given: Sequence[str]) -> list[str]:
    """What handed-over files go by: their own names without a folder. Raises `RequestError` for what cannot be read."""
    if not 0 < len(given) <= MOST_FILES:
        raise RequestError(f"{len(given)} documents were given.", field="files", fix=f"Give 1 to {MOST_FILES} at once.")
    names: list[str] = []
    for name in given:
        label = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable()).strip()
        if Path(label).suffix.lower() not in KINDS or label.startswith(".") or len(label.encode()) > MOST_NAME:
            raise RequestError(f"{label[:80] or 'A file'} is of a kind that cannot be read.", field="files",
                               fix=f"Known kinds: {', '.join(sorted(KINDS))}.")
        if label in names:
            raise RequestError(f"Two of the documents are called {label}.", field="files",
                               fix="Give one of them another name.")
        names.append(label)
    return names


def plan_payload(collection: str, ask: PlanAsk) -> dict[str, Any]:
    """The payload of the task `documents_plan`."""
    brief = replace(ask.brief, framework=ask.brief.framework or Framework.ACADEMIC)
    request = VideoRequest(ask.topic, documents=DocumentUse(collection), brief=brief)
    return {"request": request.to_dict(), "seconds": ask.seconds}


def draft_of(collection: str, ask: PlanAsk, result: Mapping[str, Any]) -> DraftPlan:
    """The answer of the task `documents_plan` as a plan."""
    return DraftPlan(collection, ask, scenes_of(result["scenes"]), str(result["planner"]), tuple(result["warnings"]))


def scenes_of(data: Any) -> tuple[ScenePlan, ...]:
    """Scenes from JSON types. Raises `RequestError` that names the scene and the field."""
    return VideoRequest.from_dict({"prompt": "", "plan": data}).plan


def _words(text: str, name: str) -> str:
    text = " ".join(text.split())
    if not any(letter.isalnum() for letter in text):
        raise RequestError(f"The {name} is empty.", field=name, fix="Say in a few words what you want to know.")
    if len(text) > MOST_QUESTION:
        raise RequestError(f"The {name} has {len(text)} characters; the most is {MOST_QUESTION}.", field=name,
                           fix="Shorten it.")
    return text
