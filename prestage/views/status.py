"""Where an environment stands."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from contracts.ledger import UnitState
from prestage.views.paper import dim, good, moment, number, short, table, title, warn

if TYPE_CHECKING:
    from coordinator.status import Status

ANSWERED = "prestage_requests_total"
MOST = 20
"""Units handed out that are listed; `--json` has all."""


def status_text(status: "Status") -> str:
    """Last plan, units by kind and state, who has what, what needs attention, counters."""
    return "\n".join([*_plan(status), *_attention(status), *_units(status), *_handed_out(status), *_counters(status)])


def _plan(status: "Status") -> Iterator[str]:
    plan = status.last_plan
    if plan is None:
        yield title(status.environment, "nothing was applied yet")
        return
    made = f", made {moment(plan.made_at)}" if plan.made_at else ""
    yield title(status.environment, f"plan {short(plan.digest)}{made}")
    if plan.expires_at:
        until = moment(plan.expires_at)
        yield warn(f"  expired {until}") if plan.expired else good(f"  holds until {until}")


def _attention(status: "Status") -> Iterator[str]:
    if status.locked_by:
        yield warn(f"  locked by {status.locked_by}")
    for run in status.open_runs:
        yield warn(f"  run {run.run} did not end: the command that began it goes on with it")
    if status.unanswered:
        yield warn(f"  begun and not answered: {', '.join(status.unanswered)}")
    if status.not_followed:
        yield warn(f"  {status.not_followed} units whose state the inventory does not know yet")


def _units(status: "Status") -> Iterator[str]:
    kinds = sorted({item.kind for item in status.units})
    counts = {(item.kind, item.state): item.count for item in status.units}
    states = [state for state in UnitState if any(item.state == state for item in status.units)]
    if kinds:
        rows = [(kind, *(number(counts.get((kind, state), 0)) for state in states)) for kind in kinds]
        yield table(rows, head=("units", *states), right=range(1, len(states) + 1))


def _handed_out(status: "Status") -> Iterator[str]:
    rows = [
        (unit.key, unit.state, unit.holder or "", f"until {moment(unit.until)}" if unit.until else "", unit.grant or "")
        for unit in status.handed_out[:MOST]
    ]
    if rows:
        yield table(rows, head=("handed out", "state", "to", "", "grant"))
    if len(status.handed_out) > MOST:
        yield dim(f"  and {len(status.handed_out) - MOST} more")


def _counters(status: "Status") -> Iterator[str]:
    """How requests were answered; `--metrics` has every counter."""
    answered = [(name, number(value)) for name, value in sorted(status.counters.items()) if name.startswith(ANSWERED)]
    if answered:
        yield table(answered, right=(1,))
    yield dim(f"  audit: {status.audit_rows} rows, all as they were written")
