"""Do the intervals of new pairs hold? Pairs of a matrix are left out, forecast as newborn, and compared with what came.

    python -m benchmarks.newborn FILE.parquet --cutoff 2005-02-05T00:00

FILE has unique_id (`a->b`), ds, y. Prints, for so many known pairs and hours seen, the share of hours inside the 80 and
95 % intervals and above the 0.99 quantile.
"""

import argparse
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.series import Granularity, SeriesKey, SeriesKind
from forecaster.newborn import newborn_forecasts
from forecaster.panel import Matrix, Panel, fill

KNOWN, SEEN = (500, 100, 30, 12), (0, 1, 6, 24)
LEFT_OUT, ROUNDS, AHEAD, NEEDED = 25, 6, 168, 48


def main() -> None:
    options = _options()
    table = pd.read_parquet(options.file).pivot(index="unique_id", columns="ds", values="y").sort_index()
    begin = pd.Timestamp(table.columns[0])
    cutoff = int((pd.Timestamp(options.cutoff) - begin) / pd.Timedelta(hours=1))
    world = World(names=tuple(str(name) for name in table.index), values=table.to_numpy(np.float64), cutoff=cutoff)
    print("known pairs  hours seen  in 80 %  in 95 %  above 0.99")
    for known in KNOWN:
        for seen in SEEN:
            covered = [_round(world, known, seen, turn) for turn in range(ROUNDS)]
            eighty, ninety_five, above = np.nanmean(np.concatenate(covered), axis=0)
            print(f"{known:11}  {seen:10}  {eighty:7.1%}  {ninety_five:7.1%}  {above:10.1%}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """Pairs, their hours (pairs, hours), and the first hour that is not seen."""

    names: tuple[str, ...]
    values: Matrix
    cutoff: int


def _round(world: World, known: int, seen: int, seed: int) -> Matrix:
    """Coverage of each pair that was left out, (pairs, 3)."""
    names, values, cutoff = world.names, world.values, world.cutoff
    order = np.random.default_rng(seed).permutation(len(names))
    left, kept = order[:LEFT_OUT], order[LEFT_OUT : LEFT_OUT + known]
    observed = values[:, :cutoff].copy()
    observed[left, : cutoff - seen] = np.nan
    rows = np.sort(np.concatenate([kept, left]) if seen else kept)
    panel = Panel(
        keys=tuple(_key(names[row]) for row in rows),
        granularity=Granularity.HOURLY,
        end=datetime.fromisoformat("2000-01-01T00:00+00:00"),
        observed=observed[rows],
        filled=fill(observed[rows], 24),
    )
    made = newborn_forecasts(panel, tuple(_key(names[row]) for row in left), NEEDED, AHEAD)
    return np.array(
        [_covered(one.quantiles, values[names.index(one.key.subject), cutoff : cutoff + AHEAD]) for one in made]
    )


def _covered(quantiles: Matrix, actual: Matrix) -> tuple[float, float, float]:
    known = np.isfinite(actual)
    seen, said = actual[known], quantiles[known]
    inside = [float(((seen >= said[:, low]) & (seen <= said[:, -1 - low])).mean()) for low in (3, 1)]
    return inside[0], inside[1], float((seen > said[:, -1]).mean())


def _key(name: str) -> SeriesKey:
    return SeriesKey(SeriesKind.TRAFFIC, name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--cutoff", required=True, help="first hour that is not seen: 2005-02-05T00:00")
    return parser.parse_args()


if __name__ == "__main__":
    main()
