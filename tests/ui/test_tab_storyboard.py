"""What the Storyboard tab shows, and what its form and its editor make of what a person writes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ui import tab_storyboard
from ui.storyboard_view import Card, board_html, files_html, film_html, head_html, heat_html, work_html
from wgp_core.context import Studio
from wgp_core.errors import QueueError, RequestError
from wgp_core.jobs.storyboard_desk import BoardAction, BoardWork
from wgp_core.jobs.work_line import WorkState
from wgp_core.planning.story.board import Board, Character, Repair, StoryScene
from wgp_core.planning.story.break_down import break_down
from wgp_core.planning.story.rules import Breach, Rule
from wgp_core.planning.story.shots import Transition
from wgp_core.prompts.enhancement import Provider
from wgp_core.request import EngineChoice
from wgp_core.storyboard.project import BoardProject, DrawOptions, Frame, FrameState

EVIL = '<img src=x onerror="alert(1)">'
STORY = "a trickster sells a wealthy merchant a magical pot"


def work(**changes: object) -> BoardWork:
    return replace(BoardWork("0123456789ab", BoardAction.DRAW, "board", WorkState.RUNNING),
                   **changes)  # type: ignore[arg-type]


def scene(number: int = 1, **changes: object) -> StoryScene:
    return replace(StoryScene(number, "A fox runs.", "wide shot, slow pan", "calm", "a wood", "dusk", prompt="a fox"),
                   **changes)  # type: ignore[arg-type]


@pytest.fixture
def project(studio: Studio) -> BoardProject:
    return BoardProject.create_in(studio.paths.outputs, break_down(STORY, count=6))


def draw(project: BoardProject, *numbers: int) -> None:
    for number in numbers:
        project.frame_path(number).write_bytes(b"png")
        project.put_frame(Frame(number, FrameState.DRAWN, project.scene(number).prompt, seed=number))


def disabled(html: str, action: str, item: str) -> bool:
    [button] = re.findall(rf'<button[^>]*data-action="{action}" data-id="{item}"[^>]*>', html)
    return button.endswith(" disabled>")


def test_nothing_that_comes_from_outside_is_markup():
    evil = scene(description=EVIL, camera=EVIL, mood=EVIL, setting=EVIL, lighting=EVIL, prompt=EVIL, notes=(EVIL,))
    board = Board(EVIL, (evil,), model=EVIL, provider=EVIL, warnings=(EVIL,), repaired=(Repair(1, EVIL, EVIL, EVIL),))
    card = Card(evil, "drawn", None, (EVIL,))
    breach = Breach(1, Rule.CAMERA, EVIL)
    for html in (board_html(board, [card], [breach, Breach(0, Rule.TOKEN, EVIL)]), board_html(board, [card], grid=True),
                 head_html(board, [card]), work_html([work(message=EVIL)]),
                 work_html([work(state=WorkState.FAILED, message=EVIL, fix=EVIL)])):
        assert "&lt;img" in html and "<img" not in html


def test_the_first_visit_teaches():
    assert "No storyboard yet" in board_html(None, []) and head_html(None, []) == ""


def test_warnings_stand_in_the_card_of_their_scene():
    board = Board(STORY, (scene(1), scene(2)))
    html = board_html(board, [Card(scene(1)), Card(scene(2))], [Breach(2, Rule.PROGRESS, "It tells the same."),
                                                                Breach(0, Rule.TOKEN, "Nobody is there.")])
    first, second = html.split('data-frame="2"')
    assert "It tells the same." in second and "It tells the same." not in first and "Nobody is there." in first
    assert "w-rules" not in first


def test_a_card_offers_what_can_be_done_now():
    board = Board(STORY, (scene(1), scene(2), scene(3)))
    html = board_html(board, [Card(scene(1)), Card(scene(2), "drawn"), Card(scene(3), "locked")])
    assert disabled(html, "left", "1") and not disabled(html, "right", "1") and disabled(html, "right", "3")
    assert disabled(html, "lock", "1") and not disabled(html, "lock", "2") and not disabled(html, "unlock", "3")
    assert disabled(html, "redraw", "3") and not disabled(html, "redraw", "1")
    busy = board_html(board, [Card(scene(1)), Card(scene(2), "drawn"), Card(scene(3), "locked")], busy=True)
    assert all(button.endswith(" disabled>") for button in re.findall(r"<button[^>]*>", busy))


def test_the_head_leads_from_drawing_to_the_film():
    board = Board(STORY, (scene(1), scene(2)))
    fresh = head_html(board, [Card(scene(1)), Card(scene(2))])
    assert "Draw all<" in fresh and disabled(fresh, "film", "all") and disabled(fresh, "export", "all")
    half = head_html(board, [Card(scene(1), "drawn"), Card(scene(2))])
    assert "Draw what is missing" in half and disabled(half, "film", "all") and not disabled(half, "export", "all")
    whole = head_html(board, [Card(scene(1), "drawn"), Card(scene(2), "locked")])
    assert 'data-confirm="Draw again?"' in whole and not disabled(whole, "film", "all") and "1 locked" in whole
    assert disabled(head_html(board, [Card(scene(1), "locked"), Card(scene(2), "locked")]), "again", "all")


def test_the_heat_map_outlines_what_is_unlike():
    html = heat_html({(1, 2): 0.91, (1, 3): 0.4, (2, 3): 0.75}, [1, 2, 3], threshold=0.7, label="an estimate")
    assert html.count(">0.91<") == 2 and html.count('class="heat low"') == 2 and "An estimate, mean 0.69" in html
    assert heat_html({}, [1, 2], threshold=0.7, label="x") == "" == heat_html({(1, 1): 1.0}, [1], threshold=0.7,
                                                                              label="x")


def test_work_tells_how_far_it_is_and_how_it_ended():
    running = work_html([work(step=2, total=8, message="Frame 3 of 8", eta_s=12.0)])
    assert 'aria-valuenow="25"' in running and "Frame 3 of 8" in running and "about 12 s left" in running
    assert "Stopping" in work_html([work(stopping=True)]) and "Waiting" in work_html([work(state=WorkState.QUEUED)])
    assert work_html([work(state=WorkState.DONE)]) == ""
    failed = work_html([work(state=WorkState.FAILED, message="It broke.", fix="Mend it.")])
    assert "It broke." in failed and "Mend it." in failed and 'data-action="dismiss"' in failed


def test_files_and_film_are_shown_once_they_are_there(tmp_path: Path):
    missing, there = tmp_path / "storyboard.mp4", tmp_path / "storyboard.pdf"
    there.write_bytes(b"%PDF")
    assert film_html(missing) == "" and film_html(None) == ""
    assert "storyboard.pdf" in files_html([missing, there]) and "mp4" not in files_html([missing, there])


def test_characters_are_read_line_by_line():
    text = "Aldar Kose = aldar_kose_man\n\n Bay | an old man \nA = a_b @ a/b.safetensors | tall"
    assert tab_storyboard.characters_of(text) == (
        Character("Aldar Kose", "aldar_kose_man"), Character("Bay", description="an old man"),
        Character("A", "a_b", Path("a/b.safetensors"), "tall"))
    for line in ("= token", "A = two words"):
        with pytest.raises(RequestError, match="cannot be read"):
            tab_storyboard.characters_of(line)


def test_the_form_becomes_what_is_asked():
    ask = tab_storyboard.ask_of(" a tale ", 7.0, "auto", "", "Ann = ann_x", " ink ", None)
    assert (ask.story, ask.count, ask.provider, ask.engine) == ("a tale", 7, Provider.AUTO, EngineChoice.AUTO)
    assert ask.bible.style == "ink" and ask.bible.characters[0].token == "ann_x" and ask.seed == 42
    local = tab_storyboard.ask_of("x", 8, "rules", tab_storyboard.LOCAL, "", "", 5)
    assert (local.engine, local.model, local.seed) == (EngineChoice.LOCAL, "", 5)


def test_the_camera_keeps_its_own_words_until_it_is_changed():
    own = scene(camera="a wide establishing view, panning over the valley")
    assert tab_storyboard.camera_of(own, "wide shot", "pan") == own.camera
    assert tab_storyboard.camera_of(own, "close-up", "push-in") == "close-up, slow push-in"


def test_cards_say_what_is_wrong_with_their_pictures(project: BoardProject, studio: Studio):
    draw(project, 1, 2)
    project.put_frame(replace(project.frame(2), marked=True, tries=3, consistency=0.42))
    studio.storyboards.edit(project.folder.name, 1, {"description": "A fox steals the pot at night."})
    cards = tab_storyboard.cards_of(studio.storyboards.open(project.folder.name))
    assert [card.state for card in cards] == ["drawn", "drawn", *["missing"] * 4]
    assert "changed after" in cards[0].notes[0] and "after 3 tries (0.42)" in cards[1].notes[0]
    assert cards[2].picture is None and cards[0].picture is not None


def test_actions_change_the_board_that_is_shown(project: BoardProject, studio: Studio):
    draw(project, 1)
    first = project.scene(1).description
    tab_storyboard._act(studio, "right", 1)
    tab_storyboard._act(studio, "lock", 2)
    tab_storyboard._act(studio, "insert", 2)
    tab_storyboard._act(studio, "remove", 1)
    shown = studio.storyboards.shown
    assert shown is not None and shown.scene(1).description == first and shown.frame(1).state is FrameState.LOCKED
    assert len(shown.frames) == 6
    studio.storyboards.delete(shown.folder.name)
    with pytest.raises(QueueError, match="no storyboard"):
        tab_storyboard._act(studio, "draw", 0)


def test_views_survive_a_board_without_anything_drawn(project: BoardProject, studio: Studio):
    _, head, board, heat, film, files = tab_storyboard._views(studio, "Cards")
    assert "0 of 6 drawn" in head and board.count("not drawn yet") == 6 and heat == "" == film
    assert "scene_breakdown.json" in files
    assert tab_storyboard._views(studio, "Grid")[2].count("<figure") == 6


def test_a_reloaded_page_holds_what_the_board_was_asked_with(studio: Studio):
    asked = tab_storyboard.ask_of(STORY, 7, "rules", "local", "Ann = ann_x | tall\nBo", "ink", 5)
    made = BoardProject.create_in(studio.paths.outputs, break_down(asked.story, count=7, bible=asked.bible),
                                  DrawOptions(engine=asked.engine, base_seed=asked.seed))
    assert tab_storyboard.ask_of(*tab_storyboard._form_updates(made)) == asked
    made.set_film(transition=Transition.CUT, seconds=2.5, engine=EngineChoice.LOCAL)
    transition, seconds, model, subtitles, sound = tab_storyboard._film_updates(made)
    assert (transition, seconds["value"], model, subtitles) == ("cut", 2.5, "local", True) and "No soundtrack" in sound
    assert ("2.5 s", 2.5) in seconds["choices"]
