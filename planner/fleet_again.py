"""Fleets planned again: where little changed since the plan applied last, what is live is moved, and nothing is solved.

The plan applied last is one of the documents that a plan is a function of. In it lies how its fleet was solved
(`contracts.standing`): what each region was asked, and the prices that proved its bound. Those prove the next plan's,
too, as any prices do. Regions that are asked something else, that lack something, or that are not as they were planned
are looked at (`planner.fleet.again`). What waits above the ceiling is carried on, but where a region is asked something
else. A fleet is solved in full when something that must be the same is not, when more than `CHANGED` of what must be
paid changed, when the gap has grown by `MARGIN`, or after `MOST` plans in a row.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contracts.plan import Change, Plan
from contracts.resources import CircuitSpec, ComputeSpec, FailoverSpec, Purpose, Resource
from contracts.standing import Standing, StandingRegion
from planner.errors import FleetTooFar, SolverLied
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.again import brought_near, carriers, standing_whole
from planner.fleet.bound import Certificate, alone_usd, backed_usd
from planner.fleet.check import checked_fleet
from planner.fleet.exact import is_small
from planner.fleet.offers import ever_useful
from planner.fleet.problem import GIVEN, Arcs, Ints
from planner.fleet.proof import unpacked
from planner.fleet.shares import base_circuits
from planner.fleet_arrays import Axes
from planner.fleet_calm import CALM
from planner.fleet_last import fleet_from
from planner.market import Market
from planner.question import Question
from planner.requirements import rounded

CHANGED = 0.05
"""Share of what must be paid at least that may have changed since the last plan: beyond it, much is worth moving."""

MARGIN = 0.005
"""How much larger than after the last full solve the gap may be."""

MOST = 24
"""Plans in a row that are planned again: prices prove that a fleet is near, a search may find one that is nearer."""

BY_REGION = ("demand", "critical", "on_demand_usd", "spot_usd", "committed_usd", "stock", "spot_share", "quota")
"""What of a problem is told by region."""

BY_LINK = ("gbps", "tier_usd", "link_quota")
"""What of a problem is told by link."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Again:
    """A fleet planned again, what is live, what the next plan needs of it, and how it is told."""

    solution: FleetSolution
    before: FleetSolution
    standing: Standing
    told: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What a fleet is asked: the problem, the names of its axes, and the market that they are of."""

    question: Question
    market: Market
    axes: Axes
    problem: FleetProblem


def planned_again(asked: Asked, live: Sequence[Resource], level: Callable[[FleetSolution], FleetSolution]) -> Again:
    """The fleet near what is live, its bound proved by the prices of the plan applied last.

    Args:
        asked: what is asked.
        live: what exists and is the fleet's to change.
        level: makes all hours alike where nothing scales by the hour.

    Raises:
        FleetTooFar: it has to be solved in full, and why.
    """
    problem = asked.problem
    before, standing = _comparable(asked)
    certificate = unpacked(problem, standing.proof)
    seen = _standing(asked, standing, certificate)
    _refuse_much(standing, seen)
    otherwise = _otherwise(standing, seen)
    waits = _waiting(asked, before, otherwise)
    stands = fleet_from(_made(live, waits), asked.market, asked.axes, problem)
    prices = certificate.prices
    stands = replace(
        stands,
        worth=prices.served.transpose(0, 2, 1),
        worth_critical=prices.firm.transpose(0, 2, 1),
        proof=standing.proof,
    )
    stands, lacks = standing_whole(problem, stands)
    looked = otherwise | _moved(asked, before, live, waits)
    looked |= lacks & ~carriers(problem, looked)
    found = level(brought_near(problem, stands, CALM, looked))
    found = replace(found, bound=max(0.0, min(found.usd, _least(seen))))
    gap = gap_of(found)
    if gap > standing.gap + MARGIN:
        raise FleetTooFar(f"its gap would be {gap:.1%}, and was {standing.gap:.1%} when it was solved", where="fleet")
    try:
        checked_fleet(problem, found)
    except SolverLied as error:
        raise FleetTooFar(f"moves do not lead there: {error.what}", where="fleet") from error
    name = (asked.question.previous_plan or before.digest()).removeprefix("sha256:")[:12]
    count = f"{int(looked.sum())} of {problem.regions} regions looked at"
    carried = f", {len(waits)} changes carried on that wait" if waits else ""
    told = f"planned again from plan {name}: {count}{carried}, gap {gap:.1%}"
    is_live = fleet_from(live, asked.market, asked.axes, problem) if waits else stands
    told_next = seen.model_copy(update={"again": standing.again + 1})
    return Again(solution=found, before=is_live, standing=told_next, told=told)


def standing_of(asked: Asked, solution: FleetSolution) -> Standing | None:
    """What the next plan needs of a fleet that was solved in full; nothing of one that no prices prove."""
    if not solution.proof or is_small(asked.problem):
        return None
    begun = Standing(
        solved_at=asked.question.now,
        gap=0.0,
        axes=_axes_digest(asked),
        regions=(),
        least_circuits_usd=0.0,
        proof=solution.proof,
    )
    seen = _standing(asked, begun, unpacked(asked.problem, solution.proof))
    return seen.model_copy(update={"gap": rounded(gap_of(replace(solution, bound=_least(seen))))})


def gap_of(solution: FleetSolution) -> float:
    """How much of a fleet's cost is not proved to be needed."""
    return max(0.0, 1 - solution.bound / solution.usd) if solution.usd > 0 else 0.0


