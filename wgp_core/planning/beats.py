"""The frameworks as data: which beats a plan has, in which order, and what each is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..request import CameraMovement, Framework
from .material import Role


@dataclass(frozen=True)
class Beat:
    """One step of an argument.

    `labels` title scenes that have no better title, the first one first; `wants` weighs roles; beats with a low
    `priority` come first when time is short. `{topic}` in `ask` (what documents are asked) and `question` (what is
    shown where nothing is known) stands for the topic.
    """

    name: str
    labels: tuple[str, ...]
    purpose: str
    ask: str
    question: str
    wants: Mapping[Role, float]
    priority: int = 1
    camera: CameraMovement = CameraMovement.STATIC


RECAP_LABEL = "To remember"

_ACADEMIC = (
    Beat("intuition", ("The idea", "Put differently", "What belongs to it"),
         "Intuition: what it is, in plain words", "What is {topic}? definition of {topic}", "What is {topic}?",
         {Role.DEFINITION: 1.2, Role.FACT: 0.4, Role.BENEFIT: 0.2}, 1),
    Beat("mechanism", ("How it works", "In detail", "What happens", "A closer look"),
         "Mechanism: how it works, step by step", "How does {topic} work? steps, process", "How does it work?",
         {Role.MECHANISM: 0.8, Role.FORMULA: 1.0, Role.CONTRAST: 0.2, Role.PROBLEM: -0.3, Role.BENEFIT: -0.1}, 2),
    Beat("example", ("In practice", "What to know", "Worth knowing", "Also"),
         "Example: where it shows", "example of {topic}, application, for example", "Where does it show?",
         {Role.EXAMPLE: 0.9, Role.PAST: 0.3, Role.ACTION: 0.5, Role.BENEFIT: 0.4, Role.PROBLEM: 0.3}, 3),
)
_PAS = (
    Beat("problem", ("The problem", "Another difficulty"), "Problem: what is wrong", "problem, difficulty of {topic}",
         "What is the problem?", {Role.PROBLEM: 1.2, Role.CONTRAST: 0.2, Role.PAST: 0.2}, 1),
    Beat("agitation", ("Why it matters", "What follows"), "Agitation: what follows if nothing changes",
         "consequence, disadvantage, risk of {topic}", "What does it cost?",
         {Role.CONSEQUENCE: 0.7, Role.PROBLEM: 0.9, Role.CONTRAST: 0.2}, 3),
    Beat("solution", ("The way out", "What helps", "How it is done"), "Solution: what helps",
         "solution, advantage, how to use {topic}", "What helps?",
         {Role.BENEFIT: 1.0, Role.ACTION: 0.7, Role.MECHANISM: 0.3, Role.DEFINITION: 0.4}, 2),
)
_BAB = (
    Beat("before", ("Before", "How it was"), "Before: how things stand without it",
         "before, traditional, difficulty without {topic}", "How was it before?",
         {Role.PAST: 1.0, Role.PROBLEM: 0.9}, 1),
    Beat("after", ("After", "What changes"), "After: how things stand with it",
         "advantage, improvement, result of {topic}", "How is it after?",
         {Role.BENEFIT: 1.1, Role.CONSEQUENCE: 0.3, Role.CONTRAST: 0.2}, 2),
    Beat("bridge", ("How to get there", "How it works", "What it takes"), "Bridge: what leads from one to the other",
         "How does {topic} work? how to use", "What leads from one to the other?",
         {Role.ACTION: 0.8, Role.MECHANISM: 0.7, Role.DEFINITION: 0.7, Role.FORMULA: 0.5}, 3),
)
_AIDA = (
    Beat("attention", ("Did you know?", "A surprise"), "Attention: what makes one look up",
         "surprising about {topic}, why {topic}", "Why look at {topic}?",
         {Role.CONTRAST: 0.6, Role.PROBLEM: 0.6, Role.BENEFIT: 0.4, Role.EXAMPLE: 0.3}, 3),
    Beat("interest", ("What it is", "What is special"), "Interest: what it is and what is special about it",
         "What is {topic}?", "What is {topic}?", {Role.DEFINITION: 1.2, Role.MECHANISM: 0.3, Role.FACT: 0.4}, 1),
    Beat("desire", ("What it gives", "What one gains"), "Desire: what one gains", "advantages, benefits of {topic}",
         "What does it give?", {Role.BENEFIT: 1.2, Role.EXAMPLE: 0.3}, 2),
    Beat("action", ("How to begin", "What to do", "The next step"), "Action: what to do next",
         "how to use {topic}, first steps, how to start", "How does one begin?",
         {Role.ACTION: 1.1, Role.MECHANISM: 0.4, Role.EXAMPLE: 0.2}, 2),
)
BEATS: Mapping[Framework, tuple[Beat, ...]] = {
    Framework.ACADEMIC: _ACADEMIC, Framework.PAS: _PAS, Framework.BAB: _BAB, Framework.AIDA: _AIDA}
"""Without the opening and the recap, which every framework may have."""
