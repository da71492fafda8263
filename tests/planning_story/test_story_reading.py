"""What is read in stories, and the boards that come of it."""

from __future__ import annotations

import pytest

from wgp_core.planning.story.board import Bible, Character, Place
from wgp_core.planning.story.break_down import break_down
from wgp_core.planning.story.grammar import plan_story
from wgp_core.planning.story.parts import Kind, base_of, third
from wgp_core.planning.story.reader import read_story
from wgp_core.planning.story.rules import check
from wgp_core.planning.story.sentences import acts
from wgp_core.planning.story.settings import DOMAINS, LIGHTS
from wgp_core.planning.story.shots import Shot, camera_line, movement_of, shot_of


def told(story: str) -> list[tuple[str, str, str]]:
    return [(event.agent.the if event.agent else "", event.verb, event.rest) for event in read_story(story).events]


@pytest.mark.parametrize(("story", "events"), [
    ("a trickster sells a wealthy merchant a magical pot", [("the trickster", "sell",
                                                             "a wealthy merchant a magical pot")]),
    ("Mira lost her dog. She followed its tracks to a cave.",
     [("Mira", "lose", "her dog"), ("Mira", "follow", "her dog's tracks to a cave")]),
    ("A girl who loves stars builds a rocket and flies to the moon.",
     [("the girl", "love", "stars"), ("the girl", "build", "a rocket"), ("the girl", "fly", "to the moon")]),
    ("An old fisherman named Santiago catches a fish, but sharks eat it.",
     [("Santiago", "catch", "a fish"), ("the sharks", "eat", "the fish")]),
    ("Lena and her grandmother bake bread.", [("Lena and her grandmother", "bake", "bread")]),
    ("Tell me a story about a keeper who saves a mermaid.", [("the keeper", "save", "a mermaid")]),
    ("Two brothers build a raft.", [("the two brothers", "build", "a raft")]),
    ("\"Who are you?\" The fox did not answer. Nobody came.", []),
    ("The whales breach in the sunrise. The ships founder on the rocks.",
     [("the whales", "breach", "in the sunrise"), ("the ships", "founder", "on the rocks")]),
    ("His sister teases him. The bee pollinates the garden. The king surrenders.",
     [("his sister", "tease", "him"), ("the bee", "pollinate", "the garden"), ("the king", "surrender", "")]),
    ("A pilot lands on Mars. Dust storms batter the dome. She sings.",
     [("the pilot", "land", "on Mars"), ("the dust", "storm", "batter the dome"), ("the pilot", "sing", "")]),
    ("Three students build a rocket. It explodes. They try again, and it flies to the moon.",
     [("the three students", "build", "a rocket"), ("the rocket", "explode", ""),
      ("the three students", "try", "again"), ("the rocket", "fly", "to the moon")]),
    ("", []), ("👍", []), ("Eine Frau geht in den Wald und findet einen Schatz.", []),
])
def test_who_does_what(story: str, events: list[tuple[str, str, str]]) -> None:
    assert told(story) == events


def test_what_the_rules_cannot_show_is_said() -> None:
    story = "Ruiz tails a suspect. The suspect ducks into a bakery. One of them sweats. Harry waves."
    board = break_down(story)
    shown = " ".join(scene.description for scene in board.scenes)
    assert "tails the suspect" in shown and "ducks into a bakery" in shown and "Harry waves" in shown
    assert [said.partition("no action: ")[2] for said in board.warnings] == ["One of them sweats."]


@pytest.mark.parametrize("text", ["The dog toys on the floor.", "A quiet street at night.",
                                  "Two brothers alone in the woods.", "Portrait of the king with jewels.",
                                  "The whale bones on the beach."])
def test_what_only_stands_there_does_not_act(text: str) -> None:
    assert not acts(text)


def test_people_things_and_places() -> None:
    reading = read_story("A thief breaks into a museum at night to steal a diamond, but the guard is her brother.")
    assert [noun.the for noun in reading.cast] == ["the thief", "the guard", "her brother"]
    assert [noun.the for noun in reading.things] == ["the diamond"]
    assert reading.events[0].place == "into the museum"
    assert read_story("A lonely robot finds a flower.").cast[0].kind is Kind.MACHINE


@pytest.mark.parametrize(("form", "base"), [("sold", "sell"), ("carries", "carry"), ("stopped", "stop"), ("running",
    "run"),
                                            ("chases", "chase"), ("table", "")])
