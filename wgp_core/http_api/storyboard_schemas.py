"""What the storyboard routes take and give. Frames count from 1; a board's name is that of its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from ..errors import RequestError
from ..jobs.storyboard_desk import MOST_STORY, BoardAction, StoryAsk
from ..jobs.storyboard_tasks import board_files
from ..planning.story.board import (
    LEAST_SCENES,
    LEAST_SECONDS,
    MOST_SCENES,
    MOST_SECONDS,
    SCENES,
    Bible,
    Character,
)
from ..planning.story.rules import Breach
from ..planning.story.shots import Transition
from ..prompts.enhancement import Provider
from ..request import EngineChoice
from ..storyboard.project import BASE_SEED, BoardProject, FilmOptions, FrameState
from .work_events import WorkNow

MOST_TEXT = 4000


class CharacterIn(BaseModel):
    """Somebody of the story. `token` is the trigger word that stands for them."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    token: str = Field("", max_length=100, pattern=r"^\S*$")
    description: str = Field("", max_length=500)
    lora: str = Field("", max_length=500, description="A LoRA below loras/, used where they are seen.")

    def character(self) -> Character:
        return Character(self.name, self.token, named_lora(self.lora), self.description)


def named_lora(name: str) -> Path | None:
    """The LoRA that a caller names. Raises `RequestError` for a path that is not below loras/."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or name.startswith("~"):
        raise RequestError(f"The LoRA path {name} leaves the LoRA folder.", field="characters",
                           fix="Name a file below loras/.")
    return path if name else None


class StoryIn(BaseModel):
    """A story for a new board."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"story": "a trickster sells a wealthy merchant a magical pot", "num_frames": 8}]})

    story: str = Field(min_length=1, max_length=MOST_STORY, pattern=r"\S")
    num_frames: int = Field(SCENES, ge=LEAST_SCENES, le=MOST_SCENES)
    provider: Provider = Field(Provider.RULES, description="Who breaks the story down.")
    characters: list[CharacterIn] = Field(default_factory=list, max_length=20)
    style: str = Field("", max_length=500, description="One line for every prompt.")
    engine: EngineChoice = Field(EngineChoice.AUTO, description="What draws: `local` sketches, `diffusion` paints.")
    model: str = Field("", max_length=300, description="The still model; empty takes the best one.")
    base_seed: int = Field(BASE_SEED, ge=0, le=2**31)
    breakdown_only: bool = Field(False, description="Only the scenes; draw them later.")

    def ask(self) -> StoryAsk:
        characters = tuple(one.character() for one in self.characters)
        return StoryAsk(self.story.strip(), self.num_frames, self.provider, Bible(characters, style=self.style),
                        self.engine, self.model, self.base_seed)


class SceneIn(BaseModel):
    """Fields of a scene to change; what is left out stays. Prompts that are left out are written anew."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"camera": "close-up, slow push-in", "mood": "tense"}]})

    description: str | None = Field(None, min_length=1, max_length=MOST_TEXT)
    camera: str | None = Field(None, min_length=1, max_length=200)
    mood: str | None = Field(None, min_length=1, max_length=200)
    setting: str | None = Field(None, max_length=1000)
    lighting: str | None = Field(None, max_length=1000)
    action: str | None = Field(None, max_length=MOST_TEXT)
    motion: str | None = Field(None, max_length=MOST_TEXT)
    seconds: float | None = Field(None, ge=LEAST_SECONDS, le=MOST_SECONDS)
    prompt: str | None = Field(None, max_length=MOST_TEXT)
    negative_prompt: str | None = Field(None, max_length=MOST_TEXT)

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class InsertIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"after": 3}]})

    after: int = Field(ge=0, description="The scene it comes after; 0 puts it first.")


class MoveIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"to": 2}]})

    to: int = Field(ge=1, description="Its new place.")


class LockIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"locked": True}]})

    locked: bool


class DrawIn(BaseModel):
    """Which frames to draw; without `frames` those that are missing or whose scene was changed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"frames": [3]}, {}]})

    frames: list[int] | None = Field(None, min_length=1, max_length=60)


