from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.hardware import Gpu
from wgp_core.models.options import LoadOptions, Precision, Quantization
from wgp_core.models.preflight import Estimate, PastRun, Room, estimate, fit_warnings
from wgp_core.models.profiles import NAMES
from wgp_core.models.spec import Family, ModelSpec, Part, Task
from wgp_core.request import VideoRequest

T5 = Part("text_encoder", 5_700_000_000, quantize=True)
VAE = Part("vae", 127_000_000)
WAN_1B = ModelSpec("wan-1.3b", "Wan 1.3B", Family.WAN, (Task.T2V,), "",
                   parts=(Part("transformer", 1_420_000_000, quantize=True), T5, VAE))
WAN_14B = replace(WAN_1B, id="wan-14b", parts=(Part("transformer", 14_290_000_000, quantize=True), T5, VAE))
ASKED = VideoRequest("a boat", width=832, height=480, frames=81, steps=30)
CARD = LoadOptions("cuda:0", Precision.BF16, Quantization.INT8, "4")


def _estimate(spec: ModelSpec = WAN_14B, request: VideoRequest = ASKED, options: LoadOptions = CARD,
              **more: object) -> Estimate:
    return estimate(spec, request, options_hint=options, **more)  # type: ignore[arg-type]


def test_a_large_model_is_streamed_through_a_small_card() -> None:
    small = _estimate()
    whole = _estimate(options=replace(CARD, profile="1"))
    plain = _estimate(options=replace(CARD, profile="1", quantization=Quantization.NONE))
    assert small.vram_gb < 12 < whole.vram_gb < 24 < plain.vram_gb
    assert small.ram_gb == whole.ram_gb < plain.ram_gb
    assert 19 < whole.ram_gb < 25


def test_on_the_cpu_everything_is_ram() -> None:
    found = _estimate(WAN_1B, options=LoadOptions("cpu", Precision.BF16, Quantization.INT8))
    assert found.vram_gb == 0 and found.ram_gb > 7


@given(st.sampled_from(NAMES), st.integers(16, 80), st.integers(16, 80), st.integers(1, 40))
def test_more_pixels_or_frames_never_need_less(profile: str, width: int, height: int, frames: int) -> None:
    options = replace(CARD, profile=profile)
    base = ASKED.with_(width=16 * width, height=16 * height, frames=4 * frames + 1)
    here = _estimate(request=base, options=options)
    for more in (base.with_(width=32 * width), base.with_(frames=8 * frames + 1)):
        assert _estimate(request=more, options=options).vram_gb >= here.vram_gb
    assert _estimate(request=base, options=options, vae_tiling=True).vram_gb <= here.vram_gb


@given(st.sampled_from((WAN_1B, WAN_14B)))
def test_lower_profiles_need_no_more_of_the_card(spec: ModelSpec) -> None:
    room = Room(Gpu(0, "card", 24, 24))
    needs = [_estimate(spec, options=replace(CARD, profile=name), room=room).vram_gb for name in ("1", "2", "4", "5")]
    assert needs == sorted(needs, reverse=True)


def test_time_comes_from_earlier_runs_of_the_same_model() -> None:
    assert _estimate().seconds is None and "no earlier run" in _estimate().basis
    half = PastRun("wan-14b", 832, 480, 81, 15, 300.0, "cuda:0")
    others = (PastRun("wan-1.3b", 832, 480, 81, 15, 1.0, "cuda:0"), replace(half, device="cpu", seconds=9000))
    found = _estimate(history=(half, *others))
    assert found.seconds == pytest.approx(600)
    assert "one earlier run" in found.basis
    smaller = ASKED.with_(width=416, height=240)
    assert _estimate(request=smaller, history=(half,)).seconds == pytest.approx(150)
    slow_once = (half, half, replace(half, seconds=3000))
    assert _estimate(history=slow_once).seconds == pytest.approx(600)


def test_open_fields_take_the_models_defaults() -> None:
    assert _estimate(request=VideoRequest("a boat")) == _estimate()
    assert "33 frames" in _estimate(request=VideoRequest("a boat", seconds=2, fps=16.5)).basis  # type: ignore[arg-type]


def test_the_first_load_writes_a_quantized_copy() -> None:
    assert _estimate(quantized_on_disk=False).disk_gb - _estimate().disk_gb == pytest.approx(20, abs=1)
    plain = replace(CARD, quantization=Quantization.NONE)
    assert _estimate(options=plain, quantized_on_disk=False).disk_gb == _estimate(options=plain).disk_gb


def test_what_does_not_fit_is_said_in_plain_words() -> None:
    needed = Estimate(20, 30, 50, None, "")
    card = Gpu(0, "RTX 3060", 12, 11)
    tight = fit_warnings(needed, Room(card, 16, 8, 10))
    assert len(tight) == 3
    assert tight[0].startswith("This needs about 20.0 GB of VRAM and RTX 3060 has 12 GB.")
    busy = fit_warnings(needed, Room(replace(card, total_gb=24, free_gb=3), 64, 10, 100))
    assert ["Close" in line for line in busy] == [True, True]
    assert fit_warnings(needed, Room(replace(card, total_gb=24, free_gb=23), 64, 60, 100)) == ()
    assert _estimate(options=replace(CARD, profile="1"), room=Room(card)).warnings


def test_this_machine_has_room() -> None:
    room = Room.here("cpu", disk_free_gb=5)
    assert room.gpu is None and room.ram_total_gb and room.ram_total_gb >= (room.ram_free_gb or 0) > 0
