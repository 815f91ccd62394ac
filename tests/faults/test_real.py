"""A slice of the crash campaign on real engines: the same numbers, the same outcome; and what it must find."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.pulumi_project import pulumi_missing
from tests.engines.terraform_project import tofu_missing
from tests.faults.crash_play import Passed
from tests.faults.real_points import script_of
from tests.faults.sim_cloud import Met

pytestmark = pytest.mark.fault
ROOT = Path(__file__).parents[2]
needs_tofu = pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())
needs_pulumi = pytest.mark.skipif(bool(pulumi_missing()), reason=pulumi_missing())


def replayed(engine, first, real, *words):
    """Replays numbers in a process of its own: its commands are forks, which gRPC's threads of this one would not bear.

    Returns its exit code, and the figures of its table's last row: scenarios, deaths, elsewhere, same, lost, twice.
    """
    numbers = ["--real", str(real), "--first", str(first), "--engine", engine]
    command = [sys.executable, "-m", "tests.faults.crash_campaign", *numbers, *words]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, check=False)
    row = next((line for line in reversed(ended.stdout.splitlines()) if line.startswith(f"{engine} ")), "")
    assert row, ended.stdout + ended.stderr
    return ended.returncode, tuple(int(word) for word in row.split()[1:]), ended.stdout


@pytest.mark.engine
@pytest.mark.slow
@needs_tofu
def test_the_same_numbers_come_to_the_same_on_opentofu(tmp_path):
    code, (scenarios, deaths, _, same, lost, twice), told = replayed("terraform", 14, 3)
    assert (code, scenarios, same, lost, twice) == (0, 3, 3, 0, 0), told
    assert deaths == 4


@pytest.mark.engine
@pytest.mark.slow
@needs_pulumi
def test_the_same_number_comes_to_the_same_on_pulumi(tmp_path):
    code, (scenarios, deaths, _, same, lost, twice), told = replayed("pulumi", 49, 1)
    assert (code, scenarios, deaths, same, lost, twice) == (0, 1, 1, 1, 0, 0), told


@pytest.mark.engine
@pytest.mark.long
@needs_tofu
def test_without_looking_by_tag_real_engines_make_things_twice(tmp_path):
    code, (scenarios, _, _, _, _, twice), told = replayed("terraform", 56, 1, "--without-adoption")
    assert (code, scenarios, twice) == (1, 1, 1), told


def test_a_script_says_when_a_command_dies_and_what_it_does_before():
    points = (
        "before a journal write",
        "engine called",
        "before create fra/network",
        "during create fra/network",
        "after create fra/network",
        "before a state write: created fra/network",
    )
    met = Met(call="create", key="fra/network")
    script = script_of(Passed(points=points, dead=True, met=(met,)), remembers=False)
    assert (script.due, script.nth, script.engine_calls, script.inside) == (points[-1], 1, 1, True)
    assert script.calls == {("create", "fra/network")}
    assert script.noted == {"created fra/network"}
    assert script_of(Passed(points=points, dead=False, met=()), remembers=False).due == ""
