from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import FakeEngine, registry

from wgp_core.batch import done_file, read_batch
from wgp_core.errors import RequestError
from wgp_core.generate import GenerationContext, generate_video
from wgp_core.paths import PROGRAM_ROOT, Paths
from wgp_core.request import VideoRequest
from wgp_core.settings import Settings

DEFAULTS = VideoRequest(prompt="", seconds=2.0, fps=10).to_dict()


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_three_formats_mean_the_same(tmp_path: Path) -> None:
    rows = [{"prompt": "a cat", "seed": 5, "output": {"crf": 20}}, {"prompt": "a, dog", "frames": 9}]
    files = [
        write(tmp_path, "b.json", json.dumps(rows)),
        write(tmp_path, "b.jsonl", "\n\n".join(json.dumps(row) for row in rows)),
        write(tmp_path, "b.csv", '﻿prompt,seed,output.crf,frames\na cat,5,20,\n"a, dog",,,9\n'),
    ]
    batches = [[item.request for item in read_batch(file, DEFAULTS)] for file in files]
    assert batches[0] == batches[1] == batches[2]
    first, second = batches[0]
    assert (first.seconds, first.output.crf, first.fps) == (2.0, 20, 10)
    assert (second.seconds, second.frames) == (None, 9)
    assert str(first.output.path) == "b_001_a-cat"


def test_a_file_may_hold_its_own_defaults(tmp_path: Path) -> None:
    file = write(tmp_path, "b.json", json.dumps({"about": "x", "defaults": {"fps": 8}, "requests": [{"prompt": "x"}]}))
    assert read_batch(file, DEFAULTS)[0].request.fps == 8


def test_a_bad_line_is_told_with_its_place_and_does_not_hide_the_others(tmp_path: Path) -> None:
    file = write(tmp_path, "b.jsonl", '{"prompt": "x"}\n{"prompt": }\n{"promt": "y"}\n[1]\n{"prompt": " "}\n')
    items = read_batch(file, DEFAULTS)
    assert [item.request is None for item in items] == [False, True, True, True, True]
    assert items[1].place == "line 2" and "JSON" in items[1].problem
    assert "promt" in items[2].problem
    assert "object" in items[3].problem
    assert "empty" in items[4].problem


def test_a_csv_line_with_too_many_cells_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "b.csv", "prompt,seed\na,1\nb,2,3\n")
    assert "more cells" in read_batch(file, DEFAULTS)[1].problem


@pytest.mark.parametrize(("name", "text", "words"), [
    ("b.json", "{nope", "not valid JSON"), ("b.json", "3", "list of requests"), ("b.txt", "x", "no batch file"),
    ("b.jsonl", "\n", "no requests"), ("b.json", '{"requests": [], "extra": 1}', "'extra'"),
])
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read_batch(write(tmp_path, name, text), DEFAULTS)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read_batch(tmp_path / "none.json", DEFAULTS)


def test_done_means_made_from_the_same_request(paths: Paths, tmp_path: Path) -> None:
    file = write(tmp_path, "b.json", '[{"prompt": "x", "seed": 1}]')
    request = read_batch(file, VideoRequest(prompt="").to_dict())[0].request
    assert request is not None and not done_file(request, paths.outputs)
    generate_video(request, GenerationContext(paths, Settings(), registry(FakeEngine())))
    assert done_file(request, paths.outputs)
    assert not done_file(request.with_(seed=2), paths.outputs)


@pytest.mark.parametrize("file", sorted((PROGRAM_ROOT / "examples").glob("*.*")), ids=lambda p: p.name)
def test_every_example_can_be_made(file: Path) -> None:
    if file.suffix in (".json", ".jsonl", ".csv"):
        items = read_batch(file, VideoRequest(prompt="").to_dict())
        assert items and not [item.problem for item in items if item.problem]
