"""What people say of the starter's world: captions of a scene, from three words to a cinematic sentence.

Some words and all sentences of `held=True` are never used in training, so that an evaluation with them tests whether
the meaning was learned and not the wording. The long form uses the words of the prompt enhancer: shot sizes, lenses,
light, mood and film stock, of which the world shows nothing but the camera's move.
"""

from __future__ import annotations

import numpy as np

from .world import Scene, Thing, second_is_below

Words = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
"""For each value of an attribute: words for training, and words kept for the evaluation."""

COLOUR_WORDS: Words = {
    "red": (("red", "red", "red", "crimson", "bright red", "ruby red", "cherry red", "dark red"),
            ("scarlet", "vivid red")),
    "orange": (("orange", "orange", "orange", "bright orange", "tangerine", "deep orange", "pumpkin orange"),
               ("vivid orange",)),
    "yellow": (("yellow", "yellow", "yellow", "bright yellow", "golden yellow", "lemon yellow", "sunny yellow"),
               ("vivid yellow",)),
    "green": (("green", "green", "green", "bright green", "emerald green", "dark green", "lime green"),
              ("vivid green", "emerald")),
    "blue": (("blue", "blue", "blue", "bright blue", "royal blue", "cobalt blue", "navy blue", "dark blue"),
             ("vivid blue", "sapphire blue")),
    "purple": (("purple", "purple", "purple", "violet", "deep purple", "lilac", "royal purple"), ("vivid purple",)),
    "pink": (("pink", "pink", "pink", "rose pink", "bright pink", "magenta", "soft pink"), ("vivid pink", "hot pink")),
    "white": (("white", "white", "white", "snow-white", "pure white", "milky white"), ("bright white",)),
}
SHAPE_WORDS: Words = {
    "ball": (("ball", "ball", "ball", "round ball", "rubber ball", "sphere", "globe", "toy ball", "bouncy ball"),
             ("beach ball",)),
    "star": (("star", "star", "star", "five-pointed star", "pointed star", "star figure"), ("star shape",)),
    "ring": (("ring", "ring", "ring", "round ring", "hoop", "circular ring", "ring figure", "hollow circle"),
             ("ring shape",)),
    "square": (("square", "square", "square", "box", "cube", "block", "square shape", "square box"), ("square block",)),
    "heart": (("heart", "heart", "heart", "heart shape", "love heart", "heart symbol"), ("valentine heart",)),
    "car": (("car", "car", "car", "automobile", "little car", "toy car", "vehicle", "sedan"), ("motor car",)),
    "boat": (("boat", "boat", "boat", "sailing boat", "sailboat", "ship", "sailing vessel", "yacht"),
             ("small sailing ship",)),
    "tree": (("tree", "tree", "tree", "fir tree", "pine tree", "evergreen tree", "conifer", "decorated tree"),
             ("christmas tree",)),
    "house": (("house", "house", "house", "little house", "home", "cabin", "hut", "country house"), ("cottage",)),
    "rocket": (("rocket", "rocket", "rocket", "space rocket", "rocket ship", "spaceship", "spacecraft",
                "little rocket"), ("toy rocket",)),
}
MOTION_WORDS: Words = {
    "left": (("moves left", "moves to the left", "slides to the left", "glides left", "drifts to the left",
              "travels from right to left", "moves left", "heads to the left", "goes left", "floats to the left",
              "moves from right to left", "flies left"), ("floats leftward", "is heading left")),
    "right": (("moves right", "moves to the right", "slides to the right", "glides right", "drifts to the right",
               "travels from left to right", "moves right", "heads to the right", "goes right", "floats to the right",
               "moves from left to right", "flies right"), ("floats rightward", "is heading right")),
    "up": (("moves up", "rises", "goes upward", "floats up", "climbs upward", "moves up", "heads upward", "goes up",
            "soars up", "moves upward"),
           ("ascends", "is heading up")),
    "down": (("moves down", "sinks", "goes downward", "falls", "drops down", "moves down", "heads downward",
              "goes down",
              "floats down", "moves downward"),
             ("descends", "is heading down")),
    "grow": (("grows", "grows bigger", "gets larger", "becomes bigger", "expands", "grows", "grows in size",
              "becomes larger", "enlarges",
              "inflates", "scales up"),
             ("swells up", "increases in size")),
    "shrink": (("shrinks", "gets smaller", "becomes smaller", "shrinks down", "shrinks", "shrinks in size", "contracts",
                "becomes tiny", "scales down", "diminishes"),
               ("dwindles", "decreases in size")),
    "spin": (("spins", "rotates", "turns around", "spins around", "is spinning", "spins", "whirls", "revolves",
              "is rotating",
              "keeps spinning", "spins in place"),
             ("twirls", "keeps rotating")),
    "bounce": (("bounces", "bounces up and down", "is bouncing", "hops up and down", "bounces", "leaps up and down",
                "bounces again and again", "hops", "keeps hopping"),
               ("jumps up and down", "keeps bouncing")),
    "orbit": (("moves in a circle", "orbits", "circles around", "flies in circles", "orbits", "goes around in a circle",
               "moves along a circle", "travels in circles", "keeps circling"),
              ("travels along a circle", "goes round and round in a circle")),
    "still": (("stands still", "stays still", "does not move", "is still", "rests", "stays in place",
               "remains still", "stays put",
               "stands motionless", "remains in place", "is at rest", "is stationary"),
              ("remains motionless", "is not moving")),
}
BACKGROUND_WORDS: Words = {
    "gray": (("on a gray background", "in front of a gray wall", "on plain gray", "on a grey background",
              "against a gray backdrop"),
             ("before a neutral gray backdrop",)),
    "black": (("on a black background", "in front of a black wall", "on plain black", "on a dark black background",
               "against a black backdrop"),
              ("before a black backdrop",)),
    "beige": (("on a beige background", "in front of a beige wall", "on plain beige", "on a sand-coloured background",
               "against a beige backdrop"),
              ("before a beige backdrop",)),
    "sky": (("in the sky", "in a blue sky with clouds", "before a cloudy blue sky", "among the clouds",
             "up in the blue sky", "in the daytime sky"),
            ("up in the daytime sky",)),
    "grass": (("on grass", "on green grass", "on a green meadow", "over a grassy field", "in a meadow",
               "on a lawn", "on the green grass"),
              ("on a green lawn",)),
    "night": (("at night", "in the night sky", "in a starry night", "under the stars at night", "in the dark night",
               "among stars"),
              ("in the dark of night among stars",)),
    "sea": (("on the sea", "on the ocean", "over the blue sea", "on the waves of the sea", "on the water",
             "on blue water"), ("on the open water",)),
    "sunset": (("at sunset", "in front of a sunset", "in a glowing sunset", "under a sunset sky", "at dusk",
                "before the setting sun"),
               ("as the sun goes down",)),
}
SIZE_WORDS = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge"), "medium": ("",)}
SPEED_WORDS = {"slow": ("slowly", "gently"), "fast": ("fast", "quickly", "rapidly"), "normal": ("",)}
CAMERA_WORDS = {
    "static": ("static camera", "locked-off camera", "the camera is still"),
    "push-in": ("slow push-in", "the camera pushes in", "dolly in", "camera moves closer"),
    "pull-out": ("slow pull-out", "the camera pulls out", "dolly out", "camera moves back"),
    "pan-left": ("pan left", "the camera pans left", "slow pan to the left"),
    "pan-right": ("pan right", "the camera pans right", "slow pan to the right"),
}
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
        self.motion = self.word(MOTION_WORDS, first.motion)
        self.speed = _pick(rng, SPEED_WORDS[first.speed]) if rng.random() < 0.8 else ""
        self.background = self.word(BACKGROUND_WORDS, scene.background)
        told = scene.camera != "static" or rng.random() < 0.25
        self.camera = _pick(rng, CAMERA_WORDS[scene.camera]) if told else ""
        self.other = ""
        if len(scene.things) > 1:
            below = second_is_below(scene)
            self.other = f"{_a(self.name(scene.things[1]))} {'below' if below else 'above'} it"

    def word(self, words: Words, value: str) -> str:
        known, kept = words[value]
        return _pick(self.rng, kept if self.held and self.rng.random() < 0.5 else known)

    def name(self, thing: Thing) -> str:
        size = _pick(self.rng, SIZE_WORDS[thing.size]) if self.rng.random() < 0.7 else ""
        return f"{size} {self.word(COLOUR_WORDS, thing.colour)} {self.word(SHAPE_WORDS, thing.shape)}".strip()

    def tail(self, most: int) -> str:
        """A few cinematic phrases that say nothing of what is shown."""
        pool = [*self.rng.permutation(LIGHTS)[:2], *self.rng.permutation(LOOKS)[:4], *self.rng.permutation(MOODS)[:1]]
        count = int(self.rng.integers(1, most + 1))
        return ", ".join(str(p) for p in self.rng.permutation(pool)[:count])

    def joined(self, *parts: str) -> str:
        return ", ".join(p for p in parts if p)


def _pick(rng: np.random.Generator, options: tuple, weights: tuple[float, ...] | None = None):
    return options[int(rng.choice(len(options), p=weights))]


_DOUBLED = ("spin", "hop", "drop", "get")


def _gerund(motion: str) -> str:
    """ "moves left" to "moving left", "is spinning" to "spinning"."""
    verb, _, rest = motion.partition(" ")
    if verb in ("is", "does"):
        return rest.replace("not move", "not moving")
    stem = "fly" if verb == "flies" else "go" if verb == "goes" else verb[:-1]
    stem = stem + stem[-1] if stem in _DOUBLED else stem.removesuffix("e")
    return f"{stem}ing {rest}"


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _terse(p: _Parts) -> str:
    return p.joined(p.thing, p.other, f"{p.motion} {p.speed}", p.background, p.camera)


def _plain(p: _Parts) -> str:
    return p.joined(f"{_a(p.thing)} {p.motion} {p.speed} {p.background}", p.other and f"with {p.other}", p.camera)


def _doing(p: _Parts) -> str:
    end = p.tail(4) if p.rng.random() < 0.3 else ""
    return p.joined(f"{_a(p.thing)} {_gerund(p.motion)} {p.speed} {p.background}", p.other and f"with {p.other}",
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
