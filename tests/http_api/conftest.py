"""The API over a real queue and database, with the line's task runner replaced where a test says so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from fakes import FakeEngine, registry
from fastapi.testclient import TestClient
from waiting import wait_until

from wgp_core.config import Config
from wgp_core.jobs.prompt_line import PromptLine
from wgp_core.jobs.queue import JobQueue
from wgp_core.jobs.supervisor import SupervisorStatus, WorkerStatus
from wgp_core.paths import Paths
from wgp_core.server import build_web
from wgp_core.store import Store

LOCAL = "http://127.0.0.1:7860"


def no_tasks(name: str, payload: object, **_: object) -> dict:
    raise AssertionError(f"{name} was not expected")


def at_rest() -> SupervisorStatus:
    return SupervisorStatus(WorkerStatus(), WorkerStatus())


@pytest.fixture
def studio(paths: Paths) -> Iterator[SimpleNamespace]:
    store = Store.open(paths.database)
    config = Config(paths.settings_file)
    made = SimpleNamespace(paths=paths, config=config, settings=config.settings, engines=registry(FakeEngine()),
                           store=store, queue=JobQueue(store, paths),
                           supervisor=SimpleNamespace(prompts=PromptLine(no_tasks), run_task=no_tasks, status=at_rest))
    yield made
    made.supervisor.prompts.close()
    store.close()


@pytest.fixture
def client(studio: SimpleNamespace) -> TestClient:
    return TestClient(build_web(studio, None), base_url=LOCAL)  # type: ignore[arg-type]


@pytest.fixture
def address(studio: SimpleNamespace) -> Iterator[tuple[str, int]]:
    """A real server on a free port."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(build_web(studio, None), log_level="error"))
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    yield "127.0.0.1", sock.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    sock.close()
