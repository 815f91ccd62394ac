"""What one region buys when no solver chooses: whichever covers most of what is missing for its price, and no more.

What is needed most of the time is committed, up to the level that the prices say (the newsvendor rule: Arrow, Harris
and Marschak 1951); the rest is bought hour by hour (Dobson 1982) on demand and as spot. Then it is improved: what no
hour needs goes, cheaper instances take the place of dearer ones, and what is there at all hours is committed.
"""

from dataclasses import dataclass, replace

import numpy as np

from planner.fleet.problem import NOT_OFFERED, FleetProblem, Floats, Ints

TOLERANCE = 1e-7
"""Share of what is needed that may be missing: below the tolerance of whoever checks (1e-6)."""

STEPS = 600
"""Kinds of instance that are added one after the other at most: far more than are ever needed."""

SCARCE = (0.5, 2.0, 8.0, 1000.0)
"""Weights of the share of a quota that an instance takes, beside the share of the cost, that are tried in turn."""

EXCHANGES = 6
"""Rounds in which each hour may put one cheaper instance in the place of a dearer one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bought:
    """Whole instances of one region, and their USD over the horizon: committed (T,), on demand and spot (T, H)."""

    committed: Ints
    on_demand: Ints
    spot: Ints
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shop:
    """What a region sells, n types on demand and then the same as spot, and how much there is of it.

    Attributes:
        gives: (2n, 2K) what one adds to what is served, then to what is firm.
        whole: (2n, K) what one takes of the quotas.
        usd: (2n,) per hour, infinite where it is not sold; committed_usd: (n,).
        rank: (2n,) what is looked at in place of the price when something is chosen.
        stock: (n,); quota: (K,); spot_room: (H,) vCPU.
        weights: (2K,) what a unit is worth: USD per hour of the cheapest by itself.
    """

    gives: Floats
    whole: Floats
    usd: Floats
    committed_usd: Floats
    rank: Floats
    stock: Floats
    quota: Floats
    spot_room: Floats
    weights: Floats

    @property
    def types(self) -> int:
        return len(self.stock)


def buy(problem: FleetProblem, region: int, types: Ints, held: Floats, *, at_any_cost: bool = False) -> Bought | None:
    """What one region buys to meet its demand and hold `held` (K, H) firm; nothing where none was found.

    Looks at `types` by price first, then at all by price, then more and more at how much of the quotas they take.
    What is found is improved, but `at_any_cost`: then it is only looked for.
    """
    every = np.arange(len(problem.gives))
    need = np.concatenate([problem.demand[region], held]).T
    limited = np.isfinite(problem.quotas[region]).any()
    for own, scarce in ((types, 0.0), (every, 0.0), *((every, weight) for weight in SCARCE if limited)):
        shop = _shop(problem, region, own)
        ranked = replace(shop, rank=_rank(shop, need, scarce))
        baskets = []
        for part in (1.0 - float(problem.spot_share[region]), 0.0):
            counts = _filled(ranked, need, part)
            if counts is not None and not at_any_cost:
                _improve(ranked, *counts, need)
            if counts is not None:
                baskets.append(bought(problem, (region, own), *counts))
            if baskets and at_any_cost:
                break
        if baskets:
            return min(baskets, key=lambda basket: basket.usd)
    return None


def _filled(shop: _Shop, need: Floats, part: float) -> tuple[Floats, Floats] | None:
    """Committed (n,) and by hour (H, 2n) that meet `need` (H, 2K); nothing where none was found.

    Args:
        shop: what there is.
        need: by hour, what is served and what is firm.
        part: of what is served, so much may be committed; of what is firm, all.
    """
    half = need.shape[1] // 2
    committed = _committed(shop, need * np.repeat([part, 1.0], half))
    hours = np.zeros((len(need), 2 * shop.types))
    if not _fill_hours(shop, committed, hours, need):
        committed = np.zeros(shop.types)  # what is committed took what an hour would have needed
        hours = np.zeros_like(hours)
        if not _fill_hours(shop, committed, hours, need):
            return None
    return committed, hours


def _improve(shop: _Shop, committed: Floats, hours: Floats, need: Floats) -> None:
    """What no hour needs goes, cheaper takes the place of dearer, and what is there at all hours is committed."""
    _take_spare(shop, committed, hours, need)
    _exchange(shop, committed, hours, need)
    _take_spare(shop, committed, hours, need)
    _commit_steady(shop, committed, hours, need)


def _committed(shop: _Shop, need: Floats) -> Floats:
    """(n,) what covers the level of need above which renting by the hour is cheaper than holding."""
    pays = shop.committed_usd < shop.usd[: shop.types]
    if not pays.any():
        return np.zeros(shop.types)
    ratio = float((shop.committed_usd[pays] / np.maximum(shop.usd[: shop.types][pays], 1e-12)).min())
    level = np.quantile(need, 1 - min(1.0, max(0.0, ratio)), axis=0, method="lower")[None]
    rank = np.concatenate([np.where(pays, shop.committed_usd, np.inf), np.full(shop.types, np.inf)])
    counts = np.zeros((1, 2 * shop.types))
    _fill_hours(replace(shop, rank=rank, spot_room=np.zeros(1)), np.zeros(shop.types), counts, level)
    return counts[0, : shop.types]


def _fill_hours(shop: _Shop, committed: Floats, counts: Floats, need: Floats) -> bool:
    """Adds instances to the hours' counts until each need is met; whether all could be."""
    base = committed @ shop.gives[: shop.types]
    for _ in range(STEPS):
        missing = np.maximum(need - TOLERANCE * np.maximum(need, 1.0) - base - counts @ shop.gives, 0.0)
        open_hours = np.flatnonzero((missing > 0).any(1))
        if not len(open_hours):
            return True
        gap, left = missing[open_hours], _left(shop, committed, counts)[open_hours]
        gain = (np.minimum(shop.gives, gap[:, None]) * shop.weights).sum(2)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where((gain > 0) & (left >= 1), shop.rank / gain, np.inf)
            pick = np.argmin(ratio, axis=1)
            given, rows = shop.gives[pick], np.arange(len(pick))
            fits = np.where((gap > 0) & (given > 0), np.floor(gap / given), np.inf).min(1)
        if np.isinf(ratio[rows, pick]).any():
            return False
        counts[open_hours, pick] += np.clip(fits, 1, left[rows, pick])
    return False


