"""Weeks of demand with the forecasts that were to be had then: one of the week, and one of each of its days."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.forecast_scores import table_of
from benchmarks.forecast_sets import FIRST, WEEK, cloud, matrices, weekly
from contracts.ports import Silent
from contracts.series import SeriesKind
from forecaster.engine import EngineSettings, Tier, forecast_panel
from forecaster.long_windows import WindowOrder, plan_long_windows
from forecaster.longform import LongTable, actuals_after, panel_until
from forecaster.panel import Matrix, Panel
from forecaster.paths import seasonal_ranks
from forecaster.repairs import repair

DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Week:
    """One week of some series.

    Attributes:
        name: of the set.
        week: quantiles as they were forecast at its beginning, (series, 168, levels).
        days: quantiles of each day as they were forecast at its beginning, of the same shape.
        ranks: of past errors, as `sample_paths` wants them, (series, past hours).
        actual: (series, 168), NaN where it is not known.
        mean: of each series over all that is known of it, above 0: what costs are divided by.
    """

    name: str
    week: Matrix
    days: Matrix
    ranks: Matrix
    actual: Matrix
    mean: Matrix


def weeks(folder: Path, tier: Tier, cache: Path | None) -> Iterator[Week]:
    """The weeks of both sets, oldest first in each part."""
    for name, part, rows, cutoffs in _parts(folder):
        table = table_of(rows)
        first = table.grid.step(int(cutoffs[0].timestamp()))
        order = WindowOrder(horizon=WEEK, windows=len(cutoffs), apart=WEEK, first_cutoff=first)
        for window in plan_long_windows(table, order).windows:
            yield _week((name, part), table, (window.cutoff, window.series), tier, cache)


def _parts(folder: Path) -> Iterator[tuple[str, int, pd.DataFrame, tuple[pd.Timestamp, ...]]]:
    wide = matrices(folder)
    sums = wide.T.groupby([str(name).partition("->")[0] for name in wide.columns]).sum(min_count=1).T
    yield "geant", 0, sums.reset_index().melt(id_vars="ds", var_name="unique_id", value_name="y"), weekly(FIRST, 5)
    for at, part in enumerate(cloud(folder).parts):
        yield "cloud", at, part.rows, part.cutoffs


def _week(
    label: tuple[str, int], table: LongTable, window: tuple[int, np.ndarray], tier: Tier, cache: Path | None
) -> Week:
    cutoff, series = window
    mean = np.array([table.value[table.code == code].mean() for code in series])
    series, mean = series[mean > 0], mean[mean > 0]
    panel = panel_until(table, cutoff, series, SeriesKind.TRAFFIC)
    kept = cache / f"{label[0]}-{label[1]}-{cutoff}-{tier}.npz" if cache else None
    if kept and kept.exists():
        with np.load(kept) as found:
            week, days = found["week"], found["days"]
    else:
        week = _said(panel, WEEK, tier)
        panels = (panel_until(table, cutoff + DAY * day, series, SeriesKind.TRAFFIC) for day in range(WEEK // DAY))
        days = np.concatenate([_said(each, DAY, tier) for each in panels], axis=1)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(kept, week=week, days=days)
    return Week(
        name=label[0],
        week=week,
        days=days,
        ranks=seasonal_ranks(panel),
        actual=actuals_after(table, cutoff, series, WEEK),
        mean=mean,
    )


def _said(panel: Panel, steps: int, tier: Tier) -> Matrix:
    return forecast_panel(repair(panel).panel, steps, EngineSettings(tier=tier), Silent()).quantiles
