"""Captions of start images with the real Florence-2 class at toy size."""

from __future__ import annotations

import functools
import threading
from pathlib import Path

import numpy as np
import pytest

from wgp_core.engines.base import RuntimeOptions
from wgp_core.errors import Cancelled, EngineError, EngineMemoryError, MediaError
from wgp_core.events import CancelToken
from wgp_core.media.images import save_png
from wgp_core.models.catalog import by_id
from wgp_core.models.toy import _tokenizer
from wgp_core.paths import Paths
from wgp_core.prompts.caption import caption_image, tidy

CPU = RuntimeOptions(device="cpu", dtype="fp32")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    frame = np.zeros((50, 70, 3), dtype=np.uint8)
    frame[:25] = 200
    return save_png(frame, tmp_path / "start.png")


@pytest.fixture
def florence(paths: Paths) -> Path:
    """Florence-2 as the hub lays it out, two blocks deep; its words mean nothing."""
    import torch
    from transformers import (
        BartConfig,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2VisionConfig,
        PreTrainedTokenizerFast,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    folder = paths.ckpts / by_id("florence-2-base").folder
    plain = _tokenizer(256)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain.backend_tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>", extra_special_tokens={"image_token": "<image>"})
    vision = Florence2VisionConfig(
        depths=(1, 1), patch_size=(7, 3), patch_stride=(4, 2), patch_padding=(3, 1), patch_prenorm=(False, True),
        embed_dim=(16, 32), num_heads=(2, 4), num_groups=(2, 4), window_size=4, projection_dim=32)
    text = BartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=256, pad_token_id=0,
        bos_token_id=3, eos_token_id=1, decoder_start_token_id=1, forced_eos_token_id=1, init_std=0.5)
    torch.manual_seed(0)
    model = Florence2ForConditionalGeneration(Florence2Config(text_config=text, vision_config=vision,
                                                              image_token_id=tokenizer.image_token_id))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil(size={"height": 32, "width": 32}, do_center_crop=False,
                          image_seq_length=17).save_pretrained(folder)
    return folder


def test_a_caption_comes_from_the_picture(florence: Path, picture: Path, paths: Paths) -> None:
    first = caption_image(picture, paths, CPU)
    assert first == caption_image(picture, paths, CPU)
    assert isinstance(first, str) and "\n" not in first and "<image>" not in first


def test_without_a_caption_model_there_is_none(picture: Path, paths: Paths) -> None:
    assert caption_image(picture, paths, CPU) is None


def test_what_goes_wrong_is_said(florence: Path, picture: Path, paths: Paths, tmp_path: Path,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaError, match="no picture"):
        caption_image(tmp_path / "gone.png", paths, CPU)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        caption_image(picture, paths, CPU, cancel=cancel)
    from transformers import Florence2ForConditionalGeneration

    def full(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    monkeypatch.setattr(Florence2ForConditionalGeneration, "generate", full)
    with pytest.raises(EngineMemoryError, match="Florence-2"):
        caption_image(picture, paths, CPU)
    (florence / "preprocessor_config.json").unlink()
    with pytest.raises(EngineError, match="Install it again"):
        caption_image(picture, paths, CPU)


def test_a_cancel_ends_the_writing(florence: Path, picture: Path, paths: Paths,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import Florence2ForConditionalGeneration

    real, cancel = Florence2ForConditionalGeneration.forward, CancelToken()

    @functools.wraps(real)
    def forward(self: object, *args: object, **kwargs: object) -> object:
        threading.Thread(target=cancel.cancel).start()
        return real(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Florence2ForConditionalGeneration, "forward", forward)
    with pytest.raises(Cancelled):
        caption_image(picture, paths, CPU, cancel=cancel)


@pytest.mark.parametrize(("said", "expected"), [
    ("The image shows a red ball on grass. The sky is", "A red ball on grass."),
    ("In this image we can see a dog. There is a tree.", "A dog. There is a tree."),
    ("a cat\non a mat", "A cat on a mat"), ("", ""),
    ("The picture frame hangs on a wall.", "The picture frame hangs on a wall."),
])
def test_a_caption_is_tidied(said: str, expected: str) -> None:
    assert tidy(said) == expected
