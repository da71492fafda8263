"""The real program on a free port with a private home folder, and a page in Chromium that watches for errors."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
START_S = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@dataclass
class Program:
    """A running `app.py`."""

    url: str
    home: Path
    process: subprocess.Popen
    log: Path

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start_program(home: Path, port: int) -> Program:
    """Start `app.py` on a home folder and wait until it answers."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "program.log"
    env = {**os.environ, "WGP_HOME": str(home), "GRADIO_ANALYTICS_ENABLED": "False"}
    with log.open("ab") as out:
        command = [sys.executable, str(ROOT / "app.py"), "--server-port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)
    url, deadline = f"http://127.0.0.1:{port}/", time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return Program(url, home, process, log)
        except OSError:
            time.sleep(0.3)
    process.kill()
    raise RuntimeError(f"app.py did not start:\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    running = start_program(tmp_path_factory.mktemp("home"), free_port())
    yield running
    running.stop()


@dataclass
class Watched:
    """A page and what went wrong in it."""

    page: object
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, program):
    """A function that opens the window at a size; every page must end without an error in its console."""
    opened: list[Watched] = []

    def open_(width: int = 1280, height: int = 800, **options) -> object:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        page = context.new_page()
        page.set_default_timeout(20_000)
        watched = Watched(page)
        page.on("console", lambda line: watched.errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        opened.append(watched)
        page.goto(program.url)
        page.wait_for_selector("#generate")
        page.wait_for_function("window.wgpFormReady === true")
        return page

    yield open_
    for watched in opened:
        watched.page.context.close()
    assert [error for watched in opened for error in watched.errors] == []
