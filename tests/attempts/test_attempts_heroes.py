"""Hero frames: drawn, drawn again, chosen; with the local engine and with real model classes at toy size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEngine, registry

from wgp_core.attempts import Origin, Watch, Workbench, draw_heroes, redraw_hero, run
from wgp_core.attempts.heroes import all_alike, best_hero, still_request, tied_first
from wgp_core.context import generation_context
from wgp_core.errors import RequestError
from wgp_core.events import Cancelled, CancelToken
from wgp_core.generate import GenerationContext
from wgp_core.jobs.recorder import LibraryRecorder
from wgp_core.media.images import load_image
from wgp_core.paths import Paths
from wgp_core.quality.types import QualityReport
from wgp_core.request import Brief, EngineChoice, Framework, ScenePlan, VideoRequest
from wgp_core.settings import Settings
from wgp_core.store import Store
from wgp_core.store.attempt_records import HeroFrameRecord

SMALL = {"width": 320, "height": 240, "fps": 8}


@pytest.fixture
def store(paths: Paths):
    with Store.open(paths.database) as opened:
        yield opened


@pytest.fixture
def bench(paths: Paths, store: Store) -> Workbench:
    return Workbench(generation_context(paths, Settings(), LibraryRecorder(store)), store)


def test_stills_are_kept_with_what_made_them(bench: Workbench, store: Store) -> None:
    request = VideoRequest("k-means with 4 clusters", seconds=2, seed=4, **SMALL)  # type: ignore[arg-type]
    scene = store.attempts.new_scene(request.prompt)
    drawn = draw_heroes(request, bench, scene.id, 3)
    assert drawn == store.attempts.heroes(scene.id)
    assert [(h.number, h.seed, h.engine, h.prompt) for h in drawn] == [
        (i + 1, 4 + i, "explainer", request.prompt) for i in range(3)]
    assert all(load_image(h.path).shape == (240, 320, 3) and h.path.suffix == ".png" for h in drawn)
    assert not all_alike(drawn)
    report = QualityReport.from_dict(drawn[0].report or {})
    assert report.total.value == drawn[0].total is not None
    assert store.library.get(drawn[0].generation_id or "").path == drawn[0].path
    assert best_hero(drawn).total == max(h.total or 0 for h in drawn)
    assert store.attempts.scene(scene.id).hero_frame_id is None, "a person or the caller chooses"


def test_one_is_drawn_again_with_a_tweak(bench: Workbench, store: Store) -> None:
    request = VideoRequest("bubble sort", seconds=1, seed=4, **SMALL)  # type: ignore[arg-type]
    scene = store.attempts.new_scene(request.prompt)
    (first,) = draw_heroes(request, bench, scene.id, 1)
    second = redraw_hero(first.id, bench, prompt="binary search")
    assert (second.parent_id, second.number, second.seed) == (first.id, 2, 4)
    assert second.changes["prompt"]["after"] == "binary search"
    assert not np.array_equal(load_image(first.path), load_image(second.path))
    third = redraw_hero(second.id, bench, seed=-1)
    assert third.seed not in (-1, 4) and third.prompt == "binary search" and third.parent_id == second.id
    assert first.path.is_file()


def test_the_chosen_one_is_where_the_video_begins(bench: Workbench, store: Store) -> None:
    request = VideoRequest("k-means with 4 clusters", seconds=1, **SMALL)  # type: ignore[arg-type]
    scene = store.attempts.new_scene(request.prompt)
    hero = draw_heroes(request, bench, scene.id, 2)[1]
    store.attempts.select_hero(hero.id)
    done = run(request, bench, 1, origin=Origin(scene.id, hero.id))
    assert done.iteration.hero_frame_id == hero.id == done.scene.hero_frame_id
    assert done.iteration.request.start_image == hero.path and done.attempts[0].seed == hero.seed
    with pytest.raises(RequestError, match="start image"):
        run(request.with_(start_image=store.attempts.heroes(scene.id)[0].path), bench, 1,
            origin=Origin(scene.id, hero.id))


def test_the_same_picture_each_time_is_noticed(paths: Paths, store: Store) -> None:
    def same(request: VideoRequest, session: object, index: int) -> np.ndarray:
        return np.tile(np.arange(request.width, dtype=np.uint8)[None, :, None], (request.height, 1, 3))

    local = FakeEngine(EngineChoice.LOCAL, id="local", draw=same)
    context = GenerationContext(paths, Settings(), registry(local), recorder=LibraryRecorder(store))
    scene = store.attempts.new_scene("x")
    drawn = draw_heroes(VideoRequest("x"), Workbench(context, store), scene.id, 2)
    assert all_alike(drawn) and not all_alike(drawn[:1])


def test_cancelled_between_stills_keeps_the_first(bench: Workbench, store: Store) -> None:
    cancel = CancelToken()
    scene = store.attempts.new_scene("bubble sort")

    def stop_at_second(event: object) -> None:
        if "2 of 3" in getattr(event, "message", ""):
            cancel.cancel()

    with pytest.raises(Cancelled):
        draw_heroes(VideoRequest("bubble sort", **SMALL), bench, scene.id, 3,  # type: ignore[arg-type]
                    watch=Watch(stop_at_second, cancel))
    assert len(store.attempts.heroes(scene.id)) == 1


def test_a_tie_between_stills_is_seen() -> None:
    def hero(number: int, total: float | None) -> HeroFrameRecord:
        return HeroFrameRecord("s", Path("x.png"), "x", 1, "e", id=str(number), number=number, total=total)

    close = (hero(1, 0.70), hero(2, 0.904), hero(3, 0.902), hero(4, None))
    assert best_hero(close).number == 2 and [h.number for h in tied_first(close)] == [2, 3]
    unscored = (hero(1, None), hero(2, None))
    assert best_hero(unscored).number == 1 and len(tied_first(unscored)) == 2


@pytest.mark.parametrize(("fields", "words"), [
    ({"plan": (ScenePlan("one"), ScenePlan("two"))}, "belong to one scene"),
    ({"brief": Brief(framework=Framework.PAS)}, "belong to one scene"),
])
def test_several_scenes_have_no_one_hero(fields: dict, words: str, bench: Workbench) -> None:
    with pytest.raises(RequestError, match=words):
        still_request(VideoRequest("x", **fields), bench)


def test_a_video_model_without_stills_says_what_to_do(paths: Paths, store: Store) -> None:
    context = GenerationContext(paths, Settings(), registry(FakeEngine()), recorder=LibraryRecorder(store))
    with pytest.raises(RequestError, match=r"makes no single pictures.*still model"):
        still_request(VideoRequest("x", engine=EngineChoice.DIFFUSION), Workbench(context, store))


def test_a_still_model_draws_and_a_video_model_goes_on(paths: Paths, store: Store, bench: Workbench) -> None:
    """SDXL and LTX with their real classes: the still is found by itself, and the video begins with it."""
    import torch

    from wgp_core.models.manager import process_manager
    from wgp_core.models.toy import write_toy

    torch.set_num_threads(1)
    write_toy(paths.ckpts / "my-sdxl", "sdxl")
    write_toy(paths.ckpts / "my-ltx", "ltx")
    request = VideoRequest("a red car", engine=EngineChoice.DIFFUSION, model="my-ltx", width=64, height=64, fps=8,
                           frames=9, steps=2, seed=7, fallback_local_on_fail=False)
    try:
        still = still_request(request, bench)
        assert still.model is not None and "sdxl" in still.model and still.frames == 1
        scene = store.attempts.new_scene(request.prompt)
        heroes = draw_heroes(request, bench, scene.id, 2, watch=Watch())
        assert [h.seed for h in heroes] == [7, 8] and not all_alike(heroes)
        assert "sdxl" in (heroes[0].model or "") and heroes[0].engine == "diffusion"
        done = run(request, bench, 2, origin=Origin(scene.id, best_hero(heroes).id))
        assert all(attempt.path is not None for attempt in done.attempts), done.attempts
        assert done.selected is not None and done.selected.report is not None
    finally:
        process_manager().release_all()
