"""What a storyboard looks like: its cards, the plain grid, the heat map of alikeness, and the work on it.

Pure functions: records in, HTML out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wgp_core.jobs.storyboard_desk import BoardAction, BoardWork
from wgp_core.planning.story.board import Board, StoryScene
from wgp_core.planning.story.rules import Breach
from wgp_core.planning.story.shots import MOVES, movement_of, shot_of

from .components import Action, actions_row, badge, chips, empty_state, notices
from .progress import work_card
from .words import duration, esc, file_url, picture_url, plural, short

ACTION_WORDS = {BoardAction.BREAK_DOWN: "Breaking the story down", BoardAction.DRAW: "Drawing the frames",
                BoardAction.FILM: "Making the film", BoardAction.EXPORT: "Writing the files",
                BoardAction.MAKE: "Making the storyboard"}
PROVIDER_WORDS = {"rules": "by rules", "local": "by a language model here", "openai": "by a language model"}
LOW = 0.5
"""Alikeness where the heat map is coldest; pictures of one board are seldom less alike."""


@dataclass(frozen=True)
class Card:
    """One scene as it is shown. `state` is missing, drawn or locked; `notes` say what is wrong with the frame."""

    scene: StoryScene
    state: str = "missing"
    picture: Path | None = None
    notes: tuple[str, ...] = ()


def board_html(board: Board | None, cards: Sequence[Card], breaches: Iterable[Breach] = (), *, grid: bool = False,
               busy: bool = False) -> str:
    """The board: cards that can be changed, or with `grid` only the pictures with their captions."""
    if board is None:
        return empty_state("No storyboard yet", "Tell a story in a sentence or a page, and press Break down. It "
                           "becomes 6 to 10 scenes that you can change, draw and film.")
    by_frame: dict[int, list[str]] = {}
    for breach in breaches:
        by_frame.setdefault(breach.frame, []).append(breach.reason)
    whole = notices(by_frame.get(0, ()), kind="warn")
    if grid:
        return f'{whole}<div class="w-board grid">{"".join(_grid_html(card) for card in cards)}</div>'
    listed = [_card_html(card, by_frame.get(card.scene.frame, ()), len(cards), busy=busy) for card in cards]
    return f'{whole}<div class="w-board">{"".join(listed)}</div>'


def head_html(board: Board | None, cards: Sequence[Card], *, busy: bool = False) -> str:
    """The story, how it came about, and what can be done with the whole board."""
    if board is None:
        return ""
    drawn = sum(card.state != "missing" for card in cards)
    locked = sum(card.state == "locked" for card in cards)
    kinds = len({shot_of(scene.camera) for scene in board.scenes} - {None})
    facts = (plural(len(board.scenes), "scene"), plural(kinds, "kind") + " of shot",
             duration(sum(scene.seconds for scene in board.scenes)), f"{drawn} of {len(cards)} drawn",
             f"{locked} locked" if locked else "", PROVIDER_WORDS.get(board.provider, board.provider), board.model)
    left = len(cards) - locked
    draw = "Draw all" if not drawn else "Draw what is missing" if drawn < len(cards) else "Draw all again"
    name = "draw" if drawn < len(cards) else "again"
    again = "Draw again?" if name == "again" else ""
    actions = (Action(name, draw, "" if drawn == len(cards) else "primary", confirm=again,
                      disabled=busy or not left, title="Locked frames stay as they are"),
               Action("film", "Animate", "primary" if drawn == len(cards) else "", disabled=busy or drawn < len(cards),
                      title="A film of all frames" if drawn == len(cards) else "Draw the missing frames first"),
               Action("export", "Export", disabled=busy or not drawn, title="Picture of all frames, PDF and web page"))
    repaired = _repaired(board)
    return (f'<div class="w-plan-head"><div class="w-line"><strong>{esc(short(board.story, 200))}</strong></div>'
            f'{chips(facts)}{notices(board.warnings, kind="warn")}{repaired}{actions_row(actions, id="all")}</div>')


def _repaired(board: Board) -> str:
    if not board.repaired:
        return ""
    rows = "".join(f"<li>{esc(f'Scene {one.frame}: ' if one.frame else '')}{esc(one.what)} "
                   f'<span class="w-quiet">({esc(one.rule)})</span></li>' for one in board.repaired)
    return (f'<details class="w-repaired"><summary>{esc(plural(len(board.repaired), "repair"))} '
            f"to keep the rules</summary><ul>{rows}</ul></details>")


def _card_html(card: Card, reasons: Sequence[str], count: int, *, busy: bool) -> str:
    scene, number = card.scene, card.scene.frame
    locked, drawn = card.state == "locked", card.state != "missing"
    actions = (Action("left", "←", "icon", title="Move earlier", disabled=busy or number == 1),
               Action("right", "→", "icon", title="Move later", disabled=busy or number == count),
               Action("insert", "+", "icon", title="Insert a scene after this one", disabled=busy),
               Action("edit", "Edit", disabled=busy),
               Action("redraw", "Redraw" if drawn else "Draw", disabled=busy or locked),
               Action("unlock" if locked else "lock", "Unlock" if locked else "Lock", disabled=busy or not drawn,
                      title="Drawing all leaves locked frames alone"),
               Action("remove", "×", "icon danger", confirm=f"Remove scene {number}?", title="Remove this scene",
                      disabled=busy or count == 1))
    warned = "".join(f"<li>{esc(reason)}</li>" for reason in reasons)
    warnings = f'<ul class="w-rules" aria-label="Rules that scene {number} breaks">{warned}</ul>' if warned else ""
    notes = "".join(f'<p class="w-quiet">{esc(note)}</p>' for note in card.notes)
    prompt = (f'<details class="w-frame-prompt"><summary>Prompt</summary><p>{esc(scene.prompt)}</p></details>'
              if scene.prompt else "")
    setting = " · ".join(part for part in (scene.setting, scene.lighting) if part)
    return (f'<article class="w-card w-frame {esc(card.state)}" data-frame="{number}">{_picture(card)}'
            f'<div class="w-frame-text"><div class="w-line">{_number(number)}<strong>{esc(_shot(scene))}</strong>'
            f'{badge("Locked", "done") if locked else ""}'
            f'<span class="w-eta">{esc(duration(scene.seconds))}</span></div>'
            f'{chips((*scene.notes, _move(scene), scene.mood))}<p class="w-said">{esc(scene.description)}</p>'
            f'{f"<p class=w-quiet>{esc(setting)}</p>" if setting else ""}{prompt}{warnings}{notes}'
            f'{actions_row(actions, id=str(number))}</div></article>')


def _grid_html(card: Card) -> str:
    scene = card.scene
    return (f'<figure class="w-frame {esc(card.state)}" data-frame="{scene.frame}">{_picture(card)}<figcaption>'
            f'<strong>{scene.frame}. {esc(_shot(scene))}</strong> {esc(scene.description)}</figcaption></figure>')


def _picture(card: Card) -> str:
    url = picture_url(card.picture)
    if not url:
        return (f'<div class="w-frame-picture blank"><span>{esc(_shot(card.scene))}</span><small>not drawn yet</small>'
                "</div>")
    return (f'<div class="w-frame-picture"><a href="{esc(url)}" target="_blank"><img src="{esc(url)}" loading="lazy" '
            f'alt="Frame {card.scene.frame}: {esc(short(card.scene.description, 120))}"></a></div>')


def _number(number: int) -> str:
    return f'<span class="w-number">{number}</span>'


def _shot(scene: StoryScene) -> str:
    shot = shot_of(scene.camera)
    return (shot.value[:1].upper() + shot.value[1:]) if shot is not None else scene.camera or "No shot named"


def _move(scene: StoryScene) -> str:
    return MOVES[movement_of(scene.camera)]


# -- alikeness --------------------------------------------------------------------------------------------------


def heat_html(alike: Mapping[tuple[int, int], float], numbers: Sequence[int], *, threshold: float, label: str) -> str:
    """How alike each two frames are, 0 to 1, as a small coloured table; `label` says what measured it."""
    if len(numbers) < 2 or not alike:
        return ""
    head = "".join(f'<th scope="col">{number}</th>' for number in numbers)
    rows = "".join(f'<tr><th scope="row">{one}</th>{"".join(_cell(alike, one, two, threshold) for two in numbers)}</tr>'
                   for one in numbers)
    pairs = [value for (one, two), value in alike.items() if one < two]
    mean = f"{sum(pairs) / len(pairs):.2f}" if pairs else ""
    return (f'<section class="w-card w-heat"><h3 class="w-section">How alike the frames are</h3>'
            f'<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>'
            f'<p class="w-quiet">{esc(label[:1].upper() + label[1:])}, mean {mean}. '
            f'Pairs below {threshold:.2f} are outlined.</p></section>')


def _cell(alike: Mapping[tuple[int, int], float], one: int, two: int, threshold: float) -> str:
    if one == two:
        return '<td class="same"></td>'
    value = alike.get((one, two), alike.get((two, one)))
    if value is None:
        return '<td class="none">·</td>'
    strength = round(100 * max(0.0, min(1.0, (value - LOW) / (1 - LOW))))
    low = " low" if value < threshold else ""
    return (f'<td class="heat{low}" style="--heat:{strength}%" title="Frames {one} and {two}: {value:.2f}">'
            f"{value:.2f}</td>")


# -- work -------------------------------------------------------------------------------------------------------


def work_html(works: Iterable[BoardWork]) -> str:
    """What is done with boards now, and how the last pieces ended."""
    return "".join(work_card(work, ACTION_WORDS[work.action]) for work in works)


def film_html(film: Path | None, poster: Path | None = None) -> str:
    """The film, where there is one; `poster` is shown before it plays."""
    url = picture_url(film)
    if film is None or not url:
        return ""
    link = f'<a class="w-btn" href="{esc(url)}" download="{esc(film.name)}">Download</a>'
    return (f'<section class="w-card"><div class="w-picture"><video controls playsinline preload="metadata" '
            f'poster="{esc(picture_url(poster))}" src="{esc(url)}"></video></div>'
            f'<div class="w-result-text"><div class="w-line spread">'
            f"<strong>The film</strong>{link}</div></div></section>")


def files_html(files: Iterable[Path]) -> str:
    """Links to the board's files."""
    found = [file for file in files if file.is_file()]
    if not found:
        return ""
    links = "".join(f'<a class="w-btn" href="{esc(file_url(file, file.stat().st_mtime_ns))}" '
                    f'download="{esc(file.name)}">{esc(file.name)}</a>' for file in found)
    return f'<div class="w-actions w-board-files">{links}</div>'
