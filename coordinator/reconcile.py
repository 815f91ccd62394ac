"""`reconcile`: brings the estate back to its plan, within the same gates as everything else.

Each pass plans from what is live, reviews that plan and applies it, unless it goes beyond what the environment allows
without a person. It ends when a plan changes nothing, after three passes at most: what keeps coming back needs a
person, not a loop.
"""

from dataclasses import dataclass
from pathlib import Path

from contracts.plan import Infeasible, Plan
from contracts.ports import Progress, Silent
from contracts.requests import Missing
from contracts.review import Review
from contracts.run import RunReport
from coordinator.apply import apply_reviewed
from coordinator.errors import Denied, Unfinished
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.review import make_review
from coordinator.settle import Settled, settle
from coordinator.unattended import beyond_limits

MAX_PASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One round: the plan, its review, and what the engine did."""

    plan: Plan
    review: Review
    report: RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What reconciling came to.

    Attributes:
        settled: what killed processes had left.
        passes: the rounds that changed something.
        infeasible: why no plan could be made, where none could.
        last: the file of the last plan.
    """

    settled: Settled
    passes: tuple[Pass, ...]
    infeasible: Infeasible | None
    last: Path

    @property
    def changes(self) -> int:
        return sum(len(item.plan.changes) for item in self.passes)


def reconcile(project: Project, progress: Progress = Silent()) -> Reconciled:  # noqa: B008 - has no state
    """Plans, reviews and applies until nothing is left to change.

    Raises:
        Denied: a plan goes beyond the unattended limits, or the policies deny it; it is left for a person.
        Unfinished: the estate still differs after `MAX_PASSES`, or a root could not be applied.
        Refused, ApplyBusy, EngineFailed: as `apply_reviewed`.
    """
    settled = settle(project)
    path = project.paths.reconcile_plan
    passes: list[Pass] = []
    while True:
        outcome = make_plan(project, path)
        if isinstance(outcome.plan, Infeasible):
            return Reconciled(settled=settled, passes=tuple(passes), infeasible=outcome.plan, last=path)
        if not outcome.plan.changes:
            return Reconciled(settled=settled, passes=tuple(passes), infeasible=None, last=path)
        if len(passes) == MAX_PASSES:
            raise _still_different(project, outcome.plan)
        passes.append(_pass(project, outcome.plan, path, progress))


def _pass(project: Project, plan: Plan, path: Path, progress: Progress) -> Pass:
    limits = beyond_limits(plan, project.environment.unattended)
    review = make_review(project, path)
    if limits:
        raise _needs_a_person(plan, limits, path)
    report = apply_reviewed(project, path, progress, confirmed=plan.destroyed)
    if not report.complete:
        failed = "; ".join(f"{run.root}: {run.message}" for run in report.roots if run.message)
        raise Unfinished(
            f"partly applied: {failed}", where=str(path), next_step="mend the cause, then: prestage reconcile"
        )
    return Pass(plan=plan, review=review, report=report)


def _needs_a_person(plan: Plan, limits: tuple[Missing, ...], path: Path) -> Denied:
    numbers = "; ".join(f"{item.kind}: {item.wanted:g}, allowed {item.available:g}" for item in limits)
    confirm = f" --confirm-destroy {plan.destroyed}" if plan.destroyed else ""
    return Denied(
        f"more than may be applied without a person ({numbers})",
        where=str(path),
        next_step=f"look at it, then: prestage apply {path}{confirm}",
    )


def _still_different(project: Project, plan: Plan) -> Unfinished:
    keys = ", ".join(change.key for change in plan.changes[:3])
    return Unfinished(
        f"{len(plan.changes)} changes are left after {MAX_PASSES} passes, among them {keys}",
        where=f"environment {project.environment.name}",
        next_step="find out who changes it back: prestage drift",
    )
