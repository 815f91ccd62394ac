"""Resources and operations in the few words that every view uses: plans, reviews, diffs read alike everywhere."""

from collections.abc import Iterable
from typing import assert_never

from contracts.plan import Operation, RefusalCode, RefusedAlternative, Requirement
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Spec,
    StorageSpec,
)
from contracts.storage import StorageNeed

HELD_NAMED = 3
"""Requirements that are held, so many are told of in a plan; `prestage explain` has each."""


def describe(spec: Spec) -> str:
    """What is declared, in a few words: `3 x m8`, `10.16.0.0/24`, `500 GiB standard, copy in ams`."""
    match spec:
        case NetworkSpec(asn=asn):
            return f"AS{asn}"
        case BlockSpec(prefix=prefix):
            return prefix
        case ComputeSpec(shape=shape, count=count, purchase=purchase, by_hour=by_hour):
            number = f"{min(by_hour)} to {count}" if by_hour else f"{count}"
            return f"{number} x {shape}" + ("" if purchase == "on_demand" else f", {purchase}")
        case StorageSpec() as storage:
            return _storage(storage)
        case CircuitSpec(tier=tier, count=count):
            return f"{count} x {tier}"
        case LinkSpec():
            return "peering"
        case FailoverSpec(partner=partner, share=share):
            return f"{share:.0%} to {partner}"
        case AlertSpec(metric=metric, threshold=threshold):
            return f"{metric} above {threshold:.0%}"
        case _:
            assert_never(spec)


def _storage(spec: StorageSpec) -> str:
    parts = [
        f"{spec.gib} GiB {spec.storage_class}",
        f"in {spec.volumes} volumes" if spec.volumes else "",
        f"{spec.iops} IOPS" if spec.iops else "",
        f"{spec.throughput_mibps} MiB/s" if spec.throughput_mibps else "",
        f"copy{' beside it' if spec.copied else ''} in {spec.replica_region}" if spec.replica_region else "",
    ]
    return ", ".join(part for part in parts if part)


def describe_need(need: StorageNeed) -> str:
    """`500 GiB, 20000 IOPS, a durability of 0.99999`."""
    parts = (
        f"{need.gib} GiB",
        f"{need.iops} IOPS" if need.iops else "",
        f"{need.throughput_mibps} MiB/s" if need.throughput_mibps else "",
        f"a durability of {need.least_durability:g}" if need.least_durability else "",
    )
    return ", ".join(part for part in parts if part)


def lacking(item: RefusedAlternative) -> str:
    """What a class of storage lacks: `gp3 gives 3000 of 5000 IOPS, and no more is sold`."""
    match item.code:
        case RefusalCode.TOO_SLOW:
            return f"{item.candidate} gives {item.value or 0:g} of {item.limit or 0:g} {item.unit}, and no more is sold"
        case RefusalCode.LESS_DURABLE:
            return f"{item.candidate} " + (
                f"has a durability of {item.value:g}" if item.value else "states no durability"
            )
        case _:
            return f"{item.candidate} is not offered there"


def unmet(requirement: Requirement) -> str:
    """What of a requirement is not met because nothing that is sold could meet it; nothing of any other."""
    if not requirement.refused:
        return ""
    wanted = sum(amount for amount in requirement.parts.values() if amount > 0)
    why = "; ".join(lacking(item) for item in requirement.refused)
    return f"{wanted:g} {requirement.kind} of {requirement.place} cannot be staged: {why}"


def symbol(operation: Operation) -> str:
    """The sign that engines and diffs use."""
    match operation:
        case Operation.CREATE:
            return "+"
        case Operation.UPDATE:
            return "~"
        case Operation.REPLACE:
            return "±"
        case Operation.DELETE:
            return "-"
        case Operation.ADOPT:
            return ">"
        case _:
            assert_never(operation)


def held(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """What is held as high as it was, though its forecast fell: how many requirements, and the first of them."""
    found = [item for item in requirements if item.held]
    told = [f"{item.id} {item.held.told()}" for item in found[:HELD_NAMED] if item.held]
    more = len(found) - HELD_NAMED
    return (*told, f"and {more} more requirements are held so") if more > 0 else tuple(told)
