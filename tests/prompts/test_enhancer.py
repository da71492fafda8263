"""The ladder of an enhancement: who speaks, what is refused, what is tried again, and what is remembered."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from wgp_core.errors import EngineError, EngineMemoryError, RequestError
from wgp_core.events import Cancelled, CancelToken
from wgp_core.paths import Paths
from wgp_core.prompts.enhancement import EnhanceRequest, JobType, Level, Mode, Provider
from wgp_core.prompts.enhancer import PromptEnhancer
from wgp_core.prompts.llm import choice
from wgp_core.settings import Settings
from wgp_core.store import Store

PROMPT = "a red vintage car drives through rain at night"
GOOD = ("A red vintage car drives through heavy rain at night, wet asphalt under street lamps, slow tracking shot, "
        "shallow depth of field")
DRIFT = "A golden sunset over the city, a man on the roof of a blue bus"


class Scripted:
    """A strong model that gives these answers in turn; an exception among them is raised."""

    name, strong = "scripted", True

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.closed = 0

    def complete(self, system: str, user: str, *, max_new_tokens: int, seed: int,
                 cancel: CancelToken | None = None) -> str:
        self.asked.append((system, user))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def rank(self, context: str, options: Sequence[str], *, cancel: CancelToken | None = None) -> Sequence[float]:
        return [0.0] * len(options)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def enhancer(paths: Paths) -> PromptEnhancer:
    return PromptEnhancer(paths, Settings())


def use(model: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this model be the one that the enhancer finds."""
    monkeypatch.setattr(choice, "line_of", lambda *_: ((Provider.LOCAL, "scripted"),))
    monkeypatch.setattr(choice, "open_model", lambda *_: model)


def outcomes(enhancer: PromptEnhancer, request: EnhanceRequest) -> tuple[str, list[tuple[str, str]]]:
    result = enhancer.enhance(request)
    return result.enhanced, [(a.level.value, a.outcome) for a in result.attempts]


def test_a_good_answer_is_taken_and_explained(enhancer: PromptEnhancer, monkeypatch: pytest.MonkeyPatch) -> None:
    use(Scripted(GOOD), monkeypatch)
    result = enhancer.enhance(EnhanceRequest(PROMPT))
    assert (result.level, result.model, result.enhanced) == (Level.WORKER, "scripted", GOOD)
    assert result.tokens and result.tokens.count <= result.tokens.budget == 175
    assert result.score and result.score_before and result.score.value > result.score_before.value
    assert any("tracking shot" in phrase for phrase in result.added)


