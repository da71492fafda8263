"""Ingest measured on real books: pages a second against bare pypdf, and cleaning against pages labelled by hand.

    python benchmarks/documents_ingest.py --books FOLDER [--runs 3] [--json FILE]

The books are PDF documentation of Debian 12: r-doc-pdf (R-intro.pdf, R-lang.pdf), gnuplot-doc (gnuplot.pdf),
why3-doc-pdf (manual.pdf), python-reportlab-doc (reportlab-userguide.pdf), lilypond-doc-pdf (essay.pdf), gri-pdf-doc
(gri.pdf), debian-faq (debian-faq.en.pdf), developers-reference (developers-reference.pdf). Labels are kept here, the
books are not. A page counts as left out where more than half of its words are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.documents.ingest import FURNITURE, IngestReport, ingest
from wgp_core.documents.types import ChunkFiles

LABELS: Mapping[str, Mapping[str, str]] = {
    "R-intro.pdf": {"title page": "1", "imprint": "2", "table of contents": "3-6", "index": "108-112",
                    "bibliography": "113"},
    "gnuplot.pdf": {"title page": "1", "table of contents": "2-20", "index": "304-311"},
    "manual.pdf": {"title page": "1", "table of contents": "3-6", "imprint": "7", "bibliography": "175-176",
                   "index": "177-184"},
    "reportlab-userguide.pdf": {"title page": "1", "table of contents": "2-5"},
    "essay.pdf": {"title page": "1", "table of contents": "2", "noise": "22", "bibliography": "23-32", "index": "40"},
}
"""Pages that teach nothing, in the books by which the rules were made. Front and back matter was looked at page by
page, and so was each page left out."""
LABELS_FRESH: Mapping[str, Mapping[str, str]] = {
    "gri.pdf": {"title page": "1", "imprint": "2", "short contents": "3", "table of contents": "5-15",
                "acknowledgements": "257", "index": "269-281", "index of commands": "283", "index of variables": "285"},
    "debian-faq.en.pdf": {"title page": "1", "imprint": "2", "table of contents": "3-6", "index": "73"},
    "developers-reference.pdf": {"title page": "1", "table of contents": "3-8", "imprint": "9"},
    "R-lang.pdf": {"title page": "1", "imprint": "2", "table of contents": "3-5", "index": "65-68",
                   "bibliography": "69"},
}
"""The same in books that were labelled before the rules saw them. A licence printed in full counts as text."""

BARE = """
import sys, time
from pypdf import PdfReader
started = time.perf_counter()
reader = PdfReader(sys.argv[1])
words = sum(len(page.extract_text().split()) for page in reader.pages)
print(time.perf_counter() - started, len(reader.pages))
"""


def pages_in(text: str) -> set[int]:
    """"3-6" -> 3, 4, 5, 6."""
    first, _, last = text.partition("-")
    return set(range(int(first), int(last or first) + 1))


def pages_left_out(report: IngestReport) -> set[int]:
    """Pages more than half of whose words were rejected; running heads do not count."""
    kept: Counter[int] = Counter()
    gone: Counter[int] = Counter()
    for chunk in report.chunks:
        for page in range(chunk.page_from, chunk.page_to + 1):
            kept[page] += chunk.words // (chunk.page_to - chunk.page_from + 1)
    for item in report.rejected:
        if not item.reason.startswith((FURNITURE, "near-duplicate")):
            gone[item.chunk.page_from] += item.chunk.words
    return {page for page, words in gone.items() if words > kept[page]}


def measure(book: Path, runs: int) -> dict[str, Any]:
    bare, ours, report = [], [], None
    for _ in range(runs):
        done = subprocess.run([sys.executable, "-c", BARE, str(book)], capture_output=True, text=True, check=True)
        bare.append(float(done.stdout.split()[0]))
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            report = ingest([book], ChunkFiles.beside(Path(folder) / "book.jsonl"))
            ours.append(time.perf_counter() - started)
    assert report is not None
    labelled = set().union(*(pages_in(pages) for pages in {**LABELS, **LABELS_FRESH}[book.name].values()))
    found = pages_left_out(report)
    right = labelled & found
    return {"book": book.name, "pages": report.pages, "chunks": len(report.chunks),
            "bare_s": round(min(bare), 2), "ours_s": round(min(ours), 2),
            "ratio": round(min(ours) / min(bare), 2),
            "ratio_median": round(statistics.median(a / b for a, b in zip(ours, bare, strict=True)), 2),
            "pages_a_second": round(report.pages / min(ours), 1), "labelled": len(labelled), "left_out": len(found),
            "right": len(right), "missed": sorted(labelled - found), "wrong": sorted(found - labelled)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--books", type=Path, required=True)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    found: dict[str, Any] = {}
    for kind, labels in (("the rules' own books", LABELS), ("fresh books", LABELS_FRESH)):
        rows = [measure(options.books / name, options.runs) for name in labels if (options.books / name).is_file()]
        for row in rows:
            print(row)
        right = sum(row["right"] for row in rows)
        precision = right / max(1, sum(row["left_out"] for row in rows))
        recall = right / max(1, sum(row["labelled"] for row in rows))
        bare, ours = (sum(row[key] for row in rows) for key in ("bare_s", "ours_s"))
        print(f"{kind}: pages left out with precision {precision:.3f}, recall {recall:.3f}; "
              f"{ours / max(bare, 1e-9):.2f} times bare pypdf")
        found[kind] = {"books": rows, "precision": precision, "recall": recall}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
