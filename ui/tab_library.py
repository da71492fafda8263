"""Library: every finished video, to find, watch, keep and reuse."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.errors import MediaError
from wgp_core.store.records import GenerationRecord, LibrarySort

from .components import (
    QUIET,
    Action,
    action_html,
    actions_row,
    attempt,
    chips,
    empty_state,
    notice,
    notices,
    plain_html,
)
from .filling import fill_from_request
from .result import ENGINE_NAMES, download_link, facts, made_in, player, thumbnail
from .window import GENERATE, Window
from .words import esc, plural

log = logging.getLogger(__name__)
ID, LABEL = "library", "Library"
PAGE = 24
SORTS = [("Newest first", "newest"), ("Oldest first", "oldest"), ("Longest first", "longest"), ("By prompt", "prompt")]
SHOW_DETAILS = """() => {
  if (innerWidth < 960) document.querySelector('#library-details .w-details')?.scrollIntoView({ behavior: 'smooth' });
}"""
VIEWS = [("All", "all"), ("Favourites", "favourites"), ("Trash", "trash")]


@dataclass(frozen=True)
class Library:
    """The tab's parts. `page` is a number from 0, `chosen` the id of the open video or empty."""

    search: gr.Textbox
    view: gr.Radio
    engine: gr.Dropdown
    sort: gr.Dropdown
    message: gr.HTML
    grid: gr.HTML
    details: gr.HTML
    note_box: gr.Column
    note: gr.Textbox
    save_note: gr.Button
    page: gr.State
    chosen: gr.State


