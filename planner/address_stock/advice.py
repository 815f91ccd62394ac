"""What to do about blocks that will be over- or under-used, with as few moves as possible.

Over-used blocks are looked at first, the surest first. Whatever moves nobody comes before what does: growing in place
into free addresses, or into staged ones that nobody has, sharing a prefix with under-used neighbours; then, with one
move each, a larger block elsewhere, or half of the load elsewhere. Under-used ones that are left are given back where
nobody has them, else taken in by another under-used block, else halved. No block and no address is counted on twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from contracts.block_advice import BlockAction, BlockAdvice
from contracts.capacity import Pool
from contracts.forecast import BlockOutlook
from planner.address_stock.buddies import FOREVER
from planner.addresses import AddressSpace, Network, overlap

LIKELY = 0.5
"""From this probability on something is advised."""

MOST_BITS = 4
"""No block is advised to grow by more than 2 ** 4 times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block with its outlook: where it is, and whether somebody has it."""

    network: Network
    place: str
    outlook: BlockOutlook
    staged: bool


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is done about a block: the attributes are those of `BlockAdvice`."""

    action: BlockAction
    into: tuple[Network, ...] = ()
    gives_way: tuple[Network, ...] = ()
    moves: int = 0
    frees: int = 0


@dataclass(slots=True, kw_only=True)
class Ground:
    """The pools of all regions, what is taken in them by now, and which of it is staged and nobody's."""

    pools: Mapping[str, tuple[Pool, ...]]
    taken: set[Network]
    staged: frozenset[Network]

    def inside(self, place: str, network: Network) -> bool:
        """Whether a prefix lies within one of a region's pools."""
        return any(_within(network, ip_network(pool.cidr)) for pool in self.pools.get(place, ()))

    def others(self, network: Network, but: Network) -> list[Network]:
        """What is taken within a prefix, one block left out."""
        return sorted((item for item in self.taken if item != but and overlap(item, network)), key=str)

    def carve(self, place: str, length: int, version: int) -> Network | None:
        """A free block of a region, taken from now on."""
        space = AddressSpace(self.pools.get(place, ()), dict.fromkeys(sorted(map(str, self.taken)), FOREVER))
        block = space.carve(length, version=version)
        if block is None:
            return None
        network = ip_network(block.prefix)
        self.taken.add(network)
        return network


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
    in_pools = (prefix for of_region in pools.values() for pool in of_region for prefix in pool.taken)
    ground = Ground(
        pools=pools, taken={ip_network(item) for item in (*taken, *in_pools)}, staged=frozenset(map(ip_network, staged))
    )
    blocks = sorted(_placed(outlooks, ground), key=lambda item: str(item.network))
    under = {item.network: item for item in blocks if item.outlook.under >= LIKELY}
    found = []
    for block in sorted(blocks, key=lambda item: -item.outlook.over):
        if block.outlook.over >= LIKELY and block.network in ground.taken:
            found.append(_told(block, _relieved(block, ground, under), over=True))
    for block in sorted(blocks, key=lambda item: item.network.num_addresses):
        if block.network in under and (remedy := _thinned(block, ground, under)):
            found.append(_told(block, remedy, over=False))
    return tuple(sorted(found, key=lambda item: (item.place, item.block)))


def _placed(outlooks: Iterable[BlockOutlook], ground: Ground) -> Iterator[Block]:
    """Blocks of which the region is known. What is not known to be taken is: it carries traffic."""
    for outlook in outlooks:
        network = ip_network(outlook.block, strict=False)
        place = next((place for place in sorted(ground.pools) if ground.inside(place, network)), None)
        if place is not None:
            ground.taken.add(network)
            yield Block(network=network, place=place, outlook=outlook, staged=network in ground.staged)


def _relieved(block: Block, ground: Ground, under: dict[Network, Block]) -> Remedy:
    """What is done about one that will be over-used."""
    network = block.network
    length = max(0, network.prefixlen - _bits_wanted(block.outlook))
    target = network.supernet(new_prefix=length)
    if ground.inside(block.place, target):
        others = ground.others(target, network)
        if ground.staged.issuperset(others):
            return _grown(BlockAction.EXPAND, block, target, others, ground)
        if all(item in under for item in others) and _carries(target, [block, *(under[item] for item in others)]):
            for item in others:
                del under[item]
            return _grown(BlockAction.MERGE, block, target, others, ground)
    if larger := ground.carve(block.place, length, network.version):
        ground.taken.discard(network)
        return Remedy(BlockAction.MOVE, (larger,), moves=1, frees=network.num_addresses - larger.num_addresses)
    if half := ground.carve(block.place, network.prefixlen, network.version):
        return Remedy(BlockAction.SPLIT, (network, half), moves=1, frees=-half.num_addresses)
    return Remedy(BlockAction.ENLARGE_POOL, (network,))


def _grown(action: BlockAction, block: Block, target: Network, others: Sequence[Network], ground: Ground) -> Remedy:
    """A block that becomes the larger prefix around it; what lay there gives way."""
    ground.taken.difference_update((block.network, *others))
    ground.taken.add(target)
    used = block.network.num_addresses + sum(item.num_addresses for item in others)
    return Remedy(action, (target,), gives_way=tuple(others), frees=used - target.num_addresses)


def _thinned(block: Block, ground: Ground, under: dict[Network, Block]) -> Remedy | None:
    """What is done about one that will be under-used; nothing where it cannot be halved."""
    network = block.network
    del under[network]
    if block.staged:
        ground.taken.discard(network)
        return Remedy(BlockAction.RECLAIM, frees=network.num_addresses)
    hosts = [item for item in under.values() if item.place == block.place and not item.staged]
    host = next((item for item in hosts if _carries(item.network, [block, item])), None)
    if host is not None:
        del under[host.network]
        ground.taken.discard(network)
        return Remedy(BlockAction.MERGE, (host.network,), moves=1, frees=network.num_addresses)
    if network.prefixlen == network.max_prefixlen:
        return None
    half = ip_network((network.network_address, network.prefixlen + 1))
    return Remedy(BlockAction.SPLIT, (half,), moves=1, frees=half.num_addresses)


def _bits_wanted(outlook: BlockOutlook) -> int:
    """By how many bits a block has to grow until the median of its busiest hour is what it should carry at most."""
    wanted = 1
    most = outlook.over_share * outlook.capacity_gbps
    while wanted < MOST_BITS and most * 2**wanted < outlook.peak_gbps:
        wanted += 1
    return wanted


def _carries(target: Network, blocks: Sequence[Block]) -> bool:
    """Whether a prefix carries what some blocks carry in their busiest hours, at what an address of theirs can."""
    each = min(item.outlook.capacity_gbps / item.network.num_addresses for item in blocks)
    share = min(item.outlook.over_share for item in blocks)
    return sum(item.outlook.peak_gbps for item in blocks) <= share * each * target.num_addresses


def _within(network: Network, pool: Network) -> bool:
    return network.prefixlen >= pool.prefixlen and overlap(network, pool)


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
    )
