"""Between the steps: estimates, previews, kept latents, strengths, heartbeats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from wgp_core.engines.diffusion import previews
from wgp_core.engines.diffusion.steps import KeptLatents, Reporter, StepWatch, clean_estimate, heartbeat
from wgp_core.errors import Cancelled
from wgp_core.events import CancelToken, Progress
from wgp_core.models.spec import Family


def flow_scheduler(steps: int = 4) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(steps)
    return scheduler


def test_the_line_through_two_samples_ends_at_the_picture() -> None:
    scheduler = flow_scheduler()
    clean, noise = torch.randn(1, 4, 3, 2, 2), torch.randn(1, 4, 3, 2, 2)
    at = [(1 - float(s)) * clean + float(s) * noise for s in scheduler.sigmas]
    assert torch.allclose(clean_estimate(scheduler, at[1], at[2], 1), clean, atol=1e-4)
    assert clean_estimate(scheduler, None, at[1], 0) is at[1]


def test_kept_latents_end_clean_and_leave_the_rest() -> None:
    kept = KeptLatents(torch.ones(1, 4, 2, 3, 3), torch.randn(1, 4, 2, 3, 3))
    latents = torch.randn(1, 4, 5, 3, 3)
    put = kept.put(latents, 0.0)
    assert torch.equal(put[:, :, :2], torch.ones(1, 4, 2, 3, 3)) and torch.equal(put[:, :, 2:], latents[:, :, 2:])
    assert torch.allclose(kept.put(latents, 1.0)[:, :, :2], kept.noise)


def test_a_fit_finds_the_colours_of_a_linear_encoder() -> None:
    torch.manual_seed(0)
    mix = torch.randn(16, 3)

    def encode(video: torch.Tensor) -> torch.Tensor:
        small = torch.nn.functional.avg_pool3d(video, (1, 8, 8))[:, :, :1]
        return torch.einsum("bcthw,kc->bkthw", small, mix)

    preview = previews.fit(encode, previews.WAN)
    red = torch.full((1, 3, 1, 64, 64), -1.0)
    red[:, 0] = 1.0
    mean = preview.picture(encode(red)).reshape(-1, 3).mean(axis=0)
    assert mean[0] > 220 and mean[1] < 35 and mean[2] < 35


def test_main_directions_stand_in_where_nothing_can_be_encoded() -> None:
    def encode(video: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    preview = previews.make(encode, previews.space_of(Family.LTX, 128))
    assert isinstance(preview, previews.MainDirections)
    picture = preview.picture(torch.randn(1, 128, 2, 3, 5))
    assert picture.dtype == np.uint8 and max(picture.shape) <= previews.LONGEST and picture.std() > 10


def test_the_callback_reports_sets_strengths_and_stops() -> None:
    told: list[Progress] = []
    cancel = CancelToken()
    calls: list[tuple[int, int]] = []

    class Strengths:
        def at_step(self, step: int, phase: int) -> None:
            calls.append((step, phase))

    class Pipe:
        scheduler = flow_scheduler(4)

    watch = StepWatch(Reporter(told.append, cancel, 8), lambda latents: latents, first=4, steps=4, words="Window 2: ",
                      preview=previews.MainDirections(), loras=Strengths(),
                      boundary=float(Pipe.scheduler.timesteps[2]) + 1)
    latents = torch.randn(1, 16, 3, 4, 4)
    for step in range(4):
        watch(Pipe, step, Pipe.scheduler.timesteps[step], {"latents": latents})
    assert calls == [(1, 0), (2, 1), (3, 1)]
    assert [(event.step, event.total) for event in told] == [(5, 8), (6, 8), (7, 8), (8, 8)]
    assert told[0].message == "Window 2: step 1 of 4" and told[0].preview.shape[2] == 3
    cancel.cancel()
    with pytest.raises(Cancelled):
        watch(Pipe, 0, 0, {"latents": latents})


def test_a_heartbeat_stops_a_model_between_its_blocks() -> None:
    cancel = CancelToken()
    seen: list[int] = []

    class Blocks(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = torch.nn.ModuleList(torch.nn.Linear(2, 2) for _ in range(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for number, block in enumerate(self.blocks):
                x = block(x)
                seen.append(number)
                if number == 1:
                    cancel.cancel()
            return x

    model = Blocks()
    with pytest.raises(Cancelled), heartbeat({"transformer": model}, Reporter(lambda _: None, cancel, 1)):
        model(torch.zeros(1, 2))
    assert seen == [0, 1]
    model(torch.zeros(1, 2))
