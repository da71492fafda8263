"""Pairs of prompt and rewriting: those that say the same must pass, those that drift must not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wgp_core.prompts.fidelity import added_phrases, check, marked, retention

KEPT = [
    ("a red ball bounces on green grass",
     "Low-angle close shot of a red ball bouncing across lush green grass, soft morning light, shallow depth of field"),
    ("a red ball bounces on green grass", "A bright crimson ball bounces gently over an emerald lawn as the camera "
     "tracks along"),
    ("a red vintage car driving through rain at night",
     "A classic red car cruises through heavy rain at night, neon reflections rippling on the wet asphalt, slow "
     "dolly-in"),
    ("three dogs run along the beach at sunset",
     "A trio of dogs sprints along a sandy beach, golden hour light glittering on the waves, tracking shot"),
    ("two cats sleep on a sofa", "A pair of cats dozing side by side on a worn velvet couch, warm window light"),
    ("an old man reads a newspaper in a cafe",
     "An elderly man quietly reading a newspaper at a small café table, steam curling from his cup, 50mm lens"),
    ("a woman in red walks through Paris at night",
     "A woman dressed in red strolls through Paris at midnight, lamplight on wet cobblestones"),
    ("empty street in Tokyo, no people",
     "A deserted street in Tokyo without any people, neon signs humming, wide shot"),
    ("a beach without people at sunrise",
     "An empty beach at dawn, gentle waves rolling in, soft pink light, no people"),
    ("a robot paints a picture", "A weathered robot carefully paints a picture on a large canvas, soft studio light"),
    ("watercolor painting of a lighthouse in a storm",
     "A loose watercolor of a lighthouse lashed by a violent storm, waves crashing on the rocks, visible paper grain"),
    ("anime girl with blue hair under cherry blossoms",
     "Anime style, a girl with flowing blue hair stands under falling cherry blossoms, soft cel shading"),
    ("black and white photo of a jazz trumpeter",
     "Monochrome photograph of a jazz trumpeter on a smoky stage, hard rim light, grain of pushed film"),
    ("how gradient descent finds a minimum",
     "A glowing point rolls down a smooth surface, showing how gradient descent finds the minimum step by step"),
    ("a glass of water on a wooden table", "Macro view of a clear glass of water standing on a rustic wooden table, "
     "backlit"),
    ("five white sheep in a field", "5 white sheep graze in a wide meadow, morning haze, static wide shot"),
    ("a blue butterfly lands on a yellow flower",
     "Slow motion macro: an azure butterfly lands softly on a yellow flower, pollen drifting in the air"),
    ("Albert Einstein writes on a blackboard",
     "Albert Einstein writes equations on a dusty blackboard, chalk dust drifting in a shaft of light"),
    ("a neon sign that says \"OPEN 24H\"", "Rain runs down a window in front of a buzzing neon sign that reads \"OPEN "
     "24H\""),
    ("the camera slowly zooms in on a chess board",
     "Slow zoom in on a chess board, carved pieces casting long shadows"),
    ("a child flies a kite on a windy hill", "On a windy hillside a child flies a bright kite, grass bending in the "
     "gusts"),
    ("explosion of a volcano", "A volcano explodes, ash and lava bursting into the sky, aerial shot"),
    ("a ballerina dances on an empty stage", "A ballerina dances alone on an empty stage, single spotlight, dust in "
     "the beam"),
    ("a chef is cooking pasta in a busy kitchen", "A chef cooks pasta in a bustling kitchen, flames leaping from the "
     "pans"),
    ("photosynthesis in a leaf", "Inside a green leaf, photosynthesis unfolds, light turning into sugar in glowing "
     "cells"),
    ("an astronaut rides a horse on the moon",
     "An astronaut riding a white horse gallops over the grey dust of the moon, earth rising behind"),
    ("a dragon sleeping on gold coins", "A huge dragon slumbers on a hoard of gold coins, smoke curling from its "
     "nostrils"),
    ("time-lapse of clouds over mountains", "Time-lapse of clouds racing over jagged mountains, light sweeping the "
     "slopes"),
    ("a girl with green eyes and a cat with blue eyes",
     "Close portrait of a girl with green eyes holding a cat with blue eyes, soft window light"),
    ("a car drives from left to right", "A car drives from left to right across the frame, panning shot"),
    ("a golden retriever puppy plays with two yellow balls",
     "A fluffy golden retriever puppy plays with two yellow balls in the grass, low angle"),
    ("waves crash against cliffs", "Powerful waves crash against dark cliffs, spray hanging in the air, seen from "
     "above"),
    ("a spaceship lands on Mars", "A battered spacecraft lands on Mars in a storm of dust, thrusters flaring"),
    ("a stop-motion clay fox walks in snow", "Claymation fox walks through falling snow, handmade textures, "
     "stop-motion"),
    ("DNA strands untwist and copy", "Glowing DNA strands untwist and copy themselves, macro view, soft blue light"),
    ("a man without a hat", "A man with no hat stands in a doorway, side light"),
    ("a quiet library", "A silent, quiet library with tall shelves, dust in the light, slow dolly"),
    ("supply and demand curves meet", "Supply and demand curves glide together and meet at one glowing point, clean "
     "diagram"),
    ("bees collect pollen in a lavender field",
     "Honey bees collect pollen among rows of purple lavender in a sunny field, macro shots"),
    ("a monk meditates under a tree", "A monk sits meditating beneath an ancient tree, dappled light, still air"),
    ("an old woman knitting",
     "Elderly woman knitting by the window, soft natural light, wrinkled hands, Leica M11, 50mm, shallow depth of "
     "field"),
    ("a snail crawls over a leaf after rain",
     "A small brown snail crawls slowly over a glossy green leaf after the rain, leaving a shining trail. Water "
     "droplets "
     "tremble at the edge of the leaf and fall. Extreme macro shot, soft overcast light, steady camera."),
    ("a city at night seen from above",
     "An aerial view of a sprawling city at night, its streets glowing like rivers of light. Cars trace golden lines "
     "between "
     "dark towers, and a thin haze hangs over the river. The drone glides forward slowly. Cool blue tones, wide shot."),
    ("a lighthouse on a rocky coast during a storm",
     "A solitary lighthouse stands firm on a jagged, rocky coast as a violent storm rages, beam sweeping through the "
     "rain"),
    ("a bowl with three green apples and one red apple",
     "A wooden bowl holding three green apples and a single red apple, still life, soft side light"),
    ("Times Square in the rain, no cars",
     "Times Square in pouring rain, neon reflected in puddles, the street free of cars"),
    ("neural network learns to recognize digits",
     "A luminous neural network gradually learns to recognize handwritten digits, nodes pulsing as signals travel"),
    ("a woman with blonde hair and blue eyes smiles",
     "Portrait of a woman with golden blonde hair and bright blue eyes, smiling softly at the camera"),
]

DRIFTED = [
    ("a red vintage car driving through rain at night",
     "A red vintage car driving through rain at sunset, a figure standing on the roof", "night became sunset"),
    ("a red vintage car driving through rain at night",
     "A red vintage car drives through rain at night, a woman waves", "woman"),
    ("three dogs run along the beach", "Two dogs run along the beach", "3 dog became 2 dog"),
    ("a red ball bounces on green grass", "A blue ball bounces on green grass", "red ball became blue"),
    ("a red ball on a blue table", "A blue ball on a red table", "red ball became blue"),
    ("a cat sleeps on a sofa", "A dog sleeps on a sofa", "dog"),
    ("a cat chases a dog", "A dog chases a cat through the yard", "changed places"),
    ("a dog is chased by a cat", "A dog chases a cat", "changed places"),
    ("an empty beach, no people", "A beach where families play in the waves", "family"),
    ("an empty street", "An empty street where a man walks home", "man"),
    ("watercolor painting of a fox", "Photorealistic fox in a forest, shot on Alexa Mini", "photograph"),
    ("a fox in a forest", "Watercolor painting of a fox in a forest", "watercolor"),
    ("anime girl on a roof", "Pixel art girl on a roof", "pixel"),
    ("a sunny day at the lake", "A rainy day at the lake", "clear became rain"),
    ("snow falls on a village", "Rain falls on a village", "snow became rain"),
    ("a man plays the piano", "A woman plays the piano", "woman"),
    ("a man plays the piano", "A man and a woman play the piano", "woman"),
    ("a door opens slowly", "A door closes slowly", "open became close"),
    ("a cat under the table", "A cat on the table", "under table became on"),
    ("static camera, a lake at dawn", "A tracking shot over a lake at dawn", "static camera"),
    ("a car drives from left to right", "A car drives from right to left", "turned round"),
    ("a black horse gallops", "A white horse gallops across a plain", "black horse became white"),
    ("one candle on a table", "Seven candles on a table", "became 7 candle"),
    ("a robot in a factory without any humans", "A robot in a factory, workers standing nearby", "worker"),
    ("Marie Curie in her laboratory", "A scientist in her laboratory", "Marie Curie"),
    ("a neon sign that says \"OPEN\"", "A neon sign that says \"CLOSED\"", '"OPEN"'),
    ("a red ball bounces on green grass", "A red ball rests on green grass", "bounce"),
    ("a lion and a zebra drink at a river", "A lion drinks at a river", "zebra"),
    ("a tiny robot waters a plant", "A robot waters a plant", "tiny"),
    ("gradient descent finds a minimum", "A mountain landscape at dawn, mist in the valley", "gradient"),
    ("midday in the desert", "The desert under a starry sky, moonlit dunes", "noon became night"),
    ("a boat on a lake", "Sure, here is an enhanced prompt: a boat on a lake, soft light", "talks about the prompt"),
    ("a boat on a lake", "A boat on a lake. Would you like me to add more detail?", "question"),
    ("a boat on a lake", "**A boat on a lake**\n- soft light\n- mist", "lists"),
    ("a boat on a lake", "Ein Boot liegt auf dem See und die Sonne scheint auf das Wasser", "language"),
    ("a boat on a lake", "a boat on a lake in the mist and more a boat on a lake in the mist and more a boat on a lake "
     "in the "
     "mist and more", "repeats"),
    ("a boat on a lake", "", "empty"),
    ("dogs play in a park", "A dog plays in a park", "several dog became one"),
    ("a woman walks alone on the beach", "A woman walks on the beach with a crowd of friends", "alone"),
    ("black and white portrait of a sailor", "A vibrant colorful portrait of a sailor", "black and white"),
    ("a birthday cake with no candles", "A birthday cake with glowing candles", "no candle"),
    ("the sun rises over a city", "The sun sets over a city", "rise"),
    ("an empty street in Tokyo, no people",
     "The empty street in Tokyo, no people, is a symbol of the city's unforgiving environment", "explains instead"),
    ("how gradient descent finds a minimum",
     "Gradient descent is a powerful technique that finds a minimum of a function", "explains instead"),
    ("the hiker climbs up the hill", "The hiker climbs down the hill", "turned round"),
    ("a boat sails away from the shore", "A boat sails toward the shore", "turned round"),
    ("a full glass of milk", "An empty glass of milk", "full became empty"),
    ("a blue car follows a red truck", "A red car follows a blue truck", "blue car became red"),
    ("two robots shaking hands", "A robot shaking hands with a man, studio lighting", "2 robot"),
    ("a lighthouse", "The lighthouse glows softly, a delicate blend of art and engineering, a", "breaks off"),
    ("a bowl with three green apples and one red apple", "A bowl with three red apples and one green apple",
     "3 green apple"),
    ("a black cat on a white chair", "A white cat on a black chair", "black cat became white"),
    ("a policeman chases a thief", "A thief chases a policeman", "changed places"),
    ("a calm lake without boats", "A calm lake with a small boat drifting", "boat is there"),
    ("seven swans on a lake", "A flock of swans on a lake", "7 swan"),
    ("a train arrives at the station", "A train leaves the station", "arrive"),
    ("a desert road in the midday sun", "A desert road under the stars at night", "noon became night"),
    ("an empty classroom", "An empty classroom, a teacher writes on the board", "teacher"),
]


@pytest.mark.parametrize(("original", "enhanced"), KEPT, ids=[pair[1][:40] for pair in KEPT])
def test_a_good_rewriting_passes(original: str, enhanced: str) -> None:
    verdict = check(original, enhanced)
    assert verdict.ok, verdict.reasons


@pytest.mark.parametrize(("original", "enhanced", "said"), DRIFTED, ids=[pair[1][:40] or "empty" for pair in DRIFTED])
def test_drift_is_caught_and_named(original: str, enhanced: str, said: str) -> None:
    verdict = check(original, enhanced)
    assert not verdict.ok
    assert said in " ".join(verdict.reasons), verdict.reasons


def test_similarity_length_and_protected_words_are_judged() -> None:
    assert not check("a boat on a lake", "a boat on a lake, mist", similarity=0.3).ok
    assert check("a boat on a lake", "a boat on a lake, mist", similarity=0.3, threshold=0.2).ok
    assert not check("a boat on a lake", "a boat on a lake, mist and soft light", max_words=5).ok
    assert not check("a boat on a lake", "a boat on a lake, mist", protected=("trgr_boat",)).ok


PROMPTS = [pair[0] for pair in (*KEPT, *DRIFTED)]


@pytest.mark.parametrize("prompt", sorted(set(PROMPTS)))
def test_a_prompt_agrees_with_itself(prompt: str) -> None:
    assert check(prompt, prompt + " ").ok
    verdict = check(prompt, f"Soft light, {prompt}, sharp focus")
    assert verdict.ok, verdict.reasons
    assert retention(prompt, prompt) == 1.0


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared(one: str, other: str) -> None:
    check(one, other)
    assert 0 <= retention(one, other) <= 1
    assert "".join(text for text, _ in marked(one, other)) == other


def test_what_was_added_is_marked() -> None:
    original = "a red ball bounces on green grass."
    enhanced = "Wide shot: a red ball bounces on green grass, soft light. Slow dolly-in."
    assert added_phrases(original, enhanced) == ("Wide shot", "soft light", "Slow dolly-in")
    assert [text for text, is_added in marked(original, enhanced) if not is_added] == ["a red ball bounces on green "
                                                                                       "grass"]


def test_a_rewritten_sentence_is_marked_word_by_word() -> None:
    pieces = marked("a cat sleeps on a sofa", "a small cat sleeps softly on a sofa")
    assert [text.strip() for text, is_added in pieces if is_added] == ["small", "softly"]


def test_a_sentence_is_not_found_within_words() -> None:
    assert "".join(text for text, is_added in marked("a cat", "a catalogue and a dog") if is_added).strip()
    assert added_phrases("a cat", "Soft light, a cat") == ("Soft light",)
