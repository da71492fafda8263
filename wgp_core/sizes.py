"""How large files are, in words."""

from __future__ import annotations


def file_size(count: float) -> str:
    """ "812 B", "98 MB", "2.4 GB" (powers of 1000, as file managers show)."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
