from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wgp_core.paths import Paths
from wgp_core.prompts.enhancement import JobType
from wgp_core.prompts.tokens import EstimatedCounter, counter_for


def paths_at(root: Path) -> Paths:
    return Paths(root, root / "ckpts", root / "loras", root / "outputs", root / "data", root / "settings.json")


def clip_files(folder: Path) -> None:
    """CLIP's two files with 1,000 and more made-up words: "fox" is one token, "wood" is two."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789,.'"
    known = {name: number for number, name in enumerate([*letters, *(f"{c}</w>" for c in letters)])}
    for name in ("fo", "fox</w>", "wo", "od</w>", *(f"filler{n}" for n in range(1000)), "<|startoftext|>",
                 "<|endoftext|>"):
        known[name] = len(known)
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(known), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\nf o\nfo x</w>\nw o\no d</w>\n", encoding="utf-8")


def as_model(folder: Path, pipeline: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline, "tokenizer": ["transformers", "X"]}),
                                             encoding="utf-8")


def test_nothing_installed_gives_the_estimate(tmp_path: Path) -> None:
    counter = counter_for(JobType.SDXL_IMAGE_FAST, paths_at(tmp_path))
    assert not counter.exact
    assert counter.name == "estimate for CLIP"
    assert counter_for(JobType.VIDEO_FAST, paths_at(tmp_path), "no-such-model").name == "estimate for UMT5"


def test_clips_files_count_as_clip_does(tmp_path: Path) -> None:
    folder = tmp_path / "ckpts" / "my-sdxl"
    as_model(folder, "StableDiffusionXLPipeline")
    clip_files(folder / "tokenizer")
    counter = counter_for(JobType.SDXL_IMAGE_FAST, paths_at(tmp_path), str(folder))
    assert counter.exact
    assert counter.count("A  FOX, wood 42") == 7  # a, fox, ",", wo + od, 4, 2
    assert counter.count("") == 0


def test_clips_files_agree_with_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path / "ckpts" / "my-sdxl"
    as_model(folder, "StableDiffusionXLPipeline")
    clip_files(folder / "tokenizer")
    theirs = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer")
    ours = counter_for(JobType.SDXL_IMAGE_FAST, paths_at(tmp_path), str(folder))
    for text in ("a fox", "It's 35mm, f.o.x...", "wood   fox\nwood", "FOX's, 2025"):
        assert ours.count(text) == len(theirs(text, add_special_tokens=False).input_ids)


def test_a_whole_tokenizer_file_is_read(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path / "ckpts" / "my-wan"
    as_model(folder, "WanPipeline")
    (folder / "tokenizer").mkdir()
    known = {"<unk>": 0, **{f"w{n}": n + 1 for n in range(1200)}}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.enable_truncation(3)
    tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))
    counter = counter_for(JobType.VIDEO_FAST, paths_at(tmp_path), str(folder))
    assert counter.exact
    assert counter.count("w1 w2 w3 w4 w5") == 5


def test_a_toy_or_damaged_tokenizer_gives_the_estimate(tmp_path: Path) -> None:
    folder = tmp_path / "ckpts" / "my-wan"
    as_model(folder, "WanPipeline")
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "tokenizer.json").write_text("{", encoding="utf-8")
    assert not counter_for(JobType.VIDEO_FAST, paths_at(tmp_path), str(folder)).exact


def test_the_estimate_grows_with_words_digits_and_foreign_letters() -> None:
    clip, umt5 = EstimatedCounter("clip"), EstimatedCounter("umt5")
    assert clip.count("a fox in a wood") == 5
    assert clip.count("35 mm") == 3
    assert umt5.count("watercolor") > clip.count("fox")
    assert clip.count("猫") == 2


def test_counting_loads_no_torch(tmp_path: Path) -> None:
    folder = tmp_path / "ckpts" / "my-sdxl"
    as_model(folder, "StableDiffusionXLPipeline")
    clip_files(folder / "tokenizer")
    code = ("import sys\nfrom pathlib import Path\nfrom wgp_core.paths import Paths\nfrom wgp_core.prompts.tokens "
            "import counter_for\n"
            "from wgp_core.prompts.enhancement import JobType\n"
            f"r = Path({str(tmp_path)!r})\n"
            "p = Paths(r, r / 'ckpts', r, r, r, r / 's.json')\n"
            f"print(counter_for(JobType.SDXL_IMAGE_FAST, p, {str(folder)!r}).count('a fox'))\n"
            "print([m for m in ('torch', 'transformers', 'diffusers') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["2", "[]"]
