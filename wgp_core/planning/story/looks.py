"""Clothing and looks: which words of a text speak of them, and the text without them.

A character looks as its LoRA or its description says; a scene that says it again makes frames differ. Things that the
story itself is about ("a tailor sews a coat") are no looks: the caller allows them.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .words import ANIMALS, FEMALE, MALE, PEOPLE

CLOTHES = frozenset(
    "clothes clothing outfit outfits attire garment garments garb apparel costume costumes uniform uniforms wardrobe "
    "shirt shirts t-shirt blouse sweater sweaters hoodie cardigan jacket jackets coat coats overcoat raincoat trousers "
    "pants jeans shorts skirt skirts dress dresses gown gowns robe robes cloak cloaks cape capes tunic vest waistcoat "
    "suit suits tuxedo kimono sari hat hats hood cap turban scarf scarves gloves mittens boots shoes sandals sneakers "
    "socks stockings apron aprons tie necktie belt sash veil armor armour headscarf bonnet tiara earrings necklace "
    "bracelet eyeglasses spectacles goggles jewelry jewellery pyjamas pajamas swimsuit bikini leggings corset bodice "
    "wearing wears wore clad attired garbed dressed".split())
LOOKS = frozenset(
    "hair haired hairstyle hairdo ponytail braids braided bangs curls beard bearded moustache mustache goatee stubble "
    "freckles freckled wrinkles wrinkled complexion skinned skin-toned dark-haired fair-haired grey-haired gray-haired "
    "blonde blond brunette redhead redheaded bald balding muscular slim slender skinny chubby plump stocky lanky "
    "petite "
    "handsome tattoo tattoos tattooed cheekbones jawline eyebrows eyelashes lipstick makeup tanned blue-eyed "
    "green-eyed "
    "brown-eyed clean-shaven dimples physique curvy well-built broad-shouldered middle-aged teenaged scar scarred "
    "pale-skinned dark-skinned unshaven good-looking silver-haired white-haired red-haired black-haired long-haired "
    "short-haired curly-haired".split())
OF_PEOPLE = frozenset(
    "tall short fat thin old young elderly aged beautiful pretty attractive ugly gorgeous lovely cute strong-looking "
    "pale tanned weathered wiry burly heavyset youthful ageing aging graceful-looking teenage".split())
"""Adjectives that speak of looks where they stand before a person."""
_PERSONS = PEOPLE | MALE | FEMALE | frozenset("men women children ladies kids face figure".split())

_ADJ = r"(?:[\w-]+,?\s+){0,4}?"
_VERBS = frozenset("wearing wears wore clad attired garbed dressed".split())
_CLOTH = "|".join(sorted((re.escape(word) for word in CLOTHES - _VERBS), key=len, reverse=True))
_LOOK = "|".join(sorted((re.escape(w) for w in LOOKS), key=len, reverse=True))
_END = r"(?=\s*(?:[,.;:!?—–)]|$|\s(?:and|as|while|who|that|which|walks?|stands?|in\s(?:a|an|the)|on|at|near|by|under|"
_END += r"through|across|beside|inside|into|over|behind|before|during|from|to)\b))"
_WEARING = re.compile(
    rf"(?P<c>,\s*)?(?:\b(?:who|that)\s+(?:is|are|was)\s+)?(?:\band\s+)?\b(?:(?:is|are|was|were)\s+)?(?:wearing|wears|wore|"
    rf"dressed(?:\s+up)?(?:\s+(?:in|as))?|clad\s+in|attired\s+in|garbed\s+in)\s+[^,.;:!?—–]*?{_END}"
    rf"(?(c)(?:\s*,)?|)", re.IGNORECASE)
_IN_CLOTHES = re.compile(
    rf"(?P<c>,\s*)?\b(?:with|in|under)\s+(?:(?:a|an|the|his|her|their|its)\s+)?{_ADJ}"
    rf"(?:{_CLOTH}|{_LOOK})(?:\s+(?:{_CLOTH}|{_LOOK}))*\b(?!\s+of\b)"
    rf"(?:\s+(?:and|or)\s+(?:(?:a|an|the|his|her|their)\s+)?{_ADJ}(?:{_CLOTH}|{_LOOK})\b)*"
    r"(?(c)(?:\s*,)?|)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*", re.UNICODE)


def looks_in(text: str, allowed: Collection[str] = ()) -> tuple[str, ...]:
    """The words of clothing and looks in a text, in lower case and in order; `allowed` words are not among them."""
    words = [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]
    found = [word for at, word in enumerate(words) if word not in allowed and (
        _named(word) or (word in OF_PEOPLE and _before_person(words, at)))]
    return tuple(dict.fromkeys(found))


def allowed_by(story: str) -> frozenset[str]:
    """Clothes that a story is about: those that it names other than as worn by somebody."""
    left = _IN_CLOTHES.sub(" ", _WEARING.sub(" ", story))
    return frozenset(word for word in looks_in(left) if word in CLOTHES and word not in _WORN)


_WORN = _VERBS | frozenset("outfit outfits attire wardrobe".split())


def without_looks(text: str, allowed: Collection[str] = ()) -> str:
    """The text without clothing and looks; where they cannot be cut out, without their part of the sentence.

    May be empty. `looks_in(without_looks(text, a), a)` always is.
    """
    if not looks_in(text, allowed):
        return text
    for pattern in (_WEARING, _IN_CLOTHES):
        text = pattern.sub(lambda found: found.group() if not looks_in(found.group(), allowed) else "", text)
    text = _without_adjectives(text, allowed)
    if looks_in(text, allowed):
        parts = re.split(r"(?<=[,.;:!?—–])\s+", text)
        text = " ".join(part for part in parts if not looks_in(part, allowed))
    for _ in range(4):  # what joins parts may make a word anew
        left = looks_in(text, allowed)
        if not left:
            break
        text = re.sub(rf"(?<![\w'’-])(?:{'|'.join(re.escape(w) for w in left)})(?![\w'’-])", " ",
                      text.replace("’", "'"), flags=re.IGNORECASE)
    if looks_in(text, allowed):
        return ""
    return tidied(text)


def tidied(text: str) -> str:
    """Single spaces, no doubled or dangling commas, a capital where a sentence begins as before."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", text)
    text = re.sub(r"[,;:]+\s*([.!?])", r"\1", text).lstrip(" ,;:.!?")
    text = re.sub(r"\b(an?)\s+([^\W\d_])", lambda m: f"{_article(m.group(1), m.group(2))} {m.group(2)}", text)
    return text.rstrip(" ,;:")


