"""Sets of chunks on disk: made, refreshed, never half; named collections; the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_pdf import column, text, write_pdf

from wgp_core.documents import collections
from wgp_core.documents import ingest as ingest_module
from wgp_core.documents.chunking import Sizes
from wgp_core.documents.ingest import IngestOptions, ingest, read_record
from wgp_core.documents.readers import Found
from wgp_core.documents.types import Chunk, ChunkFiles, DocumentError, read_chunks, read_rejected
from wgp_core.errors import Cancelled, RequestError
from wgp_core.events import CancelToken
from wgp_core.paths import build_paths

ROOT = Path(__file__).resolve().parents[2]


def prose(word, count=12):
    return [f"The {word} of part {i} is explained by {word} number {i * 7} and its {i + 3} neighbours."
            for i in range(count)]


def book(path, word="gradient", pages=3):
    return write_pdf(path, [text(72, 750, f"Notes on {word} {n}", size=9) + text(72, 720, f"{n} The {word}", size=17,
                                                                                font=1)
                            + column(prose(f"{word}{n}")) for n in range(1, pages + 1)])


@pytest.fixture
def files(tmp_path):
    return ChunkFiles.beside(tmp_path / "out" / "book.jsonl")


def test_a_book_becomes_chunks_with_pages_headings_and_rejected(tmp_path, files):
    seen = []
    report = ingest([book(tmp_path / "a.pdf", pages=4)], files, on_progress=seen.append)
    chunks = read_chunks(files.chunks)
    assert tuple(chunks) == report.chunks and chunks
    assert {chunk.page_from for chunk in chunks} == {1, 2, 3, 4}
    assert chunks[0].heading == ("1 The gradient",) and "Notes on" not in chunks[0].text
    assert any(item.reason.startswith("running head") for item in read_rejected(files.rejected))
    assert [(event.pages, event.of_pages) for event in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    line = json.loads(files.chunks.read_text(encoding="utf-8").splitlines()[0])
    assert list(line) == ["id", "text", "source", "page", "page_to", "heading", "words"]


def test_only_changed_documents_are_read_again(tmp_path, files, monkeypatch):
    first, second = book(tmp_path / "a.pdf"), book(tmp_path / "b.pdf", "hessian")
    before = ingest([first, second], files)
    book(second, "jacobian")
    read = []
    original = ingest_module.read_document
    monkeypatch.setattr(ingest_module, "read_document", lambda found, *rest: read.append(found.source) or original(
        found, *rest))
    after = ingest([first, second], files)
    assert read == ["b.pdf"]
    assert [c for c in after.chunks if c.source == "a.pdf"] == [c for c in before.chunks if c.source == "a.pdf"]
    assert any("jacobian" in chunk.text for chunk in after.chunks)
    assert not any("hessian" in chunk.text for chunk in after.chunks)
    ingest([first, second], files, IngestOptions(Sizes(30, 100)))
    assert read == ["b.pdf", "a.pdf", "b.pdf"]


def test_a_refresh_gives_what_a_fresh_start_gives(tmp_path, files):
    (tmp_path / "in").mkdir()
    same = book(tmp_path / "in" / "a.pdf")
    (tmp_path / "in" / "b.pdf").write_bytes(same.read_bytes())
    once = ingest([tmp_path / "in"], files)
    assert any(item.reason.startswith("near-duplicate") for item in once.rejected)
    again = ingest([tmp_path / "in"], files)
    assert all(document.kept for document in again.documents)
    assert again.chunks == once.chunks and set(again.rejected) == set(once.rejected)


def test_a_set_that_was_edited_is_made_anew(tmp_path, files):
    path = book(tmp_path / "a.pdf")
    whole = ingest([path], files).chunks
    files.chunks.write_text("", encoding="utf-8")
    again = ingest([path], files)
    assert again.chunks == whole and not again.documents[0].kept


def test_cancelled_or_failed_the_old_set_stays(tmp_path, files, monkeypatch):
    path = book(tmp_path / "a.pdf")
    ingest([path], files)
    before = {file: file.read_bytes() for file in files.chunks.parent.iterdir()}
    book(path, "tensor")
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        ingest([path], files, on_progress=lambda _event: cancel.cancel(), cancel=cancel)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ingest_module.os, "fsync", full)
    with pytest.raises(DocumentError, match="No space left"):
        ingest([path], files)
    assert {file: file.read_bytes() for file in files.chunks.parent.iterdir()} == before


def test_a_document_that_fails_does_not_stop_the_others_nor_lose_what_it_had(tmp_path, files):
    good, bad = book(tmp_path / "a.pdf"), book(tmp_path / "b.pdf", "hessian")
    had = [chunk for chunk in ingest([good, bad], files).chunks if chunk.source == "b.pdf"]
    bad.write_bytes(b"rubbish")
    report = ingest([good, bad], files)
    assert "b.pdf" in report.documents[1].error
    assert [chunk for chunk in report.chunks if chunk.source == "b.pdf"] == had
    (tmp_path / "c.pdf").write_bytes(b"rubbish")
    with pytest.raises(DocumentError, match=r"c\.pdf"):
        ingest([tmp_path / "c.pdf"], files)


def test_without_rejected_there_is_no_such_file(tmp_path, files):
    ingest([book(tmp_path / "a.pdf")], files)
    ingest([book(tmp_path / "a.pdf")], files, IngestOptions(save_rejected=False))
    assert files.chunks.exists() and not files.rejected.exists()


@pytest.mark.parametrize("sizes", [Sizes(0, 100), Sizes(100, 50), Sizes(1, 5), Sizes(45, 5000)])
def test_sizes_that_cannot_be_are_refused(tmp_path, files, sizes):
    with pytest.raises(RequestError):
        ingest([book(tmp_path / "a.pdf")], files, IngestOptions(sizes))


def test_two_makers_of_one_set_do_not_mix(tmp_path, files):
    from filelock import FileLock

    path = book(tmp_path / "a.pdf")
    files.chunks.parent.mkdir()
    lock = FileLock(files.record.with_name("book.collection.lock"))
    with lock, pytest.raises(DocumentError, match="another program"):
        ingest([path], files)


def test_chunks_files_that_are_none_are_named(tmp_path):
    path = tmp_path / "x.jsonl"
    with pytest.raises(DocumentError, match="no file of chunks"):
        read_chunks(path)
    path.write_text(json.dumps(Chunk.make("a", source="s", page_from=1, page_to=1).to_dict()) + "\n[1]\n")
    with pytest.raises(DocumentError, match="Line 2"):
        read_chunks(path)


# Collections

def test_collections_are_made_filled_renamed_and_deleted(tmp_path):
    paths = build_paths(home=tmp_path / "home")
    collections.add_documents(paths, "Optimisation", [book(tmp_path / "a.pdf")])
    collections.add_documents(paths, "Optimisation", [book(tmp_path / "b.pdf", "hessian")])
    (summary,) = collections.list_collections(paths)
    assert [document.source for document in summary.documents] == ["a.pdf", "b.pdf"]
    assert summary.pages == 6 and summary.chunks == len(read_chunks(summary.collection.files.chunks))
    (tmp_path / "a.pdf").unlink()
    assert {chunk.source for chunk in collections.refresh(paths, "Optimisation").chunks} == {"a.pdf", "b.pdf"}
    assert collections.rename(paths, "Optimisation", "Descent").folder.is_dir()
    gone = collections.delete(paths, "Descent")
    assert gone.is_dir() and collections.list_collections(paths) == []
    with pytest.raises(DocumentError, match="Known: none"):
        collections.existing(paths, "Descent")


def test_a_document_is_taken_out_and_its_copy_kept_in_the_trash(tmp_path):
    paths = build_paths(home=tmp_path / "home")
    given = [Found(book(tmp_path / "a.pdf"), "a.pdf"), Found(book(tmp_path / "b.pdf", "hessian"), "b.pdf")]
    collections.add_documents(paths, "Optimisation", given)
    item = collections.existing(paths, "Optimisation")
    for document in given:
        collections.keep_original(item, document)
    with pytest.raises(DocumentError, match="no document named"):
        collections.remove_document(paths, "Optimisation", "c.pdf")
    left = collections.remove_document(paths, "Optimisation", "a.pdf")
    assert [document.source for document in left.documents] == ["b.pdf"]
    assert {chunk.source for chunk in read_chunks(item.files.chunks)} == {"b.pdf"}
    (kept,) = paths.trash.iterdir()
    assert kept.name.endswith("-a.pdf") and kept.read_bytes() == (tmp_path / "a.pdf").read_bytes()
    with pytest.raises(DocumentError, match="only document"):
        collections.remove_document(paths, "Optimisation", "b.pdf")


def test_the_last_document_that_can_be_read_stays(tmp_path):
    paths = build_paths(home=tmp_path / "home")
    (tmp_path / "broken.docx").write_bytes(b"no zip")
    collections.add_documents(paths, "Mixed", [Found(book(tmp_path / "a.pdf"), "a.pdf"),
                                               Found(tmp_path / "broken.docx", "broken.docx")])
    with pytest.raises(DocumentError, match=r"a\.pdf is the only document of 'Mixed' that can be read"):
        collections.remove_document(paths, "Mixed", "a.pdf")
    left = collections.remove_document(paths, "Mixed", "broken.docx")
    assert [document.source for document in left.documents] == ["a.pdf"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "con", "x" * 61, "a\\b", "ends."])
def test_names_that_could_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(RequestError):
        collections.collection(build_paths(home=tmp_path), name)


def test_a_failed_first_document_leaves_no_collection(tmp_path):
    paths = build_paths(home=tmp_path / "home")
    (tmp_path / "c.pdf").write_bytes(b"rubbish")
    with pytest.raises(DocumentError):
        collections.add_documents(paths, "New", [tmp_path / "c.pdf"])
    assert collections.list_collections(paths) == []


def test_a_set_made_elsewhere_is_listed_once(tmp_path, files):
    paths = build_paths(home=tmp_path / "home")
    ingest([book(tmp_path / "a.pdf")], files)
    assert collections.link(paths, files) == collections.link(paths, files)
    (summary,) = collections.list_collections(paths)
    assert summary.collection.name == "book" and summary.chunks and not summary.problem
    other = ChunkFiles.beside(tmp_path / "else" / "book.jsonl")
    assert collections.link(paths, other).name == "book 2"


# The command

def run(*arguments, home):
    environment = {**os.environ, "WGP_HOME": str(home)}
    return subprocess.run([sys.executable, str(ROOT / "scripts" / "chunk_book.py"), *map(str, arguments)], cwd=ROOT,
                          env=environment, capture_output=True, text=True, timeout=120)


def test_the_script_makes_a_set_and_says_what_was_left_out(tmp_path):
    path = book(tmp_path / "a.pdf", pages=4)
    done = run("--input", path, "--no-embeddings", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    made = tmp_path / "home" / "data" / "book_chunks.jsonl"
    assert f"{len(read_chunks(made))} chunks" in done.stdout and "running head" in done.stdout
    assert read_record(ChunkFiles.beside(made))["documents"][0]["source"] == "a.pdf"
    again = run("--input", path, "--no-embeddings", "--json", "--collection", "Mine", home=tmp_path / "home")
    assert json.loads(again.stdout)["documents"][0]["pages"] == 4
    missing = run("--input", tmp_path / "none.pdf", home=tmp_path / "home")
    assert missing.returncode == 1 and "There is no file" in missing.stderr and "Traceback" not in missing.stderr
