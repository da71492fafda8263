"""How well the estimate of likeness tells the characters of sketched frames apart; its threshold comes from here.

    ./run.sh benchmarks/board_likeness.py [--limit N] [--count 8]

Boards of the stories beside this file are sketched without notes, and frames are compared in pairs:

same                   one board, the same people in both
other people           one board, nobody in both
other story            frames of different boards

Shown are mean, 5th, 50th and 95th percentile of each, and for thresholds the share of pairs below.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from wgp_core.engines.explainer.board import Board as Picture
from wgp_core.engines.explainer.sketch import read_sketch
from wgp_core.planning.story.break_down import break_down
from wgp_core.storyboard import BoardProject
from wgp_core.storyboard.draw import sketch_of
from wgp_core.storyboard.likeness import estimated

STORIES = Path(__file__).with_name("stories.jsonl")
SIZE = (480, 270)
KINDS = ("same", "other people", "other story")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=0, help="only so many stories, evenly over all kinds")
    parser.add_argument("--count", type=int, default=8)
    options = parser.parse_args()
    stories = [json.loads(line)["story"] for line in STORIES.read_text(encoding="utf-8").splitlines() if line.strip()]
    if options.limit:
        stories = stories[::max(len(stories) // options.limit, 1)][:options.limit]
    boards = [sketched(story, options.count) for story in stories]
    found = compared(boards)
    print("| pairs | count | mean | 5 % | 50 % | 95 % |\n|---|---|---|---|---|---|")
    for kind in KINDS:
        low, middle, high = np.percentile(found[kind], (5, 50, 95))
        print(f"| {kind} | {len(found[kind])} | {np.mean(found[kind]):.2f} | {low:.2f} | {middle:.2f} | {high:.2f} |")
    print("\n| threshold | " + " | ".join(f"{kind} below" for kind in KINDS) + " |\n|" + "---|" * (len(KINDS) + 1))
    for threshold in np.arange(0.5, 0.96, 0.05):
        below = (f"{np.mean(np.array(found[kind]) < threshold):.2f}" for kind in KINDS)
        print(f"| {threshold:.2f} | " + " | ".join(below) + " |")


def sketched(story: str, count: int) -> list[tuple[frozenset[str], np.ndarray]]:
    """Of each frame of a story's board: who is seen, and its vector."""
    with TemporaryDirectory() as folder:
        project = BoardProject.create(Path(folder) / "board", break_down(story, count=count))
        frames = []
        for scene in project.board.scenes:
            sketch = read_sketch(sketch_of(project, scene.frame, notes=False).visual)
            picture = Picture(sketch, sketch.place, 41 + scene.frame, SIZE[0] / SIZE[1]).paint(*SIZE)
            frames.append((frozenset(sketch.seen), estimated(picture)))
    return frames


def compared(boards: list[list[tuple[frozenset[str], np.ndarray]]]) -> dict[str, list[float]]:
    """Cosines by kind of pair."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for board in boards:
        for (one, a), (two, b) in itertools.combinations(board, 2):
            if one and one == two:
                found["same"].append(float(a @ b))
            elif one and two and not one & two:
                found["other people"].append(float(a @ b))
    for first, second in itertools.pairwise(boards):
        found["other story"] += [float(a @ b) for (_, a), (_, b) in zip(first, second, strict=False)]
    return found


if __name__ == "__main__":
    main()
