"""Search in a small set of chunks with the real text model: what is found, what is silent, what is kept on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wgp_core.documents import index as index_module
from wgp_core.documents.cues import condensed, find_cues, grounded, telling
from wgp_core.documents.encoder import PassageEncoder, fast_precision
from wgp_core.documents.index import mapped_arrays, read_index, refresh_index
from wgp_core.documents.lexical import Postings, words_of
from wgp_core.documents.retrieve import RetrievalOptions, Retriever, open_retriever
from wgp_core.documents.sentences import sentences_of
from wgp_core.documents.types import Chunk, ChunkFiles, DocumentError, as_json_lines
from wgp_core.errors import Cancelled
from wgp_core.events import CancelToken
from wgp_core.models.embedder import MiniLmEmbedder
from wgp_core.paths import PROGRAM_ROOT

PASSAGES = (
    "Gradient descent is a method that finds a minimum of a function. In each step it moves against the slope, and the "
    "learning rate sets how large the step is. With a large learning rate the method may diverge.",
    "A decision tree splits the data by one feature at a time. Each split is chosen so that the groups become purer, "
    "which is measured by the Gini impurity or by entropy. Deep trees fit noise (they overfit).",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen. It happens in the chloroplasts, whose "
    "green chlorophyll absorbs red and blue light and reflects the green.",
    "The function read.table reads a file in table format and creates a data frame from it. Its argument header says "
    "whether the first line holds the names of the variables.",
    "Mitosis is the division of a cell nucleus into two nuclei with the same chromosomes. It has four phases: "
    "prophase, metaphase, anaphase and telophase. The cell itself divides afterwards by cytokinesis.",
    "The Fourier transform writes a signal as a sum of sine waves. Each wave has a frequency, an amplitude and a "
    "phase. The fast algorithm of Cooley and Tukey takes n log n steps instead of n squared.",
    "Too short to stand alone.",
)


def chunks_of(*texts: str) -> list[Chunk]:
    return [Chunk.make(text, source="book.pdf", page_from=page, page_to=page) for page, text in enumerate(texts, 1)]


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    found = MiniLmEmbedder.find(Path("no-such-folder"))
    if found is None:
        pytest.skip("the text model is not installed")
    return found


@pytest.fixture
def chunk_file(tmp_path: Path) -> Path:
    path = tmp_path / "book_chunks.jsonl"
    path.write_text(as_json_lines(chunks_of(*PASSAGES)), encoding="utf-8")
    return path


@pytest.fixture
def retriever(chunk_file: Path, embedder: MiniLmEmbedder, tmp_path: Path) -> Retriever:
    return open_retriever(chunk_file, tmp_path)


@pytest.mark.parametrize(("question", "page"), [
    ("find the minimum of a function by going downhill", 1), ("how do plants make sugar", 3),
    ("read.table", 4), ("What are the phases of mitosis?", 5), ("how is a signal written as sine waves", 6),
])
def test_the_page_that_answers_comes_first(retriever: Retriever, question: str, page: int) -> None:
    hits = retriever.search(question).hits
    assert hits and hits[0].chunk.page_from == page
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.score >= 0.18 and hit.chunk.words >= 25 for hit in hits)


@pytest.mark.parametrize("question", ["Who won the world cup in 1998?", "cheap hotels in Barcelona", "", " ", "?!",
                                      "How do I repair a leaking tap?", "漢字", "xqzt vvkw"])
def test_other_questions_are_answered_with_silence(retriever: Retriever, question: str) -> None:
    assert retriever.search(question).silent


def test_a_context_is_whole_sentences_within_its_words(retriever: Retriever) -> None:
    context = retriever.context(retriever.search("gradient descent learning rate"))
    assert 5 <= len(context.split()) <= 80 and context.endswith(".")
    narrow = Retriever(retriever.chunks, retriever.index, retriever.embedder, RetrievalOptions(max_context_words=6))
    assert len(narrow.context(narrow.search("gradient descent")).split()) == 6


def test_a_repetition_gives_way_to_something_else(embedder: MiniLmEmbedder, tmp_path: Path) -> None:
    twice = chunks_of(PASSAGES[0], PASSAGES[0], PASSAGES[0].replace("large", "big"),
                      "A learning rate schedule makes the step of gradient descent smaller over time, so that training "
                      "first moves fast and then settles into a minimum of the loss function without jumping around.")
    index = refresh_index(tmp_path / "i.npz", twice, PassageEncoder(embedder))
    pages = {hit.chunk.page_from for hit in Retriever(twice, index, embedder).search("gradient descent step", 2).hits}
    assert 4 in pages


def test_cues_are_the_documents_own_words(retriever: Retriever) -> None:
    cues = find_cues(retriever, "What does gradient descent do?")
    assert cues and cues[0].page == 1 and cues[0].source == "book.pdf"
    texts = {chunk.id: chunk.text for chunk in retriever.chunks}
    assert all(grounded(cue.text, texts[cue.chunk]) for cue in cues)
    assert not find_cues(retriever, "cheap hotels in Barcelona")


def test_condensing_leaves_words_out_only() -> None:
    sentence = "However, the slope (see below) is followed by gradient descent in every step of the long loop, " \
               "which may take long."
    short = condensed(sentence)
    assert short == "The slope is followed by gradient descent in every step of the long loop."
    assert grounded(short, sentence) and not grounded("loop slope", sentence)
    assert condensed("It calls diag(k) in .onLoad here.") == "It calls diag(k) in .onLoad here."


@pytest.mark.parametrize(("text", "good"), [
    ("A decision tree splits the data by one feature at a time.", True), ("This is why the trees are deep.", False),
    ("Trees are described as follows in Section 3.", False), ("Is the tree deep or is it not?", False),
    ("x <- c(1, 2) is what makes it.", False), ("Too short.", False),
])
def test_sentences_that_say_nothing_alone_are_no_cues(text: str, good: bool) -> None:
    assert telling(text) is good


def test_sentences_end_where_they_should() -> None:
    assert sentences_of("Use it, e.g. Paris. See Fig. 3 of\nDr. Who. Done!") == [
        "Use it, e.g. Paris.", "See Fig. 3 of Dr. Who.", "Done!"]
    assert sentences_of("") == []


def test_words_have_one_form_and_names_stay_whole() -> None:
    assert set(words_of("plotting plots plotted plot")) == {"plot"}
    assert {"read.table", "read", "tabl"} <= set(words_of("The read.table()"))
    assert words_of("what is the") == []


def test_postings_give_the_formula_of_bm25() -> None:
    postings = Postings.build(["cat dog dog", "cat", "bird fish"])
    scores = postings.scores("dog")
    length = 3 / (6 / 3)
    expected = np.log(1 + (3 - 1 + 0.5) / 1.5) * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * length))
    assert scores == pytest.approx([expected, 0, 0], rel=0.01)
    assert not postings.scores("horse").any() and not Postings.build([]).scores("cat").size


def test_only_new_chunks_are_encoded_again(embedder: MiniLmEmbedder, tmp_path: Path) -> None:
    path, seen = tmp_path / "i.npz", []

    class Watched(PassageEncoder):
        def encode(self, texts, **options):  # type: ignore[override]
            seen.append(list(texts))
            return super().encode(texts, **options)

    refresh_index(path, chunks_of(*PASSAGES[:4]), Watched(embedder))
    before = path.read_bytes()
    refresh_index(path, chunks_of(*PASSAGES[:4]), Watched(embedder))
    assert len(seen) == 1 and path.read_bytes() == before
    index = refresh_index(path, chunks_of(*PASSAGES[:3], PASSAGES[5]), Watched(embedder))
    assert seen[1] == [PASSAGES[5]] and index.count == 4
    assert index.vectors[3].astype(np.float32) @ embedder.embed([PASSAGES[5]])[0] > 0.999


def test_a_cancelled_refresh_leaves_the_old_index(embedder: MiniLmEmbedder, tmp_path: Path) -> None:
    path, cancel = tmp_path / "i.npz", CancelToken()
    refresh_index(path, chunks_of(*PASSAGES[:2]), PassageEncoder(embedder))
    before = path.read_bytes()
    cancel.cancel()
    with pytest.raises(Cancelled):
        refresh_index(path, chunks_of(*PASSAGES), PassageEncoder(embedder), cancel=cancel)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_another_models_index_is_refused_by_name(chunk_file: Path, retriever: Retriever) -> None:
    path = ChunkFiles.beside(chunk_file).embeddings
    with pytest.raises(DocumentError, match=r"all-MiniLM-L6-v2.*other-model:1"):
        read_index(path, "other-model:1")


@pytest.mark.parametrize("damage", [lambda b: b"damaged", lambda b: b[:len(b) // 2], lambda b: b""])
def test_a_damaged_index_is_named(chunk_file: Path, retriever: Retriever, damage) -> None:
    path = ChunkFiles.beside(chunk_file).embeddings
    other = path.with_name("other.npz")
    other.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DocumentError, match=r"other\.npz cannot be read"):
        read_index(other, retriever.embedder.fingerprint)


def test_an_empty_set_is_silent(embedder: MiniLmEmbedder, tmp_path: Path) -> None:
    index = refresh_index(tmp_path / "i.npz", [], PassageEncoder(embedder))
    assert Retriever([], index, embedder).search("gradient descent").silent


def test_numpy_reads_the_file_too_and_arrays_are_aligned(chunk_file: Path, retriever: Retriever) -> None:
    path = ChunkFiles.beside(chunk_file).embeddings
    with np.load(path, allow_pickle=False) as loaded:
        for name, array in mapped_arrays(path).items():
            assert np.array_equal(loaded[name], array)
            assert not array.size or array.ctypes.data % 64 == 0


def test_large_sets_are_searched_by_a_sketch(embedder: MiniLmEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    centres = random.normal(size=(60, 384)) / np.arange(1, 385) ** 0.5
    vectors = centres[random.integers(0, 60, 6000)] + 0.3 * random.normal(size=(6000, 384)) / np.arange(1, 385) ** 0.5
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    monkeypatch.setattr(index_module, "SKETCH_FROM", 5000)
    rotation, sketch = index_module._sketch(vectors)
    assert sketch.shape == (6000, 96)
    index = index_module.Index({}, np.zeros(6000, "S4"), vectors, rotation, sketch, np.zeros(1), Postings.build([]))
    found = 0
    for row in range(0, 6000, 300):
        question = vectors[row].astype(np.float32)
        exact = np.argsort(-(vectors.astype(np.float32) @ question))[:24]
        found += len(set(exact) & set(index.nearest(question, 24)[0]))
    assert found >= 0.95 * 24 * 20


@pytest.mark.slow
def test_batches_of_passages_have_the_vectors_of_single_ones(embedder: MiniLmEmbedder) -> None:
    pytest.importorskip("sentence_transformers")
    texts = [" ".join(PASSAGES[i % 6].split()[:5 + 7 * i]) for i in range(40)]
    seen: list[tuple[int, int]] = []
    vectors = PassageEncoder(embedder).encode(texts, on_progress=lambda *count: seen.append(count))
    assert (vectors * embedder.embed(texts)).sum(axis=1).min() > 0.999
    assert seen[-1] == (40, 40) and fast_precision() in ("bfloat16", "float32")


def run_search(home: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wgp_core", "search", *arguments], capture_output=True, text=True,
                          input=text, cwd=PROGRAM_ROOT, check=False)


def test_the_command_line_prints_one_object_a_question(chunk_file: Path, embedder: MiniLmEmbedder,
                                                      tmp_path: Path) -> None:
    done = run_search(tmp_path, "--chunks", str(chunk_file), "--batch", "-", "--json", "--top", "2",
                      text="how do plants make sugar\n\ncheap hotels in Barcelona\n")
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert set(first) == {"query", "hits"} and set(first["hits"][0]) == {"page", "score", "text", "source"}
    assert first["hits"][0]["page"] == 3 and len(first["hits"]) <= 2
    assert second == {"query": "cheap hotels in Barcelona", "hits": []}
    plain = run_search(tmp_path, "--chunks", str(chunk_file), "cheap hotels in Barcelona")
    assert "The documents say nothing about this." in plain.stdout


@pytest.mark.parametrize(("arguments", "message"), [
    (["--chunks", "no-such.jsonl", "x"], "no file of chunks at no-such.jsonl"), ([], "one question or a batch"),
    (["--batch", "no-such.txt"], "cannot be read"),
])
def test_the_command_line_says_what_is_wrong(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = run_search(tmp_path, *arguments)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
