from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from wgp_core.engines.base import MemoryPlan, RuntimeOptions
from wgp_core.errors import SettingsError
from wgp_core.hardware import Gpu
from wgp_core.models.choose import Machine, load_options, weights_gb
from wgp_core.models.options import LoadOptions, Precision, Quantization
from wgp_core.models.spec import Family, ModelSpec, Part, Task

WAN_14B = ModelSpec("wan-14b", "Wan 14B", Family.WAN, (Task.T2V,), "video", parts=(
    Part("transformer", 14_000_000_000, quantize=True), Part("text_encoder", 5_700_000_000, quantize=True),
    Part("vae", 127_000_000)))
TOY = replace(WAN_14B, id="toy", parts=(Part("transformer", 7_000_000, quantize=True), Part("vae", 2_000_000)))
CPU = Machine((), 16, lambda _index: (0, 0), lambda: False)
ADA = Machine((Gpu(0, "NVIDIA GeForce RTX 4090", 23.99, 23.0), Gpu(1, "NVIDIA GeForce RTX 3060", 12.0, 11.0)), 62.6,
              lambda index: ((8, 9), (8, 6))[index], lambda: True)


@pytest.fixture(autouse=True)
def precision_without_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The precision is chosen by asking torch about a card that this test machine does not have."""
    from wgp_core.models import precision

    real = precision.choose_precision
    monkeypatch.setattr(precision, "choose_precision", lambda device, wanted: (
        (Precision.BF16, "auto: a made-up card") if device.startswith("cuda") else real(device, wanted)))


def _load(runtime: RuntimeOptions, spec: ModelSpec = WAN_14B, machine: Machine = ADA, *, plan: str = "auto",
          request: str | None = None) -> LoadOptions:
    return load_options(runtime, MemoryPlan(profile=plan), request, spec, machine=machine)


def test_auto_on_a_card() -> None:
    options = _load(RuntimeOptions(preload_mb=900))
    assert (options.device, options.quantization, options.profile) == ("cuda:0", Quantization.INT8, "1")
    assert (options.attention, options.preload_mb) == ("sdpa", 900)
    assert {"device", "precision", "quantization", "profile", "attention"} <= set(options.reasons)
    assert all(options.reasons.values())
    assert "RTX 4090" in options.reasons["device"]


def test_auto_without_a_card() -> None:
    options = _load(RuntimeOptions(preload_mb=900), machine=CPU)
    assert (options.device, options.profile, options.quantization) == ("cpu", "", Quantization.INT8)
    assert options.preload_mb == 0


def test_auto_does_without_a_card_that_torch_cannot_use() -> None:
    options = _load(RuntimeOptions(), machine=replace(ADA, cuda_works=lambda: False))
    assert options.device == "cpu" and "torch cannot use it" in options.reasons["device"]


def test_auto_takes_8_bits_whatever_the_size() -> None:
    for machine in (CPU, ADA):
        options = _load(RuntimeOptions(), TOY, machine)
        assert options.quantization is Quantization.INT8
        assert "7 M weights" in options.reasons["quantization"]


def test_auto_leaves_a_model_without_parts_to_quantize() -> None:
    options = _load(RuntimeOptions(), replace(TOY, parts=(Part("vae", 2_000_000),)))
    assert options.quantization is Quantization.NONE
    assert "no part" in options.reasons["quantization"]


@pytest.mark.parametrize(("plan", "request_", "setting", "expected"), [
    ("5", "2", "1", "5"), ("auto", "2", "1", "2"), ("auto", None, "1", "1"), ("auto", "auto", "4.5", "4.5")])
def test_the_ladder_goes_before_the_request_and_the_request_before_the_setting(
        plan: str, request_: str | None, setting: str, expected: str) -> None:
    assert _load(RuntimeOptions(profile=setting), plan=plan, request=request_).profile == expected


def test_the_second_card_is_judged_by_its_own_memory() -> None:
    options = _load(RuntimeOptions(device="cuda:1"))
    assert options.profile == "2" and "12 GB VRAM" in options.reasons["profile"]


def test_fp8_needs_a_card_that_has_it(caplog: pytest.LogCaptureFixture) -> None:
    wish = RuntimeOptions(quantization="fp8")
    assert _load(wish).quantization is Quantization.FP8
    with caplog.at_level(logging.WARNING):
        for machine, device in ((ADA, "cuda:1"), (CPU, "cpu")):
            options = _load(replace(wish, device=device), machine=machine)
            assert options.quantization is Quantization.INT8
            assert "fp8 was asked for" in options.reasons["quantization"]
    assert len(caplog.records) == 2


def test_an_attention_package_that_is_missing_is_replaced_with_a_reason() -> None:
    options = _load(RuntimeOptions(attention="sage"))
    assert options.attention == "sdpa"
    assert "sageattention is not installed" in options.reasons["attention"]
    assert "NVIDIA" in _load(RuntimeOptions(attention="flash"), machine=CPU).reasons["attention"]


def test_a_device_or_profile_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(SettingsError, match="cuda:1"):
        _load(RuntimeOptions(device="cuda:7"))
    with pytest.raises(SettingsError, match="no NVIDIA GPU"):
        _load(RuntimeOptions(device="cuda:0"), machine=CPU)
    with pytest.raises(SettingsError, match="profile '9'"):
        _load(RuntimeOptions(profile="9"), machine=CPU)


def test_reasons_do_not_make_two_loads_different() -> None:
    asked = _load(RuntimeOptions(device="cuda:0"))
    auto = _load(RuntimeOptions())
    assert asked == auto and hash(asked) == hash(auto) and asked.reasons != auto.reasons


def test_weights_in_memory() -> None:
    assert weights_gb(WAN_14B, Precision.BF16, Quantization.NONE) == pytest.approx(36.9, abs=0.1)
    assert weights_gb(WAN_14B, Precision.BF16, Quantization.INT8) == pytest.approx(19.9, abs=0.5)


def test_this_machine_can_be_asked() -> None:
    assert load_options(RuntimeOptions(device="cpu"), MemoryPlan(), None, TOY).device == "cpu"
