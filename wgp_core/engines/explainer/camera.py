"""Camera movement for drawings: the finished frame is moved as a whole on its paper, so nothing is ever cut off.

The picture is scaled a little below full size and moved within the room that this leaves.
"""

from __future__ import annotations

import math

import numpy as np

from ...request import CameraMovement

ROOM = 0.06
"""Share of the picture that a movement may use."""


def placement(movement: CameraMovement, u: float) -> tuple[float, float, float, float]:
    """(scale, dx, dy, degrees) at `u` in 0..1; dx and dy are shares of width and height, y down."""
    eased = u * u * (3 - 2 * u)
    swing = (eased - 0.5) * ROOM
    small = 1 - ROOM
    match movement:
        case CameraMovement.PUSH_IN:
            return small + ROOM * eased, 0.0, 0.0, 0.0
        case CameraMovement.PULL_OUT:
            return 1 - ROOM * eased, 0.0, 0.0, 0.0
        case CameraMovement.DOLLY_LEFT:
            return small, swing, 0.0, 0.0
        case CameraMovement.DOLLY_RIGHT | CameraMovement.PAN | CameraMovement.TRACKING:
            return small, -swing, 0.0, 0.0
        case CameraMovement.TILT:
            return small, 0.0, swing, 0.0
        case CameraMovement.ORBIT:
            return 1 - 1.2 * ROOM, 0.0, 0.0, 1.2 * math.sin(math.tau * u)
        case CameraMovement.HANDHELD:
            return (small, 0.012 * math.sin(math.tau * 1.3 * u) + 0.006 * math.sin(math.tau * 3.1 * u + 1),
                    0.010 * math.sin(math.tau * 1.7 * u + 2), 0.35 * math.sin(math.tau * 1.1 * u))
    return 1.0, 0.0, 0.0, 0.0


def move(frame: np.ndarray, movement: CameraMovement, u: float, paper: tuple[int, int, int]) -> np.ndarray:
    """The frame (height, width, 3) as the camera sees it; `paper` fills what is left free."""
    if movement is CameraMovement.STATIC:
        return frame
    import cv2

    height, width = frame.shape[:2]
    scale, dx, dy, degrees = placement(movement, u)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += (dx * width, dy * height)
    return cv2.warpAffine(frame, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
                          borderValue=paper)
