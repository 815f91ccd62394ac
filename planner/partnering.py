"""Which regions may back which up: other fault domains, near enough, where what is served may be served."""

from contracts.plan import RefusalCode, RefusedAlternative
from planner.market import Market
from planner.question import Question
from planner.residency import Residency
from planner.routes import Routes
from planner.tariff import joined

Ways = tuple[Routes, Residency]
"""How far regions lie from one another, and where what they serve may be served."""


def ways_of(question: Question, market: Market) -> Ways:
    """What is asked of every pair of regions; no way leads through those of others: no circuit of ours is there."""
    return Routes(joined(question, market)), Residency.of(question)


def partner_refusals(
    question: Question, market: Market, ways: Ways, region: str
) -> dict[str, RefusedAlternative | None]:
    """Every other region as a new partner: nothing where it may be one, else why not; what is left as it is may not."""
    others = sorted(settings.name for settings in question.environment.regions if settings.name != region)
    left = RefusalCode.NOT_ALLOWED
    return {
        other: RefusedAlternative(candidate=other, code=left)
        if question.is_frozen(other)
        else refused_partner(question, market, ways, (region, other))
        for other in others
    }


def refused_partner(question: Question, market: Market, ways: Ways, pair: tuple[str, str]) -> RefusedAlternative | None:
    """Why the second of a pair may not back the first up; nothing where it may."""
    (routes, residency), (region, other) = ways, pair
    limit = question.environment.failover.max_latency_ms
    route = routes.between(region, other)
    if market.regions[region].fault_domain == market.regions[other].fault_domain:
        return RefusedAlternative(candidate=other, code=RefusalCode.SAME_FAULT_DOMAIN)
    if not residency.may_carry(region, other):
        return RefusedAlternative(candidate=other, code=RefusalCode.RESIDENCY)
    if route is None or route.latency_ms > limit:
        latency_ms = route.latency_ms if route else None
        return RefusedAlternative(candidate=other, code=RefusalCode.TOO_FAR, limit=limit, value=latency_ms, unit="ms")
    return None
