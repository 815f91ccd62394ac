"""Regions' distributions out of their pairs': sums of paths beside sums of quantiles, on GEANT.

    PRESTAGE_TEST_DATA=... python -m benchmarks.forecast_coherence [--tier full] [--regions 23] [--windows 5]

All pairs of the regions are forecast at each cutoff of `benchmarks/forecast_sets.py`; paths are drawn from them and
summed to what each region sends, to what it receives, and to the total. Scored against the same sums of what came.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.forecast_scores import COLUMNS, Result, result_of, scored, table_of, table_text
from benchmarks.forecast_sets import FIRST, HOUR, WEEK, matrices, weekly
from contracts.ports import Silent
from contracts.series import SeriesKind
from forecaster.engine import EngineSettings, Tier, forecast_panel
from forecaster.longform import panel_until
from forecaster.paths import paths_within_memory, quantiles_of, sample_paths, seasonal_ranks, sums

PATHS = 400


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


def said(groups: dict[str, np.ndarray], cutoff: pd.Timestamp) -> pd.DataFrame:
    ahead = pd.date_range(cutoff, periods=WEEK + 1, freq="h")[1:]
    parts = [
        pd.DataFrame(quantiles, columns=COLUMNS).assign(unique_id=name, ds=ahead, cutoff=cutoff)
        for name, quantiles in groups.items()
    ]
    return pd.concat(parts)


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
    groups = members(list(wide.columns))
    table = table_of(long(wide))
    tops = pd.DataFrame({name: wide.iloc[:, rows].sum(axis=1, min_count=1) for name, rows in groups.items()})
    by_paths, by_quantiles, begun = [], [], time.perf_counter()
    for cutoff in weekly(FIRST, options.windows):
        step = table.grid.step(int(cutoff.timestamp()))
        panel = panel_until(table, step, np.arange(len(table.names)), SeriesKind.TRAFFIC)
        settings = EngineSettings(tier=Tier(options.tier))
        quantiles = forecast_panel(panel, WEEK, settings, Silent()).quantiles
        count = paths_within_memory(PATHS, *quantiles.shape[:2])
        drawn = sums(sample_paths(quantiles, seasonal_ranks(panel), count, seed=0), groups)
        by_paths.append(said({name: quantiles_of(paths) for name, paths in drawn.items()}, cutoff))
        by_quantiles.append(said({name: quantiles[rows].sum(axis=0) for name, rows in groups.items()}, cutoff))
        print(f"{cutoff}: {len(panel.keys)} pairs, {count} paths", file=sys.stderr, flush=True)
    took, top = time.perf_counter() - begun, table_of(long(tops[: FIRST + options.windows * WEEK * HOUR]))
    results: list[Result] = [
        result_of("sums of paths", scored(top, pd.concat(by_paths), WEEK), took),
        result_of("sums of quantiles", scored(top, pd.concat(by_quantiles), WEEK), took),
    ]
    print(f"\n{len(groups)} sums of {wide.shape[1]} pairs, {WEEK} h\n\n{table_text(results)}")


if __name__ == "__main__":
    main()
