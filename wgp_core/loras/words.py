"""Words that LoRAs want in the prompt: triggers, the words of a profile, and negatives against artefacts.

The prompt as written is always kept whole; words are added around it and every addition is noted.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..request import LoraProfile, VideoRequest

INFOGRAPHIC_WORDS = ("clean academic infographic", "clear visual hierarchy", "flat vector shapes",
                     "generous white space", "legible labels")
NEGATIVE_WORDS = ("garbled text", "misspelled labels", "distorted letters", "warped lines", "cluttered layout",
                  "overlapping elements", "flickering", "compression artifacts", "watermark")
_HINT = re.compile(r"info[\W_]*graph|diagram|slide|academic|flow[\W_]*chart|poster|lecture|whiteboard", re.IGNORECASE)


def decorate(prompt: str, negative: str, request: VideoRequest) -> tuple[str, str, tuple[str, ...]]:
    """The prompt and negative prompt with the words that the request's LoRAs want, and a note for each addition.

    Without LoRAs nothing changes. A word that the text has already is not added again.
    """
    if not request.loras:
        return prompt, negative, ()
    notes: list[str] = []
    triggers: list[str] = []
    for use in request.loras:
        trigger = use.trigger.strip()
        if trigger and not has_phrase(" , ".join((*triggers, prompt)), trigger):
            triggers.append(trigger)
    if triggers:
        prompt = _joined(triggers, prompt, first=True)
        notes.append(f"Trigger words added to the prompt: {', '.join(triggers)}.")
    profile = chosen_profile(request)
    if profile is LoraProfile.ACADEMIC_INFOGRAPHIC:
        prompt = _add(INFOGRAPHIC_WORDS, prompt, f"LoRA profile {profile.value}: added to the prompt", notes)
        if request.lora_negative_boost:
            negative = _add(NEGATIVE_WORDS, negative, "LoRA negative boost: added to the negative prompt", notes)
    return prompt, negative, tuple(notes)


def chosen_profile(request: VideoRequest) -> LoraProfile:
    """The request's profile with `auto` decided from the LoRAs' names and triggers; never `auto`."""
    if not request.loras:
        return LoraProfile.NONE
    if request.lora_profile is not LoraProfile.AUTO:
        return request.lora_profile
    hinted = any(hints_infographic(use.path) or _HINT.search(use.trigger) for use in request.loras)
    return LoraProfile.ACADEMIC_INFOGRAPHIC if hinted else LoraProfile.NONE


def hints_infographic(path: Path) -> bool:
    """Whether a LoRA's own name, or the folder that it came in, speaks of diagrams or slides."""
    return any(_HINT.search(part) for part in (path.stem, path.parent.name))


def has_phrase(text: str, phrase: str) -> bool:
    """Whether `text` contains `phrase` as whole words, whatever the case and the spaces."""
    pattern = r"\s+".join(re.escape(word) for word in phrase.split())
    return bool(pattern) and re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE) is not None


def _add(words: tuple[str, ...], text: str, what: str, notes: list[str]) -> str:
    wanted = [word for word in words if not has_phrase(text, word)]
    if not wanted:
        return text
    notes.append(f"{what}: {', '.join(wanted)}.")
    return _joined(wanted, text, first=False)


def _joined(words: list[str], text: str, *, first: bool) -> str:
    """Words and the text, which stays as it is; a comma parts them but after the end of a sentence."""
    if not text.strip():
        return ", ".join(words) if not text else text + ", ".join(words)
    if first:
        return ", ".join(words) + ", " + text
    return text + (" " if text.rstrip().endswith((".", "!", "?", ",")) else ", ") + ", ".join(words)
