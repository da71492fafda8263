"""Frames and shots by diffusion models at toy size: which model draws, what is tried again, what a film keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from wgp_core.config import Config
from wgp_core.context import generation_context
from wgp_core.errors import EngineError
from wgp_core.generate import GenerationContext, NoRecorder, generate_video
from wgp_core.media.images import load_image
from wgp_core.media.metadata import read_manifest
from wgp_core.media.probe import probe, read_frames
from wgp_core.models.manager import process_manager
from wgp_core.models.toy import write_toy
from wgp_core.paths import Paths
from wgp_core.planning.story.break_down import break_down
from wgp_core.request import EngineChoice, OutputOptions, VideoRequest
from wgp_core.storyboard import BoardProject, DrawOptions, FilmOptions, Transition, draw, film
from wgp_core.storyboard.draw import NEXT_TRY
from wgp_core.storyboard.likeness import Likeness

torch.set_num_threads(1)
STORY = "a trickster sells a wealthy merchant a magical pot"


@pytest.fixture
def context(paths: Paths) -> Iterator[GenerationContext]:
    yield generation_context(paths, Config(paths.settings_file).settings, NoRecorder())
    process_manager().release_all()


def board(context: GenerationContext, **options: object) -> BoardProject:
    """Six scenes, of which the first three are kept."""
    small = DrawOptions(width=64, height=64, steps=1, **options)  # type: ignore[arg-type]
    made = BoardProject.create_in(context.paths.outputs, break_down(STORY, count=6), small)
    made.arrange(made.board.scenes[:3], [1, 2, 3])
    return made


def test_the_picture_model_draws_and_the_best_of_all_tries_is_kept(context: GenerationContext) -> None:
    write_toy(context.paths.ckpts / "wan", "wan")
    write_toy(context.paths.ckpts / "sdxl-base", "sdxl")
    project = board(context, engine=EngineChoice.DIFFUSION, model="sdxl-base", threshold=1.0, tries=2)
    drawn = draw(project, [1, 3], context)
    first, third = project.frame(1), project.frame(3)
    assert (first.engine, first.seed, first.tries, first.marked) == ("diffusion", 42, 1, False), "nothing to compare"
    assert third.tries == 2 and third.marked and third.consistency is not None and third.consistency < 1
    assert "stayed below 1" in third.note and any("Frame 3 looks unlike" in warning for warning in drawn.warnings)

    likeness, scene = Likeness(context.paths), project.scene(3)
    values = {}
    for seed in (44, 44 + NEXT_TRY):
        path = context.paths.outputs / f"{seed}.png"
        generate_video(VideoRequest(
            prompt=scene.prompt, negative_prompt=scene.negative_prompt, engine=EngineChoice.DIFFUSION,
            model="sdxl-base", width=64, height=64, frames=1, steps=1, guidance=7.5, seed=seed,
            output=OutputOptions(path=path, poster=False)), context)
        values[seed] = float(likeness.vector(path) @ likeness.vector(project.frame_path(1)))
    assert third.seed == max(values, key=lambda seed: values[seed])


def test_a_shot_starts_from_its_frame_and_one_is_redone_alone(context: GenerationContext) -> None:
    write_toy(context.paths.ckpts / "wan", "wan")
    write_toy(context.paths.ckpts / "i2v", "wan-i2v")
    project = board(context, engine=EngineChoice.DIFFUSION, model="wan")
    draw(project, None, context)
    assert {frame.engine for frame in project.frames} == {"diffusion"}
    project.film_options = FilmOptions(EngineChoice.DIFFUSION, "i2v", fps=8, transition=Transition.MATCH, seconds=0.5)
    result = film(project, context)
    info = probe(result.path)
    assert (info.width, info.height, round(info.fps)) == (64, 64, 8) and result.frames == 3 * 5
    manifest = read_manifest(project.shot_path(1))
    assert manifest is not None
    request = manifest["request"]
    assert Path(request["start_image"]).name == "frame_001.png" and request["prompt"] == project.scene(1).motion

    kept = [project.shot_path(number).stat().st_mtime_ns for number in (1, 2, 3)]
    project.edit(2, motion="the pot glows and rises slowly")
    film(project, context)
    again = [project.shot_path(number).stat().st_mtime_ns for number in (1, 2, 3)]
    assert [before == now for before, now in zip(kept, again, strict=True)] == [True, False, True]

    project.film_options = replace(project.film_options, model="wan")
    with pytest.raises(EngineError, match="cannot use a start image"):
        film(project, context)


def test_without_a_model_for_motion_a_camera_moves_over_the_pictures(context: GenerationContext) -> None:
    write_toy(context.paths.ckpts / "wan", "wan")
    project = board(context, engine=EngineChoice.DIFFUSION, model="wan")
    draw(project, [1], context)
    project.film_options = FilmOptions(EngineChoice.LOCAL, fps=8, seconds=0.5)
    film(project, context)
    start = next(iter(read_frames(project.shot_path(1)))).astype(int)
    picture = load_image(project.frame_path(1)).astype(int)
    small = np.array([start.mean((0, 1)), picture.mean((0, 1))])
    assert np.abs(small[0] - small[1]).max() < 25, "the shot shows the picture, not a sketch"
