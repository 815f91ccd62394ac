"""One pool as a tree of buddies: blocks lie where they keep the fewest addresses from larger ones, and not for long.

A block of order n holds 2 ** n units. Node 1 is the whole pool, nodes 2i and 2i + 1 are the halves of node i (Knowlton
1965). Every node that is not wholly free knows when the last block in it ends, so that a place has a price: for each
larger block that it lies in, the hours by which that one comes free later than without it. What ends together lies
together, and whole blocks come free. The larger a block is that comes free later, the dearer that is: large ones are
rare, and many small ones are kept from them at once. A hole that is exactly large enough, beside what stays at least as
long, is free of charge; that is found first, and without search.

All work is bounded by `LOOKED_AT` candidates an order, so that a pool in pieces costs no more than twice that many.
"""

import math

from planner.errors import BlockNotTaken

FOREVER = 1e6
"""Hours: the end of a block that has none."""

OVERDUE_HOURS = 24.0
"""A block whose end is past or nearer than this is thought to stay so long yet."""

DISTRUST = 1.3
"""How much dearer the breaking of a wholly free block is than staying longer in one in use: ends are only stated, and
the block stays broken when one of them slips. 1.3 was the best of 1 to 16 where they slip by a factor of 1.6."""

SCARCITY = 4.0
"""How much dearer an hour of a block of twice the size is. Of 1, 1.3, 2 and 4, 4 left most /20s whole in a full /14
(`benchmarks.addresses --part placement`), and hardly fewer of the shorter blocks."""

WORTH_MOVING = 0.1
"""A block that nobody has is moved where that saves this share of its price, and of what it would cost to keep a block
of the largest size that is asked for from coming free for as long as it stays."""

LOOKED_AT = 48


