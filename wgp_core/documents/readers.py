"""Opens a document of any known kind and hands out its pages, mended line by line.

PDF goes through a process of its own (`pdf`); TXT, Markdown, HTML and DOCX are bounded in size and read here. A format
without pages is one page, except where a text has form feeds or a DOCX remembers where its pages ended.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..events import CancelToken
from .mending import mend, mend_code
from .pdf import Limits, read_pdf
from .types import DocumentError, Line, Page

KINDS = {".pdf": "PDF", ".txt": "text", ".text": "text", ".md": "Markdown", ".markdown": "Markdown", ".html": "HTML",
         ".htm": "HTML", ".xhtml": "HTML", ".docx": "DOCX"}
MOST_FILES = 2000
_UNPACKED_BYTES = 512 << 20
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\Z")
_UNDERLINE = re.compile(r"(=+|-{2,})\s*\Z")
_FENCE = re.compile(r"\s*(```|~~~)")
_MARKUP = ((re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"), (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
           (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
           (re.compile(r"(?<!\w)[*_](?=\S)(.+?)(?<=\S)[*_](?!\w)"), r"\1"),
           (re.compile(r"`([^`]+)`"), r"\1"), (re.compile(r"<[a-zA-Z/][^>]*>"), ""))
_NO_TEXT = ("script", "style", "nav", "header", "footer", "aside", "form", "noscript", "template", "svg", "button",
            "head")
_BLOCKS = ("h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "li", "td", "th", "dt", "dd", "blockquote", "figcaption",
           "caption", "div", "section", "article", "main", "body", "table", "ul", "ol", "dl", "tr", "tbody", "thead")

PageSeen = Callable[[int, int], None]
"""Called with the number of pages read so far and of all pages (0 where it is not known)."""


@dataclass(frozen=True)
class Document:
    """What was read. `source` names it in every chunk; `skipped` are the pages that could not be read, and why."""

    source: str
    pages: tuple[Page, ...]

    @property
    def skipped(self) -> tuple[Page, ...]:
        return tuple(page for page in self.pages if page.skipped)


@dataclass(frozen=True)
class Found:
    """A file to read and the name that it goes by."""

    path: Path
    source: str


def find_documents(inputs: Sequence[Path | Found]) -> list[Found]:
    """The files behind `inputs`; folders are searched below. Raises `DocumentError` where there is none."""
    found = {given.path: given.source for given in inputs if isinstance(given, Found)}
    for given in inputs:
        if isinstance(given, Found):
            continue
        if given.is_dir():
            inside = [path for path in sorted(given.rglob("*")) if path.suffix.lower() in KINDS and path.is_file()
                      and not any(part.startswith(".") for part in path.relative_to(given).parts)]
            if not inside:
                raise DocumentError(f"The folder {given} has no document.", fix=f"Known kinds: {_known()}.")
            for path in inside:
                found.setdefault(path.resolve(), path.relative_to(given).as_posix())
        elif not given.exists():
            raise DocumentError(f"There is no file {given}.", fix="Check the path.")
        elif given.suffix.lower() not in KINDS:
            raise DocumentError(f"{given.name} is of a kind that cannot be read.", fix=f"Known kinds: {_known()}.")
        else:
            found.setdefault(given.resolve(), given.name)
    if len(found) > MOST_FILES:
        raise DocumentError(f"{len(found)} documents are too many for one collection.",
                            fix=f"Take at most {MOST_FILES} at once.")
    return [Found(path, name) for path, name in _distinct(found)]


def _known() -> str:
    return ", ".join(sorted(KINDS))


def _distinct(found: dict[Path, str]) -> Iterator[tuple[Path, str]]:
    """Two files of one name get their folder's name too."""
    seen: set[str] = set()
    for path, name in found.items():
        source = name if name not in seen else f"{path.parent.name}/{name}"
        number = 2
        while source in seen:
            source, number = f"{name} ({number})", number + 1
        seen.add(source)
        yield path, source


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises `DocumentError`."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror or error}.",
                            fix="Check that the file may be read.") from error


