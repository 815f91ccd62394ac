"""What others lean on in a region that people paused: it serves on, though nothing of it is changed.

Failover entries that name it stay, as far as what stands by there covers them; what it does not cover any more, because
demand grew, others carry. An entry goes where the rules of failover do not allow it any more.
"""

from collections import defaultdict
from collections.abc import Iterator

from contracts.capacity import CapacityKind
from contracts.failover import Reserve, Survive
from contracts.plan import Requirement
from contracts.resources import FailoverSpec, Purpose, Resource, ResourceKind
from planner.market import Market
from planner.partnering import refused_partner, ways_of
from planner.question import Question
from planner.requirements import rounded, total
from planner.sites import SHARE_STEPS, Amount, compute_amount

COVERED = 1e-6
"""How much of a load may be missing of what covers it: what documents round."""


def partners_paused(question: Question, market: Market, needs: tuple[Requirement, ...]) -> Iterator[Resource]:
    """Failover entries of other regions that name a paused one, with the shares that it still covers.

    Nothing where the reserve is shared: there all shares are chosen together.
    """
    if question.environment.failover.reserve is Reserve.SHARED:
        return
    live, ways = question.live(), ways_of(question, market)
    claims: dict[tuple[str, str], list[Amount]] = defaultdict(list)
    entries: list[tuple[Resource, FailoverSpec, tuple[str, str]]] = []
    for entry in live.values():
        spec = entry.spec
        if (
            not isinstance(spec, FailoverSpec)
            or question.is_frozen(entry.place)
            or not _is_paused(question, spec.partner)
        ):
            continue
        if refused_partner(question, market, ways, (entry.place, spec.partner)) is None:
            loss = spec.partner, _loss(question, market, entry.place)
            claims[loss].append(_load(question, needs, entry.place).times(spec.share))
            entries.append((entry, spec, loss))
    for entry, spec, loss in entries:
        share = spec.share * _covered(_standing_by(live, market, spec.partner), claims[loss])
        steps = round(share * SHARE_STEPS, 6) // 1 / SHARE_STEPS if share < spec.share else spec.share
        if steps > 0:
            yield entry.model_copy(update={"spec": spec.model_copy(update={"share": rounded(steps)})})


def _is_paused(question: Question, region: str) -> bool:
    return question.is_frozen(region) and region not in question.unreadable()


def _loss(question: Question, market: Market, region: str) -> str:
    """What is lost together with a region, by name."""
    whole = question.environment.failover.survive is Survive.DOMAIN
    return market.regions[region].fault_domain if whole else region


def _load(question: Question, needs: tuple[Requirement, ...], region: str) -> Amount:
    vcpu, memory = (total(needs, region, kind) for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB))
    wanted = Amount(vcpu=vcpu.quantity if vcpu else 0.0, memory_gib=memory.quantity if memory else 0.0)
    return wanted.times(question.environment.critical_share_of(region))


def _standing_by(live: dict[str, Resource], market: Market, region: str) -> Amount:
    here = (item for item in live.values() if (item.place, item.kind) == (region, ResourceKind.COMPUTE))
    return compute_amount(market, [item for item in here if item.purpose is Purpose.FAILOVER])


def _covered(standing: Amount, claims: list[Amount]) -> float:
    """The part of some claims, which come at one moment, that what stands by covers: at most 1."""
    whole = Amount()
    for claim in claims:
        whole = whole.plus(claim)
    pairs = ((standing.vcpu, whole.vcpu), (standing.memory_gib, whole.memory_gib))
    return min((min(1.0, has * (1 + COVERED) / asked) for has, asked in pairs if asked > 0), default=1.0)
