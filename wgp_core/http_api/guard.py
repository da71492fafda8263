"""Who may talk to the server: pure ASGI middleware in front of the window and the API.

A page from another site cannot drive it (Origin and Host are checked), and with `--listen` nobody gets in without the
name and password.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_JSON_BYTES = 2 * 2**20
MAX_UPLOAD_BYTES = 512 * 2**20
UPLOAD_PATH = "/documents/collections"
"""Takes files, as the soundtracks of storyboards and films do."""
API_PATHS = ("/api/", "/enhance/", "/enhancement/", "/documents/", "/generate-storyboard/",
             "/storyboards/")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Credentials:
    """The one user of a server that others can reach."""

    user: str
    password: str

    def match(self, header: str) -> bool:
        """Whether an `Authorization: Basic ...` header carries them; takes the same time whatever is wrong."""
        kind, _, value = header.partition(" ")
        try:
            given = base64.b64decode(value, validate=True) if kind.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            given = b""
        return hmac.compare_digest(given, f"{self.user}:{self.password}".encode())


class Guard:
    """ASGI middleware. `hosts` are the names in a Host header that are ours; empty accepts any (with credentials)."""

    def __init__(self, app: App, *, hosts: Collection[str] = LOCAL_NAMES,
                 credentials: Credentials | None = None) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None and is_api(scope):
            body = _Measured(receive, send, _most_bytes(scope))
            await self._app(scope, body.receive, body.send)
            if body.too_long:
                await _answer(send, 413, _too_long(scope), as_json=True)
        elif refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _answer(send, *refusal, as_json=is_api(scope))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        name = _hostname(f"//{host}")
        if self._hosts and name not in self._hosts:
            return 403, f"This server does not answer to the name {name or 'none'}."
        origin = headers.get("origin")
        unsafe = scope.get("method", "GET") not in SAFE_METHODS or scope["type"] == "websocket"
        if unsafe and origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "A page from another site may not use this server."
        if self._credentials and not self._credentials.match(headers.get("authorization", "")):
            return 401, "A name and a password are needed."
        length = headers.get("content-length")
        if is_api(scope) and length is not None and (not length.isdigit() or int(length) > _most_bytes(scope)):
            return 413, _too_long(scope)
        return None


class _Measured:
    """A request whose body is counted as it comes, since a sender need not say how long it is.

    Past the limit the app is told that the sender is gone, and nothing of its answer is sent.
    """

    def __init__(self, receive: Any, send: Any, most_bytes: int) -> None:
        self._receive, self._send, self._most = receive, send, most_bytes
        self._bytes = 0
        self._answering = False
        self.too_long = False

    async def receive(self) -> Any:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._most and not self._answering:
            self.too_long = True
        return {"type": "http.disconnect"} if self.too_long else message

    async def send(self, message: Any) -> None:
        if not self.too_long:
            self._answering = True
            await self._send(message)


def is_api(scope: Scope) -> bool:
    """Whether a request is for the API, not for the window."""
    return scope["type"] == "http" and f"{scope.get('path', '')}/".startswith(API_PATHS)


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _most_bytes(scope: Scope) -> int:
    path = scope.get("path", "").rstrip("/")
    sound = path.startswith(("/storyboards/", "/api/generations/")) and path.endswith("/soundtrack")
    takes_file = path == UPLOAD_PATH or sound
    return MAX_UPLOAD_BYTES if takes_file else MAX_JSON_BYTES


def _too_long(scope: Scope) -> str:
    return f"The body is larger than {_most_bytes(scope) // 2**20} MB."


async def _answer(send: Any, status: int, text: str, *, as_json: bool = False) -> None:
    headers = [(b"content-type", b"application/json" if as_json else b"text/plain; charset=utf-8")]
    text = json.dumps({"error": text, "field": "", "fix": ""}) if as_json else text
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="WGP Studio", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
