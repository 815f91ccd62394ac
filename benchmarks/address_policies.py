"""What is scored on a year of address requests: the planner's staging, and the best static targets in hindsight."""

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from benchmarks.address_year import SHARES, SIZES, WEEK, Counts, Floats, Order, Year, static_batch, static_scores
from planner.address_stock.depth import Ahead, Expected, blocks_worth_having, blocks_worth_keeping
from planner.address_stock.lengths import hours_looked_at

BUDGET_STEPS = 4000
DISPERSION, DISPERSION_HOURS = 0.3, 12.0
"""Of the requests of one hour; it falls with the hours that are counted together: 0.3 / (1 + hours / 12)."""


@dataclass(slots=True)
class Expectation:
    """A forecast that knows only what it has seen: hour of week, shares of lengths, and whether there is a burst."""

    profile: Floats = field(default_factory=lambda: np.zeros(WEEK))
    weeks: int = 0
    lengths: Counts = field(default_factory=lambda: np.ones(len(SIZES), np.int64))
    lately: float = 0.0
    lately_expected: float = 0.0

    def see(self, hour: int, counts: Counts) -> None:
        """Learns from one more hour."""
        at, total = hour % WEEK, float(counts.sum())
        expected = self._smooth(np.array([at]))[0] if self.weeks else total
        self.lately = 0.75 * self.lately + total
        self.lately_expected = 0.75 * self.lately_expected + expected
        self.weeks = hour // WEEK
        believed = min(total, 4 * expected + 5) if self.weeks > 1 else total  # a burst is no rhythm
        self.profile[at] += max(1 / (self.weeks + 1), 0.08) * (believed - self.profile[at])
        self.lengths = self.lengths + counts

    def ahead(self, hour: int, hours: int) -> tuple[Floats, Floats]:
        """Requests expected in each of the next hours, and the share of each length."""
        expected = self._smooth((hour + np.arange(hours)) % WEEK)
        factor = (self.lately + 6) / (self.lately_expected + 6)
        factor = factor if factor > 1.3 else 1 + (factor - 1) / 2
        return expected * (1 + (factor - 1) * 0.85 ** np.arange(hours)), self.lengths / self.lengths.sum()

    def _smooth(self, at: Counts) -> Floats:
        smooth: Floats = self.profile[at] / 2 + self.profile[(at + 1) % WEEK] / 4 + self.profile[(at - 1) % WEEK] / 4
        return smooth


class Outlook(Protocol):
    """What is expected: learns from each hour, and tells requests by hour ahead and the shares of lengths."""

    def see(self, hour: int, counts: Counts) -> None: ...

    def ahead(self, hour: int, hours: int) -> tuple[Floats, Floats]: ...


@dataclass(frozen=True, slots=True)
class Clairvoyant:
    """Knows the rate of every hour, and the shares; what comes of it is still Poisson."""

    rates: Floats

    def see(self, hour: int, counts: Counts) -> None:
        """There is nothing to learn."""

    def ahead(self, hour: int, hours: int) -> tuple[Floats, Floats]:
        return self.rates[(hour + np.arange(hours)) % len(self.rates)], SHARES


@dataclass(slots=True)
class Staged:
    """The planner's depth, by a forecast of its own, every hour, as `planner/units.py` does it where orders take hours.

    What lacks is ordered; where nothing of a length does, what is there is taken down but for what is worth keeping.

    Attributes:
        price: of an idle address and hour, in misses.
        lead: hours from order to use.
        outlook: what is expected.
        dispersion: of the requests of one hour; it falls with the hours that are counted together.
    """

    price: float
    lead: int
    outlook: Outlook = field(default_factory=Expectation)
    dispersion: float = DISPERSION

    def __call__(self, hour: int, counts: Counts, free: Counts, coming: Counts) -> tuple[Counts, Counts]:
        self.outlook.see(hour, counts)
        rates, shares = self.outlook.ahead(hour + 1, self.lead + 1)
        until, came = np.cumsum(rates), np.vstack([np.zeros_like(free), np.cumsum(coming, axis=0)])
        up, down = np.zeros_like(free), np.zeros_like(free)
        for length, share in enumerate(shares):
            total = until * share
            before = float(total[-2]) if self.lead else 0.0
            expected = _expected(int(SIZES[length]), before, float(total[-1]), self._dispersion(self.lead))
            wanted = blocks_worth_having(expected, self.price, 1.0)
            up[length] = max(0, wanted - int(free[length] + came[-1, length]))
            if free[length] and not up[length]:
                down[length] = max(0, int(free[length]) - self._kept(length, total, came[:, length]))
        return up, down

    def _kept(self, length: int, total: Floats, came: Counts) -> int:
        """Of what is there, how much stays."""
        ahead = [
            Ahead(hours, _rounded(float(total[hours - 1])), self._dispersion(hours), int(came[min(hours, self.lead)]))
            for hours in hours_looked_at(1, self.lead) or (1,)
        ]
        return blocks_worth_keeping(int(SIZES[length]), ahead, self.price)

    def _dispersion(self, hours: int) -> float:
        return self.dispersion / (1 + hours / DISPERSION_HOURS)


