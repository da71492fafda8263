"""Tasks of the prompt enhancer: `enhance`; `suggest`, which asks its language model about an attempt.

Beside them: what is in memory, and `release_language_model` to have that back. They run in the assistant worker. The
enhancer stays between tasks, and with it the language model that it loaded, until the settings that concern it change,
the worker has been idle for long, or a video needs the card.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import StoreError
from ..events import Progress, Stage
from ..prompts.records import request_from_dict, result_to_dict
from .tasks import TaskContext, task

if TYPE_CHECKING:
    from ..prompts.enhancement import TextModel
    from ..prompts.enhancer import PromptEnhancer
    from ..store.database import Store

log = logging.getLogger(__name__)

GB = 2**30


@dataclass
class _Desk:
    """What this process keeps between tasks. `concerns` is what the enhancer was made for."""

    enhancer: PromptEnhancer | None = None
    concerns: Any = None
    store: Store | None = None


_desk = _Desk()


@task("enhance")
def enhance(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: an `EnhanceRequest` as JSON. Result: an `EnhanceResult` as JSON."""
    request = request_from_dict(payload)
    return result_to_dict(_enhancer(context).enhance(request, cancel=context.cancel, on_progress=context.on_progress))


@task("suggest")
def suggest(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `attempt` (an id). The first language model that answers is asked for changes of its prompt, which are
    kept with it. Result: `found` (how many) and `message`."""
    from ..attempts.refining import ask
    from ..store.database import Store

    context.on_progress(Progress(Stage.LOAD, message="Loading the language model"))
    with Store.open(context.paths.database) as store:
        def suggested_by(model: TextModel) -> tuple[str, int]:
            context.on_progress(Progress(Stage.ENRICH, message=f"{model.name} reads what is weak"))
            return model.name, len(ask(str(payload["attempt"]), store, model, cancel=context.cancel))

        name, found = _enhancer(context).with_model(suggested_by)
    said = "" if found else f"{name} has nothing to suggest that keeps what the prompt says."
    return {"found": found, "message": said}


@task("release_language_model")
def release_language_model(_payload: Mapping[str, Any], _context: TaskContext) -> Mapping[str, Any]:
    """Payload: none. Result: GB (2**30 bytes) before and after, of the process (`ram_*`) and on the card (`vram_*`)."""
    ram_before, vram_before = _ram_gb(), _vram_gb()
    if _desk.enhancer is not None:
        _desk.enhancer.release()
    _free()
    return {"ram_before_gb": round(ram_before, 3), "ram_after_gb": round(_ram_gb(), 3),
            "vram_before_gb": round(vram_before, 3), "vram_after_gb": round(_vram_gb(), 3)}


@task("language_model_state")
def language_model_state(_payload: Mapping[str, Any], _context: TaskContext) -> Mapping[str, Any]:
    """Payload: none. Result: `model`, the name of the language model in memory ("": none), `ram_gb` and `vram_gb`."""
    model = _desk.enhancer._model if _desk.enhancer is not None else None
    return {"model": model.name if model is not None else "", "ram_gb": round(_ram_gb(), 3),
            "vram_gb": round(_vram_gb(), 3)}


def _enhancer(context: TaskContext) -> PromptEnhancer:
    """The kept enhancer, or a new one where what concerns it has changed."""
    concerns = _concerns(context)
    if _desk.enhancer is not None and _desk.concerns != concerns:
        log.info("The settings of the prompt enhancer changed; what it had loaded is given back.")
        _desk.enhancer.release()
        _desk.enhancer = None
        _free()
    if _desk.enhancer is None:
        from ..prompts.enhancer import PromptEnhancer

        store = _store(context)
        _desk.enhancer = PromptEnhancer(context.paths, context.settings, context.runtime,
                                        store.enhancements if store else None)
        _desk.concerns = concerns
    return _desk.enhancer


def _concerns(context: TaskContext) -> Any:
    settings = {name: value for name, value in asdict(context.settings).items()
                if name.startswith(("enhancer_", "openai_"))}
    return context.paths, context.runtime, settings


def _store(context: TaskContext) -> Store | None:
    """The database with the cache; None where it cannot be opened, which costs only the cache."""
    if _desk.store is None or _desk.store.database != context.paths.database:
        from ..store.database import Store

        try:
            _desk.store = Store.open(context.paths.database)
        except StoreError as error:
            log.warning("Enhanced prompts are not cached: %s", error)
            _desk.store = None
    return _desk.store


def _free() -> None:
    """Hand freed memory back to the system; the model manager knows how, where torch is loaded."""
    gc.collect()
    if "torch" in sys.modules:
        from ..models.manager import free_memory

        free_memory()


def _ram_gb() -> float:
    import psutil

    return psutil.Process().memory_info().rss / GB


def _vram_gb() -> float:
    """What torch holds on all cards, in GB; 0 where torch was not needed."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0.0
    return sum(torch.cuda.memory_reserved(index) for index in range(torch.cuda.device_count())) / GB
