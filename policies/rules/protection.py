"""What a plan may not do: destroy what somebody has or volumes hold, be sized by what is over, outlive its validity."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from contracts.accounts import TargetName
from contracts.in_place import changes_class
from contracts.ledger import UnitView
from contracts.names import place_ends
from contracts.plan import Change, Operation, ReasonCode
from contracts.resources import CircuitSpec, ComputeSpec, Purpose, Resource, ResourceKind, StorageSpec
from contracts.storage import StorageClass
from contracts.wording import lacking
from policies.case import WHOLE_PLAN, Breach, Case

_CARRIERS = (ResourceKind.NETWORK, ResourceKind.LINK)
"""Kinds that units stand on: without its network or link a unit is of no use."""


def no_destruction(case: Case) -> Iterator[Breach]:
    """Nothing that the ledger says is held or active is deleted, replaced, made smaller or cut off."""
    for change in case.plan.changes:
        unit = case.handed_out.get(change.key)
        if unit is not None and (harm := _harm(change)):
            yield Breach(
                resource=change.key,
                message=f"{harm} what is {unit.state} by {unit.holder or 'somebody'}{_until(unit)}",
                fix="make the plan again with the ledger as it is now, or release the unit first",
            )
        elif change.operation in (Operation.DELETE, Operation.REPLACE):
            yield from _cut_off(change, case.handed_out)


def no_content_lost(case: Case) -> Iterator[Breach]:
    """No volume that serves is deleted, replaced or made smaller: nothing copies what it holds."""
    known = {item.name: item for item in case.facts.catalog.storage_classes} if case.facts.catalog else {}
    for change in case.plan.changes:
        before = change.before
        if before is None or before.purpose is not Purpose.SERVING or change.key in case.handed_out:
            continue
        target = case.facts.environment.target_of(change.place)
        if isinstance(before.spec, StorageSpec) and (harm := _lost(change, before.spec, known, target)):
            yield Breach(
                resource=change.key,
                message=f"{harm} {before.spec.gib} GiB of {before.spec.storage_class} that serve;"
                f" nothing copies what they hold{_unfit(change)}",
                fix="ask for storage that it can be part of; or pin it, apply, copy what it holds, take the pin out"
                " and exempt its deletion",
            )


def forecast_reaches(case: Case) -> Iterator[Breach]:
    """What the plan is sized by is not over: no requirement rests on an hour `validity_hours` before it was made."""
    oldest = case.plan.made_at - timedelta(hours=case.facts.environment.horizons.validity_hours)
    old = [
        requirement
        for requirement in case.plan.requirements
        if requirement.forecast is not None and requirement.forecast.at < oldest
    ]
    if old:
        latest = max(item.forecast.at for item in old if item.forecast is not None)
        yield Breach(
            resource=WHOLE_PLAN,
            message=f"{len(old)} requirements rest on hours that were over, the last {latest:%Y-%m-%d %H:%M} UTC; "
            f"the plan is of {case.plan.made_at:%Y-%m-%d %H:%M}",
            fix="prestage history import what was measured since, prestage forecast, prestage plan",
        )


def expiry(case: Case) -> Iterator[Breach]:
    """The plan has not expired, and is valid no longer than `validity_hours`."""
    plan, hours = case.plan, case.facts.environment.horizons.validity_hours
    if case.now >= plan.expires_at:
        yield Breach(
            resource=WHOLE_PLAN,
            message=f"expired at {plan.expires_at.isoformat()}",
            fix="make the plan again: prestage plan",
        )
    if plan.expires_at - plan.made_at > timedelta(hours=hours):
        valid = (plan.expires_at - plan.made_at).total_seconds() / 3600
        yield Breach(
            resource=WHOLE_PLAN,
            message=f"valid for {valid:.6g} hours, at most {hours} are looked ahead",
            fix="make the plan again: prestage plan",
        )


def _harm(change: Change) -> str:
    """What a change does to the one who has the resource; empty when it does no harm."""
    match change.operation:
        case Operation.DELETE:
            return "deletes"
        case Operation.REPLACE:
            return "replaces"
        case Operation.UPDATE if change.before and change.after and _size(change.after) < _size(change.before):
            return f"shrinks ({_size(change.before):.6g} to {_size(change.after):.6g})"
        case _:
            return ""


def _unfit(change: Change) -> str:
    """What a volume lacks that is not wanted any more for that."""
    lacks = "; ".join(map(lacking, change.reason.alternatives)) if change.reason.code is ReasonCode.UNFIT else ""
    return f". It goes because {lacks}" if lacks else ""


def _lost(change: Change, before: StorageSpec, known: Mapping[str, StorageClass], target: TargetName) -> str:
    """What a change does to what a volume holds: a smaller one is made anew; of another class, by most targets."""
    after = change.after.spec if change.after else None
    if change.operation is Operation.DELETE or not isinstance(after, StorageSpec):
        return "deletes"
    if change.operation is Operation.REPLACE:
        return "replaces"
    if after.storage_class != before.storage_class:
        return "" if changes_class(target, before, after) else "replaces"
    storage = known.get(before.storage_class) or StorageClass(name=before.storage_class)
    old, new = (storage.sizes(spec.gib, spec.volumes) for spec in (before, after))
    smaller = len(new) < len(old) or any(was > now for was, now in zip(old, new, strict=False))
    return "makes smaller" if smaller else ""


def _cut_off(change: Change, handed_out: dict[str, UnitView]) -> Iterator[Breach]:
    """The network or link of a change's place goes while somebody has a unit there."""
    if change.before is None or change.before.kind not in _CARRIERS:
        return
    there = [unit for unit in handed_out.values() if change.place in (unit.place, *place_ends(unit.place))]
    if there:
        first = min(there, key=lambda unit: unit.key)
        yield Breach(
            resource=change.key,
            message=f"cuts off {len(there)} unit(s) that are held or active, such as {first.key}",
            fix="release what stands there first",
        )


def _size(resource: Resource) -> float:
    """What an update in place may make smaller; 0 for what has no size."""
    match resource.spec:
        case ComputeSpec(count=count):
            return count
        case StorageSpec(gib=gib):
            return gib
        case CircuitSpec(count=count, gbps=gbps):
            return count * gbps
        case _:
            return 0


def _until(unit: UnitView) -> str:
    return f" until {unit.until.isoformat()}" if unit.until else ""