@dataclass(frozen=True)
class Query:
    """What is looked for."""

    text: str = ""
    view: str = "all"
    engine: str = ""
    sort: str = "newest"

    def find(self, studio: Studio, page: int) -> tuple[tuple[GenerationRecord, ...], int, int]:
        """The videos of a page, how many there are in all, and the page's number (a page past the end is the last)."""
        library = studio.store.library
        limits: dict[str, Any] = {"engine": self.engine or None, "favourites": self.view == "favourites",
                                  "trashed": self.view == "trash"}
        total = library.count(self.text, **limits)
        page = max(0, min(page, (total - 1) // PAGE if total else 0))
        found = library.search(self.text, **limits, limit=PAGE, offset=page * PAGE, sort=LibrarySort(self.sort))
        return found, total, page


def build(studio: Studio) -> Library:
    engines = [("All engines", ""), *((ENGINE_NAMES.get(engine, engine).capitalize(), engine)
                                      for engine in studio.store.library.engines())]
    with gr.Row(elem_id="library-filters"):
        search = gr.Textbox(show_label=False, placeholder="Search prompts, notes and file names", container=False,
                            elem_id="library-search", min_width=200, scale=3)
        view = gr.Radio(VIEWS, value="all", show_label=False, container=False, elem_id="library-view", min_width=240)
        engine = gr.Dropdown(engines, value="", show_label=False, container=False, min_width=130)
        sort = gr.Dropdown(SORTS, value="newest", show_label=False, container=False, min_width=130)
    message = plain_html(elem_id="library-message")
    with gr.Row(elem_id="library-body"):
        with gr.Column(elem_id="library-list"):
            grid = action_html(elem_id="library-grid")
        with gr.Column(elem_id="library-side"):
            details = action_html(elem_id="library-details")
            with gr.Column(visible=False, elem_id="library-note") as note_box:
                note = gr.Textbox(label="Note", lines=2, placeholder="Only for you; search finds it.")
                save_note = gr.Button("Save note", size="sm", scale=0, min_width=110)
    return Library(search, view, engine, sort, message, grid, details, note_box, note, save_note,
                   page=gr.State(0), chosen=gr.State(""))


# -- what is shown ----------------------------------------------------------------------------------------------


def grid_html(found: tuple[GenerationRecord, ...], total: int, page: int, chosen: str, query: Query) -> str:
    """The posters of a page, with paging where one page is not enough."""
    if not found:
        return _nothing(query)
    posters = "".join(thumbnail(record, "open", current=record.id == chosen, caption=True) for record in found)
    pages = (total - 1) // PAGE + 1
    paging = ""
    if pages > 1:
        paging = ('<div class="w-paging">' + Action("page", "‹ Earlier page", disabled=page == 0).html(id=str(page - 1))
                  + f"<span>Page {page + 1} of {pages}</span>"
                  + Action("page", "Next page ›", disabled=page + 1 >= pages).html(id=str(page + 1)) + "</div>")
    empty = ""
    if query.view == "trash":
        empty = actions_row((Action("purge", "Empty the trash", "danger", confirm="Delete all for good?"),), id="all")
    return (f'<div class="w-line spread"><p class="w-quiet">{plural(total, "result")}</p>{empty}</div>'
            f'<div class="w-grid">{posters}</div>{paging}')


def _nothing(query: Query) -> str:
    if query.text or query.engine:
        return empty_state("Nothing found", "No video fits the search and the filters.", "search")
    if query.view == "favourites":
        return empty_state("No favourites yet", "Open a video and press the star to keep it here.", "star")
    if query.view == "trash":
        return empty_state("The trash is empty", "Deleted videos wait here until you empty it.", "trash")
    return empty_state("No videos yet", "Everything that you generate is kept here, with its settings.")


def details_html(record: GenerationRecord | None) -> str:
    """One video: player, facts, actions."""
    if record is None:
        return ""
    changed = record.enhanced_prompt and record.enhanced_prompt != record.prompt
    enhanced = ("<details><summary>Prompt as it was used</summary>"
                f'<p class="w-prompt">{esc(record.enhanced_prompt)}</p></details>' if changed else "")
    buttons = actions_row(_actions(record), before=download_link(record), id=record.id)
    when = record.created_at.astimezone().strftime("%d %b %Y, %H:%M").lstrip("0")
    return (f'<section class="w-card w-details" aria-label="Chosen video">{player(record)}'
            f'<p class="w-prompt">{esc(record.prompt)}</p>{enhanced}{chips(facts(record))}'
            f'<p class="w-quiet">{esc(when)}. {esc(made_in(record))}</p>{notices(record.warnings, kind="warn")}'
            f"{buttons}"
            f'<div class="w-path"><code>{esc(record.path)}</code><button type="button" class="w-btn small" '
            f'data-copy="{esc(record.path)}">Copy path</button></div></section>')


def _actions(record: GenerationRecord) -> tuple[Action, ...]:
    if record.trashed_at is not None:
        return (Action("restore", "Restore", "primary"),)
    star = Action("unstar", "★ Favourite") if record.favourite else Action("star", "☆ Favourite")
    folder = (Action("folder", "Show in folder"),) if has_desktop() else ()
    attempts = Action("attempts", "Attempts", title="Make several versions, and choose")
    return (Action("use", "Use these settings"), attempts, star, *folder,
            Action("trash", "Delete", "danger", confirm="Move to the trash?"))


def has_desktop() -> bool:
    """Whether a file manager can be opened on the machine where the program runs."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show_in_folder(path: Path) -> None:
    """Open the file manager at the file's folder. Raises `MediaError` where there is none."""
    command = {"darwin": ["open", "-R", str(path)], "win32": ["explorer", f"/select,{path}"]}.get(
        sys.platform, ["xdg-open", str(path.parent)])
    try:
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise MediaError(f"No file manager can be opened ({error.strerror or error}).",
                         fix=f"The folder is {path.parent}.") from error


# -- wiring -----------------------------------------------------------------------------------------------------


def wire(own: Library, window: Window) -> None:
    studio, filters = window.studio, [own.search, own.view, own.engine, own.sort]

    def look(text: str, view: str, engine: str, sort: str, page: int, chosen: str) -> list[Any]:
        shown, problem = attempt(lambda: _list(studio, Query(text, view, engine, sort), page, chosen))
        return [problem, *(shown or [gr.skip(), page])]

    def look_anew(text: str, view: str, engine: str, sort: str, chosen: str) -> list[Any]:
        return look(text, view, engine, sort, 0, chosen)

    listed = [own.message, own.grid, own.page]
    window.items[ID].select(look, [*filters, own.page, own.chosen], listed, **QUIET)
    gr.on([own.search.change, own.view.change, own.engine.change, own.sort.change], look_anew, [*filters, own.chosen],
          listed, trigger_mode="always_last", **QUIET)
    _wire_actions(own, window, filters)
    _wire_opening(own, window.tabs[GENERATE].result, window)

    def save(note: str, chosen: str) -> str:
        saved, problem = attempt(lambda: studio.store.library.set_note(chosen, note or ""))
        return problem if saved is None else notice("The note is saved.", kind="good")

    own.save_note.click(save, [own.note, own.chosen], own.message, **QUIET)


def _wire_actions(own: Library, window: Window, filters: list[Any]) -> None:
    studio, generate = window.studio, window.tabs[GENERATE]
    shown = [own.message, own.grid, own.page, own.chosen, own.details, own.note_box, own.note]

    def act(event: gr.EventData, text: str, view: str, engine: str, sort: str, page: int, chosen: str) -> list[Any]:
        data, query = event._data, Query(text, view, engine, sort)
        step, problem = attempt(lambda: _act(studio, data["action"], data["id"], page, chosen))
        at, open_, told = step or (page, chosen, problem)
        return [told, *_list(studio, query, at, open_), open_, *_opened(studio, open_)]

    inputs = [*filters, own.page, own.chosen]
    own.grid.click(act, inputs, shown, **QUIET).then(None, None, None, js=SHOW_DETAILS)
    own.details.click(act, inputs, shown, **QUIET)

    def use(event: gr.EventData) -> list[Any]:
        nothing = [gr.skip()] * len(outputs)
        if event._data["action"] != "use":
            return nothing
        filled, _ = attempt(lambda: fill_from_request(
            studio, studio.store.library.get(event._data["id"]).request))
        told = notice("The settings are in the form.", kind="good")
        return nothing if filled is None else [gr.Tabs(selected=GENERATE), told, *filled]

    outputs = [window.strip, generate.message, *generate.form_outputs]
    own.details.click(use, None, outputs, **QUIET)


def _wire_opening(own: Library, source: gr.HTML, window: Window) -> None:
    """Let "Show in Library" of another tab open a video here."""
    studio = window.studio

    def go(event: gr.EventData) -> list[Any]:
        if event._data["action"] != "open":
            return [gr.skip()] * 5
        return [gr.Tabs(selected=ID), event._data["id"], *_opened(studio, event._data["id"])]

    source.click(go, None, [window.strip, own.chosen, own.details, own.note_box, own.note], **QUIET)


def _list(studio: Studio, query: Query, page: int, chosen: str) -> list[Any]:
    found, total, page = query.find(studio, page)
    return [grid_html(found, total, page, chosen, query), page]


def _opened(studio: Studio, chosen: str) -> list[Any]:
    record = studio.store.library.get(chosen) if chosen else None
    note = record.notes if record else ""
    return [details_html(record), gr.update(visible=record is not None), gr.update(value=note)]


def _act(studio: Studio, action: str, item: str, page: int, chosen: str) -> tuple[int, str, str]:
    """Carry out one action; returns the page, the open video and what to tell."""
    library = studio.store.library
    if action == "page":
        return int(item), chosen, ""
    if action == "open":
        return page, item, ""
    if action in ("star", "unstar"):
        library.set_favourite(item, action == "star")
    elif action == "folder":
        show_in_folder(library.get(item).path)
    elif action == "trash":
        library.trash(item)
        return page, "", notice("The video is in the trash.", kind="good")
    elif action == "restore":
        library.restore(item)
        return page, "", notice("The video is back in the library.", kind="good")
    elif action == "purge":
        gone = library.purge_trash()
        return 0, "", notice(f"{plural(gone, 'result')} deleted for good.", kind="good")
    return page, chosen, ""
