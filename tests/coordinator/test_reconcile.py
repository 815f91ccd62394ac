"""Planning, drift and reconcile over a real inventory: what a plan says, what drifted, and what is put right."""

from __future__ import annotations

import pytest

from contracts.drift import DriftClass
from contracts.exits import ExitCode
from contracts.plan import Infeasible
from coordinator.drift import find_drift
from coordinator.errors import Denied, Unfinished, UnknownName
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.reconcile import MAX_PASSES, reconcile
from tests.coordinator.estate_engine import EstateEngine
from tests.coordinator.factory import peering
from tests.coordinator.world import (
    allow_destruction,
    changes_of,
    open_project,
    plan_review_apply,
    write_load,
    write_project,
)


def compute_of(project: Project) -> str:
    rows = project.inventory.listing("dev")
    return next(row.key for row in rows if "/compute/serving/" in row.key or "/compute/failover/" in row.key)


def resize(project, key: str, by: int) -> None:
    row = project.inventory.read("dev", key)
    instances = row.arguments["instances"] + by
    project.inventory.update("dev", row.type, key, {**row.arguments, "instances": instances})


def test_plan_tells_by_exit_code_what_it_found(folder, hands):
    allow_destruction(folder)
    with open_project(folder, hands) as project:
        assert make_plan(project).exit_code is ExitCode.CLEAN
        resize(project, compute_of(project), 1)
        assert make_plan(project).exit_code is ExitCode.CHANGES_AND_DRIFT
    write_load(folder, 1.5)
    with open_project(folder, hands) as project:
        reconcile(project)
        assert make_plan(project).exit_code is ExitCode.CLEAN
    write_load(folder, 1.0)
    with open_project(folder, hands) as project:
        assert make_plan(project).exit_code is ExitCode.CHANGES


def test_a_demand_that_cannot_be_met_writes_no_plan(folder, hands):
    write_load(folder, 500.0)
    with open_project(folder, hands) as project:
        before = project.paths.plan.read_bytes()
        outcome = make_plan(project)
        assert outcome.exit_code is ExitCode.UNMET
        assert isinstance(outcome.plan, Infeasible)
        assert all(item.wanted > item.available for item in outcome.plan.shortfalls)
        assert project.paths.plan.read_bytes() == before
        assert isinstance(reconcile(project).infeasible, Infeasible)


def test_without_a_forecast_it_says_how_to_make_one(tmp_path):
    folder = write_project(tmp_path / "new")
    (folder / ".prestage" / "dev" / "forecasts" / "dev.json").unlink()
    with open_project(folder) as project, pytest.raises(UnknownName, match="prestage forecast --env dev"):
        make_plan(project)


def test_what_changed_behind_our_back_is_found_and_put_right(project):
    answer_peering(project, peering())
    before = {row.key: dict(row.arguments) for row in project.inventory.listing("dev")}
    key = compute_of(project)
    resize(project, key, -1 if before[key]["instances"] > 1 else 1)
    project.inventory.delete("dev", "fra/alert/vcpu")
    found = {item.key: item.drift_class for item in find_drift(project).found}
    assert found.keys() == {key, "fra/alert/vcpu"}
    assert found["fra/alert/vcpu"] is DriftClass.HARMFUL
    result = reconcile(project)
    after = {row.key: dict(row.arguments) for row in project.inventory.listing("dev")}
    assert {name: after[name] for name in before} == before
    assert len(result.passes) == 1
    assert {key, "fra/alert/vcpu"} <= {change.key for change in result.passes[0].plan.changes}
    assert find_drift(project).found == ()
    assert reconcile(project).changes == 0


def test_an_active_unit_deleted_behind_our_back_comes_back_to_its_holder(project):
    decision = answer_peering(project, peering())
    key = next(key for key in decision.units if "/compute/" in key)
    row = project.inventory.read("dev", key)
    project.inventory.set_states({key: ("ready", None)}, environment="dev")
    project.inventory.delete("dev", key)
    assert [(item.key, item.drift_class) for item in find_drift(project).found] == [(key, DriftClass.HARMFUL)]
    reconcile(project)
    back = project.inventory.read("dev", key)
    assert (back.state, back.holder, dict(back.arguments)) == ("active", "acme", dict(row.arguments))


