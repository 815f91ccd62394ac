"""`prestage plan` where a fleet stands: planned again from the plan in the journal, or in full where it is asked to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.exits import ExitCode
from contracts.plan import Plan
from coordinator.plan import make_plan
from coordinator.project import Project
from prestage.failures import run
from tests.coordinator.factory import Hands
from tests.coordinator.world import open_project, plan_review_apply, write_load, write_project

SHARED = "failover: {reserve: shared}\n"


@pytest.fixture
def applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project of three regions whose first plan was applied; its fleet is taken for a large one."""
    monkeypatch.setattr("planner.fleet_again.is_small", lambda problem: False)
    inventory = write_project(tmp_path, extra=SHARED) / "estate" / "inventory.yaml"
    inventory.write_text(inventory.read_text().replace("fault_domain: eu-central", "fault_domain: eu-west", 1))
    with open_project(tmp_path, Hands()) as project:
        plan_review_apply(project)
        yield project


def planned(project: Project, *, anew: bool = False) -> Plan:
    outcome = make_plan(project, anew=anew)
    assert isinstance(outcome.plan, Plan)
    return outcome.plan


def test_little_changed_and_nothing_is_solved(applied: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_solver(*asked: object, **how: object) -> None:
        raise AssertionError("a solver was asked")

    with monkeypatch.context() as patch:
        patch.setattr("coordinator.plan.solve_fleet_by_ladder", no_solver)
        plan = planned(applied)
        before = (plan.inputs.previous_plan or "")[7:19]
        assert plan.solver.startswith(f"planned again from plan {before}: 0 of 3 regions looked at")
        assert plan.changes == () and plan.standing is not None and plan.standing.again == 1
        write_load(applied.paths.folder, 0.97)  # what was required stays so
        assert planned(applied).solver.startswith("planned again from plan ")
    full = planned(applied, anew=True)
    assert full.solver.endswith("; in full: as asked") and full.standing is not None and full.standing.again == 0
    write_load(applied.paths.folder, 1.5)
    assert "; in full: " in (told := planned(applied).solver) and "must be paid changed, more than 5%" in told


@pytest.mark.parametrize("more", [["--what-if", "x.yaml"], ["compare", "a.json", "b.json"]])
def test_asking_for_it_where_nothing_is_written_is_64(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--anew", *more]) == ExitCode.USAGE
    assert "--anew" in capsys.readouterr().err
