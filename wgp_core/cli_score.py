"""The command line's view of quality scores: files and folders in, a report or a table out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from .errors import MediaError, WgpError
from .events import Progress
from .paths import Paths
from .quality.models import QualityModels
from .quality.score import PICTURES, VIDEOS, ScoreOptions, score_file
from .quality.select import Ranking, rank
from .quality.types import Dimension, Kind, QualityReport
from .settings import load

_MARKS = {Kind.EXACT: "exact", Kind.ESTIMATE: "estimate", Kind.UNAVAILABLE: "not available"}
_HEADS = {Dimension.SUBJECT: "subj", Dimension.BACKGROUND: "back", Dimension.SMOOTHNESS: "smoo",
          Dimension.FLICKERING: "flic", Dimension.AESTHETIC: "aest", Dimension.IMAGING: "imag",
          Dimension.ALIGNMENT: "text"}
_BLOCKS = " ▁▂▃▄▅▆▇█"


def score_files(paths: Paths, files: Sequence[Path], prompt: str | None, as_json: bool, quick: bool) -> None:
    """Score each file; a folder stands for the videos and pictures in it. Raises `WgpError`.

    A file that cannot be read is named on stderr, the others go on, and the exit status is 1; where none can be read,
    that is the error.
    """
    loaded = load(paths.settings_file)
    for problem in loaded.problems:
        sys.stderr.write(f"{problem}\n")
    settings = loaded.settings
    models = None
    if settings.quality_models and not quick:
        models = QualityModels(paths, settings.device, settings.cache_root)
    options = ScoreOptions.of(settings)
    reports: list[QualityReport] = []
    failed: list[WgpError] = []
    for file in _expanded(files):
        try:
            reports.append(score_file(file, prompt, options=options, models=models, on_progress=_say_progress))
        except WgpError as error:
            failed.append(error)
            if len(files) > 1 or files[0].is_dir():
                sys.stderr.write(f"{file.name}: {error}\n")
    if failed and not reports:
        raise failed[0]
    ranking = rank(reports, options.weights) if len(reports) > 1 else None
    if as_json:
        _write_json(reports, ranking)
    elif ranking is None:
        show_report(reports[0])
    else:
        show_table(reports, ranking)
    if failed:
        raise SystemExit(1)


def _expanded(files: Sequence[Path]) -> list[Path]:
    """Files as given; of folders the videos and pictures in them. Raises `MediaError` for a folder without any."""
    found: list[Path] = []
    for file in files:
        if not file.is_dir():
            found.append(file)
            continue
        inside = sorted(f for f in file.iterdir() if f.suffix.lower() in (*VIDEOS, *PICTURES)
                        and not f.name.startswith("."))
        if not inside:
            raise MediaError(f"There are no videos or pictures in {file}.", fix="Name another folder.")
        found += inside
    return found


def _write_json(reports: Sequence[QualityReport], ranking: Ranking | None) -> None:
    """One report as an object; several as an object with `reports` and `ranking`."""
    from dataclasses import asdict

    data = reports[0].to_dict() if ranking is None else {
        "reports": [report.to_dict() for report in reports], "ranking": asdict(ranking)}
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def show_report(report: QualityReport) -> None:
    """One video: the total with what it is made of, each dimension, its curve, advice."""
    console = Console()
    length = f", {report.fps:g} fps, {report.seconds:.1f} s" if report.fps else ""
    console.print(f"[bold]{_plain(report.file)}[/]  {report.width}x{report.height}, {report.frames} frames{length}",
                  highlight=False)
    if report.prompt:
        console.print(f"[dim]{_plain(report.prompt)}[/]", highlight=False)
    total = "-" if report.total.value is None else f"{100 * report.total.value:.0f}"
    console.print(f"Total [bold]{total}[/] of 100 ({_basis(report.total.basis)})", highlight=False)
    table = Table("dimension", "score", "weight", "kind", "over time", box=None, pad_edge=False)
    used = {share.dimension: share.used for share in report.total.shares}
    for score in report.scores:
        value = "-" if score.value is None else f"{100 * score.value:.0f}"
        if score.dimension is Dimension.DYNAMIC and score.value is not None:
            value = "moves" if score.value else "still"
        weight = f"{100 * used.get(score.dimension, 0):.0f} %" if used.get(score.dimension) else ""
        table.add_row(score.dimension.label, value, weight, _MARKS[score.kind], sparkline(score.curve.values))
    console.print(table)
    lines = [*report.total.notes,
             *(f"{s.dimension.label}: {s.reason}" for s in report.scores if s.kind is Kind.UNAVAILABLE)]
    if report.vbench_partial is not None:
        lines.append(f"VBench's quality over the exact dimensions alone: {100 * report.vbench_partial:.1f}; partial, "
                     "not comparable with published VBench.")
    for line in lines:
        console.print(f"[dim]{_plain(line)}[/]", highlight=False)
    for line in report.recommendations:
        console.print(f"- {_plain(line)}", highlight=False)
    if report.review:
        console.print(f"[yellow]A person should look:[/] {_plain(' '.join(report.review))}", highlight=False)


def show_table(reports: Sequence[QualityReport], ranking: Ranking) -> None:
    """Several videos, best first, the dimensions by their first letters. An estimate has a ~ in front."""
    console = Console()
    table = Table("", Column("file", overflow="fold", min_width=14), "total", *_HEADS.values(), "moves", "look",
                  box=None, pad_edge=False)
    for place in ranking.places:
        report = reports[place.index]
        total = "-" if place.value is None else f"{100 * place.value:.1f}"
        cells = []
        for dimension in _HEADS:
            score = report.score(dimension)
            mark = "~" if score.kind is Kind.ESTIMATE else ""
            cells.append("-" if score.value is None else f"{mark}{100 * score.value:.0f}")
        dynamic = report.score(Dimension.DYNAMIC).value
        table.add_row(str(place.rank), _plain(report.file), total, *cells,
                      "-" if dynamic is None else "yes" if dynamic else "no", "yes" if report.review else "")
    console.print(table)
    console.print("[dim]~ is an estimate, - is not available; look: a person should.[/]", highlight=False)
    notes = list(dict.fromkeys(note for report in reports for note in report.total.notes)) if reports else []
    for note in (*ranking.notes, *notes):
        console.print(f"[dim]{_plain(note)}[/]", highlight=False)


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """Values 0..1 as blocks; of more than `width` values the lowest of each stretch, so that dips stay."""
    if not values:
        return ""
    count = min(width, len(values))
    lows = [min(values[i * len(values) // count:max(i * len(values) // count + 1, (i + 1) * len(values) // count)])
            for i in range(count)]
    return "".join(_BLOCKS[round(min(1.0, max(0.0, low)) * (len(_BLOCKS) - 1))] for low in lows)


def _basis(basis: str) -> str:
    return {"exact": "exact values", "estimate": "estimates", "mixed": "exact values and estimates mixed",
            "none": "nothing could be measured"}[basis]


def _say_progress(event: Progress) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{event.message}: {event.step} of {event.total} ")


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
