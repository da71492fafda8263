"""Numbers, times and texts as a person reads them. Pure functions; no component, no studio."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import quote


def duration(seconds: float | None) -> str:
    """ "0.4 s", "8 s", "1 min 20 s", "2 h 5 min"; empty for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min" if rest >= 60 else f"{hours} h"


def clock(seconds: float) -> str:
    """ "0:08", "1:20": a length as players show it."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02d}"


def ago(when: datetime | None, now: datetime | None = None) -> str:
    """ "just now", "5 min ago", "3 h ago", "2 days ago", then the date."""
    if when is None:
        return ""
    age = ((now or datetime.now(UTC)) - when).total_seconds()
    if age < 60:
        return "just now"
    if age < 3600:
        return f"{int(age // 60)} min ago"
    if age < 86400:
        return f"{int(age // 3600)} h ago"
    days = int(age // 86400)
    if days < 14:
        return f"{days} day{'s' if days > 1 else ''} ago"
    return when.astimezone().strftime("%d %b %Y").lstrip("0")


def plural(count: int, word: str) -> str:
    """ "1 job", "3 jobs"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def short(text: str, most: int = 90) -> str:
    """The text on one line, cut at a word with an ellipsis."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    cut = line[:most - 1].rsplit(" ", 1)[0] or line[:most - 1]
    return cut.rstrip(",.;: ") + "…"


def model_name(model: str) -> str:
    """A model as people call it: the folder's name for one that was given by its path, else the id as it is."""
    path = model.replace("\\", "/").rstrip("/")
    by_path = path.startswith(("/", ".", "~", "ckpts/")) or path[1:3] == ":/"
    return path.rpartition("/")[2] if by_path else model


def timings(parts: dict[str, float] | None) -> str:
    """ "drawing frames 11 s, encoding the video 2 s": stages that took a noticeable time, longest first."""
    from wgp_core.events import Stage

    labels = {stage.value: stage.label for stage in Stage}
    named = [(labels.get(name, name.replace("_", " ")), took) for name, took in (parts or {}).items()
             if took >= 0.05 and name != "total"]
    named.sort(key=lambda item: -item[1])
    return ", ".join(f"{label[:1].lower()}{label[1:]} {duration(took)}" for label, took in named)


def esc(text: object) -> str:
    """Text made safe for HTML, in content and in quoted attributes."""
    return escape(str(text), quote=True)


def file_url(path: Path, version: object = None) -> str:
    """Where the window's server gives this file; `version` changes the address when the content changed."""
    url = "/gradio_api/file=" + quote(str(path), safe="/")
    return url if version is None else f"{url}?v={quote(str(version))}"


def picture_url(path: Path | None) -> str:
    """The address of a file as it is now: it changes with the file. Empty where there is none."""
    try:
        return "" if path is None else file_url(path, path.stat().st_mtime_ns // 1_000_000)
    except OSError:
        return ""
