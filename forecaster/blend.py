"""The blend of families, quantile by quantile, with weights that follow what was right lately (pure).

Weights come from Bernstein online aggregation (Wintenberger 2017, "Optimal learning with Bernstein online aggregation";
second-order learning rates after Gaillard, Stoltz and van Erven 2014) on pinball loss, level by level as in Berrisch
and Ziel 2023, "CRPS learning". A round is one day of one window, in the order in which days became known. A fixed share
(Herbster and Warmuth 1998) keeps every family within reach. Weights are first those of all series of a group, then
those of each series, which start from its group's.

Weights suit the days that taught them better than those to come. Hours are many; of daily series, which have few,
calibration learns from errors of blends by weights that the other half of the days taught (`across`; cross-fitting,
Chernozhukov et al. 2018, "Double/debiased machine learning").
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecaster.models.model import LEVEL
from forecaster.panel import Matrix, Steps
from forecaster.windows import HeldBack, Said, Windows

HALF_LIFE_DAYS = {True: 7.0, False: 56.0}  # regrets older than this count less than half, of hourly and daily series
POWER = 2.0  # of loss over loss
SHARE = 0.02  # of the weight handed back each round
OPEN = 0.4  # of a series' first weights that is not its group's: half of it as before anything was known, half even
LEAST_RATE = 1e-6
LOUD = 2.0  # a round's mean loss above so many scales is cut: one burst must not decide


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Of every family, series and level: (families, series, levels), summing to 1 over families."""

    of: Matrix

    def blend(self, said: tuple[Said | Matrix, ...]) -> Matrix:
        """The weighted mean of what families say, shape (..., series, steps, levels)."""
        total = np.zeros(said[0].shape)
        for weight, one in zip(self.of, said, strict=True):
            total += weight[:, None, :] * one
        return total


def learn_weights(held: HeldBack, scale: Matrix, groups: Steps, prior: Matrix) -> Weights:
    """Weights after every known day of the held-back windows.

    Args:
        held: what was said and what happened.
        scale: that losses of each series are divided by; a series whose scale is not above 0 teaches nothing.
        groups: the group of each series.
        prior: of each family, its weight where nothing was held back, summing to 1.
    """
    levels = held.said[0].shape[-1]
    begin = np.repeat(prior[:, None], levels, axis=1)
    start = np.repeat(begin[:, None, :], len(scale), axis=1)
    rounds = _rounds(held, scale)
    if len(prior) == 1 or not len(rounds.losses):
        return Weights(start)
    for group in np.unique(groups):
        rows = groups == group
        learned = _aggregate(_mean(rounds.losses[:, :, rows], axis=2), rounds.kept, begin, begin)
        start[:, rows] = ((1 - OPEN) * learned + OPEN / 2 * (begin + 1.0 / len(prior)))[:, None, :]
    home, start = start, start * _plain_worse(rounds)
    return Weights(_aggregate(rounds.losses, rounds.kept, start / start.sum(axis=0), home))


def across(held: HeldBack, taught_by: Callable[[HeldBack], Weights]) -> Matrix:
    """What was said, the older and the newer half of all days each blended by what the other half taught.

    Args:
        held: what was said and what happened.
        taught_by: weights that what was held back teaches.
    """
    when = np.array([held.windows.known_at(window) for window in range(len(held.windows.cutoffs))])
    known = when[np.isfinite(held.actual).any(axis=1)]
    newer = when > np.median(known) if known.size else np.zeros(when.shape, dtype=bool)
    by_older, by_newer = (
        taught_by(replace(held, actual=np.where(half[:, None], np.nan, held.actual))).blend(held.said)
        for half in (newer, ~newer)
    )
    return np.asarray(np.where(newer[:, None, :, None], by_older, by_newer))


