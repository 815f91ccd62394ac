"""What a plan may cost, and how much it may change at once."""

from collections.abc import Iterator

from contracts.plan import Operation
from policies.case import WHOLE_PLAN, Breach, Case

_CENT = 0.005  # prices are rounded sums: less than half a cent is no difference


def budget(case: Case) -> Iterator[Breach]:
    """The environment costs at most `budget_usd_per_hour` after the plan."""
    ceiling, cost = case.settings.budget_usd_per_hour, case.plan.cost
    if ceiling is None or cost.after_usd_per_hour <= ceiling + _CENT:
        return
    over = cost.after_usd_per_hour - ceiling
    yield Breach(
        resource=WHOLE_PLAN,
        message=f"costs {cost.after_usd_per_hour:.2f} USD/h, {over:.2f} over the ceiling of {ceiling:.2f}"
        f" (before: {cost.before_usd_per_hour:.2f})",
        fix="raise rules.budget_usd_per_hour, or lower what the plan must meet (minimum, staging, failover)",
        worsened=cost.after_usd_per_hour > cost.before_usd_per_hour + _CENT,
    )


def change_ceiling(case: Case) -> Iterator[Breach]:
    """A plan changes at most a share of what exists; adoption moves and changes nothing, a first plan is free."""
    existing = len(case.before)
    count = sum(change.operation is not Operation.ADOPT for change in case.plan.changes)
    ceiling = case.settings.change_ceiling(existing)
    if existing and count > ceiling:
        yield Breach(
            resource=WHOLE_PLAN,
            message=f"{count} changes to {existing} existing resources, ceiling {ceiling}"
            f" ({case.settings.change_ceiling_share:.0%}, at least {case.settings.change_ceiling_minimum})",
            fix="look whether the forecast or the inventory moved this far; if so, exempt the rule for a day",
        )
