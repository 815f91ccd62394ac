"""The limits within which a plan is applied without a person: on demand, and automatic reconcile. Pure."""

from contracts.limits import Unattended
from contracts.plan import Plan
from contracts.requests import Missing


def beyond_limits(plan: Plan, limits: Unattended) -> tuple[Missing, ...]:
    """Each limit that a plan goes beyond, with both numbers; none: it may be applied unattended."""
    found = []
    if len(plan.changes) > limits.max_changes:
        found.append(_over("unattended.max_changes", plan.environment, len(plan.changes), limits.max_changes))
    if plan.destroyed > limits.max_destroyed:
        found.append(_over("unattended.max_destroyed", plan.environment, plan.destroyed, limits.max_destroyed))
    added = plan.cost.after_usd_per_hour - plan.cost.before_usd_per_hour
    if added > limits.max_usd_per_hour:
        found.append(_over("unattended.max_usd_per_hour", plan.environment, round(added, 6), limits.max_usd_per_hour))
    return tuple(found)


def _over(setting: str, environment: str, wanted: float, limit: float) -> Missing:
    return Missing(
        kind=setting,
        place=environment,
        wanted=wanted,
        available=limit,
        why="more than may be applied without a person: plan, review and apply it",
    )
