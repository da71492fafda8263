"""The user's settings: declared once, read from `settings.json`, the environment and the command line.

Each setting declares its default, label, help, range and group in one place; the form, the JSON file, the reset
button and the validation derive from it. Precedence: defaults < settings.json < environment < command line.
A file that cannot be read is copied aside and reported, never reset in silence.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .errors import SettingsError
from .request import VRAM_PROFILES

SETTINGS_VERSION = 1


@dataclass(frozen=True)
class SettingSpec:
    """What a form needs to show one setting. `low`/`high` bound numbers; `choices` closes the set of strings."""

    name: str
    kind: type
    default: Any
    label: str
    help: str
    group: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    env: str = ""

    def parse(self, value: Any) -> Any:
        """Return `value` as this setting's type, or raise `SettingsError` with the reason."""
        try:
            parsed = self._convert(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{self.label} ({self.name}) cannot be {value!r}.",
                                fix=f"It must be {self.describe()}.") from None
        if self.choices and parsed not in self.choices:
            raise SettingsError(f"{self.label} ({self.name}) cannot be {value!r}.",
                                fix=f"It must be {self.describe()}.")
        too_low = self.low is not None and parsed < self.low
        too_high = self.high is not None and parsed > self.high
        if too_low or too_high:
            raise SettingsError(f"{self.label} ({self.name}) is {parsed:g}.", fix=f"It must be {self.describe()}.")
        return parsed

    def _convert(self, value: Any) -> Any:
        if self.kind is bool:
            if isinstance(value, bool):
                return value
            text = str(value).strip().lower()
            if text in ("1", "true", "yes", "on"):
                return True
            if text in ("0", "false", "no", "off"):
                return False
            raise ValueError(value)
        if value is None or isinstance(value, bool):
            raise TypeError(value)
        if self.kind is int:
            number = float(value)
            if number != int(number):
                raise ValueError(value)
            return int(number)
        if self.kind is float:
            number = float(value)
            if number != number:
                raise ValueError(value)
            return number
        if not isinstance(value, str):
            raise TypeError(value)
        return value.strip()

    def describe(self) -> str:
        """The rule in words: "one of auto, local", "a whole number from 1 to 5"."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[self.kind]
        if self.low is not None and self.high is not None:
            return f"{kind} from {self.low:g} to {self.high:g}"
        return kind


def _setting(default: Any, label: str, help: str, group: str, **extra: Any) -> Any:
    return field(default=default, metadata={"label": label, "help": help, "group": group, **extra})


DTYPES = ("auto", "bf16", "fp16")
QUANTIZATIONS = ("auto", "int8", "fp8", "int4", "none")
KEEPS = ("keep", "queue-end", "job-end")
PROVIDERS = ("auto", "local", "openai", "rules")
ATTENTIONS = ("auto", "sdpa", "flash", "sage", "xformers")


@dataclass(frozen=True)
class Settings:
    """All settings with their documented defaults."""

    # Generate
    engine: str = _setting("auto", "Engine", "Which engine new requests start with.", "Generate",
                           choices=("auto", "local", "diffusion", "remote"), env="T2V_ENGINE")
    model: str = _setting("", "Model", "Diffusion model for new requests; empty takes the best installed one. For the "
                          "engine remote: owner/name.", "Generate", env="T2V_MODEL_ID")
    video_theme: str = _setting("dark", "Drawing theme", "Look of videos from the local engine.", "Generate",
                                choices=("dark", "light"), env="T2V_VIDEO_THEME")
    fallback_local_on_fail: bool = _setting(
        True, "Fall back to the local engine",
        "When diffusion or a remote model cannot run, draw the request locally and say so.", "Generate",
        env="T2V_FALLBACK_LOCAL")
    retry_on_black: bool = _setting(True, "Retry near-black videos", "Render once more when the frames are near-black.",
                                    "Generate", env="T2V_RETRY_ON_BLACK")
    retry_on_blank: bool = _setting(True, "Retry washed-out videos", "Render once more when the frames are washed out.",
                                    "Generate", env="T2V_RETRY_ON_BLANK")
    retry_guidance: float = _setting(0.0, "Guidance on a retry", "Guidance scale of that retry; 0 keeps the request's.",
                                     "Generate", low=0, high=50, env="T2V_WHITE_RETRY_GUIDANCE")
    retry_steps: int = _setting(0, "Steps on a retry", "Denoising steps of that retry; 0 keeps the request's.",
                                "Generate", low=0, high=200, env="T2V_WHITE_RETRY_STEPS")

    # Enhancer
    enhancer_provider: str = _setting(
        "auto", "Enhancer", "Who rewrites prompts: a model on this machine, a server, or rules; auto takes the best.",
        "Enhancer", choices=PROVIDERS, env="T2V_ENHANCER_PROVIDER")
    enhancer_model: str = _setting(
        "", "Language model", "Id, folder or file of a language model on this machine; empty takes the best installed.",
        "Enhancer", env="T2V_ENHANCER_MODEL")
    enhancer_quality: str = _setting("fast", "Enhanced text", "fast is short; high is longer and richer.", "Enhancer",
                                     choices=("fast", "high"), env="T2V_ENHANCER_QUALITY")
    openai_base_url: str = _setting(
        "", "Server address", "An OpenAI-compatible server, such as http://127.0.0.1:11434/v1; empty is OpenAI's own. "
        "Its key comes from the variable OPENAI_API_KEY and is not stored.", "Enhancer", env="T2V_OPENAI_BASE_URL")
    openai_model: str = _setting(
        "", "Server's model", "The server's name of the model. With one named, auto uses the server; prompts are sent "
        "to it.", "Enhancer", env="T2V_OPENAI_MODEL")
    openai_timeout: float = _setting(60.0, "Server timeout (s)", "How long an answer of the server may take.",
                                     "Enhancer", low=1, high=600, env="T2V_OPENAI_TIMEOUT")

    # Output
    filename_template: str = _setting(
        "{date}_seed{seed}_{slug}", "File name", "Parts: {date} {time} {seed} {slug} {engine} {width} {height}.",
        "Output", env="T2V_FILENAME_TEMPLATE")
    codec: str = _setting("h264", "Video codec", "h264 plays everywhere; h265 is smaller; prores is for editing.",
                          "Output", choices=("h264", "h265", "prores"), env="T2V_CODEC")
    crf: int = _setting(18, "Quality (CRF)", "0 is lossless and huge, 18 looks the same as the source, 51 is worst.",
                        "Output", low=0, high=51, env="T2V_CRF")
    encoder_preset: str = _setting("veryfast", "Encoder preset", "Slower presets make smaller files.", "Output",
                                   choices=("ultrafast", "veryfast", "fast", "medium", "slow"), env="T2V_PRESET")
    subtitles: bool = _setting(False, "Write subtitles", "Save an .srt and a .vtt beside videos that have narration.",
                               "Output", env="T2V_SUBTITLES")
    snapshots: int = _setting(0, "Frame snapshots", "PNG frames saved beside each video, evenly spaced.", "Output",
                              low=0, high=100, env="T2V_SNAPSHOTS")

    # Documents
    rag_min_score: float = _setting(
        0.18, "Least relevance", "Passages below this are never used; whether there is an answer at all is also judged "
        "against what unrelated questions score.", "Documents", low=0, high=1, env="T2V_RAG_MIN_SCORE")
    rag_candidate_k: int = _setting(24, "Candidates", "How many passages are compared for relevance and variety.",
                                    "Documents", low=1, high=500, env="T2V_RAG_CANDIDATE_K")
    rag_max_context_words: int = _setting(80, "Words of context", "How many words of the documents go into a prompt.",
                                          "Documents", low=5, high=2000, env="T2V_RAG_MAX_CONTEXT_WORDS")
    rag_min_chunk_words: int = _setting(25, "Shortest passage (words)", "Shorter passages are passed over.",
                                        "Documents", low=0, high=500, env="T2V_RAG_MIN_CHUNK_WORDS")

    # Quality scores
    quality_models: bool = _setting(True, "Score with models", "Use the vision models that are installed; off keeps to "
                                    "estimates, which are quick.", "Quality", env="T2V_QUALITY_MODELS")
    quality_temporal_weight: float = _setting(
        40.0, "Weight of temporal quality", "Subject and background consistency, smoothness, flicker. Only the "
        "proportions of the three weights matter.", "Quality", low=0, high=100, env="T2V_QUALITY_TEMPORAL_WEIGHT")
    quality_aesthetic_weight: float = _setting(
        30.0, "Weight of picture quality", "Aesthetic and imaging quality.", "Quality", low=0, high=100,
        env="T2V_QUALITY_AESTHETIC_WEIGHT")
    quality_alignment_weight: float = _setting(
        30.0, "Weight of agreement", "Agreement with the prompt.", "Quality", low=0, high=100,
        env="T2V_QUALITY_ALIGNMENT_WEIGHT")
    quality_review_below: float = _setting(
        60.0, "Review below", "A video whose total (0 to 100) is lower is marked for a person to look at.", "Quality",
        low=0, high=100, env="T2V_QUALITY_REVIEW_BELOW")

    # Queue
    resume_queue: bool = _setting(False, "Resume the queue at start-up",
                                  "Put interrupted jobs back in the queue when the program starts.", "Queue",
                                  env="T2V_RESUME_QUEUE")
    cancel_grace_s: float = _setting(15.0, "Grace before a forced stop (s)",
                                     "How long a cancelled job may take to stop by itself.", "Queue", low=1, high=600,
                                     env="T2V_CANCEL_GRACE_S")
    hang_timeout_s: float = _setting(180.0, "Hang timeout (s)",
                                     "A worker that is silent for this long is restarted and its job fails.", "Queue",
                                     low=10, high=7200, env="T2V_HANG_TIMEOUT_S")
    worker_idle_s: float = _setting(600.0, "Stop an idle worker after (s)",
                                    "An idle worker gives its memory back after this long.", "Queue", low=5, high=86400,
                                    env="T2V_WORKER_IDLE_S")

    # Machine
    device: str = _setting("auto", "Device", "auto, cpu, or cuda:N. --gpu on the command line wins.", "Machine",
                           env="T2V_DEVICE")
    profile: str = _setting("auto", "VRAM profile", "How diffusion models share VRAM and RAM; auto reads the card.",
                            "Machine", choices=VRAM_PROFILES, env="T2V_PROFILE")
    attention: str = _setting("auto", "Attention", "Attention backend of the diffusion models.", "Machine",
                              choices=ATTENTIONS, env="T2V_ATTENTION")
    compile: bool = _setting(False, "Compile", "Compile diffusion models: a slower first run, faster later ones.",
                             "Machine", env="T2V_COMPILE")
    preload_mb: int = _setting(0, "Preload (MB)", "VRAM for weights kept on the card; 0 takes the profile's budget.",
                               "Machine", low=0, high=200_000, env="T2V_PRELOAD_MB")
    dtype: str = _setting("auto", "Precision", "bf16, fp16, or auto: what the device computes fast.", "Machine",
                          choices=DTYPES, env="T2V_DTYPE")
    quantization: str = _setting("auto", "Quantized weights",
                                 "Large models are stored with 8-bit weights; fp8 needs a card that has it.", "Machine",
                                 choices=QUANTIZATIONS, env="T2V_QUANTIZATION")
    keep_models: str = _setting("keep", "Loaded models", "keep them between jobs, or give their memory back when the "
                                "queue ends or after each job.", "Machine", choices=KEEPS, env="T2V_KEEP_MODELS")
    preload_model: bool = _setting(False, "Load the model at start", "Load the chosen model before the first job.",
                                   "Machine", env="T2V_PRELOAD_MODEL")
    cache_root: str = _setting("", "Hub cache", "Folder for models fetched by repository name; empty: data/hub.",
                               "Machine", env="T2V_CACHE_ROOT")
    prune_hf_cache: bool = _setting(True, "Prune the hub cache", "Before a run, remove fetched models that are no "
                                    "longer in use from the hub cache.", "Machine", env="T2V_PRUNE_HF_CACHE")
    render_processes: int = _setting(0, "Drawing processes", "Processes that draw for the local engine; 0: all cores.",
                                     "Machine", low=0, high=64, env="T2V_RENDER_PROCESSES")

    # Remote models
    remote_models: bool = _setting(
        False, "Remote models", "Offer models at Replicate. Prompts and pictures of such requests are sent there, and "
        "each costs money. The token comes from the variable REPLICATE_API_TOKEN and is not stored.", "Remote models",
        env="T2V_REMOTE_MODELS")
    remote_prices: str = _setting(
        "", "Prices", "What models cost by their pages: owner/name 0.07 per second; other/name 0.04 per image. Also "
        "run, and compute-second.", "Remote models", env="T2V_REMOTE_PRICES")
    remote_url: str = _setting("", "Service address", "Another server that speaks Replicate's protocol; empty is "
                               "Replicate's own.", "Remote models", env="T2V_REMOTE_URL")

    # Window
    ui_theme: str = _setting("system", "Window theme", "Light, dark, or what the system says.", "Window",
                             choices=("system", "light", "dark"), env="T2V_UI_THEME")
    notify_sound: bool = _setting(False, "Sound when done", "Play a short sound when a job ends.", "Window",
                                  env="T2V_NOTIFY_SOUND")
    notify_browser: bool = _setting(False, "Browser notification when done", "Ask the browser to notify you.", "Window",
                                    env="T2V_NOTIFY_BROWSER")


def setting_specs() -> tuple[SettingSpec, ...]:
    """Every setting's declaration, in the order of the class."""
    return tuple(SettingSpec(name=f.name, kind=type(f.default), default=f.default,
                             **dict(f.metadata)) for f in fields(Settings))


