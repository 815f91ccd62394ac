"""Resources and operations in the few words that every view uses: plans, reviews, diffs read alike everywhere."""

from typing import assert_never

from contracts.plan import Operation
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
        case StorageSpec(gib=gib, storage_class=name, replica_region=replica):
            return f"{gib} GiB {name}" + (f", copy in {replica}" if replica else "")
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
