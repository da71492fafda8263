"""The words for what the starter's world has, in captions of its training and in prompts that are read."""

from __future__ import annotations

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
CAMERA_WORDS = {
    "static": ("static camera", "locked-off camera", "the camera is still"),
    "push-in": ("slow push-in", "the camera pushes in", "dolly in", "camera moves closer"),
    "pull-out": ("slow pull-out", "the camera pulls out", "dolly out", "camera moves back"),
    "pan-left": ("pan left", "the camera pans left", "slow pan to the left"),
    "pan-right": ("pan right", "the camera pans right", "slow pan to the right"),
}

_DOUBLED = ("spin", "hop", "drop", "get", "bob", "skip")


def gerund(motion: str) -> str:
    """ "moves left" to "moving left", "is spinning" to "spinning"."""
    verb, _, rest = motion.partition(" ")
    if verb in ("is", "does"):
        return rest.replace("not move", "not moving")
    stem = "fly" if verb == "flies" else "go" if verb == "goes" else verb[:-1]
    stem = stem + stem[-1] if stem in _DOUBLED else stem.removesuffix("e")
    return f"{stem}ing {rest}"
