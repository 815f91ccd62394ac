"""What takes long to come is ordered first: when each change is there, and by when it has to be ordered.

A change that adds capacity takes as long as `horizons.lead_hours` says of its kind. It is needed from the first hour at
which demand passes what is live of its kind and purpose; it has to be ordered by so many hours before. Of the plan's
changes those that take longest come first, with all that they stand on, and among alike ones those that are needed
first.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from contracts.failover import Reserve
from contracts.lead import Lead
from contracts.plan import Change, Operation, ReasonCode, Requirement
from contracts.resources import Purpose, Resource
from contracts.series import SeriesKey, SeriesKind
from planner.market import Amounts, Market
from planner.question import Question

HOUR = timedelta(hours=1)


def lead_hours(question: Question, market: Market, change: Change) -> int:
    """Hours from order to use of what a change adds; 0 where it adds nothing, or what is there within the hour."""
    leads = question.environment.horizons.lead_hours
    if not leads or change.after is None or change.operation is Operation.ADOPT:
        return 0
    before = market.use(change.before) if change.before and change.operation is Operation.UPDATE else {}
    taken = market.use(change.after).items()
    added = (kind for (place, kind), amount in taken if amount > before.get((place, kind), -1.0))
    return max((leads.get(kind, 0) for kind in added), default=0)


def longest_first(
    question: Question, market: Market, changes: Sequence[Change], requirements: Iterable[Requirement]
) -> tuple[Change, ...]:
    """The same changes with what is known of their lead times, what has to be ordered first coming first.

    Args:
        question: whose environment states lead times, and what is live.
        market: what resources give.
        changes: in an order in which they can be made.
        requirements: what they are made for.
    """
    if not any(question.environment.horizons.lead_hours.values()):
        return tuple(changes)
    needs, held = {item.id: item for item in requirements}, _held(question, market)
    timed = tuple(_timed(question, market, change, (needs, held)) for change in changes)
    keys = {change.key: (-(change.lead.hours if change.lead else 0), _ordered_by(change)) for change in timed}
    for change in reversed(timed):  # what it stands on goes with it; dependents come later in the order given
        for key in keys.keys() & set(change.depends_on if change.after else ()):
            keys[key] = min(keys[key], keys[change.key])
    made = [change for change in timed if change.after]
    return (*sorted(made, key=lambda change: keys[change.key]), *(change for change in timed if not change.after))


def _timed(
    question: Question, market: Market, change: Change, known: tuple[Mapping[str, Requirement], Mapping[str, Amounts]]
) -> Change:
    hours = lead_hours(question, market, change)
    if not hours:
        return change
    needed = _needed_at(question, change, *known)
    lead = Lead(
        hours=hours,
        ready_at=question.now + hours * HOUR,
        order_by=needed - hours * HOUR if needed is not None else None,
    )
    return change.model_copy(update={"lead": lead})


def _ordered_by(change: Change) -> float:
    return change.lead.order_by.timestamp() if change.lead and change.lead.order_by else np.inf


def _needed_at(
    question: Question, change: Change, needs: Mapping[str, Requirement], held: Mapping[str, Amounts]
) -> datetime | None:
    """The first hour at which a requirement of a change passes what is live for it; None where no demand asks."""
    if change.reason.code is ReasonCode.REPAIR:
        return question.now
    asked = [needs[name] for name in change.reason.requirements if name in needs]
    found = [_passes(question, need, held, change) for need in asked if need.code is not ReasonCode.STAGING]
    return min((at for at in found if at), default=None)


def _passes(question: Question, need: Requirement, held: Mapping[str, Amounts], change: Change) -> datetime | None:
    """When a requirement is more than what is live: its series' curve, as high as it is; else when that peaks.

    What people ask for whatever comes is asked for at once. What is live meets it already: the change only saves, but
    where a loss asks for it.
    """
    link, there = need.forecast, held.get(need.id.rpartition("/")[2], {}).get((need.place, need.kind), 0.0)
    of_a_loss = change.reason.scenario and need.code is not ReasonCode.FAILOVER
    if need.quantity <= there + 1e-9 and not of_a_loss:
        return None
    if link is None or need.code is ReasonCode.MINIMUM or link.value <= 0:
        return question.now
    kind, _, subject = link.series.partition(":")
    key = SeriesKey(SeriesKind(kind), subject)
    if not question.forecast.has(key):
        return link.at
    curve = question.forecast.curve(key, link.level) * (need.quantity / link.value)
    short = np.flatnonzero(curve > there + 1e-9)
    return question.forecast.origin + int(short[0]) * HOUR if len(short) else link.at


def _held(question: Question, market: Market) -> Mapping[str, Amounts]:
    """What is live for each purpose, as ids of requirements end; where reserves are shared, all that is live serves."""
    live = tuple(question.live().values())
    shared = question.environment.failover.reserve is Reserve.SHARED
    serving = (Purpose.SERVING, Purpose.FAILOVER) if shared else (Purpose.SERVING,)
    return {
        Purpose.SERVING.value: _at_home(market, (item for item in live if item.purpose in serving)),
        Purpose.FAILOVER.value: _at_home(market, (item for item in live if item.purpose is Purpose.FAILOVER)),
    }


def _at_home(market: Market, live: Iterable[Resource]) -> Amounts:
    """What resources give where they stand: replicas serve nobody where they are."""
    found: Amounts = {}
    for item in live:
        for (place, kind), amount in market.use(item).items():
            if place == item.place:
                found[place, kind] = found.get((place, kind), 0.0) + amount
    return found
