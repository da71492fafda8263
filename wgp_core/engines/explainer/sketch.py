"""What the local engine is told of a storyboard frame, written as lines of text in a planned scene.

    Frame: 3
    Shot: close-up
    Move: push-in
    Setting: in a narrow lane beside the market
    Cast: trickster; wealthy merchant
    Seen: trickster

so that a person can read and change it, and a request holds nothing but text.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Sketch:
    """`cast` are the characters of the whole story in a steady order, which gives each a colour; `seen` are in this
    frame. `move` is a value of `CameraMovement`. `notes`: arrows and the line below the picture."""

    number: int = 1
    shot: str = "medium shot"
    move: str = "static"
    setting: str = ""
    place: str = ""
    """The kind of place: "market", "forest", "home", ...; empty draws hills and houses."""
    light: str = ""
    mood: str = ""
    action: str = ""
    cast: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    notes: bool = True

    def text(self) -> str:
        """One line a field; `read_sketch` reads it back."""
        lines = [f"Frame: {self.number}"]
        for name in ("shot", "move", "setting", "place", "light", "mood", "action"):
            lines.append(f"{name.capitalize()}: {' '.join(getattr(self, name).split())}")
        lines += [f"{name.capitalize()}: {'; '.join(_clean(each) for each in getattr(self, name))}"
                  for name in ("cast", "seen")]
        return "\n".join([*lines, f"Notes: {'yes' if self.notes else 'no'}"])


def read_sketch(text: str) -> Sketch:
    """The sketch of its lines. What is missing or not understood is as usual; text without any is the action."""
    known = {f.name for f in fields(Sketch)} | {"frame"}
    found: dict[str, str] = {}
    loose = []
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() in known:
            found[name.strip().lower()] = value.strip()
        elif line.strip():
            loose.append(line.strip())
    number = found.get("frame", "1")
    words = {name: found[name] for name in ("shot", "move", "setting", "place", "light", "mood") if name in found}
    return Sketch(number=int(number) if number.isascii() and number.isdigit() else 1,
                  action=found.get("action", " ".join(loose)), cast=_names(found.get("cast", "")),
                  seen=_names(found.get("seen", "")), notes=found.get("notes", "yes").lower() != "no", **words)


def _clean(name: str) -> str:
    return " ".join(name.replace(";", ",").split())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(";") if name.strip())
