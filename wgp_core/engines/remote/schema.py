"""From a request to a remote model's inputs, by the OpenAPI schema that the service gives for the model.

Models name and bound their inputs differently; what a request asks for goes to the usual names that exist, moved into
the model's range, with a note for each move. Knows no service and no file: pictures are left to the caller.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import RequestError
from ...request import VideoRequest

MAX_SEED = 2**31 - 1
"""Most services keep seeds in signed 32 bits, also where the schema gives no maximum."""

NEGATIVE = ("negative_prompt",)
STEPS = ("num_inference_steps", "steps", "inference_steps", "sample_steps")
GUIDANCE = ("guidance_scale", "guidance", "cfg_scale", "cfg", "sample_guide_scale")
FRAMES = ("num_frames", "frame_num", "frames")
FPS = ("fps", "frames_per_second", "frame_rate")
DURATION = ("duration", "seconds", "duration_seconds")
RESOLUTION = ("resolution", "quality", "size")
START = ("start_image", "first_frame_image", "first_frame", "image", "input_image")
END = ("end_image", "last_frame_image", "last_frame", "last_image", "tail_image")
_OPTIONAL = {"negative_prompt": NEGATIVE, "steps": STEPS, "guidance": GUIDANCE, "start_image": START, "end_image": END,
             "seed": ("seed",)}
_LINES = {"4k": 2160, "2k": 1440, "1k": 1024}


class Makes(enum.StrEnum):
    """What comes out of a model."""

    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True)
class Input:
    """One input of a model. `kind` is JSON schema's type; `choices` closes the set of values."""

    name: str
    kind: str = "string"
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    default: Any = None
    required: bool = False

    def nearest(self, value: float) -> Any:
        """The allowed value closest to a number, as the model wants it written."""
        numbers = [(abs(number - value), choice) for choice in self.choices if (number := _number(choice)) is not None]
        if numbers:
            return min(numbers, key=lambda pair: pair[0])[1]
        moved = max(value if self.low is None else self.low, value)
        moved = moved if self.high is None else min(self.high, moved)
        if self.step and math.isfinite(self.step):
            moved = round(moved / self.step) * self.step
            moved += self.step if self.low is not None and moved < self.low else 0
            moved -= self.step if self.high is not None and moved > self.high else 0
        if self.kind == "integer":
            return round(moved)
        return f"{moved:g}" if self.kind == "string" else moved


@dataclass(frozen=True)
class Inputs:
    """All inputs of a model, by name."""

    by_name: Mapping[str, Input]

    @staticmethod
    def read(schema: Mapping[str, Any]) -> Inputs:
        """From the OpenAPI schema of a model's version. Raises `ValueError` where it describes no input."""
        schemas = _mapping(_mapping(schema.get("components")).get("schemas"))
        described = _mapping(schemas.get("Input"))
        properties = _mapping(described.get("properties"))
        if not properties:
            raise ValueError("the schema has no inputs")
        required = set(described.get("required") or ())
        return Inputs({name: _read_input(name, _mapping(data), schemas, name in required)
                       for name, data in properties.items()})

    def first(self, names: Sequence[str]) -> Input | None:
        """The first of these names that the model has."""
        return next((self.by_name[name] for name in names if name in self.by_name), None)

    @property
    def uses(self) -> frozenset[str]:
        """Optional request fields that the model takes, in the words of `EngineSpec.uses`."""
        return frozenset(use for use, names in _OPTIONAL.items() if self.first(names))

    @property
    def makes(self) -> Makes:
        """Video where the model has inputs for time, else images."""
        return Makes.VIDEO if self.first((*FRAMES, *FPS, *DURATION, *END)) else Makes.IMAGE


@dataclass
class Filled:
    """What is sent: `values` without pictures; `start` and `end` name the inputs that take them, or are empty.

    `seconds` is the length that was asked of a video, where the model is told one.
    """

    values: dict[str, Any] = field(default_factory=dict)
    start: str = ""
    end: str = ""
    seconds: float | None = None
    notes: list[str] = field(default_factory=list)


def fill(inputs: Inputs, request: VideoRequest, label: str) -> Filled:
    """The model's inputs for a request; `label` names the model in notes.

    Raises `RequestError` for a picture that the model cannot take, and for an input that it needs and no request has.
    """
    filled = Filled()
    prompt = inputs.first(("prompt", "text"))
    if prompt is None:
        raise RequestError(f"{label} takes no prompt.", field="model", fix="Choose a model that makes videos or "
                           "images from text.")
    filled.values[prompt.name] = request.prompt
    if request.negative_prompt and (negative := inputs.first(NEGATIVE)):
        filled.values[negative.name] = request.negative_prompt
    _seed(inputs, request, label, filled)
    _size(inputs, request, label, filled)
    _length(inputs, request, label, filled)
    for name, aliases, value in (("steps", STEPS, request.steps), ("guidance", GUIDANCE, request.guidance)):
        known = inputs.first(aliases)
        if value is not None and known is not None:
            _put(filled, known, value, name, label)
    filled.start = _picture(inputs, START, request.start_image is not None, "start image", label)
    filled.end = _picture(inputs, END, request.end_image is not None, "end image", label)
    _quiet_defaults(inputs, filled)
    _check_required(inputs, filled, label)
    return filled


