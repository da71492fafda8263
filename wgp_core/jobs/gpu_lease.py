"""One card, two processes: who may put a model on it.

Videos come first. Where a video waits or is being made, the assistant computes on the CPU beside it; what it had put on
the card before is given back first (see `Supervisor`). Without a card nothing is leased.
"""

from __future__ import annotations

import functools
import threading

from ..hardware import gpus


@functools.cache
def has_card() -> bool:
    """Whether this machine has a card that the driver knows. Asked once: `nvidia-smi` takes a moment."""
    return bool(gpus())


def uses_card(device: str) -> bool:
    """Whether models of this device setting ("auto", "cpu", "cuda:0") go to a card."""
    return device.startswith("cuda") or (device == "auto" and has_card())


class GpuLease:
    """Thread-safe. `lent` is True from the moment the assistant may use the card until it has given it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = False
        self._lent = False

    @property
    def lent(self) -> bool:
        return self._lent

    def lend(self) -> bool:
        """The assistant asks for the card; False while a video wants it or has it."""
        with self._lock:
            self._lent = self._lent or not self._wanted
            return not self._wanted

    def give_back(self) -> None:
        """The assistant has nothing on the card any more."""
        with self._lock:
            self._lent = False

    def take(self) -> bool:
        """A video wants the card. False while the assistant has something on it; nothing new is lent from now on."""
        with self._lock:
            self._wanted = True
            return not self._lent

    def done(self) -> None:
        """No video is made and none waits."""
        with self._lock:
            self._wanted = False