def test_base_forms(form: str, base: str) -> None:
    assert base_of(form) == base


@pytest.mark.parametrize(("verb", "form"), [("carry", "carries"), ("go", "goes"), ("push", "pushes"), ("play",
    "plays")])
def test_the_present(verb: str, form: str) -> None:
    assert third(verb) == form and third(verb, plural=True) == verb


def test_a_sentence_becomes_an_arc() -> None:
    scenes = plan_story("a trickster sells a wealthy merchant a magical pot", 8)
    text = " ".join(scene.description for scene in scenes)
    assert all(word in text for word in ("trickster", "merchant", "magical pot", "market"))
    assert shot_of(scenes[0].camera) in (Shot.WIDE, Shot.EXTREME_WIDE)
    deed = next(i for i, scene in enumerate(scenes) if "sells" in scene.action)
    assert 3 <= deed <= 6
    assert len({scene.lighting for scene in scenes}) == len({scene.mood for scene in scenes}) == 8
    assert "dawn" in scenes[0].lighting and "dusk" in scenes[-1].lighting


def test_the_same_story_gives_the_same_board() -> None:
    assert plan_story("A fox steals a cheese.", 8) == plan_story("A fox steals a cheese.", 8)


@pytest.mark.parametrize("count", [6, 7, 8, 9, 10])
def test_long_stories_are_condensed_in_their_order(count: int) -> None:
    story = " ".join(f"The {who} {what}." for who, what in (
        ("baker", "wakes up"), ("baker", "bakes bread"), ("fox", "steals a loaf"), ("baker", "chases the fox"),
        ("fox", "jumps over the wall"), ("farmer", "catches the fox"), ("baker", "thanks the farmer"),
        ("farmer", "frees the fox"), ("fox", "runs into the forest"), ("baker", "shares the bread"),
        ("children", "eat the bread"), ("sun", "sets"), ("fox", "returns the loaf")))
    scenes = plan_story(story, count)
    assert len(scenes) == count and check(scenes, story=story) == ()
    parts = story.rstrip(".").split(". ")
    order = [min(i for i, part in enumerate(parts) if part.split(" ", 2)[2] in scene.action) for scene in scenes]
    assert order == sorted(order)
    assert any("steals a loaf" in scene.action for scene in scenes)


def test_time_and_weather_of_the_story_decide_the_light() -> None:
    night = plan_story("A wolf runs through the forest at night.", 8)
    assert not any(word in scene.lighting for scene in night for word in ("midday", "morning sun", "afternoon"))
    rain = plan_story("A boy rides a bicycle through the city in the rain.", 8)
    assert any("rain" in scene.lighting for scene in rain)


def test_the_bible_gives_names_and_places() -> None:
    bible = Bible((Character("Aldar", "aldar_tok", description="a trickster"), Character("The Rich One", "rich_tok",
                                                                                      description="a merchant")),
                  (Place("the old harbour"),))
    scenes = plan_story("a trickster sells a merchant a pot", 8, bible)
    text = " ".join(scene.description for scene in scenes)
    assert "aldar_tok" in text and "rich_tok" in text and "trickster" not in text and "merchant" not in text
    assert "the old harbour" in text
    assert any(scene.characters == ("Aldar", "The Rich One") for scene in scenes)


@pytest.mark.parametrize(("camera", "shot"), [
    ("Extreme close-up of the eyes", Shot.EXTREME_CLOSE), ("OTS shot", Shot.SHOULDER), ("POV, handheld", Shot.POV),
    ("a wide establishing shot from above", Shot.HIGH), ("Medium two-shot", Shot.TWO), ("", None), ("beautiful", None)])
def test_shots_are_read(camera: str, shot: Shot | None) -> None:
    assert shot_of(camera) is shot


def test_every_camera_line_reads_back() -> None:
    for shot in Shot:
        line = camera_line(shot)
        assert shot_of(line) is shot
        assert camera_line(shot, [line, line]).startswith(shot.value)
        assert movement_of(line.split(", ", 1)[1]).value


def test_every_kind_of_place_has_its_corners_and_light() -> None:
    for domain in DOMAINS:
        assert len(domain.spots) >= 7 and all("{P}" in text for _, text in domain.spots)
        assert domain.light in LIGHTS
    assert all(len(set(lights)) == 10 for lights in LIGHTS.values())
