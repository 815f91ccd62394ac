"""Paths of parts brought to the distributions of their sums (pure).

Sums of paths inherit every fault that their parts share: where tails of single series are pooled, and so too long for
most of them, the mean of a sum of many is too high by a quarter, however right each one's quantiles are. The sum's own
forecast knows better. So the paths of the parts are raked: at each step, the paths' sums are put in order, each is told
what the sum's own quantiles say at its place in that order, and the parts of that path are multiplied until their sums
say so too, in rounds, because sums overlap. That is iterative proportional fitting (Deming and Stephan 1940) with
weights: a part gives way in proportion to its own uncertainty (Deville and Saerndal 1992, the raking ratio with weights
q), so that what is known well hardly moves. How parts and steps hang together stays that of the paths (the copula is
kept and the aggregate's margin imposed, as Ben Taieb, Taylor and Hyndman 2017 do bottom-up); sums of the raked paths
agree exactly, because they are sums.
"""

from dataclasses import dataclass

import numpy as np

from contracts.series import LEVELS
from forecaster.panel import Matrix
from forecaster.paths import Paths, even_scores, values_at

ROUNDS = 4
FARTHEST = float(np.log(4.0))
"""Nothing is made more than four times as large or small: beyond that, sum and parts do not speak of the same thing."""

STIFFEST, SOFTEST = 0.05, 3.0  # log distance of the 0.9 quantile from the median that a part is taken to have
MOST_GIVEN = 3.0  # times the mean
TINY = 1e-300
MIDDLE, UPPER = LEVELS.index(0.5), LEVELS.index(0.9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """What sums are known to be, and what they are sums of.

    Attributes:
        quantiles: (sums, steps, levels), ordered, from 0.
        parts: rows of the parts among the paths.
        members: (sums, parts), 1 where a part belongs to a sum, else 0.
        gives: of each part, how readily it moves; see `readiness`.
    """

    quantiles: Matrix
    parts: list[int]
    members: Matrix
    gives: Matrix


def rake(paths: Paths, known: Paths, sums: Sums) -> None:
    """Multiplies paths, in place, by what brings sums of the known ones to their quantiles: by a quarter to four times.

    Args:
        paths: (paths, series, steps).
        known: the same paths without what the sums do not know either; may be `paths` itself.
        sums: of some of the series.
    """
    even, members = even_scores(len(paths)), sums.members * (sums.gives > 0)
    for step in range(paths.shape[2]):
        wanted = values_at(sums.quantiles[:, step], even)
        values = known[:, sums.parts, step].astype(np.float64)
        paths[:, sums.parts, step] *= np.exp(_raked(values, wanted, members, sums.gives)).astype(np.float32)


def readiness(quantiles: Matrix) -> Matrix:
    """How readily each part (parts, steps, levels) moves: its log spread over the mean by volume; 0 of nothing."""
    middle = quantiles[:, :, MIDDLE].mean(axis=1)
    upper = quantiles[:, :, UPPER].mean(axis=1)
    spread = np.clip(np.log(np.maximum(upper, TINY)) - np.log(np.maximum(middle, TINY)), STIFFEST, SOFTEST)
    volume = np.where(upper > 0, (middle + upper) / 2, 0.0)
    usual = float((volume * spread).sum()) / max(float(volume.sum()), TINY)
    return np.where(upper > 0, np.minimum(spread / max(usual, STIFFEST), MOST_GIVEN), 0.0)


def _raked(values: Matrix, wanted: Matrix, members: Matrix, gives: Matrix) -> Matrix:
    """Logarithms of the factors of one step: values (paths, parts), wanted (paths, sums), each sum's ascending.

    Where a sum is to be times f, its parts' logarithms move by log f / g each, g being how readily the sum's volume
    moves on that path: to first order, it then is. A part of several sums follows their mean.
    """
    moved, belongs = np.zeros(values.shape), np.maximum(members.sum(axis=0), 1.0)
    for _ in range(ROUNDS):
        now = values * np.exp(moved)
        found, readily = now @ members.T, (now * gives) @ members.T
        target = np.empty_like(found)
        np.put_along_axis(target, np.argsort(found, axis=0, kind="stable"), wanted, axis=0)
        some = found > 0
        apart = np.log(np.maximum(np.where(some, target, 1.0), TINY)) - np.log(np.where(some, found, 1.0))
        by = np.clip(apart, -FARTHEST, FARTHEST) * np.where(some, found, 0.0) / np.where(readily > 0, readily, 1.0)
        moved = np.clip(moved + by @ (members / belongs) * gives, -FARTHEST, FARTHEST)
    return moved
