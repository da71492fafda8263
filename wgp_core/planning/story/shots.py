"""Shots and camera movements: their names, how they are read from free text, and which shot follows which."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence

from ...request import CameraMovement


class Transition(enum.StrEnum):
    """From shot to shot. `match` ends a shot on the next frame where the model takes an end image, else it cuts."""

    CUT = "cut"
    CROSSFADE = "cross-fade"
    MATCH = "match"


class Shot(enum.StrEnum):
    """Kinds of framing. Values are what a prompt says."""

    EXTREME_WIDE = "extreme wide shot"
    WIDE = "wide shot"
    MEDIUM = "medium shot"
    CLOSE = "close-up"
    EXTREME_CLOSE = "extreme close-up"
    INSERT = "insert shot"
    POV = "POV shot"
    SHOULDER = "over-the-shoulder shot"
    TWO = "two-shot"
    LOW = "low-angle shot"
    HIGH = "high-angle shot"
    TRACKING = "tracking shot"
    AERIAL = "aerial shot"
    DUTCH = "dutch-angle shot"


_READ: tuple[tuple[Shot, str], ...] = (
    (Shot.SHOULDER, r"over[- ]the[- ]shoulder|\bots\b"),
    (Shot.POV, r"\bpov\b|point[- ]of[- ]view|first[- ]person|subjective (?:shot|camera)"),
    (Shot.EXTREME_CLOSE, r"extreme close|macro|\becu\b"),
    (Shot.INSERT, r"\binsert\b|detail shot|cutaway|cut-in"),
    (Shot.CLOSE, r"close[- ]?ups?|closeup|close shot|tight shot|\bcu\b"),
    (Shot.TWO, r"two[- ]shot|2[- ]shot"),
    (Shot.LOW, r"low[- ]angle|worm'?s[- ]eye|from below"),
    (Shot.AERIAL, r"aerial|drone|bird'?s[- ]eye|top[- ]?down|overhead"),
    (Shot.HIGH, r"high[- ]angle|from above|crane shot"),
    (Shot.DUTCH, r"dutch|canted|tilted angle"),
    (Shot.TRACKING, r"tracking shot|following shot|follow shot|dolly shot|steadicam"),
    (Shot.EXTREME_WIDE, r"extreme(?:ly)? wide|extreme long|very wide|vista"),
    (Shot.WIDE, r"\bwide|establishing|long shot|full shot|panoram\w*|master shot|full[- ]body"),
    (Shot.MEDIUM, r"\bmedium|mid[- ]?shot|waist[- ]up|cowboy shot|american shot|eye[- ]level|three[- ]quarter"),
)
_PATTERNS = tuple((shot, re.compile(pattern, re.IGNORECASE)) for shot, pattern in _READ)


def shot_of(camera: str) -> Shot | None:
    """The framing that free text names; None where it names none. The most particular name counts."""
    return next((shot for shot, pattern in _PATTERNS if pattern.search(camera)), None)


MOVES: Mapping[CameraMovement, str] = {
    CameraMovement.STATIC: "static camera", CameraMovement.PUSH_IN: "slow push-in",
    CameraMovement.PULL_OUT: "slow pull-back", CameraMovement.DOLLY_LEFT: "slow slide to the left",
    CameraMovement.DOLLY_RIGHT: "slow slide to the right", CameraMovement.PAN: "slow pan",
    CameraMovement.TILT: "slow tilt up", CameraMovement.TRACKING: "tracking alongside",
    CameraMovement.ORBIT: "slow orbit",
    CameraMovement.HANDHELD: "light handheld drift",
}
_MOVES = tuple((move, re.compile(pattern, re.IGNORECASE)) for move, pattern in (
    (CameraMovement.PUSH_IN, r"push(?:es|ing)?[- ]?in|dolly[- ]in|zoom(?:s|ing)?[- ]in|moves? in|toward"),
    (CameraMovement.PULL_OUT, r"pull(?:s|ing)?[- ]?(?:back|out)|dolly[- ]out|zoom(?:s|ing)?[- ]out"),
    (CameraMovement.ORBIT, r"orbit|\barc\b|circl"), (CameraMovement.HANDHELD, r"hand-?held|shak"),
    (CameraMovement.TRACKING, r"track|follow|steadicam"), (CameraMovement.TILT, r"\btilt(?!ed)"),
    (CameraMovement.DOLLY_LEFT, r"(?:slide|dolly|truck)\w* (?:to the )?left"),
    (CameraMovement.DOLLY_RIGHT, r"(?:slide|dolly|truck)\w* (?:to the )?right|slide|truck|dolly"),
    (CameraMovement.PAN, r"\bpan(?:s|ning)?\b|sweep")))


def movement_of(camera: str) -> CameraMovement:
    """The movement that free text names; static where it names none."""
    return next((move for move, pattern in _MOVES if pattern.search(camera)), CameraMovement.STATIC)


SUITED: Mapping[Shot, tuple[CameraMovement, ...]] = {
    Shot.EXTREME_WIDE: (CameraMovement.PAN, CameraMovement.PUSH_IN, CameraMovement.STATIC),
    Shot.WIDE: (CameraMovement.PUSH_IN, CameraMovement.PAN, CameraMovement.DOLLY_RIGHT, CameraMovement.STATIC),
    Shot.MEDIUM: (CameraMovement.DOLLY_LEFT, CameraMovement.STATIC, CameraMovement.TRACKING, CameraMovement.HANDHELD),
    Shot.CLOSE: (CameraMovement.PUSH_IN, CameraMovement.STATIC, CameraMovement.HANDHELD),
    Shot.EXTREME_CLOSE: (CameraMovement.STATIC, CameraMovement.PUSH_IN),
    Shot.INSERT: (CameraMovement.STATIC, CameraMovement.DOLLY_RIGHT, CameraMovement.PUSH_IN),
    Shot.POV: (CameraMovement.HANDHELD, CameraMovement.PUSH_IN),
    Shot.SHOULDER: (CameraMovement.PUSH_IN, CameraMovement.DOLLY_RIGHT, CameraMovement.STATIC),
    Shot.TWO: (CameraMovement.ORBIT, CameraMovement.STATIC, CameraMovement.DOLLY_LEFT),
    Shot.LOW: (CameraMovement.TILT, CameraMovement.PUSH_IN, CameraMovement.STATIC),
    Shot.HIGH: (CameraMovement.PULL_OUT, CameraMovement.STATIC, CameraMovement.ORBIT),
    Shot.TRACKING: (CameraMovement.TRACKING,),
    Shot.AERIAL: (CameraMovement.PULL_OUT, CameraMovement.PAN),
    Shot.DUTCH: (CameraMovement.HANDHELD, CameraMovement.STATIC),
}
"""The movements that go with a framing, the most usual first."""


def camera_line(shot: Shot, before: Sequence[str] = ()) -> str:
    """A shot with a movement that suits it and that the last two cameras did not have, where there is one."""
    recent = {movement_of(line) for line in before[-2:]}
    suited = SUITED[shot]
    return f"{shot.value}, {MOVES[next((move for move in suited if move not in recent), suited[0])]}"


def least_kinds(count: int) -> int:
    """How many kinds of shots so many scenes need at least: four in eight; all different below four scenes."""
    return min(4, count)
