"""`python -m wgp_core models ...`: list, fetch, check, quantize and remove models. Each command is thin."""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from .errors import Cancelled, RequestError
from .events import CancelToken, Progress, ProgressCallback
from .models.hub_cache import (
    CachePlan,
    cache_root_of,
    cached_folder,
    fetch_repo,
    forget,
    is_repo_name,
    prune,
    purge,
    repo_folder,
)
from .models.locate import Found, find, find_to_mend, folder_of, known_spec, repos_to_keep
from .models.options import Precision, Quantization
from .models.spec import ModelSpec
from .paths import Paths, build_paths
from .settings import Settings, load

app = typer.Typer(invoke_without_command=True, no_args_is_help=False, pretty_exceptions_enable=False,
                  help="List models; fetch, check, quantize and remove them.")
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
ModelId = Annotated[str, typer.Argument(metavar="ID", help="A model of the list, or a hub repository ORG/NAME.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")]


class Format(enum.StrEnum):
    """Formats that weights can be quantized to."""

    INT8 = "int8"
    FP8 = "fp8"
    INT4 = "int4"


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List models: what is installed, what is missing, how large."""
    if context.invoked_subcommand is None:
        _list(as_json)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List models: what is installed, what is missing, how large."""
    _list(as_json)


@app.command()
def install(model: ModelId) -> None:
    """Fetch a model. What was cut off is continued; every file is compared with the hub's hash."""
    from .models.download import install as install_model

    paths, console = _paths(), Console()
    spec = known_spec(model, paths)
    if spec is None and is_repo_name(model):
        with _progress() as (on_progress, cancel):
            folder = fetch_repo(model, cache_root_of(paths, _settings(paths).cache_root), on_progress=on_progress,
                                cancel=cancel)
        _say(console, f"{model} is in {folder}. Use it with: --model-id {model}")
        return
    spec = spec or _must(model, paths).spec
    if spec.licence_note:
        _say(console, f"Licence of {spec.label}: {spec.licence}. {spec.licence_note}")
    with _progress() as (on_progress, cancel):
        folder = install_model(spec, paths, on_progress=on_progress, cancel=cancel)
    _say(console, f"{spec.label} is in {folder}.")


@app.command()
def verify(model: ModelId) -> None:
    """Compare an installed model's files with the hashes of their download; needs no network."""
    from .models.download import verify as verify_model

    paths, console = _paths(), Console()
    found = _to_mend(model, paths)
    spec, folder = _installed(model, paths) if not found.problem else (found.spec, found.folder)
    assert folder is not None
    with _progress() as (on_progress, cancel):
        report = verify_model(spec, folder, on_progress=on_progress, cancel=cancel)
    how = "against the hub's hashes" if report.recorded else "for damage only: it was not fetched by this program"
    _say(console, f"{spec.label}: {report.files} files, {report.size_bytes / 1e9:.2f} GB, checked {how}.")
    problems = report.problems or tuple(filter(None, [found.problem]))
    for problem in problems:
        _say(console, f"  {problem}")
    if problems:
        _say(console, f"Mend it: ./run.sh -m wgp_core models install {spec.id}" if spec.repo
             else f"Mend it: copy its files into {folder} again.")
        raise typer.Exit(1)


