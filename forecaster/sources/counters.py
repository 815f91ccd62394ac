"""Counters to rates (pure): a wrap is followed, a reset or a jump leaves its interval out.

Counters of octets are those of RFC 2863 (`ifInOctets` wraps at 2^32, `ifHCInOctets` at 2^64). After a reset nothing
is known of what was counted before it, so that the interval is left out rather than taken for little traffic.
"""

from dataclasses import dataclass

import numpy as np

from forecaster.sources.window import HOUR_S, Numbers, Seconds

BRIDGED_S = HOUR_S
"""The longest silence over which two counts still make a mean rate: over a longer one a reset may hide."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """Mean rates between neighbouring counts, per second.

    Attributes:
        begins, lengths: of the intervals, (n,), seconds.
        per_second: (n,), from 0.
        wraps: counts that went over their end.
        resets: intervals that were left out: the counter began anew, or rose faster than can be.
    """

    begins: Seconds
    lengths: Seconds
    per_second: Numbers
    wraps: int
    resets: int


def rates(times: Seconds, counts: Numbers, *, bits: int, fastest: float) -> Rates:
    """Rates of a counter.

    Args:
        times: (n,), seconds, ascending.
        counts: (n,); NaN where there is none.
        bits: it goes on from 0 after 2^bits - 1.
        fastest: more than that, per second, cannot be.
    """
    there = np.isfinite(counts) & (counts >= 0)
    times, counts = times[there], counts[there]
    begins, lengths = times[:-1], np.diff(times)
    grown = np.diff(counts)
    back = grown < 0
    grown = np.where(back, grown + 2.0**bits, grown)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_second = grown / lengths
    near = (lengths > 0) & (lengths <= BRIDGED_S)
    possible = per_second <= fastest
    kept = near & possible
    return Rates(
        begins=begins[kept],
        lengths=lengths[kept],
        per_second=per_second[kept],
        wraps=int((kept & back).sum()),
        resets=int((near & ~possible).sum()),
    )