def toward(targets: Counts) -> Order:
    """The static policy: what is taken is ordered again."""
    return lambda _hour, _counts, free, coming: (
        np.maximum(0, targets - free - coming.sum(axis=0)),
        np.zeros_like(free),
    )


def _rounded(requests: float) -> float:
    """To 2 %: what is asked for the same numbers is worked out once."""
    return math.exp(round(50 * math.log(max(requests, 1e-6))) / 50)


def _expected(addresses: int, before: float, until: float, dispersion: float) -> Expected:
    before = _rounded(before) if before > 0 else 0.0
    return Expected(addresses=addresses, before=before, until=max(before, _rounded(until)), dispersion=dispersion)


def best_static(misses: Floats, idle: Floats, budget: float) -> tuple[float, Counts]:
    """The fewest misses of static targets within so many mean idle addresses, and the targets.

    Each length's misses and idle addresses are known for each target, so that this is a multiple-choice knapsack,
    solved by dynamic programming over idle addresses in steps of a 4000th of the budget, each rounded to the nearest.
    """
    step = budget / BUDGET_STEPS
    best, chosen = np.zeros(BUDGET_STEPS + 1), []
    for row, spent in zip(misses, idle, strict=True):
        new, choice = np.full(BUDGET_STEPS + 1, np.inf), np.zeros(BUDGET_STEPS + 1, np.int64)
        for target, (missed, addresses) in enumerate(zip(row, spent, strict=True)):
            if (steps := round(addresses / step)) > BUDGET_STEPS:
                break
            with_it = best[: BUDGET_STEPS + 1 - steps] + missed
            better = with_it < new[steps:]
            new[steps:][better], choice[steps:][better] = with_it[better], target
        best = new
        chosen.append(choice)
    left, targets = int(best.argmin()), []
    fewest = float(best.min())
    for choice, spent in zip(reversed(chosen), idle[::-1], strict=True):
        targets.append(int(choice[left]))
        left -= round(spent[targets[-1]] / step)
    return fewest, np.array(targets[::-1])


def best_static_with_larger(year: Year, lead: int, alone: tuple[Floats, Floats], budget: float) -> float:
    """The fewest misses found of static targets that give larger blocks for smaller, at a mean of idle addresses.

    Starts from the targets that are best where they don't, at 17 budgets around this one, then changes single lengths
    by one as long as misses plus price times idle addresses fall; between two that were tried misses are interpolated.
    """
    starts = np.array([best_static(*alone, budget * share)[1] for share in np.geomspace(0.8, 1.6, 17)])
    missed, idle = static_batch(year, starts, lead=lead)
    tried = [*zip(idle, missed, strict=True)]
    near = int(np.abs(idle - budget).argmin())
    here, slope = starts[near], -np.polyfit(idle, missed, 1)[0]
    value = missed[near] + slope * idle[near]
    for _ in range(8):
        steps = np.concatenate([np.eye(len(SIZES), dtype=np.int64), -np.eye(len(SIZES), dtype=np.int64)])
        around = np.maximum(0, here + steps)
        missed, idle = static_batch(year, around, lead=lead)
        tried += [*zip(idle, missed, strict=True)]
        values = missed + slope * idle
        if values.min() >= value:
            break
        here, value = around[int(values.argmin())], values.min()
    return _lower_hull_at(tried, budget)


def _lower_hull_at(points: list[tuple[float, float]], at: float) -> float:
    """The lowest misses at a mean of idle addresses that any two points tried span between them."""
    below = [point for point in points if point[0] <= at]
    above = [point for point in points if point[0] > at]
    mixed = [low[1] + (high[1] - low[1]) * (at - low[0]) / (high[0] - low[0]) for low in below for high in above]
    return float(min([*mixed, *(missed for _, missed in below)]))


def scores_alone(year: Year, lead: int) -> tuple[Floats, Floats]:
    """Misses and idle addresses of each length alone, for as many static targets as can matter."""
    busiest = np.convolve(year.counts[:, 0], np.ones(lead + 1), "valid").max()
    return static_scores(year, lead=lead, most=int(busiest) + 2)