def _comparable(asked: Asked) -> tuple[Plan, Standing]:
    """The plan applied last and what of it can be planned again from.

    Raises:
        FleetTooFar: nothing can.
    """
    before = asked.question.earlier
    standing = before.standing if before else None
    if asked.question.anew:
        why = "as asked"
    elif not asked.question.environment.rules.calm:
        why = "rules.calm is off"
    elif before is None or standing is None:
        why = "no plan was applied whose fleet prices prove"
    elif is_small(asked.problem):
        why = "it is small"
    elif standing.again >= MOST:
        why = f"{standing.again} plans in a row were planned again"
    elif standing.axes != _axes_digest(asked):
        why = "regions, types, possible partners or circuit tiers are others"
    else:
        return before, standing
    raise FleetTooFar(why, where="fleet")


def _standing(asked: Asked, before: Standing, certificate: Certificate) -> Standing:
    """What regions are asked now, and what that costs at least by these prices."""
    problem = asked.problem
    arcs = Arcs.of(problem)
    useful = ever_useful(problem, arcs, np.arange(problem.regions))
    least = alone_usd(problem, certificate.prices, useful) + backed_usd(problem, arcs, certificate)
    circuits = problem.hours * (float(certificate.floors.sum()) + base_circuits(problem))
    digests = _digests(problem)
    regions = tuple(
        StandingRegion(region=name, asked=digest, least_usd=rounded(float(usd)))
        for name, digest, usd in zip(asked.axes.regions, digests, least.tolist(), strict=True)
    )
    return before.model_copy(update={"regions": regions, "least_circuits_usd": rounded(circuits)})


def _least(seen: Standing) -> float:
    """USD over the horizon that no fleet costs less than, by what it was rounded to taken off."""
    return sum(item.least_usd for item in seen.regions) + seen.least_circuits_usd - 1e-6 * (len(seen.regions) + 1)


def _refuse_much(before: Standing, seen: Standing) -> None:
    """Raises FleetTooFar where more than `CHANGED` of what must be paid changed."""
    moved = sum(abs(new.least_usd - old.least_usd) for new, old in zip(seen.regions, before.regions, strict=True))
    moved += abs(seen.least_circuits_usd - before.least_circuits_usd)
    whole = max(0.0, _least(before))
    if moved > CHANGED * whole:
        share = f"{moved / whole:.1%}" if whole > 0 else "all"
        raise FleetTooFar(f"{share} of what must be paid changed, more than {CHANGED:.0%}", where="fleet")


