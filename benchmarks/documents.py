"""What searching documents costs and finds.

    ./run.sh benchmarks/documents.py embedding --chunks FILE [--limit N]  passages/s against plain SentenceTransformer
    ./run.sh benchmarks/documents.py latency [--sizes 100000,1000000]        seconds a question over made-up vectors
    ./run.sh benchmarks/documents.py retrieval --chunks FILE [FILE ...]      hit@3, MRR, silence and cues, book by book

The books of `documents_questions.py` are Debian's (`apt-get download r-doc-pdf gnuplot-doc`); make their chunks with
`chunk-book --input R-intro.pdf --output R-intro.jsonl`. Semantic and lexical are what `ours` is made of, alone. In
`latency`, a question's vector is given: reading it with the text model comes on top and is printed by itself.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from documents_questions import OFF_TOPIC, OFF_TOPIC_FRESH, OFF_TOPIC_TUNING, QUESTIONS

from wgp_core.documents.cues import find_cues, grounded
from wgp_core.documents.encoder import PassageEncoder, fast_precision
from wgp_core.documents.index import Index, _sketch
from wgp_core.documents.lexical import Postings
from wgp_core.documents.retrieve import Retriever, find_embedder, open_retriever
from wgp_core.documents.types import Chunk, read_chunks
from wgp_core.paths import build_paths


def embedding(file: Path, limit: int, rounds: int) -> None:
    """Ours and the plain one in turns, the best of each, and the least cosine between them."""
    from sentence_transformers import SentenceTransformer

    texts = [chunk.text for chunk in read_chunks(file)][:limit]
    embedder = find_embedder(build_paths().ckpts)
    ours, plain = PassageEncoder(embedder), SentenceTransformer(str(embedder.folder), device="cpu")
    ours.encode([*texts, *texts][:64])
    plain.encode(texts[:8])
    seconds: dict[str, list[float]] = {"plain": [], "ours": []}
    vectors: dict[str, np.ndarray] = {}
    runs: dict[str, Callable[[], np.ndarray]] = {
        "plain": lambda: np.asarray(plain.encode(texts, show_progress_bar=False)), "ours": lambda: ours.encode(texts)}
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            vectors[name] = run()
            seconds[name].append(time.perf_counter() - began)
    rate = {name: len(texts) / min(taken) for name, taken in seconds.items()}
    cosine = (vectors["plain"] * vectors["ours"]).sum(axis=1).min()
    print(f"{len(texts)} passages, {fast_precision()}: plain {rate['plain']:.1f}/s, ours {rate['ours']:.1f}/s, "
          f"{rate['ours'] / rate['plain']:.2f}x, least cosine {cosine:.5f}")


def latency(sizes: Iterable[int], questions: int) -> None:
    """Vectors around random centres with a falling spectrum; words drawn by Zipf's law, 60 different ones a chunk."""
    embedder = find_embedder(build_paths().ckpts)
    embedder.embed(["warm"])
    reading = []
    for question in OFF_TOPIC:
        began = time.perf_counter()
        embedder.embed([question])
        reading.append(1000 * (time.perf_counter() - began))
    print(f"a question's vector: median {statistics.median(reading):.1f} ms")
    for count in sizes:
        index = synthetic(count)
        chunk = Chunk.make("word " * 60, source="none", page_from=1, page_to=1)
        retriever = Retriever(_Same(chunk, count), index, embedder)
        random = np.random.default_rng(2)
        taken, found = [], 0
        for number in range(questions + 3):
            vector = index.vectors[int(random.integers(count))].astype(np.float32)
            vector = vector + 0.03 * random.normal(size=384).astype(np.float32)
            vector /= np.linalg.norm(vector)
            text = " ".join(f"w{int(word)}" for word in random.integers(20, 3000, 5))
            began = time.perf_counter()
            retriever.search_vector(text, vector)
            if number >= 3:
                taken.append(1000 * (time.perf_counter() - began))
            if number < 10:
                found += _recall(index, vector)
        taken.sort()
        size = sum(a.nbytes for a in (index.vectors, index.sketch, index.postings.rows, index.postings.weights)) / 2**20
        print(f"{count:,} chunks: median {statistics.median(taken):.1f} ms, p95 {taken[int(0.95 * len(taken))]:.1f} ms"
              f", {size:.0f} MB of arrays, nearest 24 found {found / 240:.3f}", flush=True)


class _Same(list[Chunk]):
    """A list of one chunk so many times, without the memory."""

    def __init__(self, chunk: Chunk, count: int) -> None:
        super().__init__([chunk])
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place):  # type: ignore[override]
        return super().__getitem__(0)


def _recall(index: Index, vector: np.ndarray) -> int:
    cosines = np.concatenate([index.vectors[start:start + 50_000].astype(np.float32) @ vector
                              for start in range(0, index.count, 50_000)])
    return len(set(np.argsort(-cosines)[:24].tolist()) & set(index.nearest(vector, 24)[0].tolist()))


