"""Address blocks: misses beside the best static targets, /20s out of a full pool, allocations a second.

    python -m benchmarks.addresses                      # all, three seeds: about six minutes
    python -m benchmarks.addresses --part staging --rate 6 --lead 4 --seeds 1

`staging`: a year of simulated requests (`benchmarks.address_year` says how they come), seen hour by hour. The planner's
depth is scored at three prices of idleness; for each, the best static target per length is looked for in hindsight on
the same year at the same mean of idle addresses: once where a block serves its own length only (exact, by dynamic
programming), once where larger ones are given for smaller as the coordinator does (by local search). `placement` and
`speed`: see `benchmarks.address_places`.
"""

import argparse
import json
import statistics
from collections.abc import Iterator

from benchmarks.address_places import clean_speed, failures, fragmented_speed
from benchmarks.address_policies import Staged, best_static, best_static_with_larger, scores_alone
from benchmarks.address_year import make_year, simulate

PRICES = (1e-4, 5e-5, 2e-5)
"""Misses an address and hour: from few idle addresses to many."""

A_YEAR = 71_000
"""Requests that a /14 which is kept 90 % full lets in within a year."""

Row = dict[str, float]


def staging(rate: float, lead: int, seeds: list[int]) -> Iterator[Row]:
    """One row a seed and price."""
    for seed in seeds:
        year = make_year(rate, seed)
        alone = scores_alone(year, lead)
        for price in PRICES:
            ours = simulate(year, Staged(price, lead), lead=lead, larger=True)
            exact = best_static(*alone, ours.idle)[0]
            larger = best_static_with_larger(year, lead, alone, ours.idle)
            yield {
                "rate": rate,
                "lead_hours": lead,
                "seed": seed,
                "requests": year.requests,
                "idle_addresses": round(ours.idle),
                "misses": ours.misses,
                "static_misses": round(exact),
                "static_misses_with_larger": round(larger),
                "ratio": round(ours.misses / exact, 3),
                "ratio_with_larger": round(ours.misses / larger, 3),
                "moves_a_request": round(ours.moves / year.requests, 2),
            }


def placement(pool: int, seeds: list[int], requests: int) -> Iterator[Row]:
    """One row an error of the stated ends: means over the seeds."""
    for error in (0.0, 0.25, 0.5, 1.0):
        runs = [failures(pool, requests=requests, seed=seed, error=error) for seed in seeds]
        row = {"pool": pool, "error": error, "fill": round(statistics.mean(ours.fill for _, ours, _ in runs), 3)}
        for name, placed in zip(("best_fit", "ours", "estimated"), zip(*runs, strict=True), strict=True):
            for length in (20, 21):
                row[f"{name}_{length}_failed"] = round(statistics.mean(each.failed[length] for each in placed), 3)
        yield row


def speed(pool: int) -> Iterator[Row]:
    """Allocations and releases a second: the best of three."""
    yield {
        "clean": round(max(clean_speed() for _ in range(3))),
        "fragmented": round(max(fragmented_speed(pool, 30_000) for _ in range(3))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Address blocks: misses, places, speed.")
    parser.add_argument("--part", choices=("staging", "placement", "speed"), action="append")
    parser.add_argument("--rate", type=float, nargs="+", default=[2.0, 6.0], help="requests an hour")
    parser.add_argument("--lead", type=int, nargs="+", default=[1, 4], help="hours from order to use")
    parser.add_argument("--pool", type=int, nargs="+", default=[13, 14, 15], help="prefix length of the pool")
    parser.add_argument("--requests", type=int, default=A_YEAR, help="of a pool that is kept full")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked = parser.parse_args()
    parts = asked.part or ["staging", "placement", "speed"]
    if "staging" in parts:
        for rate in asked.rate:
            for lead in asked.lead:
                _print("staging", staging(rate, lead, asked.seeds))
    if "placement" in parts:
        for pool in asked.pool:
            _print("placement", placement(pool, asked.seeds, asked.requests))
    if "speed" in parts:
        _print("speed", speed(min(asked.pool)))


def _print(part: str, rows: Iterator[Row]) -> None:
    for row in rows:
        print(json.dumps({"part": part, **row}), flush=True)


if __name__ == "__main__":
    main()
