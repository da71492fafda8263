"""What importing costs: nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wgp_core.paths import PROGRAM_ROOT

HEAVY = ("torch", "diffusers", "transformers", "mmgp", "sentence_transformers", "matplotlib")


@pytest.mark.parametrize(("code", "absent"), [
    ("import wgp_core", (*HEAVY, "numpy", "pydantic", "sqlalchemy", "gradio")),
    ("import wgp_core.request, wgp_core.settings, wgp_core.paths", (*HEAVY, "numpy", "pydantic", "sqlalchemy")),
    ("import wgp_core.context, wgp_core.server, wgp_core.jobs.supervisor", (*HEAVY, "gradio")),
    ("import ui.build", (*HEAVY, "sqlalchemy", "alembic")),
    ("import create_sample_video", (*HEAVY, "gradio", "sqlalchemy")),
    ("from wgp_core.context import build_studio; from wgp_core.paths import build_paths; "
     "from ui.build import build_window; build_window(build_studio(build_paths()))", (*HEAVY, "alembic.command")),
])
def test_importing_loads_nothing_heavy(code: str, absent: tuple[str, ...]) -> None:
    check = f"{code}\nimport sys\nprint([name for name in {absent!r} if name in sys.modules])"
    setup = "" if "build_window" not in code else (
        "from wgp_core.store import Store; from wgp_core.paths import build_paths; "
        "Store.open(build_paths().ensure().database).close()")
    if setup:  # the database is made by an earlier start, as for every start but the first
        subprocess.run([sys.executable, "-c", setup], cwd=PROGRAM_ROOT, check=True)
    done = subprocess.run([sys.executable, "-c", check], cwd=PROGRAM_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_every_command_has_help() -> None:
    for command in (["app.py"], ["create_sample_video.py"], ["-m", "wgp_core"], ["-m", "wgp_core", "inspect"],
                    ["scripts/check_env.py"]):
        done = subprocess.run([sys.executable, *command, "--help"], cwd=PROGRAM_ROOT, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout


def test_the_doctor_looks_at_everything() -> None:
    import json

    done = subprocess.run([sys.executable, "-m", "wgp_core", "doctor", "--json"], cwd=PROGRAM_ROOT,
                          capture_output=True, text=True, check=False)
    found = {row["name"]: row for row in json.loads(done.stdout)}
    assert {"Python", "Packages", "torch", "RAM", "Disk", "ffmpeg", "Folder outputs", "Port 7860"} <= set(found)
    assert any(name.startswith("GPU") for name in found)
    assert done.returncode == (1 if any(row["level"] == "fail" for row in found.values()) else 0)
    assert all(row["fix"] for row in found.values() if row["level"] != "ok")


def test_the_container_files_are_sound() -> None:
    import yaml

    compose = yaml.safe_load((PROGRAM_ROOT / "docker-compose.yml").read_text())
    assert compose["services"]["t2v-gpu"]["profiles"] == ["gpu"]
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["t2v"]["ports"])
    rules = "{extends: default, rules: {line-length: {max: 120}}}"
    lint = subprocess.run([sys.executable, "-m", "yamllint", "-d", rules, "docker-compose.yml"], cwd=PROGRAM_ROOT,
                          capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout
    dockerfile = (PROGRAM_ROOT / "Dockerfile").read_text()
    assert "USER studio" in dockerfile and "--no-cache-dir" in dockerfile
