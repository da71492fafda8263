"""Writes small real PDF files: pages of lines at places, in Helvetica, Helvetica-Bold or Courier."""

from __future__ import annotations

import zlib
from pathlib import Path

FONTS = ("Helvetica", "Helvetica-Bold", "Courier")


def text(x: float, y: float, words: str, *, size: float = 11, font: int = 0) -> str:
    """The drawing operations of one line."""
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F{font} {size} Tf 1 0 0 1 {x} {y} Tm ({escaped}) Tj ET\n"


def column(lines: list[str], *, x: float = 72, top: float = 700, step: float = 13, size: float = 11,
           font: int = 0) -> str:
    """Lines below each other."""
    return "".join(text(x, top - i * step, line, size=size, font=font) for i, line in enumerate(lines))


def write_pdf(path: Path, pages: list[str], *, picture: bool = False) -> Path:
    """A PDF whose pages have these drawing operations; with `picture` each has a small image too."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects += [f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()
                for name in FONTS]
    fonts = " ".join(f"/F{i} {3 + i} 0 R" for i in range(len(FONTS)))
    image = len(objects) + 1
    objects.append(_stream(b"\x80", "/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray "
                                    "/BitsPerComponent 8"))
    kids = []
    for operations in pages:
        objects.append(_stream(operations.encode("cp1252"), ""))
        content = len(objects)
        pictures = f"/XObject << /I {image} 0 R >>" if picture else ""
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R "
                       f"/Resources << /Font << {fonts} >> {pictures} >> >>".encode())
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    path.write_bytes(_file(objects))
    return path


def _stream(data: bytes, entries: str) -> bytes:
    packed = zlib.compress(data)
    return f"<< {entries} /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    return out + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
