"""VRAM profiles: how a diffusion model's weights are shared between RAM and the card.

The one table of profiles. Each becomes a call of `mmgp.offload.profile`, which `offload` makes; here are only numbers
and the choice that `auto` makes. Loads no model library, so the window may ask. GB are 2^30 bytes, MB 2^20.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engines.memory import PROFILES as NAMES
from ..errors import SettingsError

AUTO = "auto"

TRANSFORMERS = ("transformer", "transformer_2")
"""Component names of the denoisers; Wan 2.2 has both (high and low noise)."""
DENOISERS = (*TRANSFORMERS, "unet")
TEXT_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")
HIGH_VRAM_SHARE = 0.7
REPORTED_SHARE = 0.93
"""A card or machine sold as 24 or 64 GB reports a little less, so thresholds are taken at this share."""
FITS_SHARE = 0.6
"""A model whose weights fill at most this share of the card leaves the rest for what is computed."""


class Pinning(enum.StrEnum):
    """Which components are copied into page-locked RAM, from where they reach the card fastest."""

    ALL = "all"
    DENOISERS = "denoisers"
    FIRST_DENOISER = "first denoiser"
    NONE = "none"


@dataclass(frozen=True)
class Budgets:
    """The most that weights of one component may take on the card, in MB; 0 sets no limit.

    mmgp keeps up to twice a budget on the card, since the next block arrives while one is computed.
    """

    denoiser_mb: int = 0
    text_encoder_mb: int = 0
    rest_mb: int = 0
    vram_share: float = 0.0
    """Where above 0, the budget of every component is this share of the card's memory."""

    @property
    def streams(self) -> bool:
        """Whether denoisers pass through the card block by block even where they would fit."""
        return self.denoiser_mb > 0


@dataclass(frozen=True)
class Profile:
    """One profile. `ram_gb` and `vram_gb` are what it is meant for; `base` is mmgp's number, changed by the rest."""

    name: str
    title: str
    base: int
    ram_gb: int
    vram_gb: int
    pinning: Pinning
    budgets: Budgets = field(default_factory=Budgets)
    async_transfers: bool = True
    partial_pinning: bool = False

    def describe(self) -> str:
        return f"{self.name} {self.title} (for {self.ram_gb} GB RAM and {self.vram_gb} GB VRAM)"


_SMALL = Budgets(denoiser_mb=100, text_encoder_mb=100, rest_mb=3000)
_SMALLEST = Budgets(denoiser_mb=100, text_encoder_mb=100, rest_mb=1000)
_MOST_OF_THE_CARD = Budgets(vram_share=HIGH_VRAM_SHARE)

TABLE: Mapping[str, Profile] = {profile.name: profile for profile in (
    Profile("1", "HighRAM_HighVRAM", 1, 64, 24, Pinning.ALL),
    Profile("2", "HighRAM_LowVRAM", 2, 64, 12, Pinning.ALL, _SMALL),
    Profile("3", "LowRAM_HighVRAM", 3, 32, 24, Pinning.DENOISERS, _MOST_OF_THE_CARD),
    Profile("3.5", "VeryLowRAM_HighVRAM", 3, 32, 24, Pinning.NONE, _MOST_OF_THE_CARD),
    Profile("4", "LowRAM_LowVRAM", 4, 32, 12, Pinning.DENOISERS, _SMALL),
    Profile("4.5", "LowRAM_LowVRAM+", 4, 32, 12, Pinning.FIRST_DENOISER, _SMALL, async_transfers=False),
    Profile("5", "VeryLowRAM_LowVRAM", 5, 24, 10, Pinning.NONE, _SMALLEST),
)}


def by_name(name: str) -> Profile:
    """The profile with this name. Raises `SettingsError` that lists the known ones."""
    try:
        return TABLE[name]
    except KeyError:
        raise SettingsError(f"There is no VRAM profile {name!r}.", fix=f"Known: auto, {', '.join(NAMES)}.") from None


