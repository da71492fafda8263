"""Settings: one field per declaration in `wgp_core.settings`, saved all together or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.settings import LoadedSettings, SettingSpec, setting_specs

from .components import QUIET, attempt, notice, notices, plain_html
from .window import Window

ID, LABEL = "settings", "Settings"
OPEN_GROUPS = ("Generate", "Window")
CHOICE_WORDS = {"auto": "Automatic", "local": "Local drawing", "diffusion": "Diffusion model",
                "remote": "Remote model",
                "system": "As the system", "light": "Light", "dark": "Dark", "h264": "H.264", "h265": "H.265",
                "prores": "ProRes"}
OWN_WORDS = {"enhancer_provider": {"local": "Model on this machine", "openai": "Server", "rules": "Rules, no model"},
             "enhancer_quality": {"fast": "Short", "high": "Rich"}}
"""Words for the choices of one setting, where the same choice means something else elsewhere."""
ASK_PERMISSION = """(on) => {
  if (on && 'Notification' in window && Notification.permission === 'default') Notification.requestPermission();
  return on;
}"""


@dataclass(frozen=True)
class SettingsTab:
    """The tab's parts. `fields` maps a setting's name to its component, in the order of the declarations."""

    banner: gr.HTML
    message: gr.HTML
    fields: dict[str, Any]
    save: gr.Button
    reset: gr.Button


def build(studio: Studio) -> SettingsTab:
    loaded = studio.config.loaded
    banner = plain_html(banner_html(loaded), elem_id="settings-banner")
    fields: dict[str, Any] = {}
    with gr.Row(elem_id="settings-head"):
        message = plain_html(elem_id="settings-message")
        reset = gr.Button("Reset to defaults", size="sm", min_width=140, scale=0, elem_id="reset-settings")
        save = gr.Button("Save", variant="primary", size="sm", min_width=110, scale=0, elem_id="save-settings")
    with gr.Column(elem_id="settings-groups"):
        for group, specs in groupby(setting_specs(), key=lambda spec: spec.group):
            with gr.Accordion(group, open=group in OPEN_GROUPS, elem_classes="w-settings-group"):
                fields.update(_group(specs, loaded))
    return SettingsTab(banner, message, fields, save, reset)


def _group(specs: Iterable[SettingSpec], loaded: LoadedSettings) -> dict[str, Any]:
    return {spec.name: field_of(spec, getattr(loaded.from_file, spec.name), loaded.overridden.get(spec.name, ""))
            for spec in specs}


def field_of(spec: SettingSpec, value: Any, overridden_by: str = "") -> Any:
    """The component for one setting; what overrides it is part of its help."""
    options: dict[str, Any] = {"label": spec.label, "info": help_of(spec, overridden_by), "elem_id": f"set-{spec.name}"}
    if spec.kind is bool:
        return gr.Checkbox(value, **options)
    if spec.choices:
        words = CHOICE_WORDS | OWN_WORDS.get(spec.name, {})
        choices = [(words.get(choice, choice), choice) for choice in spec.choices]
        return gr.Dropdown(choices, value=value, **options)
    if spec.kind in (int, float):
        return gr.Number(value, **options)
    return gr.Textbox(value, **options)


def help_of(spec: SettingSpec, overridden_by: str) -> str:
    """The help text, the range, and what overrides the value at the moment."""
    parts = [spec.help]
    if spec.low is not None and spec.high is not None:
        parts.append(f"From {spec.low:g} to {spec.high:g}.")
    if overridden_by:
        what = "the command line" if overridden_by == "command line" else f"the variable {overridden_by}"
        parts.append(f"⚠ At the moment {what} decides; a change here counts once that is gone.")
    return " ".join(parts)


def banner_html(loaded: LoadedSettings) -> str:
    """What could not be read from the file or the environment."""
    return notices(loaded.problems, kind="warn")


def wire(own: SettingsTab, window: Window) -> None:
    studio, names = window.studio, list(own.fields)
    fields = list(own.fields.values())

    def save(*values: Any) -> list[Any]:
        saved, problem = attempt(lambda: studio.config.save(dict(zip(names, values, strict=True))))
        if saved is None:
            return [problem, gr.skip()]
        return [notice("Settings saved.", kind="good", fix="New videos use them."), banner_html(studio.config.loaded)]

    own.save.click(save, fields, [own.message, own.banner], **QUIET)

    def show() -> list[Any]:
        loaded = studio.config.loaded
        return ["", banner_html(loaded), *(getattr(loaded.from_file, name) for name in names)]

    def reset() -> list[Any]:
        done, problem = attempt(studio.config.reset)
        if done is None:
            return [problem, *[gr.skip()] * (1 + len(fields))]
        return [notice("All settings are back to their defaults.", kind="good", fix="Your old file is kept beside it."),
                *show()[1:]]

    own.reset.click(reset, None, [own.message, own.banner, *fields], **QUIET)
    window.items[ID].select(show, None, [own.message, own.banner, *fields], **QUIET)
    notify = own.fields["notify_browser"]
    notify.input(None, notify, notify, js=ASK_PERMISSION)
