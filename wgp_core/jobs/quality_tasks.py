"""Tasks of the quality scores: `score_videos`, and `release_quality_models` to have their memory back.

They run in the assistant worker. The models stay between tasks until what concerns them changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RequestError
from .tasks import TaskContext, task

if TYPE_CHECKING:
    from ..quality.models import QualityModels


@dataclass
class _Desk:
    """What this process keeps between tasks. `concerns` is what the models were made for."""

    models: QualityModels | None = None
    concerns: Any = None


_desk = _Desk()


@task("score_videos")
def score_videos(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `files`, a list of paths; `prompt`, or null for the embedded ones; `quick` for estimates only.

    Result: `reports`, a `QualityReport` as JSON for each file in order, and `ranking`, a `Ranking` as JSON.
    """
    from ..quality.score import ScoreOptions, score_file
    from ..quality.select import rank

    files, prompt = payload.get("files"), payload.get("prompt")
    if not isinstance(files, list) or not files or not all(isinstance(file, str) for file in files):
        raise RequestError(f"The videos to score are {files!r}.", field="files", fix="Give a list of paths.")
    if prompt is not None and not isinstance(prompt, str):
        raise RequestError(f"The prompt to compare with is {prompt!r}.", field="prompt", fix="Give a text, or null.")
    options = ScoreOptions.of(context.settings)
    models = None if payload.get("quick") else quality_models(context)
    reports = [score_file(Path(file), prompt, options=options, models=models, on_progress=context.on_progress,
                          cancel=context.cancel) for file in files]
    return {"reports": [report.to_dict() for report in reports], "ranking": asdict(rank(reports, options.weights))}


@task("release_quality_models")
def release_quality_models(_payload: Mapping[str, Any], _context: TaskContext) -> Mapping[str, Any]:
    """Payload and result: none. Gives back the memory of the vision models."""
    if _desk.models is not None:
        _desk.models.release()
    return {}


def quality_models(context: TaskContext) -> QualityModels | None:
    """The kept models, or new ones where folders or device have changed; None where the settings want none."""
    if not context.settings.quality_models:
        return None
    concerns = (context.paths, context.runtime.device, context.runtime.cache_root)
    if _desk.models is None or _desk.concerns != concerns:
        from ..quality.models import QualityModels

        if _desk.models is not None:
            _desk.models.release()
        _desk.models, _desk.concerns = QualityModels(*concerns), concerns
    return _desk.models
