"""How far actuals lay from what was said, pooled over series (pure): corrections by level, and how sure they are.

Errors come standardised (`calibration.py`), by window, series, step ahead and level; what is learned of them is a shift
of each level, in spreads, and what distances from the median are multiplied by then, for each horizon bucket.

Each kind of series teaches itself: users learn nothing from a pair whose level moved. Only a kind that has too few
scores is drawn to the median of all kinds. The fewer series there are, and the longer their errors last, the farther
all is moved outwards: of a series that is off by the same all week, a week tells one thing; of one whose errors come
and go it tells many.

What few windows share, they share by chance: all series may have been low in the only week that was looked at. Beside
the errors of m windows that share no day stand as many of their mirror images as make the part of the errors that has
a side m / (m + 1) of it: the mean of m windows, shrunk to none by a prior as wide as one window's (James and Stein
1961). What is taken from the middle is thereby given to the width.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS
from forecaster.models.model import LEVEL, MEDIAN, NORMAL
from forecaster.panel import Matrix, Steps

BUCKET_DAYS = np.array([1, 3, 7, 14, 28, 90])  # upper ends of horizon buckets
ENOUGH_SCORES = 500  # five expected beyond the 0.99 quantile
ENOUGH_WINDOWS = 4  # that share no day: scores of one window are too alike
USUAL = np.array((-4.6, -2.5, -1.9, -1.35, -0.65, -0.4, -0.2, 0, 0.05, 0.2, 0.55, 1.45, 2.6, 4.75, 8.4))
"""Seven tenths of what 48 hours usually say of each level, in spreads: the median of nine origins of GEANT before
2005-02-06. What a history too short for enough windows says is drawn to it: one window tells as much as this does.
"""
POOL_SCORES = 150  # fewer: the bucket is pooled with the others of its group
FAMILIAR = 0.9  # of daily series, the share of windows that counts: they are alike, and taught weights too
KNOWN = 1.0  # independent windows that no series at all is worth: families are off by much alike everywhere,
WORTH = 2.0  # and that one hourly series is; chosen, as the next three, on GEANT before 2005-02-06, on telemetry before
ALIKE = 0.75  # what is scored and on made series; power of the number of series: they are alike, but they are not one
LASTING = 0.25  # share of squared errors that last for a window, of which so much is said;
FLEETING = 0.03  # the least that is believed,
FADING = 1.5  # and the power with which a series is worth more where errors last less
MEANT = 1.0  # squared errors of a mean of n days are 1 + 1 / n of what nobody can know, and of what was fitted
FITTED = 2.0  # to as many by so many / n more; chosen on GEANT before 2005-02-06, on footfall and on made series
CHANCE = 1.0  # windows whose errors' common side is taken for chance
LOUD = 10.0  # spreads: an hour's error counts for no more
BLIND = 2.0  # nothing held back: all distances from the median are so many times as wide
LOWER, UPPER = LEVELS.index(0.1), LEVELS.index(0.9)


class Pooled(NamedTuple):
    """A correction by level, whether there were enough scores for the outermost, and how long errors last."""

    shift: Matrix
    wider: Matrix
    enough: bool
    lasting: float = LASTING


NOTHING_TOLD = Pooled(
    np.zeros((len(BUCKET_DAYS), len(LEVELS))), np.full((len(BUCKET_DAYS), len(LEVELS)), BLIND), enough=False
)


def buckets(ahead: Steps, day: int) -> Steps:
    """The horizon bucket of each step ahead (from 1)."""
    days_ahead = (ahead - 1) // day + 1
    bucket: Steps = np.minimum(np.searchsorted(BUCKET_DAYS, days_ahead), len(BUCKET_DAYS) - 1)
    return bucket


def widening(independent: float) -> Matrix:
    """By how much each level is moved outwards for a scale that was learned from few independent windows.

    The ratio of Student's t to the normal quantile with that many degrees of freedom, to first order: 1 + (z^2 + 1) /
    (4 n) (Abramowitz and Stegun 1964, 26.7.5).
    """
    return 1.0 + (NORMAL**2 + 1.0) / (4.0 * independent)


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Standardised errors (windows, series, steps, levels) of held-back windows, and where those begin."""

    scores: Matrix
    cutoffs: Steps
    day: int

    def at(self, steps: NDArray[np.bool_]) -> "Errors":
        """Those of some steps ahead."""
        return Errors(self.scores[:, :, steps], self.cutoffs, self.day)

    def of(self, series: NDArray[np.bool_]) -> "Errors":
        """Those of some series."""
        return Errors(self.scores[:, series], self.cutoffs, self.day)

    def known(self) -> Matrix:
        """Rows of levels whose actual is known."""
        return np.asarray(self.scores[np.isfinite(self.scores[..., 0])])

    def mirrored(self, windows: int) -> Matrix:
        """Rows with sides exchanged, so many that `windows` / (`windows` + `CHANCE`) of all has a side.

        Chosen evenly over windows and steps ahead, of all series: their order makes no difference.
        """
        sided = windows / (windows + CHANCE)
        cells = self.scores.shape[0] * self.scores.shape[2]
        wanted = round(cells * (1 - sided) / (1 + sided))
        window, step = np.divmod(np.linspace(0, cells - 1, wanted).astype(np.int64), self.scores.shape[2])
        chosen = self.scores[window, :, step]
        return np.asarray(-chosen[np.isfinite(chosen[..., 0])][:, ::-1])

    def lasting(self) -> float:
        """The share of squared errors that a series is off by from the first step of a window to the last, on average.

        The part of the variance that lies between windows (one-way layout, Fisher 1925, "Statistical methods for
        research workers", VII), with the common part of all windows, which was no more foreseen.
        """
        errors = np.clip(self.scores[..., MEDIAN], -LOUD, LOUD)
        known = np.isfinite(errors)
        count, errors = known.sum(axis=2), np.where(known, errors, 0.0)
        mean = errors.sum(axis=2) / np.maximum(count, 1)
        squares = float((errors**2).sum())
        return float((mean**2 * count).sum()) / squares if squares > 0 else LASTING

    def older(self) -> float:
        """How much less is strayed now: means knew what came before each window, fits what came before the first."""
        first, mean, now = self.cutoffs[0] / self.day, self.cutoffs.mean() / self.day, self.cutoffs[-1] / self.day + 1
        fitted = FITTED if self.day > 1 else 0.0
        return float(np.sqrt((1 + (MEANT + fitted) / now) / (1 + MEANT / mean + fitted / first)))

    def independent(self) -> int:
        """How many windows count: all that begin a day apart; of daily series only those that share no day."""
        return self.apart(self.day if self.day > 1 else self.scores.shape[2])

    def apart(self, length: int) -> int:
        """How many windows with something known begin so many steps apart."""
        count, free = 0, 0
        for cutoff in self.cutoffs[np.isfinite(self.scores[..., 0]).any(axis=(1, 2))]:
            if cutoff >= free:
                count, free = count + 1, cutoff + length
        return count


