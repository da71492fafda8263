"""`generate`: from a topic, and a book where one is named, to a video. Flags in, a request for `headless` out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from . import headless
from .documents.collections import list_collections
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
    EngineChoice,
    EnhanceMode,
    Framework,
    Look,
    LoraProfile,
    Objective,
    Planner,
    ScenePlan,
    StepCache,
    Theme,
    VideoCodec,
)

About = "What it is about"
Book = "From documents"
Scenes = "Scenes"
Video = "The video"
Loras = "LoRAs"
Run = "How it runs"
DEFAULT_CHUNKS = "book_chunks.jsonl"


def generate(
    topic: Annotated[str, typer.Option(help="What the video explains; alone it is enough.",
                                       rich_help_panel=About)] = "",
    audience: Annotated[str | None, typer.Option(help="Who it is for, in any words. [students]",
                                                 rich_help_panel=About)] = None,
    objective: Annotated[Objective | None, typer.Option(help="What they take away. [explain]",
                                                        rich_help_panel=About)] = None,
    style: Annotated[Look | None, typer.Option(help="How it looks. [infographic]", rich_help_panel=About)] = None,
    framework: Annotated[Framework | None, typer.Option(help="Plan scenes in this order, with or without documents.",
                                                        rich_help_panel=About)] = None,
    use_rag: Annotated[bool, typer.Option("--use-rag", help="Take what is said from documents: data/book_chunks.jsonl, "
                                          "or the only collection.", rich_help_panel=Book)] = False,
    rag_mode: Annotated[DocumentMode, typer.Option(help="semantic plans scenes from what the documents say; overlay "
                                                   "puts it into the prompt.",
                                                   rich_help_panel=Book)] = DocumentMode.SEMANTIC,
    collection: Annotated[str, typer.Option(help="A collection, by name.", rich_help_panel=Book)] = "",
    chunks: Annotated[Path | None, typer.Option(help="A file of chunks, as chunk-book writes it.",
                                                rich_help_panel=Book)] = None,
    use_llm_planner: Annotated[bool, typer.Option("--use-llm-planner", help="A language model plans the scenes.",
                                                  rich_help_panel=Scenes)] = False,
    planner_model_id: Annotated[str, typer.Option(help="That model: an id, a folder, or a server's name of it.",
                                                  rich_help_panel=Scenes)] = "",
    plan: Annotated[Path | None, typer.Option(help="A plan of scenes to follow (JSON).",
                                              rich_help_panel=Scenes)] = None,
    save_plan: Annotated[Path | None, typer.Option(help="Write the plan to this file.", rich_help_panel=Scenes)] = None,
    scenes: Annotated[int, typer.Option(min=0, help="How many scenes; 0: as the time allows.",
                                        rich_help_panel=Scenes)] = 0,
    scene_frames: Annotated[int | None, typer.Option(help="Frames of each scene from a diffusion model. [16, or as "
                                                     "long as --seconds gives it]", rich_help_panel=Scenes)] = None,
    crossfade: Annotated[float | None, typer.Option(help="Seconds in which a diffusion scene becomes the next; 0 cuts. "
                                                    "[0.4]", rich_help_panel=Scenes)] = None,
    soundtrack: Annotated[Path | None, typer.Option(help="Music or speech to put under the video.",
                                                    rich_help_panel=Scenes)] = None,
    subtitles: Annotated[bool | None, typer.Option(help="Write .srt and .vtt from the narration.",
                                                   rich_help_panel=Scenes)] = None,
    engine: Annotated[EngineChoice | None, typer.Option(help="Which engine.", rich_help_panel=Video)] = None,
    model_id: Annotated[str | None, typer.Option(help="Diffusion model or folder.", rich_help_panel=Video)] = None,
    seconds: Annotated[float | None, typer.Option(help="Length; or give --frames.", rich_help_panel=Video)] = None,
    frames: Annotated[int | None, typer.Option(help="Length in frames.", rich_help_panel=Video)] = None,
    fps: Annotated[int | None, typer.Option(help="Frames per second.", rich_help_panel=Video)] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.", rich_help_panel=Video)] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.", rich_help_panel=Video)] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.", rich_help_panel=Video)] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance scale.", rich_help_panel=Video)] = None,
    flow_shift: Annotated[float | None, typer.Option(help="Flow shift.", rich_help_panel=Video)] = None,
    negative_prompt: Annotated[str | None, typer.Option(help="What it must not show.", rich_help_panel=Video)] = None,
    image_start: Annotated[Path | None, typer.Option(help="First frame.", rich_help_panel=Video)] = None,
    seed: Annotated[int | None, typer.Option(help="-1 draws one.", rich_help_panel=Video)] = None,
    theme: Annotated[Theme | None, typer.Option(help="Look of local drawings.", rich_help_panel=Video)] = None,
    enhance: Annotated[bool, typer.Option(help="Rewrite the one prompt for the model.", rich_help_panel=Video)] = False,
    codec: Annotated[VideoCodec | None, typer.Option(help="Video codec.", rich_help_panel=Video)] = None,
    crf: Annotated[int | None, typer.Option(help="Quality, 0 best to 51.", rich_help_panel=Video)] = None,
    snapshots: Annotated[int | None, typer.Option(help="PNG frames to save.", rich_help_panel=Video)] = None,
    fallback_local_on_fail: Annotated[bool | None, typer.Option(
        "--fallback-local-on-fail/--no-fallback-local-on-fail", help="Draw locally when diffusion fails.",
        rich_help_panel=Video)] = None,
    output: Annotated[Path | None, typer.Option(help="File to write.", rich_help_panel=Video)] = None,
    lora_path: Annotated[list[str] | None, typer.Option(help="LoRA file or folder; may be repeated.",
                                                        rich_help_panel=Loras)] = None,
    lora_weight_name: Annotated[list[str] | None, typer.Option(help="File inside the LoRA's folder.",
                                                               rich_help_panel=Loras)] = None,
    lora_scale: Annotated[list[str] | None, typer.Option(help="Multiplier; once for all, or once a LoRA.",
                                                         rich_help_panel=Loras)] = None,
    lora_prompt_profile: Annotated[LoraProfile | None, typer.Option(help="Words that suit the LoRA.",
                                                                    rich_help_panel=Loras)] = None,
    lora_trigger: Annotated[list[str] | None, typer.Option(help="Put before the prompt.",
                                                           rich_help_panel=Loras)] = None,
    lora_negative_boost: Annotated[bool | None, typer.Option(help="More negative words with a LoRA profile.",
                                                             rich_help_panel=Loras)] = None,
    print_prompt: Annotated[bool, typer.Option("--print-prompt", help="Show the final prompts and scenes first.",
                                               rich_help_panel=Run)] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show them and stop before a frame is made.",
                                          rich_help_panel=Run)] = False,
    gpu: Annotated[str | None, typer.Option(help="cuda:0, cpu or auto.", rich_help_panel=Run)] = None,
    profile: Annotated[str | None, typer.Option(help="VRAM profile.", rich_help_panel=Run)] = None,
    dtype: Annotated[str | None, typer.Option(help="bf16 or fp16.", rich_help_panel=Run)] = None,
    quantization: Annotated[str | None, typer.Option(help="int8, fp8, int4 or none.", rich_help_panel=Run)] = None,
    step_cache: Annotated[StepCache | None, typer.Option(help="Reuse results between steps.",
                                                         rich_help_panel=Run)] = None,
    cache_root: Annotated[Path | None, typer.Option(help="Hub cache.", rich_help_panel=Run)] = None,
    prune_hf_cache: Annotated[bool | None, typer.Option(help="Remove unused models from the hub cache first.",
                                                        rich_help_panel=Run)] = None,
    purge_hf_cache: Annotated[bool, typer.Option("--purge-hf-cache", envvar="T2V_PURGE_HF_CACHE",
                                                 help="Empty the hub cache first.", rich_help_panel=Run)] = False,
    output_dir: Annotated[Path | None, typer.Option(help="Where results go.", rich_help_panel=Run)] = None,
    settings: Annotated[Path | None, typer.Option(help="Another settings.json.", rich_help_panel=Run)] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.",
                                        rich_help_panel=Run)] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what happens.", rich_help_panel=Run)] = False,
) -> None:
    """Make a video about a topic, from documents where these are named.

    Exit status: 0 made, 1 failed or refused, 2 wrong usage, 130 cancelled.
    """
    asked = Asked(topic, audience, objective, style, framework, scenes,
                  Planner.LLM if use_llm_planner or planner_model_id else Planner.RULES, planner_model_id, use_rag,
                  rag_mode, collection, chunks, plan)
    try:
        flags = asked.flags(build_paths(outputs=output_dir, settings_file=settings))
    except WgpError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(headless.USAGE) from None
    flags |= {
        "engine": engine, "model": model_id, "start_image": image_start, "width": width, "height": height,
        "seconds": seconds, "frames": frames, "fps": fps, "steps": steps, "guidance": guidance,
        "flow_shift": flow_shift, "seed": seed, "theme": theme, "negative_prompt": negative_prompt,
        "fallback_local_on_fail": fallback_local_on_fail, "step_cache": step_cache, "scene_frames": scene_frames,
        "crossfade": crossfade, "lora_profile": lora_prompt_profile, "lora_negative_boost": lora_negative_boost,
        "enhance": EnhanceMode.AUTOMATIC if enhance else None}
    machine = {"profile": profile, "dtype": dtype, "quantization": quantization, "prune_hf_cache": prune_hf_cache,
               "cache_root": str(cache_root.expanduser().resolve()) if cache_root else None}
    shown = Shown(as_json=json_, prompts=print_prompt or dry_run, save=save_plan, dry_run=dry_run)
    options = headless.Options(
        dry_run=dry_run, gpu=gpu, machine={name: value for name, value in machine.items() if value is not None},
        loras=headless.LoraFlags(tuple(lora_path or ()), tuple(lora_scale or ()), tuple(lora_weight_name or ()),
                                 tuple(lora_trigger or ())),
        purge_hf_cache=purge_hf_cache, output_dir=output_dir, settings_file=settings, as_json=json_, verbose=verbose,
        show=shown if shown.wanted else None)
    output_flags = {"codec": codec, "crf": crf, "subtitles": subtitles, "snapshots": snapshots, "path": output,
                    "soundtrack": soundtrack}
    raise typer.Exit(headless.main(flags, output_flags, options))


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

    def flags(self, paths: Paths) -> dict[str, Any]:
        """The request's fields that they mean. Raises `RequestError` for flags that contradict each other."""
        grounded = self.use_rag or bool(self.collection) or self.chunks is not None
        if self.collection and self.chunks is not None:
            raise RequestError("--collection and --chunks name two sets of documents.", fix="Give one of them.")
        if self.plan is not None and (grounded or self.planner is Planner.LLM):
            raise RequestError("--plan brings its scenes along; nothing is planned beside it.",
                               fix="Leave out --plan, or --use-rag, --collection, --chunks and --use-llm-planner.")
        if self.rag_mode is DocumentMode.OVERLAY and self.planner is Planner.LLM:
            raise RequestError("--rag-mode overlay plans no scenes.", fix="Leave out --use-llm-planner, or --rag-mode.")
        kept = read_plan(self.plan) if self.plan is not None else PlanFile(())
        before, scenes = kept.brief, kept.scenes
        topic = self.topic.strip() or (before.topic if before else "")
        if not topic and not scenes:
            raise RequestError("There is no topic.", fix='Say it: --topic "how lenses make pictures".')
        documents = DocumentUse(self.collection, self.rag_mode, self.chunks) if grounded else None
        return {"prompt": topic or scenes[0].title, "brief": self._brief(before), "plan": scenes or None,
                "documents": _named(documents, paths) if documents else None}

    def _brief(self, before: PlanBrief | None) -> Brief:
        start = Brief() if before is None else Brief(before.audience, before.objective, before.look, before.framework,
                                                     before.scenes)
        given = {"audience": self.audience, "objective": self.objective, "look": self.style,
                 "framework": self.framework, "scenes": self.scenes or None}
        return replace(start, planner=self.planner, planner_model=self.planner_model,
                       **{name: value for name, value in given.items() if value is not None})


def _named(use: DocumentUse, paths: Paths) -> DocumentUse:
    """With the documents that `--use-rag` alone means: the default file of chunks, or the only collection."""
    if use.chunks is not None:
        return replace(use, chunks=use.chunks.expanduser().resolve())
    if use.collection:
        return use
    usual = paths.data / DEFAULT_CHUNKS
    if usual.is_file():
        return replace(use, chunks=usual)
    known = [item.collection.name for item in list_collections(paths) if not item.problem]
    if len(known) == 1:
        return replace(use, collection=known[0])
    if known:
        raise RequestError(f"There are {len(known)} collections: {', '.join(known)}.",
                           fix=f'Name one: --collection "{known[0]}".')
    raise RequestError("There are no documents to use.", fix="Read one first: ./run.sh scripts/chunk_book.py "
                       "--input BOOK.pdf")


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
