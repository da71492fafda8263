"""What a report means, in words: where it is weakest, at which second, and why a person should look."""

from __future__ import annotations

from collections.abc import Callable

from .types import Dimension, QualityReport

WEAK = 0.7
"""A dimension below this is worth a sentence."""
DIP = 0.25
"""So far below its mean a curve has a bad moment."""
FROZEN = 0.9
"""Share of still pairs from which a video counts as frozen."""
NOISY = 6.0
PULSING = 2.0
"""Steps of luma by which light that pulses is off its neighbours; in dark pictures this share of their light:"""
PULSING_SHARE = 0.04

_WORDS = {
    Dimension.SUBJECT: "The subject changes over time. Describe it in more detail, and ask for less motion.",
    Dimension.BACKGROUND: "The surroundings change over time. Name the place, and ask for a calmer camera.",
    Dimension.SMOOTHNESS: "The motion is uneven. Ask for slow, steady motion, or make more frames a second.",
    Dimension.FLICKERING: "Neighbouring frames differ much. Where the picture should be calm, ask for a steady camera "
                          "and constant light.",
    Dimension.AESTHETIC: "The pictures are plain. Add words on light, composition and style.",
    Dimension.IMAGING: "The pictures have technical faults.",
    Dimension.ALIGNMENT: "The video does not show what the prompt asks for. Put the main thing first, and leave out "
                         "what matters less.",
}


def recommend(report: QualityReport) -> tuple[str, ...]:
    """Sentences for the person, the most telling first; empty where nothing stands out."""
    said: list[str] = []
    if is_frozen(report):
        said.append("The picture hardly moves, so the temporal scores say little. If it should move, name the motion.")
    weak = sorted((s for s in report.scores if s.value is not None and s.value < WEAK and s.dimension in _WORDS),
                  key=lambda score: score.value or 0.0)
    for score in weak:
        if score.dimension in (Dimension.SMOOTHNESS, Dimension.FLICKERING) and _seen_otherwise(report):
            continue
        if score.dimension is Dimension.IMAGING and any(test(report) for test, _ in _FAULTS):
            continue
        if score.dimension is Dimension.FLICKERING and _motion_explains(report):
            said.append("Neighbouring frames differ much, and so does what moves: this score cannot tell flicker from "
                        "motion.")
        elif score.dimension is Dimension.ALIGNMENT and score.missing:
            said.append(f"This does not show: {', '.join(score.missing)}. Put it first in the prompt.")
        else:
            said.append(_WORDS[score.dimension])
    said += [sentence for test, sentence in _FAULTS if test(report)]
    said += _moments(report)
    return tuple(dict.fromkeys(said))


def reasons_to_look(report: QualityReport, below: float) -> tuple[str, ...]:
    """Why a person should judge this video; empty where the numbers are enough."""
    reasons = []
    if report.total.value is None:
        reasons.append("Nothing could be measured.")
    elif report.total.value < below:
        reasons.append(f"The total is {100 * report.total.value:.0f}, below {100 * below:.0f}.")
    if is_frozen(report):
        reasons.append("The picture hardly moves.")
    if 1 < report.frames < 3:
        reasons.append("It is too short for most measures.")
    return tuple(reasons)


def is_frozen(report: QualityReport) -> bool:
    """Whether hardly any frame differs from the one before; a single picture is not frozen."""
    return report.frames > 1 and report.diagnostics.still_share >= FROZEN


def _seen_otherwise(report: QualityReport) -> bool:
    """Whether noise or pulsing light makes frames differ, which has a sentence of its own."""
    return report.diagnostics.noise > NOISY or _pulses(report)


def _pulses(report: QualityReport) -> bool:
    """Whether the light changes to and fro from frame to frame."""
    figures = report.diagnostics
    return figures.brightness_flicker > max(0.5, min(PULSING, PULSING_SHARE * figures.brightness))


def _motion_explains(report: QualityReport) -> bool:
    """Whether what moves, not pulsing light, is what makes neighbouring frames differ."""
    figures = report.diagnostics
    return figures.motion > 0.1


def _moments(report: QualityReport) -> list[str]:
    """Cuts, and the worst moment of each curve that has one far below its mean."""
    said = []
    figures = report.diagnostics
    if figures.cuts and report.fps:
        places = ", ".join(f"{frame / report.fps:.1f} s" for frame in figures.cuts[:5])
        more = " and later" if len(figures.cuts) > 5 else ""
        said.append(f"The picture changes at once at {places}{more}. If no cut was meant, look there.")
    for score in report.scores:
        worst = score.curve.worst()
        if worst is None or score.value is None or not report.fps or score.dimension is Dimension.DYNAMIC:
            continue
        frame, value = worst
        if value < score.value - DIP and not any(abs(frame - cut) <= 2 for cut in figures.cuts):
            if score.dimension in (Dimension.SMOOTHNESS, Dimension.FLICKERING) and _seen_otherwise(report):
                continue
            said.append(f"{score.dimension.label} is lowest at {frame / report.fps:.1f} s ({100 * value:.0f}).")
    return said


_FAULTS: tuple[tuple[Callable[[QualityReport], bool], str], ...] = (
    (lambda r: _pulses(r), "The light pulses from frame to frame."),
    (lambda r: r.diagnostics.noise > NOISY, "The pictures are noisy; more steps or less added grain help."),
    (lambda r: r.diagnostics.sharpness < 0.35, "The pictures are blurred."),
    (lambda r: r.diagnostics.blockiness > 0.4, "Blocks of the compression show; encode with a lower CRF."),
    (lambda r: r.diagnostics.contrast < 12.0, "The pictures have hardly any contrast."),
    (lambda r: r.diagnostics.clipped_light > 0.5 and r.diagnostics.brightness > 200, "Large parts are pure white."),
    (lambda r: r.diagnostics.repeat_share > 0.25 and r.diagnostics.motion > 0.1,
     "Many frames repeat the one before, so the motion stands still and jumps."),
)
