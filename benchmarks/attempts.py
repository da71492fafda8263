"""Whether the loop of attempts helps, with the starter model: what is selected, against chance and the best there is.

    ./run.sh benchmarks/attempts.py [--prompts 60] [--attempts 3] [--steps 20] [--no-refine] [--json FILE]

Prompts are of held-out combinations in held-out words. Each gets attempts with different seeds, which are scored and
ranked as everywhere, and one automatic refinement of the selected one. What counts is how many of colour, shape, motion
and background the world's detector finds right, of the scene that the prompt was written for.

single      the first attempt
chance      any of the attempts, mean
selected    by all dimensions, as the program selects
pictures    by all dimensions but agreement with the prompt: nothing that reads the prompt takes part
refined     what one automatic refinement of the selected one keeps
oracle      the best of the attempts

Agreement with the prompt is measured by the same detector that judges here; `selected` therefore says that reading and
weights work, and only `pictures` whether the other dimensions know a better video.

right       mean of the four
all four    share of prompts with all four right
best        share of prompts whose choice is one of the best attempts, among those whose attempts differ
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from training.starter.captions import caption
from training.starter.scenes import draw_scene
from wgp_core.attempts import Workbench, refine, run, suggestions
from wgp_core.context import generation_context
from wgp_core.jobs.recorder import LibraryRecorder
from wgp_core.media.probe import read_frames
from wgp_core.paths import Paths, build_paths
from wgp_core.quality.select import only, rank
from wgp_core.quality.starter.detector import detect
from wgp_core.quality.starter.world import Scene
from wgp_core.quality.types import Dimension, QualityReport
from wgp_core.request import EngineChoice, VideoRequest
from wgp_core.settings import Settings
from wgp_core.store import Store

SEED = 2027
PICTURES = tuple(dimension for dimension in Dimension if dimension is not Dimension.ALIGNMENT)


@dataclass(frozen=True)
class Trial:
    """One prompt: what each attempt got right (0 to 4), which were selected, what the refinement kept."""

    prompt: str
    right: tuple[int, ...]
    selected: int
    pictures: int
    refined: int
    suggestion: str = ""

    def shares(self) -> dict[str, float]:
        """Right answers of each way to choose, 0 to 4."""
        return {"single": self.right[0], "chance": statistics.mean(self.right), "selected": self.right[self.selected],
                "pictures": self.right[self.pictures], "refined": self.refined, "oracle": max(self.right)}

    def hits(self) -> dict[str, float]:
        """Whether each way's choice is one of the best; for chance how likely."""
        best = [value == max(self.right) for value in self.right]
        return {"single": best[0], "chance": statistics.mean(best), "selected": best[self.selected],
                "pictures": best[self.pictures], "oracle": 1}

    def full(self) -> dict[str, float]:
        """Whether all four are right; for chance how likely."""
        return {**{name: float(value == 4) for name, value in self.shares().items()},
                "chance": statistics.mean(value == 4 for value in self.right)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--attempts", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--no-refine", action="store_true")
    parser.add_argument("--json", type=Path, help="write every trial here")
    args = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trials = tried(Path(folder), args)
    print(table(trials))
    refinements = [trial for trial in trials if trial.suggestion]
    print(f"\n{len(trials)} prompts, {args.attempts} attempts each, {args.steps} steps, {len(refinements)} refined; "
          f"attempts differ in {sum(min(t.right) != max(t.right) for t in trials)}; "
          f"{(time.perf_counter() - began) / 60:.0f} minutes")
    if args.json:
        args.json.write_text(json.dumps([{**vars(trial)} for trial in trials], indent=1), encoding="utf-8")


def tried(folder: Path, args: argparse.Namespace) -> list[Trial]:
    """One trial for each prompt, in a workshop of its own with the program's weights."""
    own = build_paths()
    paths = Paths(**{**vars(build_paths(home=folder)), "ckpts": own.ckpts}).ensure()
    trials = []
    with Store.open(paths.database) as store:
        bench = Workbench.of(generation_context(paths, Settings(), LibraryRecorder(store)), store)
        for number in range(args.prompts):
            rng = np.random.default_rng([SEED, number])
            scene = draw_scene(rng, held=True, pairs=0)
            trials.append(trial(bench, scene, caption(scene, rng, held=True), 100 * number, args))
            print(f"{number + 1}: {trials[-1].right} selected {trials[-1].selected + 1}, refined {trials[-1].refined}",
                  file=sys.stderr, flush=True)
    return trials


def trial(bench: Workbench, scene: Scene, prompt: str, seed: int, args: argparse.Namespace) -> Trial:
    request = VideoRequest(prompt, engine=EngineChoice.DIFFUSION, model="wan-starter", steps=args.steps, seed=seed)
    done = run(request, bench, args.attempts)
    chosen = done.selected
    assert chosen is not None, "a round without any video raises"
    right = tuple(judged(attempt.path, scene) for attempt in done.attempts)
    reports = [QualityReport.from_dict(attempt.report or {}) for attempt in done.attempts]
    pictures = rank(only(reports, PICTURES), bench.options.weights).selected
    assert pictures is not None, "estimates need no weights"
    refined, suggestion = right[chosen.number - 1], ""
    if not args.no_refine and suggestions(chosen.id, bench.store):
        found = refine(chosen.id, bench, 1, args.attempts)
        refined, suggestion = judged(found.best.path, scene), found.steps[0].suggestion.prompt
    return Trial(prompt, right, chosen.number - 1, pictures, refined, suggestion)


def judged(file: Path | None, scene: Scene) -> int:
    """How many of the four the video shows."""
    if file is None:
        return 0
    found, thing = detect(np.stack(list(read_frames(file)))), scene.things[0]
    return sum((found.colour == thing.colour, found.shape == thing.shape, found.motion == thing.motion,
                found.background == scene.background))


def table(trials: list[Trial]) -> str:
    """Markdown: one row for each way to choose."""
    differing = [trial for trial in trials if min(trial.right) != max(trial.right)]
    rows = ["| choice | right of 4 | all four | best |", "|---|---|---|---|"]
    for name in trials[0].shares():
        best = "-"
        if differing and name in differing[0].hits():
            best = f"{mean([trial.hits()[name] for trial in differing]):.2f}"
        rows.append(f"| {name} | {mean([trial.shares()[name] for trial in trials]):.2f} | "
                    f"{mean([trial.full()[name] for trial in trials]):.2f} | {best} |")
    return "\n".join(rows)


def mean(values: list[Any]) -> float:
    return float(np.mean(values))


if __name__ == "__main__":
    main()
