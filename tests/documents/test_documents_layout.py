"""Headings, paragraphs, furniture, footnotes; cleaning; chunks."""

from hypothesis import given
from hypothesis import strategies as st

from wgp_core.documents.chunking import Sizes, chunks_of, sentences
from wgp_core.documents.cleaning import noise_of, stretches_of
from wgp_core.documents.duplicates import near_duplicates
from wgp_core.documents.layout import Block, blocks_of, style_of, without_furniture
from wgp_core.documents.types import Line, Page

SENTENCES = [f"Sentence number {i} says that the method converges when step {i} is small enough." for i in range(60)]


def page(number, *lines, top=700.0, step=13.0, size=11.0):
    return Page(number, tuple(line if isinstance(line, Line) else Line(line, x=72, y=top - i * step, size=size)
                              for i, line in enumerate(lines)))


def body(number, count=8):
    return [f"Line {i} of page {number} carries words that make it as long as the others are here."
            for i in range(count)]


def texts(pages):
    return [(block.level, block.text) for block in blocks_of(pages, style_of(pages))]


def test_running_heads_and_page_numbers_are_taken_out():
    pages = [Page(n, (Line(f"Chapter {n // 4}: Names {n}", x=72, y=740, size=9), *page(n, *body(n)).lines,
                      Line(str(n), x=300, y=40, size=9))) for n in range(1, 13)]
    kept, furniture = without_furniture(pages)
    assert all(len(p.lines) == 8 and p.lines[0].text.startswith("Line 0") for p in kept)
    assert {number for item in furniture for number in item.pages} == set(range(1, 13))


def test_words_that_open_many_pages_are_no_running_head():
    pages = [Page(n, (Line(f"Manual {n}", x=72, y=740, size=9), *page(n, "Syntax:", *body(n)).lines))
             for n in (1, 2, 3)] + [Page(n, (Line(f"Manual {n}", x=72, y=740, size=9), *page(n, *body(n)).lines))
                                    for n in range(4, 20)]
    kept, _furniture = without_furniture(pages)
    assert kept[0].lines[0].text == "Syntax:"


def test_broken_words_are_joined_and_real_hyphens_kept():
    pages = [page(1, "Separate folders keep the work of the analyses con-", "ducted here apart, a well-",
                  "known way. It is a well-known one, and data stays.")]
    assert texts(pages) == [(0, "Separate folders keep the work of the analyses conducted here apart, a well-known "
                                "way. It is a well-known one, and data stays.")]


def test_a_paragraph_runs_over_the_page_and_its_footnote_comes_after_it():
    first = Page(1, (*page(1, *body(1, 4), "and this sentence goes").lines,
                     Line("4 Of unlimited length, as far as anybody knows.", x=72, y=90, size=8)))
    blocks = blocks_of([first, page(2, "on over the page.")], style_of([first]))
    assert [b.note for b in blocks] == [False, True]
    assert blocks[0].text.endswith("and this sentence goes on over the page.")
    assert [number for number, _text in blocks[0].runs] == [1, 2]
    assert blocks[1].text == "Of unlimited length, as far as anybody knows."


def test_headings_by_size_numbering_and_weight():
    lines = [Line("2 Methods", x=72, y=720, size=17, bold=True), *page(1, *body(1, 3)).lines,
             Line("2.1 Descent", x=72, y=640, size=14, bold=True),
             *page(1, *body(2, 3), top=620).lines]
    assert [(level, text) for level, text in texts([Page(1, tuple(lines))]) if level] == [
        (1, "2 Methods"), (2, "2.1 Descent")]


def test_contents_index_and_bibliography_are_left_out_and_the_chapter_below_stays():
    contents = page(1, "Contents", *(f"{i} A part of the book {'. ' * 20} {i * 3}" for i in range(1, 12)),
                    *body(1, 6))
    index = page(39, "Index", *(f"{letter}word, {n}, {n + 3}" for n, letter in enumerate("aabbccddee")))
    books = page(38, Line("References", x=72, y=713, size=16, bold=True),
                 "Becker, R. A. (1988) The New S Language. Chapman & Hall, New York.",
                 "Chambers, J. M. (1998) Programming with Data. Springer, New York.",
                 "Venables, W. N. and Ripley, B. D. (2002) Modern Applied Statistics. Springer.")
    middle = [page(n, *body(n)) for n in range(2, 38)]
    pages = [contents, *middle, books, index]
    found = {s.page: s for s in stretches_of(pages, style_of(pages))}
    assert {number: s.reason for number, s in found.items()} == {
        1: "table of contents", 38: "bibliography", 39: "index"}
    assert (found[1].start, found[1].end) == (0, 12)


