"""Colours, fonts and text sizes of the drawings. One palette, in a dark and a light dress."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...request import Theme


@dataclass(frozen=True)
class Palette:
    """Hex colours by role. `series` are the data colours, in the order to use them; each reads on `paper`."""

    paper: str
    panel: str
    ink: str
    muted: str
    faint: str
    accent: str
    good: str
    bad: str
    series: tuple[str, ...]

    def pick(self, name: str) -> str:
        """A colour by role name, by series number ("s0".."s5"), or a hex string as it is."""
        if name.startswith("s") and name[1:].isdigit():
            return self.series[int(name[1:]) % len(self.series)]
        return getattr(self, name, name)


DARK = Palette(
    paper="#10151f", panel="#1a2231", ink="#eef2f8", muted="#a3afc2", faint="#37435a", accent="#ffb454",
    good="#6fd39b", bad="#ff7a76",
    series=("#62b0ff", "#ffb454", "#6fd39b", "#ff7a76", "#c79bff", "#5fd7d7"),
)
LIGHT = Palette(
    paper="#fbfaf7", panel="#efede6", ink="#1d2430", muted="#5a6475", faint="#cfcabd", accent="#c2610c",
    good="#1f8a54", bad="#c8322e",
    series=("#1f6fc4", "#c2610c", "#1f8a54", "#c8322e", "#7a45c2", "#0f8488"),
)


def palette(theme: Theme) -> Palette:
    return LIGHT if theme is Theme.LIGHT else DARK


TEXT_UNITS: Mapping[str, float] = {
    "hero": 0.92, "title": 0.56, "heading": 0.46, "body": 0.38, "label": 0.32, "small": 0.27,
}
"""Height of each text role in stage units (the short side of the picture is 9 units)."""

MIN_TEXT_PX = 9.0
FONT_FAMILY = ("Source Sans Pro", "DejaVu Sans")


@functools.cache
def style() -> dict[Any, Any]:
    """rcParams for every figure; registers the packaged fonts on first use."""
    from matplotlib import font_manager

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # fallback weights are expected
    for path in _font_files():
        font_manager.fontManager.addfont(path)
    return {
        "font.family": list(FONT_FAMILY),
        "mathtext.fontset": "dejavusans",
        "axes.unicode_minus": True,
        "path.simplify": False,
        "text.usetex": False,
        "text.parse_math": True,
    }


def _font_files() -> list[Path]:
    try:
        import font_source_sans_pro
    except ImportError:  # DejaVu Sans, which comes with matplotlib, takes over
        return []
    folder = Path(font_source_sans_pro.__file__).parent / "files"
    return [folder / f"SourceSansPro-{weight}.ttf" for weight in ("Regular", "Semibold", "Bold", "It")]
