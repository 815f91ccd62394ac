"""Which region may serve another's movable demand, what that costs by the vCPU, and which rule forbids it.

Prices are those of the cheapest mix of shapes for a vCPU with the memory that goes with it in the region where it is
forecast (prices of the covering programme, `planner.covering`), with what it brings: circuits by the Gbps over every
link on the way, storage where it is served. They order regions and are told; what is decided is decided by the
programme and by whole plans (`planner.preference`). Of compute, only what demand adds to the host's worst hour is paid
for there: what comes while it is night needs few instances more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.capacity import GB_PER_GBPS_HOUR, CapacityKind
from contracts.preference import HostRefusal, Move, PlacementSettings, RefusedHost
from contracts.resources import FailoverSpec
from planner.covering import covering_duals
from planner.curves import region_curves
from planner.market import Market
from planner.moved import MOVABLE, expected_gbps, leaving, served_curves
from planner.question import Question
from planner.requirements import level_of, rounded
from planner.residency import Residency, holders_with_limits
from planner.routes import Route, link_of
from planner.sites import Amount, Site
from planner.tariff import egress_price, routes_of

STEP = 0.05
"""Demand moves by whole twentieths of what a region is forecast, as failover shares do: plans do not shiver, and nobody
runs a hundredth of a region elsewhere to fill up one instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A region of which demand may be served elsewhere.

    Attributes:
        settings: its own.
        steps: twentieths of its demand that may be, beside those that stay elsewhere whatever is decided.
        movable: share of its demand that may be in all.
        bound: by customer whose use stays, the share of its demand that is theirs.
        peak: its own demand in its worst hour, at the quantile that it is sized at.
        usd: of a vCPU at home, with its memory; None where none is sold.
    """

    region: str
    settings: PlacementSettings
    steps: int
    movable: float
    bound: Mapping[str, float]
    peak: Amount
    usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A region and one that may serve its demand: what a vCPU costs there, what comes with it alone, and the way."""

    source: Source
    host: str
    usd: float
    brought_usd: float
    route: Route


