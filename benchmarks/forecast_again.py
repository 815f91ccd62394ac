"""What a forecast saves that goes on from the last one: an hour, six hours and a day later.

    python -m benchmarks.forecast_again [estate geant many command]

Each later forecast is made anew, from kept fits alone, and from fits and windows. `estate` is demo-sized, GEANT is read
from the folder that PRESTAGE_TEST_DATA names, and left out where that is unset; `many` is 1,000 series of eight weeks,
168 hours ahead, without documents; `command` is `prestage forecast` of 24 pairs, start of the process included.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.forecast_speed import Project24, demo_sized, geant, noise_panel
from contracts.forecast import ForecastBundle
from contracts.ports import Silent
from forecaster.engine import EngineSettings, PanelForecast, Tier, forecast_panel
from forecaster.make import ForecastSettings, Made, go_on_forecasting
from forecaster.panel import Panel
from forecaster.state import Left
from forecaster.state_windows import InMemory, Kept
from forecaster.view import HistoryView
from prestage.forecast_numbers import numbers_to_bytes
from prestage.memory import peak_mib

MIB = 2**20


def states(name: str, history: HistoryView) -> None:
    """CPU of a forecast by new fits and by what was kept, and how far their quantiles lie apart."""
    end = history.measurements["time"].max().to_pydatetime() + timedelta(hours=1)
    first, cpu = _made(history, ForecastSettings(environment="speed", origin=end - timedelta(hours=25)))
    fits, windows = len(first.state.fits) / MIB, _size(first.windows)
    print(f"{name}: {len(first.bundle.document.series)} series, {cpu:.1f} s of CPU; {fits:.1f} MiB of fits", end=", ")
    print(f"{windows:.1f} MiB of windows kept")
    for hours in (1, 6, 24):
        settings = ForecastSettings(environment="speed", origin=end - timedelta(hours=25 - hours))
        fresh, anew = _made(history, settings)
        by_fits, slow = _made(history, _with(settings, first, windows=False))
        kept, fast = _made(history, _with(settings, first, windows=True))
        same = all(np.array_equal(said, by_fits.bundle.values[key]) for key, said in kept.bundle.values.items())
        why = f" ({'; '.join(kept.refitted)})" if kept.refitted else ""
        print(
            f"  {hours:2} h later: {anew:.1f} s anew, {slow:.1f} s by fits, {fast:.1f} s by fits and windows{why}",
            end="",
        )
        print(f"; {_apart(fresh.bundle, kept.bundle):.1%} from new fits; {'the same bytes' if same else 'OTHER BYTES'}")


def _size(windows: Mapping[str, Kept]) -> float:
    """What windows take on the disk, in MiB."""
    return sum(len(numbers_to_bytes(said)) for said in windows.values()) / MIB


def _with(settings: ForecastSettings, first: Made, *, windows: bool) -> ForecastSettings:
    return replace(settings, state=first.state, kept=InMemory(first.windows if windows else {}))


def _made(history: HistoryView, settings: ForecastSettings) -> tuple[Made, float]:
    begun, now = time.process_time(), datetime(2026, 3, 1, tzinfo=UTC)
    made = go_on_forecasting(history, settings, made_at=now, seconds=time.perf_counter, progress=Silent())
    return made, time.process_time() - begun


def _apart(one: ForecastBundle, other: ForecastBundle) -> float:
    """The median over series of the mean distance of quantiles, as a share of their mean."""
    means = [
        np.abs(values - other.values[key]).mean() / max(values.mean(), 1e-12) for key, values in one.values.items()
    ]
    return float(np.median(means))


def many(count: int = 1000, weeks: int = 8) -> None:
    for tier in Tier:
        panel, end = noise_panel(count, 168 * weeks + 24), 168 * weeks
        first, cpu = _panel(panel.until(end), tier, Left())
        size = _size(first.windows)
        print(f"{count} series x {weeks} weeks, {tier.value}: {cpu:.1f} s of CPU, {size:.1f} MiB of windows kept")
        for hours in (1, 24):
            later = panel.until(end + hours)
            anew = _panel(later, tier, Left())[1]
            by_fits, slow = _panel(later, tier, Left(state=first.state))
            kept, fast = _panel(later, tier, Left(state=first.state, windows=InMemory(first.windows)))
            assert kept.quantiles.tobytes() == by_fits.quantiles.tobytes()
            print(f"  {hours:2} h later: {anew:.1f} s anew, {slow:.1f} s by fits, {fast:.1f} s by fits and windows")
    print(f"  peak {peak_mib():.0f} MiB")


def _panel(panel: Panel, tier: Tier, left: Left) -> tuple[PanelForecast, float]:
    begun = time.process_time()
    made = forecast_panel(panel, 168, EngineSettings(tier=tier), Silent(), left)
    return made, time.process_time() - begun


def command(days: int = 57) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Project24(Path(folder), days)
        hours = 24 * (days - 1)
        project.learn(0, hours)
        print(f"prestage forecast of 24 pairs, {days - 1} days: {project.forecast()}; {_kept(project, {})}")
        for more in (1, 24):
            before = project.windows()
            project.learn(hours, hours + more)
            print(f"  {more:2} h later: {project.forecast()}; {_kept(project, before)}")
        print(f"  --refit: {project.forecast('--refit')}")


def _kept(project: Project24, before: Mapping[str, int]) -> str:
    """What lies in the folder of windows, and how much of it was not there before."""
    now = project.windows()
    new = sum(size for name, size in now.items() if name not in before)
    return f"{sum(now.values()) / 1e6:.1f} MB of windows, {new / 1e6:.1f} MB of them written now"


def estate() -> None:
    states("demo-sized, 60 days", demo_sized(60))


def matrices() -> None:
    if folder := os.environ.get("PRESTAGE_TEST_DATA"):
        states("GEANT, 529 pairs", geant(Path(folder)))


ROUNDS = {"estate": estate, "geant": matrices, "many": many, "command": command}

if __name__ == "__main__":
    for name in sys.argv[1:] or ROUNDS:
        ROUNDS[name]()
