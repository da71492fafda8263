"""Names inside LoRA files: which tensor plays which part, and which module of the model it belongs to.

Files name modules in several ways: as diffusers and peft do (`transformer.blocks.0.attn1.to_q.lora_A.weight`), as the
models' first releases do (`diffusion_model.blocks.0.self_attn.q.lora_down.weight`), or as kohya's trainers do, with
underscores for dots (`lora_unet_blocks_0_self_attn_q.lora_down.weight` with an `alpha` beside). Dots are turned into
underscores for every look-up, so that one table per model, from all its modules' known names to the module, serves all.
Nothing here reads a weight.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..models.spec import Family


class Role(enum.StrEnum):
    """The part that a tensor plays. DIFF and DIFF_BIAS are whole differences of a module's weight and bias."""

    DOWN = "down"
    UP = "up"
    UP_BIAS = "up_bias"
    ALPHA = "alpha"
    DIFF = "diff"
    DIFF_BIAS = "diff_bias"


_ROLES: tuple[tuple[re.Pattern[str], Role], ...] = tuple(
    (re.compile(pattern + r"\Z"), role) for pattern, role in (
        (r"\.lora_A(?:\.[^.]+)??(?:\.weight)?", Role.DOWN),
        (r"\.lora_B(?:\.[^.]+)?\.bias", Role.UP_BIAS),
        (r"\.lora_B(?:\.[^.]+)??(?:\.weight)?", Role.UP),
        (r"(?:\.lora|_lora|\.lora_linear_layer)[._]down\.weight", Role.DOWN),
        (r"(?:\.lora|_lora|\.lora_linear_layer)[._]up\.weight", Role.UP),
        (r"(?<=_lora[12])\.down\.weight", Role.DOWN),
        (r"(?<=_lora[12])\.up\.weight", Role.UP),
        (r"\.lora[._]up\.bias", Role.UP_BIAS),
        (r"\.alpha", Role.ALPHA),
        (r"\.diff", Role.DIFF),
        (r"\.diff_b", Role.DIFF_BIAS),
    ))

_OTHER_METHODS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), name) for pattern, name in (
        (r"\.dora_scale\Z|\.lora_magnitude_vector(?:\.|\Z)", "DoRA"),
        (r"\.lokr_", "LoKr"),
        (r"\.hada_", "LoHa"),
        (r"\.oft_|\.oft_blocks|\.oft_diag", "OFT"),
        (r"\.lora_mid\.", "LoCon with a core tensor"),
        (r"\.(?:a1|a2|b1|b2)\.weight\Z", "GLoRA"),
        (r"\.on_input\Z", "IA3"),
        (r"\.(?:reshape_weight|set_weight)\Z", "a change of layer sizes"),
        (r"\A(?:emb_params|bundle_emb\.)", "a text embedding"),
    ))
"""Methods whose tensors mean something else; leaving them out would give a wrong picture, so such files are refused."""


@dataclass(frozen=True)
class Key:
    """One tensor's name, taken apart. `base` is the module's name as the file has it."""

    name: str
    base: str
    role: Role


@dataclass(frozen=True)
class Sorted:
    """A file's names: `keys` with a part each, `refused` methods by name, `unknown` names with no known part."""

    keys: tuple[Key, ...]
    refused: tuple[str, ...]
    unknown: tuple[str, ...]


def sort_keys(names: Iterable[str]) -> Sorted:
    """Take every tensor's name apart."""
    keys, refused, unknown = [], {}, []
    for name in names:
        method = next((label for pattern, label in _OTHER_METHODS if pattern.search(name)), None)
        if method is not None:
            refused[method] = None
            continue
        for pattern, role in _ROLES:
            match = pattern.search(name)
            if match:
                keys.append(Key(name, name[:match.start()], role))
                break
        else:
            unknown.append(name)
    return Sorted(tuple(keys), tuple(refused), tuple(unknown))


MAIN = ""
"""The component of keys that name none: the model's denoiser, `transformer` or `unet` (and `transformer_2`)."""
DENOISERS = ("transformer", "unet", "transformer_2")

_PREFIXES: tuple[tuple[str, str], ...] = (
    ("model.diffusion_model.", MAIN), ("diffusion_model.", MAIN),
    ("transformer_2.", "transformer_2"), ("transformer.", MAIN), ("unet.", MAIN),
    ("lora_unet_", MAIN), ("lora_transformer_2_", "transformer_2"), ("lora_transformer_", MAIN),
    ("text_encoder_3.", "text_encoder_3"), ("text_encoder_2.", "text_encoder_2"), ("text_encoder.", "text_encoder"),
    ("lora_te3_", "text_encoder_3"), ("lora_te2_", "text_encoder_2"), ("lora_te1_", "text_encoder"),
    ("lora_te_", "text_encoder"),
)


