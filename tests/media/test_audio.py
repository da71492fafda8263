"""Soundtracks and cross-fades, with real files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from wgp_core.errors import MediaError
from wgp_core.media import audio, encode, ffmpeg
from wgp_core.media.crossfade import joined, overlap_frames
from wgp_core.media.metadata import read_manifest, write_video
from wgp_core.media.probe import count_frames, probe


def sound(path: Path, seconds: float, level: float = 0.05, *more: str) -> Path:
    subprocess.run(ffmpeg.command("-y", "-f", "lavfi", "-i", f"sine=frequency=330:duration={seconds}", "-af",
                                  f"volume={level}", *more, str(path)), check=True)
    return path


def film(path: Path, frames: int = 40, fps: int = 10) -> Path:
    pictures = (np.full((64, 64, 3), 20 + i, np.uint8) for i in range(frames))
    encode.encode(pictures, path, encode.EncodeOptions(64, 64, fps))
    return path


def samples(path: Path) -> np.ndarray:
    raw = ffmpeg.run([*ffmpeg.reading(path), "-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", "8000", "-f", "f32le",
                      "-"], what="decode")
    return np.frombuffer(raw, np.float32)


@pytest.mark.parametrize(("name", "seconds", "level"), [("a.wav", 30, 0.02), ("short.flac", 1.3, 1.0),
                                                       ("b.m4a", 5, 0.2)])
def test_any_length_and_loudness_becomes_the_videos(tmp_path: Path, name: str, seconds: float, level: float) -> None:
    track, mute, out = sound(tmp_path / name, seconds, level), film(tmp_path / "v.mp4", 120), tmp_path / "out.mp4"
    audio.add(mute, track, out, 12)
    assert count_frames(out) == 120 and abs(probe(out).seconds - 12) < 0.1
    heard = samples(out)
    assert abs(len(heard) / 8000 - 12) < 0.1
    middle = np.sqrt((heard[3 * 8000:9 * 8000] ** 2).mean())
    assert abs(audio.loudness_of(out) - audio.LOUDNESS_LUFS) < 1.2
    assert np.sqrt((heard[:400] ** 2).mean()) < 0.1 * middle > np.sqrt((heard[-400:] ** 2).mean())


def test_silence_stays_silent_and_settings_survive(tmp_path: Path) -> None:
    track, mute = sound(tmp_path / "s.wav", 2, 0), film(tmp_path / "v.mp4")
    audio.add(mute, track, tmp_path / "a.mp4", 4)
    write_video(tmp_path / "a.mp4", tmp_path / "b.mp4", {"wgp_manifest": 1, "x": "y"}, title="t")
    manifest = read_manifest(tmp_path / "b.mp4")
    assert manifest is not None and manifest["x"] == "y"
    assert np.abs(samples(tmp_path / "b.mp4")).max() < 1e-3


def test_what_has_no_sound_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "b.mp3"
    broken.write_text("no sound")
    for path, words in ((tmp_path / "none.wav", "There is no soundtrack"), (film(tmp_path / "v.mp4"), "has no sound"),
                        (broken, "cannot be read as sound|has no sound"), (Path(__file__), "is not a sound file")):
        with pytest.raises(MediaError, match=words):
            audio.check(path)
    audio.check(sound(tmp_path / "good.ogg", 1))


def test_clips_fade_into_each_other_and_are_made_one_after_another() -> None:
    begun: list[int] = []

    def clip(value: int, count: int):
        begun.append(value)
        for _ in range(count):
            yield np.full((4, 4, 3), value, np.uint8)

    frames = joined((clip(value, 9) for value in (0, 100, 200)), 3)
    first = [next(frames) for _ in range(6)]
    assert begun == [0] and all(frame.max() == 0 for frame in first)
    levels = [int(frame[0, 0, 0]) for frame in frames]
    assert levels == [25, 50, 75, *[100] * 3, 125, 150, 175, *[200] * 6]
    assert [int(f[0, 0, 0]) for f in joined([clip(1, 2), clip(2, 2)], 0)] == [1, 1, 2, 2]
    with pytest.raises(MediaError, match="too few to fade"):
        list(joined([clip(1, 4), clip(2, 4), clip(3, 4)], 3))


def test_a_fade_leaves_each_clip_its_own_time() -> None:
    assert overlap_frames(0.4, 16, 81) == 6 and overlap_frames(0.4, 16, 17) == 5
    assert overlap_frames(0, 16, 17) == 0 and overlap_frames(1, 30, 2) == 0
