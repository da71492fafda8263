"""The one place where parts are wired together: for the window and the API (`Studio`), and for one process that
generates (`generation_context`). Importing it loads neither torch nor anything that draws."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .config import Config
from .engines.base import RuntimeOptions
from .engines.registry import EngineRegistry, builtin, load_factory
from .errors import SettingsError
from .generate import GenerationContext, Recorder
from .media.encode import sweep_parts
from .paths import Paths
from .settings import Settings

if TYPE_CHECKING:
    from .jobs.attempt_desk import AttemptDesk
    from .jobs.document_desk import DocumentDesk
    from .jobs.enhance_desk import EnhanceDesk
    from .jobs.queue import JobQueue
    from .jobs.storyboard_desk import StoryboardDesk
    from .jobs.supervisor import Supervisor
    from .models.hub_cache import CachePlan
    from .prompts.enhancer import Cache
    from .store import Store

log = logging.getLogger(__name__)


def engine_registry(paths: Paths, engines: str = "", runtime: RuntimeOptions | None = None) -> EngineRegistry:
    """The built-in engines, or those of a factory named "package.module:function"."""
    return load_factory(engines)(paths) if engines else builtin(paths, runtime)


def generation_context(paths: Paths, settings: Settings, recorder: Recorder, *, engines: str = "",
                       prompt_cache: Cache | None = None) -> GenerationContext:
    """What `generate_video` needs, for a script or a worker."""
    runtime = RuntimeOptions.of(settings)
    return GenerationContext(paths=paths, settings=settings, engines=engine_registry(paths, engines, runtime),
                             runtime=runtime, recorder=recorder, prompt_cache=prompt_cache)


def clean_hub_cache(paths: Paths, settings: Settings, keep: Iterable[str | None], *, purge: bool = False,
                    dry_run: bool = False) -> CachePlan | None:
    """Before a run: give back what models fetched by name take, except those of `keep` and of the settings.

    Purging removes these too, unless a process uses them. None where the settings switch pruning off.
    """
    from .models import hub_cache
    from .models.locate import repos_to_keep

    root = hub_cache.cache_root_of(paths, settings.cache_root)
    if purge:
        return hub_cache.purge(root, dry_run=dry_run)
    if not settings.prune_hf_cache:
        return None
    wanted = {repo for name in (*keep, settings.model) for repo in repos_to_keep(name or "", paths)}
    return hub_cache.prune(root, wanted, dry_run=dry_run)


@dataclass
class Studio:
    """Everything that the window and the HTTP API use. `start` brings the worker's supervisor up, `close` ends it."""

    paths: Paths
    config: Config
    engines: EngineRegistry
    store: Store
    queue: JobQueue
    supervisor: Supervisor
    enhancing: EnhanceDesk
    documents: DocumentDesk
    storyboards: StoryboardDesk
    attempts: AttemptDesk

    @property
    def settings(self) -> Settings:
        return self.config.settings

    def start(self) -> None:
        """Mend what an earlier run left behind, then serve the queue."""
        swept = sweep_parts(self.paths.outputs)
        if swept:
            log.info("Removed %d unfinished files of an earlier run.", swept)
        from .store.records import JobState

        states = (JobState.QUEUED, JobState.RUNNING, JobState.INTERRUPTED)
        waiting = [job.request.model for job in self.store.jobs.list(states=states) if not job.request_problem]
        cleaned = clean_hub_cache(self.paths, self.settings, waiting)
        if cleaned and cleaned.removed:
            log.info("Removed %d fetched models that nothing uses: %.1f GB.", len(cleaned.removed),
                     cleaned.freed_bytes / 1e9)
        self.supervisor.start()

    def close(self) -> None:
        for line in (self.documents, self.storyboards.line, self.attempts):
            line.close()
        self.supervisor.stop()
        self.store.close()


def build_studio(paths: Paths, *, overrides: Mapping[str, Any] | None = None, engines: str = "") -> Studio:
    """Open the settings and the database of a folder. Raises `SettingsError` or `StoreError` in plain words."""
    from .jobs.attempt_desk import AttemptDesk
    from .jobs.document_desk import DocumentDesk
    from .jobs.enhance_desk import EnhanceDesk
    from .jobs.queue import JobQueue
    from .jobs.storyboard_desk import StoryboardDesk
    from .jobs.supervisor import Supervisor, SupervisorOptions
    from .store import Store

    paths.ensure()
    config = Config(paths.settings_file, overrides=overrides)
    store = Store.open(paths.database)
    queue = JobQueue(store, paths)
    supervisor = Supervisor(paths, store, _settings_of(config), options=SupervisorOptions(engines=engines))
    queue.subscribe(supervisor.wake)
    registry = engine_registry(paths, engines, RuntimeOptions.of(config.settings))
    studio = Studio(paths, config, registry, store, queue, supervisor,
                    EnhanceDesk(supervisor.run_task, store.evolution),
                    DocumentDesk(paths, supervisor.run_reading, supervisor.run_task),
                    StoryboardDesk(paths, supervisor.run_task, supervisor.run_drawing),
                    AttemptDesk(store, paths, _settings_of(config), supervisor.run_attempting, supervisor.run_task))

    def renew_engines() -> None:
        studio.engines = engine_registry(paths, engines, RuntimeOptions.of(config.settings))

    config.subscribe(renew_engines)
    return studio


def _settings_of(config: Config) -> Callable[[], Settings]:
    return lambda: config.settings


def device_override(gpu: str) -> dict[str, Any]:
    """The override for `--gpu`: "cuda:0", "0", "cpu" or "auto". Raises `SettingsError` for other spellings."""
    name = gpu.strip().lower()
    name = f"cuda:{name}" if name.isdigit() else "cuda:0" if name == "cuda" else name
    if name in ("auto", "cpu") or (name.startswith("cuda:") and name[5:].isdigit()):
        return {"device": name}
    raise SettingsError(f"--gpu cannot be {gpu!r}.", fix="Use cuda:0, cuda:1, ..., cpu or auto.")
