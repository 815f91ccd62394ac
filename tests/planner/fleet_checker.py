"""Judges a fleet plan from outside: its cost again, every constraint of docs/planning-model.md, and the bound's place.

Shares no code with the planner. `lost` is a simulator that knows nothing of the model: it takes machines away and sees
whose load finds no room.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TypeAlias

import numpy as np

from tests.planner.fleet_arrays import RESOURCES, VCPU, Fleet, Floats, Ints, Solution, usd

#: A side may fall short by this part of what is wanted, and by this much where less than one is wanted.
TOLERANCE = 1e-6
SHARE_TOLERANCE = 1e-9
WHOLE_TOLERANCE = 1e-9
#: The simulator reports what is more than this part of a load: twice the tolerance, for capacity and for shares.
UNNOTICED = 2 * TOLERANCE

#: Says where the worst of a limit's places is.
Place: TypeAlias = Callable[[tuple[int, ...]], str]


class Limit(StrEnum):
    """What a plan can break."""

    SHAPE = "shape"
    WHOLE = "whole numbers"
    DEMAND = "demand"
    CRITICAL = "critical load"
    FAILOVER = "failover"
    SHARE = "share in range"
    COVERED = "covered"
    SPOT = "spot share"
    STOCK = "stock"
    QUOTA = "quota"
    CIRCUITS = "circuits"
    LINK_QUOTA = "quota of a link"
    BOUND = "bound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One limit that does not hold: in how many places, and the worst of them in words."""

    limit: Limit
    places: int
    worst: str

    def __str__(self) -> str:
        return f"{self.limit}: {self.places} places, worst: {self.worst}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Cost recomputed, and what is wrong. `gap` is the part of the cost above the stated bound."""

    usd: float
    violations: tuple[Violation, ...]
    gap: float | None

    def broken(self) -> set[Limit]:
        return {violation.limit for violation in self.violations}


def judge(fleet: Fleet, solution: Solution) -> Verdict:
    """Recomputes cost and constraints; finds everything that is wrong, not only the first."""
    odd = tuple(_shapes(fleet, solution))
    if odd:
        return Verdict(usd=float("nan"), violations=odd, gap=None)
    cost = usd(fleet, solution)
    checks = (_whole, _met, _critical, _failover, _range, _covered, _spot, _stock, _quota, _circuits, _links)
    found = [violation for check in checks for violation in check(fleet, solution)]
    gap = None
    if solution.bound is not None:
        gap = 1 - solution.bound / cost if cost else 0.0
        if not solution.bound <= cost * (1 + TOLERANCE) + TOLERANCE:
            said = f"USD {solution.bound:,.6g} is above the plan's own cost, USD {cost:,.6g}"
            found.append(Violation(limit=Limit.BOUND, places=1, worst=said))
    return Verdict(usd=cost, violations=tuple(found), gap=gap)


