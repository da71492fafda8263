"""Whether a rewriting says what the original says: nothing lost, nothing contradicted, nothing but a prompt.

Both texts are read by `facts` and compared; inflections and listed synonyms count as the same word. What an embedder
says about their similarity may be given; it is not computed here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import lexicon as lex
from .facts import Coloured, Count, Facts, class_of, facts_of, has_word, same_word

Marked = list[tuple[str, bool]]

_CHAT = re.compile(
    r"^\W*(?:sure|certainly|of course|absolutely|okay|ok|great|here(?:'s| is| are)|i(?:'m| am) (?:sorry|happy|glad)|"
    r"sorry|i (?:can|can't|cannot|will|would|have)|as an ai|(?:enhanced|rewritten|improved|revised|new|final|original|"
    r"user)? ?(?:prompt|output|answer|response|title|description|version|rewrite)\s*:|note\b|assistant\b|thank|yes,|"
    r"let's|let me)|\b(?:would you like|let me know|hope this|feel free|i've (?:added|rewritten|enhanced|kept)|"
    r"as requested|as an ai|your prompt|the (?:user's|original|enhanced) prompt|this prompt)\b|<\|?\w+\|?>",
                   re.IGNORECASE)
_ESSAY = re.compile(
    r"\b(?:(?:is|are|was|were|as) an? (?:\w+ )?(?:symbol|testament|metaphor|reminder|technique|method|concept|"
    r"algorithm|representation|pioneer\w*|physicist|field of|type of|form of)|symboli[sz]es?|(?:symbol|testament|"
    r"metaphor) (?:of|to|for)|represents? (?:the|a)\b|in a world where|once upon a time|the goal is|refers to|"
    r"it is important|can be used|in conclusion|in summary|plays an? \w+ role)\b", re.IGNORECASE)
_OPEN_ENDS = lex.DETERMINERS | frozenset(
    "and or but of with from to as that which by for at into while where than".split())
_MARKDOWN = re.compile(r"\*\*|```|^\s*#{1,4}\s|^\s*[-*•]\s|^\s*\d{1,2}[.)]\s|\[(?:insert|your|name|subject)[^\]]*\]",
                       re.MULTILINE)
_PIECE = re.compile(r"\s*(?:[,;:\n]|[.!?](?=\s|$))\s*")
_CHANGES = re.compile(r"\b(?:time-?lapse|turns? (?:to|into)|fades? (?:to|into)|transition\w*|becomes?|until|"
                      r"from \w+ (?:to|until))\b",
                      re.IGNORECASE)


@dataclass(frozen=True)
class Fidelity:
    """The verdict on a rewriting. `reasons` are sentences for people and for a second try; empty when `ok`."""

    ok: bool
    missing: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    similarity: float | None = None
    reasons: tuple[str, ...] = ()


def check(original: str, enhanced: str, *, similarity: float | None = None, threshold: float = 0.6,
          max_words: int | None = None, protected: Sequence[str] = ()) -> Fidelity:
    """Compare a rewriting with its original.

    `similarity` is the embedder's cosine, judged against `threshold` where given. `protected` phrases must be there as
    written. A long original may lose a few of its words, a short one none.
    """
    if enhanced.strip() == original.strip():
        return Fidelity(True, similarity=similarity)
    before, after = facts_of(original), facts_of(enhanced)
    strict, loose = _missing(before, after)
    strict += [word for word in protected if word.strip() and word.lower() not in enhanced.lower()]
    against = contradictions(before, after)
    reasons = list(_not_a_prompt(original, enhanced))
    if enhanced.strip() and after.language != before.language:
        reasons.append(f"The language changed from {before.language} to {after.language}.")
    if len(strict) > _may_miss(before) or len(loose) > len(before.describing) // 4:
        reasons.append(f"Missing: {', '.join([*strict, *loose])}.")
    reasons += [f"Contradiction: {text}." for text in against]
    if similarity is not None and similarity < threshold:
        reasons.append(f"The meaning is too far from the original (similarity {similarity:.2f}, at least "
                       f"{threshold:.2f}).")
    words = len(enhanced.split())
    if max_words and words > max_words:
        reasons.append(f"It has {words} words; at most {max_words} are wanted.")
    return Fidelity(not reasons, (*strict, *loose), against, similarity, tuple(reasons))


def retention(original: str, enhanced: str) -> float:
    """The share of what the original says that is still said, 0 to 1; 1 where it says nothing that can be counted."""
    before = facts_of(original)
    strict, loose = _missing(before, facts_of(enhanced))
    count = sum(len(items) for items in (
        before.subjects, before.actions, before.describing, before.counts, before.colours, before.names, before.quoted,
        before.negations, before.directions, before.times, before.weather, before.styles, before.camera))
    return 1.0 if not count else max(0.0, 1 - (len(strict) + len(loose)) / count)


# What is lost -------------------------------------------------------------------------------------


def _may_miss(before: Facts) -> int:
    counted = len(before.subjects) + len(before.actions)
    return counted // 12 if counted > 16 else 0


def _missing(before: Facts, after: Facts) -> tuple[list[str], list[str]]:
    """What the second text no longer says: what must be there, and descriptions."""
    strict = [word for word in (*before.subjects, *before.actions) if not _said(word, after)]
    strict += [_as_text(count) for count in before.counts if not _counted(count, after)]
    strict += [f"{c.colour} {' '.join(c.nouns)}".strip() for c in before.colours if not _coloured(c, after)]
    lower = after.prompt.lower()
    strict += [name for name in before.names if not _named(name, lower, after)]
    strict += [f'"{text}"' for text in before.quoted if text.lower() not in lower]
    strict += [f"no {word}" for word in before.negations if not _denied(word, after)]
    strict += [word for word in before.directions if word not in after.surface and not has_word(word, after.surface)]
    strict += [time.replace("_", " ") for time in sorted(before.times) if not after.times & _fits(time)]
    strict += [weather for weather in sorted(before.weather) if not _weathered(weather, after)]
    strict += [style for style in sorted(before.styles) if not _styled(style, after)]
    strict += [f"{name} camera" for name in sorted(before.camera - after.camera - {"lighting", "lens"})]
    loose = [word for word in before.describing if not _said(word, after)]
    loose += [f"{name} words" for name in sorted((before.camera - after.camera) & {"lighting", "lens"})]
    return strict, loose


def _said(word: str, after: Facts) -> bool:
    if has_word(word, after.words):
        return True
    classes = class_of(word)
    return bool(classes & (after.times | after.weather | after.styles))


def _as_text(count: Count) -> str:
    return " ".join(part for part in (str(count.number), count.colour, *count.nouns) if part)


def _counted(count: Count, after: Facts) -> bool:
    for other in after.counts:
        if count.colour and other.colour and not _same_colour(count.colour, other.colour):
            continue
        if other.number == count.number and (not count.nouns or not other.nouns or _share(count.nouns, other.nouns)):
            return True
    return count.number == 1 and any(has_word(noun, after.singles) for noun in count.nouns)


def _share(one: Iterable[str], other: Sequence[str]) -> bool:
    return any(same_word(a, b) for a in one for b in other)


def _coloured(colour: Coloured, after: Facts) -> bool:
    """The colour is on its noun, or somewhere on nothing else; a flower or a metal may stand for itself."""
    if colour.colour in lex.ALSO_THINGS and colour.colour in after.surface:
        return True
    for other in after.colours:
        if _same_colour(colour.colour, other.colour) and (
                not colour.nouns or not other.nouns or _share(colour.nouns, other.nouns)):
            return True
    bound = {other.colour for other in after.colours if other.nouns}
    return any(_same_colour(colour.colour, word) for word in after.surface & lex.COLOURS if word not in bound)


def _same_colour(one: str, other: str) -> bool:
    if one == other:
        return True
    return any(one in group and other in group for group in (*lex.COLOUR_GROUPS, *lex.BLENDS))


def _named(name: str, lower: str, after: Facts) -> bool:
    return name.lower() in lower or all(word in after.surface for word in re.findall(r"\w+", name.lower()))


def _denied(word: str, after: Facts) -> bool:
    scope = _scope(word)
    if any(same_word(other, denied) for other in after.negations for denied in (word, *scope)):
        return True
    if "person" in scope or word in ("person", "people"):
        return bool(after.words & lex.EMPTY_OF_PEOPLE)
    if word in ("move", "stop"):
        return bool(after.words & {"motionless", "still", "static", "stationary", "immobile"}) if word == "move" else \
            has_word("continue", after.words) or bool(after.words & {"endless", "endlessly", "nonstop", "ceaselessly"})
    return f"{word}less" in after.surface


def _scope(word: str) -> tuple[str, ...]:
    """The words that a "no WORD" rules out beside itself."""
    for head, listed in lex.NEGATED_SCOPE.items():
        if word == head or word in listed.split()[:1] or (head == "people" and word in ("person", "human", "anyone")):
            return tuple(listed.split())
    return ()


def _fits(time: str) -> frozenset[str]:
    return frozenset(lex.TIME_FITS[time].split())


_LIKE_WEATHER = {"rain": {"rain", "storm"}, "storm": {"storm", "rain"}, "snow": {"snow"}, "fog": {"fog"},
                 "wind": {"wind", "storm"},
                 "dust": {"dust"}, "clear": {"clear"}, "cloud": {"cloud", "storm"}}


def _weathered(weather: str, after: Facts) -> bool:
    if after.weather & _LIKE_WEATHER[weather]:
        return True
    return (weather == "clear" and "day" in after.times) or (weather == "wind" and "blow" in after.words)


def _styled(style: str, after: Facts) -> bool:
    if style in after.styles:
        return True
    if style == "photo":
        return not after.styles & lex.MEDIA
    return style in ("oil", "painting", "vintage") and bool(after.styles & {"oil", "painting", "vintage"})


# What is contradicted -----------------------------------------------------------------------------


def contradictions(before: Facts, after: Facts) -> tuple[str, ...]:
    """What in the second text cannot be true of the first, in words; () where nothing speaks against it."""
    found = _clashes(before, after)
    if found:  # what the reading finds in the original itself says nothing about the rewriting
        own = _clashes(before, before)
        found = [text for text in found if text not in own]
    return tuple(dict.fromkeys(found))


def _clashes(before: Facts, after: Facts) -> list[str]:
    rules = (_time_clash, _weather_clash, _count_clash, _colour_clash, _denied_things, _new_people, _new_animals,
             _style_clash, _camera_clash, _relation_clash, _opposites, _place_clash)
    return [text for rule in rules for text in rule(before, after)]


def _time_clash(before: Facts, after: Facts) -> Iterable[str]:
    if before.times:
        allowed = frozenset[str]().union(*(_fits(time) for time in before.times))
        for time in sorted(after.times - allowed):
            yield f"{_listed(before.times)} became {time.replace('_', ' ')}"
    elif len(after.times) > 1 and not _CHANGES.search(after.prompt):
        times = sorted(after.times)
        for number, time in enumerate(times):
            for other in times[number + 1:]:
                if other not in _fits(time):
                    yield f"it is {time.replace('_', ' ')} and {other.replace('_', ' ')} at once"
    if after.times and "space" not in before.places and not before.times and "clear" in before.weather and \
            "night" in after.times and "sunny" in before.surface:
        yield "sunny became night"


def _weather_clash(before: Facts, after: Facts) -> Iterable[str]:
    for weather in sorted(before.weather):
        for other in sorted(after.weather - before.weather):
            if other in lex.WEATHER_CLASHES[weather].split():
                yield f"{weather} became {other}"


def _count_clash(before: Facts, after: Facts) -> Iterable[str]:
    for count in before.counts:
        if _counted(count, after) or not count.nouns:
            continue
        for other in after.counts:
            if other.nouns and same_word(count.nouns[-1], other.nouns[-1]) and other.number != count.number:
                yield f"{_as_text(count)} became {_as_text(other)}"
    numbered = {noun for count in before.counts if count.number > 1 for noun in count.nouns}
    for head in before.singles:
        if head in numbered or head in lex.COUNTING_NOUNS or f"{head}s" in before.surface:
            continue
        for other in after.counts:
            if other.number > 1 and other.nouns and _same_thing(head, other.nouns[-1]):
                yield f"one {head} became {_as_text(other)}"
    for noun in before.subjects:
        plural = noun not in before.surface and noun not in before.singles
        if plural and noun in after.singles and not any(w != noun and w in before.surface for w in after.surface
                                                        if w.startswith(noun[:3])):
            yield f"several {noun} became one"


def _same_thing(one: str, other: str) -> bool:
    """As `same_word`, for nouns: "race" and "sprint" mean much the same as verbs only."""
    return one == other or (same_word(one, other) and not (one in lex.VERBS and other in lex.VERBS))


def _colour_clash(before: Facts, after: Facts) -> Iterable[str]:
    heads = {c.nouns[-1] for c in before.colours if c.nouns}
    for head in sorted(heads):
        wanted = [c.colour for c in before.colours if head in c.nouns]
        given = [c.colour for c in after.colours if c.nouns and same_word(head, c.nouns[-1])]
        if given and not any(_same_colour(a, b) for a in wanted for b in given):
            yield f"{wanted[0]} {head} became {given[0]}"


def _denied_things(before: Facts, after: Facts) -> Iterable[str]:
    if not before.negations and "no_people" not in before.tags:
        return
    said = {*after.subjects, *after.actions, *after.describing, *after.people, *after.animals, *after.styles}
    for word in before.negations:
        for thing in (word, *_scope(word)):
            if thing in said and thing not in before.words:
                yield f"\"no {word}\", but {thing} is there"
                break
        else:
            shown = class_of(word) & (after.weather | after.times) - before.weather - before.times
            if shown:
                yield f"\"no {word}\", but {sorted(shown)[0]} is there"
    if "no_people" in before.tags and (new := after.people - before.people - lex.NOT_SURELY_PEOPLE):
        yield f"nobody should be there, but {sorted(new)[0]} is"


def _new_people(before: Facts, after: Facts) -> Iterable[str]:
    new = after.people - lex.NOT_SURELY_PEOPLE
    if new and not before.people and not before.names and not before.words & (lex.IMPLY_PEOPLE | lex.PEOPLE) and \
            not any(has_word(word, before.words) for word in new):
        yield f"nobody asked for {sorted(new)[0]}"
    if not before.people:
        return
    kinds = [(lex.PEOPLE_MALE, "male"), (lex.PEOPLE_FEMALE, "female")]
    were = {name for listed, name in kinds if before.people & listed}
    many = before.words & (lex.IMPLY_PEOPLE | {"person", "people", "crowd", "family", "friend", "couple", "team"})
    if len(were) == 1 and not many:
        for listed, name in kinds:
            if name not in were and (now := after.people & listed):
                yield f"{sorted(before.people)[0]} became or was joined by {sorted(now)[0]}"
    if before.words & {"alone", "lone", "lonely", "single", "solitary"} and after.people & {"crowd", "people",
                                                                                            "pedestrian",
                                                                                           "friend", "couple"}:
        yield "somebody alone is no longer alone"


def _new_animals(before: Facts, after: Facts) -> Iterable[str]:
    new = after.animals - lex.ANIMAL_GENERAL if before.animals & lex.ANIMAL_GENERAL else after.animals
    if before.words & lex.MAY_HOLD_ANIMALS or (before.animals &
                                               {"animal", "creature", "pet", "wildlife", "herd", "beast"}):
        return
    for animal in sorted(new - before.animals - {"animal", "creature", "pet", "beast"}):
        kin = [group for group in lex.ANIMAL_GROUPS if animal in group]
        if not any(group & (before.animals | before.words) for group in kin) and not has_word(animal, before.words):
            yield f"nobody asked for {animal}"


def _style_clash(before: Facts, after: Facts) -> Iterable[str]:
    for style in sorted(after.styles - before.styles):
        if style == "flat" and "abstract" in before.tags:
            continue
        if style in lex.MEDIA and not any(style in family and before.styles & family for family in lex.STYLE_FAMILIES):
            yield f"the style became {style}"
        elif style == "photo" and before.styles & lex.MEDIA:
            yield f"{_listed(before.styles)} became a photograph"
        elif style == "bw" and (before.colours or "colorful" in before.words or "colourful" in before.words):
            yield "colours became black and white"
    if "bw" in before.styles and after.words & {"colorful", "colourful", "vibrant", "multicolored",
                                                "technicolor"} - before.words:
        yield "black and white became colourful"


def _camera_clash(before: Facts, after: Facts) -> Iterable[str]:
    for one, other in (("static", "moving"), ("moving", "static"), ("slow", "fast"), ("fast", "slow")):
        if one in before.camera and other in after.camera and other not in before.camera:
            yield f"a {one} camera became {other}" if one in ("static", "moving") else f"{one} motion became {other}"


def _relation_clash(before: Facts, after: Facts) -> Iterable[str]:
    for said in before.relations:
        if any(same_word(said.first, r.first) and same_word(said.second, r.second) and same_word(said.word, r.word)
               for r in after.relations):
            continue
        for other in after.relations:
            turned = same_word(said.first, other.second) and same_word(said.second, other.first) and \
                same_word(said.word, other.word)
            if turned and said.word in lex.VERBS:
                yield f"{said.first} and {said.second} changed places"
            if same_word(said.first, other.first) and same_word(said.second, other.second) and _opposed(said.word,
                                                                                                        other.word):
                yield f"{said.first} {said.word} {said.second} became {other.word} {other.second}"
    for verb, way in before.ways:
        others = {other for said, other in after.ways if same_word(verb, said)}
        if way not in others and any((way, o) in lex.OPPOSITE_WAYS or (o, way) in lex.OPPOSITE_WAYS for o in others):
            yield f"where it is to {verb} was turned round"
    if len(before.directions) == 2 and after.directions == before.directions[::-1]:
        yield f"from {before.directions[0]} to {before.directions[1]} was turned round"


def _opposed(one: str, other: str) -> bool:
    return any((one in a and other in b) or (one in b and other in a) for a, b in lex.PLACE_CLASHES)


def _opposites(before: Facts, after: Facts) -> Iterable[str]:
    for word in (*before.actions, *before.describing, *before.subjects, *before.directions):
        for against in _OPPOSITE_OF.get(word, ()):
            if against in after.words and against not in before.words and not has_word(word, after.words):
                yield f"{word} became {against}"


_OPPOSITE_OF: dict[str, list[str]] = {}
for _one, _other in lex.OPPOSITES:
    _OPPOSITE_OF.setdefault(_one, []).append(_other)
    _OPPOSITE_OF.setdefault(_other, []).append(_one)


def _place_clash(before: Facts, after: Facts) -> Iterable[str]:
    for place in ("underwater", "space"):
        if before.places and place in after.places and place not in before.places:
            new = [word for word in (*after.subjects, *after.describing) if word in lex.PLACES[place].split()]
            if any(word in ("underwater", "undersea", "seabed", "orbit", "galaxy", "nebula", "planet", "astronaut")
                   for word in new):
                yield f"the place became {place}"


def _listed(items: Iterable[str]) -> str:
    return " and ".join(sorted(item.replace("_", " ") for item in items))


# What is no prompt --------------------------------------------------------------------------------


def _not_a_prompt(original: str, enhanced: str) -> Iterable[str]:
    if not enhanced.strip():
        yield "The answer is empty."
        return
    chat = _CHAT.search(enhanced)
    if chat and not _CHAT.search(original):
        yield f"It talks about the prompt instead of being one ({chat.group().strip()!r})."
    if _MARKDOWN.search(enhanced) and not _MARKDOWN.search(original):
        yield "It has lists, headings or other markup."
    essay = _ESSAY.search(enhanced)
    if essay and not _ESSAY.search(original):
        yield f"It explains instead of saying what is to be seen ({essay.group()!r})."
    if _breaks_off(enhanced) and not _breaks_off(original):
        yield "It breaks off in the middle of a sentence."
    if "?" in enhanced and "?" not in original:
        yield "It asks a question."
    if _repeats(enhanced) and not _repeats(original):
        yield "It repeats itself."


def _breaks_off(text: str) -> bool:
    """Whether the text ends with a word that wants another one after it, as it does where tokens ran out."""
    words = text.lower().split()
    return bool(words) and words[-1] in _OPEN_ENDS


def _repeats(text: str) -> bool:
    """Whether five words in a row come three times."""
    words = re.findall(r"\w+", text.lower())
    seen: dict[tuple[str, ...], int] = {}
    for at in range(len(words) - 4):
        run = tuple(words[at:at + 5])
        seen[run] = seen.get(run, 0) + 1
        if seen[run] >= 3:
            return True
    return False


# What was added -----------------------------------------------------------------------------------


def marked(original: str, enhanced: str) -> Marked:
    """The enhanced text in pieces, each with whether it was added; put together they are the enhanced text."""
    core = original.strip().rstrip(" .,;")
    at = place_of(core, enhanced)
    if at >= 0:
        pieces = [(enhanced[:at], True), (enhanced[at:at + len(core)], False), (enhanced[at + len(core):], True)]
        return [piece for piece in pieces if piece[0]]
    mine, theirs = _split_words(original), _split_words(enhanced)
    matcher = difflib.SequenceMatcher(None, [_bare(w) for w in mine], [_bare(w) for w in theirs], autojunk=False)
    found: Marked = []
    for tag, _, _, start, end in matcher.get_opcodes():
        text = "".join(theirs[start:end])
        if text:
            found.append((text, tag != "equal"))
    return found


def place_of(core: str, text: str) -> int:
    """Where a sentence stands in a text, whatever its case and not within words; -1 where it does not."""
    found = re.search(rf"(?<!\w){re.escape(core)}(?!\w)", text, re.IGNORECASE) if core else None
    return found.start() if found else -1


def added_phrases(original: str, enhanced: str) -> tuple[str, ...]:
    """What was added, phrase by phrase in order, without the punctuation around it."""
    found: list[str] = []
    for text, is_added in marked(original, enhanced):
        if is_added:
            phrases = (phrase.strip(" \t\n\"'“”.,;:!—–-") for phrase in _PIECE.split(text))
            found += [phrase for phrase in phrases
                      if any(word not in lex.GRAMMAR for word in re.findall(r"\w+", phrase.lower()))]
    return tuple(found)


def _split_words(text: str) -> list[str]:
    """Words with the spaces after them; together they are the text."""
    return re.findall(r"\S+\s*|\s+", text)


def _bare(word: str) -> str:
    return word.strip().strip(".,;:!?\"'()“”").lower()
