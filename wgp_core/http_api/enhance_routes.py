"""Enhancing prompts over HTTP. Known answers come from the cache at once; the others stand in the supervisor's line.

The model works in the assistant process. A caller who hangs up leaves the line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from ..engines.base import RuntimeOptions
from ..errors import BusyError, Cancelled, RequestError, WgpError, WorkerError
from ..jobs.prompt_line import Place
from ..jobs.supervisor import WorkerState
from ..prompts.enhancement import EnhanceRequest, EnhanceResult, JobType, Provider, Quality
from ..prompts.job_types import spec_of
from ..prompts.records import request_to_dict, result_from_dict
from ..store.enhancements import LIMIT
from .enhance_schemas import (
    CacheOut,
    ClearedOut,
    EnhanceIn,
    EnhanceOut,
    EnhanceProblemOut,
    InfoOut,
    JobTypeOut,
    LegacyIn,
    LegacyOut,
    LineOut,
    ModelOut,
    ProviderOut,
)
from .schemas import Answer

if TYPE_CHECKING:
    from ..context import Studio

log = logging.getLogger(__name__)

STATE_LIMIT_S = 20.0
CLOSING_EVERY_S = 0.5
Wait = Callable[[Place], Awaitable[Mapping[str, Any]]]
FEATURES = ("fidelity_check", "token_budget", "quality_score", "fallback_levels", "cache", "system_prompt", "context")
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": EnhanceProblemOut, "description": "The body is no JSON."},
    422: {"model": EnhanceProblemOut, "description": "The request cannot be carried out."},
    429: {"model": EnhanceProblemOut, "description": "Too many wait already.",
          "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}},
    500: {"model": EnhanceProblemOut, "description": "A mistake in the program; its log tells more."},
    503: {"model": EnhanceProblemOut, "description": "The enhancement failed."},
}


class HungUp(Exception):
    """Nobody listens any more, or nobody will be served any more."""


def build_enhance_router(studio: Studio, closing: Callable[[], bool]) -> APIRouter:
    router = APIRouter(tags=["enhancement"])

    async def enhance(body: EnhanceIn, request: Request) -> Any:
        """Enhance a prompt for an image or video model."""
        return await _answer(studio, body.request(), EnhanceOut.of, lambda place: _wait(place, request, closing))

    for path in ("/enhance", "/enhance/intelligent"):
        router.post(path, response_model=EnhanceOut, response_model_exclude_none=True, responses=_PROBLEMS,
                    operation_id=path.strip("/").replace("/", "_"))(enhance)

    @router.post("/enhance/legacy", response_model=LegacyOut, responses=_PROBLEMS)
    async def legacy(body: LegacyIn, request: Request) -> Any:
        """Enhance a single prompt with the defaults."""
        return await _answer(studio, body.request(), LegacyOut.of, lambda place: _wait(place, request, closing))

    @router.get("/enhancement/info")
    def info() -> InfoOut:
        """Job types, features, the cache, and which language models can be used."""
        return _info(studio)

    @router.post("/enhancement/cache/clear")
    def clear() -> ClearedOut:
        """Forget all cached answers."""
        cleared = studio.store.enhancements.clear()
        return ClearedOut(entries_cleared=cleared["entries"], hits=cleared["hits"],
                          cache_size=studio.store.enhancements.size())

    return router


async def _answer(studio: Studio, asked: EnhanceRequest, shape: Callable[[EnhanceResult], Any], wait: Wait) -> Any:
    """The answer in its shape, or a problem with the prompt as it was; nothing that goes wrong loses the prompt."""
    try:
        result = await run_in_threadpool(_cached, studio, asked)
        if result is None:
            place = studio.supervisor.prompts.join(request_to_dict(asked))
            result = result_from_dict(await wait(place))
        return shape(result)
    except BusyError as error:
        return _problem(asked, 429, error, {"retry-after": str(error.retry_after_s)})
    except RequestError as error:
        return _problem(asked, 422, error)
    except WgpError as error:
        log.warning("An enhancement failed: %s", error)
        return _problem(asked, 503, error)
    except (HungUp, Cancelled):
        return _problem(asked, 503, WorkerError("The enhancement was cancelled."))
    except Exception as error:  # the edge of the API: the prompt goes back whatever happened
        log.exception("An enhancement failed.")
        return _problem(asked, 500, error)


def _cached(studio: Studio, asked: EnhanceRequest) -> EnhanceResult | None:
    """A known answer, without standing in line."""
    from ..prompts.enhancer import PromptEnhancer

    began = perf_counter()
    enhancer = PromptEnhancer(studio.paths, studio.settings, RuntimeOptions.of(studio.settings))
    found = studio.store.enhancements.get(enhancer.key_of(asked))
    if found is None:
        return None
    return replace(result_from_dict(found), cache_hit=True, seconds=perf_counter() - began)


async def _wait(place: Place, request: Request, closing: Callable[[], bool]) -> Mapping[str, Any]:
    """The answer of a place in the line; the place is left when the caller hangs up or the server closes."""
    answer = asyncio.wrap_future(place.answer)
    gone = asyncio.ensure_future(hung_up(request))
    try:
        while not (answer.done() or gone.done() or closing()):
            await asyncio.wait({answer, gone}, timeout=CLOSING_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done() or answer.cancelled():
            raise HungUp
        return answer.result()
    finally:
        gone.cancel()
        if not place.answer.done():
            place.leave()
            answer.cancel()  # what still comes of it is nobody's


async def hung_up(request: Request) -> None:
    """Returns when the caller has closed the connection. The body was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _problem(asked: EnhanceRequest, status: int, error: Exception, headers: dict[str, str] | None = None) -> Answer:
    field = error.field if isinstance(error, RequestError) else ""
    words, fix = (error.message, error.fix) if isinstance(error, WgpError) else (type(error).__name__, "")
    return Answer(EnhanceProblemOut.of(asked.prompt, words, field=field, fix=fix).model_dump(), status, headers)


def _info(studio: Studio) -> InfoOut:
    from ..prompts.llm.choice import available

    line = studio.supervisor.prompts
    specs = {kind: spec_of(kind, Quality.HIGH) for kind in JobType}
    return InfoOut(
        job_types={kind.value: JobTypeOut(token_budget=spec.budget, tokenizer=spec.tokenizer,
                                          elements=list(spec.weights)) for kind, spec in specs.items()},
        qualities=[quality.value for quality in Quality], features=list(FEATURES),
        cache=CacheOut(entries=studio.store.enhancements.size(), limit=LIMIT),
        model=_model_state(studio),
        provider=Provider(studio.settings.enhancer_provider),
        providers=[ProviderOut(name=one.name, ok=one.ok, model=one.model, reason=one.reason, fix=one.fix)
                   for one in available(studio.paths, studio.settings)],
        line=LineOut(in_use=line.taken, places=line.most))


def _model_state(studio: Studio) -> ModelOut:
    """What the assistant has in memory; one that is at work is not asked, and one that is not there is not started."""
    state = studio.supervisor.status().assistant.state
    if state is WorkerState.STOPPED:
        return ModelOut(state="not loaded")
    if state is WorkerState.BUSY:
        return ModelOut(state="busy")
    try:
        found = studio.supervisor.run_task("language_model_state", timeout_s=STATE_LIMIT_S)
    except WgpError as error:
        log.warning("What the assistant has loaded could not be asked: %s", error)
        return ModelOut(state="busy")
    return ModelOut(state="loaded" if found["model"] else "not loaded", name=found["model"], ram_gb=found["ram_gb"],
                    vram_gb=found["vram_gb"])
