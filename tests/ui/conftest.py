"""A studio without workers: real settings, store and queue in the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wgp_core.context import Studio, build_studio
from wgp_core.paths import Paths
from wgp_core.request import VideoRequest
from wgp_core.result import VideoResult


@pytest.fixture
def studio(paths: Paths) -> Iterator[Studio]:
    built = build_studio(paths)
    yield built
    built.close()


@pytest.fixture
def add_video(studio: Studio):
    """Put a video into the library, as a script would."""

    def add(prompt: str, *, seed: int = 7, frames: int = 60, engine: str = "explainer", **extra):
        path = Path(studio.paths.outputs) / f"{prompt.replace(' ', '-')}.mp4"
        path.write_bytes(b"\0" * 2048)
        asked = VideoRequest(prompt=prompt)
        effective = asked.with_(seed=seed, width=640, height=360, fps=30, frames=frames)
        return studio.store.library.add(VideoResult(
            path=path, request=effective, asked=asked, engine=engine, width=640, height=360, fps=30, frames=frames,
            timings_s={"render": 11.2, "encode": 1.8}, **extra))

    return add
