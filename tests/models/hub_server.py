"""A small server that speaks the part of the hub's HTTP API that downloads use, over files in memory."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """`repos` maps "org/name" to path to bytes. `cut_after` drops the connection once, that many bytes into a file."""

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    corrupt: set[str] = field(default_factory=set)
    cut_after: dict[str, int] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    slow: float = 0.0
    """Seconds of rest after each megabyte."""
    endpoint: str = ""

    def served(self, path: str) -> list[str]:
        """The Range headers with which this file was asked for."""
        return [asked for name, asked in self.log if name == path]


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: object) -> None:
            pass

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            if "org/" in path:  # the library also asks for things of its own, without a token
                hub.tokens.append(self.headers.get("Authorization", ""))
            info = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path)
            file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
            if info:
                self._info(info[1])
            elif file and file[2] == COMMIT and file[3] in hub.repos.get(file[1], {}):
                self._file(file[3], hub.repos[file[1]][file[3]])
            else:
                self._answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})

        def _info(self, repo: str) -> None:
            if repo in hub.gated:
                self._answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
                return
            if repo not in hub.repos:
                self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
                return
            siblings = []
            for name, data in hub.repos[repo].items():
                entry: dict[str, object] = {"rfilename": name, "size": len(data)}
                entry["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
                if name.endswith(".safetensors"):
                    entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
                siblings.append(entry)
            self._answer(200, json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode())

        def _file(self, name: str, data: bytes) -> None:
            asked = self.headers.get("Range", "")
            hub.log.append((name, asked))
            if name in hub.corrupt:
                data = bytes(b ^ 255 for b in data)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            body = data[start:]
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = hub.cut_after.pop(name, None)
            body = body if cut is None else body[:cut]
            for at in range(0, len(body), 2**20):
                self.wfile.write(body[at:at + 2**20])
                time.sleep(hub.slow)
            if cut is not None:
                self.wfile.flush()
                self.close_connection = True

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with pytest.MonkeyPatch.context() as patch:  # this server is no network: a test run that forbids one has it too
            patch.delenv("HF_HUB_OFFLINE", raising=False)
            patch.setattr(constants, "HF_HUB_OFFLINE", False)
            yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def safetensors(values: int = 64) -> bytes:
    """A whole safetensors file of one float32 tensor."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(range(256)) * (values // 64)


def pipeline_files(values: int = 64) -> dict[str, bytes]:
    """A repository in diffusers layout, with the kinds of files that are never fetched."""
    index = {"_class_name": "WanPipeline", "transformer": ["diffusers", "WanTransformer3DModel"],
             "vae": ["diffusers", "AutoencoderKLWan"], "scheduler": ["diffusers", "UniPCMultistepScheduler"],
             "image_encoder": [None, None]}
    weights = safetensors(values)
    return {"model_index.json": json.dumps(index).encode(), "README.md": b"# Words\n",
            "transformer/config.json": json.dumps({"patch_size": [1, 2, 2]}).encode(),
            "transformer/diffusion_pytorch_model.safetensors": weights,
            "vae/config.json": json.dumps({"scale_factor_spatial": 8, "scale_factor_temporal": 4}).encode(),
            "vae/diffusion_pytorch_model.safetensors": weights,
            "scheduler/scheduler_config.json": json.dumps({"_class_name": "UniPCMultistepScheduler",
                                                           "flow_shift": 3.0}).encode(),
            "transformer/diffusion_pytorch_model.bin": b"pickle", "whole-checkpoint.safetensors": weights}
