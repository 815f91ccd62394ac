"""Regions' distributions out of their pairs': sums of paths beside sums of quantiles, on GEANT.

    PRESTAGE_TEST_DATA=... python -m benchmarks.forecast_coherence [--tier full] [--regions 23] [--windows 5]

All pairs of the regions, what each region sends and receives, and the total are forecast at each cutoff of
`benchmarks/forecast_sets.py`, each by itself. Paths of the pairs are raked to what the sums say (`forecaster/
coherence.py`) and summed. Scored against the same sums of what came, by the hour and by days of 24 hours from the
cutoff; beside them sums of the paths as they were drawn, sums of quantiles, the sums' own forecasts, and the pairs.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.forecast_scores import COLUMNS, Result, result_of, scored, table_of, table_text
from benchmarks.forecast_sets import FIRST, HOUR, WEEK, matrices, weekly
from contracts.ports import Silent
from contracts.series import SeriesKey, SeriesKind
from forecaster.coherence import agree_on
from forecaster.engine import EngineSettings, Tier, forecast_panel
from forecaster.longform import panel_until
from forecaster.panel import Panel
from forecaster.paths import Paths, by_days, quantiles_of, sums

DAYS = WEEK // 24


def long(wide: pd.DataFrame) -> pd.DataFrame:
    stacked = wide.rename_axis(index="ds", columns="unique_id").stack(future_stack=True)
    return stacked.rename("y").reset_index()[["unique_id", "ds", "y"]]


def members(pairs: list[str]) -> dict[str, list[int]]:
    """Rows of the pairs that each sum is of."""
    groups: dict[str, list[int]] = {"*->*": list(range(len(pairs)))}
    for row, pair in enumerate(pairs):
        source, _, destination = pair.partition("->")
        groups.setdefault(f"{source}->*", []).append(row)
        groups.setdefault(f"*->{destination}", []).append(row)
    return groups


def said(names: list[str], quantiles: np.ndarray, cutoff: pd.Timestamp, freq: str = "h") -> pd.DataFrame:
    """Quantiles (names, steps, levels) as rows; a day is named by the cutoff that it begins after."""
    steps = quantiles.shape[1]
    ahead = pd.date_range(cutoff, periods=steps + 1, freq=freq)[1:]
    frame = pd.DataFrame(quantiles.reshape(-1, len(COLUMNS)), columns=COLUMNS)
    return frame.assign(unique_id=np.repeat(names, steps), ds=np.tile(ahead, len(names)), cutoff=cutoff)


def by_day(tops: pd.DataFrame) -> pd.DataFrame:
    """Sums of 24 hours that end with the hour of the cutoffs; NaN where an hour is not known."""
    hours = pd.DatetimeIndex(tops.index)
    return tops.rolling(24).sum()[hours.hour == FIRST.hour]


def mixed(panel: Panel) -> Panel:
    """The panel with sums told apart from pairs: they are another kind of series."""
    kinds = (SeriesKind.REGION_TRAFFIC if "*" in key.subject else SeriesKind.TRAFFIC for key in panel.keys)
    keys = (SeriesKey(kind, key.subject) for kind, key in zip(kinds, panel.keys, strict=True))
    return replace(panel, keys=tuple(keys))


def summed(paths: Paths, groups: dict[int, list[int]], at: dict[int, int]) -> np.ndarray:
    """Paths (paths, sums, steps) of the groups' sums."""
    places = {str(row): [at[member] for member in members] for row, members in groups.items()}
    return np.stack(list(sums(paths, places).values()), axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="full")
    parser.add_argument("--regions", type=int, default=23)
    parser.add_argument("--windows", type=int, default=5)
    options = parser.parse_args()
    folder = os.environ.get("PRESTAGE_TEST_DATA") or sys.exit("PRESTAGE_TEST_DATA names no folder")
    wide = matrices(Path(folder))
    wanted = {f"r{number:02}" for number in range(1, options.regions + 1)}
    wide = wide[[pair for pair in wide.columns if set(pair.split("->")) <= wanted]]
    tops = pd.DataFrame(
        {name: wide.iloc[:, rows].sum(axis=1, min_count=1) for name, rows in members(list(wide.columns)).items()}
    )
    table = table_of(long(pd.concat([wide, tops], axis=1)))
    pairs = [row for row, name in enumerate(table.names) if "*" not in name]
    at = {row: place for place, row in enumerate(pairs)}
    of = members([table.names[row] for row in pairs])
    groups = {table.names.index(name): [pairs[place] for place in rows] for name, rows in of.items()}
    names = [table.names[row] for row in groups]
    found: dict[str, list[pd.DataFrame]] = {}
    begun = time.perf_counter()
    for cutoff in weekly(FIRST, options.windows):
        step = table.grid.step(int(cutoff.timestamp()))
        panel = mixed(panel_until(table, step, np.arange(len(table.names)), SeriesKind.TRAFFIC))
        quantiles = forecast_panel(panel, WEEK, EngineSettings(tier=Tier(options.tier)), Silent()).quantiles
        raked = agree_on(panel, quantiles, quantiles, groups, seed=0)
        drawn = agree_on(panel, quantiles, quantiles, {}, seed=0)
        totals = summed(raked.paths, groups, at)
        hours = {
            "sums of raked paths": quantiles_of(totals),
            "sums of paths as drawn": quantiles_of(summed(drawn.paths, groups, at)),
            "sums of quantiles": np.stack([quantiles[rows].sum(axis=0) for rows in groups.values()]),
            "sums' own forecasts": quantiles[list(groups)],
        }
        days = {"days of raked paths": quantiles_of(by_days(totals, total=True))}
        days["days of paths as drawn"] = quantiles_of(by_days(summed(drawn.paths, groups, at), total=True))
        for name, one in hours.items():
            found.setdefault(name, []).append(said(names, one, cutoff))
        for name, one in days.items():
            found.setdefault(name, []).append(said(names, one, cutoff, "D"))
        found.setdefault("pairs", []).append(said([table.names[row] for row in pairs], quantiles[pairs], cutoff))
        of_paths = quantiles_of(raked.paths)
        found.setdefault("pairs on raked paths", []).append(said([table.names[row] for row in pairs], of_paths, cutoff))
        print(f"{cutoff}: {len(pairs)} pairs, {len(raked.paths)} paths", file=sys.stderr, flush=True)
    took, until = time.perf_counter() - begun, FIRST + options.windows * WEEK * HOUR
    of_hours, of_days = table_of(long(tops[:until])), table_of(long(by_day(tops[:until])))
    results: list[Result] = []
    for name, parts in found.items():
        truth = table if name.startswith("pairs") else of_days if name.startswith("days") else of_hours
        results.append(result_of(name, scored(truth, pd.concat(parts), DAYS if truth is of_days else WEEK), took))
    print(f"\n{len(groups)} sums of {len(pairs)} pairs, {WEEK} h\n\n{table_text(results)}")


if __name__ == "__main__":
    main()
