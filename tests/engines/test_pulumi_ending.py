"""A command that was asked to end and does not is ended by force, with all that it started; what it made is found."""

import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from semver import VersionInfo

from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.engines.pulumi_engine import ending, engine
from stacks.engines.pulumi_engine.command import SupervisedCommand, find_pulumi
from stacks.engines.pulumi_engine.ending import EndedByForce
from stacks.supervisor import processes
from tests.engines.pulumi_project import LEAKS, every_kind, make_project, pulumi_missing

pytestmark = [pytest.mark.fault, *LEAKS]

DEAF = """#!{python}
import os, signal, time
from pathlib import Path
for sign in {deaf}:
    signal.signal(sign, signal.SIG_IGN)
name = "leader"
if os.fork() == 0:
    os.setpgid(0, 0)  # as engines start their plugins
    name = "child"
Path("{folder}", name).write_text(str(os.getpid()))
time.sleep(60)
"""
POLITE = """#!/bin/sh
trap 'sleep 0.5; echo saved; exit 0' INT
echo $$ > {folder}/leader
while true; do sleep 0.05; done
"""


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(ending, "PATIENCE_S", 0.3)
    monkeypatch.setattr(ending, "TERM_PATIENCE_S", 0.2)


def fake(folder: Path, text: str) -> Path:
    program = folder / "pulumi"
    program.write_text(text)
    program.chmod(0o755)
    return program


def wait_for(path: Path) -> int:
    end = time.monotonic() + 20
    while not path.exists() or not path.read_text().strip():
        assert time.monotonic() < end, f"{path} is not written"
        time.sleep(0.01)
    return int(path.read_text())


def runs(pid: int) -> bool:
    return any(item.pid == pid for item in processes())


@pytest.mark.parametrize("deaf", [(signal.SIGINT,), (signal.SIGINT, signal.SIGTERM)])
def test_one_that_is_deaf_is_ended_with_what_it_started(tmp_path, deaf):
    text = DEAF.format(deaf=[int(sign) for sign in deaf], folder=tmp_path, python=sys.executable)
    command = SupervisedCommand(fake(tmp_path, text), version=VersionInfo(3))
    raised: list[BaseException] = []

    def run() -> None:
        try:
            command.run(["up"], str(tmp_path), {})
        except EndedByForce as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    started = wait_for(tmp_path / "leader"), wait_for(tmp_path / "child")
    command.halt()
    command.halt()  # as each state that cannot be written does
    thread.join(20)
    assert len(raised) == 1
    end = time.monotonic() + 5
    while any(map(runs, started)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(map(runs, started))


def test_one_that_ends_when_asked_is_left_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(ending, "PATIENCE_S", 20)
    command = SupervisedCommand(fake(tmp_path, POLITE.format(folder=tmp_path)), version=VersionInfo(3))
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(command.run(["up"], str(tmp_path), {}).stdout))
    thread.start()
    wait_for(tmp_path / "leader")
    command.halt()
    thread.join(20)
    assert said == ["saved\n"]


HANGS_ONCE = """#!/bin/sh
case "$*" in
  *" up "*)
    if [ ! -e {folder}/hung ]; then
      cp -r {backend} {folder}/before
      {real} "$@"
      rm -r {backend}
      mv {folder}/before {backend}
      trap '' INT TERM
      echo $$ > {folder}/hung
      while true; do sleep 0.05; done
    fi ;;
esac
exec {real} "$@"
"""


@pytest.mark.engine
@pytest.mark.skipif(bool(pulumi_missing()), reason=pulumi_missing())
def test_what_it_did_is_unknown_and_the_next_run_finds_it(tmp_path, monkeypatch):
    """The real engine makes everything, none of it reaches its state, and it does not end."""
    project = make_project(tmp_path)
    made: list[SupervisedCommand] = []

    class Kept(SupervisedCommand):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            made.append(self)

    backend = tmp_path / ".prestage" / "pulumi"
    program = fake(tmp_path, HANGS_ONCE.format(folder=tmp_path, real=find_pulumi(), backend=backend))
    monkeypatch.setattr(engine, "SupervisedCommand", Kept)
    monkeypatch.setattr(engine, "find_pulumi", lambda: program)

    def halt_once_it_hangs() -> None:
        wait_for(tmp_path / "hung")
        made[-1].halt()

    threading.Thread(target=halt_once_it_hangs, daemon=True).start()
    outcomes = project.engine.apply(project.job(every_kind()), Silent())
    assert {item.status for item in outcomes} == {RunStatus.UNKNOWN}
    assert all("ended by force" in item.message and "next: the same command" in item.message for item in outcomes)
    there = project.seqs()
    assert len(there) == len(every_kind()) and not project.engine.applied()
    again = project.engine.apply(project.job(every_kind()), Silent())
    assert {item.status for item in again} <= {RunStatus.DONE, RunStatus.CLEAN}
    assert there.items() <= project.seqs().items() and set(project.live()) == {item.key for item in every_kind()}
    project.inventory.close()
    assert not runs(wait_for(tmp_path / "hung"))
