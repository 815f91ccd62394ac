"""A region's address space: blocks out of its pools, IPv4 and IPv6, never overlapping what is taken.

Best fit: of all holes in all pools the smallest that is large enough is used, so that large blocks stay whole; among
those of one pool the place beside what ends at about the same time (`planner/address_stock/buddies.py`); among equal
ones the first pool and the lowest address.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network

from contracts.capacity import Pool
from contracts.ledger import LedgerView
from contracts.resources import BlockSpec, Resource
from planner.address_stock.buddies import FOREVER, Buddies

IPV4_BITS = 32
HOUR = timedelta(hours=1)

Network = IPv4Network | IPv6Network


class AddressSpace:
    """The free space of one region's pools; carving takes from it."""

    def __init__(
        self, pools: Sequence[Pool], taken: Mapping[str, float], shortest: Mapping[int, int] | None = None
    ) -> None:
        """All pools, less what is taken in them.

        Args:
            pools: the region's.
            taken: prefixes beyond `Pool.taken` that nothing may overlap, and in how many hours each is expected to end.
            shortest: by version, the shortest prefix length that anybody asks for: nothing larger is kept whole.
        """
        self._pools = [(ip_network(pool.cidr), pool.cidr, _free_in(pool, taken, shortest or {})) for pool in pools]

    def carve(self, length: int, *, hours: float = FOREVER, version: int = 4) -> BlockSpec | None:
        """A block of a prefix length, which is free no longer; nothing where none is left.

        Args:
            length: of the prefix.
            hours: after which the block is expected to be given back.
            version: 4 or 6: of the addresses.
        """
        fitting = [
            (hole, index)
            for index, (network, _, free) in enumerate(self._pools)
            if network.version == version and (hole := free.smallest(network.max_prefixlen - length)) is not None
        ]
        if not fitting:
            return None
        network, pool, free = self._pools[min(fitting)[1]]
        start = free.take(network.max_prefixlen - length, hours)
        assert start is not None  # a hole was found
        prefix = type(network)((int(network.network_address) + start, length))
        return BlockSpec(prefix=str(prefix), pool=pool)

    def better_place(self, block: BlockSpec, hours: float) -> BlockSpec | None:
        """Where in its pool a block that nobody has would lie much better; nothing where it lies well.

        The new place is taken from now on, and the old one still is: what lies there goes only afterwards.

        Args:
            block: as it lies.
            hours: after which whoever gets it is expected to give it back.
        """
        lies = self._lies(block)
        if lies is None:
            return None
        network, (free, start, order) = ip_network(block.prefix), lies
        moved = free.better(start, order, hours)
        if moved is None:
            return None
        prefix = type(network)((int(network.network_address) + moved - start, network.prefixlen))
        return BlockSpec(prefix=str(prefix), pool=block.pool)

    def nobody_has(self, block: BlockSpec) -> None:
        """From now on a block is thought to keep nothing from coming free: it is staged, and may be moved."""
        if lies := self._lies(block):
            free, start, order = lies
            free.release(start, order)
            free.take_at(start, order, 0.0)

    def _lies(self, block: BlockSpec) -> tuple[Buddies, int, int] | None:
        """The pool that a block is taken in, as one, and its first unit and order there."""
        network = ip_network(block.prefix)
        order = network.max_prefixlen - network.prefixlen
        for within, _, free in self._pools:
            if network.version == within.version and network.prefixlen >= within.prefixlen and overlap(network, within):
                start = int(network.network_address) - int(within.network_address)
                if free.has(start, order):
                    return free, start, order
        return None

    @property
    def free_addresses(self) -> int:
        """How many IPv4 addresses are left in all."""
        return sum(free.free_units for network, _, free in self._pools if network.version == 4)

    @property
    def largest(self) -> int | None:
        """The shortest IPv4 prefix length that can still be carved."""
        orders = [free.largest for network, _, free in self._pools if network.version == 4]
        return min((IPV4_BITS - order for order in orders if order is not None), default=None)


def block_ends(live: Iterable[Resource], ledger: LedgerView, now: datetime) -> dict[str, float]:
    """Prefixes of live blocks, and in how many hours each is given back, as far as the ledger knows."""
    ends = {unit.key: max(0.0, (unit.until - now) / HOUR) if unit.until else FOREVER for unit in ledger.units}
    return {item.spec.prefix: ends.get(item.key, FOREVER) for item in live if isinstance(item.spec, BlockSpec)}


def shortest_lengths(prefixes: Iterable[str]) -> dict[int, int]:
    """The shortest prefix length there is of each version."""
    lengths: dict[int, int] = {}
    for network in map(ip_network, prefixes):
        lengths[network.version] = min(network.prefixlen, lengths.get(network.version, network.max_prefixlen))
    return lengths


def smallest_length(addresses: float) -> int:
    """The prefix length of the smallest IPv4 block that holds so many addresses."""
    return IPV4_BITS - max(0, int(-(-addresses // 1)) - 1).bit_length()


def _free_in(pool: Pool, taken: Mapping[str, float], shortest: Mapping[int, int]) -> Buddies:
    """A pool without what is taken: what begins or ends outside of it counts as far as it lies inside."""
    within = ip_network(pool.cidr)
    largest = within.max_prefixlen - shortest.get(within.version, within.prefixlen)
    free = Buddies(within.max_prefixlen - within.prefixlen, largest)
    prefixes = {prefix: taken.get(prefix, FOREVER) for prefix in (*pool.taken, *taken)}
    overlapping = [network for network in map(ip_network, prefixes) if overlap(network, within)]
    for network in sorted(overlapping, key=lambda item: (item.prefixlen, int(item.network_address))):
        start = max(0, int(network.network_address) - int(within.network_address))
        order = min(network.max_prefixlen - network.prefixlen, free.order)
        free.take_at(start, order, prefixes[str(network)])
    free.sort()
    return free


def overlap(one: Network, other: Network) -> bool:
    """Whether two prefixes share an address; those of different families do not."""
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)