def read_document(found: Found, limits: Limits, cancel: CancelToken, on_page: PageSeen) -> Document:
    """All pages of one document. Raises `DocumentError` where nothing of it can be read, or `Cancelled`."""
    kind = KINDS[found.path.suffix.lower()]
    size = found.path.stat().st_size
    most = limits.file_bytes if kind == "PDF" else limits.text_bytes
    if size > most:
        raise DocumentError(f"{found.source} has {size >> 20} MB.", fix=f"A {kind} file may have {most >> 20} MB; "
                                                                       "split it.")
    pages: list[Page] = []
    counted = read_pdf(found.path, limits, cancel) if kind == "PDF" else _counted(_READERS[kind](found.path))
    for page, count in counted:
        cancel.raise_if_cancelled()
        pages.append(_mended(page))
        on_page(len(pages), count)
    _check_text(found.source, pages)
    return Document(found.source, tuple(pages))


def _counted(pages: Iterable[Page]) -> Iterator[tuple[Page, int]]:
    known = list(pages)
    return ((page, len(known)) for page in known)


def _mended(page: Page) -> Page:
    lines = []
    for line in page.lines:
        text = mend_code(line.text) if line.code else mend(line.text)
        if text:
            lines.append(line if text == line.text else replace(line, text=text))
        elif lines and line.ends:
            lines[-1] = replace(lines[-1], ends=True)
    return replace(page, lines=tuple(lines))


def _check_text(source: str, pages: Sequence[Page]) -> None:
    if any(page.lines for page in pages):
        return
    reasons = {page.skipped for page in pages if page.skipped}
    if reasons == {"only a picture, no text"}:
        raise DocumentError(f"{source} is scanned: its {len(pages)} pages are pictures without text.",
                            fix="Recognise the text first, for instance with: ocrmypdf IN.pdf OUT.pdf.")
    why = f": {'; '.join(sorted(reasons)[:3])}" if reasons else ""
    raise DocumentError(f"{source} has no text that can be read{why}.", fix="Check that it opens in a viewer.")


# Text and Markdown

