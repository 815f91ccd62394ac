"""How many free blocks of each length are worth having ready, for requests that have not come yet.

One more block of a length is worth having when the misses that it saves outweigh the addresses that it keeps idle:
both are looked at over the hours that it is ordered for, from when it is there until the next one could be. With D
requests until it is there, and D' until the next could be, the n-th block is used in those hours with probability
P(D' >= n) - P(D >= n), and idles with one that falls from P(D < n) to P(D' < n). What stands ready already is another
question, where what is ordered takes long to come: it is worth keeping where it is for some of the hours to come,
before what is on its way is there. One price, in misses an address and
hour, is the same for all lengths, so that no idle address would save more misses in another one (the Lagrangian of
least misses for so many idle addresses; Everett 1963). With nothing on its way this is the newsvendor's rule.

Requests count as negative binomial; as Poisson where they come alone, as binomial where they are surer than that.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

MOST_BLOCKS = 10_000
"""Of one length: no forecast of requests is believed beyond that."""

_NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Requests for blocks of one size.

    Attributes:
        addresses: of one block.
        before: expected until what is ordered now is there.
        until: expected until what could be ordered next would be there; at least `before`.
        dispersion: of both: variance = mean + dispersion * mean ** 2; negative where they are surer than Poisson's.
    """

    addresses: int
    before: float
    until: float
    dispersion: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What one more block does: misses that it saves, and address-hours that it idles."""

    saves: float
    idles: float


@lru_cache(maxsize=1 << 16)
def blocks_worth_having(expected: Expected, misses_per_address_hour: float, hours: float) -> int:
    """How many blocks of a size should be there or on their way.

    Args:
        expected: requests for them.
        misses_per_address_hour: what an idle address costs in an hour, in misses.
        hours: between what is ordered now and what could be ordered next.
    """
    count = 0
    for number, worth in enumerate(each_worth(expected, hours), 1):
        if worth.saves >= max(_NEGLIGIBLE, misses_per_address_hour * worth.idles):
            count = number
    return count


@dataclass(frozen=True, slots=True)
class Ahead:
    """So many hours to come: the requests that are expected within them, and the blocks that come meanwhile."""

    hours: float
    requests: float
    dispersion: float
    coming: int


def blocks_worth_keeping(addresses: int, ahead: Sequence[Ahead], misses_per_address_hour: float) -> int:
    """How many blocks of a size that are there already should stay, as none could be had again at once.

    A block that is not needed within the next hour may be within the next ten: it is kept if what it saves until any
    of the hours looked at outweighs that it idles until then. What comes meanwhile is used after it.

    Args:
        addresses: of one block.
        ahead: the hours to look at, each from now on.
        misses_per_address_hour: what an idle address costs in an hour, in misses.
    """
    kept = 0
    for until in ahead:
        expected = Expected(addresses=addresses, before=0.0, until=until.requests, dispersion=until.dispersion)
        kept = max(kept, blocks_worth_having(expected, misses_per_address_hour, until.hours) - until.coming)
    return kept


def each_worth(expected: Expected, hours: float) -> Iterator[Worth]:
    """What the first block does, the second, and so on, until one more does next to nothing."""
    if expected.until <= 0:
        return
    before = _at_least(expected.before, expected.dispersion)
    until = _at_least(expected.until, expected.dispersion)
    for _, there, next_there in zip(range(MOST_BLOCKS), before, until, strict=False):
        if next_there < _NEGLIGIBLE:
            return
        yield Worth(max(0.0, next_there - there), expected.addresses * hours * (1 - (there + next_there) / 2))


def shared_out(wanted: Sequence[int], worths: Sequence[Sequence[Worth]], most: int) -> tuple[int, ...]:
    """Of the blocks wanted of each size, no more than so many in all: those that save most misses.

    Args:
        wanted: blocks of each size.
        worths: of each size, what each of them does.
        most: blocks in all.
    """
    if sum(wanted) <= most:
        return tuple(wanted)
    each = [
        (-worth.saves, number, size)
        for size, count in enumerate(wanted)
        for number, worth in enumerate(worths[size][:count])
    ]
    kept = [size for _, _, size in sorted(each)[:most]]
    return tuple(kept.count(size) for size in range(len(wanted)))


def dispersion_of(mean: float, variance: float) -> float:
    """The negative binomial's, by moments."""
    return (variance - mean) / mean**2 if mean > 0 else 0.0


def _at_least(mean: float, dispersion: float) -> Iterator[float]:
    """The probability of at least 1, 2, 3, ... requests, without end.

    By the recurrence of the family (a, b, 0): p(k) / p(k - 1) = a + b / k (Panjer 1981).
    """
    log_mass, a, b = _family(mean, dispersion)
    rest, number = 1.0, 0
    while True:
        rest = max(0.0, rest - math.exp(log_mass))
        yield rest if rest > _NEGLIGIBLE / 1000 else 0.0
        number += 1
        ratio = a + b / number
        log_mass += math.log(ratio) if ratio > _NEGLIGIBLE else -math.inf


def _family(mean: float, dispersion: float) -> tuple[float, float, float]:
    """The logarithm of p(0), a and b: negative binomial, Poisson, or binomial of whole trials."""
    if mean <= 0:
        return 0.0, 0.0, 0.0
    if dispersion > _NEGLIGIBLE:
        size, odds = 1 / dispersion, mean * dispersion
        a = odds / (1 + odds)
        return -size * math.log1p(odds), a, (size - 1) * a
    if dispersion < -_NEGLIGIBLE:
        trials = max(math.ceil(mean), round(-1 / dispersion))
        chance = min(mean / trials, 1 - _NEGLIGIBLE)
        a = -chance / (1 - chance)
        return trials * math.log1p(-chance), a, -(trials + 1) * a
    return -mean, 0.0, mean
