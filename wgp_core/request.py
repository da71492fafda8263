"""Everything that affects a result, in one frozen tree, with one JSON form.

The same schema serves the window's form, batch files, the queue's rows, the HTTP API and the metadata inside a
video. Ranges that hold for every engine are checked by `VideoRequest.check`; an engine's own size and frame rules
are checked against its `EngineSpec`. Knows nothing of engines, stores or files' contents.
"""

from __future__ import annotations

import enum
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import RequestError

REQUEST_VERSION = 1
MAX_PROMPT_CHARS = 8_000
MAX_SEED = 2**32 - 1
MAX_SCENES = 40
VRAM_PROFILES = ("auto", "1", "2", "3", "3.5", "4", "4.5", "5")
"""mmgp's numbering: 1 needs the most memory, 5 the least."""


class EngineChoice(enum.StrEnum):
    """`auto` takes diffusion where an installed model can run, else the local engine; never a remote model."""

    AUTO = "auto"
    LOCAL = "local"
    DIFFUSION = "diffusion"
    REMOTE = "remote"


class CameraMovement(enum.StrEnum):
    STATIC = "static"
    PUSH_IN = "push-in"
    PULL_OUT = "pull-out"
    DOLLY_LEFT = "dolly-left"
    DOLLY_RIGHT = "dolly-right"
    PAN = "pan"
    TILT = "tilt"
    TRACKING = "tracking"
    ORBIT = "orbit"
    HANDHELD = "handheld"


class Solver(enum.StrEnum):
    """Schedulers of the denoising steps, where a model allows the choice."""

    UNIPC = "unipc"
    EULER = "euler"
    DPM = "dpm++"


class StepCache(enum.StrEnum):
    """Reusing earlier results between denoising steps: faster, and not quite the same video."""

    OFF = "off"
    FIRST_BLOCK = "first-block"
    MAG = "mag"
    TEA = "tea"
    FASTER = "faster"


class LoraProfile(enum.StrEnum):
    """Words added to prompts when LoRAs are used; `auto` decides from the LoRA's name."""

    AUTO = "auto"
    NONE = "none"
    ACADEMIC_INFOGRAPHIC = "academic_infographic"


class EnhanceMode(enum.StrEnum):
    OFF = "off"
    AUTOMATIC = "automatic"


class Theme(enum.StrEnum):
    """Look of the local engine's drawings."""

    DARK = "dark"
    LIGHT = "light"


class VideoCodec(enum.StrEnum):
    H264 = "h264"
    H265 = "h265"
    PRORES = "prores"


class SceneKind(enum.StrEnum):
    """What a planned scene shows; `auto` lets the local engine decide from the text."""

    AUTO = "auto"
    TITLE = "title"
    CONCEPT_MAP = "concept-map"
    STEPS = "steps"
    COMPARISON = "comparison"
    TIMELINE = "timeline"
    FORMULA = "formula"
    DEFINITION = "definition"
    SUMMARY = "summary"
    SUBJECT = "subject"
    BOARD = "board"
    """A storyboard frame, full size; `visual` describes it (see `engines.explainer.sketch`)."""


class Objective(enum.StrEnum):
    """What the viewer is to take away."""

    INTRODUCE = "introduce"
    EXPLAIN = "explain"
    COMPARE = "compare"
    DEMONSTRATE = "demonstrate"
    SUMMARIZE = "summarize"


class Look(enum.StrEnum):
    """How a teaching video looks."""

    INFOGRAPHIC = "infographic"
    WHITEBOARD = "whiteboard"
    ANIMATION = "animation"
    LECTURE = "lecture"
    DOCUMENTARY = "documentary"


class Framework(enum.StrEnum):
    """The order in which a plan argues."""

    ACADEMIC = "academic"
    """Hook, intuition, mechanism, example, recap."""
    PAS = "pas"
    """Problem, agitation, solution."""
    BAB = "bab"
    """Before, after, bridge."""
    AIDA = "aida"
    """Attention, interest, desire, action."""


class Planner(enum.StrEnum):
    """Who plans the scenes."""

    RULES = "rules"
    LLM = "llm"


class DocumentMode(enum.StrEnum):
    """`semantic` plans scenes from cues; `overlay` appends what the documents say to the prompt, as it stands there."""

    SEMANTIC = "semantic"
    OVERLAY = "overlay"


