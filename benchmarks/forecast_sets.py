"""The sets that forecasters are compared on: series, windows, horizon. Everything drawn is seeded.

- geant: 40 of 529 pairs and all 23 row sums of GEANT's traffic matrices. Pairs are ranked by their mean up to the first
  cutoff; those that are always 0 by then are left out; the rest is cut into 40 strata of the same size, and one pair is
  drawn from each (seed 11). 5 weekly windows, first cutoff 2005-02-06T15:00, 168 h.
- cloud: 41 service series. Windows end with each series; their number is (hours - 96) // 168, from 1 to 5; 168 h.
- counts: requests between 12 zones, 132 ordered pairs, 9 weeks. Rate = level of the pair (lognormal, sigma 1.2) x
  exp(3 cos - 3) over the day with its peak at the pair's own hour (13 to 20) x 0.2 at weekends, negative binomial of
  size 1, scaled so that 93 % of the hours are 0 (seed 5). 5 weekly windows, 168 h. What the true rates would have said
  is scored beside the forecasters: nobody can do better but by luck.
- short: the geant series with nothing but the 48 hours before each cutoff, 24 h; `short_full` is the same with all that
  was before. A cutoff within an outage, with less than half of the 48 hours known, is left out (2005-02-27).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import nbinom

from contracts.series import LEVELS

FIRST = pd.Timestamp("2005-02-06T15:00")
WEEK = 168
SIZE, ZEROS = 1.0, 0.93  # of the counts' distribution
SHIFTED = "r16->"
"""What this region sends grew fifteenfold within the windows, for good: its errors, scaled by its past, are most of any
mean over all series. So the set is shown without it, too.
"""
HOUR = pd.Timedelta("1h")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """What one run of a forecaster gets: rows, and windows that all series of it share.

    Attributes:
        rows: unique_id, ds, y; with the actuals of the windows.
        cutoffs: last hours seen, evenly apart.
    """

    rows: pd.DataFrame
    cutoffs: tuple[pd.Timestamp, ...]

    def series(self, cutoff: pd.Timestamp) -> list[str]:
        """Names of the series with a value up to a cutoff and one after it."""
        known = self.rows.dropna(subset=["y"])
        past = set(known.unique_id[known.ds <= cutoff])
        return sorted(past & set(known.unique_id[known.ds > cutoff]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BenchmarkSet:
    """A set of parts that are scored together, against `history`."""

    name: str
    horizon: int
    counts: bool
    parts: tuple[Part, ...]
    history: pd.DataFrame
    apart: str = ""
    truth: pd.DataFrame | None = None

    def views(self) -> Iterator[tuple[str, frozenset[str]]]:
        """All series under the set's name; and, where some stand apart, the others alone."""
        names = frozenset(self.history.unique_id.unique())
        yield self.name, names
        if self.apart:
            yield (
                f"{self.name} without {self.apart}",
                frozenset(name for name in names if not name.startswith(self.apart)),
            )


def sets(folder: Path) -> Iterator[BenchmarkSet]:
    """All sets whose source is there."""
    yield geant(folder)
    yield cloud(folder)
    yield counts()
    yield from short(folder)


def weekly(first: pd.Timestamp, count: int) -> tuple[pd.Timestamp, ...]:
    return tuple(first + WEEK * HOUR * at for at in range(count))


def matrices(folder: Path) -> pd.DataFrame:
    """GEANT, hours by pairs."""
    raw = pd.read_parquet(folder / "geant_tm_hourly_dev.parquet")
    return raw.pivot(index="ds", columns="unique_id", values="y").astype(np.float64)


def geant_rows(folder: Path) -> pd.DataFrame:
    wide = matrices(folder)
    before = wide[: pd.Timestamp("2005-02-06T15:00")].mean()
    ranked = before[before > 0].sort_values(kind="stable").index.to_list()
    chance = np.random.default_rng(11)
    pairs = [str(chance.choice(stratum)) for stratum in np.array_split(np.array(ranked, dtype=object), 40)]
    sums = wide.T.groupby([str(name).partition("->")[0] for name in wide.columns]).sum(min_count=1).T
    chosen = pd.concat([wide[pairs], sums.add_suffix("->*")], axis=1)
    return chosen.rename_axis(columns="unique_id").stack(future_stack=True).rename("y").reset_index()


