"""`python -m wgp_core COMMAND`: small tools around the core. Each command is thin; the work is done elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from .cli_generate import generate
from .cli_models import app as models_app
from .cli_storyboard import storyboard
from .errors import RequestError, WgpError
from .paths import build_paths
from .request import ScenePlan

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]},
                  help="Tools of WGP Studio. The window is app.py, the headless script create_sample_video.py.")
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def main() -> None:
    """Entry point: errors meant for people become one line on stderr and exit status 1."""
    try:
        app()
    except WgpError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None


@app.command()
def doctor(port: Annotated[int, typer.Option(help="Port to look at.")] = 7860, as_json: AsJson = False) -> None:
    """Check this machine: Python, torch, GPU, memory, disk, ffmpeg, folders, models, port."""
    from dataclasses import asdict

    from .doctor import Level, examine

    marks = {Level.OK: "[green]ok[/]", Level.WARN: "[yellow]note[/]", Level.FAIL: "[red]FAIL[/]"}
    console, worst, rows = Console(), Level.OK, []
    for finding in examine(build_paths(), port=port):
        rows.append(asdict(finding))
        worst = Level.FAIL if Level.FAIL in (worst, finding.level) else worst
        if not as_json:
            console.print(f"{marks[finding.level]:>16}  [bold]{finding.name}[/]  ", end="")
            console.print(finding.detail, markup=False, highlight=False, soft_wrap=True)
            if finding.fix:
                console.print(f"          -> {finding.fix}", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    raise typer.Exit(1 if worst is Level.FAIL else 0)


@app.command()
def inspect(file: Annotated[Path, typer.Argument(help="A video, GIF or PNG made by WGP Studio.")],
            as_json: AsJson = False) -> None:
    """Show the settings, prompts, models and timings that are embedded in a file."""
    from .media.metadata import read_manifest
    from .media.probe import probe
    from .result import Manifest

    manifest = Manifest.from_dict(read_manifest(file))
    if as_json:
        sys.stdout.write(json.dumps(manifest.data, indent=2, ensure_ascii=False) + "\n")
        return
    info, request = probe(file), manifest.request
    console, table = Console(), Table(show_header=False, box=None, pad_edge=False)
    facts = {
        "file": f"{info.width}x{info.height}, {info.fps:g} fps, {info.seconds:.1f} s, {info.codec}",
        "made": manifest.data.get("created_at", ""), "engine": manifest.data.get("engine", ""),
        "prompt": manifest.asked.prompt, "enhanced": manifest.data.get("prompts", {}).get("enhanced") or "",
        "seed": request.seed, "planned by": manifest.data.get("prompts", {}).get("planner") or "",
        "scenes": "\n".join(_scene_line(scene) for scene in request.plan),
        "models": ", ".join(str(model.get("name")) for model in manifest.models),
        "timings": ", ".join(f"{k} {v:g} s" for k, v in (manifest.data.get("timings_s") or {}).items()),
        "computed": ", ".join(f"{k}: {v}" for k, v in (manifest.data.get("computed") or {}).items()),
        "versions": ", ".join(f"{k} {v}" for k, v in manifest.versions.items()),
        "warnings": " ".join(manifest.data.get("warnings") or ()),
    }
    for name, value in facts.items():
        if value not in ("", None):
            table.add_row(f"[bold]{name}[/]", str(value).replace("[", r"\["))
    console.print(table)


def _scene_line(scene: ScenePlan) -> str:
    """The title, and what the scene rests on."""
    places = dict.fromkeys(cue.place for cue in scene.cues if cue.source)
    return f"{scene.title} ({'; '.join(places)})" if places else scene.title


@app.command()
def subjects(as_json: AsJson = False) -> None:
    """List the subjects that the local engine knows and computes."""
    from .engines.explainer.subjects import all_subjects

    known = all_subjects()
    if as_json:
        sys.stdout.write(json.dumps([{"id": s.id, "title": s.title, "keywords": s.keywords} for s in known]) + "\n")
        return
    table = Table("subject", "is chosen by")
    for item in known:
        table.add_row(item.title, ", ".join(item.keywords))
    Console().print(table)


@app.command()
def search(question: Annotated[str, typer.Argument(help="What to look for.")] = "",
           chunks: Annotated[Path | None, typer.Option(help="A file of chunks, as chunk-book writes it. "
                                                       "[data/book_chunks.jsonl]")] = None,
           collection: Annotated[str, typer.Option(help="A collection, by name, instead.")] = "",
           batch: Annotated[str, typer.Option(help="A file with a question a line; - reads them from the input.")] = "",
           top: Annotated[int, typer.Option(min=1, max=100, help="At most so many passages a question.")] = 5,
           as_json: AsJson = False) -> None:
    """Find what documents say about a question, with pages."""
    from .cli_documents import search_documents
    from .documents.collections import default_chunks, existing

    paths = build_paths()
    file = existing(paths, collection).files.chunks if collection else chunks or default_chunks(paths)
    search_documents(paths, file, question, batch, top, as_json)


@app.command("chunk-book")
def chunk_book(files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", help="PDF, TXT, Markdown, HTML "
                                                                  "or DOCX, or folders of them.")] = None,
               input: Annotated[list[Path] | None, typer.Option("--input", "-i", help="The same, by name.")] = None,
               output: Annotated[Path | None, typer.Option(help="The chunks' file; embeddings and rejected passages "
                                                           "lie beside it. [data/book_chunks.jsonl]")] = None,
               collection: Annotated[str, typer.Option(help="Add to this named collection instead.")] = "",
               min_words: Annotated[int, typer.Option(help="Words that a chunk should have at least.")] = 45,
               max_words: Annotated[int, typer.Option(help="Words of a chunk at most.")] = 220,
               save_rejected: Annotated[bool, typer.Option(help="Keep what was left out, with the reason.")] = True,
               clean: Annotated[bool, typer.Option(help="Leave out contents, index, bibliography, noise.")] = True,
               embeddings: Annotated[bool, typer.Option(help="Make the search index too.")] = True,
               page_timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for a page of a PDF.")] = 10.0,
               memory_mb: Annotated[int, typer.Option(min=256, help="Memory for reading a PDF.")] = 1536,
               as_json: AsJson = False) -> None:
    """Read documents into chunks that can be searched; only what changed is read again."""
    from .cli_ingest import chunk_book as make
    from .documents.chunking import Sizes
    from .documents.ingest import IngestOptions
    from .documents.pdf import Limits

    options = IngestOptions(Sizes(min_words, max_words), clean, save_rejected, Limits(page_timeout, memory_mb))
    inputs = [*(files or ()), *(input or ())]
    if not inputs:
        raise RequestError("No document is named.", fix="Name files or folders: chunk-book BOOK.pdf")
    make(build_paths(), inputs, output, collection, options, embeddings=embeddings, as_json=as_json)


@app.command()
def score(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Videos, pictures, or folders of them.")],
          prompt: Annotated[str | None, typer.Option(help="What they show; else the prompt in the file.")] = None,
          quick: Annotated[bool, typer.Option("--quick", help="Estimates only, without any model.")] = False,
          as_json: AsJson = False) -> None:
    """Measure how good videos are: steadiness, smoothness, picture quality, agreement with the prompt."""
    from .cli_score import score_files

    score_files(build_paths(), files, prompt, as_json, quick)


@app.command()
def attempts(name: Annotated[str, typer.Argument(metavar="[NAME]", help="A scene, an attempt or its video; without one "
                                                 "the newest scenes.")] = "",
             select: Annotated[bool, typer.Option("--select", help="Take the attempt that is named.")] = False,
             note: Annotated[str | None, typer.Option(help="Write this beside its round.")] = None,
             limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many scenes.")] = 20,
             as_json: AsJson = False) -> None:
    """Show hero frames, attempts and scores of what was made in several tries; choose another version."""
    from .cli_attempts import list_scenes, show_scene

    if not name and (select or note is not None):
        raise RequestError("--select and --note need the name of an attempt.", fix="Name its video or its id.")
    if name:
        show_scene(build_paths().ensure(), name, as_json, select, note)
    else:
        list_scenes(build_paths().ensure(), as_json, limit)


app.command()(generate)
app.command()(storyboard)
app.add_typer(models_app, name="models")
