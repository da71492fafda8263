"""Names of result files, from the template in the settings."""

from __future__ import annotations

import re
import string
import unicodedata
from datetime import datetime
from pathlib import Path

from .errors import SettingsError
from .request import VideoRequest

FIELDS = ("date", "time", "seed", "slug", "engine", "width", "height")
MAX_NAME_BYTES = 180


def slug(text: str, longest: int = 48) -> str:
    """A readable, safe part of a file name: letters and digits of any script, other runs become "-"."""
    words = re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", text).lower(), flags=re.UNICODE).strip("-_")
    cut = words[:longest].rstrip("-_")
    while len(cut.encode()) > longest * 2:
        cut = cut[:-1]
    return cut or "video"


def check_template(template: str) -> None:
    """Raise `SettingsError` for a template with an unknown field, or one that makes a path."""
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise SettingsError(f"The file name template {template!r} cannot be read: {error}.",
                            fix="Write fields as {date} or {slug}.") from error
    unknown = [name for name in names if name not in FIELDS]
    if unknown or "/" in template or "\\" in template or not template.strip():
        raise SettingsError(f"The file name template {template!r} cannot be used"
                            + (f": unknown field {{{unknown[0]}}}" if unknown else "") + ".",
                            fix="Fields: " + ", ".join(f"{{{name}}}" for name in FIELDS) + "; no folders.")


def file_name(template: str, request: VideoRequest, engine_id: str, suffix: str, *, now: datetime) -> str:
    """Fill the template: `{date}` is 2026-01-31-09h05m07s, `{slug}` comes from the prompt."""
    check_template(template)
    text = request.prompt or (request.plan[0].title if request.plan else "")
    name = template.format(
        date=now.strftime("%Y-%m-%d-%Hh%Mm%Ss"), time=now.strftime("%Hh%Mm%Ss"), seed=request.seed,
        slug=slug(text), engine=engine_id, width=request.width, height=request.height)
    while len(name.encode()) > MAX_NAME_BYTES:
        name = name[:-1]
    return name.lstrip(".") + suffix


def with_suffix(path: Path, suffix: str) -> Path:
    """`path` with the ending that its codec needs; an ending that is not a video's is kept as part of the name."""
    if path.suffix.lower() in (".mp4", ".mov", ".gif", ".mkv", ".webm", ".avi", ".png"):
        return path.with_suffix(suffix)
    return path.with_name(path.name + suffix)
