"""Enhancement of prompts: down a ladder of levels until one gives a text that keeps what the person meant.

With the caller's own instructions a model follows those; else it follows ours; without a model, or where none gives a
text that passes the checks, rules write it. Strong models rewrite freely and are told once what they got wrong; weak
ones choose among phrases around the person's own sentence. Whatever goes wrong, a text comes back.
"""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..engines.base import RuntimeOptions
from ..errors import (
    Cancelled,
    EngineError,
    EngineMemoryError,
    ModelMissingError,
    RequestError,
    SettingsError,
    WgpError,
)
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..models.hashes import FileHashes
from ..paths import Paths
from ..request import MAX_PROMPT_CHARS
from ..settings import Settings
from .enhancement import (
    Attempt,
    EnhanceRequest,
    EnhanceResult,
    Level,
    Mode,
    Provider,
    TextModel,
    TokenCounter,
    TokenUse,
)

if TYPE_CHECKING:
    from .facts import Facts
    from .fidelity import Fidelity
    from .job_types import JobTypeSpec

log = logging.getLogger(__name__)

T = TypeVar("T")

RECIPE = 1
"""Part of every cache key: raised when the same question gets another answer."""


ALIKE, ALIKE_WHOLE = 0.6, 0.2
"""Least cosine of an enhanced text and its original; a text around the whole original is only diluted by what is added:
on short prompts 0.26 to 0.7 were seen where nothing was wrong."""


class Cache(Protocol):
    """Where answers are kept; `wgp_core.store` has one that survives restarts."""

    def get(self, key: str) -> Mapping[str, Any] | None: ...

    def put(self, key: str, answer: Mapping[str, Any]) -> None: ...


class PromptEnhancer:
    """Enhances one prompt after the other in one process; a language model stays loaded until `release`."""

    def __init__(self, paths: Paths, settings: Settings, runtime: RuntimeOptions | None = None,
                 cache: Cache | None = None) -> None:
        self._paths, self._settings = paths, settings
        self._runtime = runtime or RuntimeOptions()
        self._cache = cache
        self._model: TextModel | None = None
        self._model_key: tuple[Provider, str] | None = None
        self._similarity: Callable[[str, str], float] | None = None

    def enhance(self, request: EnhanceRequest, *, cancel: CancelToken | None = None,
                on_progress: ProgressCallback = ignore_progress) -> EnhanceResult:
        """The enhanced prompt, and how it came about.

        Raises `RequestError` for an empty or endless prompt and `Cancelled`; everything else that fails is a level that
        is left out, with the reason in the result.
        """
        began = time.perf_counter()
        _check(request)
        key = self.key_of(request)
        known = self._cached(key)
        if known is not None:
            return replace(known, cache_hit=True, seconds=time.perf_counter() - began)
        result = _Enhancement(self, request, cancel or CancelToken(), on_progress).run()
        result = replace(result, seconds=time.perf_counter() - began)
        if self._cache is not None and not any(a.outcome == "failed" for a in result.attempts):
            from .records import result_to_dict

            self._cache.put(key, result_to_dict(result))
        return result

    def key_of(self, request: EnhanceRequest) -> str:
        """Everything that changes the answer, hashed: the request, the picture's content and who would answer."""
        facts = asdict(request)
        hashes = FileHashes(self._paths.cache / "sha256.json")
        facts["start_image"] = hashes.sha256(request.start_image) if request.start_image else ""
        facts["answers"] = [f"{provider}:{model}" for provider, model in self._line(request)]
        facts["server"] = self._settings.openai_base_url
        facts["recipe"] = RECIPE
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()

    def with_model(self, use: Callable[[TextModel], T]) -> T:
        """What `use` makes of the first language model in line that can be loaded and answers; the next is tried after
        one that cannot. The model stays this object's until `release`.

        Raises `ModelMissingError` where there is none, `EngineError` where none answers, and what else `use` raises.
        """
        from .llm.choice import line_of

        line = line_of(Provider.AUTO, "", self._paths, self._settings)
        if not line:
            raise ModelMissingError("No language model can be asked: none is installed, or the settings leave prompts "
                                    "to the rules.", fix="Install one under Models, or choose another provider under "
                                    "Settings, Prompt enhancer.")
        failed: list[WgpError] = []
        for provider, name in line:
            try:
                return use(self._open(provider, name))
            except (EngineError, SettingsError) as error:
                log.warning("%s could not be asked: %s", name or provider.value, error)
                failed.append(error)
                if isinstance(error, EngineMemoryError):
                    self.release()
        if len(failed) == 1:
            raise failed[0]
        raise EngineError("No language model answered. " + " ".join(str(error) for error in failed))

    def release(self) -> None:
        """Give the language model's memory back."""
        if self._model is not None:
            self._model.close()
            self._model, self._model_key = None, None
            gc.collect()

    # -- what an enhancement borrows ----------------------------------------------------------------------------

    def _cached(self, key: str) -> EnhanceResult | None:
        if self._cache is None:
            return None
        from .records import result_from_dict

        found = self._cache.get(key)
        return result_from_dict(found) if found is not None else None

    def _line(self, request: EnhanceRequest) -> tuple[tuple[Provider, str], ...]:
        """The providers that are tried, in order, each with the name of its model; rules come last by themselves."""
        from .llm.choice import line_of

        return line_of(request.provider, request.model, self._paths, self._settings)

    def _open(self, provider: Provider, model: str) -> TextModel:
        from .llm.choice import open_model

        if self._model is None or self._model_key != (provider, model):
            self.release()
            self._model = open_model(provider, model, self._paths, self._settings, self._runtime)
            self._model_key = (provider, model)
        return self._model

    def _alike(self, one: str, other: str) -> float | None:
        """Cosine of the two texts' meanings, or None where no embedder is installed."""
        if self._similarity is None:
            from ..models.embedder import MiniLmEmbedder

            embedder = MiniLmEmbedder.find(self._paths.ckpts)
            if embedder is None:
                return None

            def similarity(a: str, b: str) -> float:
                left, right = embedder.embed([a, b])
                return float(left @ right)

            self._similarity = similarity
        try:
            return self._similarity(one, other)
        except WgpError as error:
            log.warning("the embedder failed: %s", error)
            return None


