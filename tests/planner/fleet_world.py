"""Fleet problems of our own making: seeded, synthetic, from a few regions to hundreds, and odd ones on purpose.

Catalog: four families of machines (balanced, lean, roomy, networked) in doubling sizes and accelerated ones. Prices
follow what is in a machine, with noise, so that no type is best everywhere. Demand has a day's rhythm by longitude.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tests.planner.fleet_arrays import VCPU, Fleet, Floats, Ints

#: GiB of memory and Gbps of network to a vCPU.
FAMILIES = ((4.0, 0.10), (2.0, 0.12), (8.0, 0.08), (4.0, 0.50))
ACCELERATORS, GIB = 2, 1
COMMITTED = 0.62


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to make. `level` is the regions' median demand in vCPU; `choices` the partners offered to each region.

    `accelerated` is the part of regions that wants accelerators; `reserved_gbps` the median of pairs that reserve.
    """

    regions: int = 4
    types: int = 6
    hours: int = 3
    seed: int = 0
    level: float = 60.0
    choices: int = 4
    accelerated: float = 0.35
    reserved_gbps: float = 2.0


def fleet(recipe: Recipe) -> Fleet:
    """A problem that can be met: stock is short for some types, never for all of a resource."""
    random = np.random.default_rng(recipe.seed)
    size, price, loss = catalog(recipe.types, random)
    place = np.stack([random.uniform(-170, 170, recipe.regions), random.uniform(-50, 60, recipe.regions)], axis=1)
    apart: Floats = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    domain = _domains(recipe.regions, random)
    partners = _partners(apart, domain, recipe.choices)
    pairs, reserved = _pairs(partners, recipe, random)
    demand = _demand(recipe, place[:, 0], random)
    listed = price * random.uniform(0.9, 1.4, (recipe.regions, 1)) * random.uniform(0.97, 1.03, (recipe.regions, 1))
    on_demand = listed * random.uniform(0.96, 1.04, (recipe.regions, recipe.types))
    far = 1 + apart[pairs[:, 0], pairs[:, 1]] / 80
    return Fleet(
        size=size,
        on_demand_usd=on_demand,
        spot_usd=on_demand * random.uniform(0.25, 0.8, on_demand.shape),
        committed_usd=on_demand * COMMITTED,
        loss=loss,
        demand=demand,
        critical=demand * random.uniform(0.3, 0.65, (recipe.regions, 1, 1)),
        stock=_stock(size, recipe.regions, random),
        partners=partners,
        pairs=pairs,
        reserved_gbps=reserved,
        replication_gbps=demand[:, VCPU].mean(axis=1) * random.uniform(0.005, 0.02, recipe.regions),
        domain=domain,
        tier_gbps=np.array([1.0, 10.0, 100.0]),
        tier_usd=np.array([0.5, 2.6, 14.0]) * far[:, None],
        spot_share=0.5,
    )


