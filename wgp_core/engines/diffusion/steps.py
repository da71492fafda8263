"""What happens between denoising steps: cancel, progress with a preview, LoRA strengths, kept latents.

`StepWatch` is the callback of every pipeline. `Heartbeat` reports from inside a step, where one takes minutes, and
while text is read and frames are decoded: a worker that says nothing for minutes is taken for dead.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ...events import CancelToken, Progress, ProgressCallback, Stage

if TYPE_CHECKING:
    import torch

BEAT_S = 1.0
"""At most one event a second from inside a step."""


class LoraStrengths(Protocol):
    """Sets the multipliers of a step (from 0) in a phase (from 0); `loras.adapters.AppliedLoras` does."""

    def at_step(self, step: int, phase: int) -> None: ...


class StillPreview(Protocol):
    """Turns unpacked latents into a small RGB picture."""

    def picture(self, latents: torch.Tensor) -> Any: ...


@dataclass
class Reporter:
    """The progress of one rendering: `done` of `total` denoising steps over all windows."""

    on_progress: ProgressCallback
    cancel: CancelToken
    total: int
    done: int = 0
    doing: str = ""
    _told: float = 0.0

    def say(self, doing: str, preview: Any = None) -> None:
        """Report now, under these words. Raises `Cancelled`."""
        self.cancel.raise_if_cancelled()
        self.doing, self._told = doing, time.monotonic()
        self.on_progress(Progress(Stage.RENDER, self.done, self.total, doing, preview=preview))

    def beat(self) -> None:
        """Report that work goes on, where the last report is a while ago. Raises `Cancelled`."""
        self.cancel.raise_if_cancelled()
        if time.monotonic() - self._told >= BEAT_S:
            self.say(self.doing)


@contextlib.contextmanager
def heartbeat(modules: Mapping[str, Any], reporter: Reporter) -> Iterator[None]:
    """Call `reporter.beat` after every block of the modules, for as long as the `with` lasts."""
    import torch

    def beat(*_: Any) -> None:
        reporter.beat()

    handles = []
    for module in modules.values():
        for part in module.modules():
            if isinstance(part, torch.nn.ModuleList):
                handles += [block.register_forward_hook(beat) for block in part]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class KeptLatents:
    """The beginning of a window that must stay what the window before it showed.

    `clean` are its latents, `noise` as much noise. At noise level s the two are mixed as rectified flow has it,
    (1 - s) * clean + s * noise (Lipman et al. 2023, arXiv:2210.02747).
    """

    clean: torch.Tensor
    noise: torch.Tensor

    def put(self, latents: torch.Tensor, sigma: float) -> torch.Tensor:
        """`latents` with the kept frames in front, at noise level `sigma` (0 to 1)."""
        kept = self.clean.shape[2]
        mixed = (1.0 - sigma) * self.clean + sigma * self.noise
        latents = latents.clone()
        latents[:, :, :kept] = mixed.to(latents)
        return latents


@dataclass
class StepWatch:
    """The callback of one pipeline call (`callback_on_step_end`).

    `unpack` brings latents to (1, channels, frames, height, width). `boundary` is the timestep below which the second
    transformer computes. Previews show the estimate of the finished picture.
    """

    reporter: Reporter
    unpack: Callable[[torch.Tensor], torch.Tensor]
    first: int = 0
    """Steps that earlier windows have done."""
    steps: int = 1
    words: str = ""
    preview: StillPreview | None = None
    loras: LoraStrengths | None = None
    boundary: float | None = None
    kept: KeptLatents | None = None
    _before: Any = field(default=None, repr=False)

    def __call__(self, pipe: Any, step: int, timestep: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        self.reporter.cancel.raise_if_cancelled()
        latents = kwargs["latents"]
        if self.kept is not None:
            latents = kwargs["latents"] = self.kept.put(latents, _sigma(pipe.scheduler, step + 1))
        picture = None
        if self.preview is not None:
            picture = self.preview.picture(self.unpack(clean_estimate(pipe.scheduler, self._before, latents, step)))
        self._before = latents
        self._set_loras(pipe.scheduler, step + 1)
        self.reporter.done = self.first + step + 1
        self.reporter.say(f"{self.words}step {step + 1} of {self.steps}", picture)
        return kwargs

    def _set_loras(self, scheduler: Any, coming: int) -> None:
        if self.loras is None or coming >= len(scheduler.timesteps):
            return
        late = self.boundary is not None and float(scheduler.timesteps[coming]) < self.boundary
        self.loras.at_step(coming, 1 if late else 0)


def _sigma(scheduler: Any, index: int) -> float:
    return float(scheduler.sigmas[min(index, len(scheduler.sigmas) - 1)])


def clean_estimate(scheduler: Any, before: Any, now: torch.Tensor, step: int) -> torch.Tensor:
    """What the latents would become if the last step went on in a straight line to noise level 0.

    Euler's step follows a straight line in the noise level, for rectified flow and for k-diffusion alike (Karras et al.
    2022, arXiv:2206.00364), so the line through the samples before and after it ends at its estimate. `now` itself
    after the first step, and for schedulers without noise levels.
    """
    sigmas = getattr(scheduler, "sigmas", None)
    if before is None or sigmas is None or step + 1 >= len(sigmas) or before.shape != now.shape:
        return now
    old, new = float(sigmas[step]), float(sigmas[step + 1])
    if abs(old - new) < 1e-6:
        return now
    return now + (now - before) * (new / (old - new))