_CONFIG: Mapping[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True)
class Cue:
    """A short factual statement with its source ("Book", page 12); `source` may be empty.

    `page_to` is given where it stands on one of the pages from `page` to that one.
    """

    __pydantic_config__ = _CONFIG

    text: str
    source: str = ""
    page: int | None = None
    page_to: int | None = None

    @property
    def place(self) -> str:
        """ "Book, p. 12-13", or the source alone where it has no pages."""
        if self.page is None or not self.source:
            return self.source
        last = f"-{self.page_to}" if self.page_to and self.page_to != self.page else ""
        return f"{self.source}, p. {self.page}{last}"


@dataclass(frozen=True)
class ScenePlan:
    """One planned scene: what it is for, what is said, what is seen, and the cues it rests on."""

    __pydantic_config__ = _CONFIG

    title: str
    kind: SceneKind = SceneKind.AUTO
    purpose: str = ""
    narration: str = ""
    visual: str = ""
    camera: CameraMovement = CameraMovement.STATIC
    seconds: float | None = None
    cues: tuple[Cue, ...] = ()


@dataclass(frozen=True)
class LoraUse:
    """A LoRA file and its multiplier: a number, or WanGP's step syntax ("0;1", "1,0.5")."""

    __pydantic_config__ = _CONFIG

    path: Path
    multiplier: str = "1"
    trigger: str = ""


@dataclass(frozen=True)
class DocumentUse:
    """What grounds the video: a named collection, or a file of chunks as `chunk-book` writes it; one of the two."""

    __pydantic_config__ = _CONFIG

    collection: str = ""
    mode: DocumentMode = DocumentMode.SEMANTIC
    chunks: Path | None = None


@dataclass(frozen=True)
class Brief:
    """What a video that teaches is to be like, where the prompt is its topic.

    `audience` is any words ("nurses in training"). A `framework`, documents or the planner `llm` make a plan of scenes
    (academic where none is named); else, and with documents as overlay, the brief goes into the words of the prompt.
    `scenes` 0: as the time allows.
    """

    __pydantic_config__ = _CONFIG

    audience: str = "students"
    objective: Objective = Objective.EXPLAIN
    look: Look = Look.INFOGRAPHIC
    framework: Framework | None = None
    scenes: int = 0
    planner: Planner = Planner.RULES
    planner_model: str = ""
    """Name of the planning language model; empty takes the enhancer's."""


@dataclass(frozen=True)
class RetryPolicy:
    """What is tried again when the frames come out near-black or washed-out.

    `guidance` and `steps` replace the request's own on the retry; None keeps them.
    """

    __pydantic_config__ = _CONFIG

    on_black: bool = True
    on_blank: bool = True
    guidance: float | None = None
    steps: int | None = None


@dataclass(frozen=True)
class OutputOptions:
    """How the result is written. `path` None names the file by the template in the settings.

    `soundtrack` is a file with sound that is put under the video, brought to the usual loudness and faded in and out.
    `crf` is the constant rate factor, 0 (lossless) to 51, lower is better; None takes the setting.
    """

    __pydantic_config__ = _CONFIG

    path: Path | None = None
    codec: VideoCodec = VideoCodec.H264
    crf: int | None = None
    poster: bool = True
    snapshots: int = 0
    subtitles: bool = False
    soundtrack: Path | None = None


