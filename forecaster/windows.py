"""Held-back windows (pure): what families would have said at earlier origins, beside what then happened."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecaster.panel import Matrix, Panel, Steps

Said = NDArray[np.float32]

MAX_WINDOWS = 14  # of hourly series a fortnight of daily origins
LEAST_DAYS = 1  # seen before an origin
FEW_SERIES, FEW_DAYS_APART = (
    8,
    3,
)  # of fewer series, origins are farther apart where history is long: days tell the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is held back.

    Attributes:
        many: of more series than this fewer windows are looked at: what they tell is pooled anyway.
        fewer: so many,
        days_apart: and so far apart.
        cells: of windows, series and steps; more are thinned. A family's quantiles of them take 60 bytes each.
    """

    many: int
    fewer: int
    days_apart: int
    cells: int


FULL = Effort(many=200, fewer=7, days_apart=2, cells=400_000)
FAST = Effort(many=0, fewer=4, days_apart=3, cells=80_000)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Origins held back, oldest first, and the steps after each that are looked at.

    Attributes:
        cutoffs: origins, in steps from the panel's beginning.
        ahead: steps ahead, from 1, ascending; in a large panel not every one.
        day: steps of a day.
    """

    cutoffs: tuple[int, ...]
    ahead: Steps
    day: int

    @property
    def reach(self) -> int:
        """How far the windows look."""
        return int(self.ahead[-1]) if len(self.ahead) else 0

    def known_at(self, window: int) -> Steps:
        """For each step ahead of a window, how many steps of the panel must have been seen for it to be known."""
        known: Steps = self.cutoffs[window] + self.ahead
        return known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldBack:
    """What was said and what happened.

    Attributes:
        windows: the origins.
        said: of each family, (windows, series, steps, levels).
        actual: (windows, series, steps); NaN where it is not known, or the series was too young to be forecast.
    """

    windows: Windows
    said: tuple[Said, ...]
    actual: Matrix

    def known_in(self, panel: Panel) -> "HeldBack":
        """The same with what happened as a panel knows it, which may end before the windows do."""
        return HeldBack(windows=self.windows, said=self.said, actual=actuals(panel, self.windows))


def plan_windows(panel: Panel, steps: int, effort: Effort = FULL, anchor: int | None = None) -> Windows:
    """Origins in the newer two thirds of the panel.

    They lie whole windows' distances from those of a panel that ends at the `anchor`, a step (the panel's end by
    default): so new steps leave them where they were, and as long as they were, until there is room for the next.

    Those of hourly series are the newest, a day apart (three, of a few series with a long history), down to the one
    that only a day is known of; those of daily ones are spread, because windows of weeks that begin a day apart tell
    the same. A panel of less than three days (or two weeks of days) has none.
    """
    day = panel.day
    first = max(LEAST_DAYS * day if day > 1 else panel.week, panel.steps // 3)
    last = panel.steps - (day if day > 1 else min(steps, panel.week, max(1, (panel.steps - first) // 2)))
    many = len(panel.keys) > effort.many
    alone = FEW_DAYS_APART if len(panel.keys) < FEW_SERIES else 1
    few, days_apart = (effort.fewer, effort.days_apart) if many else (MAX_WINDOWS, alone)
    days_apart = max(1, min(days_apart, (last - first) // (day * (few - 1))))
    apart = day * days_apart if day > 1 else max(1, (last - first) // (few - 1))
    newer = (panel.steps - anchor) % apart if anchor is not None else 0
    last -= newer
    if last < first or not panel.keys:
        return Windows(cutoffs=(), ahead=np.arange(0), day=day)
    cutoffs = tuple(reversed(range(last, first - 1, -apart)[:few]))
    reach = min(steps, panel.steps - newer - cutoffs[0])
    wanted = effort.cells // (len(cutoffs) * len(panel.keys))
    return Windows(cutoffs=cutoffs, ahead=_thinned(reach, wanted, day), day=day)


def _thinned(reach: int, wanted: int, day: int) -> Steps:
    """Every step up to `reach`, or about `wanted` of them by a stride that meets every hour of the day alike."""
    stride = max(1, -(-reach // max(wanted, 1)))
    while stride > 1 and any(stride % factor == 0 and day > 1 for factor in (2, 3)):
        stride += 1
    return np.arange(min(stride, reach), reach + 1, stride)


def actuals(panel: Panel, windows: Windows) -> Matrix:
    """What happened in each window, shape (windows, series, steps); nothing is known of what lies after the panel."""
    beyond = max((*windows.cutoffs, panel.steps)) + windows.reach - panel.steps
    padded = np.pad(panel.observed, ((0, 0), (0, beyond)), constant_values=np.nan)
    seen = np.cumsum(np.isfinite(padded), axis=1)
    rows = []
    for cutoff in windows.cutoffs:
        old_enough = seen[:, cutoff - 1] >= (0.75 * LEAST_DAYS * panel.day if panel.day > 1 else panel.week)
        rows.append(np.where(old_enough[:, None], padded[:, cutoff + windows.ahead - 1], np.nan))
    return np.stack(rows)
