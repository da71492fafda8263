"""Enhancing with a strong model: it writes the prompt anew. What chat models say around their answer is taken off."""

from __future__ import annotations

import re

from ...errors import EngineError
from ...events import CancelToken
from ..enhancement import EnhanceRequest, TextModel
from ..facts import Facts
from ..job_types import JobTypeSpec


def enhance_freely(model: TextModel, request: EnhanceRequest, spec: JobTypeSpec, facts: Facts, *, notes: str = "",
                   cancel: CancelToken | None = None) -> str:
    """The model's rewriting, by the caller's own instructions where the request has some, else the job type's.

    `notes` say what was wrong with the answer before; they give the second try another seed too. Raises what
    `model.complete` raises, and `EngineError` for an answer without a prompt in it.
    """
    answer = model.complete(request.system_prompt.strip() or spec.system_prompt, _question(request, facts, notes),
                            max_new_tokens=request.max_new_tokens, seed=request.seed + (1 if notes else 0),
                            cancel=cancel)
    text = clean(answer)
    if not text:
        raise EngineError(f"{model.name} gave no prompt.", fix="Try another seed or another model.")
    return text


def _question(request: EnhanceRequest, facts: Facts, notes: str) -> str:
    parts = [f"Prompt: {request.prompt.strip()}"]
    if request.context.strip():
        parts.append(f"Context: {request.context.strip()}")
    fixed = [*(f"\"{text}\"" for text in facts.quoted), *(name for name in facts.names if name not in facts.quoted),
             *(word for word in request.protected if word.strip())]
    if fixed:
        parts.append(f"Word for word in the answer: {'; '.join(dict.fromkeys(fixed))}.")
    if facts.negations:
        parts.append(f"The answer says too that these are not there: {', '.join(facts.negations)}.")
    if notes:
        parts.append(notes)
    return "\n\n".join(parts)


_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_LOST_THINKING = re.compile(r"\A.*?</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_CONTROL = re.compile(r"<\|[^<>|]{0,40}\|>")
_FENCE = re.compile(r"```[\w-]*\n(.*?)(?:```|\Z)", re.DOTALL)
_LABEL = re.compile(r"\A(?:\W*(?:the )?(?:(?:enhanced|improved|rewritten|revised|refined|final|new|cinematic|detailed|"
                    r"image|video|updated|sdxl|wan|output|my) )*(?:prompt|rewrite|version|description|answer|output|"
                    r"response|result)(?: \([^)\n]*\))?[\s*_]*:[\s*_]*)", re.IGNORECASE)
_POLITE = re.compile(r"\A(?:here (?:it is|you go)|(?:here(?:'s|’s| is| are)|below is|this is|i(?:'ve|’ve| have))\b"
                     r"[^\n:]{0,120}\b(?:prompts?|version|description|rewrite|rewritten|enhanced|result|answer)\b"
                     r"[^\n:]{0,60}?)(?::|[.!]?[ ]*\n)\s*", re.IGNORECASE)
_POLITE_WORD = re.compile(r"\A(?:sure|certainly|of course|absolutely|okay|great)[,.!]+\s+", re.IGNORECASE)
_AFTERWORD = re.compile(r"\n\s*\W*(?:note|explanation|this (?:prompt|version|rewrite|description)|i (?:hope|added|kept|"
                        r"have|made|changed)|let me know|feel free|would you|changes|key (?:changes|elements)|"
                        r"negative prompt|word count|alternatively|option 2|version 2|2[.)])", re.IGNORECASE)
_MARKS = re.compile(r"\*\*|__|^\s{0,3}#{1,6}\s+|^\s*(?:[-*•]|1[.)])\s+", re.MULTILINE)
_QUOTES = (("\"", "\""), ("“", "”"), ("'", "'"), ("‘", "’"), ("«", "»"), ("`", "`"))
_END = re.compile(r"[.!?…](?=[\"”')\]]*(?:\s|\Z))")


def clean(answer: str) -> str:
    """The prompt in a chat model's answer, on one line: no thoughts, politeness, labels, marks, quotes or afterword.

    A last sentence that was cut off is left out where whole sentences stand before it. "" where nothing is left.
    """
    text = _LOST_THINKING.sub("", _THINKING.sub("", answer)) if "</" in answer or "<" in answer else answer
    text = _CONTROL.sub("", text).strip()
    fenced = _FENCE.search(text)
    if fenced and fenced.group(1).strip():
        text = fenced.group(1).strip()
    text = _MARKS.sub("", text.replace("`", "")).strip()
    for _ in range(4):
        before = text
        for pattern in (_POLITE, _POLITE_WORD, _LABEL):
            text = pattern.sub("", text, count=1).strip()
        end = _AFTERWORD.search(text)
        text = _unquoted(text[:end.start()] if end and end.start() else text)
        if text == before:
            break
    return _whole_sentences(" ".join(text.split()))


def _unquoted(text: str) -> str:
    text = text.strip()
    for left, right in _QUOTES:
        inner = text[len(left):-len(right)]
        whole = text.startswith(left) and text.endswith(right)
        if len(text) > 2 and whole and left not in inner and right not in inner:
            return inner.strip()
    return text


def _whole_sentences(text: str) -> str:
    """Without a last sentence that lacks its end, unless that is most of the text (a line of phrases has no end)."""
    ends = [match.end() for match in _END.finditer(text)]
    if not ends or ends[-1] >= len(text.rstrip("\"”')]")):
        return text
    cut = text[:ends[-1]]
    closing = re.match(r"[\"”')\]]*", text[ends[-1]:])
    return cut + (closing.group() if closing else "") if len(cut) > len(text) / 2 else text
