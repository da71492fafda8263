"""The models that are known by name: one table, in the order in which they are preferred.

Data only. Parameter counts were computed by building each architecture from its published configuration. Sizes on disk
are those counts times the width in which the hub stores them, so they are close estimates; an installation asks the hub
for the exact ones.
"""

from __future__ import annotations

from ...errors import RequestError
from ..spec import ModelSpec
from .cogvideox import COGVIDEOX
from .language import LANGUAGE
from .ltx import LTX
from .quality import QUALITY
from .starter import STARTER
from .still import STILL
from .wan import WAN

CATALOG: tuple[ModelSpec, ...] = (*WAN, *COGVIDEOX, *LTX, *STILL, STARTER, *LANGUAGE, *QUALITY)


def by_id(model_id: str) -> ModelSpec:
    """The catalog's model of this id. Raises `RequestError` that names the known ones."""
    for spec in CATALOG:
        if spec.id == model_id:
            return spec
    raise RequestError(f"The catalog has no model {model_id!r}.", field="model",
                       fix=f"Known: {', '.join(spec.id for spec in CATALOG)}.")


def by_repo(repo: str) -> ModelSpec | None:
    """The catalog's model that is this hub repository, or None; one file of a collection does not count."""
    return next((spec for spec in CATALOG
                 if spec.repo.lower() == repo.lower() and spec.repo.endswith(f"/{spec.folder}")), None)


def default_spec() -> ModelSpec:
    """The model that is recommended where none is chosen."""
    return CATALOG[0]


__all__ = ["CATALOG", "by_id", "by_repo", "default_spec"]
