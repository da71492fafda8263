"""Replicate's official client, so that a run can be cancelled, waits for a busy service, and fails in plain words.

The token goes into the request's header and nowhere else: not into logs, errors or records. `replicate` is imported
with the first `Service`.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ...errors import EngineError, SettingsError
from ...events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from .prices import PAGES
from .schema import Inputs

log = logging.getLogger(__name__)

T = TypeVar("T")

SERVICE_URL = "https://api.replicate.com"
TOKEN_VARIABLE = "REPLICATE_API_TOKEN"
LIMIT_S = 30 * 60
"""How long a run may take, the wait for a machine included. The service is told to stop it a minute later by itself, in
case this process is gone by then."""
LOOK_UP_S, RUN_S = 20.0, 120.0
"""How long a busy or unreachable service is asked again: before a run, and while one is under way."""
_PAUSE_S = 2.0
_BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Card:
    """A model as the service describes it. `pinned` says that the request named the version."""

    name: str
    version: str
    pinned: bool
    inputs: Inputs


@dataclass(frozen=True)
class Made:
    """What a run gave: addresses of files, and what the service measured of it."""

    id: str
    urls: tuple[str, ...]
    metrics: Mapping[str, Any]

    @property
    def page(self) -> str:
        """Where a person finds the run, and for about an hour its files."""
        return f"{PAGES}p/{self.id}"

    @property
    def compute_s(self) -> float | None:
        """Seconds of computing, where the service says so."""
        found = self.metrics.get("predict_time")
        return float(found) if isinstance(found, (int, float)) else None


class Service:
    """The service for one token. `cancel` stops every wait; `on_progress` hears what is waited for."""

    def __init__(self, url: str, token: str, *, cancel: CancelToken | None = None,
                 on_progress: ProgressCallback = ignore_progress) -> None:
        """`url` "" is the service's own address. Raises `SettingsError`."""
        import httpx
        from replicate.client import Client

        self.url = check_url(url)
        self._token, self._cancel, self._tell = token, cancel or CancelToken(), on_progress
        self._client = Client(
            api_token=token, base_url=self.url, timeout=httpx.Timeout(30.0, connect=10.0),
            transport=_Frank(httpx.HTTPTransport()), headers={"Cancel-After": f"{LIMIT_S + 60}s"})

    def card(self, model: str) -> Card:
        """Look up "owner/name" or "owner/name:version". Raises `EngineError`."""
        name, _, version = model.partition(":")
        found = self._ask(lambda: self._client.models.get(name), name, LOOK_UP_S)
        described = found.latest_version
        if version:
            described = self._ask(lambda: found.versions.get(version), model, LOOK_UP_S)
        if described is None:
            raise EngineError(f"{name} has no version that can run.", fix="Choose another model.")
        try:
            return Card(name, described.id, bool(version), Inputs.read(described.openapi_schema))
        except ValueError as error:
            raise EngineError(f"What the service says of {name} cannot be used: {error}.",
                              fix="Choose another model.") from error

    @contextlib.contextmanager
    def uploaded(self, pictures: Mapping[str, Path]) -> Iterator[dict[str, str]]:
        """The addresses of pictures at the service, by input; removed there in the end. Raises `EngineError`."""
        ids, urls = [], {}
        try:
            for name, path in pictures.items():
                self._tell(Progress(Stage.LOAD, message="Sending the picture"))
                file = self._ask(lambda path=path: self._client.files.create(path), path.name, RUN_S)
                ids.append(file.id)
                urls[name] = file.urls["get"]
            yield urls
        finally:
            for each in ids:
                with self._best_effort("An uploaded picture could not be removed from the service"):
                    self._client.files.delete(each)

    def run(self, card: Card, values: Mapping[str, Any]) -> Made:
        """Run a model to its end. Raises `EngineError`, and `Cancelled` once the run is stopped there too."""
        prediction = self._create(card, dict(values))
        look = functools.partial(self._client.predictions.get, prediction.id)
        started = time.monotonic()
        try:
            while prediction.status not in ("succeeded", "failed", "canceled"):
                if time.monotonic() - started > LIMIT_S:
                    raise EngineError(f"{card.name} took longer than {LIMIT_S // 60} minutes and was stopped.",
                                      fix="Try again later, or choose another model.")
                self._tell(_progress(prediction))
                self._wait(max(self._client.poll_interval, 0.01))
                prediction = self._ask(look, card.name, RUN_S)
        except BaseException:
            with self._best_effort(f"The run {prediction.id} could not be stopped at the service"):
                self._client.predictions.cancel(prediction.id)
            raise
        if prediction.status == "failed":
            raise EngineError(f"{card.name} failed: {self._quoted(prediction.error or 'the service gave no reason')}.",
                              fix="Change the prompt or the inputs, or choose another model.")
        if prediction.status == "canceled":
            raise EngineError(f"The run of {card.name} was stopped at the service.", fix="Start it again.")
        made = Made(prediction.id, _addresses(prediction.output), prediction.metrics or {})
        if not made.urls:
            raise EngineError(f"{card.name} ended without a file ({made.page}).",
                              fix="Choose a model that makes videos or images.")
        return made

    # -- inside -------------------------------------------------------------------------------------------------

    def _create(self, card: Card, values: dict[str, Any]) -> Any:
        """By the model's own address; models without one are run by their version. A 404 has started nothing."""
        from replicate.exceptions import ReplicateError

        def create() -> Any:
            if not card.pinned:
                try:
                    return self._client.models.predictions.create(card.name, values)
                except ReplicateError as error:
                    if error.status != 404:
                        raise
            return self._client.predictions.create(version=card.version, input=values)

        return self._ask(create, card.name, RUN_S, again=False)

    def _ask(self, call: Callable[[], T], what: str, patience_s: float, *, again: bool = True) -> T:
        """What `call` gives. A service that takes no more requests is asked later, at most `patience_s` long; so is one
        that fails or cannot be reached, where `again` says that asking twice does no harm."""
        import httpx

        deadline = time.monotonic() + patience_s
        while True:
            self._cancel.raise_if_cancelled()
            try:
                return self._plainly(call, what)
            except EngineError as error:
                cause = error.__cause__
                pause = cause.after_s if isinstance(cause, _Busy) else _PAUSE_S
                refused = isinstance(cause, _Busy) and cause.status == 429
                passing = refused or (again and isinstance(cause, (_Busy, httpx.TransportError)))
                if not passing or time.monotonic() + pause > deadline:
                    raise
            self._wait(pause, "The service is busy; waiting" if refused else "The service does not answer; waiting")

    def _wait(self, seconds: float, message: str = "") -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._cancel.raise_if_cancelled()
            if message:
                self._tell(Progress(Stage.LOAD, message=message))
            time.sleep(min(left, 0.25))

    def _plainly(self, call: Callable[[], T], what: str) -> T:
        """What `call` gives; the client's errors become `EngineError`s in words."""
        import httpx
        from replicate.exceptions import ReplicateError

        try:
            return call()
        except _Busy as busy:
            raise self._error(busy.status, "", what) from busy
        except ReplicateError as error:
            raise self._error(error.status or 0, error.detail or error.title or "", what) from None
        except httpx.TransportError as error:
            raise EngineError(f"{urlsplit(self.url).netloc} cannot be reached, or the connection broke off.",
                              fix="Check the network. If a run had begun, it is listed at "
                                  f"{PAGES}predictions.") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.debug("an answer that cannot be read", exc_info=True)
            raise EngineError(f"The answer of {urlsplit(self.url).netloc} on {what} cannot be read "
                              f"({type(error).__name__}).", fix="Check remote_url in the settings.") from None

    def _error(self, status: int, detail: str, what: str) -> EngineError:
        said = self._quoted(detail) or f"status {status}"
        if status in (401, 403):
            return EngineError(f"The service refuses the token ({status}).",
                               fix=f"Set {TOKEN_VARIABLE} to a valid one: {PAGES}account/api-tokens.")
        if status == 402:
            return EngineError(f"The account's credit does not suffice ({said}).",
                               fix=f"Add credit at {PAGES}account/billing.")
        if status == 404:
            return EngineError(f"The service has no model {what}.", fix=f"Look its name up at {PAGES}explore.")
        if status == 422:
            return EngineError(f"{what} refuses the inputs: {said}.", fix="Change what it names.")
        if status == 429:
            return EngineError("The service takes no more requests now (429).", fix="Wait a little, and try again.")
        return EngineError(f"The service failed on {what}: {said}.", fix="Try again later.")

    @contextlib.contextmanager
    def _best_effort(self, failed: str) -> Iterator[None]:
        from replicate.exceptions import ReplicateException

        try:
            yield
        except (ReplicateException, _Busy, OSError, ValueError, TypeError, _transport_error()) as error:
            log.warning("%s: %s", failed, type(error).__name__)

    def _quoted(self, text: str) -> str:
        text = " ".join(str(text).split()).rstrip(".")
        return (text.replace(self._token, "***") if self._token else text)[:300]