def _text_of(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _read_text(path: Path) -> Iterator[Page]:
    for number, part in enumerate(re.split(r"\f", _text_of(path)), 1):
        lines = part.splitlines()
        yield Page(number, tuple(Line(line, ends=i + 1 == len(lines) or not lines[i + 1].strip())
                                 for i, line in enumerate(lines) if line.strip()))


def _read_markdown(path: Path) -> Iterator[Page]:
    lines = _text_of(path).splitlines()
    if lines[:1] == ["---"] and "---" in lines[1:60]:
        lines = lines[lines.index("---", 1) + 1:]
    out: list[Line] = []
    code = False
    for i, text in enumerate(lines):
        after = lines[i + 1] if i + 1 < len(lines) else ""
        if _FENCE.match(text):
            code = not code
            if out:
                out[-1] = replace(out[-1], ends=True)
        elif code:
            out.append(Line(text, code=True))
        elif heading := _HEADING.match(text):
            out.append(Line(_plain(heading[2]), level=len(heading[1])))
        elif _UNDERLINE.match(text) and out and not out[-1].ends and not out[-1].level and i and lines[i - 1].strip():
            out[-1] = replace(out[-1], level=1 if text[0] == "=" else 2)
        elif text.strip() and not re.match(r"\s*[|:\- ]+\Z", text):
            out.append(Line(_plain(text.replace("|", " ")), ends=not after.strip()))
    yield Page(1, tuple(line for line in out if line.text.strip()))


def _plain(text: str) -> str:
    for pattern, kept in _MARKUP:
        text = pattern.sub(kept, text)
    return text.lstrip("> ").strip()


# HTML

def _read_html(path: Path) -> Iterator[Page]:
    from bs4 import BeautifulSoup, Comment, Doctype

    soup = BeautifulSoup(path.read_bytes(), "html.parser")
    for tag in soup(_NO_TEXT):
        tag.decompose()
    for odd in soup.find_all(string=lambda text: isinstance(text, Comment | Doctype)):
        odd.extract()
    lines: list[Line] = []
    pieces: list[str] = []
    name = ""

    def end() -> None:
        text = "".join(pieces)
        pieces.clear()
        if name == "pre":
            lines.extend(Line(line, code=True) for line in text.splitlines() if line.strip())
            if lines:
                lines[-1] = replace(lines[-1], ends=True)
        elif text := " ".join(text.split()):
            level = int(name[1]) if re.fullmatch(r"h[1-6]", name) else 0
            lines.append(Line(text, level=level, ends=True))

    for text, block in _html_strings(soup):
        if block is not None and block != name:
            end()
        name = block if block is not None else name
        pieces.append(text)
        if block is None:
            end()
    end()
    yield Page(1, tuple(lines))


def _html_strings(root: Any) -> Iterator[tuple[str, str | None]]:
    """The pieces of text with the name of the block that they are in; None for a boundary. Without recursion, since
    pages may nest thousands deep."""
    from bs4 import NavigableString

    stack: list[Any] = [(root, "")]
    while stack:
        node, name = stack.pop()
        if node is None:
            yield "", None
        elif isinstance(node, NavigableString):
            yield str(node), name
        elif node.name == "br":
            yield ("\n" if name == "pre" else " "), name
        else:
            block = node.name in _BLOCKS
            inner = "pre" if name == "pre" else node.name if block else name
            stack += [(None, "")] if block else []
            stack += [(child, inner) for child in reversed(list(node.children))]
            stack += [(None, "")] if block else []


# DOCX

def _read_docx(path: Path) -> Iterator[Page]:
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > _UNPACKED_BYTES:
            raise DocumentError(f"{path.name} would unpack to {unpacked >> 20} MB.",
                                fix=f"A DOCX file may unpack to {_UNPACKED_BYTES >> 20} MB.")
        items = docx.Document(str(path)).iter_inner_content()
        pages: list[list[Line]] = [[]]
        for item in items:
            if isinstance(item, Table):
                for row in item.rows:
                    pages[-1].append(Line(" ".join(dict.fromkeys(cell.text for cell in row.cells)), ends=True))
            else:
                _add_paragraph(item, pages)
    except DocumentError:
        raise
    except (zipfile.BadZipFile, PackageNotFoundError, KeyError, ValueError, OSError, SyntaxError,
            AttributeError) as error:
        raise DocumentError(f"{path.name} cannot be opened as DOCX ({type(error).__name__}).",
                            fix="The file is damaged, or is an old .doc file: save it as DOCX.") from error
    for number, lines in enumerate(pages, 1):
        yield Page(number, tuple(lines))


def _add_paragraph(paragraph: Any, pages: list[list[Line]]) -> None:
    style = (paragraph.style.name or "").lower() if paragraph.style is not None else ""
    level = re.fullmatch(r"(?:heading|title|überschrift|titre)\s*(\d?)", style)
    if level:
        pages[-1].append(Line(paragraph.text, level=min(6, int(level[1] or 1)), ends=True))
        return
    text = paragraph.text
    if re.match(r"(?:toc|index|table of)\b", style):
        return
    before = paragraph.rendered_page_breaks
    if before:
        start = before[0].preceding_paragraph_fragment
        if start is not None:
            pages[-1].append(Line(start.text))
            rest = before[0].following_paragraph_fragment
            text = rest.text if rest is not None else ""
        pages.append([])
    pages[-1].append(Line(text, ends=True))


_READERS: dict[str, Callable[[Path], Iterator[Page]]] = {
    "text": _read_text, "Markdown": _read_markdown, "HTML": _read_html, "DOCX": _read_docx}
