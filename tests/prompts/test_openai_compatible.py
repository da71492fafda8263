"""The client of OpenAI-compatible servers, over real sockets."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest
from chat_server import Chat, serving

from wgp_core.errors import Cancelled, EngineError, SettingsError
from wgp_core.events import CancelToken
from wgp_core.prompts.llm.openai_compatible import OPENAI_URL, OpenAIModel

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def chat() -> Iterator[Chat]:
    with serving(Chat()) as server:
        yield server


def model_of(chat: Chat, name: str = "small-chat", **more: object) -> OpenAIModel:
    return OpenAIModel(name, base_url=chat.url, **{"timeout_s": 10.0, **more})  # type: ignore[arg-type]


def ask(model: OpenAIModel, cancel: CancelToken | None = None) -> str:
    return model.complete("Be brief.", "a red ball", max_new_tokens=64, seed=2**40 + 7, cancel=cancel)


def test_a_question_and_its_answer(chat: Chat) -> None:
    model = model_of(chat)
    assert ask(model) == chat.answer
    asked, = chat.asked
    assert [m["content"] for m in asked["messages"]] == ["Be brief.", "a red ball"]
    assert (asked["model"], asked["max_tokens"], asked["temperature"], asked["top_p"]) == ("small-chat", 64, 0.6, 0.9)
    assert 0 <= asked["seed"] < 2**31
    assert model.strong
    with pytest.raises(EngineError, match="cannot rank"):
        model.rank("x", ["y"])


def test_without_a_name_the_first_model_of_the_server_is_taken(chat: Chat) -> None:
    model = model_of(chat, "")
    assert ask(model) == chat.answer
    assert model.name == "small-chat" and model.models() == ("small-chat",)
    chat.models = ()
    with pytest.raises(EngineError, match="lists no models"):
        ask(model_of(chat, ""))


def test_options_that_a_model_refuses_are_left_out(chat: Chat) -> None:
    chat.refused = ("temperature", "max_tokens", "seed")
    assert ask(model_of(chat)) == chat.answer
    assert set(chat.asked[-1]) == {"model", "messages", "top_p", "max_completion_tokens"}


def test_a_busy_server_is_asked_again(chat: Chat) -> None:
    chat.fail = [(503, "loading the model")]
    assert ask(model_of(chat)) == chat.answer
    assert len(chat.asked) == 2


@pytest.mark.parametrize(("fail", "words"), [
    ([(429, "slow down")] * 9, "takes no more requests now .429"),
    ([(500, "out of cheese")] * 9, "answered 500: .*out of cheese"),
    ([(400, "the prompt is odd")], "answered 400: .*prompt is odd"),
])
def test_what_the_server_refuses_is_said_plainly(chat: Chat, fail: list[tuple[int, str]], words: str) -> None:
    chat.fail = list(fail)
    with pytest.raises(EngineError, match=words) as caught:
        ask(model_of(chat))
    assert caught.value.fix and chat.url in str(caught.value)


def test_an_unknown_model_and_a_wrong_address(chat: Chat) -> None:
    with pytest.raises(EngineError, match="no model 'other'"):
        ask(model_of(chat, "other"))
    with pytest.raises(EngineError, match=r"no server at http://127\.0\.0\.1:9/v1"):
        ask(OpenAIModel("m", base_url="http://127.0.0.1:9/v1", timeout_s=20))
    for wrong in ("127.0.0.1:11434", "ftp://host/v1", "http://", "http://[::1", "http://host:port"):
        with pytest.raises(SettingsError, match="openai_base_url"):
            OpenAIModel("m", base_url=wrong)


@pytest.mark.parametrize("raw", [b"<html>hello</html>", b"{}", b'{"choices": []}', b"[]", b'"text"', b"\xff\xfe",
                                 b'{"choices": [{"message": {"role": "assistant", "content": ""},'
                                 b' "finish_reason": "length"}]}'])
def test_an_answer_that_is_none_is_an_error(chat: Chat, raw: bytes) -> None:
    chat.raw = raw
    with pytest.raises(EngineError):
        ask(model_of(chat))


def test_a_cancel_drops_the_connection(chat: Chat) -> None:
    chat.wait_s = 8
    cancel = CancelToken()
    threading.Timer(0.4, cancel.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        ask(model_of(chat), cancel)
    assert time.monotonic() - began < 2
    assert chat.gone.wait(3), "the server went on working"


def test_the_deadline_holds_for_all_tries_together(chat: Chat) -> None:
    chat.wait_s = 8
    began = time.monotonic()
    with pytest.raises(EngineError, match=r"within 1 s.*openai_timeout"):
        ask(model_of(chat, timeout_s=1.0))
    assert time.monotonic() - began < 2.5


def test_the_key_is_sent_and_appears_nowhere_else(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    chat.key = KEY
    model = model_of(chat, key=KEY)
    assert ask(model) == chat.answer
    assert chat.headers[-1]["authorization"] == f"Bearer {KEY}"
    said = [repr(model), model.name]
    for status in (401, 403, 400, 404):
        chat.fail = [(status, f"bad key {KEY}")]
        with pytest.raises(EngineError) as caught:
            ask(model)
        said += [str(caught.value), repr(caught.value), str(caught.value.__cause__)]
    with pytest.raises(EngineError, match=r"refuses the key .401.*OPENAI_API_KEY"):
        ask(model_of(chat, key="sk-another"))
    with pytest.raises(EngineError, match="requests without a key"):
        ask(model_of(chat))
    assert not [text for text in [*said, caplog.text] if KEY in text or "sk-another" in text]


def test_secrets_in_the_address_are_not_shown(chat: Chat) -> None:
    with pytest.raises(EngineError) as caught:
        ask(OpenAIModel("m", base_url="http://me:hunter2@127.0.0.1:9/v1?token=abc", timeout_s=20))
    assert "hunter2" not in str(caught.value) and "abc" not in str(caught.value)


def test_openais_own_server_needs_a_key_and_a_model() -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        OpenAIModel("gpt-x")
    with pytest.raises(SettingsError, match="openai_model"):
        OpenAIModel("", key=KEY)
    assert OpenAIModel("gpt-x", key=KEY).base_url == OPENAI_URL
