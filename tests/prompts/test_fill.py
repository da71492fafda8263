"""Small models choose among phrases: the sentence stays, the model's judgement counts, the seed decides ties."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from language_toys import write_toy_llm

from wgp_core.engines.base import RuntimeOptions
from wgp_core.errors import Cancelled
from wgp_core.events import CancelToken
from wgp_core.paths import Paths
from wgp_core.prompts.enhancement import EnhanceRequest, JobType, Mode, Quality
from wgp_core.prompts.facts import facts_of
from wgp_core.prompts.fidelity import check
from wgp_core.prompts.fill import LABELS, MOST_OPTIONS, enhance_by_choosing
from wgp_core.prompts.job_types import spec_of
from wgp_core.prompts.llm.find import find_local
from wgp_core.prompts.llm.local import LocalModel, open_local
from wgp_core.prompts.tokens import counter_for
from wgp_core.prompts.vocabulary import PHRASES

PROMPTS = ["a red vintage car driving through rain at night", "three dogs run on a beach", "an empty street, no people",
           "how gradient descent works", "Maria reads \"Dune\" in a library", "a watercolor of two boats"]


class Taste:
    """Ranks by a list of liked phrases; `bias` is what it likes for any prompt at all."""

    name, strong = "taste", False

    def __init__(self, liked: Sequence[str] = (), bias: Sequence[str] = ()) -> None:
        self.liked, self.bias = tuple(liked), tuple(bias)
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def complete(self, *_args: object, **_kwargs: object) -> str:
        raise AssertionError("a weak model is not asked to write")

    def rank(self, context: str, options: Sequence[str], *, cancel: CancelToken | None = None) -> list[float]:
        self.asked.append((context, tuple(options)))
        own = "Something happens somewhere" not in context.rpartition("\n\n")[2]
        return [-3 + 2 * (own and o in self.liked) + 5 * (o in self.bias) for o in options]

    def close(self) -> None:
        pass


def enhance(model: object, prompt: str, paths: Paths, **more: object) -> str:
    request = EnhanceRequest(prompt=prompt, **more)  # type: ignore[arg-type]
    counter = counter_for(request.job_type, paths)
    return enhance_by_choosing(model, request, facts_of(prompt), counter)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_llm(tmp_path_factory.mktemp("fill") / "toy")


def opened(folder: Path, paths: Paths) -> LocalModel:
    return open_local(find_local(str(folder), paths), paths, RuntimeOptions(device="cpu", dtype="fp32"))


@pytest.mark.parametrize("job_type", list(JobType))
def test_whatever_the_model_thinks_the_sentence_stays_and_nothing_contradicts(
        toy_folder: Path, paths: Paths, job_type: JobType) -> None:
    model = opened(toy_folder, paths)
    counter = counter_for(job_type, paths)
    mode = Mode.IMAGE if spec_of(job_type).is_image else Mode.TEXT_TO_VIDEO
    for prompt in PROMPTS:
        text = enhance(model, prompt, paths, job_type=job_type, quality=Quality.HIGH, mode=mode)
        assert prompt in text and len(text) > len(prompt) + 40
        assert check(prompt, text).ok, (text, check(prompt, text).reasons)
        assert counter.count(text) <= spec_of(job_type, Quality.HIGH).budget


def test_the_same_seed_gives_the_same_text_whatever_was_asked_before(toy_folder: Path, paths: Paths) -> None:
    first, second = opened(toy_folder, paths), opened(toy_folder, paths)
    for prompt in PROMPTS[1:4]:
        enhance(second, prompt, paths, seed=9)
    assert enhance(first, PROMPTS[0], paths, seed=4) == enhance(second, PROMPTS[0], paths, seed=4)
    texts = {enhance(first, PROMPTS[0], paths, seed=seed) for seed in range(6)}
    assert len(texts) > 3


def test_what_the_model_likes_for_this_prompt_is_taken(paths: Paths) -> None:
    liked = ["gentle push-in", "nostalgic mood", "hard rim light"]
    texts = [enhance(Taste(liked), PROMPTS[0], paths, seed=seed).lower() for seed in range(12)]
    taken = [sum(phrase in text for text in texts) for phrase in liked]
    by_chance = [enhance(Taste(), PROMPTS[0], paths, seed=seed).lower() for seed in range(12)]
    assert sum(taken) > 2 * sum(sum(phrase in text for text in by_chance) for phrase in liked)
    assert max(taken) >= 5


def test_what_the_model_likes_for_any_prompt_is_not_taken_every_time(paths: Paths) -> None:
    fond = [phrase.text for phrase in PHRASES["camera_move"][:1]]
    texts = [enhance(Taste(bias=fond), prompt, paths, seed=seed).lower() for seed in range(6) for prompt in PROMPTS[:3]]
    assert sum(fond[0] in text for text in texts) < len(texts) / 2


def test_the_model_sees_the_prompt_and_what_was_chosen_and_few_options(paths: Paths) -> None:
    taste = Taste()
    enhance(taste, PROMPTS[0], paths, job_type=JobType.VIDEO_HIGH)
    own = [(context.rpartition("\n\n")[2], options) for context, options in taste.asked if PROMPTS[0] in context]
    assert len(own) >= 5
    assert all(len(options) <= MOST_OPTIONS for _, options in own)
    assert len({context.rpartition("\n\n")[0] for context, _ in taste.asked}) == 1, "the remembered head changed"
    chosen = [line for line in own[-1][0].splitlines()[1:-1] if ": " in line]
    assert chosen and all(line.split(":")[0] in LABELS.values() for line in chosen)
    assert own[-1][0].splitlines()[-1].endswith(":")


def test_the_context_is_read_and_endless_texts_are_not(paths: Paths) -> None:
    taste = Taste()
    long = "a dog runs through tall grass and " * 200 + "stops"
    text = enhance(taste, long, paths, context="The start image shows:\n\na snowy field " + "and more " * 200)
    assert "a dog runs through tall grass" in text.lower()
    own = [context.rpartition("\n\n")[2] for context, _ in taste.asked if "a dog runs" in context]
    assert own and all("Context: The start image shows: a snowy field" in each for each in own)
    assert max(map(len, own)) < 1500


def test_a_cancel_ends_it(toy_folder: Path, paths: Paths) -> None:
    cancel = CancelToken()
    cancel.cancel()
    request = EnhanceRequest(prompt=PROMPTS[0])
    with pytest.raises(Cancelled):
        enhance_by_choosing(opened(toy_folder, paths), request, facts_of(request.prompt),
                            counter_for(request.job_type, paths), cancel)


def test_the_starter_model_chooses(paths: Paths) -> None:
    model = open_local(find_local("smollm2-135m-instruct", paths), paths, RuntimeOptions(device="cpu"))
    try:
        text = enhance(model, "a couple drinks coffee in a cafe", paths, seed=1)
        assert text == enhance(model, "a couple drinks coffee in a cafe", paths, seed=1)
        assert check("a couple drinks coffee in a cafe", text).ok
    finally:
        model.close()