@dataclass(frozen=True)
class OffloadCall:
    """Arguments of one call of `mmgp.offload.profile`."""

    base: int
    pinned: bool | tuple[str, ...]
    budgets_mb: Mapping[str, int] | None
    async_transfers: bool
    partial_pinning: bool

    def kwargs(self) -> dict[str, Any]:
        """Keyword arguments; nothing is quantized or converted, since the loader has settled the weights already."""
        return {
            "pinnedMemory": self.pinned if isinstance(self.pinned, bool) else list(self.pinned),
            "budgets": None if self.budgets_mb is None else dict(self.budgets_mb),
            "asyncTransfers": self.async_transfers,
            "partialPinning": self.partial_pinning,
            "quantizeTransformer": False,
            "extraModelsToQuantize": [],
            "convertWeightsFloatTo": None,
        }


def offload_call(profile: Profile, components: Iterable[str], *, vram_gb: float, preload_mb: int = 0) -> OffloadCall:
    """What `profile` means for a pipeline with these component names on a card of `vram_gb`.

    `preload_mb` above 0 replaces the budgets of 100 MB. Shares of the card become MB here: mmgp 3.8.2 reads "70%" as
    seventy times the card's memory, and ignores a budget that is not given by component.
    """
    names = tuple(components)
    return OffloadCall(profile.base, _pinned(profile.pinning, names),
                       _budgets_mb(profile.budgets, names, vram_gb, preload_mb),
                       profile.async_transfers, profile.partial_pinning)


def _pinned(pinning: Pinning, names: tuple[str, ...]) -> bool | tuple[str, ...]:
    if pinning is Pinning.ALL:
        return True
    denoisers = tuple(name for name in DENOISERS if name in names)
    if pinning is Pinning.FIRST_DENOISER:
        denoisers = denoisers[:1]
    return denoisers if denoisers and pinning is not Pinning.NONE else False


def _budgets_mb(budgets: Budgets, names: tuple[str, ...], vram_gb: float, preload_mb: int) -> dict[str, int] | None:
    if budgets.vram_share:
        return {"*": max(1, int(budgets.vram_share * vram_gb * 1024))}
    if not budgets.streams:
        return None
    found = {name: preload_mb or budgets.denoiser_mb for name in DENOISERS if name in names}
    found |= {name: preload_mb or budgets.text_encoder_mb for name in TEXT_ENCODERS if name in names}
    return found | {"*": budgets.rest_mb}


@dataclass(frozen=True)
class ProfileChoice:
    """A profile's name and the sentence that says why it was taken."""

    name: str
    reason: str


def choose_profile(wanted: str, *, vram_gb: float, ram_gb: float, weights_gb: float = 0.0) -> ProfileChoice:
    """The profile to use; `auto` decides from the card's and the machine's whole memory.

    `weights_gb` is what the model's weights take in memory (0: unknown). A model that fits on the card beside its
    computations is not streamed, however small the card. Raises `SettingsError` for an unknown name.
    """
    if wanted != AUTO:
        return ProfileChoice(by_name(wanted).name, "asked for")
    machine = f"{vram_gb:.0f} GB VRAM and {ram_gb:.0f} GB RAM"
    if weights_gb and weights_gb <= FITS_SHARE * vram_gb:
        name = "1" if weights_gb <= ram_gb / 4 else "3" if _enough(ram_gb, 32) else "3.5"
        return ProfileChoice(name, f"auto: the weights ({weights_gb:.1f} GB) fit on the card; {machine}")
    high_vram, some_vram = _enough(vram_gb, 24), _enough(vram_gb, 12)
    if _enough(ram_gb, 64) and some_vram:
        name = "1" if high_vram else "2"
    elif _enough(ram_gb, 32) and some_vram:
        name = "3" if high_vram else "4"
    else:
        name = "3.5" if high_vram else "5"
    return ProfileChoice(name, f"auto: {machine}")


def _enough(reported_gb: float, nominal_gb: int) -> bool:
    return reported_gb >= REPORTED_SHARE * nominal_gb