def _shapes(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    per_type = (fleet.regions, fleet.types)
    wanted = {
        "committed": per_type,
        "on_demand": (*per_type, fleet.hours),
        "spot": (*per_type, fleet.hours),
        "circuits": (len(fleet.pairs), len(fleet.tier_gbps)),
        "share": (len(fleet.partners), 2),
    }
    for name, shape in wanted.items():
        array: Floats = getattr(solution, name)
        if array.shape != shape or not np.isfinite(array).all():
            said = f"{name} is {array.shape}, finite: {bool(np.isfinite(array).all())}; wanted {shape}, finite"
            yield Violation(limit=Limit.SHAPE, places=1, worst=said)


def _whole(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    del fleet
    for name in ("committed", "on_demand", "spot", "circuits"):
        counts: Floats = getattr(solution, name)
        off = np.maximum(np.abs(counts - np.round(counts)), -counts)
        yield from _over(Limit.WHOLE, off, WHOLE_TOLERANCE, partial(_entry, name))


def _met(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    left = np.einsum("tk,t,rth->rkh", fleet.size, 1 - fleet.loss, solution.spot)
    have = solution.firm(fleet.size) + left
    yield from _short(Limit.DEMAND, have, fleet.demand, _cell)


def _critical(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    yield from _short(Limit.CRITICAL, solution.firm(fleet.size), fleet.critical, _cell)


def _failover(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    firm = solution.firm(fleet.size)
    for lost, helper in ((0, 1), (1, 0)):
        gone, there = fleet.partners[:, lost], fleet.partners[:, helper]
        wanted = fleet.critical[there] + solution.share[:, lost, None, None] * fleet.critical[gone]

        def place(at: tuple[int, ...], gone: Ints = gone, there: Ints = there) -> str:
            return f"region {there[at[0]]} carrying for {gone[at[0]]}, {RESOURCES[at[1]]}, hour {at[2]}"

        yield from _short(Limit.FAILOVER, firm[there], wanted, place)
    sent = _sent(fleet, solution)
    for loss in fleet.losses() if fleet.fall.size else ():
        wanted = fleet.critical.copy()
        for gone_now in loss:
            for helper_now, part in sent[gone_now].items():
                wanted[helper_now] += part * fleet.critical[gone_now]

        def where(at: tuple[int, ...], loss: list[int] = loss) -> str:
            return f"region {at[0]} carrying for all of {loss}, {RESOURCES[at[1]]}, hour {at[2]}"

        survivors = [region for region in range(fleet.regions) if region not in loss]
        yield from _short(Limit.FAILOVER, firm[survivors], wanted[survivors], where)


def _range(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    off = np.maximum(solution.share - fleet.most_share, -solution.share)

    def place(at: tuple[int, ...]) -> str:
        return f"pair {fleet.partners[at[0]].tolist()}, direction {at[1]}, share {solution.share[at]:.9g}"

    yield from _over(Limit.SHARE, off, SHARE_TOLERANCE, place)


def _covered(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    cover = np.zeros(fleet.regions)
    for (a, b), (by_b, by_a) in zip(fleet.partners, solution.share, strict=True):
        cover[a] += by_b
        cover[b] += by_a
    yield from _over(Limit.COVERED, np.abs(cover - 1), TOLERANCE, lambda at: f"region {at[0]}: {cover[at]:.9g} of 1")


def _spot(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    used = np.einsum("t,rth->rh", fleet.size[:, VCPU], solution.spot)
    most = fleet.spot_share * fleet.demand[:, VCPU]
    yield from _short(Limit.SPOT, most, used, lambda at: f"region {at[0]}, hour {at[1]}")


def _stock(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    used = solution.committed[:, :, None] + solution.on_demand + solution.spot
    most = np.where(np.isfinite(fleet.stock), fleet.stock, 1e18)[:, :, None] + np.zeros(fleet.hours)
    yield from _short(Limit.STOCK, most, used, lambda at: f"region {at[0]}, type {at[1]}, hour {at[2]}")


def _quota(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    machines = solution.committed[:, :, None] + solution.on_demand + solution.spot
    used = np.einsum("tk,rth->rkh", fleet.size, machines)
    most = np.where(np.isfinite(fleet.quotas), fleet.quotas, 1e18)[:, :, None] + np.zeros(fleet.hours)
    yield from _short(Limit.QUOTA, most, used, _cell)


def _circuits(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    have, wanted = solution.circuits @ fleet.tier_gbps, fleet.circuits_gbps(solution.share)
    yield from _short(Limit.CIRCUITS, have, wanted, lambda at: f"pair {fleet.pairs[at[0]].tolist()}, Gbps")


def _links(fleet: Fleet, solution: Solution) -> Iterator[Violation]:
    most = np.where(np.isfinite(fleet.link_quotas), fleet.link_quotas, 1e18)
    have = solution.circuits @ fleet.tier_gbps
    yield from _short(Limit.LINK_QUOTA, most, have, lambda at: f"pair {fleet.pairs[at[0]].tolist()}, Gbps")


def _entry(name: str, at: tuple[int, ...]) -> str:
    return f"{name} {list(at)}"


def _cell(at: tuple[int, ...]) -> str:
    return f"region {at[0]}, {RESOURCES[at[1]]}, hour {at[2]}"


def _short(limit: Limit, have: Floats, wanted: Floats, place: Place) -> Iterator[Violation]:
    room = TOLERANCE * np.maximum(1, np.abs(wanted))
    bad = wanted - have - room
    if bad.size and bad.max() > 0:
        at = _worst(bad)
        said = f"{place(at)}: {have[at]:.9g} against {wanted[at]:.9g}"
        yield Violation(limit=limit, places=int((bad > 0).sum()), worst=said)


def _over(limit: Limit, off: Floats, tolerance: float, place: Place) -> Iterator[Violation]:
    if off.size and off.max() > tolerance:
        at = _worst(off)
        yield Violation(limit=limit, places=int((off > tolerance).sum()), worst=f"{place(at)}, off by {off[at]:.3g}")


def _worst(array: Floats) -> tuple[int, ...]:
    return tuple(int(part) for part in np.unravel_index(int(np.argmax(array)), array.shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncarried:
    """Critical load of one region that nobody carries in one hour of a loss. `home` is whose load it was."""

    lost: tuple[int, ...]
    where: str
    resource: str
    hour: int
    amount: float


def lost(fleet: Fleet, solution: Solution, gone: Collection[int]) -> list[Uncarried]:
    """Takes regions away and lives through every hour without them.

    Each survivor's critical load stays at home; a lost region's goes to its partners in the agreed parts. Spot is not
    counted: it may go at the same moment. What finds no machine is reported, and so is what was sent to nobody or to
    a region that is lost too.
    """
    machines = solution.committed[:, :, None] + solution.on_demand
    sent = _sent(fleet, solution)
    found: list[Uncarried] = []
    survivors = [region for region in range(fleet.regions) if region not in gone]
    for hour in range(fleet.hours):
        load = fleet.critical[:, :, hour].copy()
        stranded = np.zeros(len(RESOURCES))
        for region in gone:
            parts = sent[region]
            for other in survivors:
                load[other] += parts.get(other, 0.0) * fleet.critical[region, :, hour]
            kept = sum(part for other, part in parts.items() if other not in gone)
            stranded += max(0.0, 1.0 - kept) * fleet.critical[region, :, hour]
        for region in survivors:
            room = machines[region, :, hour] @ fleet.size
            found += _beyond(tuple(gone), f"region {region}", hour, (load[region], room))
        found += _beyond(tuple(gone), "nobody", hour, (stranded, np.zeros(len(RESOURCES))))
    return found


def each_lost(fleet: Fleet, solution: Solution) -> list[Uncarried]:
    """What is not carried when each region in turn is lost, alone or with all that falls with it."""
    return [miss for loss in fleet.losses() for miss in lost(fleet, solution, loss)]


def _sent(fleet: Fleet, solution: Solution) -> list[dict[int, float]]:
    """For each region, which part of its load goes to whom when it is lost."""
    parts: list[dict[int, float]] = [{} for _ in range(fleet.regions)]
    for (a, b), (by_b, by_a) in zip(fleet.partners.tolist(), solution.share.tolist(), strict=True):
        parts[a][b] = parts[a].get(b, 0.0) + by_b
        parts[b][a] = parts[b].get(a, 0.0) + by_a
    return parts


def _beyond(gone: tuple[int, ...], where: str, hour: int, sides: tuple[Floats, Floats]) -> list[Uncarried]:
    load, room = sides
    over = load - room
    return [
        Uncarried(lost=gone, where=where, resource=RESOURCES[k], hour=hour, amount=float(over[k]))
        for k in np.flatnonzero(over > UNNOTICED * np.maximum(1, load))
    ]
