"""Hero frames, attempts and iterations as users of the script and of the command see them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wgp_core.media.probe import count_frames
from wgp_core.paths import PROGRAM_ROOT
from wgp_core.store import Store

SMALL = ("--width", "320", "--height", "240", "--fps", "8", "--seconds", "1")


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=PROGRAM_ROOT, text=True, capture_output=True, timeout=200,
                          check=False)


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return call("create_sample_video.py", *arguments)


def test_from_hero_frames_to_a_second_iteration(tmp_path: Path, private_home: Path) -> None:
    out = tmp_path / "fox.mp4"
    out.write_bytes(b"an older file")
    done = script("--prompt", "k-means with 4 clusters", *SMALL, "--hero-frames", "2", "--attempts", "2", "--output",
                  str(out), "--json")
    assert done.returncode == 0, done.stderr
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert row["status"] == "done" and row["path"] == str(out) and count_frames(out) == 8
    assert [a["path"] for a in row["attempts"]] == [str(tmp_path / f"fox_attempt{n}.mp4") for n in (1, 2)]
    (chosen,) = [a for a in row["attempts"] if a["selected"]]
    assert out.read_bytes() == Path(chosen["path"]).read_bytes()
    assert next(tmp_path.glob("fox.kept-*.mp4")).read_bytes() == b"an older file"
    assert any("is now called" in w for w in row["warnings"])
    assert len(row["hero_frames"]) == 2 and sum(h["selected"] for h in row["hero_frames"]) == 1
    assert row["request"]["start_image"] == next(h["path"] for h in row["hero_frames"] if h["selected"])

    other = next(a for a in row["attempts"] if not a["selected"])
    again = script("--iterate", other["path"], "--prompt", "k-means with 3 clusters", "--attempts", "2", "--json")
    assert again.returncode == 0, again.stderr
    (second,) = [json.loads(line) for line in again.stdout.splitlines()]
    assert (second["scene"], second["iteration"]) == (row["scene"], 2)
    assert second["attempts"][0]["seed"] == other["seed"] and second["gain"] is not None
    assert second["changes"]["prompt"]["after"] == "k-means with 3 clusters"
    assert second["changes"]["chosen"]["attempt"] == other["number"]
    assert second["request"]["start_image"] == row["request"]["start_image"]

    shown = call("-m", "wgp_core", "attempts", other["path"], "--select", "--note", "clearer", "--json")
    assert shown.returncode == 0, shown.stderr
    scene = json.loads(shown.stdout)
    first, last = scene["iterations"]
    assert first["notes"] == "clearer" and last["gain"] == second["gain"]
    assert [a["by_person"] for a in first["attempts"]] == [a["path"] == other["path"] for a in first["attempts"]]
    assert scene["figures"]["accepted"] == 1 and scene["figures"]["decided"] == 2
    copied = json.loads(call("-m", "wgp_core", "attempts", str(out), "--json").stdout)
    assert copied["scene"] == row["scene"], "the file that was asked for is a copy of the selected attempt"
    said = call("-m", "wgp_core", "attempts", row["scene"]).stdout
    assert "selected by a person" in said and "(the scores' choice)" in said and "[-4] [+3]" in said
    assert "k-means with 3 clusters" in call("-m", "wgp_core", "attempts").stdout


def test_a_hero_frame_that_a_person_takes_keeps_its_lineage(tmp_path: Path, private_home: Path) -> None:
    done = script("--prompt", "bubble sort", *SMALL, "--hero-frames", "2", "--json")
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(row["attempts"]) == 1 and any("Hero frames" in w or "hero frames" in w for w in row["warnings"])
    other = next(h for h in row["hero_frames"] if not h["selected"])
    again = script("--prompt", "bubble sort", *SMALL, "--image-start", other["path"], "--attempts", "1", "--json")
    (second,) = [json.loads(line) for line in again.stdout.splitlines()]
    assert (second["scene"], second["iteration"]) == (row["scene"], 2)
    with Store.open(private_home / "data" / "studio.db") as store:
        assert store.attempts.scene(row["scene"]).hero_frame_id == other["id"]


@pytest.mark.parametrize(("arguments", "status", "words"), [
    (("--attempts", "30"), 2, "less than or equal to 20"),
    (("--attempts", "2", "--resume", "--batch", "b.json"), 2, "knows no attempts"),
    (("--iterate", "pyproject.toml"), 2, "not a video that can be read"),
    (("--iterate", "a.mp4", "--replay", "b.mp4"), 2, "cannot be used together"),
    (("--attempts", "2", "--fps", "500"), 1, "fps is 500"),
])
def test_what_does_not_fit_is_said(arguments: tuple[str, ...], status: int, words: str) -> None:
    done = script(*arguments)
    assert done.returncode == status
    assert words in " ".join((done.stdout + done.stderr).replace("│", " ").split()) and "Traceback" not in done.stderr


def test_a_video_without_attempts_is_not_iterated(tmp_path: Path) -> None:
    out = tmp_path / "plain.mp4"
    assert script("--prompt", "bubble sort", *SMALL, "--output", str(out)).returncode == 0
    done = script("--iterate", str(out), "--attempts", "2")
    assert done.returncode == 1 and "was not made by an attempt" in " ".join(done.stdout.split())
    shown = call("-m", "wgp_core", "attempts", str(out))
    assert shown.returncode == 1 and "was not made by an attempt" in shown.stderr
    assert "no scene 'nothing'" in call("-m", "wgp_core", "attempts", "nothing").stderr
    assert "Nothing was tried yet" in call("-m", "wgp_core", "attempts").stdout


def test_without_a_library_there_are_no_attempts(private_home: Path) -> None:
    (private_home / "data").mkdir(parents=True)
    (private_home / "data" / "studio.db").write_text("this is no database, and it is long enough to be looked at")
    done = script("--prompt", "bubble sort", *SMALL, "--attempts", "2")
    assert done.returncode == 1 and "Attempts are kept in the library" in " ".join(done.stdout.split())
