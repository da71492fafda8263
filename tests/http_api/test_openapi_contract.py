"""The OpenAPI document is kept: Schemathesis asks the running server all it can think of, right and wrong.

The whole server answers, with rules for a language model. The queue is paused, so that no video is drawn.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from api_process import api_process
from fastapi.testclient import TestClient

from wgp_core.paths import build_paths
from wgp_core.store import Store

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
          "response_headers_conformance")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "workshop"
    with Store.open(build_paths(home=folder).ensure().database) as store:
        store.jobs.set_paused(True)
    return folder


def run_tool(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it, and once more where the parser of Python 3.11 fell over the tool's own recursion."""
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        if "AST constructor recursion depth mismatch" not in done.stdout:
            break
    return done


@pytest.mark.slow
def test_no_500_and_no_answer_that_is_not_documented(home: Path, tmp_path: Path) -> None:
    with api_process(home, tmp_path / "server.log") as url:
        httpx.post(f"{url}/enhance/legacy", json={"prompt": "a cat"}, timeout=120)  # starts the assistant
        for phases, seconds in (("examples,coverage", 40), ("fuzzing", 12)):
            done = run_tool(
                [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json", "--no-color",
                 "--phases", phases, "--max-time", str(seconds), "--max-examples", "6", "--seed", "1",
                 "--workers", "1", "--checks", ",".join(CHECKS), "--request-timeout", "20", "--continue-on-failure"],
                tmp_path)
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
            tested, known = re.findall(r"Operations: +(\d+) selected / (\d+) total", done.stdout)[0]
            assert tested == known and int(known) >= 12


def test_every_route_says_what_it_may_refuse_and_every_body_has_examples(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            assert {"401", "403", "413", "503"} <= set(one["responses"]), (method, path)
            assert one.get("description"), (method, path)
            assert "422" in one["responses"] or not (one.get("parameters") or one.get("requestBody")), (method, path)
    for name in ("GenerationIn", "EnhanceIn", "LegacyIn"):
        assert document["components"]["schemas"][name]["examples"]
