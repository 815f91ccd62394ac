"""What to do about blocks that will be over- or under-used, with as few moves as possible.

Over-used blocks are looked at first (`relief.py`): as many are relieved as can be, with the fewest moves found.
Under-used ones that are left are given back where nobody has them, else taken in by another under-used block, else
halved. No block and no address is counted on twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from contracts.block_advice import BlockAction, BlockAdvice
from contracts.capacity import Pool
from contracts.forecast import BlockOutlook
from planner.address_stock.relief import Block, Layout, Remedy, Span, carries, lies_in, overlapping, relieve, span_of
from planner.addresses import Network

LIKELY = 0.5
"""From this probability on something is advised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The pools of all regions, what is taken in them, which of it is ours, and which of that is nobody's."""

    pools: Mapping[str, tuple[Span, ...]]
    taken: frozenset[Span]
    ours: frozenset[Span]
    staged: frozenset[Span]

    def place_of(self, span: Span) -> str | None:
        """The region in whose pools a prefix lies."""
        return next((place for place in sorted(self.pools) if lies_in(span, self.pools[place])), None)

    def layout(self, place: str, blocks: Sequence[Block]) -> Layout:
        """A region as it is."""
        over = {item.span for item in blocks if item.outlook.over >= LIKELY}
        pools = self.pools[place]
        there = {item for item in self.taken if any(overlapping(item, pool) for pool in pools)}
        there.update(item.span for item in blocks)  # what is not known to be taken carries traffic
        return Layout(
            pools=pools,
            taken=tuple(sorted(there)),
            staged=self.staged & there,
            movable=(self.ours & there) - self.staged - over,
            under=frozenset(item for item in blocks if item.outlook.under >= LIKELY),
        )


def advise_blocks(
    outlooks: Iterable[BlockOutlook],
    pools: Mapping[str, tuple[Pool, ...]],
    taken: Iterable[str],
    staged: Iterable[str],
) -> tuple[BlockAdvice, ...]:
    """Advice for every block that will likely be over- or under-used, by place and block.

    Args:
        outlooks: of blocks; those that lie in no pool are left out.
        pools: by region.
        taken: prefixes that are in use, staged ones included.
        staged: those that are staged and nobody's.
    """
    ours = frozenset(span_of(ip_network(prefix)) for prefix in taken)
    foreign = (
        span_of(ip_network(prefix)) for of_region in pools.values() for pool in of_region for prefix in pool.taken
    )
    ground = Ground(
        pools={
            place: tuple(span_of(ip_network(pool.cidr)) for pool in of_region) for place, of_region in pools.items()
        },
        taken=ours.union(foreign),
        ours=ours,
        staged=frozenset(span_of(ip_network(prefix)) for prefix in staged),
    )
    blocks: dict[str, list[Block]] = {}
    for block in _placed(outlooks, ground):
        blocks.setdefault(block.place, []).append(block)
    found = (told for place, there in blocks.items() for told in _advised(there, ground.layout(place, there)))
    return tuple(sorted(found, key=lambda item: (item.place, item.block)))


def _placed(outlooks: Iterable[BlockOutlook], ground: Ground) -> Iterator[Block]:
    """Blocks of which the region is known."""
    for outlook in outlooks:
        network = ip_network(outlook.block, strict=False)
        place = ground.place_of(span_of(network))
        if place is not None:
            yield Block(network=network, place=place, outlook=outlook, staged=span_of(network) in ground.staged)


def _advised(blocks: Iterable[Block], layout: Layout) -> Iterator[BlockAdvice]:
    """Advice for the blocks of one region."""
    blocks = sorted(blocks, key=lambda item: str(item.network))
    over = [item for item in blocks if item.outlook.over >= LIKELY]
    relief = relieve(sorted(over, key=lambda item: -item.outlook.over), layout)
    for block, remedy in relief.remedies:
        yield _told(block, remedy, over=True)
    under = {item.network: item for item in blocks if item in relief.layout.under}
    for block in sorted(blocks, key=lambda item: item.network.num_addresses):
        if block.network in under and (thinner := _thinned(block, under)):
            yield _told(block, thinner, over=False)


def _thinned(block: Block, under: dict[Network, Block]) -> Remedy | None:
    """What is done about one that will be under-used; nothing where it cannot be halved."""
    network = block.network
    del under[network]
    if block.staged:
        return Remedy(BlockAction.RECLAIM, frees=network.num_addresses)
    hosts = [item for item in under.values() if not item.staged]
    host = next((item for item in hosts if carries(item.network, [block, item])), None)
    if host is not None:
        del under[host.network]
        return Remedy(BlockAction.MERGE, (host.network,), moves=1, frees=network.num_addresses)
    if network.prefixlen == network.max_prefixlen:
        return None
    half = ip_network((network.network_address, network.prefixlen + 1))
    return Remedy(BlockAction.SPLIT, (half,), moves=1, frees=half.num_addresses)


def _told(block: Block, remedy: Remedy, *, over: bool) -> BlockAdvice:
    outlook = block.outlook
    return BlockAdvice(
        block=str(block.network),
        place=block.place,
        action=remedy.action,
        over=over,
        probability=outlook.over if over else outlook.under,
        capacity_gbps=outlook.capacity_gbps,
        peak_gbps=outlook.peak_gbps,
        into=tuple(map(str, remedy.into)),
        gives_way=tuple(map(str, remedy.gives_way)),
        moves=remedy.moves,
        frees=remedy.frees,
        goes_to=tuple(map(str, remedy.goes_to)),
    )