@dataclass(frozen=True)
class VideoRequest:
    """One video to make. Units: pixels, seconds, frames per second. None means "the engine's default"."""

    __pydantic_config__ = _CONFIG

    prompt: str
    negative_prompt: str = ""
    engine: EngineChoice = EngineChoice.AUTO
    model: str | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    frames: int | None = None
    fps: int | None = None
    steps: int | None = None
    guidance: float | None = None
    flow_shift: float | None = None
    guidance_2: float | None = None
    """Guidance of the second transformer (Wan 2.2, low noise)."""
    solver: Solver | None = None
    seed: int = -1
    loras: tuple[LoraUse, ...] = ()
    lora_profile: LoraProfile = LoraProfile.AUTO
    lora_negative_boost: bool = True
    window_prompts: tuple[str, ...] = ()
    """One prompt for each sliding window of a long video; the last serves the windows that are left."""
    window_frames: int | None = None
    window_overlap: int | None = None
    step_cache: StepCache = StepCache.OFF
    step_cache_strength: float = 0.5
    """How much is skipped, 0 (least) to 1 (most)."""
    profile: str | None = None
    """VRAM profile of this job alone; None takes the setting."""
    start_image: Path | None = None
    end_image: Path | None = None
    camera: CameraMovement = CameraMovement.STATIC
    enhance: EnhanceMode = EnhanceMode.OFF
    documents: DocumentUse | None = None
    brief: Brief | None = None
    plan: tuple[ScenePlan, ...] = ()
    scene_frames: int | None = None
    """Frames that a diffusion model makes of each planned scene; None: as long as the scene is to last."""
    crossfade: float = 0.4
    """Seconds in which one scene of a diffusion model becomes the next; 0 cuts."""
    theme: Theme = Theme.DARK
    captions: bool = True
    fallback_local_on_fail: bool = True
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    output: OutputOptions = field(default_factory=OutputOptions)
    version: int = REQUEST_VERSION

    # -- JSON ---------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict(to_dict(r)) == r` for every request."""
        return _adapter().dump_python(self, mode="json")

    def to_json(self, *, indent: int | None = None) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> VideoRequest:
        """Build a request from JSON types.

        Raises `RequestError` that names every unknown key and every value of the wrong type.
        """
        if not isinstance(data, Mapping):
            raise RequestError(f"A request must be a JSON object, not {type(data).__name__}.",
                               fix='Write it as {"prompt": "..."}.')
        version = data.get("version", REQUEST_VERSION)
        if isinstance(version, int) and version > REQUEST_VERSION:
            raise RequestError(f"This request was written by a newer version (format {version}, known: "
                               f"{REQUEST_VERSION}).", field="version", fix="Update WGP Studio to use it.")
        return _validate(dict(data))

    @staticmethod
    def from_json(text: str) -> VideoRequest:
        try:
            data = json.loads(text)
        except ValueError as error:
            raise RequestError(f"The request is not valid JSON: {error}.") from error
        return VideoRequest.from_dict(data)

    def with_(self, **changes: Any) -> VideoRequest:
        """A copy with the named fields replaced."""
        return replace(self, **changes)

    @property
    def makes_plan(self) -> bool:
        """Whether scenes are planned for it before they are rendered."""
        if self.documents is not None:
            return not self.plan and self.documents.mode is DocumentMode.SEMANTIC
        asked = self.brief is not None and (self.brief.framework is not None or self.brief.planner is Planner.LLM)
        return not self.plan and asked

    # -- rules that hold for every engine -----------------------------------------------------------------------

    def check(self) -> None:
        """Raise `RequestError` for what no engine could carry out."""
        _check_text(self)
        _check_numbers(self)
        if self.seconds is not None and self.frames is not None:
            raise RequestError(f"The request gives both seconds ({self.seconds:g}) and frames ({self.frames}).",
                               field="seconds", fix="Give one of them; the other follows from the frame rate.")
        _check_documents(self)
        if self.window_frames and self.window_overlap and self.window_overlap >= self.window_frames:
            raise RequestError(f"The windows overlap by {self.window_overlap} frames, and have only "
                               f"{self.window_frames}.", field="window_overlap",
                               fix=f"Choose an overlap below {self.window_frames}.")


@functools.cache
def without_words(request: VideoRequest) -> VideoRequest:
    """What is left of a request without its words, its seed and its file: equal for pictures that can share a batch.

    Whether there is a negative prompt stays: some models read none as something else than an empty one.
    """
    return replace(request, prompt="", negative_prompt="-" if request.negative_prompt else "", seed=0,
                   output=OutputOptions())


def _adapter() -> Any:
    from pydantic import TypeAdapter  # only where JSON is read or written

    return TypeAdapter(VideoRequest)


def _validate(data: dict[str, Any]) -> VideoRequest:
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(data)
    except ValidationError as error:
        raise _as_request_error(error) from error


