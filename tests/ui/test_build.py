"""The window is built from the settings' declarations and the tab list, and stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gradio as gr
import pytest

from ui import tab_settings
from ui.build import TABS, build_window, window_options
from ui.form import NAMES
from ui.tab_generate import Fields
from wgp_core.settings import Settings, load, setting_specs

ROOT = Path(__file__).resolve().parents[2]


def test_importing_and_building_the_window_loads_nothing_heavy(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from ui.build import build_window\n"
        "imported = set(sys.modules)\n"
        "assert not imported & {'torch', 'diffusers', 'transformers', 'matplotlib', 'sqlalchemy'}, 'import'\n"
        "from wgp_core.context import build_studio\n"
        "from wgp_core.paths import build_paths\n"
        f"studio = build_studio(build_paths(home=pathlib.Path({str(tmp_path)!r})))\n"
        "build_window(studio)\n"
        "assert not set(sys.modules) & {'torch', 'diffusers', 'transformers', 'matplotlib'}, 'build'\n"
        "studio.close()\n")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_module_of_the_window_names_the_database_or_a_model_library():
    for file in (ROOT / "ui").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        for name in ("sqlalchemy", "torch", "diffusers", "matplotlib", "store.database", "store.tables"):
            assert f"import {name}" not in text and f"from {name}" not in text, (file.name, name)


def test_the_form_has_a_component_for_each_value():
    assert tuple(Fields.__dataclass_fields__) == NAMES


def test_the_window_has_the_tabs_and_few_components(studio):
    blocks = build_window(studio)
    labels = [block.label for block in blocks.blocks.values() if isinstance(block, gr.Tab)]
    assert labels == [tab.LABEL for tab in TABS] == ["Generate", "Queue", "Library", "Documents", "Storyboard",
                                                     "Attempts", "Models", "Settings"]
    assert len(blocks.blocks) < 450


def test_no_handler_is_part_of_a_public_api(studio):
    blocks = build_window(studio)
    assert not blocks.get_api_info()["named_endpoints"]


def test_only_folders_of_media_are_served(studio):
    served = window_options(studio)["allowed_paths"]
    assert str(studio.paths.outputs) in served
    assert str(studio.paths.data) not in served and str(studio.paths.root) not in served


def test_the_look_loads_nothing_from_the_network(studio):
    options = window_options(studio)
    look = options["css"] + options["head"] + options["theme"]._get_theme_css()
    assert "//fonts." not in look
    assert "http" not in look.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("spec", setting_specs(), ids=lambda spec: spec.name)
def test_each_setting_gets_the_field_that_fits(spec):
    with gr.Blocks():
        made = tab_settings.field_of(spec, spec.default)
    kinds = {bool: gr.Checkbox, int: gr.Number, float: gr.Number, str: gr.Dropdown if spec.choices else gr.Textbox}
    assert isinstance(made, kinds[spec.kind])
    assert made.label == spec.label and spec.help in str(made.info)
    assert spec.parse(made.preprocess(made.postprocess(spec.default))) == spec.default


def test_what_overrides_a_setting_is_told():
    spec = next(spec for spec in setting_specs() if spec.name == "crf")
    assert "From 0 to 51." in tab_settings.help_of(spec, "")
    assert "the variable T2V_CRF decides" in tab_settings.help_of(spec, "T2V_CRF")
    assert "the command line decides" in tab_settings.help_of(spec, "command line")


def test_problems_of_the_file_become_a_banner(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text('{"crf": 99}')
    banner = tab_settings.banner_html(load(file))
    assert "crf" in banner and "w-notice warn" in banner
    assert tab_settings.banner_html(load(tmp_path / "none.json")) == ""
    assert load(file).settings == Settings()