def of_kinds(errors: Errors, at: Steps, kinds: Steps) -> dict[int, Pooled]:
    """The correction of each kind: its own, half of it the median kind's where the kind has not enough scores.

    The median, for of all series together those that are many, or whose level moved, decide for kinds that did not.
    """
    names = np.unique(kinds)
    each = {int(kind): errors if len(names) == 1 else errors.of(kinds == kind) for kind in names}
    found = {kind: tables(one, at, one.lasting()) for kind, one in each.items()}
    told = [one for one in found.values() if one is not None] or [tables(errors, at, errors.lasting()) or NOTHING_TOLD]
    shift, wider = np.median([one.shift for one in told], axis=0), np.median([one.wider for one in told], axis=0)
    pooled = {}
    for kind, one in found.items():
        own = one or Pooled(shift, wider, enough=False, lasting=each[kind].lasting())
        share = 1.0 if own.enough else 0.5
        moved, as_wide = share * own.shift + (1 - share) * shift, share * own.wider + (1 - share) * wider
        pooled[kind] = own._replace(shift=moved, wider=as_wide)
    return pooled


def tables(errors: Errors, at: Steps, lasting: float) -> Pooled | None:
    """The correction of some series, shapes (buckets, levels), and whether every scored bucket had enough."""
    whole = _pool(errors, lasting)
    if whole is None:
        return None
    shift, wider = np.zeros((len(BUCKET_DAYS), len(LEVELS))), np.full((len(BUCKET_DAYS), len(LEVELS)), BLIND)
    scored, enough = np.unique(at), True
    for index in scored:
        pooled = _pool(errors.at(at == index), lasting, int(BUCKET_DAYS[index])) or whole
        shift[index], wider[index], enough = pooled.shift, pooled.wider, enough and pooled.enough
    last = int(scored[-1])
    shift[last + 1 :], wider[last + 1 :] = shift[last], wider[last]
    return Pooled(shift, wider, enough, lasting)


def _pool(errors: Errors, lasting: float, days: int = 1) -> Pooled | None:
    """The correction from all errors of a block of windows of so many days; None where there are too few for any."""
    scores, windows = errors.known(), errors.independent()
    if len(scores) < POOL_SCORES // 3:
        return None
    enough = len(scores) >= ENOUGH_SCORES and windows >= ENOUGH_WINDOWS
    if not enough and len(scores) < POOL_SCORES:
        return None
    upper = np.minimum(LEVEL * (len(scores) + 1) / len(scores), 1.0)
    wanted = np.where(LEVEL > 0.5, upper, LEVEL)
    pool = np.concatenate([scores, errors.mirrored(errors.apart(days * errors.day))])
    shift = np.array([np.quantile(pool[:, index], level) for index, level in enumerate(wanted)])
    if len(errors.cutoffs) < ENOUGH_WINDOWS and errors.day > 1:  # few of a long history are no short history
        shift = (windows * shift + USUAL) / (windows + 1)
    return Pooled(shift, _wider(errors, windows, lasting, enough), enough)


def _wider(errors: Errors, windows: int, lasting: float, enough: bool) -> Matrix:
    """What distances from the median are multiplied by; the outermost ones by more where windows are too few."""
    series = int(np.isfinite(errors.scores[..., 0]).any(axis=(0, 2)).sum())
    if errors.day == 1:
        return widening(FAMILIAR * windows if enough else windows * series**ALIKE) * errors.older()
    worth = KNOWN + WORTH * series**ALIKE * (LASTING / max(lasting, FLEETING)) ** FADING
    wider, thin = widening(worth), widening(worth * min(1.0, np.sqrt(windows / ENOUGH_WINDOWS)))
    wider[[0, -1]] = thin[[0, -1]]
    return wider * errors.older()
