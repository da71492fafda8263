"""Documents by clicking: a book is dropped, asked, planned from, sent to Generate and drawn; reloads lose nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect
from test_window import open_section, open_tab, pick

from tests.documents.small_pdf import column, write_pdf
from wgp_core.models.embedder import MiniLmEmbedder

WORK_MS = 120_000
PAGES = (
    ("Gradient descent", [
        "Gradient descent is a method that finds a minimum of a function. In each step it moves against",
        "the slope, and the learning rate sets how large the step is. With a large learning rate the",
        "method may diverge, and with a small one it needs many steps. For example, a learning rate of",
        "0.1 needs 40 steps on a parabola. The method stops when the slope is close to zero."]),
    ("Decision trees", [
        "A decision tree splits the data by one feature at a time. Each split is chosen so that the groups",
        "become purer, which is measured by the Gini impurity or by entropy. Deep trees fit noise, and",
        "pruning removes the branches that do not help on new data. A random forest averages many trees,",
        "each grown on another sample of the data, because the errors of single trees cancel."]),
)


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    if MiniLmEmbedder.find(Path("no-such-folder")) is None:
        pytest.skip("the text model is not installed")
    pages = [column([title], size=18) + column(lines, top=660) for title, lines in PAGES]
    return write_pdf(tmp_path_factory.mktemp("books") / "Learning.pdf", pages)


@pytest.fixture(autouse=True)
def patience():
    """Models are loaded and books are read meanwhile."""
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


def open_documents(page: Page) -> None:
    page.set_default_timeout(60_000)
    open_tab(page, "Documents")
    expect(page.locator("#doc-list")).to_be_visible()


def drop(page: Page, name: str, *files: Path) -> None:
    page.fill("#doc-name input", name)
    page.keyboard.press("Tab")
    page.set_input_files("#doc-drop input[type=file]", [str(file) for file in files])


def shelf(page: Page, name: str):
    return page.locator(f'#doc-list .w-collection[data-collection="{name}"]')


def test_an_empty_shelf_teaches_and_shows_only_where_to_drop(open_page):
    page = open_page()
    open_documents(page)
    expect(page.locator("#doc-list")).to_contain_text("No documents yet")
    expect(page.locator("#documents-desk")).to_be_hidden()


def test_a_book_becomes_scenes_and_the_scenes_a_video(open_page, book):
    page = open_page()
    open_documents(page)
    drop(page, "Lessons", book)
    expect(page.locator("#doc-work .w-badge.done")).to_be_visible(timeout=WORK_MS)
    expect(shelf(page, "Lessons")).to_contain_text("1 document · 2 pages · 2 passages")

    page.fill("#doc-question textarea", "how gradient descent finds a minimum")
    page.click("#doc-ask")
    first = page.locator("#doc-answer .w-hit").first
    expect(first).to_contain_text("Learning.pdf, p. 1", timeout=WORK_MS)
    expect(first.locator("mark").first).to_have_text("Gradient")
    page.reload()
    page.wait_for_function("window.wgpFormReady === true")
    open_documents(page)
    expect(page.locator("#doc-answer .w-hit").first).to_contain_text("Learning.pdf, p. 1")

    page.fill("#doc-question textarea", "gradient descent")
    page.fill("#plan-seconds input", "12")
    page.click("#plan-make")
    scenes = page.locator("#plan-scenes .w-scene")
    expect(scenes.first).to_be_visible(timeout=WORK_MS)
    expect(page.locator("#plan-scenes")).to_contain_text("Learning.pdf, p. 1")
    count = scenes.count()
    grounded = scenes.filter(has=page.locator(".w-sources")).first
    grounded.locator("[data-action=edit]").click()
    page.fill("#scene-title textarea", "In my words")
    page.get_by_role("button", name="Keep changes").click()
    expect(page.locator("#plan-scenes")).to_contain_text("In my words")
    scenes.last.locator("[data-action=remove]").click()
    expect(scenes).to_have_count(count - 1)
    open_section(page, "All scenes as JSON")
    expect(page.locator("#plan-raw textarea")).to_have_value(re.compile('"title": "In my words"'))

    page.locator("#plan-scenes [data-action=send]").click()
    expect(page.locator("#form-plan")).to_contain_text(f"{count - 1} planned scene")
    expect(page.locator("#prompt textarea")).to_have_value("gradient descent")
    pick(page, "#size", "Custom")
    for field, value in (("#width", "320"), ("#height", "240")):
        page.fill(f"{field} input", value)
        page.keyboard.press("Tab")
    page.click("#generate")
    expect(page.locator("#result video")).to_be_visible(timeout=2 * WORK_MS)


def test_a_plan_in_the_form_is_edited_or_dropped(open_page):
    page = open_page()
    page.set_default_timeout(60_000)
    expect(page.locator("#form-plan .w-form-plan")).to_have_count(0)
    open_documents(page)
    page.locator("#plan-scenes [data-action=send]").click()
    expect(page.locator("#form-plan .w-form-plan")).to_be_visible()
    page.locator("#form-plan [data-action=edit]").click()
    expect(page.locator("#documents-desk")).to_be_visible()
    open_tab(page, "Generate")
    page.locator("#form-plan [data-action=drop]").click()
    expect(page.locator("#form-plan .w-form-plan")).to_have_count(0)
    expect(page.locator("#documents input")).to_have_value("Lessons")
    pick(page, "#documents", "None")
    expect(page.locator("#documents-mode")).to_be_hidden()


def test_silence_what_was_left_out_a_new_name_and_the_trash(open_page, program):
    page = open_page()
    open_documents(page)
    page.fill("#doc-question textarea", "who won the football world cup?")
    page.click("#doc-ask")
    expect(page.locator("#doc-answer")).to_contain_text("say nothing about this", timeout=WORK_MS)
    shelf(page, "Lessons").get_by_role("button", name="Details").click()
    expect(shelf(page, "Lessons")).to_contain_text("Learning.pdf 2 pages, 2 passages, 0 left out")
    shelf(page, "Lessons").get_by_role("button", name="Rename").click()
    page.fill("#doc-new-name textarea", "Learning")
    page.keyboard.press("Enter")
    expect(shelf(page, "Learning")).to_be_visible()
    expect(page.locator("#doc-asked input")).to_have_value("Learning")
    shelf(page, "Learning").get_by_role("button", name="Delete").click()
    assert (program.home / "data" / "documents" / "Learning").is_dir(), "it asks first"
    page.locator(".w-confirm button").click()
    expect(page.locator("#doc-message")).to_contain_text("Learning is in the trash")
    expect(shelf(page, "Learning")).to_have_count(0)
    assert not (program.home / "data" / "documents" / "Learning").exists()


def test_one_document_is_taken_out_again(open_page, tmp_path, book):
    notes = tmp_path / "notes.txt"
    notes.write_text("Photosynthesis needs light, water and carbon dioxide, and it gives sugar and oxygen. " * 4)
    page = open_page()
    open_documents(page)
    drop(page, "Mixed", book, notes)
    expect(shelf(page, "Mixed")).to_contain_text("2 documents", timeout=WORK_MS)
    shelf(page, "Mixed").get_by_role("button", name="Details").click()
    listed = shelf(page, "Mixed").locator(".w-documents li")
    expect(listed).to_have_count(2)
    listed.filter(has_text="notes.txt").get_by_role("button", name="Remove").click()
    page.locator(".w-confirm button").click()
    expect(page.locator("#doc-work")).to_contain_text("notes.txt was taken out", timeout=WORK_MS)
    expect(listed).to_have_count(1)
    expect(listed.get_by_role("button", name="Remove")).to_have_count(0)
    page.locator("#doc-work").get_by_role("button", name="Remove this message").click()
    expect(page.locator("#doc-work .w-work")).to_have_count(0)


def test_a_damaged_document_says_what_to_do(open_page, tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"rubbish")
    page = open_page()
    open_documents(page)
    drop(page, "Broken", bad)
    expect(page.locator("#doc-work")).to_contain_text("bad.pdf cannot be opened as a PDF", timeout=WORK_MS)
    page.locator("#doc-work").get_by_role("button", name="Remove this message").click()
    expect(page.locator("#doc-work .w-work")).to_have_count(0)
    expect(shelf(page, "Broken")).to_have_count(0)
