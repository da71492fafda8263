from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from wgp_core.engines.base import Caption
from wgp_core.errors import EncoderMissingError, MediaError
from wgp_core.media import encode, ffmpeg, metadata, subtitles
from wgp_core.media.checks import FrameCheck, Verdict, frame_verdict
from wgp_core.media.images import load_image, save_jpeg
from wgp_core.media.probe import count_frames, probe, read_frames

OPTIONS = encode.EncodeOptions(64, 48, 16)


def clip(count: int = 20) -> list[np.ndarray]:
    frames = []
    for index in range(count):
        frame = np.full((48, 64, 3), 60, np.uint8)
        frame[10:20, index:index + 12] = (240, 120, 20)
        frames.append(frame)
    return frames


def test_encoded_frames_come_back_in_order_and_close(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    assert encode.encode(iter(clip()), path, OPTIONS) == 20
    back = list(read_frames(path))
    assert len(back) == 20
    errors = [np.abs(a.astype(int) - b.astype(int)).mean() for a, b in zip(clip(), back, strict=True)]
    assert max(errors) < 4


def test_h264_starts_fast_and_plays_everywhere(tmp_path: Path) -> None:
    encode.encode(iter(clip()), tmp_path / "a.mp4", OPTIONS)
    metadata.write_video(tmp_path / "a.mp4", tmp_path / "b.mp4", {"wgp_manifest": 1}, title="t")
    data = (tmp_path / "b.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert probe(tmp_path / "b.mp4").pixel_format == "yuv420p"


@pytest.mark.parametrize("frames", [[], [np.zeros((4, 4, 3), np.uint8)], [np.zeros((48, 64, 3), np.float32)]])
def test_wrong_frames_are_refused_and_leave_no_file(tmp_path: Path, frames: list) -> None:
    with pytest.raises(MediaError):
        encode.encode(iter(frames), tmp_path / "a.mp4", OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_what_the_iterator_raises_passes_through(tmp_path: Path) -> None:
    def broken():
        yield clip(1)[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        encode.encode(broken(), tmp_path / "a.mp4", OPTIONS)
    assert list(tmp_path.iterdir()) == []


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) |
                           st.dictionaries(st.text(), inner), max_leaves=12)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example(manifest={}, title="\\")
@given(manifest=st.dictionaries(st.text(), json_values),
       title=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_manifest_comes_back(tmp_path: Path, manifest: dict, title: str) -> None:
    manifest = {**manifest, "wgp_manifest": 1}
    source = tmp_path / "a.mp4"
    if not source.exists():
        encode.encode(iter(clip(2)), source, OPTIONS)
    metadata.write_video(source, tmp_path / "b.mp4", manifest, title=title)
    assert metadata.read_manifest(tmp_path / "b.mp4") == manifest


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".gif"])
def test_a_long_manifest_comes_back(tmp_path: Path, suffix: str) -> None:
    manifest = {"wgp_manifest": 1, "long": "=;#\\\n é" * 40_000}
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    if suffix == ".gif":
        encode.encode_gif(iter(clip()), source, 16)
        metadata.write_gif(source, target, manifest)
    else:
        encode.encode(iter(clip()), source, OPTIONS)
        metadata.write_video(source, target, manifest, title="x")
    assert metadata.read_manifest(target) == manifest
    assert count_frames(target) == 20


def test_files_without_settings_have_none_and_damaged_ones_say_so(tmp_path: Path) -> None:
    encode.encode(iter(clip()), tmp_path / "a.mp4", OPTIONS)
    assert metadata.read_manifest(tmp_path / "a.mp4") is None
    (tmp_path / "b.mp4").write_text("no video")
    (tmp_path / "c.gif").write_text("no picture")
    for name in ("b.mp4", "c.gif", "missing.mp4"):
        with pytest.raises(MediaError):
            metadata.read_manifest(tmp_path / name)
    with pytest.raises(MediaError):
        probe(tmp_path / "b.mp4")


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    encode.encode(iter(clip(2)), tmp_path / "secret.mp4", OPTIONS)
    for name in ("list.mp4", "list.m3u8"):
        (tmp_path / name).write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'secret.mp4'}\n")
        for read in (probe, metadata.read_manifest, lambda path: list(read_frames(path))):
            with pytest.raises(MediaError):
                read(tmp_path / name)


