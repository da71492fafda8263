"""Remote models in the form: nothing of them while they are off; their names and prices once they are on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from replicate_service import TOKEN, Model, ReplicateService, choices, schema

from ui import form
from ui.filling import engine_choices, fill, model_choices, shows_model, snapped_values
from ui.form import NAMES, FormValues
from ui.model_fields import estimate_html
from wgp_core.context import Studio
from wgp_core.engines.remote.engine import KNOWN
from wgp_core.request import EngineChoice, VideoRequest

CLIP, PICTURE = "pixverse/pixverse-v5", "black-forest-labs/flux-pro"


def shown(studio: Studio, values: FormValues) -> dict[str, dict]:
    return dict(zip(NAMES, fill(studio, values), strict=False))


def test_off_there_is_nothing_of_it(studio: Studio) -> None:
    assert "remote" not in {value for _, value in engine_choices(studio)}
    assert "remote" in {value for _, value in engine_choices(studio, "remote")}  # settings of a video made elsewhere
    assert "switched off" in form.engine_hint(studio.engines, "remote")
    assert estimate_html(studio, FormValues(prompt="a car", engine="remote", model=CLIP)) == ""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplicateService]:
    length = {"duration": choices(5, 8, kind="integer")}
    running = ReplicateService({CLIP: Model(schema(length)), "some/other": Model(schema(length))})
    running.start()
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    yield running
    running.stop()


def test_on_models_are_offered_and_the_price_is_told(studio: Studio, service: ReplicateService) -> None:
    studio.config.save({"remote_models": True, "remote_prices": f"{CLIP} 0.07 per second", "remote_url": service.url})
    assert engine_choices(studio)[-1] == ("Remote model", "remote")
    values = FormValues(prompt="a car", engine="remote", model=CLIP, seconds=1.0)  # it makes five at least
    assert "About $0.35" in estimate_html(studio, values)
    assert "For each" in estimate_html(studio, FormValues(**{**values.to_saved(), "many": "line"}))
    assert "no model no/such" in estimate_html(studio, FormValues(prompt="a car", engine="remote", model="no/such"))
    assert "not known here" in estimate_html(studio, FormValues(prompt="a car", engine="remote", model="some/other"))
    assert "costs money" in form.engine_hint(studio.engines, "remote")
    updates = shown(studio, FormValues(prompt="a car", engine="remote"))
    assert updates["model"]["value"] == next(iter(KNOWN)) and updates["model"]["allow_custom_value"]
    assert updates["model"]["visible"] and not updates["loras"]["visible"]
    assert not updates["start_image"]["visible"]  # as the service says of this model
    assert shown(studio, FormValues(prompt="a car", engine="remote", model=PICTURE))["start_image"]["visible"]
    assert snapped_values(studio, FormValues(prompt="a car", engine="remote"))[0].model == next(iter(KNOWN))
    moved, notes = snapped_values(studio, FormValues(prompt="a car", engine="remote", model=PICTURE, seconds=8.0))
    assert moved.seconds == 1.0 == shown(studio, moved)["seconds"]["maximum"] and any("1 s" in note for note in notes)
    named = FormValues(prompt="a car", engine="remote", model="some/other")
    assert shown(studio, named)["model"]["value"] == "some/other"
    assert shown(studio, FormValues(prompt="a car", engine="local", model=CLIP))["model"]["value"] == ""
    assert "some/other" in {value for _, value in model_choices(studio, "some/other", "remote")}
    assert shows_model("remote", studio.engines.get("remote").spec)
    studio.config.save({"remote_models": False})
    assert len(engine_choices(studio)) == 3 and "switched off" in form.engine_hint(studio.engines, "remote")


def test_the_form_asks_for_what_it_shows(studio: Studio) -> None:
    asked = VideoRequest("a car", engine=EngineChoice.REMOTE, model=CLIP, width=1280, height=720, seconds=5.0, steps=20,
                         negative_prompt="rain", seed=7)
    spec = form.effective_spec(studio.engines, "remote", CLIP)
    again = FormValues.from_request(asked, spec).to_request(spec)
    assert (again.engine, again.model, again.steps, again.negative_prompt, again.seconds) == (
        EngineChoice.REMOTE, CLIP, 20, "rain", 5.0)
