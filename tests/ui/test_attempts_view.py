"""What the Attempts tab shows: scores that never pass estimates off as exact, charts, players, diffs, what may be
pressed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ui.attempts_view import (
    ACTION_WORDS,
    RoundView,
    film_html,
    first_visit,
    heroes_html,
    history_html,
    round_html,
    suggestions_html,
)
from ui.score_charts import (
    Ring,
    bad_moments,
    curve_html,
    floor_of,
    gain_words,
    grade,
    points,
    radar_html,
    scores_html,
    total_html,
    trend_html,
)
from wgp_core.attempts.refining import key_of
from wgp_core.attempts.trends import Overview, TrendPoint, Workflow
from wgp_core.jobs.attempt_desk import AttemptAction
from wgp_core.quality.suggest import suggest
from wgp_core.quality.total import Weights, weigh
from wgp_core.quality.types import Curve, Diagnostics, Dimension, DimensionScore, Kind, QualityReport
from wgp_core.request import VideoRequest
from wgp_core.store.attempt_records import AttemptRecord, HeroFrameRecord, IterationRecord, IterationState, SceneRecord

EVIL = '<img src=x onerror="alert(1)">'
PROMPT = "a red car drives fast through rain"


def score(dimension: Dimension, value: float | None, kind: Kind = Kind.ESTIMATE, curve: tuple[float, ...] = (),
          how: str = "measured") -> DimensionScore:
    frames = tuple(range(len(curve)))
    return DimensionScore(dimension, Kind.UNAVAILABLE if value is None else kind, value, value, how, "no weights",
                          Curve(frames, curve))


def report(*scores: DimensionScore, frames: int = 24) -> QualityReport:
    scores = scores or (score(Dimension.SUBJECT, 0.9, curve=(0.9,) * 24),
                        score(Dimension.FLICKERING, 0.75, Kind.EXACT, curve=(0.75,) * 24),
                        score(Dimension.IMAGING, 0.5, curve=(0.5,) * 24), score(Dimension.ALIGNMENT, None))
    return QualityReport("a.mp4", 320, 240, 12.0, frames, PROMPT, scores, weigh(scores, Weights()), Diagnostics())


def attempt_(number: int, path: Path | None, **changes: object) -> AttemptRecord:
    made = report()
    blank = AttemptRecord("round1", number, 7 + number, id=f"attempt{number}", path=path, total=made.total.value,
                          report=made.to_dict(), rank=number)
    return replace(blank, **changes)  # type: ignore[arg-type]


def iteration(number: int = 1, **changes: object) -> IterationRecord:
    return replace(IterationRecord(f"round{number}", "scene", number, IterationState.DONE, VideoRequest(PROMPT)),
                   **changes)  # type: ignore[arg-type]


@pytest.fixture
def video(tmp_path: Path):
    def make(name: str = "a.mp4") -> Path:
        path = tmp_path / name
        path.write_bytes(b"video")
        return path

    return make


def disabled(html: str, action: str, item: str) -> bool:
    [button] = re.findall(rf'<button[^>]*data-action="{action}" data-id="{item}"[^>]*>', html)
    return button.endswith(" disabled>")


def test_words_and_signs_of_scores():
    assert [grade(value) for value in (0.85, 0.84, 0.7, 0.69)] == ["good", "fair", "fair", "weak"]
    assert points(0.988) == "98.8" and points(0.988, Kind.ESTIMATE) == "≈ 98.8" == points(0.988, "mixed")
    assert points(None) == "–" and gain_words(0.0123) == "+1.2 points" and gain_words(None) == ""


def test_exact_and_estimated_scores_are_told_apart():
    html = scores_html(report())
    rows = re.findall(r"<li class.*?</li>", html)
    assert len(rows) == 3
    assert 'class="exact fair"' in rows[1] and "75.0" in rows[1] and "≈" not in rows[1] and "fair, exact" in rows[1]
    assert 'class="estimate good"' in rows[0] and "≈ 90.0" in rows[0] and "good, estimate" in rows[0]
    assert 'class="estimate weak"' in rows[2] and "Not measured: agreement with the prompt." in html
    assert "no weights" in html
    assert "partly estimated" in total_html(report()) and "≈" in total_html(report())
    exact = total_html(report(score(Dimension.FLICKERING, 0.9, Kind.EXACT)))
    assert "good, exact" in exact and "≈" not in exact
    assert "No score" in total_html(None)
    assert "not counted" in scores_html(report(score(Dimension.DYNAMIC, 1.0)))


def test_curves_mark_the_bad_moment_and_share_their_axis():
    dips = (0.95,) * 12 + (0.4,) + (0.95,) * 11
    bad = report(score(Dimension.SUBJECT, 0.9, curve=dips), score(Dimension.DYNAMIC, 1.0, curve=(0.1,) * 24))
    assert bad_moments(bad) == ((Dimension.SUBJECT, 1.0, 0.4),)
    floor = floor_of([bad, report()])
    html = curve_html(bad, floor)
    assert floor == 0.4 and html.count("<polyline") == 1
    assert 'data-at="1.000"' in html and 'data-seconds="2.000"' in html
    assert "drops to 40 at 1.0 s" in html
    assert bad_moments(report()) == () and "w-bad" not in curve_html(report())
    assert curve_html(report(score(Dimension.IMAGING, 0.9, curve=(0.9,)), frames=1)) == ""


def test_the_radar_compares_only_what_was_measured_the_same_way():
    rings = [Ring(f"Attempt {n}", f"a{n}", report()) for n in (1, 2)]
    html = radar_html(rings)
    assert html.count('<polygon class="a') == 2 and "≈ Subject" in html and ">No flicker<" in html
    other = report(score(Dimension.SUBJECT, 0.9), score(Dimension.FLICKERING, 0.8, Kind.EXACT),
                   score(Dimension.IMAGING, 0.5, Kind.EXACT), score(Dimension.SMOOTHNESS, 0.5))
    assert radar_html([rings[0], Ring("Attempt 3", "a3", other)]) == "" == radar_html([])
    apart = [Ring("1", "a1", report(*(score(d, 0.9, how=how if d is Dimension.IMAGING else "") for d in (
        Dimension.SUBJECT, Dimension.BACKGROUND, Dimension.FLICKERING, Dimension.IMAGING)))) for how in ("a", "b")]
    assert "left out: Imaging." in radar_html(apart)


def test_a_round_offers_what_can_be_done_now(video):
    attempts = (attempt_(1, video("1.mp4"), selected=True, proposed=True), attempt_(2, video("2.mp4")),
                attempt_(3, None, error="Out of memory.", report=None, total=None, rank=None))
    view = RoundView.of(iteration(review=("Attempts 1 and 2 are tied.",)), attempts)
    html = round_html(view, in_use="attempt1")
    assert html.count("<video") == 2 and "data-scrub" in html and "Out of memory." in html
    assert "In use, by score" in html and "Keep this version" in html and not disabled(html, "use", "attempt2")
    assert 'w-notice warn' in html and "are tied." in html
    assert html.count('<option value="attempt1"') == 2 and "Difference" in html
    settled = replace(view, attempts=(replace(attempts[0], by_person=True), *attempts[1:]))
    html = round_html(settled, in_use="attempt1")
    assert "In use, your choice" in html and "w-notice info" in html and "Keep this version" not in html
    elsewhere = round_html(settled, in_use="of another round")
    assert "Your choice in this round" in elsewhere and "In use" not in elsewhere
    cut = replace(view, iteration=iteration(state=IterationState.CANCELLED, seeds=(1, 2, 3, 4, 5)))
    assert "Make the missing 2 attempts" in round_html(cut) and "Cut off" in round_html(cut)
    assert 'data-action="resume"' not in round_html(cut, busy=True)
    assert 'data-action="unflag"' in round_html(replace(view, iteration=iteration(flagged=True)))
    assert "By itself" in round_html(replace(view, iteration=iteration(automatic=True)))


def test_what_cannot_be_played_is_said(video, tmp_path: Path):
    attempts = (attempt_(1, video("1.mov")), attempt_(2, tmp_path / "gone.mp4"))
    html = round_html(RoundView.of(iteration(), attempts))
    assert "<video" not in html and "cannot play this format" in html and "no longer at" in html
    assert "data-scrub" not in html and "w-compare" not in html and disabled(html, "use", "attempt2")
    begun = RoundView.of(iteration(state=IterationState.OPEN, seeds=(1, 2)), ())
    busy = round_html(begun, busy=True)
    assert "The first attempt is being made." in busy and "In work" in busy
    assert "Make the missing 2 attempts" in round_html(begun)


def test_hero_frames_show_lineage_and_the_choice(video):
    first = HeroFrameRecord("scene", video("1.png"), PROMPT, 7, "explainer", id="hero1", number=1,
                            report=report().to_dict(), total=0.7)
    again = replace(first, id="hero2", number=2, parent_id="hero1", changes={"settings": {"seed": [7, 8]}},
                    enhanced_prompt="a red car, cinematic")
    html = heroes_html((first, again), "hero1")
    assert "Frame 1 begins the video." in html and "drawn again from frame 1; seed: 7 -&gt; 8" in html
    assert "a red car, cinematic" in html and html.count('data-action="take-hero"') == 1 and "no-hero" in html
    assert "Take the one" in heroes_html((first,), None) and "no-hero" not in heroes_html((first,), None)
    assert heroes_html((), None) == ""


def test_rounds_tell_what_changed_and_the_trend(video):
    first = RoundView.of(iteration(), (attempt_(1, video()),), TrendPoint(iteration(), None, 0.7, 0.7, None))
    second = iteration(2, parent_id="round1", parent_attempt_id="attempt1", notes="too dark", changes={
        "prompt": {"before": "a car", "after": "a bus", "diff": [
            {"action": "keep", "text": "a"}, {"action": "remove", "text": " car"}, {"action": "add", "text": " bus"}]},
        "settings": {"camera": ["static", "pan"]}})
    newer = RoundView.of(second, (attempt_(1, video(), id="attempt9", selected=True, by_person=True),),
                         TrendPoint(second, None, 0.73, 0.73, 0.03))
    html = history_html((first, newer), "round2", Workflow(2, 2, 0, 2, 1, 1, 0.03, 0, 4, 3))
    assert html.index("Round 2") < html.index("Round 1")
    assert "a<del> car</del><ins> bus</ins>" in html and "camera: static -&gt; pan" in html and "too dark" in html
    assert "from attempt 1 of round 1" in html and "+3.0 points" in html and "3 of 4" in html and "your choice" in html
    assert html.count('data-action="show"') == 1 and "<svg" in html and 'class="joined"' in html
    assert trend_html([first.point], [[0.7]]) == "" and history_html((), "") == ""  # type: ignore[list-item]


def test_every_kind_of_work_has_words():
    assert set(ACTION_WORDS) == set(AttemptAction)


def test_suggestions_are_diffs_to_accept_or_reject(video):
    found = suggest(report(), PROMPT)
    assert found
    one = attempt_(1, video())
    html = suggestions_html(found, {}, one, "attempt 1 of round 1")
    assert "<ins>" in html and 'data-action="accept"' in html and 'data-attempt="attempt1"' in html
    decided = suggestions_html(found[:1], {key_of(found[0]): True}, one, "attempt 1")
    assert "Accepted" in decided and 'data-action="accept"' not in decided
    assert "Rejected" in suggestions_html(found[:1], {key_of(found[0]): False}, one, "attempt 1")
    assert "suggest nothing" in suggestions_html([], {}, one, "attempt 1")
    asked = suggestions_html([replace(found[0], source="small-chat")], {}, one, "attempt 1", busy=True)
    assert "small-chat" in asked and "small-chat" not in html
    assert 'data-action="ask-model"' in html and "disabled" not in html and "disabled" in asked


def test_the_film_says_what_to_do_again():
    scenes = (SceneRecord("s1", "work", 1, PROMPT, selected_attempt_id="a"), SceneRecord("s2", "work", 2, "a bus"))
    html = film_html(scenes, Overview({"s1": 0.8, "s2": None}, 0.8, ("s2",)), "s1")
    assert "Overall 80.0, 1 scene to look at again." in html and disabled(html, "finalize", "work")
    assert "Look again" in html and html.count('data-action="scene"') == 1
    scenes = (scenes[0], replace(scenes[1], selected_attempt_id="b"))
    assert not disabled(film_html(scenes, Overview({"s1": 0.8, "s2": 0.7}, 0.75), "s1"), "finalize", "work")


def test_nothing_that_comes_from_outside_is_markup(video):
    evil = attempt_(1, None, error=EVIL, report=None, warnings=(EVIL,))
    told = replace(report(), recommendations=(EVIL,), scores=(score(Dimension.IMAGING, 0.5, how=EVIL),))
    hero = HeroFrameRecord("scene", video("h.png"), EVIL, 7, EVIL, id=EVIL, number=1, model=EVIL,
                           enhanced_prompt="x" + EVIL)
    changes = {"prompt": {"diff": [{"action": "add", "text": EVIL}]}, "settings": {EVIL: [EVIL, EVIL]}}
    pages = (round_html(RoundView.of(iteration(review=(EVIL,)), (evil, attempt_(2, video(), report=told.to_dict())))),
             heroes_html((hero,), None),
             history_html((RoundView.of(iteration(changes=changes, notes=EVIL), (evil,)),), "x"),
             suggestions_html(suggest(report(), EVIL), {}, attempt_(1, video(), id=EVIL), EVIL),
             film_html((SceneRecord(EVIL, EVIL, 1, EVIL),), Overview({EVIL: None}, None), ""))
    for html in pages:
        assert "&lt;img" in html and "<img src=x" not in html
    assert "No attempts yet" in first_visit()