def _otherwise(before: Standing, seen: Standing) -> NDArray[np.bool_]:
    """(R,) regions that are asked something else."""
    return np.array([new.asked != old.asked for new, old in zip(seen.regions, before.regions, strict=True)], dtype=bool)


def _waiting(asked: Asked, before: Plan, otherwise: NDArray[np.bool_]) -> dict[str, Change]:
    """What the plan applied last put off, by key: what is planned again is where that leads.

    But for regions that are asked something else, which are planned from what is live.
    """
    anew = {asked.axes.regions[at] for at in np.flatnonzero(otherwise).tolist()}
    return {
        change.key: change
        for change in before.deferred
        if (was := change.before) and (_serves(was) or isinstance(was.spec, CircuitSpec)) and change.place not in anew
    }


def _made(resources: Iterable[Resource], waits: Mapping[str, Change]) -> Iterator[Resource]:
    """What there is once changes that wait are made, where it is still what they change."""
    if not waits:
        yield from resources
        return
    for item in resources:
        change = waits.get(item.key)
        if change is None or change.before is None or change.before.spec != item.spec:
            yield item
        elif change.after is not None:
            yield change.after


def _moved(asked: Asked, before: Plan, live: Sequence[Resource], waits: Mapping[str, Change]) -> NDArray[np.bool_]:
    """(R,) regions where what is live is not what the plan applied last wanted: what serves, and who backs it up."""
    given: set[str] = set()  # what is not the fleet's to change
    if len(live) < len(asked.question.capacity.resources):
        given = asked.question.live().keys() - {item.key for item in live}
    wanted = _fleets(_made((item.resource for item in before.resources if item.resource.key not in given), waits))
    there = _fleets(_made(live, waits))
    region_at = {name: at for at, name in enumerate(asked.axes.regions)}
    found = np.zeros(len(region_at), dtype=bool)
    for key in wanted.keys() | there.keys():
        old, new = wanted.get(key), there.get(key)
        if old is None or new is None or old.spec != new.spec:
            places = {place for item in (old, new) if item is not None for place in _ends(item)}
            found[[region_at[place] for place in sorted(places & region_at.keys())]] = True
    return found


def _fleets(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Compute that serves and failover entries, by key."""
    return {item.key: item for item in resources if isinstance(item.spec, FailoverSpec) or _serves(item)}


def _serves(item: Resource) -> bool:
    return isinstance(item.spec, ComputeSpec) and item.purpose is Purpose.SERVING


def _ends(item: Resource) -> tuple[str, ...]:
    return (item.place, item.spec.partner) if isinstance(item.spec, FailoverSpec) else (item.place,)


def _digests(problem: FleetProblem) -> list[str]:
    """Of each region, what it is asked and offered, the links to its possible partners included."""
    links: list[Ints] = [np.unique(problem.pair_links[(problem.pairs == at).any(1)]) for at in range(problem.regions)]
    regions = [part for name in (*BY_REGION, "replication_gbps") if (part := getattr(problem, name)).size]
    by_link = [part for name in BY_LINK if (part := getattr(problem, name)).size]
    return [
        _digest(*(_bytes(part[at]) for part in regions), *(_bytes(part[near]) for part in by_link))
        for at, near in enumerate(links)
    ]


def _axes_digest(asked: Asked) -> str:
    """Of everything that is neither a region's nor a link's, and of the names and sizes of what is."""
    problem, axes = asked.problem, asked.axes
    each = {*BY_REGION, *BY_LINK, "replication_gbps", "names"}
    arrays = [getattr(problem, name) for name in GIVEN if name not in each]
    names = (*axes.regions, *(shape.name for shape in axes.shapes), *axes.links, *asked.market.tiers)
    sizes = [str(getattr(problem, name).shape) for name in GIVEN]
    return _digest(*(_bytes(array) for array in arrays), "\n".join((*names, *sizes)).encode())


def _bytes(array: NDArray[np.generic]) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()[:16]
