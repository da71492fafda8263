"""What documents give a video model: the two ways of using them, against the topic alone, with the starter model.

    ./run.sh benchmarks/grounded_videos.py [--seeds 3] [--steps 20] [--json FILE]

`examples/how_things_move.md` says of nine topics what thing moves how, in which colour and before what; the topics
themselves name at most the thing. Each is filmed from the topic alone, with passages in the prompt (overlay), and from
a plan of scenes (semantic). The world's detector reads every scene; what counts is the scene that shows most.

thing       share of videos that show the thing in some scene
right       mean of colour, shape, motion and background, 0 to 4, in the best scene
all four    share of videos with a scene in which all four are right
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.context import generation_context
from wgp_core.documents.ingest import ingest
from wgp_core.documents.types import ChunkFiles
from wgp_core.generate import GenerationContext, generate_video
from wgp_core.jobs.recorder import LibraryRecorder
from wgp_core.media.probe import read_frames
from wgp_core.paths import Paths, build_paths
from wgp_core.quality.starter.detector import detect
from wgp_core.request import DocumentMode, DocumentUse, EngineChoice, VideoRequest
from wgp_core.settings import Settings
from wgp_core.store import Store

TEXT = Path(__file__).resolve().parent.parent / "examples" / "how_things_move.md"
FRAMES = 17
TOPICS: dict[str, tuple[str, str, str, str]] = {
    "how rockets rise": ("red", "rocket", "up", "night"),
    "balls that bounce": ("yellow", "ball", "bounce", "grass"),
    "sailing boats": ("white", "boat", "right", "sea"),
    "cars that pass by": ("blue", "car", "left", "sunset"),
    "spinning rings": ("purple", "ring", "spin", "gray"),
    "the orbit of a moon": ("orange", "ball", "orbit", "black"),
    "things that come nearer": ("pink", "heart", "grow", "sky"),
    "things that go away": ("green", "star", "shrink", "beige"),
    "things at rest": ("white", "house", "still", "grass"),
}
"""Colour, shape, motion and background that the text tells of."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write what was seen in every scene here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(**{**vars(build_paths(home=Path(folder))), "ckpts": build_paths().ckpts}).ensure()
        chunks = Path(folder) / "text.jsonl"
        ingest([TEXT], ChunkFiles.beside(chunks))
        plain = VideoRequest("", engine=EngineChoice.DIFFUSION, model="wan-starter", steps=args.steps)
        ways = {"topic alone": plain,
                "overlay": replace(plain, documents=DocumentUse(chunks=chunks, mode=DocumentMode.OVERLAY)),
                "semantic": replace(plain, documents=DocumentUse(chunks=chunks), scene_frames=FRAMES, crossfade=0.0)}
        with Store.open(paths.database) as store:
            context = generation_context(paths, Settings(), LibraryRecorder(store))
            found = {name: [filmed(replace(way, prompt=topic, seed=seed), told, context)
                            for topic, told in TOPICS.items() for seed in range(args.seeds)]
                     for name, way in ways.items()}
    print("| way | videos | scenes | thing | right | all four |\n|---|---|---|---|---|---|")
    for name, videos in found.items():
        shares = [statistics.mean(each) for each in (
            [len(video["seen"]) for video in videos], [video["thing"] for video in videos],
            [video["right"] for video in videos], [video["right"] == 4 for video in videos])]
        print(f"| {name} | {len(videos)} | {shares[0]:.1f} | {shares[1]:.2f} | {shares[2]:.2f} | {shares[3]:.2f} |")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def filmed(request: VideoRequest, told: tuple[str, str, str, str], context: GenerationContext) -> dict[str, Any]:
    """What each scene of the request's video shows, and the most that one of them has right."""
    path = generate_video(request, context).path
    assert path is not None
    frames = np.stack(list(read_frames(path)))
    scenes = [detect(frames[at:at + FRAMES]) for at in range(0, len(frames), FRAMES)]
    seen = [(scene.colour, scene.shape, scene.motion, scene.background) for scene in scenes]
    found = {"topic": request.prompt, "seed": request.seed, "thing": any(shape == told[1] for _, shape, _, _ in seen),
             "right": max(sum(a == b for a, b in zip(each, told, strict=True)) for each in seen), "seen": seen}
    print(found, file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()
