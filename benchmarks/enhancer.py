"""What enhancing keeps, adds and costs, level by level, on the development prompts beside this file.

    ./run.sh benchmarks/enhancer.py [--levels rules,local,openai] [--model NAME] [--limit N] [--seed N] [--show N]

`rules` needs no model; the other levels use the installed or configured language model, and each text that it did not
give counts as fallen back. The job types take turns. Columns:

kept       share of what the prompt says that the enhanced text still says, mean (the program's own reading)
labels     the same by the hand-written words of the prompt file
against    share of texts with a contradiction, or with a word that the file forbids
budget     share of texts within the job type's token budget
score      quality score before and after, mean
openings   different first three words among the texts, as a share
fell back  texts that the level asked for did not give, so that rules wrote them
seconds    median and the 95th of 100, the first call (loading) apart; then the median of the same from the cache
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.errors import WgpError
from wgp_core.paths import Paths, build_paths
from wgp_core.prompts.enhancement import EnhanceRequest, EnhanceResult, JobType, Mode, Provider
from wgp_core.prompts.enhancer import PromptEnhancer
from wgp_core.prompts.fidelity import check, retention
from wgp_core.settings import Settings

PROMPTS = Path(__file__).with_name("enhancer_prompts.json")
TURNS = ((JobType.VIDEO_FAST, Mode.TEXT_TO_VIDEO), (JobType.SDXL_IMAGE_FAST, Mode.IMAGE),
         (JobType.VIDEO_HIGH, Mode.TEXT_TO_VIDEO), (JobType.SDXL_IMAGE_HIGH, Mode.CINEMATOGRAPHER),
         (JobType.WAN_7B_ENHANCED, Mode.TEXT_TO_VIDEO), (JobType.VIDEO_FAST, Mode.MOTION))
_NEGATED = re.compile(r"\b(?:no|not|without|never|free of|neither|nor)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)


class Memory:
    """The enhancer's cache as a dictionary of JSON texts."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def get(self, key: str) -> Mapping[str, Any] | None:
        return json.loads(self._kept[key]) if key in self._kept else None

    def put(self, key: str, answer: Mapping[str, Any]) -> None:
        self._kept[key] = json.dumps(answer)


@dataclass(frozen=True)
class Sample:
    """One prompt; of each list in `keep` one word must be there, none of `never` may be."""

    kind: str
    prompt: str
    keep: tuple[tuple[str, ...], ...]
    never: tuple[str, ...]


@dataclass
class Row:
    """What was measured on one enhanced text."""

    sample: Sample
    result: EnhanceResult
    seconds: float
    cached_seconds: float
    kept: float = 0.0
    labels: float = 0.0
    against: tuple[str, ...] = ()
    reasons: tuple[str, ...] = field(default_factory=tuple)


def samples() -> list[Sample]:
    read = json.loads(PROMPTS.read_text(encoding="utf-8"))
    return [Sample(s["kind"], s["prompt"], tuple(tuple(words) for words in s["keep"]), tuple(s["never"])) for s in read]


def measure(sample: Sample, request: EnhanceRequest, enhancer: PromptEnhancer) -> Row:
    began = time.perf_counter()
    result = enhancer.enhance(request)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    enhancer.enhance(request)
    row = Row(sample, result, seconds, time.perf_counter() - began)
    text = result.enhanced
    verdict = check(sample.prompt, text)
    row.kept = retention(sample.prompt, text)
    row.labels = labelled(sample, text)
    row.against = (*verdict.contradictions, *forbidden(sample, text))
    row.reasons = verdict.reasons
    return row


def labelled(sample: Sample, text: str) -> float:
    """The share of the hand-written words that are there, 0 to 1."""
    lower = text.lower()
    return sum(any(word in lower for word in words) for words in sample.keep) / max(len(sample.keep), 1)


