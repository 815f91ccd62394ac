"""What past events did: demand beside the same hours of neighbouring weeks that no event touched (pure).

Of one event, one kind of series and one part of the event, the effect is the median over series and hours of the
logarithm of that ratio. Its noise is measured the same way: the same hours some days earlier and later, when there was
no event (placebo windows), so that it holds however alike hours and series are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.series import SeriesKind
from forecaster.events.footprint import LAG, LEAD, Footprint
from forecaster.events.shrinkage import Gauss
from forecaster.panel import Matrix, Panel, Steps

WEEKS, LONG_WEEKS = 4, 12  # neighbouring weeks on either side; of an event that lasts longer than one
LEAST_NEIGHBOURS = 2
PLACEBO_DAYS = tuple(day for back in range(1, 15) for day in (-back, back))
LEAST_PLACEBOS = 4
FLOOR_SHARE = 0.01  # of a series' median, added to both sides of a ratio: hours of almost nothing tell nothing
SMALLEST = 1e-290  # the logarithm of less is none
UNTOLD = 0.5  # standard deviation of a contrast for which nothing can be compared


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What one event did to one kind of series in one of its parts, for a strength of 1.

    Attributes:
        footprint: which one.
        effect: of all series of the kind.
        rows, own: series, and how far each one's own effect lies from that; NaN where it is not known.
    """

    footprint: int
    kind: SeriesKind
    part: int
    effect: Gauss
    rows: Steps
    own: Matrix


def seen_effects(panel: Panel, past: Sequence[Footprint]) -> tuple[Seen, ...]:
    """Every effect that can be seen; one without neighbours to compare with is left out."""
    if not past:
        return ()
    touched = np.zeros(panel.observed.shape, dtype=bool)
    windows = {footprint.event.kind: touched.copy() for footprint in past}
    for footprint in past:
        if not _is_long(footprint, panel):
            touched[np.ix_(footprint.rows, footprint.steps)] = True
            inside = footprint.steps[(footprint.parts != LEAD) & (footprint.parts != LAG)]
            windows[footprint.event.kind][np.ix_(footprint.rows, inside)] = True
    logs = _logs(panel.observed)
    kinds = np.array([key.kind for key in panel.keys])
    found = []
    for index, footprint in enumerate(past):
        for kind in sorted(set(kinds[footprint.rows])):
            rows = footprint.rows[kinds[footprint.rows] == kind]
            others = [windows[other][rows] for other in windows if other is not footprint.event.kind]
            view = _View(
                panel=panel,
                logs=logs[rows],
                touched=touched[rows],
                others=np.any([np.zeros(touched[rows].shape, dtype=bool), *others], axis=0),
                footprint=footprint,
            )
            found += [seen for part in np.unique(footprint.parts) if (seen := view.seen(index, kind, int(part), rows))]
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """Series of one kind around one event, (rows, steps): logarithms, and what short events touched.

    Attributes:
        others: what lay in the windows of other kinds.
    """

    panel: Panel
    logs: Matrix
    touched: NDArray[np.bool_]
    others: NDArray[np.bool_]
    footprint: Footprint

    def seen(self, index: int, kind: SeriesKind, part: int, rows: Steps) -> Seen | None:
        steps = self.footprint.steps[self.footprint.parts == part]
        ratios = self._ratios(steps)
        alone = np.where(self.others[:, steps], np.nan, ratios)  # hours that tell of this event only
        ratios = alone if np.isfinite(alone).any() else ratios
        if not np.isfinite(ratios).any():
            return None
        strength = self.footprint.event.strength
        own = median(ratios, axis=1) / strength
        effect = float(np.median(own[np.isfinite(own)]))
        return Seen(
            footprint=index,
            kind=kind,
            part=part,
            effect=Gauss(effect, self._noise(steps) / strength**2),
            rows=rows,
            own=own - effect,
        )

    def _noise(self, steps: Steps) -> float:
        """The variance of the same median at other days."""
        placebos = []
        for day in PLACEBO_DAYS:
            shifted = steps + day * self.panel.day
            inside = (shifted >= 0) & (shifted < self.panel.steps)
            if not inside.all() or self.touched[:, shifted].any():
                continue
            own = median(self._ratios(shifted), axis=1)
            if np.isfinite(own).any():
                placebos.append(float(np.median(own[np.isfinite(own)])))
        if len(placebos) < LEAST_PLACEBOS:
            return UNTOLD**2
        return float(np.mean(np.square(placebos)))

    def _ratios(self, steps: Steps) -> Matrix:
        """Logarithms beside the median of the neighbours': (rows, steps), NaN where there are too few."""
        blocked, weeks = self.touched, WEEKS
        if _is_long(self.footprint, self.panel):
            blocked, weeks = blocked.copy(), LONG_WEEKS
            blocked[:, self.footprint.steps] = True
        neighbours = []
        for week in range(1, weeks + 1):
            for at in (steps - week * self.panel.week, steps + week * self.panel.week):
                inside = (at >= 0) & (at < self.panel.steps)
                clipped = np.clip(at, 0, self.panel.steps - 1)
                free = inside & ~blocked[:, clipped]
                neighbours.append(np.where(free, self.logs[:, clipped], np.nan))
        around = np.stack(neighbours, axis=-1)
        enough = np.isfinite(around).sum(axis=-1) >= LEAST_NEIGHBOURS
        ratios: Matrix = np.where(enough, self.logs[:, steps] - median(around, axis=-1), np.nan)
        return ratios


def median(values: Matrix, axis: int) -> Matrix:
    """The median of what is finite, NaN where nothing is; without numpy's warning."""
    ordered = np.sort(values, axis=axis)  # NaN last
    size, finite = values.shape[axis], np.isfinite(values)
    if size and finite.all():
        whole: Matrix = (ordered.take((size - 1) // 2, axis=axis) + ordered.take(size // 2, axis=axis)) / 2
        return whole
    count = finite.sum(axis=axis, keepdims=True)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    high = np.minimum(high, np.maximum(count - 1, 0))
    ends = [np.take_along_axis(ordered, at, axis=axis).squeeze(axis) for at in (low, high)]
    middle: Matrix = np.where(count.squeeze(axis) > 0, (ends[0] + ends[1]) / 2, np.nan)
    return middle


def _is_long(footprint: Footprint, panel: Panel) -> bool:
    return len(footprint.steps) > panel.week


def _logs(observed: Matrix) -> Matrix:
    logs: Matrix = np.log(observed + least(observed)[:, None])
    return logs


def least(observed: Matrix) -> Matrix:
    """What counts as nothing in each series: a hundredth of the median of what is not zero."""
    usual = np.nan_to_num(median(np.where(observed > 0, observed, np.nan), axis=1), nan=1.0)
    share: Matrix = np.maximum(FLOOR_SHARE * usual, SMALLEST)
    return share
