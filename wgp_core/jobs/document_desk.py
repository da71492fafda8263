"""Work on documents for the window and the API: reading, one after another; a question and a plan, each one at a time.

Lives as long as the program, so that a reloaded page finds what it asked for. What the work does are the tasks of
`document_tasks`; here are only their states, their progress and their answers.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..documents.collections import check_name
from ..documents.readers import KINDS
from ..errors import QueueError, RequestError
from ..events import CancelToken, Progress, ProgressCallback
from ..paths import Paths
from ..request import Brief, DocumentUse, Framework, ScenePlan, VideoRequest
from .document_tasks import INDEXING, TOP
from .uploads import UploadFolder
from .work_line import RunTask, Work, WorkLine, WorkState, WorkVersion, outcome

READ_LIMIT_S = 12 * 3600.0
ASK_LIMIT_S = 600.0
PLAN_LIMIT_S = 1800.0
"""A language model may plan, on a slow machine."""
MOST_FILES = 200
MOST_QUESTION = 2000
MOST_NAME = 200


class DocumentAction(enum.StrEnum):
    """What is done with a collection; the task is called `documents_` and this name."""

    INGEST = "ingest"
    REFRESH = "refresh"
    REMOVE = "remove"
    SEARCH = "search"
    PLAN = "plan"


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
class DocumentWork(Work):
    """One piece of work. `step` of `total` are pages while `indexing` is False, else passages.

    `title` is the document that is read, or the question.
    """

    action: DocumentAction
    indexing: bool = False

    @property
    def collection(self) -> str:
        return self.subject


@dataclass(frozen=True)
class DraftPlan:
    """The plan in the window's hands: from which collection, about what, and its scenes as they are now."""

    collection: str
    ask: PlanAsk
    scenes: tuple[ScenePlan, ...]
    planner: str = ""
    notes: tuple[str, ...] = ()


class ReadingLine(WorkLine[DocumentWork]):
    """Collections that are read, or wait for it."""

    name = "documents"

    def __init__(self, read_task: RunTask) -> None:
        super().__init__(DocumentWork)
        self._read_task = read_task

    def run(self, work: DocumentWork, payload: Mapping[str, Any], cancel: CancelToken,
            on_progress: ProgressCallback) -> Mapping[str, Any]:
        return self._read_task(f"documents_{work.action.value}", payload, timeout_s=READ_LIMIT_S, cancel=cancel,
                               on_progress=on_progress)

    def busy_words(self, subject: str) -> str:
        return f"{subject!r} is being read."

    def told(self, work: DocumentWork, event: Progress) -> DocumentWork:
        indexing = event.stage is INDEXING
        return replace(work, step=event.step, total=event.total, indexing=indexing,
                       title=event.message or ("" if indexing else work.title))

    def stage(self, work: DocumentWork) -> object:
        return work.indexing

    def cancelled_words(self, work: DocumentWork) -> str:
        return "What was read is kept; the search index is made at the next question." if work.indexing \
            else "The collection is as it was before."


