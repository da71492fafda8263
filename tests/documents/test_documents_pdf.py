"""Reading PDF files: good, slow, damaged, encrypted, scanned."""

import time

import pytest
from small_pdf import column, text, write_pdf

from wgp_core.documents import pdf as pdf_module
from wgp_core.documents.pdf import Limits, read_pdf
from wgp_core.documents.readers import Found, read_document
from wgp_core.documents.types import DocumentError
from wgp_core.errors import Cancelled
from wgp_core.events import CancelToken

PROSE = ["The gradient points in the direction of steepest ascent of a function.",
         "Gradient descent therefore takes steps against it until nothing changes."]


def read(path, limits=None):
    return read_document(Found(path, path.name), limits or Limits(), CancelToken(), lambda _done, _of: None)


def test_lines_have_places_sizes_and_fonts(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [text(72, 720, "1 Descent", size=18, font=1) + column(PROSE)
                                          + text(90, 600, "x = x - rate * g", font=2)])
    (page,) = read(path).pages
    assert [line.text for line in page.lines] == ["1 Descent", *PROSE, "x = x - rate * g"]
    assert (page.lines[0].size, page.lines[0].bold, page.lines[0].y) == (18, True, 720)
    assert page.lines[-1].code and not page.lines[1].bold


def test_marks_of_footnotes_are_not_part_of_words(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [text(72, 700, "stored commands") + text(160, 704, "4", size=6)
                                          + text(166, 700, " are run")])
    assert "4" not in read(path).pages[0].text


def test_words_that_only_a_gap_parts_are_words(tmp_path):
    line = "BT /F2 10 Tf 1 0 0 1 72 700 Tm [(W) -20 (ords) -280 (apart) -290 (here)] TJ ET"
    assert read(write_pdf(tmp_path / "a.pdf", [line])).pages[0].text == "Words apart here"


def test_a_page_that_takes_too_long_is_left_out(tmp_path):
    endless = "q " * 6_000_000
    path = write_pdf(tmp_path / "slow.pdf", [column(PROSE), endless, column(PROSE)])
    started = time.monotonic()
    first, slow, last = read(path, Limits(page_s=1.0)).pages
    assert first.lines and last.lines
    assert "longer than 1 s" in slow.skipped
    assert time.monotonic() - started < 20


def test_memory_is_bounded(tmp_path):
    path = write_pdf(tmp_path / "bomb.pdf", [column(PROSE), "q " * 30_000_000, column(PROSE)])
    first, bomb, last = read(path, Limits(page_s=30, memory_mb=400)).pages
    assert first.lines and last.lines and bomb.skipped


def test_a_reader_that_dies_goes_on_at_the_next_page(tmp_path, monkeypatch):
    path = write_pdf(tmp_path / "a.pdf", [column([f"Page {i} has words."]) for i in range(4)])
    original = pdf_module._Child.next
    calls = []

    def next_but_dead_once(self, seconds):
        calls.append(1)
        if len(calls) == 3:
            raise pdf_module._Stopped("broke off")
        return original(self, seconds)

    monkeypatch.setattr(pdf_module._Child, "next", next_but_dead_once)
    pages = [page for page, _count in read_pdf(path, Limits(), CancelToken())]
    assert [page.number for page in pages] == [1, 2, 3, 4]
    assert [bool(page.skipped) for page in pages] == [False, True, False, False]


def test_an_encrypted_file_is_refused_with_a_way_out(tmp_path):
    from pypdf import PdfReader, PdfWriter

    plain = write_pdf(tmp_path / "plain.pdf", [column(PROSE)])
    for password, readable in (("secret", False), ("", True)):
        writer = PdfWriter(clone_from=PdfReader(plain))
        writer.encrypt(password, "owner", algorithm="AES-256")
        locked = tmp_path / f"locked{readable}.pdf"
        writer.write(locked)
        if readable:
            assert PROSE[0] in read(locked).pages[0].text
        else:
            with pytest.raises(DocumentError, match="encrypted and needs a password"):
                read(locked)


def test_a_scanned_file_says_so(tmp_path):
    with pytest.raises(DocumentError, match=r"scanned.*ocrmypdf"):
        read(write_pdf(tmp_path / "scan.pdf", ["/I Do", "/I Do"], picture=True))
    partly = read(write_pdf(tmp_path / "partly.pdf", [column(PROSE), "/I Do"], picture=True))
    assert [page.number for page in partly.skipped] == [2]


@pytest.mark.parametrize("data", [b"", b"no PDF at all", b"%PDF-1.4\n%%EOF"])
def test_a_file_that_is_no_pdf_is_an_error(tmp_path, data):
    path = tmp_path / "broken.pdf"
    path.write_bytes(data)
    with pytest.raises(DocumentError, match=r"broken\.pdf"):
        read(path)


def test_a_truncated_file_gives_what_it_has_or_an_error(tmp_path):
    whole = write_pdf(tmp_path / "whole.pdf", [column(PROSE) for _ in range(6)]).read_bytes()
    for share in (0.3, 0.6, 0.9):
        path = tmp_path / "cut.pdf"
        path.write_bytes(whole[:int(share * len(whole))])
        try:
            pages = read(path).pages
        except DocumentError as error:
            assert "cut.pdf" in str(error)
        else:
            assert all(page.lines or page.skipped or page.text == "" for page in pages)


def test_cancel_stops_at_the_next_page(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [column(PROSE) for _ in range(5)])
    cancel = CancelToken()
    seen = []

    def stop(done, _of):
        seen.append(done)
        cancel.cancel()

    with pytest.raises(Cancelled):
        read_document(Found(path, "a.pdf"), Limits(), cancel, stop)
    assert seen == [1]


@pytest.mark.parametrize("free", [True, False])
def test_a_long_file_is_read_in_two_halves_in_order(tmp_path, monkeypatch, free):
    monkeypatch.setattr(pdf_module, "_has_free_core", lambda: free)
    count = pdf_module.LONG + 5
    path = write_pdf(tmp_path / "long.pdf", [column([f"This is page {i} of the file."]) for i in range(1, count + 1)])
    pages = read(path).pages
    assert [page.text for page in pages] == [f"This is page {i} of the file." for i in range(1, count + 1)]
    assert [page.number for page in pages] == list(range(1, count + 1))
