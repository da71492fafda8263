"""The headless script's work: requests in, files out, one after the other, in this process.

Owns what a terminal sees (progress bars, the plan of a dry run, JSON lines) and the exit status. Results go to the
same library that the window shows.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from . import headless_attempts, resolve
from .attempts import Watch, Workbench
from .batch import BatchItem, columns_of, done_file, read_batch
from .config import Config
from .context import clean_hub_cache, device_override, generation_context
from .errors import RequestError, SettingsError, StoreError, WgpError
from .events import Cancelled, CancelToken, Progress
from .generate import GenerationContext, NoRecorder, Prepared, Recorder, generate_video, prepare_video
from .logs import configure
from .marked import split_enhanced
from .media.encode import sweep_parts
from .media.metadata import read_manifest
from .paths import Paths, build_paths
from .request import LoraUse, VideoRequest
from .result import Manifest, VideoResult
from .side_by_side import Made, write_page
from .sizes import file_size

if TYPE_CHECKING:
    from .prompts.enhancer import Cache
    from .store import Store

log = logging.getLogger(__name__)

OK, FAILED, USAGE, CANCELLED = 0, 1, 2, 130


@dataclass(frozen=True)
class LoraFlags:
    """What the command line says of LoRAs: each flag once for all of them, or once for each."""

    paths: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()
    weight_names: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """Everything on the command line that is not part of a request."""

    batch: Path | None = None
    replay: Path | None = None
    resume: bool = False
    dry_run: bool = False
    gpu: str | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the machine that flags override."""
    loras: LoraFlags = field(default_factory=LoraFlags)
    purge_hf_cache: bool = False
    output_dir: Path | None = None
    settings_file: Path | None = None
    as_json: bool = False
    verbose: bool = False
    default_prompt: str = ""
    loop: headless_attempts.LoopFlags = field(default_factory=headless_attempts.LoopFlags)
    show: Callable[[Prepared], None] | None = None
    """Told what will be rendered, before it is; in a dry run instead of the table."""


class _ScriptLibrary:
    """The library, if it can be used: one that cannot costs a warning, never the video."""

    job_id: str | None = None

    def __init__(self, paths: Paths) -> None:
        self._store: Store | None = None
        self._recorder: Recorder = NoRecorder()
        self.problem = ""
        try:
            from .jobs.recorder import LibraryRecorder
            from .store import Store

            self._store = Store.open(paths.database)
            self._recorder = LibraryRecorder(self._store)
        except StoreError as error:
            self.problem = f"The result will not be in the library: {error}"

    def planned(self, path: Path) -> None:
        self._recorder.planned(path)

    def moved(self, old: Path, new: Path) -> None:
        self._try(lambda: self._recorder.moved(old, new))

    def record(self, result: VideoResult) -> None:
        self._try(lambda: self._recorder.record(result))

    @property
    def store(self) -> Store | None:
        """None where the library cannot be used."""
        return self._store

    @property
    def prompt_cache(self) -> Cache | None:
        return self._store.enhancements if self._store is not None else None

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StoreError as error:
            log.debug("the library failed", exc_info=True)
            self.problem = f"The result is not in the library: {error}"


def main(flags: Mapping[str, Any], output_flags: Mapping[str, Any], options: Options) -> int:
    """Run the script and return its exit status. Prints to standard output and standard error."""
    console = Console(stderr=options.as_json)
    configure(verbose=options.verbose)
    try:
        if options.settings_file is not None and not options.settings_file.expanduser().is_file():
            raise SettingsError(f"There is no settings file {options.settings_file}.", fix="Check the path.")
        paths = build_paths(outputs=options.output_dir, settings_file=options.settings_file).ensure()
        overrides = {**(device_override(options.gpu) if options.gpu else {}), **options.machine}
        config = Config(paths.settings_file, overrides=overrides)
        items = _items({**flags, "loras": _loras(options.loras)}, output_flags, options, config)
        columns = columns_of(options.batch) if options.batch else ()
    except WgpError as error:
        console.print(f"[red]{_plain(error)}")
        return USAGE
    for problem in config.loaded.problems:
        console.print(f"[yellow]{_plain(problem)}")
    recorder = _ScriptLibrary(paths)
    try:
        context = generation_context(paths, config.settings, recorder, prompt_cache=recorder.prompt_cache)
        _clean_cache(items, paths, config, options, console)
        if options.dry_run and options.show is not None:
            return _prepare(items, context, console, options.show)
        if options.dry_run:
            return _print_plan(items, context, console, as_json=options.as_json)
        if options.loop.active and recorder.store is None:
            console.print(f"[red]Attempts are kept in the library. {_plain(recorder.problem)}")
            return FAILED
        sweep_parts(paths.outputs)
        runner = _Runner(context, recorder, console, options)
        status = runner.run(items)
        if columns and status != CANCELLED:
            page = write_page(paths.outputs, options.batch.stem if options.batch else "page", columns, runner.made)
            console.print(f"Side by side: {_plain(page)}", soft_wrap=True, highlight=False)
        return status
    finally:
        recorder.close()


