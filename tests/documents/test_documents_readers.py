"""Text, Markdown, HTML and DOCX to pages of lines."""

import zipfile

import pytest

from wgp_core.documents.mending import mend
from wgp_core.documents.pdf import Limits
from wgp_core.documents.readers import find_documents, read_document
from wgp_core.documents.types import DocumentError
from wgp_core.events import CancelToken


def read(path):
    (found,) = find_documents([path])
    return read_document(found, Limits(), CancelToken(), lambda _done, _of: None)


def lines_of(path):
    return [(line.text, line.level) for page in read(path).pages for line in page.lines]


@pytest.mark.parametrize(("broken", "mended"), [
    ("the \ufb01rst e\ufb00ect", "the first effect"), ("de\x0cne it", "define it"),
    ("naÃ¯ve cafÃ©", "naïve café"), ("a\u00a0b\u2003c", "a b c"), ("zero\u200bwidth\x00", "zerowidth"),
    ("co\u00adop\u00ad", "coop-"), ("c© 1999", "© 1999"), ("/noteheads.s2 /dots.dot /rests.3", ""),
    ("see /etc/fstab for more of it", "see /etc/fstab for more of it"), ("x² ≤ 10⁶", "x² ≤ 10⁶")])
def test_characters_are_mended(broken, mended):
    assert mend(broken) == mended


def test_text_has_pages_at_form_feeds_and_paragraphs_at_blank_lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n\nthree\n\ffour\n", encoding="utf-8")
    first, second = read(path).pages
    assert [(line.text, line.ends) for line in first.lines] == [("one", False), ("two", True), ("three", True)]
    assert (second.number, second.text) == (2, "four")


def test_text_in_another_encoding_is_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Köln – schön".encode("cp1252"))
    assert read(path).pages[0].text == "Köln – schön"


def test_markdown_headings_code_and_markup(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: x\n---\n# Top #\nSome **bold** [link](http://x.y) `code`.\n\nUnder\n-----\n"
                    "```\nx = 1\n```\n", encoding="utf-8")
    page = read(path).pages[0]
    assert [(line.text, line.level) for line in page.lines] == [
        ("Top", 1), ("Some bold link code.", 0), ("Under", 2), ("x = 1", 0)]
    assert page.lines[-1].code


def test_html_leaves_scripts_and_menus_out(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<html><head><title>t</title></head><body><nav>Home</nav><h2>Head <b>line</b></h2>"
                    "<p>One <i>two</i><br>three.<script>evil()</script></p><pre>a\n  b</pre><ul><li>item</ul>"
                    "<!-- hidden --></body></html>", encoding="utf-8")
    assert lines_of(path) == [("Head line", 2), ("One two three.", 0), ("a", 0), ("  b", 0), ("item", 0)]


def test_html_that_nests_very_deep_is_read(tmp_path):
    path = tmp_path / "deep.html"
    path.write_text("<div>" * 20_000 + "core" + "</div>" * 20_000, encoding="utf-8")
    try:
        assert lines_of(path) == [("core", 0)]
    except DocumentError as error:
        assert "deep.html" in str(error)


def test_docx_headings_paragraphs_and_tables(tmp_path):
    import docx

    document = docx.Document()
    document.add_heading("Method", 2)
    document.add_paragraph("We measured twice.")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "mass", "12 kg"
    path = tmp_path / "a.docx"
    document.save(str(path))
    assert lines_of(path) == [("Method", 2), ("We measured twice.", 0), ("mass 12 kg", 0)]


def test_a_docx_that_is_none_or_unpacks_to_gigabytes_is_refused(tmp_path):
    path = tmp_path / "a.docx"
    path.write_bytes(b"no zip")
    with pytest.raises(DocumentError, match="cannot be opened as DOCX"):
        read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as file:
        for _ in range(600):
            file.write(bytes(1 << 20))
    with pytest.raises(DocumentError, match="would unpack"):
        read(path)


def test_folders_are_searched_and_other_kinds_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "in" / "a.txt").write_text("b")
    (tmp_path / "picture.png").write_bytes(b"")
    assert [found.source for found in find_documents([tmp_path])] == ["a.txt", "in/a.txt"]
    assert [f.source for f in find_documents([tmp_path / "a.txt", tmp_path / "in" / "a.txt"])] == ["a.txt", "in/a.txt"]
    with pytest.raises(DocumentError, match="kind that cannot be read"):
        find_documents([tmp_path / "picture.png"])
    with pytest.raises(DocumentError, match="There is no file"):
        find_documents([tmp_path / "none.pdf"])
