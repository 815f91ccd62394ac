"""Calm's ceiling: changes of partners that nobody needs while what would go still stands.

Where what stands by waits to be taken away, the entries that it stands by for may wait with it: they cost nothing, and
changing them gains nothing yet. A region's entries wait together, where the partners that it has are still allowed and
still cover all that comes to them.
"""

from collections.abc import Iterator, Mapping, Sequence

from contracts.failover import Reserve
from contracts.plan import Change, ReasonCode, Requirement
from contracts.resources import FailoverSpec, Resource
from planner.backing import coverage, standing_entries
from planner.market import Market
from planner.question import Question

WHOLE = 1e-3
"""How much of a region's load entries may leave to nobody: what documents round."""


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
    before: dict[str, list[tuple[Resource, FailoverSpec]]] = {}
    for entry, spec in standing_entries(question, market):
        if not question.is_frozen(spec.partner):
            before.setdefault(entry.place, []).append((entry, spec))
    live, stays = question.live(), dict(stands)
    groups: dict[str, list[Change]] = {}
    for change in changes:
        if isinstance((change.after or change.before or live[change.key]).spec, FailoverSpec):
            groups.setdefault(change.place, []).append(change)
    for region, group in sorted(groups.items()):
        entries = before.get(region, [])
        whole = sum(spec.share for _, spec in entries) > 1 - WHOLE
        if question.environment.replication_gbps_of(region):  # circuits go where its copies go
            continue
        if not whole or any(change.reason.code is ReasonCode.REPAIR for change in group):
            continue
        keys, partners = {change.key for change in group}, {spec.partner for _, spec in entries}
        tried = {key: item for key, item in stays.items() if key not in keys}
        tried |= {entry.key: entry for entry, _ in entries}
        covered = coverage(question, market, needs, (tried.values(), tried.values()))
        if all(part == 1 for (partner, _), part in covered.items() if partner in partners):
            stays = tried
            yield tuple(group)