def _clean_cache(items: tuple[BatchItem, ...], paths: Paths, config: Config, options: Options,
                 console: Console) -> None:
    """Prune or purge the hub cache and say what went; a dry run says what would go."""
    wanted = [item.request.model for item in items if item.request is not None]
    plan = clean_hub_cache(paths, config.settings, wanted, purge=options.purge_hf_cache, dry_run=options.dry_run)
    for repo in plan.removed if plan else ():
        verb = "Would remove" if options.dry_run else "Removed"
        console.print(f"[dim]{verb} {_plain(repo.repo)} from the hub cache, {file_size(repo.size_bytes)}.")


def _loras(flags: LoraFlags) -> tuple[LoraUse, ...] | None:
    """The LoRAs that flags name; None where none are. Raises `RequestError` for flags that do not fit together."""
    from .loras.library import uses_from_flags

    return uses_from_flags(flags.paths, flags.scales, flags.weight_names, flags.triggers) or None


def _items(flags: Mapping[str, Any], output_flags: Mapping[str, Any], options: Options,
           config: Config) -> tuple[BatchItem, ...]:
    given = {name: value for name, value in flags.items() if value is not None}
    output = {name: value for name, value in output_flags.items() if value is not None}
    iterate = options.loop.iterate
    if sum(map(bool, (options.batch, options.replay, iterate))) > 1:
        raise RequestError("--batch, --replay and --iterate cannot be used together.", fix="Give one of them.")
    if options.resume and options.loop.active:
        raise RequestError("--resume knows no attempts.", fix="Leave out --resume, or --attempts and --hero-frames.")
    if options.batch and ("prompt" in given or "path" in output):
        raise RequestError("--batch takes its prompts and names from the file.", fix="Leave out --prompt and --output.")
    if "path" in output:
        output["path"] = Path(output["path"]).expanduser().resolve()
        if output["path"].is_dir():
            raise RequestError(f"--output names a folder: {output['path']}.", field="output.path",
                               fix="Name a file in it, or give the folder as --output-dir.")
    for named, name in ((given, "start_image"), (given, "end_image"), (output, "soundtrack")):
        if name in named:
            named[name] = Path(named[name]).expanduser().resolve()
    if options.replay:
        return (_replayed(options.replay, given, output),)
    if iterate:
        asked = Manifest.from_dict(read_manifest(iterate)).asked
        request = headless_attempts.iterated(asked, given, new_heroes=bool(options.loop.hero_frames))
        request = dataclasses.replace(request, output=dataclasses.replace(request.output, **{"path": None, **output}))
        return (BatchItem(1, f"after {iterate.name}", request),)
    start = resolve.new_request(config.settings, prompt=options.default_prompt)
    request = dataclasses.replace(start, **given, output=dataclasses.replace(start.output, **output))
    if options.batch:
        return read_batch(options.batch, dataclasses.replace(request, prompt="").to_dict())
    if options.resume:
        raise RequestError("--resume belongs to --batch.", fix="Add --batch FILE.")
    return (BatchItem(1, "request", request),)


def _replayed(file: Path, given: Mapping[str, Any], output: Mapping[str, Any]) -> BatchItem:
    manifest = Manifest.from_dict(read_manifest(file))
    request = manifest.request
    changes = dict(given)
    if "seconds" in changes:
        changes["frames"] = None
    fresh = dataclasses.replace(request.output, **{"path": None, **output})
    return BatchItem(1, f"replay of {file.name}", dataclasses.replace(request, **changes, output=fresh))


