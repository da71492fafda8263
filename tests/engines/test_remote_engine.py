"""The remote engine against a local server that speaks Replicate's protocol."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEngine
from PIL import Image
from replicate_service import TOKEN, VERSION, Model, ReplicateService, choices, schema

from wgp_core.engines.base import RenderSession, RuntimeOptions
from wgp_core.engines.registry import EngineRegistry
from wgp_core.engines.remote import client
from wgp_core.engines.remote.engine import RemoteEngine
from wgp_core.errors import Cancelled, EngineError, MediaError, RequestError, SettingsError
from wgp_core.events import CancelToken, Progress
from wgp_core.generate import GenerationContext, generate_video, prepare_video
from wgp_core.media.encode import EncodeOptions, encode
from wgp_core.media.probe import probe
from wgp_core.paths import Paths
from wgp_core.request import DocumentUse, EngineChoice, ScenePlan, VideoRequest
from wgp_core.settings import Settings

CLIP, PICTURE = "pixverse/pixverse-v5", "black-forest-labs/flux-pro"
CLIP_INPUTS = {
    "duration": choices(5, 8, kind="integer"), "aspect_ratio": choices("16:9", "9:16", "1:1"),
    "quality": choices("360p", "540p", "720p", "1080p"), "image": {"type": "string", "format": "uri"},
    "last_frame_image": {"type": "string", "format": "uri"}, "negative_prompt": {"type": "string"},
    "seed": {"type": "integer"}, "motion_mode": choices("normal", "smooth")}
PICTURE_INPUTS = {
    "width": {"type": "integer", "minimum": 256, "maximum": 1440, "multipleOf": 32},
    "height": {"type": "integer", "minimum": 256, "maximum": 1440, "multipleOf": 32},
    "aspect_ratio": choices("custom", "1:1", "16:9"), "steps": {"type": "integer", "minimum": 1, "maximum": 50},
    "guidance": {"type": "number", "minimum": 2, "maximum": 5}, "output_format": choices("webp", "jpg", "png"),
    "seed": {"type": "integer"}, "num_outputs": {"type": "integer", "minimum": 1, "maximum": 4}}
PRICES = f"{CLIP} 0.07 per second; {PICTURE} 0.055 per image"
BAR = "some text\n 40%|####      | 4/10 [00:01<00:02]"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("made") / "clip.mp4"
    frames = [np.full((48, 64, 3), 20 * index + 30, np.uint8) for index in range(6)]
    encode(frames, path, EncodeOptions(64, 48, 6))
    return path.read_bytes()


@pytest.fixture
def service(clip: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplicateService]:
    picture = io.BytesIO()
    Image.new("RGB", (33, 31), (200, 30, 30)).save(picture, "PNG")
    running = ReplicateService({CLIP: Model(schema(CLIP_INPUTS)), PICTURE: Model(schema(PICTURE_INPUTS))},
                               results={"clip": clip, "picture.exe": picture.getvalue(), "page": b"<html>no</html>"})
    running.start()
    running.steps = [{"status": "starting"}, {"status": "processing", "logs": BAR}, done(running.file("clip"))]
    monkeypatch.setenv(client.TOKEN_VARIABLE, TOKEN)
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.01")
    monkeypatch.setattr(client, "_PAUSE_S", 0.05)
    yield running
    running.stop()


def done(output: Any, **metrics: float) -> dict[str, Any]:
    return {"status": "succeeded", "output": output, "metrics": {"predict_time": 12.5, **metrics}}


def options(service: ReplicateService, **changes: Any) -> RuntimeOptions:
    return RuntimeOptions(**{"remote_models": True, "remote_url": service.url, "remote_prices": PRICES, **changes})


def ask(model: str | None = CLIP, **changes: Any) -> VideoRequest:
    start = {"engine": EngineChoice.REMOTE, "model": model, "width": 1280, "height": 720, "fps": 24, "frames": 120,
             "seed": 7}
    return VideoRequest(**{"prompt": "a red car", **start, **changes})


def picture_request(**changes: Any) -> VideoRequest:
    return ask(PICTURE, **{"width": 1000, "height": 600, "frames": 1, **changes})


def session(tmp_path: Path, told: list[Progress] | None = None) -> RenderSession:
    return RenderSession(scratch=tmp_path, on_progress=(lambda event: None) if told is None else told.append)


def cancelled_at(message: str, tmp_path: Path) -> RenderSession:
    """A session that is cancelled as soon as it is told this."""
    cancel = CancelToken()
    return RenderSession(scratch=tmp_path, cancel=cancel,
                         on_progress=lambda event: cancel.cancel() if event.message == message else None)


def context(service: ReplicateService, paths: Paths, **changes: Any) -> GenerationContext:
    engines = EngineRegistry([RemoteEngine(options(service, **changes)), FakeEngine(EngineChoice.LOCAL, id="local")])
    return GenerationContext(paths, Settings(), engines)


# -- a whole run ----------------------------------------------------------------------------------------------------


def test_a_video_is_made_and_told(service: ReplicateService, tmp_path: Path) -> None:
    told: list[Progress] = []
    stream = RemoteEngine(options(service)).render(ask(seconds=None, frames=160), session(tmp_path, told))
    frames = list(stream.frames)
    assert (stream.width, stream.height, stream.fps, stream.count) == (64, 48, 6, 6) and len(frames) == 6
    assert abs(int(frames[3].mean()) - 90) < 4
    assert service.created == [{"input": {"prompt": "a red car", "seed": 7, "aspect_ratio": "16:9", "quality": "720p",
                                          "duration": 8}}]
    notes = " ".join(stream.notes)
    assert "Length 6.67 s became 8 s" in notes and "named sizes" not in notes
    assert f"{CLIP} made 64 x 48 at 6 fps; 1280 x 720 at 24 fps was asked for." in stream.notes
    assert "It cost about $0.07 (1 s at $0.07)." in stream.notes
    assert stream.facts["cost"] == "It cost about $0.07 (1 s at $0.07)." and stream.facts["run"] == "p1"
    messages = [event.message for event in told]
    assert "The service is starting the model" in messages and "Downloading the result" in messages
    assert f"About $0.56 for {CLIP} (8 s at $0.07)." in messages
    assert any(event.step == 4 and event.total == 10 for event in told)
    assert service.headers[-2].get("Cancel-After") == "1860s"


def test_a_picture_is_one_frame_of_its_own_size(service: ReplicateService, tmp_path: Path) -> None:
    service.steps = [done([service.file("picture.exe")])]
    stream = RemoteEngine(options(service)).render(picture_request(steps=80, guidance=3.5), session(tmp_path))
    (frame,) = stream.frames
    assert frame.shape == (31, 33, 3) and tuple(frame[0, 0]) == (200, 30, 30)
    assert service.created[0]["input"] == {
        "prompt": "a red car", "seed": 7, "aspect_ratio": "custom", "width": 992, "height": 608, "steps": 50,
        "guidance": 3.5, "output_format": "png", "num_outputs": 1}
    assert "It cost about $0.055 (1 image at $0.055)." in stream.notes
    assert any("steps 80 became 50" in note for note in stream.notes)


def test_generate_video_records_what_it_cost(service: ReplicateService, paths: Paths,
                                             caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    made = generate_video(ask(), context(service, paths))
    assert made.path.suffix == ".mp4" and probe(made.path).width == 64 and made.engine == "remote"
    assert made.facts["model"] == CLIP and "cost" in made.facts
    assert f"About $0.35 for {CLIP} (5 s at $0.07)." in made.warnings
    assert "It cost about $0.07 (1 s at $0.07)." in made.warnings
    assert TOKEN not in json.dumps(made.to_manifest()) and TOKEN not in caplog.text
    assert not list((paths.data / "scratch").glob("*"))
    service.steps = [done(service.file("picture.exe"))]
    still = generate_video(ask(PICTURE, frames=None, fps=None, width=None, height=None), context(service, paths))
    assert still.path.suffix == ".png" and (still.width, still.height) == (33, 31)


def test_the_price_is_told_before_anything_runs(service: ReplicateService, paths: Paths) -> None:
    prepared = prepare_video(ask(), context(service, paths))
    assert f"About $0.35 for {CLIP} (5 s at $0.07)." in prepared.warnings and not service.created
    unknown = prepare_video(ask(), context(service, paths, remote_prices=""))
    assert any(f"The price of {CLIP} is not known here" in note for note in unknown.warnings)


def test_a_failure_falls_back_where_that_is_asked_for(service: ReplicateService, paths: Paths) -> None:
    service.steps = [{"status": "failed", "error": "NSFW content detected"}]
    made = generate_video(ask(width=64, height=64, frames=16, fps=16), context(service, paths))
    assert made.engine == "local" and any("NSFW content" in note and "the remote model" in note
                                          for note in made.warnings)
    with pytest.raises(EngineError, match="NSFW content detected"):
        generate_video(ask(fallback_local_on_fail=False), context(service, paths))
    assert not service.cancelled  # what has failed is over


# -- pictures that are sent --------------------------------------------------------------------------------------------


def test_start_and_end_images_are_sent_without_their_names_and_removed(service: ReplicateService,
                                                                       tmp_path: Path) -> None:
    photo = tmp_path / "private-holiday.jpg"
    image = Image.new("RGB", (40, 30), (10, 200, 10))
    exif = image.getexif()
    exif[0x010E] = "taken at home"
    image.save(photo, exif=exif)
    RemoteEngine(options(service)).render(ask(start_image=photo, end_image=photo), session(tmp_path))
    assert service.created[0]["input"]["image"] == f"{service.url}/v1/files/file0"
    assert service.created[0]["input"]["last_frame_image"] == f"{service.url}/v1/files/file1"
    assert all(b"\x89PNG" in sent and b"private" not in sent and b"taken at home" not in sent
               for sent in service.uploads.values())
    assert service.deleted == ["file0", "file1"]


def test_a_picture_that_the_model_cannot_take_is_refused(service: ReplicateService, tmp_path: Path,
                                                        paths: Paths) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (40, 30)).save(photo)
    with pytest.raises(RequestError, match="cannot use a start image"):
        RemoteEngine(options(service)).render(picture_request(start_image=photo), session(tmp_path))
    with pytest.raises(EngineError, match="cannot use a start image"):
        generate_video(picture_request(start_image=photo, fallback_local_on_fail=False), context(service, paths))
    service.models[CLIP] = Model(schema(CLIP_INPUTS, ("prompt", "image")))
    with pytest.raises(RequestError, match="needs a start image"):
        RemoteEngine(options(service)).render(ask(), session(tmp_path))
    assert not service.created and not service.uploads


# -- models of all kinds -----------------------------------------------------------------------------------------------


def test_models_without_an_address_of_their_own_run_by_version(service: ReplicateService, tmp_path: Path) -> None:
    service.models[CLIP].official = False
    RemoteEngine(options(service)).render(ask(), session(tmp_path))
    assert service.created[0]["version"] == VERSION
    RemoteEngine(options(service)).render(ask(f"{CLIP}:{VERSION}"), session(tmp_path))
    assert service.created[1]["version"] == VERSION
    assert sum(line.endswith(f"{CLIP}/predictions") for line in service.seen) == 1


def test_a_model_that_takes_little_is_told_little(service: ReplicateService, tmp_path: Path) -> None:
    inputs = {"num_frames": {"type": "integer", "maximum": 49}, "fps": choices(8, 16, kind="integer")}
    service.models["some/one"] = Model(schema(inputs))
    stream = RemoteEngine(options(service)).render(ask("some/one"), session(tmp_path))
    assert service.created[0]["input"] == {"prompt": "a red car", "num_frames": 49, "fps": 16}
    notes = " ".join(stream.notes)
    assert "takes no size" in notes and "takes no seed" in notes and "fps 24 became 16" in notes
    assert "frames 80 became 49" in notes and "The price" not in notes and "is not known here" in notes


def test_a_model_with_other_needs_is_refused(service: ReplicateService, tmp_path: Path) -> None:
    service.models["some/one"] = Model(schema({"mask": {"type": "string"}}, ("prompt", "mask")))
    with pytest.raises(RequestError, match="needs what no request has: mask"):
        RemoteEngine(options(service)).render(ask("some/one"), session(tmp_path))
    engine = RemoteEngine(options(service))
    assert "no model no/such" in engine.availability(ask("no/such")).reason
    assert "names no remote model" in engine.availability(ask("../../etc")).reason
    assert "black-forest-labs/flux-pro" in engine.availability(ask(None)).fix
    assert "no planned scenes" in engine.availability(ask(plan=(ScenePlan("one"),))).reason
    assert "no planned scenes" in engine.availability(ask(documents=DocumentUse("books"))).reason


# -- what goes wrong -----------------------------------------------------------------------------------------------


def test_off_or_without_a_token_nothing_is_asked(service: ReplicateService, paths: Paths,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    off = RemoteEngine(options(service, remote_models=False))
    assert "switched off" in off.availability(ask()).reason
    monkeypatch.delenv(client.TOKEN_VARIABLE)
    assert client.TOKEN_VARIABLE in RemoteEngine(options(service)).availability(ask()).reason
    with pytest.raises(EngineError, match="switched off"):
        generate_video(ask(fallback_local_on_fail=False), context(service, paths, remote_models=False))
    assert not service.seen


def test_auto_never_takes_it(service: ReplicateService, paths: Paths) -> None:
    made = generate_video(VideoRequest("a red car", width=64, height=64, frames=16, fps=16), context(service, paths))
    assert made.engine == "local" and not service.seen


@pytest.mark.parametrize(("status", "detail", "words"), [
    (401, "no", "refuses the token"), (402, "Insufficient credit", "credit does not suffice"),
    (422, f"input.seed is wrong, says {TOKEN}", "refuses the inputs: input.seed is wrong, says ***"),
    (400, "broken", "failed on pixverse/pixverse-v5: broken"), (503, "", "status 503")])
def test_refusals_are_told_in_words(service: ReplicateService, tmp_path: Path, status: int, detail: str,
                                    words: str) -> None:
    service.answers = [(f"POST /v1/models/{CLIP}/predictions", status, {}, {"detail": detail})]
    with pytest.raises(EngineError) as raised:
        RemoteEngine(options(service)).render(ask(), session(tmp_path))
    assert words in str(raised.value) and TOKEN not in str(raised.value)
    assert sum(line.startswith("POST") for line in service.seen) == 1  # what costs money is not tried again


def test_a_busy_service_is_asked_again_when_it_says(service: ReplicateService, tmp_path: Path) -> None:
    service.answers = [(f"GET /v1/models/{CLIP}", 429, {"Retry-After": "0"}, {}),
                       (f"POST /v1/models/{CLIP}", 429, {"Retry-After": "1"}, {}),
                       ("GET /v1/predictions/p1", 503, {}, {})]
    told: list[Progress] = []
    started = time.monotonic()
    RemoteEngine(options(service)).render(ask(), session(tmp_path, told))
    assert len(service.created) == 1 and time.monotonic() - started >= 1
    assert any("busy" in event.message for event in told)
    service.answers = [(f"POST /v1/models/{CLIP}", 429, {"Retry-After": "3600"}, {})]
    with pytest.raises(EngineError, match="no more requests now"):
        RemoteEngine(options(service)).render(ask(), session(tmp_path))


def test_a_cancel_stops_the_run_there(service: ReplicateService, tmp_path: Path) -> None:
    service.steps = [{"status": "processing"}]
    with pytest.raises(Cancelled):
        RemoteEngine(options(service)).render(ask(), cancelled_at("The model is working", tmp_path))
    assert service.cancelled and "POST /v1/predictions/p1/cancel" in service.seen


def test_a_cancel_ends_a_long_wait(service: ReplicateService, tmp_path: Path) -> None:
    service.answers = [(f"POST /v1/models/{CLIP}", 429, {"Retry-After": "60"}, {})]
    started = time.monotonic()
    with pytest.raises(Cancelled):
        RemoteEngine(options(service)).render(ask(), cancelled_at("The service is busy; waiting", tmp_path))
    assert time.monotonic() - started < 30 and not service.created


def test_a_run_that_takes_too_long_is_stopped(service: ReplicateService, tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LIMIT_S", 0)
    service.steps = [{"status": "processing"}]
    with pytest.raises(EngineError, match="took longer"):
        RemoteEngine(options(service)).render(ask(), session(tmp_path))
    assert service.cancelled


@pytest.mark.parametrize(("output", "words"), [
    ("page", "neither a video nor an image"), ("gone", "could not be downloaded"),
    ("http://example.invalid/clip", "not opened"), ("file:///etc/passwd", "not opened")])
def test_a_result_that_does_not_arrive_says_where_it_is(service: ReplicateService, tmp_path: Path, output: str,
                                                        words: str) -> None:
    service.steps = [done(output if ":" in output else service.file(output))]
    with pytest.raises(EngineError, match=words) as raised:
        RemoteEngine(options(service)).render(ask(), session(tmp_path))
    assert "replicate.com/p/p1" in raised.value.fix
    assert not list(tmp_path.glob("result*"))


def test_a_result_that_is_too_large_is_not_kept(service: ReplicateService, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wgp_core.engines.remote.results.MAX_BYTES", 100)
    with pytest.raises(EngineError, match="larger than"):
        RemoteEngine(options(service)).render(ask(), session(tmp_path))


def test_without_ffmpeg_no_video_is_paid_for(service: ReplicateService, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise MediaError("No ffmpeg can run here.")

    monkeypatch.setattr("wgp_core.media.ffmpeg.binary", missing)
    with pytest.raises(MediaError, match="No ffmpeg"):
        RemoteEngine(options(service)).render(ask(), session(tmp_path))
    assert not service.created


def test_no_service_there(tmp_path: Path, service: ReplicateService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LOOK_UP_S", 0.1)
    nowhere = replace(options(service), remote_url="http://127.0.0.1:9")
    assert "cannot be reached" in RemoteEngine(nowhere).availability(ask()).reason
    elsewhere = replace(nowhere, remote_url="http://example.com")
    with pytest.raises(SettingsError, match="remote_url"):
        RemoteEngine(elsewhere).render(ask(), session(tmp_path))