def geant(folder: Path) -> BenchmarkSet:
    rows = geant_rows(folder)[["unique_id", "ds", "y"]]
    part = Part(rows=rows, cutoffs=weekly(FIRST, 5))
    return BenchmarkSet(name="geant", horizon=WEEK, counts=False, parts=(part,), history=rows, apart=SHIFTED)


def cloud(folder: Path) -> BenchmarkSet:
    rows = pd.read_parquet(folder / "ms_cloud_hourly.parquet")[["unique_id", "ds", "y"]].astype({"unique_id": str})
    spans = rows.dropna().groupby("unique_id").ds.agg(["min", "max"])
    hours = (spans["max"] - spans["min"]) // HOUR + 1
    windows = ((hours - 96) // WEEK).clip(1, 5)
    parts = []
    for (end, count), names in spans.groupby([spans["max"], windows]).groups.items():
        first = end - WEEK * HOUR * count
        parts.append(Part(rows=rows[rows.unique_id.isin(names)], cutoffs=weekly(first, count)))
    return BenchmarkSet(name="cloud", horizon=WEEK, counts=False, parts=tuple(parts), history=rows)


def counts(zones: int = 12, weeks: int = 9, seed: int = 5) -> BenchmarkSet:
    chance = np.random.default_rng(seed)
    pairs = [f"z{a:02}->z{b:02}" for a in range(zones) for b in range(zones) if a != b]
    times = pd.date_range("2026-01-05", periods=weeks * WEEK, freq="h")
    level = chance.lognormal(0.0, 1.2, len(pairs))
    peak = chance.integers(13, 21, len(pairs))
    day = np.exp(3 * np.cos((times.hour.to_numpy()[None] - peak[:, None]) * 2 * np.pi / 24) - 3)
    rate = level[:, None] * day * np.where(times.dayofweek >= 5, 0.2, 1.0)
    low, high = 1e-4, 1e3
    for _ in range(60):  # the factor that makes the expected share of zeros what is said
        middle = np.sqrt(low * high)
        zeros = ((SIZE / (SIZE + middle * rate)) ** SIZE).mean()
        low, high = (middle, high) if zeros > ZEROS else (low, middle)
    rows = pd.DataFrame({"unique_id": np.repeat(pairs, len(times)), "ds": np.tile(times, len(pairs))})
    rows["rate"] = middle * rate.reshape(-1)
    rows["y"] = chance.negative_binomial(SIZE, SIZE / (SIZE + rows.rate)).astype(np.float64)
    part = Part(rows=rows[["unique_id", "ds", "y"]], cutoffs=weekly(times[-1] - 5 * WEEK * HOUR, 5))
    truth = pd.concat(_truth(rows, cutoff) for cutoff in part.cutoffs)
    return BenchmarkSet(name="counts", horizon=WEEK, counts=True, parts=(part,), history=part.rows, truth=truth)


def _truth(rows: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Quantiles of the distribution that a window's counts were drawn from."""
    ahead = rows[(rows.ds > cutoff) & (rows.ds <= cutoff + WEEK * HOUR)]
    rate = ahead.rate.to_numpy()[:, None]
    quantiles = nbinom.ppf(np.array(LEVELS), SIZE, SIZE / (SIZE + rate))
    columns = pd.DataFrame(quantiles, columns=[f"q{level:g}" for level in LEVELS], index=ahead.index)
    return pd.concat([ahead[["unique_id", "ds"]].assign(cutoff=cutoff), columns], axis=1)


def short(folder: Path) -> Iterator[BenchmarkSet]:
    rows = geant_rows(folder)[["unique_id", "ds", "y"]]
    known = rows.dropna().ds
    cutoffs = [at for at in weekly(FIRST, 5) if known[(known > at - 48 * HOUR) & (known <= at)].nunique() >= 24]
    for name, hours in (("short", 48), ("short_full", None)):
        parts = []
        for cutoff in cutoffs:
            inside = rows.ds <= cutoff + 24 * HOUR
            if hours:
                inside &= rows.ds > cutoff - hours * HOUR
            parts.append(Part(rows=rows[inside], cutoffs=(cutoff,)))
        yield BenchmarkSet(name=name, horizon=24, counts=False, parts=tuple(parts), history=rows, apart=SHIFTED)
