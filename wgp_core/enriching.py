"""What happens to a request before frames: resolved, grounded in documents, planned, enhanced.

Keeps what was found on the way (`Enriching`'s fields), for the record and for the local engine where it takes over.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Protocol

from .clock import Clock
from .engines.base import RuntimeOptions
from .engines.registry import EngineRegistry
from .errors import Cancelled
from .events import CancelToken, Progress, Stage
from .grounding import Grounded, Workshop, brief_of, chunks_of, ground, teaching_prompt, with_context
from .marked import split_enhanced
from .paths import Paths
from .planning.scene_prompts import scene_prompts
from .prompts.enhancer import Cache, PromptEnhancer
from .prompts.for_video import enhance_request_of
from .request import Brief, EngineChoice, EnhanceMode, Planner, VideoRequest
from .resolve import PLANNED_SECONDS, Resolved, resolve, with_layout
from .scenes import rendered_apart
from .settings import Settings

log = logging.getLogger(__name__)


class Around(Protocol):
    """What enriching needs of the program."""

    @property
    def paths(self) -> Paths: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def engines(self) -> EngineRegistry: ...

    @property
    def runtime(self) -> RuntimeOptions: ...

    @property
    def prompt_cache(self) -> Cache | None: ...


class Enriching:
    """One request on its way to the engine."""

    def __init__(self, asked: VideoRequest, context: Around, clock: Clock, cancel: CancelToken,
                 warnings: list[str]) -> None:
        self.asked = asked
        self.made_from = asked
        """The same without documents that are silent."""
        self.context, self.clock, self.cancel, self.warnings = context, clock, cancel, warnings
        self.enhanced: str | None = None
        self.enhancement: dict[str, object] = {}
        self.grounded = Grounded()
        self.scene_prompts: tuple[str, ...] = ()

    def effective(self) -> Resolved:
        """The request as it will be rendered. Raises `WgpError` and `Cancelled`."""
        resolved = self._resolve(self.asked)
        self.cancel.raise_if_cancelled()
        return self._enrich(resolved)

    def _resolve(self, asked: VideoRequest) -> Resolved:
        with self.clock.stage(Stage.RESOLVE):
            asked.check()
            if asked.documents is not None and not asked.plan:
                chunks_of(asked.documents, self.context.paths)
            resolved = resolve(asked, self.context.engines, self.context.settings)
            self.warnings += [note for note in resolved.warnings if note not in self.warnings]
            return resolved

    def _enrich(self, resolved: Resolved) -> Resolved:
        """The prompt and the scenes as they reach the engine: from documents, a brief, the enhancer, or as written."""
        original, given = split_enhanced(resolved.request.prompt)
        if original != resolved.request.prompt:
            resolved = replace(resolved, request=replace(resolved.request, prompt=original))
        if given is None or resolved.request.makes_plan:
            resolved = self._ground(resolved)
        if resolved.request.plan and rendered_apart(resolved.request, resolved.engine.spec_for(resolved.request)):
            return self._with_scenes(resolved)
        if given is not None:
            self.enhanced = given
            return replace(resolved, request=replace(resolved.request, prompt=given))
        local = resolved.engine.spec.choice is EngineChoice.LOCAL
        if resolved.request.brief is not None and not resolved.request.plan and not local:
            self.enhanced = teaching_prompt(resolved.request)
            resolved = replace(resolved, request=replace(resolved.request, prompt=self.enhanced))
        elif local and resolved.request.brief not in (None, Brief()) and not resolved.request.plan:
            self.warnings.append("Audience, objective and style had no effect: the local engine draws the topic as it "
                                 "is. With a framework or documents it draws planned scenes.")
        if resolved.request.enhance is not EnhanceMode.OFF:
            resolved = self._enhance(resolved)
        if self.grounded.context:
            self.enhanced = with_context(resolved.request.prompt, self.grounded.context)
            resolved = replace(resolved, request=replace(resolved.request, prompt=self.enhanced))
        return resolved

    def _ground(self, resolved: Resolved) -> Resolved:
        """With the plan that documents or the brief give; with silent documents, the topic alone."""
        request = resolved.request
        if request.plan or (request.documents is None and not request.makes_plan):
            return resolved
        shop = Workshop(self.context.paths, self.context.settings, self.context.runtime, self._tell_enrich, self.cancel)
        seconds = request.frames / request.fps if request.frames and request.fps else PLANNED_SECONDS
        with self.clock.stage(Stage.ENRICH):
            self.grounded = ground(request, seconds, shop)
        self.warnings += self.grounded.warnings
        if self.grounded.plan:
            laid = with_layout(replace(resolved, request=replace(request, plan=self.grounded.plan), warnings=()))
            self.warnings += laid.warnings
            return laid
        if request.makes_plan:
            asked = replace(self.asked, documents=None, prompt=request.prompt,
                            brief=self.asked.brief and replace(self.asked.brief, framework=None, planner=Planner.RULES))
            self.made_from = asked
            return self._resolve(asked)
        return resolved

    def _with_scenes(self, resolved: Resolved) -> Resolved:
        request = resolved.request
        assert request.frames and request.fps
        self.scene_prompts = scene_prompts(request.plan, brief_of(request, request.frames / request.fps))
        if request.enhance is not EnhanceMode.OFF:
            self.warnings.append("The prompts of the scenes were not enhanced: they are made from the plan.")
        return resolved

    def _tell_enrich(self, message: str, step: int, total: int) -> None:
        self.cancel.raise_if_cancelled()
        self.clock.tell(Progress(Stage.ENRICH, step, total, message))

    def _enhance(self, resolved: Resolved) -> Resolved:
        """Ask the enhancer; whatever goes wrong there costs a warning, never the video."""
        request, settings = resolved.request, self.context.settings
        if resolved.engine.spec.choice is EngineChoice.LOCAL:
            self.warnings.append("The prompt was not enhanced: the local engine draws from the words as they are.")
            return resolved
        enhancer = PromptEnhancer(self.context.paths, settings, self.context.runtime, self.context.prompt_cache)
        with self.clock.stage(Stage.ENRICH):
            try:
                result = enhancer.enhance(
                    enhance_request_of(request, provider=settings.enhancer_provider, model=settings.enhancer_model,
                                       quality=settings.enhancer_quality),
                    cancel=self.cancel, on_progress=self.clock.tell)
            except Cancelled:
                raise
            except Exception as error:
                log.warning("the prompt could not be enhanced", exc_info=True)
                self.warnings.append(f"The prompt was used as written: it could not be enhanced ({error}).")
                return resolved
            finally:
                enhancer.release()
        self.warnings += result.warnings
        self.enhanced, self.enhancement = result.enhanced, result.summary()
        takes_negative = "negative_prompt" in resolved.engine.spec_for(request).uses
        negative = request.negative_prompt or (result.negative_prompt if takes_negative else "")
        return replace(resolved, request=replace(request, prompt=result.enhanced, negative_prompt=negative))
