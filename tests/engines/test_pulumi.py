"""The estate through the real Pulumi: applied, clean, changed, repaired, adopted, killed and run again."""

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
from contracts.resources import CircuitSpec, NetworkSpec, Purchase
from contracts.run import RunStatus
from stacks.engines.engine import Action
from stacks.engines.pulumi_engine import events
from stacks.errors import ApplyBusy, CloudError
from stacks.estate.inventory import Inventory
from tests.engines.pulumi_project import LEAKS, compute, every_kind, make_project, pulumi_missing, resource

ROOT = Path(__file__).parents[2]


pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(pulumi_missing()), reason=pulumi_missing()),
    *LEAKS,
]
BOTH = pytest.mark.parametrize("layout", list(Layout))


@pytest.fixture
def layout():
    return Layout.ENVIRONMENT


@pytest.fixture
def project(tmp_path, layout):
    """A project in the layout that a test is parametrised with."""
    made = make_project(tmp_path, layout=layout)
    yield made
    made.inventory.close()
    gc.collect()


def statuses(outcomes):
    return {outcome.root: outcome.status for outcome in outcomes}


@BOTH
def test_apply_then_clean_then_change(project):
    wanted = every_kind()
    shown = project.engine.preview(project.job(wanted), Silent())
    assert shown.count(Action.CREATE) == len(wanted) and project.live() == {}
    outcomes = project.engine.apply(project.job(wanted), Silent())
    assert {item.root: item.created for item in outcomes} == {"ams": 1, "fra": 6, "links": 2}
    assert set(project.live()) == {item.key for item in wanted}
    applied = project.engine.applied()
    assert {key: item.root for key, item in applied.items()} == {item.key: item.root for item in wanted}
    assert {key: dict(item.arguments) for key, item in applied.items()} == project.live()
    assert project.engine.preview(project.job(wanted), Silent()).clean
    assert set(statuses(project.engine.apply(project.job(wanted), Silent())).values()) == {RunStatus.CLEAN}

    changed = [item for item in wanted if item.key != "fra/alert/vcpu"]
    changed = [compute(item.key, 5) if item.key == "fra/compute/serving/m8" else item for item in changed]
    shown = project.engine.preview(project.job(changed), Silent())
    assert {key: action for root in shown.roots for key, action in root.actions.items()} == {
        "fra/alert/vcpu": Action.DELETE,
        "fra/compute/serving/m8": Action.UPDATE,
    }
    assert "fra/alert/vcpu" in next(root.text for root in shown.roots if root.root == "fra")
    fra = next(item for item in project.engine.apply(project.job(changed), Silent()) if item.root == "fra")
    assert (fra.updated, fra.deleted) == (1, 1)
    assert project.live()["fra/compute/serving/m8"]["instances"] == 5
    assert "fra/alert/vcpu" not in project.live()


def test_what_cannot_change_in_place_is_made_anew(project):
    before = [resource("fra/network", NetworkSpec(asn=1)), compute("fra/compute/serving/m8")]
    project.engine.apply(project.job(before), Silent())
    spot = compute("fra/compute/serving/m8").model_copy(
        update={"spec": before[1].spec.model_copy(update={"purchase": Purchase.SPOT})}
    )
    shown = project.engine.preview(project.job([before[0], spot]), Silent())
    assert shown.count(Action.REPLACE) == 1
    project.engine.apply(project.job([before[0], spot]), Silent())
    assert project.live()["fra/compute/serving/m8"]["purchase"] == "spot"


def test_what_changed_behind_its_back_is_found_and_put_right(project):
    wanted = every_kind()
    project.engine.apply(project.job(wanted), Silent())
    before = project.live()
    key = "fra/compute/serving/m8"
    project.inventory.update("dev", "estate_compute", key, {**before[key], "instances": 1})
    project.inventory.delete("dev", "fra/failover/ams")
    shown = project.engine.preview(project.job(wanted), Silent())
    assert shown.count(Action.UPDATE) == 1 and shown.count(Action.CREATE) == 1
    project.engine.apply(project.job(wanted), Silent())
    assert project.live() == before


@BOTH
def test_a_refusal_fails_its_root_and_leaves_the_others(project):
    wanted = [*every_kind(), compute("ams/compute/serving/m8", 10_000)]
    outcomes = {item.root: item for item in project.engine.apply(project.job(wanted), Silent())}
    assert outcomes["ams"].status is RunStatus.FAILED
    assert "ams/compute/serving/m8" in outcomes["ams"].message and "vcpu" in outcomes["ams"].message
    assert outcomes["fra"].status is RunStatus.DONE
    assert set(project.live()) == {item.key for item in every_kind()}
    mended = [*every_kind(), compute("ams/compute/serving/m8", 3)]
    assert set(statuses(project.engine.apply(project.job(mended), Silent())).values()) <= {
        RunStatus.DONE,
        RunStatus.CLEAN,
    }
    assert project.live()["ams/compute/serving/m8"]["instances"] == 3


