"""Seconds from nothing to the end of the first forward pass, and peak memory, for ways to load one transformer.

    ./run.sh benchmarks/model_load.py [--size 1.3b|14b|tiny] [--runs 3] [--keep FOLDER]

A real Wan transformer with random weights is written to a temporary folder (1.3b: 5 GB, 14b: 45 GB). Every load runs in
a fresh process, in turn: cold (the files' pages were dropped with posix_fadvise) and warm (the files were just read).
Seconds count from the end of the imports, which are the same for all; the column "process" counts from the start.
mmgp's loader reads our aligned file: its own are not aligned, and int8 on the CPU ends the process on those.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.quantization import SIZES, one_step, write_wan

WAYS = {
    "floor": "the quantized file read once, nothing else",
    "ours": "our int8 file, mapped",
    "mmgp": "mmgp's loader on the same file",
    "diffusers": "from_pretrained, bf16",
    "diffusers+quantize": "from_pretrained, then quanto's quantize and freeze to int8",
}


def drop_pages(folder: Path) -> None:
    """Ask the system to forget the contents of a folder's files; they must be on the disk, so they are synced first."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_once(path: Path) -> None:
    room = bytearray(16 << 20)
    with path.open("rb", buffering=0) as file:
        while file.readinto(room):
            pass


def files_of(way: str, component: Path) -> list[Path]:
    quantized = sorted(component.glob("*_quanto_bf16_int8.safetensors"))
    own = sorted(component.glob("diffusion_pytorch_model*.safetensors"))
    return own if way.startswith("diffusers") else quantized


def peak_kb() -> int:
    """The most memory that this process itself has held, in kB; getrusage would count its parent's before the exec."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found, "/proc/self/status names no peak"
    return int(found.group(1))


def child(way: str, component: Path) -> None:
    """One load in this process; prints seconds and memory as JSON."""
    import torch
    from diffusers import WanTransformer3DModel

    from wgp_core.models.options import LoadOptions
    from wgp_core.models.quantized import load_component
    from wgp_core.models.quanto_format import choose_layers

    if way == "mmgp":
        from mmgp import offload
    else:
        import optimum.quanto as quanto
    before = peak_kb()
    began = time.perf_counter()
    model = None
    if way == "floor":
        read_once(files_of(way, component)[0])
    elif way == "ours":
        model = load_component(component, WanTransformer3DModel, LoadOptions(), quantize=True)
    elif way == "mmgp":
        model = offload.fast_load_transformers_model(str(files_of(way, component)[0]),
                                                     modelClass=WanTransformer3DModel, verboseLevel=0)
    else:
        model = WanTransformer3DModel.from_pretrained(component, torch_dtype=torch.bfloat16)
        if way == "diffusers+quantize":
            names = list(choose_layers(model, LoadOptions().quantization,
                                       WanTransformer3DModel._skip_layerwise_casting_patterns))
            quanto.quantize(model, weights=quanto.qint8, include=names)
            quanto.freeze(model)
    loaded = time.perf_counter() - began
    total = float(one_step(model).sum()) if model is not None else 0.0
    print(json.dumps({"load": loaded, "forward": time.perf_counter() - began, "checksum": total, "before": before,
                      "peak": peak_kb()}))


def measure(way: str, component: Path, *, cold: bool) -> dict[str, float]:
    if cold:
        drop_pages(component)
    else:
        for path in files_of(way, component):
            read_once(path)
    began = time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "--child", way, "--keep", str(component.parent)],
                          capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{way} ended with status {done.returncode}: {done.stderr[-2000:]}")
    return {**json.loads(done.stdout.strip().splitlines()[-1]), "process": wall}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="1.3b")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="write the model here, or use the one that is there, and keep it")
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.keep / "transformer")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        component = folder / "transformer"
        if not component.is_dir():
            write_wan(folder, args.size)
        from wgp_core.models.options import LoadOptions
        from wgp_core.models.quantized import quantize_component

        quantize_component(component, LoadOptions().precision, LoadOptions().quantization)
        report(component, args.runs)


def report(component: Path, runs: int) -> None:
    seen: dict[tuple[str, bool], list[dict[str, float]]] = {}
    for _ in range(runs):
        for way in WAYS:
            for cold in (True, False):
                seen.setdefault((way, cold), []).append(measure(way, component, cold=cold))
    print(f"{'way':20} {'':5} {'file GB':>8} {'load s':>8} {'+forward s':>11} {'(min-max)':>15} {'process s':>10} "
          f"{'peak GB':>8} {'above imports':>14}")
    for (way, cold), results in seen.items():
        size = sum(path.stat().st_size for path in files_of(way, component)) / 1e9
        times = [r["forward"] for r in results]
        peak = max(r["peak"] for r in results) * 1024 / 1e9
        above = max(r["peak"] - r["before"] for r in results) * 1024 / 1e9
        print(f"{way:20} {'cold' if cold else 'warm':5} {size:8.3f} "
              f"{statistics.median(r['load'] for r in results):8.2f} {statistics.median(times):11.2f} "
              f"{f'({min(times):.2f}-{max(times):.2f})':>15} "
              f"{statistics.median(r['process'] for r in results):10.2f} {peak:8.2f} {above:14.2f}")


if __name__ == "__main__":
    main()
