"""What forecasts is bound to one thread before NumPy is loaded: the bytes do not hang on the number of cores."""

import os
import subprocess
import sys

import pytest

from prestage.one_thread import NAMES
from tests.prestage.conftest import ROOT

SPY = "import os; print('threads', os.environ.get('OPENBLAS_NUM_THREADS')); raise SystemExit(7)"
RUN = "import sys; from prestage.failures import run; run(sys.argv[1:])"


@pytest.mark.parametrize("command", ["forecast", "backtest", "demo"])
def test_commands_that_forecast_load_numpy_on_one_thread(tmp_path, command):
    (tmp_path / "numpy.py").write_text(SPY)  # what is loaded first in NumPy's place
    clean = {name: value for name, value in os.environ.items() if name not in NAMES}
    ended = subprocess.run(
        [sys.executable, "-c", RUN, command],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout.splitlines()[-1:]) == (7, ["threads 1"])
