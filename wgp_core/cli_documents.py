"""The command line's view of documents: questions in, passages with pages out."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from rich.console import Console

from .documents.collections import list_collections
from .documents.retrieve import SILENCE, Answer, RetrievalOptions, open_retriever
from .errors import RequestError
from .paths import Paths
from .settings import load


def search_documents(paths: Paths, chunks: Path, question: str, batch: str, top: int, as_json: bool) -> None:
    """Answer one question or a batch, one JSON object a line with `as_json`. Raises `WgpError`."""
    questions = _questions(question, batch)
    if not chunks.is_file() and (known := [item.collection.name for item in list_collections(paths)
                                        if not item.problem]):
        raise RequestError(f"There is no file of chunks at {chunks}.",
                           fix=f"Name a collection: --collection {shlex.quote(known[0])} "
                               f"(there {'is' if len(known) == 1 else 'are'}: {', '.join(known)}).")
    loaded = load(paths.settings_file)
    for problem in loaded.problems:
        sys.stderr.write(f"{problem}\n")
    retriever = open_retriever(chunks, paths.ckpts, RetrievalOptions.of(loaded.settings), on_progress=_say_progress)
    for asked in questions:
        answer = retriever.search(asked, top)
        if as_json:
            sys.stdout.write(json.dumps(answer.to_dict(), ensure_ascii=False) + "\n")
        else:
            _show(answer)


def _questions(question: str, batch: str) -> list[str]:
    if bool(question.strip()) == bool(batch):
        raise RequestError("A search needs one question or a batch of them.",
                           fix='Give "a question", or --batch FILE with a question a line (- reads the input).')
    if not batch:
        return [question]
    try:
        text = sys.stdin.read() if batch == "-" else Path(batch).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"The questions in {batch} cannot be read: {error}.",
                           fix="Give a text file in UTF-8 with a question a line.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _say_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rReading passages: {done} of {total}" + ("\n" if done == total else ""))


def _show(answer: Answer) -> None:
    console = Console()
    console.print(f"[bold]{_plain(answer.query)}[/]", highlight=False)
    if answer.silent:
        console.print(f"  {SILENCE}")
    for hit in answer.hits:
        last = f"-{hit.chunk.page_to}" if hit.chunk.page_to != hit.chunk.page_from else ""
        console.print(f"  [cyan]{_plain(hit.chunk.source)}, p. {hit.chunk.page_from}{last}[/]  {hit.score:.2f}",
                      highlight=False)
        console.print(f"  {_plain(hit.chunk.text)}\n", highlight=False)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
