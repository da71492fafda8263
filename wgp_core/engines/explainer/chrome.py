"""What every scene wears: the title above, the caption below, the source, and a thin progress rule."""

from __future__ import annotations

from .layout import Rect
from .scene import Scene
from .stage import Stage


def dress(stage: Stage, scene: Scene, *, captions: bool = True, number: int = 0, of: int = 0) -> None:
    """Draw the still frame around a scene. `number` of `of` shows the place in the video; 0 hides it."""
    head = stage.header
    count_w = 1.2 if of > 1 else 0.0
    if scene.title:
        stage.card(Rect(head.x, head.cy - 0.26, 0.1, 0.52), fill="accent", edge="accent", radius=0.04)
        stage.paragraph(Rect(head.x + 0.32, head.y, head.w - 0.32 - count_w, head.h), scene.title, "title",
                        weight="bold")
    if of > 1:
        stage.text(head.right, head.cy, f"{number} / {of}", "small", color="muted", ha="right")
    foot = stage.footer
    source_h = max(0.34, stage.line_height("small")) if scene.source else 0.0
    if captions and scene.narration:
        stage.paragraph(Rect(foot.x, foot.y + source_h, foot.w, foot.h - 0.12 - source_h), scene.narration, "body",
                        color="ink", ha="center")
    if scene.source:
        stage.paragraph(Rect(foot.x, foot.y, foot.w, source_h), f"Source: {scene.source}", "small", color="muted",
                        ha="center")
