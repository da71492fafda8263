"""Prompts for teaching: a topic, who it is for, what it is to achieve and how it looks become one prompt.

English only; a topic in another language is kept as it is and the result warns. Without a model the sentence is put
together here; a model gets the same request with examples of the field through `as_messages`.
"""

from __future__ import annotations

import enum
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import RequestError
from ..loras.words import INFOGRAPHIC_WORDS, NEGATIVE_WORDS, has_phrase
from ..request import Look, LoraProfile, Objective
from .enhancement import Mode
from .facts import language_of
from .vocabulary import negative_prompt

MOST_TOPIC = 400


class Field(enum.StrEnum):
    """The profile of examples that suits a topic."""

    MATHEMATICS = "mathematics"
    COMPUTING = "computing"
    NATURE = "natural science"
    SOCIETY = "society"
    GENERAL = "general"


@dataclass(frozen=True)
class AcademicRequest:
    """`audience` is one of `AUDIENCES` or any words ("nurses in training"); `seed` varies the wording."""

    topic: str
    audience: str = "students"
    objective: Objective = Objective.EXPLAIN
    look: Look = Look.INFOGRAPHIC
    lora_profile: LoraProfile = LoraProfile.NONE
    seed: int = 0


@dataclass(frozen=True)
class AcademicPrompt:
    """The prompt, what it should not have, the field that was recognised, and warnings for the person."""

    text: str
    negative_prompt: str
    field: Field
    warnings: tuple[str, ...] = ()


AUDIENCES: Mapping[str, str] = {
    "children": "large simple shapes, friendly colours, one idea at a time",
    "students": "clear steps, short labels, everyday comparisons",
    "undergraduates": "precise notation, clear steps from assumption to result",
    "experts": "dense but ordered detail, exact notation, no decoration",
    "public": "plain words, everyday comparisons, one message",
}


def build(request: AcademicRequest) -> AcademicPrompt:
    """One prompt for an image or video model. The topic stays word for word.

    Raises `RequestError` where there is no topic, or one of more than 400 letters.
    """
    topic = _checked(request.topic)
    chooser = random.Random(f"{request.seed}|{topic}|{request.audience}|{request.objective}|{request.look}")
    field = field_of(topic)
    opening = chooser.choice(_LOOKS[request.look])
    how = AUDIENCES.get(request.audience.strip().lower(),
                        f"made for {request.audience.strip()}") if request.audience.strip() \
        else AUDIENCES["students"]
    parts = [f"{opening}: {topic}", chooser.choice(_OBJECTIVES[request.objective]), chooser.choice(_FIELDS[field]), how,
             chooser.choice(_PACE)]
    text = ". ".join(part[:1].upper() + part[1:] if number else part for number, part in enumerate(parts)) + "."
    negative = negative_prompt(Mode.TEXT_TO_VIDEO)
    if request.lora_profile is LoraProfile.ACADEMIC_INFOGRAPHIC:
        text, negative = with_profile(text, negative)
    return AcademicPrompt(text, negative, field, _warnings(topic))


def with_profile(text: str, negative: str) -> tuple[str, str]:
    """A prompt and a negative prompt with the words of LoRAs for infographics, each of them once."""
    wanted = [word for word in INFOGRAPHIC_WORDS if not has_phrase(text, word)]
    avoided = [word for word in NEGATIVE_WORDS if not has_phrase(negative, word)]
    if wanted:
        text = f"{text.rstrip()} {wanted[0][:1].upper()}{', '.join(wanted)[1:]}."
    return text, ", ".join([*([negative] if negative.strip() else []), *avoided])


def field_of(topic: str) -> Field:
    """The field that a topic belongs to, by its words; general where none is recognised."""
    scores = {field: len(pattern.findall(topic)) for field, pattern in _FIELD_WORDS.items()}
    best = max(scores, key=lambda field: scores[field])
    return best if scores[best] else Field.GENERAL


