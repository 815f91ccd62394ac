"""A project of one's own, outside of the repository, beside folders of the user's own that bear our rooms' names.

Every command by the environment's Python in a process of its own, on the real engine.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.exits import ExitCode
from stacks.engines.terraform_engine.program import find_program
from stacks.errors import EngineMissing

ROOT = Path(__file__).parents[2]
OURS = ("contracts", "coordinator", "forecaster", "planner", "policies", "stacks")
TABLES = ("utilisation", "traffic", "requests")
PEERING = ("request", "peering", "--customer", "acme", "--from", "fra", "--to", "ams", "--id", "one")


def engine_missing() -> bool:
    try:
        find_program()
    except EngineMissing:
        return True
    return False


pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(engine_missing(), reason="neither tofu nor terraform is installed: python3 run.py engines"),
]


def prestage(folder: Path, *words: str, safe: bool = True) -> "subprocess.CompletedProcess[str]":
    """One command line, with nobody at the terminal. `safe`: as the installed script, else as `python -m` is."""
    flags = ("-P",) if safe else ()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, *flags, "-m", "prestage", *words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def tell(folder: Path, *words: str, code: int = 0):
    """The one JSON document of a command."""
    done = prestage(folder, *words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """`prestage init` in an empty folder, and folders that must never be imported."""
    empty = tmp_path_factory.mktemp("own")
    assert prestage(empty, "init", "my-network").returncode == 0
    folder = empty / "my-network"
    for name in OURS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(
            f"raise RuntimeError('the folder {name} of the user was imported')\n"
        )
    for table in TABLES:
        tell(folder, "history", "import", f"history/{table}.csv", "--table", table)
    return folder


def test_every_command_works_in_it(own):
    """The order of a first day; each step needs the ones before it."""
    assert len(tell(own, "history", "show")["series"]) > 30
    assert tell(own, "forecast")["format"] == "prestage/forecast"
    assert tell(own, "backtest", "--model", "seasonal_naive_168")["rows"]
    assert tell(own, "capacity")["regions"]
    assert tell(own, "plan", "--out", "plans/dev.json", code=ExitCode.CHANGES)["changes"]
    assert tell(own, "explain", "fra/compute/serving/c16")["requirements"]
    asked = prestage(own, "apply", "plans/dev.json")
    assert asked.returncode == ExitCode.USAGE and "--yes" in asked.stderr and not asked.stdout
    assert "not reviewed" in tell(own, "apply", "plans/dev.json", "--yes", code=ExitCode.REFUSED)["error"]["what"]
    assert tell(own, "review", "plans/dev.json")["findings"] == []
    assert {root["status"] for root in tell(own, "apply", "plans/dev.json", "--yes")["roots"]} == {"done"}
    assert tell(own, *PEERING, "--gbps", "0.5", "--vcpu", "4", "--memory-gib", "16")["outcome"] == "staged"
    address = ("request", "address", "--customer", "acme", "--region", "nyc", "--prefix-length", "26", "--bid", "1")
    assert tell(own, *address)["outcome"] == "pool"
    assert tell(own, "hold", "--id", "h", "--customer", "me", "--region", "nyc", "--vcpu", "4")["units"]
    assert tell(own, "release", "h")["units"]
    assert tell(own, "drift")["differences"]  # what was granted, and is expected
    assert tell(own, "reconcile")["changes"] > 0  # adopts the block and stages anew
    assert tell(own, "plan")["changes"] == []
    assert tell(own, "status")["handed_out"]
    assert {finding["health"] for finding in tell(own, "doctor")["findings"]} <= {"good", "note"}


@pytest.mark.parametrize(
    "words", [["schema", "plan"], ["completion", "bash"], ["completion", "zsh"], ["--help"]], ids=str
)
def test_what_needs_no_project_works_beside_them_too(own, words):
    done = prestage(own, *words)
    assert done.returncode == 0 and done.stdout and not done.stderr


def test_python_m_prestage_is_the_same_without_safe_path(own):
    done = prestage(own, "capacity", "--json", safe=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["regions"]


def test_no_colour_is_written_to_a_pipe(own):
    done = prestage(own, "status")
    assert "\x1b[" not in done.stdout + done.stderr
