"""The numpy sentence vectors agree with the library they stand in for, quickly and without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wgp_core.models.embedder import FOLDER, EmbedderError, MiniLmEmbedder

SENTENCES = [
    "How neural nets learn.",
    "a cat on a beach",
    "Gradient descent follows the slope downhill.",
    "x",
    "naïve café, Zürich!",
    "The quick brown fox jumps over the lazy dog. " * 12,
    "漢字 and emoji 🚀",
    "E = mc^2",
    "UPPER and lower case",
    "What is the chance of rain tomorrow, given that it rains today?",
]


@pytest.fixture(scope="module")
def model() -> MiniLmEmbedder:
    found = MiniLmEmbedder.find(Path("no-such-folder"))
    if found is None:
        pytest.skip("the text model is not installed")
    return found


def test_vectors_have_length_one_and_do_not_depend_on_company(model: MiniLmEmbedder) -> None:
    together = model.embed(SENTENCES)
    assert together.shape == (len(SENTENCES), 384) and together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    alone = np.vstack([model.embed([text]) for text in SENTENCES])
    assert np.abs(together - alone).max() < 1e-5


def test_near_meanings_are_near(model: MiniLmEmbedder) -> None:
    a, b, c = model.embed(["a kitten plays", "a young cat is playing", "the stock market fell"])
    assert a @ b > 0.6 > 0.2 > a @ c


def test_empty_lists_and_texts_and_very_long_ones_are_taken(model: MiniLmEmbedder) -> None:
    assert model.embed([]).shape == (0, 384)
    assert np.isfinite(model.embed(["", " ", "word " * 3000])).all()


def test_a_cache_gives_the_same_vectors_and_survives_damage(model: MiniLmEmbedder, tmp_path: Path) -> None:
    embed = model.cached(tmp_path / "cache")
    first = embed(SENTENCES)
    (file,) = (tmp_path / "cache").iterdir()
    assert np.array_equal(embed(SENTENCES), first)
    file.write_bytes(b"damaged")
    assert np.allclose(embed(SENTENCES), first)
    assert np.array_equal(np.load(file)["vectors"], first)
    assert not np.array_equal(embed([*SENTENCES[:-1], "other"])[-1], first[-1])


def test_the_folder_in_ckpts_comes_first_and_must_be_whole(tmp_path: Path, model: MiniLmEmbedder) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    found = MiniLmEmbedder.find(tmp_path)
    assert found and found.folder == model.folder
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).write_text("{}")
    found = MiniLmEmbedder.find(tmp_path)
    assert found and found.folder == folder
    with pytest.raises(EmbedderError, match="cannot be read"):
        found.embed(["x"])


def test_another_architecture_is_refused(tmp_path: Path, model: MiniLmEmbedder) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).symlink_to(model.folder / name)
    config = json.loads((model.folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    with pytest.raises(EmbedderError, match="gpt2"):
        MiniLmEmbedder(folder).embed(["x"])


def test_torch_is_not_loaded(model: MiniLmEmbedder) -> None:
    code = (
        "import sys; from pathlib import Path; from wgp_core.models.embedder import MiniLmEmbedder as M; "
        "M.find(Path('none')).embed(['x']); "
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_vectors_are_those_of_sentence_transformers(model: MiniLmEmbedder) -> None:
    code = (
        "import sys, json, numpy as np; from sentence_transformers import SentenceTransformer as S; "
        "m = S(sys.argv[1], device='cpu'); "
        "print(json.dumps(m.encode(json.loads(sys.argv[2]), normalize_embeddings=True).tolist()))"
    )
    pytest.importorskip("safetensors")
    out = subprocess.run(
        [sys.executable, "-c", code, str(model.folder), json.dumps(SENTENCES)], capture_output=True, text=True
    )
    if "No module named 'sentence_transformers'" in out.stderr:
        pytest.skip("sentence_transformers is not installed")
    assert out.returncode == 0, out.stderr[-2000:]
    theirs = np.array(json.loads(out.stdout.strip().splitlines()[-1]))
    cosines = (theirs * model.embed(SENTENCES)).sum(axis=1)
    assert cosines.min() > 0.9999, cosines
