"""What deciding ahead costs over knowing: commitments, hourly levels and recourse on real weeks.

    PRESTAGE_TEST_DATA=... python -m benchmarks.clairvoyant [--tier full] [--cache FOLDER] [--errors 0.02 0.03] [--json]

The weeks are the back-test windows of `benchmarks/forecast_sets.py`: 5 of the 23 row sums of GEANT, 1 to 5 of each of
41 service series. A week begins with a commitment for all of it, from a forecast whose origin is that moment, at 0.62
of the hourly price. Each of its days has a fresh forecast with its own origin, and levels for its 24 hours are set from
that at price 1. What demand passes both is bought within the hour, at 10 or at 30. The clairvoyant has the same three
actions and knows the week: it commits to the quantile that pays and buys the rest by the hour. Costs are in units of
each series' mean, summed over series and weeks; hours without an actual cost nobody anything.

Beside what the planner decides (`planner/recourse`), the same run prints

- `newsvendor`: the hourly quantile 1 - 1/miss alone, from the week's forecast, committed where that curve pays for it;
- `forecast x 1.3`: the median of the week's forecast times 1.3, committed likewise;
- `hindsight`: for each series and week the level and the factor on our own quantiles that cost least afterwards, with
  the same freedom for the commitment: choosing another quantile or another margin would have gained no more;
- `if forecasts were true`: what the planner's decisions would cost over the clairvoyant if demand were drawn from the
  forecasts themselves (`forecaster/paths.py`): what is left when no forecast is ever wrong about its own chances;
- `demand x 1.3`: the demand that came, times 1.3, in place of a forecast.

With `--errors`, the same weeks and rules where forecasts err by so much and know it: the forecast of the week is the
demand that came times a log-normal factor of its own for each hour, of that sigma; a day ahead `UPDATE_KNOWS` of the
variance is known; quantiles are those of these factors.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.clairvoyant_weeks import Week, weeks
from contracts.series import LEVELS
from forecaster.engine import Tier
from forecaster.panel import Matrix
from forecaster.paths import sample_paths
from planner.recourse.distribution import DemandByHour, normal_score
from planner.recourse.two_stage import UPDATE_KNOWS, UnitPrices, commitment, hourly_levels

COMMITTED, LEVEL = 0.62, 1.0
MISSES = (10.0, 30.0)
MEDIAN = LEVELS.index(0.5)
PATHS, SEED = 200, 4
HINDSIGHT_LEVELS = (0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99)
HINDSIGHT_FACTORS = (1.0, 1.5, 2.0, 3.0, 5.0)

Decision = tuple[float, Matrix]
"""Committed for all hours, and bought beside it for each hour."""

Rule = Callable[[Matrix, Matrix, UnitPrices], Decision]
"""Decides from the quantiles of the week's forecast and of its days' forecasts, both (hours, levels)."""


def cost(decision: Decision, demand: Matrix, miss: float) -> float:
    """Of one week; hours whose demand is not known are left out."""
    committed, levels = decision
    known = np.isfinite(demand)
    missing = np.maximum(0.0, demand[known] - committed - levels[known])
    return float(known.sum() * COMMITTED * committed + LEVEL * levels[known].sum() + miss * missing.sum())


def least_cost(demand: Matrix) -> float:
    """What knowing costs: the best commitment is one of the demands, all above it is bought by the hour."""
    known = np.sort(demand[np.isfinite(demand)])
    if not len(known):
        return 0.0
    at = np.arange(len(known))
    above = known.sum() - np.cumsum(known) - (len(known) - 1 - at) * known
    return float(min(known.sum(), (COMMITTED * len(known) * known + LEVEL * above).min()))


def planned(week: Matrix, days: Matrix, prices: UnitPrices) -> Decision:
    """As the planner decides."""
    committed = commitment(DemandByHour(LEVELS, week), np.full(len(week), UPDATE_KNOWS), prices)
    return committed, hourly_levels(DemandByHour(LEVELS, days), committed, prices)


def newsvendor(week: Matrix, days: Matrix, prices: UnitPrices) -> Decision:
    """The quantile alone, from what is known at the week's start."""
    return _beside(DemandByHour(LEVELS, week).at_level(prices.critical()))