class DocumentDesk:
    """All methods may be called from any thread.

    `read_task` and `ask_task` run a task: the first for reading, which takes long, the second for questions.
    """

    def __init__(self, paths: Paths, read_task: RunTask, ask_task: RunTask) -> None:
        self._uploads = UploadFolder(paths.uploads)
        self._ask_task = ask_task
        self._line = ReadingLine(read_task)
        self._lock = threading.RLock()
        self._cancels: dict[str, CancelToken] = {}
        self._asked: dict[DocumentAction, DocumentWork] = {}
        self._draft: DraftPlan | None = None

    @property
    def version(self) -> WorkVersion:
        return self._line.version

    # -- reading ------------------------------------------------------------------------------------------------

    def works(self) -> tuple[DocumentWork, ...]:
        """Reading of this run of the program, oldest first; the last few that ended are kept."""
        return self._line.works()

    def get(self, work_id: str) -> DocumentWork:
        """One piece of reading. Raises `QueueError` for an unknown id."""
        return self._line.get(work_id)

    def add(self, collection: str, files: Sequence[Upload]) -> DocumentWork:
        """Read documents into a collection, new or not. Raises `RequestError` for names and files that cannot be."""
        name = check_name(collection)
        self.check_free(name)
        names = document_names([file.name for file in files])
        kept = [{"path": str(self._uploads.keep(file.path)), "name": label}
                for file, label in zip(files, names, strict=True)]
        title = names[0] if len(names) == 1 else f"{len(names)} documents"
        return self._line.submit(DocumentAction.INGEST, name, title, {"collection": name, "files": kept})

    def refresh(self, collection: str) -> DocumentWork:
        """Read again what changed. Raises `QueueError` while the collection is worked on."""
        name = check_name(collection)
        return self._line.submit(DocumentAction.REFRESH, name, "", {"collection": name})

    def remove(self, collection: str, source: str) -> DocumentWork:
        """Take one document out. Raises `QueueError` while the collection is worked on."""
        name = check_name(collection)
        return self._line.submit(DocumentAction.REMOVE, name, source, {"collection": name, "source": source})

    def busy(self, collection: str) -> bool:
        """Whether a collection is being read, or waits for it."""
        return self._line.busy(collection)

    def check_free(self, collection: str) -> None:
        """Raise `QueueError` while the collection is being read."""
        self._line.check_free(collection)

    def cancel(self, work_id: str) -> DocumentWork:
        """Stop reading; the collection stays as it was. What has ended stays as it is."""
        return self._line.cancel(work_id)

    def close(self) -> None:
        """The program ends: reading stops."""
        self._line.close()

    def dismiss(self, work_id: str) -> None:
        """Forget how reading ended."""
        self._line.dismiss(work_id)

    def changed_elsewhere(self, collection: str) -> None:
        """A collection was renamed or deleted: how reading it ended is forgotten, and whoever watches is told."""
        self._line.forget_ended(collection)
        self._line.changed()

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
            self._line.changed()

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
            self._line.changed()
            return draft

    def edit(self, scenes: Sequence[ScenePlan]) -> DraftPlan:
        """Replace the draft's scenes. Raises `QueueError` where there is none."""
        with self._lock:
            if self._draft is None:
                raise QueueError("There is no plan to change.", fix="Make one first.")
            self._draft = replace(self._draft, scenes=tuple(scenes))
            self._line.changed()
            return self._draft

    def drop_draft(self) -> None:
        with self._lock:
            self._draft = None
            self._asked.pop(DocumentAction.PLAN, None)
            self._line.changed()

    def answer(self, collection: str, question: str, top: int, cancel: CancelToken) -> Mapping[str, Any]:
        """Answer a question for a caller that waits (the API): the result of `documents_search`."""
        payload = {"collection": check_name(collection), "question": _words(question, "question"), "top": top}
        return self._ask_task("documents_search", payload, timeout_s=ASK_LIMIT_S, cancel=cancel)

    def planned(self, collection: str, ask: PlanAsk, cancel: CancelToken) -> DraftPlan:
        """A plan for a caller that waits; the draft in the window stays as it is."""
        name, ask = check_name(collection), replace(ask, topic=_words(ask.topic, "topic"))
        result = self._ask_task("documents_plan", plan_payload(name, ask), timeout_s=PLAN_LIMIT_S, cancel=cancel)
        return draft_of(name, ask, result)

    # -- the threads of questions ------------------------------------------------------------------------------------

    def _ask(self, action: DocumentAction, name: str, title: str, payload: Mapping[str, Any],
             ask: PlanAsk | None = None) -> DocumentWork:
        with self._lock:
            before = self._asked.get(action)
            if before is not None and before.open:
                raise QueueError("The documents are being asked already.", fix="Wait for the answer, or cancel it.")
            work = DocumentWork(uuid4().hex[:12], action, name, WorkState.RUNNING, title)
            self._asked[action], self._cancels[work.id] = work, CancelToken()
            self._line.changed()
        threading.Thread(target=self._answer, args=(work, payload, ask), name="ask-documents", daemon=True).start()
        return work

    def _answer(self, work: DocumentWork, payload: Mapping[str, Any], ask: PlanAsk | None) -> None:
        def tell(event: Progress) -> None:
            with self._lock:
                self._asked[work.action] = replace(self._asked[work.action], step=event.step, total=event.total,
                                                   message=event.message)
            self._line.ticked()

        limit_s = PLAN_LIMIT_S if work.action is DocumentAction.PLAN else ASK_LIMIT_S
        ended = outcome(work, lambda: self._ask_task(f"documents_{work.action.value}", payload, timeout_s=limit_s,
                                                     cancel=self._cancels[work.id], on_progress=tell))
        with self._lock:
            work = replace(work, **ended)
            self._cancels.pop(work.id, None)
            self._asked[work.action] = work
            if ask is not None and work.result is not None:
                self._draft = draft_of(work.collection, ask, work.result)
        self._line.changed()


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
