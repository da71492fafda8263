"""A page that sets videos side by side: what each shows, says and rests on, read from the settings inside the files."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .errors import MediaError
from .media import ffmpeg
from .media.metadata import read_manifest
from .media.probe import probe
from .whole import whole_file

POSTER_AT = 0.55
POSTER_WIDTH = 640
"""Pixels."""


@dataclass(frozen=True)
class Made:
    """A file, or the sentence that says why there is none."""

    file: Path | None
    problem: str = ""


def write_page(folder: Path, name: str, columns: Sequence[str], made: Sequence[Made]) -> Path:
    """Write `NAME.html` into `folder`: a row for every group of files, a column for each name. Returns the page.

    Raises `MediaError` where it cannot be written.
    """
    rows = [made[at:at + len(columns)] for at in range(0, len(made), len(columns))]
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(_row(row, folder) for row in rows)
    title = html.escape(name.replace("_", " ").capitalize())
    page = folder / f"{name}.html"
    try:
        with whole_file(page) as part:
            part.write_text(_PAGE.format(title=title, head=head, body=body, width=100 // max(len(columns), 1)),
                            encoding="utf-8")
    except OSError as error:
        raise MediaError(f"The page {page} cannot be written: {error.strerror or error}.") from error
    return page


def _row(row: Sequence[Made], folder: Path) -> str:
    facts = [_manifest(each) for each in row]
    topic = next((str(data["prompts"]["original"]) for data in facts if data), "")
    cells = "".join(f"<td>{_cell(each, data, folder)}</td>" for each, data in zip(row, facts, strict=True))
    return f'<tr><th colspan="{len(row)}" class="topic">{html.escape(topic)}</th></tr><tr>{cells}</tr>'


def _manifest(made: Made) -> Mapping[str, Any] | None:
    try:
        return read_manifest(made.file) if made.file is not None else None
    except MediaError:
        return None


def _cell(made: Made, data: Mapping[str, Any] | None, folder: Path) -> str:
    if made.file is None:
        return f'<p class="note">{html.escape(made.problem)}</p>'
    source = html.escape(quote(os.path.relpath(made.file, folder).replace(os.sep, "/")))
    still = made.file.suffix in (".gif", ".png")
    shown = (f'<img src="{source}" alt="">' if still else
             f'<video src="{source}" poster="{_poster(made.file)}" controls loop preload="none"></video>')
    return shown + (_facts(data) if data else "")


def _poster(file: Path) -> str:
    """A frame from the middle, inside the page; nothing where the file cannot be read."""
    try:
        middle = probe(file).seconds * POSTER_AT
        picture = ffmpeg.run(["-ss", f"{middle:.2f}", *ffmpeg.reading(file), "-i", str(file), "-frames:v", "1", "-vf",
                              f"scale={POSTER_WIDTH}:-2", "-q:v", "4", "-f", "mjpeg", "pipe:1"], what="The poster")
    except MediaError:
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")


def _facts(data: Mapping[str, Any]) -> str:
    video, prompts = data["video"], data["prompts"]
    planner = f", planned by {prompts['planner']}" if prompts.get("planner") else ""
    spent = sum(data.get("timings_s", {}).values())
    lines = [f"<p class=\"small\">{html.escape(str(data['engine']))}{html.escape(planner)}, {video['width']}x"
             f"{video['height']}, {video['frames'] / video['fps']:.1f} s, made in {spent:.0f} s</p>"]
    scenes = data["request"].get("plan") or []
    told = prompts.get("scenes") or []
    if scenes:
        lines.append("<ol>" + "".join(_scene(scene, told[i] if i < len(told) else "")
                                      for i, scene in enumerate(scenes)) + "</ol>")
    if not told and prompts.get("enhanced"):
        lines.append(f"<p>{html.escape(str(prompts['enhanced']))}</p>")
    lines += [f'<p class="note">{html.escape(str(warning))}</p>' for warning in data.get("warnings") or ()]
    return "".join(lines)


def _scene(scene: Mapping[str, Any], prompt: str) -> str:
    said = f"<br>{html.escape(scene['narration'])}" if scene.get("narration") else ""
    told = f'<br><span class="small">{html.escape(prompt)}</span>' if prompt else ""
    places = "; ".join(_places(scene.get("cues") or ()))
    source = f'<br><span class="source">{html.escape(places)}</span>' if places else ""
    return f"<li><b>{html.escape(scene['title'])}</b>{said}{told}{source}</li>"


def _places(cues: Iterable[Mapping[str, Any]]) -> list[str]:
    """Sources and pages, each once."""
    found = [f"{cue['source']}, p. {cue['page']}" if cue.get("page") is not None else cue["source"]
             for cue in cues if cue.get("source")]
    return list(dict.fromkeys(found))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed; }}
td {{ vertical-align: top; padding: .4rem .8rem 2rem 0; width: {width}%; overflow-wrap: anywhere; }}
th {{ text-align: left; padding: .4rem 0; }}
.topic {{ font-size: 1.25rem; border-top: 1px solid #8888; padding-top: 1rem; }}
video, img {{ width: 100%; border-radius: 8px; background: #111; display: block; }}
.small {{ font-size: .85rem; opacity: .75; }}
.source {{ font-size: .85rem; color: #c97b12; }}
.note {{ border-left: 3px solid #c97b12; padding-left: .6rem; font-size: .9rem; }}
ol {{ padding-left: 1.2rem; }} li {{ margin-bottom: .5rem; }}
</style></head>
<body><h1>{title}</h1><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>
"""
