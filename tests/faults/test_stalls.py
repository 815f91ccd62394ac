"""A real apply stopped for longer than its lease: its engine ends, another goes on, and it changes nothing."""

from __future__ import annotations

import shutil
import signal
import time

import pytest

from contracts.engines import EngineName
from contracts.exits import ExitCode
from stacks.lock import read_holder
from stacks.supervisor import processes
from tests.engines.terraform_project import tofu_missing
from tests.faults.apply_campaign import creations, outliving, start_child, wrongs
from tests.faults.apply_world import open_project, prepare_first

pytestmark = [pytest.mark.fault, pytest.mark.engine, pytest.mark.slow]
LEASE_S = 0.6


def engines_of(pid: int) -> list[int]:
    """Sessions that a process started for its engine: all but the supervisor, which is there from the beginning."""
    return [item.pid for item in processes() if item.parent == pid and item.session == item.pid]


def wait_for(what, seconds=30.0):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


@pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())
def test_a_stalled_apply_loses_its_engine_and_its_turn(tmp_path):
    situation = prepare_first(tmp_path / "prepared", EngineName.TERRAFORM)
    folder = shutil.copytree(situation.folder, tmp_path / "project")
    with start_child(folder, lease_s=LEASE_S) as stalled:
        try:
            after, told = stall(stalled, folder)
        finally:
            stalled.kill()
    assert stalled.returncode in (ExitCode.BUSY, -signal.SIGKILL), told  # killed where it was inside a write
    assert stalled.returncode != ExitCode.BUSY or b"the environment's lock was lost" in told
    assert (creations(folder), journal_of(folder)) == after
    assert outliving(folder) == []
    with open_project(folder) as project:
        assert list(wrongs(project, {}, {})) == []


def stall(stalled, folder):
    """Stops the process in the middle, has another finish, and lets it go on: what was there then, and what it told."""
    lock = folder / ".prestage" / "dev" / "apply.lock"
    assert stalled.stdout.readline() == b"begin\n"
    wait_for(lambda: len(engines_of(stalled.pid)) >= 2)  # the supervisor and a command of the engine
    wait_for(lambda: creations(folder))  # something is made
    stalled.send_signal(signal.SIGSTOP)
    wait_for(lambda: len(engines_of(stalled.pid)) == 1)  # the supervisor is left
    wait_for(lambda: (holder := read_holder(lock)) is not None and holder.stalled)
    with start_child(folder, lease_s=30) as second:
        _, told = second.communicate(timeout=120)
    assert second.returncode == 0, told
    after = (creations(folder), journal_of(folder))
    stalled.send_signal(signal.SIGCONT)
    _, told = stalled.communicate(timeout=60)
    return after, told


def journal_of(folder):
    with open_project(folder) as project:
        return project.journal.runs()
