"""The exact dimensions against small references written from the published formulas, on the real classes."""

from __future__ import annotations

import itertools
import math

import clips
import numpy as np
import pytest
import torch
import toy_models
from torch.nn import functional
from transformers import ViTConfig, ViTModel

from wgp_core.errors import ModelMissingError
from wgp_core.models.aligned import WeightsFileError
from wgp_core.paths import Paths
from wgp_core.quality.dynamic import is_dynamic, stride, top_motion
from wgp_core.quality.models import DINO, QualityModels
from wgp_core.quality.raft import Raft, padded
from wgp_core.quality.score import ScoreOptions, score_frames
from wgp_core.quality.types import Dimension, Kind
from wgp_core.quality.vbench import normalised

IMAGENET = (torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225]))
CLIP = (torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711]))


def reference_input(frame: np.ndarray, mode: str, standard: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    height, width = frame.shape[:2]
    size = (224, int(224 * width / height)) if width >= height else (int(224 * height / width), 224)
    picture = functional.interpolate(torch.tensor(frame).permute(2, 0, 1).float()[None], size=size, mode=mode)
    mean, deviation = (v[None, :, None, None] for v in standard)
    return (picture / 255 - mean) / deviation


def reference_consistency(vectors: list[torch.Tensor]) -> float:
    total = 0.0
    for i in range(1, len(vectors)):
        before = max(0.0, functional.cosine_similarity(vectors[i - 1], vectors[i], dim=0).item())
        first = max(0.0, functional.cosine_similarity(vectors[0], vectors[i], dim=0).item())
        total += (before + first) / 2
    return total / (len(vectors) - 1)


@pytest.mark.parametrize("name", ["pan", "noise", "frozen", "cut"])
def test_temporal_flickering_is_the_formula_to_the_bit(name: str) -> None:
    frames = clips.KNOWN[name]()
    pairs = [np.abs(a.astype(np.int64) - b.astype(np.int64)).sum() / a.size for a, b in itertools.pairwise(frames)]
    expected = (255.0 - float(np.mean(pairs))) / 255.0
    score = score_frames(frames, 16).score(Dimension.FLICKERING)
    assert score.kind is Kind.EXACT
    assert score.raw == expected
    assert score.value == (expected - 0.6293) / (1 - 0.6293)


def test_subject_consistency_of_square_clips_is_that_of_the_library_s_forward_pass(paths: Paths) -> None:
    toy_models.dino(paths.ckpts)
    model = ViTModel.from_pretrained(paths.ckpts / "dino-vitb16", add_pooling_layer=False)
    frames = clips.pan(frames=19)[:, :, :144]
    with torch.inference_mode():
        vectors = [model(reference_input(frame, "bilinear", IMAGENET)).last_hidden_state[0, 0] for frame in frames]
    score = score_frames(frames, 16, models=QualityModels(paths)).score(Dimension.SUBJECT)
    assert score.kind is Kind.EXACT
    assert score.raw == pytest.approx(reference_consistency(vectors), abs=2e-6)
    assert score.value == pytest.approx(normalised(Dimension.SUBJECT, score.raw or 0))


@pytest.mark.parametrize("tall", [False, True])
def test_subject_consistency_of_oblong_clips_enlarges_positions_as_dino_does(paths: Paths, tall: bool) -> None:
    """A model made for that very size gets DINO's enlarged positions by hand and runs the library's forward pass."""
    small = toy_models.dino(paths.ckpts)
    frames = clips.pan(frames=5)
    frames = frames.transpose(0, 2, 1, 3) if tall else frames
    size = (398, 224) if tall else (224, 398)
    rows, columns = size[0] // 16, size[1] // 16
    large = ViTModel(ViTConfig(**{**small.config.to_dict(), "image_size": size}), add_pooling_layer=False).eval()
    state = dict(small.state_dict())
    table = state["embeddings.position_embeddings"]
    grid = functional.interpolate(table[0, 1:].T.reshape(1, 32, 14, 14),
                                  scale_factor=((rows + 0.1) / 14, (columns + 0.1) / 14), mode="bicubic")
    state["embeddings.position_embeddings"] = torch.cat([table[:, :1], grid.flatten(2).transpose(1, 2)], 1)
    large.load_state_dict(state)
    with torch.inference_mode():
        vectors = [large(reference_input(frame, "bilinear", IMAGENET)).last_hidden_state[0, 0] for frame in frames]
    score = score_frames(frames, 16, models=QualityModels(paths)).score(Dimension.SUBJECT)
    assert score.raw == pytest.approx(reference_consistency(vectors), abs=2e-6)


def test_background_consistency_and_alignment_share_one_clip(paths: Paths) -> None:
    model = toy_models.clip(paths.ckpts)
    toy_models.tokenizer(paths.ckpts / "clip-vit-base-patch32")
    frames = clips.pan(frames=19)
    with torch.inference_mode():
        crops = []
        for frame in frames:
            picture = reference_input(frame, "bicubic", CLIP)
            crops.append(picture[..., 87:87 + 224])  # (398 - 224) / 2
        pooled = model.vision_model(torch.cat(crops)).pooler_output
        vectors = functional.normalize(model.visual_projection(pooled), dim=-1)
        tokens = torch.tensor([[30, 0, 16, 31]])  # "ab" -> a, b at the end of a word
        words = functional.normalize(model.text_projection(model.text_model(tokens).pooler_output), dim=-1)
    report = score_frames(frames, 16, "ab", models=QualityModels(paths))
    background, alignment = report.score(Dimension.BACKGROUND), report.score(Dimension.ALIGNMENT)
    assert background.kind is Kind.EXACT
    assert background.raw == pytest.approx(reference_consistency(list(vectors)), abs=2e-6)
    assert alignment.kind is Kind.ESTIMATE and "ViCLIP" in alignment.reason
    assert alignment.raw == pytest.approx(float((vectors @ words.T).mean()), abs=2e-6)


def test_aesthetic_quality_is_the_head_on_unit_vectors(paths: Paths) -> None:
    model = toy_models.clip(paths.ckpts, "clip-vit-large-patch14")
    head = toy_models.aesthetic_head(paths.ckpts)
    frames = clips.pan(frames=18)
    with torch.inference_mode():
        pooled = model.vision_model(torch.cat([reference_input(f, "bicubic", CLIP)[..., 87:87 + 224]
                                               for f in frames])).pooler_output
        expected = (head(functional.normalize(model.visual_projection(pooled), dim=-1)) / 10).mean().item()
    score = score_frames(frames, 16, models=QualityModels(paths)).score(Dimension.AESTHETIC)
    assert score.kind is Kind.EXACT
    assert score.raw == pytest.approx(expected, abs=2e-6)
    assert len(score.curve.values) == 18


def test_dynamic_degree_is_the_rule_on_raft(paths: Paths) -> None:
    model = toy_models.raft(paths.ckpts)
    frames = clips.pan(frames=3)[:, :130, :150]
    motions = []
    for first, second in itertools.pairwise(frames):
        pictures = [torch.tensor(f).permute(2, 0, 1).float()[None] for f in (first, second)]
        pictures = [functional.pad(p, (1, 1, 3, 3), mode="replicate") for p in pictures]  # to 136 x 152
        with torch.inference_mode():
            flow = model(*(2 * (p / 255) - 1 for p in pictures))[0]
        lengths = np.sort((flow[0] ** 2 + flow[1] ** 2).sqrt().numpy().ravel())[::-1]
        motions.append(lengths[:int(136 * 152 * 0.05)].mean())
    exceeded = sum(m > 6.0 * 130 / 256 for m in motions)
    report = score_frames(frames, 8, models=QualityModels(paths))
    score = report.score(Dimension.DYNAMIC)
    assert score.kind is Kind.EXACT
    assert score.raw == float(exceeded >= round(4 * 3 / 16))
    assert score.curve.values == pytest.approx([min(1.0, m / (130 / 256) / 12) for m in motions], rel=1e-4)


def test_raft_is_torchvision_s() -> None:
    """Values computed once with torchvision 0.28's `raft_large` and these weights, five updates."""
    model = toy_models.fixed_raft()
    assert sum(p.numel() for p in model.parameters()) == 5_257_536
    wave = torch.sin(torch.arange(2 * 3 * 128 * 160, dtype=torch.float64) * 0.37)
    pictures = wave.reshape(2, 1, 3, 128, 160).float()
    with torch.inference_mode():
        flow = model(pictures[0], pictures[1], 5)
    expected = [-2.0666, 5.2005, 5.0723, 4.7081, -0.6788, 4.4000, -24.6202, -26.7613, -46.2662, -48.1859, -29.6331]
    assert flow.shape == (1, 2, 128, 160)
    assert flow.flatten()[::4001].tolist() == pytest.approx(expected, abs=0.01)
    assert flow.abs().mean().item() == pytest.approx(29.0371, abs=0.01)


def test_the_flow_s_top_twentieth_and_the_verdict() -> None:
    flow = np.zeros((10, 20, 2), np.float32)
    flow[0, :10] = (3.0, 4.0)
    assert top_motion(flow) == pytest.approx(5.0)
    flow[0, :5] = 0
    assert top_motion(flow) == pytest.approx(2.5)
    assert stride(30) == 4 and stride(24) == 3 and stride(16) == 2 and stride(4) == 1
    assert is_dynamic([7.0] * 4 + [5.9] * 11, 16)
    assert not is_dynamic([7.0] * 3 + [5.9] * 12, 16)
    assert math.prod(padded(torch.zeros(1, 3, 130, 150)).shape[-2:]) == 136 * 152


def test_weights_that_lack_something_are_no_weights(paths: Paths) -> None:
    from safetensors.torch import load_file, save_file

    with pytest.raises(ModelMissingError, match="models install dino-vitb16"):
        QualityModels(paths).folder(DINO)
    toy_models.dino(paths.ckpts)
    file = paths.ckpts / "dino-vitb16" / "model.safetensors"
    tensors = load_file(file)
    lost = tensors.pop(next(name for name in tensors if "layernorm" in name))
    save_file(tensors, file, {"format": "pt"})
    assert lost.numel()
    with pytest.raises(WeightsFileError, match="are not in"):
        QualityModels(paths).dino_vectors()
    score = score_frames(clips.pan(frames=4), 16, models=QualityModels(paths)).score(Dimension.SUBJECT)
    assert score.kind is Kind.ESTIMATE and "Install the model again" in score.reason


def test_exact_consistency_puts_known_clips_in_order(paths: Paths) -> None:
    toy_models.dino(paths.ckpts)
    toy_models.clip(paths.ckpts)
    models = QualityModels(paths)
    values = {name: score_frames(clips.KNOWN[name](), 16, models=models)
              for name in ("frozen", "pan", "cut", "flicker")}
    for dimension in (Dimension.SUBJECT, Dimension.BACKGROUND):
        raw = {name: report.score(dimension).raw or 0.0 for name, report in values.items()}
        assert all(report.score(dimension).kind is Kind.EXACT for report in values.values())
        assert raw["frozen"] == pytest.approx(1.0, abs=1e-5)
        assert raw["frozen"] > raw["pan"] > raw["cut"]
        assert raw["frozen"] > raw["flicker"]


def test_exact_and_estimated_values_are_never_one_number_without_a_word(paths: Paths) -> None:
    toy_models.dino(paths.ckpts)
    frames = clips.pan(frames=9)
    mixed = score_frames(frames, 16, models=QualityModels(paths), options=ScoreOptions())
    assert mixed.total.basis == "mixed"
    assert any("mixes exact values" in note and "Subject consistency" in note for note in mixed.total.notes)
    assert mixed.vbench_partial is not None
    exact = [s for s in mixed.scores if s.kind is Kind.EXACT]
    assert {s.dimension for s in exact} == {Dimension.SUBJECT, Dimension.FLICKERING}
    assert mixed.vbench_partial == pytest.approx(sum(s.value or 0 for s in exact) / 2)


def test_raft_weights_of_another_model_are_refused(paths: Paths) -> None:
    from safetensors.torch import save_file

    (paths.ckpts / "raft-large").mkdir(parents=True)
    save_file({"x": torch.zeros(2)}, paths.ckpts / "raft-large" / "raft_large_C_T_V1.safetensors")
    with pytest.raises(WeightsFileError, match="RAFT large"):
        QualityModels(paths).raft()
    assert isinstance(Raft(), torch.nn.Module)
