"""Plans as files that a person can edit: `{"brief": {...}, "scenes": [...]}`, or a bare list of scenes.

A scene has the fields of `ScenePlan`; an object with `requests` or `plan` (a batch file, a request) is read for its
plan. What is wrong is said with file, scene and field.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RequestError
from ..request import ScenePlan, VideoRequest
from ..whole import whole_file
from .brief import Framework, Look, Objective, PlanBrief

MOST_BYTES = 4 * 2**20
_BRIEF = {field.name for field in dataclasses.fields(PlanBrief)}
_ENUMS: Mapping[str, Any] = {"objective": Objective, "look": Look, "framework": Framework}


@dataclass(frozen=True)
class PlanFile:
    """What a file holds; `brief` is None where it has scenes only."""

    scenes: tuple[ScenePlan, ...]
    brief: PlanBrief | None = None


def read_plan(path: Path) -> PlanFile:
    """The plan of a file. Raises `RequestError`."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RequestError(f"{path} is larger than a plan can be ({MOST_BYTES // 2**20} MB).", field="plan")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RequestError(f"There is no plan at {path}.", field="plan",
                           fix="Make one with --save-plan, or name another file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"The plan {path} cannot be read: {error}.", field="plan") from error
    return parse_plan(text, str(path))


def parse_plan(text: str, name: str = "the plan") -> PlanFile:
    """The plan of a JSON text; `name` stands in errors. Raises `RequestError`."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise RequestError(f"{name} is not valid JSON: {error}.", field="plan") from error
    return plan_from_data(data, name)


def plan_from_data(data: Any, name: str = "the plan") -> PlanFile:
    """The plan of JSON types. Raises `RequestError`."""
    brief = None
    if isinstance(data, Mapping):
        unknown = set(data) - {"brief", "scenes", "plan", "about", "planner", "warnings"}
        if "scenes" not in data and "plan" not in data:
            raise RequestError(f"{name} has no scenes.", field="plan",
                               fix='Write {"scenes": [{"title": "...", "narration": "..."}]}, or a list of scenes.')
        if "scenes" in data and unknown:
            raise RequestError(f"{name} has unknown fields: {', '.join(sorted(map(str, unknown)))}.", field="plan",
                               fix="Known: brief, scenes, planner, warnings, about.")
        brief = _brief(data["brief"], name) if data.get("brief") is not None else None
        data = data["scenes"] if "scenes" in data else data["plan"]
    if not isinstance(data, list) or not data:
        raise RequestError(f"{name} must hold a list of at least one scene.", field="plan")
    return PlanFile(tuple(_scene(scene, number, name) for number, scene in enumerate(data, 1)), brief)


def plan_data(scenes: Sequence[ScenePlan], brief: PlanBrief | None = None) -> dict[str, Any]:
    """JSON types of a plan; `plan_from_data` reads them back."""
    made: dict[str, Any] = {"brief": dataclasses.asdict(brief)} if brief else {}
    return {**made, "scenes": VideoRequest(prompt="", plan=tuple(scenes)).to_dict()["plan"]}


def save_plan(path: Path, brief: PlanBrief | None, scenes: Sequence[ScenePlan]) -> None:
    """Write a plan, whole or not at all. Raises `RequestError`."""
    text = json.dumps(plan_data(scenes, brief), ensure_ascii=False, indent=2) + "\n"
    try:
        with whole_file(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"The plan cannot be written to {path}: {error.strerror or error}.", field="save_plan",
                           fix="Choose another place.") from error


def _scene(data: Any, number: int, name: str) -> ScenePlan:
    if not isinstance(data, Mapping):
        raise RequestError(f"{name}, scene {number} is not an object.", field=f"plan.{number - 1}",
                           fix='Write {"title": "...", "narration": "..."}.')
    try:
        request = VideoRequest.from_dict({"prompt": "", "plan": [dict(data)]})
        request.with_(prompt="plan").check()
    except RequestError as error:
        field = error.field.removeprefix("plan.0").lstrip(".")
        message = error.message.replace("plan.0.", "").replace("Scene 1 ", "The scene ")
        fix = f"Known fields: {', '.join(f.name for f in dataclasses.fields(ScenePlan))}." if (
            error.fix.startswith("Known keys")) else error.fix
        raise RequestError(f"{name}, scene {number}: {message}", field=f"plan.{number - 1}.{field}".rstrip("."),
                           fix=fix) from error
    return request.plan[0]


def _brief(data: Any, name: str) -> PlanBrief:
    if not isinstance(data, Mapping) or set(data) - _BRIEF or not isinstance(data.get("topic"), str):
        raise RequestError(f"The brief of {name} must be an object with a topic and at most the fields "
                           f"{', '.join(sorted(_BRIEF))}.", field="brief")
    made = dict(data)
    for field, kind in _ENUMS.items():
        if field in made:
            try:
                made[field] = kind(made[field])
            except ValueError:
                raise RequestError(f"The brief of {name} has {field} {made[field]!r}.", field=f"brief.{field}",
                                   fix=f"Choose one of {', '.join(kind)}.") from None
    kinds: Mapping[str, tuple[type, ...]] = {"audience": (str,), "seconds": (int, float), "scenes": (int,)}
    for field, types in kinds.items():
        if field in made and (not isinstance(made[field], types) or isinstance(made[field], bool)):
            raise RequestError(f"The brief of {name} has {field} {made[field]!r}.", field=f"brief.{field}")
    brief = PlanBrief(**made)
    brief.check()
    return brief
