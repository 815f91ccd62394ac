"""How far apart a series' values stand at its beginning and at its end: of mixed frequencies it is said (pure)."""

import numpy as np
from numpy.typing import NDArray

Steps = NDArray[np.int64]

LOOKED_AT = 14
"""Gaps at either end of a series whose median is its usual one."""

FEWEST = 3
"""Gaps below which nothing is usual."""


def spacing_note(names: tuple[str, ...], starts: Steps, step: Steps, unit: str) -> tuple[str, ...]:
    """A note of the series that have a value only every few steps, at one end at least; nothing where none has.

    Args:
        names: of the series.
        starts: where the rows of each begin, and where those of the last end.
        step: of each row, rising within a series, each once.
        unit: what a step is: `hour`, `day`.
    """
    gaps = np.diff(step)
    first, last = starts[:-1], starts[1:] - 1  # gaps of a series lie from `first` to before `last`
    enough = np.flatnonzero(last - first >= FEWEST)
    if not len(enough):
        return ()
    first, last = first[enough], last[enough]
    begins, ends = (
        _median(gaps, first, np.minimum(first + LOOKED_AT, last)),
        _median(gaps, np.maximum(last - LOOKED_AT, first), last),
    )
    sparse = np.flatnonzero((begins > 1) | (ends > 1))
    if not len(sparse):
        return ()
    at = int(sparse[0])
    return (_told(len(sparse), len(names), names[int(enough[at])], (int(begins[at]), int(ends[at])), unit),)


def _told(count: int, of: int, name: str, apart: tuple[int, int], unit: str) -> str:
    begins, ends = (f"every {gap} {unit}s" if gap > 1 else f"every {unit}" for gap in apart)
    usual = f"a value {begins}" if begins == ends else f"a value {begins} at first and {ends} at the end"
    kind = "mixed frequencies" if count < of or begins != ends else "few values"
    return (
        f"{kind}: {count:,} of {of:,} series do not have a value every {unit}, such as {name}, which has "
        f"{usual}; {unit}s between are gaps that are filled, not known"
    )


def _median(gaps: Steps, low: Steps, high: Steps) -> Steps:
    """The lower median of the gaps of each series from `low` to before `high`."""
    at = low[:, None] + np.arange(LOOKED_AT)
    inside = at < high[:, None]
    found = np.where(inside, gaps[np.minimum(at, len(gaps) - 1)], np.iinfo(np.int64).max)
    found.sort(axis=1)
    middle = (inside.sum(axis=1) - 1) // 2
    median: Steps = found[np.arange(len(found)), middle]
    return median
