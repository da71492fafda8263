"""Scenes for the window: rounds cut off and taken up, refinement that keeps what is better, the film of all scenes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEngine, registry
from tones import write_tone
from workshop import Workshop, wait_until

from wgp_core.attempts.refining import key_of
from wgp_core.engines.base import RenderSession
from wgp_core.errors import Cancelled, QueueError, RequestError
from wgp_core.events import CancelToken, Progress
from wgp_core.jobs.attempt_desk import AttemptAction, AttemptDesk, AttemptWork
from wgp_core.jobs.tasks import TaskContext, run_registered
from wgp_core.jobs.work_line import WorkState
from wgp_core.media.audio import loudness_of
from wgp_core.media.probe import count_frames, probe
from wgp_core.paths import Paths
from wgp_core.request import EngineChoice, OutputOptions, VideoRequest
from wgp_core.settings import Settings
from wgp_core.store import Store
from wgp_core.store.attempt_records import IterationState

ASK = VideoRequest("waves at night", engine=EngineChoice.LOCAL, frames=9)


class Here:
    """The tasks in this process. `better` draws calm waves once the prompt asks for them; `stop_at` cancels when a
    message holds these words."""

    def __init__(self, paths: Paths, better: bool = True) -> None:
        self.paths, self.better, self.stop_at = paths, better, ""
        self.engines = registry(FakeEngine(EngineChoice.LOCAL, self._draw, "local"))

    def __call__(self, name: str, payload: Mapping[str, Any], *, cancel: CancelToken, on_progress: Any,
                 **_: object) -> Mapping[str, Any]:
        def tell(event: Progress) -> None:
            on_progress(event)
            if self.stop_at and self.stop_at in event.message:
                cancel.cancel()

        return run_registered(name, payload, TaskContext(self.paths, cancel=cancel, on_progress=tell,
                                                         engines=lambda: self.engines))

    def _draw(self, request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
        y, x = np.mgrid[0:request.height, 0:request.width].astype(float)
        calm = self.better and any(word in request.prompt for word in ("slow", "steady", "constant", "light"))
        at = 2 * index if calm else 23 * ((index * 7) % 5)
        waves = 110 + 60 * np.sin((x + at) / 9) + 40 * np.cos(y / 7)
        if request.seed % 2:
            waves += np.random.default_rng(index).normal(0, 8, waves.shape)
        return np.clip(np.stack([waves, waves * 0.8, 220 - waves * 0.5], -1), 0, 255).astype(np.uint8)


@pytest.fixture
def store(paths: Paths):
    with Store.open(paths.database) as opened:
        yield opened


def desk_of(paths: Paths, store: Store, here: Here) -> AttemptDesk:
    return AttemptDesk(store, paths, Settings, here, here)


def ended(desk: AttemptDesk, work: AttemptWork, timeout_s: float = 240) -> AttemptWork:
    wait_until(lambda: not desk.get(work.id).open, timeout_s, lambda: str(desk.get(work.id)))
    return desk.get(work.id)


def test_a_round_that_was_cut_off_is_taken_up_with_its_own_seeds(paths: Paths, store: Store) -> None:
    here = Here(paths)
    desk, book = desk_of(paths, store, here), store.attempts
    scene = desk.new_scene(ASK)
    here.stop_at = "Attempt 2 of 3"
    stopped = ended(desk, desk.attempts(scene.id, 3))
    assert stopped.state is WorkState.CANCELLED and "What was made is kept" in stopped.message
    [round_] = book.iterations(scene.id)
    [first] = book.attempts(round_.id)
    assert round_.state is IterationState.CANCELLED and desk.can_resume(round_.id) and len(round_.seeds) == 3
    desk.select(first.id)

    here.stop_at = ""
    assert ended(desk, desk.resume(round_.id)).state is WorkState.DONE
    made = book.attempts(round_.id)
    assert [(a.number, a.seed) for a in made] == list(enumerate(round_.seeds, 1)) and made[0].id == first.id
    assert made[0].selected and made[0].by_person and sum(a.proposed for a in made) == 1
    assert book.scene(scene.id).selected_attempt_id == first.id, "a person's choice stays"
    assert not desk.can_resume(round_.id)
    with pytest.raises(RequestError, match="all its attempts"):
        desk.resume(round_.id)


def test_a_round_of_a_killed_program_can_be_taken_up(paths: Paths, store: Store) -> None:
    desk, book = desk_of(paths, store, Here(paths)), store.attempts
    scene = desk.new_scene(ASK)
    round_ = book.begin(scene.id, ASK, seeds=(4, 6))
    assert desk.can_resume(round_.id)
    assert ended(desk, desk.resume(round_.id)).state is WorkState.DONE
    assert [a.seed for a in book.attempts(round_.id)] == [4, 6]
    assert book.iteration(round_.id).state is IterationState.DONE


@pytest.mark.parametrize("better", [True, False])
def test_refinement_keeps_only_what_scores_higher(paths: Paths, store: Store, better: bool) -> None:
    desk, book = desk_of(paths, store, Here(paths, better)), store.attempts
    scene = desk.new_scene(ASK.with_(seed=4))
    ended(desk, desk.attempts(scene.id, 1))
    first = book.scene(scene.id).selected_attempt_id
    assert first is not None
    refused, *_ = desk.suggestions(first)
    desk.decide(first, key_of(refused), False)
    done = ended(desk, desk.refine(first, 1, 1))
    assert done.state is WorkState.DONE and done.result is not None, done
    now, [_, automatic] = book.scene(scene.id), book.iterations(scene.id)
    assert automatic.automatic and automatic.request.prompt != refused.prompt
    if better:
        assert done.result["kept"] == 1 and now.selected_attempt_id == done.result["best"] != first
        assert now.prompt == automatic.request.prompt
    else:
        assert done.result["kept"] == 0 and now.selected_attempt_id == first and now.prompt == ASK.prompt
    figures = desk.workflow(scene.id)
    assert (figures.automatic, figures.manual) == (1, 0)
    assert (figures.suggestions_decided, figures.suggestions_accepted) == (1, 0)


def test_the_film_joins_what_counts_with_sound_and_a_manifest(paths: Paths, store: Store, tmp_path: Path) -> None:
    desk, book = desk_of(paths, store, Here(paths)), store.attempts
    tone = write_tone(tmp_path / "tone.wav")
    first = desk.new_scene(ASK.with_(output=OutputOptions(soundtrack=tone)))
    second = desk.new_scene(ASK.with_(prompt="waves at noon", width=80, height=80), first.work_id)
    with pytest.raises(RequestError, match="Scene 1, 2 has no selected"):
        desk.finalize(first.work_id)
    for scene in (first, second):
        assert ended(desk, desk.attempts(scene.id, 2)).state is WorkState.DONE
    other = next(a for a in book.attempts(book.iterations(second.id)[0].id) if not a.selected)
    desk.select(other.id)
    done = ended(desk, desk.finalize(first.work_id, crossfade=0.1, name="film"))
    assert done.state is WorkState.DONE and done.result is not None, done
    film = Path(done.result["file"])
    info, told = probe(film), json.loads(Path(done.result["manifest"]).read_text())
    assert (info.width, info.height) == (64, 64) and count_frames(film) == 9 + 9 - 2
    assert loudness_of(film) > -30 and "another size" in done.message
    assert [(one["number"], one["attempt_id"]) for one in told["scenes"]] == [
        (1, book.scene(first.id).selected_attempt_id), (2, other.id)]
    assert told["scenes"][1]["by_person"] and told["scenes"][1]["start_s"] == round(7 / 16, 3)
    assert store.library.find_by_path(film) is not None
    again = ended(desk, desk.finalize(first.work_id, name="film")).result
    assert again is not None and again["file"] != str(film) and film.is_file(), "nothing is overwritten"


def test_what_cannot_be_is_refused_and_a_busy_scene_waits(paths: Paths, store: Store) -> None:
    go: list[bool] = []

    def stuck(_name: str, _payload: Mapping[str, Any], *, cancel: CancelToken, **_: object) -> Mapping[str, Any]:
        wait_until(lambda: bool(go) or cancel.cancelled)
        raise Cancelled

    desk = AttemptDesk(store, paths, Settings, stuck, stuck)
    scene = desk.new_scene(ASK)
    for wrong in (lambda: desk.heroes(scene.id, 0), lambda: desk.attempts(scene.id, 99),
                  lambda: desk.new_scene(VideoRequest(" ")), lambda: desk.new_scene(ASK, "f" * 12),
                  lambda: desk.finalize("f" * 12)):
        with pytest.raises(RequestError):
            wrong()
    work = desk.attempts(scene.id)
    assert (work.action, work.scene_id, work.title) == (AttemptAction.ATTEMPTS, scene.id, ASK.prompt)
    with pytest.raises(QueueError, match="worked on"):
        desk.heroes(scene.id)
    desk.cancel(work.id)
    assert ended(desk, work).state is WorkState.CANCELLED
    assert desk.request_of(scene.id) == ASK
    running, waiting = desk.attempts(scene.id), desk.attempts(desk.new_scene(ASK).id)
    desk.close()
    assert {ended(desk, one).state for one in (running, waiting)} == {WorkState.CANCELLED}
    with pytest.raises(QueueError, match="closing"):
        desk.heroes(scene.id)


def test_a_real_worker_makes_them(workshop: Workshop) -> None:
    supervisor = workshop.start()
    desk = AttemptDesk(workshop.store, workshop.paths, lambda: workshop.settings, supervisor.run_attempting,
                       supervisor.run_task)
    scene = desk.new_scene(VideoRequest("frames", seconds=1))
    done = ended(desk, desk.attempts(scene.id, 1))
    assert done.state is WorkState.DONE, done
    [attempt] = workshop.store.attempts.attempts(workshop.store.attempts.iterations(scene.id)[0].id)
    assert attempt.selected and attempt.path is not None and attempt.path.is_file() and attempt.report
