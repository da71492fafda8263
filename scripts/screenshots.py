"""Take the pictures in docs/images of a running window: ./run.sh scripts/screenshots.py --url http://127.0.0.1:7860

Needs the test tools (./test.sh installs them). Queues a short and a long job, and cancels the long one at the end.
"""

import argparse
import contextlib
import json
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
TABS = ("Generate", "Queue", "Library", "Documents", "Models", "Settings")
BOOK = Path(__file__).resolve().parent.parent / "examples" / "how_light_makes_pictures.md"
LOOKS: dict[str, tuple[Literal["dark", "light"], int, int]] = {
    "dark": ("dark", 1280, 800), "light": ("light", 1280, 800), "narrow": ("light", 390, 844)}


def call(url: str, body: dict | None = None, method: str | None = None) -> dict:
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(),
                                     {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def submit(url: str, prompt: str, seconds: float) -> str:
    return call(f"{url}/api/generations", {"request": {"prompt": prompt, "seconds": seconds, "seed": 4}})["id"]


def wait_for(url: str, job: str, state: str, limit_s: float = 120) -> None:
    deadline = time.monotonic() + limit_s
    while call(f"{url}/api/generations/{job}")["state"] != state:
        if time.monotonic() > deadline:
            sys.exit(f"job {job} is not {state} after {limit_s:g} s")
        time.sleep(0.5)


def shoot(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png")


def read_book(page: Page) -> None:
    """The example text, read, asked and planned from."""
    page.get_by_role("tab", name="Documents").click()
    page.set_input_files("#doc-drop input[type=file]", str(BOOK))
    page.locator("#doc-work .w-badge.done").wait_for(timeout=300_000)
    page.locator("#doc-question textarea").fill("how a camera takes a photograph")
    page.locator("#doc-ask").click()
    page.locator("#doc-answer .w-hit").first.wait_for(timeout=120_000)
    page.locator("#plan-make").click()
    page.locator("#plan-scenes .w-scene").first.wait_for(timeout=120_000)


def review(page: Page) -> None:
    """The enhancer, asked about a prompt."""
    page.locator("#prompt textarea").fill("a red vintage car drives through rain at night")
    page.locator("#enhance input").click()
    page.get_by_role("option", name="Review").click()
    page.locator("#enhance-ask").click()
    page.locator("#enhanced-text").wait_for(timeout=120_000)
    shoot(page, "enhance-review")


def storyboard(page: Page) -> None:
    """A story, broken down and drawn."""
    page.get_by_role("tab", name="Storyboard").click()
    page.locator("#board-story textarea").fill("a trickster sells a wealthy merchant a magical pot")
    page.locator("#board-make").click()
    page.locator("#board-head [data-action=draw]").click(timeout=120_000)
    page.locator("#board-head [data-action=film].primary").wait_for(timeout=300_000)
    page.locator("#board-choice").scroll_into_view_if_needed()
    shoot(page, "storyboard")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7860")
    url = parser.parse_args().url
    IMAGES.mkdir(parents=True, exist_ok=True)
    wait_for(url, submit(url, "How gradient descent finds a minimum", 6), "done")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"])
        page = browser.new_page()
        page.goto(url)
        page.wait_for_function("window.wgpFormReady === true")
        read_book(page)
        page.close()
        long_job = submit(url, "How attention weighs the words of a sentence", 170)
        submit(url, "Sorting: bubble sort against quick sort", 10)
        wait_for(url, long_job, "running")
        for look, (scheme, width, height) in LOOKS.items():
            page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
            page.goto(url)
            page.get_by_role("tab", name="Generate").wait_for()
            page.wait_for_function("document.querySelector('#stage').innerText.length > 40")
            for tab in TABS:
                page.get_by_role("tab", name=tab).click()
                shoot(page, f"{tab.lower()}-{look}")
            page.close()
        with contextlib.suppress(urllib.error.HTTPError):  # a quick machine has drawn it by now
            call(f"{url}/api/generations/{long_job}", method="DELETE")
        page = browser.new_page(color_scheme="dark", viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.get_by_label("Prompt").first.fill("How gradient descent finds a minimum")
        shoot(page, "generate-done")
        review(page)
        storyboard(page)
        browser.close()


if __name__ == "__main__":
    main()
