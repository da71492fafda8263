"""What the Attempts tab shows of a scene: reads desk and store, and makes the parts of the page of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wgp_core.context import Studio
from wgp_core.jobs.attempt_desk import AttemptAction
from wgp_core.jobs.work_line import WorkState
from wgp_core.marked import split_enhanced, text_of
from wgp_core.quality.suggest import suggest, with_added
from wgp_core.quality.types import Dimension, QualityReport
from wgp_core.request import VideoRequest
from wgp_core.store.attempt_records import AttemptRecord, HeroFrameRecord, SceneRecord

from .attempts_view import (
    RoundView,
    film_html,
    first_visit,
    heroes_html,
    history_html,
    round_html,
    suggestions_html,
)
from .words import ago, short

NO_SCENE = [("None yet", "")]


@dataclass(frozen=True)
class Page:
    """One scene as it is shown: its stills, its rounds in order, and the round in the players (None without any)."""

    scene: SceneRecord
    heroes: tuple[HeroFrameRecord, ...]
    rounds: tuple[RoundView, ...]
    shown: RoundView | None
    busy: bool = False

    def attempt(self, attempt_id: str | None) -> tuple[str, AttemptRecord] | None:
        """("attempt 2 of round 1", its record); None where the scene has no such attempt."""
        return next(((f"attempt {one.number} of {view.name.lower()}", one)
                     for view in self.rounds for one in view.attempts if one.id == attempt_id), None)


@dataclass(frozen=True)
class Parts:
    """The HTML of the page."""

    heroes: str = ""
    round: str = ""
    suggestions: str = ""
    history: str = ""
    film: str = ""


def scene_choices(studio: Studio) -> list[tuple[str, str]]:
    """Labels and ids of all scenes, the newest first."""
    found = studio.store.attempts.scenes(limit=200)
    several = {scene.work_id for scene in found if scene.number > 1}
    return [(" · ".join(filter(None, (short(split_enhanced(scene.prompt)[0], 70),
                                      f"scene {scene.number}" if scene.work_id in several else "",
                                      ago(scene.created_at)))), scene.id) for scene in found] or NO_SCENE


def scene_in_work(studio: Studio) -> str:
    """The scene that is worked on, else the newest; empty where there is none."""
    films = AttemptAction.FINALIZE
    working = next((work.scene_id for work in studio.attempts.works() if work.open and work.action is not films), "")
    newest = studio.store.attempts.scenes(limit=1)
    return working or (newest[0].id if newest else "")


def read_page(studio: Studio, scene_id: str, round_id: str = "") -> Page | None:
    """The scene with the round `round_id` in the players, else its newest; None for no scene. Raises `StoreError`."""
    if not scene_id:
        return None
    book, desk = studio.store.attempts, studio.attempts
    trend = {point.iteration.id: point for point in desk.trend(scene_id)}
    rounds = tuple(RoundView.of(one, book.attempts(one.id), trend.get(one.id))
                   for one in book.iterations(scene_id))
    shown = next((view for view in rounds if view.iteration.id == round_id), rounds[-1] if rounds else None)
    return Page(book.scene(scene_id), book.heroes(scene_id), rounds, shown, desk.busy(scene_id))


def parts_of(studio: Studio, page: Page | None, parent: str = "") -> Parts:
    """The page's HTML; `parent` is the attempt that the next round goes on from."""
    if page is None:
        return Parts(heroes=first_visit())
    desk, scene = studio.attempts, page.scene
    history = history_html(page.rounds, page.shown.iteration.id if page.shown else "", desk.workflow(scene.id),
                           busy=page.busy)
    heroes = heroes_html(page.heroes, scene.hero_frame_id, busy=page.busy)
    if page.shown is None:
        return Parts(heroes)
    players = round_html(page.shown, page.rounds, in_use=scene.selected_attempt_id, busy=page.busy)
    return Parts(heroes, players, _suggestions(studio, page, parent), history, _film(studio, scene))


def _film(studio: Studio, shown: SceneRecord) -> str:
    desk, scenes = studio.attempts, studio.store.attempts.scenes(work_id=shown.work_id, limit=1_000)
    ready = [work for work in desk.works() if work.scene_id == shown.work_id and work.state is WorkState.DONE]
    files = [Path(ready[-1].result[name]) for name in ("file", "manifest")] if ready and ready[-1].result else []
    busy = desk.busy(shown.work_id) or any(desk.busy(scene.id) for scene in scenes)
    return film_html(scenes, desk.overview(shown.work_id), shown.id, files, busy=busy)


def _suggestions(studio: Studio, page: Page, parent: str) -> str:
    found = page.attempt(parent)
    if found is None:
        return ""
    decided = {one.key: one.accepted for one in studio.store.attempts.decisions(page.scene.id)
               if one.attempt_id == parent}
    return suggestions_html(studio.attempts.suggestions(parent), decided, found[1], found[0], busy=page.busy)


# -- the next round ---------------------------------------------------------------------------------------------


def start_of(studio: Studio, scene_id: str, attempt_id: str = "") -> VideoRequest:
    """The request that the next round begins with: that of the attempt it goes on from, else the scene's own."""
    book = studio.store.attempts
    if not attempt_id:
        return studio.attempts.request_of(scene_id)
    return book.iteration(book.attempt(attempt_id).iteration_id).request


def decide(studio: Studio, attempt_id: str, key: str, accepted: bool, words: tuple[str, str]) -> tuple[str, str]:
    """Keep a person's word on a suggestion; returns the text for the model and the negative prompt of the next
    round.

    `words` are what these are now. Where they are no longer the attempt's own, an accepted suggestion is made anew for
    them, so that what was typed or accepted before stays; of a language model's, what it adds is put behind them.
    """
    one, attempt = studio.attempts.decide(attempt_id, key, accepted), studio.store.attempts.attempt(attempt_id)
    if not accepted or attempt.report is None:
        return words
    before = studio.store.attempts.iteration(attempt.iteration_id).request
    if words == (text_of(before.prompt), before.negative_prompt):
        taken = studio.attempts.with_suggestion(attempt_id, key)
        return text_of(taken.prompt), taken.negative_prompt
    if one.source != "rules":
        return with_added(one, words)
    found = suggest(QualityReport.from_dict(attempt.report), *words, limit=len(Dimension))
    anew = next((other for other in found if other.dimension is one.dimension), None)
    return (anew.prompt, anew.negative_prompt) if anew else words


def titled(page: Page, attempt_id: str) -> str:
    """ "Another round, from attempt 2 of round 1"."""
    found = page.attempt(attempt_id)
    if found is not None:
        return f"Another round, from {found[0]}"
    return "Another round" if page.rounds else "Make attempts"
