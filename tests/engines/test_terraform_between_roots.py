"""Roots that lean on one another through the real OpenTofu, with the estate: in a circle, before the other is there."""

from dataclasses import replace

import pytest

from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.declaration import Declaration, Ref
from stacks.engines.engine import Action, Job
from tests.engines.terraform_project import make_project, tofu_missing
from tests.stacks.every_kind import every_kind

pytestmark = [pytest.mark.engine, pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())]


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path)
    yield made
    made.inventory.close()


def network(region, asn=64512):
    return item("estate_network", f"{region}/network", region, asn=asn)


def alert(region, other, *, key="alert/vcpu"):
    """Stands in another region's network, as that region says it."""
    there = Ref(key=f"{other}/network", root=other)
    return item("estate_alert", f"{region}/{key}", region, network=there, metric="vcpu", threshold=0.9)


def item(type, key, region, **arguments):
    tags = {"environment": "dev", "key": key, "owner": "net", "region": region}
    exports = ("id",) if type == "estate_network" else ()
    return Declaration(type=type, key=key, root=region, arguments={**arguments, **tags}, exports=exports)


def job(*items, roots=("fra", "ams")):
    return Job(environment="dev", roots={root: tuple(each for each in items if each.root == root) for root in roots})


CIRCLE = (network("fra"), network("ams"), alert("fra", "ams"), alert("ams", "fra"))


def test_roots_in_a_circle_are_made_in_one_apply(project):
    outcomes = project.engine.apply(job(*CIRCLE), Silent())
    assert {item.root: (item.status, item.created) for item in outcomes} == {
        "fra": (RunStatus.DONE, 2),
        "ams": (RunStatus.DONE, 2),
    }, outcomes
    assert project.live()["fra/alert/vcpu"]["network"] == "dev/ams/network"
    assert project.engine.preview(job(*CIRCLE), Silent()).clean


def test_what_waits_for_a_root_that_failed_says_so_and_the_rest_is_made(project):
    broken = item("estate_compute", "ams/compute/serving/m8", "ams", shape="m8", instances=10_000, purchase="on_demand")
    alone = network("fra")
    waiting, behind = alert("fra", "ams"), item(
        "estate_alert", "fra/alert/memory", "fra", network=Ref(key="fra/network"), metric="memory", threshold=0.9
    )  # fmt: skip
    behind = replace(behind, depends_on=("fra/alert/vcpu",))
    fra, ams = project.engine.apply(job(alone, waiting, behind, broken), Silent())
    assert ams.status is RunStatus.FAILED
    assert (fra.status, fra.created) == (RunStatus.FAILED, 1)
    assert fra.message == "waits for id of ams/network (root ams); next: mend that root, then repeat the command"
    assert set(project.live()) == {"fra/network"}
    outcomes = project.engine.apply(job(alone, waiting, behind, network("ams")), Silent())
    assert {item.status for item in outcomes} == {RunStatus.DONE}
    assert set(project.live()) == {"fra/network", "ams/network", "fra/alert/vcpu", "fra/alert/memory"}


def test_a_root_is_shown_before_those_that_it_leans_on(project):
    shown = project.engine.preview(job(*CIRCLE), Silent())
    assert shown.count(Action.CREATE) == shown.count(*Action) == 4
    (fra,) = (root for root in shown.roots if root.root == "fra")
    assert "+ network     = (known after apply)" in fra.text and "Plan: 2 to add" in fra.text
    assert project.live() == {} and not project.state("fra").exists()


def test_what_a_root_exports_is_written_though_nothing_else_is_done(project):
    project.engine.apply(job(network("fra")), Silent())
    more = replace(network("fra"), exports=("id", "asn"))
    outcomes = project.engine.apply(job(more), Silent())
    assert {item.status for item in outcomes} == {RunStatus.CLEAN}
    assert '"fra__network___asn"' in project.state("fra").read_text()


def test_three_views_without_a_write(project):
    project.engine.apply(project.job(every_kind()), Silent())
    before, key = project.live(), "fra/compute/serving/m8"
    project.inventory.update("dev", "estate_compute", key, {**before[key], "instances": 1})
    project.inventory.delete("dev", "fra/failover/ams")
    states = {root: project.state(root).read_bytes() for root in ("ams", "fra", "links")}
    left = [item for item in every_kind() if item.key != "fra/alert/vcpu"]
    seen = {item.key: item for item in project.engine.observe(project.job(left), Silent())}
    assert seen.keys() == before.keys()
    acts = {item.key: item.action for item in seen.values() if item.action}
    assert acts == {key: Action.UPDATE, "fra/failover/ams": Action.CREATE, "fra/alert/vcpu": Action.DELETE}
    assert [view["instances"] for view in (seen[key].last, seen[key].live, seen[key].wanted)] == [2, 1, 2]
    assert seen["fra/failover/ams"].live is None and seen["fra/alert/vcpu"].wanted is None
    network = seen["fra/network"]
    assert network.last == network.live == network.wanted == before["fra/network"]
    assert {root: project.state(root).read_bytes() for root in states} == states