# -- parts of a request ---------------------------------------------------------------------------------------------


def _seed(inputs: Inputs, request: VideoRequest, label: str, filled: Filled) -> None:
    known = inputs.first(("seed",))
    if request.seed < 0:
        return
    if known is None:
        filled.notes.append(f"{label} takes no seed: the same request makes something else each time.")
        return
    most = int(min(known.high, MAX_SEED)) if known.high is not None else MAX_SEED
    seed = request.seed if request.seed <= most else request.seed % (most + 1)
    filled.values[known.name] = seed
    if seed != request.seed:
        filled.notes.append(f"seed {request.seed} became {seed}: seeds of {label} end at {most}.")


def _size(inputs: Inputs, request: VideoRequest, label: str, filled: Filled) -> None:
    width, height = request.width, request.height
    if not width or not height:
        return
    across, down = inputs.first(("width",)), inputs.first(("height",))
    aspect = inputs.first(("aspect_ratio",))
    own = aspect is None or not aspect.choices or "custom" in aspect.choices
    if across is not None and down is not None and own:
        if aspect is not None and "custom" in aspect.choices:
            filled.values[aspect.name] = "custom"
        _put(filled, across, width, "width", label)
        _put(filled, down, height, "height", label)
        return
    named = []
    if aspect is not None and (ratio := _nearest_ratio(aspect.choices, width / height)) is not None:
        filled.values[aspect.name] = ratio
        named.append(ratio)
    resolution = inputs.first(RESOLUTION)
    if resolution is not None and (chosen := _nearest_size(resolution.choices, width, height)) is not None:
        filled.values[resolution.name] = chosen
        named.append(chosen)
    if not named:
        filled.notes.append(f"{label} takes no size and chooses its own.")
    elif not all(_says(name, width, height) for name in named):
        filled.notes.append(f"{width} x {height} became {' at '.join(map(str, named))}: {label} takes named sizes.")


def _length(inputs: Inputs, request: VideoRequest, label: str, filled: Filled) -> None:
    if inputs.makes is Makes.IMAGE:
        return
    fps_input, count, duration = inputs.first(FPS), inputs.first(FRAMES), inputs.first(DURATION)
    if request.fps and fps_input is not None:
        _put(filled, fps_input, request.fps, "fps", label)
    fps = _number(filled.values.get(fps_input.name)) if fps_input is not None else None
    seconds = request.seconds or (request.frames / request.fps if request.frames and request.fps else None)
    if seconds is None:
        filled.seconds = _number(duration.default) if duration is not None else None
        return
    if duration is not None:
        chosen = duration.nearest(seconds)
        filled.values[duration.name] = chosen
        filled.seconds = _number(chosen)
        if filled.seconds is not None and abs(filled.seconds - seconds) > 0.05:
            filled.notes.append(f"Length {seconds:.3g} s became {filled.seconds:g} s: {label} takes "
                                f"{_allowed(duration)}.")
    elif count is not None:
        rate = fps or request.fps or 24
        _put(filled, count, round(seconds * rate), "frames", label)
        filled.seconds = (_number(filled.values[count.name]) or 0) / rate
    else:
        filled.notes.append(f"{label} takes no length and chooses its own.")


def _picture(inputs: Inputs, names: Sequence[str], given: bool, what: str, label: str) -> str:
    """The input that takes a picture; empty where none is given. Raises `RequestError`."""
    known = inputs.first(names)
    if given and known is None:
        raise RequestError(f"{label} cannot use {'an' if what[0] in 'aeiou' else 'a'} {what}.",
                           field=what.replace(" ", "_"), fix="Remove it, or choose another model.")
    if not given and known is not None and known.required:
        raise RequestError(f"{label} needs {'an' if what[0] in 'aeiou' else 'a'} {what}, and the request has none.",
                           field=what.replace(" ", "_"), fix="Add one, or choose another model.")
    return known.name if given and known is not None else ""


def _quiet_defaults(inputs: Inputs, filled: Filled) -> None:
    """One result, and without losses where the model lets one choose."""
    if "num_outputs" in inputs.by_name:
        filled.values["num_outputs"] = inputs.by_name["num_outputs"].nearest(1)
    if "png" in (kind := inputs.by_name.get("output_format", Input(""))).choices:
        filled.values[kind.name] = "png"


