from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from wgp_core.prompts.compress import compress
from wgp_core.prompts.tokens import EstimatedCounter

CLIP = EstimatedCounter("clip")
WORDS = st.sampled_from("a red ball bounces on green grass soft light lens 35 mm masterpiece dust, mood; tall. it's "
                        "über 8k — \"no\" "
                        "golden hour camera! moves? (slow)".split())
TEXTS = st.lists(WORDS, max_size=60).map(" ".join)


class Spaces:
    name, exact = "words", True

    def count(self, text: str) -> int:
        return len(text.split())


def test_the_least_important_goes_first() -> None:
    text = "a fox in a wood, nostalgic mood, 35 mm lens, soft light, best quality"
    core = "a fox in a wood"
    order = []
    for budget in range(14, 4, -1):
        order += [name for name in compress(text, Spaces(), budget, core=core).dropped if name not in order]
    assert order == ["nostalgic mood", "35 mm lens", "soft light", "best quality"]
    assert compress(text, Spaces(), 5, core=core).text == core


def test_a_text_that_fits_is_left_alone() -> None:
    assert compress("  a fox,  in a wood ", Spaces(), 20).text == "a fox,  in a wood"


def test_sentences_keep_their_form() -> None:
    text = "A fox runs. Slow dolly-in, a haze of things. Soft light, something else."
    assert compress(text, Spaces(), 8, core="A fox runs").text == "A fox runs. Slow dolly-in. Soft light."


def test_a_long_core_is_cut_at_the_end_of_a_clause_and_says_so() -> None:
    core = "a fox runs through a wood, jumps over a brook and sleeps under a tree"
    result = compress(f"{core}, soft light", Spaces(), 9, core=core)
    assert result.core_shortened
    assert result.text == "a fox runs through a wood"
    assert compress(core, Spaces(), 3, core=core).text == "a fox runs"


def test_protected_words_stay() -> None:
    core = "a fox runs through a wood and jumps over a brook"
    result = compress(f"trgr style, {core}, soft light", Spaces(), 8, core=core, protected=("trgr style",))
    assert result.text == "trgr style, a fox runs through a wood"


def test_what_says_the_cores_things_stays_where_the_core_was_rewritten() -> None:
    text = "Lush haze everywhere, a fox darting through trees, something vague"
    assert compress(text, Spaces(), 5, core="a fox runs through trees").text == "a fox darting through trees"


@settings(deadline=None)
@given(TEXTS, st.integers(0, 60), TEXTS, st.booleans())
@example("a", 0, "", False)
@example("camera!", 9, "a a a 35 35 camera!", True)
@example("", 1, "a — —", True)
def test_always_within_the_budget_idempotent_and_never_half_a_word(text: str, budget: int, core: str,
                                                                   within: bool) -> None:
    whole = f"{text}, {core}, {text}" if within else text
    once = compress(whole, CLIP, budget, core=core)
    assert CLIP.count(once.text) <= budget
    assert compress(once.text, CLIP, budget, core=core).text == once.text
    source = f"{whole} {core}".lower()
    for word in once.text.lower().split():
        assert word.strip(",;.!?") in source
    if within and core.strip(" .,;") and CLIP.count(core) <= budget:
        assert core.strip().rstrip(" .,;") in once.text
