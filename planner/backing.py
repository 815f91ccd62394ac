"""Whether what stands by in regions covers what failover entries would send there (pure)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from contracts.failover import Survive
from contracts.plan import Requirement
from contracts.resources import FailoverSpec, Purpose, Resource, ResourceKind
from planner.market import Market
from planner.partnering import refused_partner, ways_of
from planner.question import Question
from planner.sites import Amount, compute_amount, needed

COVERED = 1e-6
"""How much of a load may be missing of what covers it: what documents round."""

Coverage = Mapping[tuple[str, str], float]
"""By partner and what is lost: the part of what comes then that stands by there, at most 1."""


def coverage(
    question: Question,
    market: Market,
    needs: tuple[Requirement, ...],
    stands: tuple[Iterable[Resource], Iterable[Resource]],
) -> Coverage:
    """How far compute that stands by covers the claims of failover entries.

    Args:
        question: how much is critical, and what is lost at one moment.
        market: shapes and fault domains.
        needs: what serves in regions.
        stands: the entries that count, and resources, of which compute for failover stands by.
    """
    entries, resources = stands
    claims: dict[tuple[str, str], Amount] = defaultdict(Amount)
    for entry in entries:
        if isinstance(entry.spec, FailoverSpec):
            critical = question.environment.critical_share_of(entry.place)
            what = entry.spec.partner, loss_of(question, market, entry.place)
            claims[what] = claims[what].plus(needed(needs, entry.place).times(critical * entry.spec.share))
    standing: dict[str, list[Resource]] = defaultdict(list)
    for item in resources:
        if item.kind is ResourceKind.COMPUTE and item.purpose is Purpose.FAILOVER:
            standing[item.place].append(item)
    return {what: _part(compute_amount(market, standing[what[0]]), asked) for what, asked in claims.items()}


def standing_entries(question: Question, market: Market) -> tuple[tuple[Resource, FailoverSpec], ...]:
    """Live failover entries of regions that are planned, to partners that the rules of failover still allow."""
    planned = {region.name for region in question.environment.regions} & market.regions.keys()
    found, ways = [], ways_of(question, market)
    for entry in question.live().values():
        spec = entry.spec
        if not isinstance(spec, FailoverSpec) or question.is_frozen(entry.place):
            continue
        known = entry.place in planned and spec.partner in planned
        if known and refused_partner(question, market, ways, (entry.place, spec.partner)) is None:
            found.append((entry, spec))
    return tuple(found)


def loss_of(question: Question, market: Market, region: str) -> str:
    """What is lost together with a region, by name."""
    whole = question.environment.failover.survive is Survive.DOMAIN and region in market.regions
    return market.regions[region].fault_domain if whole else region


def _part(standing: Amount, asked: Amount) -> float:
    pairs = ((standing.vcpu, asked.vcpu), (standing.memory_gib, asked.memory_gib))
    return min((min(1.0, has * (1 + COVERED) / wanted) for has, wanted in pairs if wanted > 0), default=1.0)
