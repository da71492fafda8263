"""Known clips come out in the order in which anybody would put them, and a bad moment is found."""

from __future__ import annotations

import clips
import numpy as np
import pytest

from wgp_core.quality.frames import Frame
from wgp_core.quality.metric import Setup
from wgp_core.quality.pictures import blockiness, noise, sharpness
from wgp_core.quality.score import score_frames
from wgp_core.quality.smoothness import midpoint_error
from wgp_core.quality.types import Dimension, Kind, QualityError, QualityReport


@pytest.fixture(scope="module")
def reports() -> dict[str, QualityReport]:
    return {name: score_frames(make(), clips.FPS) for name, make in clips.KNOWN.items()}


def raw(reports: dict[str, QualityReport], dimension: Dimension) -> dict[str, float]:
    return {name: report.score(dimension).raw or 0.0 for name, report in reports.items()}


def test_motion_smoothness(reports: dict[str, QualityReport]) -> None:
    value = raw(reports, Dimension.SMOOTHNESS)
    assert value["frozen"] == 1.0
    assert value["pan"] > 0.995
    for worse in ("jitter", "stutter", "noise", "flicker"):
        assert value[worse] < value["pan"] - 0.02, worse
    assert value["fade"] > 0.99


def test_temporal_flickering(reports: dict[str, QualityReport]) -> None:
    value = raw(reports, Dimension.FLICKERING)
    assert value["frozen"] == 1.0
    assert value["frozen"] > value["fade"] > value["pan"] > value["jitter"] > value["noise"]
    assert value["flicker"] < value["pan"]


@pytest.mark.parametrize("dimension", [Dimension.SUBJECT, Dimension.BACKGROUND])
def test_consistency(reports: dict[str, QualityReport], dimension: Dimension) -> None:
    value = raw(reports, dimension)
    assert value["frozen"] == pytest.approx(1.0, abs=1e-6)
    assert value["frozen"] > value["pan"] > value["cut"]
    assert value["pan"] > value["fade"] and value["pan"] > value["flicker"]


def test_imaging(reports: dict[str, QualityReport]) -> None:
    value = raw(reports, Dimension.IMAGING)
    assert value["pan"] > value["jitter"] > value["fade"]
    assert value["pan"] > 2 * value["noise"] and value["pan"] > 2 * value["blur"]


def test_the_dynamic_degree_stands_beside_the_total(reports: dict[str, QualityReport]) -> None:
    value = raw(reports, Dimension.DYNAMIC)
    assert value["pan"] == value["jitter"] == 1.0
    assert value["frozen"] == value["flicker"] == value["fade"] == 0.0
    assert Dimension.DYNAMIC not in {share.dimension for share in reports["pan"].total.shares}


def test_totals(reports: dict[str, QualityReport]) -> None:
    total = {name: report.total.value or 0.0 for name, report in reports.items()}
    assert all(total["pan"] > total[name] + 0.03 for name in total if name not in ("pan", "frozen"))
    assert reports["pan"].total.basis == "mixed"
    assert reports["frozen"].review and not reports["pan"].review
    assert "noisy" in " ".join(reports["noise"].recommendations)
    assert "pulses" in " ".join(reports["flicker"].recommendations)
    assert "1.0 s" in " ".join(reports["cut"].recommendations)
    assert "repeat" in " ".join(reports["stutter"].recommendations)
    assert not reports["pan"].recommendations


def test_what_has_no_honest_estimate_is_unavailable_and_says_why(reports: dict[str, QualityReport]) -> None:
    for dimension in (Dimension.AESTHETIC, Dimension.ALIGNMENT):
        score = reports["pan"].score(dimension)
        assert score.kind is Kind.UNAVAILABLE and score.value is None and score.reason


def test_a_bad_moment_shows_in_the_curves() -> None:
    frames = clips.pan(frames=33)
    frames[20] = 255 - frames[20]
    report = score_frames(frames, clips.FPS)
    for dimension in (Dimension.SUBJECT, Dimension.FLICKERING):
        worst = report.score(dimension).curve.worst()
        assert worst is not None and worst[0] in (20, 21)
    assert any("1.2 s" in sentence or "1.3 s" in sentence for sentence in report.recommendations)


