"""The remote engine: models at Replicate behind the `Engine` protocol.

What it asks for costs money and sends the prompt and pictures away, so it runs only where the settings switch it on and
a request names it; nothing is tried twice by itself. Until the service was asked for a model (`availability` does so),
`spec_for` gives rules that fit most.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ...errors import EngineError, MediaError, RequestError, WgpError
from ...events import Progress, Stage
from ...media import ffmpeg
from ...media.images import load_image, save_png
from ...request import EngineChoice, VideoRequest
from ..base import (
    Availability,
    EngineDefaults,
    EngineSpec,
    Frame,
    FrameStream,
    MemoryPlan,
    RenderSession,
    RuntimeOptions,
    StepRule,
)
from . import prices
from .client import SERVICE_URL, TOKEN_VARIABLE, Card, Made, Service, check_url, is_loopback
from .prices import Unit, Used
from .results import Footage, fetch, footage
from .schema import Filled, Makes, fill

ENGINE_ID = "remote"
KNOWN: Mapping[str, Makes] = {
    "pixverse/pixverse-v5": Makes.VIDEO, "klingai/kling-2.5-turbo": Makes.VIDEO, "alibaba/wan-2.5": Makes.VIDEO,
    "black-forest-labs/flux-pro": Makes.IMAGE, "stability-ai/sdxl": Makes.IMAGE}
"""Models that are offered by name, and what they make; any other name of the service will do."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[0-9a-f]{12,64})?")
_USES = frozenset({"negative_prompt", "seed", "steps", "guidance", "start_image", "end_image"})
_WIDE = ((1280, 720), (720, 1280), (1920, 1080), (854, 480), (1024, 1024))
_SQUARE = ((1024, 1024), (1344, 768), (768, 1344), (1152, 896), (896, 1152))


class RemoteEngine:
    """`runtime` says whether remote models are on, at which address, and what they cost."""

    def __init__(self, runtime: RuntimeOptions | None = None) -> None:
        self._runtime = runtime or RuntimeOptions()
        self._cards: dict[str, Card] = {}

    @property
    def spec(self) -> EngineSpec:
        return _spec("the remote model", Makes.VIDEO, _USES)

    def spec_for(self, request: VideoRequest) -> EngineSpec:
        """The model's rules as far as they are known without asking the service."""
        name = request.model or ""
        card = self._cards.get(name)
        if card is not None:
            return _spec(name, self._makes(name, card), card.inputs.uses)
        return _spec(name or self.spec.label, self._makes(name, None), _USES)

    def availability(self, request: VideoRequest | None = None) -> Availability:
        """Whether remote models are switched on and set up; for a request, whether its model is there and takes it."""
        try:
            self._check_set_up()
            if request is not None:
                self._check(request, self._service())
        except WgpError as error:
            return Availability(False, error.message, error.fix)
        return Availability(True)

    def memory_ladder(self, start: MemoryPlan) -> tuple[MemoryPlan, ...]:
        return ()

    def cost_before(self, request: VideoRequest) -> str:
        """What the request will cost, in words; asks nobody. Raises `SettingsError` for prices that cannot be read."""
        name = request.model or ""
        card = self._cards.get(name)
        seconds = request.seconds or (request.frames / request.fps if request.frames and request.fps else None)
        if card is not None:
            seconds = fill(card.inputs, request, name).seconds or seconds
        return self._cost_before(name, seconds)

    def render(self, request: VideoRequest, session: RenderSession) -> FrameStream:
        """Run the model at the service and fetch what it made; the frames are those of its file, whatever was asked.

        Raises `RequestError`, `EngineError`, `SettingsError`, `MediaError` or `Cancelled`.
        """
        self._check_set_up()
        session.on_progress(Progress(Stage.LOAD, message=f"Asking for {request.model}"))
        service = self._service(session)
        card, filled = self._check(request, service)
        label = request.model or ""
        if self._makes(label, card) is Makes.VIDEO:
            ffmpeg.binary()  # what cannot be read here must not be paid for
        session.on_progress(Progress(Stage.LOAD, message=self._cost_before(label, filled.seconds)))
        spare = None if session.scratch else tempfile.TemporaryDirectory()
        folder = Path(spare.name) if spare else session.scratch
        assert folder is not None
        with service.uploaded(_pictures(request, filled, folder)) as urls:
            made = service.run(card, {**filled.values, **_addressed(card, urls)})
        try:
            path = fetch(made.urls[0], folder, local=is_loopback(urlsplit(service.url).hostname), cancel=session.cancel,
                         on_progress=session.on_progress)
            shown = footage(path, still=request.frames == 1)
        except (EngineError, MediaError) as error:
            raise EngineError(f"{label} made something that did not arrive: {error.message}",
                              fix=f"The service keeps it for about an hour: {made.page}.") from error
        return self._stream(request, filled, made, shown, spare)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _check_set_up(self) -> None:
        """Raise `WgpError` where remote models are off, have no token, or are set up wrongly."""
        if not self._runtime.remote_models:
            raise EngineError("Remote models are switched off.",
                              fix="Switch on remote_models in the settings. What you ask of them is sent to the "
                                  "service, and costs money.")
        check_url(self._runtime.remote_url)
        prices.parse(self._runtime.remote_prices)
        if not _token():
            raise EngineError(f"The remote service needs a token, and {TOKEN_VARIABLE} is not set.",
                              fix=f"Set it to one of {prices.PAGES}account/api-tokens, and start again.")

    def _check(self, request: VideoRequest, service: Service) -> tuple[Card, Filled]:
        """The model, and its inputs for a request. Raises `EngineError` or `RequestError`."""
        name = request.model or ""
        if not _NAME.fullmatch(name):
            raise RequestError(f"{name!r} names no remote model." if name else "No remote model is named.",
                               field="model", fix="Name one as owner/name, such as black-forest-labs/flux-pro.")
        if request.plan or request.makes_plan:
            raise RequestError("Remote models make one clip and no planned scenes.", field="plan", fix="Remove the "
                               "plan, use documents as words for the prompt, or choose another engine.")
        card = self._cards.get(name)
        if card is None:
            card = self._cards[name] = service.card(name)
        return card, fill(card.inputs, request, name)

    def _service(self, session: RenderSession | None = None) -> Service:
        url = self._runtime.remote_url
        if session is None:
            return Service(url, _token())
        return Service(url, _token(), cancel=session.cancel, on_progress=session.on_progress)

    def _price(self, model: str) -> prices.Price | None:
        return prices.parse(self._runtime.remote_prices).get(model.partition(":")[0])

    def _makes(self, model: str, card: Card | None) -> Makes:
        """The service does not say it: by the list of known models, by the price's unit, or by the inputs."""
        name, price = model.partition(":")[0], self._price(model)
        if name in KNOWN:
            return KNOWN[name]
        if price is not None and price.unit is Unit.IMAGE:
            return Makes.IMAGE
        return card.inputs.makes if card is not None else Makes.VIDEO

    def _cost_before(self, model: str, seconds: float | None) -> str:
        return prices.before(model.partition(":")[0], self._price(model), Used(images=1, seconds=seconds))

    def _stream(self, request: VideoRequest, filled: Filled, made: Made, shown: Footage,
                spare: tempfile.TemporaryDirectory[str] | None) -> FrameStream:
        model = request.model or ""
        fps, seconds = max(1, round(shown.fps)) if shown.count > 1 else request.fps or 1, shown.count / shown.fps
        used = Used(images=len(made.urls), seconds=seconds if shown.count > 1 else None, compute_s=made.compute_s)
        cost = prices.after(model.partition(":")[0], self._price(model), used)
        notes = [*filled.notes]
        asked, got = (_look(request.width, request.height, request.fps, shown.count),
                      _look(shown.width, shown.height, fps, shown.count))
        if asked != got:
            notes.append(f"{model} made {got}; {asked} was asked for.")
        if len(made.urls) > 1:
            notes.append(f"{model} made {len(made.urls)} files; the first is kept. The others: {made.page}.")
        facts = {"model": model, "service": urlsplit(self._runtime.remote_url or SERVICE_URL).netloc, "run": made.id,
                 "cost": cost}
        if made.compute_s is not None:
            facts["computing"] = f"{made.compute_s:.1f} s"
        frames = _holding(shown.frames, spare) if spare is not None else shown.frames
        return FrameStream(width=shown.width, height=shown.height, fps=fps, count=shown.count, frames=frames,
                           notes=(*notes, cost), facts=facts)


