"""The enhancement that suits a video request."""

from __future__ import annotations

from ..request import VideoRequest
from .enhancement import EnhanceRequest, JobType, Mode, Provider, Quality


def enhance_request_of(request: VideoRequest, *, provider: str = "auto", model: str = "",
                       quality: str = "fast") -> EnhanceRequest:
    """What to ask of the enhancer for this request: stills, start images and videos differ; LoRA triggers survive."""
    still = request.frames == 1
    high = Quality(quality) is Quality.HIGH
    if still:
        mode, job_type = Mode.CINEMATOGRAPHER, JobType.SDXL_IMAGE_HIGH if high else JobType.SDXL_IMAGE_FAST
    else:
        mode = Mode.TEXT_TO_VIDEO if request.start_image is None else Mode.IMAGE_TO_VIDEO
        job_type = JobType.VIDEO_HIGH if high else JobType.VIDEO_FAST
    return EnhanceRequest(
        prompt=request.prompt, mode=mode, job_type=job_type, quality=Quality(quality), provider=Provider(provider),
        model=model, target_model=request.model or "", seed=max(0, request.seed), start_image=request.start_image,
        enhancement_type="automatic", protected=tuple(lora.trigger for lora in request.loras if lora.trigger))
