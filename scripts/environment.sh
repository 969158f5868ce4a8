#!/bin/sh
# Makes .venv hold exactly the versions of one lock file, and this project: scripts/environment.sh run|postgres|dev.
# Does nothing where it does so already. Needs a Python of 3.11 or later; PYTHON names one that is not `python3`.
set -eu
cd "$(dirname "$0")/.."
lock=requirements/$1.txt
python=.venv/bin/python
stamp=.venv/$1.stamp

fail() {
    printf 'dateline: %s\n' "$1" >&2
    exit 1
}

recent_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if recent_enough "$name"; then
            echo "$name"
            return
        fi
    done
    fail "this needs Python 3.11 or later as ${PYTHON:-python3} (PYTHON=/path/to/python names another); found: $(${PYTHON:-python3} --version 2>/dev/null || echo none)"
}

make_environment() {
    base=$(find_python)
    "$base" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "this Python cannot make environments; on Debian and Ubuntu: apt install python3-venv"
    echo "Making an environment in .venv with $("$base" --version) …"
    "$base" -m venv --clear .venv || fail "the environment could not be made; the lines above say why"
    pwd >.venv/place
}

install() {
    "$python" -m pip install -qq --disable-pip-version-check --no-input "$@" ||
        fail "installing failed; the lines above say why. Try again: what was fetched is kept"
}

# Its scripts know where they lie, so an environment that was moved is made anew.
if ! recent_enough "$python" || [ "$(cat .venv/place 2>/dev/null || pwd)" != "$(pwd)" ]; then
    make_environment
fi
wanted=$(cat "$lock" requirements/build.txt pyproject.toml | cksum)
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "Installing what $lock names …"
    install --no-deps --require-hashes --requirement "$lock"
    # What builds the project lies beside what runs it, never among it.
    rm -rf .venv/build
    install --no-deps --require-hashes --target .venv/build --requirement requirements/build.txt
    PYTHONPATH=$(pwd)/.venv/build install --no-deps --no-build-isolation --editable .
    echo "$wanted" >"$stamp"
fi
