"""CogVideoX: text to video, and the image-to-video checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .adapter import Adapter, Job, guidance

if TYPE_CHECKING:
    import torch

GUIDANCE = 6.0


class CogVideoXAdapter(Adapter):
    """Latents have 16 channels, 8x8 pixels and 4 frames each; the pipeline keeps frames before channels."""

    def arguments(self, job: Job) -> dict[str, Any]:
        cls = self.pipelines.scheduler_class
        dynamic = cls is not None and cls.__name__ == "CogVideoXDPMScheduler"  # as the model cards of 5B do
        found = {**self._common(job), "num_frames": job.frames, "guidance_scale": guidance(job.request, GUIDANCE),
                 "use_dynamic_cfg": dynamic}
        if job.start_image is not None:
            found["image"] = job.start_image
        return found

    def unpack(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        return latents.permute(0, 2, 1, 3, 4)

    def decode(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        vae = self.pipelines.vae
        needed = (job.frames - 1) // vae.config.temporal_compression_ratio + 1
        latents = latents[:, :, latents.shape[2] - needed:]  # 1.5 pads in front to fill its temporal patches
        return vae.decode(self._to_vae(latents / vae.config.scaling_factor), return_dict=False)[0][0]

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        vae = self.pipelines.vae
        return vae.encode(self._to_vae(video)).latent_dist.mode() * vae.config.scaling_factor
