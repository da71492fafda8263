"""Turns a system and a user message into the text that a chat model was trained on."""

from __future__ import annotations

import re
from typing import Any

_CONTROL = re.compile(r"<\|[^<>|]{1,40}\|>")


def chat_ids(tokenizer: Any, system: str, user: str) -> list[int]:
    """The tokens of a chat that waits for the model's answer.

    Uses the tokenizer's own template; without one, Llama 3's or ChatML where its control words are known, else plain
    paragraphs. Control words inside the messages are taken out, so that no message can end itself.
    """
    system, user = (_CONTROL.sub("", text).strip() for text in (system, user))
    if getattr(tokenizer, "chat_template", None):
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    else:
        text = _without_template(set(tokenizer.get_vocab()), system, user)
    return list(tokenizer(text, add_special_tokens=False).input_ids)


def _without_template(words: set[str], system: str, user: str) -> str:
    said = (("system", system), ("user", user))
    if "<|start_header_id|>" in words:
        turns = "".join(f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>" for role, text in said)
        return f"<|begin_of_text|>{turns}<|start_header_id|>assistant<|end_header_id|>\n\n"
    if "<|im_start|>" in words:
        return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in said) + "<|im_start|>assistant\n"
    return f"{system}\n\n{user}\n\n"


def end_tokens(tokenizer: Any, *configured: Any) -> list[int]:
    """Ids that end an answer: those of the configurations (a number, a list or None) and the known words for it."""
    ids: set[int] = set()
    for each in (tokenizer.eos_token_id, *configured):
        ids.update(each if isinstance(each, (list, tuple)) else () if each is None else (each,))
    vocabulary = tokenizer.get_vocab()
    ids.update(vocabulary[word] for word in ("<|eot_id|>", "<|im_end|>") if word in vocabulary)
    return sorted(ids)
