"""Pages: everything inside the picture, no text on another, something moving, the same frame every time."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from wgp_core.engines.explainer import glyphs
from wgp_core.engines.explainer.chrome import dress
from wgp_core.engines.explainer.layout import Rect
from wgp_core.engines.explainer.pages.build import build_page, detect_page
from wgp_core.engines.explainer.pages.formula import to_math
from wgp_core.engines.explainer.pages.map_layout import crosses_box, lay_out, overlap
from wgp_core.engines.explainer.pages.notation import read_dated, read_lines, read_links
from wgp_core.engines.explainer.pages.parts import Page
from wgp_core.engines.explainer.pages.picture import Picture
from wgp_core.engines.explainer.scene import Clock
from wgp_core.engines.explainer.stage import Stage
from wgp_core.engines.explainer.topic_text import draft_scenes
from wgp_core.errors import RequestError
from wgp_core.request import Cue, SceneKind, ScenePlan, Theme

SIZES = [(1280, 720), (480, 832), (320, 240)]
LONG = " ".join(f"word{i}" for i in range(200))
GIANT = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft"

PLANS = {
    "title": ScenePlan("The cell", SceneKind.TITLE, visual="From membrane to nucleus"),
    "title-giant": ScenePlan(GIANT + " and " + LONG[:60], SceneKind.TITLE),
    "steps": ScenePlan(
        "Tea",
        SceneKind.STEPS,
        visual="1. Boil water\n2. Add leaves\n3. Wait\n4. Pour\n5. Drink",
        narration="This is how tea is made.",
    ),
    "steps-long": ScenePlan("Long", SceneKind.STEPS, visual=f"1. {LONG}\n2. {GIANT}\n3. short"),
    "comparison": ScenePlan(
        "A vs B", SceneKind.COMPARISON, visual="Cats | Dogs\nsleep a lot | run around\nquiet | loud"
    ),
    "comparison-long": ScenePlan("A vs B", SceneKind.COMPARISON, visual=f"{GIANT} | B\n{LONG} | short\nx | {GIANT}"),
    "timeline": ScenePlan(
        "Milestones",
        SceneKind.TIMELINE,
        visual="1665: Cells in cork\n1839: Cell theory is stated\n1953: Double helix\n2012: Genes are edited",
        narration="Four hundred years of looking.",
    ),
    "timeline-long": ScenePlan("Milestones", SceneKind.TIMELINE, visual=f"44 BC | {LONG}\n1999 | {GIANT}\n2000 | a"),
    "formula": ScenePlan(
        "Energy",
        SceneKind.FORMULA,
        visual="E = mc^2\nE | energy\nm | mass\nc | the speed of light",
        narration="Mass is energy.",
    ),
    "formula-latex": ScenePlan("Quadratic", SceneKind.FORMULA, visual=r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}"),
    "formula-broken": ScenePlan("Broken", SceneKind.FORMULA, visual=r"\begin{align} x & = 5 \\ \end{align}"),
    "formula-long": ScenePlan(
        "Long", SceneKind.FORMULA, visual="y = " + " + ".join(f"a_{i} x^{i}" for i in range(40))
    ),
    "definition": ScenePlan(
        "What is it?",
        SceneKind.DEFINITION,
        visual="Cell | is the basic unit of life.",
        cues=(Cue("The cell is the basic unit of life.", "Alberts", 12),),
    ),
    "definition-long": ScenePlan("Long", SceneKind.DEFINITION, visual=f"{GIANT} | {LONG}"),
    "summary": ScenePlan("Summary", SceneKind.SUMMARY, visual="Cells live\nCells divide\nCells die\n+3 more"),
    "summary-long": ScenePlan(
        "Summary", SceneKind.SUMMARY, visual=f"{LONG}\n{GIANT}\nshort\nshort\nshort\nshort\nshort"
    ),
    "map": ScenePlan(
        "Energy",
        SceneKind.CONCEPT_MAP,
        narration="The sun feeds all.",
        visual="sun -> plant -> animal\n"
        "plant --releases--> oxygen\nanimal | breathes | oxygen\nanimal | breathes out | carbon dioxide\n"
        "plant | takes up | carbon dioxide",
    ),
    "map-long": ScenePlan(
        "Long",
        SceneKind.CONCEPT_MAP,
        visual=f"{GIANT} | which is connected in some way with | b\nb | x | {LONG}\nc | is | {GIANT}",
    ),
    "map-lone": ScenePlan("Terms", SceneKind.CONCEPT_MAP, visual="\n".join("term number " + c for c in "abcdefg")),
    "dollars": ScenePlan(
        "$5 and $6 or $x^2$", SceneKind.SUMMARY, visual="pay $5 and $6\n$x^2$ stays as typed\n100% {a} \\b_c"
    ),
    "scripts": ScenePlan(
        "漢字 and 🚀",
        SceneKind.SUMMARY,
        visual="植物利用阳光\nالخلية هي الوحدة\nПривет мир\nRockets 🚀 fly 👨‍👩‍👧\nनमस्ते",
    ),
}


def stage_for(plan: ScenePlan, size: tuple[int, int], theme: Theme = Theme.DARK) -> tuple[Stage, Page]:
    page = build_page(detect_page(plan), 3)
    page.source = "; ".join(f"{cue.source}, p. {cue.page}" for cue in plan.cues)
    stage = Stage(*size, theme)
    dress(stage, page, number=1, of=3)
    page.build(stage)
    return stage, page


def problems(stage: Stage) -> list[str]:
    boxes = stage.text_boxes()
    found = [
        f"outside: {b.text[:40]!r} {b.box}"
        for b in boxes
        if b.box[0] < -1 or b.box[1] < -1 or b.box[2] > stage.width + 1 or b.box[3] > stage.height + 1
    ]
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            wide = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
            high = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
            if wide > 2 and high > 2.5:
                found.append(f"overlap: {a.text[:40]!r} and {b.text[:40]!r} by {wide:.0f} x {high:.0f}")
    return found


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", PLANS)
def test_nothing_is_clipped_or_overlaps(name: str, size: tuple[int, int]) -> None:
    stage, page = stage_for(PLANS[name], size, Theme.LIGHT if size[0] == 480 else Theme.DARK)
    for u in (0.0, 0.33, 0.7, 1.0):
        page.draw(Clock(u, 6.0))
        stage.frame()
        assert problems(stage) == [], f"at {u}"


@pytest.mark.parametrize("name", [n for n in PLANS if "-" not in n])
def test_something_moves_all_the_time(name: str) -> None:
    stage, page = stage_for(PLANS[name], (480, 270))
    frames = []
    for u in np.linspace(0, 1, 11):
        page.draw(Clock(float(u), 6.0))
        frames.append(stage.frame().copy())
    changed = [not np.array_equal(a, b) for a, b in pairwise(frames)]
    assert sum(changed) >= 8, changed


@pytest.mark.parametrize(
    "name", ["title", "steps", "map", "formula", "summary", "definition", "timeline", "comparison"]
)
def test_a_frame_depends_on_the_clock_alone(name: str) -> None:
    stage, page = stage_for(PLANS[name], (320, 240))
    other, again = stage_for(PLANS[name], (320, 240))
    for u in (0.9, 0.1, 0.55):
        page.draw(Clock(u, 5.0))
        first = stage.frame().copy()
    again.draw(Clock(0.55, 5.0))
    assert np.array_equal(first, other.frame())


def test_pages_travel_to_other_processes_even_when_built() -> None:
    for plan in PLANS.values():
        page = build_page(detect_page(plan), 1)
        assert pickle.loads(pickle.dumps(page)) == page  # noqa: S301 - our own bytes
    _, built = stage_for(PLANS["summary"], (320, 240))
    assert pickle.loads(pickle.dumps(built)).items == built.items  # noqa: S301 - our own bytes


@settings(max_examples=25, deadline=None)
@given(
    st.one_of(
        st.text(min_size=1, max_size=120),
        st.lists(
            st.sampled_from(
                [
                    "$x$",
                    "a = b + c",
                    "漢字",
                    "1. go",
                    "- stop",
                    "cats vs dogs",
                    "In 1900 it began.",
                    "x" * 90,
                    "heat melts ice",
                    "🚀",
                    "\\frac",
                ]
            ),
            min_size=1,
            max_size=6,
        ).map("\n".join),
    )
)
def test_any_text_can_be_drawn(text: str) -> None:
    for draft in draft_scenes(text):
        stage, page = stage_for(draft.plan, (320, 240))
        page.draw(Clock(1.0, 3.0))
        stage.frame()
        assert [p for p in problems(stage) if p.startswith("outside")] == []


# -- the person's text is text ------------------------------------------------------------------------------------


def test_dollars_are_shown_as_typed() -> None:
    stage, page = stage_for(PLANS["dollars"], (1280, 720))
    page.draw(Clock(1.0, 5.0))
    shown = " ".join(box.text.replace("\n", " ") for box in stage.text_boxes())
    assert "$5 and $6" in shown and "$x^2$ stays as typed" in shown
    assert not any(artist.get_parse_math() for artist in stage.ax.texts)


@pytest.mark.parametrize(
    ("written", "math"),
    [
        ("E = mc^2", "$E = mc^{2}$"),
        ("$a_1$", "$a_{1}$"),
        ("A = πr²", "$A = πr^{2}$"),
        ("x = sqrt(2)", r"$x = \sqrt{2}$"),
        (r"\frac{a}{b}", r"$\frac{a}{b}$"),
        (r"\begin{align}", None),
        ("a $ b", None),
        ("", None),
        ("{", None),
        ("x^", None),
    ],
)
def test_formulas_are_read_or_refused(written: str, math: str | None) -> None:
    assert to_math(written) == math


def test_letters_without_a_font_get_stand_ins_and_a_note() -> None:
    assert glyphs.legible("plain é Ж α") == "plain é Ж α"
    lacking = "".join(c for c in "漢字" if glyphs._home(c) is None)
    if lacking:
        assert "Chinese character" in glyphs.legible("漢字")
        assert "Noto Sans CJK" in glyphs.notes(["漢字"])[0]
    assert glyphs.legible("up 🛸 we go 🛸.") in ("up we go.", "up 🛸 we go 🛸.")
    assert glyphs.notes(["plain", "naïve"]) == ()
    for text in ("漢字とかな", "नमस्ते", "🚀🛸", "ｆｕｌｌ", "𝐁𝐨𝐥𝐝"):
        assert all(glyphs._home(c) is not None for c in glyphs.legible(text))


def test_wide_text_breaks_between_letters_and_long_words_only_when_forced() -> None:
    assert glyphs.wrap("漢" * 10, 8) == ["漢" * 4, "漢" * 4, "漢漢"]
    assert glyphs.wrap("abcdefghij kl", 4) == ["abcdefghij", "kl"]
    assert glyphs.wrap("abcdefghij kl", 4, force=True) == ["abcd", "efgh", "ij", "kl"]


# -- concept maps ---------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0.8, 3.2), st.floats(0.5, 1.4)), min_size=2, max_size=7), st.data())
def test_boxes_of_a_map_never_overlap_and_stay_inside(sizes: list[tuple[float, float]], data: st.DataObject) -> None:
    n = len(sizes)
    pairs = data.draw(
        st.lists(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] != e[1]),
            min_size=1,
            max_size=8,
        )
    )
    area = Rect(0.5, 1.0, 15, 6.5)
    made = lay_out(sizes, pairs, [(1.0, 0.4)] * len(pairs), area)
    if made is None:
        return
    boxes = [Rect(x - w / 2, y - h / 2, w, h) for (x, y), (w, h) in zip(made.centres, sizes, strict=True)]
    for i, a in enumerate(boxes):
        assert (
            a.x >= area.x - 1e-6
            and a.right <= area.right + 1e-6
            and a.y >= area.y - 1e-6
            and a.top <= area.top + 1e-6
        )
        assert not any(overlap(a, b) for b in boxes[i + 1 :])
    for place in made.labels:
        if place:
            label = Rect(place[0] - 0.5, place[1] - 0.2, 1.0, 0.4)
            assert not any(overlap(label, box) for box in boxes)


def test_a_segment_meets_a_box_or_not() -> None:
    box = Rect(1, 1, 2, 2)
    assert crosses_box((0, 2), (4, 2), box)
    assert not crosses_box((0, 0), (4, 0.5), box)


# -- notation -----------------------------------------------------------------------------------------------------


def test_people_may_write_content_in_their_own_way() -> None:
    assert read_lines("1. one\n- two\n• three\n\n+2 more").items == ("one", "two", "three")
    assert read_lines("a\n+2 more").more == 2
    assert read_dated("1665: cells\n14 July 1789 – storm\n1900 | a | b")[0] == [
        ("1665", "cells"),
        ("14 July 1789", "storm"),
        ("1900", "a | b"),
    ]
    assert read_links("a -> b -> c\nd --makes--> e\nf | eats | g\nh")[0] == [
        ("a", "", "b"),
        ("b", "", "c"),
        ("d", "makes", "e"),
        ("f", "eats", "g"),
        ("h", "", ""),
    ]


@pytest.mark.parametrize(
    ("visual", "kind"),
    [
        ("1. a\n2. b", SceneKind.STEPS),
        ("- a\n- b", SceneKind.SUMMARY),
        ("1900: a\n1910: b", SceneKind.TIMELINE),
        ("sun -> plant", SceneKind.CONCEPT_MAP),
        ("A | B\nx | y", SceneKind.COMPARISON),
        ("A | what it is", SceneKind.DEFINITION),
    ],
)
def test_an_open_kind_follows_the_way_content_is_written(visual: str, kind: SceneKind) -> None:
    assert detect_page(ScenePlan("t", visual=visual)).kind is kind


def test_a_description_of_a_picture_is_not_taken_for_content() -> None:
    plan = detect_page(ScenePlan("Cells", visual="slow close-up of a cell", narration="Cells contain a nucleus."))
    assert "close-up" not in plan.visual and "nucleus" in plan.visual


def test_a_single_cue_is_quoted_with_its_source() -> None:
    plan = ScenePlan("Cells", cues=(Cue("The cell is the smallest unit of life on Earth.", "Alberts", 12),))
    assert detect_page(plan).kind is SceneKind.DEFINITION
    stage, _ = stage_for(plan, (1280, 720))
    assert any("Alberts, p. 12" in box.text for box in stage.text_boxes())


# -- pictures -----------------------------------------------------------------------------------------------------


def save_turned(path: Path) -> None:
    """A picture 40 wide, 20 high, red on the left, marked to be turned by 90 degrees."""
    image = Image.new("RGB", (40, 20), "blue")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(path, exif=exif, quality=95)


def test_a_picture_is_turned_and_shown_whole(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    save_turned(path)
    page = Picture("", path=str(path), caption="A $5 picture")
    stage = Stage(320, 240, Theme.DARK)
    page.build(stage)
    page.draw(Clock(0.0, 4.0))
    frame = stage.frame().astype(int)
    red = np.argwhere((frame[..., 0] > 200) & (frame[..., 2] < 60))
    blue = np.argwhere((frame[..., 2] > 200) & (frame[..., 0] < 60))
    assert red[:, 0].mean() < blue[:, 0].mean() - 20  # red is above after the turn
    tall, wide = np.ptp(np.vstack([red, blue]), axis=0)
    assert tall / wide == pytest.approx(2.0, rel=0.08)
    page.draw(Clock(1.0, 4.0))
    assert problems(stage) == []


@pytest.mark.parametrize("mode", ["CMYK", "L", "P", "RGBA", "LA", "1", "I;16"])
def test_pictures_of_every_mode_are_shown(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I;16") else "a.png")
    Image.new(mode, (30, 20)).save(path)
    page = Picture("", path=str(path))
    stage = Stage(320, 240, Theme.LIGHT)
    page.build(stage)
    page.draw(Clock(0.5, 2.0))
    assert stage.frame().shape == (240, 320, 4)


def test_what_is_no_picture_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    with pytest.raises(RequestError, match=r"notes\.png"):
        Picture("", path=str(path)).build(Stage(320, 240, Theme.DARK))
