from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from wgp_core.models.hashes import FileHashes


def test_a_file_is_hashed_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, cache = tmp_path / "w.safetensors", tmp_path / "cache" / "sha256.json"
    weights.write_bytes(b"one")
    assert FileHashes(cache).sha256(weights) == hashlib.sha256(b"one").hexdigest()
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", None)  # hashing again would raise
        assert FileHashes(cache).model_use("w", weights).sha256 == hashlib.sha256(b"one").hexdigest()
    weights.write_bytes(b"two")
    os.utime(weights, ns=(1, 1))
    assert FileHashes(cache).sha256(weights) == hashlib.sha256(b"two").hexdigest()


def test_a_broken_cache_only_costs_time(tmp_path: Path) -> None:
    weights, cache = tmp_path / "w", tmp_path / "sha256.json"
    weights.write_bytes(b"x")
    cache.write_text("{broken")
    assert FileHashes(cache).sha256(weights) == hashlib.sha256(b"x").hexdigest()
    assert FileHashes(tmp_path / "w" / "nowhere.json").sha256(weights)
