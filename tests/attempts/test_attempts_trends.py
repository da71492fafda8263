"""What changed, what it gained, what to do again."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgp_core.attempts import compare, overview, trend, workflow
from wgp_core.attempts.changes import describe
from wgp_core.attempts.trends import gained
from wgp_core.paths import Paths
from wgp_core.quality.total import Weights, weigh
from wgp_core.quality.types import Diagnostics, Dimension, DimensionScore, Kind, QualityReport, unavailable
from wgp_core.request import CameraMovement, OutputOptions, VideoRequest
from wgp_core.store import Store
from wgp_core.store.attempt_records import AttemptRecord, IterationRecord, Verdict


@pytest.fixture
def store(paths: Paths):
    with Store.open(paths.database) as opened:
        yield opened


def report(smoothness: float, imaging: float | None = None, kind: Kind = Kind.ESTIMATE) -> QualityReport:
    scores = (DimensionScore(Dimension.SMOOTHNESS, Kind.ESTIMATE, smoothness, smoothness, "flow"),
              unavailable(Dimension.IMAGING, "none") if imaging is None else
              DimensionScore(Dimension.IMAGING, kind, imaging, imaging, kind.value))
    return QualityReport("x", 64, 64, 8, 16, "x", scores, weigh(scores, Weights()), Diagnostics())


def attempt(store: Store, iteration: IterationRecord, number: int, found: QualityReport | None,
            parent: AttemptRecord | None = None) -> AttemptRecord:
    return store.attempts.add_attempt(AttemptRecord(
        iteration.id, number, number, path=Path(f"/tmp/{number}.mp4") if found else None,
        error="" if found else "broken", parent_attempt_id=parent and parent.id,
        total=found.total.value if found else None, report=found.to_dict() if found else None))


def test_changes_name_words_and_settings() -> None:
    before = VideoRequest("a fast red fox runs", seed=3, output=OutputOptions(path=Path("a.mp4")))
    after = VideoRequest("a red fox runs slowly", seed=3, camera=CameraMovement.PAN, steps=8,
                         output=OutputOptions(path=Path("b.mp4"), crf=20))
    changes = compare(before, after)
    assert changes["settings"] == {"camera": ["static", "pan"], "output.crf": [None, 20], "steps": [None, 8]}
    words = {part["action"]: part["text"].strip() for part in changes["prompt"]["diff"] if part["action"] != "keep"}
    assert words == {"remove": "fast", "add": "slowly"}
    assert describe(changes) == ("prompt: [-fast] [+slowly]", "camera: static -> pan", "output.crf: None -> 20",
                                 "steps: None -> 8")
    assert compare(before, before) == {}


def test_a_trend_compares_only_what_both_have(store: Store) -> None:
    scene = store.attempts.new_scene("x")
    one = store.attempts.begin(scene.id, VideoRequest("x"))
    first = attempt(store, one, 1, report(0.5))
    worse = attempt(store, one, 2, report(0.3))
    store.attempts.finish(one.id, Verdict({}, {first.id: 1, worse.id: 2}, first.id))
    two = store.attempts.begin(scene.id, VideoRequest("y"), parent_attempt_id=first.id)
    second = attempt(store, two, 1, report(0.75, 0.1), first)
    broken = attempt(store, two, 2, None, first)
    store.attempts.finish(two.id, Verdict({}, {second.id: 1}, second.id))

    points = trend(scene.id, store)
    assert [p.total for p in points] == [first.total, second.total]
    assert points[0].gain is None and points[1].gain == pytest.approx(0.25), "imaging is not in both"
    assert points[0].mean_total == pytest.approx(0.4)
    assert points[1].dimensions == {"motion_smoothness": 0.75, "imaging_quality": 0.1}
    assert broken.error and gained(first, broken) is None and gained(None, second) is None

    store.attempts.select(worse.id)
    figures = workflow(scene.id, store)
    assert (figures.rounds, figures.attempts, figures.failed) == (2, 4, 1)
    assert (figures.decided, figures.accepted, figures.refinements) == (2, 1, 1)
    assert figures.mean_gain == pytest.approx(0.25), "against the attempt that it went on from"


def test_exact_values_and_estimates_are_not_compared(store: Store) -> None:
    one = store.attempts.begin(store.attempts.new_scene("x").id, VideoRequest("x"))
    a, b = attempt(store, one, 1, report(0.5, 0.9, Kind.ESTIMATE)), attempt(store, one, 2, report(0.5, 0.2, Kind.EXACT))
    assert gained(a, b) == pytest.approx(0.0)


def test_an_overview_says_what_to_do_again(store: Store) -> None:
    good = store.attempts.new_scene("good")
    weak = store.attempts.new_scene("weak", work_id=good.work_id)
    open_ = store.attempts.new_scene("open", work_id=good.work_id)
    chosen = {}
    for scene, value, review in ((good, 0.9, ()), (weak, 0.3, ("low",))):
        round_ = store.attempts.begin(scene.id, VideoRequest("x"))
        chosen[scene.id] = attempt(store, round_, 1, report(value))
        store.attempts.finish(round_.id, Verdict({}, {}, chosen[scene.id].id, review))
    found = overview(good.work_id, store)
    assert found.overall == pytest.approx(0.6) and found.totals[open_.id] is None
    assert found.redo == (open_.id, weak.id)
    store.attempts.select(chosen[weak.id].id)
    assert overview(good.work_id, store).redo == (open_.id,), "a person has decided"
