"""One rendering with a borrowed model: prompts, windows, denoising, decoding, frames.

Owns the order of things within a rendering; tensors of a family are its adapter's, memory is the manager's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...models.pipeline import Pipelines
from ...models.spec import Family
from ...request import VideoRequest
from ..base import Frame, RenderSession
from . import previews
from .adapter import Adapter, Job
from .rules import rules_of
from .steps import KeptLatents, LoraStrengths, Reporter, StepWatch, heartbeat
from .windows import DEFAULT_OVERLAP, Window, cross_fade, plan_windows, prompt_of

log = logging.getLogger(__name__)

PREVIEW_ATTRIBUTE = "preview"


def adapter_for(pipelines: Pipelines) -> Adapter:
    """The family's adapter."""
    from .cogvideox import CogVideoXAdapter
    from .ltx import LtxAdapter
    from .text_to_image import FluxAdapter, SdxlAdapter
    from .wan import WanAdapter

    kinds: dict[Family, type[Adapter]] = {
        Family.WAN: WanAdapter, Family.COGVIDEOX: CogVideoXAdapter, Family.LTX: LtxAdapter, Family.SDXL: SdxlAdapter,
        Family.FLUX: FluxAdapter}
    return kinds[pipelines.family](pipelines)


@dataclass(frozen=True)
class Other:
    """A picture that is made together with another one: its decorated words, and its seed."""

    prompt: str
    negative: str
    seed: int


