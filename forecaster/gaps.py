"""Gaps of measured series, each listed with what was done about it (pure)."""

from collections import Counter, defaultdict

import numpy as np

from contracts.forecast import Treatment
from contracts.series import SeriesKind
from forecaster.finish import times_as_wide
from forecaster.panel import Panel, length_of

WEEK_HOURS = 168  # from which on a series counts as ended
_HOW = "filled with the same hour a week before, else a day before, else the last value; not scored"


def gap_treatments(panel: Panel) -> tuple[Treatment, ...]:
    """One treatment for each gap; a gap that every series of a kind has is listed once, as `kind:*`."""
    gaps: dict[SeriesKind, dict[tuple[int, int], list[str]]] = defaultdict(lambda: defaultdict(list))
    for row, key in enumerate(panel.keys):
        for gap in _gaps(panel, row):
            gaps[key.kind][gap].append(str(key))
    sizes = Counter(key.kind for key in panel.keys)
    listed = []
    for kind, found in sorted(gaps.items()):
        for (first, hours), names in sorted(found.items()):
            begins = panel.end - (panel.steps - first) * length_of(panel.granularity)
            what = f"no values for {hours} h from {begins:%Y-%m-%dT%H:%MZ}: {_HOW}"
            if hours >= WEEK_HOURS and first + hours == panel.steps:
                times = float(times_as_wide(np.array(hours / WEEK_HOURS)))
                what = f"ended on {begins:%Y-%m-%dT%H:%MZ}: forecast as if it went on, {times:.1f} times as wide"
            for name in [f"{kind}:*"] if len(names) == sizes[kind] > 1 else names:
                listed.append(Treatment(series=name, what=what, hours=hours))
    return tuple(listed)


def _gaps(panel: Panel, row: int) -> list[tuple[int, int]]:
    """First step and length of each gap after the first observation, the one before the end included."""
    known = np.flatnonzero(np.isfinite(panel.observed[row]))
    if not len(known):
        return []
    bounds = np.append(known, panel.steps)
    lengths = np.diff(bounds) - 1
    return [(int(bounds[at]) + 1, int(lengths[at])) for at in np.flatnonzero(lengths)]
