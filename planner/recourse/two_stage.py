"""The two-stage choice: what to commit to before the hours that it is for are known, and what each hour then needs.

One unit committed is paid in all hours. What is missing beyond it is bought for each hour ahead, once a fresh forecast
of that hour is there; what is still missing then is a miss. With c committed, l bought for hour h and demand d:

    minimise  committed c H + sum over h of E[ level l + miss max(0, d - c - l) ],   l chosen knowing the update

Given c, the hour is a newsvendor's (Arrow, Harris and Marschak 1951): c + l is the quantile 1 - level / miss of what
the update says, where that is above c. So one unit more of c saves, in an hour, `level` where the hour would have been
topped up anyhow and the probability of a miss times `miss` where not: min(level, miss P(d > c | update)). The best c is
where the mean of that over hours and updates falls to `committed`. The objective is convex in c, so there is only one.

The mean over updates is a sample average (Kleywegt, Shapiro and Homem-de-Mello 2002) whose sample is spread evenly
rather than drawn: costs add up over hours, so that only how much each hour's update will tell matters, not how hours
hang together, and no path has to be simulated for it.
"""

from dataclasses import dataclass

import numpy as np

from planner.recourse.distribution import FURTHEST, DemandByHour, Matrix, normal_score, probability_below

UPDATES = 101
"""Updates that are imagined for each hour: more changes a commitment by less than a thousandth of its mean demand."""

HALVINGS = 40

UPDATE_KNOWS = 0.4
"""The share of the variance of today's error that a forecast made a day ahead will know, where nothing better is known:
what is left of errors after a day and then lasts was measured to be so much (`forecaster/paths.py`, LASTING)."""

_EVEN = np.array([normal_score((at + 0.5) / UPDATES) for at in range(UPDATES)])


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrices:
    """USD for one unit in one hour.

    Attributes:
        committed: of what is bought for all hours.
        level: of what is bought for an hour once a fresh forecast of it is there.
        miss: what it costs where neither is there; money, or what latency and a broken promise are worth.
    """

    committed: float
    level: float
    miss: float

    def critical(self) -> float:
        """The quantile of an hour's demand that is worth having: 1 - level / miss, 0 where a miss costs no more."""
        return max(0.0, 1.0 - self.level / self.miss) if self.miss > 0 else 0.0


def commitment(demand: DemandByHour, known: Matrix, prices: UnitPrices) -> float:
    """How much to commit to for all hours.

    Args:
        demand: of each hour, as it is forecast now.
        known: for each hour, the share (0 to 1) of the variance of today's error that the update will know; 0 where
            there will be none. Shape (hours,).
        prices: of one unit; committing pays only where that costs less than `level`.
    """
    if prices.committed >= min(prices.level, prices.miss) or not demand.hours:
        return 0.0
    low, high = 0.0, float(demand.at_scores(np.array([FURTHEST])).max())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if float(worth_of_next(demand, known, prices, middle).mean()) > prices.committed:
            low = middle
        else:
            high = middle
    return low


def worth_of_next(demand: DemandByHour, known: Matrix, prices: UnitPrices, committed: float) -> Matrix:
    """What one unit more would save in each hour, USD, beside `committed` ones: shape (hours,). Falls with those."""
    told = np.sqrt(np.clip(known, 0.0, 1.0))[:, None]
    left = np.sqrt(np.maximum(1.0 - told**2, 1e-12))
    above = 1.0 - probability_below((demand.scores_of(np.array([committed]))[0][:, None] - told * _EVEN) / left)
    worth: Matrix = np.minimum(prices.level, prices.miss * above).mean(axis=1)
    return worth


def hourly_levels(update: DemandByHour, committed: float, prices: UnitPrices, promised: float = 0.0) -> Matrix:
    """What to buy for each hour beside what is committed, shape (hours,).

    Args:
        update: the freshest forecast of these hours.
        committed: what is there already.
        prices: of one unit.
        promised: a quantile that was promised, whatever a miss costs; 0: none was.
    """
    level = max(prices.critical(), promised)
    if level <= 0.0:
        return np.zeros(update.hours)
    wanted: Matrix = np.maximum(0.0, update.at_level(min(level, 0.9999)) - committed)
    return wanted
