"""Where things live. The only module that decides folders; nothing is created until `ensure` is called.

Root: the program's folder, or `WGP_HOME`. Everything that the user makes or installs lies below it:
`ckpts/`, `loras/`, `outputs/` (files people open) and `data/` (database, previews, logs, trash).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .errors import SettingsError

PROGRAM_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """Absolute folders of one workshop."""

    root: Path
    ckpts: Path
    loras: Path
    outputs: Path
    data: Path
    settings_file: Path

    @property
    def database(self) -> Path:
        return self.data / "studio.db"

    @property
    def previews(self) -> Path:
        return self.data / "previews"

    def preview_files(self, job_id: str) -> tuple[Path, Path]:
        """The two pictures of a running job that are written by turns, so that none changes while it is being sent."""
        return self.previews / f"{job_id}.jpg", self.previews / f"{job_id}-2.jpg"

    @property
    def posters(self) -> Path:
        return self.data / "posters"

    @property
    def uploads(self) -> Path:
        return self.data / "uploads"

    @property
    def trash(self) -> Path:
        return self.data / "trash"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def cache(self) -> Path:
        return self.data / "cache"

    @property
    def lock_file(self) -> Path:
        return self.data / "studio.lock"

    def ensure(self) -> Paths:
        """Create every folder that is missing.

        Raises `SettingsError` that names the folder that cannot be made.
        """
        for folder in (self.ckpts, self.loras, self.outputs, self.data, self.previews, self.posters,
                       self.uploads, self.trash, self.logs, self.cache):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise SettingsError(
                    f"The folder {folder} cannot be created: {error.strerror or error}.",
                    fix="Choose another place with --output-dir, or set WGP_HOME to a folder that you may write to.",
                ) from error
        return self


def build_paths(*, home: Path | None = None, outputs: Path | None = None, settings_file: Path | None = None) -> Paths:
    """Resolve the folders: arguments, then `WGP_HOME`, then the program's own folder."""
    root = (home or Path(os.environ.get("WGP_HOME") or PROGRAM_ROOT)).expanduser().resolve()
    return Paths(
        root=root,
        ckpts=root / "ckpts",
        loras=root / "loras",
        outputs=(outputs or root / "outputs").expanduser().resolve(),
        data=root / "data",
        settings_file=(settings_file or root / "settings.json").expanduser().resolve(),
    )
