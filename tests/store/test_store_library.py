"""The library: what is found, what is deleted, what comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from wgp_core.errors import StoreError
from wgp_core.request import VideoRequest
from wgp_core.result import VideoResult
from wgp_core.store.database import Store


def result_of(path: Path, prompt: str = "a cat", **changes: object) -> VideoResult:
    """A result whose files exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"video of " + prompt.encode())
    poster = path.with_suffix(".jpg")
    poster.write_bytes(b"poster")
    asked = VideoRequest(prompt)
    base = VideoResult(path=path, request=asked.with_(seed=7, width=64, height=48, frames=8, fps=8), asked=asked,
                       engine="explainer", width=64, height=48, fps=8, frames=8, poster=poster,
                       timings_s={"render": 3.0, "encode": 1.0}, created_at="2026-01-31T09:05:07+01:00")
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "home" / "data" / "studio.db") as opened:
        yield opened


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "home" / "outputs"


def test_a_result_is_kept_whole(store: Store, outputs: Path) -> None:
    shots = (outputs / "a_frame001.png",)
    result = result_of(outputs / "a.mp4", "Ein Käfer", enhanced_prompt="Ein Käfer im Regen", warnings=("slow",),
                       snapshots=shots)
    made = store.library.add(result)
    assert store.library.get(made.id) == made == store.library.find_by_path(outputs / "a.mp4")
    assert (made.prompt, made.enhanced_prompt, made.seed, made.seconds) == ("Ein Käfer", "Ein Käfer im Regen", 7, 1.0)
    assert made.request == result.request and made.asked == result.asked and made.took_s == 4.0
    assert made.created_at.isoformat() == "2026-01-31T08:05:07+00:00" and made.warnings == ("slow",)
    assert made.side_files == shots and made.poster == outputs / "a.jpg" and not made.missing
    (outputs / "a.mp4").unlink()
    assert store.library.get(made.id).missing
    with pytest.raises(StoreError, match="no video 'nothing'"):
        store.library.get("nothing")


def test_search_finds_every_word_anywhere_in_any_case(store: Store, outputs: Path) -> None:
    store.library.add(result_of(outputs / "1.mp4", "Ärger mit dem ÖLTANK 100%"))
    cat = store.library.add(result_of(outputs / "2.mp4", "a cat", engine="wan", frames=80))
    store.library.set_note(cat.id, "For the OPENING_scene")
    store.library.set_favourite(cat.id, True)

    def found(*args: str, **filters: object) -> list[str]:
        records = store.library.search(*args, **filters)  # type: ignore[arg-type]
        assert store.library.count(*args, **filters) == len(records)  # type: ignore[arg-type]
        return [record.path.stem for record in records]

    assert found("öltank ärger") == ["1"] and found("cat opening") == ["2"] and found("cat dog") == []
    assert found("100%") == ["1"] and found("opening_s") == ["2"] and found("%") == ["1"] and found("2.mp4") == ["2"]
    assert found(engine="wan") == ["2"] and found(favourites=True) == ["2"] and found(trashed=True) == []
    longest = store.library.search(sort="longest")
    assert [record.path.stem for record in longest] == ["2", "1"]
    assert [r.path.stem for r in store.library.search(limit=1, offset=1, sort="prompt")] == ["1"]
    assert store.library.engines() == ("explainer", "wan")


def test_the_trash_takes_all_files_and_gives_them_back(store: Store, outputs: Path, tmp_path: Path) -> None:
    shot = outputs / "a_frame001.png"
    made = store.library.add(result_of(outputs / "a.mp4", snapshots=(shot,)))
    shot.write_bytes(b"shot")
    trashed = store.library.trash(made.id)
    trash = tmp_path / "home" / "data" / "trash"
    assert not list(outputs.iterdir()) and trashed.trashed_at is not None and not trashed.missing
    assert all(path.is_relative_to(trash) and path.exists()
               for path in (trashed.path, trashed.poster or Path(), *trashed.side_files))
    assert store.library.search() == () and store.library.search(trashed=True) == (trashed,)
    assert store.library.trash(made.id) == trashed, "twice does no harm"
    assert store.library.restore(made.id) == made == store.library.restore(made.id)
    assert shot.read_bytes() == b"shot" and not list(trash.iterdir())