@BOTH
def test_what_was_made_on_demand_is_adopted_and_its_stack_forgotten(project):
    project.engine.apply(project.job(every_kind()), Silent())
    unit = compute("fra/compute/staged/m8/0001", 1, root="ondemand-r1")
    small = project.job([unit])
    small = type(small)(environment="dev", roots={"ondemand-r1": small.roots["ondemand-r1"]})
    project.engine.apply(small, Silent())
    assert project.engine.applied()[unit.key].root == "ondemand-r1"
    assert project.engine.preview(project.job(every_kind()), Silent()).clean  # it is nobody else's
    seq = project.seqs()[unit.key]

    moved = [*every_kind(), unit.model_copy(update={"root": "fra"})]
    job = project.job(moved, adopt=[(unit.key, "ondemand-r1")], drop=["ondemand-r1"])
    shown = project.engine.preview(job, Silent())
    assert {root.root: dict(root.actions) for root in shown.roots if root.actions} == {"fra": {unit.key: Action.ADOPT}}
    outcomes = {item.root: item for item in project.engine.apply(job, Silent())}
    assert outcomes["fra"].status is RunStatus.DONE and outcomes["fra"].created == 0
    assert project.seqs()[unit.key] == seq  # the same one, not made anew
    assert project.engine.applied()[unit.key].root == "fra"
    assert project.engine.preview(project.job(moved), Silent()).clean
    assert set(statuses(project.engine.apply(job, Silent())).values()) == {RunStatus.CLEAN}  # adopted twice is once


@pytest.mark.parametrize("layout", [Layout.REGION])
def test_links_go_before_what_they_stand_on(project):
    project.engine.apply(project.job(every_kind()), Silent())
    outcomes = {item.root: item for item in project.engine.apply(project.job([]), Silent())}
    assert {root: item.deleted for root, item in outcomes.items()} == {"ams": 1, "fra": 6, "links": 2}
    assert project.live() == {}


@pytest.mark.parametrize("layout", [Layout.REGION])
def test_a_circuit_goes_before_regions_though_its_link_stays_and_though_it_is_gone_already(project, monkeypatch):
    project.engine.apply(project.job(every_kind()), Silent())
    going = ("ams--fra/circuit/serving/10g", "fra/alert/vcpu")
    deleted, seqs = [], project.seqs()
    usual = Inventory.delete

    def delete(inventory, environment, key):
        deleted.append(key)
        usual(inventory, environment, key)

    monkeypatch.setattr(Inventory, "delete", delete)
    outcomes = project.engine.apply(project.job([item for item in every_kind() if item.key not in going]), Silent())
    assert set(statuses(outcomes).values()) == {RunStatus.DONE, RunStatus.CLEAN}, outcomes
    assert tuple(deleted) == going  # the link leans on the circuit
    assert project.seqs() == {key: seq for key, seq in seqs.items() if key not in going}

    project.engine.apply(project.job(every_kind()), Silent())
    usual(project.inventory, "dev", going[0])
    outcomes = project.engine.apply(project.job([item for item in every_kind() if item.key not in going]), Silent())
    assert not [item.message for item in outcomes if item.message]
    assert not set(going) & project.live().keys() and not set(going) & project.engine.applied().keys()


LOCK = '{{"pid":{pid},"username":"ann","hostname":"{host}","timestamp":"2026-11-20T12:00:00Z"}}'


def lock_of(project, pid):
    """A lock of the environment's stack, as a process of this host has it."""
    folder = project.folder / ".prestage/pulumi/.pulumi/locks/organization/prestage/dev"
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "0.json"
    lock.write_text(LOCK.format(pid=pid, host=os.uname().nodename))
    return lock


def dead_pid():
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    return dead.pid


def test_a_live_lock_is_respected_and_a_dead_one_taken_away(project):
    project.engine.apply(project.job(every_kind()), Silent())
    lock_of(project, os.getpid())
    with pytest.raises(ApplyBusy, match=r"ann .* since 2026-11-20T12:00:00"):
        project.engine.apply(project.job(every_kind()), Silent())
    lock = lock_of(project, dead_pid())
    assert set(statuses(project.engine.apply(project.job(every_kind()), Silent())).values()) == {RunStatus.CLEAN}
    assert not lock.exists()


def test_a_dead_lock_of_a_stack_that_never_was_written_is_taken_away(project):
    """Killed between its lock and its first state: there is no stack that `pulumi cancel` could be asked for."""
    lock = lock_of(project, dead_pid())
    assert set(statuses(project.engine.apply(project.job(every_kind()), Silent())).values()) == {RunStatus.DONE}
    assert not lock.exists()


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
from tests.engines.pulumi_project import LEAKS, make_project
from tests.engines.test_pulumi import many
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
