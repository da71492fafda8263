"""Plans from documents with the real text model: what is said stands on the page that is named, or nothing is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from prompts.chat_server import Chat, serving

from wgp_core.documents.cues import grounded
from wgp_core.documents.retrieve import SILENCE, Retriever, open_retriever
from wgp_core.documents.types import Chunk, as_json_lines
from wgp_core.errors import Cancelled
from wgp_core.events import CancelToken
from wgp_core.models.embedder import MiniLmEmbedder
from wgp_core.planning.brief import Framework, PlanBrief
from wgp_core.planning.grounded import cues_from_documents, overlay_prompt, plan_from_documents
from wgp_core.planning.llm import plan_documents_with_llm
from wgp_core.prompts.llm.openai_compatible import OpenAIModel
from wgp_core.request import SceneKind

PAGES = {
    3: "Mitosis is the division of a cell nucleus into two nuclei with the same chromosomes. It has four phases. The "
       "spindle fibres pull the chromosomes apart because they shorten at both ends. See Section 4 for pictures.",
    4: "The phases of mitosis are\n• Prophase makes the chromosomes visible\n• Metaphase lines them up in the middle\n"
       "• Anaphase pulls the halves apart\n• Telophase closes the two new nuclei\nErrors of mitosis can lead to cells "
       "with a wrong number of chromosomes, which is a problem in many tumours.",
    9: "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen. It happens in the chloroplasts, "
       "whose green chlorophyll absorbs red and blue light and reflects the green.",
    12: "The function read.table reads a file in table format and creates a data frame from it. Its argument header "
        "says whether the first line of the file holds the names of the variables.",
    15: "The Fourier transform writes a signal as a sum of sine waves. Each wave has a frequency, an amplitude and a "
        "phase. The fast algorithm of Cooley and Tukey takes n log n steps instead of n squared.",
}


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    if MiniLmEmbedder.find(Path("no-such-folder")) is None:
        pytest.skip("the text model is not installed")
    folder = tmp_path_factory.mktemp("book")
    chunks = [Chunk.make(text, source="Biology.pdf", page_from=page, page_to=page, heading=("1 Cells", "1.2 Part"))
              for page, text in PAGES.items()]
    (folder / "chunks.jsonl").write_text(as_json_lines(chunks), encoding="utf-8")
    return open_retriever(folder / "chunks.jsonl", folder)


@pytest.mark.parametrize("framework", list(Framework))
def test_every_cue_stands_on_its_page(retriever: Retriever, framework: Framework) -> None:
    planned = plan_from_documents(PlanBrief("mitosis", framework=framework, seconds=40), retriever)
    cues = [cue for scene in planned.scenes for cue in scene.cues]
    assert planned.grounded and planned.warnings == ()
    assert all(cue.source == "Biology.pdf" and grounded(cue.text, PAGES[cue.page or 0]) for cue in cues)
    assert {cue.page for cue in cues} <= {3, 4}
    assert "Section" not in " ".join(scene.narration for scene in planned.scenes)


def test_the_definition_comes_first_and_the_list_has_its_page(retriever: Retriever) -> None:
    scenes = plan_from_documents(PlanBrief("mitosis", seconds=40), retriever).scenes
    assert scenes[0].kind is SceneKind.TITLE and scenes[0].title == "Mitosis"
    assert scenes[1].kind is SceneKind.DEFINITION and scenes[1].visual.startswith("Mitosis | the division")
    listed = next(scene for scene in scenes if len(scene.cues) == 4)
    assert listed.visual.splitlines()[0].startswith("Prophase makes") and listed.cues[0].page == 4


@pytest.mark.parametrize("topic", ["Who won the world cup in 1998?", "cheap hotels in Barcelona"])
def test_silent_documents_are_said_to_be_silent(retriever: Retriever, topic: str) -> None:
    planned = plan_from_documents(PlanBrief(topic, seconds=20), retriever)
    assert planned.warnings[0] == SILENCE and not planned.grounded
    assert not any(scene.narration for scene in planned.scenes)
    assert overlay_prompt(topic, retriever) == topic
    assert cues_from_documents(PlanBrief(topic), retriever) == []


def test_instructions_around_a_topic_do_not_matter(retriever: Retriever) -> None:
    plain = plan_from_documents(PlanBrief("mitosis", seconds=20), retriever)
    asked = plan_from_documents(PlanBrief("Make a video about mitosis", seconds=20), retriever)
    assert [scene.narration for scene in asked.scenes] == [scene.narration for scene in plain.scenes]


def test_an_overlay_puts_what_the_documents_say_behind_the_topic(retriever: Retriever) -> None:
    prompt = overlay_prompt("mitosis", retriever)
    assert prompt.startswith("mitosis. ") and "division of a cell nucleus" in prompt
    assert len(prompt.split()) <= retriever.options.max_context_words + 1


def test_the_same_brief_gives_the_same_plan(retriever: Retriever) -> None:
    brief = PlanBrief("photosynthesis", seconds=20)
    assert plan_from_documents(brief, retriever) == plan_from_documents(brief, retriever)


def test_documents_without_pages_have_no_page_number(retriever: Retriever) -> None:
    chunks = [replace(chunk, source="notes.md") for chunk in retriever.chunks]
    plain = Retriever(chunks, retriever.index, retriever.embedder, retriever.options)
    cues = cues_from_documents(PlanBrief("mitosis"), plain)
    assert cues and all(cue.source == "notes.md" and cue.page is None for cue in cues)


def test_a_cancel_ends_the_asking(retriever: Retriever) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        plan_from_documents(PlanBrief("mitosis"), retriever, cancel=cancel)


def test_a_model_asks_the_documents_first_and_is_held_to_them(retriever: Retriever) -> None:
    answer = json.dumps(["What are the phases of mitosis?"]) + json.dumps([
        {"title": "Mitosis", "narration": "Mitosis divides a cell nucleus into two nuclei.", "cues": [],
         "visual": "A cell.", "kind": "auto"}])
    with serving(Chat(answer=answer)) as chat:
        model = OpenAIModel("small-chat", base_url=chat.url, timeout_s=20)
        planned = plan_documents_with_llm(PlanBrief("mitosis", seconds=12), retriever, model)
    assert "to look up in the book" in chat.asked[0]["messages"][0]["content"]
    assert planned.planner == "small-chat" and planned.scenes[0].cues[0].page == 3


def test_a_model_is_not_asked_to_make_up_for_silent_documents(retriever: Retriever) -> None:
    with serving(Chat(answer="[]")) as chat:
        model = OpenAIModel("small-chat", base_url=chat.url, timeout_s=20)
        planned = plan_documents_with_llm(PlanBrief("cheap hotels in Barcelona", seconds=12), retriever, model)
    assert planned.warnings[0] == SILENCE and planned.planner == "rules"
