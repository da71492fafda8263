"""Plain-text analysis by rules: sentences, key terms, and the links between terms that a sentence states.

Everything returned is cut from the text; nothing is added. English rules; other languages fall back to whole
sentences and to runs of words. Imports nothing heavy.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

STOP = frozenset("""
a an the this that these those some any each every no such its their his her our my your one both all most many much
more few several other another own same i me we us you he him she it they them who whom which what whose there here
and or but nor so yet if then than because although though while whereas when where why how as until unless since of
in on at by for with from to into onto over under between among through during before after about against within
without across along around behind beyond near per up down out off above below toward towards via upon like is are was
were be been being am do does did done doing has have had having can could will would shall should may might must not
also only very just too even still again once ever never always often usually sometimes mostly itself themselves
himself herself ourselves etc vs versus however therefore thus hence moreover besides instead first firstly second
secondly third next finally lastly later now today
""".split())

_DETERMINERS = frozenset("a an the this that these those some any each every its their his her our my your".split())
_PREPOSITIONS = frozenset("""of in on at by for with from to into onto over under between among through during before
after about against within without across along around behind beyond near per up down out off above below toward
towards via upon like as than because""".split())
_JOINERS = frozenset(("and", "or", ",", "&"))

_VERB_STEMS = """
absorb accelerate achieve act add affect aid allow amplify appear apply approach ask attach attack attract avoid
balance bake bark base become begin behave belong bend bind block boil borrow break bring build burn buy calculate
call carry cast catch cause change charge choose circulate clean climb close collect combine come compare compete
compress compute conduct connect consist construct consume contain contract continue contribute control converge
convert cook cool copy correct count cover crash create cross cut damage decide declare decrease define deliver depend
descend describe destroy detect determine develop die differ diffuse digest direct discover dissolve divide dominate
draw drink drive drop eat emit employ enable encode end enter erode erupt escape establish evaporate evolve exchange
exist expand explain express extend extract fall feed feel fight fill filter find fix float flow fly focus fold follow
force form freeze gain generate get give go govern graze grow happen hatch heat help hide hold hunt identify ignite
improve include increase induce influence inform inherit inhibit inject insert inspire invade invent invest involve
join jump keep kill know land lay lead learn leave let lie lift limit live lose lower maintain make manage mark match
mean measure meet melt merge mix move multiply need obey observe occur offer open operate orbit order organize
organise originate own oxidize pass pay penetrate perform permit play point possess pour precede predict press prevent
print process produce project promote protect prove provide publish pull pump push put raise reach react read receive
record reduce reflect regulate refuel reject relate relax release rely remain remove repeat repel replace represent
require resist respond result return reveal rise roll rotate rule run say scatter see seek sell send separate serve
set shape share shift shine show shrink sign sink sit skip sleep slide slow solve sort speak speed spin split spread
squeeze stand start stay stick stop store stretch strike study submerge supply support surround survive swim take talk
teach tell test think throw touch trace track trade train transfer transform translate transmit transport trap travel
trigger turn understand unite use vaporize vary vibrate visit wait walk wash watch wear weigh win work write yield
""".split()
_IRREGULAR = """
became began bent bound broke brought built burnt bought caught came cut drew drank drove ate fell fed felt fought
found flew froze got gave went grew held hid kept knew laid led learnt left let lay lost made meant met paid put read
rose ran said saw sought sold sent set shone shook shot shrank sank sat slept slid spoke spent spun split spread stood
stuck struck swam took taught told thought threw understood wore won wrote written taken given known shown grown drawn
broken chosen driven eaten fallen flown frozen risen seen spoken thrown worn made held
""".split()


def _inflected(stem: str) -> Iterable[str]:
    yield stem
    if stem.endswith("e"):
        yield from (stem + "s", stem + "d", stem[:-1] + "ing")
    elif stem.endswith(("s", "x", "ch", "sh", "z", "o")):
        yield from (stem + "es", stem + "ed", stem + "ing")
    elif stem.endswith("y") and stem[-2] not in "aeiou":
        yield from (stem[:-1] + "ies", stem[:-1] + "ied", stem + "ing")
    else:
        yield from (stem + "s", stem + "ed", stem + "ing", stem + stem[-1] + "ed", stem + stem[-1] + "ing")


VERBS = frozenset(form for stem in _VERB_STEMS for form in _inflected(stem)) | frozenset(_IRREGULAR)
AUXILIARIES = frozenset("""
is are was were be been being am do does did has have had having can could will would shall should may might must not
also never always often usually
""".split())
MAYBE_NOUN = frozenset("""
act acts aid attack attacks balance base change changes charge charges cause causes control cook cooks copy cover
cross cut cuts damage drink drinks drive drop drops end ends exchange fall feed feeling filter fight find fix flow
flows fly flies focus force forces form forms freeze gain heat help hold hunt influence increase invest land lead
leave leaves limit limits live lives lower mark marks match mean means measure measures move need needs offer orbit
orbits order orders own pass pay play point points pour press print process processes project projects pull pump pumps
push raise reach record records result results return rise rule rules run runs set sets shape shapes share shares
shift shifts show shows sign signs sleep slide sort split spread stand start starts stay stick stop store stores study
studies supply support supports test tests think touch trace track tracks trade train trains transfer transport trap
travel trigger turn turns use uses visit visits walk wash watch wear work works yield light cooling building buildings
learning training meaning beginning being understanding heating processing cooking reading writing boiling moving
growing running open close clean cool slow speed sink stretch strike squeeze roll rotate born
""".split())

_ABBREVIATIONS = frozenset("""e.g i.e dr mr mrs ms prof st vs etc fig eq approx no vol jr sr al cf ca dept inc ltd
u.s u.k a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec pp ed""".split())
_ENDING = re.compile(r"([.!?…]+[\"'”’)\]]*)(?=\s)|([。！？]+)")
_LIST_MARK = re.compile(r"^\s*(?:\(?\d{1,3}[.)]|[-*•–])\s+")
_TOKEN = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*%?|[^\s\w]|_")


def squash(text: str) -> str:
    """Single spaces, no control characters."""
    return " ".join("".join(c if c.isprintable() or c in "\u200d\u200c\ufe0f" else " " for c in text).split())


def split_sentences(text: str) -> list[str]:
    """Sentences in order; line breaks before list marks and blank lines also end one."""
    out: list[str] = []
    for block in _blocks(text):
        start = 0
        for found in _ENDING.finditer(block):
            head = block[start:found.end()]
            rest = block[found.end():].lstrip()
            if found.group(1) and not _ends(head, rest):
                continue
            if head.strip():
                out.append(squash(head))
            start = found.end()
        if block[start:].strip():
            out.append(squash(block[start:]))
    return [sentence for sentence in out if sentence]


def _blocks(text: str) -> list[str]:
    """Paragraphs, with each list line by itself; lines of one paragraph are joined."""
    blocks: list[str] = []
    fresh = True
    for line in text.splitlines():
        if not line.strip():
            fresh = True
            continue
        if fresh or _LIST_MARK.match(line) or _LIST_MARK.match(blocks[-1]) or len(blocks[-1]) < 40:
            blocks.append(line)
        else:
            blocks[-1] += " " + line.strip()
        fresh = False
    return blocks


def _ends(head: str, rest: str) -> bool:
    """Whether the stop at the end of `head` closes a sentence, given what follows."""
    if not rest:
        return True
    if rest[0].islower():
        return False
    last = head.rstrip("\"'”’)]").rsplit(None, 1)[-1]
    if not last.endswith(".") or last.endswith(("..", "…")):
        return True
    word = last[:-1].lower().lstrip("(")
    if re.fullmatch(r"\d{1,3}", word) and head.strip() == last:
        return False  # "1. Mix": a list mark
    return word not in _ABBREVIATIONS and not re.fullmatch(r"[^\W\d_]", word)


def words(text: str) -> list[str]:
    """Word tokens in lower case."""
    return [token.lower() for token in _TOKEN.findall(text) if token[0].isalnum()]


_INSTRUCTION = re.compile(
    r"^\s*(?:(?:please|can you|could you|i want(?: you to)?|i'd like(?: you to)?|let'?s|help me(?: to)?)\s+)*"
    r"(?:(?:explain|describe|show|illustrate|visuali[sz]e|animate|demonstrate|teach|present|make|create|generate|draw|"
    r"produce|give|write|tell)\b\s*(?:me|us|to me|people)?\s*)?"
    r"(?:(?:an?|the|some)?\s*(?:\w+\s+){0,2}?(?:video|animation|lecture|lesson|explainer|film|clip|introduction|"
    r"presentation|tutorial|overview|explanation|diagram)s?\s+(?:about|on|of|to|that (?:explains|shows)|explaining|"
    r"showing|for)\s+)?(?:(?:about|the (?:concept|idea|topic|notion) of)\s+)?", re.I)

def strip_instruction(text: str) -> str:
    """The topic without "explain how", "make a video about" and the like; the whole text if nothing were left."""
    line = squash(text)
    found = _INSTRUCTION.match(line)
    rest = line[found.end():].strip(" :,-") if found else line
    return rest if len(words(rest)) > 0 else line


_ASKED = re.compile(r"what\s+(?:(?:is|are|was|were)\s+(?:(?:an?|the)\s+)?(?P<last>.+)|"
                    r"(?:(?:an?|the)\s+)?(?P<first>.+?)\s+(?:is|are|was|were))", re.I)


def asked_term(topic: str) -> str:
    """ "closure" of "What is a closure?" and "what a closure is"; any other text as it is."""
    found = _ASKED.fullmatch(squash(topic).rstrip(" .?!"))
    return (found.group("last") or found.group("first")) if found else topic


@dataclass(frozen=True)
class Link:
    """Two terms and the words that stand between them in the text."""

    a: str
    label: str
    b: str


def term_key(term: str) -> str:
    """Terms with one key are one term: case and a plural s do not count."""
    parts = term.lower().split()
    last = parts[-1] if parts else ""
    if len(last) > 4 and last.endswith("ies"):
        last = last[:-3] + "y"
    elif len(last) > 3 and last.endswith("s") and not last.endswith(("ss", "us", "is")):
        last = last[:-1]
    return " ".join([*parts[:-1], last])


@dataclass(frozen=True)
class _Chunk:
    """`kind` is t (term), v (linking words), j (and, or, comma) or x (a break)."""

    kind: str
    text: str


def _is_verb(tokens: list[str], i: int, term: list[str]) -> bool:
    """Whether token `i` works as a verb here; words that are also nouns need a term before and more after."""
    word = tokens[i].lower()
    if word not in VERBS:
        return False
    before = tokens[i - 1].lower() if i else ""
    if before in _DETERMINERS or before in ("of", "in", "by", "for", "with", "from", "more", "its"):
        return word not in MAYBE_NOUN and not word.endswith(("ed", "ing")) and before not in _DETERMINERS
    after = tokens[i + 1].lower() if i + 1 < len(tokens) else ""
    if before in ("and", ",", "then") and i > 2 and not term and after:
        if word.endswith("ed"):
            return after in _PREPOSITIONS or after in _DETERMINERS
        if word in MAYBE_NOUN:
            return word.endswith("s") and (after in _DETERMINERS or (after.isalnum() and after not in STOP))
    if word.endswith("ing") and after and after[0].isalnum() and not term and before not in AUXILIARIES:
        return after in _DETERMINERS
    if word.endswith("ed") and not term and before not in AUXILIARIES:
        return False
    if word in MAYBE_NOUN:
        return bool(term) and bool(after) and (after in _DETERMINERS or after in _PREPOSITIONS or after.isalnum())
    return bool(term) or before in AUXILIARIES or before in ("to", "which", "that", "who", "and", "then", ",", "it",
                                                              "they", "we", "you", "not")


def _chunks(sentence: str) -> list[_Chunk]:
    tokens = _TOKEN.findall(sentence)
    out: list[_Chunk] = []
    term: list[str] = []
    verb: list[str] = []

    def close_term() -> None:
        if term:
            out.append(_Chunk("t", " ".join(term)))
            term.clear()

    def close_verb() -> None:
        if verb:
            out.append(_Chunk("v", " ".join(verb)))
            verb.clear()

    for i, token in enumerate(tokens):
        low = token.lower()
        if low in _JOINERS:
            close_term()
            close_verb()
            out.append(_Chunk("j", token))
        elif not token[0].isalnum():
            if token in "'’\"“”*`\u200d\ufe0f" or unicodedata.category(token) in ("So", "Sk"):
                continue
            close_term()
            close_verb()
            out.append(_Chunk("c" if token == ":" else "x", token))
        elif low in _DETERMINERS:
            close_term()
        elif low in _PREPOSITIONS or low in AUXILIARIES or low in ("which", "that", "who", "where", "when"):
            close_term()
            verb.append(token)
        elif verb and low in ("it", "them", "him", "us"):
            verb.append(token)
        elif low in STOP:
            close_term()
            close_verb()
            out.append(_Chunk("x", token))
        elif _is_verb(tokens, i, term or ([out[-1].text] if out and out[-1].kind == "t" and not verb else [])):
            close_term()
            verb.append(token)
        else:
            close_verb()
            term.append(token)
            if len(term) == 5:
                close_term()
    close_term()
    close_verb()
    return out


def links(sentence: str) -> list[Link]:
    """The links that a sentence states, in its own words: "Leaves absorb light and water" gives two from Leaves."""
    found: list[Link] = []
    sources: list[str] = []
    label: str | None = None
    targets: list[str] = []
    joined = False
    for chunk in _chunks(sentence):
        if chunk.kind == "t":
            if label is None:
                sources = [*sources, chunk.text] if joined else [chunk.text]
            elif targets and not joined:
                sources, label, targets = [chunk.text], None, []
            else:
                found.extend(Link(source, label, chunk.text) for source in sources[-3:])
                targets.append(chunk.text)
            joined = False
        elif chunk.kind in "vc":
            text = "" if chunk.kind == "c" else chunk.text
            if targets:
                relative = not joined or text.lower().startswith(("which", "where", "who", "that"))
                sources, targets = ([targets[-1]] if relative else sources), []
                label = text
            elif sources:
                label = f"{label} {text}".strip() if label else text
            joined = False
        elif chunk.kind == "j":
            joined = True
        else:
            sources, label, targets, joined = [], None, [], False
    return [link for link in found if term_key(link.a) != term_key(link.b) and len(link.label) <= 40]


def key_terms(text: str, most: int = 12) -> list[str]:
    """Key terms, best first: degree over frequency of their words (as in RAKE), times how often the term stands."""
    phrases = [chunk.text for sentence in split_sentences(text) for chunk in _chunks(sentence) if chunk.kind == "t"]
    frequency: Counter[str] = Counter()
    degree: Counter[str] = Counter()
    for phrase in phrases:
        parts = phrase.lower().split()
        for part in parts:
            frequency[part] += 1
            degree[part] += len(parts)
    shown: dict[str, str] = {}
    count: Counter[str] = Counter()
    for phrase in phrases:
        key = term_key(phrase)
        shown.setdefault(key, phrase)
        count[key] += 1

    def score(key: str) -> float:
        parts = shown[key].lower().split()
        return sum(degree[part] / frequency[part] for part in parts) ** 0.5 * count[key]

    order = list(shown)
    best = sorted(order, key=lambda key: (-score(key), order.index(key)))
    return [shown[key] for key in best if any(c.isalpha() for c in shown[key])][:most]
