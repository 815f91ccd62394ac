"""Mixtures of two forecasts by quantiles (pure): either comes true, with some probability.

A mean of quantiles is as narrow as its parts however far these lie apart; the distribution of a mixture, F = w F_a +
(1 - w) F_b, has both (the linear opinion pool, Stone 1961).
"""

import numpy as np
from numpy.typing import NDArray

from forecaster.models.model import LEVEL, NORMAL
from forecaster.panel import Matrix

REACH = 3.2  # normal scores up to which distributions are looked at
POINTS = 81  # evenly apart on the scale of normal scores

_SCORES = np.linspace(-REACH, REACH, POINTS)
_DENSITY = np.exp(-(_SCORES**2) / 2)


def mixture(first: Matrix, second: Matrix, share: Matrix) -> Matrix:
    """Quantiles of what is the `first` with probability `share`, else the `second`.

    Args:
        first: (series, steps, levels), ordered, from 0.
        second: of the same shape.
        share: of each series, 0 to 1.
    """
    values = np.concatenate([_values(first), _values(second)], axis=-1)
    half = np.broadcast_to(_DENSITY / _DENSITY.sum(), (len(share), POINTS))
    weights = np.concatenate([share[:, None] * half, (1 - share)[:, None] * half], axis=-1)
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, -1)
    weight = np.take_along_axis(np.broadcast_to(weights[:, None, :], values.shape), order, -1)
    below = np.cumsum(weight, axis=-1) - weight / 2
    right = np.clip(_first_above(below), 1, values.shape[-1] - 1)
    low, high = (np.take_along_axis(below, at, -1) for at in (right - 1, right))
    part = np.clip((LEVEL - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    least, most = (np.take_along_axis(ordered, at, -1) for at in (right - 1, right))
    return np.asarray(least + part * (most - least))


def _first_above(below: Matrix) -> NDArray[np.int64]:
    """Of each level, how many points lie below it; shape (..., levels)."""
    return np.stack([(below < level).sum(axis=-1) for level in LEVEL], axis=-1)


def _values(quantiles: Matrix) -> Matrix:
    """Values at `_SCORES`, straight between levels on the scale of normal scores and beyond the outermost."""
    right = np.clip(np.searchsorted(NORMAL, _SCORES), 1, len(NORMAL) - 1)
    part = (_SCORES - NORMAL[right - 1]) / (NORMAL[right] - NORMAL[right - 1])
    return np.asarray(np.maximum(quantiles[..., right - 1] * (1 - part) + quantiles[..., right] * part, 0.0))
