"""What circuits cost at least, whichever paths detours take: a flow over lower hulls of what each link's circuits cost.

Each link keeps what it carries of its own; what it has no room for may go over any paths beside it, in any parts. What
circuits of a link cost beside that is replaced by the highest convex function below it, and the flow that costs least
then is a bound: every choice of paths and of whole circuits is one of the flows, at no less (R. K. Ahuja, T. L.
Magnanti, J. B. Orlin, *Network Flows*, 1993, chapter 14).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.capacity import CapacityKind
from contracts.names import is_link, link_ends
from contracts.plan import Requirement
from planner.circuits import cheapest_circuits, least_costs
from planner.detours import SLACK, Moved, Way, carriers
from planner.errors import SolverError
from planner.given import Given
from planner.market import Market
from planner.model import ModelBuilder, Solver, SolveStatus
from planner.question import Question
from planner.requirements import ELSEWHERE, OF_ANOTHER

Points = tuple[tuple[float, float], ...]
"""Gbps beside what a link carries of its own, and USD per hour, rising in both; straight between."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A link that may carry for others."""

    name: str
    hull: Points


def circuits_bound(
    question: Question, market: Market, asked: tuple[Sequence[Requirement], Given, Moved], solve: Solver
) -> float | None:
    """USD per hour that circuits of all links cost at least, whichever way detours go; nothing where there are none.

    Args:
        question: which links are left as they are.
        market: circuits and quotas.
        asked: what links must carry, detours included; what is given; and what goes over which others.
        solve: for the flow; where it gives no answer, links cost what they do for their own traffic alone.
    """
    needs, given, moved = asked
    if not moved:
        return None
    own = {need.place: _own(need) for need in needs if is_link(need.place) and need.kind is CapacityKind.GBPS}
    over = {full: 0.0 for _, full in moved}
    for need in needs:
        over |= {need.place: -need.parts.get(ELSEWHERE, 0.0)} if need.place in over else {}
    fixed, links = 0.0, []
    free = carriers(question, market).keys()
    for name in sorted(own.keys() | free):
        way = Way.of(market, given, name)
        points = _steps(way, own.get(name, 0.0), sum(over.values())) if name in free and name not in over else ()
        fixed += _usd(way, own.get(name, 0.0))
        if len(points) > 1:
            links.append(_Open(name, points))
    return fixed + _flow(links, over, solve)


def _own(need: Requirement) -> float:
    """Gbps that a link carries which others do not send it."""
    return need.quantity - sum(gbps for name, gbps in need.parts.items() if name.startswith(OF_ANOTHER))


def _usd(way: Way, gbps: float) -> float:
    found = cheapest_circuits(gbps - way.given_gbps, way.room_gbps, way.offers)
    return found.usd_per_hour if found else math.inf


def _steps(way: Way, own_gbps: float, more_gbps: float) -> Points:
    """The highest convex function below what circuits for more than a link's own cost: where its slopes change."""
    least, missing = _usd(way, own_gbps), own_gbps - way.given_gbps
    if math.isinf(least):
        return ()
    steps = least_costs(max(0.0, missing + more_gbps), way.room_gbps, way.offers) if way.offers else [(0.0, 0.0)]
    if not steps:  # too many to tell: as if they cost nothing, which is below what they do
        return (0.0, 0.0), (more_gbps, 0.0)
    points = [(gbps - missing, usd - least) for gbps, usd in steps if gbps > missing + SLACK]
    return _hull([(0.0, 0.0), *points])


def _hull(points: Iterable[tuple[float, float]]) -> Points:
    """The lower hull of points that rise (Andrew 1979)."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) > 1 and (hull[-1][1] - hull[-2][1]) * (x - hull[-2][0]) >= (y - hull[-2][1]) * (
            hull[-1][0] - hull[-2][0]
        ):
            hull.pop()
        hull.append((x, y))
    return tuple(hull)


def _flow(links: Sequence[_Open], over: Mapping[str, float], solve: Solver) -> float:
    """USD per hour of the cheapest flow; 0, which is below any, where the solver gives no answer."""
    builder, through = ModelBuilder(), {}
    for link in links:
        pieces = [
            (builder.column((y1 - y0) / (x1 - x0), upper=x1 - x0, integer=False), 1.0)
            for (x0, y0), (x1, y1) in zip(link.hull, link.hull[1:], strict=False)
        ]
        for full in sorted(over):
            through[link.name, full] = builder.column(0, integer=False), builder.column(0, integer=False)
        carried = [(column, -1.0) for full in over for column in through[link.name, full]]
        builder.row([*pieces, *carried], lower=0.0)
    for full, gbps in sorted(over.items()):
        source, into = link_ends(full)
        for region in sorted({end for link in links for end in link_ends(link.name)}):
            terms: list[tuple[int, float]] = []
            for link in links:
                a, b = link_ends(link.name)
                sign = 1.0 if region == a else -1.0
                if region in (a, b):
                    there, back = through[link.name, full]
                    terms += [(there, sign), (back, -sign)]
            leaves = gbps - 2 * SLACK if region == source else 2 * SLACK - gbps if region == into else 0.0
            builder.row(terms, lower=leaves, upper=leaves)
    try:
        solution = solve(builder.build())
    except SolverError:
        return 0.0
    return 0.0 if solution.status is SolveStatus.INFEASIBLE else max(0.0, solution.bound)
