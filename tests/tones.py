"""Sound files for tests."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np


def write_tone(path: Path, seconds: float = 2.0) -> Path:
    """A WAV file with a tone of about 420 Hz, mono, 8 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((8000 * np.sin(np.arange(round(8000 * seconds)) / 3)).astype("<i2").tobytes())
    return path
