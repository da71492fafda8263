"""What plans from documents are like, over the questions of `documents_questions.py`.

    ./run.sh benchmarks/planning.py --chunks R-intro.jsonl gnuplot.jsonl [--books FOLDER] [--seconds 20] [--show 3]

Counts, for each book and framework: plans that have something to say, scenes and cues of a plan, beats that are
filled, seconds that planning takes, and cues whose words stand on the page that they name (in the same order, others
left out between them; read again with pypdf from the books in FOLDER, else in the chunk). Off-topic questions must give
plans without cues.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from documents_questions import OFF_TOPIC, OFF_TOPIC_FRESH, QUESTIONS

from wgp_core.documents.cues import grounded
from wgp_core.documents.retrieve import Retriever, open_retriever
from wgp_core.paths import build_paths
from wgp_core.planning.beats import BEATS
from wgp_core.planning.brief import Framework, PlanBrief, Planned
from wgp_core.planning.grounded import plan_from_documents


def book(retriever: Retriever, name: str, seconds: float, pages: dict[int, str], show: int) -> None:
    questions = [question for question, _, _ in QUESTIONS[f"{name}.pdf"]]
    retriever.search("warm")
    for framework in Framework:
        plans: list[Planned] = []
        taken: list[float] = []
        for question in questions:
            began = time.perf_counter()
            plans.append(plan_from_documents(PlanBrief(question, framework=framework, seconds=seconds), retriever))
            taken.append(time.perf_counter() - began)
        said = [plan for plan in plans if plan.grounded]
        cues = [cue for plan in said for scene in plan.scenes for cue in scene.cues]
        right = sum(any(_stands(cue.text, page, pages, retriever)
                        for page in range(cue.page or 0, (cue.page_to or cue.page or 0) + 1)) for cue in cues)
        filled = Counter(beat.name for plan in said for beat in BEATS[framework]
                         if any(scene.purpose == beat.purpose for scene in plan.scenes))
        beats = ", ".join(f"{name} {count}" for name, count in filled.items())
        print(f"{name} {framework.value}: {len(said)} of {len(plans)} plans say something; "
              f"{statistics.mean(len(plan.scenes) for plan in said):.1f} scenes and {len(cues) / len(said):.1f} cues; "
              f"{right} of {len(cues)} cues on their page; beats filled: {beats}; "
              f"median {1000 * statistics.median(taken):.0f} ms", flush=True)
        for plan, question in list(zip(plans, questions, strict=True))[:show]:
            print(f"  {question}")
            for scene in plan.scenes:
                print(f"    {scene.seconds:5.1f} s {scene.kind.value:11} {scene.title} | {scene.narration}")
    silent = [plan_from_documents(PlanBrief(question, seconds=seconds), retriever)
              for question in (*OFF_TOPIC, *OFF_TOPIC_FRESH)]
    print(f"{name}: {sum(not plan.grounded for plan in silent)} of {len(silent)} off-topic plans without cues")


def _stands(text: str, page: int, pages: dict[int, str], retriever: Retriever) -> bool:
    if pages:
        return grounded(text, pages.get(page, ""))
    return any(grounded(text, chunk.text) for chunk in retriever.chunks if chunk.page_from <= page <= chunk.page_to)


def read_pages(path: Path) -> dict[int, str]:
    """The text of each page as bare pypdf gives it, words that a line breaks joined."""
    from pypdf import PdfReader

    return {number: (page.extract_text() or "").replace("-\n", "") for number, page in enumerate(
        PdfReader(path).pages, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=Path, nargs="+", required=True)
    parser.add_argument("--books", type=Path, default=None)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--show", type=int, default=0, help="print so many plans of each framework")
    options = parser.parse_args()
    for file in options.chunks:
        name = file.parent.name if file.stem == "chunks" else file.stem
        pages = read_pages(options.books / f"{name}.pdf") if options.books else {}
        book(open_retriever(file, build_paths().ckpts), name, options.seconds, pages, options.show)


if __name__ == "__main__":
    main()
