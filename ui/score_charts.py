"""Scores as a person reads them: rows with colours and words, radar, curves over time, the trend over iterations.

Pure functions: reports and points in, HTML and SVG out. Exact values have a full bar and no sign; estimates have a
hatched bar and are written with a ≈.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wgp_core.attempts.trends import TrendPoint
from wgp_core.quality.advice import DIP, WEAK
from wgp_core.quality.types import Dimension, DimensionScore, Kind, QualityReport

from .words import esc, plural

GOOD = 0.85
"""From here on a score is called good; below `WEAK` it is called weak."""
COLOURS = 6
"""How many colours there are for attempts; the seventh has that of the first."""
BASIS_WORDS = {"exact": "exact", "estimate": "estimated", "mixed": "partly estimated", "none": "not measured"}
SHORT_NAMES = {Dimension.SUBJECT: "Subject", Dimension.BACKGROUND: "Background", Dimension.SMOOTHNESS: "Motion",
               Dimension.FLICKERING: "No flicker", Dimension.AESTHETIC: "Aesthetic", Dimension.IMAGING: "Imaging",
               Dimension.ALIGNMENT: "Prompt"}


def grade(value: float) -> str:
    """ "good", "fair" or "weak": the word and the colour of a score, 0 to 1."""
    return "good" if value >= GOOD else "fair" if value >= WEAK else "weak"


def points(value: float | None, kind: Kind | str = Kind.EXACT) -> str:
    """ "98.8", "≈ 98.8" for what is an estimate or has one in it, "–" for what is not there."""
    if value is None:
        return "–"
    return f"{'' if kind == Kind.EXACT else '≈ '}{100 * value:.1f}"


def gain_words(gain: float | None) -> str:
    """ "+1.2 points"; empty where the two cannot be compared."""
    return "" if gain is None else f"{100 * gain:+.1f} points"


def colour(number: int) -> str:
    """The class that colours an attempt in the players, the radar and the trend."""
    return f"a{(number - 1) % COLOURS + 1}"


def total_html(report: QualityReport | None) -> str:
    """The total with its word and what it is made of; a video without scores says so."""
    if report is None or report.total.value is None:
        return '<span class="w-total none">No score</span>'
    word = grade(report.total.value)
    return (f'<span class="w-total {word}" title="{esc(" ".join(report.total.notes))}">'
            f"<b>{points(report.total.value, report.total.basis)}</b> <small>{word}, "
            f"{BASIS_WORDS[report.total.basis]}</small></span>")


def scores_html(report: QualityReport) -> str:
    """A row for each dimension that was measured, and what was not, with the reason."""
    measured = [score for score in report.scores if score.value is not None]
    rows = "".join(_score_row(score) for score in measured)
    lacking = [score for score in report.scores if score.value is None]
    named = ", ".join(score.dimension.label.lower() for score in lacking)
    none = f'<p class="w-quiet">Not measured: {esc(named)}.</p>' if lacking else ""
    how = "".join(f"<li><b>{esc(score.dimension.label)}.</b> {esc(' '.join(filter(None, (score.how, score.reason))))}"
                  "</li>" for score in report.scores)
    notes = "".join(f"<li>{esc(note)}</li>" for note in report.total.notes)
    return (f'<ul class="w-scores">{rows}</ul>{none}<details class="w-how"><summary>How it was measured</summary>'
            f"<ul>{how}{notes}</ul></details>")


def _score_row(score: DimensionScore) -> str:
    value, word = score.value or 0.0, grade(score.value or 0.0)
    name, beside = score.dimension.label, score.dimension.group is None
    kind = "exact" if score.kind is Kind.EXACT else "estimate"
    return (f'<li class="{score.kind.value} {"beside" if beside else word}" data-dim="{score.dimension.value}" '
            f'title="{esc(score.how)}"><span><i class="w-dot {score.dimension.value}"></i>{esc(name)}</span>'
            f'<em><i style="width:{100 * value:.1f}%"></i></em><b>{points(score.value, score.kind)}</b>'
            f'<small>{"not counted" if beside else f"{word}, {kind}"}</small></li>')


# -- curves over time -------------------------------------------------------------------------------------------


def floor_of(reports: Sequence[QualityReport]) -> float:
    """Where the curves' axis begins, so that those of several videos can be compared: 0 to 0.9, a tenth."""
    lowest = min((value for report in reports for score in _with_curve(report) for value in score.curve.values),
                 default=0.0)
    return min(0.9, math.floor(10 * lowest) / 10)