def examples_for(field: Field) -> tuple[tuple[str, str], ...]:
    """Pairs of a topic and a good prompt for it, to show a model what is wanted."""
    return EXAMPLES[field]


def as_messages(request: AcademicRequest) -> tuple[str, str]:
    """The instructions and the question for a language model, with the examples of the topic's field."""
    topic = _checked(request.topic)
    shown = "\n\n".join(f"Topic: {name}\nPrompt: {prompt}" for name, prompt in examples_for(field_of(topic)))
    system = ("You write prompts in English for a video model that makes teaching videos. Keep the topic and its "
              "terms as they are. Describe only what can be seen: shapes, labels, movement step by step, layout and "
              "colours. One paragraph "
              f"of at most 90 words, without an introduction.\n\n{shown}")
    user = (f"Topic: {topic}\nAudience: {request.audience.strip() or 'students'}\nObjective: "
            f"{request.objective.value}\n"
            f"Style: {request.look.value}\nPrompt:")
    return system, user


def _checked(topic: str) -> str:
    topic = " ".join(topic.split()).rstrip(" .,;:")
    if not topic:
        raise RequestError("The topic is empty.", field="topic", fix="Say in a few words what is to be taught.")
    if len(topic) > MOST_TOPIC:
        raise RequestError(f"The topic has {len(topic)} letters; at most {MOST_TOPIC} are read.", field="topic",
                           fix="Name the topic here and put the text into the prompt or into a document.")
    return topic


def _warnings(topic: str) -> tuple[str, ...]:
    language = language_of(topic)
    if language == "en":
        return ()
    return (f"The topic does not look like English (it looks like {_LANGUAGES.get(language, 'another language')}). "
            f"Teaching "
            "prompts are written in English only; the topic was kept as it is, and models may misread it. Write it in "
            "English for a better result.",)


_LANGUAGES = {"de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese", "nl": "Dutch",
              "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "ru": "Russian", "ar": "Arabic", "he": "Hebrew",
              "hi": "Hindi", "el": "Greek", "th": "Thai"}
_LOOKS: Mapping[Look, tuple[str, ...]] = {
    Look.INFOGRAPHIC: ("Clean academic infographic", "Flat vector infographic with clear visual hierarchy",
                       "Animated diagram on a white background"),
    Look.WHITEBOARD: ("Whiteboard drawing that builds up line by line", "Hand-drawn whiteboard animation",
                      "Marker sketches on a whiteboard, drawn in order"),
    Look.ANIMATION: ("Polished educational 3D animation", "Smooth educational animation with simple models",
                     "Minimal motion graphics"),
    Look.LECTURE: ("Lecture slide that animates step by step", "University lecture visual, one idea on the screen",
                   "Slide with a large diagram and few words"),
    Look.DOCUMENTARY: ("Science documentary visual", "Documentary close look", "Educational documentary sequence"),
}
_OBJECTIVES: Mapping[Objective, tuple[str, ...]] = {
    Objective.INTRODUCE: ("introduces the main idea first, then one telling example",
                          "begins with the question and ends with the idea in one picture"),
    Objective.EXPLAIN: ("explains cause and effect step by step", "shows what happens, in order, and why"),
    Objective.COMPARE: ("sets both sides next to each other on the same scale", "shows likeness first, then each "
                                                                                "difference"),
    Objective.DEMONSTRATE: ("works through one example from start to result", "shows each step of the method as it "
                                                                              "happens"),
    Objective.SUMMARIZE: ("gathers the key points in one ordered picture", "ends with all key points side by side"),
}
_FIELDS: Mapping[Field, tuple[str, ...]] = {
    Field.MATHEMATICS: ("labelled axes, curves drawn as they arise", "shapes transform smoothly, formulas appear "
                                                                     "beside them"),
    Field.COMPUTING: ("boxes and arrows, data moving along them", "each step highlighted in turn, values written "
                                                                  "beside it"),
    Field.NATURE: ("cutaway view, parts labelled, flow shown by arrows", "zoom from the whole to the detail, parts "
                                                                         "labelled"),
    Field.SOCIETY: ("timeline and map, causes linked by arrows", "simple charts, quantities as areas that grow and "
                                                                 "shrink"),
    Field.GENERAL: ("one central picture, parts labelled", "ideas as linked shapes, arrows between them"),
}
_PACE = ("steady pace, stable layout, legible labels", "calm pace, nothing flickers, labels stay readable",
         "smooth transitions, consistent colours, generous white space")
