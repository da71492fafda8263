"""What a prompt says, read by rules: subjects, actions, counts, colours, names, negations, time, weather, place, style.

English only, without a model: word lists and the order of words. A few milliseconds at most. Wrong in details by nature
("duck" the bird or the verb), so whatever compares two texts reads both in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from . import lexicon as lex

_TOKEN = re.compile(r"[^\W_]+(?:['’](?:s|t|re|ve|ll|d|m)\b)?|[.!?;:,()\n—–\"“”]", re.UNICODE)
_TECHNICAL = re.compile(
    r"\b(?:f/?\d+(?:\.\d+)?|\d+(?:\.\d+)?\s?(?:mm|k|p|fps|hz|khz|x|px|bit|seconds?|secs?|s|ms|minutes?|degrees?)\b|"
    r"\d+\s?[x×]\s?\d+|\d+:\d+|\d+(?:\.\d+)?\s?%|[234]d\b|alexa \w+|m11|cinestill \w+|portra \d+|vision3 \w+)",
                        re.IGNORECASE)
_QUOTED = re.compile(r"\"([^\"\n]{1,80})\"|“([^”\n]{1,80})”|(?<!\w)'([^'\n]{2,80})'(?!\w)|«([^»\n]{1,80})»")
_NOT_NEGATED = re.compile(r"\b(?:not only|no longer|no matter|nothing but|no doubt|not just|without a doubt|why not)\b",
                          re.I)
_WORDS_OF_ABSENCE = re.compile(r"\b(?:free of|devoid of|lack of|lacking|absence of|empty of|instead of|avoid(?:ing)?|"
                               r"exclud(?:e|ing)|rather than)\b", re.I)
_ABSTRACT = re.compile(
    r"\b(?:compound interest|theorem|logarithm\w*|integral|derivative|algebra|encryption|relativity|"
    r"how \w+|explain\w*|concept|theor\w+|algorithm\w*|equation\w*|formula\w*|diagram\w*|infographic\w*|lecture|"
    r"proof|gradient descent|neural network\w*|photosynthesis|dna|molecul\w+|atom\w*|quantum|statistic\w*|probability|"
    r"matrix|econom\w+|inflation|democracy|philosoph\w+|mitosis|evolution|entropy|calculus|geometry|fourier|bayes\w*|"
    r"backpropagation|machine learning|transformer model|supply and demand|graph of|chart|timeline|periodic table|"
    r"cell division)\b",
                       re.I)
_FAST = re.compile(r"\b(?:rac(?:e|es|ing)|chas(?:e|es|ing)|sprint\w*|explo\w+|crash\w*|gallop\w*|fight\w*|battle\w*|"
                   r"speed\w*|dash\w*|fast|rapid\w*|drift(?:s|ing) (?:car|around)|erupt\w*|skat\w+|surf\w*|leap\w*|"
                   r"jump\w*)\b", re.I)
_DARK_MOOD = re.compile(r"\b(?:scary|spooky|horror|eerie|creepy|haunted|ominous|sinister|terrifying|abandoned|ruin\w*|"
                        r"war|battle|sad|lonely|funeral|grief|crying|dystopian|apocal\w+|noir)\b", re.I)
_BRIGHT_MOOD = re.compile(r"\b(?:happy|joy\w*|cheerful\w*|laugh\w*|smil\w+|celebrat\w+|playful\w*|funny|cute|party|"
                          r"festival|birthday|picnic|play(?:s|ing)?)\b", re.I)
_CALM_MOOD = re.compile(r"\b(?:calm|peaceful\w*|serene|tranquil|quiet\w*|gentle|gently|sleep\w*|meditat\w+|still)\b",
                        re.I)
_PAST = re.compile(r"\b(?:was|were|had|did)\b", re.I)
_FUTURE = re.compile(r"\b(?:will|going to|shall)\b", re.I)

_GROUPS_OF: dict[str, set[int]] = {}
for _number, _group in enumerate(lex.SAME):
    for _word in _group:
        _GROUPS_OF.setdefault(_word, set()).add(_number)


@dataclass(frozen=True)
class Count:
    """A number, the nouns of its phrase in base form with the head last, and its colour.

    "two red sports cars" is 2, ("sport", "car"), "red".
    """

    number: int
    nouns: tuple[str, ...]
    colour: str = ""


@dataclass(frozen=True)
class Coloured:
    """A colour and the nouns of its phrase, the head last; no nouns: it stands alone."""

    colour: str
    nouns: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    """Two things and what is between them: a verb ("cat", "chase", "dog") or a place word ("cat", "under", "table")."""

    first: str
    word: str
    second: str


@dataclass(frozen=True)
class Facts:
    """What a prompt says. Words are in base form and lower case; names and quotations as written.

    `singles` are heads after "a" or "one"; `negations` what must not be there; `describing` holds adjectives and
    adverbs that are more than praise; `tags` sum up what a phrase of the vocabulary must fit. `language` is the code
    of one, and "en" where the text is too short to tell.
    """

    prompt: str = ""
    subjects: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    describing: tuple[str, ...] = ()
    counts: tuple[Count, ...] = ()
    singles: tuple[str, ...] = ()
    colours: tuple[Coloured, ...] = ()
    names: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    negations: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    times: frozenset[str] = frozenset()
    weather: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    styles: frozenset[str] = frozenset()
    camera: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    animals: frozenset[str] = frozenset()
    relations: tuple[Relation, ...] = ()
    ways: tuple[tuple[str, str], ...] = ()
    """Verbs with where they lead: ("climb", "up")."""
    words: frozenset[str] = frozenset()
    surface: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    tense: str = "present"
    language: str = "en"

    @property
    def english(self) -> bool:
        return self.language == "en"


@dataclass
class Token:
    """One word on its way through the reading; `kind` is filled in step by step."""

    text: str
    lower: str
    lemma: str
    start: int
    end: int
    kind: str = ""
    first: bool = False
    negated: bool = False
    held: str = ""
    """"idiom" or the class (time, weather, style, camera) of the phrase that the word is part of."""


def facts_of(prompt: str) -> Facts:
    """Everything that `Facts` holds, read from a prompt of any length."""
    return _facts_of(prompt)


@lru_cache(maxsize=2048)
def _facts_of(prompt: str) -> Facts:
    text = prompt.replace("’", "'").replace("‘", "'")
    language = language_of(text)
    tokens = read(text)
    plain = " ".join(token.lower for token in tokens if not token.negated)
    seen = {kind: _classes(text, kind, tokens) for kind in ("time", "weather", "style", "camera")}
    live = [t for t in tokens if not t.negated and t.kind != "break"]
    content = [t for t in live if not t.held and t.lemma not in lex.VAGUE]
    people, animals = _people(live), _animals(live)
    words = frozenset(t.lemma for t in live) | frozenset(t.lower for t in live)
    places = frozenset(place for place, listed in _PLACES.items()
                       if any(t.lemma in listed or t.lower in listed for t in live))
    negations = _negations(tokens)
    facts = Facts(
        prompt=prompt,
        subjects=_unique(t.lemma for t in content if t.kind in ("noun", "name")),
        actions=_unique(t.lemma for t in content if t.kind == "verb"),
        describing=_unique([*(t.lemma for t in content if t.kind in ("adj", "adv")),
                            *(t.lower for t in live if t.held == "idiom" and t.lower not in lex.GRAMMAR)]),
        counts=tuple(_counts(tokens)), singles=_unique(_singles(tokens)), colours=tuple(_colours(tokens)),
        names=_unique(_names(text, tokens)), quoted=_unique(_quotations(text)), negations=negations,
        directions=_unique(t.lower for t in live if t.lower in lex.DIRECTIONS and _is_direction(tokens, t)),
        times=seen["time"], weather=seen["weather"], styles=seen["style"], camera=seen["camera"], places=places,
        people=people, animals=animals, relations=tuple(_relations(tokens)), ways=_ways(tokens), words=words,
        surface=frozenset(t.lower for t in live), tense=_tense(text), language=language)
    return _with_tags(facts, plain, text)


def _with_tags(facts: Facts, plain: str, text: str) -> Facts:
    tags = set(facts.times | facts.weather | facts.places | facts.styles)
    tags |= {f"cam_{name}" for name in facts.camera}
    if facts.people:
        tags.add("people")
    if facts.animals:
        tags.add("animals")
    if _denies_people(facts):
        tags.add("no_people")
    tags |= {f"no_{word}" for word in facts.negations}
    if facts.styles & lex.MEDIA:
        tags.add("drawn")
    if _ABSTRACT.search(text):
        tags.add("abstract")
    moods = (("fast_action", _FAST), ("dark_mood", _DARK_MOOD), ("bright_mood", _BRIGHT_MOOD),
             ("calm_mood", _CALM_MOOD))
    tags |= {tag for tag, pattern in moods if pattern.search(plain)}
    said = facts.words - (frozenset(facts.actions) & lex.NOT_VERBS_AS_NOUNS)
    tags |= {tag for tag, listed in _SETTING_TAGS.items() if said & listed}
    if facts.weather - {"clear", "fog"} and not tags & {"indoor", "space", "underwater"}:
        tags.add("outdoor")
    if "outdoor" in tags and "indoor" not in tags and "underwater" not in tags and "space" not in tags:
        tags.add("open_air")
    return replace(facts, tags=frozenset(tags))


def _denies_people(facts: Facts) -> bool:
    if any(word in _DENIED_PEOPLE for word in facts.negations):
        return True
    return not facts.people and bool(facts.words & lex.EMPTY_OF_PEOPLE)


_PLACES = {name: frozenset(text.split()) for name, text in lex.PLACES.items()}
_DENIED_PEOPLE = frozenset(lex.NEGATED_SCOPE["people"].split())
_SETTING_TAGS: Mapping[str, frozenset[str]] = {
    "city": frozenset("city street town alley skyscraper downtown traffic neon building subway highway urban "
                      "market".split()),
    "nature": frozenset("forest wood mountain hill valley river lake field meadow tree grass jungle canyon cliff "
                        "garden waterfall desert beach ocean sea island park savanna flower pond".split()),
    "water": frozenset("ocean sea river lake pond water beach rain waterfall puddle pool fountain wave "
                       "boat ship".split()),
    "desert": frozenset("desert dune sahara mars".split()),
    "fire": frozenset("fire flame campfire candle bonfire torch lava fireplace burn dragon".split()),
    "vehicle": frozenset("car truck bus train motorcycle bike bicycle plane airplane boat ship spaceship rocket "
                         "drone".split()),
    "food": frozenset("food cake bread pizza coffee tea soup fruit apple strawberry chocolate burger pasta sushi dish "
                      "meal wine cook bake noodle pancake honey cheese".split()),
    "crowd": frozenset("crowd bustling crowded busy market festival traffic".split()),
    "party": frozenset("party birthday wedding carnival parade celebration festival".split()),
    "cloth": frozenset("dress scarf flag banner curtain laundry sail coat cape kimono robe kite skirt".split()),
    "plants": frozenset("forest wood tree garden park jungle orchard branch leaf bush hedge vineyard".split()),
    "hot_food": frozenset("coffee tea soup noodle meal pasta bread pizza cook bake stew chef pan pot wok".split()),
    "machine": frozenset("robot machine engine gear clock watch turbine computer drone factory locomotive "
                         "printer".split()),
    "winter": frozenset("snow ice frozen winter glacier arctic iceberg ski".split()),
}


SETTING_TAGS = frozenset(_SETTING_TAGS)
OTHER_TAGS = frozenset({"people", "animals", "no_people", "drawn", "abstract", "open_air", "fast_action", "dark_mood",
                        "bright_mood",
                        "calm_mood"})
"""The tags that `facts_of` gives beside times, weathers, places, styles, `cam_` names and `no_` words."""


# Reading words ---------------------------------------------------------------------------------------


def read(text: str) -> list[Token]:
    """The words and breaks of a text with base forms, kinds, negations and the phrases that they are part of."""
    tokens: list[Token] = []
    first = True
    for match in _TOKEN.finditer(text):
        raw = match.group()
        if not raw[0].isalnum():
            tokens.append(Token(raw, raw, raw, match.start(), match.end(), "break"))
            first = first or raw in ".!?\n:"
            continue
        lower = raw.lower()
        for ending in ("'s", "’s"):
            lower = lower.removesuffix(ending)
        tokens.append(Token(raw, lower, lemma(lower), match.start(), match.end(), first=first))
        first = False
    _hold(text, tokens)
    _negate(text, tokens)
    for number, token in enumerate(tokens):
        if not token.kind:
            token.kind = _kind(tokens, number)
    return tokens


@lru_cache(maxsize=8192)
def lemma(word: str) -> str:
    """The base form of a lower-case word: "bounces" and "bouncing" are "bounce", "wolves" is "wolf"."""
    if word in lex.IRREGULAR:
        return lex.IRREGULAR[word]
    if len(word) <= 3 or not word.isascii():
        return word
    if word.endswith("ing") and word not in lex.NOUNS_IN_ING:
        return _verb_of(word[:-3]) or word
    if word.endswith("ied"):
        return word[:-3] + "y"
    if word.endswith("ed") and not word.endswith("eed"):
        return _verb_of(word[:-2]) or word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _verb_of(stem: str) -> str:
    """The verb whose -ing or -ed form has this stem; "" where it is none that is known."""
    for guess in (stem, stem + "e", stem[:-1] if len(stem) > 2 and stem[-1] == stem[-2] else "", stem + "ck"[1:]):
        if guess in lex.VERBS or (guess and guess in _GROUPS_OF):
            return guess
    return ""


def _kind(tokens: Sequence[Token], at: int) -> str:
    token = tokens[at]
    word = token.lower
    if word in lex.NUMBERS or word.isdigit():
        return "num"
    if word in lex.GRAMMAR or (word in lex.NEGATORS):
        return "grammar"
    if word in lex.COLOURS:
        return "colour"
    before = _before(tokens, at)
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    wears = at > 1 and tokens[at - 2].lower in ("in", "is", "painted")
    if token.lemma in lex.VERBS and _is_verb(token, before, after, wears=wears):
        return "verb"
    if word in lex.ADJECTIVES or (word.endswith(lex.ADJECTIVE_ENDINGS) and len(word) > 5):
        return "adj"
    if word.endswith("ly") and len(word) > 4 and word not in lex.NOUNS_IN_LY:
        return "adv"
    if word.endswith("ed") and len(word) > 4 and not word.endswith("eed"):
        return "adj"
    return "noun"


def _before(tokens: Sequence[Token], at: int) -> Token | None:
    """The word before, adverbs left out; None at a break or the beginning."""
    number = at - 1
    while number >= 0 and (tokens[number].text in _QUOTES or (tokens[number].lower.endswith("ly")
                                                              and tokens[number].kind != "break")):
        number -= 1
    return tokens[number] if number >= 0 and tokens[number].kind != "break" else None


def _is_verb(token: Token, before: Token | None, after: Token | None, *, wears: bool = False) -> bool:
    """`wears`: the word before is a colour after "in", as in "a woman in red walks"."""
    word = token.lower
    if word in lex.NOUNS_IN_ING:
        return False
    if word.endswith("ing") and word != token.lemma:
        return True
    if word.endswith("ed") and word != token.lemma:
        return True
    if before is None:
        return token.lemma not in lex.NOT_VERBS_AS_NOUNS and word == token.lemma and after is not None and \
            after.lower in lex.DETERMINERS
    if before.lower == "and":
        return token.lemma not in lex.NOT_VERBS_AS_NOUNS and word != token.lemma
    if before.lower in ("to", "who", "which", "they", "he", "she", "it", "we", "you"):
        return True
    if before.lower in lex.DETERMINERS or before.lower in lex.PREPOSITIONS or before.kind in ("num", "adj"):
        return False
    if before.kind == "colour":
        return wears and word != token.lemma
    if before.lower in lex.AUXILIARIES:
        return True
    if before.kind in ("noun", "name", "") and token.lemma in lex.NOT_VERBS_AS_NOUNS:
        return after is not None and after.lower in (lex.PREPOSITIONS | lex.DETERMINERS |
                                                     lex.ADVERBS) and word != token.lemma
    if word == token.lemma:  # a base form is a verb only after a plural
        return before.lower != before.lemma or before.lower in ("people",) or word in _STRONG_PAST
    return before.kind == "noun" or before.kind == "" or before.held != ""


_QUOTES = frozenset('"“”')
_STRONG_PAST = frozenset(lex.IRREGULAR)


def _hold(text: str, tokens: list[Token]) -> None:
    spans: list[tuple[int, int, str]] = [(m.start(), m.end(), "technical") for m in _TECHNICAL.finditer(text)]
    spans += [(m.start(), m.end(), "idiom") for m in _IDIOM.finditer(text)]
    spans += [(m.start(), m.start() + m.group().rindex(" "), "idiom") for m in _NAMED_KIND.finditer(text)
              if " " in m.group()]
    for kind in ("style", "camera", "time", "weather"):
        spans += [(m.start(), m.end(), kind) for m in _CLASS_PATTERN[kind].finditer(text)]
    for start, end, kind in spans:
        for token in tokens:
            if token.start >= start and token.end <= end + (2 if token.text.endswith("s") else 0) and not token.held:
                token.held = kind


def _phrase_pattern(phrase: str) -> str:
    return re.escape(phrase.replace("~", " ")).replace(r"\ ", r"[\s-]+").replace(r"\-", r"[\s-]?")


def _alternatives(phrases: Iterable[str]) -> str:
    return "|".join(_phrase_pattern(p) for p in sorted(phrases, key=len, reverse=True))


_IDIOM = re.compile(rf"\b(?:{_alternatives(lex.IDIOMS)})\b", re.IGNORECASE)
_NAMED_KIND = re.compile(rf"\b(?:{_alternatives(lex.NAMED_KINDS)})\b", re.IGNORECASE)
_CLASS_WORDS: Mapping[str, Mapping[str, str]] = {
    "time": {name: _alternatives(text.split()) for name, text in lex.TIMES.items()},
    "weather": {name: _alternatives(text.split()) for name, text in lex.WEATHER.items()},
    "style": {name: _alternatives(text.split()) for name, text in lex.STYLES.items()},
    "camera": lex.CAMERA,
}
_CLASS_PATTERNS = {kind: {name: re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE) for name,
                          pattern in names.items()}
                   for kind, names in _CLASS_WORDS.items()}
_CLASS_PATTERN = {kind: re.compile(rf"(?<!\w)(?:{'|'.join(names.values())})(?!\w)", re.IGNORECASE)
                  for kind, names in _CLASS_WORDS.items()}


def _classes(text: str, kind: str, tokens: Sequence[Token]) -> frozenset[str]:
    """Which times, weathers, styles or camera words the text has, outside idioms and negations."""
    if not _CLASS_PATTERN[kind].search(text):
        return frozenset()
    closed = [(t.start, t.end) for t in tokens if t.negated or (t.held == "idiom" and kind != "camera")]
    found = set()
    for name, pattern in _CLASS_PATTERNS[kind].items():
        for match in pattern.finditer(text):
            free = not any(start < match.end() and match.start() < end for start, end in closed)
            if free or name == "static" or (kind == "time" and "hour" in match.group().lower()):
                found.add(name)
                break
    return frozenset(found)


def _negate(text: str, tokens: list[Token]) -> None:
    """Mark what a "no", "not", "without", "free of" covers: the next thing, and those joined to it by "or" or "and"."""
    freed = [m.span() for m in _NOT_NEGATED.finditer(text)]
    absent = [m.end() for m in _WORDS_OF_ABSENCE.finditer(text)]
    at = 0
    while at < len(tokens):
        token = tokens[at]
        said = token.lower in lex.NEGATORS or token.lower.endswith("n't")
        if said and any(start <= token.start < end for start, end in freed):
            said = False
        if not said and not any(end == token.end for end in absent):
            at += 1
            continue
        if token.lower in ("nobody", "none"):
            token.negated, token.lemma = True, "people" if token.lower == "nobody" else token.lemma
            at += 1
            continue
        at = _cover(tokens, at + 1, several=token.lower in ("no", "without", "nor", "neither") or not said)


def _cover(tokens: list[Token], at: int, *, several: bool) -> int:
    """Mark the words that a negation covers from `at` on; returns where its reach ends."""
    marked = 0
    while at < len(tokens):
        word = tokens[at].lower
        if word in ("a", "an", "the", "any", "be", "being", "to", "very", "too") and not marked:
            at += 1
            continue
        if tokens[at].kind == "break" or (word in lex.PREPOSITIONS and marked) or word in lex.AUXILIARIES - {"be"}:
            break
        if word in ("or", "and", "nor"):
            more = at + 1 < len(tokens) and tokens[at + 1].kind != "break"
            starts_anew = more and (tokens[at + 1].lower in lex.DETERMINERS or tokens[at + 1].lower in lex.NEGATORS)
            if not (several and marked and more and not starts_anew) or (word == "and" and not several):
                break
            at += 1
            continue
        if word in lex.GRAMMAR and word not in lex.PRONOUNS:
            break
        tokens[at].negated = True
        marked += 1
        at += 1
        joined = at < len(tokens) and tokens[at].lower in ("or", "and", "nor")
        if marked >= (3 if several else 1) and not joined:
            break
        if not several:
            break
    return max(at, 1)


# Facts from words ------------------------------------------------------------------------------------


def _negations(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The things that must not be there: the heads of what is negated."""
    found = []
    for at, token in enumerate(tokens):
        if not token.negated or token.held == "camera" or token.lemma in lex.GRAMMAR - lex.PRONOUNS:
            continue
        follows = at + 1 < len(tokens) and tokens[at + 1].negated
        if token.kind in ("adj", "colour", "adv") and follows:
            continue
        found.append(token.lemma)
    return _unique(found)


