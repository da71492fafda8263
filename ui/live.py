"""The page's pulse: the browser asks once a second whether anything changed, and only then the tabs redraw.

A lost connection shows a bar and mends itself. The state lives in the store, never in the page.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.errors import WgpError
from wgp_core.store.records import FINISHED_STATES, JobState

from .components import asset
from .progress import overall_percent
from .words import short

log = logging.getLogger(__name__)
NAME = "WGP Studio"
MARKUP = """
<div class="w-banner offline" role="status">The connection to the program is lost. Trying again…</div>
<div class="w-banner updated" role="status">The program was updated.
<button type="button" class="w-btn w-reload">Reload the page</button></div>
"""


class Pulse:
    """Answers the browser's question. `build` tells a page that the program behind it was updated meanwhile."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._build = _build_id()

    def poll(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The version of the state; the rest only where it differs from what the page knows."""
        settings = self._studio.config.settings
        version = self.version()
        work = self._studio.supervisor.models.version
        documents = self._studio.documents.version
        boards, attempts = self._studio.storyboards.version, self._studio.attempts.version
        news: dict[str, Any] = {"version": version, "build": self._build, "theme": settings.ui_theme,
                                "models": {"states": work.states, "ticks": work.ticks},
                                "documents": {"states": documents.states, "ticks": documents.ticks},
                                "boards": {"states": boards.states, "ticks": boards.ticks},
                                "attempts": {"states": attempts.states, "ticks": attempts.ticks},
                                "enhance": self._studio.enhancing.version}
        if version == (asked or {}).get("known"):
            return news
        return {**news, "title": self._title(), "ended": self._ended(), "sound": settings.notify_sound,
                "browser": settings.notify_browser}

    def version(self) -> str:
        try:
            return self._studio.queue.version()
        except WgpError as error:
            log.warning("The state of the queue cannot be read: %s", error)
            return ""

    def _title(self) -> str:
        running = self._studio.queue.jobs(JobState.RUNNING, limit=1)
        return f"{overall_percent(running[0])} % · {NAME}" if running else NAME

    def _ended(self) -> dict[str, str]:
        ended = self._studio.queue.jobs(*FINISHED_STATES, limit=1)
        if not ended:
            return {"id": "", "title": "", "text": ""}
        job = ended[0]
        told = {JobState.DONE: "Your video is ready", JobState.FAILED: "A video could not be made",
                JobState.CANCELLED: "A job was cancelled"}
        return {"id": f"{job.id} {job.attempts}", "title": told[job.state], "text": short(job.request.prompt)}


def _build_id() -> str:
    """Changes with any file of the window: an open page goes on over a restart, but not over an update."""
    files = sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".js", ".css"))
    stamps = " ".join(f"{path.name} {path.stat().st_mtime_ns}" for path in files)
    return hashlib.sha256(stamps.encode()).hexdigest()[:16]


def build_live(studio: Studio) -> gr.HTML:
    """The component that holds the pulse; it fires `stage`, `jobs`, `models`, `documents`, `boards` and `attempts` when
    something changed."""
    pulse = Pulse(studio)

    def poll(asked: dict[str, Any]) -> dict[str, Any]:
        return pulse.poll(asked)

    return gr.HTML(MARKUP, elem_id="live", apply_default_css=False, js_on_load=asset("live.js"),
                   server_functions=[poll])
