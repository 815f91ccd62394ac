"""Convex hulls below what a pair's circuits cost, over both shares: what the relaxation believes of circuits.

The cost is constant between its steps, so that its lower hull over the box of both shares hangs on the corners and on
where steps end on the edges. These are few: all planes through three of them are tried at once, and those count that
no point lies below. What rounding does to a plane is taken off its constant, so that each is a bound by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from planner.fleet.circuits import SLACK, circuits_usd, levels
from planner.fleet.problem import MOST_SHARE, FleetProblem, Floats, Ints

TOGETHER = 64
"""Pairs whose steps are laid out at once."""

BELOW = 1e-9
"""How far, in parts of the dearest point, a point may lie below a plane that counts: what arithmetic leaves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hulls:
    """Affine functions below the circuits' extra cost of pairs: USD per hour at the shares of a pair's two arcs.

    Attributes:
        pair: (n,) which pair each is of, rising; slopes: (n, 2); constants: (n,).
    """

    pair: Ints
    slopes: Floats
    constants: Floats

    def highest(self, shares: Floats, pairs: int) -> Floats:
        """(pairs,) USD per hour that the hulls of each pair say at some shares, (2 pairs,): at least 0."""
        found = np.zeros(pairs)
        np.maximum.at(found, self.pair, (self.slopes * shares.reshape(-1, 2)[self.pair]).sum(1) + self.constants)
        return found


def hulls_of(problem: FleetProblem) -> Hulls:
    """The lower convex hulls of all pairs' extra circuits."""
    points = list(_step_points(problem, np.arange(len(problem.pairs))))
    costly = np.array([len(own) if own[:, 2].any() else 0 for own in points], dtype=np.int64)
    found = [np.zeros((0, 4))]
    for count in np.unique(costly[costly > 0]).tolist():
        alike = np.flatnonzero(costly == count)
        for first in range(0, len(alike), TOGETHER):
            some = alike[first : first + TOGETHER]
            found.append(_planes(some, np.stack([points[at] for at in some])))
    planes = np.concatenate(found)
    planes = planes[np.argsort(planes[:, 0], kind="stable")]
    return Hulls(pair=planes[:, 0].astype(np.int64), slopes=planes[:, 1:3], constants=planes[:, 3])


def floors_of(problem: FleetProblem, pairs: Ints, steps: Floats) -> Floats:
    """(n,) USD per hour at no share: how high planes of steps (n, 2) may lie, nowhere above pairs' circuits."""
    some = [slice(first, first + TOGETHER) for first in range(0, len(pairs), TOGETHER)]
    return np.concatenate([np.zeros(0), *(_floors(problem, pairs[part], steps[part]) for part in some)])


def _floors(problem: FleetProblem, pairs: Ints, steps: Floats) -> Floats:
    """The same, of pairs whose steps are laid out at once: the least of all points, of which the hull hangs on some.

    Of shares that circuits within quotas do not carry nothing is asked; the last step ends where quotas do.
    """
    each, rooms, extra, corners = _stairs(problem, pairs)
    most = problem.pair_room[pairs, None] + SLACK
    beyond = np.concatenate([np.zeros((len(pairs), 1), dtype=np.bool_), rooms[:, :-1] >= most], axis=1)
    rooms, extra = np.minimum(rooms, most), np.where(beyond, np.inf, extra)
    at_corners = corners[:, :, 2] - (corners[:, :, :2] @ steps[:, :, None])[..., 0]
    found = np.where((corners[:, :, :2] @ each[:, :, None])[..., 0] <= most, at_corners, np.inf).min(1)
    for axis, other in ((0, 1), (1, 0)):
        for held in (0.0, MOST_SHARE):
            room = rooms - held * each[:, other, None]
            inside = (room > 0) & (room < MOST_SHARE * each[:, axis, None])
            share = np.divide(room, each[:, axis, None], out=np.zeros_like(room), where=inside)
            above = extra - share * steps[:, axis, None] - held * steps[:, other, None]
            found = np.minimum(found, np.where(inside, above, np.inf).min(1, initial=np.inf))
    return np.asarray(found)


def _step_points(problem: FleetProblem, pairs: Ints) -> Iterator[Floats]:
    """Of each pair, (points, 3): both shares and the extra USD per hour at corners, and where steps end on edges.

    Of the points on an edge, those that its own lower hull hangs on. A step ends where nothing more is let pass:
    `SLACK` beyond what its circuits carry.
    """
    for first in range(0, len(pairs), TOGETHER):
        yield from _laid_out(problem, pairs[first : first + TOGETHER])


