"""How long a forecast takes: a demo-sized estate made here, GEANT where it is, and 1,000 series of eight weeks.

    python -m benchmarks.forecast_speed [estate geant state many newborn command]

GEANT is read from the folder that PRESTAGE_TEST_DATA names, and left out where that is unset. `many` forecasts 168
hours of 1,000 series by both tiers, each in a process of its own, whose peak memory is its own; `newborn` is the first
forecast of a series with three hours of history beside 100 known ones; `command` is `prestage forecast` of an estate
with 24 pairs, start of the process included. `state` forecasts the estate and GEANT, then again an hour, six hours and
a day later, by models fitted anew and by those of the first forecast.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.forecast import ForecastBundle
from contracts.forecast_state import StateBundle
from contracts.ports import Silent
from contracts.series import Granularity, SeriesKey, SeriesKind
from forecaster.backtest import BacktestSettings, run_backtest
from forecaster.batch import REQUEST_COLUMNS, TIME_TYPE
from forecaster.engine import EngineSettings, Tier, forecast_panel
from forecaster.make import ForecastSettings, Made, go_on_forecasting, make_forecast
from forecaster.newborn import newborn_forecasts
from forecaster.panel import Panel, fill
from forecaster.sources.files import ImportOptions, read_file
from forecaster.sources.tables import Table
from forecaster.view import HistoryView, view_of, view_of_batches
from prestage.memory import peak_mib

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


def states(name: str, history: HistoryView) -> None:
    """CPU of a forecast by new fits and by kept ones, and how far their quantiles lie apart."""
    end = history.measurements["time"].max().to_pydatetime() + timedelta(hours=1)
    first, cpu = _made(history, end - timedelta(hours=25), None)
    size = len(first.state.fits) / 2**20
    print(f"{name}: {len(first.bundle.document.series)} series, {cpu:.1f} s of CPU, {size:.1f} MiB kept")
    for hours in (1, 6, 24):
        origin = end - timedelta(hours=25 - hours)
        (fresh, anew), (kept, again) = (_made(history, origin, state) for state in (None, first.state))
        why = f" ({'; '.join(kept.refitted)})" if kept.refitted else ""
        apart = _apart(fresh.bundle, kept.bundle)
        print(f"  {hours:2} h later: {anew:.1f} s of CPU anew, {again:.1f} s by what was kept{why}; {apart:.1%} apart")


def _made(history: HistoryView, origin: datetime, state: StateBundle | None) -> tuple[Made, float]:
    begun = time.process_time()
    settings = ForecastSettings(environment="speed", origin=origin, state=state)
    made = go_on_forecasting(history, settings, made_at=origin, seconds=time.perf_counter, progress=Silent())
    return made, time.process_time() - begun


def _apart(one: ForecastBundle, other: ForecastBundle) -> float:
    """The median over series of the mean distance of quantiles, as a share of their mean."""
    means = [
        np.abs(values - other.values[key]).mean() / max(values.mean(), 1e-12) for key, values in one.values.items()
    ]
    return float(np.median(means))


def many(count: int = 1000, weeks: int = 8) -> None:
    """Both tiers on the same series, each in a process of its own."""
    for tier in ("fast", "full"):
        subprocess.run([sys.executable, "-m", "benchmarks.forecast_speed", "panel", tier, str(count), str(weeks)])


def panel(tier: str, count: int, weeks: int) -> None:
    chance = np.random.default_rng(3)
    observed = np.stack([_wave(chance, 168 * weeks) for _ in range(count)])
    keys = tuple(SeriesKey(SeriesKind.TRAFFIC, f"s{at:04}") for at in range(count))
    end = datetime(2026, 3, 2, tzinfo=UTC)
    series = Panel(keys=keys, granularity=Granularity.HOURLY, end=end, observed=observed, filled=observed)
    begun, cpu = time.perf_counter(), time.process_time()
    made = forecast_panel(series, 168, EngineSettings(tier=Tier(tier)), Silent())
    took, busy = time.perf_counter() - begun, time.process_time() - cpu
    assert made.quantiles.shape == (count, 168, 15)
    rates = f"{count / took:.0f} series/s ({count / busy:.0f} a second of CPU)"
    print(f"{count} series x {weeks} weeks, {tier}: {took:.1f} s, {rates}, peak {peak_mib():.0f} MiB")


def newborn(known: int = 100, turns: int = 20) -> None:
    chance = np.random.default_rng(4)
    observed = np.stack([_wave(chance, 168 * 8) for _ in range(known + 1)])
    observed[-1, :-3] = np.nan
    names = [f"z{at // 11:02}->z{at % 11:02}" for at in range(known + 1)]
    keys = tuple(SeriesKey(SeriesKind.TRAFFIC, name) for name in names)
    series = Panel(
        keys=keys, granularity=Granularity.HOURLY, end=datetime(2026, 3, 2, tzinfo=UTC), observed=observed,
        filled=fill(observed, 24),
    )  # fmt: skip
    took, busy = [], []
    for _ in range(turns):
        begun, cpu = time.perf_counter(), time.process_time()
        assert len(newborn_forecasts(series, keys[-1:], 48, 168)) == 1
        took.append(1000 * (time.perf_counter() - begun))
        busy.append(1000 * (time.process_time() - cpu))
    median = f"median {np.median(took):.0f} ms ({np.median(busy):.0f} ms of CPU)"
    print(f"first forecast of a new pair beside {known}: {median}, of {turns}")


def command(days: int = 56) -> None:
    """`prestage forecast` of 24 pairs: traffic of eight weeks."""
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "prestage"]
        subprocess.run([*call, "init", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        regions = _regions(Path(folder))
        chance = np.random.default_rng(5)
        times = pd.date_range("2026-01-05", periods=24 * days, freq="h", tz="UTC")
        pairs = list(permutations(regions, 2))[:24]
        parts = [
            pd.DataFrame({"time": times, "source": a, "destination": b, "value": _wave(chance, len(times))})
            for a, b in pairs
        ]
        rows = Path(folder) / "traffic.csv"
        pd.concat(parts).to_csv(rows, index=False)
        imports = [*call, "--project", folder, "history", "import", str(rows), "--table", "traffic", "--unit", "gbps"]
        subprocess.run(imports, check=True, stdout=subprocess.DEVNULL)
        begun = time.perf_counter()
        subprocess.run([*call, "--project", folder, "forecast"], check=True, stdout=subprocess.DEVNULL)
        print(f"prestage forecast of {len(pairs)} pairs, {days} days: {time.perf_counter() - begun:.1f} s wall")


def _regions(folder: Path) -> list[str]:
    """Regions of the new project's environment."""
    from contracts.environment import Environment
    from contracts.yaml_files import read_yaml_document

    file = next((folder / "environments").glob("*.yaml"))
    return [region.name for region in read_yaml_document(Environment, file).regions]


def estate() -> None:
    measure("demo-sized, 60 days", demo_sized(60))


def matrices() -> None:
    if folder := os.environ.get("PRESTAGE_TEST_DATA"):
        measure("GEANT, 529 pairs", geant(Path(folder)))


def both() -> None:
    states("demo-sized, 60 days", demo_sized(60))
    if folder := os.environ.get("PRESTAGE_TEST_DATA"):
        states("GEANT, 529 pairs", geant(Path(folder)))


ROUNDS = {"estate": estate, "geant": matrices, "state": both, "many": many, "newborn": newborn, "command": command}

if __name__ == "__main__":
    if sys.argv[1:2] == ["panel"]:
        panel(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        sys.exit()
    for name in sys.argv[1:] or ROUNDS:
        ROUNDS[name]()
