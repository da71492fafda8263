"""LTX-Video: text, image and (0.9.8) first-and-last-frame to video in one checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .adapter import Adapter, Job, guidance

if TYPE_CHECKING:
    import torch

GUIDANCE = 3.0
DECODE_TIMESTEP = 0.05
DECODE_NOISE = 0.025
"""For autoencoders that denoise while they decode (0.9.1 and later): the values of the model cards."""


class LtxAdapter(Adapter):
    """Latents have 128 channels, 32x32 pixels and 8 frames each; the pipeline packs them into a row of tokens."""

    @property
    def _conditions(self) -> bool:
        return type(self.pipelines.text).__name__ == "LTXConditionPipeline"

    def arguments(self, job: Job) -> dict[str, Any]:
        found = {**self._common(job), "num_frames": job.frames, "frame_rate": job.request.fps or 24,
                 "guidance_scale": guidance(job.request, GUIDANCE)}
        if self._conditions:
            found |= self._conditioned(job)
        elif job.start_image is not None:
            found["image"] = job.start_image
        return found

    def _conditioned(self, job: Job) -> dict[str, Any]:
        from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

        images = ((job.start_image, 0), (job.end_image, job.frames - 1))
        conditions = [LTXVideoCondition(image=image, frame_index=at) for image, at in images if image is not None]
        return {"conditions": conditions} if conditions else {}

    def unpack(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        if latents.ndim == 5:
            return latents
        pipe = self.pipelines.text
        frames = (job.frames - 1) // pipe.vae_temporal_compression_ratio + 1
        height = job.height // pipe.vae_spatial_compression_ratio
        width = job.width // pipe.vae_spatial_compression_ratio
        tokens = latents[:, -frames * height * width:]  # tokens of further conditions come first
        return pipe._unpack_latents(tokens, frames, height, width, pipe.transformer_spatial_patch_size,
                                    pipe.transformer_temporal_patch_size)

    def decode(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        vae, pipe = self.pipelines.vae, self.pipelines.text
        latents = pipe._denormalize_latents(latents.float(), vae.latents_mean, vae.latents_std,
                                            vae.config.scaling_factor)
        timestep = None
        if vae.config.timestep_conditioning:
            noise = randn_tensor(latents.shape, generator=job.generator, device=latents.device, dtype=latents.dtype)
            latents = (1 - DECODE_NOISE) * latents + DECODE_NOISE * noise
            timestep = self._to_vae(torch.tensor([DECODE_TIMESTEP]))
        return vae.decode(self._to_vae(latents), timestep, return_dict=False)[0][0]

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        vae, pipe = self.pipelines.vae, self.pipelines.text
        latents = vae.encode(self._to_vae(video)).latent_dist.mode().float()
        return pipe._normalize_latents(latents, vae.latents_mean, vae.latents_std)
