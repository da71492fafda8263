"""What the model's settings on the Generate tab offer: installed models, LoRA files that fit, presets, and what a video
would take. Looks into folders and files' headers only; no component and no model library.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from wgp_core.context import Studio
from wgp_core.engines.base import EngineSpec, MemoryPlan, PricedEngine, RuntimeOptions
from wgp_core.engines.diffusion.acceleration import step_cache_availability
from wgp_core.errors import WgpError
from wgp_core.loras import library, presets
from wgp_core.models import preflight
from wgp_core.models.choose import load_options
from wgp_core.models.locate import Found, as_local, find, installed
from wgp_core.models.spec import Task
from wgp_core.request import VRAM_PROFILES, EngineChoice, StepCache

from .form import FormValues, lora_uses, spec_of
from .words import duration, esc

PAST_RUNS = 60
ROOM_FOR_S = 10.0
"""How long the free memory that was seen is good for an estimate; asking the driver takes a while."""
STEP_CACHES = {StepCache.OFF: "Off", StepCache.FIRST_BLOCK: "First block", StepCache.MAG: "MagCache",
               StepCache.TEA: "TeaCache", StepCache.FASTER: "FasterCache"}
PROFILE_WORDS = {
    "auto": "Automatic", "1": "1 (64 GB RAM, 24 GB VRAM)", "2": "2 (64 GB RAM, 12 GB VRAM)",
    "3": "3 (32 GB RAM, 24 GB VRAM)", "3.5": "3.5 (as 3, nothing pinned)", "4": "4 (32 GB RAM, 12 GB VRAM)",
    "4.5": "4.5 (as 4, less pinned)", "5": "5 (24 GB RAM, 10 GB VRAM)"}


# -- models -----------------------------------------------------------------------------------------------------


def installed_models(studio: Studio) -> tuple[Found, ...]:
    """Diffusion models that can be chosen."""
    return installed(studio.paths, studio.settings.cache_root)


def chosen_model(studio: Studio, values: FormValues) -> Found | None:
    """The model that the form leads to; None where it has none, or it is not installed."""
    task = Task.I2V if values.start_image else None
    try:
        found = find(values.model or None, studio.paths, task=task, cache_root=studio.settings.cache_root)
        if found.folder is None and task is not None and not values.model:
            found = find(None, studio.paths, cache_root=studio.settings.cache_root)
    except WgpError:
        return None  # Generate tells what is wrong with it
    return found if found.folder is not None else None


def profile_choices() -> list[tuple[str, str]]:
    """VRAM profiles for one video; the first takes the setting."""
    return [("As in the settings", ""), *((PROFILE_WORDS[name], name) for name in VRAM_PROFILES)]


def step_cache_choices(found: Found | None) -> list[tuple[str, str]]:
    """Step caches; those that the model cannot use say so."""
    usable = {cache: found is None or step_cache_availability(cache, found.spec.family).ok for cache in STEP_CACHES}
    return [(words if usable[cache] else f"{words} (not for this model)", cache.value)
            for cache, words in STEP_CACHES.items()]


# -- LoRAs ------------------------------------------------------------------------------------------------------


def lora_choices(studio: Studio, spec: EngineSpec, values: FormValues, found: Found | None) -> list[tuple[str, str]]:
    """Names of the LoRA files that fit the model's family, and of those that the form holds all the same."""
    files = library.list_files(studio.paths) if "loras" in spec.uses else ()
    fitting = library.search([file for file in files if not file.error], family=found.spec.family if found else None)
    known = {file.name for file in fitting}
    chosen = [(_lora_label(path, studio), path) for path in values.loras if path not in known]
    return [*((file.name.removesuffix(library.SUFFIX), file.name) for file in fitting), *chosen]


def _lora_label(path: str, studio: Studio) -> str:
    try:
        library.resolve(path, studio.paths, cache_root=studio.settings.cache_root)
    except WgpError:
        return f"{Path(path).stem} (missing)"
    return Path(path).stem


def preset_names(studio: Studio) -> list[str]:
    return list(presets.list_names(studio.paths))


@dataclass(frozen=True)
class LoadedLoras:
    """A preset as the form shows it; `notes` say what is missing or changed since."""

    loras: tuple[str, ...]
    multipliers: str
    notes: tuple[str, ...] = ()


