"""Address blocks out of a region's pools: best fit, aligned, never overlapping what is taken.

Works on integer intervals. The free space of a pool falls into the largest aligned blocks that it can; the smallest
that fits is cut, at its lowest end, so that large blocks stay whole. Of equal ones the first pool and address win.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from contracts.capacity import Pool
from contracts.resources import BlockSpec

ADDRESS_BITS = 32


@dataclass(frozen=True, slots=True)
class FreeBlock:
    """An aligned free block: where it starts, its prefix length, and the pool it lies in."""

    start: int
    length: int
    pool: str


class AddressSpace:
    """The free space of one region's pools; carving takes from it."""

    def __init__(self, pools: Sequence[Pool], taken: Iterable[str]) -> None:
        """Args: the region's pools, and prefixes beyond `Pool.taken` that nothing may overlap."""
        also_taken = tuple(taken)
        self._free = [block for pool in pools for block in _free_blocks(pool, also_taken)]

    def carve(self, length: int) -> BlockSpec | None:
        """A block of a prefix length, which is free no longer; nothing where none is left."""
        fitting = [(-block.length, index) for index, block in enumerate(self._free) if block.length <= length]
        if not fitting:
            return None
        _, position = min(fitting)
        block = self._free.pop(position)
        # What is left after the lowest part is taken: one half, one quarter, ... down to the part's own size.
        rest = [
            FreeBlock(block.start + (1 << (ADDRESS_BITS - size)), size, block.pool)
            for size in range(length, block.length, -1)
        ]
        self._free[position:position] = rest
        return BlockSpec(prefix=str(IPv4Network((block.start, length))), pool=block.pool)

    @property
    def free_addresses(self) -> int:
        """How many addresses are left in all."""
        return sum(1 << (ADDRESS_BITS - block.length) for block in self._free)

    @property
    def largest(self) -> int | None:
        """The shortest prefix length that can still be carved."""
        return min((block.length for block in self._free), default=None)


def smallest_length(addresses: float) -> int:
    """The prefix length of the smallest block that holds so many addresses."""
    return ADDRESS_BITS - max(0, int(-(-addresses // 1)) - 1).bit_length()


def _free_blocks(pool: Pool, also_taken: Sequence[str]) -> Iterator[FreeBlock]:
    """The gaps between what is taken, cut into aligned blocks, lowest first."""
    first, last = _interval(pool.cidr)
    intervals = sorted(_interval(prefix) for prefix in {*pool.taken, *also_taken})
    position = first
    for start, end in intervals:
        if end < position or start > last:
            continue
        yield from _aligned(position, start - 1, pool.cidr)
        position = end + 1
    yield from _aligned(position, last, pool.cidr)


def _aligned(start: int, end: int, pool: str) -> Iterator[FreeBlock]:
    while start <= end:
        alignment = (start & -start).bit_length() - 1 if start else ADDRESS_BITS
        bits = min(alignment, (end - start + 1).bit_length() - 1)
        yield FreeBlock(start, ADDRESS_BITS - bits, pool)
        start += 1 << bits


def _interval(prefix: str) -> tuple[int, int]:
    network = IPv4Network(prefix)
    return int(network.network_address), int(network.broadcast_address)
