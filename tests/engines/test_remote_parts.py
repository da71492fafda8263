"""Prices, schemas, addresses and file kinds of remote models, without a service."""

from __future__ import annotations

import pytest
from replicate_service import choices, schema

from wgp_core.engines.remote import prices
from wgp_core.engines.remote.client import check_url
from wgp_core.engines.remote.prices import Price, Unit, Used
from wgp_core.engines.remote.results import kind_of
from wgp_core.engines.remote.schema import Input, Inputs, Makes, fill
from wgp_core.errors import RequestError, SettingsError
from wgp_core.request import VideoRequest


def filled(inputs: dict, required: tuple[str, ...] = ("prompt",), **fields):
    start = {"width": 1280, "height": 720, "fps": 24, "frames": 120, "seed": 7}
    return fill(Inputs.read(schema(inputs, required)), VideoRequest("a car", **{**start, **fields}), "the model")


def test_prices_are_read_as_people_write_them() -> None:
    read = prices.parse("a/b 0.07 per second; c/d-1.5: $0.055/image\n e/f = .1 a run; g/h 0.000975 compute-second;")
    assert read == {"a/b": Price(0.07, Unit.SECOND), "c/d-1.5": Price(0.055, Unit.IMAGE), "e/f": Price(0.1, Unit.RUN),
                    "g/h": Price(0.000975, Unit.COMPUTE_SECOND)}
    for wrong in ("a/b cheap", "a/b 5", "0.07 per second", "a/b 1 per megapixel"):
        with pytest.raises(SettingsError, match="remote_prices"):
            prices.parse(wrong)


@pytest.mark.parametrize(("price", "told"), [
    (Price(0.07, Unit.SECOND), ("About $0.35 for a/b (5 s at $0.07).", "It cost about $0.28 (4 s at $0.07).")),
    (Price(0.055, Unit.IMAGE), ("About $0.055 for a/b (1 image at $0.055).",
                                "It cost about $0.11 (2 images at $0.055).")),
    (Price(0.1, Unit.RUN), ("About $0.10 for a/b (one run).", "It cost about $0.10 (one run).")),
    (Price(0.001, Unit.COMPUTE_SECOND), (
        "a/b costs $0.001 a second of computing; how many it takes is known afterwards.",
        "It cost about $0.0125 (12.5 s of computing at $0.001).")),
    (None, ("The price of a/b is not known here; see https://replicate.com/a/b, and note it in remote_prices.",
            "What it cost is not known here; see https://replicate.com/account/billing. It computed for 12.5 s."))])
def test_costs_in_words(price: Price | None, told: tuple[str, str]) -> None:
    assert prices.before("a/b", price, Used(images=1, seconds=5)) == told[0]
    assert prices.after("a/b", price, Used(images=2, seconds=4, compute_s=12.5)) == told[1]


def test_what_is_not_measured_is_not_invented() -> None:
    assert "is known afterwards" in prices.before("a/b", Price(0.07, Unit.SECOND), Used())
    assert "not known" in prices.after("a/b", Price(0.001, Unit.COMPUTE_SECOND), Used(images=1))


@pytest.mark.parametrize(("size", "inputs", "expected"), [
    ((1280, 720), {"size": choices("832*480", "1280*720", "720*1280")}, {"size": "1280*720"}),
    ((700, 1300), {"size": choices("832*480", "1280*720", "720*1280")}, {"size": "720*1280"}),
    ((1920, 1080), {"resolution": choices("480p", "1080p")}, {"resolution": "1080p"}),
    ((640, 360), {"quality": choices("Turbo (360p)", "540p")}, {"quality": "Turbo (360p)"}),
    ((1000, 1000), {"aspect_ratio": choices("match_input_image", "16:9", "1:1")}, {"aspect_ratio": "1:1"}),
    ((1000, 500), {"width": {"type": "integer", "maximum": 800}, "height": {"type": "integer", "minimum": 512}},
     {"width": 800, "height": 512})])
def test_sizes_by_whatever_names_there_are(size: tuple[int, int], inputs: dict, expected: dict) -> None:
    made = filled(inputs, width=size[0], height=size[1], seed=-1)
    assert made.values == {"prompt": "a car", **expected}
    assert bool(made.notes) is (size not in ((1280, 720), (1920, 1080), (640, 360), (1000, 1000)))


def test_lengths_by_whatever_names_there_are() -> None:
    assert filled({"duration": choices("5s", "10s")}, frames=220).values["duration"] == "10s"
    assert filled({"duration": {"type": "integer", "maximum": 10, "minimum": 3}}, frames=24 * 30).seconds == 10
    made = filled({"num_frames": {"type": "integer", "multipleOf": 4}, "fps": {"type": "integer", "maximum": 16}})
    assert (made.values["num_frames"], made.values["fps"], made.seconds) == (80, 16, 5.0)
    assert "chooses its own" in " ".join(filled({"fps": {"type": "integer"}}).notes)
    left = filled({"duration": {**choices(5, 10, kind="integer"), "default": 5}}, frames=None)
    assert "duration" not in left.values and left.seconds == 5


def test_seeds_fit_into_31_bits() -> None:
    made = filled({"seed": {"type": "integer"}}, seed=2**32 - 1)
    assert made.values["seed"] == 2**31 - 1 and any("seed 4294967295 became" in note for note in made.notes)
    assert filled({"seed": {"type": "integer", "maximum": 9}}, seed=13).values["seed"] == 3


def test_what_a_model_makes_and_needs() -> None:
    assert Inputs.read(schema({"width": {"type": "integer"}})).makes is Makes.IMAGE
    assert Inputs.read(schema({"duration": choices(5, 8)})).makes is Makes.VIDEO
    assert Inputs.read(schema({"cfg_scale": {"type": "number"}, "tail_image": {"type": "string"}})).uses == {
        "guidance", "end_image"}
    with pytest.raises(ValueError, match="no inputs"):
        Inputs.read({"components": {}})
    with pytest.raises(RequestError, match="takes no prompt"):
        fill(Inputs({"image": Input("image")}), VideoRequest("a car"), "the model")
    nullable = {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]}
    assert Inputs.read(schema({"seed": nullable})).by_name["seed"] == Input("seed", "integer", high=9)


@pytest.mark.parametrize(("head", "kind"), [
    (b"\x00\x00\x00\x20ftypisom\x00\x00\x00\x00", ".mp4"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"GIF89a", ".gif"),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", ".webp"), (b"\x1aE\xdf\xa3", ".webm"), (b"#EXTM3U\nfile:///x", ""), (b"", "")])
def test_files_are_known_by_their_first_bytes(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind


def test_addresses() -> None:
    assert check_url("") == "https://api.replicate.com"
    assert check_url("http://[::1]:8000/") == "http://[::1]:8000"
    for wrong in ("http://example.com", "ftp://example.com", "example.com", "https://me:secret@example.com", "http://"):
        with pytest.raises(SettingsError, match="remote_url"):
            check_url(wrong)