def test_a_staged_unit_deleted_behind_our_back_is_not_handed_out_for_long(project):
    staged = [unit.key for unit in project.ledger.units() if unit.key.startswith("fra/compute/")]
    for key in staged:
        project.inventory.delete("dev", key)
    reconcile(project)
    assert set(staged) <= project.live_keys()
    states = {unit.key: unit.state.value for unit in project.ledger.units()}
    assert {states[key] for key in staged} == {"staged"}


def test_drift_never_writes(project):
    resize(project, compute_of(project), 1)
    watched = ("estate.db", "ledger.db", "journal.db")
    before = [(project.paths.state / name).read_bytes() for name in watched]
    revision = project.ledger.view()
    find_drift(project)
    assert [(project.paths.state / name).read_bytes() for name in watched] == before
    assert project.ledger.view() == revision


def test_beyond_the_limits_the_plan_is_left_for_a_person(tmp_path):
    folder = write_project(tmp_path / "strict", extra="unattended: {max_changes: 0}\n")
    with open_project(folder) as project:
        plan_review_apply(project)
        resize(project, compute_of(project), 1)
        with pytest.raises(Denied, match=r"unattended.max_changes: \d+, allowed 0") as caught:
            reconcile(project)
        assert caught.value.next_step == f"look at it, then: prestage apply {project.paths.reconcile_plan}"
        assert project.paths.reconcile_plan.exists()
        assert find_drift(project).found


def test_what_keeps_coming_back_ends_after_three_passes(folder):
    with open_project(folder) as project:
        key = compute_of(project)

        def undo(point: str) -> None:
            if point.startswith("state"):
                row = project.inventory.read("dev", key)
                assert row is not None
                project.inventory.update("dev", row.type, key, {**row.arguments, "instances": 77})

        assert isinstance(project.engine, EstateEngine)
        project.engine.at = undo
        undo("state")
        with pytest.raises(Unfinished, match=f"are left after {MAX_PASSES} passes, among them {key}"):
            reconcile(project)
        assert len(project.journal.runs()) == 1 + MAX_PASSES


def test_same_input_same_plan(project):
    first = make_plan(project)
    text = first.path.read_bytes()
    assert make_plan(project, project.paths.plan.with_name("again.json")).path.read_bytes() == text
    assert changes_of(first) == ()


@pytest.fixture
def destructive(folder, hands):
    allow_destruction(folder)
    with open_project(folder, hands) as opened:
        yield opened


def test_what_it_would_destroy_is_left_for_a_person(project):
    row = project.inventory.read("dev", compute_of(project))
    key = "fra/compute/staged/s4/0099"
    project.inventory.create("dev", row.type, key, {**row.arguments, "key": key, "instances": 1})
    with pytest.raises(Denied, match=r"unattended.max_destroyed: 1, allowed 0") as caught:
        reconcile(project)
    assert caught.value.next_step.endswith("--confirm-destroy 1")
    assert key in project.live_keys()


def test_what_somebody_else_made_under_our_tags_goes(destructive):
    """No state knows it: it is taken in and destroyed, the same way as everything else."""
    project = destructive
    row = project.inventory.read("dev", compute_of(project))
    key = "fra/compute/staged/s4/0099"
    project.inventory.create("dev", row.type, key, {**row.arguments, "key": key, "instances": 1})
    assert [(item.key, item.drift_class) for item in find_drift(project).found] == [(key, DriftClass.FOREIGN)]
    before = project.live_keys()
    result = reconcile(project)
    assert project.live_keys() == before - {key}
    assert {change.key for item in result.passes for change in item.plan.changes} == {key}
    assert find_drift(project).found == ()
