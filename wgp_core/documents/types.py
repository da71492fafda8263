"""What the parts of the document system hand to each other, and the files that a set of chunks is kept in.

Page numbers are the PDF's own, from 1; a text without pages is one page. Sizes and places are points (1/72 inch)
from the lower left corner, 0 where the format has none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import WgpError

LINK = "link.json"
CHUNKS = "chunks.jsonl"


class DocumentError(WgpError):
    """A document or a set of chunks that cannot be read or written."""


@dataclass(frozen=True)
class Line:
    """One line of text. `level` is 1 to 6 where the format itself says that it is a heading, else 0.

    `code` marks monospaced lines. `ends` is True where the format says that the paragraph ends here (a blank line,
    a closed tag).
    """

    text: str
    x: float = 0.0
    y: float = 0.0
    size: float = 0.0
    bold: bool = False
    code: bool = False
    level: int = 0
    ends: bool = False


@dataclass(frozen=True)
class Page:
    """The lines of one page in reading order; `skipped` says why a page has none ("took longer than 10 s")."""

    number: int
    lines: tuple[Line, ...] = ()
    skipped: str = ""

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True)
class Chunk:
    """A passage with its place. `heading` is the path of headings above it, the outermost first."""

    id: str
    text: str
    source: str
    page_from: int
    page_to: int
    heading: tuple[str, ...] = ()
    words: int = 0

    @classmethod
    def make(cls, text: str, *, source: str, page_from: int, page_to: int, heading: tuple[str, ...] = ()) -> Chunk:
        """A chunk whose id follows from its words and its place."""
        key = "\0".join([source, str(page_from), str(page_to), *heading, text])
        return cls(id=hashlib.sha256(key.encode()).hexdigest()[:16], text=text, source=source, page_from=page_from,
                   page_to=page_to, heading=heading, words=len(text.split()))

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "text": self.text, "source": self.source, "page": self.page_from,
                "page_to": self.page_to, "heading": list(self.heading), "words": self.words}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Chunk:
        """The chunk of one line of a chunks file. Raises `KeyError`, `TypeError` or `ValueError` on another shape."""
        text, page = str(data["text"]), int(data["page"])
        return cls(id=str(data["id"]), text=text, source=str(data["source"]), page_from=page,
                   page_to=int(data.get("page_to", page)), heading=tuple(map(str, data.get("heading", ()))),
                   words=int(data.get("words", len(text.split()))))


@dataclass(frozen=True)
class Rejected:
    """A passage that cleaning left out: why, and how sure it is (0 to 1)."""

    chunk: Chunk
    reason: str
    score: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        return {**self.chunk.to_dict(), "reason": self.reason, "score": round(self.score, 3)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rejected:
        return cls(Chunk.from_dict(data), str(data["reason"]), float(data.get("score", 1.0)))


@dataclass(frozen=True)
class ChunkFiles:
    """The files of one set of chunks; `record` holds what was read, when and with which settings."""

    chunks: Path
    rejected: Path
    embeddings: Path
    record: Path

    @classmethod
    def beside(cls, chunks: Path) -> ChunkFiles:
        """A stand-alone set: `book.jsonl` with `book.rejected.jsonl`, `book.embeddings.npz`, `book.collection.json`.

        A file called `chunks.jsonl` is that of a collection's folder.
        """
        if chunks.name == CHUNKS:
            return cls.inside(chunks.parent)
        stem = chunks.with_suffix("") if chunks.suffix == ".jsonl" else chunks
        return cls(chunks, *(stem.with_name(stem.name + end)
                             for end in (".rejected.jsonl", ".embeddings.npz", ".collection.json")))

    @classmethod
    def inside(cls, folder: Path) -> ChunkFiles:
        """The set that has a folder to itself."""
        return cls(folder / CHUNKS, folder / "rejected.jsonl", folder / "embeddings.npz", folder / "collection.json")


@dataclass(frozen=True)
class Collection:
    """A named set of documents in a folder of its own, or in the files that its `link.json` names."""

    name: str
    folder: Path

    @property
    def link(self) -> str:
        """Where the chunks of a set lie that was made elsewhere; empty for one in its own folder."""
        try:
            return str(json.loads((self.folder / LINK).read_text(encoding="utf-8"))["chunks"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    @property
    def files(self) -> ChunkFiles:
        if link := self.link:
            return ChunkFiles.beside(Path(link))
        return ChunkFiles.inside(self.folder)


def read_chunks(path: Path) -> list[Chunk]:
    """The chunks of a file. Raises `DocumentError` that names the file and the line."""
    return [_parsed(Chunk.from_dict, data, path, number) for number, data in _json_lines(path)]


def read_rejected(path: Path) -> list[Rejected]:
    """What cleaning left out; empty where nothing was kept. Raises `DocumentError`."""
    if not path.exists():
        return []
    return [_parsed(Rejected.from_dict, data, path, number) for number, data in _json_lines(path)]


def as_json_lines(items: Iterable[Chunk] | Iterable[Rejected]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(item.to_dict(), ensure_ascii=False) + "\n" for item in items)


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise DocumentError(f"There is no file of chunks at {path}.",
                            fix="Make one: python -m wgp_core chunk-book --input BOOK.pdf.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path} cannot be read: {error}.", fix="Make it again with chunk-book.") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise _not_a_chunk(path, number) from error


def _parsed(parse: Any, data: Any, path: Path, number: int) -> Any:
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _not_a_chunk(path, number) from error


def _not_a_chunk(path: Path, number: int) -> DocumentError:
    return DocumentError(f"Line {number} of {path} is not a chunk.", fix="Make the file again with chunk-book.")
