"""Weighted quantiles of many small samples at once (pure)."""

from collections.abc import Sequence

import numpy as np

from forecaster.panel import Matrix

ROWS = 1024  # looked at together: what is made of them on the way stays in the processor's cache


def sort_samples(samples: Matrix, *weights: Matrix) -> tuple[Matrix, ...]:
    """Samples in ascending order along the last axis, unknown (NaN) ones last with weight 0, and their weights."""
    known = np.isfinite(samples)
    values = np.where(known, samples, np.inf)
    order = np.argsort(values, axis=-1)
    ordered = [np.take_along_axis(np.where(known, weight, 0.0), order, -1) for weight in weights]
    return np.take_along_axis(values, order, -1), *ordered


def quantiles(samples: Matrix, levels: Matrix) -> Matrix:
    """Quantiles along the last axis, every known sample alike, shape (..., levels); NaN where none is known."""
    size = samples.shape[-1]
    ordered = np.sort(samples, axis=-1)  # unknown values last
    known = np.isfinite(samples).sum(axis=-1)[..., None]
    place = np.clip(levels * known - 0.5, 0.0, np.maximum(known - 1, 0))
    left = np.minimum(np.floor(place).astype(np.int64), size - 1)
    right = np.minimum(left + 1, np.maximum(known - 1, 0))
    below, above = np.take_along_axis(ordered, left, -1), np.take_along_axis(ordered, right, -1)
    return np.asarray(below + (place - left) * (above - below))


def sample_quantiles(samples: Matrix, weights: Sequence[Matrix], levels: Matrix) -> tuple[Matrix, ...]:
    """Quantiles along the last axis by each of some weights, shape (series, ..., levels).

    Linear between the middles of the cumulated weights, which is definition 5 of Hyndman and Fan 1996 for equal
    weights; beyond the outermost middles the outermost samples; NaN where every weight is 0. A few series at a time.

    Args:
        samples: (series, ..., samples), NaN where unknown.
        weights: each of a shape that goes with `samples`, alike for all series.
        levels: between 0 and 1.
    """
    series, between = len(samples), int(np.prod(samples.shape[1:-1]))
    found = tuple(np.empty((*samples.shape[:-1], len(levels))) for _ in weights)
    step = max(1, ROWS // max(between, 1))
    for first in range(0, series, step):
        some = samples[first : first + step]
        values, *sorted_weights = sort_samples(some, *weights)
        rows = values.reshape(-1, values.shape[-1])
        for into, weight in zip(found, sorted_weights, strict=True):
            said = _weighted(rows, weight.reshape(rows.shape), levels, first * between)
            into[first : first + step] = said.reshape(*some.shape[:-1], len(levels))
    return found


def _weighted(values: Matrix, weight: Matrix, levels: Matrix, first: int) -> Matrix:
    """Quantiles of sorted rows, the first of which is number `first` of all."""
    rows, size = values.shape
    middle = np.cumsum(weight, axis=1)
    total = middle[:, -1].copy()
    middle -= weight / 2
    middle /= np.maximum(total, 1e-300)[:, None]
    known = np.count_nonzero(np.isfinite(values), axis=1)
    offset = 2.0 * np.arange(first, first + rows)[:, None]  # middles lie between 0 and 1: apart by 2 all rows are one
    found = np.searchsorted((middle + offset).ravel(), (levels[None, :] + offset).ravel()).reshape(rows, len(levels))
    begins = size * np.arange(rows)[:, None]
    right = np.clip(found, begins, begins + np.maximum(known - 1, 0)[:, None])
    left = np.maximum(right - 1, begins)
    flat = middle.ravel()
    low = flat[left]
    share = np.clip((levels - low) / np.maximum(flat[right] - low, 1e-12), 0.0, 1.0)
    flat = values.ravel()
    below = flat[left]
    with np.errstate(invalid="ignore"):
        quantiles = below + share * (flat[right] - below)
    quantiles[(known == 0) | (total <= 0)] = np.nan
    return np.asarray(quantiles)
