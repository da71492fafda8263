"""What the document routes take and give. Page numbers are the PDF's own, from 1; a text without pages is one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ..documents.collections import Summary
from ..jobs.document_desk import MOST_QUESTION, DocumentAction, DraftPlan, PlanAsk
from ..request import MAX_SCENES, Brief, Framework, Look, Objective, Planner, ScenePlan
from .work_events import WorkNow


class SkippedOut(BaseModel):
    page: int
    reason: str


class DocumentOut(BaseModel):
    """One document of a collection. `error` says why it could not be read (again)."""

    source: str
    pages: int
    chunks: int
    rejected: int
    skipped: list[SkippedOut]
    error: str


class CollectionOut(BaseModel):
    """A collection. `problem` says why it cannot be used; `busy` that it is being read."""

    name: str
    documents: list[DocumentOut]
    pages: int
    chunks: int
    rejected: int
    made_at: str
    problem: str
    busy: bool

    @staticmethod
    def of(found: Summary, *, busy: bool) -> CollectionOut:
        documents = [DocumentOut(source=one.source, pages=one.pages, chunks=one.chunks, rejected=one.rejected,
                                 skipped=[SkippedOut(page=page, reason=why) for page, why in one.skipped],
                                 error=one.error) for one in found.documents]
        return CollectionOut(name=found.collection.name, documents=documents, pages=found.pages, chunks=found.chunks,
                             rejected=found.rejected, made_at=found.made_at, problem=_without_folder(found), busy=busy)


def _without_folder(found: Summary) -> str:
    """The problem with file names instead of paths of this machine."""
    chunks: Path = found.collection.files.chunks
    return found.problem.replace(str(chunks), chunks.name)


class WorkOut(WorkNow):
    """Reading, as it stands. `step` of `total` counts pages, or passages while `indexing`.

    `result` is there when it is done: `pages`, `chunks`, `rejected`, `seconds` and the `documents`; `removed` names the
    document that was taken out.
    """

    action: DocumentAction
    collection: str
    title: str
    indexing: bool


class RenameIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Optics, second edition"}]})

    name: str = Field(min_length=1, max_length=60, description="The new name.")


class SearchIn(BaseModel):
    """A question to the documents."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"question": "How does a lens form an image?", "top": 5}]})

    question: str = Field(min_length=1, max_length=MOST_QUESTION, pattern=r"\S")
    top: int = Field(5, ge=1, le=50, description="The most passages that come back.")


class HitOut(BaseModel):
    """A passage that answers. `page_to` differs from `page` where it crosses pages; `heading` is the path above it."""

    source: str
    page: int
    page_to: int
    heading: list[str]
    text: str
    score: float


class SearchOut(BaseModel):
    """The passages, best first. None, and `silent`: the documents say nothing about this."""

    query: str
    silent: bool
    hits: list[HitOut]

    @staticmethod
    def of(result: Any) -> SearchOut:
        hits = [HitOut(**{name: hit[name] for name in HitOut.model_fields}) for hit in result["hits"]]
        return SearchOut(query=result["query"], silent=not hits, hits=hits)


class PlanIn(BaseModel):
    """A plan of scenes to make from what the documents say about a topic."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"topic": "how a lens forms an image", "framework": "academic", "audience": "students", "seconds": 20}]})

    topic: str = Field(min_length=1, max_length=MOST_QUESTION, pattern=r"\S")
    audience: str = Field("students", min_length=1, max_length=200)
    objective: Objective = Objective.EXPLAIN
    look: Look = Look.INFOGRAPHIC
    framework: Framework = Framework.ACADEMIC
    seconds: float = Field(20.0, ge=2, le=600, description="How long the video is to be.")
    scenes: int = Field(0, ge=0, le=MAX_SCENES, description="How many scenes; 0 takes as many as the time allows.")
    planner: Planner = Field(Planner.RULES, description="`llm` lets a language model plan, held to what the documents "
                             "say; where none is there, the rules plan.")

    def ask(self) -> PlanAsk:
        brief = Brief(audience=self.audience, objective=self.objective, look=self.look, framework=self.framework,
                      scenes=self.scenes, planner=self.planner)
        return PlanAsk(self.topic, brief, self.seconds)


class PlanOut(BaseModel):
    """The plan; `scenes` go into a generation's `request.plan` as they are."""

    scenes: list[ScenePlan]
    planner: str
    notes: list[str]

    @staticmethod
    def of(draft: DraftPlan) -> PlanOut:
        return PlanOut(scenes=list(draft.scenes), planner=draft.planner, notes=list(draft.notes))
