"""From a small real book to a video, as a person does it: two commands, and cues that stand on their pages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_pdf import column, text, write_pdf
from typer import Typer
from typer.testing import CliRunner

import create_sample_video
from wgp_core.cli import app as commands
from wgp_core.errors import WgpError
from wgp_core.media.metadata import read_manifest
from wgp_core.media.probe import count_frames, probe
from wgp_core.paths import PROGRAM_ROOT

SMALL = ("--width", "320", "--height", "240", "--fps", "8")
TEXT = str(PROGRAM_ROOT / "examples" / "how_light_makes_pictures.md")
SECTIONS = re.split(r"^## ", Path(TEXT).read_text(), flags=re.M)[1:]


def run(script: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, as its users run it."""
    return subprocess.run([sys.executable, script, *arguments], cwd=PROGRAM_ROOT, text=True, capture_output=True,
                          timeout=600, check=False, env={**os.environ, "WGP_HOME": str(home)})


def called(app: Typer, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The same command in this process, which saves the imports."""
    done = CliRunner().invoke(app, arguments, env={"WGP_HOME": str(home)})
    said = f"{done.exception}" if isinstance(done.exception, WgpError) else ""
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr + said)


def generate(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return called(commands, "generate", *arguments, home=home)


def batch(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return called(create_sample_video.app, "--batch", *arguments, "--engine", "local", home=home)


def chunk_book(*arguments: str, home: Path) -> None:
    done = called(commands, "chunk-book", *arguments, home=home)
    assert done.returncode == 0, done.stdout + done.stderr


def words(said: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", said.lower())


def stands_in(cue: str, page: str) -> bool:
    """Whether the cue's words stand in the page, in their order."""
    left = iter(words(page))
    return all(any(word == other for other in left) for word in words(cue))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program folder with one book of one section a page, read by the command."""
    folder = tmp_path_factory.mktemp("light")
    pages = []
    for section in SECTIONS:
        title, body = section.split("\n", 1)
        pages.append(text(72, 740, title, size=17, font=1) + column(body.strip().splitlines(), size=9))
    book = write_pdf(folder / "light.pdf", pages)
    done = run("scripts/chunk_book.py", "--input", str(book), home=folder)
    assert done.returncode == 0 and (folder / "data" / "book_chunks.jsonl").is_file(), done.stderr
    return folder


def test_a_book_becomes_a_video_whose_scenes_say_what_stands_on_their_pages(home: Path, tmp_path: Path) -> None:
    out, plan = tmp_path / "out.mp4", tmp_path / "plan.json"
    done = run("scripts/generate.py", "--topic", "refraction of light", "--use-rag", "--engine", "local", "--seconds",
               "8", *SMALL, "--output", str(out), "--save-plan", str(plan), "--subtitles", "--print-prompt", home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert count_frames(out) == 64 and probe(out).width == 320
    manifest = read_manifest(out)
    assert manifest is not None and manifest["prompts"]["planner"] == "rules"
    cues = [cue for scene in manifest["request"]["plan"] for cue in scene["cues"]]
    assert cues and all(cue["source"] == "light.pdf" for cue in cues)
    assert all(stands_in(cue["text"], SECTIONS[cue["page"] - 1]) for cue in cues)
    refraction = 1 + next(i for i, section in enumerate(SECTIONS) if section.startswith("Refraction"))
    assert refraction in [cue["page"] for cue in cues]
    assert f"light.pdf, p. {refraction}" in " ".join(done.stdout.split())
    assert json.loads(plan.read_text())["scenes"] and out.with_suffix(".srt").is_file()

    edited = json.loads(plan.read_text())
    edited["scenes"] = edited["scenes"][-1:]
    edited["scenes"][0]["title"] = "My own title"
    plan.write_text(json.dumps(edited))
    again = generate("--plan", str(plan), "--engine", "local", "--seconds", "2", *SMALL, "--output",
                     str(tmp_path / "b.mp4"), "--json", home=home)
    row = json.loads(again.stdout)
    assert again.returncode == 0 and [scene["title"] for scene in row["request"]["plan"]] == ["My own title"]


def test_a_dry_run_shows_everything_and_makes_nothing(home: Path) -> None:
    done = generate("--topic", "refraction of light", "--use-rag", "--engine", "local", "--dry-run", "--print-prompt",
                    "--json", home=home)
    row = json.loads(done.stdout)
    assert done.returncode == 0 and row["status"] == "prepared" and row["request"]["frames"] == 600
    assert any(cue["page"] for scene in row["plan"] for cue in scene["cues"])
    overlay = generate("--topic", "refraction of light", "--use-rag", "--rag-mode", "overlay", "--engine", "local",
                       "--dry-run", home=home)
    assert "Refraction is the change of direction of light" in " ".join(overlay.stdout.split())
    silent = generate("--topic", "the price of coffee in Brazil", "--use-rag", "--engine", "local", "--dry-run",
                      "--json", home=home)
    row = json.loads(silent.stdout)
    assert row["plan"] == [] and "The documents say nothing about this." in row["warnings"]
    assert not list((home / "outputs").glob("*.mp4"))


def test_topic_alone_is_enough(home: Path, tmp_path: Path) -> None:
    done = generate("--topic", "bubble sort", "--engine", "local", "--seconds", "1", *SMALL, "--output",
                    str(tmp_path / "b.mp4"), home=home)
    assert done.returncode == 0 and count_frames(tmp_path / "b.mp4") == 8, done.stderr


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "There is no topic"),
    (("--topic", "x", "--collection", "nothing"), "There is no collection named 'nothing'"),
    (("--topic", "x", "--chunks", "nothing.jsonl"), "There is no file of chunks"),
    (("--topic", "x", "--chunks", "a", "--collection", "b"), "Give one of them"),
    (("--plan", "nothing.json"), "There is no plan at nothing.json"),
    (("--topic", "x", "--plan", "examples/planned_lesson.json", "--use-rag"), "Leave out --plan"),
    (("--topic", "x", "--rag-mode", "overlay", "--use-rag", "--use-llm-planner"), "plans no scenes"),
    (("--topic", "x", "--soundtrack", "README.md"), "is not a sound file"),
    (("--topic", "x", "--framework", "xyz"), "xyz"),
])
def test_what_cannot_be_is_said_at_once(home: Path, arguments: tuple[str, ...], said: str) -> None:
    done = generate(*arguments, "--engine", "local", home=home)
    assert done.returncode in (1, 2) and said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_without_documents_and_with_many_the_next_step_is_named(home: Path, tmp_path: Path) -> None:
    none = generate("--topic", "x", "--use-rag", home=tmp_path)
    assert none.returncode == 2 and "--document BOOK.pdf" in none.stderr
    unnamed = called(commands, "chunk-book", home=tmp_path)
    assert unnamed.returncode and "No document is named" in unnamed.stderr
    for name in ("one", "two"):
        chunk_book(TEXT, "--collection", name, "--no-embeddings", home=tmp_path)
    many = generate("--topic", "x", "--use-rag", home=tmp_path)
    assert many.returncode == 2 and "There are 2 collections: one, two." in many.stderr
    lost = called(commands, "search", "refraction", home=tmp_path)
    assert lost.returncode and "--collection one" in lost.stderr
    assert "how_light_makes_pictures.md" in called(commands, "search", "refraction", "--collection", "two",
                                                   home=tmp_path).stdout
    named = generate("--topic", "refraction of light", "--collection", "two", "--engine", "local", "--dry-run",
                     home=tmp_path)
    assert named.returncode == 0 and "how_light_makes_pictures.md" in named.stdout


def test_a_document_is_read_on_the_way(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"no pdf")
    asked = ("--topic", "refraction of light", "--engine", "local", "--dry-run", "--document")
    done = generate(*asked, TEXT, "--document", str(broken), home=tmp_path)
    assert done.returncode == 0 and "how_light_makes_pictures.md" in done.stdout
    assert done.stderr.count("broken.pdf") == 1 and "cannot be opened" in done.stderr
    again = json.loads(generate(*asked, TEXT, "--document", str(broken), "--json", home=tmp_path).stdout)
    assert again["plan"] and list((tmp_path / "data" / "read").rglob("*.embeddings.npz"))
    found = json.loads((tmp_path / "data" / "documents" / "how_light_makes_pictures" / "link.json").read_text())
    assert found["chunks"] == again["request"]["documents"]["chunks"]
    for wrong, said in ((str(broken), "cannot be opened"), (str(tmp_path / "none.pdf"), "There is no file")):
        refused = generate(*asked, wrong, home=tmp_path)
        assert refused.returncode == 2 and said in refused.stderr
    twice = generate(*asked, TEXT, "--collection", "light", home=tmp_path)
    assert twice.returncode == 2 and "--document and --collection" in twice.stderr


def test_packs_are_set_side_by_side(home: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack.json"
    rows = [{"prompt": "refraction of light", "documents": {"chunks": str(home / "data" / "book_chunks.jsonl"),
                                                            "mode": mode}} for mode in ("semantic", "overlay")]
    pack.write_text(json.dumps({"columns": ["semantic", "overlay"], "defaults": {"seconds": 4}, "requests": rows}))
    done = batch(str(pack), *SMALL, "--output-dir", str(tmp_path), home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "pack.html").read_text()
    assert page.count("<video") == 2 and page.count("data:image/jpeg;base64,") == 2
    assert "light.pdf, p. 3" in page and "pack_001_refraction-of-light.mp4" in page
    pack.write_text(json.dumps({"columns": ["a", "b"], "requests": rows[:1]}))
    odd = batch(str(pack), home=home)
    assert odd.returncode == 2 and "compares 2 columns, and has 1 requests" in " ".join(odd.stdout.split())


def test_the_packs_that_come_with_it_can_be_made(home: Path) -> None:
    chunk_book(TEXT, "--collection", "light", "--no-embeddings", home=home)
    for name in ("semantic_demo_pack.json", "semantic_vs_overlay.json", "gradient_demo.json", "few_shot_suite.jsonl"):
        done = batch(str(PROGRAM_ROOT / "examples" / name), "--dry-run", home=home)
        assert done.returncode == 0 and "0 refused" in done.stdout, done.stdout
