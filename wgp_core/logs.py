"""Logging, configured by entry points only."""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure(*, verbose: bool = False, file: Path | None = None) -> None:
    """Warnings (or, with `verbose`, everything of ours) to standard error; all of ours to `file`, 5 x 2 MB."""
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.DEBUG if verbose else logging.WARNING)
    handlers: list[logging.Handler] = [terminal]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(RotatingFileHandler(file, maxBytes=2 * 2**20, backupCount=5, encoding="utf-8"))
    if not verbose:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # its remarks on what is not installed
    logging.basicConfig(level=logging.WARNING, format=FORMAT, handlers=handlers, force=True)
    for name in ("wgp_core", "ui"):
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)
