"""A story becomes a board: planned by rules or a language model, checked, repaired and given its prompts."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...engines.base import RuntimeOptions
from ...errors import Cancelled, RequestError, WgpError
from ...events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ...paths import Paths
from ...prompts.enhancement import Provider, TextModel
from ...prompts.facts import language_of
from .board import LEAST_SCENES, MOST_SCENES, SCENES, Bible, Board, Repair, StoryScene
from .frame_prompts import with_prompts
from .grammar import Planner
from .naming import aliases_of, bible_from, known_names
from .reader import read_story
from .repair import repair
from .rules import Breach, Embed, check

if TYPE_CHECKING:
    from ...settings import Settings

log = logging.getLogger(__name__)

MOST_STORY_CHARS = 20_000
OPENAI_MODEL = "gpt-4o"
"""Asked on OpenAI's own server where the settings name no model."""


@dataclass(frozen=True)
class Writers:
    """Where language models are found. Without `paths` there are none but `model`, which is asked instead of any other.

    `name` is one of the provider's models; `api_key` goes to the server instead of the environment's.
    """

    paths: Paths | None = None
    settings: Settings | None = None
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)
    name: str = ""
    api_key: str = field(default="", repr=False)
    model: TextModel | None = None


@dataclass(frozen=True)
class Broken:
    """A board with what it broke before it was repaired."""

    board: Board
    breaches: tuple[Breach, ...] = ()


def break_down(story: str, *, count: int = SCENES, bible: Bible | None = None,
               provider: Provider | str = Provider.RULES,
               writers: Writers | None = None, embed: Embed | None = None, seed: int = 0, target_model: str = "",
               cancel: CancelToken | None = None, on_progress: ProgressCallback = ignore_progress) -> Board:
    """The story in `count` scenes (6 to 10), with prompts; every rule holds.

    `embed` adds meaning to the check of progress; without it language models' scenes are measured by all-MiniLM-L6-v2
    where that is installed, those of the rules by their words. `provider` auto takes the best language model that can
    be used. A model that fails costs a warning, never the board: the next one is asked, and the rules at last. Raises
    `RequestError` for an empty or endless story, another count or an unknown provider, and `Cancelled`.
    """
    return broken_down(story, count=count, bible=bible, provider=provider, writers=writers, embed=embed, seed=seed,
                       target_model=target_model, cancel=cancel, on_progress=on_progress).board


def broken_down(story: str, *, count: int = SCENES, bible: Bible | None = None,
                provider: Provider | str = Provider.RULES,
                writers: Writers | None = None, embed: Embed | None = None, seed: int = 0, target_model: str = "",
                cancel: CancelToken | None = None, on_progress: ProgressCallback = ignore_progress) -> Broken:
    """`break_down`, with what the scenes broke as they were first written."""
    kind = _checked(story, count, provider)
    story = story.strip()
    one = _Breakdown(story, count, bible or Bible(), writers or Writers(), embed, seed, cancel or CancelToken(),
                     on_progress)
    scenes, repairs, breaches, name, model = one.run(kind)
    board = Board(story, scenes, bible_from(one.reading, one.bible), name,
                  datetime.now(UTC).isoformat(timespec="seconds"),
                  repairs, model, tuple(one.warnings))
    return Broken(with_prompts(board, one.writers.paths, target_model=target_model), breaches)


def embedder_of(paths: Paths) -> Embed | None:
    """all-MiniLM-L6-v2 where it is installed, else None."""
    from ...models.embedder import MiniLmEmbedder

    found = MiniLmEmbedder.find(paths.ckpts)
    return found.embed if found is not None else None


