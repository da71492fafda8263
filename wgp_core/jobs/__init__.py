"""The durable queue, the worker processes that carry it out, and the supervisor that keeps them alive.

- `queue.JobQueue`: what windows, scripts and the API do with jobs. Only the database; no process.
- `supervisor.Supervisor`: lives in the window's process; starts, watches, stops and replaces the workers.
- `worker`: the separate process (`python -m wgp_core.jobs.worker`); the only one that loads models.
- `applock.acquire_app_lock`: one app per folder.
"""
