"""What an explanation says in sentences beside the chain: what a resource is for, and why it is no longer wanted."""

from collections.abc import Iterator
from ipaddress import ip_network

from contracts import preference_wording
from contracts.capacity import CapacityKind
from contracts.plan import Change, Operation, Plan, Reason, ReasonCode, Requirement
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purpose,
    Resource,
    ResourceKind,
)
from contracts.wording import describe

KINDS = {
    ResourceKind.COMPUTE: (CapacityKind.VCPU, CapacityKind.MEMORY_GIB),
    ResourceKind.STORAGE: (CapacityKind.STORAGE_GIB,),
    ResourceKind.CIRCUIT: (CapacityKind.GBPS,),
    ResourceKind.BLOCK: (CapacityKind.ADDRESSES,),
}
ENDS = (ReasonCode.SURPLUS, ReasonCode.DEFERRED)


def behind(resource: Resource, reason: Reason) -> tuple[str, ...]:
    """Ids of requirements that a resource is there for, or was; of an entry of partners, what the lost one serves."""
    place = resource.place
    if isinstance(resource.spec, FailoverSpec):
        lost = tuple(f"{place}/{kind}/serving" for kind in KINDS[ResourceKind.COMPUTE])
        kept = reason.requirements or tuple(
            f"{resource.spec.partner}/{kind}/failover" for kind in KINDS[ResourceKind.COMPUTE]
        )
        return lost if reason.code in ENDS else (*lost, *kept)
    if reason.requirements or reason.code not in ENDS:
        return reason.requirements
    suffix = str(resource.purpose.value)
    if resource.purpose is Purpose.STAGED and isinstance(resource.spec, BlockSpec):
        suffix += f"/{ip_network(resource.spec.prefix).prefixlen}"
    return tuple(f"{place}/{kind}/{suffix}" for kind in KINDS.get(resource.kind, ()))


def sentences(plan: Plan, resource: Resource, change: Change | None, reason: Reason) -> Iterator[str]:
    """What no chain of numbers says."""
    goes = change is not None and change.operation is Operation.DELETE
    if reason.code is ReasonCode.PINNED:
        stays = f"it stays as it is live, {describe(resource.spec)}, whatever demand says"
        yield f"it is named in the environment's `pins`: {stays}"
    elif goes and isinstance(resource.spec, FailoverSpec):
        yield _partner_gone(plan, resource.place, resource.spec.partner)
    elif goes and resource.purpose is Purpose.STAGED:
        yield _unit_gone(plan, resource)
    elif reason.code is ReasonCode.SUPPORT and not goes:
        yield from _supports(plan, resource)
    yield from _holds(plan, resource, reason)
    if plan.preference and isinstance(resource.spec, ComputeSpec) and resource.purpose is Purpose.SERVING:
        yield from preference_wording.sentences(plan.preference, resource.place)
    for item in plan.scarce:
        if item.place == resource.place and item.kind in KINDS.get(resource.kind, ()):
            yield f"in {item.place}, {item.told()}"


def _holds(plan: Plan, resource: Resource, reason: Reason) -> Iterator[str]:
    """Units that run whole on instances of a resource, and whether one of them buys it."""
    if plan.packing is None or not isinstance(resource.spec, ComputeSpec):
        return
    if reason.code is ReasonCode.WORKLOAD and reason.unit:
        size = next(item for item in plan.packing.sizes if item.name == reason.unit)
        fewer = f"in sum one {resource.spec.shape} fewer would do"
        yield f"a unit of {reason.unit} ({size.told()}) buys it: {fewer}, but a unit runs on one instance or not at all"
    by_loss: dict[str, list[str]] = {}
    for item in plan.packing.on(resource.key):
        each = " and ".join(f"{count} of {name}" for name, count in sorted(item.units.items()))
        by_loss.setdefault(item.lost, []).append(f"{item.instances} x {each}")
    for lost, told in by_loss.items():
        yield f"holds whole units{f' when {lost} is lost' if lost else ''}, by instance: {'; '.join(told)}"


def carried(requirement: Requirement, resource: Resource) -> str:
    """What of a partner's requirement is a region's load, where a resource is the entry of the two."""
    spec = resource.spec
    if not isinstance(spec, FailoverSpec) or requirement.code is not ReasonCode.FAILOVER:
        return ""
    if f"critical load of {resource.place}" in requirement.parts:
        return ""
    return f"{spec.partner} holds more for another loss, within which this fits: "


def _partner_gone(plan: Plan, region: str, partner: str) -> str:
    """Who carries a region's load instead of one that goes."""
    entries = [item.resource for item in plan.resources if item.resource.place == region]
    specs = [item.spec for item in entries if isinstance(item.spec, FailoverSpec)]
    now = ", ".join(f"{spec.share:.0%} by {spec.partner}" for spec in sorted(specs, key=lambda one: -one.share))
    if now:
        return f"{partner} carries nothing for {region} any more: its critical load is carried {now}"
    if not entries:
        return f"nothing of {region} is in this plan any more"
    return f"{partner} carries nothing for {region} any more: none of its load is critical, or none is asked for"


def _unit_gone(plan: Plan, resource: Resource) -> str:
    """How many units alike stay ready, and for how much."""
    ready = [item.resource for item in plan.resources if item.resource.purpose is Purpose.STAGED]
    here = [item for item in ready if (item.place, item.kind) == (resource.place, resource.kind)]
    if isinstance(resource.spec, BlockSpec):
        length = resource.spec.prefix.rpartition("/")[2]
        alike = [item for item in here if isinstance(item.spec, BlockSpec) and item.spec.prefix.endswith(f"/{length}")]
        here, what = alike, f"free blocks of /{length}"
    else:
        alike, what = [item for item in here if item.spec == resource.spec], f"free units of {describe(resource.spec)}"
    asked = any(need in {item.id for item in plan.requirements} for need in behind(resource, Reason(code=ENDS[0])))
    if alike:
        return f"{len(alike)} {what} stay ready in {resource.place}, as many as requests that are forecast ask for"
    if here:
        return f"one unit in {resource.place} is {describe(here[0].spec)} now, the cheapest that will do"
    if asked:
        return f"no room is left for {what} in {resource.place}"
    return f"no requests are forecast for {resource.place} that {what} would be worth having ready for"


def _supports(plan: Plan, resource: Resource) -> Iterator[str]:
    place = resource.place
    match resource.spec:
        case NetworkSpec():
            others = (item.resource for item in plan.resources if item.resource.place == place)
            here = sum(not isinstance(item.spec, NetworkSpec | FailoverSpec | AlertSpec) for item in others)
            yield f"{here} resources of {place} stand in this network, and its links end there"
        case LinkSpec():
            circuits = [item.resource for item in plan.resources if item.resource.place == place]
            told = ", ".join(item.key for item in circuits if item.kind is ResourceKind.CIRCUIT)
            yield f"it joins the networks of its ends over {told or 'its circuits'}"
        case AlertSpec(metric=metric, threshold=threshold):
            yield f"it tells when more than {threshold:.0%} of {metric} in {place} is used"
        case _:
            pass
