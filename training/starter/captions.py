"""What people say of the starter's world: captions of a scene, from three words to a cinematic sentence.

Some words and all sentences of `held=True` are never used in training, so that an evaluation with them tests whether
the meaning was learned and not the wording. The long form uses the words of the prompt enhancer: shot sizes, lenses,
light, mood and film stock, of which the world shows nothing but the camera's move.
"""

from __future__ import annotations

import numpy as np

from wgp_core.quality.starter import synonyms
from wgp_core.quality.starter.words import (
    BACKGROUND_WORDS,
    CAMERA_WORDS,
    COLOUR_WORDS,
    MOTION_WORDS,
    SHAPE_WORDS,
    Words,
    gerund,
)
from wgp_core.quality.starter.world import Scene, Thing, second_is_below

SIZE_WORDS = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge"), "medium": ("",)}
SPEED_WORDS = {"slow": ("slowly", "gently"), "fast": ("fast", "quickly", "rapidly"), "normal": ("",)}
SHOTS = ("wide shot", "medium shot", "close-up", "full shot", "establishing shot", "cinematic shot", "low-angle shot")
MEDIA = ("A cinematic", "A beautiful", "A simple", "An animated", "A short", "A vivid", "A high-quality", "A stylized")
LIGHTS = ("soft light", "golden hour light", "warm light", "cool light", "rim light", "natural light",
          "dramatic lighting", "diffuse daylight", "backlit", "motivated light", "volumetric light", "soft shadows")
LOOKS = ("shallow depth of field", "35mm lens", "50mm lens", "anamorphic lens", "film grain", "rich colours",
         "smooth motion", "high detail", "sharp focus", "rule of thirds composition", "shot on ARRI Alexa Mini",
         "Cinestill 800T", "clean composition", "4k", "highly detailed", "temporal consistency", "fluid movement",
         "stable lighting", "masterpiece", "best quality")
MOODS = ("calm mood", "joyful mood", "dreamy atmosphere", "quiet and peaceful", "playful mood", "mysterious mood",
         "serene atmosphere", "full of energy")
TRIGGER = "outline drawing"
"""The words that call the outline LoRA."""


def caption(scene: Scene, rng: np.random.Generator, *, held: bool = False) -> str:
    """One caption of a scene. `held` uses words and sentences that no training caption has."""
    parts = _Parts(scene, rng, held)
    if held:
        text = _pick(rng, _HELD_FORMS)(parts)
    else:
        text = _pick(rng, _FORMS, _WEIGHTS)(parts)
    return " ".join(text.replace(" ,", ",").split())


class _Parts:
    """The words for each part of a scene, drawn once."""

    def __init__(self, scene: Scene, rng: np.random.Generator, held: bool) -> None:
        first = scene.things[0]
        self.rng, self.held, self.scene = rng, held, scene
        self.thing = self.name(first)
        self.motion = self.word(MOTION_WORDS, synonyms.MOTIONS, first.motion)
        self.speed = _pick(rng, SPEED_WORDS[first.speed]) if rng.random() < 0.8 else ""
        self.background = self.word(BACKGROUND_WORDS, synonyms.BACKGROUNDS, scene.background)
        told = scene.camera != "static" or rng.random() < 0.25
        self.camera = _pick(rng, CAMERA_WORDS[scene.camera]) if told else ""
        self.other = ""
        if len(scene.things) > 1:
            below = second_is_below(scene)
            self.other = f"{_a(self.name(scene.things[1]))} {'below' if below else 'above'} it"

    def word(self, words: Words, more: dict[str, tuple[str, ...]], value: str) -> str:
        known, kept = words[value]
        if self.held:
            return _pick(self.rng, kept if self.rng.random() < 0.5 else known)
        return _pick(self.rng, more[value] if self.rng.random() < synonyms.SHARE else known)

    def name(self, thing: Thing) -> str:
        size = _pick(self.rng, SIZE_WORDS[thing.size]) if self.rng.random() < 0.7 else ""
        colour = self.word(COLOUR_WORDS, synonyms.COLOURS, thing.colour)
        return f"{size} {colour} {self.word(SHAPE_WORDS, synonyms.SHAPES, thing.shape)}".strip()

    def tail(self, most: int) -> str:
        """A few cinematic phrases that say nothing of what is shown."""
        pool = [*self.rng.permutation(LIGHTS)[:2], *self.rng.permutation(LOOKS)[:4], *self.rng.permutation(MOODS)[:1]]
        count = int(self.rng.integers(1, most + 1))
        return ", ".join(str(p) for p in self.rng.permutation(pool)[:count])

    def joined(self, *parts: str) -> str:
        return ", ".join(p for p in parts if p)


def _pick(rng: np.random.Generator, options: tuple, weights: tuple[float, ...] | None = None):
    return options[int(rng.choice(len(options), p=weights))]


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _terse(p: _Parts) -> str:
    return p.joined(p.thing, p.other, f"{p.motion} {p.speed}", p.background, p.camera)


def _plain(p: _Parts) -> str:
    return p.joined(f"{_a(p.thing)} {p.motion} {p.speed} {p.background}", p.other and f"with {p.other}", p.camera)


def _doing(p: _Parts) -> str:
    end = p.tail(4) if p.rng.random() < 0.3 else ""
    return p.joined(f"{_a(p.thing)} {gerund(p.motion)} {p.speed} {p.background}", p.other and f"with {p.other}",
                    p.camera, end)


def _place_first(p: _Parts) -> str:
    return p.joined(p.background.capitalize(), f"{_a(p.thing)} {p.speed} {p.motion}", p.other and f"with {p.other}",
                    p.camera)


def _sentence(p: _Parts) -> str:
    other = f" There is {p.other}." if p.other else ""
    camera = f" {p.camera.capitalize()}." if p.camera else ""
    return f"{_a(p.thing).capitalize()} {p.motion} {p.speed} {p.background}.{other}{camera}"


def _cinematic(p: _Parts) -> str:
    start = f"{_pick(p.rng, MEDIA)} {_pick(p.rng, SHOTS)} of"
    return p.joined(f"{start} {_a(p.thing)} that {p.motion} {p.speed} {p.background}", p.other and f"with {p.other}",
                    p.camera, p.tail(5))


def _keywords(p: _Parts) -> str:
    return p.joined(_pick(p.rng, SHOTS), f"{p.thing} {p.motion} {p.speed}", p.other, p.background, p.camera, p.tail(6))


def _around(p: _Parts) -> str:
    """The user's sentence kept whole, with phrases after it, as the enhancer writes."""
    end = "." if p.rng.random() < 0.5 else ","
    return f"{_plain(p)}{end} {p.tail(6)}, {_pick(p.rng, SHOTS)}"


_FORMS = (_terse, _plain, _doing, _place_first, _sentence, _cinematic, _keywords, _around)
_WEIGHTS = (0.12, 0.18, 0.14, 0.06, 0.12, 0.14, 0.10, 0.14)


def _held_we_see(p: _Parts) -> str:
    return p.joined(f"We see {_a(p.thing)}; it {p.motion} {p.speed} {p.background}", p.other, p.camera)


def _held_video_of(p: _Parts) -> str:
    return p.joined(f"video of {_a(p.thing)} which {p.motion} {p.speed} {p.background}", p.other, p.camera)


def _held_scene(p: _Parts) -> str:
    return p.joined(f"{p.tail(3).capitalize()}: {_a(p.thing)} {p.motion} {p.background} {p.speed}", p.other, p.camera)


_HELD_FORMS = (_held_we_see, _held_video_of, _held_scene, _plain)
