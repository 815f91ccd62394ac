"""The estate through the real Pulumi: applied, clean, changed, repaired, adopted; its locks."""

import os
import subprocess
import sys

import pytest

from contracts.engines import Layout
from contracts.ports import Silent
from contracts.resources import NetworkSpec, Purchase
from contracts.run import RunStatus
from stacks.engines.engine import Action
from stacks.errors import ApplyBusy
from stacks.estate.inventory import Inventory
from tests.engines.pulumi_project import BOTH, REAL_PULUMI, compute, every_kind, layout, project, resource, statuses

__all__ = ["layout", "project"]  # fixtures

pytestmark = [*REAL_PULUMI]


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
