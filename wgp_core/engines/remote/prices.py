"""What a remote model costs, as the person noted it from the model's page, and what a result cost by that.

The service tells no prices over its interface and changes them, so none come with the program.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import SettingsError

PAGES = "https://replicate.com/"


class Unit(enum.StrEnum):
    """What is paid for. A compute-second is one that the service's machine worked."""

    IMAGE = "image"
    SECOND = "second"
    RUN = "run"
    COMPUTE_SECOND = "compute-second"


@dataclass(frozen=True)
class Price:
    """US dollars a unit."""

    usd: float
    unit: Unit


@dataclass(frozen=True)
class Used:
    """What a result took. `None` is not known."""

    images: int = 0
    seconds: float | None = None
    compute_s: float | None = None


_ENTRY = re.compile(r"(?P<model>[\w.-]+/[\w.-]+)\s*[=:]?\s*\$?(?P<usd>\d+(?:\.\d+)?|\.\d+)\s*(?:an?|per|/)?\s*"
                    r"(?P<unit>image|second|run|compute-second)")


def parse(text: str) -> Mapping[str, Price]:
    """Prices out of the setting: "owner/name 0.04 per image; other/name 0.07 per second". Raises `SettingsError`."""
    prices = {}
    for entry in filter(None, (part.strip() for part in re.split(r"[;\n]", text))):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise SettingsError(f"The price {entry!r} (remote_prices) cannot be read.",
                                fix="Write it as: owner/name 0.07 per second. Units: " + ", ".join(Unit) + ".")
        prices[match["model"]] = Price(float(match["usd"]), Unit(match["unit"]))
    return prices


def before(model: str, price: Price | None, expected: Used) -> str:
    """ "About $0.35 (5 s at $0.07)": what a run will cost as far as that is known."""
    if price is None:
        return f"The price of {model} is not known here; see {PAGES}{model}, and note it in remote_prices."
    if price.unit is Unit.COMPUTE_SECOND:
        return f"{model} costs {money(price.usd)} a second of computing; how many it takes is known afterwards."
    total, how = _total(price, expected)
    if total is None:
        return f"{model} costs {money(price.usd)} a second of video; how long that will be is known afterwards."
    return f"About {money(total)} for {model} ({how})."


def after(model: str, price: Price | None, used: Used) -> str:
    """What a result cost, by what was really used."""
    computing = f" It computed for {used.compute_s:.1f} s." if used.compute_s is not None else ""
    if price is None:
        return f"What it cost is not known here; see {PAGES}account/billing.{computing}"
    total, how = _total(price, used)
    if total is None:
        return f"What it cost is not known: the service did not say how long {model} computed."
    return f"It cost about {money(total)} ({how})."


def _total(price: Price, used: Used) -> tuple[float | None, str]:
    if price.unit is Unit.RUN:
        return price.usd, "one run"
    if price.unit is Unit.IMAGE:
        count = used.images or 1
        return count * price.usd, f"{count} image{'s' if count > 1 else ''} at {money(price.usd)}"
    seconds = used.seconds if price.unit is Unit.SECOND else used.compute_s
    if seconds is None:
        return None, ""
    what = "s" if price.unit is Unit.SECOND else "s of computing"
    return seconds * price.usd, f"{seconds:.3g} {what} at {money(price.usd)}"


def money(usd: float) -> str:
    """ "$0.35", "$0.000725": cents, and more places where these say nothing."""
    text = f"{usd:.2f}" if round(usd, 2) == round(usd, 6) else f"{usd:.6f}".rstrip("0")
    return f"${text}"
