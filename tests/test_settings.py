from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from wgp_core import settings as s
from wgp_core.config import Config
from wgp_core.errors import SettingsError
from wgp_core.paths import PROGRAM_ROOT


def test_defaults_below_file_below_environment_below_command_line(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    assert s.load(file, environ={}).settings.crf == 18
    file.write_text('{"settings_version": 1, "crf": 20}')
    assert s.load(file, environ={}).settings.crf == 20
    assert s.load(file, environ={"T2V_CRF": "21"}).settings.crf == 21
    loaded = s.load(file, environ={"T2V_CRF": "21"}, overrides={"crf": 22})
    assert loaded.settings.crf == 22
    assert loaded.from_file.crf == 20
    assert loaded.overridden == {"crf": "command line"}


def test_a_broken_file_is_kept_and_reported_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"crf": 20,,}')
    loaded = s.load(file, environ={})
    assert loaded.settings == s.Settings()
    assert "cannot be read" in loaded.problems[0]
    assert file.read_text() == '{"crf": 20,,}'
    assert [p.read_text() for p in tmp_path.glob("settings.json.kept-*")] == ['{"crf": 20,,}']


def test_a_newer_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"settings_version": 99, "crf": 20}')
    with pytest.raises(SettingsError, match="newer version"):
        s.load(file, environ={})
    assert "99" in file.read_text()


def test_wrong_values_and_unknown_names_become_problems(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"crf": 99, "colour": "red", "codec": "h265"}')
    loaded = s.load(file, environ={"T2V_PRESET": "warp"})
    assert loaded.settings.crf == 18
    assert loaded.settings.codec == "h265"
    assert len(loaded.problems) == 3
    assert any("'colour'" in problem for problem in loaded.problems)


@pytest.mark.parametrize(("name", "value"), [
    ("crf", 52), ("crf", "x"), ("crf", 1.5), ("crf", True), ("codec", "mp4"), ("subtitles", "maybe"),
    ("cancel_grace_s", float("nan")), ("model", None), ("nothing", 1),
])
def test_wrong_values_are_refused_with_the_rule(name: str, value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        s.apply(s.Settings(), {name: value})
    assert caught.value.fix


def test_saving_is_whole_or_not_at_all(tmp_path: Path) -> None:
    config = Config(tmp_path / "settings.json", environ={})
    with pytest.raises(SettingsError):
        config.save({"crf": 10, "codec": "nope"})
    assert not (tmp_path / "settings.json").exists()
    config.save({"crf": 10})
    assert config.settings.crf == 10
    assert Config(tmp_path / "settings.json", environ={}).settings.crf == 10
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("template", ["{colour}", "a/{slug}", "{slug", " "])
def test_a_file_name_template_that_would_fail_later_is_refused_now(tmp_path: Path, template: str) -> None:
    config = Config(tmp_path / "settings.json", environ={})
    with pytest.raises(SettingsError, match="template"):
        config.save({"filename_template": template})
    assert config.settings.filename_template == s.Settings().filename_template


def test_resetting_keeps_the_old_file(tmp_path: Path) -> None:
    config = Config(tmp_path / "settings.json", environ={})
    config.save({"crf": 10})
    assert config.reset() == s.Settings()
    assert any(json.loads(p.read_text())["crf"] == 10 for p in tmp_path.glob("settings.json.kept-*"))


def test_every_setting_says_what_it_is() -> None:
    specs = s.setting_specs()
    assert len({spec.name for spec in specs}) == len(specs)
    assert len({spec.env for spec in specs}) == len(specs)
    for spec in specs:
        assert spec.label and spec.help and spec.group and spec.env.startswith("T2V_")
        assert spec.parse(spec.default) == spec.default


def test_the_settings_file_that_ships_holds_the_defaults() -> None:
    shipped = json.loads((PROGRAM_ROOT / "settings.json").read_text())
    assert shipped == {"settings_version": s.SETTINGS_VERSION, **dataclasses.asdict(s.Settings())}


def test_the_documented_settings_are_the_declared_ones() -> None:
    import runpy

    table = runpy.run_path(str(PROGRAM_ROOT / "scripts" / "settings_table.py"))["table"]()
    assert (PROGRAM_ROOT / "docs" / "settings.md").read_text() == table, "run scripts/settings_table.py"
