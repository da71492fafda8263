"""The likeness of a board's frames by a real CLIP at toy size, and by the estimate where none is installed."""

from __future__ import annotations

from pathlib import Path

import clips
import numpy as np
import pytest

pytest.importorskip("torch")
import toy_models

from wgp_core.media.images import save_png
from wgp_core.paths import Paths
from wgp_core.storyboard.likeness import ESTIMATE, Likeness


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """A picture, the same moved a little, and another one."""
    made = [tmp_path / f"{number}.png" for number in range(3)]
    for path, frame in zip(made, (clips.pan(frames=2)[0], clips.pan(frames=2)[1],
                                  255 - clips.pan(frames=1)[0][::-1]), strict=True):
        save_png(np.ascontiguousarray(frame), path)
    return made


@pytest.mark.parametrize("folder", ["clip-vit-base-patch32", "clip-vit-large-patch14"])
def test_pictures_and_prompts_are_compared_by_the_clip_that_is_there(paths: Paths, pictures: list[Path],
                                                                     folder: str) -> None:
    toy_models.clip(paths.ckpts, folder)
    likeness = Likeness(paths)
    assert likeness.measure.startswith("CLIP ViT-") and likeness.agreement(pictures[0], "a cab") is None
    toy_models.tokenizer(paths.ckpts / folder)
    vectors = [likeness.vector(path) for path in pictures]
    assert [round(float(np.linalg.norm(vector)), 4) for vector in vectors] == [1, 1, 1]
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]

    agreement = likeness.agreement(pictures[0], "a cab")
    assert agreement is not None and 0 <= agreement <= 1
    save_png(np.zeros((40, 40, 3), np.uint8), pictures[0])
    assert not np.array_equal(likeness.vector(pictures[0]), vectors[0]), "a file that changed is seen again"
    likeness.close()


def test_without_a_clip_it_is_an_estimate_and_says_so(paths: Paths, pictures: list[Path]) -> None:
    likeness = Likeness(paths)
    first, moved, other = (likeness.vector(path) for path in pictures)
    assert likeness.measure == ESTIMATE and likeness.agreement(pictures[0], "a cab") is None
    assert first @ first == pytest.approx(1, abs=1e-4) and first @ moved > first @ other
