from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.errors import SettingsError
from wgp_core.models.profiles import NAMES, TABLE, Pinning, by_name, choose_profile, offload_call
from wgp_core.request import VRAM_PROFILES

WAN_22 = ("transformer", "transformer_2", "text_encoder", "vae")
SMALL = {"transformer": 100, "transformer_2": 100, "text_encoder": 100, "*": 3000}


def test_the_table_has_each_profile_that_can_be_asked_for() -> None:
    assert tuple(TABLE) == NAMES == tuple(name for name in VRAM_PROFILES if name != "auto")


@pytest.mark.parametrize(("name", "base", "pinned", "budgets", "async_transfers"), [
    ("1", 1, True, None, True),
    ("2", 2, True, SMALL, True),
    ("3", 3, ["transformer", "transformer_2"], {"*": 17203}, True),
    ("3.5", 3, False, {"*": 17203}, True),
    ("4", 4, ["transformer", "transformer_2"], SMALL, True),
    ("4.5", 4, ["transformer"], SMALL, False),
    ("5", 5, False, {**SMALL, "*": 1000}, True),
])
def test_each_profile_as_mmgp_is_told(name: str, base: int, pinned: object, budgets: object,
                                      async_transfers: bool) -> None:
    call = offload_call(by_name(name), WAN_22, vram_gb=24)
    assert call.base == base
    assert call.kwargs() == {
        "pinnedMemory": pinned, "budgets": budgets, "asyncTransfers": async_transfers, "partialPinning": False,
        "quantizeTransformer": False, "extraModelsToQuantize": [], "convertWeightsFloatTo": None}


def test_preload_replaces_the_small_budgets_only() -> None:
    budgets = offload_call(by_name("4"), WAN_22, vram_gb=12, preload_mb=5000).budgets_mb
    assert budgets == {"transformer": 5000, "transformer_2": 5000, "text_encoder": 5000, "*": 3000}
    assert offload_call(by_name("1"), WAN_22, vram_gb=24, preload_mb=5000).budgets_mb is None
    assert offload_call(by_name("3"), WAN_22, vram_gb=24, preload_mb=5000).budgets_mb == {"*": 17203}


def test_a_pipeline_without_a_denoiser_pins_none() -> None:
    assert offload_call(by_name("4"), ("vae",), vram_gb=12).kwargs()["pinnedMemory"] is False


@given(st.sampled_from(NAMES), st.sets(st.sampled_from((*WAN_22, "unet", "image_encoder"))), st.floats(4, 160),
       st.integers(0, 40_000))
def test_no_call_pins_or_budgets_what_is_not_there(name: str, parts: set[str], vram_gb: float, preload: int) -> None:
    kwargs = offload_call(by_name(name), sorted(parts), vram_gb=vram_gb, preload_mb=preload).kwargs()
    pinned, budgets = kwargs["pinnedMemory"], kwargs["budgets"]
    assert isinstance(pinned, bool) or (pinned and set(pinned) <= parts)
    assert budgets is None or (set(budgets) - {"*"} <= parts and all(mb > 0 for mb in budgets.values()))


@pytest.mark.parametrize(("vram", "ram", "expected"), [
    (139, 128, "1"), (23.99, 62.6, "1"), (23.99, 31.2, "3"), (24, 16, "3.5"), (12, 64, "2"), (11.99, 31.3, "4"),
    (16, 32, "4"), (12, 24, "5"), (10, 64, "5"), (8, 16, "5")])
def test_auto_reads_the_card_and_the_ram(vram: float, ram: float, expected: str) -> None:
    choice = choose_profile("auto", vram_gb=vram, ram_gb=ram)
    assert choice.name == expected
    assert f"{vram:.0f} GB VRAM" in choice.reason and f"{ram:.0f} GB RAM" in choice.reason


def test_auto_streams_nothing_that_fits() -> None:
    assert choose_profile("auto", vram_gb=12, ram_gb=32, weights_gb=5).name == "1"
    assert choose_profile("auto", vram_gb=12, ram_gb=16, weights_gb=5).name == "3.5"
    assert choose_profile("auto", vram_gb=12, ram_gb=32, weights_gb=20).name == "4"


@given(st.floats(4, 200), st.floats(4, 1000), st.floats(0, 100))
def test_more_memory_never_gives_a_thriftier_profile(vram: float, ram: float, weights: float) -> None:
    here = TABLE[choose_profile("auto", vram_gb=vram, ram_gb=ram, weights_gb=weights).name]
    more = TABLE[choose_profile("auto", vram_gb=vram * 1.5, ram_gb=ram * 1.5, weights_gb=weights).name]
    assert more.budgets.streams <= here.budgets.streams
    assert (more.pinning is Pinning.NONE) <= (here.pinning is Pinning.NONE)


def test_an_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"'6'.*4\.5"):
        choose_profile("6", vram_gb=24, ram_gb=64)
