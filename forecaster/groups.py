"""Which series share what held-back windows teach (pure)."""

import numpy as np
from numpy.typing import NDArray

from contracts.series import SeriesKind
from forecaster.panel import Panel, Steps

THIRDS_FROM = 15  # series of a kind from which on volumes are told apart


def kind_groups(panel: Panel) -> Steps:
    """A number for each series: its kind."""
    kinds = np.array([key.kind.value for key in panel.keys])
    groups: Steps = np.unique(kinds, return_inverse=True)[1].astype(np.int64)
    return groups


def volume_groups(panel: Panel) -> Steps:
    """A number for each series: its kind, and the third of its kind by mean volume where there are enough."""
    known = np.isfinite(panel.filled)
    mean = np.where(known, panel.filled, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    groups = np.zeros(len(panel.keys), dtype=np.int64)
    kinds = kind_groups(panel)
    first = 0
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        thirds = 3 if len(rows) >= THIRDS_FROM else 1
        rank = np.argsort(np.argsort(mean[rows], kind="stable"), kind="stable")
        groups[rows] = first + rank * thirds // len(rows)
        first += thirds
    return groups


def rows_of(panel: Panel, kind: SeriesKind) -> NDArray[np.bool_]:
    """Which series are of a kind."""
    return np.array([key.kind is kind for key in panel.keys], dtype=bool)
