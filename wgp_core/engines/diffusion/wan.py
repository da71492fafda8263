"""Wan 2.1 and 2.2: text and image to video, two transformers, first and last frame, long videos in windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import EngineError
from ...models.pipeline import Pipelines
from ...request import Solver, VideoRequest
from .adapter import Adapter, Job, channel_stats, guidance

if TYPE_CHECKING:
    import torch

GUIDANCE = 5.0
FLOW_SHIFT = 3.0
TRAINED_STEPS = 1000
TEXT_TOKENS = 512


class WanAdapter(Adapter):
    """Latents have 16 channels (8x8x4), or 48 (16x16x4) in Wan 2.2 TI2V 5B."""

    def __init__(self, pipelines: Pipelines) -> None:
        super().__init__(pipelines)
        self._any = pipelines.text or pipelines.image

    @property
    def windows(self) -> bool:
        return True

    def scheduler(self, request: VideoRequest) -> Any:
        """Rectified flow with the wanted solver; timesteps are moved towards noise by the flow shift."""
        import diffusers

        shift = request.flow_shift or self.pipelines.scheduler_config.get("flow_shift") or FLOW_SHIFT
        flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": shift,
                "num_train_timesteps": TRAINED_STEPS}
        solver = request.solver
        if solver is Solver.EULER:
            return diffusers.FlowMatchEulerDiscreteScheduler(shift=shift, num_train_timesteps=TRAINED_STEPS)
        if solver is Solver.DPM:
            return diffusers.DPMSolverMultistepScheduler(algorithm_type="dpmsolver++", **flow)
        return diffusers.UniPCMultistepScheduler(**flow)

    def arguments(self, job: Job) -> dict[str, Any]:
        scale = guidance(job.request, GUIDANCE)
        found = {**self._common(job), **self._prompts(job, scale > 1), "num_frames": job.frames,
                 "guidance_scale": scale}
        if self._any.config.boundary_ratio is not None:
            second = job.request.guidance_2
            found["guidance_scale_2"] = scale if second is None else float(second)
        if job.start_image is not None:
            self._check_images(job)
            found["image"] = job.start_image
            if job.end_image is not None:
                found["last_image"] = job.end_image
        return found

    def _prompts(self, job: Job, guided: bool) -> dict[str, Any]:
        """The prompts as vectors, read with the text pipeline's method.

        The image pipeline's own (diffusers 0.42) stops with a `NameError` where the package ftfy is not installed.
        """
        from diffusers import WanPipeline

        parts = self.pipelines.components
        reader = WanPipeline(parts["tokenizer"], parts["text_encoder"], parts["vae"], parts["scheduler"])
        positive, negative = reader.encode_prompt(job.prompt, job.negative, guided, max_sequence_length=TEXT_TOKENS)
        return {"prompt": None, "negative_prompt": None, "prompt_embeds": positive, "negative_prompt_embeds": negative}

    def _check_images(self, job: Job) -> None:
        """Wan 2.1 sees images through CLIP, and a checkpoint is trained for one or for two of them."""
        config = self.pipelines.denoiser().config
        if config.image_dim is None:
            return
        if job.end_image is not None and config.pos_embed_seq_len is None:
            raise EngineError(f"{self.pipelines.spec.label} cannot use an end image.",
                              fix="Remove the end image, or choose a model for first and last frames.")
        if job.end_image is None and config.pos_embed_seq_len is not None:
            raise EngineError(f"{self.pipelines.spec.label} needs an end image beside the start image.",
                              fix="Add one, or choose another image-to-video model.")

    def unpack(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        return latents

    def decode(self, latents: torch.Tensor, job: Job) -> torch.Tensor:
        latents = self._to_vae(latents)
        mean, std = channel_stats(self.pipelines.vae.config, latents)
        return self.pipelines.vae.decode(latents * std + mean, return_dict=False)[0][0]

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        latents = self.pipelines.vae.encode(self._to_vae(video)).latent_dist.mode()
        mean, std = channel_stats(self.pipelines.vae.config, latents)
        return (latents - mean) / std

    def boundary(self) -> float | None:
        ratio = self._any.config.boundary_ratio
        return None if ratio is None else float(ratio) * TRAINED_STEPS

    def phase_starts(self, request: VideoRequest) -> tuple[int, ...]:
        boundary = self.boundary()
        if boundary is None:
            return ()
        scheduler = self.scheduler(request)
        scheduler.set_timesteps(request.steps or 1)
        times = [float(t) for t in scheduler.timesteps]
        return 0, next((i for i, t in enumerate(times) if t < boundary), len(times))
