"""Many requests from one file: JSON (a list, or {"defaults": {...}, "requests": [...]}), JSONL, or CSV.

"columns" beside them names what is compared: requests then belong together in groups of so many, and a page shows them
side by side.

Each item is a `VideoRequest` in JSON form; CSV columns may be dotted ("output.crf"). Items are read separately, so
that one bad line is reported with its place and does not hide the others.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import MediaError, RequestError
from .media.metadata import read_manifest
from .naming import slug
from .request import VideoRequest

MAX_BATCH_BYTES = 16 * 2**20
MAX_ITEMS = 5_000
MAX_COLUMNS = 6


@dataclass(frozen=True)
class BatchItem:
    """One line of a batch: a request, or the sentence that says why there is none."""

    number: int
    place: str
    request: VideoRequest | None
    problem: str = ""


def read_batch(path: Path, defaults: Mapping[str, Any]) -> tuple[BatchItem, ...]:
    """Read a batch file. `defaults` is a request in JSON form under every item; items without an output path are
    named after the file and their number.

    Raises `RequestError` where the file as a whole cannot be used.
    """
    try:
        if path.stat().st_size > MAX_BATCH_BYTES:
            raise RequestError(f"{path.name} is larger than {MAX_BATCH_BYTES // 2**20} MB.", fix="Split it.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RequestError(f"The batch file {path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"The batch file {path} is not UTF-8 text.", fix="Save it as UTF-8.") from error
    items = []
    for number, (place, data) in enumerate(_rows(path, text), 1):
        if number > MAX_ITEMS:
            raise RequestError(f"{path.name} has more than {MAX_ITEMS} items.", fix="Split it.")
        items.append(_item(path, number, place, data, defaults))
    if not items:
        raise RequestError(f"{path.name} holds no requests.", fix='Add lines like {"prompt": "..."}.')
    return tuple(items)


def columns_of(path: Path) -> tuple[str, ...]:
    """The names under which a batch file sets its requests side by side; none where it does not.

    Raises `RequestError` where they do not fit the requests.
    """
    if path.suffix.lower() != ".json":
        return ()
    data = _parse(path.read_text(encoding="utf-8-sig"))
    names = data.get("columns") if isinstance(data, dict) else None
    if names is None:
        return ()
    if not isinstance(names, list) or not 1 < len(names) <= MAX_COLUMNS or not all(isinstance(n, str) for n in names):
        raise RequestError(f'{path.name}: "columns" must be a list of 2 to {MAX_COLUMNS} names.')
    count = len(data.get("requests") or ())
    if count % len(names):
        raise RequestError(f"{path.name} compares {len(names)} columns, and has {count} requests.",
                           fix="Give every row one request a column.")
    return tuple(names)


def _rows(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    kind = path.suffix.lower()
    if kind == ".csv":
        for number, row in enumerate(csv.DictReader(io.StringIO(text)), 2):
            yield f"line {number}", _nest(row)
    elif kind in (".jsonl", ".ndjson"):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield f"line {number}", _parse(line)
    elif kind == ".json":
        yield from _json_rows(path, text)
    else:
        raise RequestError(f"{path.name} is no batch file.", fix="Use .json, .jsonl or .csv.")


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    data = _parse(text)
    if isinstance(data, RequestError):
        raise RequestError(f"{path.name}: {data}")
    shared: Mapping[str, Any] = {}
    if isinstance(data, dict) and "requests" in data:
        unknown = set(data) - {"requests", "defaults", "about", "columns"}
        if unknown:
            raise RequestError(f"{path.name}: unknown key {sorted(unknown)[0]!r}.",
                               fix='Known: "about", "columns", "defaults", "requests".')
        shared, data = data.get("defaults") or {}, data["requests"]
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        raise RequestError(f"{path.name} must hold a list of requests.")
    for number, row in enumerate(data, 1):
        yield f"item {number}", _merge(shared, row) if isinstance(row, dict) else row


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        return RequestError(f"not valid JSON ({error})")


def _nest(row: Mapping[str | None, Any]) -> Any:
    """A CSV row as nested JSON: empty cells are left out, "a.b" becomes {"a": {"b": ...}}."""
    if None in row:
        return RequestError("the line has more cells than there are columns")
    nested: dict[str, Any] = {}
    for key, value in row.items():
        if value is None or not value.strip() or key is None:
            continue
        *parents, last = key.strip().split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value.strip()
    return nested


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `base`, objects merged key by key. Seconds and frames replace each other."""
    merged = dict(base)
    for name, other in (("seconds", "frames"), ("frames", "seconds")):
        if over.get(name) is not None and other not in over:
            merged.pop(other, None)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _item(path: Path, number: int, place: str, data: Any, defaults: Mapping[str, Any]) -> BatchItem:
    if isinstance(data, RequestError):
        return BatchItem(number, place, None, str(data))
    try:
        if not isinstance(data, dict):
            raise RequestError(f"an item must be an object, not {type(data).__name__}")
        request = VideoRequest.from_dict(_merge(defaults, data))
        request.check()
    except RequestError as error:
        return BatchItem(number, place, None, str(error))
    return BatchItem(number, place, _settle(path, number, request))


def _settle(path: Path, number: int, request: VideoRequest) -> VideoRequest:
    """Files are looked for beside the batch file; an item without a name gets one that is the same every time."""
    def beside(file: Path | None) -> Path | None:
        return file if file is None or file.is_absolute() else (path.parent / file).resolve()

    output = request.output
    if output.path is None:
        name = f"{slug(path.stem, 32)}_{number:03}_{slug(request.prompt or request.plan[0].title)}"
        output = replace(output, path=Path(name))
    documents = request.documents
    if documents is not None:
        documents = replace(documents, chunks=beside(documents.chunks))
    return replace(request, output=replace(output, soundtrack=beside(output.soundtrack)), documents=documents,
                   start_image=beside(request.start_image), end_image=beside(request.end_image))


def done_file(request: VideoRequest, outputs: Path) -> Path | None:
    """The item's file, where it is there already and was made from the same request."""
    assert request.output.path is not None
    base = outputs / request.output.path
    for suffix in ("", ".mp4", ".mov", ".gif", ".png"):
        file = base if not suffix else base.with_name(base.name + suffix)
        if not file.is_file():
            continue
        try:
            manifest = read_manifest(file)
        except MediaError:
            continue
        if manifest and manifest.get("asked") == request.to_dict():
            return file
    return None
