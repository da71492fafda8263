"""Enhancements as JSON: between processes, in the cache, and beside a video.

The shape is that of the dataclasses of `enhancement`; enums are their values, paths are text. What a later version adds
is ignored when it is read, and what an earlier one lacks takes its default, so that a cache survives an update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from ..errors import RequestError
from .enhancement import (
    Attempt,
    EnhanceRequest,
    EnhanceResult,
    JobType,
    Level,
    Mode,
    Provider,
    Quality,
    QualityScore,
    TokenUse,
)

T = TypeVar("T")

_ENUMS = {"mode": Mode, "job_type": JobType, "quality": Quality, "provider": Provider, "level": Level}


def request_to_dict(request: EnhanceRequest) -> dict[str, Any]:
    """Plain JSON types, and a copy: changing it changes nothing else."""
    return {**_plain(request), "start_image": str(request.start_image) if request.start_image else None,
            "protected": list(request.protected)}


def request_from_dict(data: Mapping[str, Any]) -> EnhanceRequest:
    """The request of `request_to_dict`. Raises `RequestError` where a value is none of those that are known."""
    values = _known(EnhanceRequest, data)
    if values.get("start_image") is not None:
        values["start_image"] = Path(values["start_image"])
    values["protected"] = tuple(values.get("protected") or ())
    return _made(EnhanceRequest, values)


def result_to_dict(result: EnhanceResult) -> dict[str, Any]:
    """Plain JSON types, and a copy."""
    return {
        **_plain(result), "added": list(result.added), "warnings": list(result.warnings),
        "attempts": [_plain(attempt) for attempt in result.attempts],
        "tokens": _plain(result.tokens) if result.tokens else None,
        "score_before": _score_to_dict(result.score_before), "score": _score_to_dict(result.score)}


def result_from_dict(data: Mapping[str, Any]) -> EnhanceResult:
    """The result of `result_to_dict`. Raises `RequestError` where it cannot be read."""
    values = _known(EnhanceResult, data)
    for name in ("added", "warnings"):
        values[name] = tuple(values.get(name) or ())
    values["attempts"] = tuple(_made(Attempt, _known(Attempt, one)) for one in values.get("attempts") or ())
    values["tokens"] = _optional(values.get("tokens"), lambda one: _made(TokenUse, _known(TokenUse, one)))
    for name in ("score_before", "score"):
        values[name] = _optional(values.get(name), _score_from_dict)
    return _made(EnhanceResult, values)


def _plain(record: Any) -> dict[str, Any]:
    """The fields of a dataclass, one level deep; enums as their values."""
    return {f.name: value.value if f.name in _ENUMS else value
            for f in fields(record) for value in (getattr(record, f.name),)}


def _known(kind: type, data: Any) -> dict[str, Any]:
    """The fields of `kind` that `data` has, with enums made of their values."""
    if not isinstance(data, Mapping):
        raise RequestError(f"A {kind.__name__} must be a JSON object, not {type(data).__name__}.")
    values = {f.name: data[f.name] for f in fields(kind) if f.name in data}
    for name in _ENUMS.keys() & values.keys():
        try:
            values[name] = _ENUMS[name](values[name])
        except ValueError:
            raise RequestError(f"{name} cannot be {values[name]!r}.", field=name,
                               fix="It must be one of " + ", ".join(_ENUMS[name]) + ".") from None
    return values


def _made(kind: type[T], values: Mapping[str, Any]) -> T:
    try:
        return kind(**values)
    except TypeError as error:
        raise RequestError(f"A {kind.__name__} cannot be read: {error}.") from error


def _optional(value: Any, read: Callable[[Any], T]) -> T | None:
    return None if value is None else read(value)


def _score_to_dict(score: QualityScore | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {"value": score.value, "found": dict(score.found), "reasons": list(score.reasons)}


def _score_from_dict(data: Any) -> QualityScore:
    values = _known(QualityScore, data)
    values["reasons"] = tuple(values.get("reasons") or ())
    return _made(QualityScore, values)
