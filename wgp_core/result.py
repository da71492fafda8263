"""What a generation leaves behind: the file and everything needed to understand or repeat it.

`VideoResult.to_manifest` is the JSON that is embedded in the video; `Manifest.from_dict` reads it back.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from . import __version__
from .engines.base import ModelUse
from .errors import MediaError, RequestError
from .hardware import driver_version
from .marked import join_enhanced, split_enhanced
from .request import VideoRequest

MANIFEST_VERSION = 1


@dataclass(frozen=True)
class VideoResult:
    """A finished video. `request` is the effective one: nothing in it is open, so that it can be repeated.

    `asked` is the request as it came. `timings_s` maps stage names to seconds, `peaks` names to figures with their
    unit in the name (`rss_gb`, `vram_gb`). `warnings` are plain sentences for the person.
    """

    path: Path
    request: VideoRequest
    asked: VideoRequest
    engine: str
    width: int
    height: int
    fps: int
    frames: int
    poster: Path | None = None
    enhanced_prompt: str | None = None
    enhancement: Mapping[str, Any] = field(default_factory=dict)
    """Who wrote the enhanced prompt and why: level, provider, model, attempts, scores."""
    scene_prompts: tuple[str, ...] = ()
    """What the model was told for each scene, where scenes were rendered one by one."""
    planner: str = ""
    """Who planned the scenes: "rules", a language model, or nobody."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)
    models: tuple[ModelUse, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    """How it was computed: device, precision, quantization, VRAM profile, attention."""
    warnings: tuple[str, ...] = ()
    snapshots: tuple[Path, ...] = ()
    subtitles: tuple[Path, ...] = ()
    created_at: str = ""
    job_id: str | None = None

    @property
    def seconds(self) -> float:
        return self.frames / self.fps

    def _prompts(self) -> dict[str, Any]:
        """The prompt as it was written and as it was used; `task` holds both, and can be submitted again."""
        original, _ = split_enhanced(self.asked.prompt)
        task = join_enhanced(original, self.enhanced_prompt) if self.enhanced_prompt else original
        return {"original": original, "enhanced": self.enhanced_prompt, "task": task,
                **({"enhancement": dict(self.enhancement)} if self.enhancement else {}),
                **({"scenes": list(self.scene_prompts)} if self.scene_prompts else {}),
                **({"planner": self.planner} if self.planner else {})}

    def to_manifest(self) -> dict[str, Any]:
        """Plain JSON: what is embedded in the file and shown by `inspect`."""
        return {
            "wgp_manifest": MANIFEST_VERSION,
            "created_at": self.created_at,
            "job_id": self.job_id,
            "engine": self.engine,
            "video": {"width": self.width, "height": self.height, "fps": self.fps, "frames": self.frames},
            "request": self.request.to_dict(),
            "asked": self.asked.to_dict(),
            "prompts": self._prompts(),
            "models": [asdict(model) for model in self.models],
            "versions": dict(self.versions),
            "computed": dict(self.facts),
            "timings_s": {name: round(value, 3) for name, value in self.timings_s.items()},
            "peaks": dict(self.peaks),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Manifest:
    """The embedded record of a video, read back."""

    request: VideoRequest
    asked: VideoRequest
    data: Mapping[str, Any]

    @staticmethod
    def from_dict(data: Any) -> Manifest:
        """Raises `MediaError` where the data is not a manifest of this program."""
        if not isinstance(data, Mapping) or "wgp_manifest" not in data:
            raise MediaError("The file carries no WGP Studio settings.", fix="Choose a video made by WGP Studio.")
        try:
            request = VideoRequest.from_dict(data["request"])
            asked = VideoRequest.from_dict(data.get("asked") or data["request"])
        except (KeyError, RequestError) as error:
            raise MediaError(f"The settings in the file cannot be read: {error}.") from error
        return Manifest(request, asked, data)

    @property
    def versions(self) -> Mapping[str, str]:
        return self.data.get("versions") or {}

    @property
    def models(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.data.get("models") or ())


def library_versions(*names: str) -> dict[str, str]:
    """Versions of this program, Python and the named distributions that are installed; imports none of them."""
    versions = {"wgp-studio": __version__, "python": platform.python_version()}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        versions["cuda"] = str(torch.version.cuda)
        versions["gpu"] = torch.cuda.get_device_name(0)
        versions["driver"] = driver_version()
    return versions
