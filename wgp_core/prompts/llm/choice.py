"""Which language models can be asked here, in which order, and how one is opened. Looks at files and settings only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...engines.base import RuntimeOptions
from ...errors import RequestError, WgpError
from ...paths import Paths
from ...settings import Settings
from ..enhancement import Provider, TextModel
from .find import find_local, installed_local
from .openai_compatible import OpenAIModel, key_from_environment

if TYPE_CHECKING:
    from .find import LocalSource


@dataclass(frozen=True)
class ProviderState:
    """Whether a provider can be used, and with which model by default; else why not and what to do."""

    name: Provider
    ok: bool
    model: str = ""
    reason: str = ""
    fix: str = ""


def available(paths: Paths, settings: Settings) -> tuple[ProviderState, ...]:
    """The state of each provider. No model is loaded and no server is asked."""
    return _local_state(paths, settings), _server_state(settings), ProviderState(Provider.RULES, True)


def line_of(provider: Provider, model: str, paths: Paths, settings: Settings) -> tuple[tuple[Provider, str], ...]:
    """The providers to try, in order, each with the name of its model; rules are not in it.

    `auto` means the setting's provider; where that is `auto` too: a strong model on this machine, the server where the
    settings name a model of it, a small model on this machine. A name that no provider knows stays with the one that
    was asked, which will say so.
    """
    if provider is Provider.AUTO:
        provider = Provider(settings.enhancer_provider)
    if provider is Provider.RULES:
        return ()
    if provider is Provider.OPENAI:
        return ((Provider.OPENAI, model or settings.openai_model),)
    if provider is Provider.LOCAL:
        return ((Provider.LOCAL, _local_name(model, paths, settings)),)
    return _automatic(model, paths, settings)


def open_model(provider: Provider, model: str, paths: Paths, settings: Settings,
               runtime: RuntimeOptions) -> TextModel:
    """Load a model of this machine, or make a client of the server (which is not asked yet).

    "" takes the provider's default. Raises `ModelMissingError`, `EngineMemoryError`, `EngineError`, `SettingsError` for
    a server that is not set up, and `RequestError` for a provider that has no models.
    """
    if provider is Provider.LOCAL:
        from .local import open_local

        return open_local(find_local(model or settings.enhancer_model, paths), paths, runtime)
    if provider is Provider.OPENAI:
        return OpenAIModel(model or settings.openai_model, base_url=settings.openai_base_url,
                           key=key_from_environment(), timeout_s=settings.openai_timeout)
    raise RequestError(f"The provider {provider.value!r} has no language model to open.", field="provider",
                       fix=f"Use {Provider.LOCAL.value} or {Provider.OPENAI.value}.")


def _automatic(model: str, paths: Paths, settings: Settings) -> tuple[tuple[Provider, str], ...]:
    if model:
        here = _found(model, paths) is not None or not _server_state(settings).ok
        return ((Provider.LOCAL, _local_name(model, paths, settings)) if here else (Provider.OPENAI, model),)
    chosen = _found(settings.enhancer_model, paths)
    local = [(chosen, settings.enhancer_model)] if chosen else []
    local += [(each, each.spec.id) for each in installed_local(paths) if chosen is None or each.spec != chosen.spec]
    strong = [(Provider.LOCAL, name) for source, name in local if source.strong][:1]
    server = [(Provider.OPENAI, settings.openai_model)] if settings.openai_model and _server_state(settings).ok else []
    weak = [(Provider.LOCAL, name) for source, name in local if not source.strong][:1]
    return (*strong, *server, *weak)


def _local_name(model: str, paths: Paths, settings: Settings) -> str:
    """The id of the model that "" means, so that records and caches name it; other names as they are."""
    name = model or settings.enhancer_model
    if name:
        return name
    found = installed_local(paths)
    return found[0].spec.id if found else ""


def _found(model: str, paths: Paths) -> LocalSource | None:
    try:
        return find_local(model, paths) if model else None
    except WgpError:
        return None


def _local_state(paths: Paths, settings: Settings) -> ProviderState:
    try:
        source = find_local(settings.enhancer_model, paths)
    except WgpError as error:
        return ProviderState(Provider.LOCAL, False, settings.enhancer_model, error.message, error.fix)
    return ProviderState(Provider.LOCAL, True, source.spec.id)


def _server_state(settings: Settings) -> ProviderState:
    try:
        OpenAIModel(settings.openai_model, base_url=settings.openai_base_url, key=key_from_environment())
    except WgpError as error:
        return ProviderState(Provider.OPENAI, False, settings.openai_model, error.message, error.fix)
    return ProviderState(Provider.OPENAI, True, settings.openai_model)