def split_component(base: str) -> tuple[str, str]:
    """The component that a base names (`MAIN` where it names none) and the module's name without it."""
    base = base.removeprefix("base_model.model.")
    for prefix, component in _PREFIXES:
        if base.startswith(prefix):
            return component, base[len(prefix):].removeprefix("base_model.model.")
    return MAIN, base


def flat(name: str) -> str:
    """A module's name as look-ups see it: underscores for dots, without the old `processor` level."""
    return name.replace(".processor.", ".").replace(".", "_")


@dataclass(frozen=True)
class Target:
    """Where a name leads: one module, or several whose outputs lie one after another in the file's module.

    `swap_halves`: the file's module gives (shift, scale), the model's (scale, shift).
    """

    modules: tuple[str, ...]
    swap_halves: bool = False


def name_table(modules: Iterable[str], component: str, family: Family) -> dict[str, Target]:
    """From every known flat name of the modules to where it leads. Own names win over other conventions' names."""
    names = tuple(modules)
    table = {flat(name): Target((name,)) for name in names}
    for name in names:
        swap = family is Family.FLUX and component in DENOISERS and name == "norm_out.linear"
        for other in other_names(name, component, family):
            table.setdefault(flat(other), Target((name,), swap))
    if family is Family.FLUX and component in DENOISERS:
        known = frozenset(names)
        for other, parts in _flux_joined(names):
            if known.issuperset(parts):
                table.setdefault(flat(other), Target(parts))
    return table


def other_names(name: str, component: str, family: Family) -> Iterator[str]:
    """What other conventions call the module `name` of diffusers' or transformers' class."""
    if name.endswith(".to_out.0"):
        yield name.removesuffix(".0")
    if component not in DENOISERS:
        # transformers dropped CLIP's outer level in version 5; files carry it.
        yield name.removeprefix("text_model.") if name.startswith("text_model.") else f"text_model.{name}"
    elif family is Family.WAN:
        yield _translate(name, _WAN)
    elif family is Family.LTX:
        yield _translate(name, _LTX)
    elif family is Family.FLUX:
        yield from _flux_single(name)
    elif family is Family.SDXL:
        yield from _sgm_names(name)


Rules = tuple[tuple[re.Pattern[str], str], ...]


def _rules(*pairs: tuple[str, str]) -> Rules:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


