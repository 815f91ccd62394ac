#!/bin/sh
# Pins what pyproject.toml asks for: hashes for every platform, no registry's address. Wants uv on PATH.
set -eu
cd "$(dirname "$0")/.."
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --custom-compile-command tools/lock.sh "$@"
}
compile pyproject.toml --extra terraform --group build --output-file requirements.lock
compile pyproject.toml --extra terraform --group build --group dev --constraint requirements.lock \
  --output-file requirements-dev.lock
# What run.py fetches uv itself by, where there is none.
echo uv | compile - --no-header --output-file tools/uv.lock