def synthetic(count: int) -> Index:
    random = np.random.default_rng(1)
    spectrum = (np.arange(1, 385) ** -0.5).astype(np.float32)
    centres = random.normal(size=(2000, 384)).astype(np.float32) * spectrum
    vectors = np.empty((count, 384), np.float16)
    for start in range(0, count, 50_000):
        size = min(50_000, count - start)
        part = centres[random.integers(0, 2000, size)]
        part += 0.5 * random.standard_normal((size, 384), dtype=np.float32) * spectrum
        vectors[start:start + size] = part / np.linalg.norm(part, axis=1, keepdims=True)
    rotation, sketch = _sketch(vectors)
    words = np.minimum(random.zipf(1.3, count * 60), 50_000).astype(np.int64) - 1
    pairs = np.unique(words * count + np.repeat(np.arange(count), 60))
    terms, rows = np.divmod(pairs, count)
    starts = np.zeros(50_001, np.int64)
    np.cumsum(np.bincount(terms, minlength=50_000), out=starts[1:])
    names = np.frombuffer("\n".join(f"w{word}" for word in range(50_000)).encode(), np.uint8)
    postings = Postings(count, names, starts, rows.astype(np.int32), np.full(len(rows), 120, np.uint8))
    return Index({}, np.zeros(count, "S1"), vectors, rotation, sketch, np.zeros(1, np.float32), postings)


def retrieval(files: Iterable[Path], show: bool) -> None:
    print("| book | way | questions | hit@3 | MRR |\n|---|---|---|---|---|")
    for file in files:
        retriever = open_retriever(file, build_paths().ckpts)
        asked = QUESTIONS[f"{file.stem}.pdf"]
        vectors = retriever.embedder.embed([question for question, _, _ in asked])
        everything = retriever.index.vectors.astype(np.float32)
        ways: dict[str, Callable[[str, np.ndarray], list[Chunk]]] = {
            "semantic": lambda _q, v, r=retriever, e=everything: _best(r, e @ v),
            "lexical": lambda q, _v, r=retriever: _best(r, r.index.postings.scores(q)),
            "ours": lambda q, v, r=retriever: [hit.chunk for hit in r.search_vector(q, v, 10).hits]}
        for name, way in ways.items():
            ranks = [_rank(way(question, vector), first, last)
                     for (question, first, last), vector in zip(asked, vectors, strict=True)]
            hits = sum(0 < rank <= 3 for rank in ranks) / len(ranks)
            print(f"| {file.stem} | {name} | {len(ranks)} | {hits:.3f} | "
                  f"{statistics.mean(1 / rank if rank else 0 for rank in ranks):.3f} |")
            if show and name == "ours":
                _show_misses(retriever, asked, ranks)
        _silence(retriever, file.stem)
        _cues(retriever, file.stem, show)


def _best(retriever: Retriever, scores: np.ndarray) -> list[Chunk]:
    return [retriever.chunks[row] for row in np.argsort(-scores, kind="stable")[:10] if scores[row] > 0]


def _rank(chunks: list[Chunk], first: int, last: int) -> int:
    """The place of the first chunk that touches the pages, from 1; 0 where there is none."""
    return next((n for n, chunk in enumerate(chunks, 1) if chunk.page_from <= last and chunk.page_to >= first), 0)


def _show_misses(retriever: Retriever, asked: tuple[tuple[str, int, int], ...], ranks: list[int]) -> None:
    for (question, first, last), rank in zip(asked, ranks, strict=True):
        if not 0 < rank <= 3:
            pages = [hit.chunk.page_from for hit in retriever.search(question).hits]
            print(f"  - {question}: {first}-{last}, found {pages}")


def _silence(retriever: Retriever, book: str) -> None:
    for name, questions in (("tuning", OFF_TOPIC_TUNING), ("once looked at", OFF_TOPIC), ("fresh", OFF_TOPIC_FRESH)):
        answered = [question for question in questions if not retriever.search(question).silent]
        print(f"{book}, off topic, {name}: {len(questions) - len(answered)} of {len(questions)} silent; {answered}")
    own = [question for question, _, _ in QUESTIONS[f"{book}.pdf"]]
    wrong = [question for question in own if retriever.search(question).silent]
    print(f"{book}, its own questions: {len(own) - len(wrong)} of {len(own)} answered; {wrong}")


def _cues(retriever: Retriever, book: str, show: bool) -> None:
    texts = {chunk.id: chunk.text for chunk in retriever.chunks}
    cues = [(question, cue) for question, _, _ in QUESTIONS[f"{book}.pdf"] for cue in find_cues(retriever, question)]
    good = sum(grounded(cue.text, texts[cue.chunk]) for _, cue in cues)
    print(f"{book}: {len(cues)} cues, {good} with all words in their passage, in order; "
          f"{len({question for question, _ in cues})} of {len(QUESTIONS[f'{book}.pdf'])} questions have one")
    if show:
        for question, cue in cues[::5]:
            print(f"  - {question} -> p. {cue.page}: {cue.text}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("embedding", "latency", "retrieval"))
    parser.add_argument("--chunks", type=Path, nargs="+", default=[])
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="100000,1000000")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--show", action="store_true", help="print what was missed and some cues")
    options = parser.parse_args()
    if options.part != "latency" and not options.chunks:
        parser.error("--chunks is needed")
    if options.part == "embedding":
        embedding(options.chunks[0], options.limit, options.rounds)
    elif options.part == "latency":
        latency([int(size) for size in options.sizes.split(",")], options.questions)
    else:
        retrieval(options.chunks, options.show)


if __name__ == "__main__":
    main()
