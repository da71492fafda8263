"""Reads one PDF with pypdf in a process of its own: `python -m wgp_core.documents.pdf_child`, orders on stdin.

The order is one JSON line: {"path", "first", "page_s", "memory_mb"}. The answer is a JSON line for the file,
{"pages", "title"} or {"error", "detail"}, and one for each page from `first` on:
{"page", "lines": [[text, x, y, size, flags], ...]} or {"page", "skipped"}. Flags: 1 bold, 2 monospaced.
A page that takes longer than `page_s` seconds is left out; memory above `memory_mb` is refused by the system.
"""

from __future__ import annotations

import json
import logging
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

MOST_TEXT = 300_000
"""Characters of one page; no page of a book has a tenth of that."""

WORD_GAP = 160.0
"""Thousandths of the font's size; kerning inside words is well below, spaces between words are above."""

_BOLD = re.compile(r"bold|black|heavy|semib|-BX|CMBX|CMB\d|CMSSBX|Demi", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consol|typewriter|CMTT|CMSLTT|CMITT|SFTT|menlo|inconsolata|LMMono|fixed",
                   re.IGNORECASE)
_MARK = re.compile(r"\s*(?:\d{1,3}|[*†‡§¶])\s*\Z")
_AFTER_WORD = re.compile(r"(?:[^\W\d_]{3,}|[^\W\d_]+[.,;:!?)”\"'’])\Z")


class PageTooSlow(BaseException):
    """Outside `Exception`, so that no handler inside pypdf takes it for a broken object."""


class PageTooLong(Exception):
    pass


class _Lines:
    """Puts the pieces that pypdf's visitor hands over together to lines."""

    def __init__(self) -> None:
        self.done: list[list[Any]] = []
        self.total = 0
        self._new()

    def _new(self) -> None:
        self.text, self.x, self.y, self.sizes = "", 0.0, 0.0, {}
        self.bold = self.mono = self.letters = 0

    def visit(self, text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        self.total += len(text)
        if self.total > MOST_TEXT:
            raise PageTooLong
        first, *more = text.split("\n")
        self._add(first, cm, tm, font, size)
        for part in more:
            self.end()
            self._add(part, cm, tm, font, size)

    def _add(self, text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        count = len(text.strip())
        if not count:
            self.text += " " if text and self.text else ""
            return
        scale = abs(tm[3] * cm[3]) or abs(tm[1] * cm[1]) or 1.0
        size = round(abs(size) * scale, 1)
        x, y = tm[4] * cm[0] + tm[5] * cm[2] + cm[4], tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        if not self.letters:
            self.x, self.y = round(x, 1), round(y, 1)
        elif _MARK.match(text) and size < 0.8 * self.size and y > self.y + 1 and _AFTER_WORD.search(self.text):
            return  # the mark of a footnote
        self.text += text
        name = str(font.get("/BaseFont", "")) if font else ""
        self.sizes[size] = self.sizes.get(size, 0) + count
        self.letters += count
        self.bold += count if _BOLD.search(name) else 0
        self.mono += count if _MONO.search(name) else 0

    @property
    def size(self) -> float:
        return max(self.sizes, key=self.sizes.__getitem__) if self.sizes else 0.0

    def end(self) -> None:
        if self.letters:
            flags = (self.bold > 0.6 * self.letters) + 2 * (self.mono > 0.6 * self.letters)
            self.done.append([self.text.rstrip(), self.x, self.y, self.size, flags])
        self._new()


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise `PageTooSlow` in the running code; without effect where the system has no interval timer."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_signal: int, _frame: Any) -> None:
        raise PageTooSlow

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_memory(megabytes: int) -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _see_narrow_spaces() -> None:
    """Let pypdf take a gap of `WORD_GAP` for a space also in fonts that have none.

    pypdf then guesses the space's width from wide letters, and runs justified words together.
    """
    with suppress(ImportError, AttributeError):
        from pypdf._text_extraction._text_extractor import TextExtraction

        original = TextExtraction.process_tj_offset

        def process_tj_offset(self: Any, offset: float, space_width: float) -> None:
            original(self, offset, min(space_width, WORD_GAP))

        TextExtraction.process_tj_offset = process_tj_offset  # type: ignore[method-assign]


def _answer(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def _read_page(reader: Any, number: int, page_s: float) -> dict[str, Any]:
    lines = _Lines()
    try:
        with _time_limit(page_s):
            page = reader.pages[number - 1]
            page.extract_text(visitor_text=lines.visit)
            lines.end()
            if not lines.done:
                resources = page.get("/Resources")
                pictures = resources.get_object().get("/XObject") if resources else None
                return {"page": number, "skipped": "only a picture, no text" if pictures else "", "lines": []}
    except PageTooSlow:
        return {"page": number, "skipped": f"took longer than {page_s:g} s"}
    except PageTooLong:
        return {"page": number, "skipped": f"more than {MOST_TEXT} characters"}
    except MemoryError:
        return {"page": number, "skipped": "needed too much memory"}
    except RecursionError:
        return {"page": number, "skipped": "damaged (endless references)"}
    except Exception as error:  # noqa: BLE001 - pypdf raises nearly anything on damaged files
        return {"page": number, "skipped": f"damaged ({type(error).__name__}: {str(error)[:120]})"}
    return {"page": number, "lines": lines.done}


def _open(path: str) -> Any:
    """The reader, or a dictionary with the error."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    try:
        reader = PdfReader(path, strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            return {"error": "encrypted", "detail": ""}
        count = len(reader.pages)
    except DependencyError as error:
        return {"error": "encrypted", "detail": str(error)}
    except MemoryError:
        return {"error": "memory", "detail": ""}
    except Exception as error:  # noqa: BLE001 - pypdf raises nearly anything on damaged files
        return {"error": "damaged", "detail": f"{type(error).__name__}: {str(error)[:200]}"}
    _answer({"pages": count, "title": _title(reader)})
    return reader


def _title(reader: Any) -> str:
    try:
        return str((reader.metadata or {}).get("/Title") or "")[:200]
    except Exception:  # noqa: BLE001 - a broken title is no title
        return ""


def main() -> None:
    order = json.loads(sys.stdin.readline())
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    _limit_memory(int(order["memory_mb"]))
    _see_narrow_spaces()
    reader = _open(order["path"])
    if isinstance(reader, dict):
        _answer(reader)
        return
    for number in range(int(order["first"]), len(reader.pages) + 1):
        _answer(_read_page(reader, number, float(order["page_s"])))


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