def plus_third(week: Matrix, days: Matrix, prices: UnitPrices) -> Decision:
    """Forecast x 1.3."""
    return _beside(1.3 * week[:, MEDIAN])


def _beside(wanted: Matrix) -> Decision:
    """Curves that are wanted whatever happens, bought in the cheapest way: committed as far as hours reach."""
    committed = float(np.quantile(wanted, 1 - COMMITTED / LEVEL))
    return committed, np.maximum(0.0, wanted - committed)


def hindsight(week: Week, row: int, prices: UnitPrices) -> float:
    """The least that any level and factor on the day-ahead quantiles would have cost."""
    demand, days = week.actual[row], DemandByHour(LEVELS, week.days[row])
    wanted = (factor * days.at_level(level) for level in HINDSIGHT_LEVELS for factor in HINDSIGHT_FACTORS)
    return min(cost(_beside(curve), demand, prices.miss) for curve in wanted)


def if_true(week: Week, prices: UnitPrices) -> tuple[float, float]:
    """Costs of the planner's decisions and of the clairvoyant, both expected, if demand followed the week's forecast.

    An update knows part of each hour's normal score z: what it says is normal about UPDATE_KNOWS x z.
    """
    paths = sample_paths(week.week, week.ranks, PATHS, SEED).astype(np.float64)
    chance, told = np.random.default_rng(SEED), np.sqrt(UPDATE_KNOWS)
    ours = known = 0.0
    for row, mean in enumerate(week.mean):
        demand = DemandByHour(LEVELS, week.week[row])
        committed = commitment(demand, np.full(demand.hours, UPDATE_KNOWS), prices)
        left = np.sqrt(1 - UPDATE_KNOWS)
        safe = left * normal_score(prices.critical())
        order = np.argsort(np.argsort(paths[:, row], axis=0), axis=0)
        scores = np.vectorize(normal_score)((order + 0.5) / PATHS)
        heard = UPDATE_KNOWS * scores + told * left * chance.standard_normal(scores.shape)
        for path, update in zip(paths[:, row], heard, strict=True):
            levels = np.maximum(0.0, demand.each_at(update + safe) - committed)
            ours += cost((committed, levels), path, prices.miss) / mean
            known += least_cost(path) / mean
    return ours / PATHS, known / PATHS


def with_errors(week: Week, sigma: float) -> Week:
    """The same week where forecasts err by a log-normal factor an hour, and say so."""
    chance, scores = np.random.default_rng(SEED), np.array([normal_score(level) for level in LEVELS])
    told, left = sigma * np.sqrt(UPDATE_KNOWS), sigma * np.sqrt(1 - UPDATE_KNOWS)
    middle = week.actual * np.exp(-left * chance.standard_normal(week.actual.shape))
    first = middle * np.exp(-told * chance.standard_normal(week.actual.shape))
    # an hour whose demand is not known wants nothing in particular: what its neighbours in the week do in the middle
    return replace(
        week,
        week=_filled(first)[..., None] * np.exp(sigma * scores),
        days=_filled(middle)[..., None] * np.exp(left * scores),
    )


def _filled(demand: Matrix) -> Matrix:
    """Hours that are not known at the median of the others."""
    filled: Matrix = np.where(np.isfinite(demand), demand, np.nanmedian(demand, axis=1, keepdims=True))
    return filled


RULES: dict[str, Rule] = {"planner": planned, "newsvendor": newsvendor, "forecast x 1.3": plus_third}


