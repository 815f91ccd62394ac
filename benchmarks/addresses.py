"""Address blocks: misses beside the best static targets, /20s out of a full pool, allocations a second.

    python -m benchmarks.addresses                      # all, three seeds: about six minutes
    python -m benchmarks.addresses --part staging --rate 6 --lead 4 --seeds 1

`staging`: a year of simulated requests (`benchmarks.address_year` says how they come), seen hour by hour. The planner's
depth is scored at three prices of idleness; for each, the best static target per length is looked for in hindsight on
the same year at the same mean of idle addresses: once where a block serves its own length only (exact, by dynamic
programming), once where larger ones are given for smaller as the coordinator does (by local search). `placement` and
`speed`: see `benchmarks.address_places`; `staged`: see `benchmarks.address_staged`.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from enum import StrEnum
from itertools import product

from benchmarks.address_places import clean_speed, failures, fragmented_speed
from benchmarks.address_policies import (
    DISPERSION,
    Clairvoyant,
    Expectation,
    Outlook,
    Staged,
    best_static,
    best_static_with_larger,
    scores_alone,
)
from benchmarks.address_staged import Setting, Way, run_staged
from benchmarks.address_year import Year, make_year, simulate

PRICES = (1e-4, 5e-5, 2e-5)
"""Misses an address and hour: from few idle addresses to many."""

PARTS = ("staging", "placement", "staged", "speed")

A_YEAR = 71_000
"""Requests that a /14 which is kept 90 % full lets in within a year."""

Row = dict[str, float | str]


class Knows(StrEnum):
    """What the planner's rule is told of the demand to come."""

    PAST = "past"  # what has been seen so far
    RHYTHM = "rhythm"  # the rate of every hour, but no burst
    BURSTS = "bursts"  # the rate of every hour


def staging(rate: float, lead: int, seeds: list[int], prices: list[float], knows: Knows) -> Iterator[Row]:
    """One row a seed and price."""
    for seed in seeds:
        year = make_year(rate, seed)
        alone = scores_alone(year, lead)
        for price in prices:
            policy = Staged(price, lead, _outlook(year, knows), 0.0 if knows is Knows.BURSTS else DISPERSION)
            ours = simulate(year, policy, lead=lead, larger=True)
            exact = best_static(*alone, ours.idle)[0]
            larger = best_static_with_larger(year, lead, alone, ours.idle)
            yield {
                "rate": rate,
                "lead_hours": lead,
                "knows": knows,
                "seed": seed,
                "price": price,
                "requests": year.requests,
                "idle_addresses": round(ours.idle),
                "misses": ours.misses,
                "static_misses": round(exact),
                "static_misses_with_larger": round(larger),
                "ratio": round(ours.misses / exact, 3),
                "ratio_with_larger": round(ours.misses / larger, 3),
                "moves_a_request": round(ours.moves / year.requests, 2),
            }


def _outlook(year: Year, knows: Knows) -> Outlook:
    match knows:
        case Knows.PAST:
            return Expectation()
        case Knows.RHYTHM:
            return Clairvoyant(year.rhythm)
        case Knows.BURSTS:
            return Clairvoyant(year.rates)


def placement(pool: int, seeds: list[int], requests: int) -> Iterator[Row]:
    """One row an error of the stated ends: means over the seeds."""
    for error in (0.0, 0.25, 0.5, 1.0):
        runs = [failures(pool, requests=requests, seed=seed, error=error) for seed in seeds]
        row: Row = {"pool": pool, "error": error, "fill": round(statistics.mean(ours.fill for _, ours, _ in runs), 3)}
        for name, placed in zip(("best_fit", "ours", "estimated"), zip(*runs, strict=True), strict=True):
            for length in (20, 21):
                row[f"{name}_{length}_failed"] = round(statistics.mean(each.failed[length] for each in placed), 3)
        yield row


def staged(seeds: list[int], requests: int, every: list[float], reserves: list[int], most: int | None) -> Iterator[Row]:
    """One row a way, reserve and hours between plans, of a /14: means over the seeds, and the worst seed."""
    pool = 14
    for hours, reserve in product(every, reserves):
        for way in Way:
            setting = Setting(every=hours, way=way, most=most, reserve=reserve)
            runs = [run_staged(pool, setting, requests=requests, seed=seed) for seed in seeds]
            yield {
                "pool": pool,
                "hours_between_plans": hours,
                "way": way,
                "reserve": reserve,
                "20_failed": round(statistics.mean(run.failed[20] for run in runs), 3),
                "20_failed_worst": round(max(run.failed[20] for run in runs), 3),
                "21_failed": round(statistics.mean(run.failed[21] for run in runs), 4),
                "from_stock": round(statistics.mean(run.from_stock for run in runs), 3),
                "staged_share": round(statistics.mean(run.staged for run in runs), 4),
                "put_up_a_request": round(statistics.mean(run.put_up for run in runs), 2),
            }


def speed(pool: int, seeds: list[int]) -> Iterator[Row]:
    """Allocations and releases a second, a row a seed."""
    for seed in seeds:
        yield {
            "pool": pool,
            "seed": seed,
            "clean": round(clean_speed()),
            "fragmented": round(fragmented_speed(pool, 30_000, seed)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="Address blocks: misses, places, speed.")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--rate", type=float, nargs="+", default=[2.0, 6.0], help="requests an hour")
    parser.add_argument("--lead", type=int, nargs="+", default=[1, 4, 24], help="hours from order to use")
    parser.add_argument("--prices", type=float, nargs="+", default=PRICES, help="misses an idle address and hour")
    parser.add_argument("--knows", type=Knows, choices=tuple(Knows), default=Knows.PAST, help="what the rule is told")
    parser.add_argument("--every", type=float, nargs="+", default=[1.0, 4.0], help="hours between plans that stage")
    parser.add_argument("--most", type=int, help="staged blocks in all; no limit by default")
    parser.add_argument("--reserve", type=int, nargs="+", default=[0, 1], help="/20s that always stand ready")
    parser.add_argument("--pool", type=int, nargs="+", default=[13, 14, 15], help="prefix length of the pool")
    parser.add_argument("--requests", type=int, default=A_YEAR, help="of a pool that is kept full")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked = parser.parse_args()
    parts = asked.part or PARTS
    if "staging" in parts:
        for rate in asked.rate:
            for lead in asked.lead:
                _print("staging", staging(rate, lead, asked.seeds, asked.prices, asked.knows))
    if "placement" in parts:
        for pool in asked.pool:
            _print("placement", placement(pool, asked.seeds, asked.requests))
    if "staged" in parts:
        _print("staged", staged(asked.seeds, asked.requests, asked.every, asked.reserve, asked.most))
    if "speed" in parts:
        _print("speed", speed(min(asked.pool), asked.seeds))


def _print(part: str, rows: Iterator[Row]) -> None:
    for row in rows:
        print(json.dumps({"part": part, **row}), flush=True)


if __name__ == "__main__":
    main()
