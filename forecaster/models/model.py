"""What every model family offers: a centre and how far values stray below and above it.

Quantiles are not a model's business: calibration makes them from these three and from held-back windows, in the same
way for every family, so that no family can promise more than it kept.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from forecaster.panel import Matrix, Panel

TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Shapes (..., series, steps); all finite.

    Attributes:
        centre: the median; for counts the mean.
        below: a typical distance of values below the centre, from 0.
        above: the same above it.
    """

    centre: Matrix
    below: Matrix
    above: Matrix


class Fitted(Protocol):
    """A model that has learned what it needs."""

    def predict(self, panel: Panel, steps: int) -> Prediction:
        """The steps after the panel's end, from nothing but the panel."""
        ...


class Model(Protocol):
    """A family with its settings."""

    @property
    def name(self) -> str: ...

    def suits(self, panel: Panel) -> bool:
        """Whether the panel is long enough."""
        ...

    def fit(self, panel: Panel, steps: int) -> Fitted:
        """Learns from the panel, to predict up to `steps` steps ahead. Deterministic."""
        ...


def finite(prediction: Prediction, panel: Panel) -> Prediction:
    """The prediction with what is not known replaced by each series' own mean (0 where that is unknown too)."""
    known = np.isfinite(panel.filled)
    mean = np.where(known, panel.filled, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    centre = np.where(np.isfinite(prediction.centre), prediction.centre, mean[:, None])
    spread = [np.where(np.isfinite(side), np.maximum(side, 0.0), mean[:, None]) for side in _sides(prediction)]
    return Prediction(np.maximum(centre, 0.0), *spread)


def _sides(prediction: Prediction) -> tuple[Matrix, Matrix]:
    return prediction.below, prediction.above