def test_restoring_replaces_nothing(store: Store, outputs: Path) -> None:
    made = store.library.add(result_of(outputs / "a.mp4"))
    store.library.trash(made.id)
    (outputs / "a.mp4").write_bytes(b"another")
    back = store.library.restore(made.id)
    assert back.path == outputs / "a (2).mp4" and back.path.read_bytes() == b"video of a cat"
    assert (outputs / "a.mp4").read_bytes() == b"another"


def test_purging_deletes_only_what_is_in_the_trash(store: Store, outputs: Path, tmp_path: Path) -> None:
    kept = store.library.add(result_of(outputs / "kept.mp4"))
    gone = store.library.add(result_of(outputs / "gone.mp4"))
    store.library.trash(gone.id)
    trash = tmp_path / "home" / "data" / "trash"
    (trash / "not-ours.txt").write_text("mine")
    assert store.library.purge_trash(older_than=timedelta(days=30)) == 0
    assert store.library.purge_trash() == 1
    assert [path.name for path in trash.iterdir()] == ["not-ours.txt"] and kept.path.exists()
    assert store.library.count(trashed=True) == 0
    with pytest.raises(StoreError):
        store.library.restore(gone.id)


def test_a_move_that_fails_leaves_everything_as_it_was(store: Store, outputs: Path, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    made = store.library.add(result_of(outputs / "a.mp4"))
    move = shutil.move

    def no_posters(source: Path, target: Path) -> object:
        if source.suffix == ".jpg" and "trash" in str(target):
            raise PermissionError(13, "not allowed")
        return move(source, target)

    monkeypatch.setattr(shutil, "move", no_posters)
    with pytest.raises(StoreError, match=r"cannot be moved.*not allowed"):
        store.library.trash(made.id)
    assert store.library.get(made.id) == made and (outputs / "a.mp4").exists() and (outputs / "a.jpg").exists()


def test_a_crash_while_trashing_can_be_undone_or_finished(store: Store, outputs: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    from wgp_core.store.library import LibraryRepository

    first, second = (store.library.add(result_of(outputs / f"{name}.mp4")) for name in "ab")
    with monkeypatch.context() as patch:
        patch.setattr(LibraryRepository, "_move_files", lambda self, moves: None)  # the program dies here
        store.library.trash(first.id)
        store.library.trash(second.id)
    assert store.library.restore(first.id) == first
    assert store.library.purge_trash() == 1
    assert sorted(path.name for path in outputs.iterdir()) == ["a.jpg", "a.mp4"]


def test_a_file_written_over_has_one_row(store: Store, outputs: Path) -> None:
    store.library.add(result_of(outputs / "a.mp4", "first"))
    second = store.library.add(result_of(outputs / "a.mp4", "second"))
    assert store.library.search() == (second,)


def test_durations_estimate_from_the_same_size_first(store: Store, outputs: Path) -> None:
    assert store.library.durations("explainer", 64, 48) is None
    for number, seconds in enumerate((2.0, 4.0, 60.0)):
        store.library.add(result_of(outputs / f"{number}.mp4", timings_s={"render": seconds}))
    same = store.library.durations("explainer", 64, 48)
    assert same is not None and (same.exact, same.samples, same.seconds_per_frame) == (True, 3, 0.5)
    assert same.estimate_s(10) == 5.0
    double = store.library.durations("explainer", 128, 48)
    assert double is not None and not double.exact and double.seconds_per_frame == 1.0
    assert store.library.durations("wan", 64, 48) is None