def load_preset(studio: Studio, name: str | None) -> LoadedLoras:
    """Raises `RequestError` where there is no such preset."""
    loaded = presets.load(name or "", studio.paths)
    root = studio.paths.loras
    names = tuple(use.path.relative_to(root).as_posix() if use.path.is_relative_to(root) else str(use.path)
                  for use in loaded.uses)
    return LoadedLoras(names, " ".join(use.multiplier for use in loaded.uses), loaded.notes)


def save_preset(studio: Studio, name: str | None, loras: tuple[str, ...], multipliers: str) -> None:
    """Keep the choice under a name, in place of an older one. Raises `RequestError`."""
    preset = presets.make(name or "", lora_uses(loras, multipliers), studio.paths)
    presets.save(preset, studio.paths, replace_existing=True)


# -- what it would take -----------------------------------------------------------------------------------------

_room: dict[str, tuple[float, preflight.Room]] = {}


def estimate_html(studio: Studio, values: FormValues) -> str:
    """One line under Generate: memory, time, and what does not fit, for a diffusion model; the price, for a remote one.

    Empty for drawings.
    """
    spec = spec_of(studio.engines, values)
    if spec.choice is EngineChoice.REMOTE:
        return _price_html(studio, values, spec)
    found = chosen_model(studio, values) if spec.choice is EngineChoice.DIFFUSION else None
    if found is None:
        return ""
    try:
        request = values.to_request(spec)
        options = load_options(RuntimeOptions.of(studio.settings), MemoryPlan(), request.profile, found.spec)
    except WgpError:
        return ""  # Generate tells what is wrong with the form
    needed = preflight.estimate(as_local(found), request, options_hint=options, history=past_runs(studio),
                                room=_room_now(studio, options.device))
    memory = [f"{needed.vram_gb:.1f} GB of VRAM"] if needed.vram_gb else []
    parts = [f"{found.spec.label}: about {' and '.join([*memory, f'{needed.ram_gb:.1f} GB of RAM'])}",
             f"about {duration(needed.seconds)}" if needed.seconds else "time not known yet",
             f"profile {options.profile}" if options.profile else "on the processor"]
    cache = step_cache_availability(request.step_cache, found.spec.family)
    warnings = [*needed.warnings, *([] if cache.ok else [f"{cache.reason} {cache.fix}"])]
    told = "".join(f'<p class="w-warn">⚠ {esc(text)}</p>' for text in warnings)
    return f'<p class="w-quiet" title="{esc(needed.basis)}">{esc(" · ".join(parts))}</p>{told}'


def _price_html(studio: Studio, values: FormValues, spec: EngineSpec) -> str:
    """Asks the service for the model, because what it makes of the length decides the price."""
    engine = studio.engines.of(EngineChoice.REMOTE)[0]
    if not isinstance(engine, PricedEngine) or not engine.availability().ok:
        return ""  # the hint beside the engine tells why
    try:
        request = values.to_request(spec)
        state = engine.availability(request)
        cost = engine.cost_before(request) if state.ok else ""
    except WgpError:
        return ""  # Generate tells what is wrong with the form
    if not state.ok:
        return f'<p class="w-warn">⚠ {esc(f"{state.reason} {state.fix}")}</p>'
    return f'<p class="w-quiet">{esc(cost)}{"" if values.many == "whole" else " For each of the videos."}</p>'


def past_runs(studio: Studio) -> tuple[preflight.PastRun, ...]:
    """The latest renders of the library, as far as they tell which model took how long."""
    runs = []
    for record in studio.store.library.search(limit=PAST_RUNS):
        made = record.manifest.get("request") or {}
        seconds = (record.manifest.get("timings_s") or {}).get("render", 0.0)
        device = (record.manifest.get("computed") or {}).get("device", "")
        if made.get("model") and made.get("steps") and seconds:
            runs.append(preflight.PastRun(made["model"], record.width, record.height, record.frames, made["steps"],
                                          seconds, device))
    return tuple(runs)


def _room_now(studio: Studio, device: str) -> preflight.Room:
    seen_at, room = _room.get(device, (float("-inf"), preflight.Room()))
    if time.monotonic() - seen_at > ROOM_FOR_S:
        room = preflight.Room.here(device, shutil.disk_usage(studio.paths.outputs).free / 2**30)
        _room[device] = (time.monotonic(), room)
    return room
