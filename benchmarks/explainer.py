"""Frames per second of the local engine, and the ratio to matplotlib's own way of writing the same animation.

    ./run.sh benchmarks/explainer.py [--seconds 10] [--size 1280x720]

Both draw the same scenes with the same artists and encode with the same ffmpeg, codec, quality and preset. The peer is
`FuncAnimation.save` with `FFMpegWriter`, which redraws the whole figure for each frame. Ours includes planning and the
start of the drawing processes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.engines.base import RenderSession, RuntimeOptions
from wgp_core.engines.explainer import compose
from wgp_core.engines.explainer.chrome import dress
from wgp_core.engines.explainer.engine import ExplainerEngine
from wgp_core.engines.explainer.scene import Clock
from wgp_core.engines.explainer.stage import Stage
from wgp_core.hardware import usable_cores
from wgp_core.media import encode, ffmpeg
from wgp_core.paths import build_paths
from wgp_core.request import VideoRequest

TOPICS = ("gradient descent", "k-means", "A* pathfinding", "sorting with quicksort", "photosynthesis turns light, "
          "water and carbon dioxide into sugar and oxygen")


def ours(request: VideoRequest, target: Path, processes: int) -> None:
    session = RenderSession(runtime=RuntimeOptions(render_processes=processes))
    stream = ExplainerEngine(build_paths()).render(request, session)
    encode.encode(stream.frames, target, encode.EncodeOptions(stream.width, stream.height, stream.fps))


def peer(request: VideoRequest, target: Path) -> None:
    """One `FuncAnimation.save` a scene, as a user of matplotlib would write it."""
    import matplotlib
    from matplotlib.animation import FFMpegWriter, FuncAnimation

    assert request.frames and request.fps and request.width and request.height
    matplotlib.rcParams["animation.ffmpeg_path"] = ffmpeg.binary()
    plan = compose.plan_for(request, request.frames / request.fps)
    scenes = compose.compose(plan, compose.topic_for(request, request.frames / request.fps))
    for number, slot in enumerate(compose.schedule(scenes, request.frames, request.fps)):
        stage = Stage(request.width, request.height, request.theme)
        dress(stage, slot.scene, number=number + 1, of=len(plan))
        slot.scene.build(stage)
        for artist in stage.figure.findobj(lambda item: item.get_animated()):
            artist.set_animated(False)
        update = _updater(slot, request.fps)
        animation = FuncAnimation(stage.figure, update, frames=slot.frames, init_func=lambda: (), blit=False)
        writer = FFMpegWriter(fps=request.fps, codec="libx264",
                              extra_args=["-crf", "18", "-preset", "veryfast", "-pix_fmt", "yuv420p"])
        animation.save(str(target.with_stem(f"{target.stem}_{number}")), writer=writer, dpi=stage.figure.dpi)


def _updater(slot: compose.Slot, fps: int) -> Callable[[int], tuple[()]]:
    def update(local: int) -> tuple[()]:
        slot.scene.draw(Clock(local / max(slot.frames - 1, 1), slot.frames / fps))
        return ()

    return update


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--fps", type=int, default=30)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    print(f"{width}x{height}, {options.seconds:g} s at {options.fps} fps, {usable_cores()} cores\n")
    print(f"{'topic':42} {'FuncAnimation':>14} {'1 process':>10} {'all cores':>10} {'ratio':>7}   frames/s")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.mp4"
        for topic in TOPICS:
            frames = round(options.seconds * options.fps)
            request = VideoRequest(prompt=topic, width=width, height=height, fps=options.fps, frames=frames, seed=1)
            slow = frames / timed(lambda r=request: peer(r, target))
            one = frames / timed(lambda r=request: ours(r, target, 1))
            every = frames / timed(lambda r=request: ours(r, target, 0))
            ratios.append(every / slow)
            print(f"{topic[:42]:42} {slow:14.1f} {one:10.1f} {every:10.1f} {ratios[-1]:6.1f}x")
    print(f"\nmedian ratio {statistics.median(ratios):.1f}x, lowest {min(ratios):.1f}x")


if __name__ == "__main__":
    main()
