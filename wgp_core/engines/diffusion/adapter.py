"""What every family's adapter does: call arguments, the scheduler, and the way between latents and pictures.

An adapter knows the tensors of its family and nothing of progress, files or memory. All latents that pass between
modules here are unpacked and as the denoiser sees them: shape (1, channels, latent frames, height, width).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...models.pipeline import Pipelines
from ...request import VideoRequest

if TYPE_CHECKING:
    import torch
    from PIL import Image


@dataclass(frozen=True)
class Job:
    """One call of a pipeline: a whole short video, one window of a long one, or several pictures.

    Sizes in pixels, `frames` counted. `generator` lives on the CPU, so that a seed gives the same noise whatever the
    device. Several pictures have lists of prompts, negative prompts and generators.
    """

    request: VideoRequest
    width: int
    height: int
    frames: int
    steps: int
    prompt: str | list[str]
    negative: str | list[str]
    generator: Any
    start_image: Image.Image | None = None
    end_image: Image.Image | None = None


class Adapter(ABC):
    """One family's ways. `pipelines` is borrowed for as long as the adapter is used."""

    def __init__(self, pipelines: Pipelines) -> None:
        self.pipelines = pipelines

    @property
    def windows(self) -> bool:
        """Whether a long video can be made of overlapping windows."""
        return False

    def scheduler(self, request: VideoRequest) -> Any:
        """A fresh scheduler for one call: schedulers hold the state of a run."""
        cls = self.pipelines.scheduler_class
        assert cls is not None
        return cls.from_config(self.pipelines.scheduler_config)  # type: ignore[attr-defined]

    def pipeline(self, job: Job) -> Any:
        return self.pipelines.choose(from_image=job.start_image is not None)

    @abstractmethod
    def arguments(self, job: Job) -> dict[str, Any]:
        """What the pipeline is called with, beside the callback and the output type."""

    @abstractmethod
    def unpack(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        """From the pipeline's own layout to (1, channels, latent frames, height, width)."""

    @abstractmethod
    def decode(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        """Pictures of unpacked latents: (3, frames, height, width), about -1 to 1."""

    @abstractmethod
    def encode(self, video: torch.Tensor) -> torch.Tensor:
        """Unpacked latents of (1, 3, frames, height, width), -1 to 1."""

    def boundary(self) -> float | None:
        """The timestep below which the second transformer takes over; None where there is one transformer."""
        return None

    def phase_starts(self, request: VideoRequest) -> tuple[int, ...]:
        """The first step of each phase; empty where there is one phase."""
        return ()

    # -- for the families -------------------------------------------------------------------------------------------

    def _common(self, job: Job) -> dict[str, Any]:
        return {"prompt": job.prompt, "negative_prompt": job.negative, "height": job.height, "width": job.width,
                "num_inference_steps": job.steps, "generator": job.generator}

    def _to_vae(self, tensor: torch.Tensor) -> torch.Tensor:
        """On the device and in the precision that the autoencoder computes in."""
        from diffusers.utils.torch_utils import get_module_execution_device

        vae = self.pipelines.vae
        return tensor.to(device=get_module_execution_device(vae), dtype=vae.dtype)


def guidance(request: VideoRequest, default: float) -> float:
    """The request's guidance scale; `default` for a request that was not resolved."""
    return default if request.guidance is None else float(request.guidance)


def channel_stats(values: Mapping[str, Any], like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each latent channel, from a VAE's configuration, shaped to fit `like`."""
    import torch

    shape = (1, like.shape[1], 1, 1, 1)
    mean = torch.as_tensor(values["latents_mean"]).view(shape).to(like)
    std = torch.as_tensor(values["latents_std"]).view(shape).to(like)
    return mean, std
