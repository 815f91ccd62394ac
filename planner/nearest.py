"""The nearest plan to one that there is not: its limits brought back, each as tight as it can be.

From a plan without limits they are brought back, in halves, the ones that people promised first; a limit that cannot be
gets the tightest of its numbers that will do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.clash import Limit, LimitKind, Relaxed
from contracts.plan import Infeasible, Plan
from planner.limits import numbers
from planner.trials import Attempt, Enough, Search

KEPT_LONGEST = (
    LimitKind.RESIDENCY,
    LimitKind.FAULT_DOMAINS,
    LimitKind.SURVIVE,
    LimitKind.CRITICAL_SHARE,
    LimitKind.STORAGE,
    LimitKind.LATENCY,
    LimitKind.PARTNERS,
    LimitKind.MINIMUM,
    LimitKind.MAXIMUM,
    LimitKind.LINKS,
    LimitKind.OFFERS,
    LimitKind.STOCK,
    LimitKind.POOLS,
    LimitKind.QUOTA,
)
"""Which limits are brought back first: promises before prices, and what can be bought last."""


def nearest(
    search: Search, given_up: Sequence[Limit], attempt: Attempt
) -> tuple[tuple[Relaxed, ...], float | None, bool]:
    """The limits brought back as tight as each can be, in turn; what the plan then costs; whether it was finished."""
    state = _State(sorted(given_up, key=lambda limit: (KEPT_LONGEST.index(limit.kind), limit.name)), [])
    complete = True
    try:
        if not given_up or isinstance(search.ask(state.loose), Infeasible):
            return (), None, not given_up
        _bring_back(search, state, tuple(state.loose))
        for limit in tuple(state.loose):
            _tighten(search, state, limit)
    except Enough:
        complete = False
    plan = search.ask(state.loose, state.at)
    if isinstance(plan, Infeasible):  # asked before, and it was not
        return (), None, False
    relaxed = [Relaxed(limit=limit) for limit in state.loose]
    relaxed += [Relaxed(limit=limit, to=number) for limit, number in state.at]
    if attempt is not search.attempt:
        better = attempt(search.relaxed(state.loose, state.at))
        plan = better if isinstance(better, Plan) else plan
    return tuple(sorted(relaxed, key=lambda item: item.limit.name)), plan.cost.after_usd_per_hour, complete


@dataclass(slots=True)
class _State:
    """A question that has a plan: the limits that it does without, and those that it has at other numbers."""

    loose: list[Limit]
    at: list[tuple[Limit, float]]


def _bring_back(search: Search, state: _State, group: Sequence[Limit]) -> None:
    """Brings back as they are as many of a group as can be: all at once, or else each half by itself."""
    others = [limit for limit in state.loose if limit not in group]
    if isinstance(search.ask(others, state.at), Plan):
        state.loose = others
    elif len(group) > 1:
        half = len(group) // 2
        _bring_back(search, state, group[:half])
        _bring_back(search, state, group[half:])


def _tighten(search: Search, state: _State, limit: Limit) -> None:
    """Puts the tightest number that will do in the place of a limit that was lifted, where it is a number."""
    plan = search.ask(state.loose, state.at)
    assert isinstance(plan, Plan)  # a state has one
    others = [item for item in state.loose if item is not limit]
    outwards = numbers(search.question, limit, plan)
    low, high = 0, len(outwards) - 1
    before = list(state.at)
    while low <= high:
        middle = (low + high) // 2
        number = (limit, float(outwards[middle]))
        if isinstance(search.ask(others, [*before, number]), Plan):
            high = middle - 1
            state.loose, state.at = others, [*before, number]
        else:
            low = middle + 1