def _article(article: str, letter: str) -> str:
    """"a" or "an" before a letter; only "an" before a consonant and "a" before a vowel are touched, "u" never."""
    if letter.lower() in "aeio":
        made = "an"
    elif letter.lower() in "uh":
        return article
    else:
        made = "a"
    return made.capitalize() if article[0].isupper() else made


def _without_adjectives(text: str, allowed: Collection[str]) -> str:
    """Without the adjectives of looks, wherever they stand before a person."""
    for _ in range(6):
        matches = list(_WORD.finditer(text))
        words = [match.group().lower().replace("’", "'") for match in matches]
        at = next((i for i, word in enumerate(words) if word not in allowed and (
            (word in OF_PEOPLE and _before_person(words, i)) or (word in LOOKS and word.endswith(("ed", "some", "ar",
             "im", "er", "by", "ump", "cky", "nky", "ite", "ing", "ald", "ond", "onde", "ette", "ooking"))
             and _before_person(words, i)))), None)
        if at is None:
            return text
        start, end = matches[at].span()
        text = text[:start] + re.sub(r"\A(?:\s*,\s*(?:and\s+)?|\s+and\s+(?=[^\W\d_]+\s))?\s*", "", text[end:])
    return text


def _named(word: str) -> bool:
    return word in CLOTHES or word in LOOKS


def _before_person(words: list[str], at: int) -> bool:
    """Whether a person follows within three words, with nothing but adjectives between."""
    for word in words[at + 1:at + 4]:
        base = word.removesuffix("'s")
        if base in _PERSONS or base.rstrip("s") in _PERSONS or "_" in base:
            return True
        if word in _STOPS or base in ANIMALS:
            return False
    return False


_STOPS = frozenset("the a an of in on at to and from with by for his her its their is are was were who that".split())