class _Busy(Exception):
    """The service said "not now"."""

    def __init__(self, status: int, after_s: float) -> None:
        super().__init__(f"status {status}")
        self.status, self.after_s = status, after_s


class _Frank:
    """A transport that tells of a busy service, where the client's own would sleep as long as the service says,
    deaf to a cancel."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def handle_request(self, request: Any) -> Any:
        answer = self._inner.handle_request(request)
        if answer.status_code in _BUSY:
            answer.close()
            asked = (answer.headers.get("Retry-After") or "").strip()
            raise _Busy(answer.status_code, float(asked) if re.fullmatch(r"\d+(\.\d+)?", asked) else _PAUSE_S)
        return answer

    def close(self) -> None:
        self._inner.close()


def _transport_error() -> type[Exception]:
    import httpx

    return httpx.TransportError


def _progress(prediction: Any) -> Progress:
    """From the log's last progress bar where there is one, else the state in words."""
    if prediction.status == "starting":
        return Progress(Stage.LOAD, message="The service is starting the model")
    seen = prediction.progress
    return Progress(Stage.RENDER, seen.current if seen else 0, seen.total if seen else 0, "The model is working")


def _addresses(output: Any) -> tuple[str, ...]:
    """The files of an output: an address, a list of them, or an object with some."""
    if isinstance(output, str):
        return (output,)
    values = output.values() if isinstance(output, Mapping) else output if isinstance(output, (list, tuple)) else ()
    return tuple(value for value in values if isinstance(value, str))


def is_loopback(host: str | None) -> bool:
    """Whether a host's name means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def check_url(url: str) -> str:
    """The service's address, or the usual one for "".

    Raises `SettingsError`: the token travels encrypted, except within this machine.
    """
    given = url.strip().rstrip("/") or SERVICE_URL
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if not host or parts.username or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise SettingsError("The address of the remote service (remote_url) cannot be used.",
                            fix="Leave it empty, or write https://HOST; http is for this machine only.")
    return given
