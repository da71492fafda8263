"""Small pieces of HTML and the components that all tabs share. Text that comes from outside is always escaped here."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from wgp_core.errors import WgpError

from .words import esc

log = logging.getLogger(__name__)
ASSETS = Path(__file__).parent / "assets"
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Options of every handler: answered at once, without a spinner over the page, not part of a public API."""

Value = TypeVar("Value")


@functools.cache
def asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def action_html(value: str = "", *, elem_id: str, script: str = "", **options: Any) -> gr.HTML:
    """HTML whose `data-action` buttons fire its `click` event with their `data-` values; `script` is run after."""
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=asset("actions.js") + script, **options)


def plain_html(value: str = "", *, elem_id: str | None = None, **options: Any) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=None, **options)


@dataclass(frozen=True)
class Action:
    """A button inside HTML. `confirm` is the label of the button that is asked for first where something is lost."""

    name: str
    label: str
    kind: str = ""
    confirm: str = ""
    title: str = ""
    disabled: bool = False

    def html(self, **data: str) -> str:
        values = "".join(f' data-{key}="{esc(value)}"' for key, value in data.items())
        confirm = f' data-confirm="{esc(self.confirm)}"' if self.confirm else ""
        label = f' title="{esc(self.title)}"' if self.title else ""
        if self.kind == "icon":
            label += f' aria-label="{esc(self.title)}"'
        off = " disabled" if self.disabled else ""
        return (f'<button type="button" class="w-btn {self.kind}" data-action="{esc(self.name)}"'
                f"{values}{confirm}{label}{off}>{esc(self.label)}</button>")


def actions_row(actions: Iterable[Action], *, before: str = "", **data: str) -> str:
    """Buttons side by side; `before` is HTML that comes first, such as a link."""
    inner = before + "".join(action.html(**data) for action in actions)
    return f'<div class="w-actions">{inner}</div>' if inner else ""


def notice(text: str, *, kind: str = "info", fix: str = "", extra: str = "") -> str:
    """A message in the page. `kind` is info, good, warn or bad; `extra` is HTML."""
    if not text and not extra:
        return ""
    role = "alert" if kind == "bad" else "status"
    more = f" <span>{esc(fix)}</span>" if fix else ""
    return f'<div class="w-notice {kind}" role="{role}"><div><strong>{esc(text)}</strong>{more}</div>{extra}</div>'


def notices(texts: Iterable[str], *, kind: str = "info") -> str:
    return "".join(notice(text, kind=kind) for text in texts)


def sound_html(soundtrack: Path | None, nothing: str = "No soundtrack") -> str:
    """The name of the sound under a film, and the button that takes it out (`unsound`)."""
    if soundtrack is None:
        return f'<p class="w-quiet">{esc(nothing)}</p>'
    return actions_row((Action("unsound", "Remove", "small"),), before=f"<span>{esc(soundtrack.name)}</span>")


def empty_state(title: str, text: str, icon: str = "film") -> str:
    return f'<div class="w-empty"><i class="w-icon {esc(icon)}"></i><h3>{esc(title)}</h3><p>{esc(text)}</p></div>'


def chips(texts: Iterable[str]) -> str:
    return '<div class="w-chips">' + "".join(f"<span>{esc(text)}</span>" for text in texts if text) + "</div>"


def badge(text: str, kind: str) -> str:
    return f'<span class="w-badge {esc(kind)}">{esc(text)}</span>'


def error_notice(error: Exception) -> str:
    """What went wrong, as a message; an error without a message for people is logged with its traceback."""
    if isinstance(error, WgpError):
        return notice(error.message, kind="bad", fix=error.fix)
    log.error("The window could not do that", exc_info=error)
    return notice(f"That did not work ({type(error).__name__}: {error}).", kind="bad",
                  fix="The details are in the program's log.")


def attempt(action: Callable[[], Value]) -> tuple[Value | None, str]:
    """Run an action at the window's edge: its value and no message, or None and the message to show."""
    try:
        return action(), ""
    except Exception as error:  # noqa: BLE001 - the edge of the window: everything is told, the rest is logged
        return None, error_notice(error)


def picture_input(label: str, **options: Any) -> gr.Image:
    """An image field that hands the file over as it is: whether it is a picture is checked where it can be told."""
    field = gr.Image(label=label, type="filepath", sources=["upload", "clipboard"], buttons=[], **options)
    field.preprocess = _as_uploaded  # a subclass would make Gradio write a stub file beside this one
    return field


def _as_uploaded(payload: Any) -> str | None:
    return None if payload is None else payload.path
