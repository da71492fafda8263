"""A language model suggests: what keeps the person's words is kept with the attempt, the rest is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEngine, registry
from language_toys import write_toy_llm
from prompts.chat_server import Chat, serving

from wgp_core.attempts import Workbench, run, suggestions
from wgp_core.attempts.asking import ask_model
from wgp_core.attempts.refining import ask, decide, key_of, with_suggestion
from wgp_core.engines.base import RenderSession, RuntimeOptions
from wgp_core.errors import RequestError
from wgp_core.events import Cancelled, CancelToken
from wgp_core.generate import GenerationContext
from wgp_core.jobs import prompt_tasks
from wgp_core.jobs.attempt_desk import AttemptDesk
from wgp_core.jobs.recorder import LibraryRecorder
from wgp_core.jobs.tasks import TaskContext
from wgp_core.jobs.work_line import WorkState
from wgp_core.paths import Paths
from wgp_core.prompts.llm.find import find_local
from wgp_core.prompts.llm.local import open_local
from wgp_core.prompts.llm.openai_compatible import OpenAIModel
from wgp_core.quality.score import ScoreOptions
from wgp_core.quality.suggest import with_added
from wgp_core.quality.total import Weights, weigh
from wgp_core.quality.types import Dimension, DimensionScore, Kind, QualityReport
from wgp_core.request import EngineChoice, VideoRequest
from wgp_core.settings import Settings
from wgp_core.store import Store
from wgp_core.store.attempt_records import AttemptRecord

PROMPT = "a red fox runs through deep snow"
CALM = f"{PROMPT}, slow steady motion, the camera keeps still"
GOOD = {"weakness": "motion_smoothness", "prompt": CALM, "negative_prompt": "jitter", "reason": "It jumps."}
CAT = {"weakness": "motion_smoothness", "prompt": "a black cat sleeps on a sofa", "reason": "Cats are calm."}


def jumping(request: VideoRequest, session: RenderSession, index: int) -> np.ndarray:
    y, x = np.mgrid[0:request.height, 0:request.width].astype(float)
    wave = 110 + 60 * np.sin((x + 23 * ((index * 7) % 5)) / 9) + 40 * np.cos(y / 7)
    return np.clip(np.stack([wave, wave * 0.8, 220 - wave * 0.5], -1), 0, 255).astype(np.uint8)


@pytest.fixture
def store(paths: Paths) -> Iterator[Store]:
    with Store.open(paths.database) as opened:
        yield opened


@pytest.fixture
def chat() -> Iterator[Chat]:
    with serving(Chat(answer=f"Here you are: {json.dumps([GOOD])}")) as server:
        yield server


@pytest.fixture
def model(chat: Chat) -> OpenAIModel:
    return OpenAIModel("small-chat", base_url=chat.url, timeout_s=20)


@pytest.fixture
def attempt(paths: Paths, store: Store) -> AttemptRecord:
    """A scored attempt whose motion is uneven."""
    context = GenerationContext(paths, Settings(), registry(FakeEngine(EngineChoice.LOCAL, jumping, "local")),
                                recorder=LibraryRecorder(store))
    made = run(VideoRequest(PROMPT, engine=EngineChoice.LOCAL, frames=9, seed=2),
               Workbench(context, store, ScoreOptions()), 1)
    assert made.selected is not None
    return made.selected


def test_what_a_strong_model_writes_joins_the_suggestions(attempt: AttemptRecord, store: Store, chat: Chat,
                                                          model: OpenAIModel) -> None:
    by_rules = suggestions(attempt.id, store)
    found, = ask(attempt.id, store, model)
    assert (found.prompt, found.negative_prompt, found.source) == (CALM, "jitter", model.name)
    told = chat.asked[0]["messages"][-1]["content"]
    assert PROMPT in told and "motion_smoothness: " in told and "of 100" in told
    assert suggestions(attempt.id, store) == (*by_rules, found), "with its diff, as it was"
    assert decide(attempt.id, key_of(found), True, store) == found
    request = with_suggestion(store.attempts.iteration(attempt.iteration_id).request, found)
    assert (request.prompt, request.negative_prompt) == (CALM, "jitter")
    ask(attempt.id, store, model)
    assert suggestions(attempt.id, store) == (*by_rules, found), "the same answer is one suggestion"


def test_an_answer_that_loses_the_subject_is_sent_back_once_and_then_left_out(attempt: AttemptRecord, store: Store,
                                                                             chat: Chat, model: OpenAIModel) -> None:
    chat.answers = [json.dumps([CAT]), json.dumps([GOOD])]
    assert [one.prompt for one in ask(attempt.id, store, model)] == [CALM]
    assert "could not be used" in chat.asked[1]["messages"][-1]["content"]
    assert "fox" in chat.asked[1]["messages"][-1]["content"].rpartition("could not be used")[2]
    chat.answers = [json.dumps([CAT]), "No idea, sorry."]
    assert ask_model(_report(attempt), PROMPT, "", model) == ()
    cancel = CancelToken()
    cancel.cancel()
    chat.answers = [json.dumps([CAT])]
    with pytest.raises(Cancelled):
        ask_model(_report(attempt), PROMPT, "", model, cancel=cancel)


def test_a_small_model_chooses_words_and_leaves_the_prompt_whole(attempt: AttemptRecord, paths: Paths,
                                                                 tmp_path: Path) -> None:
    folder = write_toy_llm(tmp_path / "toy")
    small = open_local(find_local(str(folder), paths), paths, RuntimeOptions())
    found = ask_model(_report(attempt), PROMPT, "", small)
    assert found and all(one.prompt.startswith(f"{PROMPT}, ") and one.source == small.name for one in found)
    assert found == ask_model(_report(attempt), PROMPT, "", small)


def test_what_was_typed_meanwhile_stays_when_a_model_s_words_are_taken(attempt: AttemptRecord, store: Store,
                                                                       model: OpenAIModel) -> None:
    found, = ask(attempt.id, store, model)
    assert with_added(found, (f"{PROMPT} at dawn", "snowmen")) == (
        f"{PROMPT} at dawn, slow steady motion, the camera keeps still", "snowmen, jitter")


def test_an_attempt_without_scores_is_refused(attempt: AttemptRecord, store: Store, model: OpenAIModel) -> None:
    bare = store.attempts.add_attempt(replace(attempt, id="", number=2, report=None, total=None, rank=None))
    with pytest.raises(RequestError, match="no scores"):
        ask(bare.id, store, model)


def test_the_desk_asks_in_the_assistant_and_says_what_is_missing(attempt: AttemptRecord, paths: Paths, store: Store,
                                                                 chat: Chat, tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.workshop import wait_until

    monkeypatch.setenv("OPENAI_API_KEY", "")
    settings = Settings(enhancer_provider="openai", openai_base_url=chat.url, openai_model="small-chat")
    here = [settings]

    def run_prompt(name: str, payload: Mapping[str, Any], *, cancel: CancelToken, **_: object) -> Mapping[str, Any]:
        assert name == "suggest"
        return prompt_tasks.suggest(payload, TaskContext(paths, cancel=cancel, settings=here[0]))

    def no_other(*_: object, **__: object) -> Mapping[str, Any]:
        raise AssertionError("a model is asked in the assistant")

    desk = AttemptDesk(store, paths, lambda: here[0], no_other, run_prompt)

    def ended() -> Any:
        work = desk.ask_model(attempt.id)
        wait_until(lambda: not desk.get(work.id).open, 30)
        return desk.get(work.id)

    done = ended()
    assert done.state is WorkState.DONE and dict(done.result) == {"found": 1, "message": ""}, done
    assert desk.suggestions(attempt.id)[-1].source == "small-chat"
    chat.answer = "Sorry."
    assert "nothing to suggest" in ended().result["message"]
    toy = write_toy_llm(tmp_path / "toy")
    here[0] = replace(settings, openai_base_url="http://127.0.0.1:9/v1")
    failed = ended()
    assert failed.state is WorkState.FAILED and "127.0.0.1:9" in failed.message
    here[0] = replace(here[0], enhancer_provider="auto", enhancer_model=str(toy))
    done = ended()
    assert done.state is WorkState.DONE and done.result["found"], "the next in line is asked"
    assert toy.name in {one.source for one in desk.suggestions(attempt.id)}
    here[0] = replace(settings, enhancer_provider="rules")
    failed = ended()
    assert failed.state is WorkState.FAILED and "No language model" in failed.message


def _report(attempt: AttemptRecord) -> QualityReport:
    """The attempt's report with weak motion alone."""
    assert attempt.report is not None
    report = QualityReport.from_dict(attempt.report)
    scores = tuple(DimensionScore(one.dimension, Kind.ESTIMATE, 0.2, 0.2) if one.dimension is Dimension.SMOOTHNESS else
                   replace(one, value=None if one.value is None else 1.0) for one in report.scores)
    return replace(report, scores=scores, total=weigh(scores, Weights()))