def _as_request_error(error: Any) -> RequestError:
    """Translate a pydantic error: unknown keys first and by name, then each wrong value with its place."""
    problems = error.errors(include_url=False)
    where = [".".join(str(part) for part in p["loc"]) for p in problems]
    unknown = [w for w, p in zip(where, problems, strict=True) if p["type"] in _UNKNOWN_KEY]
    if unknown:
        known = ", ".join(VideoRequest.__dataclass_fields__)
        return RequestError(f"Unknown key{'s' if len(unknown) > 1 else ''} in the request: {', '.join(unknown)}.",
                            field=unknown[0], fix=f"Known keys: {known}.")
    missing = [w for w, p in zip(where, problems, strict=True) if p["type"] in ("missing", "missing_argument")]
    if missing:
        return RequestError(f"The request lacks {', '.join(missing)}.", field=missing[0], fix="Add it.")
    lines = [f"{w}: {p['msg']} (got {_short(p.get('input'))})" for w, p in zip(where, problems, strict=True)]
    return RequestError("The request has values that cannot be used: " + "; ".join(lines) + ".", field=where[0])


_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_text(request: VideoRequest) -> None:
    if not request.prompt.strip() and not request.plan:
        raise RequestError("The prompt is empty.", field="prompt", fix="Say in a few words what the video shows.")
    for name in ("prompt", "negative_prompt"):
        text = getattr(request, name)
        if len(text) > MAX_PROMPT_CHARS:
            raise RequestError(f"The {name.replace('_', ' ')} has {len(text)} characters; the most is "
                               f"{MAX_PROMPT_CHARS}.", field=name, fix="Shorten it, or use a document instead.")


def _check_documents(request: VideoRequest) -> None:
    use = request.documents
    if use is not None and bool(use.collection.strip()) == (use.chunks is not None):
        raise RequestError("documents must name a collection or a file of chunks, one of the two.", field="documents",
                           fix='Write {"collection": "NAME"} or {"chunks": "FILE.jsonl"}.')
    if use is not None and not request.prompt.strip() and not request.plan:
        raise RequestError("The documents are asked about the prompt, and it is empty.", field="prompt",
                           fix="Name the topic.")
    if request.brief is not None and not 0 <= request.brief.scenes <= MAX_SCENES:
        raise RequestError(f"brief.scenes is {request.brief.scenes}; it must be from 0 (as the time allows) to "
                           f"{MAX_SCENES}.", field="brief.scenes")


_RANGES: Mapping[str, tuple[float, float, str]] = {
    "width": (16, 7680, "pixels"),
    "height": (16, 7680, "pixels"),
    "seconds": (0.05, 600, "seconds"),
    "frames": (1, 20_000, "frames"),
    "fps": (1, 120, "frames per second"),
    "steps": (1, 200, "steps"),
    "guidance": (0, 50, ""),
    "flow_shift": (0, 50, ""),
    "guidance_2": (0, 50, ""),
    "step_cache_strength": (0, 1, ""),
    "window_frames": (5, 1_000, "frames"),
    "window_overlap": (0, 500, "frames"),
    "scene_frames": (1, 1_000, "frames"),
    "crossfade": (0, 5, "seconds"),
    "seed": (-1, MAX_SEED, "(-1 draws one)"),
}


def _check_numbers(request: VideoRequest) -> None:
    for name, (low, high, unit) in _RANGES.items():
        value = getattr(request, name)
        if value is not None and not low <= value <= high:
            raise RequestError(f"{name} is {value:g}; it must be from {low:g} to {high:g} {unit}".rstrip() + ".",
                               field=name)
    if request.profile is not None and request.profile not in VRAM_PROFILES:
        raise RequestError(f"profile is {request.profile!r}.", field="profile",
                           fix="It must be one of " + ", ".join(VRAM_PROFILES) + ".")
    if request.output.crf is not None and not 0 <= request.output.crf <= 51:
        raise RequestError(f"crf is {request.output.crf}; it must be from 0 (lossless) to 51.", field="output.crf")
    if not 0 <= request.output.snapshots <= 100:
        raise RequestError(f"snapshots is {request.output.snapshots}; it must be from 0 to 100.",
                           field="output.snapshots")
    if (request.width is None) != (request.height is None):
        raise RequestError("Width and height must be given together.", field="width", fix="Give both or neither.")
    for number, scene in enumerate(request.plan, 1):
        if scene.seconds is not None and not 0.02 <= scene.seconds <= 180:
            raise RequestError(f"Scene {number} lasts {scene.seconds:g} s; it must be from 0.02 to 180 s.",
                               field=f"plan.{number - 1}.seconds")
