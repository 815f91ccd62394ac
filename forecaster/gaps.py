"""Gaps of measured series, each listed with what was done about it (pure)."""

from collections import Counter, defaultdict

import numpy as np

from contracts.forecast import Treatment
from contracts.series import SeriesKind
from forecaster.finish import all_zero, times_as_wide, too_short
from forecaster.panel import Panel, length_of

WEEK_HOURS = 168  # from which on a series counts as ended
_HOW = "filled with the same hour a week before, else a day before, else the last value; not scored"


def gap_treatments(panel: Panel) -> tuple[Treatment, ...]:
    """One treatment for each gap; a gap that every series of a kind has is listed once, as `kind:*`."""
    if not panel.keys:
        return ()
    gaps: dict[SeriesKind, dict[tuple[int, int, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    short, zero = too_short(panel), all_zero(panel)  # how they are forecast is told elsewhere
    for row, key in enumerate(panel.keys):
        plain = "too little was seen of it to go on from" if short[row] else "it never was anything but 0"
        for first, hours in _gaps(panel, row):
            ended = hours >= WEEK_HOURS and first + hours == panel.steps
            how = (plain if short[row] or zero[row] else _as_if_it_went_on(hours)) if ended else ""
            gaps[key.kind][first, hours, how].append(str(key))
    sizes = Counter(key.kind for key in panel.keys)
    listed = []
    for kind, found in sorted(gaps.items()):
        for (first, hours, how), names in sorted(found.items()):
            begins = panel.end - (panel.steps - first) * length_of(panel.granularity)
            gap = f"no values for {hours} h from {begins:%Y-%m-%dT%H:%MZ}: {_HOW}"
            what = f"ended on {begins:%Y-%m-%dT%H:%MZ}: {how}" if how else gap
            for name in [f"{kind}:*"] if len(names) == sizes[kind] > 1 else names:
                listed.append(Treatment(series=name, what=what, hours=hours))
    return tuple(listed)


def _as_if_it_went_on(hours: int) -> str:
    return f"forecast as if it went on, {float(times_as_wide(np.array(hours / WEEK_HOURS))):.1f} times as wide"


def _gaps(panel: Panel, row: int) -> list[tuple[int, int]]:
    """First step and length of each gap after the first observation, the one before the end included."""
    known = np.flatnonzero(np.isfinite(panel.observed[row]))
    if not len(known):
        return []
    bounds = np.append(known, panel.steps)
    lengths = np.diff(bounds) - 1
    return [(int(bounds[at]) + 1, int(lengths[at])) for at in np.flatnonzero(lengths)]
