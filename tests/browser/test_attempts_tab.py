"""Attempts by clicking: stills, one chosen, three attempts with scores, another version taken, a suggestion accepted,
a second round, the trend, the finished film; a reload in the middle loses nothing."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Locator, Page, expect
from test_window import open_section, open_tab, pick
from tones import write_tone

from wgp_core.paths import build_paths
from wgp_core.quality.total import Weights, weigh
from wgp_core.quality.types import Curve, Diagnostics, Dimension, DimensionScore, Kind, QualityReport
from wgp_core.request import VideoRequest
from wgp_core.store import Store
from wgp_core.store.attempt_records import AttemptRecord, Verdict

PROMPT = "k-means with 4 clusters"
WEAK = "a pendulum swings"
WORK_MS = 600_000
BRIGHTEST = """() => {
  const canvas = document.querySelector('.w-compare canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((most, value, at) => (at % 4 === 3 ? most : Math.max(most, value)), 0);
}"""
PICTURES = Path(os.environ["ATTEMPTS_PICTURES"]) if os.environ.get("ATTEMPTS_PICTURES") else None
"""Where screenshots of the steps are put, if anywhere."""


@pytest.fixture(autouse=True)
def patience():
    """Workers are started and videos are made meanwhile."""
    expect.set_options(timeout=90_000)
    yield
    expect.set_options(timeout=5_000)


def open_attempts(page: Page) -> None:
    page.set_default_timeout(90_000)
    open_tab(page, "Attempts")
    expect(page.locator("#attempts-prompt")).to_be_visible()


def shoot(page: Page, name: str) -> None:
    if PICTURES is not None:
        page.wait_for_timeout(1500)
        page.screenshot(path=PICTURES / f"attempts-{name}.png", full_page=True)


def press(where: Locator, action: str) -> None:
    where.locator(f'[data-action="{action}"]').first.click()


def idle(page: Page) -> None:
    expect(page.locator("#attempts-work .w-badge.running, #attempts-work .w-badge.queued")).to_have_count(
        0, timeout=WORK_MS)


def version(page: Page, number: int) -> Locator:
    return page.locator(f'#attempts-round .w-version[data-attempt="{number}"]')


def times(page: Page) -> list[float]:
    return page.evaluate("[...document.querySelectorAll('.w-version video')].map(one => one.currentTime)")


def test_from_a_prompt_to_a_finished_film(open_page, program):
    page = open_page()
    open_attempts(page)
    expect(page.locator("#attempts-heroes")).to_contain_text("No attempts yet")
    page.fill("#attempts-prompt textarea", PROMPT)
    open_section(page, "Length, size, camera, seed, what draws")
    page.fill("#attempts-seconds input", "1")
    page.keyboard.press("Tab")
    page.fill("#attempts-size input", "320x240")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.click("#attempts-make")

    # Hero frames; the page is loaded anew while they are drawn.
    expect(page.locator("#attempts-work .w-badge.running")).to_be_visible()
    page.reload()
    page.wait_for_function("window.wgpFormReady === true")
    open_attempts(page)
    heroes = page.locator("#attempts-heroes .w-hero")
    expect(heroes).to_have_count(4, timeout=WORK_MS)
    idle(page)
    press(heroes.nth(1), "take-hero")
    expect(heroes.nth(1)).to_have_class(re.compile("chosen"))
    expect(page.locator("#attempts-heroes")).to_contain_text("Frame 2 begins the video.")
    shoot(page, "heroes")

    # Three attempts with scores.
    expect(page.locator("#again-prompt textarea")).to_have_value(PROMPT)
    page.click("#again-go")
    expect(page.locator("#attempts-round .w-version")).to_have_count(3, timeout=WORK_MS)
    idle(page)
    expect(version(page, 1).locator(".w-scores li")).to_have_count(6)
    expect(version(page, 1).locator(".w-scores li.exact")).to_contain_text("Free of flicker")
    expect(version(page, 1).locator(".w-scores li.estimate").first).to_contain_text("≈")
    expect(page.locator("#attempts-round .w-radar polygon.a3")).to_be_attached()

    # The players are in step.
    page.wait_for_function("[...document.querySelectorAll('.w-version video')].every(one => one.readyState > 1)")
    page.locator("[data-scrub]").evaluate("one => { one.value = 0.5; one.dispatchEvent(new Event('input', "
                                          "{ bubbles: true })); }")
    page.wait_for_timeout(500)
    assert times(page) == pytest.approx([0.5] * 3, abs=0.05)
    page.keyboard.press("Home")
    page.locator("[data-play]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert all(0 < at < 0.7 for at in times(page))
    page.click("[data-play]")
    expect(page.locator("[data-play]")).to_have_text("Play")
    assert max(times(page)) - min(times(page)) < 0.1
    curve = version(page, 2).locator(".w-curve")
    box = curve.bounding_box()
    assert box is not None
    curve.click(position={"x": box["width"] * 0.75, "y": 20})
    page.wait_for_timeout(400)
    assert times(page) == pytest.approx([0.75] * 3, abs=0.06)
    page.locator("[name=w-mode][value=difference]").check()
    expect(page.locator("[data-told]")).to_contain_text("Black where both are the same")
    page.wait_for_timeout(400)
    assert page.evaluate("document.querySelector('.w-compare canvas').width") == 320
    assert page.evaluate(BRIGHTEST) > 40
    page.locator("[name=w-mode][value=wipe]").check()
    shoot(page, "round")

    # A person decides.
    press(version(page, 3), "use")
    expect(version(page, 3)).to_contain_text("In use, your choice")
    expect(page.locator("#attempts-again")).to_contain_text("from attempt 3 of round 1")
    page.locator('#attempts-round [data-action="flag"]').click()
    expect(page.locator("#attempts-round .w-badge.interrupted")).to_have_text("Flagged")
    page.fill("#attempts-note textarea", "The clusters are clear.")
    page.click("#attempts-keep-note")
    expect(page.locator("#attempts-history")).to_contain_text("The clusters are clear.")

    # A suggestion is accepted, and another round shows what it does.
    suggestion = page.locator("#attempts-suggestions .w-suggestion").first
    added = suggestion.locator("ins").first.inner_text()
    shoot(page, "suggestion")
    press(suggestion, "accept")
    expect(suggestion).to_contain_text("Accepted")
    expect(page.locator("#again-prompt textarea")).to_have_value(f"{PROMPT}{added}")
    page.fill("#again-count input[type=number]", "2")
    page.keyboard.press("Tab")
    page.click("#again-go")
    expect(page.locator("#attempts-history .w-row")).to_have_count(2, timeout=WORK_MS)
    idle(page)
    expect(page.locator("#attempts-history .w-row").first.locator(".w-diff ins").first).to_have_text(added)
    expect(page.locator("#attempts-history")).to_contain_text("1 of 1")
    expect(page.locator("#attempts-history .w-row").first.locator(".w-gain")).to_contain_text("points")
    expect(page.locator("#attempts-history .w-trend svg")).to_be_visible()
    expect(page.locator("#attempts-round .w-version")).to_have_count(2)
    page.locator('#attempts-history .w-row[data-round="1"] [data-action="show"]').click()
    expect(page.locator("#attempts-round .w-version")).to_have_count(3)
    shoot(page, "rounds")

    # The film.
    press(page.locator("#attempts-film"), "finalize")
    expect(page.locator("#attempts-film video")).to_be_visible(timeout=WORK_MS)
    shoot(page, "film")
    manifests = [json.loads(file.read_text()) for file in (program.home / "outputs").glob("*.json")]
    assert manifests
    page.reload()
    page.wait_for_function("window.wgpFormReady === true")
    open_attempts(page)
    expect(page.locator("#attempts-film video")).to_be_visible()


def weak_round(home: Path) -> None:
    """A scene with an attempt that scored badly, as a script may leave it."""
    scores = (DimensionScore(Dimension.SUBJECT, Kind.ESTIMATE, 0.52, 0.52, "Estimate: colours.",
                             curve=Curve(tuple(range(30)), (0.8,) * 14 + (0.2,) * 3 + (0.8,) * 13)),
              DimensionScore(Dimension.FLICKERING, Kind.EXACT, 0.9, 0.9, "VBench's formula."),
              DimensionScore(Dimension.IMAGING, Kind.ESTIMATE, 0.61, 0.61, "Estimate: sharpness and noise."))
    report = QualityReport("a.mp4", 320, 240, 30.0, 30, WEAK, scores, weigh(scores, Weights()), Diagnostics())
    request = VideoRequest(WEAK, seconds=1, width=320, height=240)
    with Store.open(build_paths(home=home).database) as store:
        book = store.attempts
        scene = book.new_scene(WEAK, request=request)
        opened = book.begin(scene.id, request, seeds=(7,))
        video = next((home / "outputs").glob("*.mp4"))
        made = book.add_attempt(AttemptRecord(opened.id, 1, 7, path=video, total=report.total.value,
                                              report=report.to_dict()))
        book.finish(opened.id, Verdict({}, {made.id: 1}, made.id, ("The total is 65.",)))


def test_a_suggestion_is_accepted_and_tried(open_page, program):
    weak_round(program.home)
    page = open_page()
    open_attempts(page)
    pick(page, "#attempts-scene", WEAK)
    bad = version(page, 1).locator(".w-bad")
    expect(bad).to_have_attribute("title", "Subject consistency drops to 20 at 0.5 s")
    expect(version(page, 1).locator(".w-scores li.weak")).to_have_count(2)
    cards = page.locator("#attempts-suggestions .w-suggestion")
    expect(cards).to_have_count(2)
    expect(cards.first.locator("ins").first).to_be_visible()
    shoot(page, "suggestions")

    # The small language model that comes with the program is asked too.
    press(page.locator("#attempts-suggestions"), "ask-model")
    expect(page.locator("#attempts-work")).to_contain_text("language model", timeout=WORK_MS)
    asked = page.locator("#attempts-suggestions .w-suggestion", has_text="smollm2")
    expect(asked).to_have_count(2, timeout=WORK_MS)
    expect(asked.first.locator("ins").first).to_be_visible()
    shoot(page, "asked")
    press(cards.nth(1), "reject")
    expect(cards.nth(1)).to_contain_text("Rejected")
    press(cards.first, "accept")
    expect(cards.first).to_contain_text("Accepted")
    expect(page.locator("#again-prompt textarea")).to_have_value(re.compile(f"{WEAK}, "))
    expect(page.locator("#attempts-history")).to_contain_text("1 of 2")
    page.fill("#again-count input[type=number]", "1")
    page.keyboard.press("Tab")
    page.click("#again-go")
    newest = page.locator("#attempts-history .w-row").first
    expect(newest).to_contain_text("Round 2", timeout=WORK_MS)
    idle(page)
    expect(newest.locator("ins").first).to_be_visible()
    expect(page.locator("#attempts-history .w-trend circle.chosen")).to_have_count(2)
    shoot(page, "trend")


def test_a_round_that_was_cancelled_is_taken_up_and_refined_by_itself(open_page, tmp_path):
    page = open_page()
    open_attempts(page)
    page.fill("#attempts-prompt textarea", "a second scene: binary search")
    open_section(page, "Length, size, camera, seed, what draws")
    page.fill("#attempts-seconds input", "1")
    page.keyboard.press("Tab")
    page.fill("#attempts-size input", "320x240")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.locator("#attempts-following input").check()
    page.fill("#attempts-heroes-n input[type=number]", "0")
    page.keyboard.press("Tab")
    page.click("#attempts-make")
    expect(page.locator("#again-prompt textarea")).to_have_value("a second scene: binary search")
    versions = page.locator("#attempts-round .w-version")
    mine = page.locator("#attempts-round .w-version video[src*=binary-search]")
    expect(mine.first).to_be_visible(timeout=WORK_MS)  # those of the scene before are shown at first
    press(page.locator("#attempts-work"), "cancel")
    resume = page.locator('#attempts-round [data-action="resume"]')
    expect(resume).to_be_visible(timeout=WORK_MS)
    expect(page.locator("#attempts-round")).to_contain_text("Cut off")
    expect(page.locator("#attempts-film .w-row")).to_have_count(2)
    expect(page.locator('#attempts-film [data-action="finalize"]')).to_be_disabled()
    resume.click()
    expect(versions).to_have_count(3, timeout=WORK_MS)
    idle(page)
    expect(page.locator('#attempts-film [data-action="finalize"]')).to_be_enabled()
    page.fill("#again-count input[type=number]", "1")
    page.keyboard.press("Tab")
    page.click("#again-refine")
    expect(page.locator("#attempts-history .w-row")).to_have_count(2, timeout=WORK_MS)
    idle(page)
    expect(page.locator("#attempts-work .w-notice")).to_contain_text(["1 round tried"])
    expect(page.locator("#attempts-history .w-row").first).to_contain_text("By itself")
    open_section(page, "Cross-fade, name and sound of the film")
    pick(page, "#attempts-crossfade", "Cut")
    page.fill("#attempts-film-name input, #attempts-film-name textarea", "both scenes")
    with page.expect_file_chooser() as chooser:
        page.click("#attempts-sound")
    chooser.value.set_files(write_tone(tmp_path / "hum.wav"))
    expect(page.locator("#attempts-sound-told")).to_contain_text("hum.wav")
    shoot(page, "film")
    press(page.locator("#attempts-film"), "finalize")
    expect(page.locator('#attempts-film a[download="both scenes.mp4"]')).to_be_visible(timeout=WORK_MS)


def test_what_cannot_be_done_is_said_and_a_narrow_window_holds_everything(open_page):
    page = open_page(390, 820)
    open_attempts(page)
    expect(page.locator("#attempts-round .w-version").first).to_be_visible()
    page.fill("#attempts-prompt textarea", "")
    page.click("#attempts-make")
    expect(page.locator("#attempts-message [role=alert]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, "narrow")
