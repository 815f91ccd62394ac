"""Which prefix lengths stand ready at a region, and how many blocks of each, from who is expected to ask for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from contracts.forecast import BlockShare
from planner.address_stock.depth import Expected, Worth, dispersion_of, each_worth, shared_out

RAREST = 0.01
"""No block stands ready for a request that is less likely: above 0.99 a forecast has no evidence."""

LONG_STAY = 10.0
"""How many times as long as the mean a staged block is placed for: whoever gets it may be one of those who stay, and
these are what keeps larger blocks broken. Of 1, 3, 10 and 30, 10 left most /20s whole (`benchmarks.addresses`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRequests:
    """Requests of one ordered pair until staging is replenished, and which blocks they ask for."""

    pair: str
    mean: float
    variance: float
    blocks: tuple[BlockShare, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What idleness and misses cost.

    Attributes:
        usd_per_address_hour: of an IPv4 address; those of IPv6 cost nothing.
        missed_usd: one request that staging cannot meet.
        hours: until staging is replenished.
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
    """Requests for one prefix length: mean and variance, the mean of each pair, and for how long they ask."""

    version: int
    length: int
    mean: float
    variance: float
    by_pair: dict[str, float]
    duration_hours: float

    @property
    def addresses(self) -> int:
        """Of one block."""
        return 1 << ((32 if self.version == 4 else 128) - self.length)

    @property
    def placed_for_hours(self) -> float:
        """How long a block of them is thought to stay when its place is chosen, before anybody has it."""
        return LONG_STAY * max(1.0, self.duration_hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyBlocks:
    """How many blocks of a length should be ready: `wanted` by what they are worth, `count` of them within the cap."""

    requests: LengthRequests
    wanted: int
    count: int


def ready_blocks(pairs: Sequence[PairRequests], prices: Prices) -> tuple[ReadyBlocks, ...]:
    """The lengths that are worth having ready at one region, by version and length, longest blocks last."""
    lengths = tuple(requests_by_length(pairs))
    worths = [_worth_having(requests, prices) for requests in lengths]
    wanted = [len(worth) for worth in worths]
    counts = list(shared_out(wanted, worths, prices.most))
    for index in _largest(lengths, prices.hours):
        wanted[index], counts[index] = max(wanted[index], prices.reserve), max(counts[index], prices.reserve)
    return tuple(
        ReadyBlocks(requests=requests, wanted=want, count=count)
        for requests, want, count in zip(lengths, wanted, counts, strict=True)
        if want
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
        mean = sum(block.share * pair.mean for pair, block in shares)
        hours = sum(block.share * pair.mean * block.duration_hours for pair, block in shares)
        yield LengthRequests(
            version=version,
            length=-negative,
            mean=mean,
            variance=sum(
                block.share**2 * (pair.variance - pair.mean) + block.share * pair.mean for pair, block in shares
            ),
            by_pair={pair.pair: block.share * pair.mean for pair, block in shares},
            duration_hours=hours / mean if mean > 0 else 0.0,
        )


def _largest(lengths: Sequence[LengthRequests], hours: float) -> Iterator[int]:
    """Of each version, the largest blocks that are not asked for too seldom to believe in it."""
    asked = {
        item.version: index
        for index, item in enumerate(lengths)  # longest prefixes first
        if any(worth.saves >= RAREST for worth in islice(each_worth(_expected(item), hours), 1))
    }
    yield from asked.values()


def _expected(requests: LengthRequests) -> Expected:
    return Expected(
        addresses=requests.addresses,
        before=0.0,
        until=requests.mean,
        dispersion=dispersion_of(requests.mean, requests.variance),
    )


def _worth_having(requests: LengthRequests, prices: Prices) -> list[Worth]:
    """What each block does that is worth having ready, the most useful one first."""
    usd = prices.usd_per_address_hour if requests.version == 4 else 0.0
    useful = takewhile(lambda worth: worth.saves >= RAREST, each_worth(_expected(requests), prices.hours))
    return list(takewhile(lambda worth: worth.saves * prices.missed_usd >= worth.idles * usd, useful))
