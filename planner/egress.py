"""What traffic costs by the GB: what is expected to flow over each hop, and what that comes to at its price.

Expected traffic is the mean of the forecast over the hours that the plan holds, along the links that the plan gives it;
what goes over more paths than one is split as what was asked of them. A region's copies at its partners
(`replication_gbps`, by shares) count, too, and what comes with demand that is served elsewhere. One Gbps is 450 GB an
hour.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.capacity import GB_PER_GBPS_HOUR
from contracts.failover import Reserve
from contracts.names import is_link, link_ends, pair_ends, pair_name
from contracts.plan import Cost, Egress, PlannedResource, Requirement
from contracts.resources import FailoverSpec
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.market import Market
from planner.moved import expected_gbps
from planner.question import Question
from planner.recourse.distribution import DemandByHour, Matrix, normal_score
from planner.requirements import ELSEWHERE, rounded
from planner.routes import Route, Routes
from planner.tariff import egress_price, routes_of

SAMPLE = np.array([normal_score((at + 0.5) / 200) for at in range(200)])
"""Chances that a mean is taken over: those of the cost of being wrong (`planner.recourse.risk`)."""

LEAST = 1e-9
"""Gbps that are nothing."""

Signed = Mapping[tuple[str, str], float]
"""Gbps by the link that carries them and the link that they come from: positive where what goes from a to b of the
latter goes from a to b of the former."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outflow:
    """What flows where: of a pair, or of a region's copies, how much, and which parts of it take each hop."""

    market: Market
    question: Question
    parts: Mapping[str, Mapping[str, float]]
    copies: Mapping[str, float]

    def rows(self) -> tuple[Egress, ...]:
        """Expected traffic by hop, and what it costs."""
        gbps = {**_expected(self.question), **self.copies}
        carried: dict[str, dict[str, float]] = defaultdict(dict)
        for what, hops in self.parts.items():
            for hop, part in hops.items():
                if (amount := gbps[what] * part) > LEAST:
                    carried[hop][what] = amount
        return tuple(self._row(hop, carried[hop]) for hop in sorted(carried))

    def usd_at(self, level: float) -> float:
        """USD per hour where all traffic comes at one quantile of its forecast."""
        gbps = {**_expected(self.question, level), **self.copies}
        usd = (gbps[what] * part * self._price(hop) for what, hops in self.parts.items() for hop, part in hops.items())
        return GB_PER_GBPS_HOUR * sum(usd)

    def _price(self, hop: str) -> float:
        found = egress_price(self.market, hop)
        return found[1] if found else 0.0

    def _row(self, hop: str, parts: Mapping[str, float]) -> Egress:
        gbps, usd = rounded(sum(parts.values())), self._price(hop)
        return Egress(
            hop=hop,
            gbps=gbps,
            usd_per_gb=usd,
            usd_per_hour=rounded(gbps * GB_PER_GBPS_HOUR * usd),
            parts={what: rounded(amount) for what, amount in sorted(parts.items())},
        )


def outflow(
    question: Question,
    market: Market,
    asked: tuple[Iterable[Requirement], Signed],
    resources: Sequence[PlannedResource],
) -> Outflow | None:
    """What leaves regions towards others, as a plan has it; nothing where no price of that is stated.

    Args:
        question: that the plan answers; its forecast begins now.
        market: prices.
        asked: what links must carry, and what goes over others.
        resources: the plan's, its failover entries among them.
    """
    routes, regions = routes_of(question, market), {region.name for region in question.environment.regions}
    if not routes.priced:
        return None
    turned, parts = _turned(*asked), {}
    for pair in question.forecast.subjects(SeriesKind.TRAFFIC):
        ends = pair_ends(pair)
        if question.forecast.has(SeriesKey(SeriesKind.TRAFFIC, pair)) and regions.issuperset(ends):
            parts[pair] = _split(routes.between(*ends), turned)
    copies = {}
    for region, partner, gbps in _copies(question, resources):
        copies[what := f"replication {pair_name(region, partner)}"] = gbps
        parts[what] = _split(_copy_route(question, routes, (region, partner)), turned)
    for move in question.moved:
        for ends in ((move.region, move.host), (move.host, move.region)):
            copies[what := f"movable demand {pair_name(*ends)}"] = expected_gbps(question, move)
            parts[what] = _split(routes.between(*ends), turned)
    return Outflow(market=market, question=question, parts=parts, copies=copies)


