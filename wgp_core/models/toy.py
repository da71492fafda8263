"""Toy checkpoints: the real classes of every family at a size that a test runs in a second, in the hub's layout.

They draw nothing that means anything. The architecture, the file layout, the latent channels and the compression of
their autoencoders are those of the real models, so what loads and runs here loads and runs there.
"""

# diffusers annotates tuples of any length as tuples of one item.
# pyright: reportArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ModelMissingError

TEXT_WIDTH = 32
"""Width of the toy text encoders' vectors."""

_SPECIAL = ("<pad>", "</s>", "<unk>", "<s>")


def write_toy(folder: Path, kind: str, *, seed: int = 0) -> Path:
    """Write a toy checkpoint of `kind` (see `TOY_KINDS`) into `folder` and return it.

    The same seed gives the same bytes. Raises `ModelMissingError` for an unknown kind.
    """
    build = _BUILDERS.get(kind)
    if build is None:
        raise ModelMissingError(f"There is no toy model {kind!r}.", fix="Known: " + ", ".join(TOY_KINDS) + ".")
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = build()
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _tokenizer(length: int) -> Any:
    """One token a byte; `</s>` closes a text, as in T5 and CLIP."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate((*_SPECIAL, *letters))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.post_processor = processors.TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
        single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
                                   bos_token="<s>", model_max_length=length)


def _t5(length: int = 512) -> tuple[Any, Any]:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=260, d_model=TEXT_WIDTH, d_kv=16, d_ff=64, num_layers=2, num_heads=2,
                      feed_forward_proj="gated-gelu", is_encoder_decoder=False, use_cache=False)
    return T5EncoderModel(config).eval(), _tokenizer(length)


def _umt5() -> tuple[Any, Any]:
    from transformers import UMT5Config, UMT5EncoderModel

    config = UMT5Config(vocab_size=260, d_model=TEXT_WIDTH, d_kv=16, d_ff=64, num_layers=2, num_heads=2,
                        feed_forward_proj="gated-gelu", is_encoder_decoder=False, use_cache=False)
    return UMT5EncoderModel(config).eval(), _tokenizer(512)


def _clip_text(projected: bool) -> tuple[Any, Any]:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(vocab_size=260, hidden_size=TEXT_WIDTH, intermediate_size=64, num_hidden_layers=2,
                            num_attention_heads=2, max_position_embeddings=77, projection_dim=TEXT_WIDTH,
                            pad_token_id=0, eos_token_id=1, bos_token_id=3)
    cls = CLIPTextModelWithProjection if projected else CLIPTextModel
    return cls(config).eval(), _tokenizer(77)


# -- Wan ------------------------------------------------------------------------------------------------------------


def _wan_transformer(channels: int, out: int, **more: Any) -> Any:
    from diffusers import WanTransformer3DModel

    return WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=16, in_channels=channels, out_channels=out,
        text_dim=TEXT_WIDTH, freq_dim=32, ffn_dim=64, num_layers=2, cross_attn_norm=True, rope_max_seq_len=64,
        **more).eval()


def _wan_vae() -> Any:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
                            temperal_downsample=[False, True, True]).eval()


def _wan_vae_48() -> Any:
    """As in Wan 2.2 TI2V 5B: 48 channels, 16x in space (8x and a 2x2 patch), 4x in time."""
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(
        base_dim=4, z_dim=48, in_channels=12, out_channels=12, is_residual=True, patch_size=2, latents_mean=[0.0] * 48,
        latents_std=[1.0] * 48, dim_mult=[1, 1, 1, 1], num_res_blocks=1, scale_factor_spatial=16,
        scale_factor_temporal=4, temperal_downsample=[False, True, True]).eval()


def _unipc(shift: float = 3.0) -> Any:
    from diffusers import UniPCMultistepScheduler

    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift,
                                   num_train_timesteps=1000)


def _wan() -> Any:
    from diffusers import WanPipeline

    encoder, tokenizer = _umt5()
    return WanPipeline(tokenizer=tokenizer, text_encoder=encoder, vae=_wan_vae(), scheduler=_unipc(),
                       transformer=_wan_transformer(16, 16))


def _wan_i2v() -> Any:
    """Wan 2.1 image to video: 16 noisy, 16 image and 4 mask channels, and CLIP's view of the start image."""
    from diffusers import WanImageToVideoPipeline
    from transformers import CLIPVisionConfig, CLIPVisionModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    encoder, tokenizer = _umt5()
    vision = CLIPVisionModel(CLIPVisionConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                                              num_attention_heads=2, image_size=32, patch_size=8, projection_dim=32))
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return WanImageToVideoPipeline(
        tokenizer=tokenizer, text_encoder=encoder, vae=_wan_vae(), scheduler=_unipc(), image_encoder=vision.eval(),
        image_processor=processor, transformer=_wan_transformer(36, 16, image_dim=32, added_kv_proj_dim=32))


def _wan22() -> Any:
    from diffusers import WanPipeline

    encoder, tokenizer = _umt5()
    return WanPipeline(tokenizer=tokenizer, text_encoder=encoder, vae=_wan_vae(), scheduler=_unipc(),
                       transformer=_wan_transformer(16, 16), transformer_2=_wan_transformer(16, 16),
                       boundary_ratio=0.875)