def _noun_phrase(tokens: Sequence[Token], at: int) -> list[str]:
    """The nouns of the phrase that begins at `at`, adjectives skipped, the head last."""
    nouns: list[str] = []
    while at < len(tokens) and len(nouns) < 4:
        token = tokens[at]
        if token.kind in ("noun", "name") or (token.held in ("weather", "time", "idiom") and token.kind == "noun"):
            if token.held not in ("style", "technical"):
                nouns.append(token.lemma)
        elif token.kind in ("adj", "colour", "adv") or (token.kind == "verb" and token.lower.endswith(("ing", "ed"))
                                                        and not nouns):
            if nouns and token.kind != "colour":
                break
        elif _joins(tokens, at) and not nouns:
            pass
        else:
            break
        at += 1
    return nouns


def _joins(tokens: Sequence[Token], at: int) -> bool:
    """Whether an "and" or a comma stands between adjectives of one noun ("red and white tent")."""
    following = tokens[at + 1].kind if at + 1 < len(tokens) else ""
    return (tokens[at].lower == "and" and following in ("colour", "adj")) or (tokens[at].text == "," and
                                                                              following == "colour")


def _counts(tokens: Sequence[Token]) -> Iterable[Count]:
    for at, token in enumerate(tokens):
        if token.negated or token.held in ("technical", "idiom", "style", "camera"):
            continue
        following = at + 1
        if token.kind == "num":
            number = _number_of(token.lower)
            if number is None or 1500 <= number <= 2100:
                continue
            if following < len(tokens) and tokens[following].lemma in ("dozen", "hundred", "thousand", "pair"):
                number *= {"dozen": 12, "hundred": 100, "thousand": 1000, "pair": 2}[tokens[following].lemma]
                following += 1
        elif token.lemma in lex.COUNTING_NOUNS and following < len(tokens) and \
                (tokens[following].lower == "of" or token.lemma == "dozen"):
            number = lex.COUNTING_NOUNS[token.lemma]
            if at and tokens[at - 1].kind == "num":
                continue
        else:
            continue
        if following < len(tokens) and tokens[following].lower == "of":
            following += 1
            if following < len(tokens) and tokens[following].lower in lex.DETERMINERS:
                if token.lower == "one":
                    continue
                following += 1
        nouns = _noun_phrase(tokens, following)
        if nouns or token.lower not in ("one", "single", "lone", "solitary", "both"):
            colour = tokens[following].lower if nouns and tokens[following].kind == "colour" else ""
            yield Count(number, tuple(nouns), colour)


