"""Weighted quantiles of many small samples at once (pure)."""

import numpy as np

from forecaster.panel import Matrix


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


def weighted_quantiles(samples: Matrix, weights: Matrix, levels: Matrix) -> Matrix:
    """Quantiles along the last axis, shape (..., levels); NaN where every weight is 0.

    Linear between the middles of the cumulated weights, which is definition 5 of Hyndman and Fan 1996 for equal
    weights; beyond the outermost middles the outermost samples.

    Args:
        samples: sorted as `sort_samples` leaves them.
        weights: of the same shape, from 0.
        levels: between 0 and 1.
    """
    size = samples.shape[-1]
    rows = samples.size // size if size else 0
    values, weight = samples.reshape(rows, size), weights.reshape(rows, size)
    summed = np.cumsum(weight, axis=1)
    total = summed[:, -1]
    middle = (summed - weight / 2) / np.maximum(total, 1e-300)[:, None]
    known = np.count_nonzero(np.isfinite(values), axis=1)
    offset = 2.0 * np.arange(rows)[:, None]  # each row's middles lie between 0 and 1: apart by 2 all rows are one
    found = np.searchsorted((middle + offset).ravel(), (levels[None, :] + offset).ravel()).reshape(rows, len(levels))
    right = np.clip(found - size * np.arange(rows)[:, None], 0, np.maximum(known - 1, 0)[:, None])
    left = np.maximum(right - 1, 0)
    low, high = np.take_along_axis(middle, left, 1), np.take_along_axis(middle, right, 1)
    share = np.clip((levels - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    below, above = np.take_along_axis(values, left, 1), np.take_along_axis(values, right, 1)
    with np.errstate(invalid="ignore"):
        quantiles = below + share * (above - below)
    quantiles[(known == 0) | (total <= 0)] = np.nan
    return np.asarray(quantiles.reshape(*samples.shape[:-1], len(levels)))
