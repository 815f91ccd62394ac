"""What every model family offers, and what it may see: a panel, and nothing after its end (pure).

A family says quantiles; the engine corrects them by what held-back windows showed and blends them, in the same way for
every family, so that none can promise more than it kept. Families of counts say the expected count instead.

A package of one's own adds a family with an entry point of the group `prestage.forecast_models`, whose value is a
function `(granularity, seed) -> Family`.
"""

import io
from collections.abc import Mapping
from enum import StrEnum
from statistics import NormalDist
from typing import Protocol, runtime_checkable
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

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


@runtime_checkable
class KeptFit(Protocol):
    """A fitted family that can be kept until the next forecast."""

    def kept(self) -> bytes:
        """All that was learned, never empty; the same fit gives the same bytes."""
        ...


@runtime_checkable
class KeepingFamily(Protocol):
    """A family whose fits can be kept. One that learns nothing, or has no such methods, is fitted at every forecast."""

    def restored(self, kept: bytes) -> Fitted:
        """The fit whose `kept` gave these bytes.

        Raises:
            ValueError: they are not of such a fit.
        """
        ...


@runtime_checkable
class InTwoSteps(Protocol):
    """A fitted family that predicts in two steps: the first takes the work, and what it finds takes little room."""

    def outline(self, panel: Panel, ahead: Steps) -> Matrix:
        """All that takes work, (series, numbers)."""
        ...

    def in_full(self, outline: Matrix, panel: Panel, ahead: Steps) -> Matrix:
        """What `predict` says.

        Raises:
            ValueError: it is no outline of such a prediction.
        """
        ...


def arrays_to_bytes(arrays: Mapping[str, NDArray[np.floating]]) -> bytes:
    """Arrays by name in numpy's own form."""
    sink = io.BytesIO()
    np.savez(sink, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return sink.getvalue()


def arrays_from_bytes(kept: bytes) -> dict[str, NDArray[np.floating]]:
    """What `arrays_to_bytes` was given.

    Raises:
        ValueError: they are no such bytes.
    """
    try:
        with np.load(io.BytesIO(kept), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise ValueError("what was kept is not of a fit") from error


def finite(said: Matrix, panel: Panel) -> Matrix:
    """Predictions with what is not known replaced by each series' own mean (0 where that is unknown too), from 0."""
    fine = np.isfinite(said)
    if fine.all():
        return np.asarray(np.maximum(said, 0.0))
    known = np.isfinite(panel.filled)
    mean = np.where(known, panel.filled, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.maximum(np.where(fine, said, mean[:, None, None]), 0.0))


def spread(centre: Matrix, below: Matrix, above: Matrix) -> Matrix:
    """Quantiles of two halves of a normal distribution: for families that know a centre and a deviation each way."""
    sides = np.where(NORMAL < 0, below[..., None], above[..., None])
    return np.asarray(centre[..., None] + NORMAL * sides)
