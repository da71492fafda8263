"""Trains the starter's transformer: `python -m training.starter.transformer [--steps N]`.

Flow matching on the latents of the pool: x = (1 - s) x0 + s e, and the model learns e - x0. One model learns three
tasks by turns: whole clips from text; clips that continue a given first frame, whose tokens carry time zero as in
Wan 2.2 TI2V; and single frames. The pool grows while training goes on. The text encoder does not move: trained along,
it unlearned what it knew of words that no caption has.
"""

# The libraries' classes are annotated too narrowly or not at all.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import argparse
import copy
import math

import torch
from diffusers import WanTransformer3DModel

from .captions import caption
from .muon import Muon, Optimizers
from .pool import Pool, scene_of
from .run import Run, pick_device, plateau, runs_folder, step_rng
from .text import PAD_TO, encode, load_encoder
from .vae import build_vae

CONFIG = {
    "patch_size": (1, 2, 2), "num_attention_heads": 8, "attention_head_dim": 32, "in_channels": 16, "out_channels": 16,
    "text_dim": 384, "freq_dim": 256, "ffn_dim": 1024, "num_layers": 7, "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads", "eps": 1e-6, "rope_max_seq_len": 64,
}
SEED = 71
TEXT_LENGTH = 63
"""Training pads texts to this many tokens, and cuts the few that are longer: all its batches have one shape."""
EMPTY_SHARE = 0.1
"""Captions left empty, for classifier-free guidance."""
SHIFT = 2.0
"""Noise levels of training are drawn log-normally and shifted like the sampler's."""
GROW_EVERY = 32
THING_WEIGHT, PLACES_SEEN = 3.0, 0.75
"""How much more the error on things counts, and the noise level below which it does."""


class TrainingAttention:
    """Wan's attention for short sequences, by plain products of matrices, in the precision of its inputs.

    With bfloat16 on a CPU the backward pass of torch's fused attention takes several times as long as all else. `bias`
    is added to the logits of attention to a text: all padding tokens are equal, so one of them with the logarithm of
    their number added to its logit gives exactly the sum of all that the pipeline would attend to.
    """

    bias: torch.Tensor | None = None

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None,
                 rotary_emb=None):
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = attn.norm_q(attn.to_q(hidden_states)).unflatten(2, (attn.heads, -1))
        key = attn.norm_k(attn.to_k(source)).unflatten(2, (attn.heads, -1))
        value = attn.to_v(source).unflatten(2, (attn.heads, -1))
        if rotary_emb is not None:
            query, key = (_rotate(x, *rotary_emb) for x in (query, key))
        query, key, value = (x.transpose(1, 2).to(value.dtype) for x in (query, key, value))
        logits = query @ key.mT * query.shape[-1] ** -0.5
        if encoder_hidden_states is not None and self.bias is not None:
            logits = logits + self.bias
        mixed = (logits.softmax(-1).to(value.dtype) @ value).transpose(1, 2).flatten(2)
        return attn.to_out[0](mixed)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn each pair of channels of [B, N, heads, C] by the angle of its place."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = cos[..., 0::2], sin[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class StarterModel(torch.nn.Module):
    """The transformer, and the text encoder that it reads with."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = WanTransformer3DModel(**CONFIG)
        torch.nn.init.zeros_(self.transformer.proj_out.weight)
        torch.nn.init.zeros_(self.transformer.proj_out.bias)
        self.tokenizer, self.text = load_encoder()
        self.attention = TrainingAttention()
        self.transformer.set_attn_processor(self.attention)

    def forward(self, x: torch.Tensor, time: torch.Tensor, texts: list[str], *, length: int = 0) -> torch.Tensor:
        """The velocity for latents [B, 16, T, H, W]; `time` is [B] or one for each token [B, N], 0 to 1000.

        `length` is that of `encode`.
        """
        with torch.no_grad():
            states = encode(self.tokenizer, self.text, texts, length=length)
        states = torch.cat([states, states.new_zeros(states.shape[0], 1, states.shape[2])], 1)
        bias = states.new_zeros(1, 1, 1, states.shape[1])
        bias[..., -1] = math.log(PAD_TO - states.shape[1] + 1)
        self.attention.bias = bias
        return self.transformer(x, time, states, return_dict=False)[0]


def draw_noise_level(count: int, device: torch.device) -> torch.Tensor:
    u = torch.sigmoid(torch.randn(count, device=device))
    return SHIFT * u / (1 + (SHIFT - 1) * u)


def flow_loss(model: StarterModel, x0: torch.Tensor, texts: list[str], *, given_first: bool,
              things: torch.Tensor | None = None) -> tuple[torch.Tensor, float]:
    """The loss to train with, and the plain mean squared error of the velocity.

    `given_first`: the first frame is clean, at time zero, and not counted. `things` [B, T, H, W] is true where things
    are: they are few pixels, and their errors count `THING_WEIGHT` times more once the noise lets see where they are
    (before that, the weight would have the model see things everywhere).
    """
    level = draw_noise_level(x0.shape[0], x0.device)
    noise = torch.randn_like(x0)
    s = level.view(-1, 1, 1, 1, 1)
    x = (1 - s) * x0 + s * noise
    time = level * 1000
    if given_first:
        x = torch.cat([x0[:, :, :1], x[:, :, 1:]], 2)
        frame = (x0.shape[3] // 2) * (x0.shape[4] // 2)
        time = time[:, None].repeat(1, frame * x0.shape[2])
        time[:, :frame] = 0
    error = (model(x, time, texts, length=TEXT_LENGTH) - (noise - x0)).square().mean(1)
    weight = torch.ones_like(error)
    if things is not None:
        weight += THING_WEIGHT * things * (level < PLACES_SEEN)[:, None, None, None]
    if given_first:
        error, weight = error[:, 1:], weight[:, 1:]
    return (error * weight).sum() / weight.sum(), error.mean().item()


def build_optimizers(model: torch.nn.Module) -> Optimizers:
    """Muon for the matrices inside the blocks, AdamW for the rest."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    inner = [p for name, p in named if "transformer.blocks." in name and p.ndim == 2]
    chosen = {id(p) for p in inner}
    rest = [p for _, p in named if id(p) not in chosen]
    return Optimizers((Muon(inner, lr=0.015), 0.015), (torch.optim.AdamW(rest, lr=1e-3, weight_decay=0.0), 1e-3))


