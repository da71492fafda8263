"""More words for what the starter's world has: in captions of its training, and in prompts that are read.

The evaluation draws its words from `words` alone, and what that keeps for it is not here, nor another form of it: these
words spread what is known of each value, so that a word that was never read lies near one that was.
"""

from __future__ import annotations

COLOURS: dict[str, tuple[str, ...]] = {
    "red": ("vermilion", "ruby", "blood red", "brick red", "fire-engine red", "tomato red", "wine red", "reddish",
            "strawberry red", "rich red", "maroon", "cardinal red", "deep red", "apple red"),
    "orange": ("amber orange", "carrot orange", "apricot", "orange-coloured", "flame orange", "rich orange"),
    "yellow": ("canary yellow", "gold", "golden", "mustard yellow", "banana yellow", "yellowish", "rich yellow"),
    "green": ("jade", "jade green", "forest green", "grass green", "mint green", "leaf green", "olive green",
              "greenish", "rich green", "turtle green"),
    "blue": ("azure", "azure blue", "deep blue", "ocean blue", "ultramarine", "electric blue", "indigo blue", "bluish",
             "rich blue"),
    "purple": ("lavender", "plum", "amethyst", "mauve", "grape purple", "bright purple", "purple-coloured",
               "dark purple", "rich purple"),
    "pink": ("fuchsia", "bubblegum pink", "candy pink", "flamingo pink", "pale pink", "neon pink", "rosy pink",
             "rich pink"),
    "white": ("snowy white", "chalk white", "ivory white", "cream white", "plain white", "white-painted", "whitish"),
}
SHAPES: dict[str, tuple[str, ...]] = {
    "ball": ("football", "basketball", "tennis ball", "orb", "plastic ball", "striped ball", "marble", "playing ball",
             "ball-shaped thing", "round toy"),
    "star": ("star symbol", "star icon", "five-pointed shape", "paper star", "star-shaped thing", "little star",
             "toy star"),
    "ring": ("rubber ring", "loop", "circle with a hole", "swim ring", "metal ring", "ring-shaped thing", "toy ring",
             "plain ring"),
    "square": ("tile", "cubic box", "crate", "square tile", "square plate", "building block", "cardboard box",
               "square-shaped thing"),
    "heart": ("heart figure", "heart icon", "paper heart", "heart-shaped thing", "candy heart", "toy heart"),
    "car": ("racing car", "old car", "taxi", "passenger car", "sports car", "family car", "small vehicle", "auto",
            "convertible"),
    "boat": ("fishing boat", "toy boat", "sailing yacht", "little boat", "vessel", "boat with a sail", "schooner",
             "ship with a sail"),
    "tree": ("spruce", "spruce tree", "pine", "fir", "forest tree", "needle tree", "little tree", "toy tree"),
    "house": ("building", "family home", "farmhouse", "bungalow", "villa", "small building", "cosy home", "toy house",
              "wooden house"),
    "rocket": ("missile", "space shuttle", "space vehicle", "starship", "space craft", "moon rocket", "plain rocket"),
}
MOTIONS: dict[str, tuple[str, ...]] = {
    "left": ("travels left", "is moving left", "slides left", "drives to the left", "passes by to the left",
             "rolls left", "crosses the picture to the left", "shifts to the left", "sails left", "runs to the left"),
    "right": ("travels right", "is moving right", "slides right", "drives to the right", "passes by to the right",
              "rolls right", "crosses the picture to the right", "shifts to the right", "sails right",
              "runs to the right"),
    "up": ("lifts off", "takes off", "is rising", "climbs", "levitates", "is lifted up", "shoots up", "travels up",
           "goes higher and higher", "rises up", "mounts upward", "elevates itself", "flies upward", "floats upward",
           "is moving up", "is raised"),
    "down": ("is sinking", "plunges", "drops", "is lowered", "travels down", "goes lower and lower", "falls down",
             "comes down", "sinks down", "is falling", "is moving down", "flies downward", "dives"),
    "grow": ("is growing", "becomes huge", "widens", "is expanding", "balloons", "is inflated",
             "gets bigger and bigger", "puffs up", "gets bigger", "grows and grows", "grows larger", "stretches out",
             "magnifies", "blows up", "is getting bigger"),
    "shrink": ("is shrinking", "gets tiny", "becomes little", "is compressed", "gets smaller and smaller",
               "is getting smaller", "shrivels", "becomes smaller and smaller", "is reduced", "shrinks away",
               "is shrunk", "narrows", "lessens", "wanes"),
    "spin": ("is turning", "turns", "spins round and round", "rotates in place", "turns around itself", "gyrates",
             "is whirling", "pirouettes", "turns on the spot", "keeps turning", "swivels", "spins like a top"),
    "bounce": ("springs up and down", "bobs up and down", "rebounds", "is hopping", "leaps", "bounces on the spot",
               "hops again and again", "bounds up and down", "goes up and down", "skips up and down"),
    "orbit": ("is circling", "circles", "moves in circles", "loops around", "flies in a circle", "runs in circles",
              "revolves around the middle", "follows a circular path", "travels in a loop", "goes in circles"),
    "still": ("stands there", "sits still", "is at a standstill", "holds still", "is resting", "keeps still",
              "is fixed in place", "stays where it is", "stands immobile", "lingers in place",
              "stays the same", "is frozen in place"),
}
BACKGROUNDS: dict[str, tuple[str, ...]] = {
    "gray": ("in a gray studio", "on a light gray surface", "with gray behind it"),
    "black": ("in a black studio", "in front of black", "with black behind it"),
    "beige": ("in a beige studio", "in front of beige", "with beige behind it", "on sand-coloured paper"),
    "sky": ("in a bright sky", "in the open sky", "with clouds behind it", "under fluffy clouds"),
    "grass": ("on a grassy hill", "on a pasture", "in the grass", "in a green field"),
    "night": ("on a starry night", "under a night sky", "in the darkness of the night", "with stars behind it"),
    "sea": ("at sea", "on the blue ocean", "on a calm sea", "with the sea behind it", "on the waves"),
    "sunset": ("at sundown", "in the evening glow", "in the light of the setting sun", "with a sunset behind it"),
}
SHARE = 0.35
"""How often a training caption takes one of these words."""
