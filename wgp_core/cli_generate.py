"""`generate`: from a topic, and a book where one is named, to a video. Flags in, a request for `headless` out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from . import flags, headless
from .documents.collections import default_chunks, list_collections
from .errors import RequestError, WgpError
from .generate import Prepared
from .paths import Paths, build_paths
from .planning.brief import PlanBrief
from .planning.plan_file import PlanFile, read_plan
from .planning.plan_file import save_plan as write_plan
from .request import (
    Brief,
    DocumentMode,
    DocumentUse,
    EnhanceMode,
    Framework,
    Look,
    Objective,
    Planner,
    ScenePlan,
)

ABOUT = "What it is about"
BOOK = "From documents"
SCENES = "Scenes"


def generate(
    topic: Annotated[str, flags.option(ABOUT, "What the video explains; alone it is enough.")] = "",
    audience: Annotated[str | None, flags.option(ABOUT, "Who it is for, in any words. [students]")] = None,
    objective: Annotated[Objective | None, flags.option(ABOUT, "What they take away. [explain]")] = None,
    style: Annotated[Look | None, flags.option(ABOUT, "How it looks. [infographic]")] = None,
    framework: Annotated[Framework | None, flags.option(
        ABOUT, "Plan scenes in this order, with or without documents.")] = None,
    document: Annotated[list[Path] | None, flags.option(
        BOOK, "Read this PDF, DOCX, HTML, Markdown or text first, or a folder of them; may be repeated.")] = None,
    use_rag: Annotated[bool, flags.option(
        BOOK, "Take what is said from documents: data/book_chunks.jsonl, or the only collection.",
        "--use-rag")] = False,
    rag_mode: Annotated[DocumentMode, flags.option(
        BOOK, "semantic plans scenes from what the documents say; overlay puts it into the prompt.",
    )] = DocumentMode.SEMANTIC,
    collection: Annotated[str, flags.option(BOOK, "A collection, by name.")] = "",
    chunks: Annotated[Path | None, flags.option(BOOK, "A file of chunks, as chunk-book writes it.")] = None,
    use_llm_planner: Annotated[bool, flags.option(
        SCENES, "A language model plans the scenes.", "--use-llm-planner")] = False,
    planner_model_id: Annotated[str, flags.option(
        SCENES, "That model: an id, a folder, or a server's name of it.")] = "",
    plan: Annotated[Path | None, flags.option(SCENES, "A plan of scenes to follow (JSON).")] = None,
    save_plan: Annotated[Path | None, flags.option(SCENES, "Write the plan to this file.")] = None,
    scenes: Annotated[int, flags.option(SCENES, "How many scenes; 0: as the time allows.", min=0)] = 0,
    scene_frames: Annotated[int | None, flags.option(
        SCENES, "Frames of each scene from a diffusion model. [16, or as long as --seconds gives it]")] = None,
    crossfade: Annotated[float | None, flags.option(
        SCENES, "Seconds in which a diffusion scene becomes the next; 0 cuts. [0.4]")] = None,
    soundtrack: Annotated[Path | None, flags.option(SCENES, "Music or speech to put under the video.")] = None,
    subtitles: Annotated[bool | None, flags.option(SCENES, "Write .srt and .vtt from the narration.")] = None,
    engine: flags.Engine = None,
    model_id: flags.ModelId = None,
    seconds: flags.Seconds = None,
    frames: flags.Frames = None,
    fps: flags.Fps = None,
    width: flags.Pixels = None,
    height: flags.Pixels = None,
    steps: flags.Steps = None,
    guidance: flags.Guidance = None,
    flow_shift: flags.FlowShift = None,
    negative_prompt: flags.NegativePrompt = None,
    image_start: flags.ImageStart = None,
    seed: flags.Seed = None,
    theme: flags.ThemeChoice = None,
    enhance: Annotated[bool, flags.option(flags.VIDEO, "Rewrite the one prompt for the model.")] = False,
    codec: flags.Codec = None,
    crf: flags.Crf = None,
    snapshots: flags.Snapshots = None,
    fallback_local_on_fail: Annotated[bool | None, flags.option(
        flags.VIDEO, "Draw locally when diffusion fails.")] = None,
    output: flags.Output = None,
    lora_path: flags.LoraPath = None,
    lora_weight_name: flags.LoraWeightName = None,
    lora_scale: flags.LoraScale = None,
    lora_prompt_profile: flags.LoraPromptProfile = None,
    lora_trigger: flags.LoraTrigger = None,
    lora_negative_boost: flags.LoraNegativeBoost = None,
    print_prompt: Annotated[bool, flags.option(
        flags.RUN, "Show the final prompts and scenes first.", "--print-prompt")] = False,
    dry_run: Annotated[bool, flags.option(
        flags.RUN, "Show them and stop before a frame is made.", "--dry-run")] = False,
    gpu: flags.Gpu = None,
    profile: flags.Profile = None,
    dtype: flags.Dtype = None,
    quantization: flags.Quantization = None,
    step_cache: flags.StepCaching = None,
    cache_root: flags.CacheRoot = None,
    prune_hf_cache: flags.PruneCache = None,
    purge_hf_cache: flags.PurgeCache = False,
    output_dir: flags.OutputDir = None,
    settings: flags.SettingsFile = None,
    json_: flags.AsJson = False,
    verbose: flags.Verbose = False,
) -> None:
    """Make a video about a topic, from documents where these are named.

    Exit status: 0 made, 1 failed or refused, 2 wrong usage, 130 cancelled.
    """
    asked = Asked(topic, audience, objective, style, framework, scenes,
                  Planner.LLM if use_llm_planner or planner_model_id else Planner.RULES, planner_model_id, use_rag,
                  rag_mode, collection, chunks, plan, tuple(document or ()))
    try:
        request = asked.fields(build_paths(outputs=output_dir, settings_file=settings), quiet=json_)
    except WgpError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(headless.USAGE) from None
    request |= {
        "engine": engine, "model": model_id, "start_image": image_start, "width": width, "height": height,
        "seconds": seconds, "frames": frames, "fps": fps, "steps": steps, "guidance": guidance,
        "flow_shift": flow_shift, "seed": seed, "theme": theme, "negative_prompt": negative_prompt,
        "fallback_local_on_fail": fallback_local_on_fail, "step_cache": step_cache, "scene_frames": scene_frames,
        "crossfade": crossfade, "lora_profile": lora_prompt_profile, "lora_negative_boost": lora_negative_boost,
        "enhance": EnhanceMode.AUTOMATIC if enhance else None}
    shown = Shown(as_json=json_, prompts=print_prompt or dry_run, save=save_plan, dry_run=dry_run)
    options = headless.Options(
        dry_run=dry_run, gpu=gpu, machine=flags.machine(cache_root, profile=profile, dtype=dtype,
                                                        quantization=quantization, prune_hf_cache=prune_hf_cache),
        loras=flags.loras(lora_path, lora_scale, lora_weight_name, lora_trigger), purge_hf_cache=purge_hf_cache,
        output_dir=output_dir, settings_file=settings, as_json=json_, verbose=verbose,
        show=shown if shown.wanted else None)
    output_fields = {"codec": codec, "crf": crf, "subtitles": subtitles, "snapshots": snapshots, "path": output,
                     "soundtrack": soundtrack}
    raise typer.Exit(headless.main(request, output_fields, options))


@dataclass(frozen=True)
class Asked:
    """The flags that say what the video is about."""

    topic: str = ""
    audience: str | None = None
    objective: Objective | None = None
    style: Look | None = None
    framework: Framework | None = None
    scenes: int = 0
    planner: Planner = Planner.RULES
    planner_model: str = ""
    use_rag: bool = False
    rag_mode: DocumentMode = DocumentMode.SEMANTIC
    collection: str = ""
    chunks: Path | None = None
    plan: Path | None = None
    documents: tuple[Path, ...] = ()

    def fields(self, paths: Paths, *, quiet: bool = False) -> dict[str, Any]:
        """The request's fields that they mean, with the documents read. Raises `RequestError` for flags that contradict
        each other, and `WgpError` where no document can be read.
        """
        sets = [name for name, given in (("--document", self.documents), ("--collection", self.collection),
                                         ("--chunks", self.chunks)) if given]
        grounded = self.use_rag or bool(sets)
        if len(sets) > 1:
            raise RequestError(f"{' and '.join(sets)} name different sets of documents.", fix="Give one of them.")
        if self.plan is not None and (grounded or self.planner is Planner.LLM):
            raise RequestError("--plan brings its scenes along; nothing is planned beside it.",
                               fix="Leave out --plan, or --document, --use-rag, --collection, --chunks and "
                                   "--use-llm-planner.")
        if self.rag_mode is DocumentMode.OVERLAY and self.planner is Planner.LLM:
            raise RequestError("--rag-mode overlay plans no scenes.", fix="Leave out --use-llm-planner, or --rag-mode.")
        kept = read_plan(self.plan) if self.plan is not None else PlanFile(())
        before, scenes = kept.brief, kept.scenes
        topic = self.topic.strip() or (before.topic if before else "")
        if not topic and not scenes:
            raise RequestError("There is no topic.", fix='Say it: --topic "how lenses make pictures".')
        chunks = _read(self.documents, paths, quiet) if self.documents else self.chunks
        documents = DocumentUse(self.collection, self.rag_mode, chunks) if grounded else None
        return {"prompt": topic or scenes[0].title, "brief": self._brief(before), "plan": scenes or None,
                "documents": _named(documents, paths) if documents else None}

    def _brief(self, before: PlanBrief | None) -> Brief:
        start = Brief() if before is None else Brief(before.audience, before.objective, before.look, before.framework,
                                                     before.scenes)
        given = {"audience": self.audience, "objective": self.objective, "look": self.style,
                 "framework": self.framework, "scenes": self.scenes or None}
        return replace(start, planner=self.planner, planner_model=self.planner_model,
                       **{name: value for name, value in given.items() if value is not None})


def _read(documents: tuple[Path, ...], paths: Paths, quiet: bool) -> Path:
    from .cli_ingest import read_documents

    return read_documents(paths, list(documents), quiet=quiet)


def _named(use: DocumentUse, paths: Paths) -> DocumentUse:
    """With the documents that `--use-rag` alone means: the default file of chunks, or the only collection."""
    if use.chunks is not None:
        return replace(use, chunks=use.chunks.expanduser().resolve())
    if use.collection:
        return use
    usual = default_chunks(paths)
    if usual.is_file():
        return replace(use, chunks=usual)
    known = [item.collection.name for item in list_collections(paths) if not item.problem]
    if len(known) == 1:
        return replace(use, collection=known[0])
    if known:
        raise RequestError(f"There are {len(known)} collections: {', '.join(known)}.",
                           fix=f'Name one: --collection "{known[0]}".')
    raise RequestError("There are no documents to use.", fix="Name one: --document BOOK.pdf, or read it first: "
                       "./run.sh scripts/chunk_book.py --input BOOK.pdf")


@dataclass(frozen=True)
class Shown:
    """Prints what will be rendered, and keeps the plan where a file for it is named."""

    as_json: bool
    prompts: bool
    save: Path | None
    dry_run: bool

    @property
    def wanted(self) -> bool:
        return self.prompts or self.save is not None

    def __call__(self, prepared: Prepared) -> None:
        console = Console(stderr=self.as_json)
        if self.save is not None:
            self._keep(self.save, prepared, console)
        if self.as_json and self.dry_run:
            sys.stdout.write(json.dumps(_facts(prepared), ensure_ascii=False) + "\n")
        elif self.prompts:
            _print(prepared, console)

    def _keep(self, file: Path, prepared: Prepared, console: Console) -> None:
        if not prepared.request.plan:
            console.print("[yellow]No scenes were planned, so there is no plan to save.")
            return
        brief, seconds = prepared.request.brief or Brief(), prepared.seconds
        write_plan(file, PlanBrief(prepared.request.prompt, brief.audience, brief.objective, brief.look,
                                   brief.framework or Framework.ACADEMIC, seconds, brief.scenes), prepared.request.plan)
        console.print(f"The plan is in {file}", markup=False, highlight=False, soft_wrap=True)


def _facts(prepared: Prepared) -> dict[str, Any]:
    data = prepared.request.to_dict()
    return {"status": "prepared", "engine": prepared.engine, "planner": prepared.planner,
            "prompts": list(prepared.prompts), "plan": data["plan"], "request": data,
            "warnings": list(prepared.warnings)}


def _print(prepared: Prepared, console: Console) -> None:
    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    request = prepared.request
    say(f"{request.prompt if request.plan else 'Prompt'}: {prepared.engine}, {request.width}x{request.height}, "
        f"{request.frames} frames at {request.fps} fps"
        + (f", planned by {prepared.planner}" if prepared.planner else ""))
    if not request.plan:
        say(prepared.prompts[0])
    each = prepared.prompts if len(prepared.prompts) == len(request.plan) > 0 else ("",) * len(request.plan)
    own = prepared.engine != "explainer"
    for number, (scene, prompt) in enumerate(zip(request.plan, each, strict=True), 1):
        say(f"\n{number}. {scene.title}  [{scene.kind}{f', {scene.seconds:.1f} s' if scene.seconds else ''}]"
            + (f"  ({scene.purpose})" if scene.purpose else ""))
        for line in _lines(scene, prompt if own else ""):
            say(f"   {line}")
    for warning in prepared.warnings:
        console.print(warning, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _lines(scene: ScenePlan, prompt: str) -> list[str]:
    lines = [f"prompt: {prompt}"] if prompt else [f"shows:  {' / '.join(scene.visual.splitlines())}"]
    if scene.narration:
        lines.append(f"says:   {scene.narration}")
    for cue in scene.cues:
        lines.append(f"source: {cue.place}: {cue.text}")
    return lines
