"""A storyboard by clicking: told, broken down, changed, drawn, locked, redrawn and filmed; reloads lose nothing."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Locator, Page, expect
from test_window import open_tab, pick

STORY = "a trickster sells a wealthy merchant a magical pot"
WORK_MS = 400_000


@pytest.fixture(autouse=True)
def patience():
    """Workers are started and frames are drawn meanwhile."""
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


def open_storyboard(page: Page) -> None:
    page.set_default_timeout(60_000)
    open_tab(page, "Storyboard")
    expect(page.locator("#board-cards")).to_be_visible()


def card(page: Page, number: int) -> Locator:
    return page.locator(f'#board-cards .w-frame[data-frame="{number}"]')


def press(where: Locator, action: str) -> None:
    where.locator(f'[data-action="{action}"]').click()


def test_a_story_becomes_a_board_that_is_changed_drawn_and_filmed(open_page):
    page = open_page()
    open_storyboard(page)
    expect(page.locator("#board-cards")).to_contain_text("No storyboard yet")
    page.click("#board-examples [data-action='example-0']")
    expect(page.locator("#board-story textarea")).to_have_value(STORY)
    page.fill("#board-count input[type=number]", "6")
    page.keyboard.press("Tab")
    page.click("#board-make")
    expect(page.locator("#board-cards .w-frame")).to_have_count(6)
    expect(page.locator("#board-head")).to_contain_text("0 of 6 drawn")

    second = card(page, 2).locator(".w-said").inner_text()
    press(card(page, 1), "right")
    expect(card(page, 1).locator(".w-said")).to_have_text(second)
    press(card(page, 6), "remove")
    page.locator(".w-confirm button").click()
    expect(page.locator("#board-cards .w-frame")).to_have_count(5)
    press(card(page, 5), "remove")
    page.locator(".w-confirm button").click()
    expect(page.locator("#board-cards .w-frame")).to_have_count(4)
    press(card(page, 2), "edit")
    page.fill("#frame-description textarea", "The merchant dances on a table in the market.")
    page.fill("#frame-seconds input", "1")
    pick(page, "#frame-shot", "Close-up")
    page.click("#frame-keep")
    expect(card(page, 2)).to_contain_text("dances on a table")
    expect(card(page, 2).locator("strong")).to_have_text("Close-up")
    expect(page.locator("#frame-editor")).to_be_hidden()

    press(page.locator("#board-head"), "draw")
    expect(page.locator("#board-head")).to_contain_text("4 of 4 drawn", timeout=WORK_MS)
    expect(page.locator("#board-cards img")).to_have_count(4)
    expect(page.locator("#board-work .w-badge.running")).to_have_count(0, timeout=WORK_MS)
    press(card(page, 1), "lock")
    expect(card(page, 1)).to_have_class(re.compile("locked"))
    old = card(page, 2).locator("img").get_attribute("src")
    press(card(page, 2), "redraw")
    expect(card(page, 2).locator("img")).not_to_have_attribute("src", old or "", timeout=WORK_MS)

    page.reload()
    page.wait_for_function("window.wgpFormReady === true")
    open_storyboard(page)
    expect(card(page, 1)).to_have_class(re.compile("locked"))
    expect(page.locator("#board-story textarea")).to_have_value(STORY)
    page.locator("#board-view label", has_text="Grid").click()
    expect(page.locator("#board-cards figure")).to_have_count(4)
    expect(page.locator("#board-heat td.heat")).to_have_count(12)


@pytest.mark.slow
def test_the_board_is_filmed_and_its_files_are_there(open_page):
    page = open_page()
    open_storyboard(page)
    expect(page.locator("#board-head")).to_contain_text("4 of 4 drawn")
    press(page.locator("#board-head"), "export")
    expect(page.locator("#board-files")).to_contain_text("storyboard.pdf", timeout=WORK_MS)
    page.get_by_role("button", name="The film:").click()
    pick(page, "#film-seconds", "1 s")
    pick(page, "#film-transition", "Cuts")
    press(page.locator("#board-head"), "film")
    expect(page.locator("#board-film video")).to_be_visible(timeout=WORK_MS)
    expect(page.locator("#board-files")).to_contain_text("storyboard.mp4")
    page.reload()
    page.wait_for_function("window.wgpFormReady === true")
    open_storyboard(page)
    expect(page.locator("#board-film video")).to_be_visible()
    page.get_by_role("button", name="The film:").click()
    expect(page.locator("#film-seconds input")).to_have_value("1 s")
    expect(page.locator("#film-transition input")).to_have_value("Cuts")


def test_an_empty_story_is_refused_and_a_narrow_window_holds_everything(open_page):
    page = open_page(360, 780)
    open_storyboard(page)
    page.fill("#board-story textarea", "")
    page.click("#board-make")
    expect(page.locator("#board-message")).to_contain_text("The story is empty.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