def _singles(tokens: Sequence[Token]) -> Iterable[str]:
    for at, token in enumerate(tokens):
        if token.negated:
            continue
        if token.lower in ("a", "an", "single", "lone", "solitary") or (token.lower == "one" and token.kind == "num"):
            nouns = _noun_phrase(tokens, at + 1)
            if nouns and nouns[-1] not in lex.VAGUE and not _is_collective(nouns[-1]):
                yield nouns[-1]


def _number_of(word: str) -> int | None:
    return int(word) if word.isdecimal() and len(word) < 7 else lex.NUMBERS.get(word)


def _is_collective(noun: str) -> bool:
    return noun in lex.COUNTING_NOUNS or noun in lex.COLLECTIVES


def _colours(tokens: Sequence[Token]) -> Iterable[Coloured]:
    for at, token in enumerate(tokens):
        if token.kind != "colour" or token.negated or token.held in ("style", "idiom", "technical", "camera"):
            continue
        nouns = _noun_phrase(tokens, at + 1)
        if not nouns:
            before = tokens[at - 1].lower if at else ""
            if token.lower in lex.ALSO_THINGS and (before in lex.DETERMINERS or before in ("of", "with")):
                token.kind = "noun"
                continue
            nouns = _noun_before(tokens, at)
        yield Coloured(token.lower, tuple(nouns))


