"""Make videos without a window: one by flags, or many from a batch file.

    ./run.sh create_sample_video.py --prompt "how gradient descent finds a minimum" --seconds 6 --output out.mp4
    ./run.sh create_sample_video.py --batch examples/gradient_demo.json --dry-run
    ./run.sh create_sample_video.py --replay outputs/VIDEO.mp4
    ./run.sh create_sample_video.py --prompt "a red fox in the snow" --hero-frames 4 --attempts 3
    ./run.sh create_sample_video.py --iterate outputs/VIDEO.mp4 --prompt "a red fox in deep snow" --attempts 3

Exit status: 0 all made, 1 something failed or was refused, 2 wrong usage, 130 cancelled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wgp_core import headless
from wgp_core.headless_attempts import LoopFlags
from wgp_core.request import (
    CameraMovement,
    EngineChoice,
    EnhanceMode,
    LoraProfile,
    Solver,
    StepCache,
    Theme,
    VideoCodec,
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PROMPT = "How gradient descent finds a minimum"
ENABLE_PROMPT_ENHANCER = False
"""Rewrite every prompt with the enhancer; --enhance and --no-enhance win."""
LLM_ENHANCER_MODEL_DIR = ""
"""Folder of the language model, such as ckpts/Llama3_2; empty takes the best installed one."""
LLM_ENHANCER_MODEL_FILE = ""
"""Weight file inside that folder, such as Llama3_2_quanto_bf16_int8.safetensors; empty takes what is there."""

One = "One video"
Words = "Prompt enhancer"
Loras = "LoRAs"
Tries = "Hero frames and attempts"
Many = "Many videos"
Run = "How it runs"


@app.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
def main(
    prompt: Annotated[str | None, typer.Option(help=f'What the video shows. Default: "{PROMPT}".',
                                               rich_help_panel=One)] = None,
    negative_prompt: Annotated[str | None, typer.Option(help="What it must not show.", rich_help_panel=One)] = None,
    engine: Annotated[EngineChoice | None, typer.Option(help="Which engine.", rich_help_panel=One)] = None,
    model_id: Annotated[str | None, typer.Option(help="Diffusion model or folder.", rich_help_panel=One)] = None,
    image_start: Annotated[Path | None, typer.Option(help="First frame.", rich_help_panel=One)] = None,
    image_end: Annotated[Path | None, typer.Option(help="Last frame.", rich_help_panel=One)] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.", rich_help_panel=One)] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.", rich_help_panel=One)] = None,
    seconds: Annotated[float | None, typer.Option(help="Length; or give --frames.", rich_help_panel=One)] = None,
    frames: Annotated[int | None, typer.Option(help="Length in frames.", rich_help_panel=One)] = None,
    fps: Annotated[int | None, typer.Option(help="Frames per second.", rich_help_panel=One)] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.", rich_help_panel=One)] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance scale.", rich_help_panel=One)] = None,
    flow_shift: Annotated[float | None, typer.Option(help="Flow shift.", rich_help_panel=One)] = None,
    guidance_2: Annotated[float | None, typer.Option(help="Guidance at low noise (Wan 2.2).",
                                                     rich_help_panel=One)] = None,
    solver: Annotated[Solver | None, typer.Option(help="Scheduler of the steps.", rich_help_panel=One)] = None,
    step_cache: Annotated[StepCache | None, typer.Option(help="Reuse results between steps.",
                                                         rich_help_panel=One)] = None,
    window_frames: Annotated[int | None, typer.Option(help="Frames of one window of a long video.",
                                                      rich_help_panel=One)] = None,
    window_overlap: Annotated[int | None, typer.Option(help="Frames that windows share.", rich_help_panel=One)] = None,
    window_prompt: Annotated[list[str] | None, typer.Option(help="Prompt of the next window; may be repeated.",
                                                            rich_help_panel=One)] = None,
    enhance: Annotated[bool, typer.Option(help="Rewrite the prompt for the model; what is meant stays.",
                                          rich_help_panel=Words)] = ENABLE_PROMPT_ENHANCER,
    enhancer: Annotated[str | None, typer.Option(help="auto, local, openai or rules.", rich_help_panel=Words)] = None,
    llm_enhancer_model_dir: Annotated[str, typer.Option(help="Folder of the language model.",
                                                        rich_help_panel=Words)] = LLM_ENHANCER_MODEL_DIR,
    llm_enhancer_model_file: Annotated[str, typer.Option(help="Weight file in that folder.",
                                                         rich_help_panel=Words)] = LLM_ENHANCER_MODEL_FILE,
    lora_path: Annotated[list[str] | None, typer.Option(help="LoRA file or folder; may be repeated.",
                                                        rich_help_panel=Loras)] = None,
    lora_weight_name: Annotated[list[str] | None, typer.Option(help="File inside the LoRA's folder.",
                                                               rich_help_panel=Loras)] = None,
    lora_scale: Annotated[list[str] | None, typer.Option(help="Multiplier: 0.8; over the steps 1,0.5; per phase 1;0. "
                                                              "Once for all, or once a LoRA.",
                                                         rich_help_panel=Loras)] = None,
    lora_prompt_profile: Annotated[LoraProfile | None, typer.Option(help="Words that suit the LoRA.",
                                                                    rich_help_panel=Loras)] = None,
    lora_trigger: Annotated[list[str] | None, typer.Option(help="Put before the prompt.",
                                                           rich_help_panel=Loras)] = None,
    lora_negative_boost: Annotated[bool | None, typer.Option(help="More negative words with a LoRA profile.",
                                                             rich_help_panel=Loras)] = None,
    seed: Annotated[int | None, typer.Option(help="-1 draws one.", rich_help_panel=One)] = None,
    camera: Annotated[CameraMovement | None, typer.Option(help="Camera movement.", rich_help_panel=One)] = None,
    theme: Annotated[Theme | None, typer.Option(help="Look of local drawings.", rich_help_panel=One)] = None,
    codec: Annotated[VideoCodec | None, typer.Option(help="Video codec.", rich_help_panel=One)] = None,
    crf: Annotated[int | None, typer.Option(help="Quality, 0 best to 51.", rich_help_panel=One)] = None,
    subtitles: Annotated[bool | None, typer.Option(help="Write .srt and .vtt.", rich_help_panel=One)] = None,
    snapshots: Annotated[int | None, typer.Option(help="PNG frames to save.", rich_help_panel=One)] = None,
    fallback: Annotated[bool | None, typer.Option(help="Draw locally when diffusion fails.",
                                                  rich_help_panel=One)] = None,
    output: Annotated[Path | None, typer.Option(help="File to write.", rich_help_panel=One)] = None,
    replay: Annotated[Path | None, typer.Option(help="Make a video again from the settings inside it.",
                                                rich_help_panel=One)] = None,
    hero_frames: Annotated[int, typer.Option(help="Stills to draw first; the best becomes the first frame.",
                                             min=0, max=16, rich_help_panel=Tries)] = 0,
    hero_model: Annotated[str | None, typer.Option(help="Model of the stills; else an installed one.",
                                                   rich_help_panel=Tries)] = None,
    attempts: Annotated[int, typer.Option(help="Videos to make with different seeds; all are scored and kept, the "
                                               "best is the result.", min=0, max=20, rich_help_panel=Tries)] = 0,
    iterate: Annotated[Path | None, typer.Option(help="Go on from the video of an attempt, with what flags change.",
                                                 rich_help_panel=Tries)] = None,
    batch: Annotated[Path | None, typer.Option(help="JSON, JSONL or CSV file of requests.",
                                               rich_help_panel=Many)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Skip what is done.", rich_help_panel=Many)] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and print the plan.",
                                          rich_help_panel=Many)] = False,
    gpu: Annotated[str | None, typer.Option(help="cuda:0, cpu or auto.", rich_help_panel=Run)] = None,
    profile: Annotated[str | None, typer.Option(help="VRAM profile.", rich_help_panel=Run)] = None,
    attention: Annotated[str | None, typer.Option(help="Attention backend.", rich_help_panel=Run)] = None,
    dtype: Annotated[str | None, typer.Option(help="bf16 or fp16.", rich_help_panel=Run)] = None,
    quantization: Annotated[str | None, typer.Option(help="int8, fp8, int4 or none.", rich_help_panel=Run)] = None,
    compile_: Annotated[bool | None, typer.Option("--compile/--no-compile", help="Compile the model.",
                                                  rich_help_panel=Run)] = None,
    preload: Annotated[int | None, typer.Option(help="MB of weights kept on the card.", rich_help_panel=Run)] = None,
    cache_root: Annotated[Path | None, typer.Option(help="Hub cache.", rich_help_panel=Run)] = None,
    prune_hf_cache: Annotated[bool | None, typer.Option(help="Remove unused models from the hub cache first.",
                                                        rich_help_panel=Run)] = None,
    purge_hf_cache: Annotated[bool, typer.Option("--purge-hf-cache", envvar="T2V_PURGE_HF_CACHE",
                                                 help="Empty the hub cache first.", rich_help_panel=Run)] = False,
    output_dir: Annotated[Path | None, typer.Option(help="Where results go.", rich_help_panel=Run)] = None,
    settings: Annotated[Path | None, typer.Option(help="Another settings.json.", rich_help_panel=Run)] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a video on standard output.",
                                        rich_help_panel=Run)] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what happens.", rich_help_panel=Run)] = False,
) -> None:
    flags = {
        "prompt": prompt, "negative_prompt": negative_prompt, "engine": engine, "model": model_id,
        "start_image": image_start, "end_image": image_end, "width": width, "height": height, "seconds": seconds,
        "frames": frames, "fps": fps, "steps": steps, "guidance": guidance, "flow_shift": flow_shift, "seed": seed,
        "camera": camera, "theme": theme, "fallback_local_on_fail": fallback, "guidance_2": guidance_2,
        "solver": solver, "step_cache": step_cache, "window_frames": window_frames, "window_overlap": window_overlap,
        "window_prompts": tuple(window_prompt) if window_prompt else None, "lora_profile": lora_prompt_profile,
        "lora_negative_boost": lora_negative_boost, "enhance": EnhanceMode.AUTOMATIC if enhance else None,
    }
    loras = headless.LoraFlags(tuple(lora_path or ()), tuple(lora_scale or ()), tuple(lora_weight_name or ()),
                               tuple(lora_trigger or ()))
    machine = {"profile": profile, "attention": attention, "dtype": dtype, "quantization": quantization,
               "compile": compile_, "preload_mb": preload, "prune_hf_cache": prune_hf_cache,
               "cache_root": str(cache_root.expanduser().resolve()) if cache_root else None,
               "enhancer_provider": enhancer,
               "enhancer_model": headless.language_model(llm_enhancer_model_dir, llm_enhancer_model_file)}
    output_flags = {"codec": codec, "crf": crf, "subtitles": subtitles, "snapshots": snapshots, "path": output}
    options = headless.Options(
        batch=batch, replay=replay, resume=resume, dry_run=dry_run, gpu=gpu,
        machine={name: value for name, value in machine.items() if value is not None}, loras=loras,
        purge_hf_cache=purge_hf_cache, output_dir=output_dir, settings_file=settings, as_json=json_, verbose=verbose,
        loop=LoopFlags(hero_frames, attempts, hero_model, iterate),
        default_prompt=PROMPT)
    raise typer.Exit(headless.main(flags, output_flags, options))


if __name__ == "__main__":
    app()
