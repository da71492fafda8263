"""Strong models write freely; only the prompt of their answer is taken."""

from __future__ import annotations

import pytest
from chat_server import Chat, serving
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.errors import EngineError
from wgp_core.prompts.enhancement import EnhanceRequest
from wgp_core.prompts.facts import facts_of
from wgp_core.prompts.job_types import spec_of
from wgp_core.prompts.llm.freely import clean, enhance_freely
from wgp_core.prompts.llm.openai_compatible import OpenAIModel

PLAIN = "A red ball bounces on green grass, low sun behind it. The camera follows slowly."


@pytest.mark.parametrize("answer", [
    PLAIN,
    f"\"{PLAIN}\"",
    f"“{PLAIN}”",
    f"Sure! Here is the enhanced prompt:\n\n{PLAIN}",
    f"Here's a cinematic version of your prompt:\n\n**Enhanced prompt:** {PLAIN}",
    f"Certainly! {PLAIN}",
    f"Enhanced Prompt: \"{PLAIN}\"\n\nNote: I kept the ball red.",
    f"**Prompt:**\n{PLAIN}\n\nThis prompt keeps the ball and adds light. Let me know if you want more!",
    f"<think>The user wants a ball. Sure, here is</think>\n{PLAIN}",
    f"The user wants a ball.</think>\n\n{PLAIN}",
    f"```\n{PLAIN}\n```",
    f"```text\n{PLAIN}\n```\nI added light.",
    f"1. {PLAIN}\n2. A blue ball rolls.",
    f"- {PLAIN}",
    f"### Video prompt\n{PLAIN}".replace("### Video prompt\n", "### Video prompt:\n"),
    "A red ball bounces on green grass,\nlow sun behind it.\n\nThe camera follows slowly.",
    f"{PLAIN} Above the horizon a fl",
    f"<|im_start|>assistant\n{PLAIN}<|im_end|>".replace("assistant\n", ""),
])
def test_the_prompt_is_found_in_the_answer(answer: str) -> None:
    assert clean(answer) == PLAIN


@pytest.mark.parametrize("kept", [
    "masterpiece, a red ball, green grass, soft light, 85 mm lens, 8k",
    "Okay corral at noon: two men face each other.",
    "A sign reads \"OPEN\" and \"BAR\".",
    "\"OPEN\" glows over a door that says \"BAR\"",
    "A note lies on the table. This is quiet morning light.",
    "St. Mary's church at 3.5 km, fog.",
    "a prompt writer at her desk: tired eyes, cold light",
])
def test_what_belongs_to_a_prompt_stays(kept: str) -> None:
    assert clean(kept) == kept


@pytest.mark.parametrize("empty", ["", "   ", "<think>only thoughts", "\"\"", "``` ```", "**", "<|im_end|>"])
def test_nothing_comes_of_nothing(empty: str) -> None:
    assert clean(empty).strip("\"`") == ""


@given(st.text(alphabet=st.sampled_from("abc .,:!?\n\"'*`#-<>|/1)think Sure,Note"), max_size=200))
def test_cleaning_never_fails_and_stays_on_one_line(text: str) -> None:
    found = clean(text)
    assert "\n" not in found and found == found.strip() and len(found) <= len(text)


def ask(chat: Chat, **more: object) -> tuple[str, list[str]]:
    prompt = "A portrait of Maria with a sign \"OPEN\", no cars behind her"
    request = EnhanceRequest(prompt=prompt, seed=5, **more)  # type: ignore[arg-type]
    model = OpenAIModel("small-chat", base_url=chat.url, timeout_s=10)
    text = enhance_freely(model, request, spec_of(request.job_type, request.quality), facts_of(request.prompt))
    return text, [message["content"] for message in chat.asked[-1]["messages"]]


def test_our_instructions_or_the_callers_reach_the_model_with_what_must_stay() -> None:
    with serving(Chat(answer=f"Sure, here it is:\n{PLAIN}")) as chat:
        text, (system, user) = ask(chat, protected=("mstyle",))
        assert text == PLAIN
        assert system == spec_of(EnhanceRequest("x").job_type).system_prompt
        assert "A portrait of Maria" in user
        told = user.partition("Word for word")[2]
        assert all(word in told for word in ("\"OPEN\"", "Maria", "mstyle", "not there: car"))
        _, (system, user) = ask(chat, system_prompt="Write like a poet.", context="A rainy film.")
        assert system == "Write like a poet." and "Context: A rainy film." in user


def test_a_second_try_says_what_was_wrong_and_takes_another_seed() -> None:
    with serving(Chat(answer=PLAIN)) as chat:
        model = OpenAIModel("small-chat", base_url=chat.url, timeout_s=10)
        request = EnhanceRequest(prompt="a red ball", seed=5)
        spec, facts = spec_of(request.job_type), facts_of(request.prompt)
        enhance_freely(model, request, spec, facts)
        enhance_freely(model, request, spec, facts, notes="Your last answer was not usable: Missing: red.")
        first, second = chat.asked
        assert first["seed"] == 5 and second["seed"] == 6
        assert second["messages"][1]["content"].endswith("Missing: red.")


def test_an_answer_without_a_prompt_is_an_error() -> None:
    with serving(Chat(answer="<think>hm</think>")) as chat, pytest.raises(EngineError, match="gave no prompt"):
        ask(chat)