def _print_plan(items: tuple[BatchItem, ...], context: GenerationContext, console: Console, *, as_json: bool) -> int:
    table = Table("#", "prompt", "engine", "size", "frames", "fps", "notes", title="Plan")
    refused = 0
    for item in items:
        row, problem = _plan_row(item, context)
        refused += bool(problem)
        if as_json:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            cells = (str(row.get(key, "")) for key in ("prompt", "engine", "size", "frames", "fps"))
            table.add_row(str(item.number), *map(_plain, cells),
                          f"[red]{_plain(problem)}" if problem else _plain(" ".join(row["warnings"])))
    if not as_json:
        console.print(table)
        console.print(f"{len(items) - refused} can be made, {refused} refused.")
    return FAILED if refused else OK


def _prepare(items: tuple[BatchItem, ...], context: GenerationContext, console: Console,
             show: Callable[[Prepared], None]) -> int:
    """Everything that comes before frames, shown."""
    cancel = CancelToken()
    with interruptible(cancel):
        for item in items:
            try:
                if item.request is None:
                    raise RequestError(item.problem)
                show(prepare_video(item.request, context, cancel=cancel))
            except WgpError as error:
                log.debug("item %d cannot be prepared", item.number, exc_info=True)
                console.print(f"[red]{_plain(error)}", soft_wrap=True, highlight=False)
                return FAILED
            except Cancelled:
                return CANCELLED
    return OK


def _plan_row(item: BatchItem, context: GenerationContext) -> tuple[dict[str, Any], str]:
    row: dict[str, Any] = {"number": item.number, "place": item.place, "status": "refused", "warnings": []}
    if item.request is None:
        return {**row, "error": item.problem}, f"{item.place}: {item.problem}"
    try:
        resolved = resolve.resolve(item.request, context.engines, context.settings)
    except WgpError as error:
        return {**row, "prompt": item.request.prompt, "error": str(error)}, f"{item.place}: {error}"
    request = resolved.request
    return {**row, "status": "ok", "prompt": request.prompt, "engine": resolved.engine.spec.id,
            "size": f"{request.width}x{request.height}", "frames": request.frames or "by scenes", "fps": request.fps,
            "warnings": list(resolved.warnings)}, ""


