"""Tasks on model folders: install, verify, quantize, delete. Each takes `{"model": ID}` and answers in a sentence.

They run in the worker of the model desk, never in the window's process. What happens to files is decided in
`wgp_core.models`; here are only the names, the order of the parts and the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import EngineError
from ..events import Progress, Stage
from ..models import download
from ..models.hub_cache import cache_root_of, fetch_repo, forget
from ..models.locate import Found, find, find_to_mend, missing_error
from ..models.options import Quantization
from ..sizes import file_size
from .tasks import TaskContext, task

SHOWN_PROBLEMS = 3


@task("model_install")
def model_install(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Download a model's files, or go on where an earlier download stopped. Result: message, folder."""
    found = _found(payload, context)
    if found.spec.repo and not found.spec.folder:  # not of the catalog: it lives in the hub cache
        folder = fetch_repo(found.spec.repo, cache_root_of(context.paths, context.runtime.cache_root),
                            on_progress=context.on_progress, cancel=context.cancel)
    else:
        folder = download.install(found.spec, context.paths, on_progress=context.on_progress, cancel=context.cancel)
    return {"message": f"{found.spec.label} is installed.", "folder": str(folder)}


@task("model_verify")
def model_verify(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Check a model's files on disk against their sizes and sums. Result: message, folder."""
    found = _to_mend(payload, context)
    folder = _folder(found, context)
    report = download.verify(found.spec, folder, on_progress=context.on_progress, cancel=context.cancel)
    if not report.ok:
        shown = " ".join(report.problems[:SHOWN_PROBLEMS])
        more = len(report.problems) - SHOWN_PROBLEMS
        raise EngineError(f"{found.spec.label} is not whole: {shown}{f' And {more} more.' if more > 0 else ''}",
                          fix="Install fetches again what is damaged." if found.spec.repo
                          else f"Copy the files into {folder} again.")
    if found.problem:
        raise EngineError(f"The weights of {found.spec.label} can be read, but the folder cannot be used: "
                          f"{found.problem}")
    how = "agree with the hub's hashes" if report.recorded else "can be read; there are no hashes to compare with"
    return {"message": f"{found.spec.label}: {report.files} files {how}.", "folder": str(folder)}


@task("model_quantize")
def model_quantize(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Write the quantized weights that a first generation would otherwise make. Result: message, files."""
    from ..models.precision import choose_precision
    from ..models.quantized import quantize_component

    found = _found(payload, context)
    folder = _folder(found, context)
    components = quantizable(found, folder)
    wanted = context.runtime.quantization
    kind = Quantization.INT8 if wanted in ("auto", "none", "") else Quantization(wanted)
    precision, _reason = choose_precision(context.runtime.device, context.runtime.dtype)
    files = []
    for number, component in enumerate(components):
        context.cancel.raise_if_cancelled()
        progress = _share(context.on_progress, component.name, number, len(components))
        progress(Progress(Stage.LOAD))
        files.append(quantize_component(component, precision, kind, on_progress=progress, cancel=context.cancel))
    if not files:
        return {"message": f"{found.spec.label} has no weights that are stored quantized.", "files": []}
    names = ", ".join(component.name for component in components)
    return {"message": f"{found.spec.label} has {kind.value} weights now ({names}).", "files": [str(f) for f in files]}


@task("model_delete")
def model_delete(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Remove a model's files from `ckpts/`. Result: message."""
    found = _to_mend(payload, context)
    folder, spec = found.folder, found.spec
    if folder is not None and folder.is_relative_to(context.paths.ckpts):
        spec = replace(spec, path=None, folder=folder.relative_to(context.paths.ckpts).as_posix())
    root = cache_root_of(context.paths, context.runtime.cache_root)
    if folder is not None and folder.is_relative_to(root):
        freed = forget(spec.repo, root)
    else:
        freed = download.delete(spec, context.paths)
    return {"message": f"{spec.label} was deleted; {file_size(freed)} became free."}


def quantizable(found: Found, folder: Path) -> tuple[Path, ...]:
    """The component folders whose linear layers are stored quantized, as far as they are there."""
    return tuple(folder / part.name for part in found.spec.parts if part.quantize and (folder / part.name).is_dir())


def _found(payload: Mapping[str, Any], context: TaskContext) -> Found:
    return find(str(payload["model"]), context.paths, cache_root=context.runtime.cache_root)


def _to_mend(payload: Mapping[str, Any], context: TaskContext) -> Found:
    return find_to_mend(str(payload["model"]), context.paths, cache_root=context.runtime.cache_root)


def _folder(found: Found, context: TaskContext) -> Path:
    if found.folder is None:
        raise missing_error(found.spec, context.paths, context.runtime.cache_root)
    return found.folder


def _share(on_progress: Callable[[Progress], None], name: str, number: int, count: int) -> Callable[[Progress], None]:
    """Progress of one part of several as progress of all: thousandths of the whole."""

    def tell(event: Progress) -> None:
        step = round(1000 * (number + event.fraction) / count)
        words = f"{name}: {event.message}" if event.message else f"Quantizing {name}"
        on_progress(replace(event, step=step, total=1000, message=words))

    return tell
