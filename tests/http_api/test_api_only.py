"""`app.py --api-only`: the API in a process that loads neither the window nor a model."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import httpx
from api_process import api_process

from wgp_core.paths import build_paths
from wgp_core.store import Store

HEAVY = ("gradio", "ui", "torch", "transformers", "diffusers", "mmgp", "matplotlib")
PROMPT = {"prompt": "a red ball bounces on green grass"}


def test_open_streams_do_not_keep_the_server(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "server.log"
    with Store.open(build_paths(home=home).ensure().database) as store:
        store.jobs.set_paused(True)
    with ExitStack() as server:
        url = server.enter_context(api_process(home, log))
        job = httpx.post(f"{url}/api/generations", json={"request": {"prompt": "binary search"}}, timeout=60).json()
        with httpx.stream("GET", f"{url}/api/generations/{job['id']}/events", timeout=60) as answer:
            lines = answer.iter_lines()
            assert next(lines) == "retry: 2000"
            ends = threading.Thread(target=server.close)  # as Ctrl+C does
            ends.start()
            heard = list(lines)
        ends.join()
    assert "event: state" in heard and "event: done" not in heard, "a reader comes back to the next server"
    assert "Traceback" not in log.read_text()


def test_the_api_alone_answers_and_loads_no_window(tmp_path: Path) -> None:
    log = tmp_path / "imports.log"
    with api_process(tmp_path / "home", log, "-X", "importtime") as url:
        assert httpx.get(f"{url}/api/health", timeout=60).json()["status"] == "ok"
        assert "/enhance/intelligent" in httpx.get(f"{url}/api/openapi.json", timeout=60).json()["paths"]
        assert httpx.get(f"{url}/", timeout=60).status_code == 404
        answer = httpx.post(f"{url}/enhance", json=PROMPT, timeout=120)
        assert answer.status_code == 200 and "red ball" in answer.json()["enhanced_prompt"]
        assert httpx.post(f"{url}/enhance", json=PROMPT, timeout=20).json()["cache_hit"] is True
        assert httpx.get(f"{url}/enhancement/info", timeout=20).json()["cache"]["entries"] == 1
    lines = log.read_text().splitlines()
    loaded = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert "wgp_core.http_api.routes" in loaded
    assert {name for name in loaded if name.partition(".")[0] in HEAVY} == set()
