"""Teaches the starter's text encoder: `python -m training.starter.reader [--steps N]`.

Its few layers learn the states that all of MiniLM's give for the same word pieces (distillation by the mean squared
error of the last states): of captions, and of WordNet's glosses and examples (Princeton WordNet 3.0; Debian's package
wordnet-base), which have nearly every English word in a short sentence. Nothing here knows what a caption shows.
"""

# The libraries' classes are annotated too narrowly or not at all.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import argparse
import re
from pathlib import Path

import torch
import torch.nn.functional as F

from .captions import caption
from .muon import Muon, Optimizers
from .run import Run, pick_device, plateau, step_rng
from .scenes import draw_scene
from .text import build_encoder

SEED = 53
MOST_TOKENS = 28
WORDNET = Path("/usr/share/wordnet")
CAPTIONS = 0.3
"""Share of the batch that are captions of the world."""


def read_sentences(folder: Path) -> list[str]:
    """WordNet's glosses and examples, each with the words that it explains before it now and then."""
    found = []
    for name in ("data.verb", "data.adj", "data.adv", "data.noun"):
        for line in (folder / name).read_text("utf-8").splitlines():
            head, bar, gloss = line.partition(" | ")
            if not bar or line.startswith("  "):
                continue
            fields = head.split()
            words = ", ".join(fields[4 + 2 * at].replace("_", " ") for at in range(int(fields[3], 16)))
            meaning, *_ = gloss.split('; "')
            found += [f"{words}: {meaning.strip()}", *re.findall(r'"([^"]{12,})"', gloss)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--wordnet", type=Path, default=WORDNET, help="WordNet's folder, with data.verb and others")
    args = parser.parse_args()
    if not (args.wordnet / "data.verb").is_file():
        raise SystemExit(f"No WordNet in {args.wordnet}: install Debian's wordnet-base, or say with --wordnet where.")
    sentences, device = read_sentences(args.wordnet), pick_device()
    tokenizer, teacher = build_encoder(range(6))
    _, encoder = build_encoder()
    teacher.to(device).requires_grad_(False)
    encoder.to(device)
    learned = [p for p in encoder.parameters() if p.requires_grad]
    optimizers = Optimizers((Muon([p for p in learned if p.ndim == 2], lr=0.01), 0.01),
                            (torch.optim.AdamW([p for p in learned if p.ndim < 2], lr=1e-3, weight_decay=0.0), 1e-3))
    run = Run("text", {"text": encoder, "optimizers": optimizers})
    while run.step < args.steps:
        rng = step_rng(SEED, run.step)
        told = int(args.batch * CAPTIONS)
        texts = [caption(draw_scene(rng), rng) for _ in range(told)]
        texts += [sentences[int(n)] for n in rng.integers(0, len(sentences), args.batch - told)]
        loss, alike = distance(tokenizer, encoder, teacher, texts, device)
        loss.backward()
        optimizers.step(plateau(run.step, args.steps, falls=0.8))
        if not run.done_step(loss=loss.item(), alike=alike):
            return
    run.save()


def distance(tokenizer, encoder, teacher, texts: list[str], device: torch.device) -> tuple[torch.Tensor, float]:
    """How far two encoders' states are from each other, as a share of their variance; and their mean cosine."""
    batch = tokenizer(texts, padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt").to(device)
    with torch.autocast(device.type, torch.bfloat16):
        with torch.no_grad():
            wanted = teacher(batch.input_ids, batch.attention_mask).last_hidden_state.float()
        states = encoder(batch.input_ids, batch.attention_mask).last_hidden_state.float()
    told = batch.attention_mask.bool()
    wanted, states = wanted[told], states[told]
    loss = F.mse_loss(states, wanted) / wanted.var()
    return loss, F.cosine_similarity(states.detach(), wanted).mean().item()


if __name__ == "__main__":
    main()
