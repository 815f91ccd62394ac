"""What is done about blocks that will be over-used: as many relieved as can be, with as few moves as that takes.

A way of doing it is an order of the blocks and, for each, one of the remedies that the room left by those before it
has; what a block leaves is room for those after it. Up to `REMEDIES` are looked at, depth first, so that the first way
is the plain one: the surest block first, each by its cheapest remedy. Blocks that are many are gone through by
`TOGETHER`, the surest first. On small pools this is the minimum (tests hold it to all ways there are).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from itertools import islice

from contracts.block_advice import BlockAction
from contracts.forecast import BlockOutlook
from planner.addresses import Network

MOST_BITS = 4
"""No block is advised to grow by more than 2 ** 4 times."""

TOGETHER = 4
"""Blocks of a region of which the best order is looked for at once."""

REMEDIES = 2000
"""Of all blocks of a region that are looked at, beyond those of the plain way."""

HOLES = 4
"""Places that are looked at for a block that goes elsewhere, in the smallest holes that there are."""

_ANY = (10**9, 0)
"""Worse than whatever is found."""


Span = tuple[int, int, int]
"""Version, first address and last address of a prefix: what a search can count with quickly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block with its outlook: where it is, and whether somebody has it."""

    network: Network
    place: str
    outlook: BlockOutlook
    staged: bool

    @property
    def span(self) -> Span:
        """Its addresses."""
        return span_of(self.network)

    @property
    def target(self) -> Network:
        """What it has to become until the median of its busiest hour is no more than it should carry."""
        wanted, most = 1, self.outlook.over_share * self.outlook.capacity_gbps
        while wanted < MOST_BITS and most * 2**wanted < self.outlook.peak_gbps:
            wanted += 1
        return self.network.supernet(new_prefix=max(0, self.network.prefixlen - wanted))


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is done about a block: the attributes are those of `BlockAdvice`."""

    action: BlockAction
    into: tuple[Network, ...] = ()
    gives_way: tuple[Network, ...] = ()
    moves: int = 0
    frees: int = 0
    goes_to: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A region at one moment.

    Attributes:
        pools: of the region.
        taken: whatever nothing may overlap, sorted.
        staged: of that, what nobody has.
        movable: of that, what may go elsewhere, its users with it: ours, neither over-used nor moved before.
        under: blocks that will be under-used, and are not given as room to anybody yet.
    """

    pools: tuple[Span, ...]
    taken: tuple[Span, ...]
    staged: frozenset[Span]
    movable: frozenset[Span]
    under: frozenset[Block]

    def others(self, span: Span, but: Span) -> tuple[Span, ...]:
        """What is taken within a prefix, one block left out."""
        return tuple(item for item in self.taken if overlapping(item, span) and item != but)

    def without(self, *gone: Span) -> "Layout":
        """The same, less some blocks."""
        kept = frozenset(item for item in self.under if item.span not in gone)
        staged, movable = self.staged.difference(gone), self.movable.difference(gone)
        taken = tuple(item for item in self.taken if item not in gone)
        return replace(self, taken=taken, staged=staged, movable=movable, under=kept)

    def beside(self, *new: Span) -> "Layout":
        """The same, and blocks that are there from now on, and stay there."""
        return replace(self, taken=tuple(sorted((*self.taken, *new))))

    def rooms(self, size: int, version: int) -> Iterator[tuple[Span, tuple[Span, ...]]]:
        """Places of so many addresses in the smallest holes that there are, first free ones, then those of nobody.

        With each comes what is staged there, and has to be given back.
        """
        for room in _rooms(self.pools, self.taken, size, version):
            yield room, ()
        if not self.staged:
            return
        had = [item for item in self.taken if item not in self.staged]
        for room in _rooms(self.pools, had, size, version):
            if staged := tuple(item for item in self.taken if item in self.staged and overlapping(item, room)):
                yield room, staged


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """What is done about some blocks, and the region afterwards."""

    remedies: tuple[tuple[Block, Remedy], ...]
    layout: Layout

    @property
    def value(self) -> tuple[int, int]:
        """Blocks without relief, and moves: fewer are better, in this order."""
        left = sum(remedy.action is BlockAction.ENLARGE_POOL for _, remedy in self.remedies)
        return left, sum(remedy.moves for _, remedy in self.remedies)


def relieve(blocks: Sequence[Block], layout: Layout) -> Relief:
    """Remedies for over-used blocks of one region, the surest first.

    Args:
        blocks: the over-used ones, the surest first.
        layout: the region as it is.
    """
    done, search = Relief(remedies=(), layout=layout), _Search()
    for first in range(0, len(blocks), TOGETHER):
        found = search.best(blocks[first : first + TOGETHER], done.layout)
        done = Relief(remedies=done.remedies + found.remedies, layout=found.layout)
    return done


class _Search:
    """Depth first over orders and remedies; what cannot beat the best found is not gone on with."""

    def __init__(self) -> None:
        self._left, self._found = REMEDIES, list[Relief]()  # found: each better than the one before it
        self._seen: dict[tuple[frozenset[Network], tuple[Span, ...]], tuple[int, int]] = {}

    def best(self, blocks: Sequence[Block], layout: Layout) -> Relief:
        self._found.clear()
        self._seen.clear()
        self._go_on(tuple(blocks), Relief(remedies=(), layout=layout))
        return self._found[-1]

    def _go_on(self, blocks: tuple[Block, ...], done: Relief) -> None:
        value, state = done.value, (frozenset(item.network for item in blocks), done.layout.taken)
        beaten = self._found and value >= self._found[-1].value
        if beaten or self._seen.get(state, _ANY) <= value:
            return
        self._seen[state] = value
        if not blocks:
            self._found.append(done)
            return
        for at, block in enumerate(blocks):
            for remedy, layout in remedies(block, done.layout):
                self._left -= 1
                if self._left < 0 and self._found:
                    return
                self._go_on(
                    (*blocks[:at], *blocks[at + 1 :]),
                    Relief(remedies=(*done.remedies, (block, remedy)), layout=layout),
                )


def remedies(block: Block, layout: Layout) -> Iterator[tuple[Remedy, Layout]]:
    """What can be done about one over-used block, fewest moves first, and the region afterwards."""
    span, target = block.span, span_of(block.target)
    inside = lies_in(target, layout.pools)
    if inside and (found := _in_place(block, target, layout)):
        yield found
    for larger, staged in layout.rooms(_size(target), span[0]):
        after = layout.without(span, *staged).beside(larger)
        yield _remedy(BlockAction.MOVE, (span, *staged), (larger,), moves=1), after
    for half, staged in layout.rooms(_size(span), span[0]):
        after = layout.without(*staged).beside(half)
        yield _remedy(BlockAction.SPLIT, (span, *staged), (span, half), moves=1), after
    if inside and (made := _with_room_made(block, target, layout)):
        yield made
    yield Remedy(BlockAction.ENLARGE_POOL, (block.network,)), layout


def _in_place(block: Block, target: Span, layout: Layout) -> tuple[Remedy, Layout] | None:
    """A block that grows into what is free or nobody's, or shares with under-used ones, so that nobody moves."""
    others = layout.others(target, block.span)
    had = {item for item in others if item not in layout.staged}
    shares = [item for item in layout.under if item.span in had]
    if len(shares) < len(had) or not carries(block.target, [block, *shares]):
        return None
    action = BlockAction.MERGE if shares else BlockAction.EXPAND
    return _remedy(action, (block.span, *others), (target,)), layout.without(block.span, *others).beside(target)


