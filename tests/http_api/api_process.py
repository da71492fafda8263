"""`app.py --api-only` in a process of its own, on a free port, with a folder of its own and rules for a model."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wgp_core.paths import PROGRAM_ROOT


@contextmanager
def api_process(home: Path, log: Path, *flags: str) -> Iterator[str]:
    """The address while it runs; `flags` are Python's. Its stderr goes to `log`. Ends it as Ctrl+C does."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    environ = {**os.environ, "WGP_HOME": str(home), "T2V_ENHANCER_PROVIDER": "rules"}
    with log.open("w") as stderr:
        app = subprocess.Popen([sys.executable, *flags, "app.py", "--api-only", "--server-port", str(port)],
                               cwd=PROGRAM_ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environ)
    assert app.stdout is not None
    try:
        said = app.stdout.readline()  # written when the socket listens
        assert str(port) in said, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        app.send_signal(signal.SIGINT)
        try:
            status = app.wait(20)
        except subprocess.TimeoutExpired:
            app.kill()
            raise
        finally:
            app.stdout.close()
    assert status in (0, 130, -signal.SIGINT)
