"""The settings in force while the program runs, and how a change is saved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import naming
from . import settings as settings_module
from .settings import LoadedSettings, Settings


class Config:
    """Thread-safe holder. `settings` is what is in force: file, then environment, then command line."""

    def __init__(self, path: Path, *, overrides: Mapping[str, Any] | None = None,
                 environ: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._overrides = dict(overrides or {})
        self._environ = environ
        self._lock = threading.Lock()
        self._watchers: list[Callable[[], None]] = []
        self._loaded = settings_module.load(path, overrides=self._overrides, environ=environ)

    def subscribe(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` after every change."""
        self._watchers.append(watcher)

    @property
    def loaded(self) -> LoadedSettings:
        return self._loaded

    @property
    def settings(self) -> Settings:
        return self._loaded.settings

    def save(self, changes: Mapping[str, Any]) -> Settings:
        """Validate all changes, write the file atomically, and put them in force.

        Values that the environment or the command line overrides are saved but stay overridden. Raises
        `SettingsError` for the first value that does not fit; nothing is saved then.
        """
        with self._lock:
            changed = settings_module.apply(self._loaded.from_file, changes)
            naming.check_template(changed.filename_template)
            self._put_in_force(changed)
        return self._tell()

    def reset(self) -> Settings:
        """Write the defaults; the file as it was is kept beside it."""
        settings_module.keep_copy(self.path)
        with self._lock:
            self._put_in_force(Settings())
        return self._tell()

    def _put_in_force(self, changed: Settings) -> None:
        settings_module.save(self.path, changed)
        self._loaded = settings_module.load(self.path, overrides=self._overrides, environ=self._environ)

    def _tell(self) -> Settings:
        for watcher in self._watchers:
            watcher()
        return self.settings