def test_drift_is_told_to_the_model_once_and_then_mended(enhancer: PromptEnhancer,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scripted(DRIFT, GOOD)
    use(model, monkeypatch)
    assert outcomes(enhancer, EnhanceRequest(PROMPT)) == (GOOD, [("worker_fallback", "accepted")])
    assert "night" in " ".join(model.asked[1])


def test_what_is_usable_of_a_rejected_text_stands_around_the_original(enhancer: PromptEnhancer,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "A golden sunset over the city, slow tracking shot, shallow depth of field"
    use(Scripted(bad, bad), monkeypatch)
    text, steps = outcomes(enhancer, EnhanceRequest(PROMPT))
    assert steps == [("worker_fallback", "repaired")]
    assert PROMPT in text and "tracking shot" in text and "sunset" not in text


def test_a_model_that_only_drifts_gives_way_to_rules(enhancer: PromptEnhancer, monkeypatch: pytest.MonkeyPatch) -> None:
    use(Scripted("Sure! What else?", "A blue bus at noon"), monkeypatch)
    text, steps = outcomes(enhancer, EnhanceRequest(PROMPT))
    assert steps == [("worker_fallback", "rejected"), ("emergency_fallback", "accepted")]
    assert PROMPT in text and len(text) > len(PROMPT)


def test_memory_that_runs_out_is_freed_and_the_model_asked_once_more(enhancer: PromptEnhancer,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scripted(EngineMemoryError("full"), GOOD)
    use(model, monkeypatch)
    assert outcomes(enhancer, EnhanceRequest(PROMPT)) == (GOOD, [("worker_fallback", "accepted")])
    assert model.closed == 1


@pytest.mark.parametrize("error", [EngineMemoryError("full"), EngineError("broken"), ValueError("a library's own")])
def test_a_model_that_fails_costs_its_level_only(enhancer: PromptEnhancer, monkeypatch: pytest.MonkeyPatch,
                                                 error: Exception) -> None:
    use(Scripted(error, error), monkeypatch)
    result = enhancer.enhance(EnhanceRequest(PROMPT))
    assert [(a.level, a.outcome) for a in result.attempts] == [(Level.WORKER, "failed"), (Level.EMERGENCY, "accepted")]
    assert str(error) in result.attempts[0].reason and PROMPT in result.enhanced


def test_the_callers_instructions_come_first_and_ours_after_them(enhancer: PromptEnhancer,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scripted(GOOD)
    use(model, monkeypatch)
    mine = EnhanceRequest(PROMPT, system_prompt="Write like a gaffer.", context="A film about cars.")
    result = enhancer.enhance(mine)
    assert result.level is Level.EDGE
    assert "gaffer" in model.asked[0][0] and "film about cars" in " ".join(model.asked[0])
    model = Scripted(EngineError("no"), GOOD)
    use(model, monkeypatch)
    enhancer.release()
    result = enhancer.enhance(mine)
    assert result.level is Level.WORKER and "gaffer" not in model.asked[1][0]


def test_a_small_model_is_not_asked_to_follow_a_callers_instructions(enhancer: PromptEnhancer,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scripted()
    model.strong = False
    use(model, monkeypatch)
    result = enhancer.enhance(EnhanceRequest(PROMPT, system_prompt="Write like a gaffer."))
    assert [(a.level, a.outcome) for a in result.attempts] == [(Level.EDGE, "skipped"), (Level.WORKER, "accepted")]
    assert "too small" in result.attempts[0].reason and PROMPT in result.enhanced


def test_cancelling_is_no_failure(enhancer: PromptEnhancer, monkeypatch: pytest.MonkeyPatch) -> None:
    cancel = CancelToken()
    cancel.cancel()
    use(Scripted(GOOD), monkeypatch)
    with pytest.raises(Cancelled):
        enhancer.enhance(EnhanceRequest(PROMPT), cancel=cancel)


@pytest.mark.parametrize(("request_", "field"), [
    (EnhanceRequest("  "), "prompt"), (EnhanceRequest("x" * 9000), "prompt"),
    (EnhanceRequest("x", system_prompt="y" * 9000), "system_prompt")])
def test_what_cannot_be_asked_is_refused(enhancer: PromptEnhancer, request_: EnhanceRequest, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        enhancer.enhance(request_)
    assert caught.value.field == field


def test_another_language_is_left_alone_with_a_warning(enhancer: PromptEnhancer) -> None:
    result = enhancer.enhance(EnhanceRequest("ein roter Ball springt auf der grünen Wiese", provider=Provider.RULES))
    assert result.enhanced == result.original and "English" in result.warnings[0]


@pytest.mark.parametrize("job_type", list(JobType))
def test_rules_alone_keep_every_budget(enhancer: PromptEnhancer, job_type: JobType) -> None:
    mode = Mode.IMAGE if "image" in job_type else Mode.TEXT_TO_VIDEO
    result = enhancer.enhance(EnhanceRequest(PROMPT, mode=mode, job_type=job_type, provider=Provider.RULES, seed=4,
                                             protected=("ohwx car",)))
    assert result.level is Level.EMERGENCY and PROMPT in result.enhanced
    assert result.tokens and result.tokens.count <= result.tokens.budget
    assert result.negative_prompt


def test_answers_survive_a_restart_and_anything_that_changes_them_asks_anew(paths: Paths,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    use(Scripted(GOOD), monkeypatch)
    request = EnhanceRequest(PROMPT)
    with Store.open(paths.database) as store:
        first = PromptEnhancer(paths, Settings(), cache=store.enhancements).enhance(request)
    use(Scripted(), monkeypatch)  # has no answer: whoever asks it fails
    with Store.open(paths.database) as store:
        enhancer = PromptEnhancer(paths, Settings(), cache=store.enhancements)
        again = enhancer.enhance(request)
        assert not first.cache_hit and again.cache_hit and again.enhanced == first.enhanced
        keys = {enhancer.key_of(dataclasses.replace(request, **change)) for change in (
            {}, {"seed": 1}, {"context": "x"}, {"system_prompt": "x"}, {"job_type": JobType.VIDEO_HIGH},
            {"prompt": "x"}, {"enhancement_type": "automatic"})}
        assert len(keys) == 7


def test_a_failure_is_not_remembered(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(paths.database) as store:
        enhancer = PromptEnhancer(paths, Settings(), cache=store.enhancements)
        use(Scripted(EngineError("down"), GOOD), monkeypatch)
        assert enhancer.enhance(EnhanceRequest(PROMPT)).level is Level.EMERGENCY
        assert enhancer.enhance(EnhanceRequest(PROMPT)).enhanced == GOOD


@pytest.mark.slow
def test_the_small_model_of_the_starter_keeps_what_is_meant(paths: Paths) -> None:
    enhancer = PromptEnhancer(paths, Settings())
    result = enhancer.enhance(EnhanceRequest("three dogs play in the snow, no people", provider=Provider.LOCAL))
    enhancer.release()
    assert result.level is Level.WORKER and "smollm2" in result.model
    assert "three dogs play in the snow, no people" in result.enhanced and len(result.added) >= 3