class Rules:
    """What may move where, of one question."""

    def __init__(self, question: Question, market: Market, sites: Iterable[Site]) -> None:
        self._question, self._market = question, market
        self.sites, self._still = {site.region: site for site in sites}, still(question)
        self._routes, self._residency = routes_of(question, market), Residency.of(question)
        earlier = question.earlier.preference.moves if question.earlier and question.earlier.preference else ()
        self._elsewhere = {(move.region, move.host) for move in earlier}  # goes home only where that saves enough
        self._holders: dict[str, dict[str, frozenset[str]]] = {}
        for place, who in holders_with_limits(question):
            allowed = frozenset(question.environment.rules.allowed_regions[who])
            self._holders.setdefault(place, {})[who] = allowed | {place}

    def sources(self) -> tuple[Source, ...]:
        """Regions of which something may be served elsewhere, by name."""
        found = (self._source(region) for region in sorted(self.sites))
        return tuple(source for source in found if source is not None)

    def _source(self, region: str) -> Source | None:
        settings = self._question.environment.placement_of(region)
        peak = {kind: self._peak(region, kind) for kind in MOVABLE}
        amount = Amount(vcpu=peak[CapacityKind.VCPU], memory_gib=peak[CapacityKind.MEMORY_GIB])
        if settings.movable <= 0 or not amount.vcpu:
            return None
        bound = bound_shares(self._question, region)
        free = settings.movable * max(0.0, 1 - sum(bound.values()))
        return Source(
            region=region,
            settings=settings,
            steps=max(0, steps_of(free) - steps_of(leaving(self._question.moved, region))),
            movable=rounded(free),
            bound=bound,
            peak=amount,
            usd=rounded(usd) if (usd := self._compute_usd(region, amount)) < float("inf") else None,
        )

    def _peak(self, region: str, kind: CapacityKind) -> float:
        curves = region_curves(self._question, region, kind)
        return float(curves.total_at(level_of(self._question, self._market, region, kind)).max()) if curves else 0.0

    def _compute_usd(self, region: str, like: Amount) -> float:
        """USD per hour of a vCPU with the memory that goes with it; infinite where nothing is sold."""
        offers = self._market.offered_shapes(region)
        if not offers:
            return float("inf")
        of_vcpu, of_memory = covering_duals(offers, like)
        return of_vcpu + of_memory * like.memory_gib / like.vcpu

    def judged(self, source: Source) -> tuple[tuple[Pair, ...], tuple[RefusedHost, ...]]:
        """Regions that may serve a region's demand, and those that may not, and why."""
        pairs, refused = [], []
        for settings in sorted(self._question.environment.regions, key=lambda item: item.name):
            if settings.name == source.region:
                continue
            found = self._judge(source, settings.name)
            if isinstance(found, Pair):
                pairs.append(found)
            else:
                refused.append(found)
        return tuple(pairs), tuple(refused)

    def _judge(self, source: Source, host: str) -> Pair | RefusedHost:
        route = self._routes.between(source.region, host)
        brought = self._brought_usd(source, route, host)
        usd = self._compute_usd(host, source.peak) * self._adds(source, host) + brought
        told = rounded(usd) if usd < float("inf") else None
        limit, away = source.settings.max_latency_ms, route.latency_ms if route else None
        refused = RefusedHost(region=host, why=HostRefusal.LATENCY, usd_per_vcpu_hour=told)
        if not self._residency.may_carry(source.region, host):
            return refused.model_copy(update={"why": HostRefusal.RESIDENCY})
        if who := next((who for who, allowed in self._of(source.region) if host not in allowed), ""):
            return refused.model_copy(update={"why": HostRefusal.CUSTOMER, "who": who})
        if route is None or route.latency_ms > limit:
            return refused.model_copy(update={"value": away, "limit": limit, "unit": "ms"})
        if host not in self.sites or {source.region, host} & self._still:
            return refused.model_copy(update={"why": HostRefusal.LEFT_AS_IT_IS})
        here, there = (self._question.environment.critical_share_of(name) for name in (source.region, host))
        if there < here:
            update = {"why": HostRefusal.CARRIED_LESS, "value": there, "limit": here, "unit": "critical_share"}
            return refused.model_copy(update=update)
        if told is None or (there > 0 and not self.sites[host].partners):
            return refused.model_copy(update={"why": HostRefusal.QUOTA})
        if source.usd is not None and told >= source.usd and (source.region, host) not in self._elsewhere:
            return refused.model_copy(update={"why": HostRefusal.DEARER})
        return Pair(source=source, host=host, usd=told, brought_usd=brought, route=route)

    def _adds(self, source: Source, host: str) -> float:
        """What all that may move adds to the worst hour of a host, as a share of its own worst hour."""
        level = level_of(self._question, self._market, host, CapacityKind.VCPU)
        comes = region_curves(self._question, source.region, CapacityKind.VCPU)
        own = served_curves(self._question, host, CapacityKind.VCPU)
        if comes is None or own is None:
            return 1.0
        here, there = own.total_at(level), comes.total_at(level) * max(STEP, source.movable)
        hours = min(len(here), len(there))
        return float((here[:hours] + there[:hours]).max() - here.max()) / float(there.max() or 1.0)

    def _of(self, region: str) -> Iterable[tuple[str, frozenset[str]]]:
        return sorted(self._holders.get(region, {}).items())

    def _brought_usd(self, source: Source, route: Route | None, host: str) -> float:
        """What comes with a vCPU of the worst hour costs at the prices of one unit more: circuits, GB, storage."""
        said = self._question.environment.placement
        links = {link_of(hop) for hop in route.hops} if route else set()
        usd = said.gbps_per_vcpu * sum(self._market.unit_price(link, CapacityKind.GBPS) or 0.0 for link in links)
        usd += said.storage_gib_per_vcpu * (self._market.unit_price(host, CapacityKind.STORAGE_GIB) or 0.0)
        back = self._routes.between(host, source.region)
        for hop in (*(route.hops if route else ()), *(back.hops if back else ())) if said.gbps_per_vcpu else ():
            price = egress_price(self._market, hop)
            gbps = expected_gbps(self._question, Move(source.region, host, 1.0)) / source.peak.vcpu
            usd += gbps * GB_PER_GBPS_HOUR * price[1] if price else 0.0
        return usd

    def kept(self, earlier: Iterable[Move], pairs: Iterable[Pair]) -> tuple[Move, ...]:
        """Of earlier moves those that still may be, each region's no more than may move in all."""
        allowed = {(pair.source.region, pair.host): pair.source.steps for pair in pairs}
        found: list[Move] = []
        for move in sorted(earlier):
            taken = sum(steps_of(other.share) for other in found if other.region == move.region)
            steps = min(steps_of(move.share), allowed.get((move.region, move.host), 0) - taken)
            if steps > 0:
                found.append(Move(move.region, move.host, share_of(steps)))
        return tuple(found)


def still(question: Question) -> frozenset[str]:
    """Regions from and to which nothing moves: left as they are, or carried by one that is not read.

    What stands by there does not follow, and nobody else may take it over, as what is there is not known.
    """
    unread, entries = question.unreadable(), question.live().values()
    leaning = (item.place for item in entries if isinstance(item.spec, FailoverSpec) and item.spec.partner in unread)
    return question.frozen_regions().union(leaning)


def steps_of(share: float) -> int:
    """Whole twentieths of a share."""
    return int(share / STEP + 1e-9)


def share_of(steps: int) -> float:
    """The share of so many twentieths, as documents write it."""
    return round(steps * STEP, 6)


def bound_shares(question: Question, region: str) -> Mapping[str, float]:
    """By customer whose use stays, the share of a region's demand that they announced.

    Announced use is a mean, so that it is held against the mean of what is forecast, of the kind of which it is more.
    """
    begins, ends = question.forecast.origin, question.expiry()
    used: dict[tuple[str, CapacityKind], float] = {}
    for one in question.bound:
        if one.region == region and one.start < ends and (one.end is None or one.end > begins):
            used[one.customer, one.kind] = used.get((one.customer, one.kind), 0.0) + one.value
    found: dict[str, float] = {}
    for (customer, kind), value in sorted(used.items()):
        curves = region_curves(question, region, kind) if kind in MOVABLE else None
        mean = float(curves.total_at(0.5).mean()) if curves else 0.0
        if curves and value > 0:
            found[customer] = max(found.get(customer, 0.0), rounded(min(1.0, value / mean) if mean > 0 else 1.0))
    return found
