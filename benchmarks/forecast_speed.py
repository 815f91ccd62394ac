"""How long a forecast takes: a demo-sized estate made here, GEANT where it is, and 1,000 series of eight weeks.

    python -m benchmarks.forecast_speed [estate geant many newborn command]

GEANT is read from the folder that PRESTAGE_TEST_DATA names, and left out where that is unset. `many` forecasts 168
hours of 1,000 series by both tiers, each in a process of its own, whose peak memory is its own; `newborn` is the first
forecast of a series with three hours of history beside 100 known ones; `command` is `prestage forecast` of an estate
with 24 pairs, start of the process included. What a forecast saves that goes on from the last one is measured by
`benchmarks.forecast_again`.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.ports import Silent
from contracts.series import Granularity, SeriesKey, SeriesKind
from forecaster.backtest import BacktestSettings, run_backtest
from forecaster.batch import REQUEST_COLUMNS, TIME_TYPE
from forecaster.engine import EngineSettings, Tier
from forecaster.long_engine import EngineForecaster
from forecaster.make import ForecastSettings, make_forecast
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


def many(count: int = 1000, weeks: int = 8) -> None:
    """Both tiers on the same series, each in a process of its own."""
    for tier in ("fast", "full"):
        subprocess.run([sys.executable, "-m", "benchmarks.forecast_speed", "panel", tier, str(count), str(weeks)])


def panel(tier: str, count: int, weeks: int) -> None:
    series = noise_panel(count, 168 * weeks)
    begun, cpu = time.perf_counter(), time.process_time()
    made = EngineForecaster(EngineSettings(tier=Tier(tier)))(series, 168, Silent())
    took, busy = time.perf_counter() - begun, time.process_time() - cpu
    assert made.quantiles.shape == (count, 168, 15)
    rates = f"{count / took:.0f} series/s ({count / busy:.0f} a second of CPU)"
    print(f"{count} series x {weeks} weeks, {tier}: {took:.1f} s, {rates}, peak {peak_mib():.0f} MiB")


def noise_panel(count: int, hours: int) -> Panel:
    """Days and weeks with noise around them."""
    chance = np.random.default_rng(3)
    observed = np.stack([_wave(chance, hours) for _ in range(count)])
    keys = tuple(SeriesKey(SeriesKind.TRAFFIC, f"s{at:04}") for at in range(count))
    end = datetime(2026, 3, 2, tzinfo=UTC)
    return Panel(keys=keys, granularity=Granularity.HOURLY, end=end, observed=observed, filled=observed)


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
        project = Project24(Path(folder), days)
        project.learn(0, 24 * days)
        print(f"prestage forecast of 24 pairs, {days} days: {project.forecast()}")


class Project24:
    """A new project with 24 pairs, whose hours are imported when they are asked for."""

    def __init__(self, folder: Path, days: int) -> None:
        self._call = [sys.executable, "-m", "prestage"]
        subprocess.run([*self._call, "init", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._call += ["--project", str(folder)]
        self.folder = folder
        chance = np.random.default_rng(5)
        self._times = pd.date_range("2026-01-05", periods=24 * days, freq="h", tz="UTC")
        pairs = list(permutations(_regions(folder), 2))[:24]
        self._waves = {pair: _wave(chance, len(self._times)) for pair in pairs}

    def learn(self, first: int, end: int) -> None:
        """Imports some hours."""
        times = self._times[first:end]
        parts = [
            pd.DataFrame({"time": times, "source": a, "destination": b, "value": wave[first:end]})
            for (a, b), wave in self._waves.items()
        ]
        rows = self.folder / "traffic.csv"
        pd.concat(parts).to_csv(rows, index=False)
        options = ["--table", "traffic", "--unit", "gbps"]
        subprocess.run([*self._call, "history", "import", rows, *options], check=True, stdout=subprocess.DEVNULL)

    def windows(self) -> dict[str, int]:
        """Sizes of the parts that held-back windows are kept in."""
        return {file.name: file.stat().st_size for file in self.folder.glob(".prestage/*/forecasts/*.windows/*")}

    def forecast(self, *options: str) -> str:
        """What the command took, start of the process included."""
        begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        told = subprocess.run([*self._call, "forecast", *options], check=True, capture_output=True, text=True).stderr
        took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return f"{took:.1f} s ({busy:.1f} s of CPU); {told.splitlines()[-1]}"


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


ROUNDS = {"estate": estate, "geant": matrices, "many": many, "newborn": newborn, "command": command}

if __name__ == "__main__":
    if sys.argv[1:2] == ["panel"]:
        panel(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        sys.exit()
    for name in sys.argv[1:] or ROUNDS:
        ROUNDS[name]()
