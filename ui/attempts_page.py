"""What the Attempts tab shows of a scene: reads desk and store, and makes the parts of the page of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    rounds = tuple(RoundView.of(one, book.attempts(one.id), trend.get(one.id))
                   for one in book.iterations(scene_id))
    shown = next((view for view in rounds if view.iteration.id == round_id), rounds[-1] if rounds else None)
    busy = any(work.open and work.scene_id == scene_id for work in desk.works())
    return Page(book.scene(scene_id), book.heroes(scene_id), rounds, shown, busy)


def parts_of(studio: Studio, page: Page | None, parent: str = "") -> Parts:
    """The page's HTML; `parent` is the attempt that the next round goes on from."""
    if page is None:
        return Parts(heroes=first_visit())
    desk, scene = studio.attempts, page.scene
    history = history_html(page.rounds, page.shown.iteration.id if page.shown else "", desk.workflow(scene.id),
                           busy=page.busy)
    film = film_html(studio.store.attempts.scenes(work_id=scene.work_id, limit=1_000), desk.overview(scene.work_id),
                     scene.id, busy=page.busy)
    return Parts(heroes_html(page.heroes, scene.hero_frame_id, busy=page.busy),
                 round_html(page.shown, page.rounds, in_use=scene.selected_attempt_id, busy=page.busy)
                 if page.shown else "", _suggestions(studio, page, parent), history, film if page.rounds else "")


def _suggestions(studio: Studio, page: Page, parent: str) -> str:
    found = page.attempt(parent)
    if found is None:
        return ""
    decided = {one.key: one.accepted for one in studio.store.attempts.decisions(page.scene.id)
               if one.attempt_id == parent}
    return suggestions_html(studio.attempts.suggestions(parent), decided, found[1], found[0])


# -- the next round ---------------------------------------------------------------------------------------------


def start_of(studio: Studio, scene_id: str, attempt_id: str = "") -> VideoRequest:
    """The request that the next round begins with: that of the attempt it goes on from, else the scene's own. Without
    the hero frame, which is put in anew.
    """
    book = studio.store.attempts
    if not attempt_id:
        scene = book.scene(scene_id)
        return scene.request or VideoRequest(scene.prompt, scene.negative_prompt, camera=scene.camera_movement)
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


def titled(page: Page, attempt_id: str) -> str:
    """ "Another round, from attempt 2 of round 1"."""
    found = page.attempt(attempt_id)
    if found is not None:
        return f"Another round, from {found[0]}"
    return "Another round" if page.rounds else "Make attempts"