def _copies(question: Question, resources: Iterable[PlannedResource]) -> Iterator[tuple[str, str, float]]:
    """Gbps of copies from each region to each of its partners."""
    for item in resources:
        spec, region = item.resource.spec, item.resource.place
        if isinstance(spec, FailoverSpec) and (gbps := question.environment.replication_gbps_of(region) * spec.share):
            yield region, spec.partner, gbps


def _copy_route(question: Question, routes: Routes, ends: tuple[str, str]) -> Route | None:
    """Where the reserve is shared, circuits to a partner are those of the link to it."""
    if question.environment.failover.reserve is Reserve.SHARED:
        return Route((pair_name(*ends),), 0.0)
    return routes.between(*ends)


def _expected(question: Question, level: float | None = None) -> dict[str, float]:
    """Gbps of each pair over the hours that the plan holds: the mean, or where it comes at a quantile of each hour."""
    forecast, hours = question.forecast, question.environment.horizons.validity_hours
    levels = forecast.document.levels
    scores = np.clip(SAMPLE, normal_score(levels[0]), normal_score(levels[-1]))
    scores = scores if level is None else np.array([normal_score(level)])
    weights: Matrix = DemandByHour(levels, np.eye(len(levels))).at_scores(scores)
    by_level = weights.mean(axis=0)
    found = {}
    for (key, granularity), table in forecast.values.items():
        if key.kind == SeriesKind.TRAFFIC and granularity is Granularity.HOURLY:
            found[key.subject] = float((table[:hours] @ by_level).mean())
    return found


def _turned(needs: Iterable[Requirement], moved: Signed) -> dict[str, dict[str, float]]:
    """By hop of a link that has too little room, which parts of what it is asked go over which other hops."""
    found: dict[str, dict[str, float]] = {}
    for need in needs:
        if not is_link(need.place) or not (gone := -need.parts.get(ELSEWHERE, 0.0)):
            continue
        (a, b), share = link_ends(need.place), gone / (need.quantity + gone)
        flows = {carrier: gbps for (carrier, of), gbps in moved.items() if of == need.place}
        for ends, sign in (((a, b), 1), ((b, a), -1)):
            hop = pair_name(*ends)
            found[hop] = {hop: 1.0 - share}
            for carrier, gbps in flows.items():
                one, other = link_ends(carrier)
                through = (one, other) if gbps * sign > 0 else (other, one)
                found[hop][pair_name(*through)] = share * abs(gbps) / gone
    return found


def _split(route: Route | None, turned: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The parts of what takes a route that go over each hop."""
    parts: dict[str, float] = defaultdict(float)
    for hop in route.hops if route else ():
        for through, part in turned.get(hop, {hop: 1.0}).items():
            parts[through] += part
    return parts


def with_egress(question: Question, cost: Cost, rows: Iterable[Egress]) -> Cost:
    """A plan's cost with what traffic costs by the GB; before it, as the plan applied last expected that."""
    after = rounded(sum(row.usd_per_hour for row in rows))
    before = question.earlier.cost.egress_usd_per_hour if question.earlier else 0.0
    if not after and not before:
        return cost
    return cost.model_copy(
        update={
            "before_usd_per_hour": rounded(cost.before_usd_per_hour + before),
            "after_usd_per_hour": rounded(cost.after_usd_per_hour + after),
            "egress_usd_per_hour": after,
            "egress_before_usd_per_hour": before,
        }
    )
