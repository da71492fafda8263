"""Known subjects: a module here with a `SUBJECT` is found by itself. Import nothing heavy at module level."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from .base import Numbers, Subject, Topic

__all__ = ["Numbers", "Subject", "Topic", "all_subjects", "subject"]


@functools.cache
def all_subjects() -> tuple[Subject, ...]:
    """Every subject, sorted by id. Two with one id are a programming error."""
    found: dict[str, Subject] = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name == "base":
            continue
        item = getattr(importlib.import_module(f"{__name__}.{info.name}"), "SUBJECT", None)
        if item is None:
            continue
        if item.id in found:
            raise ValueError(f"two subjects have the id {item.id!r}")
        found[item.id] = item
    return tuple(found[key] for key in sorted(found))


def subject(subject_id: str) -> Subject:
    """The subject of that id; `KeyError` if there is none."""
    return {item.id: item for item in all_subjects()}[subject_id]
