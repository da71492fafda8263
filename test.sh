#!/usr/bin/env bash
# Sets up what the tests need, then runs lint, types, import contracts and every test that needs no GPU.
# ./test.sh passes its arguments to pytest: ./test.sh tests/media -k metadata
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

WGP_SETUP_ONLY=1 ./run.sh

stamp=.venv/.done-test-tools
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$(cksum <requirements-dev.txt)" ]; then
    echo "Installing the test tools ..." >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
    cksum <requirements-dev.txt >"$stamp"
fi

# The window's tests drive Chromium. Where it is missing and cannot be installed, they fail and say so.
if ! command -v chromium >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium ..." >&2
    as_root=$([ "$(id -u)" = 0 ] || echo sudo)
    $as_root apt-get update -qq && $as_root apt-get install -y -qq chromium >/dev/null
fi

export GRADIO_ANALYTICS_ENABLED=False HF_HUB_OFFLINE=1
if [ $# -eq 0 ]; then
    .venv/bin/ruff check .
    .venv/bin/pyright
    .venv/bin/lint-imports
    set -- -n auto --maxprocesses 4 --dist loadfile
fi
exec .venv/bin/python -m pytest "$@"