def _translate(name: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        name = pattern.sub(replacement, name)
    return name


# Module names of the first releases (Wan-Video/Wan2.1 wan/modules/model.py; Lightricks/LTX-Video
# ltx_video/models/transformers/transformer3d.py), as diffusers' own checkpoint converters map them.
_WAN = _rules(
    (r"\bcondition_embedder\.time_embedder\.linear_1\b", "time_embedding.0"),
    (r"\bcondition_embedder\.time_embedder\.linear_2\b", "time_embedding.2"),
    (r"\bcondition_embedder\.text_embedder\.linear_1\b", "text_embedding.0"),
    (r"\bcondition_embedder\.text_embedder\.linear_2\b", "text_embedding.2"),
    (r"\bcondition_embedder\.time_proj\b", "time_projection.1"),
    (r"\bcondition_embedder\.image_embedder\.norm1\b", "img_emb.proj.0"),
    (r"\bcondition_embedder\.image_embedder\.ff\.net\.0\.proj\b", "img_emb.proj.1"),
    (r"\bcondition_embedder\.image_embedder\.ff\.net\.2\b", "img_emb.proj.3"),
    (r"\bcondition_embedder\.image_embedder\.norm2\b", "img_emb.proj.4"),
    (r"\Aproj_out\b", "head.head"),
    (r"(\Ablocks\.\d+)\.norm2\Z", r"\1.norm3"),
    (r"\.attn1\.", ".self_attn."), (r"\.attn2\.", ".cross_attn."),
    (r"\.to_([qkv])\Z", r".\1"), (r"\.to_out\.0\Z", ".o"),
    (r"\.add_([kv])_proj\Z", r".\1_img"), (r"\.norm_added_k\Z", ".norm_k_img"),
    (r"\.ffn\.net\.0\.proj\Z", ".ffn.0"), (r"\.ffn\.net\.2\Z", ".ffn.2"),
)
_LTX = _rules(
    (r"\Aproj_in\Z", "patchify_proj"), (r"\Atime_embed\.", "adaln_single."),
    (r"\.norm_([qk])\Z", r".\1_norm"),
)

# Black Forest Labs' names (black-forest-labs/flux src/flux/model.py).
_FLUX_PARTS = {
    "norm1.linear": "img_mod.lin", "norm1_context.linear": "txt_mod.lin",
    "attn.norm_q": "img_attn.norm.query_norm", "attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm", "attn.norm_added_k": "txt_attn.norm.key_norm",
    "ff.net.0.proj": "img_mlp.0", "ff.net.2": "img_mlp.2",
    "ff_context.net.0.proj": "txt_mlp.0", "ff_context.net.2": "txt_mlp.2",
}
_FLUX_OUTER = {
    "x_embedder": "img_in", "context_embedder": "txt_in", "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "time_text_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_text_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
    "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
    "time_text_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_text_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
}
_FLUX_SINGLE = {"norm.linear": "modulation.lin", "proj_out": "linear2", "attn.norm_q": "norm.query_norm",
                "attn.norm_k": "norm.key_norm"}
_BLOCK = re.compile(r"(single_)?transformer_blocks\.(\d+)\.(.+)\Z")


def _flux_single(name: str) -> Iterator[str]:
    if name in _FLUX_OUTER:
        yield _FLUX_OUTER[name]
    match = _BLOCK.match(name)
    if not match:
        return
    single, number, rest = match.groups()
    if single:
        if rest in _FLUX_SINGLE:
            yield f"single_blocks.{number}.{_FLUX_SINGLE[rest]}"
        return
    block = f"double_blocks.{number}"
    if rest in _FLUX_PARTS:
        yield f"{block}.{_FLUX_PARTS[rest]}"
    elif rest == "attn.to_out.0":
        yield f"{block}.img_attn.proj"
        yield f"{block}.proj_lora1"
    elif rest == "attn.to_add_out":
        yield f"{block}.txt_attn.proj"
        yield f"{block}.proj_lora2"


def _flux_joined(names: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Modules that the first release has in one and diffusers in several; `qkv_lora1` and `2` are XLabs' names."""
    for name in names:
        if not name.endswith(".attn.to_q"):
            continue
        match = _BLOCK.match(name)
        if not match:
            continue
        single, number, _ = match.groups()
        stem = name.removesuffix("to_q")
        own = (f"{stem}to_q", f"{stem}to_k", f"{stem}to_v")
        if single:
            yield f"single_blocks.{number}.linear1", (*own, f"single_transformer_blocks.{number}.proj_mlp")
            continue
        text = (f"{stem}add_q_proj", f"{stem}add_k_proj", f"{stem}add_v_proj")
        block = f"double_blocks.{number}"
        yield f"{block}.img_attn.qkv", own
        yield f"{block}.txt_attn.qkv", text
        yield f"{block}.qkv_lora1", own
        yield f"{block}.qkv_lora2", text


# Stability AI's names of the SDXL UNet (generative-models sgm/modules/diffusionmodules/openaimodel.py): every level has
# two residual blocks down and three up, and one resampler but for the last level.
_SGM_OUTER = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
              "time_embedding.linear_2": "time_embed.2", "add_embedding.linear_1": "label_emb.0.0",
              "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0", "conv_out": "out.2"}
_SGM_RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
               "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
_UNET = re.compile(r"(down_blocks|up_blocks|mid_block)(?:\.(\d+))?\.(resnets|attentions|downsamplers|upsamplers)"
                   r"\.(\d+)\.(.+)\Z")


def _sgm_names(name: str) -> Iterator[str]:
    if name in _SGM_OUTER:
        yield _SGM_OUTER[name]
    match = _UNET.match(name)
    if not match:
        return
    side, level_text, kind, number_text, rest = match.groups()
    level, number = int(level_text or 0), int(number_text)
    rest = _SGM_RESNET.get(rest, rest) if kind == "resnets" else rest
    if side == "mid_block":
        yield f"middle_block.{1 if kind == 'attentions' else 2 * number}.{rest}"
    elif kind == "downsamplers":
        yield f"input_blocks.{3 * (level + 1)}.0.op"
    elif kind == "upsamplers":
        # The resampler stands behind the attention where the level has one: place 2, else place 1.
        yield f"output_blocks.{3 * level + 2}.2.{rest}"
        yield f"output_blocks.{3 * level + 2}.1.{rest}"
    elif side == "down_blocks":
        yield f"input_blocks.{3 * level + number + 1}.{1 if kind == 'attentions' else 0}.{rest}"
    else:
        yield f"output_blocks.{3 * level + number}.{1 if kind == 'attentions' else 0}.{rest}"


def group_by_base(keys: Iterable[Key]) -> Mapping[str, Mapping[Role, str]]:
    """The tensors' names of each module, by their part; in the file's order."""
    groups: dict[str, dict[Role, str]] = {}
    for key in keys:
        groups.setdefault(key.base, {})[key.role] = key.name
    return groups
