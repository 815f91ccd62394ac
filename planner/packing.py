"""Units that cannot be divided on instances: what one instance holds, every way to fill one, and first fit.

Ways to fill an instance are the columns of the cutting-stock programme (Gilmore and Gomory, 1961): with all maximal
ones it is exact, because an instance that holds less is one of them with a place to spare. They can be very many; then
a few stand for them, among them those of first fit decreasing, so that what is found is no dearer than that on any one
shape.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.capacity import Shape
from contracts.workloads import UnitSize

SLIGHT = 1e-9

MOST_TRIED = 5_000
"""Steps in which all ways to fill one shape must be found; where they are more, a few stand for them."""

Units = Mapping[UnitSize, int]
"""How many units of each size."""

Filling = tuple[int, ...]
"""How many units of each size one instance holds."""

Whose = tuple[str, UnitSize]
"""Region and size of units that run, or stand by elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Instances of one shape in one region that hold the same units, as they serve or at one loss.

    Attributes:
        key: of the resource that they are instances of, where it is one that stays.
    """

    region: str
    loss: str
    shape: str
    instances: int
    units: Mapping[Whose, int]
    key: str = ""


def room_of(shape: Shape) -> tuple[float, ...]:
    """What one instance has: vCPUs, GiB, accelerators and Gbps; a network that is not known limits nothing."""
    return (float(shape.vcpu), float(shape.memory_gib), float(shape.accelerators), shape.network_gbps or math.inf)


def taken_by(size: UnitSize) -> tuple[float, ...]:
    """What one unit takes of it."""
    return (size.vcpu, size.memory_gib, float(size.accelerators), size.network_gbps)


def most_on(shape: Shape, size: UnitSize) -> int:
    """How many units of one size an empty instance holds; none where it is too small."""
    fit = _fit(room_of(shape), taken_by(size))
    return min(fit, size.most_per_instance) if size.most_per_instance else fit


def all_fillings(shape: Shape, units: Units, most: int = MOST_TRIED) -> tuple[Filling, ...] | None:
    """Every way to fill an instance to which no unit can be added; None where they are too many.

    Args:
        shape: of the instance.
        units: that there are: a filling holds no more of a size.
        most: steps of the search.
    """
    taking = _taking(shape, units)
    found: list[Filling] = []
    stack: list[tuple[Filling, tuple[float, ...]]] = [((), room_of(shape))]
    for _ in range(most):
        if not stack:
            return tuple(found)
        counts, left = stack.pop()
        if len(counts) == len(taking):
            if any(counts) and not any(
                count < cap and _fit(left, takes) for count, (takes, cap) in zip(counts, taking, strict=True)
            ):
                found.append(counts)
            continue
        takes, cap = taking[len(counts)]
        for count in range(min(cap, _fit(left, takes)) + 1):
            stack.append(((*counts, count), _without(left, takes, count)))
    return None


def few_fillings(shape: Shape, units: Units) -> tuple[Filling, ...]:
    """Some ways to fill an instance: with each size first, then what fits beside it; and those of first fit decreasing.

    Every size that fits at all is in one of them alone, so that any number of units can be packed with them.
    """
    taking = _taking(shape, units)
    found: dict[Filling, None] = {}
    for first in range(len(taking)):
        order = [first, *(at for at in range(len(taking)) if at != first)]
        filled = _greedy(room_of(shape), taking, order, {})
        if filled[first]:
            found[filled] = None
    fitting = {size: count for size, count in units.items() if most_on(shape, size)}
    for bin_ in first_fit(((shape, sum(fitting.values())),), fitting).bins:
        held = {at: bin_.holds.get(size, 0) for at, size in enumerate(units)}
        if any(held.values()):
            found[_greedy(room_of(shape), taking, range(len(taking)), held)] = None
    return tuple(found)


def _taking(shape: Shape, units: Units) -> list[tuple[tuple[float, ...], int]]:
    """Of each size what a unit takes, and how many of them alone one instance may hold."""
    return [(taken_by(size), min(count, most_on(shape, size))) for size, count in units.items()]


def _greedy(
    left: tuple[float, ...],
    taking: Sequence[tuple[tuple[float, ...], int]],
    order: Iterable[int],
    held: Mapping[int, int],
) -> Filling:
    """What is held, and then as much of each size as still fits, in an order."""
    counts = [held.get(at, 0) for at in range(len(taking))]
    for at, count in enumerate(counts):
        left = _without(left, taking[at][0], count)
    for at in order:
        takes, cap = taking[at]
        more = max(0, min(cap - counts[at], _fit(left, takes)))
        counts[at], left = counts[at] + more, _without(left, takes, more)
    return tuple(counts)


@dataclass(slots=True)
class Bin:
    """One instance and what it holds."""

    shape: Shape
    left: tuple[float, ...]
    holds: dict[UnitSize, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Instances in their order, and the units that fit on none of them."""

    bins: tuple[Bin, ...]
    over: Units


def first_fit(instances: Iterable[tuple[Shape, int]], units: Units) -> Fitted:
    """First fit decreasing: the largest units first, each on the smallest instance that has room for it.

    Args:
        instances: shapes, and how many there are of each.
        units: to be placed.
    """
    ordered = sorted(instances, key=lambda item: (room_of(item[0])[:2], item[0].name))
    bins = [Bin(shape, room_of(shape)) for shape, count in ordered for _ in range(count)]
    over: dict[UnitSize, int] = {}
    largest = [max((room_of(shape)[at] for shape, _ in ordered), default=1.0) for at in (0, 1)]
    for size in by_size(units, (largest[0], largest[1])):
        missing, takes = units[size], taken_by(size)
        for bin_ in bins:
            if not missing:
                break
            if put := min(missing, most_on(bin_.shape, size), _fit(bin_.left, takes)):
                bin_.holds[size], bin_.left = put, _without(bin_.left, takes, put)
                missing -= put
        if missing:
            over[size] = missing
    return Fitted(bins=tuple(bins), over=over)


def by_size(units: Iterable[UnitSize], largest: tuple[float, float]) -> list[UnitSize]:
    """Sizes, the largest first, by the larger of the shares that they take of the largest instance."""

    def weight(size: UnitSize) -> tuple[float, float, str]:
        return (-max(size.vcpu / largest[0], size.memory_gib / largest[1]), -size.vcpu, size.name)

    return sorted(units, key=weight)


def _fit(left: Sequence[float], takes: Sequence[float]) -> int:
    """How many fit into what is left."""
    pairs = zip(left, takes, strict=True)
    return max(0, min(math.floor(min(room, 1e9) / each + SLIGHT) for room, each in pairs if each))


def _without(left: Sequence[float], takes: Sequence[float], count: int) -> tuple[float, ...]:
    return tuple(room - each * count for room, each in zip(left, takes, strict=True))
