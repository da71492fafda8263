"""What a person does in the window, in Chromium, with the real program and the local engine."""

from __future__ import annotations

import json
import re
import sqlite3
import time

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Locator, Page, expect

DONE_MS = 120_000
SHORT = "how gradient descent finds a minimum"
LONG = "how k-means finds clusters, slowly"


def pick(page: Page, field: str, option: str) -> None:
    """Choose from a dropdown by the start of its label."""
    page.click(f"{field} input")
    page.get_by_role("option", name=re.compile(f"^{re.escape(option)}")).click()


def describe(page: Page, prompt: str, seconds: float) -> None:
    page.fill("#prompt textarea", prompt)
    page.fill("#seconds input[type=number]", f"{seconds:g}")
    page.keyboard.press("Tab")


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).first.click()


def small(page: Page) -> None:
    """A custom size that the local engine draws fast."""
    pick(page, "#size", "Custom")
    for field, value in (("#width", "320"), ("#height", "240")):
        page.fill(f"{field} input", value)
        page.keyboard.press("Tab")


def upload(page: Page, label: str) -> Locator:
    return page.get_by_test_id(f"{label}-upload-button")


def reset(page: Page) -> None:
    """Empty the form, and wait until the answer is there: it must not overwrite what is typed next."""
    page.fill("#prompt textarea", "to be cleared")
    page.click("#reset-form")
    expect(page.locator("#prompt textarea")).to_have_value("")


def open_section(page: Page, name: str) -> None:
    """Open an accordion and let its fields settle: they are made at this moment."""
    page.get_by_role("button", name=name).click()
    page.wait_for_timeout(400)


def stop_all(page: Page) -> None:
    """Cancel what is still open, so that tests do not wait for each other."""
    while page.locator("#cancel").is_enabled():
        page.click("#cancel")
        page.wait_for_timeout(1200)


def test_generates_with_progress_and_result(open_page, program):
    page = open_page()
    expect(page.locator("#stage .w-empty")).to_be_visible()
    expect(page.locator("#cancel")).to_be_disabled()
    describe(page, SHORT, 2)
    small(page)
    page.locator("#prompt textarea").press("Control+Enter")

    expect(page.locator("#now [role=progressbar]")).to_be_visible()
    expect(page.locator("#cancel")).to_be_enabled()
    result = page.locator("#result .w-result")
    expect(result).to_be_visible(timeout=DONE_MS)
    expect(result).to_contain_text("320 × 240")
    expect(result).to_contain_text("Made just now in")
    video = page.locator("#result video")
    page.wait_for_function("document.querySelector('#result video').readyState >= 1")
    assert video.evaluate("v => Math.round(v.duration)") == 2
    assert video.get_attribute("poster")
    assert list(program.home.glob("outputs/*.mp4"))
    expect(page.locator("#cancel")).to_be_disabled()


def test_redraw_leaves_the_player_and_the_focus_alone(open_page):
    page = open_page()
    expect(page.locator("#result video")).to_be_visible()
    page.evaluate("document.querySelector('#result video').dataset.mine = 'yes'")
    page.click("#prompt textarea")
    page.wait_for_timeout(2500)
    assert page.evaluate("document.querySelector('#result video').dataset.mine") == "yes"
    assert page.evaluate("document.activeElement.closest('#prompt') !== null")


def test_empty_prompt_is_told_in_the_page(open_page):
    page = open_page()
    page.fill("#prompt textarea", "   ")
    page.click("#generate")
    message = page.locator("#form-message [role=alert]")
    expect(message).to_contain_text("The prompt is empty.")
    expect(message).to_contain_text("Say in a few words what the video shows.")


def test_sizes_snap_visibly(open_page):
    page = open_page()
    pick(page, "#size", "Custom")
    page.fill("#width input", "321")
    page.keyboard.press("Tab")
    expect(page.locator("#form-message")).to_contain_text("width 321 became 322")
    expect(page.locator("#width input")).to_have_value("322")