def _check_required(inputs: Inputs, filled: Filled, label: str) -> None:
    have = {*filled.values, filled.start, filled.end}
    missing = [one.name for one in inputs.by_name.values()
               if one.required and one.default is None and one.name not in have]
    if missing:
        raise RequestError(f"{label} needs what no request has: {', '.join(missing)}.", field="model",
                           fix="Choose a model that makes videos or images from text.")


def _put(filled: Filled, known: Input, value: float, name: str, label: str) -> None:
    """Set a number, moved to what the input allows, with a note where it moved."""
    chosen = known.nearest(value)
    filled.values[known.name] = chosen
    number = _number(chosen)
    if number is None or abs(number - value) > 1e-6:
        filled.notes.append(f"{name} {value:g} became {chosen}: {label} takes {_allowed(known)}.")


def _allowed(known: Input) -> str:
    if known.choices:
        return " or ".join(", ".join(str(choice) for choice in known.choices).rsplit(", ", 1))
    low = f"from {known.low:g}" if known.low is not None else ""
    high = f"up to {known.high:g}" if known.high is not None else ""
    step = f"in steps of {known.step:g}" if known.step and known.step != 1 else ""
    kind = "whole numbers" if known.kind == "integer" else "numbers"
    return " ".join(part for part in (kind, low, high, step) if part)


# -- named sizes --------------------------------------------------------------------------------------------------


def _nearest_ratio(choices: Sequence[Any], wanted: float) -> Any:
    """The choice like "16:9" whose shape is closest; None where there is none."""
    found = [(abs(math.log(w / h / wanted)), choice) for choice in choices
             if (pair := _pair(choice, ":")) and (w := pair[0]) and (h := pair[1])]
    return min(found, key=lambda one: one[0])[1] if found else None


def _nearest_size(choices: Sequence[Any], width: int, height: int) -> Any:
    """The choice like "1280*720" or "720p" that is closest, shape before size; None where there is none."""
    pairs = [(abs(math.log(pair[0] / pair[1] * height / width)), abs(math.log(pair[0] * pair[1] / (width * height))),
              choice) for choice in choices if (pair := _pair(choice, "*x"))]
    if pairs:
        return min(pairs, key=lambda one: (round(one[0], 2), one[1]))[2]
    lines = [(abs(math.log(count / min(width, height))), choice)
             for choice in choices if (count := _line_count(choice))]
    return min(lines, key=lambda one: one[0])[1] if lines else None


def _says(name: Any, width: int, height: int) -> bool:
    """Whether "16:9", "1280*720" or "720p" says this size, or its shape, to within 2 %."""
    if ratio := _pair(name, ":"):
        return abs(math.log(ratio[0] / ratio[1] * height / width)) < 0.02
    if size := _pair(name, "*x"):
        return size == (width, height)
    return abs(math.log((_line_count(name) or 1) / min(width, height))) < 0.02


def _pair(choice: Any, marks: str) -> tuple[int, int] | None:
    match = re.fullmatch(rf"\s*(\d+)\s*[{re.escape(marks)}]\s*(\d+)\s*", str(choice))
    pair = (int(match[1]), int(match[2])) if match else None
    return pair if pair and all(pair) else None


def _line_count(choice: Any) -> int:
    """Lines of "720p", "Turbo (360p)" or "4k"; 0 for what names none."""
    text = str(choice).lower()
    match = re.search(r"(\d+)\s*p\b", text)
    return int(match[1]) if match else next((lines for name, lines in _LINES.items() if name in text.split()), 0)


# -- reading the schema -------------------------------------------------------------------------------------------


def _read_input(name: str, data: Mapping[str, Any], schemas: Mapping[str, Any], required: bool) -> Input:
    merged = _merged(data, schemas)
    return Input(name=name, kind=str(merged.get("type") or "string"), choices=tuple(merged.get("enum") or ()),
                 low=_number(merged.get("minimum")), high=_number(merged.get("maximum")),
                 step=_number(merged.get("multipleOf")), default=merged.get("default"), required=required)


def _merged(data: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """A property with what it refers to; choices stand in a schema of their own."""
    merged: dict[str, Any] = {}
    if depth < 8:
        parts = [*(data.get("allOf") or ()), *(data.get("anyOf") or ()), *(data.get("oneOf") or ())]
        if isinstance(reference := data.get("$ref"), str):
            parts.append(_mapping(schemas.get(reference.rpartition("/")[2])))
        for part in parts:
            found = _merged(_mapping(part), schemas, depth + 1)
            if found.get("type") != "null":
                merged |= found
    return merged | {key: value for key, value in data.items() if key not in ("allOf", "anyOf", "oneOf", "$ref")}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    """5, 5.0, "5" and "5s" as numbers; None for what is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return float(value)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*s?(?:ec|econds?)?\s*", str(value))
    return float(match[1]) if match else None
