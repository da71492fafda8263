"""The list of engines, and how one is chosen for a request. A new engine is one class and one line in `builtin`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..errors import EngineError, SettingsError
from ..request import EngineChoice, VideoRequest
from .base import Engine, RuntimeOptions

if TYPE_CHECKING:
    from ..paths import Paths


class EngineRegistry:
    """Engines by id, in order of preference within a choice. Two of one id are refused."""

    def __init__(self, engines: Iterable[Engine]) -> None:
        self._engines: dict[str, Engine] = {}
        for engine in engines:
            if engine.spec.id in self._engines:
                raise SettingsError(f"Two engines have the id {engine.spec.id!r}.", fix="Give one another id.")
            self._engines[engine.spec.id] = engine

    def get(self, engine_id: str) -> Engine:
        try:
            return self._engines[engine_id]
        except KeyError:
            raise EngineError(f"There is no engine {engine_id!r}.",
                              fix="Known: " + ", ".join(self._engines) + ".") from None

    def all(self) -> tuple[Engine, ...]:
        return tuple(self._engines.values())

    def of(self, choice: EngineChoice) -> tuple[Engine, ...]:
        return tuple(e for e in self._engines.values() if e.spec.choice is choice)

    def choose(self, request: VideoRequest) -> Engine:
        """The engine for a request.

        `auto` takes the first diffusion engine that can run the request, else the local engine. An explicit choice
        is never replaced here: where it cannot run, `EngineError` says why.
        """
        if request.engine is EngineChoice.REMOTE:
            return self._remote(request)
        if request.engine is not EngineChoice.LOCAL:
            reasons = []
            for engine in self.of(EngineChoice.DIFFUSION):
                state = engine.availability(request)
                if state.ok:
                    return engine
                reasons.append(f"{state.reason} {state.fix}".strip())
            if request.engine is EngineChoice.DIFFUSION or request.model:
                raise EngineError("No diffusion engine can run this request: "
                                  + ("; ".join(reasons) or "none is part of this installation").rstrip(".") + ".",
                                  fix="Choose the local engine, or turn on the fallback to it.")
        return self.local()

    def _remote(self, request: VideoRequest) -> Engine:
        engines = self.of(EngineChoice.REMOTE)
        if not engines:
            raise EngineError("Remote models are no part of this installation.", fix="Choose another engine.")
        state = engines[0].availability(request)
        if not state.ok:
            raise EngineError(state.reason, fix=state.fix)
        return engines[0]

    def local(self) -> Engine:
        engines = self.of(EngineChoice.LOCAL)
        if not engines:
            raise EngineError("The local engine is missing from this installation.", fix="Install WGP Studio again.")
        return engines[0]


def builtin(paths: Paths, runtime: RuntimeOptions | None = None) -> EngineRegistry:
    """The engines that come with the program; `runtime` says on which device they will run."""
    from .diffusion.engine import DiffusionEngine
    from .explainer.engine import ExplainerEngine
    from .remote.engine import RemoteEngine

    return EngineRegistry([DiffusionEngine(paths, runtime), ExplainerEngine(paths), RemoteEngine(runtime)])


def load_factory(spec: str) -> Callable[[Paths], EngineRegistry]:
    """A registry factory by name, "package.module:function": how engines from elsewhere are plugged in."""
    module_name, _, name = spec.partition(":")
    try:
        return getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"The engine list {spec!r} cannot be loaded: {error}.",
                            fix='Write it as "package.module:function".') from error
