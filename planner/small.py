"""A small plan: what one peering request needs that staging could not give, in a root of its own.

Takes part in no chain of plans: it changes nothing that exists, and the next main plan adopts what it made. Asked
again after a crash, with part of it live already, it wants the same resources.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

from contracts.capacity import ADDRESS_ITEM, CapacityKind
from contracts.plan import (
    Change,
    Cost,
    Inputs,
    Operation,
    Plan,
    PlannedResource,
    Reason,
    ReasonCode,
    RefusalCode,
    RefusedAlternative,
)
from contracts.requests import Missing
from contracts.resources import (
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    LinkSpec,
    NetworkSpec,
    Purpose,
    Spec,
)
from contracts.wording import lacking
from planner.addresses import AddressSpace, block_ends, shortest_lengths
from planner.alternatives import circuit_alternatives, shape_alternatives
from planner.changes import ORDER
from planner.circuits import cheapest_circuits, most_gbps
from planner.keys import block_key, item_key, link_key, network_key, unit_key
from planner.market import address_count
from planner.question import SmallQuestion
from planner.relied import relied_on
from planner.requirements import rounded
from planner.sites import Amount
from planner.small_work import Work
from planner.support import Leaning, dependencies
from planner.volumes import spec_of, unit_refusals, unit_volume

__all__ = ["SmallQuestion", "build_small_plan"]

VALIDITY = timedelta(hours=1)
"""A small plan is applied at once; an hour leaves time to resume one that was cut off."""


def build_small_plan(question: SmallQuestion) -> Plan | tuple[Missing, ...]:
    """Resources for one request, within quotas, or everything that is missing, in numbers."""
    work = Work.start(question)
    _refuse_places(work)
    if not work.missing:
        _want_compute(work)
        _want_storage(work)
        _want_circuits(work)
        _want_block(work)
        _want_support(work)
    return tuple(work.missing) if work.missing else _document(work)


def _refuse_places(work: Work) -> None:
    """A peering needs both regions, the destination open for changes, and a link between them.

    A request from a region to itself is one for the region's own resources: addresses out of its pool.
    """
    environment, request = work.question.environment, work.question.request
    for region in (request.source, request.destination):
        settings = environment.region(region)
        if settings is None or region not in work.market.regions:
            work.missing.append(_closed("link", region, f"{region} is no region of {environment.name}"))
        elif settings.paused:
            work.missing.append(_closed("policy", region, f"{region} is paused"))
        elif not work.market.regions[region].readable:
            work.missing.append(_closed("region", region, f"{region} cannot be read now"))
    alone = request.source == request.destination
    if not work.missing and not alone and work.link not in work.market.links:
        work.missing.append(_closed("link", work.link, f"nothing joins {request.source} and {request.destination}"))


def _closed(kind: str, place: str, why: str) -> Missing:
    return Missing(kind=kind, place=place, wanted=1, available=0, why=why)


def _want_compute(work: Work) -> None:
    """The shape of which enough for the request costs least, among those that fit."""
    asked, region = work.question.request.requirements, work.destination
    need = Amount(vcpu=asked.vcpu, memory_gib=asked.memory_gib)
    if not need:
        return
    room = Amount(vcpu=work.room(region, CapacityKind.VCPU), memory_gib=work.room(region, CapacityKind.MEMORY_GIB))
    fitting = []
    for shape, usd in work.market.offered_shapes(region):
        count = need.instances(shape)
        if not Amount.of(shape, count).less(room):
            fitting.append((usd * count, count, shape.name))
    if not fitting:
        _lacks_compute(work, need, room)
        return
    _, count, name = min(fitting)
    per_unit = [
        (need.vcpu, work.market.unit_price(region, CapacityKind.VCPU)),
        (need.memory_gib, work.market.unit_price(region, CapacityKind.MEMORY_GIB)),
    ]
    work.lower_bound += max(quantity * (usd or 0.0) for quantity, usd in per_unit)
    ids = tuple(
        work.need(region, kind, quantity)
        for kind, quantity in ((CapacityKind.VCPU, need.vcpu), (CapacityKind.MEMORY_GIB, need.memory_gib))
        if quantity > 0
    )
    refused = shape_alternatives(work.market, region, (need, {}), room, {name: count})
    spec = ComputeSpec(shape=name, count=count)
    work.want(_key(work, region, spec, name), region, Purpose.GRANTED, spec, _reason(ids, refused))


def _lacks_compute(work: Work, need: Amount, room: Amount) -> None:
    """What the request itself lacks; where it lacks nothing, what whole instances of the nearest shape do."""
    offered = [shape for shape, _ in work.market.offered_shapes(work.destination)]
    room = room if offered else Amount()
    if not need.less(room):
        taken = [Amount.of(shape, need.instances(shape)) for shape in offered]
        need = min(taken, key=lambda amount: (amount.less(room).vcpu, amount.less(room).memory_gib))
    if need.vcpu > room.vcpu:
        work.lacks(work.destination, CapacityKind.VCPU, need.vcpu, room.vcpu)
    if need.memory_gib > room.memory_gib:
        work.lacks(work.destination, CapacityKind.MEMORY_GIB, need.memory_gib, room.memory_gib)


def _want_storage(work: Work) -> None:
    wanted, region = work.question.request.requirements.storage_gib, work.destination
    if not wanted:
        return
    gib, room = math.ceil(wanted), work.room(region, CapacityKind.STORAGE_GIB)
    volume = unit_volume(work.market, work.question.environment, region, gib)
    if volume is None:
        _lacks_class(work, region, gib)
        return
    if volume.gib > room:
        work.lacks(region, CapacityKind.STORAGE_GIB, gib, room)
        return
    work.lower_bound += wanted * (work.market.price(region, volume.storage_class) or 0.0)
    spec, ids = spec_of(volume), (work.need(region, CapacityKind.STORAGE_GIB, wanted),)
    work.want(_key(work, region, spec, volume.storage_class), region, Purpose.GRANTED, spec, _reason(ids))


def _lacks_class(work: Work, region: str, gib: int) -> None:
    """No class can be what is asked of the region's storage: what the nearest lacks, in numbers."""
    refused = unit_refusals(work.market, work.question.environment, region, gib)
    kinds = {"IOPS": "iops", "MiB/s": "throughput_mibps", "": "durability"}
    if not refused or refused[0].code is RefusalCode.NOT_OFFERED:
        work.lacks(region, CapacityKind.STORAGE_GIB, gib, 0.0)
        return
    nearest, told = refused[0], "; ".join(lacking(item) for item in refused)
    work.missing.append(
        Missing(
            kind=kinds[nearest.unit],
            place=region,
            wanted=nearest.limit or 0.0,
            available=nearest.value or 0.0,
            why=f"no storage class will do for {gib} GiB: {told}",
        )
    )


