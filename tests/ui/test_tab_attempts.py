"""What the forms of the Attempts tab become, and what its page reads from the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ui import attempts_ask, attempts_page, tab_attempts
from wgp_core.attempts.refining import key_of
from wgp_core.context import Studio
from wgp_core.errors import RequestError
from wgp_core.quality.total import Weights, weigh
from wgp_core.quality.types import Diagnostics, Dimension, DimensionScore, Kind, QualityReport
from wgp_core.request import CameraMovement, EngineChoice, OutputOptions, VideoRequest
from wgp_core.store.attempt_records import AttemptRecord, IterationRecord, SceneRecord, Verdict

PROMPT = "a red car drives fast through rain"


def weak_report() -> dict[str, Any]:
    scores = (DimensionScore(Dimension.IMAGING, Kind.ESTIMATE, 0.4, 0.4, "estimate"),
              DimensionScore(Dimension.SUBJECT, Kind.ESTIMATE, 0.5, 0.5, "estimate"))
    return QualityReport("a.mp4", 320, 240, 12.0, 24, PROMPT, scores, weigh(scores, Weights()),
                         Diagnostics()).to_dict()


@pytest.fixture
def scene(studio: Studio) -> SceneRecord:
    return studio.attempts.new_scene(VideoRequest(PROMPT, seconds=2, width=320, height=240))


@pytest.fixture
def round_(studio: Studio, scene: SceneRecord) -> IterationRecord:
    """A finished round of two attempts; the first is taken by score."""
    book = studio.store.attempts
    opened = book.begin(scene.id, studio.attempts.request_of(scene.id), seeds=(1, 2))
    video = Path(studio.paths.outputs) / "a.mp4"
    video.write_bytes(b"video")
    made = [book.add_attempt(AttemptRecord(opened.id, number, number, path=video, total=0.45, report=weak_report()))
            for number in (1, 2)]
    return book.finish(opened.id, Verdict({}, {made[0].id: 1, made[1].id: 1}, made[0].id))


def asked(studio: Studio, base: dict[str, Any] | None = None, **changes: Any) -> VideoRequest:
    values = {"prompt": f" {PROMPT} ", "negative": " rain ", "camera": "pan", "seconds": 2.0, "size": "640 × 360",
              "seed": 7.0, "model": ""} | changes
    return attempts_ask.asked(studio, base, **values)


def test_the_form_becomes_a_request(studio: Studio):
    request = asked(studio)
    assert (request.prompt, request.negative_prompt, request.camera) == (PROMPT, "rain", CameraMovement.PAN)
    assert (request.width, request.height, request.seconds, request.seed) == (640, 360, 2.0, 7)
    fresh = asked(studio, size="", seconds=None, seed=None, model=attempts_ask.LOCAL)
    assert (fresh.width, fresh.seconds, fresh.seed, fresh.engine) == (None, None, -1, EngineChoice.LOCAL)
    for size in ("wide", "640x", "x"):
        with pytest.raises(RequestError, match="cannot be read"):
            asked(studio, size=size)


def test_a_video_that_is_sent_here_keeps_its_other_settings(studio: Studio):
    sent = VideoRequest(PROMPT, width=640, height=360, frames=25, fps=12, steps=9, captions=False,
                        output=OutputOptions(path=Path("old.mp4"), crf=12))
    base, prompt, negative, camera, seconds, size, seed, model, told = attempts_ask.fill_ask(studio, sent)
    assert (prompt, size, seconds) == (PROMPT, "640x360", 2.083) and "With the settings of" in told
    request = asked(studio, base, prompt=prompt, negative=negative, camera=camera, seconds=seconds, size=size,
                    seed=seed, model=model)
    assert (request.frames, request.steps, request.captions, request.output.crf) == (25, 9, False, 12)
    assert request.output.path is None
    longer = asked(studio, base, prompt=prompt, seconds=4.0)
    assert (longer.frames, longer.seconds) == (None, 4.0)
    assert attempts_ask.fill_ask(studio, None)[0] is None


def test_the_page_shows_the_newest_round_and_goes_on_from_the_version_in_use(studio: Studio, scene: SceneRecord,
                                                                             round_: IterationRecord):
    page = attempts_page.read_page(studio, scene.id)
    assert page is not None and page.shown is not None and page.shown.iteration.id == round_.id
    first, second = page.shown.attempts
    assert page.scene.selected_attempt_id == first.id and not page.busy
    updates = tab_attempts._all_at(studio, scene.id, "")
    assert "from attempt 1 of round 1" in updates[6] and first.id in updates and PROMPT in updates
    studio.attempts.select(second.id)
    updates = tab_attempts._all_at(studio, scene.id, round_.id)
    assert "In use, your choice" in updates[2] and "from attempt 2 of round 1" in updates[6]
    assert attempts_page.scene_in_work(studio) == scene.id
    assert [value for _, value in attempts_page.scene_choices(studio)] == [scene.id]


def test_accepted_suggestions_add_up_and_rejected_ones_change_nothing(studio: Studio, scene: SceneRecord,
                                                                      round_: IterationRecord):
    attempt = studio.store.attempts.attempts(round_.id)[0]
    one, two = studio.attempts.suggestions(attempt.id)
    words = (PROMPT, "")
    assert attempts_page.decide(studio, attempt.id, key_of(two), False, words) == words
    once = attempts_page.decide(studio, attempt.id, key_of(one), True, words)
    assert once == (one.prompt, one.negative_prompt)
    both = attempts_page.decide(studio, attempt.id, key_of(two), True, once)
    assert "sharp focus" in both[0] and "same shape" in both[0] and "blurry" in both[1] and "morphing" in both[1]
    page = attempts_page.read_page(studio, scene.id)
    parts = attempts_page.parts_of(studio, page, attempt.id)
    assert parts.suggestions.count("Accepted") == 2 and "2 of 2" in parts.history


def test_an_empty_workshop_teaches(studio: Studio):
    assert attempts_page.read_page(studio, "") is None and attempts_page.scene_in_work(studio) == ""
    assert "No attempts yet" in attempts_page.parts_of(studio, None).heroes
    assert attempts_page.scene_choices(studio) == attempts_page.NO_SCENE
    assert len(tab_attempts._all_at(studio, "", "")) == 6 + 9

