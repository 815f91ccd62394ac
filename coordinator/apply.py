"""`apply_reviewed`: a reviewed plan file becomes resources. It never plans by itself.

Side effects, in this order: the plan is archived; units that it destroys are taken out of what can be handed out; the
engine runs, with the journal around it; the ledger learns what exists. Every step is safe to repeat: after a crash,
the same command goes on.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from contracts.plan import Operation, Plan
from contracts.ports import Progress
from contracts.run import RunReport
from coordinator.confirm import check_confirmed
from coordinator.errors import Refused, UnitTaken
from coordinator.gate import check
from coordinator.on_demand import finish_open
from coordinator.project import Project
from coordinator.registration import register_plan
from coordinator.settle import note_applied
from stacks.apply import apply_plan, make_order
from stacks.engines.engine import Job


def apply_reviewed(project: Project, plan_path: Path, progress: Progress, *, confirmed: int | None = None) -> RunReport:
    """Applies exactly what was reviewed.

    A root that failed is in the report; the rest is applied and registered, and the same command resumes.

    Args:
        project: the environment.
        plan_path: the plan, its review beside it.
        progress: hears how far it is.
        confirmed: how many resources a person said that it destroys; None where nobody was asked.

    Raises:
        Refused, Denied, AlteredDocument: the gate says no, or the count is not what the plan destroys; nothing was
            changed.
        ApplyBusy: another run holds the estate: who, since when.
        Interrupted, EngineFailed: stopped on the way; the same command goes on from there.
    """
    with project.lock(f"prestage apply {plan_path}"):
        finish_open(project)
        note_applied(project)
        plan = check(project, plan_path, project.clock()).plan
        check_confirmed(plan, project.environment, confirmed, where=str(plan_path))
        project.archive(plan)
        retire_doomed(project, plan, str(plan_path))
        resume = f"prestage apply {plan_path}"
        live, folder = project.doomed_keys(plan), project.paths.folder
        order = make_order(plan, project.environment, resume=resume, live=live, folder=folder)
        order = replace(order, job=_without(order.job, {item.region for item in plan.unread}))
        finished = False
        try:
            report = apply_plan(order, project.engine, project.journal, project.clock, progress)
            finished = report.complete
        finally:
            register_plan(project, plan, finished=finished)
        return report


def _without(job: Job, regions: Collection[str]) -> Job:
    """A job that leaves the roots of some regions alone: a plan that did not know them wants nothing of them."""
    return replace(job, roots={root: items for root, items in job.roots.items() if root not in regions})


def retire_doomed(project: Project, plan: Plan, where: str) -> None:
    """Units that are about to be destroyed can no longer be handed out: compare-and-set, all or none."""
    doomed = [item.key for item in plan.changes if item.operation in (Operation.DELETE, Operation.REPLACE)]
    try:
        project.ledger.retire(doomed)
    except UnitTaken as error:
        raise Refused(
            f"stale: {error.where} {error.what}", where=where, next_step="prestage plan: it keeps what was handed out"
        ) from error