def curve_html(report: QualityReport, floor: float = 0.0) -> str:
    """The dimensions from frame to frame, with the bad moments marked. A click shows the moment in all players."""
    lines = [score for score in _with_curve(report) if len(score.curve.frames) > 1]
    if not lines or report.seconds <= 0:
        return ""
    drawn = "".join(f'<polyline class="{score.dimension.value}" data-dim="{score.dimension.value}" '
                    f'points="{_polyline(score, report, floor)}"/>' for score in lines)
    cuts = "".join(f'<line class="cut" x1="{_across(frame, report):.2f}" x2="{_across(frame, report):.2f}" y1="0" '
                   'y2="40"/>' for frame in report.diagnostics.cuts)
    bad = "".join(_bad_html(score, report, floor) for score in lines)
    return (f'<div class="w-curve" data-seconds="{report.seconds:.3f}" role="img" aria-label="Scores over time: click '
            f'to go to a moment"><svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">{cuts}{drawn}'
            f'</svg>{bad}<i class="w-needle"></i><span class="w-axis">100</span>'
            f'<span class="w-axis low">{100 * floor:.0f}</span><span class="w-moment"></span></div>')


def bad_moments(report: QualityReport) -> tuple[tuple[Dimension, float, float], ...]:
    """(Dimension, second, value) of each curve that drops far below its score."""
    found = []
    for score in _with_curve(report):
        worst = score.curve.worst()
        if worst is not None and worst[1] < (score.value or 0.0) - DIP and report.fps:
            found.append((score.dimension, worst[0] / report.fps, worst[1]))
    return tuple(found)


def _with_curve(report: QualityReport) -> list[DimensionScore]:
    return [score for score in report.scores
            if score.value is not None and score.curve.values and score.dimension.group is not None]


def _across(frame: float, report: QualityReport) -> float:
    """Per cent of the video's length."""
    return 100 * min(1.0, frame / max(1, report.frames - 1))


def _down(value: float, floor: float) -> float:
    """0 for a value of 1, 1 for the floor."""
    return min(1.0, max(0.0, (1 - value) / (1 - floor)))


def _polyline(score: DimensionScore, report: QualityReport, floor: float) -> str:
    return " ".join(f"{_across(frame, report):.2f},{2 + 36 * _down(value, floor):.2f}"
                    for frame, value in zip(score.curve.frames, score.curve.values, strict=True))


def _bad_html(score: DimensionScore, report: QualityReport, floor: float) -> str:
    moment = next((one for one in bad_moments(report) if one[0] is score.dimension), None)
    if moment is None:
        return ""
    _, second, value = moment
    top = 5 + 90 * _down(value, floor)
    said = f"{score.dimension.label} drops to {100 * value:.0f} at {second:.1f} s"
    return (f'<button type="button" class="w-bad" data-at="{second:.3f}" title="{esc(said)}" aria-label="{esc(said)}" '
            f'style="left:{_across(second * report.fps, report):.2f}%;top:{top:.1f}%"></button>')


# -- radar ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ring:
    """One video in the radar. `style` is a class that colours it."""

    label: str
    style: str
    report: QualityReport


def radar_html(rings: Sequence[Ring]) -> str:
    """The dimensions that all have, measured the same way, as axes from the least that occurs to 100."""
    axes = [dimension for dimension in SHORT_NAMES if _comparable(dimension, rings)]
    if not rings or len(axes) < 3:
        return ""
    low = min(ring.report.score(axis).value or 0.0 for ring in rings for axis in axes)
    floor = min(0.9, max(0.0, math.floor(10 * (low - 0.02)) / 10))
    grid = "".join(f'<polygon class="grid" points="{_corners([share] * len(axes))}"/>' for share in (1 / 3, 2 / 3, 1.0))
    spokes = "".join(f'<line class="grid" x1="180" y1="118" x2="{x:.1f}" y2="{y:.1f}"/>'
                     for x, y in (_spot(at, len(axes), 1.0) for at in range(len(axes))))
    names = "".join(_axis_name(axis, at, len(axes), rings[0]) for at, axis in enumerate(axes))
    shapes = "".join(
        f'<polygon class="{ring.style}" points="'
        f'{_corners([1 - _down(ring.report.score(axis).value or 0.0, floor) for axis in axes])}">'
        f"<title>{esc(ring.label)}</title></polygon>" for ring in rings)
    left = [SHORT_NAMES[d] for d in SHORT_NAMES if d not in axes and any(r.report.score(d).available for r in rings)]
    apart = f" Measured in different ways, and left out: {', '.join(left)}." if left else ""
    return (f'<figure class="w-radar"><svg viewBox="0 0 360 236" role="img" aria-label="Dimensions of the attempts">'
            f'{grid}{spokes}{shapes}{names}</svg><figcaption><p class="w-legend">'
            f'{"".join(_legend(ring) for ring in rings)}</p><p class="w-quiet">Middle {100 * floor:.0f}, rim 100. '
            f"≈ is an estimate.{esc(apart)}</p></figcaption></figure>")