def setting_spec(name: str) -> SettingSpec:
    for spec in setting_specs():
        if spec.name == name:
            return spec
    raise SettingsError(f"There is no setting named {name!r}.",
                        fix="Known: " + ", ".join(s.name for s in setting_specs()) + ".")


def apply(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """A copy with `changes` parsed and set; `SettingsError` names the first that does not fit."""
    return replace(settings, **{name: setting_spec(name).parse(value) for name, value in changes.items()})


@dataclass(frozen=True)
class LoadedSettings:
    """Settings in force, what came from where, and what could not be used (plain sentences for the window)."""

    settings: Settings
    from_file: Settings
    problems: tuple[str, ...] = ()
    overridden: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Setting name -> the environment variable or flag that overrides the file."""


def load(path: Path, *, overrides: Mapping[str, Any] | None = None,
         environ: Mapping[str, str] | None = None) -> LoadedSettings:
    """Read the settings. Broken files and values become `problems`; a newer file raises `SettingsError`."""
    problems: list[str] = []
    settings = Settings()
    for name, value in _read_file(path, problems):
        try:
            settings = apply(settings, {name: value})
        except SettingsError as error:
            problems.append(f"{path.name}: {error} The default is used.")
    from_file = settings
    overridden: dict[str, str] = {}
    for spec in setting_specs():
        text = (os.environ if environ is None else environ).get(spec.env)
        if text is None:
            continue
        try:
            settings = apply(settings, {spec.name: text})
            overridden[spec.name] = spec.env
        except SettingsError as error:
            problems.append(f"{spec.env}: {error} The value from {path.name} is used.")
    for name, value in (overrides or {}).items():
        settings = apply(settings, {name: value})
        overridden[name] = "command line"
    return LoadedSettings(settings, from_file, tuple(problems), overridden)


def _read_file(path: Path, problems: list[str]) -> Iterator[tuple[str, Any]]:
    if not path.exists():
        return
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("the file must hold one JSON object")
    except (OSError, ValueError) as error:
        kept = keep_copy(path)
        problems.append(f"{path} cannot be read ({error}). Defaults are in use; your file is unchanged, and a copy is "
                        f"kept as {kept.name}. Mend it and start again, or save the Settings tab to replace it.")
        return
    version = data.pop("settings_version", SETTINGS_VERSION)
    if not isinstance(version, int) or version > SETTINGS_VERSION:
        raise SettingsError(f"{path} was written by a newer version (format {version}, known: {SETTINGS_VERSION}).",
                            fix="Update WGP Studio, or start with --settings OTHER_FILE. The file was not changed.")
    known = {f.name for f in fields(Settings)}
    for name, value in data.items():
        if name in known:
            yield name, value
        else:
            problems.append(f"{path.name}: there is no setting named {name!r}; it is ignored.")


def keep_copy(path: Path) -> Path:
    """Copy a file beside itself under a dated name and return the copy's path."""
    kept = path.with_name(f"{path.name}.kept-{time.strftime('%Y%m%d-%H%M%S')}")
    if path.exists() and not kept.exists():
        shutil.copy2(path, kept)
    return kept


def save(path: Path, settings: Settings) -> None:
    """Write the file atomically: temporary name in the same folder, fsync, rename."""
    text = json.dumps({"settings_version": SETTINGS_VERSION, **dataclasses.asdict(settings)}, indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.",
                                         delete=False) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
    except OSError as error:
        raise SettingsError(f"The settings cannot be saved to {path}: {error.strerror or error}.",
                            fix="Check that the folder can be written to.") from error
