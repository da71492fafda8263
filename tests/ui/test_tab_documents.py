"""What the Documents tab shows, and what becomes of a plan: changed, edited, sent to the form and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ui import filling, form, plan_editor, tab_documents
from ui.documents_view import answer_html, collections_html, form_plan_html, highlighted, plan_html, works_html
from ui.form import FormValues
from wgp_core.documents import collections
from wgp_core.documents.collections import Summary
from wgp_core.documents.ingest import DocumentReport
from wgp_core.documents.readers import Found
from wgp_core.documents.types import Chunk, Collection, Rejected
from wgp_core.engines.explainer.spec import SPEC as LOCAL
from wgp_core.errors import RequestError
from wgp_core.jobs.document_desk import DocumentAction, DocumentWork, DraftPlan, PlanAsk
from wgp_core.jobs.work_line import WorkState
from wgp_core.request import (
    Brief,
    Cue,
    DocumentMode,
    DocumentUse,
    Framework,
    OutputOptions,
    SceneKind,
    ScenePlan,
    VideoRequest,
)

SCENES = (ScenePlan("Opening", SceneKind.TITLE, seconds=3),
          ScenePlan("What it is", SceneKind.DEFINITION, narration="Mitosis is a division.",
                    visual="mitosis | a division", seconds=5.5, cues=(Cue("Mitosis is a division.", "bio.pdf", 12),)))
DRAFT = DraftPlan("Biology", PlanAsk("mitosis", Brief(audience="pupils", framework=Framework.PAS)), SCENES, "rules")
EVIL = '<img src=x onerror="alert(1)">'


def work(**changes: object) -> DocumentWork:
    return replace(DocumentWork("0123456789ab", DocumentAction.INGEST, "Biology", WorkState.RUNNING,
                                title="bio.pdf"), **changes)  # type: ignore[arg-type]


def summary(name: str, *documents: DocumentReport, problem: str = "") -> Summary:
    return Summary(Collection(name, Path("nowhere") / name), documents, "2026-01-31T09:05:07+0000", problem)


def test_words_of_the_question_are_marked_in_any_form_and_nothing_is_markup():
    shown = highlighted(f"Cells divide; a cell's division & {EVIL}", "How does a cell divide?")
    assert shown.startswith("<mark>Cells</mark> <mark>divide</mark>; a <mark>cell</mark>")
    assert "<img" not in shown and "&amp;" in shown


def test_names_from_files_and_documents_are_escaped():
    hit = {"source": EVIL, "page": 3, "page_to": 4, "heading": [EVIL], "text": EVIL, "score": 0.5}
    answer = work(action=DocumentAction.SEARCH, state=WorkState.DONE, title=EVIL, subject=EVIL,
                  result={"hits": [hit]})
    bad = summary("Biology", DocumentReport(EVIL, "", error=EVIL, skipped=((1, EVIL),)))
    left_out = [Rejected(Chunk.make(EVIL, source=EVIL, page_from=1, page_to=1), EVIL)]
    scene = ScenePlan(EVIL, narration=EVIL, visual=f"{EVIL} | {EVIL}", purpose=EVIL, cues=(Cue(EVIL, EVIL, 1),))
    draft = DraftPlan(EVIL, PlanAsk(EVIL), (scene,), EVIL, (EVIL,))
    for html in (answer_html(answer), collections_html([bad], [], "Biology", left_out), works_html([work(title=EVIL)]),
                 plan_html(None, draft), form_plan_html((scene,))):
        assert "&lt;img" in html and "<img" not in html
    assert "p. 3–4" in answer_html(answer)


def test_the_first_visit_teaches_and_reading_takes_its_place():
    assert "No documents yet" in collections_html([], [])
    assert collections_html([], [work()]) == ""
    shown = works_html([work(step=7, total=20)])
    assert "7 of 20 pages" in shown and 'aria-valuenow="35"' in shown and "Cancel" in shown
    assert "Making searchable" in works_html([work(indexing=True, step=5, total=10)])
    assert "Stopping" in works_html([work(stopping=True)]) and "disabled" in works_html([work(stopping=True)])


def test_a_collection_tells_its_size_its_trouble_and_what_was_left_out():
    found = summary("Biology", DocumentReport("bio.pdf", "", pages=312, chunks=640, rejected=2, skipped=((3, "slow"),)),
                    DocumentReport("bad.pdf", "", error="bad.pdf is encrypted."))
    closed = collections_html([found], [])
    assert "2 documents · 312 pages · 640 passages · 2 left out" in closed and "encrypted" not in closed
    left_out = [Rejected(Chunk.make(f"Line {page} ...", source="bio.pdf", page_from=page, page_to=page),
                         f"too short ({page} words)") for page in (4, 5)]
    opened = collections_html([found], [], "Biology", left_out)
    assert all(words in opened for words in ("2 × too short", "bio.pdf, p. 4", "encrypted", "page 3: slow"))
    assert 'href="/documents/collections/Biology/rejected"' in opened
    assert "Cannot be used" in collections_html([summary("Old", problem="It is broken.")], [])


def test_silence_and_failure_are_told():
    silent = work(action=DocumentAction.SEARCH, state=WorkState.DONE, result={"hits": []})
    assert "say nothing about this" in answer_html(silent)
    failed = work(action=DocumentAction.SEARCH, state=WorkState.FAILED, message="It broke.", fix="Mend it.")
    assert "It broke." in answer_html(failed) and "Mend it." in answer_html(failed)
    assert answer_html(None) == "" and "Cancel" in answer_html(work(action=DocumentAction.SEARCH))


def test_scenes_move_go_and_come():
    a, b = SCENES
    assert plan_editor.changed(SCENES, "up", 1) == (b, a) == plan_editor.changed(SCENES, "down", 0)
    assert plan_editor.changed(SCENES, "remove", 0) == (b,)
    assert plan_editor.changed(SCENES, "add", -1)[:2] == SCENES and len(plan_editor.changed(SCENES, "add", -1)) == 3


def test_an_edited_scene_keeps_its_sources_and_wrong_values_are_refused():
    scene = plan_editor.edited(SCENES[1], " New ", "steps", 4, "orbit", "Said.", "one\ntwo")
    assert (scene.title, scene.kind, scene.seconds, scene.cues) == ("New", SceneKind.STEPS, 4, SCENES[1].cues)
    for title, seconds in (("", 4), ("x", 0.1), ("x", 999)):
        with pytest.raises(RequestError):
            plan_editor.edited(SCENES[1], title, "steps", seconds, "static", "", "")


def test_a_plan_goes_into_the_form_and_the_request_and_out_again(studio):
    values = plan_editor.sent(FormValues(prompt="old", size="854x480", frames=33), DRAFT, studio)
    assert (values.prompt, values.seconds, values.frames, values.documents) == ("mitosis", 8.5, None, "Biology")
    request = form.with_rules(values.to_request(LOCAL), studio.settings, values.carried)
    assert request.plan == SCENES and request.brief == DRAFT.ask.brief and request.width == 854
    assert request.documents == DocumentUse("Biology")
    assert request.retry == form.with_rules(FormValues(prompt="x").to_request(LOCAL), studio.settings, "").retry
    assert form.planned_scenes(values.carried) == SCENES
    note = filling.fill(studio, values)[-1]
    assert "2 planned scenes, 8.5 s" in note and "bio.pdf, p. 12" in note
    without = form.with_plan(values, LOCAL, studio.settings, ())
    assert without.to_request(LOCAL).plan == () and without.to_request(LOCAL).brief is None
    with pytest.raises(RequestError):
        plan_editor.sent(values, replace(DRAFT, scenes=()), studio)


def test_documents_and_what_the_form_has_no_field_for_come_back(tmp_path):
    kept = VideoRequest(prompt="x", width=1280, height=720, seconds=8, crossfade=1.0, scene_frames=16,
                        documents=DocumentUse("Optics", DocumentMode.OVERLAY),
                        output=OutputOptions(soundtrack=tmp_path / "a.mp3"))
    values = FormValues.from_request(kept, LOCAL)
    assert (values.documents, values.documents_mode) == ("Optics", "overlay")
    assert "documents" not in json.loads(values.carried)
    assert values.to_request(LOCAL) == kept
    file = kept.with_(documents=DocumentUse(chunks=tmp_path / "c.jsonl"))
    assert FormValues.from_request(file, LOCAL).to_request(LOCAL) == file
    assert replace(FormValues.from_request(file, LOCAL), documents="Optics").to_request(LOCAL).documents == DocumentUse(
        "Optics")


def test_a_collection_that_is_gone_is_still_named(studio):
    assert filling.document_choices(studio) == [("None", "")]
    assert filling.document_choices(studio, "Old") == [("None", ""), ("Old (not there)", "Old")]


def test_deleting_and_refreshing(studio, tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("Mitosis is the division of a cell nucleus into two nuclei with the same chromosomes. " * 6)
    collections.add_documents(studio.paths, "Notes", [Found(notes, "notes.txt")])
    assert tab_documents._names(studio) == ["Notes"]
    told = tab_documents._act(studio, "delete", "Notes")
    assert "Notes is in the trash" in told and not collections.list_collections(studio.paths)
    assert next(path.name for path in studio.paths.trash.iterdir()).startswith("documents-Notes")


def test_asking_without_a_collection_says_what_to_do():
    with pytest.raises(RequestError, match="no collection"):
        tab_documents.chosen(None)
    assert tab_documents.chosen("A") == "A"
