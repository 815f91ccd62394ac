"""Which prefix lengths stand ready at a region, and how many blocks of each, from who is expected to ask for them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from types import MappingProxyType

from contracts.forecast import BlockShare
from planner.address_stock.depth import (
    Ahead,
    Expected,
    Worth,
    blocks_worth_having,
    blocks_worth_keeping,
    dispersion_of,
    each_worth,
    shared_out,
)

RAREST = 0.01
"""No block stands ready for a request that is less likely: above 0.99 a forecast has no evidence."""

LONG_STAY = 10.0
"""How many times as long as the mean a staged block is placed for: whoever gets it may be one of those who stay, and
these are what keeps larger blocks broken. Of 1, 3, 10 and 30, 10 left most /20s whole (`benchmarks.addresses`)."""


LOOKED_AHEAD = (1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48)
"""Times that plans are made, of which it is asked whether what is there will be needed by then."""


Length = tuple[int, int]
"""Version and prefix length."""


@dataclass(frozen=True, slots=True)
class Within:
    """Requests expected within so many hours."""

    hours: float
    mean: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRequests:
    """Requests of one ordered pair, and which blocks they ask for.

    Attributes:
        mean, variance: of those until what could be ordered next would be there.
        blocks: which of them ask for which.
        before: mean of those until what is ordered now is there.
        lulls: those within each of `hours_looked_at`; none where what is ordered is there at once.
    """

    pair: str
    mean: float
    variance: float
    blocks: tuple[BlockShare, ...]
    before: float = 0.0
    lulls: tuple[Within, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What idleness and misses cost.

    Attributes:
        usd_per_address_hour: of an IPv4 address; those of IPv6 cost nothing.
        missed_usd: one request that staging cannot meet.
        hours: until staging is replenished, from when what is ordered now is there.
        most: blocks of all lengths that may stand ready at a place.
        reserve: blocks of the largest size that is asked for that stand ready whatever they cost, beyond `most`.
    """

    usd_per_address_hour: float
    missed_usd: float
    hours: float
    most: int
    reserve: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthRequests:
    """Requests for one prefix length: as of each pair, the mean of each pair, and for how long they ask."""

    version: int
    length: int
    mean: float
    variance: float
    by_pair: dict[str, float]
    duration_hours: float
    before: float = 0.0
    lulls: tuple[Within, ...] = ()

    @property
    def key(self) -> Length:
        """Which blocks they are."""
        return self.version, self.length

    @property
    def addresses(self) -> int:
        """Of one block."""
        return 1 << ((32 if self.version == 4 else 128) - self.length)

    @property
    def placed_for_hours(self) -> float:
        """How long a block of them is thought to stay when its place is chosen, before anybody has it."""
        return LONG_STAY * max(1.0, self.duration_hours)

    @property
    def dispersion(self) -> float:
        return dispersion_of(self.mean, self.variance)

    def chance_of(self, number: int, until: Within | None = None) -> float:
        """The probability that no more than so many ask within some hours; until what is ordered next is there."""
        asked = _expected(self, until)
        worths = list(each_worth(asked, 1.0))
        return 1 - worths[number].saves if number < len(worths) else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyBlocks:
    """How many blocks of a length should be ready.

    Attributes:
        wanted: by what they are worth: those are ordered.
        count: of them, within the cap.
        stays: of those that are there already, and can be handed out, so many stay while no more are ordered.
        needed_within: the requests for which they do; None where what is ordered is there at once.
    """

    requests: LengthRequests
    wanted: int
    count: int
    stays: int
    needed_within: Within | None = None


def hours_looked_at(replenish: int, lead: int) -> tuple[int, ...]:
    """The hours within which what is there may be needed before it could be had again; none if it can at once.

    Those of the plans to come, up to when what the next one orders is there.
    """
    if not lead:
        return ()
    last = replenish + lead
    return (*(replenish * times for times in LOOKED_AHEAD if replenish * times < last), last)


def ready_blocks(
    pairs: Sequence[PairRequests], prices: Prices, coming: Mapping[Length, Sequence[float]] = MappingProxyType({})
) -> tuple[ReadyBlocks, ...]:
    """The lengths that are worth having ready at one region, by version and length, longest blocks last.

    Args:
        pairs: who asks for them.
        prices: of misses and idleness.
        coming: of blocks that are on their way, in how many hours each is there.
    """
    lengths = tuple(requests_by_length(pairs))
    worths = [_likely(requests, None, prices.hours) for requests in lengths]
    wanted = [_worth_having(requests, len(worth), prices) for requests, worth in zip(lengths, worths, strict=True)]
    counts = list(shared_out(wanted, worths, prices.most))
    stays = [_worth_keeping(requests, prices, coming.get(requests.key, ())) for requests in lengths]
    for index in _largest(lengths, worths):
        wanted[index], counts[index] = max(wanted[index], prices.reserve), max(counts[index], prices.reserve)
        stays[index] = (max(stays[index][0], prices.reserve), stays[index][1])
    return tuple(
        ReadyBlocks(
            requests=requests,
            wanted=want,
            count=count,
            stays=min(keep, max(prices.most, count)) if requests.lulls else count,
            needed_within=within,
        )
        for requests, want, count, (keep, within) in zip(lengths, wanted, counts, stays, strict=True)
        if want or keep or coming.get(requests.key)
    )


