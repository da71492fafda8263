"""The fixture `workshop`: see `workshop.Workshop`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import HERE, Workshop

from wgp_core.jobs.queue import JobQueue
from wgp_core.paths import build_paths
from wgp_core.store.database import Store


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]))
    paths = build_paths(home=tmp_path / "home").ensure()
    store = Store.open(paths.database)
    shop = Workshop(paths, store, JobQueue(store, paths))
    yield shop
    if shop.supervisor is not None:
        shop.supervisor.stop(grace_s=1.0)
    store.close()
