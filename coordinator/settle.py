"""`settle`: finishes what processes that were killed left behind. Safe to run at any time, any number of times.

A request on demand that has an intent and no outcome is finished (or taken back); units of the plan that was applied
last are registered; states that the inventory does not know yet are pushed. An apply that was killed is named, not
finished: the same `prestage apply` goes on with it.
"""

from contextlib import suppress
from dataclasses import dataclass

from contracts.requests import Decision
from coordinator.follow import follow
from coordinator.on_demand import finish_open
from coordinator.project import Project
from coordinator.registration import register_plan
from stacks.apply import close_if_applied, make_order
from stacks.errors import ApplyBusy


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was left to do.

    Attributes:
        finished: requests that were answered now.
        registered: units that were staged and not yet known.
        followed: units whose state the inventory did not know.
        open_runs: applies that were killed and can be resumed.
    """

    finished: tuple[Decision, ...]
    registered: int
    followed: int
    open_runs: tuple[str, ...]


def settle(project: Project) -> Settled:
    """Puts everything in order that needs no decision.

    Raises:
        ApplyBusy: a run is going on; there is nothing to settle before it ends.
    """
    with project.lock("prestage settle"):
        finished = finish_open(project)
        followed = follow(project.ledger, project.inventory, project.paths.follow_lock)
        note_applied(project)
        open_runs = tuple(run for run in project.journal.open_runs() if not run.small)
        applied = project.archived(project.journal.last_applied())
        registered = register_plan(project, applied, finished=not open_runs) if applied else 0
    return Settled(
        finished=finished,
        registered=registered,
        followed=followed,
        open_runs=tuple(run.id for run in open_runs),
    )


def catch_up(project: Project) -> None:
    """Notes what a bare `pulumi up` applied, before a request or a hold looks at what is staged.

    Where no run is open, which is nearly always, it costs one read; while a run goes on, it leaves that to others.
    """
    if any(not run.small for run in project.journal.open_runs()):
        with suppress(ApplyBusy), project.lock("prestage settle"):
            note_applied(project)


def note_applied(project: Project) -> int:
    """Closes open runs whose plan the engine's state shows to be applied, and registers their units. How many.

    A bare `pulumi up` writes its intent and ends before the engine does: this is how its outcome is known. The caller
    holds the estate's lock.
    """
    closed = 0
    for run in project.journal.open_runs():
        plan = project.archived(run.plan)
        if plan is None:
            continue
        order = make_order(plan, project.environment, resume="pulumi up")
        if close_if_applied(order, project.engine, project.journal, project.clock):
            register_plan(project, plan, finished=True)
            closed += 1
    return closed