def _wan22_i2v() -> Any:
    """Wan 2.2 image to video: two transformers, no image encoder; takes a last frame too."""
    from diffusers import WanImageToVideoPipeline

    encoder, tokenizer = _umt5()
    return WanImageToVideoPipeline(tokenizer=tokenizer, text_encoder=encoder, vae=_wan_vae(), scheduler=_unipc(),
                                   transformer=_wan_transformer(36, 16), transformer_2=_wan_transformer(36, 16),
                                   boundary_ratio=0.9)


def _wan_ti2v() -> Any:
    from diffusers import WanPipeline

    encoder, tokenizer = _umt5()
    return WanPipeline(tokenizer=tokenizer, text_encoder=encoder, vae=_wan_vae_48(), scheduler=_unipc(),
                       transformer=_wan_transformer(48, 48), expand_timesteps=True)


# -- the other families ---------------------------------------------------------------------------------------------


def _cogvideox_parts(channels: int, rotary: bool) -> Mapping[str, Any]:
    from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel

    encoder, tokenizer = _t5(226)
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=channels, out_channels=16, time_embed_dim=32,
        text_embed_dim=TEXT_WIDTH, num_layers=2, sample_width=8, sample_height=8, sample_frames=9, patch_size=2,
        temporal_compression_ratio=4, max_text_seq_length=226, use_rotary_positional_embeddings=rotary)
    vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8), latent_channels=16, layers_per_block=1, norm_num_groups=2,
        temporal_compression_ratio=4)
    scheduler = CogVideoXDDIMScheduler(prediction_type="v_prediction", rescale_betas_zero_snr=True,
                                       beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012,
                                       snr_shift_scale=3.0, timestep_spacing="trailing", clip_sample=False,
                                       set_alpha_to_one=True)
    return {"tokenizer": tokenizer, "text_encoder": encoder, "transformer": transformer.eval(),
            "vae": vae.eval(), "scheduler": scheduler}


def _cogvideox() -> Any:
    from diffusers import CogVideoXPipeline

    return CogVideoXPipeline(**_cogvideox_parts(16, rotary=False))


def _cogvideox_i2v() -> Any:
    from diffusers import CogVideoXImageToVideoPipeline

    return CogVideoXImageToVideoPipeline(**_cogvideox_parts(32, rotary=True))


def _ltx() -> Any:
    """128 latent channels, 32x in space, 8x in time, as in LTX-Video 0.9."""
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXPipeline,
        LTXVideoTransformer3DModel,
    )

    encoder, tokenizer = _t5(128)
    transformer = LTXVideoTransformer3DModel(
        in_channels=128, out_channels=128, patch_size=1, patch_size_t=1, num_attention_heads=2, attention_head_dim=16,
        cross_attention_dim=32, num_layers=2, caption_channels=TEXT_WIDTH)
    vae = AutoencoderKLLTXVideo(
        latent_channels=128, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True, False), decoder_spatio_temporal_scaling=(True, True, True, False),
        patch_size=4, patch_size_t=1, encoder_causal=True, decoder_causal=False)
    return LTXPipeline(scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.95,
                                                                 max_shift=2.05, shift_terminal=0.1),
                       vae=vae.eval(), text_encoder=encoder, tokenizer=tokenizer, transformer=transformer.eval())


def _image_vae(channels: int, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=channels, layers_per_block=1, norm_num_groups=4,
        sample_size=64, **more).eval()


def _sdxl() -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    encoder, tokenizer = _clip_text(projected=False)
    encoder_2, tokenizer_2 = _clip_text(projected=True)
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4), use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=8, transformer_layers_per_block=1, norm_num_groups=8,
        projection_class_embeddings_input_dim=6 * 8 + TEXT_WIDTH, cross_attention_dim=2 * TEXT_WIDTH)
    scheduler = EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
                                       steps_offset=1, timestep_spacing="leading")
    return StableDiffusionXLPipeline(
        vae=_image_vae(4, scaling_factor=0.13025), text_encoder=encoder, text_encoder_2=encoder_2, tokenizer=tokenizer,
        tokenizer_2=tokenizer_2, unet=unet.eval(), scheduler=scheduler, add_watermarker=False)


def _flux() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    encoder, tokenizer = _clip_text(projected=False)
    encoder_2, tokenizer_2 = _t5(512)
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=TEXT_WIDTH, pooled_projection_dim=TEXT_WIDTH, axes_dims_rope=(4, 4, 8),
        guidance_embeds=True)
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=_image_vae(16, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=encoder, tokenizer=tokenizer, text_encoder_2=encoder_2, tokenizer_2=tokenizer_2,
        transformer=transformer.eval())


_BUILDERS: Mapping[str, Callable[[], Any]] = {
    "wan": _wan, "wan-i2v": _wan_i2v, "wan2.2": _wan22, "wan2.2-i2v": _wan22_i2v, "wan-ti2v": _wan_ti2v,
    "cogvideox": _cogvideox, "cogvideox-i2v": _cogvideox_i2v, "ltx": _ltx, "sdxl": _sdxl, "flux": _flux,
}
TOY_KINDS: tuple[str, ...] = tuple(_BUILDERS)