_FIELD_WORDS: Mapping[Field, re.Pattern[str]] = {field: re.compile(rf"\b(?:{words})", re.IGNORECASE) for field,
                                                 words in {
    Field.MATHEMATICS: r"math|theorem|equation|calculus|algebra|geometr|derivative|integral|probabilit|statistic|"
                       r"matri|vector|fourier|bayes|prime|graph theory|function|gradient|pi\b|logarithm|trigonometr",
    Field.COMPUTING: r"algorithm|comput|program|neural|network|machine learning|data|sort|search|encryption|internet|"
                     r"software|blockchain|compiler|recursion|database|attention|transformer|backpropagation|binary",
    Field.NATURE: r"cell|dna|photosynthe|evolution|molecul|atom|physic|chemi|biolog|quantum|energy|gravity|planet|"
                  r"climate|ocean|volcano|immune|vaccine|heart|brain|protein|light|electri|magnet|orbit|black hole|"
                  r"water cycle|entropy",
    Field.SOCIETY: r"histor|econom|inflation|democra|war\b|revolution|trade|market|supply|demand|law\b|philosoph|"
                   r"ethic|politic|empire|society|psycholog|language|migration|tax|population",
}.items()}
EXAMPLES: Mapping[Field, tuple[tuple[str, str], ...]] = {
    Field.MATHEMATICS: (
        ("the derivative as a slope", "Clean diagram of a blue curve over labelled axes; a straight orange line "
                                      "touches it at one moving point and tilts as the point slides, while the "
                                      "slope's value is written beside it. White background, large labels, steady "
                                      "pace."),
        ("why the angles of a triangle add up to 180 degrees", "A triangle of coloured paper on white; its three "
                                                               "corners are torn off one after another and laid side "
                                                               "by side until they form one straight line. Flat "
                                                               "shapes, soft shadows, clear labels."),
    ),
    Field.COMPUTING: (
        ("binary search", "A row of numbered boxes in order; a bracket marks the part still searched, the middle box "
                          "lights up, one half fades, and the bracket closes in until one box remains. Flat vector "
                          "look, generous white space."),
        ("public key encryption", "Two labelled boxes exchange a padlock and a letter along an arrow; the letter is "
                                  "locked, travels, and opens with the one matching key. Simple icons, two accent "
                                  "colours, step by step."),
    ),
    Field.NATURE: (
        ("the water cycle", "Cross-section of sea, hill and sky; blue arrows rise from the sea, gather into a cloud, "
                            "fall as rain and run back as a river, each stage labelled as it begins. Calm pace, clean "
                            "colours."),
        ("how a muscle contracts", "Cutaway of a muscle fibre; thick and thin strands slide into each other and the "
                                   "fibre shortens, then relaxes. Smooth animation, parts labelled, plain background."),
    ),
    Field.SOCIETY: (
        ("inflation", "A basket of the same goods beside a shrinking stack of coins; year by year a counter advances "
                      "and fewer goods stay in the basket. Flat infographic, simple chart below, readable numbers."),
        ("the spread of printing", "A plain map on which small presses light up one after another along trade routes, "
                                   "a timeline running below. Muted palette, clear labels, slow pace."),
    ),
    Field.GENERAL: (
        ("the parts of a story", "Five linked shapes in a row, each filling with one simple picture in order, a line "
                                 "rising to the fourth and falling to the last. Flat vector look, short labels."),
        ("how to listen well", "Two simple figures face each other; a speech shape moves across, is held, and comes "
                               "back changed in colour. Generous white space, calm pace."),
    ),
}