class Buddies:
    """The free and taken blocks of one pool, in units and hours."""

    __slots__ = ("_broken", "_free", "_largest_asked", "_latest", "_scarce", "order")

    def __init__(self, order: int, largest_asked: int | None = None) -> None:
        """A pool that is free.

        Args:
            order: of the pool.
            largest_asked: order of the largest block that anybody asks for: nothing is done to keep larger ones whole.
        """
        self.order = order
        self._largest_asked = order if largest_asked is None else min(order, largest_asked)
        self._free: list[dict[int, None]] = [{} for _ in range(order + 1)]  # nodes by order, in order of coming free
        self._free[order][1] = None
        asked = self._largest_asked
        self._scarce = [SCARCITY ** (level - asked) if level <= asked else 0.0 for level in range(order + 1)]
        self._broken = [sum(self._scarce[1 : level + 1]) for level in range(order + 1)]
        self._latest: dict[int, float] = {}  # when the last block within a node ends; free nodes have no entry

    def take(self, order: int, until: float = FOREVER, now: float = 0.0) -> int | None:
        """The first unit of a block that is taken now; nothing where no hole is large enough.

        Args:
            order: of the block.
            until: when it is expected to end, hours.
            now: hours on the same clock.
        """
        free, latest = self._free, self._latest
        level, top = order, self.order
        while level <= top and not free[level]:
            level += 1
        if level > top:
            return None
        node, _ = free[level].popitem()
        if level < top and latest[node >> 1] != until:
            free[level][node] = None
            node, level = self._cheapest(level, order, until, now)
            del free[level][node]
        above = node >> 1
        while level > order:
            latest[node] = until
            node <<= 1
            level -= 1
            free[level][node + 1] = None
        latest[node] = until
        while above and latest.get(above, -1.0) < until:
            latest[above] = until
            above >>= 1
        return (node << order) - (1 << top)

    def smallest(self, order: int) -> int | None:
        """The order of the smallest hole that a block of an order fits in; None where there is none."""
        return next((level for level in range(max(0, order), self.order + 1) if self._free[level]), None)

    def take_at(self, start: int, order: int, until: float = FOREVER) -> bool:
        """Takes the very block that begins at a unit; False, and nothing done, where part of it is taken."""
        node = self._node(start, order)
        hole, level = node, order
        while hole not in self._free[level]:
            hole, level = hole >> 1, level + 1
            if level > self.order:
                return False
        del self._free[level][hole]
        for down in range(level - 1, order - 1, -1):
            self._free[down][node >> (down - order) ^ 1] = None
        while node and self._latest.get(node, -1.0) < until:
            self._latest[node] = until
            node >>= 1
        return True

    def release(self, start: int, order: int, now: float = 0.0) -> None:
        """Gives a block back, which joins its buddy wherever that is free.

        Raises:
            BlockNotTaken: no such block is taken.
        """
        latest, node, level = self._latest, (1 << self.order) + start >> order, order
        if node not in latest or 2 * node in latest or 2 * node + 1 in latest:
            raise BlockNotTaken(f"no block of order {order} is taken at unit {start}", where="address pool")
        ended = latest.pop(node)
        free = self._free
        while node > 1 and node ^ 1 in free[level]:
            del free[level][node ^ 1]
            node >>= 1
            level += 1
            del latest[node]
        free[level][node] = None
        if ended > now:
            self._lower(node >> 1)

    def has(self, start: int, order: int) -> bool:
        """Whether this very block is taken, as one."""
        node = self._node(start, order)
        return node in self._latest and 2 * node not in self._latest and 2 * node + 1 not in self._latest

    def price(self, start: int, order: int, until: float, now: float = 0.0) -> float:
        """What a block would cost in the place that it has, as `take` would weigh it: of order-hours, by scarcity.

        Raises:
            BlockNotTaken: no such block is taken.
        """
        ended = self._latest.get(self._node(start, order), now)
        self.release(start, order, now)
        price = self._price_of_free(start, order, until, now)
        self.take_at(start, order, ended)
        return price

    def better(self, start: int, order: int, until: float, now: float = 0.0) -> int | None:
        """Where a block that nobody has would lie much better, taken from now on as the old place still is.

        Nothing where it lies well. Neither keeps anything from coming free, as what nobody has may be moved again.

        Raises:
            BlockNotTaken: no such block is taken.
        """
        self.release(start, order, now)
        price, new = self._price_of_free(start, order, until, now), self.take(order, until, now)
        assert new is not None  # its own place is free
        self.release(new, order, now)
        less = self._price_of_free(new, order, until, now)
        self.take_at(start, order, now)
        if new == start or price <= (1 + WORTH_MOVING) * less + WORTH_MOVING * (until - now):
            return None
        self.take_at(new, order, now)
        return new

    def sort(self) -> None:
        """From now on, of two places alike the lower is taken, in whichever order they came free."""
        self._free = [dict.fromkeys(sorted(nodes, reverse=True)) for nodes in self._free]

    def holes(self) -> tuple[int, ...]:
        """How many free blocks there are of each order, none of them half of a larger one."""
        return tuple(map(len, self._free))

    @property
    def free_units(self) -> int:
        """How many units are free in all."""
        return sum(len(nodes) << order for order, nodes in enumerate(self._free))

    @property
    def largest(self) -> int | None:
        """The order of the largest block that can be taken; None where all is taken."""
        return next((order for order in range(self.order, -1, -1) if self._free[order]), None)

    def latest_end(self) -> float | None:
        """When the last block ends, as far as that lies ahead; None where all is free."""
        return self._latest.get(1)

    def _node(self, start: int, order: int) -> int:
        return (1 << self.order) + start >> order

    def _cheapest(self, level: int, order: int, until: float, now: float) -> tuple[int, int]:
        """The hole, and its order, from which a block costs least; `level` is the smallest order that has holes."""
        best, found = math.inf, (0, 0)
        for hole_order in range(level, self.order + 1):
            breaking = self._breaking(hole_order, order, until - now)
            if breaking >= best:
                break
            for node, _ in zip(reversed(self._free[hole_order]), range(LOOKED_AT), strict=False):
                cost = breaking + self._staying(node >> 1, hole_order + 1, until, now, best - breaking)
                if cost < best:
                    best, found = cost, (node, hole_order)
                    if cost == breaking:
                        break
        return found

    def _breaking(self, hole: int, order: int, hours: float) -> float:
        """What the breaking of a free block of an order costs."""
        return DISTRUST * hours * (self._broken[hole] - self._broken[order])

    def _price_of_free(self, start: int, order: int, until: float, now: float) -> float:
        """What a block would cost in a place that is free."""
        hole, level = self._node(start, order), order
        while hole not in self._free[level]:
            hole, level = hole >> 1, level + 1
        staying = self._staying(hole >> 1, level + 1, until, now, math.inf)
        return self._breaking(level, order, until - now) + staying

    def _staying(self, node: int, level: int, until: float, now: float, enough: float) -> float:
        """What it costs that the blocks in use around a hole come free later with a block that ends at `until`.

        No more than tells that it is `enough` to look elsewhere. `node` is of order `level`.
        """
        latest, scarce, cost, soonest = self._latest, self._scarce, 0.0, now + OVERDUE_HOURS
        while level <= self._largest_asked and cost < enough:
            ends = latest[node]
            if ends >= until:
                break
            cost += scarce[level] * max(0.0, until - max(ends, soonest))
            node >>= 1
            level += 1
        return cost

    def _lower(self, node: int) -> None:
        """Puts right what is known of the nodes above a block that ended before its time."""
        latest = self._latest
        while node:
            ends = max(latest.get(2 * node, -1.0), latest.get(2 * node + 1, -1.0))
            if latest[node] == ends:
                return
            latest[node] = ends
            node >>= 1
