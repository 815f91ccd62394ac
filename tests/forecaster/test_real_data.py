"""Real telemetry: intervals hold. All of GEANT in a minute: tests/engines/test_geant.py, which plans it as well."""

import os
from pathlib import Path

import pandas as pd
import pytest

from contracts.ports import Silent
from forecaster.backtest import BacktestSettings, run_backtest
from forecaster.batch import TIME_TYPE
from forecaster.prepare import Scope, prepare
from forecaster.sources.files import ImportOptions, read_file
from forecaster.sources.tables import Table
from forecaster.view import HistoryView, view_of, view_of_batches
from tests.forecaster.estates import history

FOLDER = os.environ.get("PRESTAGE_TEST_DATA", "")
needs_folder = pytest.mark.skipif(not FOLDER, reason="PRESTAGE_TEST_DATA names no folder: real telemetry not tested")


def geant(regions: int) -> HistoryView:
    options = ImportOptions(table=Table.TRAFFIC, unit="kbps", timezone="UTC")
    rows = read_file(Path(FOLDER) / "geant_tm_hourly_dev.parquet", options)
    wanted = [f"r{number:02}" for number in range(1, regions + 1)]
    ends = rows.measurements["subject"].str.split("->", expand=True)
    inside = ends[0].isin(wanted) & ends[1].isin(wanted)
    return view_of(rows.measurements[inside], rows.requests)


def services(hours: int = 720) -> HistoryView:
    """Services whose last `hours` are all there, moved to end together."""
    raw = pd.read_parquet(Path(FOLDER) / "ms_cloud_hourly.parquet")
    frames = []
    for name, rows in raw.dropna().groupby("unique_id", observed=True):
        recent = rows.sort_values("ds").tail(hours)
        if len(recent) == hours and (recent.y > 0).mean() > 0.5:
            times = pd.Series(pd.date_range("2026-01-05", periods=hours, freq="h", tz="UTC")).astype(TIME_TYPE)
            frame = pd.DataFrame({"time": times, "value": recent.y.clip(lower=0).to_numpy(dtype="float64")})
            frames.append(frame.assign(kind="users", subject=f"{name}@fra", covered=1.0))
    return history(*frames)


@needs_folder
def test_geant_slice():
    """Eight points of presence, 64 pairs: a forecast by the same rules as any other, bursts and outage included."""
    view = geant(regions=8)
    report = run_backtest(view, BacktestSettings(environment="geant"), Silent())
    best = report.best()
    assert best is not None
    scores = best.scores
    assert 0.72 <= (scores.coverage_80 or 0) <= 0.90
    assert 0.90 <= (scores.coverage_95 or 0) <= 0.99
    assert (scores.exceeded_99 or 0) <= 0.025
    naive = next(row for row in report.rows if row.model == "seasonal_naive_24" and row.kind is None)
    assert (scores.scaled_crps or 9) < (naive.scores.scaled_crps or 0)
    said = [item.what for item in prepare(view, Scope()).treatments]
    assert any("2005-02-2" in what for what in said)  # the outage that the data set's notes name


@needs_folder
def test_services_of_a_cloud():
    report = run_backtest(services(), BacktestSettings(environment="cloud"), Silent())
    best = report.best()
    assert best is not None and best.series >= 10
    assert 0.68 <= (best.scores.coverage_80 or 0) <= 0.92
    assert (best.scores.exceeded_99 or 0) <= 0.04
    assert view_of_batches([]).digest != services().digest
