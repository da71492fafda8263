"""A prompt and its enhancement in one text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wgp_core.marked import LINE, join_enhanced, split_enhanced, text_of, with_text

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=60).map(
    str.strip).filter(lambda text: text and text != LINE)


@given(texts, texts)
def test_what_is_joined_is_split_again(original: str, enhanced: str) -> None:
    assert split_enhanced(join_enhanced(original, enhanced)) == (original, enhanced)


def test_a_prompt_without_the_line_stays_as_it_is() -> None:
    assert split_enhanced("a cat\non a mat ") == ("a cat\non a mat ", None)


def test_a_line_with_nothing_behind_it_is_dropped() -> None:
    assert split_enhanced(f"a cat\n{LINE}\n  ") == ("a cat", None)


def test_an_enhanced_text_alone_is_its_own_original() -> None:
    assert split_enhanced(f"{LINE}\na cat, soft light") == ("a cat, soft light", "a cat, soft light")


def test_the_models_text_changes_and_the_original_stays() -> None:
    both = join_enhanced("a cat", "a cat, soft light")
    assert text_of(both) == "a cat, soft light" and text_of("a dog") == "a dog"
    assert split_enhanced(with_text(both, "a cat, hard light")) == ("a cat", "a cat, hard light")
    assert with_text(both, text_of(both)) == both and with_text(both, "") == ""
    assert with_text("a cat", "a dog") == "a dog"
