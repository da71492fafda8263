"""The window: a list of tabs. All are built first, then wired, so that one tab may fill another's form."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import gradio as gr

from wgp_core.context import Studio

from . import (
    tab_attempts,
    tab_documents,
    tab_generate,
    tab_library,
    tab_models,
    tab_queue,
    tab_settings,
    tab_storyboard,
)
from .components import plain_html
from .live import NAME, build_live
from .theme import HEAD, studio_theme, style_sheet
from .window import Window

if TYPE_CHECKING:
    from fastapi import FastAPI

TABS: tuple[ModuleType, ...] = (tab_generate, tab_queue, tab_library, tab_documents, tab_storyboard,
                                tab_attempts, tab_models, tab_settings)

MAX_UPLOAD = "512mb"

BRAND = f'<header class="w-brand"><i class="w-logo"></i><h1>{NAME}</h1></header>'


def build_window(studio: Studio) -> gr.Blocks:
    """The whole page. Launch or mount it with `window_options`."""
    with gr.Blocks(title=NAME, analytics_enabled=False, fill_width=True) as blocks:
        live = build_live(studio)
        plain_html(BRAND, elem_id="brand")
        with gr.Tabs(elem_id="tabs") as strip:
            window = Window(studio, blocks, live, strip)
            for tab in TABS:
                with gr.Tab(tab.LABEL, id=tab.ID, elem_id=f"tab-{tab.ID}") as item:
                    window.items[tab.ID] = item
                    window.tabs[tab.ID] = tab.build(studio)
        for tab in TABS:
            tab.wire(window.tabs[tab.ID], window)
    return blocks


def mount_window(web: FastAPI, studio: Studio) -> FastAPI:
    """The window at the root of a web application, behind what is there already."""
    return gr.mount_gradio_app(web, build_window(studio), path="/", **window_options(studio))


def window_options(studio: Studio) -> dict[str, Any]:
    """What `Blocks.launch` (and `gr.mount_gradio_app`) needs for the look and for serving the videos."""
    paths = studio.paths
    served = (paths.outputs, paths.previews, paths.posters, paths.uploads, paths.trash, paths.cache)
    return {"theme": studio_theme(), "css": style_sheet(), "head": HEAD, "footer_links": [],
            "allowed_paths": [str(folder) for folder in served], "max_file_size": MAX_UPLOAD}
