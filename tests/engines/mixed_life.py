"""The life of an environment over AWS, Google Cloud and a data centre, each the others' failover, under any engine."""

from collections.abc import Callable

from contracts.capacity import CapacityKind
from contracts.drift import DriftClass
from contracts.exits import ExitCode
from contracts.plan import Plan
from contracts.ports import Silent
from contracts.requests import Latency, Outcome, Requirements
from contracts.resources import ResourceKind
from contracts.run import RunStatus
from coordinator.apply import apply_reviewed
from coordinator.destroy import destroy, plan_destruction
from coordinator.drift import find_drift
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.reconcile import reconcile
from coordinator.review import make_review
from tests.coordinator.factory import peering
from tests.coordinator.world import changes_of
from tests.engines.mixed_project import REGIONS

ASKED = Requirements(vcpu=4, memory_gib=16, storage_gib=50, gbps=1, prefix_length=28)
INSIDE = "bel/network/inside"
"""What somebody takes away: the rule that lets a network's own traffic in."""


def live(project: Project, take_away: Callable[[], None]) -> None:
    """Plan, review, apply, a clean second plan, a request out of what is staged, drift, reconcile, a destruction.

    Args:
        project: an environment of `mixed_project` that nothing was made of yet.
        take_away: takes `INSIDE` away behind the engine's back.
    """
    plan = _apply(project)
    _is_all_there(project, plan)
    _is_clean(project)
    _is_handed_out(project)
    take_away()
    drift = find_drift(project)
    assert [(item.key, item.drift_class) for item in drift.found] == [(INSIDE, DriftClass.HARMFUL)]
    passes = reconcile(project).passes
    mended = [change.key for item in passes for change in item.plan.changes if change.place == "bel"]
    assert mended == ["bel/network"]
    assert INSIDE in project.engine.applied() and len(passes) < 3
    _is_clean(project)
    report = destroy(project, ["bel"], Silent(), confirmed=len(plan_destruction(project, ["bel"]).keys))
    assert report.complete, report.roots
    assert {key.partition("/")[0] for key in project.live_keys()} == {"ams", "fra", "ams--fra"}


def _apply(project: Project) -> Plan:
    outcome = make_plan(project)
    assert isinstance(outcome.plan, Plan), outcome.plan
    make_review(project, outcome.path)
    report = apply_reviewed(project, outcome.path, Silent())
    assert {root.status for root in report.roots} <= {RunStatus.DONE, RunStatus.CLEAN}, report.roots
    return outcome.plan


def _is_all_there(project: Project, plan: Plan) -> None:
    pairs = {item.resource.key for item in plan.resources if item.resource.kind is ResourceKind.FAILOVER}
    assert {key.partition("/")[0] for key in pairs} == set(REGIONS)
    assert {item.resource.key for item in plan.resources} <= project.live_keys()
    seen = project.capacity()
    assert {item.resource.key: item.resource.spec for item in seen.resources} == {
        item.resource.key: item.resource.spec for item in plan.resources
    }
    for region in REGIONS:
        used = next(item for item in seen.quotas if (item.place, item.kind) == (region, CapacityKind.VCPU))
        assert used.ours == used.used > 0 and used.staged > 0


def _is_clean(project: Project) -> None:
    again = make_plan(project)
    assert not changes_of(again), [(change.key, change.operation) for change in changes_of(again)]
    assert not again.drift.found, again.drift.found
    assert again.exit_code is ExitCode.CLEAN


def _is_handed_out(project: Project) -> None:
    decision = answer_peering(project, peering(source="ams", destination="fra", requirements=ASKED))
    assert (decision.outcome, decision.latency) == (Outcome.STAGED, Latency.LOW), decision
    assert {key.partition("/")[0] for key in decision.units} == {"fra", "ams--fra"}
    granted = {item.resource.key: item.state for item in project.capacity().resources if item.state != "ready"}
    assert {key for key, state in granted.items() if state == "active"} == set(decision.units)
