"""What people open, print and send: the grid as a picture, a PDF to print, a page that needs no other file."""

from __future__ import annotations

import base64
import functools
import html
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MediaError
from ..media.images import load_image
from ..planning.story.board import StoryScene
from .project import GRID, PAGE, PRINT, BoardProject

INK, MUTED, FAINT, ACCENT, PAPER = "#1d2430", "#5a6475", "#d9d5ca", "#c2610c", "#fbfaf7"
CELL, CELL_SPACE = 600, 48
"""Width of a frame on the grid and the space around it, in pixels; tall frames are narrower."""
A4 = (11.69, 8.27)
"""Landscape, in inches."""


@dataclass(frozen=True)
class Exported:
    """The files that were written."""

    grid: Path
    pdf: Path
    page: Path


def export(project: BoardProject) -> Exported:
    """Write grid, PDF and HTML page, each whole or not at all; frames that are missing are empty boxes.

    Raises `MediaError` where a file cannot be written or a frame cannot be read.
    """
    folder = project.folder
    _whole(folder / GRID, _grid(project))
    _whole(folder / PRINT, _print(project))
    _whole(folder / PAGE, _page(project).encode("utf-8"))
    return Exported(folder / GRID, folder / PRINT, folder / PAGE)


def _whole(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MediaError(f"{path} cannot be written: {error.strerror or error}.") from error


def _picture(project: BoardProject, number: int) -> Any:
    """The frame as a Pillow image, or None where it is missing."""
    from PIL import Image

    path = project.frame_path(number)
    return Image.fromarray(load_image(path)) if project.frame(number).is_there and path.is_file() else None


def _aspect(project: BoardProject) -> float:
    """Width over height of the first frame that is there."""
    for frame in project.frames:
        image = _picture(project, frame.number)
        if image is not None:
            return image.width / image.height
    return 16 / 9


def _facts(scene: StoryScene) -> str:
    return f"{scene.camera}  ·  {scene.seconds:g} s"


def _light(scene: StoryScene) -> str:
    return "  ·  ".join(text for text in (scene.lighting, scene.mood) if text)


# -- grid -------------------------------------------------------------------------------------------------------------


def _grid(project: BoardProject) -> bytes:
    """All frames on one sheet with number, camera and description, as a PNG."""
    from PIL import Image, ImageDraw

    count, aspect = len(project.frames), _aspect(project)
    columns = _columns(count)
    cell = CELL if aspect >= 0.8 else CELL * 2 // 3
    wide, height = columns * (cell + CELL_SPACE) + CELL_SPACE, round(cell / aspect)
    big, small, bold = _font(46, bold=True), _font(24), _font(26, bold=True)
    texts = [_lines(scene.description, small, cell)[:5] for scene in project.board.scenes]
    words = 26 + 38 + max(len(lines) for lines in texts) * 32
    title = _lines(project.board.story, big, wide - 2 * CELL_SPACE)
    title = title if len(title) <= 2 else [title[0], title[1].rstrip(" ,;") + " …"]
    top = CELL_SPACE + len(title) * 58 + 26
    rows = -(-count // columns)
    sheet = Image.new("RGB", (wide, top + rows * (height + words + CELL_SPACE)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for line, text in enumerate(title):
        pen.text((CELL_SPACE, CELL_SPACE - 6 + line * 58), text, font=big, fill=INK)
    for at, scene in enumerate(project.board.scenes):
        x = CELL_SPACE + at % columns * (cell + CELL_SPACE)
        y = top + at // columns * (height + words + CELL_SPACE)
        image = _picture(project, scene.frame)
        if image is None:
            pen.rectangle((x, y, x + cell, y + height), outline=FAINT, width=3)
            pen.text((x + cell / 2, y + height / 2), "not drawn yet", font=small, fill=MUTED, anchor="mm")
        else:
            sheet.paste(image.resize((cell, height), Image.Resampling.LANCZOS), (x, y))
        pen.text((x, y + height + 14), str(scene.frame), font=bold, fill=ACCENT)
        lead = pen.textlength(str(scene.frame), font=bold) + 14
        pen.text((x + lead, y + height + 14), _lines(_facts(scene), bold, cell - lead)[0], font=bold, fill=INK)
        for line, text in enumerate(texts[at]):
            pen.text((x, y + height + 54 + line * 32), text, font=small, fill=MUTED)
    data = io.BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()


def _columns(count: int) -> int:
    """Of three to five the number that leaves the last row fullest."""
    return count if count < 4 else 2 if count == 4 else min((3, 4, 5), key=lambda n: (-count % n, n))


@functools.cache
def _font(size: float, *, bold: bool = False) -> Any:
    from matplotlib import font_manager, rc_context
    from PIL import ImageFont

    from ..engines.explainer.theme import FONT_FAMILY, style

    with rc_context(style()):
        name = font_manager.findfont(font_manager.FontProperties(family=list(FONT_FAMILY),
                                                                 weight="semibold" if bold else "normal"))
    return ImageFont.truetype(name, size)


def _lines(text: str, font: Any, width: float) -> list[str]:
    """The text in lines that are at most so many pixels wide; words that are longer are broken."""
    lines, line = [], ""
    for word in text.split():
        while font.getlength(word) > width and len(word) > 1:
            cut = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or font.getlength(word[:n]) <= width)
            lines += [line] if line else []
            lines.append(word[:cut])
            line, word = "", word[cut:]
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line] if line or not lines else lines


# -- PDF --------------------------------------------------------------------------------------------------------------


def _print(project: BoardProject) -> bytes:
    """A4 landscape, six frames a page, with text that can be searched."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    from ..engines.explainer.theme import style

    data = io.BytesIO()
    scenes, a_page = project.board.scenes, 6
    pages = [scenes[at:at + a_page] for at in range(0, len(scenes), a_page)]
    facts = {"Title": project.board.story[:120]}
    with rc_context({**style(), "pdf.fonttype": 42}), PdfPages(data, metadata=facts) as file:
        for number, shown in enumerate(pages, 1):
            figure = Figure(figsize=A4, facecolor="white")
            _print_page(figure, project, shown, f"{number} / {len(pages)}")
            file.savefig(figure, dpi=200)
    return data.getvalue()


def _print_page(figure: Any, project: BoardProject, scenes: Sequence[StoryScene], page: str) -> None:
    """Three columns, two rows; places are in inches from the top left."""
    margin, gap = 0.5, 0.3
    wide = (A4[0] - 2 * margin - 2 * gap) / 3
    high = min(wide / _aspect(project), 2.0)

    def put(x: float, y: float, text: str, size: float, color: str = INK, weight: str = "normal",
            ha: str = "left") -> None:
        figure.text(x / A4[0], 1 - y / A4[1], text, fontsize=size, color=color, fontweight=weight, ha=ha, va="top",
                    parse_math=False)

    story = _lines(project.board.story, _font(13, bold=True), (A4[0] - 2 * margin - 1) * 72)
    put(margin, 0.4, story[0] + (" …" if len(story) > 1 else ""), 13, weight="semibold")
    put(A4[0] - margin, 0.42, page, 9, MUTED, ha="right")
    for at, scene in enumerate(scenes):
        x = margin + at % 3 * (wide + gap)
        y = 0.85 + at // 3 * 3.65
        axes = figure.add_axes((x / A4[0], 1 - (y + high) / A4[1], wide / A4[0], high / A4[1]))
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color(FAINT)
        image = _picture(project, scene.frame)
        if image is not None:
            image.thumbnail((1200, 1200))
            axes.imshow(image)
        put(x, y + high + 0.09, str(scene.frame), 9.5, ACCENT, "semibold")
        put(x + 0.22, y + high + 0.09, _lines(_facts(scene), _font(9.5, bold=True), (wide - 0.22) * 72)[0], 9.5,
            weight="semibold")
        below = y + high + 0.30
        for font, text, color, most in ((8.5, scene.description, INK, 4), (7.5, _light(scene), MUTED, 2)):
            lines = _lines(text, _font(font), wide * 72)
            for line in lines[:most]:
                put(x, below, line, font, color)
                below += font * 1.3 / 72
            below += 0.04


# -- HTML -------------------------------------------------------------------------------------------------------------

_STYLE = """
:root{--paper:#fbfaf7;--ink:#1d2430;--muted:#5a6475;--line:#d9d5ca;--accent:#a8500a;--card:#fff}
@media (prefers-color-scheme:dark){:root{--paper:#10151f;--ink:#eef2f8;--muted:#a3afc2;--line:#37435a;--accent:#ffb454;
--card:#1a2231}}
*{box-sizing:border-box}body{margin:0;padding:2rem;background:var(--paper);color:var(--ink);
font:16px/1.5 "Source Sans 3","Source Sans Pro",system-ui,sans-serif}main{max-width:1500px;margin:auto}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem}header p{color:var(--muted);margin:0 0 1.6rem}
ol{list-style:none;margin:0;padding:0;display:grid;gap:1.4rem;
grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr))}
li{background:var(--card);border:1px solid var(--line);border-radius:.6rem;overflow:hidden;break-inside:avoid}
img,.none{display:block;width:100%;aspect-ratio:var(--aspect)}.none{display:grid;place-items:center;color:var(--muted)}
div.text{padding:.8rem 1rem 1rem}h2{font-size:1rem;margin:0 0 .3rem}h2 b{color:var(--accent);margin-right:.4rem}
p{margin:.3rem 0}.quiet{color:var(--muted);font-size:.9rem}details{font-size:.9rem;color:var(--muted)}
summary{cursor:pointer}@media print{body{padding:0}details{display:none}}
"""


def _page(project: BoardProject) -> str:
    board = project.board
    cards = "\n".join(_card(project, scene) for scene in board.scenes)
    style = f":root{{--aspect:{_aspect(project):.4f}}}{_STYLE}"
    cast = ", ".join(character.token or character.name for character in board.bible.characters)
    about = " · ".join(filter(None, [f"{len(board.scenes)} frames", board.timestamp[:10], cast]))
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
            f'content="width=device-width,initial-scale=1"><title>Storyboard: {html.escape(board.story[:80])}</title>'
            f"<style>{style}</style></head><body><main><header><h1>{html.escape(board.story)}</h1>"
            f"<p>{html.escape(about)}</p></header>\n<ol>\n{cards}\n</ol></main></body></html>\n")


def _card(project: BoardProject, scene: StoryScene) -> str:
    image = _picture(project, scene.frame)
    if image is None:
        shown = '<div class="none">not drawn yet</div>'
    else:
        image.thumbnail((1000, 1000))
        data = io.BytesIO()
        image.save(data, "JPEG", quality=86)
        shown = (f'<img alt="{html.escape(scene.description, quote=True)}" src="data:image/jpeg;base64,'
                 f'{base64.b64encode(data.getvalue()).decode()}">')
    return (f'<li>{shown}<div class="text"><h2><b>{scene.frame}</b>{html.escape(_facts(scene))}</h2>'
            f"<p>{html.escape(scene.description)}</p><p class=\"quiet\">{html.escape(_light(scene))}</p>"
            f"<details><summary>Prompt</summary><p>{html.escape(scene.prompt)}</p></details></div></li>")
