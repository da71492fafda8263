"""What every training has in common: a folder outside git, checkpoints that survive any interruption, and a log.

A checkpoint is written under another name and then renamed, every `SAVE_SECONDS` and at the end. Batches are drawn from
the seed and the number of the step alone, so that a training that was cut off sees what it would have seen.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
SAVE_SECONDS = 60


def runs_folder() -> Path:
    """Where trainings keep their state; `STARTER_RUNS` moves it."""
    folder = Path(os.environ.get("STARTER_RUNS", ROOT / "data" / "starter-runs"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pick_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def step_rng(seed: int, step: int) -> np.random.Generator:
    """The random numbers of one step, on whatever attempt it is made."""
    torch.manual_seed(seed * 1_000_003 + step)
    return np.random.default_rng([seed, step])


def cosine(step: int, steps: int, *, warmup: int = 100, floor: float = 0.02) -> float:
    """The share of the peak rate at a step: linear warm-up, then half a cosine down to `floor`."""
    if step < warmup:
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def plateau(step: int, steps: int, *, warmup: int = 100, falls: float = 0.35, floor: float = 0.01) -> float:
    """The share of the peak rate at a step: linear warm-up, the peak, then down to `floor` over the last `falls`.

    Unlike half a cosine it lets the number of steps be raised while the rate is still at its peak.
    """
    if step < warmup:
        return (step + 1) / warmup
    return max(floor, min(1.0, (1 - step / steps) / falls))


class Run:
    """One training: `objects` are saved and restored by their state_dict, and `step` counts what is done.

    Plain values among them are saved as they are, for those who read the file.
    """

    def __init__(self, name: str, objects: dict[str, Any]) -> None:
        self.path = runs_folder() / f"{name}.pt"
        self.log_path = self.path.with_suffix(".jsonl")
        self.objects = objects
        self.step = 0
        self.seconds = 0.0
        self._began = self._saved = time.monotonic()
        self._means: dict[str, tuple[float, int]] = {}
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if self.path.exists():
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            self.step, self.seconds = state["step"], state["seconds"]
            for key, thing in objects.items():
                if hasattr(thing, "load_state_dict"):
                    thing.load_state_dict(state[key])
            print(f"{name}: goes on at step {self.step} after {self.seconds / 60:.1f} minutes", flush=True)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def _elapsed(self) -> float:
        return self.seconds + time.monotonic() - self._began

    def save(self) -> None:
        """Write the checkpoint; the file is always a whole one."""
        state = {key: thing.state_dict() if hasattr(thing, "state_dict") else thing
                 for key, thing in self.objects.items()}
        part = self.path.with_suffix(".part")
        torch.save({**state, "step": self.step, "seconds": self._elapsed()}, part)
        part.replace(self.path)
        self._saved = time.monotonic()

    def done_step(self, every: int = 50, **values: float) -> bool:
        """Count one step, log the means now and then, save when it is time. False asks the caller to end."""
        self.step += 1
        for key, value in values.items():
            total, count = self._means.get(key, (0.0, 0))
            self._means[key] = (total + float(value), count + 1)
        if self.step % every == 0:
            line = {"step": self.step, "seconds": round(self._elapsed(), 1),
                    **{key: round(total / count, 5) for key, (total, count) in self._means.items()}}
            self._means.clear()
            with self.log_path.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(line, flush=True)
        if self.stopped or time.monotonic() - self._saved > SAVE_SECONDS:
            self.save()
        return not self.stopped
