"""Serving: one FastAPI app with the API and, if given, the window on it, behind the guard.

Owns the address, the lock on the folder, start-up messages and a clean end. Knows nothing of Gradio: the window is
mounted by a function that it is given.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .context import Studio, build_studio, device_override
from .errors import SettingsError, WgpError
from .hardware import check_device, gpus
from .http_api.guard import LOCAL_NAMES, Credentials, Guard
from .jobs.applock import acquire_app_lock
from .logs import configure
from .paths import build_paths

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger(__name__)

MountWindow = Callable[["FastAPI", Studio], "FastAPI"]
LOCAL_ADDRESSES = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class ServerOptions:
    """The command line of `app.py`. `overrides` are settings that win over the file and the environment."""

    port: int = 7860
    name: str | None = None
    listen: bool = False
    auth: str | None = None
    auth_file: Path | None = None
    gpu: str | None = None
    open_browser: bool = False
    output_dir: Path | None = None
    settings_file: Path | None = None
    engines: str = ""
    verbose: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)


def serve(options: ServerOptions, mount_window: MountWindow | None) -> int:
    """Run until stopped; returns the exit status (2 for what cannot be started, with the reason on stderr)."""
    try:
        with ExitStack() as stack:
            return _serve(options, mount_window, stack)
    except WgpError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _serve(options: ServerOptions, mount_window: MountWindow | None, stack: ExitStack) -> int:
    import uvicorn

    address, credentials = _address(options), _credentials(options)
    paths = build_paths(outputs=options.output_dir, settings_file=options.settings_file).ensure()
    configure(verbose=options.verbose, file=paths.logs / "studio.log")
    overrides = dict(options.overrides)
    if options.gpu is not None:
        overrides |= device_override(options.gpu)
        note = check_device(overrides["device"], gpus())
        if note:
            sys.stderr.write(note + "\n")
    sock = stack.enter_context(_bind(address, options.port))
    url = f"http://{'127.0.0.1' if address in ('0.0.0.0', '::') else address}:{options.port}"
    stack.enter_context(acquire_app_lock(paths, url=url))
    studio = build_studio(paths, overrides=overrides, engines=options.engines)
    stack.callback(studio.close)
    for problem in studio.config.loaded.problems:
        sys.stderr.write(problem + "\n")
    web = build_web(studio, mount_window, hosts=frozenset() if options.listen else LOCAL_NAMES | {address},
                    credentials=credentials, closing=lambda: server.should_exit)
    server = uvicorn.Server(uvicorn.Config(web, log_level="info" if options.verbose else "warning", lifespan="on",
                                           timeout_graceful_shutdown=3))
    studio.start()
    _announce(url, options, mount_window is not None)
    server.run(sockets=[sock])
    return 0


def build_web(studio: Studio, mount_window: MountWindow | None, *, hosts: frozenset[str] = LOCAL_NAMES,
              credentials: Credentials | None = None, closing: Callable[[], bool] = lambda: False) -> Guard:
    """The whole web application, guarded. `closing` turns True when answers that take long are to end."""
    from fastapi import FastAPI

    from .http_api.routes import add_api

    web = FastAPI(title="WGP Studio", version=__version__, docs_url=None, openapi_url="/api/openapi.json",
                  redoc_url=None)
    add_api(web, studio, closing)
    if mount_window is not None:
        web = mount_window(web, studio)
    return Guard(web, hosts=hosts, credentials=credentials)


def _address(options: ServerOptions) -> str:
    address = options.name or ("0.0.0.0" if options.listen else "127.0.0.1")
    if address not in LOCAL_ADDRESSES and not options.listen:
        raise SettingsError(f"--server-name {address} would let other machines connect.",
                            fix="Add --listen and --auth user:password if that is wanted.")
    return address


def _credentials(options: ServerOptions) -> Credentials | None:
    text = options.auth
    if options.auth_file is not None:
        try:
            text = options.auth_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"The file {options.auth_file} cannot be read: {error.strerror or error}.") from error
    if text is None:
        if options.listen:
            raise SettingsError("--listen needs a name and a password.",
                                fix="Add --auth user:password, or --auth-file FILE.")
        return None
    user, colon, password = text.partition(":")
    if not colon or not user or len(password) < 8:
        raise SettingsError("The credentials cannot be used.",
                            fix="Write them as user:password, with at least 8 characters of password.")
    return Credentials(user, password)


def _bind(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise SettingsError(f"Port {port} of {address} cannot be used: {error.strerror or error}.",
                            fix=f"Another program may have it; try --server-port {port % 65535 + 1}.") from error
    return sock


def _announce(url: str, options: ServerOptions, window: bool) -> None:
    sys.stdout.write(f"WGP Studio is at {url}{'' if window else '/api/openapi.json'} (stop it with Ctrl+C)\n")
    sys.stdout.flush()
    if options.open_browser and window:
        threading.Timer(1.0, webbrowser.open, [url]).start()
