"""A demand that cannot be met, in numbers: where, what, when, how much, and what could be had."""

from collections.abc import Iterable, Mapping

from contracts.capacity import CapacityKind
from contracts.failover import Reserve
from contracts.plan import RefusedAlternative, Requirement, Shortfall
from contracts.storage import StorageNeed
from contracts.wording import describe_need, lacking
from planner.market import Market
from planner.placement import Lacking
from planner.requirements import COPIES, rounded, total
from planner.sites import SHARE_STEPS, Amount, Site

GROW = {
    CapacityKind.VCPU: "hosts",
    CapacityKind.MEMORY_GIB: "hosts",
    CapacityKind.STORAGE_GIB: "storage",
    CapacityKind.GBPS: "fibre",
    CapacityKind.ADDRESSES: "address pools",
    CapacityKind.ACCELERATORS: "hosts with accelerators",
}
ONE_DOMAIN = "all regions stand in one fault domain, so that none may carry another's critical load"
HOSTS = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)


def shortfall(requirement: Requirement, available: float, *, sold: bool = True) -> Shortfall:
    """What one requirement lacks, and the nearest that is feasible.

    Args:
        requirement: that is not met.
        available: of it.
        sold: whether anything that would meet it has a price there.
    """
    most, missing = rounded(max(0.0, available)), rounded(requirement.quantity - max(0.0, available))
    more = f"add {GROW[requirement.kind]} for {missing:g} {requirement.kind.value} more"
    cap = f"set the maximum {requirement.kind.value} of {requirement.place} to {most:g} and accept the rest as unmet"
    if not sold:
        more = (
            f"nothing of it has a price at {requirement.place}: state one where prices are (inventory, cloud, offers)"
        )
    link = requirement.kind is CapacityKind.GBPS
    copies = [f"{gbps:g} {name}" for name, gbps in sorted(requirement.parts.items()) if name.startswith(COPIES)]
    if copies:
        more += f", or lower replication_gbps: {' and '.join(copies)} are asked of it"
    return Shortfall(
        place=requirement.place,
        kind=requirement.kind,
        wanted=requirement.quantity,
        available=most,
        at=requirement.forecast.at if requirement.forecast else None,
        series=requirement.forecast.series if requirement.forecast else None,
        nearest=f"{most:g} of {requirement.quantity:g} {requirement.kind.value} can be had: "
        + (more if link else f"{more}, or {cap}"),
    )


def unstated_told(item: Shortfall, market: Market, reserve: Reserve) -> Shortfall:
    """The same, saying so where what is short is what the snapshot states no quota of."""
    if reserve is Reserve.SHARED and item.kind is not CapacityKind.STORAGE_GIB:
        return item  # there, what is not stated limits nothing
    kinds = HOSTS if item.kind in HOSTS else (item.kind,)  # an instance takes of both
    names = " and ".join(kind.value for kind in kinds if (item.place, kind) not in market.available)
    if not names or item.available > 0:
        return item
    told = (
        f"the capacity snapshot states no quota of {names} at {item.place}, which counts as none there; {item.nearest}"
    )
    return item.model_copy(update={"nearest": told})


def without_the_other(item: Shortfall, market: Market) -> Shortfall:
    """The same, saying so where what lacks is not what is short, but the other kind that every instance takes."""
    if item.kind not in HOSTS or item.available > 0 or market.available.get((item.place, item.kind), 0.0) <= 0:
        return item
    other = HOSTS[1 - HOSTS.index(item.kind)]
    if market.available.get((item.place, other), 1.0) > 0:
        return item
    told = (
        f"the quota of {other} at {item.place} leaves nothing, and every instance takes of it: add {GROW[other]} for "
    )
    told += f"{other}, or set the maximum {item.kind} of {item.place} to 0 and accept the rest as unmet"
    return item.model_copy(update={"nearest": told})


def unmet_storage(requirement: Requirement, need: StorageNeed, refused: Iterable[RefusedAlternative]) -> Shortfall:
    """No class of a place has what is asked of its storage: what each lacks."""
    lacks = [lacking(item) for item in refused]
    return Shortfall(
        place=requirement.place,
        kind=requirement.kind,
        wanted=requirement.quantity,
        available=0.0,
        at=requirement.forecast.at if requirement.forecast else None,
        series=requirement.forecast.series if requirement.forecast else None,
        nearest=f"no storage class gives {describe_need(need)}{f' for {need.part}' if need.part else ''} "
        f"({'; '.join(lacks)}): state what a class gives and its prices in the catalog, add a class, or ask for less "
        "in `storage`",
    )


def outgrown_storage(requirement: Requirement, gib: float, available: float) -> Shortfall:
    """A place has not the room for volumes that have what is asked, or no room for the data itself.

    Args:
        requirement: of GiB.
        gib: that volumes take: more than the data does, where speed comes with GiB, parts are many or volumes alike.
        available: GiB there.
    """
    told = shortfall(requirement, available)
    if requirement.quantity > available:
        return told
    nearest = f"volumes that have what is asked take {rounded(gib):g} GiB, and {told.available:g} can be had: "
    nearest += f"add storage for {rounded(gib - available):g} GiB more, raise the maximum storage_gib of "
    nearest += f"{requirement.place} where it has one, or ask for less in `storage`"
    return told.model_copy(update={"wanted": rounded(gib), "nearest": nearest})


def placement_shortfalls(
    lacking: Lacking, needs: tuple[Requirement, ...], sites: tuple[Site, ...], shares: Mapping[str, float]
) -> tuple[Shortfall, ...]:
    """What compute lacks for serving, and for standing by."""
    found = []
    for site in sites:
        missing = lacking.serving.get(site.region, Amount())
        for kind, amount in ((CapacityKind.VCPU, missing.vcpu), (CapacityKind.MEMORY_GIB, missing.memory_gib)):
            requirement = total(needs, site.region, kind)
            if amount > 0 and requirement is not None:
                found.append(shortfall(requirement, requirement.quantity - amount, sold=bool(site.serving_shapes)))
        if steps := lacking.shares.get(site.region):
            found.append(_unbacked(site, steps, needs, shares[site.region]))
    return tuple(found)


def _unbacked(site: Site, steps: int, needs: tuple[Requirement, ...], critical_share: float) -> Shortfall:
    """The part of a region's critical load that no partner can carry."""
    carried = 1 - steps / SHARE_STEPS
    requirement = total(needs, site.region, CapacityKind.VCPU)
    link = requirement.forecast if requirement else None
    bound = f"{site.bound}; " if site.bound else ""
    less = f"or set failover.critical_share to {rounded(critical_share * carried):g}"
    if site.partners:
        among = f"partners ({', '.join(site.partners)}) can carry {carried:.0%} of its critical load: add hosts there, "
    elif site.alone:
        among = f"{ONE_DOMAIN}: add a region of another, "
    else:
        wider = "widen its residency, " if site.bound else ""
        among = "no region of another fault domain is near enough and may carry its critical load: raise "
        among += f"failover.max_latency_ms, {wider}add regions near it, "
    return Shortfall(
        place=site.region,
        kind=CapacityKind.VCPU,
        wanted=rounded(site.critical.vcpu),
        available=rounded(site.critical.vcpu * carried),
        at=link.at if link else None,
        series=link.series if link else None,
        nearest=f"{bound}{among}{less}",
    )
