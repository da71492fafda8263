"""Cinematography as data: phrases for each slot of a prompt, and which of them fit what a prompt says.

A phrase never names a person, an animal or a main thing of its own, so that adding it changes how something is seen
and not what is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from . import lexicon as lex
from .enhancement import Mode
from .facts import Facts, facts_of, has_word, same_word
from .fidelity import contradictions

SLOTS = ("shot", "lens", "camera_body", "camera_move", "lighting", "time_of_day", "setting", "mood", "composition",
         "film_stock", "colour", "motion_detail", "quality_tag", "style")


@dataclass(frozen=True)
class Phrase:
    """A few words for one slot.

    `tags` say what the words bring; `excludes` are tags of a prompt that they cannot stand beside; `needs`, where
    given, are tags of which the prompt must have one.
    """

    text: str
    slot: str
    tags: frozenset[str] = frozenset()
    excludes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


def fitting(slot: str, prompt_facts: Facts) -> tuple[Phrase, ...]:
    """The phrases of a slot that contradict nothing in the prompt and are not in it already.

    Empty where the prompt itself settles the slot (it names a camera move, a time of day, a style). Raises KeyError
    for a slot that does not exist.
    """
    return _fitting(slot, prompt_facts)


@lru_cache(maxsize=512)
def _fitting(slot: str, facts: Facts) -> tuple[Phrase, ...]:
    phrases = PHRASES[slot]
    if facts.tags & _SETTLED.get(slot, frozenset()):
        return ()
    if slot == "setting" and facts.places and "abstract" in facts.tags:
        return ()
    return tuple(phrase for phrase in phrases if fits(phrase, facts))


def fits(phrase: Phrase, facts: Facts) -> bool:
    """Whether a phrase can stand beside what the prompt says."""
    tags = facts.tags
    if phrase.excludes & tags or (phrase.needs and not phrase.needs & tags):
        return False
    if "photo" in phrase.tags and tags & _NOT_PHOTOGRAPHED:
        return False
    if "colour" in phrase.tags and "bw" in tags:
        return False
    if phrase.text.lower() in facts.prompt.lower():
        return False
    said = facts_of(phrase.text)
    if facts.negations and any(same_word(denied, word) for denied in facts.negations for word in said.words):
        return False
    if said.colours and any(c.nouns and has_word(c.nouns[-1], facts.words) for c in said.colours):
        return False
    return not contradictions(facts, said)


def suit_each_other(phrase: Phrase, chosen: Iterable[Phrase]) -> bool:
    """Whether a phrase can stand beside those chosen before it: no two times of day, not both still and moving."""
    return all(_suits(phrase, other) for other in chosen)


@lru_cache(maxsize=65536)
def _suits(one: Phrase, other: Phrase) -> bool:
    if one.excludes & _as_said(other) or other.excludes & _as_said(one):
        return False
    mine, theirs = facts_of(one.text), facts_of(other.text)
    shared = len((mine.words & theirs.words) - lex.GRAMMAR)
    if shared * 2 > min(len(mine.words - lex.GRAMMAR), len(theirs.words - lex.GRAMMAR)):
        return False
    return not contradictions(theirs, mine) and not contradictions(mine, theirs)


def _as_said(phrase: Phrase) -> frozenset[str]:
    """The tags that a prompt with these words would have."""
    return phrase.tags | {f"cam_{tag}" for tag in phrase.tags}


def negative_prompt(mode: Mode) -> str:
    """What no result should have. Words about movement are for videos only."""
    return ", ".join(_NEGATIVE_STILL if mode in (Mode.IMAGE, Mode.CINEMATOGRAPHER) else _NEGATIVE_VIDEO)


_NEGATIVE_VIDEO = ("fast movements", "disfigurements", "low quality", "artifacts", "distortions", "flicker", "jitter",
                   "warped shapes", "blurry details", "watermark")
_NEGATIVE_STILL = ("disfigurements", "low quality", "artifacts", "distortions", "extra fingers", "blurry details",
                   "watermark")
_NOT_PHOTOGRAPHED = frozenset({"drawn", "abstract"})
_NIGHTLY = "night dusk"
_DAILY = "day morning noon afternoon dawn sunset golden_hour"
_WET = "rain storm snow underwater"
_SETTLED: Mapping[str, frozenset[str]] = {
    "camera_move": frozenset({"cam_static", "cam_moving", "cam_pov"}),
    "shot": frozenset({"cam_wide", "cam_close", "cam_medium", "cam_aerial", "cam_low", "cam_pov"}),
    "time_of_day": frozenset({*lex.TIMES, "indoor", "underwater", "space", "abstract", "drawn", "clear"}),
    "style": frozenset(lex.STYLES),
    "lens": frozenset({"cam_lens"}),
}


def _slot(slot: str, *rows: tuple[str, ...]) -> tuple[Phrase, ...]:
    """Rows of text, tags, excludes and needs, each of the last three as words."""
    return tuple(Phrase(row[0], slot, *(frozenset(part.split()) for part in row[1:])) for row in rows)


PHRASES: Mapping[str, tuple[Phrase, ...]] = {
    "shot": _slot(
        "shot",
        ("wide establishing shot", "wide"),
        ("wide shot with room to breathe", "wide"),
        ("medium shot", "medium"),
        ("medium wide shot", "medium"),
        ("medium close-up", "close"),
        ("close-up", "close", "cam_aerial"),
        ("low-angle shot", "low", "cam_aerial underwater"),
        ("high-angle shot", "high", "underwater"),
        ("eye-level shot", "medium"),
        ("three-quarter view", "medium"),
        ("full shot", "medium"),
        ("intimate close framing", "close", "cam_aerial"),
        ("over-the-ground low view", "low", "underwater space indoor abstract"),
        ("aerial view", "aerial", "indoor underwater space food abstract", "open_air"),
        ("macro view of the details", "close", "city nature vehicle people", "food machine abstract"),
        ("clean frontal view", "medium", "", "abstract drawn machine food"),
        ("profile view", "medium", "abstract"),
        ("two-dimensional side view", "medium", "", "abstract"),
    ),
    "lens": _slot(
        "lens",
        ("35 mm lens", "photo"),
        ("50 mm lens", "photo"),
        ("85 mm lens with shallow depth of field", "photo shallow", "cam_wide"),
        ("24 mm wide lens", "photo wide", "cam_close"),
        ("100 mm macro lens", "photo close", "cam_wide cam_aerial city nature vehicle", "food machine"),
        ("Helios 44 lens with swirling bokeh", "photo shallow", "cam_wide abstract"),
        ("Cooke S4 lens", "photo"),
        ("anamorphic lens", "photo"),
        ("40 mm anamorphic lens with oval bokeh", "photo shallow", "cam_wide"),
        ("135 mm telephoto lens with compressed perspective", "photo", "indoor cam_wide cam_close"),
        ("Zeiss Super Speed lens wide open", "photo shallow", "noon cam_wide"),
        ("28 mm lens close to the subject", "photo", "cam_aerial"),
        ("deep focus from near to far", "deep"),
        ("shallow depth of field", "shallow", "cam_wide abstract drawn"),
        ("even sharpness across the frame", "deep", "", "abstract drawn"),
    ),
    "camera_body": _slot(
        "camera_body",
        ("shot on ARRI Alexa Mini", "photo"),
        ("shot on Leica M11", "photo still"),
        ("shot on RED V-Raptor", "photo", "still"),
        ("shot on Sony Venice", "photo"),
        ("shot on ARRI Alexa 65", "photo"),
        ("shot on Hasselblad X2D", "photo still"),
        ("shot on RED Komodo", "photo"),
        ("shot on Canon EOS R5", "photo still"),
        ("shot on Fujifilm GFX 100", "photo still"),
        ("shot on Sony FX6", "photo"),
        ("medium format camera", "photo still"),
    ),
    "camera_move": _slot(
        "camera_move",
        ("slow dolly-in", "moving"),
        ("slow dolly-out", "moving"),
        ("gentle push-in", "moving"),
        ("steady tracking shot alongside the motion", "moving", "calm_mood abstract"),
        ("slow pan across the frame", "moving"),
        ("smooth gimbal move", "moving", "drawn abstract"),
        ("slow arc around the subject", "moving"),
        ("subtle handheld drift", "moving", "drawn abstract calm_mood"),
        ("slow crane shot upward", "moving", "indoor underwater abstract"),
        ("locked-off static camera", "static", "fast_action"),
        ("static tripod shot", "static", "fast_action space"),
        ("slow tilt upward", "moving"),
        ("gentle lateral slide", "moving"),
        ("slow pull-back that reveals the surroundings", "moving", "abstract cam_close"),
        ("low tracking shot just above the ground", "moving",
         "underwater space indoor abstract cam_aerial", "fast_action vehicle animals"),
        ("weightless floating camera", "moving", "city", "underwater space"),
        ("parallax move past the foreground", "moving", "abstract"),
    ),
    "lighting": _slot(
        "lighting",
        ("soft diffused light", "soft"),
        ("motivated light from one side", "motivated"),
        ("backlit edges", "back", "noon abstract"),
        ("hard rim light", "rim", "cloud fog abstract"),
        ("gentle three-point lighting", "studio", "open_air nature underwater space storm rain snow"),
        ("studio softbox lighting", "studio",
         "open_air underwater space city nature rain snow storm cam_lighting window golden_hour dawn dusk"),
        ("low-key lighting with deep shadows", "dark", "high_key bright_mood noon day clear morning food abstract"),
        ("high-key lighting", "bright high_key", "dark rim night dusk dark_mood storm fog evening"),
        ("soft window light", "window",
         "open_air outdoor underwater space city nature night dusk vehicle", "indoor food people"),
        ("volumetric light beams", "beam", "abstract cloud"),
        ("soft top light with gentle falloff", "top", "night"),
        ("warm practical lamps", "warm",
         "open_air underwater space noon day morning winter abstract", "indoor night evening"),
        ("cool ambient light with warm accents", "mixed", "noon abstract"),
        ("pools of artificial light in the dark", "dark night", _DAILY + " abstract cam_lighting", "night city"),
        ("reflected light from wet surfaces", "wet", "indoor desert dust abstract", "rain storm"),
        ("bright natural light", "bright day",
         _NIGHTLY + " evening fog storm rain snow cloud underwater space dark_mood indoor abstract"),
        ("light filtered through haze", "haze", "clear noon underwater space abstract indoor"),
        ("dappled light", "soft day",
         _NIGHTLY + " evening rain storm snow indoor space city abstract fog cloud", "plants"),
        ("caustic light rippling from above", "water", "night", "underwater"),
        ("harsh unfiltered light against black", "hard", "", "space"),
        ("flickering firelight", "fire warm", "noon underwater space rain", "fire"),
        ("moonlight with a silver edge", "night", _DAILY + " indoor fog storm rain snow cloud", "night"),
        ("even lighting without hard shadows", "even", "dark rim dark_mood night", "abstract drawn food"),
        ("chiaroscuro contrast of light and shade", "dark", "abstract bright_mood noon day clear"),
        ("glowing highlights on a clean backdrop", "glow", "nature city people animals", "abstract"),
    ),
    "time_of_day": _slot(
        "time_of_day",
        ("golden hour", "golden_hour", "rain storm snow fog cloud"),
        ("blue hour", "dusk", "bright_mood"),
        ("early morning", "morning"),
        ("late afternoon", "afternoon", "rain storm"),
        ("at dusk", "dusk", "bright_mood"),
        ("at dawn", "dawn", "storm"),
        ("soft midday light", "noon", "dark_mood storm rain"),
    ),
    "setting": _slot(
        "setting",
        ("uncluttered background", "plain", "crowd"),
        ("layered background that fades into softness", "layers", "abstract drawn"),
        ("surroundings with natural wear and texture", "texture", "abstract drawn space"),
        ("rich detail in the foreground", "detail", "abstract"),
        ("deep space between foreground and background", "layers", "abstract"),
        ("lived-in interior textures", "texture", "outdoor", "indoor"),
        ("air with visible depth", "haze", "abstract indoor clear", "open_air nature"),
        ("wet reflective ground", "wet", "indoor desert dust abstract underwater", "rain storm"),
        ("particles suspended in the water", "water", "", "underwater"),
        ("vast dark emptiness beyond", "dark", "", "space"),
        ("frost on every surface", "winter", "fire indoor", "snow winter"),
        ("plain light backdrop", "plain", "city nature night dark_mood", "abstract food"),
        ("materials with believable texture", "texture", "drawn abstract"),
    ),
    "mood": _slot(
        "mood",
        ("calm atmosphere", "calm", "fast_action storm dark_mood"),
        ("contemplative mood", "calm", "fast_action bright_mood"),
        ("tense atmosphere", "tense", "calm_mood bright_mood food abstract", "fast_action storm dark_mood"),
        ("playful mood", "bright", "dark_mood night storm abstract", "bright_mood"),
        ("melancholic mood", "sad", "bright_mood fast_action food abstract", "rain fog dark_mood"),
        ("quiet wonder", "calm", "dark_mood fast_action"),
        ("energetic atmosphere", "fast", "calm_mood dark_mood", "fast_action"),
        ("mysterious atmosphere", "dark", "bright_mood noon food abstract", "night fog dark_mood dusk"),
        ("warm inviting mood", "warm", "dark_mood winter snow storm space night abstract"),
        ("epic sense of scale", "epic", "indoor food cam_close abstract", "nature space storm city"),
        ("nostalgic mood", "warm", "abstract space machine fast_action"),
        ("serene stillness", "calm", "fast_action storm dark_mood"),
        ("focused clarity", "clear", "dark_mood", "abstract machine"),
        ("ominous atmosphere", "dark", "bright_mood calm_mood food", "dark_mood"),
        ("dreamlike atmosphere", "calm", "fast_action abstract", "night fog dusk underwater space drawn"),
        ("raw documentary honesty", "plain", "drawn abstract space"),
        ("lively atmosphere", "bright", "calm_mood dark_mood abstract"),
        ("a sense of discovery", "wonder", "dark_mood", "abstract space underwater"),
        ("intimate atmosphere", "calm", "fast_action cam_wide cam_aerial abstract city"),
        ("unforced natural mood", "plain", "drawn abstract"),
        ("intense focused energy", "fast", "calm_mood", "fast_action"),
    ),
    "composition": _slot(
        "composition",
        ("rule of thirds", "thirds"),
        ("centered symmetrical composition", "center", "thirds diagonal"),
        ("leading lines toward the subject", "lines"),
        ("framing through the foreground", "frame", "abstract"),
        ("generous negative space", "space", "crowd"),
        ("layered depth from foreground to background", "depth", "abstract"),
        ("strong diagonal composition", "diagonal", "calm_mood"),
        ("balanced asymmetrical framing", "thirds"),
        ("clear silhouette of the subject", "center", "people"),
        ("clear visual hierarchy", "center", "", "abstract drawn"),
        ("tight framing on the essentials", "tight", "cam_wide cam_aerial"),
        ("low horizon line", "space", "indoor underwater space abstract cam_close food", "open_air"),
    ),
    "film_stock": _slot(
        "film_stock",
        ("Cinestill 800T tones", "photo colour", _DAILY, "night dusk evening city"),
        ("Kodak Portra 400 palette", "photo colour", "night"),
        ("Kodak Vision3 500T", "photo colour"),
        ("Kodak Vision3 250D", "photo colour", "night dusk"),
        ("Fuji Velvia saturation", "photo colour", "night fog people dark_mood"),
        ("Ilford HP5 grain", "photo", "", "bw"),
        ("Kodak Tri-X grain", "photo", "", "bw"),
        ("fine film grain", "photo"),
        ("Kodak Ektachrome colour", "photo colour", "night dark_mood"),
        ("subtle halation on the highlights", "photo"),
    ),
    "colour": _slot(
        "colour",
        ("natural colour science", "colour natural"),
        ("muted palette", "colour muted palette", "palette bright_mood"),
        ("rich saturated palette", "colour rich palette", "palette fog dark_mood bw"),
        ("teal and orange grade", "colour grade", "grade drawn abstract"),
        ("warm colour grade", "colour warm grade", "grade cool night snow winter storm"),
        ("cool colour grade", "colour cool grade", "grade warm fire golden_hour sunset dawn food"),
        ("soft pastel palette", "colour soft palette", "palette night dark_mood storm"),
        ("restrained contrast with open shadows", "contrast open_shadows", "deep_contrast"),
        ("deep contrast with clean highlights", "contrast deep_contrast", "open_shadows"),
        ("limited harmonious palette", "colour palette", "palette"),
        ("rich tonal range from black to white", "contrast", "", "bw"),
        ("clearly separated accent colours", "colour", "bw", "abstract drawn"),
    ),
    "motion_detail": _slot(
        "motion_detail",
        ("smooth natural motion", "smooth"),
        ("fluid continuous movement", "smooth"),
        ("120 fps slow motion", "slow", "cam_fast abstract drawn"),
        ("realistic weight and momentum", "smooth", "abstract space"),
        ("steady unhurried pace", "smooth calm", "fast_action"),
        ("dust particles drifting through the light", "particles", _WET + " abstract food space water winter"),
        ("confetti drifting down", "particles confetti", _WET + " nature abstract", "party"),
        ("fine particles floating in the air", "particles", _WET + " abstract space"),
        ("droplets falling and catching the light", "drops", "desert dust indoor abstract", "rain storm water"),
        ("fabric moving in the breeze", "fabric", "indoor underwater space abstract", "cloth"),
        ("snowflakes drifting slowly", "snow", "indoor", "snow"),
        ("ripples spreading softly", "ripples", "abstract winter desert", "water"),
        ("sparks drifting upward", "sparks", "underwater rain", "fire"),
        ("bubbles rising slowly", "bubbles", "", "underwater"),
        ("leaves stirring in the breeze", "leaves",
         "indoor desert winter snow underwater space abstract city", "plants"),
        ("subtle secondary motion in the background", "smooth", "abstract"),
        ("motion that unfolds step by step", "smooth", "", "abstract"),
        ("gentle easing at the start and end of each move", "smooth", "", "abstract drawn"),
        ("crisp mechanical movement", "smooth", "", "machine"),
        ("steam curling upward", "steam", "underwater space", "hot_food"),
        ("soft parallax between near and far", "smooth", "abstract"),
        ("motion blur true to the speed", "smooth", "calm_mood abstract drawn", "fast_action vehicle"),
    ),
    "quality_tag": _slot(
        "quality_tag",
        ("masterpiece", "image"),
        ("best quality", "image"),
        ("highly detailed", "image"),
        ("professional quality", "image video"),
        ("intricate detail", "image"),
        ("sharp focus", "image"),
        ("award-winning quality", "image"),
        ("anatomically accurate", "image anatomy", "drawn abstract", "people animals"),
        ("correct proportions", "image anatomy", "", "people animals"),
        ("accurate proportions", "image anatomy", "people animals"),
        ("8k resolution", "image resolution", "pixel"),
        ("4k resolution", "image resolution", "pixel"),
        ("high resolution", "image resolution", "pixel"),
        ("ultra high resolution", "image resolution", "pixel"),
        ("crisp native resolution", "image resolution"),
        ("high detail", "video"),
        ("cinematic quality", "video", "abstract drawn"),
        ("sharp high-definition picture", "video", "pixel"),
        ("clean high-quality render", "video", "", "abstract drawn"),
        ("professional production quality", "video"),
        ("consistent appearance throughout", "video temporal"),
        ("stable frame-to-frame consistency", "video temporal"),
        ("temporally consistent detail", "video temporal"),
        ("smooth flicker-free continuity", "video temporal"),
        ("shapes and colours that stay stable from first to last frame", "video temporal", "bw"),
        ("coherent motion without jumps", "video temporal"),
        ("steady continuity between frames", "video temporal"),
    ),
    "style": _slot(
        "style",
        ("cinematic realism", "photo"),
        ("naturalistic look", "photo"),
        ("polished commercial look", "photo", "dark_mood"),
        ("clean flat vector look", "flat", "people animals city nature", "abstract"),
        ("modern motion graphics look", "flat", "people animals city nature", "abstract"),
    ),
}

TAGS = frozenset[str]().union(*(p.tags | p.excludes | p.needs for phrases in PHRASES.values() for p in phrases))
