"""sha256 of weight files, computed once and remembered while size and time of change stay the same."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

from ..engines.base import ModelUse

log = logging.getLogger(__name__)


class FileHashes:
    """Remembers hashes in one JSON file; a cache that is lost or broken only costs the time to hash again."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def model_use(self, name: str, path: Path) -> ModelUse:
        """A manifest entry for one weight file."""
        return ModelUse(name, path.name, path.stat().st_size, self.sha256(path))

    def sha256(self, path: Path) -> str:
        """Lower-case hex digest of the file's bytes."""
        stat = path.stat()
        key, stamp = str(path.resolve()), f"{stat.st_size}:{stat.st_mtime_ns}"
        known = self._read()
        entry = known.get(key)
        if isinstance(entry, list) and len(entry) == 2 and entry[0] == stamp:
            return str(entry[1])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._write({**self._read(), key: [stamp, digest]})
        return digest

    def _read(self) -> dict[str, object]:
        try:
            data = json.loads(self._cache.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def _write(self, known: dict[str, object]) -> None:
        part = self._cache.with_suffix(".part")
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(known), encoding="utf-8")
            part.replace(self._cache)
        except OSError as error:
            log.warning("The hashes of weights cannot be remembered in %s: %s", self._cache, error)
