"""Which dimensions are measured: one line each, in the order in which they are shown."""

from __future__ import annotations

from . import aesthetic, alignment, background, dynamic, flickering, imaging, smoothness, subject
from .metric import Choice

METRICS: tuple[Choice, ...] = (
    subject.choose,
    background.choose,
    smoothness.choose,
    flickering.choose,
    aesthetic.choose,
    imaging.choose,
    alignment.choose,
    dynamic.choose,
)
