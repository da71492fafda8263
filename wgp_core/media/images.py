"""Pictures that come in (start images, posters to show) and go out (posters, snapshots)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from ..errors import MediaError
from ..whole import whole_file

MAX_IMAGE_BYTES = 64 * 2**20
MAX_IMAGE_PIXELS = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")


def load_image(path: Path) -> np.ndarray:
    """A picture as RGB uint8 (height, width, 3): upright (EXIF applied), CMYK and alpha converted, on white.

    Raises `MediaError` for what is no picture, damaged, or larger than 64 MB or 100 megapixels.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_file():
        raise MediaError(f"There is no picture {path}.", fix="Choose a file that exists.")
    size = path.stat().st_size
    if size > MAX_IMAGE_BYTES:
        raise MediaError(f"{path.name} has {size / 2**20:.0f} MB; the most is {MAX_IMAGE_BYTES // 2**20} MB.",
                         fix="Save it smaller, as JPEG for instance.")
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                raise MediaError(f"{path.name} has {image.width} x {image.height} pixels; the most is "
                                 f"{MAX_IMAGE_PIXELS // 10**6} megapixels.", fix="Scale it down first.")
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                clear = upright.convert("RGBA")
                white = Image.new("RGBA", clear.size, "white")
                upright = Image.alpha_composite(white, clear)
            return np.asarray(upright.convert("RGB"))
    except UnidentifiedImageError as error:
        raise MediaError(f"{path.name} is not a picture.",
                         fix="Choose a JPEG, PNG, WebP, BMP, TIFF or GIF file.") from error
    except Image.DecompressionBombError as error:
        raise MediaError(f"{path.name} is too large a picture.", fix="Scale it down first.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(f"{path.name} is damaged and cannot be read: {error}.",
                         fix="Save it again, or choose another.") from error


def save_jpeg(frame: np.ndarray, path: Path, *, longest: int = 0, quality: int = 88) -> Path:
    """Write RGB uint8 as JPEG, whole or not at all; `longest` scales the longer side down to that many pixels."""
    return _save(frame, path, longest, "JPEG", quality=quality)


def save_png(frame: np.ndarray, path: Path) -> Path:
    """Write RGB uint8 as PNG, whole or not at all."""
    return _save(frame, path, 0, "PNG")


def _save(frame: np.ndarray, path: Path, longest: int, kind: str, **options: int) -> Path:
    from PIL import Image

    image = Image.fromarray(frame)
    if longest and max(image.size) > longest:
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, kind, **options)
    try:
        with whole_file(path) as part:
            part.write_bytes(data.getvalue())
    except OSError as error:
        raise MediaError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path