def test_form_survives_a_reload(open_page):
    page = open_page()
    page.fill("#prompt textarea", "a pendulum that swings")
    open_section(page, "Advanced")
    page.fill("#seed input", "77")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    page.reload()
    expect(page.locator("#prompt textarea")).to_have_value("a pendulum that swings")
    open_section(page, "Advanced")
    expect(page.locator("#seed input")).to_have_value("77")


def test_reload_and_second_window_show_the_running_job_and_cancel_stops_it(open_page):
    page = open_page()
    reset(page)
    describe(page, LONG, 120)
    page.click("#generate")
    running = page.locator("#now").get_by_text("Drawing frames")
    expect(running).to_be_visible(timeout=60_000)
    page.reload()
    expect(page.locator("#now").get_by_text("Drawing frames")).to_be_visible(timeout=30_000)
    expect(page.locator("#now")).to_contain_text(LONG)
    expect(page.locator("#now img")).to_be_visible(timeout=30_000)
    second = open_page()
    expect(second.locator("#now")).to_contain_text(LONG, timeout=30_000)

    second.click("#cancel")
    for window in (page, second):
        expect(window.locator("#result .w-outcome.cancelled")).to_be_visible(timeout=40_000)
        expect(window.locator("#now section")).to_have_count(0)


def test_jobs_and_videos_are_found_again(open_page):
    page = open_page()
    open_tab(page, "Queue")
    expect(page.locator("#queue-list .w-job.done")).to_contain_text(SHORT)
    expect(page.locator("#queue-list .w-job.cancelled")).to_contain_text(LONG)
    open_tab(page, "Library")
    expect(page.locator("#library-grid .w-thumb")).to_have_count(1)
    page.locator("#library-search input, #library-search textarea").first.fill("no such words")
    expect(page.locator("#library-grid .w-empty")).to_contain_text("Nothing found")
    page.locator("#library-search input, #library-search textarea").first.fill("gradient")
    page.locator("#library-grid .w-thumb").click()
    expect(page.locator("#library-details video")).to_be_visible()
    page.get_by_role("button", name="☆ Favourite").click()
    expect(page.get_by_role("button", name="★ Favourite")).to_be_visible()
    page.fill("#library-note textarea", "the first one")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("#library-message")).to_contain_text("The note is saved.")


def test_delete_asks_first_and_can_be_undone(open_page):
    page = open_page()
    open_tab(page, "Library")
    page.locator("#library-grid .w-thumb").click()
    page.locator("#library-details [data-action=trash]").click()
    expect(page.locator("#library-grid .w-thumb")).to_have_count(1)
    page.get_by_role("button", name="Move to the trash?").click()
    expect(page.locator("#library-grid .w-empty")).to_be_visible()
    page.get_by_role("radio", name="Trash").check()
    page.locator("#library-grid .w-thumb").click()
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("radio", name="All").check()
    expect(page.locator("#library-grid .w-thumb")).to_have_count(1)


def test_settings_come_back_from_the_file(open_page, program):
    page = open_page()
    file = next(program.home.glob("outputs/*.mp4"))
    seed = re.search(r"seed(\d+)", file.name).group(1)
    upload(page, "Load settings from a video").set_input_files(file)
    expect(page.locator("#form-message")).to_contain_text("The settings of the video are in the form.")
    expect(page.locator("#prompt textarea")).to_have_value(SHORT)
    expect(page.locator("#width input")).to_have_value("320")
    open_section(page, "Advanced")
    expect(page.locator("#seed input")).to_have_value(seed)


def test_a_file_without_settings_says_so(open_page, tmp_path):
    page = open_page()
    stranger = tmp_path / "holiday.mp4"
    stranger.write_bytes(b"not a video at all")
    upload(page, "Load settings from a video").set_input_files(stranger)
    expect(page.locator("#form-message [role=alert]")).to_contain_text("holiday.mp4")