@dataclass
class Rendering:
    """Frames of one effective request. `prompt` and `negative` are the decorated ones.

    A single picture can be made together with `others`; each is given to `keep` by its place when it is decoded.
    """

    request: VideoRequest
    session: RenderSession
    pipelines: Pipelines
    prompt: str
    negative: str
    loras: LoraStrengths | None = None
    others: tuple[Other, ...] = ()
    keep: Callable[[int, Frame], None] = lambda place, frame: None

    def __post_init__(self) -> None:
        request = self.request
        self.adapter = adapter_for(self.pipelines)
        self.count = request.frames or 1
        self.steps = request.steps or self.pipelines.spec.defaults.steps
        self.width = request.width or self.pipelines.spec.defaults.width
        self.height = request.height or self.pipelines.spec.defaults.height
        self.windows = self._plan()
        self.generator = _generator(request.seed)
        self.reporter = Reporter(self.session.on_progress, self.session.cancel, self.steps * len(self.windows))

    def frames(self) -> Iterator[Frame]:
        """RGB uint8 frames, exactly `count` of them, each window's as soon as it is decoded."""
        import torch

        start, end = (self._picture(path) for path in (self.request.start_image, self.request.end_image))
        tail: np.ndarray | None = None
        left = self.count
        for number, window in enumerate(self.windows):
            last = number + 1 == len(self.windows)
            with torch.no_grad():
                made = self._window(number, window, start, end if last else None, tail)
            if tail is not None:
                made[:len(tail)] = cross_fade(tail, made[:len(tail)])
            held = 0 if last else self.windows[number + 1].overlap
            ready, tail = made[:len(made) - held], made[len(made) - held:]
            for frame in ready[:left]:
                yield np.ascontiguousarray(frame)
            left -= min(left, len(ready))

    # -- one window -------------------------------------------------------------------------------------------------

    def _plan(self) -> tuple[Window, ...]:
        rules = rules_of(self.pipelines.spec)
        if not (self.adapter.windows and rules.window):
            return (Window(0, self.count, 0),)
        longest = min(self.request.window_frames or rules.frames.high, rules.frames.high)
        overlap = DEFAULT_OVERLAP if self.request.window_overlap is None else self.request.window_overlap
        if self.request.window_overlap is None:
            overlap = min(overlap, max(1, longest // 2))
        return plan_windows(self.count, longest, overlap)

    def _window(self, number: int, window: Window, start: Any, end: Any, tail: np.ndarray | None) -> np.ndarray:
        """The window's frames, uint8 (count, height, width, 3). `tail`: what the window before made of its overlap."""
        many = len(self.windows) > 1
        words = f"Window {number + 1} of {len(self.windows)}: " if many else ""
        if tail is not None and start is not None:
            start = _image(tail[0])
        prompt = prompt_of(self.request.window_prompts, self.prompt, number)
        job = Job(self.request, self.width, self.height, window.count, self.steps, prompt, self.negative,
                  self.generator, start, end)
        if self.others:
            job = replace(job, prompt=[prompt, *(other.prompt for other in self.others)],
                          negative=[self.negative, *(other.negative for other in self.others)],
                          generator=[self.generator, *(_generator(other.seed) for other in self.others)])
            words = f"{len(self.others) + 1} pictures together: "
        self.reporter.say(f"{words}reading the prompt")
        pipe = self.adapter.pipeline(job)
        pipe.scheduler = self.adapter.scheduler(self.request)
        if self.loras is not None:
            self.loras.at_step(0, 0)
        with heartbeat(self.pipelines.modules(), self.reporter):
            watch = StepWatch(self.reporter, lambda latents: self.adapter.unpack(latents, job),
                              first=number * self.steps, steps=self.steps, words=words, preview=self._preview(),
                              loras=self.loras, boundary=self.adapter.boundary(), kept=self._kept(tail))
            output = pipe(**self.adapter.arguments(job), output_type="latent", return_dict=False,
                          callback_on_step_end=watch, callback_on_step_end_tensor_inputs=["latents"])
            latents = self.adapter.unpack(output[0], job)
            self.reporter.say(f"{words}decoding the frames")
            for place in range(len(self.others)):
                self.keep(place, _to_frames(self.adapter.decode(latents[place + 1:place + 2], job), 1)[0])
            return _to_frames(self.adapter.decode(latents[:1], job), window.count)

    def _kept(self, tail: np.ndarray | None) -> KeptLatents | None:
        if tail is None:
            return None
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        video = torch.from_numpy(tail.astype(np.float32) / 127.5 - 1).permute(3, 0, 1, 2)[None]
        clean = self.adapter.encode(video).float()
        noise = randn_tensor(clean.shape, generator=self.generator, device=clean.device, dtype=clean.dtype)
        return KeptLatents(clean, noise)

    def _preview(self) -> Any:
        """The model's preview weights, fitted on its first run and kept with it."""
        kept = self.pipelines.extras.get(PREVIEW_ATTRIBUTE)
        if kept is None:
            channels = self.pipelines.vae.config.get("z_dim") or self.pipelines.vae.config.latent_channels
            kept = previews.make(self.adapter.encode, previews.space_of(self.pipelines.family, int(channels)))
            self.pipelines.extras[PREVIEW_ATTRIBUTE] = kept
        return kept

    def _picture(self, path: Path | None) -> Any:
        """The picture at the video's size: scaled to fill it and cut at the sides, never stretched."""
        if path is None:
            return None
        from PIL import Image, ImageOps

        from ...media.images import load_image

        return ImageOps.fit(Image.fromarray(load_image(Path(path))), (self.width, self.height),
                            Image.Resampling.LANCZOS)


def _generator(seed: int) -> Any:
    import torch

    return torch.Generator("cpu").manual_seed(max(seed, 0))


def _image(frame: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(frame)


def _to_frames(video: Any, count: int) -> np.ndarray:
    """(3, frames, height, width), -1 to 1 -> uint8 (count, height, width, 3), one frame at a time."""
    frames = np.empty((min(count, video.shape[1]), video.shape[2], video.shape[3], 3), np.uint8)
    for i in range(len(frames)):
        values = video[:, i].float().clamp(-1, 1).add(1).mul(127.5).round().permute(1, 2, 0)
        frames[i] = values.cpu().numpy()
    return frames
