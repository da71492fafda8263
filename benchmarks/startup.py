"""Seconds from the command to the first whole page: app.py against an empty `gr.Blocks`, in turn, in one run.

    ./run.sh benchmarks/startup.py [--runs 5]
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMPTY = "import gradio as gr\nwith gr.Blocks() as page: pass\npage.launch(server_port={port}, quiet=True)"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def seconds_to_page(command: list[str], port: int, home: str) -> tuple[float, int]:
    """Start a server and ask until it gives the page and its configuration; (seconds, bytes of both)."""
    environ = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "WGP_HOME": home}
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            while time.perf_counter() - began < 120:
                try:
                    size = 0
                    for path in ("/", "/config"):
                        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                            size += len(answer.read())
                    return time.perf_counter() - began, size
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    if process.poll() is not None:
                        raise SystemExit(f"{command} ended with status {process.returncode}") from None
                    time.sleep(0.02)
            raise SystemExit("no page after two minutes")
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    ours, empty = [], []
    with tempfile.TemporaryDirectory() as home:
        for number in range(runs + 1):
            port = free_port()
            one = seconds_to_page([sys.executable, "-c", EMPTY.format(port=port)], port, home)
            port = free_port()
            two = seconds_to_page([sys.executable, "app.py", "--server-port", str(port)], port, home)
            if number:  # the first pair warms the disk's cache
                empty.append(one[0])
                ours.append(two[0])
                print(f"empty gr.Blocks {one[0]:.2f} s ({one[1] / 1000:.0f} kB), app.py {two[0]:.2f} s "
                      f"({two[1] / 1000:.0f} kB), ratio {two[0] / one[0]:.2f}")
    ratio = statistics.median(a / b for a, b in zip(ours, empty, strict=True))
    print(f"median: empty {statistics.median(empty):.2f} s, app.py {statistics.median(ours):.2f} s, "
          f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
