"""Pictures that share a batch: the same as alone, for every family that makes pictures; alone where memory ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from wgp_core.engines.base import RenderSession
from wgp_core.engines.diffusion.engine import DiffusionEngine
from wgp_core.engines.diffusion.rendering import Rendering
from wgp_core.engines.explainer.engine import ExplainerEngine
from wgp_core.engines.registry import EngineRegistry
from wgp_core.errors import EngineMemoryError
from wgp_core.events import Progress
from wgp_core.generate import GenerationContext, generate_video
from wgp_core.hardware import Gpu
from wgp_core.media.images import load_image
from wgp_core.models.catalog import by_id
from wgp_core.models.manager import process_manager
from wgp_core.models.options import LoadOptions
from wgp_core.models.preflight import MOST_PICTURES, Room, pictures_at_once
from wgp_core.models.toy import write_toy
from wgp_core.paths import Paths
from wgp_core.request import EngineChoice, OutputOptions, StepCache, VideoRequest
from wgp_core.settings import Settings

torch.set_num_threads(1)
WORDS = ("a red car", "a small blue house beside the sea at night, seen from far away", "two birds")


@pytest.fixture
def engine(paths: Paths) -> Iterator[DiffusionEngine]:
    yield DiffusionEngine(paths)
    process_manager().release_all()


def asks(kind: str, **fields: object) -> list[VideoRequest]:
    start = {"model": kind, "engine": EngineChoice.DIFFUSION, "width": 64, "height": 64, "frames": 1, "fps": 8,
             "steps": 2, "guidance": 3.0, "flow_shift": 3.0, "fallback_local_on_fail": False}
    return [VideoRequest(words, seed=7 + number, negative_prompt="blur, fog" if number else "blur",
                         **{**start, **fields})  # type: ignore[arg-type]
            for number, words in enumerate(WORDS)]


@pytest.mark.parametrize("kind", ["wan", "wan-ti2v", "sdxl", "flux"])
def test_a_picture_of_a_batch_is_the_one_made_alone(engine: DiffusionEngine, paths: Paths, kind: str) -> None:
    write_toy(paths.ckpts / kind, kind)
    requests = asks(kind)
    alone = [next(engine.render(one, RenderSession()).frames) for one in requests]
    told: list[Progress] = []
    first, *rest = [engine.render(one, RenderSession(ahead=tuple(requests[number + 1:]), on_progress=told.append))
                    for number, one in enumerate(requests[:1])]
    made = [next(first.frames)]
    first.frames.close()  # type: ignore[attr-defined]
    assert first.facts["pictures together"] == "3" and not rest
    assert any("3 pictures together: step 2 of 2" in event.message for event in told)
    before = len(told)
    made += [next(engine.render(one, RenderSession(on_progress=told.append)).frames) for one in requests[1:]]
    assert len(told) == before, "they were ready"
    for one, other in zip(alone, made, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 3
    assert np.abs(alone[0].astype(int) - alone[1]).max() > 10
    again = engine.render(requests[1], RenderSession())
    assert "pictures together" not in again.facts, "what was given is made anew"


def test_only_what_differs_in_words_and_seed_shares_a_batch(engine: DiffusionEngine, paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    context = GenerationContext(paths, Settings(), EngineRegistry([engine, ExplainerEngine(paths)]))
    first, second, third = asks("wan")
    others = [second, third.with_(negative_prompt=""), third.with_(steps=3), third.with_(width=96),
              third.with_(frames=5), third.with_(seed=-1)]
    made = generate_video(first, context, ahead=others)
    assert made.facts["pictures together"] == "2"
    named = second.with_(output=OutputOptions(path=paths.outputs / "mine.png"))
    assert generate_video(named, context).facts["pictures together"] == "2"
    cached = first.with_(step_cache=StepCache.FIRST_BLOCK)
    assert "pictures together" not in generate_video(cached, context, ahead=[second.with_(
        step_cache=StepCache.FIRST_BLOCK)]).facts


def test_where_memory_runs_out_each_is_made_alone(engine: DiffusionEngine, paths: Paths,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    context = GenerationContext(paths, Settings(), EngineRegistry([engine, ExplainerEngine(paths)]))
    window = Rendering._window

    def small_card(self: Rendering, *args: object) -> np.ndarray:
        if self.others:
            raise EngineMemoryError("CUDA out of memory.")
        return window(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Rendering, "_window", small_card)
    first, second, third = asks("wan")
    made = generate_video(first, context, ahead=[second, third])
    assert "pictures together" not in made.facts and load_image(made.path).shape == (64, 64, 3)
    assert not made.warnings


def test_how_many_fit_follows_the_memory() -> None:
    sdxl = by_id("sdxl-base-1.0")
    still = VideoRequest("a fox", width=1024, height=1024, frames=1)

    def fit(free_gb: float, side: int = 1024) -> int:
        room = Room(Gpu(0, "card", 24.0, free_gb), 64, 32)
        return pictures_at_once(sdxl, still.with_(width=side, height=side), room=room,
                                options_hint=LoadOptions(device="cuda:0", profile="3"))

    assert fit(0.2) == 1 and fit(4) > 1 and fit(16) <= MOST_PICTURES
    assert fit(2) <= fit(8) and fit(2, 2048) <= fit(2, 512)
    assert pictures_at_once(sdxl, still, options_hint=LoadOptions(device="cpu"), room=Room()) == 1
