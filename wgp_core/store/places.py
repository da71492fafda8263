"""How paths are written into the database: relative below the program's folder, so that the folder can be moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """`root` is the folder that stored relative paths start from; `trash` holds what was deleted."""

    root: Path
    trash: Path

    def text(self, path: Path) -> str:
        absolute = path if path.is_absolute() else Path.cwd() / path
        try:
            return absolute.relative_to(self.root).as_posix()
        except ValueError:
            return str(absolute)

    def path(self, text: str) -> Path:
        return self.root / text

    def texts(self, paths: Iterable[Path]) -> list[str]:
        return [self.text(path) for path in paths]

    def optional_text(self, path: Path | None) -> str | None:
        return None if path is None else self.text(path)

    def optional_path(self, text: str | None) -> Path | None:
        return None if text is None else self.path(text)
