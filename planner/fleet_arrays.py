"""Arrays for `planner.fleet` out of documents: demand by hour, prices, stock, who may back whom up, circuits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.capacity import CapacityKind, CapacitySnapshot, Shape, Stock, loss_share
from contracts.failover import Survive
from contracts.plan import Requirement
from contracts.resources import HOURS_A_DAY, Purchase
from contracts.rows import Rows
from planner.curves import region_curves
from planner.errors import FleetImpossible, InputsDisagree
from planner.fleet import FleetProblem
from planner.fleet.problem import MOST_SHARE, NOT_OFFERED, Floats, Ints
from planner.market import Market
from planner.question import Question
from planner.residency import Residency

KINDS = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.ACCELERATORS, CapacityKind.GBPS)
"""What an instance gives, in the order of the arrays' resources."""

UNLIMITED_GBPS = 1000.0
"""Network of a shape of which nothing is known: it limits nothing."""

Needs = Mapping[tuple[str, CapacityKind], Requirement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What the rows and columns of a fleet's arrays stand for: regions and shapes by name, links by name."""

    regions: tuple[str, ...]
    shapes: tuple[Shape, ...]
    links: tuple[str, ...]

    @classmethod
    def of(cls, question: Question, market: Market) -> "Axes":
        """Regions that are not frozen, all shapes of the catalog, and links between two of the regions."""
        names = {region.name for region in question.environment.regions} - question.frozen_regions()
        links = (name for name, link in sorted(market.links.items()) if link.a in names and link.b in names)
        return cls(regions=tuple(sorted(names)), shapes=tuple(market.shapes.values()), links=tuple(links))


def fleet_problem(question: Question, market: Market, needs: Iterable[Requirement], axes: Axes) -> FleetProblem:
    """What must be met as arrays.

    Raises:
        FleetImpossible: traffic takes a link that no circuit is sold for, or residency leaves too few partners.
        InputsDisagree: circuit tiers that do not divide one another.
    """
    environment, known = question.environment, by_place(needs)
    regions, shapes, links = axes.regions, axes.shapes, axes.links
    place = {name: at for at, name in enumerate(regions)}
    ends = np.array([sorted((place[market.links[name].a], place[market.links[name].b])) for name in links])
    ends = ends.reshape(-1, 2).astype(np.int64)
    tier_usd = _priced(market, links, list(market.tiers), Purchase.ON_DEMAND)
    replication = np.array([environment.replication_gbps_of(region) for region in regions])
    sold = (tier_usd < NOT_OFFERED).any(1) | (replication[ends] <= 0).all(1)
    may = sold & _may_partner(question, market, axes, ends)
    carries = Residency.of(question).carries(regions, ends, may)
    near = np.flatnonzero(carries.any(1))
    demand = np.stack([_demand(question, known, region) for region in regions])
    critical = np.array([environment.critical_share_of(region) for region in regions])
    problem = FleetProblem(
        gives=np.array([_gives(shape) for shape in shapes], dtype=np.float64),
        on_demand_usd=_prices(question, market, axes, Purchase.ON_DEMAND),
        spot_usd=_prices(question, market, axes, Purchase.SPOT),
        committed_usd=_prices(question, market, axes, Purchase.COMMITTED),
        loss=_losses(market, shapes),
        demand=demand,
        critical=demand * critical[:, None, None],
        stock=_stock(question.capacity, axes),
        pairs=ends[near],
        pair_links=near,
        gbps=np.array([_quantity(known, link, CapacityKind.GBPS) for link in links]),
        replication_gbps=replication,
        tier_gbps=_tiers(market),
        tier_usd=tier_usd,
        spot_share=np.array([environment.purchases_of(region).spot_share for region in regions]),
        names=np.array(regions, dtype=np.str_),
        domain=_domains(question, market, regions),
        carries=carries[near] if not carries[near].all() else np.zeros((0, 2), dtype=np.bool_),
        partners=_partners(question, regions),
    )
    _check_links(links, problem)
    return problem


def by_place(needs: Iterable[Requirement]) -> Needs:
    """Requirements by place and kind."""
    return {(need.place, need.kind): need for need in needs}


def _demand(question: Question, needs: Needs, region: str) -> Floats:
    """(K, 24) by hour of the day in UTC: each hour's largest over the plan's validity, scaled up to what is required.

    A region that is not scaled by schedule has its peak at all hours, and none has less than its minimum at any.
    """
    found = np.zeros((len(KINDS), HOURS_A_DAY))
    hourly = question.environment.purchases_of(region).hourly
    start = question.forecast.origin.hour
    for at, kind in enumerate(KINDS):
        need = needs.get((region, kind))
        if need is None or need.quantity <= 0:
            continue
        varies = hourly and "minimum" not in need.parts  # that is what holds at all hours
        curves = region_curves(question, region, kind) if varies and need.forecast else None
        if curves is None or need.forecast is None:
            found[at] = need.quantity
            continue
        steps = curves.total_at(need.forecast.level)
        np.maximum.at(found[at], (start + np.arange(len(steps))) % HOURS_A_DAY, steps)
        peak = float(found[at].max())
        if 0 < need.quantity < peak:  # people's maximum cuts what is above it, and nothing of the hours below
            found[at] = np.minimum(found[at], need.quantity)
        else:
            found[at] = found[at] * (need.quantity / peak) if peak > 0 else need.quantity
        settings = question.environment.region(region)
        least = settings.minimum.get(kind, 0.0) if settings else 0.0
        found[at] = np.maximum(found[at], min(least, need.quantity))
    return found


def _gives(shape: Shape) -> tuple[float, ...]:
    return (shape.vcpu, shape.memory_gib, shape.accelerators, shape.network_gbps or UNLIMITED_GBPS)


def _prices(question: Question, market: Market, axes: Axes, purchase: Purchase) -> Floats:
    """(R, T) USD per hour of one, where a plan may buy it so."""
    found = _priced(market, axes.regions, [shape.name for shape in axes.shapes], purchase)
    for at, region in enumerate(axes.regions):
        allowed = question.environment.purchases_of(region).allowed
        bought = purchase is not Purchase.COMMITTED or question.environment.buys_commitments(region)
        if purchase not in allowed or not bought:
            found[at] = NOT_OFFERED
    return found


def _priced(market: Market, places: Sequence[str], items: Sequence[str], purchase: Purchase) -> Floats:
    """(places, items) USD per hour of one."""
    return np.nan_to_num(market.prices.table(places, items, purchase), copy=False, posinf=NOT_OFFERED)


def _losses(market: Market, shapes: tuple[Shape, ...]) -> Floats:
    """(T,) the largest share of spot that may be lost of a type, wherever it is offered."""
    offers = market.prices.offers
    found = np.zeros(len(shapes))
    kind = offers.texts("item").places([shape.name for shape in shapes])
    bands = offers.texts("interruption")
    lost = np.array([loss_share(Purchase.SPOT, band) for band in bands.words])[bands.codes]
    spot = (offers.texts("purchase").places([Purchase.SPOT]) >= 0) & (kind >= 0)
    np.maximum.at(found, kind[spot], lost[spot])
    return found


def _stock(capacity: CapacitySnapshot, axes: Axes) -> Floats:
    """(R, T) instances; infinite where nothing limits them."""
    stock = Rows.of(Stock, capacity.stock)
    found = np.full((len(axes.regions), len(axes.shapes)), np.inf)
    row, kind = stock.texts("place").places(axes.regions), stock.texts("item").places([one.name for one in axes.shapes])
    known = (row >= 0) & (kind >= 0)
    found[row[known], kind[known]] = stock.numbers("count")[known]
    return found


def _may_partner(question: Question, market: Market, axes: Axes, ends: Ints) -> NDArray[np.bool_]:
    """(N,) whether the ends of a link lie in different fault domains, and near enough."""
    domains = np.array([market.regions[region].fault_domain for region in axes.regions])
    latency = np.array([market.links[name].latency_ms for name in axes.links])
    near = latency <= question.environment.failover.max_latency_ms
    return np.asarray(near & (domains[ends[:, 0]] != domains[ends[:, 1]]))


def _partners(question: Question, regions: tuple[str, ...]) -> Ints:
    """(R,) how many partners each region may have; nothing where that is not limited."""
    most = question.environment.failover.shared_partners
    if most is not None and most * MOST_SHARE < 1 and any(map(question.environment.critical_share_of, regions)):
        raise InputsDisagree(
            f"failover.max_partners is {most}, and where the reserve is shared no partner carries more than half",
            where="failover.max_partners",
            expected="2 or more, or nothing, where failover.reserve is shared",
            next_step="raise it, leave it out, or set failover.reserve to dedicated",
        )
    return np.full(len(regions), most, dtype=np.int64) if most is not None else np.zeros(0, dtype=np.int64)


def _domains(question: Question, market: Market, regions: tuple[str, ...]) -> Ints:
    """(R,) fault domains by number, where all of one may be lost at once; else nothing."""
    if question.environment.failover.survive is Survive.REGION:
        return np.zeros(0, dtype=np.int64)
    names = np.array([market.regions[region].fault_domain for region in regions])
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _check_links(links: tuple[str, ...], problem: FleetProblem) -> None:
    """Raises FleetImpossible where traffic takes a link that no circuit is sold for."""
    unsold = (problem.tier_usd >= NOT_OFFERED).all(1) & (problem.gbps > 0)
    if unsold.any():
        names = [links[at] for at in np.flatnonzero(unsold)]
        raise FleetImpossible(
            f"traffic takes {len(names)} links that no circuit is sold for: {', '.join(names[:5])}",
            where=names[0],
            expected="a price of one circuit tier at least",
            next_step="add a price for it, or take the link out",
        )


def _tiers(market: Market) -> Floats:
    gbps = np.array([tier.gbps for tier in market.tiers.values()], dtype=np.float64)
    if len(gbps) == 0 or (np.diff(gbps) <= 0).any() or (gbps[1:] % gbps[:-1]).any():
        raise InputsDisagree(
            f"circuit tiers of {gbps.tolist()} Gbps do not divide one another",
            where="catalog",
            expected="tiers such as 1, 10 and 100 Gbps where failover.reserve is shared",
            next_step="leave out the odd tier, or set failover.reserve to dedicated",
        )
    return gbps


def _quantity(needs: Needs, place: str, kind: CapacityKind) -> float:
    found = needs.get((place, kind))
    return found.quantity if found else 0.0
