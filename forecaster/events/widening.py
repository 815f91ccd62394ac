"""Quantiles moved by an uncertain factor (pure)."""

from statistics import NormalDist

import numpy as np

from contracts.series import LEVELS
from forecaster.panel import Matrix

NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
MIDDLE = LEVELS.index(0.5)


def moved(quantiles: Matrix, log_mean: Matrix, log_sd: Matrix) -> Matrix:
    """Quantiles of demand times a lognormal factor.

    The median is multiplied by the factor's; the distance of a level from it is the root of the squares of its own
    and of the factor's (exact for independent normal errors, and never narrower than either).

    Args:
        quantiles: (series, steps, levels), ordered.
        log_mean: (series, steps), of the logarithm of the factor.
        log_sd: its standard deviation, alike.

    Returns:
        The same shape, ordered, from 0; steps with mean and deviation 0 are left bit for bit.
    """
    scaled = quantiles * np.exp(log_mean)[..., None]
    middle = scaled[..., MIDDLE : MIDDLE + 1]
    factor = middle * np.expm1(NORMAL * log_sd[..., None])
    wider = middle + np.sign(NORMAL) * np.hypot(scaled - middle, factor)
    ordered = np.maximum.accumulate(np.maximum(wider, 0.0), axis=-1)
    same = (log_mean == 0) & (log_sd == 0)
    result: Matrix = np.where(same[..., None], quantiles, ordered)
    return result
