"""What every model family offers, and what it may see: a panel, and nothing after its end (pure).

A family says quantiles; the engine corrects them by what held-back windows showed and blends them, in the same way for
every family, so that none can promise more than it kept. Families of counts say the expected count instead.

A package of one's own adds a family with an entry point of the group `prestage.forecast_models`, whose value is a
function `(granularity, seed) -> Family`.
"""

from enum import StrEnum
from statistics import NormalDist
from typing import Protocol

import numpy as np

from contracts.series import LEVELS
from forecaster.panel import Matrix, Panel, Steps

TINY = 1e-12
LEVEL = np.array(LEVELS)
NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
MEDIAN = LEVELS.index(0.5)


class Says(StrEnum):
    """What a family's predictions are."""

    QUANTILES = "quantiles"  # (series, steps, levels), in the unit of the series
    MEAN = "mean"  # (series, steps, 1), the expected count


class Fitted(Protocol):
    """A family that has learned what it needs."""

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        """What is said of some steps after the panel's end (from 1), from nothing but the panel; all finite."""
        ...


class Family(Protocol):
    """A model family with its settings."""

    @property
    def name(self) -> str: ...

    @property
    def says(self) -> Says: ...

    def suits(self, panel: Panel) -> bool:
        """Whether the panel is long enough."""
        ...

    def fit(self, panel: Panel, steps: int) -> Fitted:
        """Learns from the panel, to predict up to `steps` steps ahead. Deterministic."""
        ...


def finite(said: Matrix, panel: Panel) -> Matrix:
    """Predictions with what is not known replaced by each series' own mean (0 where that is unknown too), from 0."""
    known = np.isfinite(panel.filled)
    mean = np.where(known, panel.filled, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.maximum(np.where(np.isfinite(said), said, mean[:, None, None]), 0.0))


def spread(centre: Matrix, below: Matrix, above: Matrix) -> Matrix:
    """Quantiles of two halves of a normal distribution: for families that know a centre and a deviation each way."""
    sides = np.where(NORMAL < 0, below[..., None], above[..., None])
    return np.asarray(centre[..., None] + NORMAL * sides)
