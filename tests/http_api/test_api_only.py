"""`app.py --api-only`: the API in a process that loads neither the window nor a model."""

from __future__ import annotations

from pathlib import Path

import httpx
from api_process import api_process

HEAVY = ("gradio", "ui", "torch", "transformers", "diffusers", "mmgp", "matplotlib")
PROMPT = {"prompt": "a red ball bounces on green grass"}


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
