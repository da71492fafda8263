"""Scenes, hero frames, iterations and attempts: what is kept, what is chosen, what survives deletion."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from test_store_library import result_of

from wgp_core.errors import StoreError
from wgp_core.request import CameraMovement, VideoRequest
from wgp_core.store.attempt_records import AttemptRecord, DecisionRecord, HeroFrameRecord, IterationState, Verdict
from wgp_core.store.database import Store, _create_engine

REPORT = {"scores": [{"dimension": "imaging_quality", "kind": "estimate", "value": 0.5, "raw": 0.4},
                     {"dimension": "aesthetic_quality", "kind": "unavailable", "value": None, "raw": None}]}


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "home" / "data" / "studio.db") as opened:
        yield opened


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "home" / "outputs"


def attempt(store: Store, iteration_id: str, number: int, file: Path, **fields: object) -> AttemptRecord:
    video = store.library.add(result_of(file))
    return store.attempts.add_attempt(AttemptRecord(
        iteration_id, number, seed=number, generation_id=video.id, path=file, total=number / 10, report=REPORT,
        **fields))  # type: ignore[arg-type]


def test_a_round_is_kept_whole_and_survives_a_restart(store: Store, outputs: Path) -> None:
    book, request = store.attempts, VideoRequest("a fox", negative_prompt="blur", camera=CameraMovement.PAN)
    scene = book.new_scene("a fox")
    opened = book.begin(scene.id, request)
    assert (opened.iteration, opened.state, opened.request) == (1, IterationState.OPEN, request)
    first, second = (attempt(store, opened.id, n, outputs / f"{n}.mp4") for n in (1, 2))
    failed = book.add_attempt(AttemptRecord(opened.id, 3, seed=3, error="no memory"))
    book.finish(opened.id, Verdict({"selected": 1}, {first.id: 2, second.id: 1}, second.id, ("look",)))
    with Store.open(store.database) as again:
        done = again.attempts.iteration(opened.id)
        assert done.state is IterationState.DONE and done.review == ("look",) and done.ranking == {"selected": 1}
        kept = again.attempts.attempts(opened.id)
        assert [(a.number, a.rank, a.proposed, a.selected) for a in kept] == [
            (1, 2, False, False), (2, 1, True, True), (3, None, False, False)]
        assert kept[1].report == REPORT and kept[2].error == "no memory" and kept[2].path is None
        assert [m.dimension for m in again.attempts.metrics(scene.id)] == [s["dimension"] for s in REPORT["scores"]] * 2
        known = again.attempts.scene(scene.id)
        assert (known.negative_prompt, known.camera_movement) == ("blur", CameraMovement.PAN)
    assert failed.number == 3


def test_a_person_wins_over_the_scores(store: Store, outputs: Path) -> None:
    book = store.attempts
    opened = book.begin(book.new_scene("a fox").id, VideoRequest("a fox"))
    first, second = (attempt(store, opened.id, n, outputs / f"{n}.mp4") for n in (1, 2))
    failed = book.add_attempt(AttemptRecord(opened.id, 3, seed=3, error="no memory"))
    book.finish(opened.id, Verdict({}, {}, second.id))
    assert book.select(first.id).by_person
    assert [(a.proposed, a.selected, a.by_person) for a in book.attempts(opened.id)] == [
        (False, True, True), (True, False, False), (False, False, False)]
    with pytest.raises(StoreError, match="no memory"):
        book.select(failed.id)
    assert book.attempt(first.id).selected, "a refused choice changes nothing"


def test_videos_know_their_parent_and_iteration(store: Store, outputs: Path) -> None:
    book = store.attempts
    scene = book.new_scene("a fox")
    one = book.begin(scene.id, VideoRequest("a fox"))
    first = attempt(store, one.id, 1, outputs / "1.mp4")
    two = book.begin(scene.id, VideoRequest("a red fox"), parent_attempt_id=first.id, changes={"prompt": {}})
    assert (two.iteration, two.parent_id, two.changes) == (2, one.id, {"prompt": {}})
    second = attempt(store, two.id, 1, outputs / "2.mp4", parent_attempt_id=first.id)
    video = store.library.get(second.generation_id or "")
    assert (video.iteration, video.parent_id) == (2, first.generation_id)
    other = book.new_scene("another")
    with pytest.raises(StoreError, match="another scene"):
        book.begin(other.id, VideoRequest("x"), parent_attempt_id=first.id)
    assert book.iterations(other.id) == ()


def test_an_attempt_is_found_by_its_video_and_stays_without_it(store: Store, outputs: Path) -> None:
    book = store.attempts
    opened = book.begin(book.new_scene("a fox").id, VideoRequest("a fox"))
    made = attempt(store, opened.id, 1, outputs / "1.mp4")
    found = book.attempt_at(outputs / "1.mp4")
    assert found is not None and found.id == made.id
    (outputs / "copy.mp4").write_bytes((outputs / "1.mp4").read_bytes())
    copied = book.attempt_at(outputs / "copy.mp4")
    assert copied is not None and copied.id == made.id
    (outputs / "copy.mp4").write_bytes(b"something else")
    assert book.attempt_at(outputs / "copy.mp4") is None
    (outputs / "1.mp4").rename(outputs / "moved.mp4")
    store.library.moved(outputs / "1.mp4", outputs / "moved.mp4")
    assert book.attempt(made.id).path == outputs / "moved.mp4" and book.attempt_at(outputs / "1.mp4") is None
    store.library.trash(made.generation_id or "")
    assert "trash" in str(book.attempt(made.id).path)
    store.library.purge_trash(older_than=timedelta(seconds=-1))
    left = book.attempt(made.id)
    assert left.generation_id is None and left.total == 0.1, "the scores stay"


def test_hero_frames_have_a_lineage_and_one_is_taken(store: Store, outputs: Path) -> None:
    book = store.attempts
    scene = book.new_scene("a fox")
    picture = store.library.add(result_of(outputs / "h.png"))
    draft = HeroFrameRecord(scene.id, outputs / "h.png", "a fox", 7, "explainer", generation_id=picture.id, total=0.5,
                            report=REPORT)
    first = book.add_hero(draft)
    second = book.add_hero(HeroFrameRecord(scene.id, outputs / "i.png", "a red fox", 7, "explainer",
                                           parent_id=first.id, changes={"prompt": "red"}))
    assert [(h.number, h.parent_id) for h in book.heroes(scene.id)] == [(1, None), (2, first.id)]
    assert book.select_hero(second.id).hero_frame_id == second.id == book.scene(scene.id).hero_frame_id
    assert book.hero_at(outputs / "i.png") == second
    store.library.moved(outputs / "h.png", outputs / "away.png")
    assert book.hero(first.id).path == outputs / "away.png" == book.heroes(scene.id)[0].path
    found = book.hero_at(outputs / "away.png")
    assert found is not None and found.id == first.id and book.hero_at(outputs / "h.png") is None


def test_scenes_of_a_work_are_numbered(store: Store) -> None:
    book = store.attempts
    one = book.new_scene("first")
    two = book.new_scene("second", work_id=one.work_id)
    alone = book.new_scene("alone")
    assert [s.number for s in (one, two, alone)] == [1, 2, 1]
    assert book.scenes(work_id=one.work_id) == (one, two)
    assert {s.id for s in book.scenes()} == {one.id, two.id, alone.id}


def test_images_of_rounds_are_not_to_be_deleted(store: Store, outputs: Path) -> None:
    store.attempts.begin(store.attempts.new_scene("x").id, VideoRequest("x", start_image=outputs / "start.png"))
    assert outputs / "start.png" in store.referenced_files()


def test_an_unknown_id_is_said(store: Store) -> None:
    for read, name in ((store.attempts.scene, "scene"), (store.attempts.hero, "hero frame"),
                       (store.attempts.iteration, "iteration"), (store.attempts.attempt, "attempt"),
                       (store.attempts.select, "attempt"), (store.attempts.iterations, "scene")):
        with pytest.raises(StoreError, match=f"no {name} 'nothing'"):
            read("nothing")


def test_a_library_of_the_second_schema_keeps_its_videos(tmp_path: Path) -> None:
    from wgp_core.store import migrate

    database = tmp_path / "data" / "studio.db"
    database.parent.mkdir()
    engine = _create_engine(database)
    migrate.migrate(engine, database, target="0002")
    engine.dispose()
    with closing(sqlite3.connect(database)) as raw:
        raw.execute("INSERT INTO generations (id, path, side_files, prompt, search_text, engine, width, height, fps, "
                    "frames, seconds, seed, manifest, warnings, favourite, notes, created_at, trash_map) VALUES "
                    "('abc', 'outputs/a.mp4', '[]', 'a cat', 'a cat', 'wan', 64, 48, 8, 8, 1.0, 7, '{}', '[]', 0, '', "
                    "'2026-01-31 08:05:07.000000', '{}')")
        raw.commit()
    with Store.open(database) as store:
        video = store.library.get("abc")
        assert (video.prompt, video.iteration, video.parent_id) == ("a cat", 1, None)
        assert store.attempts.scenes() == ()
    assert len(list(database.parent.glob("studio.db.backup-0002-*"))) == 1


def test_what_counts_for_a_scene_flags_and_decisions(store: Store, outputs: Path) -> None:
    book, request = store.attempts, VideoRequest("a fox", seed=3)
    scene = book.new_scene("a fox", request=request)
    assert scene.request == request and scene.selected_attempt_id is None
    round_ = book.begin(scene.id, request, seeds=(3, 4))
    one, two = (attempt(store, round_.id, n, outputs / f"{n}.mp4") for n in (1, 2))
    book.finish(round_.id, Verdict({}, {one.id: 1, two.id: 2}, one.id))
    assert book.scene(scene.id).selected_attempt_id == one.id and book.iteration(round_.id).seeds == (3, 4)

    automatic = book.begin(scene.id, request.with_(prompt="a calm fox"), parent_attempt_id=one.id, automatic=True)
    three = attempt(store, automatic.id, 1, outputs / "3.mp4")
    book.finish(automatic.id, Verdict({}, {three.id: 1}, three.id))
    now = book.scene(scene.id)
    assert (now.selected_attempt_id, now.prompt) == (one.id, "a fox"), "an automatic round takes nothing over by itself"
    kept = book.keep(three.id)
    assert (kept.selected_attempt_id, kept.prompt) == (three.id, "a calm fox")
    book.select(two.id)
    assert book.scene(scene.id).selected_attempt_id == two.id, "also in an older round"

    assert book.flag(round_.id, True).flagged and not book.flag(round_.id, False).flagged
    for accepted in (True, False):
        book.decide(DecisionRecord(one.id, "abc", accepted, {"prompt": "x"}))
    [decided] = book.decisions(scene.id)
    assert (decided.accepted, decided.suggestion) == (False, {"prompt": "x"})
    with pytest.raises(StoreError):
        book.decide(DecisionRecord("nothing", "abc", True))
