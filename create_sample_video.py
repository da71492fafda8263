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

from wgp_core import flags, headless
from wgp_core.headless_attempts import LoopFlags
from wgp_core.request import (
    CameraMovement,
    EnhanceMode,
    Solver,
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PROMPT = "How gradient descent finds a minimum"
ENABLE_PROMPT_ENHANCER = False
"""Rewrite every prompt with the enhancer; --enhance and --no-enhance win."""
LLM_ENHANCER_MODEL_DIR = ""
"""Folder of the language model, such as ckpts/Llama3_2; empty takes the best installed one."""
LLM_ENHANCER_MODEL_FILE = ""
"""Weight file inside that folder, such as Llama3_2_quanto_bf16_int8.safetensors; empty takes what is there."""

WORDS = "Prompt enhancer"
TRIES = "Hero frames and attempts"
MANY = "Many videos"


@app.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
def main(
    prompt: Annotated[str | None, flags.option(flags.VIDEO, f'What the video shows. Default: "{PROMPT}".')] = None,
    negative_prompt: flags.NegativePrompt = None,
    engine: flags.Engine = None,
    model_id: flags.ModelId = None,
    image_start: flags.ImageStart = None,
    image_end: Annotated[Path | None, flags.option(flags.VIDEO, "Last frame.")] = None,
    width: flags.Pixels = None,
    height: flags.Pixels = None,
    seconds: flags.Seconds = None,
    frames: flags.Frames = None,
    fps: flags.Fps = None,
    steps: flags.Steps = None,
    guidance: flags.Guidance = None,
    flow_shift: flags.FlowShift = None,
    guidance_2: Annotated[float | None, flags.option(flags.VIDEO, "Guidance at low noise (Wan 2.2).")] = None,
    solver: Annotated[Solver | None, flags.option(flags.VIDEO, "Scheduler of the steps.")] = None,
    step_cache: flags.StepCaching = None,
    window_frames: Annotated[int | None, flags.option(flags.VIDEO, "Frames of one window of a long video.")] = None,
    window_overlap: Annotated[int | None, flags.option(flags.VIDEO, "Frames that windows share.")] = None,
    window_prompt: Annotated[list[str] | None, flags.option(
        flags.VIDEO, "Prompt of the next window; may be repeated.")] = None,
    enhance: Annotated[bool, flags.option(
        WORDS, "Rewrite the prompt for the model; what is meant stays.")] = ENABLE_PROMPT_ENHANCER,
    enhancer: Annotated[str | None, flags.option(WORDS, "auto, local, openai or rules.")] = None,
    llm_enhancer_model_dir: Annotated[str, flags.option(
        WORDS, "Folder of the language model.")] = LLM_ENHANCER_MODEL_DIR,
    llm_enhancer_model_file: Annotated[str, flags.option(
        WORDS, "Weight file in that folder.")] = LLM_ENHANCER_MODEL_FILE,
    lora_path: flags.LoraPath = None,
    lora_weight_name: flags.LoraWeightName = None,
    lora_scale: flags.LoraScale = None,
    lora_prompt_profile: flags.LoraPromptProfile = None,
    lora_trigger: flags.LoraTrigger = None,
    lora_negative_boost: flags.LoraNegativeBoost = None,
    seed: flags.Seed = None,
    camera: Annotated[CameraMovement | None, flags.option(flags.VIDEO, "Camera movement.")] = None,
    theme: flags.ThemeChoice = None,
    codec: flags.Codec = None,
    crf: flags.Crf = None,
    subtitles: flags.Subtitles = None,
    snapshots: flags.Snapshots = None,
    fallback: Annotated[bool | None, flags.option(flags.VIDEO, "Draw locally when diffusion fails.")] = None,
    output: flags.Output = None,
    replay: Annotated[Path | None, flags.option(flags.VIDEO, "Make a video again from the settings inside it.")] = None,
    hero_frames: Annotated[int, flags.option(
        TRIES, "Stills to draw first; the best becomes the first frame.", min=0, max=16)] = 0,
    hero_model: Annotated[str | None, flags.option(TRIES, "Model of the stills; else an installed one.")] = None,
    attempts: Annotated[int, flags.option(
        TRIES, "Videos to make with different seeds; all are scored and kept, the best is the result.", min=0, max=20,
    )] = 0,
    iterate: Annotated[Path | None, flags.option(
        TRIES, "Go on from the video of an attempt, with what flags change.")] = None,
    batch: Annotated[Path | None, flags.option(MANY, "JSON, JSONL or CSV file of requests.")] = None,
    resume: Annotated[bool, flags.option(MANY, "Skip what is done.", "--resume")] = False,
    dry_run: Annotated[bool, flags.option(MANY, "Check everything and print the plan.", "--dry-run")] = False,
    gpu: flags.Gpu = None,
    profile: flags.Profile = None,
    attention: Annotated[str | None, flags.option(flags.RUN, "Attention backend.")] = None,
    dtype: flags.Dtype = None,
    quantization: flags.Quantization = None,
    compile_: Annotated[bool | None, flags.option(flags.RUN, "Compile the model.", "--compile/--no-compile")] = None,
    preload: Annotated[int | None, flags.option(flags.RUN, "MB of weights kept on the card.")] = None,
    cache_root: flags.CacheRoot = None,
    prune_hf_cache: flags.PruneCache = None,
    purge_hf_cache: flags.PurgeCache = False,
    output_dir: flags.OutputDir = None,
    settings: flags.SettingsFile = None,
    json_: flags.AsJson = False,
    verbose: flags.Verbose = False,
) -> None:
    request = {
        "prompt": prompt, "negative_prompt": negative_prompt, "engine": engine, "model": model_id,
        "start_image": image_start, "end_image": image_end, "width": width, "height": height, "seconds": seconds,
        "frames": frames, "fps": fps, "steps": steps, "guidance": guidance, "flow_shift": flow_shift, "seed": seed,
        "camera": camera, "theme": theme, "fallback_local_on_fail": fallback, "guidance_2": guidance_2,
        "solver": solver, "step_cache": step_cache, "window_frames": window_frames, "window_overlap": window_overlap,
        "window_prompts": tuple(window_prompt) if window_prompt else None, "lora_profile": lora_prompt_profile,
        "lora_negative_boost": lora_negative_boost, "enhance": EnhanceMode.AUTOMATIC if enhance else None,
    }
    machine = flags.machine(
        cache_root, profile=profile, attention=attention, dtype=dtype, quantization=quantization, compile=compile_,
        preload_mb=preload, prune_hf_cache=prune_hf_cache, enhancer_provider=enhancer,
        enhancer_model=headless.language_model(llm_enhancer_model_dir, llm_enhancer_model_file))
    output_fields = {"codec": codec, "crf": crf, "subtitles": subtitles, "snapshots": snapshots, "path": output}
    options = headless.Options(
        batch=batch, replay=replay, resume=resume, dry_run=dry_run, gpu=gpu, machine=machine,
        loras=flags.loras(lora_path, lora_scale, lora_weight_name, lora_trigger), purge_hf_cache=purge_hf_cache,
        output_dir=output_dir, settings_file=settings, as_json=json_, verbose=verbose,
        loop=LoopFlags(hero_frames, attempts, hero_model, iterate), default_prompt=PROMPT)
    raise typer.Exit(headless.main(request, output_fields, options))


if __name__ == "__main__":
    app()