def _noun_before(tokens: Sequence[Token], at: int) -> list[str]:
    """What a colour after its noun belongs to: "the car is red", "a car painted red", "a woman in red"."""
    for number in range(at - 1, max(at - 6, -1), -1):
        token = tokens[number]
        if token.kind in ("noun", "name"):
            return [token.lemma]
        if token.kind == "break" and token.text != ",":
            return []
    return []


def _people(live: Sequence[Token]) -> frozenset[str]:
    return frozenset(t.lemma for t in live
                     if t.lemma in lex.PEOPLE and t.held not in ("idiom", "camera") and
                     t.kind in ("noun", "grammar", "name")
                     and t.lower not in ("figures", "i", "you", "we", "model", "models", "they", "them", "twin")
                     and not (t.lemma in ("cook", "guard", "pilot", "host", "light", "figure") and t.kind == "verb"))


def _animals(live: Sequence[Token]) -> frozenset[str]:
    return frozenset(t.lemma for t in live
                     if t.lemma in lex.ANIMALS and t.held not in ("idiom", "camera") and t.kind in ("noun", "name"))


def _names(text: str, tokens: Sequence[Token]) -> Iterable[str]:
    words = [t for t in tokens if t.text[0].isalpha()]
    capital = [t for t in words if t.text[0].isupper()]
    if len(words) >= 3 and len(capital) > 0.6 * len(words):
        return
    run: list[Token] = []
    for number, token in enumerate([*tokens, None]):
        if token is not None and _may_be_name(token, tokens, number, bool(run)):
            run.append(token)
            continue
        if run and not (len(run) == 1 and (run[0].first or run[0].held)):
            yield text[run[0].start:run[-1].end].removesuffix("'s")
        run = []


