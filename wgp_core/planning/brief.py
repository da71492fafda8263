"""What a plan is asked for and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..prompts.academic import MOST_TOPIC
from ..request import Framework, Look, Objective, ScenePlan

__all__ = ["RULES", "Framework", "Look", "Objective", "PlanBrief", "Planned"]

LEAST_SECONDS, MOST_SECONDS = 2.0, 600.0
MOST_SCENES = 40
RULES = "rules"
"""Name of the planner that needs no model."""


@dataclass(frozen=True)
class PlanBrief:
    """`audience` is any words ("nurses in training"); `scenes` 0 lets the time decide. `seconds` is the whole video."""

    topic: str
    audience: str = "students"
    objective: Objective = Objective.EXPLAIN
    look: Look = Look.INFOGRAPHIC
    framework: Framework = Framework.ACADEMIC
    seconds: float = 20.0
    scenes: int = 0

    def check(self) -> None:
        """Raise `RequestError` for what no plan can be made for."""
        if not any(letter.isalnum() for letter in self.topic):
            raise RequestError("The topic is empty.", field="topic", fix="Say in a few words what the video explains.")
        if len(self.topic) > MOST_TOPIC:
            raise RequestError(f"The topic has {len(self.topic)} letters; at most {MOST_TOPIC} are read.",
                               field="topic", fix="Name the topic here and put the text into a document.")
        if not LEAST_SECONDS <= self.seconds <= MOST_SECONDS:
            raise RequestError(f"seconds is {self.seconds:g}; it must be from {LEAST_SECONDS:g} to {MOST_SECONDS:g}.",
                               field="seconds")
        if not 0 <= self.scenes <= MOST_SCENES:
            raise RequestError(f"scenes is {self.scenes}; it must be from 0 (as the time allows) to {MOST_SCENES}.",
                               field="scenes")


@dataclass(frozen=True)
class Planned:
    """The scenes; `planner` is "rules" or the name of a language model.

    `repaired` says what was mended in a model's answer; `warnings` are for the person.
    """

    scenes: tuple[ScenePlan, ...]
    planner: str = RULES
    repaired: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def grounded(self) -> bool:
        """Whether any scene rests on a document."""
        return any(cue.source for scene in self.scenes for cue in scene.cues)