def forbidden(sample: Sample, text: str) -> tuple[str, ...]:
    """Words that may not be there and are, unless a "no" stands before them."""
    found = []
    for word in sample.never:
        for match in re.finditer(word if "\\b" in word else rf"\b{re.escape(word)}", text, re.IGNORECASE):
            if not _NEGATED.search(text[:match.start()]):
                found.append(f"forbidden: {match.group()}")
                break
    return tuple(found)


def run_level(level: str, chosen: list[Sample], options: argparse.Namespace, paths: Paths) -> list[Row]:
    enhancer = PromptEnhancer(paths, Settings(), cache=Memory())
    rows = []
    for number, sample in enumerate(chosen):
        job_type, mode = TURNS[number % len(TURNS)]
        request = EnhanceRequest(sample.prompt, mode, job_type, provider=Provider(level), model=options.model,
                                 seed=options.seed)
        rows.append(measure(sample, request, enhancer))
        if level != "rules":
            print(f"\r{level}: {number + 1} of {len(chosen)}", end="", file=sys.stderr, flush=True)
    enhancer.release()
    return rows


def table(level: str, rows: list[Row]) -> dict[str, float | str]:
    timed = sorted(row.seconds for row in rows[1:]) or [rows[0].seconds]
    openings = {" ".join(row.result.enhanced.lower().split()[:3]) for row in rows}
    return {
        "level": level, "texts": len(rows),
        "kept": statistics.mean(row.kept for row in rows), "labels": statistics.mean(row.labels for row in rows),
        "against": sum(bool(row.against) for row in rows) / len(rows),
        "budget": sum(within(row) for row in rows) / len(rows),
        "score before": statistics.mean(row.result.score_before.value for row in rows if row.result.score_before),
        "score after": statistics.mean(row.result.score.value for row in rows if row.result.score),
        "openings": len(openings) / len(rows),
        "fell back": sum(row.result.provider is not Provider(level) for row in rows) / len(rows),
        "seconds": statistics.median(timed), "seconds 95": timed[int(0.95 * (len(timed) - 1))],
        "first seconds": rows[0].seconds, "cached ms": 1000 * statistics.median(row.cached_seconds for row in rows),
    }


def within(row: Row) -> bool:
    return row.result.tokens is not None and row.result.tokens.count <= row.result.tokens.budget


def print_tables(tables: list[dict[str, float | str]]) -> None:
    names = list(tables[0])
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for row in tables:
        print("| " + " | ".join(f"{row[name]:.4f}" if isinstance(row[name], float) else str(row[name])
                                for name in names) + " |")


def show_failures(rows: list[Row], most: int) -> None:
    bad = [row for row in rows if row.against or row.kept < 1 or row.labels < 1 or not within(row)]
    for row in bad[:most]:
        why = [*row.against, *row.reasons, *([] if row.labels == 1 else [f"labels {row.labels:.2f}"])]
        print(f"- {row.sample.prompt}\n  {row.result.enhanced}\n  {'; '.join(why) or 'over the budget'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", default="rules")
    parser.add_argument("--model", default="", help="one of the provider's models")
    parser.add_argument("--limit", type=int, default=0, help="only so many prompts, evenly over all kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="print so many texts that are not perfect")
    parser.add_argument("--json", type=Path, help="write every text and its figures here")
    options = parser.parse_args()
    everything = samples()
    step = max(len(everything) // options.limit, 1) if options.limit else 1
    chosen = everything[::step][:options.limit or None]
    paths = build_paths()
    tables, kept = [], []
    for level in options.levels.split(","):
        try:
            rows = run_level(level.strip(), chosen, options, paths)
        except WgpError as error:
            print(f"{level}: left out. {error}")
            continue
        tables.append(table(level.strip(), rows))
        show_failures(rows, options.show)
        kept += [{"level": level, "kind": row.sample.kind, "prompt": row.sample.prompt, "text": row.result.enhanced,
                  "kept": row.kept, "labels": row.labels, "against": row.against, "seconds": row.seconds,
                  "provider": row.result.provider.value, "model": row.result.model} for row in rows]
    if tables:
        print_tables(tables)
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
