"""Tables in long form made for tests, and forecasters that stand in for the engine."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from contracts.ports import Progress
from contracts.series import LEVELS
from forecaster.long_windows import Said
from forecaster.longform import LongRows, LongTable, tidy
from forecaster.panel import Panel

MONDAY = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
HOUR = 3600


def rows(series: dict[str, tuple[int, list[float] | np.ndarray]], apart: int = HOUR, begin: int = MONDAY) -> LongRows:
    """Rows of series, each given as the step that it begins at and its values."""
    names = tuple(sorted(series))
    code = np.concatenate([np.full(len(series[name][1]), at, dtype=np.int32) for at, name in enumerate(names)])
    steps = np.concatenate([series[name][0] + np.arange(len(series[name][1])) for name in names])
    value = np.concatenate([np.asarray(series[name][1], dtype=np.float64) for name in names])
    return LongRows(source="made.parquet", names=names, code=code, seconds=begin + steps * apart, value=value)


def table(series: dict[str, tuple[int, list[float] | np.ndarray]], apart: int = HOUR) -> LongTable:
    return tidy(rows(series, apart))


def noisy(hours: int, seed: int = 0, level: float = 100.0) -> np.ndarray:
    hour = np.arange(hours)
    noise = np.random.default_rng(seed).lognormal(0, 0.2, hours)
    values: np.ndarray = level * (1.2 + np.sin(hour * np.pi / 12)) * noise
    return values


@dataclass(frozen=True, slots=True)
class DayBefore:
    """The same hour of the last day that was seen, spread by level."""

    def __call__(self, panel: Panel, steps: int, progress: Progress) -> Said:
        day = np.nan_to_num(panel.filled[:, -min(panel.day, panel.steps) :])
        centre = np.tile(day, (1, steps // day.shape[1] + 1))[:, :steps]
        quantiles = centre[:, :, None] * (0.4 + 1.2 * np.array(LEVELS))
        progress.advance("stand-in", 1)
        return Said(quantiles=quantiles, model=("day_before",) * len(panel.keys), enough=(True,) * len(panel.keys))