def _legend(ring: Ring) -> str:
    return f'<span><i class="w-dot {ring.style}"></i>{esc(ring.label)}</span>'


def _comparable(dimension: Dimension, rings: Sequence[Ring]) -> bool:
    scores = [ring.report.score(dimension) for ring in rings]
    return all(score.available for score in scores) and len({(score.kind, score.how) for score in scores}) == 1


def _spot(at: int, of: int, share: float) -> tuple[float, float]:
    angle = 2 * math.pi * at / of - math.pi / 2
    return 180 + 88 * share * math.cos(angle), 118 + 88 * share * math.sin(angle)


def _corners(shares: Sequence[float]) -> str:
    return " ".join("{:.1f},{:.1f}".format(*_spot(at, len(shares), share)) for at, share in enumerate(shares))


def _axis_name(axis: Dimension, at: int, of: int, ring: Ring) -> str:
    x, y = _spot(at, of, 1.13)
    anchor = "middle" if abs(x - 180) < 12 else "start" if x > 180 else "end"
    sign = "" if ring.report.score(axis).kind is Kind.EXACT else "≈ "
    return f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">{sign}{esc(SHORT_NAMES[axis])}</text>'


# -- the trend --------------------------------------------------------------------------------------------------

LEFT, RIGHT, TOP, BOTTOM = 34, 350, 14, 150


def trend_html(trend: Sequence[TrendPoint], totals: Sequence[Sequence[float]]) -> str:
    """The selected total of each round, `totals` of its attempts as dots. Rounds that cannot be compared are not
    joined.
    """
    known = [value for round_ in totals for value in round_]
    if not known or len(trend) < 2:
        return ""
    floor, top = _scale(known)

    def x(at: int) -> float:
        return LEFT + 16 + (RIGHT - LEFT - 32) * at / (len(trend) - 1)

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - floor) / (top - floor)

    at_of = {point.iteration.id: at for at, point in enumerate(trend)}
    lines = "".join(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}"/><text class="tick" '
                    f'x="{LEFT - 6}" y="{y(v) + 3.5:.1f}">{100 * v:g}</text>'
                    for v in (floor, (floor + top) / 2, top))
    joined = "".join(
        f'<line class="joined" x1="{x(at_of[point.iteration.parent_id]):.1f}" x2="{x(at):.1f}" '
        f'y1="{y(trend[at_of[point.iteration.parent_id]].total or 0.0):.1f}" y2="{y(point.total):.1f}"/>'
        for at, point in enumerate(trend)
        if point.gain is not None and point.total is not None and point.iteration.parent_id in at_of
        and trend[at_of[point.iteration.parent_id]].total is not None)
    dots = "".join(f'<circle class="other" cx="{x(at):.1f}" cy="{y(value):.1f}" r="2.5"/>'
                   for at, values in enumerate(totals) for value in values)
    marks = "".join(f'<circle class="chosen" cx="{x(at):.1f}" cy="{y(point.total):.1f}" r="5"><title>Round '
                    f"{point.iteration.iteration}: {100 * point.total:.1f} {gain_words(point.gain)}</title></circle>"
                    for at, point in enumerate(trend) if point.total is not None)
    step = max(1, math.ceil(len(trend) / 10))
    rounds = "".join(f'<text class="round" x="{x(at):.1f}" y="{BOTTOM + 18}">{point.iteration.iteration}</text>'
                     for at, point in enumerate(trend) if at % step == 0)
    return ('<figure class="w-trend"><svg viewBox="0 0 360 176" role="img" aria-label="Total of each round">'
            f'{lines}{joined}{dots}{marks}{rounds}</svg><figcaption class="w-quiet">Total of the version in use, round '
            "by round; small dots are the other attempts. A line joins what can be compared.</figcaption></figure>")


def _scale(values: Sequence[float]) -> tuple[float, float]:
    """Where the axis begins and ends: around the values, in steps of 2 points, at least 4 apart."""
    low, high = math.floor(50 * min(values)) / 50, min(1.0, math.ceil(50 * max(values)) / 50)
    if high - low < 0.04:
        low = max(0.0, high - 0.04)
    return low, max(high, low + 0.04)


def attempts_words(made: int, failed: int) -> str:
    """ "3 attempts, 1 failed"."""
    return plural(made, "attempt") + (f", {failed} failed" if failed else "")
