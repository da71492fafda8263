"""The enhancer's cache and the history of prompts."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from wgp_core.errors import StoreError
from wgp_core.store import database as module
from wgp_core.store.database import Store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "studio.db"


def key_of(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


def test_an_answer_survives_a_restart_and_its_use_is_counted(database: Path) -> None:
    answer = {"enhanced": "é 猫 \U0001f600", "score": {"value": 0.5}, "added": ["golden hour", None]}
    with Store.open(database) as store:
        assert store.enhancements.get(key_of(1)) is None
        store.enhancements.put(key_of(1), answer)
    with Store.open(database) as store:
        assert [store.enhancements.get(key_of(1)) for _ in range(3)] == [answer] * 3
        assert store.enhancements.hits(key_of(1)) == 3 and store.enhancements.hits(key_of(2)) == 0
        store.enhancements.put(key_of(1), {"enhanced": "other"})
        assert store.enhancements.get(key_of(1)) == {"enhanced": "other"} and store.enhancements.size() == 1
        assert store.enhancements.clear() == {"entries": 1, "hits": 1}
        assert store.enhancements.clear() == {"entries": 0, "hits": 0}
        assert store.enhancements.get(key_of(1)) is None


def test_past_a_hundred_the_oldest_twenty_go(database: Path) -> None:
    with Store.open(database) as store:
        for number in range(100):
            store.enhancements.put(key_of(number), {"n": number})
        assert store.enhancements.size() == 100
        store.enhancements.put(key_of(0), {"n": "newer"})  # replaced: it is the newest now, and no entry more
        assert store.enhancements.size() == 100
        store.enhancements.put(key_of(100), {"n": 100})
        assert store.enhancements.size() == 81
        gone = [number for number in range(101) if store.enhancements.get(key_of(number)) is None]
        assert gone == list(range(1, 21))


def test_many_threads_and_two_programs_share_it(database: Path) -> None:
    with Store.open(database) as first, Store.open(database) as second:
        def work(store: Store, start: int) -> None:
            for number in range(start, start + 30):
                store.enhancements.put(key_of(number), {"n": number})
                store.enhancements.get(key_of(number))

        threads = [threading.Thread(target=work, args=(store, start))
                   for start, store in enumerate((first, second, first, second))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert first.enhancements.size() == 33  # the threads' numbers overlap: 0 to 32
        assert first.integrity_problems() == ()


def test_a_database_that_cannot_be_written_costs_no_enhancement(database: Path, monkeypatch: pytest.MonkeyPatch,
                                                                caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_S", 0.1)
    with Store.open(database) as store, closing(sqlite3.connect(database, isolation_level=None)) as raw:
        store.enhancements.put(key_of(1), {"n": 1})
        raw.execute("BEGIN IMMEDIATE")
        store.enhancements.put(key_of(2), {"n": 2})
        assert store.enhancements.get(key_of(1)) == {"n": 1}
        assert store.enhancements.get(key_of(2)) is None
        assert "locked by another program" in caplog.text


def test_a_prompt_s_way_from_draft_to_video(database: Path) -> None:
    texts = {"original": "a cat", "enhanced": "a cat at dusk", "level": "worker_fallback", "provider": "local"}
    with Store.open(database) as store:
        first = store.evolution.add(**texts, model="SmolLM2", draft_id="draft-1")
        second = store.evolution.add(**{**texts, "enhanced": "a cat in fog"}, draft_id="draft-1")
        other = store.evolution.add(**texts, job_id="b" * 12, accepted="a cat at dusk")
        assert first.accepted is None and first.model == "SmolLM2" and first.created_at.tzinfo is not None
        assert store.evolution.accept(second.id, "a cat in thick fog").accepted == "a cat in thick fog"
        assert store.evolution.draft_became("draft-1", "a" * 12) == 2
        assert store.evolution.draft_became("draft-1", "c" * 12) == 0, "it has its job"
        assert store.evolution.job_became("a" * 12, "e" * 12) == 2
    with Store.open(database) as store:
        for subject in ("draft-1", "a" * 12, "e" * 12):
            assert [row.id for row in store.evolution.of(subject)] == [first.id, second.id]
        assert [row.accepted for row in store.evolution.of("e" * 12)] == [None, "a cat in thick fog"]
        assert store.evolution.of("b" * 12) == (other,)
        with pytest.raises(StoreError, match="no enhancement 99"):
            store.evolution.accept(99, "x")
        with pytest.raises(ValueError, match="belongs to"):
            store.evolution.add(**texts)
