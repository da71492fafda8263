"""What attempts look like: hero frames, a round with its players in step, rounds so far, suggestions, the whole film.

Pure functions: records in, HTML out. The players are driven by `assets/players.js`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wgp_core.attempts.changes import describe
from wgp_core.attempts.refining import key_of
from wgp_core.attempts.rounds import missing
from wgp_core.attempts.trends import Overview, TrendPoint, Workflow
from wgp_core.jobs.attempt_desk import AttemptAction, AttemptWork
from wgp_core.marked import split_enhanced
from wgp_core.quality.suggest import Change, Suggestion
from wgp_core.quality.types import QualityReport
from wgp_core.store.attempt_records import (
    AttemptRecord,
    HeroFrameRecord,
    IterationRecord,
    IterationState,
    SceneRecord,
)

from .components import Action, actions_row, badge, chips, empty_state, notices
from .progress import work_card
from .result import PICTURES, PLAYABLE
from .score_charts import (
    Ring,
    attempts_words,
    bad_moments,
    colour,
    curve_html,
    floor_of,
    gain_words,
    radar_html,
    scores_html,
    total_html,
    trend_html,
)
from .words import ago, duration, esc, file_url, picture_url, plural, short

ACTION_WORDS = {AttemptAction.HEROES: "Drawing hero frames", AttemptAction.REDRAW: "Drawing a hero frame",
                AttemptAction.ATTEMPTS: "Making attempts", AttemptAction.RESUME: "Making the missing attempts",
                AttemptAction.REFINE: "Refining", AttemptAction.FINALIZE: "Finishing the film",
                AttemptAction.SUGGEST: "Asking the language model"}
CHANGES_SHOWN = 6


@dataclass(frozen=True)
class RoundView:
    """A round with its attempts, by number, and their reports by attempt id."""

    iteration: IterationRecord
    attempts: tuple[AttemptRecord, ...]
    point: TrendPoint | None = None
    reports: Mapping[str, QualityReport] = field(default_factory=dict)

    @classmethod
    def of(cls, iteration: IterationRecord, attempts: tuple[AttemptRecord, ...],
           point: TrendPoint | None = None) -> RoundView:
        reports = {one.id: QualityReport.from_dict(one.report) for one in attempts if one.report is not None}
        return cls(iteration, attempts, point, reports)

    @property
    def name(self) -> str:
        return f"Round {self.iteration.iteration}"

    @property
    def selected(self) -> AttemptRecord | None:
        return next((one for one in self.attempts if one.selected), None)

    @property
    def open(self) -> bool:
        return self.iteration.state is IterationState.OPEN

    @property
    def lacking(self) -> int:
        """How many attempts it was to have and has not."""
        return 0 if self.iteration.state is IterationState.DONE else len(missing(self.iteration, self.attempts))


def works_html(works: Iterable[AttemptWork]) -> str:
    """What is made now, and how the last pieces of work ended."""
    return "".join(work_card(work, ACTION_WORDS[work.action]) for work in works)


def first_visit() -> str:
    return empty_state("No attempts yet", "Say what the video shows. It is drawn as several stills to choose from, "
                       "then made several times; each version is scored, and you decide.")


# -- hero frames ------------------------------------------------------------------------------------------------


def heroes_html(heroes: Sequence[HeroFrameRecord], chosen: str | None, *, busy: bool = False) -> str:
    """The stills of a scene side by side; one of them is, or becomes, the first frame."""
    if not heroes:
        return ""
    numbers = {hero.id: hero.number for hero in heroes}
    cards = "".join(_hero_html(hero, numbers, chosen=hero.id == chosen, busy=busy) for hero in heroes)
    taken = numbers.get(chosen or "")
    said = (f"Frame {taken} begins the video." if taken else
            "Take the one that the video is to begin with. Scores of a still see blur and noise, not beauty.")
    without = (Action("no-hero", "Begin without a still", disabled=busy),) if taken else ()
    actions = actions_row((Action("more-heroes", "Draw more", disabled=busy), *without), id="all")
    return (f'<section class="w-stage-part"><div class="w-line spread"><h3 class="w-section">Hero frames</h3>{actions}'
            f'</div><p class="w-quiet">{said}</p><div class="w-heroes">{cards}</div></section>')


def _hero_html(hero: HeroFrameRecord, numbers: Mapping[str, int], *, chosen: bool, busy: bool) -> str:
    url = picture_url(hero.path)
    picture = (f'<a href="{esc(url)}" target="_blank"><img loading="lazy" src="{esc(url)}" '
               f'alt="Hero frame {hero.number}: {esc(short(hero.prompt, 120))}"></a>' if url else
               "<span>The picture is no longer there.</span>")
    report = QualityReport.from_dict(hero.report) if hero.report is not None else None
    parent = numbers.get(hero.parent_id or "")
    lineage = [f"drawn again from frame {parent}" if parent else "", *describe(dict(hero.changes))]
    changed = f'<p class="w-quiet">{esc("; ".join(filter(None, lineage)))}</p>' if parent else ""
    enhanced = (f'<details class="w-how"><summary>Prompt as it was used</summary><p>{esc(hero.enhanced_prompt)}</p>'
                "</details>" if hero.enhanced_prompt and hero.enhanced_prompt != hero.prompt else "")
    take = badge("Begins the video", "done") if chosen else Action(
        "take-hero", "Take this", disabled=busy or not url).html(id=hero.id)
    again = Action("redraw-hero", "Draw again", disabled=busy or not url, title="With another prompt or seed").html(
        id=hero.id)
    return (f'<figure class="w-card w-hero{" chosen" if chosen else ""}" data-hero="{hero.number}">'
            f'<div class="w-frame-picture">{picture}</div><figcaption><div class="w-line"><strong>Frame {hero.number}'
            f'</strong>{total_html(report)}</div><p class="w-quiet">{esc(short(hero.prompt, 120))}</p>'
            f'{chips((f"seed {hero.seed}", hero.model or ""))}{changed}{enhanced}'
            f'<div class="w-actions">{take}{again}</div></figcaption></figure>')


# -- one round --------------------------------------------------------------------------------------------------


def round_html(view: RoundView, everything: Sequence[RoundView] = (), *, in_use: str | None = None,
               busy: bool = False) -> str:
    """A round: players in step with scores and curves, radar, and any two versions of the scene against each other.

    `in_use` is the id of the attempt that counts for the scene; it may be of another round.
    """
    head = _round_head(view, busy=busy)
    shown = [one for one in view.attempts if one.path is not None or one.error]
    if not shown:
        waiting = '<p class="w-quiet">The first attempt is being made.</p>' if busy else ""
        return f'<section class="w-stage-part">{head}{waiting}</section>'
    reports = [view.reports[one.id] for one in shown if one.id in view.reports]
    cards = "".join(_attempt_html(one, view.reports.get(one.id), floor_of(reports), in_use=one.id == in_use)
                    for one in shown)
    playable = any(_plays(one) for one in shown)
    radar = radar_html([Ring(f"Attempt {one.number}", colour(one.number), view.reports[one.id])
                        for one in shown if one.id in view.reports])
    return (f'<section class="w-stage-part w-players" tabindex="-1" data-round="{esc(view.iteration.id)}">{head}'
            f'{_transport() if playable else ""}<div class="w-versions">{cards}</div>'
            f'<div class="w-below">{radar}{_compare_html(view, everything or (view,))}</div></section>')


def _round_head(view: RoundView, *, busy: bool) -> str:
    settled = view.selected is not None and view.selected.by_person
    kind, flagged = "info" if settled else "warn", view.iteration.flagged
    resume = (Action("resume", f"Make the missing {plural(view.lacking, 'attempt')}", "primary"),) \
        if view.lacking and not busy else ()
    flag = Action("unflag" if flagged else "flag", "Remove the flag" if flagged else "Flag",
                  title="Mark this round to be looked at again")
    return (f'<div class="w-line spread"><div class="w-line"><h3 class="w-section">{view.name}</h3>'
            f"{_marks(view, busy=busy)}</div>{actions_row((*resume, flag), id=view.iteration.id)}</div>"
            f"{notices(view.iteration.review, kind=kind)}")


def _marks(view: RoundView, *, busy: bool) -> str:
    """Badges of a round that is in work, was cut off, made by itself or flagged."""
    found = []
    if view.open and busy:
        found.append(badge("In work", "running"))
    elif view.lacking:
        found.append(badge("Cut off", "interrupted"))
    elif view.iteration.state is IterationState.FAILED:
        found.append(badge("Failed", "failed"))
    if view.iteration.automatic:
        found.append(badge("By itself", ""))
    if view.iteration.flagged:
        found.append(badge("Flagged", "interrupted"))
    return "".join(found)


def _transport() -> str:
    speeds = "".join(f'<option value="{speed}"{" selected" if speed == "1" else ""}>{speed} ×</option>'
                     for speed in ("0.25", "0.5", "1", "2"))
    return ('<div class="w-transport" role="group" aria-label="All players">'
            '<button type="button" class="w-btn primary" data-play title="Play or pause all (space)">Play</button>'
            '<button type="button" class="w-btn icon" data-step="-1" title="One frame back (←)" '
            'aria-label="One frame back">‹</button><button type="button" class="w-btn icon" data-step="1" '
            'title="One frame on (→)" aria-label="One frame on">›</button>'
            '<input type="range" data-scrub min="0" max="1" step="0.001" value="0" aria-label="Time">'
            f'<output>0.0 s</output><select data-speed aria-label="Speed">{speeds}</select>'
            '<label><input type="checkbox" data-loop> Loop</label></div>')


def _attempt_html(one: AttemptRecord, report: QualityReport | None, floor: float, *, in_use: bool) -> str:
    facts = [f"seed {one.seed}", f"place {one.rank}" if one.rank else ""]
    mark = ""
    if in_use:
        mark = badge("In use, your choice" if one.by_person else "In use, by score", "done")
    elif one.by_person:
        mark = badge("Your choice in this round", "running")
    elif one.proposed:
        mark = badge("Best by score", "running")
    head = (f'<div class="w-line"><i class="w-dot {colour(one.number)}"></i><strong>Attempt {one.number}</strong>{mark}'
            "</div>")
    if one.path is None:
        return (f'<article class="w-card w-version" data-attempt="{one.number}"><div class="w-version-text">{head}'
                f'<p class="w-error">{esc(one.error)}</p>{chips(facts)}</div></article>')
    there = bool(picture_url(one.path))
    use = () if in_use and one.by_person else (
        Action("use", "Keep this version" if in_use else "Use this version", "primary", disabled=not there),)
    actions = actions_row((*use, Action("again", "Go on from here", disabled=not there,
                                        title="Another round with this one's request")), id=one.id,
                          before=_download(one) if there else "")
    moments = "".join(f'<li>{esc(dimension.label)} drops to {100 * value:.0f} at {duration(round(second, 1))}</li>'
                      for dimension, second, value in (bad_moments(report) if report else ()))
    said = "".join(f"<li>{esc(line)}</li>" for line in (*(report.recommendations if report else ()), *one.warnings))
    advice = f'<details class="w-how"><summary>What stands out</summary><ul>{moments}{said}</ul></details>' \
        if moments or said else ""
    scores = scores_html(report) if report else '<p class="w-quiet">It was not scored.</p>'
    return (f'<article class="w-card w-version{" selected" if in_use else ""}" data-attempt="{one.number}">'
            f'{_screen(one, report)}{curve_html(report, floor) if report else ""}<div class="w-version-text">{head}'
            f'<div class="w-line">{total_html(report)}</div>{chips(facts)}{scores}{advice}{actions}</div></article>')


def _plays(one: AttemptRecord) -> bool:
    return one.path is not None and one.path.suffix.lower() in PLAYABLE and bool(picture_url(one.path))


def _screen(one: AttemptRecord, report: QualityReport | None) -> str:
    assert one.path is not None
    url = picture_url(one.path)
    ratio = f"--ratio:{report.width}/{report.height}" if report else ""
    if not url:
        return f'<div class="w-picture blank" style="{ratio}"><p>The file is no longer at<br>{esc(one.path)}</p></div>'
    if _plays(one):
        fps = report.fps if report else 0
        return (f'<div class="w-picture" style="{ratio}"><video muted playsinline preload="auto" src="{esc(url)}" '
                f'data-fps="{fps:g}" aria-label="Attempt {one.number}"></video></div>')
    if one.path.suffix.lower() in PICTURES:
        return f'<div class="w-picture" style="{ratio}"><img src="{esc(url)}" alt="Attempt {one.number}"></div>'
    return ('<div class="w-picture blank"><p>Browsers cannot play this format. Download it to open it in an editor.</p>'
            "</div>")


def _download(one: AttemptRecord) -> str:
    assert one.path is not None
    return (f'<a class="w-btn icon" href="{esc(file_url(one.path))}" download="{esc(one.path.name)}" '
            f'title="Download" aria-label="Download attempt {one.number}">↓</a>')


def _compare_html(view: RoundView, everything: Sequence[RoundView]) -> str:
    """Two versions on one canvas: a wipe that is dragged, or their difference."""
    choices = [(other, one) for other in everything for one in other.attempts if _plays(one)]
    if len(choices) < 2:
        return ""
    here = [one.id for other, one in choices if other is view or other.iteration.id == view.iteration.id]
    first = here[0] if here else choices[0][1].id
    second = next((one_id for one_id in here[1:]), next(one.id for _, one in choices if one.id != first))

    def select(name: str, chosen: str) -> str:
        options = "".join(
            f'<option value="{esc(one.id)}" data-src="{esc(picture_url(one.path))}"'
            f'{" selected" if one.id == chosen else ""}>{esc(other.name)}, attempt {one.number}</option>'
            for other, one in choices)
        return f'<select data-side="{name}" aria-label="Version {name.upper()}">{options}</select>'

    return (f'<details class="w-card w-compare"><summary>Compare two versions</summary><div class="w-line">'
            f'<b>A</b>{select("a", first)}<b>B</b>{select("b", second)}<span class="w-modes">'
            '<label><input type="radio" name="w-mode" value="wipe" checked> Wipe</label>'
            '<label><input type="radio" name="w-mode" value="difference"> Difference</label></span></div>'
            '<canvas role="img" aria-label="Two versions"></canvas>'
            '<input type="range" data-wipe min="0" max="100" value="50" aria-label="Where A ends and B begins">'
            '<p class="w-quiet" data-told></p></details>')


# -- rounds so far ----------------------------------------------------------------------------------------------


def history_html(rounds: Sequence[RoundView], shown: str, figures: Workflow | None = None, *,
                 busy: bool = False) -> str:
    """The rounds of a scene, the newest first, with what changed, the trend and figures on how the work went."""
    if not rounds:
        return ""
    by_attempt = {one.id: (view, one) for view in rounds for one in view.attempts}
    rows = "".join(_history_row(view, by_attempt, current=view.iteration.id == shown, busy=busy)
                   for view in reversed(rounds))
    known = [(view.point, [one.total for one in view.attempts if one.total is not None])
             for view in rounds if view.point is not None]
    trend = trend_html([point for point, _ in known], [totals for _, totals in known])
    return (f'<section class="w-stage-part"><h3 class="w-section">Rounds</h3><div class="w-history">'
            f'<div class="w-rows">{rows}</div><div class="w-history-side">{trend}'
            f"{figures_html(figures) if figures else ''}</div></div></section>")


def _history_row(view: RoundView, by_attempt: Mapping[str, tuple[RoundView, AttemptRecord]], *, current: bool,
                 busy: bool) -> str:
    iteration, selected = view.iteration, view.selected
    started = by_attempt.get(iteration.parent_attempt_id or "")
    origin = f"from attempt {started[1].number} of {started[0].name.lower()}" if started else ""
    failed = sum(bool(one.error) for one in view.attempts)
    gain = gain_words(view.point.gain) if view.point else ""
    report = view.reports.get(selected.id) if selected else None
    show = badge("Shown", "done") if current else Action("show", "Show").html(id=iteration.id)
    taken = ""
    if selected is not None:
        taken = f"attempt {selected.number} taken, {'your choice' if selected.by_person else 'by score'}"
    facts = " · ".join(filter(None, (attempts_words(len(view.attempts), failed), taken, origin,
                                     ago(iteration.finished_at or iteration.created_at))))
    notes = f'<p class="w-quiet">{esc(iteration.notes)}</p>' if iteration.notes else ""
    return (f'<div class="w-row{" current" if current else ""}" data-round="{iteration.iteration}"><div '
            f'class="w-row-main"><div class="w-line"><strong>{view.name}</strong>{total_html(report)}'
            f'<span class="w-gain">{esc(gain)}</span>{_marks(view, busy=busy)}</div><p class="w-quiet">{esc(facts)}</p>'
            f"{changes_html(iteration.changes)}{notes}</div>"
            f'<div class="w-actions">{show}</div></div>')


def changes_html(changes: Mapping[str, Any]) -> str:
    """What a round did differently: words as a diff, settings before and after."""
    lines = [f'<p class="w-diff">{label}{diff_html([Change(**part) for part in changes[name]["diff"]])}</p>'
             for name, label in (("prompt", ""), ("negative_prompt", "Must not be in it: ")) if name in changes]
    settings = describe({"settings": changes.get("settings", {})})
    more = f", and {len(settings) - CHANGES_SHOWN} more" if len(settings) > CHANGES_SHOWN else ""
    if settings:
        lines.append(f'<p class="w-quiet">{esc("; ".join(settings[:CHANGES_SHOWN]) + more)}</p>')
    return "".join(lines)


def figures_html(figures: Workflow) -> str:
    """How the work went, in figures."""
    kept = f"{figures.accepted} of {figures.decided}" if figures.decided else "none yet"
    words = f"{figures.suggestions_accepted} of {figures.suggestions_decided}"
    facts = [("Attempts", attempts_words(figures.attempts, figures.failed)), ("Choice of the scores kept", kept),
             ("Made again by you", plural(figures.manual, "round")),
             ("Made again by itself", plural(figures.automatic, "round")),
             ("Gain a round", gain_words(figures.mean_gain) or "nothing to compare"),
             ("Suggestions accepted", words if figures.suggestions_decided else "none yet")]
    return ('<dl class="w-facts">' + "".join(f"<div><dt>{esc(name)}</dt><dd>{esc(value)}</dd></div>"
                                            for name, value in facts) + "</dl>")


# -- suggestions ------------------------------------------------------------------------------------------------


def diff_html(parts: Iterable[Change]) -> str:
    """A text with what is added and what is taken out marked."""
    tags = {"add": "ins", "remove": "del"}
    return "".join(f"<{tags[part.action]}>{esc(part.text)}</{tags[part.action]}>" if part.action in tags
                   else esc(part.text) for part in parts)


def suggestions_html(found: Sequence[Suggestion], decided: Mapping[str, bool], attempt: AttemptRecord, name: str, *,
                     busy: bool = False) -> str:
    """Changes of the prompt that the scores of an attempt, called `name`, suggest; `decided` are keys that were
    accepted, or not. While its scene is `busy`, no model can be asked.
    """
    title = f'<h3 class="w-section">Suggestions for {esc(name)}</h3>'
    ask = "" if attempt.report is None else actions_row(
        (Action("ask-model", "Ask the language model", disabled=busy),), id=attempt.id)
    if not found:
        return (f'<section class="w-stage-part">{title}<p class="w-quiet">The scores suggest nothing. Change what '
                f"you like below.</p>{ask}</section>")
    cards = "".join(_suggestion_html(one, decided.get(key_of(one)), attempt) for one in found)
    return f'<section class="w-stage-part">{title}<div class="w-suggestions">{cards}</div>{ask}</section>'


def _suggestion_html(one: Suggestion, accepted: bool | None, attempt: AttemptRecord) -> str:
    gain = f"up to {gain_words(one.gain)}" if one.gain >= 0.0005 else ""
    source = "" if one.source == "rules" else f"{one.source} · "
    negative = (f'<p class="w-quiet">Must not be in it:</p><p class="w-diff">{diff_html(one.negative_diff)}</p>'
                if one.negative_diff else "")
    if accepted is None:
        end = actions_row((Action("accept", "Accept", "primary"), Action("reject", "Reject")), id=key_of(one),
                          attempt=attempt.id)
    else:
        end = badge("Accepted", "done") if accepted else badge("Rejected", "")
    return (f'<article class="w-card w-suggestion" data-dimension="{one.dimension.value}"><div class="w-line"><strong>'
            f'{esc(one.dimension.label)}</strong><span class="w-eta">{esc(source + gain)}</span></div>'
            f'<p>{esc(one.reason)}</p>'
            f'<p class="w-diff">{diff_html(one.prompt_diff) or esc(one.prompt)}</p>{negative}{end}</article>')


# -- the whole film ---------------------------------------------------------------------------------------------


def film_html(scenes: Sequence[SceneRecord], state: Overview, shown: str, files: Sequence[Path] = (), *,
              busy: bool = False) -> str:
    """The scenes of a film as they stand, which to do again, the button that finishes it, and then its video; `files`
    are the video and what was written beside it.
    """
    if not scenes or not state.totals:
        return ""
    rows = "".join(_scene_row(scene, state, current=scene.id == shown) for scene in scenes)
    ready = all(scene.selected_attempt_id for scene in scenes)
    overall = f"Overall {100 * state.overall:.1f}" if state.overall is not None else "Nothing is scored yet"
    again = f"{plural(len(state.redo), 'scene')} to look at again" if state.redo else "nothing to do again"
    finish = actions_row((Action("finalize", "Finish and export", "primary", disabled=busy or not ready,
                                 title="Joins the versions in use, in order, and writes what was done beside them"
                                 if ready else "Every scene needs a version in use"),), id=scenes[0].work_id)
    said = f"{plural(len(scenes), 'scene')}. {overall}, {again}."
    return (f'<section class="w-stage-part"><div class="w-line spread"><h3 class="w-section">The film</h3>{finish}'
            f'</div><p class="w-quiet">{said}</p><div class="w-rows">{rows}</div>{_finished_html(files)}</section>')


def _finished_html(files: Sequence[Path]) -> str:
    there = [file for file in files if file.is_file()]
    if not there:
        return ""
    links = "".join(f'<a class="w-btn" href="{esc(file_url(file))}" download="{esc(file.name)}">'
                    f'{"Manifest" if file.suffix == ".json" else "Download"}</a>' for file in there)
    return (f'<div class="w-card w-finished"><div class="w-picture"><video controls playsinline preload="metadata" '
            f'src="{esc(picture_url(there[0]))}" aria-label="The finished film"></video></div>'
            f'<div class="w-result-text"><div class="w-actions">{links}</div></div></div>')


def _scene_row(scene: SceneRecord, state: Overview, *, current: bool) -> str:
    total = state.totals.get(scene.id)
    redo = badge("Look again", "interrupted") if scene.id in state.redo else ""
    show = badge("Shown", "done") if current else Action("scene", "Show").html(id=scene.id)
    value = f"{100 * total:.1f}" if total is not None else "no score"
    return (f'<div class="w-row{" current" if current else ""}"><div class="w-row-main"><div class="w-line">'
            f'<strong>Scene {scene.number}</strong><span>{value}</span>{redo}</div>'
            f'<p class="w-quiet">{esc(short(split_enhanced(scene.prompt)[0], 140))}</p></div>'
            f'<div class="w-actions">{show}</div></div>')