def ratios(found: list[Week], miss: float) -> dict[str, float]:
    """Cost of each rule over the clairvoyant's, and of what no rule can do."""
    prices = UnitPrices(committed=COMMITTED, level=LEVEL, miss=miss)
    total = dict.fromkeys((*RULES, "hindsight", "demand x 1.3", "clairvoyant", "true", "true known"), 0.0)
    for week in found:
        for row, mean in enumerate(week.mean):
            demand = week.actual[row]
            for name, rule in RULES.items():
                total[name] += cost(rule(week.week[row], week.days[row], prices), demand, miss) / mean
            total["hindsight"] += hindsight(week, row, prices) / mean
            total["clairvoyant"] += least_cost(demand) / mean
            total["demand x 1.3"] += cost(_beside(1.3 * _filled(demand[None])[0]), demand, miss) / mean
        ours, known = if_true(week, prices)
        total["true"], total["true known"] = total["true"] + ours, total["true known"] + known
    over = {name: total[name] / total["clairvoyant"] for name in (*RULES, "hindsight", "demand x 1.3")}
    return over | {"if forecasts were true": total["true"] / total["true known"]}


def ratios_with_errors(found: list[Week], sigma: float, miss: float) -> dict[str, float]:
    """Cost of each rule over the clairvoyant's where forecasts err by so much."""
    prices = UnitPrices(committed=COMMITTED, level=LEVEL, miss=miss)
    total, least = dict.fromkeys(RULES, 0.0), 0.0
    for week in (with_errors(week, sigma) for week in found):
        for row, mean in enumerate(week.mean):
            demand = week.actual[row]
            if not np.isfinite(demand).any():
                continue
            for name, rule in RULES.items():
                total[name] += cost(rule(week.week[row], week.days[row], prices), demand, miss) / mean
            least += least_cost(demand) / mean
    return {name: each / least for name, each in total.items()}


def typical(found: list[Week], miss: float) -> tuple[float, float, float]:
    """The planner's ratio of the lower tenth, the middle and the upper tenth of all series and weeks."""
    prices = UnitPrices(committed=COMMITTED, level=LEVEL, miss=miss)
    each = [
        cost(planned(week.week[row], week.days[row], prices), demand, miss) / least
        for week in found
        for row, demand in enumerate(week.actual)
        if (least := least_cost(demand)) > 0
    ]
    low, middle, high = np.quantile(each, (0.1, 0.5, 0.9))
    return float(low), float(middle), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", type=Tier, choices=tuple(Tier), default=Tier.FULL)
    parser.add_argument("--cache", type=Path, help="folder where forecasts are kept from run to run; none by default")
    parser.add_argument("--errors", type=float, nargs="+", default=[], help="sigmas of errors that are made up")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = os.environ.get("PRESTAGE_TEST_DATA")
    if not folder:
        sys.exit("PRESTAGE_TEST_DATA names no folder with geant_tm_hourly_dev.parquet and ms_cloud_hourly.parquet")
    found = list(weeks(Path(folder), options.tier, options.cache))
    for sigma, miss in product(options.errors, MISSES):
        told = ", ".join(f"{name} {value:.3f}" for name, value in ratios_with_errors(found, sigma, miss).items())
        print(f"errors of {sigma:g} at {miss:g}: {told}")
    if options.errors:
        return
    views = {"all": found} | {name: [week for week in found if week.name == name] for name in ("geant", "cloud")}
    result = {
        f"{view} at {miss:g}": ratios(chosen, miss) | {"tenths": typical(chosen, miss)}
        for miss in MISSES
        for view, chosen in views.items()
    }
    if options.json:
        print(json.dumps(result))
        return
    for title, row in result.items():
        told = ", ".join(f"{name} {value:.3f}" for name, value in row.items() if isinstance(value, float))
        low, middle, high = typical(views[title.split()[0]], float(title.split()[-1]))
        print(f"{title:12} {told}; of single weeks: tenth {low:.2f}, middle {middle:.2f}, upper tenth {high:.2f}")


if __name__ == "__main__":
    main()
