"""Which language models can be asked here, and in which order."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from language_toys import write_toy_llm

from wgp_core.engines.base import RuntimeOptions
from wgp_core.errors import ModelMissingError, RequestError, SettingsError
from wgp_core.paths import PROGRAM_ROOT, Paths
from wgp_core.prompts.enhancement import Provider
from wgp_core.prompts.llm.choice import available, line_of, open_model
from wgp_core.settings import Settings

STARTER = "smollm2-135m-instruct"
SERVER = Settings(openai_base_url="http://127.0.0.1:9/v1", openai_model="qwen3")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def llama(paths: Paths) -> Paths:
    """Files as they lie where Llama is installed; nothing here opens them."""
    folder = paths.ckpts / "Llama3_2"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "Llama3_2_quanto_bf16_int8.safetensors"):
        (folder / name).write_text("{}")
    return paths


def test_the_order_of_automatic(llama: Paths) -> None:
    both = line_of(Provider.AUTO, "", llama, SERVER)
    assert both == ((Provider.LOCAL, "llama-3.2-3b-instruct"), (Provider.OPENAI, "qwen3"), (Provider.LOCAL, STARTER))


def test_prompts_are_sent_to_a_server_only_where_its_model_is_named(paths: Paths,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    for settings in (Settings(), replace(SERVER, openai_model="")):
        assert line_of(Provider.AUTO, "", paths, settings) == ((Provider.LOCAL, STARTER),)
    assert line_of(Provider.AUTO, "", paths, SERVER)[0] == (Provider.OPENAI, "qwen3")


def test_a_provider_that_is_asked_for_is_the_only_one(paths: Paths) -> None:
    assert line_of(Provider.LOCAL, "", paths, SERVER) == ((Provider.LOCAL, STARTER),)
    assert line_of(Provider.OPENAI, "", paths, SERVER) == ((Provider.OPENAI, "qwen3"),)
    assert line_of(Provider.OPENAI, "other", paths, Settings()) == ((Provider.OPENAI, "other"),)
    assert line_of(Provider.RULES, "", paths, SERVER) == ()
    assert line_of(Provider.AUTO, "", paths, replace(SERVER, enhancer_provider="rules")) == ()
    assert line_of(Provider.LOCAL, "no-such", paths, SERVER) == ((Provider.LOCAL, "no-such"),)


def test_a_named_model_goes_to_whom_it_belongs(paths: Paths) -> None:
    assert line_of(Provider.AUTO, STARTER, paths, SERVER) == ((Provider.LOCAL, STARTER),)
    assert line_of(Provider.AUTO, "mistral", paths, SERVER) == ((Provider.OPENAI, "mistral"),)
    assert line_of(Provider.AUTO, "mistral", paths, Settings()) == ((Provider.LOCAL, "mistral"),)


def test_states_say_what_is_missing(paths: Paths) -> None:
    local, server, rules = available(paths, Settings(enhancer_model="gpt-9"))
    assert not local.ok and "gpt-9" in local.reason and local.fix
    assert not server.ok and "OPENAI_API_KEY" in server.fix
    assert rules.ok
    local, server, _ = available(paths, SERVER)
    assert (local.ok, local.model, server.ok, server.model) == (True, STARTER, True, "qwen3")


def test_models_are_opened(paths: Paths, tmp_path: Path) -> None:
    folder = write_toy_llm(tmp_path / "toy")
    runtime = RuntimeOptions(device="cpu")
    model = open_model(Provider.LOCAL, "", paths, Settings(enhancer_model=str(folder)), runtime)
    assert model.rank("a", ["b", "c"]) and not model.strong
    model.close()
    assert open_model(Provider.OPENAI, "", paths, SERVER, runtime).name == "qwen3"
    with pytest.raises(SettingsError):
        open_model(Provider.OPENAI, "", paths, Settings(), runtime)
    with pytest.raises(ModelMissingError):
        open_model(Provider.LOCAL, "gpt-9", paths, Settings(), runtime)
    with pytest.raises(RequestError):
        open_model(Provider.RULES, "", paths, Settings(), runtime)


def test_looking_loads_no_model_library() -> None:
    code = ("import sys; from wgp_core.prompts.llm.choice import available, line_of; from wgp_core.paths import "
            "build_paths; from wgp_core.settings import Settings; available(build_paths(), Settings()); "
            "print([n for n in ('torch', 'transformers', 'openai', 'diffusers') if n in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], cwd=PROGRAM_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
