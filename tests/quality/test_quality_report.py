"""The report, the weights, the ranking, the suggestions, the command and the task."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import clips
import pytest
from typer.testing import CliRunner

from wgp_core.cli import app
from wgp_core.errors import Cancelled, MediaError, RequestError, SettingsError
from wgp_core.events import CancelToken
from wgp_core.jobs import quality_tasks
from wgp_core.jobs.tasks import TASKS, TaskContext, run_registered
from wgp_core.media.encode import EncodeOptions, encode
from wgp_core.media.images import save_png
from wgp_core.paths import Paths
from wgp_core.quality.score import ScoreOptions, score_file, score_frames
from wgp_core.quality.select import rank
from wgp_core.quality.suggest import diff, subject_of, suggest
from wgp_core.quality.total import Weights, weigh
from wgp_core.quality.types import Dimension, DimensionScore, Kind, QualityError, QualityReport, unavailable
from wgp_core.settings import Settings, apply


def score(dimension: Dimension, value: float | None, kind: Kind = Kind.ESTIMATE) -> DimensionScore:
    return unavailable(dimension, "no weights") if value is None else DimensionScore(dimension, kind, value, value)


def report(**values: float | None) -> QualityReport:
    """A report with these dimensions (by the names of `Dimension`), the others unavailable."""
    base = score_frames(clips.pan(frames=3), 16, name="clip.mp4")
    scores = tuple(score(d, values.get(d.name.lower())) for d in Dimension)
    return replace(base, scores=scores, total=weigh(scores, Weights()))


def video(path: Path, frames: object) -> Path:
    encode(iter(frames), path, EncodeOptions(256, 144, clips.FPS))  # type: ignore[call-overload]
    return path


# -- report and total -------------------------------------------------------------------------------------------


def test_a_report_comes_back_from_json_as_it_was() -> None:
    made = score_frames(clips.cut(), clips.FPS, "a prompt", name="x.mp4")
    back = QualityReport.from_dict(json.loads(json.dumps(made.to_dict())))
    assert back == made
    assert back.diagnostics.cuts == (16,)


@pytest.mark.parametrize("damage", [{"quality_report": 99}, {"scores": [{"dimension": "charm"}]}, {"total": None}])
def test_a_damaged_report_is_refused_in_words(damage: dict) -> None:
    data = {**score_frames(clips.pan(frames=2), 16).to_dict(), **damage}
    with pytest.raises(QualityError) as caught:
        QualityReport.from_dict(data)
    assert caught.value.fix


def test_weights_are_forty_thirty_thirty() -> None:
    everything = [score(d, 1.0 if d.group and d.group.value == "temporal" else 0.0, Kind.EXACT) for d in Dimension]
    total = weigh(everything, Weights())
    assert total.value == pytest.approx(0.4)
    assert total.basis == "exact" and not total.notes
    assert {s.dimension: s.used for s in total.shares}[Dimension.ALIGNMENT] == pytest.approx(0.3)
    assert sum(s.used for s in total.shares) == pytest.approx(1)


def test_the_weight_of_what_is_missing_is_shared_out_and_said() -> None:
    scores = [score(d, None if d in (Dimension.AESTHETIC, Dimension.ALIGNMENT) else 0.5) for d in Dimension]
    total = weigh(scores, Weights())
    used = {s.dimension: s.used for s in total.shares}
    assert used[Dimension.IMAGING] == pytest.approx(15 / 55) and used[Dimension.SUBJECT] == pytest.approx(10 / 55)
    assert total.value == pytest.approx(0.5)
    assert "Aesthetic quality (15 %)" in total.notes[0] and "Agreement with the prompt (30 %)" in total.notes[0]
    assert total.basis == "estimate" and "estimates only" in total.notes[1]


def test_a_total_of_nothing_is_none_and_wants_a_person() -> None:
    total = weigh([score(d, None) for d in Dimension], Weights())
    assert total.value is None and total.basis == "none"


def test_weights_come_from_the_settings() -> None:
    settings = apply(Settings(), {"quality_temporal_weight": 0, "quality_aesthetic_weight": 1,
                                  "quality_alignment_weight": 0, "quality_review_below": 85})
    options = ScoreOptions.of(settings)
    made = score_frames(clips.pan(), 16, options=options)
    assert made.total.value == made.score(Dimension.IMAGING).value
    assert "below 85" in made.review[0]
    with pytest.raises(SettingsError):
        Weights(0, 0, 0)


# -- ranking ----------------------------------------------------------------------------------------------------


def test_the_best_is_first() -> None:
    ranking = rank([report(subject=0.5), report(subject=0.9), report(subject=0.7)])
    assert [p.index for p in ranking.places] == [1, 2, 0]
    assert ranking.selected == 1 and not ranking.tied and not ranking.needs_person


def test_a_tie_is_said_and_the_first_is_taken() -> None:
    ranking = rank([report(subject=0.5), report(subject=0.901), report(subject=0.903)])
    assert ranking.selected == 1 and ranking.tied == (2,)
    assert ranking.needs_person and [p.rank for p in ranking.places] == [1, 1, 3]
    assert any("Tied" in note for note in ranking.notes)


def test_what_one_lacks_counts_for_none() -> None:
    ranking = rank([report(subject=0.6, alignment=1.0), report(subject=0.8)])
    assert ranking.selected == 1
    assert ranking.compared == (Dimension.SUBJECT,) and ranking.left_out == (Dimension.ALIGNMENT,)
    assert "missing in number 2" in ranking.notes[0]


def test_values_of_different_kinds_are_not_compared() -> None:
    exact = report(subject=0.4, imaging=0.9)
    exact = replace(exact, scores=tuple(replace(s, kind=Kind.EXACT) if s.dimension is Dimension.SUBJECT else s
                                        for s in exact.scores))
    ranking = rank([exact, report(subject=0.9, imaging=0.8)])
    assert ranking.selected == 0 and ranking.left_out == (Dimension.SUBJECT,)
    assert "different ways" in ranking.notes[0]


def test_nothing_in_common_is_left_to_a_person() -> None:
    ranking = rank([report(subject=0.9), report(imaging=0.9)])
    assert ranking.selected is None and ranking.needs_person
    assert rank([]).selected is None


def test_stillness_does_not_win_unseen() -> None:
    reports = [score_frames(make(), 16) for make in (clips.frozen, clips.pan, clips.jitter)]
    ranking = rank(reports)
    assert ranking.selected == 0 and ranking.still_first and ranking.needs_person
    assert any("hardly moves" in note for note in ranking.notes)
    ranking = rank(reports, expects_motion=True)
    assert [p.index for p in ranking.places] == [1, 2, 0] and not ranking.needs_person
    assert any("Hardly moving" in note for note in ranking.notes)
    assert rank([reports[0], reports[0]]).tied == (1,)


# -- suggestions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prompt", "expected"), [
    ("a red vintage car drives through rain at night", "a red vintage car"),
    ("two dogs playing in the snow", "two dogs"), ("Portrait of a woman, soft light", "Portrait of a woman"), ("", ""),
])
def test_the_subject_is_what_stands_first(prompt: str, expected: str) -> None:
    assert subject_of(prompt) == expected


@pytest.mark.parametrize("dimension", ["subject", "background", "smoothness", "flickering", "aesthetic", "imaging",
                                       "alignment"])
def test_each_weak_dimension_has_a_change_that_keeps_the_words(dimension: str) -> None:
    prompt = "a red vintage car drives through rain at night"
    made = suggest(report(**{dimension: 0.2}), prompt, "ugly")
    assert made and made[0].dimension.name.lower() == dimension
    first = made[0]
    assert prompt in first.prompt and first.prompt != prompt
    assert first.negative_prompt.startswith("ugly") and first.reason and first.gain > 0
    kept = "".join(c.text for c in first.prompt_diff if c.action != "remove")
    assert kept == first.prompt
    assert "".join(c.text for c in first.prompt_diff if c.action != "add") == prompt


def test_a_second_round_says_something_new_and_then_nothing() -> None:
    weak, prompt, seen = report(smoothness=0.1), "a ball rolls", set()
    for _ in range(4):
        made = suggest(weak, prompt)
        if not made:
            break
        assert made[0].prompt not in seen
        seen.add(made[0].prompt)
        prompt = made[0].prompt
    assert len(seen) == 2


def test_words_of_haste_are_taken_out_where_motion_is_uneven() -> None:
    made = suggest(report(smoothness=0.1), "a fast shaky camera, a ball rolls quickly over grass")
    assert "fast" not in made[0].prompt and "shaky" not in made[0].prompt
    assert any(c.action == "remove" for c in made[0].prompt_diff)


def test_what_is_missing_comes_first() -> None:
    weak = report(alignment=0.1)
    assert suggest(weak, "a ball on grass", missing=("a red kite",))[0].prompt.startswith("a red kite, clearly visible")


def test_a_good_video_needs_no_change() -> None:
    assert suggest(report(subject=0.95, imaging=0.9), "a ball") == ()
    assert diff("same", "same") == ()


def test_a_still_video_is_told_to_move() -> None:
    still = score_frames(clips.frozen(), 16)
    assert suggest(still, "a ball, static camera")[0].dimension is Dimension.DYNAMIC


# -- files, command, task ---------------------------------------------------------------------------------------


def test_a_file_scores_as_its_frames_do(tmp_path: Path) -> None:
    from wgp_core.media.probe import read_frames

    file = video(tmp_path / "pan.mp4", clips.pan())
    of_file = score_file(file)
    of_frames = score_frames(read_frames(file), clips.FPS, name="pan.mp4")
    assert of_file.scores == of_frames.scores
    assert of_file.frames == clips.FRAMES and of_file.timings_s["decode"] > 0


def test_a_picture_has_picture_quality_only(tmp_path: Path) -> None:
    file = save_png(clips.pan(frames=1)[0], tmp_path / "still.png")
    made = score_file(file)
    assert [s.dimension for s in made.scores if s.available] == [Dimension.IMAGING]
    assert made.review == ()


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.mp4"
    file.write_bytes(b"nothing")
    with pytest.raises(MediaError):
        score_file(file)


def test_scoring_stops_when_it_is_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        score_frames(clips.pan(), 16, cancel=token)


def test_the_command_shows_one_report_a_table_of_a_folder_and_json(tmp_path: Path, paths: Paths) -> None:
    video(tmp_path / "a.mp4", clips.jitter())
    video(tmp_path / "b.mp4", clips.pan())
    one = CliRunner().invoke(app, ["score", str(tmp_path / "b.mp4"), "--prompt", "a pan [slow]"])
    assert one.exit_code == 0 and "Motion smoothness" in one.output and "a pan [slow]" in one.output
    table = CliRunner().invoke(app, ["score", str(tmp_path)])
    assert table.exit_code == 0
    assert table.output.index("b.mp4") < table.output.index("a.mp4")
    (tmp_path / "c.mp4").write_bytes(b"nothing")
    partly = CliRunner().invoke(app, ["score", str(tmp_path), "--quick"])
    assert partly.exit_code == 1 and "b.mp4" in partly.output and "c.mp4" in partly.stderr
    (tmp_path / "c.mp4").unlink()
    many = json.loads(CliRunner().invoke(app, ["score", str(tmp_path), "--json", "--quick"]).stdout)
    assert many["ranking"]["selected"] == 1
    assert [QualityReport.from_dict(r).file for r in many["reports"]] == ["a.mp4", "b.mp4"]
    single = json.loads(CliRunner().invoke(app, ["score", str(tmp_path / "a.mp4"), "--json"]).stdout)
    assert QualityReport.from_dict(single).file == "a.mp4"


def test_the_task_scores_and_ranks(tmp_path: Path, paths: Paths) -> None:
    files = [str(video(tmp_path / f"{n}.mp4", clips.KNOWN[n]())) for n in ("noise", "pan")]
    answer = json.loads(json.dumps(run_registered("score_videos", {"files": files, "prompt": "x"},
                                                  TaskContext(paths))))
    assert answer["ranking"]["selected"] == 1
    assert QualityReport.from_dict(answer["reports"][1]).prompt == "x"
    with pytest.raises(RequestError):
        run_registered("score_videos", {"files": "a.mp4"}, TaskContext(paths))
    assert run_registered("release_quality_models", {}, TaskContext(paths)) == {}
    assert "score_videos" in TASKS and quality_tasks.score_videos is TASKS["score_videos"]


def test_estimates_load_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = ("import sys, numpy as np; from wgp_core.quality.score import score_frames; "
            "score_frames(np.zeros((4, 32, 32, 3), np.uint8), 8); import wgp_core.jobs.quality_tasks; "
            "print([name for name in ('torch', 'transformers') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
