"""Cues: short statements that the documents make about a question, each with its source and page.

A cue is a sentence of a chunk, shortened only by leaving words out, so that each of its words stands in the source in
the same order. Sentences that point elsewhere ("This is why ...", "see Section 3") or are code say nothing alone.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

import numpy as np

from .lexical import words_of
from .retrieve import Answer, Hit, Retriever
from .sentences import sentences_of

MIN_WORDS, MAX_WORDS = 5, 30
_BRACKETS = re.compile(r"\s+(?:\([^()]*\)|\[[^\[\]]*\])")
_OPENING = re.compile(r"^(?:however|therefore|thus|hence|moreover|furthermore|in addition|in particular|for example|"
                      r"for instance|in fact|of course|as a result|consequently|also|finally|similarly|in general|"
                      r"on the other hand|nevertheless|indeed|note that|note also that|recall that)\b,?\s+", re.I)
_ASIDE = re.compile(r",\s+(?:which|where|although|though|whereas|as discussed|as described|as mentioned|see|and so)\b"
                    r"[^,]*(?=\.$)")
_POINTING = re.compile(r"^(?:(?:because of|in|for|at|to|from|with) (?:this|these|that|such|it)|this|these|"
                       r"that|those|it|its|they|their|he|she|such|here|there it|then|so|but|and|or|"
                       r"the (?:above|following|former|latter|previous|next|same)|see|both|another|other)\b", re.I)
_ELSEWHERE = re.compile(r"\b(?:see (?:section|chapter|page|figure|also|appendix|below)|"
                        r"(?:as|the) (?:follows|following|above|below)|section \d|chapter \d|"
                        r"\[[^\]]*page|listed below|shown above)\b|:$", re.I)
_VERB = re.compile(r"\b(?:is|are|was|were|be|has|have|had|can|may|must|will|does|do|gives?|returns?|takes?|makes?|"
                   r"uses?|means?|allows?|contains?|produces?|provides?|defines?|shows?|sets?|\w{3,}(?:es|ed|s))\b")
_CODE = re.compile(r"<-|^>|\s>\s|[{}\\#|]|%\S+%|\$ |==|--\w")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Cue:
    """`text` stands in `source` on `page` (to `page_to`, where its chunk crosses pages); `score` 0 to 1."""

    text: str
    source: str
    page: int
    page_to: int
    score: float
    chunk: str

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def find_cues(retriever: Retriever, question: str, count: int = 6, *, top: int = 6) -> list[Cue]:
    """At most `count` cues on a question, the most telling first; none where the documents say nothing."""
    return cues_of(retriever, retriever.search(question, top), count)


def cues_of(retriever: Retriever, answer: Answer, count: int = 6) -> list[Cue]:
    """Cues from the hits of an answer."""
    found: dict[str, Hit] = {}
    for hit in answer.hits:
        for sentence in sentences_of(hit.chunk.text):
            text = condensed(sentence)
            if telling(text) and grounded(text, hit.chunk.text):
                found.setdefault(text, hit)
    if not found:
        return []
    texts = list(found)
    vectors = retriever.embedder.embed([answer.query, *texts])
    worth = vectors[1:] @ vectors[0] + 0.2 * _coverage(answer.query, texts)
    worth += 0.2 * np.array([found[text].score for text in texts], np.float32)
    cues = []
    for place in _unlike(worth, vectors[1:], count):
        hit = found[texts[place]]
        cues.append(Cue(texts[place], hit.chunk.source, hit.chunk.page_from, hit.chunk.page_to,
                        round(float(min(max(worth[place], 0), 1)), 4), hit.chunk.id))
    return cues


def condensed(sentence: str) -> str:
    """The sentence without brackets, opening phrase and closing aside. Words are left out, never changed."""
    text = _BRACKETS.sub("", sentence.strip())
    text = _OPENING.sub("", text)
    if len(text.split()) > 16:
        text = _ASIDE.sub("", text)
    text = re.sub(r"\s+([,.;:])(?=\s|$)", r"\1", " ".join(text.split()))
    return text[:1].upper() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def telling(text: str) -> bool:
    """Whether a sentence states something by itself: a length, a verb, an end, no code, no pointing elsewhere."""
    words = text.split()
    if not MIN_WORDS <= len(words) <= MAX_WORDS or not text.endswith((".", "!")):
        return False
    if not text[0].isalpha() or _POINTING.search(text) or _ELSEWHERE.search(text) or _CODE.search(text):
        return False
    if not _VERB.search(text):
        return False
    letters = sum(letter.isalpha() or letter in " ,.'’-" for letter in text)
    return letters >= 0.9 * len(text)


def grounded(cue: str, passage: str) -> bool:
    """Whether the cue's words stand in the passage in the same order, others left out between them."""
    words = iter(_WORD.findall(passage.lower()))
    return all(any(word == other for other in words) for word in _WORD.findall(cue.lower()))


def _coverage(question: str, texts: list[str]) -> np.ndarray:
    asked = set(words_of(question))
    return np.array([len(asked & set(words_of(text))) / max(len(asked), 1) for text in texts], np.float32)


def _unlike(worth: np.ndarray, vectors: np.ndarray, count: int) -> list[int]:
    """The best, passing over what says the same as one before; one with little to do with the question is left out."""
    chosen: list[int] = []
    for place in np.argsort(-worth, kind="stable"):
        if len(chosen) == count or worth[place] < 0.6 * worth.max():
            break
        if all(vectors[place] @ vectors[other] < 0.85 for other in chosen):
            chosen.append(int(place))
    return chosen