@torch.no_grad()
def follow(average: torch.nn.Module, model: torch.nn.Module, step: int) -> None:
    """Move the averaged weights towards the model's."""
    decay = min(0.999, (1 + step) / (10 + step))
    for mean, now in zip(average.parameters(), model.parameters(), strict=True):
        if now.requires_grad:
            mean.lerp_(now, 1 - decay)


def load_vae(device: torch.device):
    """The trained autoencoder."""
    vae = build_vae()
    state = torch.load(runs_folder() / "vae.pt", map_location="cpu", weights_only=True)
    vae.load_state_dict(state["vae"])
    return vae.to(device).eval().requires_grad_(False)


def latent_statistics(pool: Pool) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of latents by channel: the checkpoint's where there is one, else the pool's."""
    path = runs_folder() / "transformer.pt"
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        return state["mean"], state["std"]
    return pool.statistics()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--first", type=int, default=1500, help="clips in the pool before the first step")
    parser.add_argument("--grow", type=int, default=2, help="clips that are added for each step")
    parser.add_argument("--most", type=int, default=60_000, help="clips in the pool at last")
    parser.add_argument("--peak", type=float, default=1.0, help="the highest rate, as a share of the usual one")
    parser.add_argument("--falls", type=float, default=0.35, help="the share of the steps in which the rate falls to 0")
    parser.add_argument("--compile", action="store_true", help="compile the model first: minutes, then a quarter less")
    args = parser.parse_args()
    if not (runs_folder() / "text.pt").exists():
        raise SystemExit("The text encoder was not taught yet: run python -m training.starter.reader first.")
    device = pick_device()
    torch.manual_seed(SEED)
    model = StarterModel().to(device)
    average = copy.deepcopy(model).requires_grad_(False)
    optimizers = build_optimizers(model)
    pool = Pool(runs_folder() / "pool.f16", load_vae(device))
    while len(pool) < args.first:
        pool.grow(min(256, args.first - len(pool)))
        print(f"{len(pool)} clips", flush=True)
    statistics = latent_statistics(pool)
    mean, std = (torch.tensor(values, device=device).view(1, -1, 1, 1, 1) for values in statistics)
    run = Run("transformer", {"model": model, "average": average, "optimizers": optimizers,
                              "mean": statistics[0], "std": statistics[1]})
    if args.compile:
        model.transformer.compile(dynamic=False)
    while run.step < args.steps:
        rng = step_rng(SEED, run.step)
        if len(pool) < args.most and run.step % GROW_EVERY == 0:
            pool.grow(GROW_EVERY * args.grow)
        # Pictures teach colours, shapes and places at a fifth of the price, so there are many of them at first.
        still = rng.random() < (0.6 if run.step < 0.1 * args.steps else 0.15)
        given = not still and rng.random() < 0.25
        numbers = rng.integers(0, len(pool), args.batch * (2 if still else 1))
        texts = ["" if rng.random() < EMPTY_SHARE else caption(scene_of(int(n)), rng) for n in numbers]
        x0 = (pool.take(numbers).to(device) - mean) / std
        things = pool.things(numbers).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            loss, plain = flow_loss(model, x0[:, :, :1] if still else x0, texts, given_first=given,
                                    things=things[:, :1] if still else things)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizers.step(args.peak * plateau(run.step, args.steps, falls=args.falls))
        follow(average, model, run.step)
        kind = "still" if still else "given" if given else "clip"
        if not run.done_step(**{kind: plain}):
            return
    run.save()


if __name__ == "__main__":
    main()