def _plain_worse(rounds: "_Rounds") -> Matrix:
    """A factor on first weights, (families, series, 1): the power of each family's loss over the best one's.

    Aggregation is cautious where rounds are few; a family that was off several times as far as another need not wait
    (weights by inverse discounted losses, Stock and Watson 2004, "Combination forecasts of output growth").
    """
    age = np.concatenate([np.cumsum(np.log(rounds.kept[:0:-1]))[::-1], [0.0]])
    weight = np.exp(age)[:, None, None]
    loss = rounds.losses.mean(axis=3)
    known = np.isfinite(loss)
    total = (np.where(known, loss, 0.0) * weight).sum(axis=0) / np.maximum((known * weight).sum(axis=0), 1e-12)
    best = total.min(axis=0)
    ratio = np.where(best > 0, total / np.where(best > 0, best, 1.0), 1.0)
    return np.asarray(ratio[..., None] ** -POWER)


class _Rounds(NamedTuple):
    """Scaled losses (rounds, families, series, levels), NaN where nothing was known; what is kept of older regrets."""

    losses: Matrix
    kept: Matrix


def _rounds(held: HeldBack, scale: Matrix) -> _Rounds:
    usable = np.where(scale > 0, scale, np.nan)
    rounds, moments = [], []
    for moment, window, days in _days(held.windows):
        actual = held.actual[window][:, days]
        if not np.isfinite(actual).any():
            continue
        loss = np.stack([_loss(actual, one[window][:, days]) for one in held.said]) / usable[:, None]
        loud = np.maximum(1.0, loss.mean(axis=(0, 2)) / LOUD)
        rounds.append(loss / loud[None, :, None])
        moments.append(moment)
    if not rounds:
        return _Rounds(np.empty((0, 0)), np.empty(0))
    days_between = np.diff(moments, prepend=moments[0]) / held.windows.day
    return _Rounds(np.stack(rounds), 0.5 ** (days_between / HALF_LIFE_DAYS[held.windows.day > 1]))


def _days(windows: Windows) -> list[tuple[int, int, NDArray[np.bool_]]]:
    """When a day of a window was known, the window, and which steps ahead it has; in the order of becoming known."""
    label = (windows.ahead - 1) // windows.day
    found = [
        (cutoff + (int(day) + 1) * windows.day, window, label == day)
        for window, cutoff in enumerate(windows.cutoffs)
        for day in np.unique(label)
    ]
    return sorted(found, key=lambda one: one[:2])


def _loss(actual: Matrix, said: Said) -> Matrix:
    """Mean loss of each series and level over steps, NaN where none is known: pinball, or of counts the deviance."""
    known = np.isfinite(actual)
    seen = np.where(known, actual, 0.0)[..., None]
    if said.shape[-1] == 1:
        rate = np.maximum(said, LEAST_RATE)
        losses = rate - seen * np.log(rate)
    else:
        losses = np.maximum(LEVEL * (seen - said), (LEVEL - 1) * (seen - said))
    count = known.sum(axis=1)[:, None]
    return np.asarray(np.where(count > 0, (losses * known[..., None]).sum(axis=1) / np.maximum(count, 1), np.nan))


def _mean(values: Matrix, axis: int) -> Matrix:
    """Mean of what is known; NaN of nothing."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.asarray(np.where(count > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan))


def _aggregate(losses: Matrix, kept: Matrix, start: Matrix, home: Matrix) -> Matrix:
    """Bernstein online aggregation of `losses` (rounds, families, ...) from the weights `start` (families, ...)."""
    weights, families = start, len(start)
    regret, squares, largest = np.zeros(start.shape), np.zeros(start.shape), np.full(start.shape[1:], 1e-12)
    for loss, keep in zip(losses, kept, strict=True):
        regret, squares = keep * regret, keep * squares
        loss = np.where(np.isfinite(loss).all(axis=0), loss, 0.0)
        gain = (weights * loss).sum(axis=0) - loss
        largest = np.maximum(largest, np.abs(gain).max(axis=0))
        squares = squares + gain**2
        rate = np.minimum(0.5 / largest, np.sqrt(np.log(families) / np.maximum(squares, 1e-300)))
        regret = regret + gain * (1.0 - rate * gain)
        score = np.log(np.maximum(start, 1e-300)) + rate * regret
        weights = np.exp(score - score.max(axis=0))
        weights = (1 - SHARE) * weights / weights.sum(axis=0) + SHARE * home
    return weights
