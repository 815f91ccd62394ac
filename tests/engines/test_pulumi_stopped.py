"""The estate through the real Pulumi when something ends it: SIGKILL, Ctrl-C, a full disk, an answer that is lost."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.engines import Layout
from contracts.ports import Silent
from contracts.resources import CircuitSpec
from contracts.run import RunStatus
from stacks.engines.pulumi_engine import events
from stacks.errors import CloudError
from stacks.estate.inventory import Inventory
from tests.engines.pulumi_project import (
    BOTH,
    REAL_PULUMI,
    compute,
    every_kind,
    layout,
    make_project,
    project,
    resource,
    statuses,
)

ROOT = Path(__file__).parents[2]
__all__ = ["layout", "project"]  # fixtures

pytestmark = [*REAL_PULUMI]


@pytest.mark.fault
def test_a_replacement_whose_first_half_gets_no_answer_ends_the_run_and_the_next_goes_on(project, monkeypatch):
    """Pulumi would wait for ever for what it cannot make any more."""
    project.engine.apply(project.job(every_kind()), Silent())
    slow = CircuitSpec(tier="1g", gbps=1, count=2)
    job = project.job([resource(item.key, slow) if "/circuit/" in item.key else item for item in every_kind()])

    def lose_the_answer(self, environment, key):
        delete(self, environment, key)
        raise CloudError("no answer in time", where=key)

    delete = Inventory.delete
    with monkeypatch.context() as lossy:
        lossy.setattr(Inventory, "delete", lose_the_answer)
        lossy.setattr(events, "STILL_S", 2.0)
        outcomes = {run.root: run for run in project.engine.apply(job, Silent())}
    assert outcomes["links"].status is RunStatus.FAILED
    assert "no answer in time" in outcomes["links"].message
    assert statuses(project.engine.apply(job, Silent()))["links"] is RunStatus.DONE
    assert project.live()["ams--fra/circuit/serving/10g"]["tier"] == "1g"


CHILD = """
import sys
from pathlib import Path
from contracts.engines import Layout
from contracts.ports import Silent
from tests.engines.pulumi_project import make_project
from tests.engines.test_pulumi_stopped import many
project = make_project(Path(sys.argv[1]), layout=Layout(sys.argv[2]))
print("begin", flush=True)
project.engine.apply(project.job(many()), Silent())
"""


def many(count=60):
    return [*every_kind(), *(compute(f"fra/compute/staged/m8/{number:04d}", 1) for number in range(count))]


def start(folder, layout):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), layout], stdout=subprocess.PIPE, env=environment, cwd=ROOT
    )


def wait_for(project, resources, deadline_s=30):
    end = time.monotonic() + deadline_s
    while len(project.live()) < resources:
        assert time.monotonic() < end, f"only {len(project.live())} resources after {deadline_s} s"
        time.sleep(0.01)


@pytest.mark.fault
@BOTH
@pytest.mark.parametrize("moment", [1, 20, 50])
def test_after_kill_9_a_rerun_completes_it(project, layout, moment):
    with start(project.folder, layout) as child:
        wait_for(project, moment)
        child.send_signal(signal.SIGKILL)
    there = project.seqs()
    assert moment <= len(there) < len(many())
    outcomes = project.engine.apply(project.job(many()), Silent())
    assert set(statuses(outcomes).values()) <= {RunStatus.DONE, RunStatus.CLEAN}
    assert set(project.live()) == {item.key for item in many()} == set(project.engine.applied())
    assert there.items() <= project.seqs().items()  # nothing was made twice
    assert project.engine.preview(project.job(many()), Silent()).clean
    assert not leftovers(project.folder)


@pytest.mark.fault
def test_ctrl_c_stops_safely_and_a_rerun_completes_it(project):
    with start(project.folder, Layout.ENVIRONMENT) as child:
        wait_for(project, 10)
        child.send_signal(signal.SIGINT)
        assert child.wait(20) != 0
    assert set(project.engine.applied()) == set(project.live())  # what exists is known: nothing is lost
    assert 10 <= len(project.live()) < len(many())
    project.engine.apply(project.job(many()), Silent())
    assert set(project.live()) == {item.key for item in many()}


@pytest.mark.fault
@pytest.mark.long
def test_a_full_disk_is_told_and_with_room_the_same_apply_goes_on(small_disk):
    """Half a minute of waiting: Pulumi tries to write its state ten times."""
    disk, grow = small_disk
    project = make_project(disk / "project")
    try:
        project.engine.apply(project.job(every_kind()[:2]), Silent())
        used_kib = (shutil.disk_usage(disk).used + 1023) // 1024
        grow(used_kib + 24)
        outcomes = project.engine.apply(project.job(many(6)), Silent())
        assert RunStatus.FAILED in statuses(outcomes).values()
        told = "; ".join(run.message for run in outcomes).lower()
        assert any(words in told for words in ("no space left", "disk is full", "disk i/o error")), told
        grow(64 * 1024)
        there = project.seqs()
        outcomes = project.engine.apply(project.job(many(6)), Silent())
        assert set(statuses(outcomes).values()) <= {RunStatus.DONE, RunStatus.CLEAN}
        assert set(project.live()) == {item.key for item in many(6)} == set(project.engine.applied())
        assert there.items() <= project.seqs().items()  # nothing was made twice
    finally:
        project.inventory.close()
        gc.collect()


def leftovers(folder):
    """Processes that name the project's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                if str(folder) in words or str(folder) in str((entry / "cwd").readlink()):
                    found.append(words)
            except OSError:
                continue
    return found
