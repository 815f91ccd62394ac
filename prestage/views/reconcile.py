"""What a reconcile did, pass by pass."""

from typing import TYPE_CHECKING

from prestage.views.paper import dim, good, plural, short, table, title, usd
from prestage.views.plan import infeasible_text, plan_counts

if TYPE_CHECKING:
    from coordinator.reconcile import Pass, Reconciled


def reconcile_document(result: "Reconciled") -> dict[str, object]:
    """The passes as JSON: the digest of each plan, its changes, the run."""
    return {
        "changes": result.changes,
        "passes": [
            {
                "plan": item.plan.digest(),
                "changes": [change.model_dump(mode="json") for change in item.plan.changes],
                "usd_per_hour": item.plan.cost.after_usd_per_hour,
                "run": item.report.content(),
            }
            for item in result.passes
        ],
        "infeasible": result.infeasible.content() if result.infeasible else None,
        "last_plan": str(result.last),
    }


def reconcile_text(result: "Reconciled") -> str:
    """A line a pass, and whether the estate is as wanted now."""
    if result.infeasible:
        return infeasible_text(result.infeasible)
    lines = [title("Reconcile")]
    if result.passes:
        lines.append(table([_row(number, item) for number, item in enumerate(result.passes, start=1)]))
    told = f"as wanted: {plural(result.changes, 'change')} made" if result.passes else "as wanted: nothing to change"
    return "\n".join([*lines, f"  {good(told)}"])


def _row(number: int, item: "Pass") -> tuple[str, ...]:
    cost = f"{usd(item.plan.cost.after_usd_per_hour)} USD/h"
    return f"pass {number}", plan_counts(item.plan), cost, dim(f"plan {short(item.plan.digest())}, {item.report.run}")