def _may_be_name(token: Token, tokens: Sequence[Token], at: int, inside: bool) -> bool:
    if token.kind == "break" or token.negated or not token.text[0].isupper():
        return False
    if token.lower == "i" or token.held == "technical":
        return False
    if token.text.isupper() and len(token.text) > 1 and not token.lower.isdigit():
        return token.lower not in lex.GRAMMAR and token.lower not in lex.ABBREVIATIONS
    leads = at + 1 < len(tokens) and tokens[at + 1].text[:1].isupper() and not token.first
    if leads and (token.lower in lex.COLOURS or token.lower in lex.ADJECTIVES):
        return True
    common = token.lower in lex.GRAMMAR or token.lower in lex.NUMBERS or (
        not inside and (token.lower in lex.COLOURS or token.lower in lex.ADJECTIVES or token.lemma in lex.VERBS
                        or token.lower in lex.VAGUE))
    if common:
        return False
    if token.first:
        return at + 1 < len(tokens) and tokens[at + 1].text[:1].isupper()
    return True


def _quotations(text: str) -> Iterable[str]:
    for match in _QUOTED.finditer(text):
        yield next(group for group in match.groups() if group).strip()


def _is_direction(tokens: Sequence[Token], token: Token) -> bool:
    """"left" and "right" as directions: not the past of "leave", not "right now"."""
    if token.lower not in ("left", "right"):
        return True
    at = tokens.index(token)
    before = tokens[at - 1].lower if at else ""
    after = tokens[at + 1].lower if at + 1 < len(tokens) else ""
    return before in ("to", "the", "from", "turns", "turn", "turning", "his", "her", "its", "moves", "moving",
                      "far") or \
        after in ("to", "side", "hand")


