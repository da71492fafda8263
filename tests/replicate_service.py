"""A local server that speaks Replicate's protocol, as far as the official client uses it: models, versions, files,
predictions and their results. What a test scripts is in its fields; what was asked is in `seen`."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "r8_a-token-that-must-not-be-told"
VERSION = "ab" * 32


def choices(*values: Any, kind: str = "string") -> dict[str, Any]:
    """How the service writes an input with a closed set of values; the values stand in a schema of their own."""
    return {"allOf": [{"$ref": "#/components/schemas/CHOICES"}], "x-values": values, "x-kind": kind}


def schema(properties: Mapping[str, dict[str, Any]], required: tuple[str, ...] = ("prompt",)) -> dict[str, Any]:
    """A model's OpenAPI schema for these inputs; `prompt` is always one."""
    schemas: dict[str, Any] = {}
    written = {"prompt": {"type": "string"}}
    for name, data in properties.items():
        if "x-values" in data:
            schemas[name] = {"enum": list(data["x-values"]), "type": data["x-kind"], "title": name}
            rest = {key: value for key, value in data.items() if not key.startswith("x-") and key != "allOf"}
            written[name] = {"allOf": [{"$ref": f"#/components/schemas/{name}"}], **rest}
        else:
            written[name] = data
    schemas["Input"] = {"type": "object", "properties": written, "required": list(required)}
    schemas["Output"] = {"type": "string", "format": "uri"}
    return {"openapi": "3.0.2", "components": {"schemas": schemas}}


@dataclass
class Model:
    schema: dict[str, Any]
    official: bool = True


@dataclass
class ReplicateService:
    """`steps` are what a prediction says, one each time it is asked for; the last is said for good."""

    models: dict[str, Model] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, bytes] = field(default_factory=dict)
    answers: list[tuple[str, int, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    """Said once instead, to the first request whose "METHOD /path" begins so: status, headers, body."""
    seen: list[str] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    cancelled: bool = False
    asked: int = 0
    url: str = ""

    def start(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                service.answer(self, "GET")

            def do_POST(self) -> None:
                service.answer(self, "POST")

            def do_DELETE(self) -> None:
                service.answer(self, "DELETE")

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def file(self, name: str) -> str:
        """The address of a result."""
        return f"{self.url}/out/{name}"

    # -- answering ----------------------------------------------------------------------------------------------

    def answer(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        line = f"{method} {handler.path}"
        self.seen.append(line)
        self.headers.append(dict(handler.headers))
        if handler.path.startswith("/out/"):
            found = self.results.get(handler.path.removeprefix("/out/"))
            return _send(handler, 200 if found else 404, {}, found or b"")
        for scripted in self.answers:
            if line.startswith(scripted[0]):
                self.answers.remove(scripted)
                return _send(handler, scripted[1], scripted[2], json.dumps(scripted[3]).encode())
        if handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _send(handler, 401, {}, b'{"title": "Unauthenticated", "detail": "You did not pass a valid token"}')
        status, data = self.route(method, handler.path, body)
        return _send(handler, status, {}, json.dumps(data).encode())

    def route(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        missing = 404, {"title": "Not found", "detail": "The requested resource could not be found."}
        if found := re.fullmatch(r"/v1/models/([^/]+/[^/]+)/predictions", path):
            model = self.models.get(found[1])
            return (201, self.create(json.loads(body))) if model and model.official else missing
        if found := re.fullmatch(r"/v1/models/([^/]+/[^/]+)(/versions/\w+)?", path):
            model = self.models.get(found[1])
            return (200, version_of(model) if found[2] else describe(found[1], model)) if model else missing
        if path == "/v1/predictions":
            return 201, self.create(json.loads(body))
        if path == "/v1/files":
            name = f"file{len(self.uploads)}"
            self.uploads[name] = body
            return 201, {"id": name, "name": "x", "content_type": "image/png", "size": len(body), "etag": "e",
                         "checksums": {}, "metadata": {}, "created_at": "2026-01-01T00:00:00Z", "expires_at": None,
                         "urls": {"get": f"{self.url}/v1/files/{name}"}}
        if method == "DELETE":
            self.deleted.append(path.rpartition("/")[2])
            return 204, {}
        if path.endswith("/cancel"):
            self.cancelled = True
            return 200, self.prediction({"status": "canceled"})
        if path.startswith("/v1/predictions/"):
            step = self.steps[min(self.asked, len(self.steps) - 1)]
            self.asked += 1
            return 200, self.prediction(step)
        return missing

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.created.append(asked)
        self.asked = 0
        return self.prediction({"status": "starting"})

    def prediction(self, step: Mapping[str, Any]) -> dict[str, Any]:
        return {"id": "p1", "model": "owner/name", "version": VERSION, "input": {}, "output": None, "logs": "",
                "error": None, "metrics": {}, "created_at": "2026-01-01T00:00:00Z", "urls": {}, **step}


def version_of(model: Model) -> dict[str, Any]:
    return {"id": VERSION, "created_at": "2026-01-01T00:00:00Z", "cog_version": "0.9", "openapi_schema": model.schema}


def describe(name: str, model: Model) -> dict[str, Any]:
    owner, _, own = name.partition("/")
    return {"url": f"https://replicate.com/{name}", "owner": owner, "name": own, "description": "", "run_count": 1,
            "visibility": "public", "default_example": None, "latest_version": version_of(model)}


def _send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    body = b"" if status == 204 else body
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