def _laid_out(problem: FleetProblem, pairs: Ints) -> list[Floats]:
    """The same, of pairs whose steps are laid out at once."""
    return [_points(*row) for row in zip(*_stairs(problem, pairs), strict=True)]


def _stairs(problem: FleetProblem, pairs: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Where circuits' cost steps up over the box of both shares of some pairs.

    Returns:
        (n, 2) Gbps of either share when it is one; (n, s) where steps end, in Gbps beside what is reserved, and the
        extra USD per hour up to there; and corners, (n, 4, 3), as points of `_step_points`.
    """
    links = problem.pair_links[pairs]
    reserved, usd = problem.gbps[links], problem.tier_usd[links]
    each = problem.replication_gbps[problem.pairs[pairs]]
    ends, cost = levels(reserved, reserved + MOST_SHARE * each.sum(1), problem.tier_gbps, usd)
    start = circuits_usd(reserved, problem.tier_gbps, usd)
    rooms = ends - reserved[:, None] + SLACK
    extra = cost - start[:, None]
    sides = np.array([(x, y) for x in (0.0, MOST_SHARE) for y in (0.0, MOST_SHARE)])
    at_corners = circuits_usd(reserved[:, None] + each @ sides.T, problem.tier_gbps, usd[:, None]) - start[:, None]
    corners = np.dstack([np.broadcast_to(sides, (len(pairs), *sides.shape)), at_corners])
    return each, rooms, extra, corners


def _points(each: Floats, rooms: Floats, extra: Floats, corners: Floats) -> Floats:
    """Corners, (4, 3), and of each edge the steps' ends that its lower hull hangs on."""
    found = [corners]
    for axis, other in ((0, 1), (1, 0)):
        for held in (0.0, MOST_SHARE):
            room = rooms - held * each[other]
            inside = (room > 0) & (room < MOST_SHARE * each[axis]) & np.isfinite(extra)
            low, high = (corner[2] for corner in corners[corners[:, other] == held])
            share = np.concatenate([[0.0], room[inside] / each[axis], [MOST_SHARE]]) if inside.any() else np.zeros(0)
            usd = np.concatenate([[low], extra[inside], [high]])
            kept = _hanging(share, usd)[1:-1]
            edge = np.full((len(kept), 3), held)
            edge[:, axis], edge[:, 2] = share[kept], usd[kept]
            found.append(edge)
    return np.concatenate(found)


def _hanging(at: Floats, usd: Floats) -> Ints:
    """Which of some points, from left to right, their lower convex hull hangs on (Andrew 1979)."""
    kept: list[int] = []
    for new in range(len(at)):
        while len(kept) > 1:
            last, before = kept[-1], kept[-2]
            rise = (usd[new] - usd[before]) * (at[last] - at[before])
            if (usd[last] - usd[before]) * (at[new] - at[before]) < rise:
                break
            kept.pop()
        kept.append(new)
    return np.array(kept, dtype=np.int64)


def _planes(pairs: Ints, points: Floats) -> Floats:
    """(planes, 4) pair, slopes, constant of all planes that the lower hulls of (n, points, 3) consist of."""
    shares, usd = points[..., :2], points[..., 2]
    a, b, c = np.moveaxis(points[:, _triples(points.shape[1])], 2, 0)
    u, v = b - a, c - a
    upward = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    upright = np.abs(upward) > BELOW
    across = np.stack(
        [u[..., 2] * v[..., 1] - u[..., 1] * v[..., 2], u[..., 0] * v[..., 2] - u[..., 2] * v[..., 0]], -1
    )
    slopes = across / np.where(upright, upward, 1.0)[..., None]
    lowest = (usd[:, None] - slopes @ shares.swapaxes(1, 2)).min(2)
    high = a[..., 2] - (slopes * a[..., :2]).sum(2) - lowest
    hanging = upright & (high <= BELOW * usd.max(1)[:, None])
    found = np.unique(np.column_stack([np.nonzero(hanging)[0], np.round(slopes[hanging], 9)]), axis=0)
    found = found[found[:, 1:].any(1)]
    row = found[:, 0].astype(np.int64)
    constants = (usd[row] - (shares[row] @ found[:, 1:, None])[..., 0]).min(1)
    return np.column_stack([pairs[row], found[:, 1:], constants])


@cache
def _triples(count: int) -> Ints:
    """(triples, 3) all ways to choose three of some points."""
    return np.array(list(combinations(range(count), 3)))
