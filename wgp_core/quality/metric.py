"""What a dimension is to the rest: something that sees every frame once, in order, and then has a score.

To add a dimension, write a file with a `choose` function that returns a `Metric`, and put it into `registry.METRICS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..errors import WgpError
from .frames import ClipFacts, Frame
from .types import Dimension, DimensionScore, unavailable

if TYPE_CHECKING:
    from .models import QualityModels


class Metric(Protocol):
    """Measures one dimension of one video; made anew for each."""

    dimension: Dimension

    def see(self, frame: Frame) -> None:
        """Take the next frame. Nothing that is not needed later may be kept."""
        ...

    def finish(self, clip: ClipFacts) -> DimensionScore:
        """The score, after the last frame. A clip that is too short is `unavailable`, with the reason."""
        ...


class AlignmentScorer(Protocol):
    """Says how well a clip shows what a prompt asks for; engines with other means than CLIP can bring their own."""

    def fits(self, prompt: str, width: int, height: int) -> bool:
        """Whether it can judge clips of this size for this prompt. The first one that can is used."""
        ...

    def metric(self, prompt: str) -> Metric:
        """A metric of `Dimension.ALIGNMENT`."""
        ...


@dataclass(frozen=True)
class Setup:
    """What a metric is chosen by. `models` is None where only what needs no weights may be used."""

    width: int
    height: int
    fps: float
    prompt: str = ""
    models: QualityModels | None = None
    scorers: Sequence[AlignmentScorer] = ()
    shared: dict[str, object] = field(default_factory=dict)
    """What metrics of the same video use together, by name: an encoder whose vectors two of them need."""


Choice = Callable[[Setup], Metric]
NO_MODELS = "Scoring with models is switched off."


class Unavailable:
    """A dimension that nobody can measure here."""

    def __init__(self, dimension: Dimension, reason: str) -> None:
        self.dimension = dimension
        self.reason = reason

    def see(self, frame: Frame) -> None:
        """Nothing is looked at."""

    def finish(self, clip: ClipFacts) -> DimensionScore:
        return unavailable(self.dimension, self.reason)


def too_short(dimension: Dimension, needed: int, clip: ClipFacts) -> DimensionScore:
    """The score of a clip that has fewer frames than a dimension needs."""
    has = "1 frame" if clip.frames == 1 else f"{clip.frames} frames"
    return unavailable(dimension, f"It needs at least {needed} frames; this has {has}.")


def exact_or(setup: Setup, exact: Callable[[QualityModels], Metric], otherwise: Callable[[str], Metric]) -> Metric:
    """The exact metric where its weights are here; else what `otherwise` makes of the reason why not."""
    if setup.models is None:
        return otherwise(NO_MODELS)
    try:
        return exact(setup.models)
    except WgpError as error:
        return otherwise(str(error))