def _with_room_made(block: Block, target: Span, layout: Layout) -> tuple[Remedy, Layout] | None:
    """A block that grows in place, what is in use beside it having gone elsewhere."""
    others = layout.others(target, block.span)
    going = sorted((item for item in others if item not in layout.staged), key=_size, reverse=True)
    if not going or not layout.movable.issuperset(going):
        return None
    after, places = layout.beside(target), list[Span]()
    for item in going:
        place = next((room for room, staged in after.rooms(_size(item), item[0]) if not staged), None)
        if place is None:
            return None
        places.append(place)
        after = after.beside(place)
    staged = (item for item in others if item in layout.staged)
    left, goes_to = (block.span, *staged, *going), tuple(map(network_of, places))
    remedy = _remedy(BlockAction.EXPAND, left, (target,), moves=len(going), goes_to=goes_to)
    return remedy, after.without(block.span, *others)


def _remedy(
    action: BlockAction,
    left: Sequence[Span],
    into: Sequence[Span],
    *,
    moves: int = 0,
    goes_to: tuple[Network, ...] = (),
) -> Remedy:
    """What is left is the block itself, then what makes way for it."""
    frees = sum(map(_size, left)) - sum(map(_size, into)) - sum(item.num_addresses for item in goes_to)
    way = tuple(map(network_of, left[1:]))
    return Remedy(action, tuple(map(network_of, into)), way, moves, frees, goes_to)


def span_of(network: Network) -> Span:
    """A prefix as numbers."""
    return network.version, int(network.network_address), int(network.broadcast_address)


def network_of(span: Span) -> Network:
    """The prefix of a span."""
    version, first, last = span
    bits = (last - first + 1).bit_length() - 1
    return IPv4Network((first, 32 - bits)) if version == 4 else IPv6Network((first, 128 - bits))


def overlapping(one: Span, other: Span) -> bool:
    """Whether two spans share an address; those of different families do not."""
    return one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]


def lies_in(span: Span, pools: Iterable[Span]) -> bool:
    """Whether a prefix lies within one of some pools."""
    return any(span[0] == pool[0] and pool[1] <= span[1] and span[2] <= pool[2] for pool in pools)


def _size(span: Span) -> int:
    return span[2] - span[1] + 1


def carries(target: Network, blocks: Sequence[Block]) -> bool:
    """Whether a prefix carries what some blocks carry in their busiest hours, at what an address of theirs can."""
    if len(blocks) == 1:
        return True
    each = min(item.outlook.capacity_gbps / item.network.num_addresses for item in blocks)
    share = min(item.outlook.over_share for item in blocks)
    return sum(item.outlook.peak_gbps for item in blocks) <= share * each * target.num_addresses


def _rooms(pools: Iterable[Span], taken: Sequence[Span], size: int, version: int) -> Iterator[Span]:
    """Places of so many addresses, one in each of the smallest holes that there are beside what is taken, sorted."""
    found = list[tuple[int, int]]()
    for pool in pools:
        if pool[0] == version:
            found += [(room, start) for start, room in _holes(pool, taken) if room >= size]
    for _, start in islice(sorted(found), HOLES):
        yield version, start, start + size - 1


def _holes(pool: Span, taken: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """The largest aligned free blocks of a pool: first address and number of addresses."""
    at, end = pool[1], pool[2] + 1
    for begin, last in (*((item[1], item[2]) for item in taken if overlapping(item, pool)), (end, end)):
        while at < begin:
            size = 1 << (begin - at).bit_length() - 1
            if offset := at - pool[1]:
                size = min(size, offset & -offset)
            yield at, size
            at += size
        at = max(at, last + 1)