class _Breakdown:
    """One call of `break_down`."""

    def __init__(self, story: str, count: int, bible: Bible, writers: Writers, embed: Embed | None, seed: int,
                 cancel: CancelToken, on_progress: ProgressCallback) -> None:
        self.story, self.count, self.bible, self.writers = story, count, bible, writers
        self.embed, self.seed, self.cancel, self.on_progress = embed, seed, cancel, on_progress
        self.reading = read_story(story, known_names(bible))
        self.aliases = aliases_of(bible, self.reading)
        self.warnings: list[str] = []
        self._tell()

    def run(self, provider: Provider) -> tuple[tuple[StoryScene, ...], tuple[Repair, ...], tuple[Breach, ...], str,
                                               str]:
        """Scenes, repairs, first breaches, provider and model."""
        for each, name in self._line(provider):
            self.cancel.raise_if_cancelled()
            try:
                return self._by_model(each, name)
            except Cancelled:
                raise
            except WgpError as error:
                self.warnings.append(f"{_spoken(each)} wrote no scenes: {error}")
            except Exception as error:
                log.warning("the language model failed", exc_info=True)
                self.warnings.append(f"{_spoken(each)} wrote no scenes: {type(error).__name__}: {error}")
        planner = Planner(self.reading, self.bible, self.aliases)
        self._warn_of_what_is_not_shown(planner)
        planned = planner.scenes(self.count)
        return self._finished(planned, Provider.RULES, "", ())

    def _warn_of_what_is_not_shown(self, planner: Planner) -> None:
        """What the rules read decides the events, by themselves and with a small model that chooses what is between."""
        if not self.reading.events:
            self.warnings.append(
                "The story says nothing that the rules can show as somebody's action; the scenes are general ones."
                if language_of(self.story) == "en" else
                "The story does not seem to be English, which is all that the rules read; the scenes are general ones. "
                "A large language model can break it down.")
        elif untold := planner.untold():
            self.warnings.append(f"No scene shows this part of the story, in which the rules found no action: "
                                 f"{' '.join(untold)}")

    def _line(self, provider: Provider) -> list[tuple[Provider, str]]:
        writers = self.writers
        if provider is Provider.RULES:
            return []
        if writers.model is not None:
            return [(provider if provider is not Provider.AUTO else Provider.LOCAL, writers.model.name)]
        if writers.paths is None:
            self.warnings.append("No language model was looked for; the rules planned the scenes.")
            return []
        from ...prompts.llm.choice import line_of

        line = list(line_of(provider, writers.name, writers.paths, self._settings()))
        if provider is Provider.AUTO and not line:
            self.warnings.append("No language model is installed or named in the settings; the rules planned the "
                                 "scenes.")
        return line

    def _settings(self) -> Settings:
        from ...settings import Settings

        return self.writers.settings or Settings()

    def _open(self, provider: Provider, name: str) -> TextModel:
        from ...prompts.llm.choice import open_model
        from ...prompts.llm.openai_compatible import OpenAIModel, key_from_environment

        settings, paths = self._settings(), self.writers.paths
        assert paths is not None
        if provider is Provider.OPENAI:
            own = bool(settings.openai_base_url.strip())
            return OpenAIModel(name or settings.openai_model or ("" if own else OPENAI_MODEL),
                               base_url=settings.openai_base_url, key=self.writers.api_key or key_from_environment(),
                               timeout_s=settings.openai_timeout)
        return open_model(provider, name, paths, settings, self.writers.runtime)

    def _by_model(self, provider: Provider, name: str) -> tuple[
            tuple[StoryScene, ...], tuple[Repair, ...], tuple[Breach, ...], str, str]:
        from .llm_story import choosing_planner, filled, write_scenes

        self.on_progress(Progress(Stage.ENRICH, message="Loading the language model"))
        given = self.writers.model
        if self.embed is None and self.writers.paths is not None:
            self.embed = embedder_of(self.writers.paths)
        model = given or self._open(provider, name)
        try:
            self.on_progress(Progress(Stage.ENRICH, message="Breaking the story down"))
            if not model.strong:
                planner = choosing_planner(model, self.story, self.bible, self.cancel)
                finished = self._finished(planner.scenes(self.count), provider, model.name, ())
                self._warn_of_what_is_not_shown(planner)
                return finished
            written = write_scenes(model, self.story, self.count, self.bible, seed=self.seed, embed=self.embed,
                                   cancel=self.cancel)
            planned = Planner(self.reading, self.bible, self.aliases).scenes(self.count)
            scenes, added = filled(written.scenes, planned)
            repairs = [Repair(frame, "missing scene", "written by the rule planner") for frame in added]
            return self._finished(scenes, provider, model.name, repairs, first=written.first_breaches)
        finally:
            if given is None:
                model.close()

    def _finished(self, scenes: tuple[StoryScene, ...], provider: Provider, model: str,
                  repairs: list[Repair] | tuple[Repair, ...], *, first: tuple[Breach, ...] = ()
                  ) -> tuple[tuple[StoryScene, ...], tuple[Repair, ...], tuple[Breach, ...], str, str]:
        self.cancel.raise_if_cancelled()
        breaches = first or check(scenes, self.bible, story=self.story, embed=self.embed)
        mended, done = repair(scenes, self.bible, story=self.story, embed=self.embed)
        return mended, (*repairs, *done), tuple(breaches), provider.value, model

    def _tell(self) -> None:
        for alias in self.aliases:
            if alias.lead:
                whom = next((word for word in alias.words if word not in (alias.character.name, alias.character.token)
                             and not alias.character.name.startswith(word)), "the one whom the story is about")
                self.warnings.append(f"The story does not name {alias.character.name}; {alias.character.token} stands "
                                     f"for "
                                     f"its {whom}.")


def _checked(story: str, count: int, provider: Provider | str) -> Provider:
    if not any(letter.isalnum() for letter in story):
        raise RequestError("The story is empty.", field="story", fix="Tell it in a sentence or more.")
    if len(story) > MOST_STORY_CHARS:
        raise RequestError(f"The story has {len(story)} letters; at most {MOST_STORY_CHARS} are read.", field="story",
                           fix="Shorten it to what is to be seen.")
    if isinstance(count, bool) or not LEAST_SCENES <= count <= MOST_SCENES:
        raise RequestError(f"count is {count}; it must be from {LEAST_SCENES} to {MOST_SCENES} scenes.", field="count")
    try:
        return Provider(provider)
    except ValueError:
        raise RequestError(f"There is no provider {provider!r}.", field="provider",
                           fix=f"Choose one of {', '.join(Provider)}.") from None


def _spoken(provider: Provider) -> str:
    return "The server's language model" if provider is Provider.OPENAI else "The language model here"