class _Enhancement:
    """One call of `PromptEnhancer.enhance`."""

    def __init__(self, home: PromptEnhancer, request: EnhanceRequest, cancel: CancelToken,
                 on_progress: ProgressCallback) -> None:
        from .facts import facts_of
        from .job_types import spec_of
        from .tokens import counter_for

        self.home, self.request, self.cancel, self.on_progress = home, request, cancel, on_progress
        self.original = " ".join(request.prompt.split())
        self.spec: JobTypeSpec = spec_of(request.job_type, request.quality)
        self.counter: TokenCounter = counter_for(request.job_type, home._paths, request.target_model)
        self.facts: Facts = facts_of(self.original)
        self.attempts: list[Attempt] = []
        self.warnings: list[str] = []
        self.caption = ""

    def run(self) -> EnhanceResult:
        self._look_at_picture()
        if not self.facts.english:
            self.warnings.append("The prompt does not seem to be English. It is kept as it is, since phrases are "
                                 "added in English only.")
            return self._result(self.original, Level.EMERGENCY, Provider.RULES, "")
        own = bool(self.request.system_prompt or self.request.context)
        for level in ((Level.EDGE, Level.WORKER) if own else (Level.WORKER,)):
            for provider, model in self.home._line(self.request):
                text = self._by_model(level, provider, model)
                if text is not None:
                    return self._result(text, level, provider, model)
        return self._by_rules()

    # -- levels -------------------------------------------------------------------------------------------------

    def _by_model(self, level: Level, provider: Provider, name: str) -> str | None:
        """A text that passed, or None with the reason noted. Memory that ran out is freed and tried once more."""
        began = time.perf_counter()
        for again in (False, True):
            self.cancel.raise_if_cancelled()
            try:
                text, outcome, reason = self._ask(level, provider, name)
            except (Cancelled, RequestError):
                raise
            except EngineMemoryError as error:
                self.home.release()
                if not again:
                    continue
                text, outcome, reason = None, "failed", error.message
            except WgpError as error:
                text, outcome, reason = None, "failed", str(error)
            except Exception as error:
                log.warning("the language model failed", exc_info=True)
                text, outcome, reason = None, "failed", f"{type(error).__name__}: {error}"
            self.attempts.append(Attempt(level, provider, outcome, reason, time.perf_counter() - began))
            return text
        raise AssertionError("the second try returns")

    def _ask(self, level: Level, provider: Provider, name: str) -> tuple[str | None, str, str]:
        request = self.request if level is Level.EDGE else replace(self.request, system_prompt="", context="")
        if self.caption:
            request = replace(request, context=f"{request.context}\nThe start image shows: {self.caption}".strip())
        self.on_progress(Progress(Stage.ENRICH, message="Loading the language model"))
        model = self.home._open(provider, name)
        self.on_progress(Progress(Stage.ENRICH, message="Enhancing the prompt"))
        if not model.strong:
            if level is Level.EDGE and request.system_prompt:
                return None, "skipped", f"{model.name} is too small to follow instructions of one's own"
            from .fill import enhance_by_choosing

            text = self._fitted(enhance_by_choosing(model, request, self.facts, self.counter, self.cancel))
            found = self._checked(text)
            return (text, "accepted", "") if found.ok else (None, "rejected", "; ".join(found.reasons))
        return self._ask_freely(model, request)

    def _ask_freely(self, model: TextModel, request: EnhanceRequest) -> tuple[str | None, str, str]:
        """A free rewriting; what it got wrong is said to it once, then its good phrases are put round the original."""
        from .llm.freely import enhance_freely

        notes, reasons, text = "", "", ""
        for _ in range(2):
            text = enhance_freely(model, request, self.spec, self.facts, notes=notes, cancel=self.cancel)
            fitted = self._fitted(text)
            found = self._checked(fitted)
            if found.ok:
                return fitted, "accepted", f"after a second try: {reasons}" if reasons else ""
            reasons = "; ".join(found.reasons)
            notes = f"Your last answer was not usable: {reasons}. Keep everything that the user said."
        mended = self._repaired(text)
        if mended is not None:
            return mended, "repaired", reasons
        return None, "rejected", reasons

    def _repaired(self, text: str) -> str | None:
        """The person's own sentence, with those phrases of a rejected text on camera, light and look that may stay."""
        from .compress import OTHER, rank_of
        from .fidelity import added_phrases

        kept: list[str] = []
        for phrase in added_phrases(self.original, text):
            candidate = ", ".join([self.original.rstrip(" .,"), *kept, phrase])
            if rank_of(phrase) < OTHER and self._checked(candidate, measure=False).ok:
                kept.append(phrase)
        if not kept:
            return None
        mended = self._fitted(", ".join([self.original.rstrip(" .,"), *kept]))
        return mended if self._checked(mended).ok else None

    def _by_rules(self) -> EnhanceResult:
        from .rules import enhance_by_rules

        began = time.perf_counter()
        text = self._fitted(enhance_by_rules(self.request, self.facts, self.counter))
        found = self._checked(text, measure=False)
        outcome = "accepted" if found.ok else "rejected"
        self.attempts.append(Attempt(Level.EMERGENCY, Provider.RULES, outcome, "; ".join(found.reasons),
                                     time.perf_counter() - began))
        return self._result(text if found.ok else self._fitted(self.original), Level.EMERGENCY, Provider.RULES, "")

    # -- parts --------------------------------------------------------------------------------------------------

    def _look_at_picture(self) -> None:
        if self.request.mode not in (Mode.IMAGE_TO_VIDEO, Mode.MOTION) or self.request.start_image is None:
            return
        from .caption import caption_image

        try:
            self.caption = caption_image(self.request.start_image, self.home._paths, self.home._runtime,
                                         cancel=self.cancel) or ""
        except WgpError as error:
            self.warnings.append(f"The start image was not looked at: {error}")

    def _fitted(self, text: str) -> str:
        """The text within the job type's budget."""
        from .compress import compress

        return compress(text, self.counter, self.spec.budget, core=self.original,
                        protected=self.request.protected).text

    def _checked(self, text: str, *, measure: bool = True) -> Fidelity:
        from .fidelity import check

        similarity = self.home._alike(self.original, text) if measure else None
        whole = self.original.rstrip(" .,").lower() in text.lower()
        return check(self.original, text, similarity=similarity, threshold=ALIKE_WHOLE if whole else ALIKE,
                     protected=self.request.protected)

    def _result(self, text: str, level: Level, provider: Provider, model: str) -> EnhanceResult:
        from .fidelity import added_phrases
        from .score import score
        from .vocabulary import negative_prompt

        request = self.request
        return EnhanceResult(
            original=request.prompt, enhanced=text, level=level, provider=provider, model=model, mode=request.mode,
            job_type=request.job_type, quality=request.quality, enhancement_type=request.enhancement_type,
            negative_prompt=negative_prompt(request.mode), added=added_phrases(self.original, text),
            attempts=tuple(self.attempts),
            tokens=TokenUse(self.counter.count(text), self.spec.budget, self.counter.name, self.counter.exact),
            score_before=score(self.original, request.job_type), score=score(text, request.job_type),
            similarity=self.home._alike(self.original, text) if model else None, caption=self.caption,
            warnings=tuple(self.warnings))


def _check(request: EnhanceRequest) -> None:
    if not request.prompt.strip():
        raise RequestError("The prompt is empty.", field="prompt", fix="Say in a few words what is to be seen.")
    for name in ("prompt", "system_prompt", "context"):
        length = len(getattr(request, name))
        if length > MAX_PROMPT_CHARS:
            raise RequestError(f"The {name.replace('_', ' ')} has {length} characters; the most is {MAX_PROMPT_CHARS}.",
                               field=name, fix="Shorten it.")
