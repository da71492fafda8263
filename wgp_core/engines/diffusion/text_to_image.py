"""SDXL and FLUX: one picture from text. A still is a video of one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...request import Solver, VideoRequest
from .adapter import Adapter, Job, guidance

if TYPE_CHECKING:
    import torch

_SDXL_SOLVERS = {Solver.UNIPC: "UniPCMultistepScheduler", Solver.EULER: "EulerDiscreteScheduler",
                 Solver.DPM: "DPMSolverMultistepScheduler"}


class SdxlAdapter(Adapter):
    """Latents have 4 channels, 8x8 pixels each."""

    def scheduler(self, request: VideoRequest) -> Any:
        import diffusers

        if request.solver is None:
            return super().scheduler(request)
        return getattr(diffusers, _SDXL_SOLVERS[request.solver]).from_config(self.pipelines.scheduler_config)

    def arguments(self, job: Job) -> dict[str, Any]:
        found = {**self._common(job), "guidance_scale": guidance(job.request, 5.0)}
        found["negative_prompt"] = job.negative if any(job.negative) else None  # an empty text is read as a text
        return found

    def unpack(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        return latents.unsqueeze(2)

    def decode(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        vae = self.pipelines.vae
        image = vae.decode(self._to_vae(latents[:, :, 0] / vae.config.scaling_factor), return_dict=False)[0]
        return image[0].unsqueeze(1)

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        vae = self.pipelines.vae
        return (vae.encode(self._to_vae(video[:, :, 0])).latent_dist.mode() * vae.config.scaling_factor).unsqueeze(2)


class FluxAdapter(Adapter):
    """Latents have 16 channels, 8x8 pixels each; the pipeline packs 2x2 of them into a token of 64.

    Guidance is an input of the transformer (distilled), so there is no second pass and no negative prompt.
    """

    def arguments(self, job: Job) -> dict[str, Any]:
        found = {**self._common(job), "guidance_scale": guidance(job.request, 3.5)}
        del found["negative_prompt"]
        return found

    def unpack(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        pipe = self.pipelines.text
        return pipe._unpack_latents(latents, job.height, job.width, pipe.vae_scale_factor).unsqueeze(2)

    def decode(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        vae = self.pipelines.vae
        scaled = latents[:, :, 0] / vae.config.scaling_factor + vae.config.shift_factor
        return vae.decode(self._to_vae(scaled), return_dict=False)[0][0].unsqueeze(1)

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        vae = self.pipelines.vae
        latents = vae.encode(self._to_vae(video[:, :, 0])).latent_dist.mode()
        return ((latents - vae.config.shift_factor) * vae.config.scaling_factor).unsqueeze(2)
