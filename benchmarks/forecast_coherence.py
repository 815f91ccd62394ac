"""Regions' distributions out of their pairs': sums of paths beside sums of quantiles, on GEANT.

    PRESTAGE_TEST_DATA=... python -m benchmarks.forecast_coherence [--tier full] [--regions 23] [--windows 5]

All pairs of the regions, what each region sends and receives, and the total are forecast at each cutoff of
`benchmarks/forecast_sets.py`, each by itself, by the hour for a week and by the day for four. Hours and days, pairs and
sums are then made to agree (`forecaster/coherence.py`, `coherence_days.py`). Scored against what came, by the hour, by
days of 24 hours from the cutoff that the hours reach, and by the three weeks of days after them; beside them sums of
the paths as they were drawn, sums of quantiles, and what each says by itself.
Links that several pairs share are sized as plans do it (`planner/curves.py`), by the paths and by sums of quantiles.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.forecast_scores import COLUMNS, Result, result_of, scored, table_of, table_text
from benchmarks.forecast_sets import FIRST, HOUR, WEEK, matrices, weekly
from contracts.ports import Silent
from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.coherence import Told, agree
from forecaster.coherence_days import agree_days
from forecaster.engine import EngineSettings, Tier, forecast_panel
from forecaster.longform import LongTable, panel_until
from forecaster.panel import Panel, daily
from forecaster.paths import Paths, by_days, quantiles_of
from forecaster.repairs import repair
from planner.curves import quantiles_together

DAYS, ALL_DAYS = WEEK // 24, 28
SHARED, LINKS, MOST_SHARED = (2, 4, 8, 16), 30, 200


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
    """Quantiles (names, steps, levels) as rows; a day is named by the hour that it ends with."""
    steps = quantiles.shape[1]
    ahead = pd.date_range(cutoff, periods=steps + 1, freq=freq)[1:]
    frame = pd.DataFrame(quantiles.reshape(-1, len(COLUMNS)), columns=COLUMNS)
    return frame.assign(unique_id=np.repeat(names, steps), ds=np.tile(ahead, len(names)), cutoff=cutoff)


def by_day(hours: pd.DataFrame) -> pd.DataFrame:
    """Means of 24 hours that end with the hour of the cutoffs; NaN where an hour is not known."""
    return hours.rolling(24).mean()[pd.DatetimeIndex(hours.index).hour == FIRST.hour]


def mixed(panel: Panel) -> Panel:
    """The panel with sums told apart from pairs: they are another kind of series."""
    kinds = (SeriesKind.REGION_TRAFFIC if "*" in key.subject else SeriesKind.TRAFFIC for key in panel.keys)
    keys = (SeriesKey(kind, key.subject) for kind, key in zip(kinds, panel.keys, strict=True))
    return replace(panel, keys=tuple(keys))


def summed(paths: Paths, groups: dict[int, list[int]], at: dict[int, int]) -> np.ndarray:
    """Paths (paths, sums, steps) of the groups' sums."""
    rows = ([at[member] for member in members] for members in groups.values())
    return np.stack([paths[:, each].sum(axis=1, dtype=np.float64) for each in rows], axis=1)


