"""Thousands of odd series through the engine, by the windows of `prestage backtest`.

    python -m tests.forecaster.fuzz_backtest [--series 10000] [--seed 0] [--models NAME,...] [--tier full]

Every quantile must be finite, ordered and not below 0, and nothing may raise. On shapes that are not degenerate the
scaled CRPS must not be worse than that of a seasonal naive whose spread is that of its own errors.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from contracts.ports import Silent
from contracts.series import LEVELS, SeriesKind
from forecaster.engine import EngineSettings, Tier
from forecaster.long_engine import EngineForecaster
from forecaster.long_windows import Forecaster, Said, Window, WindowOrder, plan_long_windows, window_panel, window_rows
from forecaster.longform import LongTable
from forecaster.panel import Panel
from forecaster.tally import tally_window
from tests.forecaster.long_tables import table

Hours = np.ndarray[tuple[int], np.dtype[np.int64]]

BATCH = 100
HORIZON = 48


def wave(hour: Hours, chance: np.random.Generator) -> np.ndarray:
    """A day around a level, with noise."""
    shape: np.ndarray = 1.2 + np.sin((hour + chance.integers(24)) * np.pi / 12)
    return shape * chance.lognormal(0, 0.15, len(hour))


def outage(hour: Hours, chance: np.random.Generator) -> np.ndarray:
    begin = chance.integers(len(hour))
    return np.where((hour >= begin) & (hour < begin + 30), np.nan, wave(hour, chance))


SHAPES: dict[str, Callable[[Hours, np.random.Generator], np.ndarray]] = {
    "constant": lambda hour, chance: np.full(len(hour), chance.uniform(0, 100)),
    "zero": lambda hour, chance: np.zeros(len(hour)),
    "one spike": lambda hour, chance: np.where(hour == chance.integers(len(hour)), 1e6, 0.0),
    "counts": lambda hour, chance: chance.poisson(0.1 * wave(hour, chance)).astype(float),
    "level shift": lambda hour, chance: wave(hour, chance) * np.where(hour > len(hour) * 2 // 3, 8.0, 1.0),
    "noise": lambda hour, chance: chance.exponential(1.0, len(hour)),
    "walk": lambda hour, chance: np.abs(np.cumsum(chance.normal(0, 1, len(hour)))),
    "wave": wave,
    "gaps": lambda hour, chance: np.where(chance.random(len(hour)) < 0.3, np.nan, wave(hour, chance)),
    "outage": outage,
    "drift": lambda hour, chance: wave(hour, chance) * (1 + hour / 100),
    "sawtooth": lambda hour, chance: (hour % chance.integers(5, 50)) * chance.lognormal(0, 0.15, len(hour)),
}
JUDGED = ("wave", "gaps", "outage", "drift", "sawtooth")


@dataclass(frozen=True, slots=True)
class NaiveForecaster:
    """The value 24 hours before, with the quantiles of its own past errors."""

    def __call__(self, panel: Panel, steps: int, progress: object) -> Said:
        said = []
        for row in panel.filled:
            day = np.nan_to_num(row[-24:])
            errors = row[24:] - row[:-24]
            errors = errors[np.isfinite(errors)]
            spread = np.quantile(errors, LEVELS) if len(errors) else np.zeros(len(LEVELS))
            centre = np.tile(day, steps // len(day) + 1)[:steps]
            said.append(np.maximum(centre[:, None] + spread, 0.0))
        count = len(panel.keys)
        return Said(quantiles=np.stack(said), model=("naive",) * count, enough=(True,) * count)


def batch(chance: np.random.Generator, kinds: list[str]) -> LongTable:
    """Series of one length: 1 to 50 hours for a third of the batches, else up to eight weeks."""
    longest = int(chance.integers(1, 51)) if chance.random() < 0.33 else int(chance.integers(60, 1345))
    series = {}
    for at, kind in enumerate(kinds):
        values = SHAPES[kind](np.arange(longest + HORIZON), chance)
        series[f"s{at:03}"] = (0, values * 10.0 ** chance.uniform(-9, 15))
    return table(series)


def faults(said: Said) -> list[str]:
    """What is wrong with quantiles, by the first series that shows it."""
    quantiles = said.quantiles
    checks = {
        "not finite": ~np.isfinite(quantiles),
        "below 0": quantiles < 0,
        "not ordered": np.diff(quantiles, axis=2, prepend=quantiles[:, :, :1]) < 0,
    }
    return [f"{what}: row {int(found.any(axis=(1, 2)).argmax())}" for what, found in checks.items() if found.any()]


def crps(found: LongTable, window: Window, said: Said) -> np.ndarray:
    """Scaled CRPS of each series of a window; NaN where it has no scale."""
    rows = window_rows(found, window, HORIZON, said)
    tally = tally_window(rows, len(found.names), np.random.default_rng(0))
    return np.where(tally.windows > 0, tally.crps / np.maximum(tally.windows, 1), np.nan)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", default="")
    parser.add_argument("--tier", default="full")
    options = parser.parse_args()
    models = tuple(name for name in options.models.split(",") if name)
    engine = EngineForecaster(EngineSettings(models=models, tier=Tier(options.tier)))
    begun, wrong = time.perf_counter(), 0
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for number in range(-(-options.series // BATCH)):
        chance = np.random.default_rng([options.seed, number])
        kinds = [str(kind) for kind in chance.choice(list(SHAPES), BATCH)]
        found = batch(chance, kinds)
        order = WindowOrder(horizon=HORIZON, windows=1, apart=HORIZON)
        for window in plan_long_windows(found, order).windows:
            problems, both = run_both(engine, found, window)
            wrong += len(problems)
            for problem in problems:
                print(f"batch {number}, {found.last - int(found.step.min()) + 1} hours: {problem}", flush=True)
            for code, (ours, naive) in enumerate(zip(*both, strict=True) if both else ()):
                if np.isfinite(ours) and np.isfinite(naive):
                    scores[kinds[int(found.names[code][1:])]].append((float(ours), float(naive)))
    for kind, pairs in sorted(scores.items()):
        ours, naive = (float(np.mean(column)) for column in zip(*pairs, strict=True))
        worse = kind in JUDGED and ours > naive
        wrong += worse
        print(f"{kind:12} {len(pairs):6} series, sCRPS {ours:8.3f}, naive {naive:8.3f}{'  WORSE' if worse else ''}")
    print(f"{options.series} series, {wrong} faults, {time.perf_counter() - begun:.0f} s")
    return 1 if wrong else 0


def run_both(
    engine: Forecaster, found: LongTable, window: Window
) -> tuple[list[str], tuple[np.ndarray, np.ndarray] | None]:
    """Faults of the engine's forecast, and the scaled CRPS of both, by series."""
    panel = window_panel(found, window, SeriesKind.TRAFFIC)
    try:
        said = engine(panel, HORIZON, Silent())
    except Exception as error:  # any at all is a fault, and the next batch may show another
        return [f"{type(error).__name__}: {error}"], None
    naive = NaiveForecaster()(panel, HORIZON, Silent())
    return faults(said), (crps(found, window, said), crps(found, window, naive))


if __name__ == "__main__":
    sys.exit(main())
