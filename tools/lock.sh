#!/bin/sh
# Pins what pyproject.toml asks for: hashes for every platform, no registry's address. Wants uv on PATH.
set -eu
cd "$(dirname "$0")/.."
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --custom-compile-command tools/lock.sh "$@"
}
# The developer's first: what it needs beside the package's own dependencies decides what both can have.
compile pyproject.toml --extra terraform --extra aws --extra gcp --extra monitoring --extra events --extra plots --extra models \
  --extra prophet --extra lstm \
  --group build --group dev \
  --output-file requirements-dev.lock
compile pyproject.toml --extra terraform --group build --constraint requirements-dev.lock \
  --output-file requirements.lock
# What run.py fetches uv itself by, where there is none.
echo uv | compile - --no-header --output-file tools/uv.lock
