"""A prompt and its enhancement in one text: the original, a line "!enhanced!", and the text that a model gets.

Records keep both this way, and a text that comes back in this form is used as it is instead of being enhanced again.
"""

from __future__ import annotations

LINE = "!enhanced!"


def join_enhanced(original: str, enhanced: str) -> str:
    """Both texts with the line between them."""
    return f"{original}\n{LINE}\n{enhanced}"


def split_enhanced(prompt: str) -> tuple[str, str | None]:
    """The original and the enhanced text; None where the prompt has no such line, or nothing behind it."""
    lines = prompt.splitlines()
    for at, line in enumerate(lines):
        if line.strip() == LINE:
            original, enhanced = ("\n".join(part).strip() for part in (lines[:at], lines[at + 1:]))
            return (original or enhanced, enhanced) if enhanced else (original, None)
    return prompt, None


def text_of(prompt: str) -> str:
    """What a model gets: the enhanced text where there is one."""
    original, enhanced = split_enhanced(prompt)
    return enhanced or original


def with_text(prompt: str, text: str) -> str:
    """The prompt with another text for the model; of an enhanced one the original stays."""
    original, enhanced = split_enhanced(prompt)
    return join_enhanced(original, text) if enhanced and text else text