def test_settings_refuse_a_wrong_value_and_save_a_right_one(open_page, program):
    page = open_page()
    open_tab(page, "Settings")
    open_section(page, "Output")
    page.fill("#set-crf input", "99")
    page.click("#save-settings")
    expect(page.locator("#settings-message [role=alert]")).to_contain_text("It must be a whole number from 0 to 51")
    stored = program.home / "settings.json"
    assert not stored.exists() or json.loads(stored.read_text())["crf"] == 18
    page.fill("#set-crf input", "23")
    page.click("#save-settings")
    expect(page.locator("#settings-message")).to_contain_text("Settings saved.")
    assert json.loads(stored.read_text())["crf"] == 23


def test_dark_theme_from_the_settings_holds_after_a_reload(open_page):
    page = open_page()
    open_tab(page, "Settings")
    pick(page, "#set-ui_theme", "Dark")
    page.click("#save-settings")
    body, dark = page.locator("body"), re.compile(r"\bdark\b")
    expect(body).to_have_class(dark)
    page.reload()
    page.wait_for_selector("#generate")
    expect(body).to_have_class(dark)
    open_tab(page, "Settings")
    pick(page, "#set-ui_theme", "As the system")
    page.click("#save-settings")
    expect(body).not_to_have_class(dark)


def test_queue_pause_reorder_edit_duplicate_and_remove(open_page):
    page = open_page()
    open_tab(page, "Queue")
    page.get_by_role("button", name="Pause queue").click()
    expect(page.get_by_role("button", name="Resume queue")).to_be_visible()
    open_tab(page, "Generate")
    reset(page)
    open_section(page, "Many prompts")
    page.get_by_role("radio", name="One video per line").check()
    page.fill("#prompt textarea", "first topic\nsecond topic\n# a remark\nthird topic")
    page.click("#generate")
    expect(page.locator("#form-message")).to_contain_text("3 videos added to the queue.")
    expect(page.locator("#now")).to_contain_text("The queue is paused.")

    open_tab(page, "Queue")
    waiting = page.locator("#queue-list .w-job.queued strong")
    expect(waiting).to_have_text(["first topic", "second topic", "third topic"])
    page.locator("#queue-list .w-job.queued").nth(2).locator("[data-action=top]").click()
    expect(waiting).to_have_text(["third topic", "first topic", "second topic"])
    page.locator("#queue-list .w-job.queued").nth(0).locator("[data-action=down]").click()
    expect(waiting).to_have_text(["first topic", "third topic", "second topic"])

    page.locator("#queue-list .w-job.queued").nth(0).locator("[data-action=edit]").click()
    expect(page.locator("#edit-prompt textarea")).to_have_value("first topic")
    page.fill("#edit-prompt textarea", "another topic")
    open_section(page, "All settings of this job")
    page.fill("#edit-json textarea", '{"seconds": 6, "colour": "blue"}')
    page.click("#edit-save")
    expect(page.locator("#queue-message [role=alert]")).to_contain_text("Unknown key in the request: colour")
    page.fill("#edit-json textarea", '{"seconds": 6}')
    page.click("#edit-save")
    expect(waiting.nth(0)).to_have_text("another topic")
    expect(page.locator("#queue-list .w-job.queued").nth(0)).to_contain_text("6 s")

    page.locator("#queue-list .w-job.queued").nth(2).locator("[data-action=duplicate]").click()
    expect(waiting).to_have_text(["another topic", "third topic", "second topic", "second topic"])
    page.locator("#queue-list .w-job.queued").nth(3).locator("[data-action=cancel]").click()
    expect(waiting).to_have_count(3)


