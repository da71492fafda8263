"""What differs between two requests, as it is kept with an iteration."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..quality.suggest import diff
from ..request import VideoRequest
from ..store.attempt_records import AttemptRecord

_TEXTS = ("prompt", "negative_prompt")
_LEFT_OUT = frozenset({*_TEXTS, "version", "output.path"})


def compare(before: VideoRequest, after: VideoRequest, chosen: AttemptRecord | None = None) -> dict[str, Any]:
    """Plain JSON: `prompt` and `negative_prompt` with a diff in words, `settings` as [before, after] under dotted
    names, `chosen` for the attempt that it goes on from. What is the same is left out.
    """
    changes: dict[str, Any] = {}
    for name in _TEXTS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            changes[name] = {"before": old, "after": new, "diff": [asdict(change) for change in diff(old, new)]}
    old, new = _flat(before.to_dict()), _flat(after.to_dict())
    settings = {name: [old.get(name), new.get(name)] for name in sorted({*old, *new})
                if name not in _LEFT_OUT and old.get(name) != new.get(name)}
    if settings:
        changes["settings"] = settings
    if chosen is not None:
        changes["chosen"] = {"attempt": chosen.number, "seed": chosen.seed, "total": chosen.total,
                             "by_person": chosen.by_person}
    return changes


def describe(changes: dict[str, Any]) -> tuple[str, ...]:
    """The changes as short lines for a person."""
    lines = []
    for name in _TEXTS:
        if name in changes:
            words = "".join(f"[+{part['text'].strip()}] " if part["action"] == "add" else
                            f"[-{part['text'].strip()}] " for part in changes[name]["diff"] if part["action"] != "keep")
            lines.append(f"{name.replace('_', ' ')}: {words.strip() or 'emptied'}")
    lines += [f"{name}: {old} -> {new}" for name, (old, new) in changes.get("settings", {}).items()]
    return tuple(lines)


def _flat(data: dict[str, Any], under: str = "") -> dict[str, Any]:
    """Nested objects as dotted names; lists stay whole."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{under}{key}.")
        else:
            found[f"{under}{key}"] = value
    return found
