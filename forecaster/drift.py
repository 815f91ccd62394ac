"""Whether fits have grown worse: their loss in recent windows beside that at the time of fitting (pure).

Loss is that of the first three days ahead (weeks, of daily series), scaled by each series' own change from day to day
and cut, so that one burst does not decide; and it is divided by that of the families that learn nothing on the same
windows, so that a week that is hard for everyone is no reason to fit again.
"""

import numpy as np
from numpy.typing import NDArray

from forecaster.models.model import LEVEL, TINY
from forecaster.panel import Matrix, Steps
from forecaster.windows import HeldBack, Said

LOUD = 2.0  # scales: a series' larger mean loss is cut
NEAR = 3  # days ahead (weeks, of daily series)
LEAST_DAYS = 3  # that are known; fewer say nothing: one odd day made fits of the day before look a sixth worse


def relative_losses(
    held: HeldBack, scale: Matrix, learners: NDArray[np.bool_], since: int = 0
) -> tuple[float | None, ...]:
    """Of each family its loss over the mean of those that learn nothing; none where too little is known.

    Args:
        held: what was said and what happened.
        scale: of each series; one whose scale is not above 0 says nothing.
        learners: which families learn.
        since: the first cutoff that counts.
    """
    windows = held.windows
    day = windows.day if windows.day > 1 else 7
    near = windows.ahead <= NEAR * day
    cutoffs = np.array(windows.cutoffs, dtype=np.int64)
    recent = cutoffs >= since
    nothing: tuple[float | None, ...] = (None,) * len(held.said)
    if not recent.any() or not learners.any():
        return nothing
    actual = held.actual[recent][:, :, near]
    usable = np.isfinite(actual).any(axis=2) & (scale > 0)
    steps = cutoffs[recent, None] - cutoffs[recent].min() + windows.ahead[near] - 1
    if _days(np.unique(steps[np.isfinite(actual[:, scale > 0]).any(axis=1)]), day) < LEAST_DAYS:
        return nothing
    divisor = np.where(scale > 0, scale, 1.0)
    losses = [
        float(np.minimum(_loss(actual, one[recent][:, :, near]) / divisor, LOUD)[usable].mean()) for one in held.said
    ]
    plain = [loss for loss, learns in zip(losses, learners, strict=True) if not learns]
    beside = max(float(np.mean(plain)), TINY) if plain else 1.0
    return tuple(loss / beside for loss in losses)


def _days(steps: Steps, day: int) -> int:
    """How many days some steps make: those that half as many lie in as in any."""
    counts = np.bincount(steps // day)
    return int((2 * counts >= counts.max(initial=1)).sum())


def _loss(actual: Matrix, said: Said) -> Matrix:
    """Mean loss of each window and series: pinball over levels, or of expected counts half the Poisson deviance."""
    known = np.isfinite(actual)
    seen = np.where(known, actual, 0.0)
    if said.shape[-1] == 1:
        rate = np.maximum(said[..., 0], 1e-6)
        losses = rate - seen + seen * np.log(np.where(seen > 0, seen, 1.0) / rate)
    else:
        miss = seen[..., None] - said
        losses = np.maximum(LEVEL * miss, (LEVEL - 1) * miss).mean(axis=-1)
    return np.asarray((losses * known).sum(axis=2) / np.maximum(known.sum(axis=2), 1))