def test_an_ffmpeg_that_cannot_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    ffmpeg.binary.cache_clear()
    try:
        with pytest.raises(EncoderMissingError, match="No ffmpeg"):
            ffmpeg.binary()
    finally:
        monkeypatch.delenv("IMAGEIO_FFMPEG_EXE")
        ffmpeg.binary.cache_clear()


def test_publishing_never_replaces(tmp_path: Path) -> None:
    final = tmp_path / "a.mp4"
    told: list[str] = []
    for text in ("one", "two", "three"):
        part = encode.part_path(final)
        part.write_text(text)
        encode.publish(part, final, before=lambda path: told.append(path.name))
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "a.mp4": "one", "a_2.mp4": "two", "a_3.mp4": "three"}
    assert told[:3] == ["a.mp4", "a.mp4", "a_2.mp4"]


def test_parts_of_dead_processes_are_swept_and_those_of_living_ones_are_not(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    dead = tmp_path / f".video.part1-{child.pid}.mp4"
    living = encode.part_path(tmp_path / "video.mp4")
    other = tmp_path / ".hidden.mp4"
    for path in (dead, living, other):
        path.write_text("x")
    assert encode.sweep_parts(tmp_path) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([living.name, other.name])


# -- pictures -------------------------------------------------------------------------------------------------------


def test_pictures_come_in_upright_and_as_rgb(tmp_path: Path) -> None:
    wide = Image.new("RGB", (40, 20), "red")
    wide.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    wide.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    turned = load_image(tmp_path / "turned.jpg")
    assert turned.shape == (40, 20, 3)
    assert turned[5, 10, 2] > 200 and turned[35, 10, 0] > 200

    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    assert load_image(tmp_path / "print.jpg")[4, 4].tolist()[0] > 180
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load_image(tmp_path / "clear.png")[4, 4].tolist() == [255, 255, 255]
    Image.new("L", (8, 8), 77).save(tmp_path / "grey.png")
    assert load_image(tmp_path / "grey.png")[0, 0].tolist() == [77, 77, 77]


def test_what_is_no_picture_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_text("nothing")
    Image.new("RGB", (200, 200)).save(tmp_path / "b.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "b.png").read_bytes()[:120])
    for name, words in (("a.png", "not a picture"), ("half.png", "damaged|not a picture"), ("none.png", "no picture")):
        with pytest.raises(MediaError, match=words):
            load_image(tmp_path / name)
    monkeypatch.setattr("wgp_core.media.images.MAX_IMAGE_PIXELS", 100)
    with pytest.raises(MediaError, match="200 x 200"):
        load_image(tmp_path / "b.png")


def test_a_poster_is_scaled_and_whole(tmp_path: Path) -> None:
    save_jpeg(np.zeros((100, 400, 3), np.uint8), tmp_path / "deep" / "p.jpg", longest=100)
    assert Image.open(tmp_path / "deep" / "p.jpg").size == (100, 25)
    assert len(list((tmp_path / "deep").iterdir())) == 1


# -- frame checks and subtitles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frame", "verdict"), [
    (np.zeros((64, 64, 3)), Verdict.BLACK),
    (np.full((64, 64, 3), 253), Verdict.BLANK),
    (np.full((64, 64, 3), 120), Verdict.FINE),
    (np.random.default_rng(0).integers(0, 12, (64, 64, 3)), Verdict.BLACK),
    (np.random.default_rng(0).integers(0, 256, (64, 64, 3)), Verdict.FINE),
])
def test_verdicts(frame: np.ndarray, verdict: Verdict) -> None:
    assert frame_verdict(frame.astype(np.uint8)) is verdict


def test_a_dark_scene_with_a_lamp_and_a_fade_are_no_failures() -> None:
    night = np.zeros((64, 64, 3), np.uint8)
    night[20:30, 20:30] = 220
    assert frame_verdict(night) is Verdict.FINE
    check = FrameCheck(every=1)
    for index in range(20):
        check.look(index, np.full((64, 64, 3), 0 if index < 8 else 120, np.uint8))
    assert check.verdict is Verdict.FINE


@given(st.lists(st.tuples(st.floats(0, 90_000), st.text(min_size=1)), max_size=5))
def test_subtitles_keep_their_shape_whatever_is_said(spoken: list) -> None:
    captions = [Caption(start, start + 1, text) for start, text in spoken]
    said = sum(bool(caption.text.strip()) for caption in captions)
    blocks = subtitles.srt(captions).split("\n\n") if said else []
    assert len(blocks) == said
    assert subtitles.srt(captions).count("-->") == subtitles.vtt(captions).count("-->") == said