def _left(shop: _Shop, committed: Floats, counts: Floats) -> Floats:
    """(H, 2n) how many more of each may be had, one kind alone."""
    used = counts[:, : shop.types] + counts[:, shop.types :] + committed
    left = np.tile(shop.stock - used, 2)
    limited = np.flatnonzero(np.isfinite(shop.quota))
    room = shop.quota[limited] * (1 + TOLERANCE) - used @ shop.whole[: shop.types, limited]
    vcpu = counts[:, shop.types :] @ shop.whole[shop.types :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        for at, kind in enumerate(limited):
            takes = shop.whole[:, kind]
            left = np.minimum(left, np.where(takes > 0, room[:, at, None] / takes, np.inf))
        spot = np.where(shop.whole[:, 0] > 0, (shop.spot_room - vcpu)[:, None] / shop.whole[:, 0], np.inf)
    left[:, shop.types :] = np.minimum(left, spot)[:, shop.types :]
    return np.asarray(np.floor(left + 1e-9))


def _take_spare(shop: _Shop, committed: Floats, counts: Floats, need: Floats) -> None:
    """Takes away what no hour needs, the dearest first; then what is committed and never needed."""
    slack = TOLERANCE * np.maximum(need, 1.0)
    spare = committed @ shop.gives[: shop.types] + counts @ shop.gives - need + slack
    for at in np.argsort(-np.where(np.isfinite(shop.usd), shop.usd, 0.0), kind="stable"):
        gone = np.minimum(counts[:, at], _times(spare, shop.gives[at]))
        counts[:, at] -= gone
        spare -= gone[:, None] * shop.gives[at]
    for at in np.argsort(-np.where(np.isfinite(shop.committed_usd), shop.committed_usd, 0.0), kind="stable"):
        unneeded = min(committed[at], _times(spare, shop.gives[at]).min())
        committed[at] -= unneeded
        spare -= unneeded * shop.gives[at]


def _times(spare: Floats, gives: Floats) -> Floats:
    """(H,) how often an instance may go without what is left falling short."""
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(gives > 0, np.floor(spare / gives), np.inf).min(1)
    return np.asarray(np.maximum(times, 0.0))


def _exchange(shop: _Shop, committed: Floats, counts: Floats, need: Floats) -> None:
    """Puts a cheaper instance in the place of one where that does as well: what saves most, by hour, a few times."""
    with np.errstate(invalid="ignore"):
        saves = shop.usd[:, None] - shop.usd  # of what is sold: (from, to)
    change = shop.gives - shop.gives[:, None]  # (from, to, 2K)
    slack = TOLERANCE * np.maximum(need, 1.0)
    worth_it = np.argwhere(saves > 1e-12)
    for _ in range(EXCHANGES):
        spare = committed @ shop.gives[: shop.types] + counts @ shop.gives - need + slack
        moved = False
        for hour in range(len(counts)):
            pairs = worth_it[counts[hour, worth_it[:, 0]] > 0]
            pairs = pairs[(change[pairs[:, 0], pairs[:, 1]] + spare[hour] >= 0).all(1)]
            for gone, come in pairs[np.argsort(-saves[pairs[:, 0], pairs[:, 1]], kind="stable")].tolist():
                counts[hour, gone] -= 1
                if _left(replace(shop, spot_room=shop.spot_room[[hour]]), committed, counts[[hour]])[0, come] >= 1:
                    counts[hour, come] += 1
                    moved = True
                    break
                counts[hour, gone] += 1
        if not moved:
            return


def _commit_steady(shop: _Shop, committed: Floats, counts: Floats, need: Floats) -> None:
    """What is on demand at every hour is committed where that is cheaper; then what is never needed goes again."""
    steady = counts[:, : shop.types].min(0)
    moved = np.where(shop.committed_usd < shop.usd[: shop.types], steady, 0.0)
    committed += moved
    counts[:, : shop.types] -= moved
    _take_spare(shop, committed, counts, need)


def _shop(problem: FleetProblem, region: int, types: Ints) -> _Shop:
    gives, keeps = problem.gives[types], 1 - problem.loss[types, None]
    prices = (problem.on_demand_usd, problem.spot_cost, problem.committed_usd)
    on_demand, spot, committed = (
        np.where(usd[region, types] < NOT_OFFERED, usd[region, types], np.inf) for usd in prices
    )
    usd = np.concatenate([on_demand, spot])
    adds = np.concatenate([np.concatenate([gives, gives * keeps]), np.concatenate([gives, 0 * gives])], 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = np.where((adds > 0) & (usd > 0)[:, None], usd[:, None] / adds, np.inf).min(0)  # what is given aside
    return _Shop(
        gives=adds,
        whole=np.concatenate([gives, gives]),
        usd=usd,
        committed_usd=committed,
        rank=usd,
        stock=np.floor(problem.stock[region, types]),
        quota=problem.quotas[region],
        spot_room=problem.spot_share[region] * problem.demand[region, 0],
        weights=np.where(np.isfinite(alone), alone, 1.0),  # of what is given for nothing alone, any
    )


def _rank(shop: _Shop, need: Floats, scarce: float) -> Floats:
    """(2n,) what counts when something is chosen: the price, and `scarce` times the share of the quotas it takes."""
    if not scarce:
        return shop.usd
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(shop.gives > 0, need.max(0) / shop.gives, 0.0).max(1)
        takes = np.where(shop.quota > 0, shop.whole / shop.quota, 0.0).max(1)
    alone = np.where(np.isfinite(shop.usd), shop.usd * np.maximum(each, 1.0), np.inf).min()
    return np.asarray(shop.usd / max(float(alone), 1e-12) + scarce * takes)


def bought(problem: FleetProblem, at: tuple[int, Ints], committed: Floats, counts: Floats) -> Bought:
    """Counts of a region's types, (n,) and (H, 2n), among all types, and what they cost."""
    region, types = at
    held = np.zeros(len(problem.gives), dtype=np.int64)
    by_hour = np.zeros((2, len(problem.gives), problem.hours), dtype=np.int64)
    held[types] = np.round(committed).astype(np.int64)
    by_hour[0, types], by_hour[1, types] = (np.round(half).astype(np.int64).T for half in np.split(counts, 2, axis=1))
    usd = problem.hours * float((problem.committed_usd[region] * held).sum())
    usd += float((problem.on_demand_usd[region] * by_hour[0].sum(1)).sum())
    usd += float((problem.spot_cost[region] * by_hour[1].sum(1)).sum())
    return Bought(committed=held, on_demand=by_hour[0], spot=by_hour[1], usd=usd)
