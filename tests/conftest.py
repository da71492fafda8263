"""Every test works in a folder of its own: no test reads or writes the user's settings, library or outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgp_core.paths import Paths, build_paths
from wgp_core.settings import setting_specs


@pytest.fixture(autouse=True)
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("WGP_HOME", str(home))
    for spec in setting_specs():
        if spec.env:
            monkeypatch.delenv(spec.env, raising=False)
    return home


@pytest.fixture
def paths(private_home: Path) -> Paths:
    return build_paths(home=private_home).ensure()
