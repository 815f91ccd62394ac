"""What the family `lstm` sees of series at an origin, divided by their level: nothing at or after it (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS
from forecaster.models.model import TINY
from forecaster.models.profile import Profile, weekend
from forecaster.panel import Matrix, Panel, Steps

Numbers = NDArray[np.float32]

BLOCKS = {24: 28, 1: 12}  # blocks of the past that are read (days, or weeks of daily series), by steps of a day
LEVEL_DAYS = 14  # the level that all is divided by
LEAST_SPREAD = 0.02  # of the level
LARGEST = 10.0  # levels: more is cut, so that a burst does not shake the network
SHORT, LONG = Profile(14), Profile(56, 0.25, 14.0)
TENTH, HALF, NINETH = (LEVELS.index(level) for level in (0.1, 0.5, 0.9))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windowed:
    """Pasts and what is known of the steps after them, in levels of each series; unknown is 0.

    Attributes:
        past: (windows, blocks, numbers): a block's values, its share of weekend, whether it is known.
        known: (windows, steps, features): profiles, lags and the calendar of a step ahead.
        base: a plain forecast that the network corrects, (windows, steps).
        target: what happened, (windows, steps); 0 where it is not known.
        weight: of each target, 0 where it is not known.
        level: (windows), 0 where nothing was ever seen.
    """

    past: Numbers
    known: Numbers
    base: Numbers
    target: Numbers
    weight: Numbers
    level: Matrix

    def of(self, rows: Steps) -> "Windowed":
        """Some of the windows."""
        return Windowed(
            past=self.past[rows],
            known=self.known[rows],
            base=self.base[rows],
            target=self.target[rows],
            weight=self.weight[rows],
            level=self.level[rows],
        )


def window(panel: Panel, ahead: Steps, target: Matrix | None = None) -> Windowed:
    """One window of each series at the panel's end.

    Args:
        panel: what is seen.
        ahead: steps, from 1.
        target: what happened then, (series, steps), NaN where it is not known; none to predict.
    """
    level = _level(panel)
    divisor = np.where(level > TINY, level, np.nan)[:, None]
    short, long = (one.at(panel, ahead) / divisor[..., None] for one in (SHORT, LONG))
    base = np.clip(np.nan_to_num(short[..., HALF]), 0.0, LARGEST)
    happened = np.full(base.shape, np.nan) if target is None else target / divisor
    known = np.isfinite(happened)
    weight = np.where(known, (level / _spread(panel, level))[:, None], 0.0)
    lags = (_lagged(panel, ahead, unit) / divisor for unit in (panel.day, panel.week))
    of_series = [short[..., TENTH], short[..., HALF], short[..., NINETH], long[..., TENTH], long[..., HALF]]
    columns = [*of_series, long[..., NINETH], *lags, *_calendar(panel, ahead, base.shape)]
    return Windowed(
        past=_past(panel, divisor),
        known=np.stack([np.clip(np.nan_to_num(one), -LARGEST, LARGEST) for one in columns], axis=2).astype(np.float32),
        base=base.astype(np.float32),
        target=np.where(known, np.minimum(happened, LARGEST), 0.0).astype(np.float32),
        weight=np.nan_to_num(weight).astype(np.float32),
        level=level,
    )


def joined(parts: list[Windowed]) -> Windowed:
    """Windows of several origins as one."""
    return Windowed(
        past=np.concatenate([one.past for one in parts]),
        known=np.concatenate([one.known for one in parts]),
        base=np.concatenate([one.base for one in parts]),
        target=np.concatenate([one.target for one in parts]),
        weight=np.concatenate([one.weight for one in parts]),
        level=np.concatenate([one.level for one in parts]),
    )


def block_of(panel: Panel) -> int:
    """Steps that the network reads at once."""
    return panel.day if panel.day > 1 else panel.week


def _level(panel: Panel) -> Matrix:
    recent = panel.filled[:, -LEVEL_DAYS * panel.day :]
    known = np.isfinite(recent)
    level: Matrix = np.where(known, recent, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return level


def _spread(panel: Panel, level: Matrix) -> Matrix:
    """Mean change from day to day (week to week), at least a share of the level."""
    recent = panel.filled[:, -4 * panel.week :]
    lag = block_of(panel)
    change = np.abs(recent[:, lag:] - recent[:, :-lag])
    known = np.isfinite(change)
    mean = np.where(known, change, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.maximum(np.maximum(mean, LEAST_SPREAD * level), TINY))


def _past(panel: Panel, divisor: Matrix) -> Numbers:
    block, blocks = block_of(panel), BLOCKS[panel.day]
    steps = blocks * block
    begins = panel.steps - steps
    values = np.full((len(panel.keys), steps), np.nan)
    values[:, max(0, -begins) :] = panel.filled[:, max(0, begins) :]
    read = (values / divisor).reshape(-1, blocks, block)
    known = np.isfinite(read).mean(axis=2, keepdims=True)
    free = weekend(panel, np.arange(begins, panel.steps)).reshape(blocks, block).mean(axis=1)
    free = np.broadcast_to(free[None, :, None], known.shape)
    return np.concatenate([np.clip(np.nan_to_num(read), 0.0, LARGEST), free, known], axis=2).astype(np.float32)


def _lagged(panel: Panel, ahead: Steps, unit: int) -> Matrix:
    """The last known value a whole number of units before each step ahead."""
    step = panel.steps + ahead - 1 - unit * ((ahead - 1) // unit + 1)
    return np.where(step >= 0, panel.filled[:, np.maximum(step, 0)], np.nan)


def _calendar(panel: Panel, ahead: Steps, shape: tuple[int, ...]) -> list[Matrix]:
    phase = panel.phase(panel.steps + ahead - 1)
    angles = [2 * np.pi * phase / panel.week]
    angles += [2 * np.pi * order * (phase % panel.day) / panel.day for order in (1, 2, 3)] if panel.day > 1 else []
    free = (phase >= 5 * panel.day).astype(np.float64)
    columns = [wave(angle) for angle in angles for wave in (np.sin, np.cos)] + [free, np.log(ahead) / 5]
    return [np.broadcast_to(one[None, :], shape) for one in columns]
