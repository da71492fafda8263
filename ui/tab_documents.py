"""Documents: drop books, see what was read, ask them, and turn what they say into scenes for a video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.documents import collections
from wgp_core.documents.readers import KINDS
from wgp_core.documents.types import Rejected, read_rejected
from wgp_core.errors import RequestError
from wgp_core.jobs.document_desk import DocumentAction, Upload

from . import plan_editor
from .components import QUIET, action_html, attempt, notice, plain_html
from .documents_view import answer_html, collections_html, plan_html, works_html
from .window import Window

ID, LABEL = "documents", "Documents"
FIRST_NAME = "My documents"
NOTHING_TO_ASK = [("None yet", "")]


@dataclass(frozen=True)
class Documents:
    """The tab's parts. `opened` is the collection whose details are shown, `renaming` the one that gets a new name."""

    name: gr.Dropdown
    drop: gr.File
    message: gr.HTML
    work: gr.HTML
    rename_row: gr.Row
    new_name: gr.Textbox
    rename: gr.Button
    dismiss: gr.Button
    list: gr.HTML
    asked: gr.Dropdown
    question: gr.Textbox
    ask: gr.Button
    ask_message: gr.HTML
    answer: gr.HTML
    plan: plan_editor.PlanEditor
    opened: gr.State
    renaming: gr.State


def build(studio: Studio) -> Documents:
    names = _names(studio)
    first = next(iter(names), FIRST_NAME)
    with gr.Row(elem_id="documents-body"):
        with gr.Column(elem_id="documents-shelf"):
            name = gr.Dropdown(names or [first], value=first, label="Add documents to", elem_id="doc-name",
                               allow_custom_value=True, info="A new name makes a new collection.")
            drop = gr.File(file_count="multiple", file_types=sorted(KINDS), show_label=False, height=132,
                           label="PDF, text, Markdown, HTML or Word", elem_id="doc-drop")
            plain_html('<p class="w-quiet">PDF, text, Markdown, HTML or Word, up to 256 MB each.</p>')
            message = plain_html(elem_id="doc-message")
            work = action_html(works_html(studio.documents.works()), elem_id="doc-work")
            with gr.Row(visible=False, elem_id="doc-rename", elem_classes="w-pair w-bottom") as rename_row:
                new_name = gr.Textbox(label="New name", max_length=60, min_width=150, elem_id="doc-new-name")
                rename = gr.Button("Rename", variant="primary", size="md", min_width=90)
                dismiss = gr.Button("Leave it", size="md", min_width=90)
            listed = action_html(elem_id="doc-list")
        with gr.Column(elem_id="documents-desk"):
            plain_html('<h3 class="w-section">Ask the documents</h3>')
            with gr.Row(elem_classes="w-pair w-bottom", elem_id="doc-ask-row"):
                question = gr.Textbox(label="Question or topic", elem_id="doc-question", scale=3, min_width=200,
                                      placeholder="For example: how gradient descent finds a minimum")
                asked = gr.Dropdown(names or NOTHING_TO_ASK, value=next(iter(names), ""), label="Collection",
                                    elem_id="doc-asked", min_width=150, scale=1)
                ask = gr.Button("Ask", variant="primary", size="md", min_width=80, scale=0, elem_id="doc-ask")
            ask_message = plain_html(elem_id="doc-ask-message")
            answer = action_html(elem_id="doc-answer")
            plan = plan_editor.build(studio)
    return Documents(name, drop, message, work, rename_row, new_name, rename, dismiss, listed, asked, question, ask,
                     ask_message, answer, plan, gr.State(""), gr.State(""))


def wire(own: Documents, window: Window) -> None:
    _wire_list(own, window)
    _wire_names(own, window.studio)
    _wire_asking(own, window)
    plan_editor.wire(own.plan, own.question, own.asked, window)


# -- the collections --------------------------------------------------------------------------------------------


def _wire_list(own: Documents, window: Window) -> None:
    studio = window.studio
    desk = studio.documents
    everything = [own.work, own.list, own.name, own.asked, own.answer, own.plan.scenes]

    def redraw(opened: str, name: str, asked: str) -> list[Any]:
        shown, problem = attempt(lambda: [*_views(studio, opened), *_choices(studio, name, asked), *_asked(studio)])
        return shown or [problem, *[gr.skip()] * (len(everything) - 1)]

    state = [own.opened, own.name, own.asked]
    gr.on([window.items[ID].select, window.blocks.load], redraw, state, everything, **QUIET)

    def hear(event: gr.EventData, opened: str, name: str, asked: str) -> list[Any]:
        if event._data.get("list"):
            return redraw(opened, name, asked)
        works, problem = attempt(lambda: works_html(desk.works()))
        return [works if works is not None else problem, *[gr.skip()] * 3, *_asked(studio)]

    window.live.documents(hear, state, everything, trigger_mode="always_last", **QUIET)

    def take(files: list[str] | None, name: str) -> list[Any]:
        given = [Upload(Path(file), Path(file).name) for file in files or ()]
        work, problem = attempt(lambda: desk.add(name or "", given))
        into = gr.skip() if work is None else gr.update(value=work.collection,
                                                        choices=_names(studio, work.collection))
        return [problem, None, into, works_html(desk.works())]

    own.drop.upload(take, [own.drop, own.name], [own.message, own.drop, own.name, own.work], **QUIET)

    def act_on_work(event: gr.EventData) -> list[Any]:
        act = desk.cancel if event._data["action"] == "cancel" else desk.dismiss
        _, problem = attempt(lambda: act(event._data["id"]))
        return [problem, works_html(desk.works())]

    own.work.click(act_on_work, None, [own.message, own.work], **QUIET)

    def act(event: gr.EventData, opened: str) -> list[Any]:
        action, name = event._data["action"], event._data["id"]
        now = {"open": name, "close": ""}.get(action, opened)
        told, problem = attempt(lambda: _act(studio, action, name, event._data.get("source", "")))
        views, worse = attempt(lambda: _views(studio, now))
        renaming = action == "rename"
        return [problem or worse or told, now, *(views or [gr.skip()] * 2), gr.update(visible=renaming),
                name if renaming else gr.skip(), name if renaming else gr.skip()]

    own.list.click(act, own.opened, [own.message, own.opened, own.work, own.list, own.rename_row, own.new_name,
                                     own.renaming], **QUIET)


