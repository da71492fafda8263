"""Remote models by clicking: switched on in the settings, priced before, made at a local service, priced after."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect
from replicate_service import TOKEN, Model, ReplicateService, choices, schema
from test_window import open_tab, pick

from tests.browser.conftest import Program, free_port, start_program
from wgp_core.media.encode import EncodeOptions, encode

CLIP = "pixverse/pixverse-v5"
WORK_MS = 180_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicateService]:
    path = tmp_path_factory.mktemp("made") / "clip.mp4"
    across = np.linspace(0, 255, 320, dtype=np.uint8)
    frames = [np.stack([np.broadcast_to(np.roll(across, 8 * n), (180, 320))] * 3, -1).copy() for n in range(24)]
    encode(frames, path, EncodeOptions(320, 180, 12))
    running = ReplicateService(
        {CLIP: Model(schema({"duration": choices(5, 8, kind="integer"), "aspect_ratio": choices("16:9", "9:16")}))},
        results={"clip": path.read_bytes()})
    running.start()
    running.steps = [{"status": "processing", "logs": " 40%|####      | 4/10 [00:01<00:02]"}] * 6 + [
        {"status": "succeeded", "output": running.file("clip"), "metrics": {"predict_time": 12.5}}]
    yield running
    running.stop()


@pytest.fixture(scope="module")
def program(service: ReplicateService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    home = tmp_path_factory.mktemp("home")
    (home / "settings.json").write_text(json.dumps(
        {"settings_version": 1, "remote_url": service.url, "remote_prices": f"{CLIP} 0.07 per second"}))
    os.environ["REPLICATE_API_TOKEN"] = TOKEN
    try:
        running = start_program(home, free_port())
    finally:
        del os.environ["REPLICATE_API_TOKEN"]
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


def test_switched_on_priced_made_and_priced(open_page, service: ReplicateService, tmp_path: Path) -> None:
    shots = Path(os.environ.get("WGP_SHOTS") or tmp_path)
    page = open_page()
    page.set_default_timeout(60_000)
    page.click("#engine input")
    expect(page.get_by_role("option", name="Diffusion model")).to_be_visible()
    expect(page.get_by_role("option", name="Remote model")).to_have_count(0)
    page.keyboard.press("Escape")

    open_tab(page, "Settings")
    page.get_by_role("button", name="Remote models").click()
    page.check("#set-remote_models input")
    page.screenshot(path=shots / "remote-settings.png")
    page.click("#save-settings")
    expect(page.locator("#settings-message")).to_contain_text("Settings saved")

    open_tab(page, "Generate")
    pick(page, "#engine", "Remote model")
    expect(page.locator("#model")).to_be_visible()
    expect(page.locator("#model input")).to_have_value(CLIP)
    expect(page.locator("#engine-hint")).to_contain_text("costs money")
    expect(page.locator("#estimate")).to_contain_text("About $0.56")
    page.fill("#prompt textarea", "a red car in the rain")
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=shots / "remote-form.png")
    page.click("#generate")
    expect(page.locator("#result")).to_contain_text("It cost about $0.14 (2 s at $0.07)", timeout=WORK_MS)
    assert service.created[0]["input"]["duration"] == 8
    page.screenshot(path=shots / "remote-done.png", full_page=True)
    assert TOKEN not in page.content()

    page.reload()
    expect(page.locator("#model input")).to_have_value(CLIP)
    expect(page.locator("#estimate")).to_contain_text("About $0.56")
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=shots / "remote-narrow.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
