"""A small server that speaks OpenAI's protocol of chats, so that the client is tested over real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Chat:
    """What the server does, and what it was asked. `fail` holds (status, message) pairs, used up one a request."""

    url: str = ""
    answer: str = "A red ball bounces on green grass, low sun behind it."
    answers: list[str] = field(default_factory=list)
    """Given first, one a request."""
    models: tuple[str, ...] = ("small-chat",)
    key: str = ""
    wait_s: float = 0.0
    refused: tuple[str, ...] = ()
    """Options that the model does not take."""
    fail: list[tuple[int, str]] = field(default_factory=list)
    raw: bytes | None = None
    """Sent in place of any answer, with status 200."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    """Set once a client hung up before its answer."""


@contextmanager
def serving(chat: Chat) -> Iterator[Chat]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_args: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.path != "/v1/models":
                return self.send(404, {"error": {"message": "no such page"}})
            self.send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in chat.models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            chat.asked.append(body)
            chat.headers.append({name.lower(): value for name, value in self.headers.items()})
            if chat.wait_s and self.hung_up(chat.wait_s):
                chat.gone.set()
                return
            if chat.raw is not None:
                return self.send_bytes(200, chat.raw)
            if chat.fail:
                status, message = chat.fail.pop(0)
                return self.send(status, {"error": {"message": message}})
            if chat.key and self.headers.get("Authorization") != f"Bearer {chat.key}":
                given = self.headers.get("Authorization", "")
                return self.send(401, {"error": {"message": f"Incorrect API key provided: {given}"}})
            if self.path != "/v1/chat/completions" or body["model"] not in chat.models:
                return self.send(404, {"error": {"message": f"model {body['model']} not found"}})
            bad = next((name for name in chat.refused if name in body), None)
            if bad:
                return self.send(400, {"error": {"message": f"Unsupported parameter: '{bad}'", "param": bad}})
            said = chat.answers.pop(0) if chat.answers else chat.answer
            self.send(200, {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}]})

        def hung_up(self, seconds: float) -> bool:
            self.connection.setblocking(False)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                try:
                    if self.connection.recv(1) == b"":
                        return True
                except BlockingIOError:
                    time.sleep(0.02)
                except OSError:
                    return True
            self.connection.setblocking(True)
            return False

        def send(self, status: int, data: Any) -> None:
            self.send_bytes(status, json.dumps(data).encode())

        def send_bytes(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
