"""A finished video in the page: player, facts, timings in words, warnings and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence

from wgp_core.sizes import file_size
from wgp_core.store.records import GenerationRecord, JobRecord, JobState

from .components import Action, actions_row, badge, chips, empty_state, notices
from .progress import job_view
from .words import ago, clock, duration, esc, file_url, model_name, picture_url, short, timings

ENGINE_NAMES = {"explainer": "local engine"}
PLAYABLE = (".mp4", ".webm", ".m4v")
PICTURES = (".gif", ".png")
STILL = ".png"


def player(record: GenerationRecord) -> str:
    """The video with its poster; a picture where the browser cannot play the format."""
    if record.missing:
        return f'<div class="w-picture blank"><p>The file is no longer at<br>{esc(record.path)}</p></div>'
    poster, source = picture_url(record.poster), picture_url(record.path)
    suffix = record.path.suffix.lower()
    ratio = f"--ratio:{record.width}/{record.height}"
    if suffix in PLAYABLE:
        shown = f' poster="{esc(poster)}"' if poster else ""
        return (f'<div class="w-picture" style="{ratio}"><video controls playsinline preload="metadata"{shown} '
                f'src="{esc(source)}" aria-label="{esc(short(record.prompt))}"></video></div>')
    picture = source if suffix in PICTURES else poster
    note = "" if suffix in PICTURES else \
        '<p class="w-quiet">Browsers cannot play this format. Download it to open it in an editor.</p>'
    image = f'<img src="{esc(picture)}" alt="{esc(short(record.prompt))}">' if picture else ""
    return f'<div class="w-picture{"" if image else " blank"}" style="{ratio}">{image}</div>{note}'


def facts(record: GenerationRecord) -> tuple[str, ...]:
    engine = model_name(record.model) if record.model else ENGINE_NAMES.get(record.engine, record.engine)
    length = ("picture",) if is_still(record) else (duration(record.seconds), f"{record.fps} fps")
    return (f"{record.width} × {record.height}", *length, engine, f"seed {record.seed}")


def is_still(record: GenerationRecord) -> bool:
    return record.path.suffix.lower() == STILL


def made_in(record: GenerationRecord) -> str:
    """ "Made 5 min ago in 14 s: drawing frames 11 s, encoding the video 2 s." """
    if not record.took_s:
        return f"Made {ago(record.created_at)}."
    parts = timings(dict(record.manifest.get("timings_s") or {}))
    return f"Made {ago(record.created_at)} in {duration(record.took_s)}{': ' + parts if parts else ''}."


def download_link(record: GenerationRecord) -> str:
    if record.missing:
        return ""
    size = file_size(record.path.stat().st_size)
    return (f'<a class="w-btn primary" href="{esc(file_url(record.path))}" download="{esc(record.path.name)}">'
            f'Download <small>{esc(record.path.suffix.lstrip(".").upper())} · {size}</small></a>')


def result_panel(record: GenerationRecord) -> str:
    """A finished video on the Generate tab."""
    buttons = actions_row((Action("use", "Use these settings"),
                           Action("vary", "Make a variation", title="The same settings with a new seed"),
                           Action("attempts", "Attempts", title="Make several versions, and choose"),
                           Action("open", "Show in Library")), before=download_link(record), id=record.id)
    return (f'<section class="w-card w-result" aria-label="Result">{player(record)}'
            f'<div class="w-result-text"><p class="w-prompt">{esc(record.prompt)}</p>{chips(facts(record))}'
            f'<p class="w-quiet">{esc(made_in(record))}</p>'
            f'{notices(record.warnings, kind="warn")}{buttons}</div></section>')


def outcome_panel(job: JobRecord) -> str:
    """A job that ended without a video: why, and what to do."""
    view = job_view(job)
    failed = job.state is JobState.FAILED
    buttons = actions_row((Action("retry", "Try again", "primary"), Action("use-job", "Use these settings")), id=job.id)
    reason = view.error or ("You cancelled this job." if not failed else "No reason was recorded.")
    return (f'<section class="w-card w-outcome {job.state.value}" role="{"alert" if failed else "status"}">'
            f'<div class="w-line">{badge(view.badge, job.state.value)}<strong>{esc(view.title)}</strong></div>'
            f'<p>{esc(reason)}</p>{notices(view.notes, kind="warn")}{chips(view.facts)}{buttons}</section>')


def recent_strip(records: Sequence[GenerationRecord], shown: str) -> str:
    """Small posters of the latest videos, to go back to one; nothing where there is only the one that is shown."""
    if len(records) < 2:
        return ""
    return ('<nav class="w-strip" aria-label="Latest videos">'
            + "".join(thumbnail(record, "show", current=record.id == shown) for record in records) + "</nav>")


def thumbnail(record: GenerationRecord, action: str, *, current: bool = False, caption: bool = False) -> str:
    """A poster as a button, with length and star."""
    poster = picture_url(record.poster)
    image = f'<img loading="lazy" src="{esc(poster)}" alt="">' if poster else '<i class="w-icon film"></i>'
    star = '<b class="w-star" aria-label="Favourite">★</b>' if record.favourite else ""
    length = "" if is_still(record) else f'<span class="w-length">{clock(record.seconds)}</span>'
    under = (f'<span class="w-thumb-text">{esc(short(record.prompt, 70))}'
             f"<small>{esc(ago(record.created_at))}</small></span>" if caption else "")
    kind, marked = ("w-thumb current", " aria-current=true") if current else ("w-thumb", "")
    return (f'<button type="button" class="{kind}" data-action="{action}" data-id="{esc(record.id)}" '
            f'aria-label="{esc(short(record.prompt))}"{marked}>'
            f'<span class="w-thumb-picture">{image}{length}{star}</span>{under}</button>')


def first_visit() -> str:
    return empty_state("Your video will appear here",
                       "Describe a subject, for example “how gradient descent finds a minimum”, and press Generate. "
                       "You can leave the page meanwhile; the work goes on.")
