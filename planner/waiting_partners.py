"""Calm's ceiling: changes of partners that nobody needs while what would go still stands.

Where what stands by waits to be taken away, the entries that it stands by for may wait with it: they cost nothing, and
changing them gains nothing yet. A region's entries wait together, where the partners that it has are still allowed and
still cover all that comes to them.
"""

from collections.abc import Iterator, Mapping, Sequence

from contracts.failover import Reserve
from contracts.plan import Change, Requirement
from contracts.resources import FailoverSpec, Resource
from planner.backing import coverage
from planner.market import Market
from planner.partnering import refused_partner, ways_of
from planner.question import Question


def entries_that_wait(
    question: Question,
    market: Market,
    needs: tuple[Requirement, ...],
    state: tuple[Sequence[Change], Mapping[str, Resource]],
) -> Iterator[tuple[Change, ...]]:
    """Changes of failover entries that may wait, region by region, each beside those that were named before.

    Args:
        question: rules of failover, and what is live.
        market: of it.
        needs: what serves in regions.
        state: all changes, and what would stand once those that do not wait are made.
    """
    changes, stands = state
    if question.environment.failover.reserve is Reserve.SHARED:
        return
    live, ways, stays = question.live(), ways_of(question, market), dict(stands)
    groups: dict[str, list[Change]] = {}
    for change in changes:
        if isinstance((change.after or change.before or live[change.key]).spec, FailoverSpec):
            groups.setdefault(change.place, []).append(change)
    for region, group in sorted(groups.items()):
        before = [item for item in live.values() if item.place == region and isinstance(item.spec, FailoverSpec)]
        partners = [item.spec.partner for item in before if isinstance(item.spec, FailoverSpec)]
        known = set(partners) <= set(market.regions) - question.frozen_regions()
        if not before or not known or any(refused_partner(question, market, ways, (region, at)) for at in partners):
            continue
        tried = {key: item for key, item in stays.items() if key not in {change.key for change in group}}
        tried |= {item.key: item for item in before}
        covered = coverage(question, market, needs, (tried.values(), tried.values()))
        if all(part == 1 for (partner, _), part in covered.items() if partner in partners):
            stays = tried
            yield tuple(group)
