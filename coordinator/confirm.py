"""Whether what a plan destroys was confirmed. Pure.

A plan that destroys more than `unattended.max_destroyed` resources (none, by default) needs a person to say how many:
a count that somebody typed is one that somebody read. It counts what the plan destroys, not what is left of it, so
that the same command resumes a run that was stopped.
"""

from contracts.environment import Environment
from contracts.plan import Operation, Plan
from coordinator.errors import Refused

DESTROYS = (Operation.DELETE, Operation.REPLACE)
NAMED = 5
"""Resources that a refusal names; the plan has all of them."""


def needs_confirmation(plan: Plan, environment: Environment) -> bool:
    """Whether a person has to say how many resources a plan destroys."""
    return plan.destroyed > environment.unattended.max_destroyed


def check_confirmed(plan: Plan, environment: Environment, confirmed: int | None, *, where: str, how: str = "") -> None:
    """Lets a plan pass that destroys nothing, little, or just as many resources as were confirmed.

    Args:
        plan: what shall be applied.
        environment: has the limit.
        confirmed: the number that a person gave; a wrong one is refused, however little is destroyed. It may stand
            in a setting since the last plan, so that it says nothing of one that destroys nothing.
        where: the plan's file.
        how: the command that confirms it; `prestage apply` by default.

    Raises:
        Refused: not confirmed, or with another number.
    """
    if plan.destroyed in (0, confirmed) or (confirmed is None and not needs_confirmation(plan, environment)):
        return
    said = "nobody confirmed it" if confirmed is None else f"{confirmed} were confirmed"
    raise Refused(
        f"not confirmed: it destroys {plan.destroyed} ({_named(plan)}), and {said}",
        where=where,
        expected=f"the number of what is destroyed; {environment.unattended.max_destroyed} need none"
        " (unattended.max_destroyed)",
        next_step=how or f"look at it, then: prestage apply {where} --yes --confirm-destroy {plan.destroyed}",
    )


def _named(plan: Plan) -> str:
    keys = [change.key for change in plan.changes if change.operation in DESTROYS]
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return (", ".join(keys[:NAMED]) or "nothing") + more
