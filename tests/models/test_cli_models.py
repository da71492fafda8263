"""`python -m wgp_core models ...` as people run it, against a real server and real folders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, pipeline_files, safetensors, serve
from typer.testing import CliRunner

from wgp_core import cli_models
from wgp_core.errors import WgpError
from wgp_core.models.catalog import CATALOG
from wgp_core.models.hub_cache import cache_root_of, fetch_repo
from wgp_core.models.locate import find
from wgp_core.paths import Paths

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = pipeline_files() | {"text_encoder/x.safetensors": safetensors()}
    with serve(Hub({"Wan-AI/Wan2.1-T2V-1.3B-Diffusers": files, "org/my-wan": pipeline_files()})) as running:
        yield running


def run(*words: str, answer: str = "") -> str:
    """The command's output; raises what it raises."""
    result = CliRunner().invoke(cli_models.app, list(words), input=answer, catch_exceptions=False,
                                env={"COLUMNS": "200"})
    assert result.exit_code in (0, 1), result.output
    return result.output


def shell(hub: Hub, paths: Paths, *words: str) -> subprocess.Popen[str]:
    """The command in a process of its own, with the hub named by the environment, that hears Ctrl+C.

    What was started in the background ignores it, and so would all that it starts.
    """
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); " \
        "from wgp_core.cli_models import app; app()"
    env = {**os.environ, "HF_ENDPOINT": hub.endpoint, "WGP_HOME": str(paths.root), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code, *words], env=env, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def test_the_list_is_the_default_and_has_every_model(paths: Paths):
    table = run()
    assert all(spec.id in table for spec in CATALOG) and run("list") == table
    rows = json.loads(run("--json"))
    assert rows == json.loads(run("list", "--json"))
    assert {"id", "task", "installed", "size_bytes", "path"} <= set(rows[0]) and rows[0]["id"] == CATALOG[0].id


def test_a_model_is_installed_checked_and_deleted(hub: Hub, paths: Paths):
    with shell(hub, paths, "install", "wan2.1-t2v-1.3b") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "is in" in out and find("wan2.1-t2v-1.3b", paths).folder is not None
    assert "checked against the hub's hashes" in run("verify", "wan2.1-t2v-1.3b")
    (paths.ckpts / "Wan2.1-T2V-1.3B-Diffusers" / "README.md").write_text("other")
    words = run("verify", "wan2.1-t2v-1.3b")
    assert "README.md is damaged" in words and "models install wan2.1-t2v-1.3b" in words
    assert "Aborted" in run("delete", "wan2.1-t2v-1.3b", answer="n\n")
    assert "are free again" in run("delete", "wan2.1-t2v-1.3b", "--yes")
    assert not (paths.ckpts / "Wan2.1-T2V-1.3B-Diffusers").exists()


def test_a_repository_goes_into_the_cache(hub: Hub, paths: Paths):
    with shell(hub, paths, "install", "org/my-wan") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "--model-id org/my-wan" in out and find("org/my-wan", paths).folder is not None


def test_ctrl_c_stops_cleanly_and_what_came_is_kept(hub: Hub, paths: Paths):
    hub.slow = 0.5
    weights = pipeline_files(2**21)
    hub.repos["org/my-wan"] = weights
    with shell(hub, paths, "install", "org/my-wan") as process:
        deadline = time.monotonic() + 40
        while not (parts := [p for p in paths.data.rglob("*.part") if p.stat().st_size]) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Stopped." in err and "Traceback" not in err
    assert parts[0].is_file()


def test_a_folder_put_in_by_hand_can_be_deleted_but_not_one_elsewhere(paths: Paths, tmp_path: Path):
    for folder in (paths.ckpts / "mine", tmp_path / "far"):
        for name, data in pipeline_files().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    run("delete", "mine", "-y")
    assert not (paths.ckpts / "mine").exists()
    with pytest.raises(WgpError, match="lies at"):
        run("delete", str(tmp_path / "far"), "-y")
    assert (tmp_path / "far" / "model_index.json").is_file()


def test_a_damaged_folder_is_told_and_can_be_deleted(paths: Paths):
    for name, data in pipeline_files().items():
        (paths.ckpts / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.ckpts / "mine" / name).write_bytes(data)
    (paths.ckpts / "mine" / "model_index.json").write_text("{")
    told = run("verify", "mine")
    assert "model_index.json cannot be read" in told and "Mend it: copy its files" in told
    run("delete", "mine", "-y")
    assert not (paths.ckpts / "mine").exists()


def test_the_cache_is_cleaned_after_a_dry_run(hub: Hub, paths: Paths):
    root = cache_root_of(paths)
    fetch_repo("org/my-wan", root, endpoint=hub.endpoint)
    assert "would be removed" in run("prune", "--dry-run") and find("org/my-wan", paths).folder is not None
    assert "would be free" in run("purge", "--dry-run")
    assert "org/my-wan" in run("prune") and not list(root.glob("models--*"))
    assert "0.00 GB are free again" in run("purge")


def test_what_is_missing_or_unknown_is_said(paths: Paths):
    with pytest.raises(WgpError, match="is not installed"):
        run("verify", "flux.1-dev")
    with pytest.raises(WgpError, match="no toy model 'x'"):
        run("toy", str(paths.ckpts / "toy"), "--kind", "x")
    (paths.ckpts / "full").mkdir()
    (paths.ckpts / "full" / "file").touch()
    with pytest.raises(WgpError, match="not an empty folder"):
        run("toy", str(paths.ckpts / "full"))


def test_a_toy_is_written_listed_and_quantized(paths: Paths):
    assert "A toy wan model" in run("toy", str(paths.ckpts / "toy"))
    assert find("toy", paths).folder == paths.ckpts / "toy"
    assert '"toy"' in run("--json") and "for damage only" in run("verify", "toy")
    assert "transformer" in run("quantize", "toy", "--format", "int8", "--precision", "bf16")
    assert list((paths.ckpts / "toy" / "transformer").glob("*_quanto_bf16_int8.safetensors"))
