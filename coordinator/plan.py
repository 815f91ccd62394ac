"""`make_plan`: forecast, live capacity and ledger in, a plan file out. Nothing is applied."""

from dataclasses import dataclass, replace
from pathlib import Path

from contracts.capacity import CapacitySnapshot
from contracts.drift import DriftReport
from contracts.exits import ExitCode
from contracts.files import write_document
from contracts.plan import Infeasible, Plan
from coordinator.bound_use import bound_uses
from coordinator.drift import damaged, three_views
from coordinator.errors import UnknownName
from coordinator.forecast_door import forecast_of
from coordinator.project import Project
from coordinator.reading import look
from coordinator.saved_capacity import read_saved
from coordinator.settle import note_applied
from coordinator.solver_ladder import solve_fleet_by_ladder, solve_fleet_quickly
from coordinator.solver_process import solve_in_child
from planner.build import build_plan
from planner.clash import explained, remembered
from planner.question import Question
from planner.trials import answered
from stacks.drift import compare
from stacks.targets.declare import declare


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutcome:
    """What planning came to.

    Attributes:
        plan: the plan, written to `path`; or why there is none, and nothing was written.
        drift: what is live against what was applied last, as the plan found it.
    """

    plan: Plan | Infeasible
    path: Path
    drift: DriftReport

    @property
    def exit_code(self) -> ExitCode:
        if isinstance(self.plan, Infeasible):
            return ExitCode.UNMET
        if self.plan.changes:
            return ExitCode.CHANGES_AND_DRIFT if self.drift.found else ExitCode.CHANGES
        return ExitCode.DRIFT if self.drift.found else ExitCode.CLEAN


def make_plan(
    project: Project, out: Path | None = None, *, why: bool = False, anew: bool = False, saved: Path | None = None
) -> PlanOutcome:
    """Plans, and writes the plan to `out` (by default `plans/<environment>.json`) where demand can be met.

    Args:
        project: the environment.
        out: the file.
        why: whether to look for the limits that clash where demand cannot be met, which takes as long as many plans.
        anew: whether a fleet is solved in full, though planning the one that stands again would do.
        saved: a capacity snapshot, in place of what is live: drift is not looked for then.

    Raises:
        UnknownName: there is no forecast yet.
        DocumentError: the forecast, or the saved snapshot, cannot be used.
        CapacityTooOld: the saved snapshot is older than the environment allows.
        ApplyBusy: an apply has been running for longer than we wait.
        CloudError: no region of the environment could be read.
        InvalidArgument: a target has nothing that a planned resource could be.
    """
    path = out or project.paths.plan
    with project.patient_lock("prestage plan"):
        question, drift = read_question(project, saved)
        question = replace(question, anew=anew)
        plan = _build(project, question)
    if isinstance(plan, Plan):
        write_document(path, plan)
    elif why:
        solve = remembered(solve_in_child)
        plan = explained(
            question,
            plan,
            answered(lambda asked: build_plan(asked, solve, solve_fleet_by_ladder)),
            lambda asked: build_plan(asked, solve, solve_fleet_quickly),
        )
    return PlanOutcome(plan=plan, path=path, drift=drift)


def read_question(project: Project, saved: Path | None = None) -> tuple[Question, DriftReport]:
    """Everything that a plan is made from, as it is now, and what drifted. Only under the lock.

    Args:
        project: the environment.
        saved: a capacity snapshot, in place of what is live: no cloud is asked then, and drift is not looked for.

    Raises:
        UnknownName: there is no forecast yet.
        DocumentError: the forecast, or the saved snapshot, cannot be used.
        CloudError: no region of the environment could be read.
    """
    note_applied(project)
    if saved is not None:
        nothing = DriftReport(environment=project.environment.name, read_at=project.clock(), differences=())
        return _question(project, read_saved(project, saved)), nothing
    looked = look(project)
    views = three_views(project, looked)
    drift = compare(views, read_at=project.clock())
    return replace(_question(project, project.capacity(looked)), damaged=damaged(drift, views)), drift


def _question(project: Project, capacity: CapacitySnapshot) -> Question:
    forecast = project.paths.forecast
    if not forecast.exists():
        raise UnknownName(
            "there is no forecast yet",
            where=str(forecast),
            next_step=f"prestage history import, then prestage forecast --env {project.environment.name}",
        )
    with project.ledger.write():
        pass  # ends what ran out, so that the plan counts it as staged
    previous = project.journal.last_applied()
    return Question(
        environment=project.environment,
        forecast=forecast_of(project.paths.folder, project.environment),
        capacity=capacity,
        catalog=project.catalog,
        ledger=project.ledger.view(),
        rules=project.bundle.digest(),
        previous_plan=previous,
        now=project.clock(),
        earlier=project.archived(previous),
        bound=bound_uses(project.paths.folder, project.environment),
    )


def _build(project: Project, question: Question) -> Plan | Infeasible:
    solve = remembered(solve_in_child)
    plan = answered(lambda asked: build_plan(asked, solve, solve_fleet_by_ladder, appraise=True))(question)
    if isinstance(plan, Plan):
        declare([item.resource for item in plan.resources], project.environment)  # what no target can make is told now
    return plan