def requests_by_length(pairs: Sequence[PairRequests]) -> Iterator[LengthRequests]:
    """Each pair's requests thinned by the shares of its lengths, and added up.

    Of a count with mean m and variance v a share s has mean s m and variance s^2 (v - m) + s m.
    """
    asked = sorted({(block.version, -block.prefix_length) for pair in pairs for block in pair.blocks})
    for version, negative in asked:
        shares = [
            (pair, block)
            for pair in pairs
            for block in pair.blocks
            if (block.version, block.prefix_length) == (version, -negative)
        ]
        mean, variance = _thinned((block.share, pair.mean, pair.variance) for pair, block in shares)
        hours = sum(block.share * pair.mean * block.duration_hours for pair, block in shares)
        ahead = zip(*([(block.share, within) for within in pair.lulls] for pair, block in shares), strict=True)
        yield LengthRequests(
            version=version,
            length=-negative,
            mean=mean,
            variance=variance,
            by_pair={pair.pair: block.share * pair.mean for pair, block in shares},
            duration_hours=hours / mean if mean > 0 else 0.0,
            before=sum(block.share * pair.before for pair, block in shares),
            lulls=tuple(
                Within(each[0][1].hours, *_thinned((share, within.mean, within.variance) for share, within in each))
                for each in ahead
            ),
        )


def _thinned(counts: Iterable[tuple[float, float, float]]) -> tuple[float, float]:
    """Mean and variance of a sum of shares of counts."""
    parts = [(share * mean, share**2 * (variance - mean) + share * mean) for share, mean, variance in counts]
    return sum(mean for mean, _ in parts), sum(variance for _, variance in parts)


def _largest(lengths: Sequence[LengthRequests], worths: Sequence[Sequence[Worth]]) -> Iterator[int]:
    """Of each version, the largest blocks that are not asked for too seldom to believe in it."""
    asked = {item.version: index for index, item in enumerate(lengths) if worths[index]}  # longest prefixes first
    yield from asked.values()


def _expected(requests: LengthRequests, until: Within | None) -> Expected:
    """All requests within some hours, else all until what could be ordered next would be there."""
    mean, variance = (until.mean, until.variance) if until else (requests.mean, requests.variance)
    return Expected(addresses=requests.addresses, before=0.0, until=mean, dispersion=dispersion_of(mean, variance))


def _likely(requests: LengthRequests, until: Within | None, hours: float) -> list[Worth]:
    """What each block does that is not asked for too seldom to believe in it, the most useful one first."""
    return list(takewhile(lambda worth: worth.saves >= RAREST, each_worth(_expected(requests, until), hours)))


def _worth_having(requests: LengthRequests, likely: int, prices: Prices) -> int:
    """How many are worth ordering: between when they are there and when those ordered next would be."""
    expected = Expected(
        addresses=requests.addresses,
        before=min(requests.before, requests.mean),
        until=requests.mean,
        dispersion=requests.dispersion,
    )
    return min(likely, blocks_worth_having(expected, _idle_price(requests, prices), prices.hours))


def _worth_keeping(requests: LengthRequests, prices: Prices, coming: Sequence[float]) -> tuple[int, Within | None]:
    """How many of those that are there are worth keeping, and the requests within which hours say so."""
    most, found = 0, None
    for within in requests.lulls:
        come = sum(hours <= within.hours for hours in coming)
        ahead = Ahead(within.hours, within.mean, dispersion_of(within.mean, within.variance), come)
        kept = blocks_worth_keeping(requests.addresses, (ahead,), _idle_price(requests, prices))
        kept = min(kept, len(_likely(requests, within, within.hours)) - come)
        if kept > most:
            most, found = kept, within
    return most, found


def _idle_price(requests: LengthRequests, prices: Prices) -> float:
    """What an idle address costs in an hour, in misses; those of IPv6 cost nothing."""
    usd = prices.usd_per_address_hour if requests.version == 4 else 0.0
    if not usd:
        return 0.0
    return usd / prices.missed_usd if prices.missed_usd else math.inf