def _act(studio: Studio, action: str, name: str, source: str = "") -> str:
    """Carry out one action on a collection, or on its document `source`; returns what to tell."""
    desk = studio.documents
    if action == "refresh":
        desk.refresh(name)
    elif action == "remove":
        desk.remove(name, source)
    elif action == "delete":
        desk.check_free(name)
        gone = collections.delete(studio.paths, name)
        desk.changed_elsewhere(name)
        return notice(f"{name} is in the trash.", kind="good", fix=f"It lies in data/trash/{gone.name}.")
    return ""


def _wire_names(own: Documents, studio: Studio) -> None:
    def rename(old: str, new: str, opened: str, name: str, asked: str) -> list[Any]:
        def change() -> str:
            studio.documents.check_free(old)
            now = collections.rename(studio.paths, old, new or "").name
            studio.documents.changed_elsewhere(old)
            return now

        now, problem = attempt(change)
        if now is None:
            return [problem, gr.skip(), gr.skip(), *[gr.skip()] * 4]
        opened, name, asked = (now if one == old else one for one in (opened, name, asked))
        told = notice(f"{old} is called {now} now.", kind="good")
        into, of = _choices(studio, name, asked)
        return [told, gr.update(visible=False), opened, *_views(studio, opened), {**into, "value": name}, of]

    gr.on([own.rename.click, own.new_name.submit], rename,
          [own.renaming, own.new_name, own.opened, own.name, own.asked],
          [own.message, own.rename_row, own.opened, own.work, own.list, own.name, own.asked], **QUIET)
    own.dismiss.click(lambda: gr.update(visible=False), None, own.rename_row, **QUIET)


def _views(studio: Studio, opened: str) -> list[Any]:
    works = studio.documents.works()
    found = collections.list_collections(studio.paths)
    return [works_html(works), collections_html(found, works, opened, _rejected(studio, opened))]


def _rejected(studio: Studio, opened: str) -> list[Rejected]:
    if not opened or not collections.collection(studio.paths, opened).folder.is_dir():
        return []
    return read_rejected(collections.existing(studio.paths, opened).files.rejected)


def _names(studio: Studio, *more: str) -> list[str]:
    """All collections, and those that are being made."""
    listed = [one.collection.name for one in collections.list_collections(studio.paths)]
    making = [work.collection for work in studio.documents.works() if work.open]
    return list(dict.fromkeys([*listed, *making, *more]))


def _choices(studio: Studio, name: str, asked: str) -> list[Any]:
    """Updates for both choices of a collection; one that is gone is not chosen any more.

    A name that is there is left alone: the person may have typed on since.
    """
    there = [one.collection.name for one in collections.list_collections(studio.paths)]
    typed, name = bool(name), name or next(iter(there), FIRST_NAME)
    listed = _names(studio, name)
    return [gr.update(choices=listed) if typed else gr.update(choices=listed, value=name),
            gr.update(choices=there or NOTHING_TO_ASK, value=asked if asked in there else next(iter(there), ""))]


# -- questions --------------------------------------------------------------------------------------------------


def _asked(studio: Studio) -> list[Any]:
    desk = studio.documents
    return [answer_html(desk.asked(DocumentAction.SEARCH)), plan_html(desk.asked(DocumentAction.PLAN), desk.draft)]


def _wire_asking(own: Documents, window: Window) -> None:
    desk = window.studio.documents

    def ask(question: str, name: str) -> list[Any]:
        _, problem = attempt(lambda: desk.search(chosen(name), question or ""))
        return [problem, gr.skip() if problem else answer_html(desk.asked(DocumentAction.SEARCH))]

    gr.on([own.ask.click, own.question.submit], ask, [own.question, own.asked], [own.ask_message, own.answer],
          trigger_mode="once", **QUIET)

    def stop() -> str:
        desk.stop_asking(DocumentAction.SEARCH)
        return answer_html(desk.asked(DocumentAction.SEARCH))

    own.answer.click(stop, None, own.answer, **QUIET)


def chosen(name: str | None) -> str:
    """The chosen collection. Raises `RequestError` where there is none."""
    if not name:
        raise RequestError("There is no collection to ask.", field="collection", fix="Drop a document first.")
    return name
