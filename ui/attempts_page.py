"""What the Attempts tab shows of a scene: reads desk and store, and makes the parts of the page of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wgp_core.context import Studio
from wgp_core.quality.suggest import Suggestion, suggest
from wgp_core.quality.types import QualityReport
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

    @property
    def attempt(self) -> AttemptRecord | None:
        """The version in use of the round that is shown: suggestions are for it, and another round goes on from it."""
        return self.shown.selected if self.shown else None


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
    return [(f"{short(scene.prompt, 70)} · {f'scene {scene.number}, ' if scene.work_id in several else ''}"
             f"{ago(scene.created_at)}", scene.id) for scene in found] or NO_SCENE


def scene_in_work(studio: Studio) -> str:
    """The scene that is worked on, else the newest; empty where there is none."""
    working = next((work.scene_id for work in studio.attempts.works() if work.open and work.scene_id), "")
    newest = studio.store.attempts.scenes(limit=1)
    return working or (newest[0].id if newest else "")


def read_page(studio: Studio, scene_id: str, round_id: str = "") -> Page | None:
    """The scene with the round `round_id` in the players, else its newest; None for no scene. Raises `StoreError`."""
    if not scene_id:
        return None
    book, desk = studio.store.attempts, studio.attempts
    trend = {point.iteration.id: point for point in desk.trend(scene_id)}
    rounds = tuple(RoundView.of(one, book.attempts(one.id), flagged=one.flagged, point=trend.get(one.id))
                   for one in book.iterations(scene_id))
    shown = next((view for view in rounds if view.iteration.id == round_id), rounds[-1] if rounds else None)
    busy = any(work.open and work.scene_id == scene_id for work in desk.works())
    return Page(book.scene(scene_id), book.heroes(scene_id), rounds, shown, busy)


def parts_of(studio: Studio, page: Page | None) -> Parts:
    """The page's HTML."""
    if page is None:
        return Parts(heroes=first_visit())
    desk, scene = studio.attempts, page.scene
    history = history_html(page.rounds, page.shown.iteration.id if page.shown else "", desk.workflow(scene.id))
    film = film_html(studio.store.attempts.scenes(work_id=scene.work_id, limit=1_000), desk.overview(scene.work_id),
                     scene.id, busy=page.busy)
    return Parts(heroes_html(page.heroes, scene.hero_frame_id, busy=page.busy),
                 round_html(page.shown, page.rounds, busy=page.busy) if page.shown else "",
                 _suggestions(studio, page), history if page.rounds else "", film if page.rounds else "")


def _suggestions(studio: Studio, page: Page) -> str:
    attempt = page.attempt
    if attempt is None or page.shown is None or page.shown.open:
        return ""
    found = studio.attempts.suggestions(attempt.id)
    return suggestions_html([(one.key, one) for one in found], attempt, busy=page.busy)


# -- the next round ---------------------------------------------------------------------------------------------


def start_of(studio: Studio, scene_id: str, attempt_id: str = "") -> VideoRequest:
    """The request that the next round begins with: that of the attempt it goes on from, else the scene's own. Without
    the hero frame, which is put in anew.
    """
    book = studio.store.attempts
    if not attempt_id:
        return book.scene_request(scene_id)
    round_ = book.iteration(book.attempt(attempt_id).iteration_id)
    return round_.request.with_(start_image=None) if round_.hero_frame_id else round_.request


def accepted(one: Suggestion, attempt: AttemptRecord, prompt: str, negative: str,
             before: tuple[str, str]) -> tuple[str, str]:
    """Prompt and negative prompt with a suggestion in them. Where they were changed since (`before` is what the
    suggestion was made for), it is made anew for the words as they are now.
    """
    if (prompt, negative) == before or attempt.report is None:
        return one.prompt, one.negative_prompt
    found: Sequence[Suggestion] = suggest(QualityReport.from_dict(attempt.report), prompt, negative, limit=99)
    anew = next((other for other in found if other.dimension is one.dimension), None)
    return (anew.prompt, anew.negative_prompt) if anew else (prompt, negative)


def titled(page: Page | None, attempt_id: str) -> str:
    """ "Another round, from attempt 2 of round 1"."""
    if page is None or not page.rounds:
        return "Make attempts"
    for view in page.rounds:
        for one in view.attempts:
            if one.id == attempt_id:
                return f"Another round, from attempt {one.number} of {view.name.lower()}"
    return "Another round"


def flagged(page: Page, on: bool) -> Page:
    """The page with the flag of its round set."""
    return page if page.shown is None else replace(page, shown=replace(page.shown, flagged=on))
