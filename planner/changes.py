"""What differs between what is live and what is wanted, as changes in an order in which they can be made."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never

from contracts.accounts import TargetName
from contracts.in_place import changes_class
from contracts.plan import Change, Operation, PlannedResource, Reason, ReasonCode
from contracts.resources import (
    ON_DEMAND_PREFIX,
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purpose,
    Resource,
    ResourceKind,
    StorageSpec,
)
from planner.market import Market
from planner.question import Question
from planner.requirements import rounded
from planner.support import Leaning, dependencies

NO_REASONS: Mapping[str, Reason] = MappingProxyType({})
ORDER = {kind: position for position, kind in enumerate(ResourceKind)}


def changes_between(
    question: Question, market: Market, wanted: dict[str, PlannedResource], unfit: Mapping[str, Reason] = NO_REASONS
) -> tuple[Change, ...]:
    """Creations first, in the order in which kinds can be made, then deletions in the reverse order.

    Nothing changes where it is not known what lives there.

    Args:
        question: what is live, and what was planned last.
        market: prices.
        wanted: the desired state, by key.
        unfit: why some of what goes, does so.
    """
    live, earlier = question.live(), question.wanted_earlier()
    leaning = Leaning.of(item.resource for item in wanted.values())
    made = [
        change.model_copy(update={"depends_on": dependencies(_after(change), leaning)})
        for key in wanted
        if not question.is_unread(wanted[key].resource.place)
        and (
            change := _change(question, market, wanted[key], (live.get(key), earlier.get(key)))
            or _mended(live, wanted[key], question)
        )
    ]
    gone = [item for key, item in live.items() if key not in wanted and not question.is_unread(item.place)]
    existing = {
        key: PlannedResource(resource=resource, usd_per_hour=0, reason=Reason(code=ReasonCode.SURPLUS))
        for key, resource in live.items()
    }
    dependents = _dependents(gone, existing)
    dropped = [_deletion(market, resource, dependents[resource.key], unfit.get(resource.key)) for resource in gone]
    made.sort(key=lambda change: (ORDER[_after(change).kind], change.key))
    dropped.sort(key=lambda change: (-ORDER[_before(change).kind], change.key))
    return (*made, *dropped)


def replaces(before: Resource, after: Resource, target: TargetName = TargetName.ESTATE) -> bool:
    """Whether a difference can only be made, by the target, by destroying and making anew."""
    old, new = before.spec, after.spec
    match new:
        case BlockSpec():
            return old != new
        case ComputeSpec():
            return not isinstance(old, ComputeSpec) or (old.shape, old.purchase) != (new.shape, new.purchase)
        case StorageSpec():
            if not isinstance(old, StorageSpec):
                return True
            return old.storage_class != new.storage_class and not changes_class(target, old, new)
        case CircuitSpec():
            return not isinstance(old, CircuitSpec) or (old.tier, old.gbps) != (new.tier, new.gbps)
        case FailoverSpec():
            return not isinstance(old, FailoverSpec) or old.partner != new.partner
        case NetworkSpec() | LinkSpec() | AlertSpec():
            return old.kind is not new.kind
        case _:
            assert_never(new)


def _change(
    question: Question, market: Market, item: PlannedResource, was: tuple[Resource | None, Resource | None]
) -> Change | None:
    """How one wanted resource comes to be, where it is not so already: live, or as planned earlier. Not by purpose."""
    wanted, (live, earlier) = item.resource, was
    repaired = earlier is not None and earlier.spec == wanted.spec
    reason = item.reason.model_copy(update={"code": ReasonCode.REPAIR}) if repaired else item.reason
    if live is None:
        return _made(Operation.CREATE, None, item, reason, item.usd_per_hour)
    difference = rounded(item.usd_per_hour - market.usd_per_hour(live))
    if live.root != wanted.root and live.root.startswith(ON_DEMAND_PREFIX):
        change = _made(Operation.ADOPT, live, item, item.reason, difference)
        return change.model_copy(update={"from_root": live.root})
    if live.spec == wanted.spec:
        return None
    target = question.environment.target_of(wanted.place)
    operation = Operation.REPLACE if replaces(live, wanted, target) else Operation.UPDATE
    return _made(operation, live, item, reason, difference)


def _mended(live: dict[str, Resource], item: PlannedResource, question: Question) -> Change | None:
    """What looks as planned and is not whole: the engine puts its parts right."""
    there = live.get(item.resource.key)
    if there is None or item.resource.key not in question.damaged or question.is_frozen(item.resource.place):
        return None
    reason = item.reason.model_copy(update={"code": ReasonCode.REPAIR})
    return _made(Operation.UPDATE, there, item, reason, 0.0)


def _made(
    operation: Operation, before: Resource | None, item: PlannedResource, reason: Reason, usd_per_hour: float
) -> Change:
    return Change(
        operation=operation,
        key=item.resource.key,
        place=item.resource.place,
        before=before,
        after=item.resource,
        reason=reason,
        usd_per_hour=rounded(usd_per_hour),
    )


def _deletion(market: Market, resource: Resource, depends_on: tuple[str, ...], why: Reason | None) -> Change:
    released = resource.key.split("/")[2:3] == [Purpose.GRANTED]
    return Change(
        operation=Operation.DELETE,
        key=resource.key,
        place=resource.place,
        before=resource,
        depends_on=depends_on,
        reason=why or Reason(code=ReasonCode.RELEASED if released else ReasonCode.SURPLUS),
        usd_per_hour=rounded(-market.usd_per_hour(resource)),
    )


def _dependents(gone: list[Resource], live: dict[str, PlannedResource]) -> dict[str, tuple[str, ...]]:
    """What leans on each resource that goes, and goes as well: it must be gone first."""
    found: dict[str, list[str]] = {resource.key: [] for resource in gone}
    leaning = Leaning.of(item.resource for item in live.values())
    for other in gone:
        for key in dependencies(other, leaning):
            if key in found:
                found[key].append(other.key)
    return {key: tuple(sorted(others)) for key, others in found.items()}


def _after(change: Change) -> Resource:
    assert change.after is not None  # every change that is not a deletion has one
    return change.after


def _before(change: Change) -> Resource:
    assert change.before is not None  # every deletion has one
    return change.before