def test_queue_goes_out_and_in_as_a_zip(open_page, tmp_path):
    page = open_page()
    open_tab(page, "Queue")
    page.locator("#queue-bar [data-action=export]").click()
    with page.expect_download() as download:
        page.locator("#queue-message a").click()
    file = tmp_path / "queue.zip"
    download.value.save_as(file)
    before = page.locator("#queue-list .w-job.queued").count()
    upload(page, "Import").set_input_files(file)
    expect(page.locator("#queue-message")).to_contain_text("3 jobs imported.")
    expect(page.locator("#queue-list .w-job.queued")).to_have_count(before + 3)
    for _ in range(before + 3):
        page.locator("#queue-list .w-job.queued [data-action=cancel]").first.click()
        page.wait_for_timeout(300)
    page.locator("#queue-bar [data-action=clear]").click()
    page.get_by_role("button", name="Remove from the list?").click()
    expect(page.locator("#queue-list .w-empty")).to_be_visible()
    page.get_by_role("button", name="Resume queue").click()


SPIES = """
window.told = [];
window.Notification = class {
  constructor(title, options) { window.told.push(title + ': ' + options.body); }
  static permission = 'default';
  static async requestPermission() { Notification.permission = 'granted'; window.told.push('asked'); return 'granted'; }
};
window.AudioContext = class {
  constructor() { window.told.push('sound'); throw new Error('no sound card'); }
};
"""


def test_the_end_of_a_job_is_announced_where_that_is_switched_on(open_page):
    page = open_page()
    page.add_init_script(SPIES)
    page.reload()
    page.wait_for_function("window.wgpFormReady === true")
    open_tab(page, "Settings")
    page.locator("#set-notify_browser input").check()
    page.locator("#set-notify_sound input").check()
    page.click("#save-settings")
    expect(page.locator("#settings-message")).to_contain_text("Settings saved.")
    assert page.evaluate("window.told") == ["asked"]
    open_tab(page, "Generate")
    reset(page)
    describe(page, SHORT, 1)
    small(page)
    page.click("#generate")
    page.wait_for_function("window.told.length > 2", timeout=DONE_MS)
    assert sorted(page.evaluate("window.told")) == ["Your video is ready: " + SHORT, "asked", "sound"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_window_needs_no_sideways_scrolling(open_page, scheme):
    page = open_page(390, 844, color_scheme=scheme)
    for name in ("Generate", "Queue", "Library", "Documents", "Models", "Settings"):
        open_tab(page, name)
        page.wait_for_timeout(600)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    open_tab(page, "Generate")
    for button in ("#generate", "#cancel"):
        box = page.locator(button).bounding_box()
        assert box and box["y"] + box["height"] < 844 and box["x"] + box["width"] <= 390


def test_generate_and_cancel_are_in_sight_at_1280(open_page):
    page = open_page()
    for button in ("#generate", "#cancel"):
        box = page.locator(button).bounding_box()
        assert box and box["y"] + box["height"] < 800


def test_models_tell_what_is_there(open_page):
    page = open_page()
    open_tab(page, "Models")
    expect(page.locator("#models-table .w-row").first).to_be_visible()
    expect(page.locator("#models-machine")).to_contain_text("Free disk space")


def test_interrupted_jobs_are_offered(open_page, program):
    """A job that a crash left behind: its row says so, and the banner brings it back."""
    page = open_page()
    reset(page)
    describe(page, LONG, 120)
    page.click("#generate")
    expect(page.locator("#now").get_by_text("Drawing frames")).to_be_visible(timeout=60_000)
    with sqlite3.connect(program.home / "data" / "studio.db", timeout=10) as db:
        db.execute("UPDATE jobs SET state = 'interrupted', updated_at = datetime('now') WHERE state = 'running'")
    open_tab(page, "Queue")
    expect(page.locator("#queue-bar")).to_contain_text("stopped when the program ended")
    page.locator("#queue-bar [data-action=resume-all]").click()
    expect(page.locator("#queue-message")).to_contain_text("1 job back in the queue.")
    open_tab(page, "Generate")
    page.wait_for_timeout(1500)
    stop_all(page)
    deadline = time.monotonic() + 40
    while page.locator("#now section").count() and time.monotonic() < deadline:
        page.wait_for_timeout(500)