def _want_circuits(work: Work) -> None:
    wanted, link = work.question.request.requirements.gbps, work.link
    if not wanted:
        return
    tiers = work.market.tiers
    offers = [(tier, usd) for tier in tiers.values() if (usd := work.market.price(link, tier.name)) is not None]
    room = work.room(link, CapacityKind.GBPS)
    circuits = cheapest_circuits(wanted, room, offers)
    if circuits is None:
        work.lacks(link, CapacityKind.GBPS, wanted, most_gbps(room, offers))
        return
    work.lower_bound += circuits.usd_per_hour
    ids = (work.need(link, CapacityKind.GBPS, wanted),)
    refused = circuit_alternatives(work.market, link, wanted, room, circuits.counts)
    for name, count in circuits.counts.items():
        spec = CircuitSpec(tier=name, gbps=tiers[name].gbps, count=count)
        work.want(_key(work, link, spec, name), link, Purpose.GRANTED, spec, _reason(ids, refused))


def _want_block(work: Work) -> None:
    """The block that the request has already, else the best fit in the pools."""
    length, region = work.question.request.requirements.prefix_length, work.destination
    if not length:
        return
    mine = [item.spec for item in work.made.values() if isinstance(item.spec, BlockSpec)]
    taken = block_ends(work.live.values(), work.question.ledger, work.question.now)
    asked = shortest_lengths((*taken, f"0.0.0.0/{length}"))
    space = AddressSpace(work.market.pools.get(region, ()), taken, asked)
    block = mine[0] if mine else space.carve(length, hours=work.question.request.duration_hours)
    wanted, usd = float(1 << (32 - length)), work.market.price(region, ADDRESS_ITEM)
    if usd is None:
        told = f"no price of `{ADDRESS_ITEM}` is known at {region}"
        work.lacks(region, CapacityKind.ADDRESSES, wanted, 0.0, why=told)
        return
    limited = (region, CapacityKind.ADDRESSES) in work.market.available and not mine
    if limited and (left := work.room(region, CapacityKind.ADDRESSES)) < wanted:
        work.lacks(region, CapacityKind.ADDRESSES, wanted, left)
        return
    if block is None:
        largest = float(1 << (32 - space.largest)) if space.largest is not None else 0.0
        work.lacks(region, CapacityKind.ADDRESSES, wanted, largest)
        return
    ids = (work.need(region, CapacityKind.ADDRESSES, wanted),)
    key = unit_key(block_key(region, Purpose.GRANTED, block.prefix), work.question.request.id)
    work.want(key, region, Purpose.GRANTED, block, _reason(ids))
    work.lower_bound += usd * address_count(block.prefix)


