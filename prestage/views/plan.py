"""A plan as people read it: what changes where, why, at what cost."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

import click

from contracts.block_advice import BlockAdvice
from contracts.plan import Change, Infeasible, Operation, Plan, ReasonCode, Shortfall
from contracts.preference_wording import summary
from contracts.wording import describe, held, symbol, unmet
from prestage.views.clash import clash_lines
from prestage.views.packing import packing_lines
from prestage.views.paper import (
    WIDTH,
    bad,
    dim,
    good,
    moment,
    number,
    plural,
    short,
    signed_usd,
    table,
    title,
    usd,
    warn,
)
from prestage.views.risk import risk_lines, scarce_lines

_COLOURS = {
    Operation.CREATE: "green",
    Operation.UPDATE: "yellow",
    Operation.REPLACE: "yellow",
    Operation.DELETE: "red",
    Operation.ADOPT: "cyan",
}
"""As engines and diffs colour them."""

ROWS_PER_PLACE = 12
"""Changes shown for one place; the rest are counted. `--json` and the plan file have all."""


def plan_text(plan: Plan) -> str:
    """Header, what is destroyed, changes by place, cost, what it was computed from."""
    return "\n".join(
        [
            *_header(plan),
            "",
            *_destroyed(plan),
            *_changes(plan.changes),
            *_orders(plan.changes),
            *_deferred(plan.deferred),
            *packing_lines(plan.packing),
            *_cost(plan),
            *_commitments(plan),
            *_block_advice(plan),
            *(risk_lines(plan.risk) if plan.risk else ()),
            *scarce_lines(plan.scarce),
            *_inputs(plan),
        ]
    )


def plan_counts(plan: Plan) -> str:
    """`12 to create, 1 to update, 0 to delete`."""
    counts = [(operation, plan.count(operation)) for operation in Operation]
    told = [f"{count} to {operation}" for operation, count in counts if count]
    return ", ".join(told) if told else "nothing to change"


def dearest(plan: Plan) -> str:
    """The key of the resource that costs most."""
    return max(plan.resources, key=lambda item: (item.usd_per_hour, item.resource.key)).resource.key


def infeasible_text(answer: Infeasible) -> str:
    """Which demand cannot be met: where, what, when, how much, and the nearest that can be."""
    head = ("where", "what", "wanted", "there is", "short", "when")
    clash = clash_lines(answer.clash) if answer.clash else ()
    first = bad(title(f"No plan meets the demand of {answer.environment}"))
    if not answer.shortfalls:
        return "\n".join([first, *(f"  {line}" for line in answer.told.splitlines()), *clash])
    shown = table([_shortfall(item) for item in answer.shortfalls], head=head, right=(2, 3, 4)).splitlines()
    lines = [first, shown[0]]
    for item, line in zip(answer.shortfalls, shown[1:], strict=True):
        lines += [line, *wrap(item.nearest, width=WIDTH, initial_indent="    ", subsequent_indent="    ")]
    return "\n".join([*lines, *clash])


def _header(plan: Plan) -> Iterable[str]:
    counts = plan_counts(plan)
    yield title(
        f"Plan for {plan.environment}", f"{short(plan.digest())}, {plan.engine}, expires {moment(plan.expires_at)}"
    )
    yield f"  {warn(counts) if plan.changes else good(counts)}"
    for item in plan.unread:
        yield warn(f"  {item.region} could not be read and is left as it was: {item.why or 'no reason given'}")
    for told in (*plan.pins_missing, *filter(None, map(unmet, plan.requirements)), *held(plan.requirements)):
        yield warn(f"  {told}")
    for told in summary(plan.preference, plan.cost.after_usd_per_hour) if plan.preference else ():
        yield from wrap(told, width=WIDTH, initial_indent="  ", subsequent_indent="    ")


def _destroyed(plan: Plan) -> Iterable[str]:
    """What ceases to exist, first and counted: a person confirms the number."""
    doomed = [change for change in plan.changes if change.operation in (Operation.DELETE, Operation.REPLACE)]
    if doomed:
        yield bad(title(f"  destroys {plural(len(doomed), 'resource')}"))
        rows = [(mark(change.operation), change.key, str(change.reason.code)) for change in doomed]
        yield table(rows[:ROWS_PER_PLACE], indent=4)
        if len(rows) > ROWS_PER_PLACE:
            yield dim(f"    and {len(rows) - ROWS_PER_PLACE} more")
        yield ""


def _commitments(plan: Plan) -> Iterable[str]:
    if plan.commitments:
        saved = sum(item.saves_usd_per_hour for item in plan.commitments)
        yield f"  cheaper committed, by {usd(saved)} an hour (advice; nothing is bought):"
        rows = [
            (
                item.place,
                f"{item.count} of {item.of} {item.shape}",
                f"the last of them saves {item.used:.0%} of its price",
                usd(item.saves_usd_per_hour),
            )
            for item in plan.commitments
        ]
        yield table(rows, indent=4, right=(3,))


def _block_advice(plan: Plan) -> Iterable[str]:
    if plan.block_advice:
        yield "  address blocks that will be over- or under-used, or lie in the way (advice; nothing is done):"
        rows = [
            (
                item.place,
                item.block,
                "nobody has it" if item.staged else f"{'over' if item.over else 'under'}-used, {item.probability:.0%}",
                f"{str(item.action).replace('_', ' ')} {' and '.join(item.into)}".rstrip() + _makes_way(item),
                f"{plural(item.moves, 'move')}, frees {item.frees}",
            )
            for item in plan.block_advice
        ]
        yield table(rows, indent=4)


def _makes_way(advice: BlockAdvice) -> str:
    """Where neighbours in use go, for one to grow."""
    going = advice.gives_way[len(advice.gives_way) - len(advice.goes_to) :]
    return "".join(f", {block} to {place}" for block, place in zip(going, advice.goes_to, strict=True))


def _changes(changes: Sequence[Change]) -> Iterable[str]:
    by_place: dict[str, list[Change]] = {}
    for change in changes:
        by_place.setdefault(change.place, []).append(change)
    for place, items in by_place.items():
        yield title(
            f"  {place}", f"{plural(len(items), 'change')}, {signed_usd(sum(c.usd_per_hour for c in items))} USD/h"
        )
        rows = [row for alike in _alike(items) for row in _rows(alike)]
        yield table(rows[:ROWS_PER_PLACE], right=(3,), indent=4)
        if len(rows) > ROWS_PER_PLACE:
            yield dim(f"    and {len(rows) - ROWS_PER_PLACE} more lines")
    if changes:
        yield ""


def _orders(changes: Sequence[Change]) -> Iterable[str]:
    """What takes long to come, in the order in which it is ordered; those that demand has an hour for are shown."""
    timed = [(change.key, change.lead) for change in changes if change.lead]
    if timed:
        late = sum(lead.late_hours > 0 for _, lead in timed)
        yield f"  takes long to come, ordered first{warn(f'; too late: {late}') if late else ''}"
        dated = [(key, warn(lead.told()) if lead.late_hours else lead.told()) for key, lead in timed if lead.order_by]
        yield table(dated[:ROWS_PER_PLACE], indent=4)
        if (more := len(timed) - min(len(dated), ROWS_PER_PLACE)) > 0:
            yield dim(f"    and {more} more")
        yield ""


def _deferred(changes: Sequence[Change]) -> Iterable[str]:
    """What waits for a later plan, the most valuable first."""
    if changes:
        saved = -sum(change.usd_per_hour for change in changes)
        yield warn(f"  {plural(len(changes), 'change')} above the ceiling would save {usd(saved)} USD/h, and wait:")
        rows = [(mark(item.operation), item.key, _told(item), signed_usd(item.usd_per_hour)) for item in changes]
        yield table(rows[:ROWS_PER_PLACE], right=(3,), indent=4)
        if len(rows) > ROWS_PER_PLACE:
            yield dim(f"    and {len(rows) - ROWS_PER_PLACE} more")
        yield ""


def _alike(changes: Sequence[Change]) -> list[list[Change]]:
    """Neighbours that differ in their last name only, such as staged units, together."""
    groups: list[list[Change]] = []
    for change in changes:
        if groups and _stem(groups[-1][0]) == _stem(change):
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _stem(change: Change) -> tuple[str, ...]:
    return change.operation, change.reason.code, change.key.rpartition("/")[0]


def _rows(alike: Sequence[Change]) -> list[tuple[str, str, str, str, str]]:
    """Three or more alike are one line."""
    if len(alike) < 3 or alike[0].reason.code is not ReasonCode.STAGING:
        return [_row(change) for change in alike]
    mark, key, told, _, why = _row(alike[0])
    usd_per_hour = signed_usd(sum(change.usd_per_hour for change in alike))
    return [(mark, f"{key.rpartition('/')[0]}/*", f"{len(alike)} like {told}", usd_per_hour, why)]


def _row(change: Change) -> tuple[str, str, str, str, str]:
    key = change.key.removeprefix(f"{change.place}/")
    return mark(change.operation), key, _told(change), signed_usd(change.usd_per_hour), dim(str(change.reason.code))


def _told(change: Change) -> str:
    """What a change makes of what."""
    if change.operation in (Operation.UPDATE, Operation.REPLACE) and change.before and change.after:
        return f"{describe(change.before.spec)} -> {describe(change.after.spec)}"
    what = change.after or change.before
    return describe(what.spec) if what else ""


def mark(operation: Operation) -> str:
    """The sign of an operation, coloured."""
    return click.style(symbol(operation), fg=_COLOURS[operation])


def _cost(plan: Plan) -> Iterable[str]:
    cost = plan.cost
    rows = [
        ("cost now", usd(cost.before_usd_per_hour), "USD/h"),
        (
            "cost after",
            usd(cost.after_usd_per_hour),
            f"USD/h ({signed_usd(cost.after_usd_per_hour - cost.before_usd_per_hour)})",
        ),
        *([("once all is done", usd(cost.done_usd_per_hour), _done(plan))] if cost.waiting_usd_per_hour else []),
        *([("of it egress", usd(cost.egress_usd_per_hour), _egress(plan))] if plan.egress or cost.has_egress else []),
        (
            "lower bound",
            usd(cost.lower_bound_usd_per_hour),
            f"USD/h of {usd(cost.optimised_usd_per_hour)} optimised: gap {cost.gap:.2%}",
        ),
    ]
    yield table(rows, right=(1,))


def _done(plan: Plan) -> str:
    """What is left of cost and gap once later plans made what waits above the ceiling."""
    return f"USD/h ({signed_usd(-plan.cost.waiting_usd_per_hour)}): gap {plan.cost.done_gap:.2%}"


def _egress(plan: Plan) -> str:
    """What is paid for by the GB, and where most of it is."""
    if not plan.egress:
        return "USD/h: none is expected at a price by the GB any more"
    dearest = max(plan.egress, key=lambda row: (row.usd_per_hour, row.hop))
    gbps = sum(row.gbps for row in plan.egress if row.usd_per_gb)
    told = f"USD/h for {number(gbps)} gbps, expected"
    return f"{told}; most of it {dearest.hop}, {usd(dearest.usd_per_hour)}" if dearest.usd_per_hour else told


def _inputs(plan: Plan) -> Iterable[str]:
    inputs = plan.inputs
    previous = short(inputs.previous_plan) if inputs.previous_plan else "none"
    solver = f"{plan.solver}, cut short" if plan.cut_short else plan.solver
    yield dim(f"  {solver}; forecast {short(inputs.forecast)}, previous plan {previous}")


def _shortfall(item: Shortfall) -> tuple[str, ...]:
    when = moment(item.at) if item.at else ""
    short_by = number(item.wanted - item.available)
    return item.place, item.kind, number(item.wanted), number(item.available), short_by, when