class FilmIn(BaseModel):
    """How the film is made; what is left out stays as the board has it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"transition": "match", "seconds": 3, "subtitles": False}]})

    transition: Transition = Transition.CROSSFADE
    crossfade: float = Field(0.4, ge=0.1, le=2.0, description="Length of a cross-fade in seconds.")
    seconds: float | None = Field(None, ge=LEAST_SECONDS, le=MOST_SECONDS,
                                  description="Length of every shot; null takes each scene's own.")
    subtitles: bool = Field(True, description="What is seen, as files beside the film.")
    fps: int | None = Field(None, ge=1, le=60, description="Frames a second; null takes the engine's.")
    engine: EngineChoice = Field(EngineChoice.AUTO, description="What makes the shots.")
    model: str | None = Field(None, max_length=300, description="Its model; null takes the best one.")

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class FilmOut(BaseModel):
    """How the film is made. `soundtrack` is the name of the file with its sound, empty without one."""

    transition: Transition
    crossfade: float
    seconds: float | None
    subtitles: bool
    fps: int | None
    engine: EngineChoice
    model: str | None
    soundtrack: str

    @staticmethod
    def of(options: FilmOptions) -> FilmOut:
        return FilmOut(transition=options.transition, crossfade=options.crossfade, seconds=options.seconds,
                       subtitles=options.subtitles, fps=options.fps, engine=options.engine, model=options.model,
                       soundtrack=options.soundtrack.name if options.soundtrack else "")


class FrameOut(BaseModel):
    """A scene and its picture. `consistency` and `alignment` are 0 to 1, or null; `stale` when the scene was changed.

    `broken_rules` says in words which rules of a storyboard the scene breaks.
    """

    number: int
    state: FrameState
    scene: dict[str, Any]
    seed: int | None
    engine: str
    consistency: float | None
    alignment: float | None
    measure: str
    marked: bool
    stale: bool
    note: str
    broken_rules: list[str]
    picture_url: str | None


class BoardOut(BaseModel):
    """A board. `likeness` is of each frame to each, 0 to 1; `files` maps the names of its files to their addresses."""

    name: str
    story: str
    timestamp: str
    num_frames: int
    provider: str
    model: str
    busy: bool
    warnings: list[str]
    repaired: list[dict[str, Any]]
    broken_rules: list[str]
    frames: list[FrameOut]
    likeness: list[list[float | None]]
    measure: str
    film: FilmOut
    files: dict[str, str]

    @staticmethod
    def of(project: BoardProject, breaches: tuple[Breach, ...], *, busy: bool) -> BoardOut:
        data, name = project.board.to_dict(), project.folder.name
        reasons: dict[int, list[str]] = {}
        for breach in breaches:
            reasons.setdefault(breach.frame, []).append(breach.reason)
        frames = []
        for scene, frame in zip(data["scenes"], project.frames, strict=True):
            url = f"/storyboards/{quote(name)}/frames/{frame.number}/picture" if frame.is_there else None
            frames.append(FrameOut(
                number=frame.number, state=frame.state, scene=scene, seed=frame.seed, engine=frame.engine,
                consistency=frame.consistency, alignment=frame.alignment, measure=frame.measure, marked=frame.marked,
                stale=project.is_stale(frame.number), note=frame.note, broken_rules=reasons.get(frame.number, []),
                picture_url=url))
        files = {path.name: f"/storyboards/{quote(name)}/files/{quote(path.name)}" for path in board_files(project)}
        return BoardOut(name=name, story=data["story"], timestamp=data["timestamp"], num_frames=len(frames),
                        provider=data["provider"], model=data["model"], busy=busy, warnings=data["warnings"],
                        repaired=data["repaired"], broken_rules=reasons.get(0, []), frames=frames,
                        likeness=[list(row) for row in project.likeness], measure=project.measure,
                        film=FilmOut.of(project.film_options), files=files)


class BoardLineOut(BaseModel):
    """A board in the list."""

    name: str
    story: str
    timestamp: str
    num_frames: int
    drawn: int
    busy: bool

    @staticmethod
    def of(project: BoardProject, *, busy: bool) -> BoardLineOut:
        return BoardLineOut(name=project.folder.name, story=project.board.story, timestamp=project.board.timestamp,
                            num_frames=len(project.frames), drawn=sum(frame.is_there for frame in project.frames),
                            busy=busy)


class BoardWorkOut(WorkNow):
    """Work on a board, as it stands. `board` is empty until a breakdown has made it."""

    action: BoardAction
    board: str

