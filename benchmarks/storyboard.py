"""Storyboards measured: do the boards keep the rules, tell their stories, and how long does it take.

    ./run.sh benchmarks/storyboard.py [--providers rules,local,openai] [--limit N] [--count 8] [--show N] [--json FILE]

`rules` needs no model; the others use the installed or configured language model. Columns, over the stories beside this
file (`stories.jsonl`, written for it):

rules before / after   share of boards that satisfy every rule as first written, and after repair
repairs                changes a board, mean
distinct               different scenes of all scenes (no two of one board with the same action)
alike                  largest cosine of two scenes of a board by all-MiniLM-L6-v2, mean and largest (where installed)
kept                   share of the hand-written people and things of a story that its descriptions name
tokens                 share of prompts within 75 tokens; the largest count
fell back              boards that the asked provider did not write
seconds                median and the largest of a board; the first one apart (loading)
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from wgp_core.paths import build_paths
from wgp_core.planning.story.board import Board
from wgp_core.planning.story.break_down import Broken, Writers, broken_down, embedder_of
from wgp_core.planning.story.rules import Embed, check
from wgp_core.prompts.enhancement import JobType
from wgp_core.prompts.tokens import counter_for

STORIES = Path(__file__).with_name("stories.jsonl")


@dataclass
class Row:
    """One board and what was measured on it."""

    story: dict[str, Any]
    broken: Broken
    seconds: float

    @property
    def board(self) -> Board:
        return self.broken.board

    def missing(self) -> list[list[str]]:
        said = " ".join(scene.description.lower() for scene in self.board.scenes)
        return [words for words in self.story["keep"] if not any(word in said for word in words)]

    def distinct(self) -> float:
        told = [" ".join((scene.action or scene.description).lower().split()) for scene in self.board.scenes]
        return len(set(told)) / len(told)

    def alike(self, embed: Embed) -> float:
        vectors = embed([scene.action or scene.description for scene in self.board.scenes])
        near = vectors @ vectors.T - 2 * np.eye(len(vectors))
        return float(near.max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--providers", default="rules")
    parser.add_argument("--limit", type=int, default=0, help="only so many stories, evenly over all kinds")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--show", type=int, default=0, help="print so many boards")
    parser.add_argument("--json", type=Path, help="write every board here")
    options = parser.parse_args()
    stories = [json.loads(line) for line in STORIES.read_text(encoding="utf-8").splitlines() if line.strip()]
    if options.limit:
        stories = stories[::max(len(stories) // options.limit, 1)][:options.limit]
    tables, boards = [], []
    for provider in options.providers.split(","):
        rows = measured(provider.strip(), stories, options.count)
        tables.append(table(provider.strip(), rows))
        boards += [row.board.to_dict() for row in rows]
        for row in rows[:options.show]:
            show(row)
    names = list(tables[0])
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for one in tables:
        print("| " + " | ".join(str(one[name]) for name in names) + " |")
    if options.json:
        options.json.write_text(json.dumps(boards, indent=1, ensure_ascii=False), encoding="utf-8")


def measured(provider: str, stories: list[dict[str, Any]], count: int) -> list[Row]:
    writers = Writers(build_paths())
    rows = []
    for number, story in enumerate(stories, 1):
        began = time.perf_counter()
        broken = broken_down(story["story"], count=count, provider=provider, writers=writers)
        rows.append(Row(story, broken, time.perf_counter() - began))
        if provider != "rules":
            print(f"{provider}: {number} of {len(stories)}, {rows[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    return rows


def table(provider: str, rows: list[Row]) -> dict[str, str]:
    paths = build_paths()
    counter = counter_for(JobType.SDXL_IMAGE_FAST, paths)
    embed = embedder_of(paths)
    holding = [not check(row.board.scenes, row.board.bible, story=row.story["story"]) for row in rows]
    tokens = [counter.count(scene.prompt) for row in rows for scene in row.board.scenes]
    things = sum(len(row.story["keep"]) for row in rows)
    lost = sum(len(row.missing()) for row in rows)
    timed = [row.seconds for row in rows[1:]] or [rows[0].seconds]
    near = [row.alike(embed) for row in rows] if embed is not None else []
    return {
        "provider": provider, "stories": str(len(rows)),
        "rules before": f"{sum(not row.broken.breaches for row in rows) / len(rows):.3f}",
        "rules after": f"{sum(holding) / len(rows):.3f}",
        "repairs": f"{statistics.mean(len(row.board.repaired) for row in rows):.2f}",
        "distinct": f"{statistics.mean(row.distinct() for row in rows):.3f}",
        "alike": f"{statistics.mean(near):.2f}, {max(near):.2f}" if near else "-",
        "kept": f"{1 - lost / things:.3f}",
        "tokens": f"{sum(count <= 75 for count in tokens) / len(tokens):.3f}, {max(tokens)}",
        "fell back": f"{sum(row.board.provider != provider for row in rows)}",
        "seconds": f"{statistics.median(timed):.3f}, {max(timed):.3f}", "first": f"{rows[0].seconds:.2f}",
    }


def show(row: Row) -> None:
    print(f"\n## {row.story['story']}")
    for scene in row.board.scenes:
        print(f"{scene.frame}. [{scene.camera}] {scene.description} ({scene.lighting}; {scene.mood})")
    for breach in row.broken.breaches:
        print(f"   before: {breach}")
    for words in row.missing():
        print(f"   missing: {words}")


if __name__ == "__main__":
    main()
