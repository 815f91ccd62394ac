"""Which units run where, and what of demand they are: environment and requirements in, units by region out.

Units are part of a region's demand. Where they come to more than the rest of what people say and the forecast asks, the
requirement is theirs, and the difference a part of its own.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from contracts.capacity import CapacityKind, Shape
from contracts.plan import ReasonCode, Requirement, Shortfall
from contracts.preference import served_elsewhere
from contracts.resources import ComputeSpec, Purpose, ResourceKind
from contracts.workloads import UnitSize, Workload
from planner.given import Given
from planner.market import Market
from planner.packing import Units, room_of, taken_by
from planner.question import Question
from planner.requirements import WORKLOADS, rounded, total

KINDS = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)
ALL_KINDS = (*KINDS, CapacityKind.ACCELERATORS, CapacityKind.GBPS)


def units_of(workloads: Sequence[Workload], region: str, vcpu: float) -> Units:
    """How many units of each size run in a region of which so many vCPUs are asked."""
    return {item.size: _count(item, vcpu) for item in workloads if item.runs_in(region) and _count(item, vcpu)}


def critical_units(workloads: Sequence[Workload], units: Units, carried: Iterable[float] = ()) -> Units:
    """Those that run on at partners when their region is lost, but for what given entries carry, by their shares."""
    critical = {item.size for item in workloads if item.critical}
    shares = tuple(carried)
    left = {
        size: count - sum(math.ceil(count * share - 1e-9) for share in shares)
        for size, count in units.items()
        if size in critical
    }
    return {size: count for size, count in left.items() if count > 0}


def share_of(units: Units, share: float) -> Units:
    """The units that a share of all of them is, a unit begun being a whole one."""
    return {size: math.ceil(count * share - 1e-9) for size, count in units.items()}


def asked_vcpu(needs: Iterable[Requirement], region: str) -> float:
    """The vCPUs that a share of demand is a share of: without what units add, and within a maximum.

    Units stay where they are, wherever the rest is served; where demand comes from elsewhere, it may bring some.
    """
    need = total(needs, region, CapacityKind.VCPU)
    if need is None:
        return 0.0
    cut = sum(amount for name, amount in need.parts.items() if name.startswith("maximum"))
    here = need.quantity - cut - need.parts.get(WORKLOADS, 0.0)
    asked = max(here, here - served_elsewhere(need.parts) - need.parts.get("minimum", 0.0))
    return min(need.quantity, asked) if cut else asked


def with_units(question: Question, needs: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """What must serve, no less than the units that run there take."""
    workloads = question.environment.workloads
    if not workloads:
        return needs
    raised: dict[str, Requirement] = {}
    for region in sorted(settings.name for settings in question.environment.regions):
        units = {} if question.is_frozen(region) else units_of(workloads, region, asked_vcpu(needs, region))
        for kind, amount in zip(KINDS, amounts(units), strict=True):
            need = total(needs, region, kind)
            if amount > (need.quantity if need else 0.0) + 1e-9:
                one = _raised(need, region, kind, amount)
                raised[one.id] = one
    kept = tuple(raised.pop(need.id, need) for need in needs)
    return (*kept, *raised.values())


def amounts(units: Units) -> tuple[float, float]:
    """VCPUs and GiB of units together."""
    pairs = [(size.vcpu * count, size.memory_gib * count) for size, count in units.items()]
    return rounded(sum(vcpu for vcpu, _ in pairs)), rounded(sum(gib for _, gib in pairs))


def added(one: Units, other: Units) -> Units:
    """Units of both."""
    return Counter(one) + Counter(other)


def held_nowhere(
    question: Question, market: Market, needs: tuple[Requirement, ...], given: Given
) -> Iterator[Shortfall]:
    """Units that no shape holds of what their region sells, or has and keeps."""
    for settings in question.environment.regions:
        region = settings.name
        if question.is_frozen(region):
            continue
        shapes = [shape for shape, _ in market.offered_shapes(region)]
        kept = given.of(region, ResourceKind.COMPUTE, Purpose.SERVING)
        names = {item.spec.shape for item in kept if isinstance(item.spec, ComputeSpec)}
        shapes += [shape for name, shape in market.shapes.items() if name in names]
        for size in units_of(question.environment.workloads, region, asked_vcpu(needs, region)):
            if not any(_holds(shape, size) for shape in shapes):
                yield _unheld(region, size, shapes, total(needs, region, CapacityKind.VCPU))


def _count(workload: Workload, vcpu: float) -> int:
    if workload.count is not None:
        return workload.count
    return math.ceil((workload.share or 0.0) * vcpu / workload.vcpu - 1e-9)


def _raised(need: Requirement | None, region: str, kind: CapacityKind, amount: float) -> Requirement:
    if need is None:
        return Requirement(
            id=f"{region}/{kind}/serving",
            place=region,
            kind=kind,
            quantity=amount,
            code=ReasonCode.WORKLOAD,
            parts={WORKLOADS: amount},
        )
    parts = {**need.parts, WORKLOADS: rounded(amount - need.quantity)}
    return need.model_copy(update={"parts": parts, "quantity": amount, "code": ReasonCode.WORKLOAD})


def _holds(shape: Shape, size: UnitSize) -> bool:
    return all(takes <= room + 1e-9 for takes, room in zip(taken_by(size), room_of(shape), strict=True))


def _unheld(region: str, size: UnitSize, shapes: Sequence[Shape], need: Requirement | None) -> Shortfall:
    """Which of what a unit takes is too much: of no shape by itself, else of those that have the rest."""
    takes, rooms = taken_by(size), [room_of(shape) for shape in shapes]
    most = [max((room[at] for room in rooms), default=0.0) for at in range(len(takes))]
    at = next((at for at, (one, has) in enumerate(zip(takes, most, strict=True)) if one > has + 1e-9), 0)
    if takes[at] <= most[at]:
        rest = [room for room in rooms if all(takes[i] <= room[i] + 1e-9 for i in range(1, len(takes)))]
        most[0] = max((room[0] for room in rest), default=0.0)
    largest = max(shapes, key=lambda shape: (shape.vcpu, shape.memory_gib, shape.name), default=None)
    sold = (
        f"the largest shape sold there is {largest.name} ({largest.vcpu} vCPU, {largest.memory_gib} GiB)"
        if largest
        else "no shape has a price there"
    )
    return Shortfall(
        place=region,
        kind=ALL_KINDS[at],
        wanted=takes[at],
        available=rounded(min(most[at], 1e9)),
        at=need.forecast.at if need and need.forecast else None,
        series=need.forecast.series if need and need.forecast else None,
        workload=size.name,
        nearest=f"no shape holds a unit of {size.name} ({size.told()}), and units cannot be divided: {sold}; add a "
        f"shape that does and its price, make the unit smaller, or leave {region} out of the workload's regions",
    )
