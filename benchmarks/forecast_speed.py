"""How long a forecast with its back-test takes: a demo-sized estate made here, and GEANT where it is.

    python benchmarks/forecast_speed.py

GEANT is read from the folder that PRESTAGE_TEST_DATA names, and left out where that is unset.
"""

import os
import resource
import time
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.ports import Silent
from forecaster.backtest import BacktestSettings, run_backtest
from forecaster.batch import REQUEST_COLUMNS, TIME_TYPE
from forecaster.make import ForecastSettings, make_forecast
from forecaster.sources.files import ImportOptions, read_file
from forecaster.sources.tables import Table
from forecaster.view import HistoryView, view_of, view_of_batches

REGIONS = ("ams", "fra", "iad", "lhr", "nrt", "sfo")


def demo_sized(days: int, seed: int = 7) -> HistoryView:
    """Six regions: 24 utilisation series, 24 of services, 30 pairs with traffic and requests."""
    chance = np.random.default_rng(seed)
    times = pd.date_range("2026-01-05", periods=24 * days, freq="h", tz="UTC").astype(TIME_TYPE)
    pairs = [f"{a}->{b}" for a, b in permutations(REGIONS, 2)]
    names = [(kind, region) for kind in ("cpu", "memory", "storage", "bandwidth") for region in REGIONS]
    names += [(k, f"{s}@{r}") for k in ("users", "transactions") for s in ("web", "mail") for r in REGIONS]
    names += [("traffic", pair) for pair in pairs]
    frames = [
        pd.DataFrame({"kind": kind, "subject": subject, "time": times, "value": _wave(chance, len(times))})
        for kind, subject in names
    ]
    requests = pd.DataFrame({"time": np.repeat(times, chance.poisson(2.0, len(times)))})
    picked = chance.integers(0, len(pairs), len(requests))
    requests["source"], requests["destination"] = zip(*(pairs[at].split("->") for at in picked), strict=True)
    requests = requests.assign(ordinal=np.arange(len(requests)), vcpu=4.0, memory_gib=16.0, storage_gib=100.0)
    requests = requests.assign(gbps=1.0, addresses=16.0, duration_hours=24.0)
    return view_of(pd.concat(frames).assign(covered=1.0), requests[list(REQUEST_COLUMNS)])


def _wave(chance: np.random.Generator, hours: int) -> np.ndarray:
    hour = np.arange(hours)
    shape = 1 + 0.5 * np.sin(hour * 2 * np.pi / 24) + 0.2 * np.sin(hour * 2 * np.pi / 168)
    return chance.uniform(5, 500) * shape * chance.lognormal(0, 0.15, hours)


def geant(folder: Path) -> HistoryView:
    options = ImportOptions(table=Table.TRAFFIC, unit="kbps", timezone="UTC")
    return view_of_batches([read_file(folder / "geant_tm_hourly_dev.parquet", options)])


def measure(name: str, history: HistoryView) -> None:
    begun, cpu = time.perf_counter(), time.process_time()
    made_at = datetime(2026, 3, 1, tzinfo=UTC)
    settings = ForecastSettings(environment="speed")
    bundle = make_forecast(history, settings, made_at=made_at, seconds=time.perf_counter, progress=Silent())
    took, busy = time.perf_counter() - begun, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {len(bundle.document.series)} series, {took:.1f} s ({busy:.1f} s of CPU), peak {peak:.0f} MB")
    for score in bundle.document.models:
        print(f"  {score.granularity.value:7}{score.model:20}{score.scores.model_dump()}")
    begun = time.perf_counter()
    report = run_backtest(history, BacktestSettings(environment="speed"), Silent())
    best = report.best()
    print(f"  back-test alone {time.perf_counter() - begun:.1f} s; chosen: {best.scores if best else None}")
    for row in report.rows:
        if row.chosen:
            print(f"    {row.granularity.value:7}{row.kind!s:18}{row.model:20}{row.scores.model_dump()}")


if __name__ == "__main__":
    measure("demo-sized, 60 days", demo_sized(60))
    if folder := os.environ.get("PRESTAGE_TEST_DATA"):
        measure("GEANT, 529 pairs", geant(Path(folder)))
