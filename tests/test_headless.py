"""The headless script as its users run it: a process, its output, its exit status, and the files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wgp_core.media.metadata import read_manifest
from wgp_core.media.probe import count_frames, probe
from wgp_core.paths import PROGRAM_ROOT
from wgp_core.store import Store

SMALL = ("--width", "320", "--height", "240", "--fps", "8", "--seconds", "1")


def script(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "create_sample_video.py", *arguments], cwd=PROGRAM_ROOT, text=True,
                          capture_output=True, timeout=timeout, check=False)


def lines(done: subprocess.CompletedProcess[str]) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_video_by_flags(tmp_path: Path, private_home: Path) -> None:
    out = tmp_path / "made" / "out.mp4"
    done = script("--prompt", "k-means with 4 clusters", *SMALL, "--seed", "7", "--output", str(out), "--json")
    assert done.returncode == 0, done.stderr
    (row,) = lines(done)
    assert row["status"] == "done" and row["path"] == str(out) and row["request"]["seed"] == 7
    assert probe(out).width == 320 and count_frames(out) == 8
    store = Store.open(private_home / "data" / "studio.db")
    assert [g.path for g in store.library.search()] == [out]
    store.close()


def test_a_second_video_of_that_name_keeps_the_first_in_the_library(tmp_path: Path, private_home: Path) -> None:
    out = tmp_path / "out.mp4"
    for prompt in ("bubble sort", "binary search"):
        assert script("--prompt", prompt, *SMALL, "--output", str(out)).returncode == 0
    store = Store.open(private_home / "data" / "studio.db")
    found = {g.prompt: g for g in store.library.search()}
    store.close()
    assert set(found) == {"bubble sort", "binary search"}
    assert found["binary search"].path == out and found["bubble sort"].path.name.startswith("out.kept-")
    assert not any(g.missing for g in found.values())


def test_a_library_that_cannot_be_opened_costs_a_warning_and_not_the_video(tmp_path: Path, private_home: Path) -> None:
    (private_home / "data").mkdir(parents=True)
    (private_home / "data" / "studio.db").write_text("this is no database, and it is long enough to be looked at")
    done = script("--prompt", "x", *SMALL, "--output", str(tmp_path / "out.mp4"), "--json")
    assert done.returncode == 0
    assert any("not be in the library" in w for w in lines(done)[0]["warnings"])


def test_a_replay_makes_the_same_frames_and_tells_drift(tmp_path: Path) -> None:
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    script("--prompt", "a pendulum", *SMALL, "--output", str(first))
    done = script("--replay", str(first), "--output", str(second), "--json")
    (row,) = lines(done)
    assert row["warnings"] == [] and "same versions" in done.stderr
    assert row["request"]["seed"] == read_manifest(first)["request"]["seed"]

    from wgp_core.media import metadata
    from wgp_core.media.probe import read_frames

    assert all((a == b).all() for a, b in zip(read_frames(first), read_frames(second), strict=True))
    manifest = read_manifest(first)
    manifest["versions"]["numpy"] = "0.1"
    metadata.write_video(first, tmp_path / "old.mp4", manifest, title="x")
    (row,) = lines(script("--replay", str(tmp_path / "old.mp4"), "--json"))
    assert any("numpy was 0.1" in w for w in row["warnings"])


def test_a_batch_goes_on_after_a_failure_and_resumes(tmp_path: Path, private_home: Path) -> None:
    batch = tmp_path / "b.jsonl"
    batch.write_text('{"prompt": "bubble sort"}\n{"prompt": "x", "fps": 500}\n{"prompt": "binary search"}\n')
    plan = script("--batch", str(batch), *SMALL, "--dry-run", "--json")
    assert plan.returncode == 1
    assert [row["status"] for row in lines(plan)] == ["ok", "refused", "ok"]
    assert not list((private_home / "outputs").glob("*.mp4"))

    done = script("--batch", str(batch), *SMALL, "--json")
    assert done.returncode == 1
    assert [row["status"] for row in lines(done)] == ["done", "failed", "done"]
    assert "fps" in lines(done)[1]["error"]
    again = script("--batch", str(batch), *SMALL, "--resume", "--json")
    assert [row["status"] for row in lines(again)] == ["skipped", "failed", "skipped"]
    assert len(list((private_home / "outputs").glob("*.mp4"))) == 2


@pytest.mark.parametrize(("arguments", "words"), [
    (("--nonsense",), "No such option"),
    (("--engine", "warp"), "warp"),
    (("--batch", "none.json"), "cannot be read"),
    (("--batch", "b.json", "--prompt", "x"), "--batch takes its prompts"),
    (("--resume",), "--resume belongs to --batch"),
    (("--gpu", "tpu"), "--gpu cannot be"),
    (("--profile", "9"), "VRAM profile"),
    (("--replay", "pyproject.toml"), "not a video that can be read"),
    (("--prompt", "x", "--output", "docs"), "names a folder"),
    (("--prompt", "x", "--output", ""), "names a folder"),
    (("--prompt", "x", "--settings", "none.json"), "no settings file"),
])
def test_wrong_usage_is_status_2_and_says_what(arguments: tuple[str, ...], words: str) -> None:
    done = script(*arguments)
    assert done.returncode == 2
    assert words in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("arguments", "words"), [
    (("--width", "100", "--height", "100"), "multiple of 2 from 240"),
    (("--seconds", "2", "--frames", "9"), "both seconds"),
    (("--image-start", "pyproject.toml"), "not a picture"),
    (("--output", "/proc/nowhere/out.mp4"), "cannot be written"),
    (("--engine", "diffusion", "--no-fallback"), "No diffusion engine can run"),
])
def test_what_cannot_be_made_is_status_1_and_says_why(arguments: tuple[str, ...], words: str) -> None:
    done = script("--prompt", "x", *arguments)
    assert done.returncode == 1
    assert words in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_diffusion_without_a_model_falls_back_and_says_so() -> None:
    done = script("--prompt", "x", "--engine", "diffusion", *SMALL, "--json")
    assert done.returncode == 0
    assert any("local engine instead of diffusion" in w for w in lines(done)[0]["warnings"])


def test_ctrl_c_stops_cleanly(private_home: Path) -> None:
    with subprocess.Popen([sys.executable, "create_sample_video.py", "--prompt", "fourier series", "--seconds", "60"],
                          cwd=PROGRAM_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        outputs = private_home / "outputs"
        deadline = time.monotonic() + 30
        while not list(outputs.glob(".*part*")) and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        text, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "nothing half-made" in " ".join(text.split())
    assert list(outputs.iterdir()) == []
