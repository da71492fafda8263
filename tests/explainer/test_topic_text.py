"""Texts to scenes: nothing invented, nothing lost, the right shapes found."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wgp_core.engines.explainer import topic_text
from wgp_core.engines.explainer.pages import patterns
from wgp_core.engines.explainer.pages.language import key_terms, links, split_sentences
from wgp_core.engines.explainer.pages.shorten import abridge
from wgp_core.request import SceneKind

WORD = re.compile(r"[^\W\d_]+")
MARKERS = set(
    """first firstly second secondly third thirdly fourth fifth then next finally lastly after that this
afterwards afterward and of all at last in the end step one to begin start with on by around about during year
a an however while whereas although versus vs compared with to compare contrast against""".split()
)


def said(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(text)}


def shown(drafts: tuple[topic_text.Draft, ...]) -> set[str]:
    return said(" ".join(" ".join((d.plan.title, d.plan.visual, d.plan.narration)) for d in drafts))


def kinds(text: str) -> list[SceneKind]:
    return [draft.plan.kind for draft in topic_text.draft_scenes(text)]


PIECES = st.sampled_from(
    [
        "Photosynthesis is the process by which plants make food.",
        "First mix it, then bake it, and finally eat it.",
        "In 1789 the revolution began.",
        "It ended in 1799.",
        "While cats sleep a lot, dogs run around.",
        "E = mc^2, where E is energy and m is mass.",
        "Python versus Java.",
        "1. Mix\n2. Bake\n3. Eat",
        "- apples\n- pears",
        "There are three rocks: igneous, sedimentary and metamorphic.",
        "Heat causes ice to melt.",
        "It costs $5 and $6.",
        "$\\frac{a}{b}$ is a ratio",
        "漢字。",
        "الخلية",
        "🚀",
        "\n\n",
        "...",
        "|",
        " | a | b",
        "Dr. Smith met J. Doe.",
        "+3 more",
        "A very " + "long " * 60 + "sentence.",
        "x" * 300,
        "\t\x00",
        "#1",
        "First",
        "then",
        "vs",
        "=",
        "1.",
        "-",
        ":",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=200), st.lists(PIECES, max_size=6).map(" ".join), st.lists(PIECES, max_size=5).map("\n".join)
)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_every_word_shown_stands_in_the_text_or_is_a_label(text: str) -> None:
    allowed = said(text) | said(" ".join(topic_text.LABELS))
    assert shown(topic_text.draft_scenes(text)) <= allowed


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example("B:0=A")
@example("So E = mc^2.")
def test_no_word_is_lost_but_instructions_and_step_words(text: str) -> None:
    drafts = topic_text.draft_scenes(text)
    body = topic_text.strip_instruction(text)
    assert said(body) - shown(drafts) <= MARKERS


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(1, 400))
def test_shortening_never_fails_and_says_that_it_did(text: str, chars: int) -> None:
    for draft in topic_text.draft_scenes(text):
        short = abridge(draft.plan, chars)
        assert said(short.visual + " " + short.narration) <= said(draft.plan.visual + " " + draft.plan.narration) | {
            "more"
        } | {
            # a word may be cut only where it is longer than all the room
            word
            for word in said(short.visual + " " + short.narration)
            if len(word) > 20
        }
        if len(short.visual) < len(draft.plan.visual):
            assert "…" in short.visual or re.search(r"\+\d+ more$", short.visual)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("explain how vaccines work", "How vaccines work"),
        ("Make a short video about the water cycle", "The water cycle"),
        ("please create an animation of a black hole", "A black hole"),
        ("Show me why the sky is blue.", "Why the sky is blue"),
        ("photosynthesis", "Photosynthesis"),
        ("Video", "Video"),
        ("show", "Show"),
        ("a video game history", "A video game history"),
        ("What is a closure?", "What is a closure?"),
        ("explain what attention does", "What attention does"),
    ],
)
def test_titles_come_without_the_instruction(text: str, title: str) -> None:
    assert topic_text.topic_title(text) == title


@pytest.mark.parametrize(("text", "kind", "visual"), [
    ("the water cycle: 1. evaporation 2. condensation", SceneKind.STEPS, "1. evaporation\n2. condensation"),
    ("The revolution: 1789 storming of the Bastille; 1792 the republic", SceneKind.TIMELINE,
     "1789 | Storming of the Bastille\n1792 | The republic"),
    ("Compare cats and dogs: cats sleep, dogs run.", SceneKind.COMPARISON, "Cats | Dogs\nCats sleep | Dogs run"),
    ("Compare mitosis and meiosis: mitosis makes two identical cells, meiosis makes four different cells",
     SceneKind.COMPARISON, "Mitosis | Meiosis\nMitosis makes two identical cells | Meiosis makes four different cells"),
    ("Tea: leaves; water; a cup", SceneKind.SUMMARY, "leaves\nwater\na cup"),
    ("First ice melts. Then it drips. The water runs off. Finally it freezes again.", SceneKind.STEPS,
     "1. Ice melts\n2. It drips\n3. The water runs off\n4. It freezes again"),
])
def test_short_prompts_have_shapes_too(text: str, kind: SceneKind, visual: str) -> None:
    drafts = topic_text.draft_scenes(text)
    assert (drafts[0].plan.kind, drafts[0].plan.visual) == (kind, visual)


def test_shortened_rows_keep_their_columns() -> None:
    for text in ("Cats vs dogs", "1789: the Bastille falls. 1792: the republic begins. 1799: Napoleon takes power."):
        plan, *_ = (draft.plan for draft in topic_text.draft_scenes(text))
        short = abridge(plan, 20)
        kept, more = short.visual.splitlines()[:-1], short.visual.splitlines()[-1]
        assert plan.visual.startswith("\n".join(kept)) and kept and re.fullmatch(r"\+\d more", more)


@pytest.mark.parametrize("text", ["What is a closure?", "explain what a closure is", "closure", "What are closures?"])
def test_the_questions_of_a_bare_topic_are_asked_of_what_it_names(text: str) -> None:
    *_, asked = topic_text.draft_scenes(text)
    assert {line.split(" | ")[0].rstrip("s") for line in asked.plan.visual.splitlines()} == {"closure"}


def test_what_stands_before_a_formula_s_colon_is_its_title() -> None:
    formula, *_ = topic_text.draft_scenes("Speed: v=s/t. It is what a tachometer shows.")
    assert (formula.plan.title, formula.plan.kind, formula.plan.visual) == ("Speed", SceneKind.FORMULA, "v=s/t")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "Photosynthesis is the process by which plants make food from sunlight and water, every single day.",
            SceneKind.DEFINITION,
        ),
        ("To make tea:\n1. Boil water\n2. Add leaves\n3. Wait", SceneKind.STEPS),
        (
            "First the flour is mixed with water. Then the dough rests. Finally it is baked in a hot oven.",
            SceneKind.STEPS,
        ),
        ("Python vs Java", SceneKind.COMPARISON),
        ("the difference between mitosis and meiosis", SceneKind.COMPARISON),
        ("Rome fell in 476 AD. The printing press came in 1450. Columbus sailed in 1492.", SceneKind.TIMELINE),
        ("1665: cells are seen in cork. 1839: cell theory is stated by two men.", SceneKind.TIMELINE),
        ("Energy and mass are linked by E = mc^2, where c is the speed of light.", SceneKind.FORMULA),
        ("The slope is $\\frac{dy}{dx}$ at every point of the curve, as Leibniz wrote.", SceneKind.FORMULA),
        (
            "While the outer membrane is smooth, the inner membrane of the cell is folded many times.",
            SceneKind.COMPARISON,
        ),
        ("a red vintage car driving through rain at night", SceneKind.CONCEPT_MAP),
    ],
)
def test_the_shape_of_a_text_is_found(text: str, kind: SceneKind) -> None:
    assert kinds(text)[0] is kind


def test_a_bare_topic_becomes_a_title_and_questions_and_nothing_else() -> None:
    title, questions = topic_text.draft_scenes("photosynthesis")
    assert title.plan.kind is SceneKind.TITLE
    ends = [line.split(" | ")[2] for line in questions.plan.visual.splitlines()]
    assert ends == list(topic_text.QUESTIONS)
    assert all(end.endswith("?") for end in ends)


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $6 today",
        "pay $10 or $20 now",
        "we set k = 4 here",
        "sum = total of it",
        "C# and F# = languages",
    ],
)
def test_prices_and_settings_are_no_formulas(text: str) -> None:
    assert patterns.formula(text) is None


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("area A = πr² of a circle", "A = πr²"),
        ("The equation is E = h f, where h is a constant", "E = h f"),
        ("so $x_1$ is known", "x_1"),
        ("f(x) = sin(x) + cos(2x)", "f(x) = sin(x) + cos(2x)"),
        ("Newton found F = ma.", "F = ma"),
        ("Net force = mass × acceleration.", "Net force = mass × acceleration"),
    ],
)
def test_formulas_are_cut_out_whole(text: str, formula: str) -> None:
    found = patterns.formula(text)
    assert found and found.formula == formula


def test_meanings_of_symbols_come_from_the_text() -> None:
    assert patterns.meanings("E is energy, m is mass and c is the speed of light.", "E = mc^2") == [
        ("E", "energy"),
        ("m", "mass"),
        ("c", "the speed of light"),
    ]


def test_sentences_end_where_they_should() -> None:
    text = "Dr. Smith weighs 3.5 kg, e.g. today. It works! Does it? See Fig. 2 for more.\n\nNew paragraph"
    assert split_sentences(text) == [
        "Dr. Smith weighs 3.5 kg, e.g. today.",
        "It works!",
        "Does it?",
        "See Fig. 2 for more.",
        "New paragraph",
    ]


def test_links_are_read_from_a_sentence() -> None:
    found = [(link.a, link.label, link.b) for link in links("Chlorophyll absorbs light energy and red heat.")]
    assert found == [("Chlorophyll", "absorbs", "light energy"), ("Chlorophyll", "absorbs", "red heat")]


def test_key_terms_put_the_repeated_phrase_first() -> None:
    text = "The water cycle moves water. The water cycle never stops. Clouds form over seas."
    assert key_terms(text)[0] == "water cycle"


def test_years_with_units_are_no_dates() -> None:
    assert patterns.dated("The tower is 1500 m high") is None
    assert patterns.dated("The war ended in 1945.") == ("1945", "The war ended in 1945.")
    assert patterns.dated("In 44 BC, Caesar was killed by senators.") == ("44 BC", "Caesar was killed by senators.")
    assert (patterns.year_of("44 BC"), patterns.year_of("1789")) == (-44, 1789)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; import wgp_core.engines.explainer.topic_text, wgp_core.engines.explainer.pages.build; "
        "print([m for m in ('torch', 'matplotlib', 'networkx') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
