"""The enhancer by clicking: ask, look, take, edit, reload, drop; and a job that carries both texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect
from test_window import open_section, open_tab, pick

PROMPT = "three dogs play in the snow, no people"
WAIT_MS = 60_000


@pytest.fixture(scope="module")
def by_rules(program):
    """The program with the rules as its enhancer: no language model is loaded."""
    settings = Path(program.home / "settings.json")
    kept = json.loads(settings.read_text()) if settings.exists() else {}
    settings.write_text(json.dumps({**kept, "enhancer_provider": "rules"}))
    return program


def review(page: Page) -> None:
    pick(page, "#enhance", "Review")
    page.fill("#prompt textarea", PROMPT)
    page.click("#enhance-ask")
    expect(page.locator("#enhanced-text")).to_contain_text(PROMPT, timeout=WAIT_MS)


def test_what_is_added_is_marked_and_can_be_dropped(by_rules, open_page):
    page = open_page()
    expect(page.locator("#enhance-ask")).to_be_hidden()
    review(page)
    assert page.locator("#enhanced-text mark").count() >= 2
    page.click("#enhance-panel [data-action=dismiss]")
    expect(page.locator("#enhanced-text")).to_be_hidden()
    expect(page.locator("#enhanced")).to_be_hidden()


def test_a_text_that_was_taken_is_edited_survives_a_reload_and_goes_into_the_job(by_rules, open_page):
    page = open_page()
    open_tab(page, "Queue")
    page.get_by_role("button", name="Pause queue").click()
    open_tab(page, "Generate")
    review(page)
    first = page.locator("#enhanced-text").inner_text()
    page.click("#enhance-panel [data-action=again]")
    expect(page.locator("#enhanced-text")).not_to_have_text(first, timeout=WAIT_MS)
    page.reload()
    expect(page.locator("#enhanced-text")).to_contain_text(PROMPT, timeout=WAIT_MS)
    page.click("#enhance-panel [data-action=accept]")
    box = page.locator("#enhanced textarea")
    expect(box).to_be_visible()
    text = box.input_value() + " Slow and quiet."
    box.fill(text)
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    page.reload()
    expect(page.locator("#enhanced textarea")).to_have_value(text)
    page.click("#generate")
    open_tab(page, "Queue")
    page.locator("#queue-list .w-job.queued [data-action=edit]").click()
    expect(page.locator("#edit-prompt textarea")).to_have_value(f"{PROMPT}\n!enhanced!\n{text}")
    open_section(page, "All settings of this job")
    assert json.loads(page.locator("#edit-json textarea").input_value()).get("enhance", "off") == "off"


def test_an_empty_prompt_is_told(by_rules, open_page):
    page = open_page()
    pick(page, "#enhance", "Review")
    page.fill("#prompt textarea", "")
    page.click("#enhance-ask")
    expect(page.locator("#form-message")).to_contain_text("The prompt is empty")