class _Runner:
    """Makes the items one by one; a failed one does not stop the rest."""

    def __init__(self, context: GenerationContext, recorder: _ScriptLibrary, console: Console,
                 options: Options) -> None:
        self._context, self._recorder, self._console, self._options = context, recorder, console, options
        self._cancel = CancelToken()
        self._failed = 0
        self.made: list[Made] = []

    def run(self, items: tuple[BatchItem, ...]) -> int:
        done = skipped = 0
        with interruptible(self._cancel):
            for item in items:
                if item.request is None:
                    self._refuse(item, item.problem)
                elif self._options.resume and (file := done_file(item.request, self._context.paths.outputs)):
                    skipped += 1
                    self.made.append(Made(file))
                    self._say(item, "skipped", {}, f"[dim]{item.place}: done already")
                else:
                    try:
                        done += self._make(item, item.request)
                    except Cancelled:
                        self._say(item, "cancelled", {}, "[yellow]Cancelled; nothing half-made was left behind.")
                        return CANCELLED
        if len(items) > 1:
            self._console.print(f"{done} made, {skipped} skipped, {self._failed} failed or refused.")
        return FAILED if self._failed else OK

    def _make(self, item: BatchItem, request: VideoRequest) -> bool:
        title = request.prompt or (request.plan[0].title if request.plan else "")
        try:
            with self._bars(f"[{item.number}] {title[:40]}") as on_progress:
                if self._options.loop.active:
                    made = self._attempts(request, Watch(on_progress, self._cancel))
                    self._report(item, made.result, made)
                    return True
                result = generate_video(request, self._context, on_progress=on_progress, cancel=self._cancel,
                                        on_prepared=self._options.show or (lambda prepared: None))
        except WgpError as error:
            log.debug("item %d failed", item.number, exc_info=True)
            self._refuse(item, str(error))
            return False
        self._report(item, result)
        return True

    def _attempts(self, request: VideoRequest, watch: Watch) -> headless_attempts.Made:
        assert self._recorder.store is not None, "checked before the first item"
        return headless_attempts.make(request, self._options.loop, Workbench.of(self._context, self._recorder.store),
                                      watch)

    def _report(self, item: BatchItem, result: VideoResult, loop: headless_attempts.Made | None = None) -> None:
        path = result.path if loop is None else loop.path
        self.made.append(Made(path))
        warnings = [*result.warnings, *filter(None, [self._recorder.problem]), *self._drift(result)]
        if loop is not None:
            warnings += [*loop.notes, *loop.round.iteration.review]
        facts = {**result.to_manifest(), "path": str(path), "warnings": warnings, **(loop.to_dict() if loop else {})}
        spent = sum(result.timings_s.values())
        made = (f"[green]{_plain(path)}[/]  {result.width}x{result.height}, {result.seconds:.1f} s, seed "
                f"{result.request.seed}, made in {spent:.1f} s")
        lines = [*_prompt_lines(result), *(_plain(line) for line in (loop.lines() if loop else ())), made,
                 *(f"[yellow]{_plain(w)}" for w in warnings)]
        self._say(item, "done", facts, "\n".join(lines))

    def _drift(self, result: VideoResult) -> list[str]:
        """For a replay: what is not as it was when the original was made."""
        if self._options.replay is None:
            return []
        before = Manifest.from_dict(read_manifest(self._options.replay))
        drift = [f"{name} was {old}, is {result.versions.get(name, 'not installed')}"
                 for name, old in before.versions.items() if result.versions.get(name) != old]
        now = {model.name: model.sha256 for model in result.models}
        drift += [f"the weights of {model['name']} differ" for model in before.models
                  if now.get(str(model["name"])) != model["sha256"]]
        if str(before.data.get("engine")) != result.engine:
            drift.append(f"the engine was {before.data.get('engine')}, is {result.engine}")
        if not drift:
            self._console.print("Replayed with the same versions and weights.")
        return [f"Drift: {line}." for line in drift]

    def _refuse(self, item: BatchItem, problem: str) -> None:
        self._failed += 1
        self.made.append(Made(None, problem))
        self._say(item, "failed", {"error": problem}, f"[red]{_plain(item.place)}: {_plain(problem)}")

    def _say(self, item: BatchItem, status: str, facts: Mapping[str, Any], text: str) -> None:
        if self._options.as_json:
            sys.stdout.write(json.dumps({"number": item.number, "status": status, **facts}, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            self._console.print(text, soft_wrap=True, highlight=False)

    @contextlib.contextmanager
    def _bars(self, title: str) -> Iterator[Any]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                   TimeRemainingColumn())
        with Bars(*columns, console=self._console, transient=True, disable=self._options.as_json) as bars:
            task = bars.add_task(_plain(title), total=None)

            def on_progress(event: Progress) -> None:
                bars.update(task, description=_plain(f"{title}  {event.message or event.stage.label}"),
                            completed=event.step, total=event.total or None)

            yield on_progress


def language_model(folder: str, file: str) -> str | None:
    """The setting `enhancer_model` for a folder and, if given, a file in it; None where neither is named.

    Raises nothing: a model that is not there is told by the enhancer, which then does without.
    """
    if not folder and not file:
        return None
    return str((Path(folder).expanduser() / file).resolve())


def _prompt_lines(result: VideoResult) -> list[str]:
    """The prompt as it was written and as it was used, where an enhancement lies between them."""
    if not result.enhanced_prompt:
        return []
    original, _ = split_enhanced(result.asked.prompt)
    return [f"[dim]Prompt:[/]   {_plain(original)}", f"[dim]Enhanced:[/] {_plain(result.enhanced_prompt)}"]


@contextlib.contextmanager
def interruptible(cancel: CancelToken) -> Iterator[None]:
    """Ctrl+C and SIGTERM ask for a clean stop; a second one ends the program at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        if cancel.cancelled:
            raise KeyboardInterrupt
        cancel.cancel()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _plain(value: object) -> str:
    """Text for rich, with nothing in it read as markup."""
    return str(value).replace("[", r"\[")
