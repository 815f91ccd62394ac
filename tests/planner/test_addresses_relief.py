"""Over-used blocks: as many relieved, by as few moves, as any order of remedies can; IPv4 and IPv6."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations

import pytest

from contracts.block_advice import BlockAction
from contracts.capacity import Pool
from planner.address_stock.advice import advise_blocks
from tests.planner.test_addresses_advice import outlook

UNITS = 16
FULL_SHARE, THIN_SHARE = 1.2, 0.02
"""Of what a block can carry: one that has to double, and one that has room for a neighbour that is full."""

POOLS = {4: "10.0.0.0/24", 6: "2001:db8::/60"}
Kinds = dict[int, str]
"""Bits of the units that a block holds -> over, under, plain or staged."""


def prefix_of(bits, version):
    """The prefix of some units of the pool: /28s, or /64s."""
    first, order = (bits & -bits).bit_length() - 1, bits.bit_count().bit_length() - 1
    pool = ip_network(POOLS[version])
    length, each = (28, 16) if version == 4 else (64, 1 << 64)
    start = int(pool.network_address) + first * each
    return str((IPv4Network if version == 4 else IPv6Network)((start, length - order)))


def random_pool(source) -> Kinds:
    """Blocks of one to four units, as many as come, none of them over another."""
    kinds: Kinds = {}
    for _ in range(source.randint(4, 9)):
        size = source.choice((1, 1, 2, 2, 4))
        bits = ((1 << size) - 1) << source.randrange(0, UNITS, size)
        if not any(bits & other for other in kinds):
            over = sum(kind == "over" for kind in kinds.values()) < 3
            kinds[bits] = source.choice(("over", "over", "under", "plain", "staged") if over else ("plain", "staged"))
    return kinds


def places(size, taken) -> Iterator[int]:
    """Aligned free places of a size."""
    block = (1 << size) - 1
    yield from (block << at for at in range(0, UNITS, size) if not (block << at) & taken)


@dataclass(frozen=True, slots=True)
class State:
    """What waits for relief, what lies where it stays, what may move, what is staged: bits of units, a block each."""

    waiting: frozenset[int]
    fixed: int
    movable: frozenset[int]
    staged: frozenset[int]

    def then(self, block: int, fixed: int, going: frozenset[int] = frozenset()) -> "State":
        """One block relieved; what is staged where something lies from now on is given back."""
        left = frozenset(bits for bits in self.staged if not bits & fixed)
        return State(self.waiting - {block}, self.fixed | fixed, self.movable - going, left)


def steps(state: State, block: int, kinds: Kinds) -> Iterator[tuple[int, int, State]]:
    """Every remedy for a block that has to double: blocks left without, moves, and what is then.

    One that grows takes its neighbour's half: free, staged or under-used ones make way, others go anywhere that is
    free, one move each. Else a place twice as large, or one as large for half of its load, out of what is free or
    staged: one move. Nothing moves twice.
    """
    others, size = state.fixed | sum(state.waiting - {block}), block.bit_count()
    taken = others | block | sum(state.movable)
    yield 1, 0, state.then(block, block)
    for into in places(2 * size, taken):
        yield 0, 1, state.then(block, into)
    for into in places(size, taken):
        yield 0, 1, state.then(block, block | into)
    first = (block & -block).bit_length() - 1
    target = ((1 << 2 * size) - 1) << first // (2 * size) * 2 * size
    inside = frozenset(bits for bits in state.movable if bits & target)
    if target & others or any(bits & ~target for bits in inside):
        return
    if all(kinds[bits] == "under" for bits in inside):
        yield 0, 0, state.then(block, target, inside)
    for put in spread(sorted(inside), taken | target | sum(state.staged)):
        yield 0, len(inside), state.then(block, target | put, inside)


def spread(blocks: Sequence[int], taken: int) -> Iterator[int]:
    """All ways to put blocks anywhere that is free."""
    if not blocks:
        yield 0
        return
    for at in places(blocks[0].bit_count(), taken):
        yield from (at | rest for rest in spread(blocks[1:], taken | at))


def fewest_moves(kinds: Kinds) -> tuple[int, int]:
    """Blocks left without relief, then moves, at least: every order, every place, every remedy of the documents."""

    @cache
    def search(state: State) -> tuple[int, int]:
        found = [(0, 0)] if not state.waiting else []
        for block in state.waiting:
            for left, moves, after in steps(state, block, kinds):
                more = search(after)
                found.append((left + more[0], moves + more[1]))
        return min(found)

    def of(*names: str) -> frozenset[int]:
        return frozenset(bits for bits, kind in kinds.items() if kind in names)

    return search(State(of("over"), 0, of("under", "plain"), of("staged")))


def advised(kinds: Kinds, version):
    named = {bits: prefix_of(bits, version) for bits in kinds}
    shares = {"over": FULL_SHARE, "under": THIN_SHARE, "plain": 0.5, "staged": 0.5}
    outlooks = [outlook(named[bits], shares[kind]) for bits, kind in kinds.items() if kind != "staged"]
    staged = [named[bits] for bits, kind in kinds.items() if kind == "staged"]
    pools = {"fra": (Pool(region="fra", cidr=POOLS[version]),)}
    found = advise_blocks(outlooks, pools, named.values(), staged)
    return [item for item in found if item.over]


@pytest.mark.parametrize("version", [4, 6])
def test_as_few_moves_as_any_order_of_remedies_takes(version):
    source = random.Random(version)
    for _ in range(40):
        kinds = random_pool(source)
        found = advised(kinds, version)
        left = sum(item.action is BlockAction.ENLARGE_POOL for item in found)
        assert (left, sum(item.moves for item in found)) == fewest_moves(kinds), kinds


@pytest.mark.parametrize("version", [4, 6])
def test_what_is_used_makes_room_where_nothing_else_has_any(version):
    """Units 0 and 1 need 2 and 3; 2 is in use, and of all others only the last one is free: it goes there."""
    kinds = {0b11: "over", 0b100: "plain", 0xF0: "plain", 0xF00: "plain", 0x3000: "plain", 0x4000: "plain"}
    (told,) = advised(kinds, version)
    assert (told.action, told.into) == (BlockAction.EXPAND, (prefix_of(0b1111, version),))
    assert (told.gives_way, told.goes_to) == ((prefix_of(0b100, version),), (prefix_of(0x8000, version),))
    assert told.moves == 1


def test_what_was_given_back_for_one_is_not_given_to_another():
    """The staged units 6 and 7 are room for half of 0 and 1, or for 4 and 5 to grow, and not for both."""
    kinds = {0b11: "over", 0b1100: "plain", 0b110000: "over", 0b11000000: "staged", 0xFF00: "plain"}
    first, second = advised(kinds, 4)
    taken = [ip_network(prefix) for item in (first, second) for prefix in item.into]
    assert not any(one.overlaps(other) for one, other in combinations(taken, 2))
