"""Both clouds through the real Pulumi: in which order things end, and what ends it. As in `test_clouds_pulumi`."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from contracts.engines import Layout
from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.errors import ApplyBusy
from tests.engines.pulumi_clouds import (
    changed,
    few,
    layout,
    make_cloud_project,
    many,
    project,
    stop_apply,
    without,
    world,
)
from tests.engines.pulumi_project import REAL_PULUMI

ACTS = ("create", "update", "delete")

__all__ = ["layout", "project", "world"]  # fixtures

pytestmark = [*REAL_PULUMI]


def test_all_of_it_is_destroyed_links_first(project, world):
    project.apply(few())
    outcomes = {run.root: run.deleted for run in project.engine.apply(project.job([]), Silent())}
    assert outcomes == {"fra": 3, "dub": 1, "bel": 2, "links": 2}
    assert world.rows() == ()
    gone = [line["name"] for line in world.received() if line["action"] == "delete"]
    assert gone.index("dub--fra/link") < gone.index("fra/network")


def test_what_goes_away_of_links_goes_first_though_what_stays_and_changes_leans_on_it(project, world):
    link, gateway = "dub--fra/link", "bel--fra/link/fra/gateway"
    before = [replace(item, depends_on=(link,)) if item.key == gateway else item for item in few()]
    project.apply(before)
    seen = len(world.received())
    after = changed(without(few(), link, "fra/network/subnet-001"), gateway, bgp_asn="65001")
    assert set(project.apply(after).values()) <= {RunStatus.DONE, RunStatus.CLEAN}
    done = [(line["action"], line["name"]) for line in world.received()[seen:] if line["action"] in ACTS]
    assert done == [("delete", link), ("delete", "fra/network/subnet-001"), *done[2:]]
    assert {name for _, name in done[2:]} == {gateway}
    assert project.planned(after) == {}


@pytest.mark.fault
def test_ctrl_c_loses_nothing_and_a_rerun_completes_it(project, world):
    stop_apply(project, world, at=12, number=signal.SIGINT)
    assert 12 <= len(world.rows()) < len(many())
    assert {row.name for row in world.rows()} == project.engine.applied().keys()
    project.apply(many())
    assert sorted(row.name for row in world.rows()) == sorted(item.key for item in many())


@pytest.mark.fault
def test_after_kill_9_what_no_state_knows_is_found_and_taken_in(project, world):
    """The inventory by tag finds it; without adoption the same rerun makes it twice."""
    stop_apply(project, world, at=12, number=signal.SIGKILL)
    known = project.engine.applied()
    orphans = {row.name: row.id for row in world.rows() if row.name not in known}
    before = {row.name: row.id for row in world.rows()}
    assert project.apply(many(), adopt=orphans) and len(before) < len(many())
    assert sorted(row.name for row in world.rows()) == sorted(item.key for item in many())
    assert before.items() <= {row.name: row.id for row in world.rows()}.items()
    assert project.planned(many()) == {}


def test_one_that_was_made_though_its_answer_was_lost_is_taken_in(project, world):
    world.fail("fra/network/subnet-001", "RequestTimeout", after=True)
    there = [item for item in few() if item.root == "fra"]
    assert project.apply(there, roots=["fra"])["fra"] is RunStatus.FAILED
    world.mend()
    assert "fra/network/subnet-001" not in project.engine.applied()
    made = {"fra/network/subnet-001": world.named("fra/network/subnet-001").id}
    project.apply(there, roots=["fra"], adopt=made)
    assert sorted(row.name for row in world.rows()) == sorted(item.key for item in there)


@pytest.mark.parametrize("layout", [Layout.ENVIRONMENT])
def test_of_two_at_once_one_wins_and_the_other_names_the_holder(project, world, layout):
    world.slow_down(1.5)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(project.apply, few())
        while not world.rows():
            time.sleep(0.005)
        with pytest.raises(ApplyBusy, match=r"locked by .*process \d+\), since 20"):
            make_cloud_project(project.folder, layout=layout).apply(few())
        assert set(first.result(60).values()) == {RunStatus.DONE}
    assert sorted(row.name for row in world.rows()) == sorted(item.key for item in few())
