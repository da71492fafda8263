"""Settings inside the file: the manifest is the `comment` tag of an MP4 or MOV, and the comment of a GIF or PNG.

Written by remuxing (streams are copied, not encoded again) through ffmpeg's own metadata text format, which has no
limit on length; read back the same way.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import MediaError
from . import ffmpeg

KEY = "comment"
_MOVFLAGS = ("+faststart", "+faststart+use_metadata_tags")
"""MOV's plain comment tag ends at 64 KB; its metadata keys do not."""
MAX_MANIFEST_BYTES = 4 * 2**20


def write_video(source: Path, target: Path, manifest: Mapping[str, Any], *, title: str) -> None:
    """Copy `source` to `target` with the manifest inside and the index at the front (`+faststart`)."""
    text = json.dumps(manifest, ensure_ascii=True, separators=(",", ":"))
    with tempfile.TemporaryDirectory() as folder:
        tags = Path(folder) / "tags.txt"
        # The title comes last: ffmpeg takes a backslash at a line's end for a line that goes on.
        tags.write_text(f";FFMETADATA1\n{KEY}={_escape(text)}\ntitle={_escape(title)}\n", encoding="utf-8")
        try:
            ffmpeg.run(["-y", "-i", str(source), "-f", "ffmetadata", "-i", str(tags), "-map_metadata", "1", "-map", "0",
                        "-c", "copy", "-movflags", _MOVFLAGS[target.suffix.lower() == ".mov"], str(target)],
                       what="Writing the settings into the video")
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def write_gif(source: Path, target: Path, manifest: Mapping[str, Any]) -> None:
    """Copy a GIF with the manifest as its comment blocks (frames untouched)."""
    data = source.read_bytes()
    text = json.dumps(manifest, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    blocks = b"".join(bytes([len(part)]) + part for part in (text[i:i + 255] for i in range(0, len(text), 255)))
    if not data.endswith(b";") or len(data) < 14:
        raise MediaError(f"{source.name} is not a whole GIF file.")
    flags = data[10]
    head = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)  # header and global colour table
    target.write_bytes(data[:head] + b"\x21\xfe" + blocks + b"\x00" + data[head:])


def write_png(source: Path, target: Path, manifest: Mapping[str, Any]) -> None:
    """Copy a PNG with the manifest as its `comment` text (pixels untouched)."""
    from PIL import Image, PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_itxt(KEY, json.dumps(manifest, ensure_ascii=True, separators=(",", ":")), zip=True)
    with Image.open(source) as image:
        image.save(target, format="PNG", pnginfo=info)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """The embedded manifest of a video, GIF or PNG; None where the file carries none.

    Raises `MediaError` where the file cannot be read at all.
    """
    if not path.is_file():
        raise MediaError(f"There is no file {path}.", fix="Check the name.")
    text = _read_picture(path) if path.suffix.lower() in (".gif", ".png") else _read_video(path)
    if not text or len(text) > MAX_MANIFEST_BYTES:
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) and "wgp_manifest" in data else None


def _read_video(path: Path) -> str:
    listing = ffmpeg.run([*ffmpeg.reading(path), "-i", str(path), "-f", "ffmetadata", "pipe:1"],
                         what=f"Reading {path.name}", timeout_s=60)
    match = re.search(rf"^{KEY}=((?:[^\\\n]|\\.|\\\n)*)", listing.decode("utf-8", "replace"), re.M | re.S)
    return re.sub(r"\\(.)", r"\1", match.group(1), flags=re.S) if match else ""


def _read_picture(path: Path) -> str:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            comment = image.info.get(KEY, b"")
    except (OSError, UnidentifiedImageError) as error:
        raise MediaError(f"{path.name} is not a picture that can be read: {error}.") from error
    return comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)


def _escape(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)
