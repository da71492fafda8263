"""The real worker with a few more tasks, registered the way a feature registers its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from wgp_core.errors import EngineError
from wgp_core.events import Progress, Stage
from wgp_core.jobs import worker
from wgp_core.jobs.tasks import TASKS, TaskContext, task


@task("echo")
def echo(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    return {"text": payload["text"]}


@task("refuse")
def refuse(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    raise EngineError("No model.", fix="Get one.")


@task("nap")
def nap(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    until = time.monotonic() + payload["seconds"]
    while time.monotonic() < until:
        context.cancel.raise_if_cancelled()
        time.sleep(0.02)
    return {}


@task("abort")
def abort(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    os.abort()


@task("device")
def device(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    return {"device": context.runtime.device, "crf": context.settings.crf}


_verify = TASKS["model_verify"]


def slow_verify(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """A model named "slow:N" takes N seconds; others are verified."""
    name, _, seconds = str(payload["model"]).partition(":")
    if name != "slow":
        return _verify(payload, context)
    total = max(1, round(1000 * float(seconds)))
    began = time.monotonic()
    while (done := round(1000 * (time.monotonic() - began))) < total:
        context.cancel.raise_if_cancelled()
        context.on_progress(Progress(Stage.LOAD, done, total, "Reading"))
        time.sleep(0.02)
    return {"message": "Read."}


TASKS["model_verify"] = slow_verify

if __name__ == "__main__":
    sys.exit(worker.main())
