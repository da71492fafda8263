"""A language model behind a server that speaks OpenAI's protocol: OpenAI, Ollama, vLLM, llama.cpp and others.

The key goes into the request's header and nowhere else: not into logs, errors or records.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from ...errors import Cancelled, EngineError, SettingsError
from ...events import CancelToken

log = logging.getLogger(__name__)

OPENAI_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
TEMPERATURE, TOP_P = 0.6, 0.9
_POLL_S = 0.05
_RETRIES = 2
"""By the client, with growing pauses, where the server is busy, fails or breaks off."""


class OpenAIModel:
    """A `TextModel` that is always strong and cannot rank."""

    strong = True

    def __init__(self, model: str = "", *, base_url: str = "", key: str = "", timeout_s: float = 60.0) -> None:
        """`base_url` "" is OpenAI's own; servers of one's own may go without a key and without a model's name, which
        takes the first that they list. Raises `SettingsError` for an address, key or model that cannot be.
        """
        self.base_url = base_url.strip().rstrip("/") or OPENAI_URL
        self.place = _without_secrets(self.base_url)
        self._key = key.strip()
        if self.is_openai and not self._key:
            raise SettingsError("OpenAI's server needs a key.",
                                fix=f"Set the variable {KEY_VARIABLE}, or openai_base_url to a server of your own.")
        if self.is_openai and not model.strip():
            raise SettingsError("No model of OpenAI's server is named.", fix="Set openai_model in the settings.")
        self.timeout_s = timeout_s
        self.name = model.strip()

    @property
    def is_openai(self) -> bool:
        return self.base_url == OPENAI_URL

    def complete(self, system: str, user: str, *, max_new_tokens: int, seed: int,
                 cancel: CancelToken | None = None) -> str:
        """The server's answer (temperature 0.6, top-p 0.9, and the seed, where the model takes them).

        A cancel drops the connection. Raises `EngineError` that says what to do: no server, refused key, unknown model,
        too many requests, no answer within `timeout_s` in all. Raises `Cancelled`.
        """
        cancel = cancel or CancelToken()
        cancel.raise_if_cancelled()
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        options = {"max_completion_tokens" if self.is_openai else "max_tokens": max_new_tokens,
                   "temperature": TEMPERATURE, "top_p": TOP_P, "seed": seed % 2**31}
        return self._run(lambda client: self._ask(client, messages, options), cancel)

    def rank(self, context: str, options: Sequence[str], *, cancel: CancelToken | None = None) -> Sequence[float]:
        """Raises `EngineError`: the protocol gives no likelihoods of texts."""
        raise EngineError("A model behind a server cannot rank phrases.", fix="Use `complete`.")

    def models(self) -> tuple[str, ...]:
        """The names that the server lists. Raises `EngineError` as `complete` does."""
        return self._run(_listed, CancelToken())

    def close(self) -> None:
        """Nothing is held between calls."""

    # -- inside -------------------------------------------------------------------------------------------------

    async def _ask(self, client: Any, messages: list[dict[str, str]], options: dict[str, Any]) -> str:
        """One question. An option that the model refuses is left out; OpenAI's newer models take fewer."""
        import openai

        if not self.name:
            listed = await _listed(client)
            if not listed:
                raise EngineError(f"{self.place} lists no models.", fix="Load one there, or set openai_model.")
            self.name = listed[0]
        while True:
            try:
                answer = await client.chat.completions.create(model=self.name, messages=messages, **options)
                break
            except openai.BadRequestError as error:
                refused = next((name for name in options if name in str(error)), None)
                if refused is None:
                    raise
                log.info("%s does not take %s; it is left out", self.name, refused)
                value = options.pop(refused)
                if refused == "max_tokens":
                    options["max_completion_tokens"] = value
        return self._text(answer)

    def _text(self, answer: Any) -> str:
        try:
            choice = answer.choices[0]
            text = (choice.message.content or "").strip()
        except (AttributeError, TypeError, IndexError) as error:
            raise EngineError(f"What {self.place} answers is not OpenAI's protocol.",
                              fix="Check openai_base_url; most servers want /v1 at its end.") from error
        if not text:
            raise EngineError(f"{self.name} answered nothing (it stopped because of: {choice.finish_reason}).",
                              fix="Allow more tokens, or choose another model.")
        return text

    def _run(self, ask: Callable[[Any], Coroutine[Any, Any, Any]], cancel: CancelToken) -> Any:
        """What `ask` gets from a client, in an event loop of its own, since the caller's thread may have one."""
        with ThreadPoolExecutor(1, "openai-request") as threads:
            try:
                return threads.submit(asyncio.run, self._watched(ask, cancel)).result()
            except (EngineError, Cancelled):
                raise
            except Exception as error:
                self._raise_plainly(error)
                raise

    async def _watched(self, ask: Callable[[Any], Coroutine[Any, Any, Any]], cancel: CancelToken) -> Any:
        """Ends the waiting, and the connection, on a cancel or at the deadline."""
        import openai

        deadline = time.monotonic() + self.timeout_s
        async with openai.AsyncOpenAI(api_key=self._key or "none", base_url=self.base_url, timeout=self.timeout_s,
                                      max_retries=_RETRIES) as client:
            task = asyncio.ensure_future(ask(client))
            while not task.done():
                await asyncio.wait({task}, timeout=_POLL_S)
                if not task.done() and (cancel.cancelled or time.monotonic() > deadline):
                    task.cancel()
                    await asyncio.wait({task})
                    cancel.raise_if_cancelled()
                    raise self._late()
            return task.result()

    def _late(self) -> EngineError:
        return EngineError(f"{self.place} did not answer within {self.timeout_s:g} s.",
                           fix="Try again, or raise openai_timeout in the settings.")

    def _raise_plainly(self, error: BaseException) -> None:
        """The client's errors in words. Texts of the server are quoted without the key, those on keys not at all."""
        import openai

        if isinstance(error, openai.APITimeoutError):
            raise self._late() from None
        if isinstance(error, openai.APIConnectionError):
            raise EngineError(f"There is no server at {self.place}, or the connection broke off.",
                              fix="Start the server, or correct openai_base_url in the settings.") from None
        if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
            had = "the key" if self._key else "requests without a key"
            raise EngineError(f"{self.place} refuses {had} ({error.status_code}).",
                              fix=f"Set the variable {KEY_VARIABLE} to a valid key.") from None
        if isinstance(error, openai.NotFoundError):
            raise EngineError(f"{self.place} has no model {self.name!r}, or no chat at that address (404).",
                              fix="Correct openai_model or openai_base_url, which mostly ends in /v1.") from None
        if isinstance(error, openai.RateLimitError):
            raise EngineError(f"{self.place} takes no more requests now (429): too many, or no credit is left.",
                              fix="Wait a little, or check the account.") from None
        if isinstance(error, openai.APIStatusError):
            raise EngineError(f"{self.place} answered {error.status_code}: {self._quoted(error.message)}.",
                              fix="Look at the server's log, or choose another model.") from None
        if isinstance(error, (openai.OpenAIError, ValueError, TypeError, AttributeError)):
            raise EngineError(f"The answer of {self.place} cannot be read: {self._quoted(str(error))}.",
                              fix="Check openai_base_url in the settings.") from None

    def _quoted(self, text: str) -> str:
        text = " ".join(text.split()).rstrip(".")
        return (text.replace(self._key, "***") if self._key else text)[:200]


async def _listed(client: Any) -> tuple[str, ...]:
    return tuple(str(each.id) for each in (await client.models.list()).data)


def key_from_environment() -> str:
    """The key of the environment, "" where there is none. Keys are not kept in the settings file."""
    return os.environ.get(KEY_VARIABLE, "").strip()


def _without_secrets(url: str) -> str:
    """The address as it may be shown: no user, password or query. Raises `SettingsError` for one that cannot be."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError("The address of the OpenAI-compatible server (openai_base_url) cannot be used.",
                            fix="It must look like http://127.0.0.1:11434/v1.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{parts.path}"