def _relations(tokens: Sequence[Token]) -> Iterable[Relation]:
    """Who does what to whom, and what is where; only between nouns that are near each other in one clause."""
    subject = ""
    for at, token in enumerate(tokens):
        if token.kind == "break" and token.text != ",":
            subject = ""
        if token.negated:
            continue
        if token.kind in ("noun", "name") and not token.held and token.lemma not in lex.VAGUE:
            following = tokens[at + 1] if at + 1 < len(tokens) else None
            if following is None or following.kind != "noun":
                previous = _before(tokens, at)
                if not subject or (previous is not None and previous.lower not in lex.PREPOSITIONS):
                    subject = token.lemma
        elif subject and (token.kind == "verb" or token.lower in _PLACE_WORDS):
            target = at + 1
            passive = (token.kind == "verb" and token.lower.endswith("ed") and at > 0
                       and tokens[at - 1].lower in lex.AUXILIARIES
                       and target < len(tokens) and tokens[target].lower == "by")
            if passive:
                target += 1
            if target < len(tokens) and tokens[target].lower == "of":
                target += 1
            while target < len(tokens) and (tokens[target].lower in lex.DETERMINERS or tokens[target].kind == "num"):
                target += 1
            nouns = _noun_phrase(tokens, target)
            if nouns and nouns[-1] != subject:
                first, second = (nouns[-1], subject) if passive else (subject, nouns[-1])
                yield Relation(first, token.lemma if token.kind == "verb" else token.lower, second)