@app.command()
def delete(model: ModelId, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Remove a model from ckpts/, with its quantized copies and any unfinished download."""
    from .models.download import delete as delete_model
    from .models.download import install_folder

    paths = _paths()
    root = cache_root_of(paths, _settings(paths).cache_root)
    spec = known_spec(model, paths)
    if spec is None and is_repo_name(model) and cached_folder(model, root):
        if not yes:
            typer.confirm(f"Remove {repo_folder(model, root)}?", abort=True)
        _say(Console(), f"Removed {model}: {forget(model, root) / 1e9:.2f} GB are free again.")
        return
    spec = spec or _to_mend(model, paths).spec
    if not yes:
        typer.confirm(f"Remove {install_folder(spec, paths)}?", abort=True)
    _say(Console(), f"Removed {spec.label}: {delete_model(spec, paths) / 1e9:.2f} GB are free again.")


@app.command()
def quantize(model: ModelId,
             format_: Annotated[Format, typer.Option("--format", help="How weights are stored.")] = Format.INT8,
             precision: Annotated[Precision, typer.Option(help="What is computed with.")] = Precision.BF16) -> None:
    """Store a model's large components quantized, so that they load at once and fit smaller cards."""
    from .models.quantized import quantize_component

    paths, console = _paths(), Console()
    spec, folder = _installed(model, paths)
    parts = [part for part in spec.parts if part.quantize and part.name]
    if not parts:
        raise RequestError(f"{spec.label} has no component that is stored quantized.", field="model")
    for part in parts:
        with _progress() as (on_progress, cancel):
            file = quantize_component(folder / part.name, precision, Quantization(format_.value),
                                      on_progress=on_progress, cancel=cancel)
        _say(console, f"{part.name}: {file} ({file.stat().st_size / 1e9:.2f} GB)")


@app.command()
def toy(folder: Annotated[Path, typer.Argument(help="Where it is written.")],
        kind: Annotated[str, typer.Option(help="Which architecture.")] = "wan",
        seed: Annotated[int, typer.Option(help="Of its random weights.")] = 0) -> None:
    """Write a tiny model with random weights: it makes noise, and shows that everything works."""
    from .models.toy import TOY_KINDS, write_toy

    if kind not in TOY_KINDS:
        raise RequestError(f"There is no toy model {kind!r}.", fix=f"Known: {', '.join(TOY_KINDS)}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} is not an empty folder.", fix="Name a new one.")
    write_toy(folder, kind, seed=seed)
    _say(Console(), f"A toy {kind} model is in {folder}. Use it with: --model-id {folder}")


@app.command("prune")
def prune_cache(dry_run: DryRun = False) -> None:
    """Remove models from the hub cache that the settings do not name and no process uses."""
    paths = _paths()
    settings = _settings(paths)
    _report(prune(cache_root_of(paths, settings.cache_root), repos_to_keep(settings.model, paths), dry_run=dry_run))


@app.command("purge")
def purge_cache(dry_run: DryRun = False) -> None:
    """Remove every model that was fetched into the hub cache, except those in use."""
    paths = _paths()
    _report(purge(cache_root_of(paths, _settings(paths).cache_root), dry_run=dry_run))


# -- parts of commands ------------------------------------------------------------------------------------------------

def _list(as_json: bool) -> None:
    from .models.inventory import all_models

    paths = _paths()
    found = all_models(paths, _settings(paths).cache_root)
    if as_json:
        rows = [{"id": m.id, "label": m.label, "task": m.task.value, "tasks": [t.value for t in m.tasks],
                 "family": m.family, "installed": m.installed, "size_bytes": m.size_bytes, "path": str(m.path or ""),
                 "repo": m.repo, "licence": m.licence, "licence_note": m.licence_note, "how_to_get": m.how_to_get}
                for m in found]
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    console, table = Console(), Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, overflow="fold")
    for title in ("for", "here", "GB", "licence"):
        table.add_column(title, no_wrap=title != "licence", justify="right" if title == "GB" else "left")
    for m in found:
        table.add_row(_plain(m.id), m.task.value, "yes" if m.installed else "no", f"{m.size_bytes / 1e9:.2f}",
                      m.licence + (" *" if m.licence_note else ""))
    console.print(table)
    _say(console, "* with conditions: models install ID says which. Fetch one with: ./run.sh -m wgp_core models "
                  "install ID")
    for m in found:
        if m.problem:
            _say(console, m.problem)


def _paths() -> Paths:
    return build_paths()


def _settings(paths: Paths) -> Settings:
    return load(paths.settings_file).settings


def _must(model: str, paths: Paths) -> Found:
    return find(model, paths, cache_root=_settings(paths).cache_root)


def _to_mend(model: str, paths: Paths) -> Found:
    return find_to_mend(model, paths, cache_root=_settings(paths).cache_root)


def _installed(model: str, paths: Paths) -> tuple[ModelSpec, Path]:
    from .models.locate import missing_error

    spec = known_spec(model, paths)
    cache_root = _settings(paths).cache_root
    found = Found(spec, folder_of(spec, paths, cache_root=cache_root)) if spec else _must(model, paths)
    if found.folder is None:
        raise missing_error(found.spec, paths, cache_root)
    return found.spec, found.folder


def _report(plan: CachePlan) -> None:
    console = Console()
    for item in plan.items:
        verb = f"kept ({item.keep})" if item.keep else "removed" if plan.done else "would be removed"
        _say(console, f"{item.repo}: {item.size_bytes / 1e9:.2f} GB, {verb}")
    what = "are free again" if plan.done else "would be free"
    _say(console, f"{plan.root}: {plan.freed_bytes / 1e9:.2f} GB {what}.")


@contextmanager
def _progress() -> Iterator[tuple[ProgressCallback, CancelToken]]:
    """One bar for the work inside. Ctrl+C ends it with status 130 and without a traceback; partial files stay."""
    token = CancelToken()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
               TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(event: Progress) -> None:
            bars.update(task, completed=event.step, total=event.total or None, description=event.message)

        try:
            yield show, token
        except (KeyboardInterrupt, Cancelled):
            bars.stop()
            sys.stderr.write("Stopped. Run the same command again to go on.\n")
            raise typer.Exit(130) from None


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