def catalog(types: int, random: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Sizes [T, K], USD per hour [T] and loss of spot [T]; the last sixth, at least one, has accelerators."""
    plain = types - max(1, types // 6)
    size = np.zeros((types, 4))
    for row in range(types):
        gib, gbps = FAMILIES[row % len(FAMILIES)]
        vcpu = 2.0 ** int(random.integers(2, 6 if types < 20 else 8))
        size[row] = vcpu, vcpu * gib, 0.0, max(0.5, vcpu * gbps * random.uniform(0.7, 1.5))
        if row >= plain:
            size[row, ACCELERATORS] = 2.0 ** int(random.integers(0, 4))
    price = size @ np.array([0.03, 0.003, 0.9, 0.015]) * random.uniform(0.85, 1.25, types)
    return size, price, random.choice([0.03, 0.07, 0.12, 0.17, 0.25], types)


def _domains(regions: int, random: np.random.Generator) -> Ints:
    """A fault domain for each region; among the first three regions all differ, so that everyone has two partners."""
    domain = random.integers(0, max(3, regions // 2), regions)
    domain[: min(3, regions)] = np.arange(min(3, regions))
    return domain.astype(np.int64)


def _partners(apart: Floats, domain: Ints, choices: int) -> Ints:
    found: set[tuple[int, int]] = set()
    for region in range(len(domain)):
        near = [int(other) for other in np.argsort(apart[region]) if domain[other] != domain[region]]
        found |= {(min(region, other), max(region, other)) for other in near[:choices]}
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def _pairs(partners: Ints, recipe: Recipe, random: np.random.Generator) -> tuple[Ints, Floats]:
    """Pairs for circuits, all possible partners among them, and their Gbps: a third reserve nothing."""
    wanted = {(int(a), int(b)) for a, b in partners}
    for _ in range(2 * recipe.regions):
        a, b = sorted(int(end) for end in random.choice(recipe.regions, 2, replace=False))
        wanted.add((a, b))
    pairs = np.array(sorted(wanted), dtype=np.int64)
    reserved = recipe.reserved_gbps * np.exp(random.normal(0, 1.2, len(pairs)))
    reserved[random.random(len(pairs)) < 1 / 3] = 0.0
    return pairs, reserved


def _demand(recipe: Recipe, longitude: Floats, random: np.random.Generator) -> Floats:
    shape = (recipe.regions, 4, recipe.hours)
    clock = np.arange(recipe.hours) * 24 / recipe.hours + longitude[:, None] / 15
    day = np.clip(1 + 0.5 * np.sin(2 * np.pi * (clock - 9) / 24), 0.25, None)
    mix = np.ones((recipe.regions, 4))
    mix[:, GIB] = np.exp(random.normal(np.log(4), 0.35, recipe.regions))
    wants = random.random(recipe.regions) < recipe.accelerated
    mix[:, ACCELERATORS] = np.where(wants, random.uniform(0.01, 0.06, recipe.regions), 0.0)
    mix[:, 3] = np.exp(random.normal(np.log(0.11), 0.4, recipe.regions))
    level = recipe.level * np.exp(random.normal(0, 0.7, recipe.regions))
    found: Floats = level[:, None, None] * mix[:, :, None] * day[:, None, :] * random.uniform(0.9, 1.1, shape)
    return found


def _stock(size: Floats, regions: int, random: np.random.Generator) -> Floats:
    """A fifth of the offers is short; of plain and of accelerated types the first is always to be had."""
    stock = np.full((regions, len(size)), np.inf)
    short = random.random(stock.shape) < 0.2
    short[:, 0] = False
    short[:, int(np.argmax(size[:, ACCELERATORS] > 0))] = False
    stock[short] = random.integers(0, 6, int(short.sum()))
    return stock


def scaled(problem: Fleet, factor: float) -> Fleet:
    """The same world with more or less to carry; stock stays what it is."""
    return replace(
        problem,
        demand=problem.demand * factor,
        critical=problem.critical * factor,
        replication_gbps=problem.replication_gbps * factor,
    )


def without_accelerators(problem: Fleet) -> Fleet:
    """No region wants accelerators."""
    return replace(
        problem, demand=_without(problem.demand, ACCELERATORS), critical=_without(problem.critical, ACCELERATORS)
    )


def without_demand(problem: Fleet) -> Fleet:
    """Nobody wants anything but circuits."""
    return scaled(problem, 0.0)


def without_bandwidth(problem: Fleet) -> Fleet:
    """No pair reserves anything; replication alone needs circuits."""
    return replace(problem, reserved_gbps=np.zeros_like(problem.reserved_gbps))


def without_spot(problem: Fleet) -> Fleet:
    """Spot is not allowed at all."""
    return replace(problem, spot_share=0.0)


def with_sure_spot(problem: Fleet) -> Fleet:
    """Spot that is never taken away."""
    return replace(problem, loss=np.zeros_like(problem.loss))


def nearly_sold_out(problem: Fleet) -> Fleet:
    """No stock of any type but one plain and one accelerated one."""
    stock = np.zeros_like(problem.stock)
    stock[:, [0, int(np.argmax(problem.size[:, ACCELERATORS] > 0))]] = np.inf
    return replace(problem, stock=stock)


def with_gaps_in_the_offer(problem: Fleet) -> Fleet:
    """Every second type is not offered as spot, every third not for commitment: their prices are infinite."""
    kind = np.arange(problem.types)
    return replace(
        problem,
        spot_usd=np.where(kind % 2 == 0, np.inf, problem.spot_usd),
        committed_usd=np.where(kind % 3 == 0, np.inf, problem.committed_usd),
    )


def with_quotas(problem: Fleet, room: float = 1.2) -> Fleet:
    """Every second region may have little more vCPU than its own demand takes by the type that takes least."""
    quota = np.full(problem.demand.shape[:2], np.inf)
    for region in range(0, problem.regions, 2):
        peak, unlimited = problem.demand[region].max(1), np.isinf(problem.stock[region])
        with np.errstate(divide="ignore", invalid="ignore"):
            count = np.ceil(np.where(peak > 0, peak / problem.size, 0.0).max(1))
        quota[region, VCPU] = np.ceil(room * (count * problem.size[:, VCPU])[unlimited].min())
    return replace(problem, quota=quota)


def with_link_quotas(problem: Fleet, room: float = 1.0) -> Fleet:
    """Circuits of every third pair may come to little more than what is reserved there."""
    quota = np.full(len(problem.pairs), np.inf)
    quota[::3] = np.ceil(problem.reserved_gbps[::3] + room)
    return replace(problem, link_quota=quota)


def one_way(problem: Fleet) -> Fleet:
    """Of every fourth pair of partners, the second may carry for the first and not the other way round."""
    carries = np.ones(problem.partners.shape)
    carries[::4, 1] = 0.0
    return replace(problem, carries=carries)


def sold_out(problem: Fleet, region: int = 0) -> Fleet:
    """One region has no stock of anything: its demand cannot be met."""
    stock = problem.stock.copy()
    stock[region] = 0.0
    return replace(problem, stock=stock)


def with_one_partner(problem: Fleet, region: int = 0) -> Fleet:
    """One region keeps a single possible partner: half of its load at most is covered, so no plan exists."""
    touching = np.flatnonzero((problem.partners == region).any(axis=1))
    return replace(problem, partners=np.delete(problem.partners, touching[1:], axis=0))


def with_twins(problem: Fleet) -> Fleet:
    """Every type listed twice, the second time with the same price, size and stock."""

    def twice(array: Floats) -> Floats:
        return np.concatenate([array, array], axis=-1)

    return replace(
        problem,
        size=np.concatenate([problem.size, problem.size]),
        loss=twice(problem.loss),
        on_demand_usd=twice(problem.on_demand_usd),
        spot_usd=twice(problem.spot_usd),
        committed_usd=twice(problem.committed_usd),
        stock=twice(problem.stock),
    )


def _without(wanted: Floats, resource: int) -> Floats:
    found = wanted.copy()
    found[:, resource] = 0.0
    return found


ODD: tuple[Callable[[Fleet], Fleet], ...] = (
    without_accelerators,
    without_demand,
    without_bandwidth,
    without_spot,
    with_sure_spot,
    nearly_sold_out,
    with_twins,
    with_gaps_in_the_offer,
)
"""Worlds in which something is missing, free or nearly gone."""
