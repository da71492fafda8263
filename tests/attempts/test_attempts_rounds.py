"""Rounds of attempts: scored, ranked, all kept; failures, ties and likeness are said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEngine, registry

from wgp_core.attempts import Origin, Watch, Workbench, round_of, run
from wgp_core.attempts.bench import seeds
from wgp_core.attempts.rounds import same_frames
from wgp_core.engines.base import RenderSession
from wgp_core.errors import EngineError, RequestError
from wgp_core.events import Cancelled, CancelToken, Progress
from wgp_core.generate import GenerationContext
from wgp_core.jobs.recorder import LibraryRecorder
from wgp_core.media import images
from wgp_core.paths import Paths
from wgp_core.quality.score import ScoreOptions
from wgp_core.request import EngineChoice, OutputOptions, VideoRequest
from wgp_core.settings import Settings
from wgp_core.store import Store
from wgp_core.store.attempt_records import IterationState


def scenery(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
    """A smooth pattern that drifts; an odd seed spoils every frame with noise of its own."""
    y, x = np.mgrid[0:request.height, 0:request.width].astype(float)
    wave = 110 + 60 * np.sin((x + 2 * index) / 9) + 40 * np.cos(y / 7)
    if request.seed % 2:
        wave += np.random.default_rng(index).normal(0, 40, wave.shape)
    return np.clip(np.stack([wave, wave * 0.8, 220 - wave * 0.5], -1), 0, 255).astype(np.uint8)


@pytest.fixture
def store(paths: Paths):
    with Store.open(paths.database) as opened:
        yield opened


def bench_of(paths: Paths, store: Store, engine: FakeEngine, **options: object) -> Workbench:
    context = GenerationContext(paths, Settings(), registry(engine), recorder=LibraryRecorder(store))
    return Workbench(context, store, ScoreOptions(**options))  # type: ignore[arg-type]


def ask(**fields: object) -> VideoRequest:
    start = {"prompt": "waves", "engine": EngineChoice.DIFFUSION, "fallback_local_on_fail": False, "frames": 17}
    return VideoRequest(**{**start, **fields})  # type: ignore[arg-type]


def test_the_best_is_selected_and_all_are_kept(paths: Paths, store: Store) -> None:
    told: list[Progress] = []
    kept: list[int] = []
    done = run(ask(seed=1), bench_of(paths, store, FakeEngine(draw=scenery)), 3,
               watch=Watch(told.append, on_attempt=lambda attempt: kept.append(attempt.number)))
    assert [a.seed for a in done.attempts] == [1, 2, 3] and kept == [1, 2, 3]
    assert done.selected is not None and done.selected.number == 2 and done.selected.proposed
    assert all(a.path and a.path.is_file() and a.report for a in done.attempts)
    assert [a.rank for a in done.attempts][1] == 1 and not done.flagged
    assert done.results[done.selected.id].path == done.selected.path
    assert {store.library.get(a.generation_id or "").path for a in done.attempts} == {a.path for a in done.attempts}
    again = round_of(done.iteration.id, store)
    assert again.attempts == done.attempts and again.iteration == done.iteration
    assert again.iteration.state is IterationState.DONE
    assert any(event.message.startswith("Attempt 2 of 3: ") for event in told)


def test_below_the_threshold_a_person_is_asked_for(paths: Paths, store: Store) -> None:
    done = run(ask(seed=1), bench_of(paths, store, FakeEngine(draw=scenery), review_below=0.999), 2)
    assert done.flagged and any("below 100" in line for line in done.iteration.review)


def test_the_same_video_twice_is_said(paths: Paths, store: Store) -> None:
    def same(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        return scenery(request.with_(seed=0), session, index)

    done = run(ask(), bench_of(paths, store, FakeEngine(draw=same)), 3)
    assert done.selected is not None and done.selected.number == 1
    assert [a.rank for a in done.attempts] == [1, 1, 1]
    assert any("1, 2 and 3 are the same frame by frame" in line for line in done.iteration.review)


def test_a_tie_between_different_videos_is_said(paths: Paths, store: Store) -> None:
    def nearly(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        return scenery(request.with_(seed=0), session, index)[:, ::1 if request.seed % 2 else -1]

    done = run(ask(seed=1), bench_of(paths, store, FakeEngine(draw=nearly)), 2)
    assert any("1 and 2 are tied within half a point; number 1 is taken" in line for line in done.iteration.review)


def test_one_that_hardly_moves_comes_last(paths: Paths, store: Store) -> None:
    def still(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        return scenery(request.with_(seed=request.seed - 1), session, 0 if request.seed == 1 else index)

    done = run(ask(seed=1), bench_of(paths, store, FakeEngine(draw=still)), 2)
    assert done.selected is not None and done.selected.number == 2


def test_a_failed_attempt_does_not_stop_the_others(paths: Paths, store: Store) -> None:
    def sometimes(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        if request.seed == 2:
            raise EngineError("The card fell out.")
        return scenery(request, session, index)

    bench = bench_of(paths, store, FakeEngine(draw=sometimes))
    done = run(ask(seed=2), bench, 3)
    assert [bool(a.error) for a in done.attempts] == [True, False, False]
    assert "card fell out" in done.attempts[0].error and done.attempts[0].path is None
    assert done.selected is not None and done.selected.number == 3
    with pytest.raises(EngineError, match="card fell out"):
        run(ask(seed=2), bench, 1, origin=Origin(done.scene.id))
    last = store.attempts.iterations(done.scene.id)[-1]
    assert last.state is IterationState.FAILED and "card fell out" in last.review[0]


def test_a_cancelled_round_keeps_what_it_made(paths: Paths, store: Store) -> None:
    cancel = CancelToken()
    watch = Watch(cancel=cancel, on_attempt=lambda attempt: cancel.cancel())
    with pytest.raises(Cancelled):
        run(ask(seed=1), bench_of(paths, store, FakeEngine(draw=scenery)), 3, watch=watch)
    (scene,) = store.attempts.scenes()
    (round_,) = store.attempts.iterations(scene.id)
    assert round_.state is IterationState.CANCELLED and round_.review == ("Cancelled after 1 of 3 attempts.",)
    assert len(store.attempts.attempts(round_.id)) == 1
    assert len(list(paths.outputs.glob("*.mp4"))) == 1


def test_a_named_file_gives_numbered_attempts(paths: Paths, store: Store, tmp_path: Path) -> None:
    output = OutputOptions(path=tmp_path / "fox.mp4")
    run(ask(output=output), bench_of(paths, store, FakeEngine(draw=scenery)), 2)
    assert sorted(p.name for p in tmp_path.glob("*.mp4")) == ["fox_attempt1.mp4", "fox_attempt2.mp4"]


def test_a_refinement_begins_with_the_seed_that_it_refines(paths: Paths, store: Store) -> None:
    bench = bench_of(paths, store, FakeEngine(draw=scenery))
    first = run(ask(), bench, 2)
    assert first.selected is not None
    second = run(ask(prompt="calm waves", steps=6), bench, 2, origin=Origin(parent_attempt_id=first.selected.id))
    assert second.scene.id == first.scene.id and second.iteration.iteration == 2
    assert second.iteration.parent_id == first.iteration.id
    assert second.attempts[0].seed == first.selected.seed != second.attempts[1].seed
    changes = second.iteration.changes
    assert changes["prompt"]["before"] == "waves" and changes["settings"] == {"steps": [None, 6]}
    assert changes["chosen"]["attempt"] == first.selected.number
    video = store.library.get(second.attempts[1].generation_id or "")
    assert video.parent_id == first.selected.generation_id and video.iteration == 2


@pytest.mark.parametrize("count", [0, 21])
def test_a_number_that_cannot_be_meant_is_refused(count: int, paths: Paths, store: Store) -> None:
    with pytest.raises(RequestError, match=f"{count} attempts.*1 to 20"):
        run(ask(), bench_of(paths, store, FakeEngine()), count)
    assert store.attempts.scenes() == ()


def test_seeds_are_different_and_repeatable() -> None:
    assert seeds(ask(seed=2**32 - 1), 3) == (2**32 - 1, 0, 1)
    drawn = seeds(ask(), 20, first=5)
    assert drawn[0] == 5 and len(set(drawn)) == 20 and all(0 <= seed < 2**32 for seed in drawn)


def test_pictures_and_videos_are_compared_by_their_frames(tmp_path: Path) -> None:
    frame = np.full((32, 32, 3), 90, np.uint8)
    a, b = (images.save_png(frame, tmp_path / f"{name}.png") for name in "ab")
    c = images.save_png(frame + 1, tmp_path / "c.png")
    assert same_frames([a, b]) and not same_frames([a, b, c]) and not same_frames([a])
