"""Who may talk to the server: pure ASGI middleware in front of the window and the API.

A page from another site cannot drive it (Origin and Host are checked), and with `--listen` nobody gets in without the
name and password.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_JSON_BYTES = 2 * 2**20
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
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _answer(send, *refusal)

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
        if scope.get("path", "").startswith("/api/") and _too_long(headers.get("content-length")):
            return 413, f"The body is larger than {MAX_JSON_BYTES // 2**20} MB."
        return None


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _too_long(length: str | None) -> bool:
    return length is not None and (not length.isdigit() or int(length) > MAX_JSON_BYTES)


async def _answer(send: Any, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="WGP Studio", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