@pytest.mark.parametrize("count", [1, 2])
def test_very_short_clips_are_judged_by_what_can_be_judged(count: int) -> None:
    report = score_frames(clips.pan(frames=count), clips.FPS)
    assert report.score(Dimension.IMAGING).available
    assert report.score(Dimension.SUBJECT).available == (count == 2)
    assert not report.score(Dimension.SMOOTHNESS).available
    assert "frame" in report.score(Dimension.SMOOTHNESS).reason
    assert report.total.value is not None


def test_no_frames_is_an_error() -> None:
    with pytest.raises(QualityError, match="no frames"):
        score_frames([], 16, name="empty.mp4")


@pytest.mark.parametrize("fill", [0, 128, 255])
def test_even_pictures_break_nothing(fill: int) -> None:
    report = score_frames(np.full((5, 48, 64, 3), fill, np.uint8), 8)
    assert report.total.value is not None and np.isfinite(report.total.value)
    assert (report.score(Dimension.IMAGING).value or 0) < 0.5
    assert report.review


def test_a_size_below_every_window_breaks_nothing() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (6, 20, 14, 3)).astype(np.uint8)
    assert score_frames(frames, 8).total.value is not None


def test_noise_is_measured_and_texture_is_not_taken_for_it() -> None:
    picture = np.full((128, 128), 120, np.float32)
    random = np.random.default_rng(0)
    for strength in (5.0, 12.0):
        seen = noise(np.clip(picture + random.normal(0, strength, picture.shape), 0, 255).astype(np.uint8))
        assert seen == pytest.approx(strength, rel=0.2)
    assert noise(clips.pan(frames=1)[0][..., 1]) < 2


def test_blur_and_blocks_are_seen() -> None:
    picture = clips.pan(frames=1)[0][..., 1].copy()
    assert sharpness(picture) > 1.5 * sharpness(clips.blurred()[0][..., 1])
    blocks = picture.reshape(18, 8, 32, 8).mean(axis=(1, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    assert blockiness(picture) < 0.15 and blockiness((blocks * 0.8 + picture * 0.2).astype(np.uint8)) > 0.5


def test_the_frame_between_is_made_along_the_motion() -> None:
    frames = [Frame(i, frame) for i, frame in enumerate(clips.pan(5.0, 3))]
    plain = np.abs((frames[0].rgb.astype(float) + frames[2].rgb) / 2 - frames[1].rgb).mean()
    assert midpoint_error(*frames) < plain / 10


def test_a_scorer_of_agreement_can_be_brought_along() -> None:
    from wgp_core.quality.frames import ClipFacts
    from wgp_core.quality.metric import Metric
    from wgp_core.quality.score import ScoreOptions
    from wgp_core.quality.types import DimensionScore

    class Brightness:
        dimension = Dimension.ALIGNMENT

        def __init__(self) -> None:
            self.values: list[float] = []

        def see(self, frame: Frame) -> None:
            self.values.append(float(frame.luma.mean() / 255))

        def finish(self, clip: ClipFacts) -> DimensionScore:
            return DimensionScore(self.dimension, Kind.EXACT, float(np.mean(self.values)), how="how light it is",
                                  missing=("a lamp",))

    class Scorer:
        def fits(self, prompt: str, width: int, height: int) -> bool:
            return "light" in prompt

        def metric(self, prompt: str) -> Metric:
            return Brightness()

    options = ScoreOptions(scorers=(Scorer(),))
    report = score_frames(clips.pan(frames=4), 16, "a light room", options=options)
    assert report.score(Dimension.ALIGNMENT).how == "how light it is"
    assert any("a lamp" in said for said in report.recommendations)
    assert not score_frames(clips.pan(frames=4), 16, "a dark room", options=options).score(
        Dimension.ALIGNMENT).available
    assert Setup(8, 8, 8).scorers == ()
