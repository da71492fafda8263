"""Plans by rules: every second is used, every cue once, nothing is said that no cue says."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wgp_core.engines.explainer.compose import compose, plan_for, topic_for
from wgp_core.errors import RequestError
from wgp_core.planning.beats import RECAP_LABEL
from wgp_core.planning.brief import Framework, PlanBrief, Planned
from wgp_core.planning.material import Role, Statement, lists_of, roles_of, stands_alone, steps_of
from wgp_core.planning.pages import plain_heading, shortened, title_of
from wgp_core.planning.rules import RECAP_PURPOSE, plan_by_rules, plan_statements
from wgp_core.request import Cue, SceneKind, VideoRequest

CUES = tuple(Cue(text, "Optics.pdf", page) for text, page in (
    ("Refraction is the change of direction of light when it enters another material.", 3),
    ("Light bends towards the perpendicular because it becomes slower in the glass.", 4),
    ("Water has a refractive index of 1.33, and diamond has one of 2.42.", 5),
    ("A prism spreads white light, since blue light is refracted more strongly than red light.", 6),
    ("Lenses use refraction to bring rays together in one point.", 8),
    ("Dispersion causes coloured edges, which are a problem for every simple lens.", 9),
    ("Lens makers combine two kinds of glass so that the coloured edges become weaker.", 10),
))


def words_said(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def cues_in(planned: Planned, *, recap: bool = False) -> list[Cue]:
    return [cue for scene in planned.scenes for cue in scene.cues if recap or scene.purpose != RECAP_PURPOSE]


@pytest.mark.parametrize("framework", list(Framework))
@pytest.mark.parametrize("seconds", [5, 12, 20, 60, 180])
def test_a_plan_fills_the_time_with_cues_that_are_used_once(framework: Framework, seconds: float) -> None:
    planned = plan_by_rules(PlanBrief("refraction", framework=framework, seconds=seconds), CUES)
    assert sum(scene.seconds or 0 for scene in planned.scenes) == pytest.approx(seconds, abs=1e-6)
    used = cues_in(planned)
    assert used and len(used) == len(set(used)) and set(used) <= set(CUES)
    assert planned.planner == "rules" and planned.grounded
    assert len({scene.title for scene in planned.scenes}) == len(planned.scenes)


def test_what_is_said_and_shown_is_what_the_cues_say() -> None:
    for scene in plan_by_rules(PlanBrief("refraction", seconds=60), CUES).scenes:
        if not scene.cues:
            continue
        there = words_said(" ".join(cue.text for cue in scene.cues)) | {"more"}
        assert words_said(scene.narration) <= there
        assert words_said(scene.visual) <= there


def test_the_academic_plan_opens_defines_explains_and_recaps() -> None:
    scenes = plan_by_rules(PlanBrief("refraction", seconds=60), CUES).scenes
    beats = [scene.purpose.split(":")[0] for scene in scenes]
    assert beats[0] == "Opening" and beats[1] == "Intuition" and beats[-1] == "Recap"
    assert "Mechanism" in beats and "Example" in beats
    assert scenes[1].kind is SceneKind.DEFINITION
    assert scenes[1].visual.startswith("Refraction | the change of direction")
    assert scenes[-1].title == RECAP_LABEL and {cue.page for cue in scenes[-1].cues} <= {cue.page for cue in CUES}


def test_longer_videos_say_more() -> None:
    counts = [len(cues_in(plan_by_rules(PlanBrief("refraction", seconds=s), CUES))) for s in (6, 20, 60)]
    assert counts[0] < counts[1] < counts[2] == len(CUES)


def test_pas_names_the_problem_and_then_what_helps() -> None:
    planned = plan_by_rules(PlanBrief("coloured edges of a lens", framework=Framework.PAS, seconds=30), CUES)
    by_beat = {scene.purpose.split(":")[0]: scene for scene in planned.scenes}
    assert "problem" in by_beat["Problem"].narration
    assert list(by_beat).index("Problem") < list(by_beat).index("Solution")


def test_without_cues_a_plan_asks_and_claims_nothing() -> None:
    planned = plan_by_rules(PlanBrief("photosynthesis", seconds=20), ())
    assert not planned.grounded and len(planned.scenes) == 4
    assert all(scene.kind is SceneKind.TITLE and not scene.narration for scene in planned.scenes)
    assert planned.scenes[1].title == "What is photosynthesis?"


@pytest.mark.parametrize(("topic", "question"), [
    ("things that come nearer", "What are things that come nearer?"),
    ("the orbit of two moons", "What is the orbit of two moons?"), ("laws of motion", "What are laws of motion?")])
def test_a_question_counts_the_noun_and_not_the_last_word(topic: str, question: str) -> None:
    assert question in [scene.title for scene in plan_by_rules(PlanBrief(topic, 20), ()).scenes]


def test_a_known_subject_keeps_its_own_scenes_between_grounded_ones() -> None:
    cue = Cue("Gradient descent is a method that finds a minimum of a function.", "ML.pdf", 7)
    planned = plan_by_rules(PlanBrief("gradient descent", seconds=30), [cue])
    kinds = [scene.kind for scene in planned.scenes]
    assert kinds[:2] == [SceneKind.TITLE, SceneKind.DEFINITION] and SceneKind.SUBJECT in kinds
    drawn = next(scene for scene in planned.scenes if scene.kind is SceneKind.SUBJECT)
    assert drawn.visual.startswith("gradient-descent#") and not drawn.cues


def test_a_known_subject_needs_its_keyword() -> None:
    cue = Cue("A data frame is a list of columns of the same length.", "R.pdf", 36)
    planned = plan_by_rules(PlanBrief("data frames", seconds=20), [cue], embed=lambda _texts: pytest.fail("asked"))
    assert all(scene.kind is not SceneKind.SUBJECT for scene in planned.scenes)


def test_the_number_of_scenes_can_be_asked_for() -> None:
    assert len(plan_by_rules(PlanBrief("refraction", seconds=40, scenes=4), CUES).scenes) == 4
    assert len(plan_by_rules(PlanBrief("refraction", seconds=10, scenes=1), CUES).scenes) == 1
    few = plan_by_rules(PlanBrief("refraction", seconds=40, scenes=9), CUES[:2])
    assert any("not for 9" in warning for warning in few.warnings)


def test_little_to_say_in_a_long_video_is_warned_of() -> None:
    planned = plan_by_rules(PlanBrief("refraction", seconds=300), CUES[:1])
    assert any("little to say" in warning for warning in planned.warnings)
    assert all(0.5 <= (scene.seconds or 0) <= 180 for scene in planned.scenes)


@pytest.mark.parametrize(("brief", "field"), [
    (PlanBrief(" ?! "), "topic"), (PlanBrief("x" * 500), "topic"), (PlanBrief("light", seconds=0.5), "seconds"),
    (PlanBrief("light", scenes=99), "scenes")])
def test_a_brief_that_cannot_be_is_refused_by_field(brief: PlanBrief, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        plan_by_rules(brief, ())
    assert caught.value.field == field


def test_the_local_engine_shows_the_page_number_and_does_not_caption_what_stands_on_the_page() -> None:
    planned = plan_by_rules(PlanBrief("refraction", seconds=20), CUES)
    request = VideoRequest("refraction", plan=planned.scenes, seed=1)
    scenes = compose(plan_for(request, 20.0), topic_for(request, 20.0))
    assert scenes[1].source == "Optics.pdf, p. 3"
    assert scenes[1].narration == "" and scenes[1].spoken == CUES[0].text


@pytest.mark.parametrize("framework", list(Framework))
def test_facts_of_one_section_are_told_in_the_author_s_order(framework: Framework) -> None:
    told = ("Water moves between the sea, the air and the land.", "Warm moist air rises above the sea.",
            "White clouds gather over the mountains.", "The drops collide and grow.",
            "Heavy rain falls on the forest.", "The river reaches the sea.")
    worths = (0.5, 0.62, 0.9, 0.66, 0.81, 0.7)
    statements = [Statement((Cue(text, "water.md"),), heading="Water", place=("water.md", 1, i), worth=worth)
                  for i, (text, worth) in enumerate(zip(told, worths, strict=True))]
    planned = plan_statements(PlanBrief("the water cycle", framework=framework, seconds=40), statements)
    used = [cue.text for cue in cues_in(planned)]
    assert len(used) == len(told) and used == sorted(used, key=told.index)


# -- statements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "role"), [
    ("Refraction is the change of direction of light.", Role.DEFINITION),
    ("It bends because it becomes slower in glass.", Role.MECHANISM),
    ("For example, water has an index of 1.33.", Role.EXAMPLE),
    ("The energy is E = m c^2 for a body at rest.", Role.FORMULA),
    ("Old methods were slow and could fail without notice.", Role.PROBLEM),
    ("The method makes learning easier and faster.", Role.BENEFIT),
    ("Use the smallest hole that still lets light in.", Role.ACTION),
    ("In 1826 the first photograph was made.", Role.PAST)])
def test_statements_are_known_for_what_they_are_good_for(text: str, role: Role) -> None:
    roles = roles_of(Statement((Cue(text),)), "refraction")
    assert roles.get(role, 0) >= 0.5


@pytest.mark.parametrize("text", [
    "The images below illustrate some differences between the two.", "The algorithm iterates between two steps.",
    "A camera makes a photograph in five steps.", "Able to handle problems with several outputs at once.",
    "The first score is a beautiful score from 1950.", "Separate simple models of y on x within levels of A.",
    "For more details see the section on kernels.", "As shown above, the value is three.",
    "The table below lists the values.", "Generic functions will be discussed further in Section 10.9, page 52.",
    "Functions are objects that form part of R, which we discuss in some detail later."])
def test_statements_that_need_what_stood_around_them_are_known(text: str) -> None:
    assert not stands_alone(text)


@pytest.mark.parametrize("text", [
    "Light travels in straight lines.", "The stamping and cutting was done completely by hand.",
    "A lens bends light.", "R functions return the value of their last expression.",
    "The sea warms, and its water becomes a gas that no one can see.", "A section of the pipe carries the water.",
    "Warm air rises above the blue sea.", "Water freezes below zero degrees."])
def test_statements_that_stand_alone_are_known(text: str) -> None:
    assert stands_alone(text)


def test_a_step_may_lack_its_word() -> None:
    told = ["First, hot rock melts deep in the mantle.", "Then the magma rises towards the surface.",
            "Dissolved gases form bubbles as the pressure falls.", "Finally, the volcano erupts with great force.",
            "Shield volcanoes have gentle slopes and thin lava."]
    found = steps_of(told)
    assert found is not None and found.items == tuple(told[:4])


def test_lists_are_found_with_what_introduces_them() -> None:
    bullets = lists_of("Some text.\nThe restrictions on data frames are\n• The components must be vectors.\n"
                       "• Vectors must have the same length.\nMore text.")
    assert [(each.items, each.numbered) for each in bullets] == [
        (("The components must be vectors", "Vectors must have the same length"), False)]
    plain = lists_of("The advantages of lenses are:\n\nThey are light in weight.\n\nThey are cheap to make.\n\n"
                     + "And so on. " * 20)
    assert plain[0].items == ("They are light in weight", "They are cheap to make")
    assert lists_of("No list here.\nNor here: x\ny") == []


def test_steps_are_found_in_running_text() -> None:
    steps = steps_of(["It has steps.", "First, the shutter stays closed.", "Then the shutter opens wide.",
                      "Finally, the charges are read out.", "Something else follows."])
    assert steps and len(steps.items) == 3 and steps.intro == "It has steps."
    assert steps_of(["First of all this is nice.", "Nothing follows here."]) is None


@pytest.mark.parametrize(("heading", "title"), [
    ("6.3.1 Making data frames", "Making data frames"), ("2.3.2. K-means¶", "K-means"), ("/brace187Piano", ""),
    ("10.7 Scope", "Scope"), ("x[i, j] <- 0", ""), ("", "")])
def test_headings_become_titles(heading: str, title: str) -> None:
    assert plain_heading(heading) == title


def test_a_heading_that_says_something_else_is_no_title() -> None:
    from wgp_core.planning.beats import BEATS

    beat = BEATS[Framework.ACADEMIC][0]
    cue = (Cue("Light travels in straight lines."),)
    assert title_of(beat, [Statement(cue, heading="Cooking with gas")], "shadows") == "The idea"
    assert title_of(beat, [Statement(cue, heading="2.1 Straight lines")], "shadows") == "Straight lines"
    assert title_of(beat, [Statement(cue)], "shadows", ["The idea"]) == "Put differently"


def test_shortening_is_visible_and_ends_at_a_clause_or_word() -> None:
    text = "The plates were stamped by hand in mirror image, because nobody had found a better way to do it until then."
    assert shortened(text, 200) == text
    assert shortened(text, 80) == "The plates were stamped by hand in mirror image …"
    assert shortened("word " * 60, 50).endswith("word…") and len(shortened("word " * 60, 50)) <= 50


def test_a_list_keeps_its_scene_and_is_shortened_where_time_is_short() -> None:
    items = tuple(Cue(f"Step number {i} takes the light that came in and hands it on to the next part", "B.pdf", 2)
                  for i in range(1, 6))
    listed = Statement(items, worth=0.9, intro="A camera makes a photograph in five steps.", numbered=True)
    planned = plan_statements(PlanBrief("how a camera works", seconds=20), [listed])
    page = next(scene for scene in planned.scenes if scene.kind is SceneKind.STEPS)
    assert len(page.visual.splitlines()) == 5 and page.cues == items
    assert all(len(line) <= 60 for line in page.visual.splitlines())
    assert all(cue.text in page.narration for cue in items) and "…" not in page.narration


# -- properties -----------------------------------------------------------------------------------------------------

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=160)
cue_lists = st.lists(st.builds(Cue, text=words, source=st.sampled_from(["", "A.pdf", "B.pdf"]),
                               page=st.one_of(st.none(), st.integers(1, 900))), max_size=12)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(topic=words.filter(lambda text: any(letter.isalnum() for letter in text)), cues=cue_lists,
       seconds=st.floats(2, 600), scenes=st.integers(0, 12), framework=st.sampled_from(Framework))
def test_any_cues_make_a_plan_that_adds_up(topic: str, cues: list[Cue], seconds: float, scenes: int,
                                           framework: Framework) -> None:
    planned = plan_by_rules(PlanBrief(topic, seconds=seconds, scenes=scenes, framework=framework), cues)
    assert planned.scenes
    assert sum(scene.seconds or 0 for scene in planned.scenes) == pytest.approx(seconds, abs=0.011)
    assert all((scene.seconds or 0) > 0 for scene in planned.scenes)
    assert all(cue in cues for scene in planned.scenes for cue in scene.cues)
    if seconds < 110:
        used = cues_in(planned)
        assert len(used) == len(set(used))
    VideoRequest("x", plan=planned.scenes)
