#!/bin/sh
# Installed as `pulumi-language-python` beside the pulumi CLI: finds the Python that runs pulumi_language_host.py.
# In this order: the first on PATH when it is an environment's, `.venv` here or above, the first on PATH.
here=$(dirname "$0")
python=$(command -v python || command -v python3)
if [ ! -f "$(dirname "$python")/../pyvenv.cfg" ]; then
  for environment in .venv ../.venv; do
    if [ -x "$environment/bin/python" ]; then
      python=$environment/bin/python
      break
    fi
  done
fi
exec "$python" -P "$here/pulumi_language_host.py" "$@"