def tops_of(wide: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """What came in the week after a cutoff."""
    return wide.reindex(pd.date_range(cutoff, periods=WEEK + 1, freq="h")[1:])


def links(count: int, paths: Paths, quantiles: np.ndarray, came: np.ndarray) -> Iterator[tuple[float, ...]]:
    """Links that so many of the largest pairs share: how plans would size them by paths and by sums of quantiles.

    Each is (pairs, size at 0.95 by paths over that by sums, shares of hours above: paths 0.95, sums 0.95, paths 0.99,
    sums 0.99), the size being that of the hour that needs most.
    """
    chance, outer = np.random.default_rng(count), [LEVELS.index(0.95), LEVELS.index(0.99)]
    largest = np.argsort(-quantiles[:, :, LEVELS.index(0.5)].mean(axis=1), kind="stable")[:MOST_SHARED]
    for _ in range(LINKS):
        rows = chance.choice(largest, count, replace=False)
        actual, tables = came[rows].sum(axis=0), quantiles[rows]
        known = np.isfinite(actual)
        total = quantiles_together(paths[:, rows].sum(axis=1, dtype=np.float64), tables, LEVELS)[:, outer]
        added = tables.sum(axis=0)[:, outer]
        above = [float((actual > each[:, at])[known].mean()) for at in (0, 1) for each in (total, added)]
        yield count, float(total[:, 0].max() / added[:, 0].max()), *above


def links_text(shared: list[tuple[float, ...]]) -> str:
    """A Markdown table."""
    lines = ["| pairs | size at 0.95 | above 0.95 | sums' | above 0.99 | sums' |", "|" + " --- |" * 6]
    every = np.array(shared)
    for count in SHARED:
        _, size, *above = every[every[:, 0] == count].mean(axis=0)
        lines.append(f"| {count} | {size:.3f} | {' | '.join(f'{100 * share:.1f} %' for share in above)} |")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """Pairs, and the sums of them.

    Attributes:
        wide: hours by pairs.
        tops: hours by sums.
        table: of both.
        pairs: rows of pairs in the table.
        groups: rows of pairs by the row of their sum.
    """

    wide: pd.DataFrame
    tops: pd.DataFrame
    table: LongTable
    pairs: list[int]
    groups: dict[int, list[int]]

    def names(self, rows: Iterable[int]) -> list[str]:
        return [self.table.names[row] for row in rows]


def network(wide: pd.DataFrame) -> Network:
    found = members(list(wide.columns))
    tops = pd.DataFrame({name: wide.iloc[:, rows].sum(axis=1, min_count=1) for name, rows in found.items()})
    table = table_of(long(pd.concat([wide, tops], axis=1)))
    pairs = [row for row, name in enumerate(table.names) if "*" not in name]
    of = members([table.names[row] for row in pairs])
    groups = {table.names.index(name): [pairs[place] for place in rows] for name, rows in of.items()}
    return Network(wide=wide, tops=tops, table=table, pairs=pairs, groups=groups)


def told(panel: Panel, steps: int, tier: Tier) -> Told:
    quantiles = forecast_panel(panel, steps, EngineSettings(tier=tier), Silent()).quantiles
    return Told(panel=panel, steady=quantiles, quantiles=quantiles)


def window(net: Network, cutoff: pd.Timestamp, tier: Tier) -> tuple[dict[str, pd.DataFrame], list[tuple[float, ...]]]:
    """What is said at a cutoff, by who says it; and links that pairs share."""
    step = net.table.grid.step(int(cutoff.timestamp()))
    panel = repair(mixed(panel_until(net.table, step, np.arange(len(net.table.names)), SeriesKind.TRAFFIC))).panel
    hours, days = told(panel, WEEK, tier), told(daily(panel), ALL_DAYS, tier)
    drawn, raked = agree(hours, {}, 0), agree(hours, net.groups, 0, days)
    agreed = agree_days(days, hours, raked, net.groups, 0)
    at = {row: place for place, row in enumerate(net.pairs)}
    by_drawn, quantiles = summed(drawn.paths, net.groups, at), hours.quantiles
    tops, pairs = net.names(net.groups), net.names(net.pairs)
    added = np.stack([quantiles[rows].sum(axis=0) for rows in net.groups.values()])
    sums = list(net.groups)
    found = {
        "sums of raked paths": said(tops, raked.quantiles[sums], cutoff),
        "sums of paths as drawn": said(tops, quantiles_of(by_drawn), cutoff),
        "sums of quantiles": said(tops, added, cutoff),
        "sums' own forecasts": said(tops, quantiles[sums], cutoff),
        "pairs": said(pairs, quantiles[net.pairs], cutoff),
        "pairs on raked paths": said(pairs, quantiles_of(raked.paths), cutoff),
        "days of sums as drawn": said(tops, quantiles_of(by_days(by_drawn)), cutoff, "D"),
    }
    for what, names, rows in (("sums", tops, sums), ("pairs", pairs, net.pairs)):
        for how, each in ((f"days of {what}", agreed.quantiles), (f"days of {what}, their own", days.quantiles)):
            found[how] = said(names, each[rows, :DAYS], cutoff, "D")
            found[f"later {how}"] = said(names, each[rows, DAYS:], cutoff + DAYS * 24 * HOUR, "D")
    came = tops_of(net.wide, cutoff)[pairs].to_numpy().T
    return found, [one for count in SHARED for one in links(count, raked.paths, quantiles[net.pairs], came)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="full")
    parser.add_argument("--regions", type=int, default=23)
    parser.add_argument("--windows", type=int, default=5)
    options = parser.parse_args()
    folder = os.environ.get("PRESTAGE_TEST_DATA") or sys.exit("PRESTAGE_TEST_DATA names no folder")
    wide = matrices(Path(folder))
    wanted = {f"r{number:02}" for number in range(1, options.regions + 1)}
    net = network(wide[[pair for pair in wide.columns if set(pair.split("->")) <= wanted]])
    found: dict[str, list[pd.DataFrame]] = {}
    shared: list[tuple[float, ...]] = []
    begun = time.perf_counter()
    for cutoff in weekly(FIRST, options.windows):
        parts, more = window(net, cutoff, Tier(options.tier))
        shared += more
        for name, part in parts.items():
            found.setdefault(name, []).append(part)
        print(f"{cutoff}: {len(net.pairs)} pairs", file=sys.stderr, flush=True)
    took, until = time.perf_counter() - begun, FIRST + options.windows * WEEK * HOUR
    hourly = pd.concat([net.wide, net.tops], axis=1)[:until]
    of_hours, of_days = table_of(long(hourly)), table_of(long(by_day(hourly)))
    results: list[Result] = []
    for name, each in found.items():
        horizon = ALL_DAYS - DAYS if name.startswith("later") else DAYS if name.startswith("days") else WEEK
        results.append(result_of(name, scored(of_days if "days" in name else of_hours, pd.concat(each), horizon), took))
    print(
        f"\n{len(net.groups)} sums of {len(net.pairs)} pairs, {WEEK} h\n\n{table_text(results)}\n\n{links_text(shared)}"
    )


if __name__ == "__main__":
    main()
