"""What a request's documents and brief make of it before frames: a plan of scenes, words for the prompt, or a warning.

The collection is found, and refused where it is not there, before any work (`chunks_of`); it is opened and asked in
this process (`ground`), and what was loaded for that is given back when the answer is there.
"""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .documents.collections import existing
from .documents.types import DocumentError
from .engines.base import RuntimeOptions
from .errors import RequestError, WgpError
from .events import CancelToken
from .paths import Paths
from .planning.brief import PlanBrief, Planned
from .prompts import academic
from .request import Brief, DocumentMode, DocumentUse, Framework, Planner, ScenePlan, VideoRequest
from .settings import Settings

if TYPE_CHECKING:
    from .documents.retrieve import Retriever
    from .prompts.enhancement import TextModel

log = logging.getLogger(__name__)

Tell = Callable[[str, int, int], None]
"""Told what is being done and how far it is: step of total (0 of 0 where that is unknown). May raise `Cancelled`."""


@dataclass(frozen=True)
class Grounded:
    """What was found. `plan` is empty where no scenes were planned; `context` is the documents' own words (overlay).

    `planner` names who planned ("rules", or a model).
    """

    plan: tuple[ScenePlan, ...] = ()
    context: str = ""
    planner: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workshop:
    """What grounding needs of the program around it."""

    paths: Paths
    settings: Settings
    runtime: RuntimeOptions
    tell: Tell
    cancel: CancelToken


def chunks_of(use: DocumentUse, paths: Paths) -> Path:
    """The file of chunks that a request names. Raises `RequestError` where there is none."""
    if use.chunks is not None:
        if not use.chunks.is_file():
            raise RequestError(f"There is no file of chunks {use.chunks}.", field="documents",
                               fix="Make it: ./run.sh scripts/chunk_book.py --input BOOK.pdf --output FILE.jsonl")
        return use.chunks
    try:
        file = existing(paths, use.collection).files.chunks
    except DocumentError as error:
        raise RequestError(error.message, field="documents", fix=error.fix) from error
    if not file.is_file():
        raise RequestError(f"The collection {use.collection!r} has no chunks: {file} is missing.", field="documents",
                           fix="Add its documents again.")
    return file


def ground(request: VideoRequest, seconds: float, shop: Workshop) -> Grounded:
    """Read the documents, plan the scenes, or both; nothing where the request asks for neither.

    `seconds` is how long the planned scenes are together. Raises `WgpError` where documents cannot be read, and
    `Cancelled`.
    """
    if request.plan:
        return Grounded()
    if request.documents is not None:
        shop.tell("Opening the documents", 0, 0)
        retriever = _open(chunks_of(request.documents, shop.paths), shop)
        shop.tell("Asking the documents", 0, 0)
        if request.documents.mode is DocumentMode.OVERLAY:
            return _overlay(request.prompt, retriever)
        return _plan(request, seconds, retriever, shop)
    return _plan(request, seconds, None, shop) if request.makes_plan else Grounded()


def teaching_prompt(request: VideoRequest) -> str:
    """The topic as one prompt for a model that shows it in one take."""
    brief = request.brief or Brief()
    return academic.build(academic.AcademicRequest(
        topic=request.prompt, audience=brief.audience, objective=brief.objective, look=brief.look,
        lora_profile=request.lora_profile, seed=max(request.seed, 0))).text


def with_context(prompt: str, context: str) -> str:
    """The prompt with what the documents say behind it."""
    said = prompt.rstrip()
    return f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} {context}" if context else prompt


def brief_of(request: VideoRequest, seconds: float) -> PlanBrief:
    """What the planners are asked for."""
    brief = request.brief or Brief()
    return PlanBrief(topic=request.prompt, audience=brief.audience, objective=brief.objective, look=brief.look,
                     framework=brief.framework or Framework.ACADEMIC, seconds=seconds, scenes=brief.scenes)


def _open(chunks: Path, shop: Workshop) -> Retriever:
    from .documents.retrieve import RetrievalOptions, open_retriever

    def count(done: int, total: int) -> None:
        shop.tell("Reading passages", done, total)

    return open_retriever(chunks, shop.paths.ckpts, RetrievalOptions.of(shop.settings), on_progress=count,
                          cancel=shop.cancel)


def _overlay(topic: str, retriever: Retriever) -> Grounded:
    from .documents.retrieve import SILENCE
    from .planning.grounded import overlay_prompt

    said = topic.strip()
    context = overlay_prompt(said, retriever).removeprefix(said).lstrip(". ")
    return Grounded(context=context, warnings=() if context else (SILENCE,))


def _plan(request: VideoRequest, seconds: float, retriever: Retriever | None, shop: Workshop) -> Grounded:
    """Scenes from documents, or without any. Silent documents give none, unless the request asks for scenes anyway."""
    brief = brief_of(request, seconds)
    brief.check()
    with _language_model(request, shop) as (model, warnings):
        planned = _planned(brief, retriever, model, max(request.seed, 0), shop)
    asked = request.brief is not None and (request.brief.framework is not None or request.brief.planner is Planner.LLM)
    warnings = (*warnings, *planned.repaired, *planned.warnings)
    if retriever is not None and not planned.grounded and not asked:
        return Grounded(warnings=planned.warnings[:1])
    return Grounded(planned.scenes, planner=planned.planner, warnings=tuple(dict.fromkeys(warnings)))


def _planned(brief: PlanBrief, retriever: Retriever | None, model: TextModel | None, seed: int,
             shop: Workshop) -> Planned:
    if model is not None:
        from .planning import llm

        if retriever is not None:
            return llm.plan_documents_with_llm(brief, retriever, model, seed=seed, cancel=shop.cancel)
        return llm.plan_with_llm(brief, (), model, seed=seed, cancel=shop.cancel)
    if retriever is not None:
        from .planning.grounded import plan_from_documents

        return plan_from_documents(brief, retriever, cancel=shop.cancel)
    from .planning.rules import plan_by_rules

    return plan_by_rules(brief, ())


@contextlib.contextmanager
def _language_model(request: VideoRequest, shop: Workshop) -> Iterator[tuple[TextModel | None, tuple[str, ...]]]:
    """The planning language model where one is asked for; None with the reason where none can be had."""
    from .prompts.enhancement import Provider
    from .prompts.llm.choice import line_of, open_model

    brief = request.brief or Brief()
    if brief.planner is not Planner.LLM:
        yield None, ()
        return
    reasons: list[str] = []
    for provider, name in line_of(Provider.AUTO, brief.planner_model, shop.paths, shop.settings):
        try:
            shop.tell(f"Loading the planner {name}".rstrip(), 0, 0)
            model = open_model(provider, name, shop.paths, shop.settings, shop.runtime)
        except WgpError as error:
            log.warning("the planner %s %s cannot be opened: %s", provider, name, error)
            reasons.append(str(error))
            continue
        try:
            shop.tell(f"{model.name} plans the scenes", 0, 0)
            yield model, ()
        finally:
            model.close()
            gc.collect()
        return
    why = " ".join(reasons) or "No language model is installed, and no server is set up."
    yield None, (f"The scenes were planned by rules: {why}",)
