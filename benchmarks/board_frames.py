"""Whether the frames of a storyboard show what their prompts say, drawn by the starter model.

    ./run.sh benchmarks/board_frames.py [--stories 10] [--count 6] [--steps 20] [--guidance 3] [--keep FOLDER]

Short stories of coloured things, written for it here, are broken down by rules and drawn as every board is, one frame a
picture. The world's detector looks for what a frame's prompt names: thing, colour, background. Shown are the shares
that are right, of the frames that name them, and of frames with everything right that their prompt names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.context import generation_context
from wgp_core.generate import NoRecorder
from wgp_core.media.images import load_image
from wgp_core.paths import build_paths
from wgp_core.planning.story.break_down import break_down
from wgp_core.quality.starter.detector import detect
from wgp_core.quality.starter.reading import read_prompt
from wgp_core.request import EngineChoice
from wgp_core.settings import Settings
from wgp_core.storyboard import BoardProject, DrawOptions, FilmOptions, draw

STORIES = (
    "A red ball bounces on green grass. It rolls down to the sea. At night the red ball rests under the stars.",
    "A white rocket stands on green grass. It rises into the blue sky. At night it flies among the stars.",
    "A blue boat drifts on the sea. It floats on the water at sunset. At night the blue boat rests under the stars.",
    "A yellow star spins in the night sky. It falls down to the sea. It rests on green grass.",
    "A pink heart floats in the blue sky. It sinks down to the sea. At sunset the pink heart grows.",
    "An orange house stands on green grass. It glows at sunset. At night it stands under the stars.",
    "A green tree grows before a sunset. At night it stands under the stars. It shrinks in front of a gray wall.",
    "A purple ring rolls across green grass. It spins in the blue sky. It sinks into the sea.",
    "A red car drives across green grass. It waits at sunset. At night the red car drives under the stars.",
    "A blue square rests in front of a gray wall. It spins in the blue sky. It falls onto green grass.",
)
NAMES = ("shape", "colour", "background")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=len(STORIES))
    parser.add_argument("--count", type=int, default=6, help="frames a story")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--keep", type=Path, help="put the boards here")
    args = parser.parse_args()
    right: dict[str, list[bool]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as spare:
        for number, story in enumerate(STORIES[:args.stories], 1):
            project = drawn(story, (args.keep or Path(spare)) / f"board_{number:02}", args)
            for name, found in judged(project):
                right[name].append(found)
            print(f"{number} of {args.stories}", file=sys.stderr, flush=True)
    print("| what | frames that name it | right |\n|---|---|---|")
    for name in (*NAMES, "everything named"):
        print(f"| {name} | {len(right[name])} | {sum(right[name]) / max(len(right[name]), 1):.2f} |")


def drawn(story: str, folder: Path, args: argparse.Namespace) -> BoardProject:
    """The board of a story with its frames, each drawn once."""
    options = DrawOptions(EngineChoice.DIFFUSION, "wan-starter", steps=args.steps, guidance=args.guidance, tries=1)
    project = BoardProject.create(folder, break_down(story, count=args.count), options, FilmOptions())
    draw(project, None, generation_context(build_paths(), Settings(), NoRecorder()))
    return project


def judged(project: BoardProject) -> list[tuple[str, bool]]:
    """(What is named, whether the frame shows it), and a line for everything that a frame names."""
    answers = []
    for frame in project.frames:
        asked = read_prompt(project.scene(frame.number).prompt).named()
        found = detect(load_image(project.frame_path(frame.number))[None])
        seen = [(name, getattr(found, name) == asked[name]) for name in NAMES if name in asked]
        answers += seen
        if seen:
            answers.append(("everything named", all(right for _, right in seen)))
    return answers


if __name__ == "__main__":
    main()
