from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.errors import RequestError
from wgp_core.prompts.macros import expand_macros, split_prompts

words = st.text(st.characters(codec="utf-8", exclude_characters='"{}\r\n#!\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029',
                              exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=12)


@given(st.lists(words, min_size=1, max_size=6), words)
def test_a_variable_makes_a_prompt_for_each_value(values: list[str], place: str) -> None:
    listed = ",".join(f'"{value}"' for value in values)
    prompts = split_prompts(f'! {{A}}={listed} : {{B}}="{place}"\nA {{A}} in {{B}}.', "line")
    assert prompts == tuple(f"A {value} in {place}." for value in values)


@given(st.lists(words, min_size=1, max_size=8))
def test_text_without_macros_is_left_alone(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert expand_macros(text) == text
    assert split_prompts(text, "line") == tuple(lines)


def test_several_values_advance_together() -> None:
    text = '! {A}="cat","dog" : {P}="beach","garden"\nA {A} on a {P}.\nThe {P} without the {A}.'
    assert split_prompts(text) == ("A cat on a beach.", "A dog on a garden.", "The beach without the cat.",
                                   "The garden without the dog.")


def test_paragraphs_and_comments() -> None:
    assert split_prompts("# mine\none\nline\n\n\ntwo\n", "paragraph") == ("one line", "two")
    assert split_prompts("one\n\n# two\nthree", "line") == ("one", "three")
    assert split_prompts("wow!\n! a plain line", "whole") == ("wow!\n! a plain line",)


@pytest.mark.parametrize(("text", "words"), [
    ('! {A} "b"\n{A}', "Line 1: the macro cannot be read"),
    ('! {A}="b" and\n{A}', "'and'"),
    ('! {A}="1","2" : {B}="1","2","3"\n{A}{B}', r"\{A\} has 2, \{B\} has 3"),
    ('one\n! {A}="b"\n{C}', r"Line 3: \{C\} has no value"),
    ("", "empty"),
    ("\n".join(["x"] * 501), "501 prompts"),
])
def test_what_cannot_be_read_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        split_prompts(text, "line")
