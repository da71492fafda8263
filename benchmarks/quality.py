"""Seconds for a full quality report of 81 frames at 832x480, and how often the file could be decoded meanwhile.

    ./run.sh benchmarks/quality.py [--runs 3] [--models]

Runs alternate: decode the file and count, then score it. Without --models everything that needs no weights is measured;
with it, what is installed in ckpts/ is used too, after one run that loads it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.media.encode import EncodeOptions, encode
from wgp_core.media.probe import count_frames
from wgp_core.paths import build_paths
from wgp_core.quality.models import QualityModels
from wgp_core.quality.score import score_file

WIDTH, HEIGHT, FRAMES, FPS = 832, 480, 81, 16


def clip() -> np.ndarray:
    """A pan over soft texture with something that crosses it: uint8 [81, 480, 832, 3]."""
    import cv2

    random = np.random.default_rng(0)
    wide = np.zeros((HEIGHT, WIDTH * 2, 3), np.float32)
    for scale, strength in ((6, 10), (30, 25), (120, 50)):
        grains = random.normal(size=(HEIGHT // scale + 2, WIDTH * 2 // scale + 2, 3)).astype(np.float32)
        wide += strength * cv2.resize(grains, (WIDTH * 2, HEIGHT), interpolation=cv2.INTER_CUBIC)
    wide = np.clip(wide + 120, 0, 255).astype(np.uint8)
    frames = []
    for i in range(FRAMES):
        frame = np.ascontiguousarray(wide[:, 6 * i:6 * i + WIDTH])
        frames.append(cv2.circle(frame, (40 + 9 * i, 240), 50, (220, 60, 40), -1, cv2.LINE_AA))
    return np.stack(frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--models", action="store_true", help="use what is installed in ckpts/")
    args = parser.parse_args()
    models = QualityModels(build_paths()) if args.models else None
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        encode(iter(clip()), path, EncodeOptions(WIDTH, HEIGHT, FPS))
        report = score_file(path, "a red ball", models=models)
        for _ in range(args.runs):
            began = time.perf_counter()
            assert count_frames(path) == FRAMES
            decoded = time.perf_counter() - began
            began, used = time.perf_counter(), time.process_time()
            report = score_file(path, "a red ball", models=models)
            rows.append((decoded, time.perf_counter() - began, time.process_time() - used))
            print(f"decode {rows[-1][0]:.2f} s, report {rows[-1][1]:.2f} s ({rows[-1][2]:.2f} s of processor time)")
    decode, whole, used = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(row[1] / row[0] for row in rows)
    print(f"\nmedian of {args.runs}: decode {decode:.2f} s, report {whole:.2f} s, processor {used:.2f} s, ratio of the "
          f"pairs {ratio:.1f}; load at the end {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(", ".join(f"{s.dimension.label}: {s.kind.value}" for s in report.scores))


if __name__ == "__main__":
    main()