def test_a_short_title_page_contents_of_two_lines_an_entry_and_a_late_imprint_are_left_out():
    title = page(1, "The Book of Names", "May 2022")
    entries = [line for i in range(1, 9) for line in
               (f"{i}.1 I have a question that is so long that its entry in the contents takes a second line, for",
                f"it asks on about number {i}? {'. ' * 20} {i * 3}")]
    contents = page(2, "Contents", *entries)
    imprint = page(9, "The Team of Writers", *(f"Copyright © 20{n} Writer {n}" for n in range(10, 16)),
                   "This manual is free software under a license.")
    chapter = page(3, Line("1 Names", x=72, y=713, size=16, bold=True), *body(3))
    pages = [title, contents, chapter, *(page(n, *body(n)) for n in range(4, 9)), imprint,
             *(page(n, *body(n)) for n in range(10, 30))]
    found = {s.page: (s.reason, s.start, s.end) for s in stretches_of(pages, style_of(pages))}
    assert found == {1: ("title page", 0, 2), 2: ("table of contents", 0, 17), 9: ("imprint", 0, 8)}


def test_prose_tables_of_numbers_and_code_are_not_cleaned_away():
    pages = [page(n, *body(n), "In 1998 Chambers, J. M. received the award of 1998.",
                  *(f"{y} {y / 7:.2f} {y / 9:.2f}" for y in range(1950, 1960)),
                  *(Line(f"y[{i}] = f(x, {i})", x=90, y=300 - i * 12, size=10, code=True) for i in range(8)))
             for n in range(1, 5)]
    assert stretches_of(pages, style_of(pages)) == []


def test_noise_is_told_from_text_and_code():
    assert noise_of("Tbe qvlck brwn fx jmps vr th1s l4zy d0g lk nthng wtht vwls hr nd thr bt wrds mst hv thm")[0] > 0.6
    for good in (" ".join(SENTENCES[:3]), "> x <- c(10.4, 5.6, 3.1)\n> y <- c(x, 0, x)\n> mean(y) + sqrt(var(x))",
                 "La mémoire de l’université dépend des élèves, où qu’ils soient."):
        assert noise_of(good)[0] < 0.6


def test_sentences_end_at_periods_but_not_at_abbreviations():
    assert sentences("See e.g. Smith et al. (1990). It works, cf. Fig. 3 and Dr. A. Jones. Does it? Yes!") == [
        "See e.g. Smith et al. (1990).", "It works, cf. Fig. 3 and Dr. A. Jones.", "Does it?", "Yes!"]


def test_chunks_keep_heading_path_pages_and_sizes():
    blocks = [Block(((1, "1 One"),), level=1), Block(((1, "1.1 Sub"),), level=2),
              Block(((1, " ".join(SENTENCES[:20])), (2, " ".join(SENTENCES[20:40])))),
              Block(((3, "2 Two"),), level=1), Block(((3, " ".join(SENTENCES[40:46])),))]
    chunks = chunks_of(blocks, "b.pdf", Sizes(45, 120))
    assert chunks[0].heading == ("1 One", "1.1 Sub") and chunks[-1].heading == ("2 Two",)
    assert all(45 <= chunk.words <= 120 for chunk in chunks)
    assert (chunks[0].page_from, chunks[-2].page_to, chunks[-1].page_from) == (1, 2, 3)
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(1, 60), st.integers(60, 220))
def test_no_word_is_lost_and_no_chunk_too_long(lengths, least, most):
    words = iter(range(10_000))
    blocks = [Block(((i + 1, " ".join(f"w{next(words)}" for _ in range(length))),)) for i, length in enumerate(lengths)]
    chunks = chunks_of(blocks, "a", Sizes(least, most))
    assert " ".join(chunk.text for chunk in chunks).split() == [f"w{i}" for i in range(sum(lengths))]
    assert all(chunk.words <= 1.2 * most for chunk in chunks)


def test_near_duplicates_are_found_and_others_not():
    first = " ".join(SENTENCES[:6])
    other = " ".join(SENTENCES[10:16]).replace("method", "rule")
    found = near_duplicates([first, other, first.replace("small", "tiny", 1)])
    assert list(found) == [2] and found[2][0] == 0 and found[2][1] > 0.8