def _spec(label: str, makes: Makes, uses: frozenset[str]) -> EngineSpec:
    still = makes is Makes.IMAGE
    sizes = _SQUARE if still else _WIDE
    return EngineSpec(
        id=ENGINE_ID, label=label, choice=EngineChoice.REMOTE, width=StepRule(16, 8192), height=StepRule(16, 8192),
        frames=StepRule(1, 1) if still else StepRule(2, 60 * 120), fps=StepRule(1, 120),
        max_seconds=1.0 if still else 60.0, size_presets=sizes, uses=uses, check_frames=False,
        defaults=EngineDefaults(*sizes[0], fps=1 if still else 24, seconds=1.0 if still else 5.0))


def _look(width: int | None, height: int | None, fps: int | None, count: int) -> str:
    """ "1280 x 720 at 24 fps"; a picture has no rate."""
    return f"{width} x {height} at {fps} fps" if count > 1 else f"{width} x {height}"


def _token() -> str:
    """The token of the environment, "" where there is none. Tokens are not kept in the settings file."""
    return os.environ.get(TOKEN_VARIABLE, "").strip()


def _pictures(request: VideoRequest, filled: Filled, folder: Path) -> dict[str, Path]:
    """The pictures to send, by input: drawn anew, so that no name, place or camera data goes with them."""
    wanted = {filled.start: request.start_image, filled.end: request.end_image}
    return {name: save_png(load_image(Path(path)), folder / f"{name}.png")
            for name, path in wanted.items() if name and path is not None}


def _addressed(card: Card, urls: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Some models take a list of pictures where others take one."""
    return {name: [url] if card.inputs.by_name[name].kind == "array" else url for name, url in urls.items()}


def _holding(frames: Iterator[Frame], folder: tempfile.TemporaryDirectory[str]) -> Iterator[Frame]:
    """The frames, with the folder that their file lies in."""
    with folder:
        yield from frames
