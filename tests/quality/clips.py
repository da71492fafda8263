"""Clips whose faults are known, drawn with a fixed seed: uint8 RGB [frames, height, width, 3], 16 frames a second."""

from __future__ import annotations

import cv2
import numpy as np

FPS = 16
FRAMES = 33
SIZE = (144, 256)


def scene(seed: int = 0, height: int = SIZE[0], width: int = SIZE[1] * 3) -> np.ndarray:
    """A wide picture with soft structure on all scales and some coloured things: uint8 [height, width, 3]."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for scale, strength in ((4, 8), (12, 18), (40, 40)):
        noise = random.normal(size=(height // scale + 2, width // scale + 2, 3)).astype(np.float32)
        picture += strength * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(picture + random.uniform(90, 150, 3), 0, 255).astype(np.uint8)
    for _ in range(width // 40):
        centre = (int(random.integers(0, width)), int(random.integers(0, height)))
        colour = tuple(int(c) for c in random.integers(0, 255, 3))
        cv2.circle(picture, centre, int(random.integers(5, 18)), colour, -1, cv2.LINE_AA)
    return picture


def seen(picture: np.ndarray, x: float, y: float = 0.0) -> np.ndarray:
    """The picture from x, y (pixels, fractions too), as large as `SIZE`."""
    height, width = SIZE
    return cv2.warpAffine(picture, np.array([[1, 0, -x], [0, 1, -y]], np.float32), (width, height),
                          flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def frozen(frames: int = FRAMES) -> np.ndarray:
    return np.stack([seen(scene(), 20)] * frames)


def pan(speed: float = 3.0, frames: int = FRAMES) -> np.ndarray:
    """A smooth pan of `speed` pixels a frame."""
    return np.stack([seen(scene(), speed * i) for i in range(frames)])


def jitter(speed: float = 3.0, shake: float = 4.0) -> np.ndarray:
    random = np.random.default_rng(1)
    moves = random.uniform(-shake, shake, (FRAMES, 2))
    return np.stack([seen(scene(), speed * i + dx, dy) for i, (dx, dy) in enumerate(moves)])


def stutter(speed: float = 3.0, hold: int = 4) -> np.ndarray:
    """The pan at the same speed on average, standing still and then jumping."""
    return np.stack([seen(scene(), speed * hold * (i // hold)) for i in range(FRAMES)])


def cut(speed: float = 3.0) -> np.ndarray:
    other = scene(5)[:, :, ::-1].copy()
    other = np.clip(other.astype(np.int32) * [0.3, 0.8, 1.3], 0, 255).astype(np.uint8)
    return np.stack([seen(scene() if i < FRAMES // 2 else other, speed * i) for i in range(FRAMES)])


def noisy(strength: float = 25.0, speed: float = 3.0) -> np.ndarray:
    random = np.random.default_rng(2)
    clean = pan(speed).astype(np.float32)
    return np.clip(clean + random.normal(0, strength, clean.shape), 0, 255).astype(np.uint8)


def flicker(strength: float = 0.25) -> np.ndarray:
    """A frozen picture whose light changes from frame to frame."""
    light = 1 + strength * np.where(np.arange(FRAMES) % 2, 1, -1) * np.random.default_rng(3).uniform(0.5, 1, FRAMES)
    return np.clip(frozen().astype(np.float32) * light[:, None, None, None], 0, 255).astype(np.uint8)


def fade() -> np.ndarray:
    """A frozen picture that darkens evenly to nothing."""
    light = np.linspace(1, 0.05, FRAMES, dtype=np.float32)
    return (frozen() * light[:, None, None, None]).astype(np.uint8)


def blurred(sigma: float = 4.0) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in pan()])


KNOWN = {"frozen": frozen, "pan": pan, "jitter": jitter, "stutter": stutter, "cut": cut, "noise": noisy,
         "flicker": flicker, "fade": fade, "blur": blurred}
