"""Models by clicking: a toy checkpoint in `ckpts/` is found, filtered, verified, quantized and deleted."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Locator, Page, expect
from test_window import open_section, open_tab, pick

from wgp_core.models.toy import write_toy

WORK_MS = 120_000


def open_models(page: Page) -> None:
    page.get_by_role("tab", name="Models", exact=True).first.click()
    expect(page.locator("#models-table .w-row").first).to_be_visible()


def row(page: Page, model: str) -> Locator:
    return page.locator(f'#models-table .w-row[data-model="{model}"]')


def card(page: Page, model: str) -> Locator:
    return page.locator(f'#models-work .w-work[data-model="{model}"]')


@pytest.fixture(scope="module")
def toy(program):
    return write_toy(program.home / "ckpts" / "toy-wan", "wan")


def test_windows_and_lora_words_go_from_the_form_to_the_job_and_back(open_page, toy):
    page = open_page()
    open_tab(page, "Queue")
    page.get_by_role("button", name="Pause queue").click()
    open_tab(page, "Generate")
    pick(page, "#engine", "Local")
    expect(page.locator("#model-settings")).to_be_hidden()
    pick(page, "#engine", "Diffusion")
    open_section(page, "Model settings")
    for field, value in (("#window-frames", "33"), ("#window-overlap", "5")):
        page.fill(f"{field} input", value)
        page.keyboard.press("Tab")
    pick(page, "#lora-profile", "None")
    page.locator("#lora-negative-boost input").uncheck()
    page.fill("#prompt textarea", "windows")
    page.click("#generate")

    open_tab(page, "Queue")
    page.locator("#queue-list .w-job.queued [data-action=edit]").click()
    open_section(page, "All settings of this job")
    settings = json.loads(page.locator("#edit-json textarea").input_value())
    assert (settings["window_frames"], settings["window_overlap"]) == (33, 5)
    assert (settings["lora_profile"], settings["lora_negative_boost"]) == ("none", False)
    page.fill("#edit-json textarea", json.dumps({**settings, "window_frames": 37}))
    page.click("#edit-save")
    expect(page.locator("#queue-message")).to_contain_text("The job is changed.")
    page.locator("#queue-list .w-job.queued [data-action=cancel]").click()
    page.get_by_role("button", name="Use settings").click()
    expect(page.locator("#window-frames input")).to_have_value("37")
    expect(page.locator("#window-overlap input")).to_have_value("5")
    expect(page.locator("#lora-profile input")).to_have_value("None")
    expect(page.locator("#lora-negative-boost input")).not_to_be_checked()


def test_a_folder_is_found_verified_quantized_and_deleted(open_page, program, toy):
    page = open_page()
    open_models(page)
    own = row(page, "toy-wan")
    expect(own).to_contain_text("Installed")
    own.get_by_role("button", name="Verify").click()
    expect(card(page, "toy-wan")).to_contain_text("files can be read", timeout=WORK_MS)

    row(page, "toy-wan").get_by_role("button", name="Quantize").click()
    expect(card(page, "toy-wan")).to_contain_text("int8 weights now", timeout=WORK_MS)
    assert list(toy.rglob("*quanto*int8*.safetensors"))
    page.reload()
    page.wait_for_function("window.wgpFormReady === true")
    open_models(page)
    expect(card(page, "toy-wan")).to_contain_text("int8 weights now")
    card(page, "toy-wan").get_by_role("button", name="Remove this message").click()
    expect(card(page, "toy-wan")).to_have_count(0)

    row(page, "toy-wan").get_by_role("button", name="Delete").click()
    assert toy.exists(), "it asks first"
    page.locator(".w-confirm button").click()
    expect(card(page, "toy-wan")).to_contain_text("was deleted", timeout=WORK_MS)
    expect(row(page, "toy-wan")).to_have_count(0)
    assert not toy.exists()


def test_a_damaged_folder_says_so_and_can_be_deleted(open_page, program):
    folder = program.home / "ckpts" / "broken"
    folder.mkdir()
    (folder / "model_index.json").write_text("{")
    page = open_page()
    open_models(page)
    expect(row(page, "broken")).to_contain_text("Cannot be used")
    expect(row(page, "broken")).to_contain_text("model_index.json cannot be read")
    row(page, "broken").scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # scrolling takes the question away
    row(page, "broken").get_by_role("button", name="Delete").click()
    page.locator(".w-confirm button").click()
    expect(row(page, "broken")).to_have_count(0, timeout=WORK_MS)
    assert not folder.exists()


def test_search_and_filter_narrow_the_list(open_page):
    page = open_page()
    open_models(page)
    everything = page.locator("#models-table .w-row").count()
    page.fill("#models-search input, #models-search textarea", "minilm")
    expect(page.locator("#models-table .w-row")).to_have_count(1)
    page.fill("#models-search input, #models-search textarea", "")
    expect(page.locator("#models-table .w-row")).to_have_count(everything)
    page.get_by_test_id("Video-radio-label").click()
    expect(page.locator("#models-table .w-section")).to_have_text(["Video"])
    page.get_by_test_id("All-radio-label").click()
    expect(page.locator("#models-table .w-row")).to_have_count(everything)


def test_a_missing_model_tells_the_command_and_the_folder(open_page):
    page = open_page()
    open_models(page)
    missing = row(page, "wan2.1-t2v-1.3b")
    expect(missing.get_by_role("button", name="Install")).to_be_visible()
    missing.get_by_text("Without this window").click()
    expect(missing).to_contain_text("./run.sh -m wgp_core models install wan2.1-t2v-1.3b")
    expect(missing).to_contain_text("ckpts/")