def _ways(tokens: Sequence[Token]) -> tuple[tuple[str, str], ...]:
    return tuple((verb.lemma, lex.WAYS[after.lower]) for at, verb in enumerate(tokens) if verb.kind == "verb" and
                 not verb.negated
                 for after in tokens[at + 1:at + 3] if after.lower in lex.WAYS)


_PLACE_WORDS = frozenset[str]().union(*(side for pair in lex.PLACE_CLASHES for side in pair)) - {"before", "front"}


def _tense(text: str) -> str:
    if _FUTURE.search(text):
        return "future"
    return "past" if _PAST.search(text) else "present"


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in items if item))


# Language --------------------------------------------------------------------------------------------

_SCRIPTS = (("zh", "\u4e00", "\u9fff"), ("ja", "\u3040", "\u30ff"), ("ko", "\uac00", "\ud7af"),
            ("ru", "\u0400", "\u04ff"),
            ("ar", "\u0600", "\u06ff"), ("he", "\u0590", "\u05ff"), ("hi", "\u0900", "\u097f"),
            ("el", "\u0370", "\u03ff"),
            ("th", "\u0e00", "\u0e7f"))


def language_of(text: str) -> str:
    """"en", or the code of another language (by script or by its most frequent little words).

    Short texts without any little words count as English.
    """
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return "en"
    for code, low, high in _SCRIPTS:
        if sum(low <= c <= high for c in letters) > 0.3 * len(letters):
            if code == "zh" and any("\u3040" <= c <= "\u30ff" for c in letters):
                return "ja"
            return code
    words = re.findall(r"[^\W\d_]+", text.lower())
    scores = {code: sum(word in listed for word in words) for code, listed in lex.STOPWORDS.items()}
    best = max(scores, key=lambda code: scores[code])
    if best != "en" and scores[best] > scores["en"] + 1 and scores[best] >= 0.15 * len(words):
        return best
    if not scores["en"] and scores[best] >= max(len(words) / 3, 1):
        return best
    accents = sum(c in "äöüßéèêàçñãõùìòáíóúœ" for c in text.lower())
    if scores["en"] == 0 and accents and len(words) >= 3:
        return best if scores[best] else "other"
    return "en"


# Matching --------------------------------------------------------------------------------------------

_SUFFIXES = frozenset(lex.SUFFIXES)


@lru_cache(maxsize=16384)
def same_word(one: str, other: str) -> bool:
    """Whether two base forms mean much the same: equal, listed together, or of one stem ("explode", "explosion")."""
    if one == other:
        return True
    groups = _GROUPS_OF.get(one)
    if groups and groups & _GROUPS_OF.get(other, set()):
        return True
    shared = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        shared += 1
    if shared < 4 or shared < len(min(one, other, key=len)) - 2:
        return False
    return one[shared:] in _SUFFIXES and other[shared:] in _SUFFIXES


@lru_cache(maxsize=4096)
def class_of(word: str) -> frozenset[str]:
    """The times, weathers and styles that a word stands for: "sunset" is a time, "rain" a weather."""
    return frozenset(name for kind in ("time", "weather", "style") for name, pattern in _CLASS_PATTERNS[kind].items()
                     if pattern.fullmatch(word))


def has_word(word: str, words: Iterable[str]) -> bool:
    """Whether one of the base forms means the same as `word`."""
    if isinstance(words, (set, frozenset)) and word in words:
        return True
    return any(same_word(word, other) for other in words)
