"""How much an event moves demand, between what its kind did before and what was stated of it (pure).

All effects are logarithms of factors. With `x_j` what occurrence `j` of a kind did and `v_j` the noise of that:

    between kinds' occurrences   t^2 = max(0, (Q - (k - 1)) / (sum w - sum w^2 / sum w)),  w = 1 / v,
                                 Q = sum w (x - m)^2                    (DerSimonian and Laird 1986, section 3)
    the kind's mean              m = sum x / (v + t^2) / sum 1 / (v + t^2), its variance 1 / sum 1 / (v + t^2)
    the next occurrence          N(m, var m + t^2)
    with `s` stated              N(s, u^2), u^2 = how far such statements were off, and an assumption's weight
    together                     precision-weighted: the mean of both, each by 1 / variance
                                 (parametric empirical Bayes, Morris 1983, section 2)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

ASSUMED_BETWEEN = 0.2  # standard deviation between occurrences of a kind, counted as `ASSUMED_COUNT` of them
ASSUMED_STATED = 0.35  # of what was stated, beside what came: a factor of 1.4 either way, counted alike
ASSUMED_COUNT = 3
UNKNOWN = 0.25  # of an event of which nothing is known: demand may move by a quarter either way


class Gauss(NamedTuple):
    """A normal distribution of a log factor."""

    mean: float
    variance: float

    def times(self, other: "Gauss") -> "Gauss":
        """What both say together, each by its precision."""
        total = self.variance + other.variance
        if total == 0:
            return self
        mean = (self.mean * other.variance + other.mean * self.variance) / total
        return Gauss(mean, self.variance * other.variance / total)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindEffect:
    """What occurrences of a kind did, in one part of them, to one kind of series.

    Attributes:
        occurrences: how many it was learned from.
        mean: of the kind.
        next_one: of one more occurrence of it.
        stated_variance: of what is stated, beside what comes.
    """

    occurrences: int
    mean: float
    next_one: Gauss | None
    stated_variance: float

    def expected(self, stated: float | None) -> Gauss:
        """Of an occurrence for which `stated` was stated, or nothing."""
        if stated is None:
            return self.next_one or Gauss(0.0, UNKNOWN**2)
        said = Gauss(stated, self.stated_variance)
        return said.times(self.next_one) if self.next_one else said


NOTHING_LEARNED = KindEffect(occurrences=0, mean=0.0, next_one=None, stated_variance=ASSUMED_STATED**2)


def learn_kind(done: Sequence[Gauss], stated: Sequence[float | None]) -> KindEffect:
    """From what each occurrence did (with its noise) and what had been stated of it."""
    if not done:
        return NOTHING_LEARNED
    values, noise = np.array([one.mean for one in done]), np.array([one.variance for one in done])
    noise = np.maximum(noise, 1e-8)
    between = _between(values, noise)
    weights = 1.0 / (noise + between)
    mean = float((weights * values).sum() / weights.sum())
    off = [(one.mean - said) ** 2 - one.variance for one, said in zip(done, stated, strict=True) if said is not None]
    assumed = ASSUMED_COUNT * ASSUMED_STATED**2
    return KindEffect(
        occurrences=len(done),
        mean=mean,
        next_one=Gauss(mean, float(1.0 / weights.sum()) + between),
        stated_variance=max((assumed + sum(off)) / (ASSUMED_COUNT + len(off)), 1e-4),
    )


def _between(values: np.ndarray, noise: np.ndarray) -> float:
    """The variance between occurrences: that of the moments, and the assumed one for as long as there are few."""
    moments, freedom = 0.0, len(values) - 1
    if freedom:
        weights = 1.0 / noise
        centre = (weights * values).sum() / weights.sum()
        excess = (weights * (values - centre) ** 2).sum() - freedom
        moments = max(0.0, excess / (weights.sum() - (weights**2).sum() / weights.sum()))
    return float((ASSUMED_COUNT * ASSUMED_BETWEEN**2 + freedom * moments) / (ASSUMED_COUNT + freedom))