def _want_support(work: Work) -> None:
    """Networks and the link, where there are none yet: the next main plan adopts them."""
    ends = sorted({work.question.request.source, work.destination})
    for region in ends:
        settings = work.question.environment.region(region)
        if network_key(region) not in work.live and settings is not None:
            spec = NetworkSpec(asn=settings.asn)
            work.want(network_key(region), region, Purpose.SUPPORT, spec, Reason(code=ReasonCode.SUPPORT))
    if len(ends) == 2 and link_key(work.link) not in work.live:
        reason = Reason(code=ReasonCode.SUPPORT)
        work.want(link_key(work.link), work.link, Purpose.SUPPORT, LinkSpec(), reason)


def _key(work: Work, place: str, spec: Spec, item: str) -> str:
    return unit_key(item_key(place, spec.kind, Purpose.GRANTED, item), work.question.request.id)


def _reason(ids: tuple[str, ...], refused: tuple[RefusedAlternative, ...] = ()) -> Reason:
    return Reason(code=ReasonCode.REQUEST, requirements=ids, alternatives=refused)


def _document(work: Work) -> Plan:
    question = work.question
    resources = tuple(work.wanted[key] for key in sorted(work.wanted))
    return Plan(
        environment=question.environment.name,
        engine=question.environment.engine,
        made_at=question.now,
        expires_at=question.now + VALIDITY,
        inputs=Inputs(
            forecast=question.request.digest(),  # what a small plan answers in a forecast's place
            capacity=question.capacity.digest(),
            catalog=question.catalog.digest(),
            environment=question.environment.digest(),
            rules=question.rules,
            ledger=question.ledger.digest(),
        ),
        requirements=tuple(sorted(work.requirements, key=lambda item: item.id)),
        resources=resources,
        changes=_changes(work),
        cost=_cost(work, resources),
        relied_on=relied_on(work.market, resources),
        solver="closed form: cheapest single shape",
        small=True,
    )


def _changes(work: Work) -> tuple[Change, ...]:
    """Everything wanted that is not there yet, in the order in which it can be made."""
    missing = [item for key, item in work.wanted.items() if key not in work.made]
    leaning = Leaning.of(item.resource for item in work.wanted.values())
    missing.sort(key=lambda item: (ORDER[item.resource.kind], item.resource.key))
    return tuple(
        Change(
            operation=Operation.CREATE,
            key=item.resource.key,
            place=item.resource.place,
            after=item.resource,
            depends_on=dependencies(item.resource, leaning),
            reason=item.reason,
            usd_per_hour=item.usd_per_hour,
        )
        for item in missing
    )


def _cost(work: Work, resources: Sequence[PlannedResource]) -> Cost:
    before = rounded(sum(work.market.usd_per_hour(item) for item in work.live.values()))
    mine = rounded(sum(item.usd_per_hour for item in resources))
    bound = min(mine, rounded(work.lower_bound))
    return Cost(
        before_usd_per_hour=before,
        after_usd_per_hour=rounded(before + mine),
        optimised_usd_per_hour=mine,
        lower_bound_usd_per_hour=bound,
        gap=rounded((mine - bound) / mine) if mine > 0 else 0.0,
    )
