"""What every tab gets when it is wired: the studio, the page's pulse, the tab strip and the other tabs' parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import gradio as gr

from wgp_core.context import Studio

GENERATE = "generate"
"""The id of the tab whose form the others fill."""


@dataclass
class Window:
    """The parts of the page. `tabs` maps a tab's id to what its `build` returned, `items` to its `gr.Tab`."""

    studio: Studio
    blocks: gr.Blocks
    live: gr.HTML
    strip: gr.Tabs
    items: dict[str, gr.Tab] = field(default_factory=dict)
    tabs: dict[str, Any] = field(default_factory=dict)


class TabModule(Protocol):
    """A tab: one module with an id, a label, `build` and `wire`."""

    ID: str
    LABEL: str

    def build(self, studio: Studio) -> Any: ...

    def wire(self, own: Any, window: Window) -> None: ...
