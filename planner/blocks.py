"""Wanted serving address blocks, and advice on all. Live ones stay while they are needed; what lacks is carved anew."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.block_advice import BlockAdvice
from contracts.capacity import ADDRESS_ITEM, CapacityKind
from contracts.plan import PlannedResource, ReasonCode, Requirement, Shortfall
from contracts.resources import BlockSpec, ComputeSpec, Purpose, ResourceKind
from planner.address_stock.advice import advise_blocks
from planner.addresses import IPV4_BITS, AddressSpace, smallest_length
from planner.demand import Demand
from planner.desired import Desired, Wish
from planner.keys import block_key
from planner.market import Market, address_count
from planner.question import Question
from planner.requirements import rounded, total
from planner.shortfalls import shortfall

RESERVED_ADDRESSES = 8
"""Of a serving block, beyond one address an instance: network, broadcast, gateways, and what monitors them."""

ADDRESS_SLACK = 2
"""A new serving block holds this many times what is needed: renumbering is dearer than idle private addresses."""

SMALLEST = 28
"""Prefix length of the smallest serving block: no cloud's subnet is smaller (AWS: /28, Google Cloud: /29)."""


def want_serving_blocks(desired: Desired, demand: Demand, spaces: dict[str, AddressSpace]) -> tuple[Shortfall, ...]:
    """Addresses for every instance. Live blocks stay while they are needed; what lacks is carved anew."""
    short, instances, live = [], _instances(desired), _serving_blocks(demand.question)
    for region in demand.regions:
        need = _address_requirement(demand, region, instances.get(region, 0))
        if need is None:
            continue
        desired.requirements.append(need)
        if desired.market.price(region, ADDRESS_ITEM) is None:
            short.append(_unpriced(need))
            continue
        space, limit = spaces[region], _limit(desired, demand, region)
        blocks = _as_many(live.get(region, ()), need.quantity, limit)
        kept, free = _addresses(blocks), space.free_addresses
        carved = _carved(space, need.quantity - kept, limit.most - kept)
        if carved is None:
            short.append(_short(need, limit, kept + free - space.free_addresses))  # all that could be was carved
            continue
        for block in (*blocks, *carved):
            desired.want(
                Wish(
                    key=block_key(region, Purpose.SERVING, block.prefix),
                    place=region,
                    purpose=Purpose.SERVING,
                    spec=block,
                    code=need.code,
                    requirements=(need.id,),
                )
            )
    return tuple(short)


def block_advice(question: Question, market: Market, resources: Sequence[PlannedResource]) -> tuple[BlockAdvice, ...]:
    """What to do about blocks that the forecast sees under- or over-used, given the plan's own blocks."""
    blocks = [item.resource for item in resources if isinstance(item.resource.spec, BlockSpec)]
    taken = {item.key: item.spec.prefix for item in blocks if isinstance(item.spec, BlockSpec)}
    staged = tuple(taken[item.key] for item in blocks if item.purpose is Purpose.STAGED)
    frozen = {region for region in market.pools if question.is_frozen(region)}
    pools = {region: of_region for region, of_region in market.pools.items() if region not in frozen}
    return advise_blocks(question.forecast.document.blocks, pools, taken.values(), staged)


def _instances(desired: Desired) -> dict[str, int]:
    """How many instances serve or stand by, by region."""
    found: dict[str, int] = {}
    for resource in (item.resource for item in desired.resources.values()):
        if isinstance(resource.spec, ComputeSpec) and resource.purpose in (Purpose.SERVING, Purpose.FAILOVER):
            found[resource.place] = found.get(resource.place, 0) + resource.spec.count
    return found


def _address_requirement(demand: Demand, region: str, instances: int) -> Requirement | None:
    """One address an instance that serves or stands by, and some for the network itself."""
    settings = demand.question.environment.region(region)
    minimum = settings.minimum.get(CapacityKind.ADDRESSES, 0.0) if settings else 0.0
    if not instances and not minimum:
        return None
    parts = {"instances": float(instances), "network": float(RESERVED_ADDRESSES)}
    if (lacking := minimum - sum(parts.values())) > 0:
        parts["minimum"] = rounded(lacking)
    vcpu = total(demand.needs, region, CapacityKind.VCPU)
    return Requirement(
        id=f"{region}/{CapacityKind.ADDRESSES}/serving",
        place=region,
        kind=CapacityKind.ADDRESSES,
        quantity=rounded(sum(parts.values())),
        code=ReasonCode.MINIMUM if lacking > 0 else ReasonCode.DEMAND,
        forecast=vcpu.forecast if vcpu else None,
        parts=parts,
    )


def _serving_blocks(question: Question) -> dict[str, list[BlockSpec]]:
    """Live serving blocks by region, sorted by key."""
    found: dict[str, list[BlockSpec]] = {}
    for key, resource in sorted(question.live().items()):
        region, spec = key.partition("/")[0], resource.spec
        if isinstance(spec, BlockSpec) and key == block_key(region, Purpose.SERVING, spec.prefix):
            found.setdefault(region, []).append(spec)
    return found


def _addresses(blocks: Iterable[BlockSpec]) -> int:
    return sum(address_count(block.prefix) for block in blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    """How many addresses may serve at a region, what says so, and which blocks of them are given."""

    most: float
    told: str
    given: frozenset[str]


def _limit(desired: Desired, demand: Demand, region: str) -> _Limit:
    """The lower one of what the quota leaves and the maximum that people set."""
    blocks = demand.given.of(region, ResourceKind.BLOCK, Purpose.SERVING)
    given = [item.spec for item in blocks if isinstance(item.spec, BlockSpec)]
    quota = desired.room(region, CapacityKind.ADDRESSES) + _addresses(given)
    settings = demand.question.environment.region(region)
    most = settings.maximum.get(CapacityKind.ADDRESSES, math.inf) if settings else math.inf
    told = f"the quota of addresses at {region} leaves" if quota <= most else f"the maximum of addresses of {region} is"
    return _Limit(most=min(quota, most), told=told, given=frozenset(block.prefix for block in given))


def _unpriced(need: Requirement) -> Shortfall:
    """Addresses that have no price are not sold: what they would cost is not known."""
    told = (
        f"no price of `{ADDRESS_ITEM}` is known at {need.place}: state it where prices are (inventory, cloud, offers), "
    )
    return shortfall(need, 0.0, sold=False).model_copy(update={"nearest": told + "0 where addresses cost nothing"})


def _short(need: Requirement, limit: _Limit, available: float) -> Shortfall:
    """A region's addresses do not suffice: its pools, or what may be used of them."""
    if limit.most >= 1 << (IPV4_BITS - smallest_length(need.quantity)):
        return shortfall(need, available)
    least = 1 << (IPV4_BITS - SMALLEST)
    told = shortfall(need, min(limit.most // least * least, available))
    nearest = f"{limit.told} {limit.most:g}, and {need.quantity:g} are needed, in blocks of {least} or more: "
    return told.model_copy(update={"nearest": nearest + "raise it, or lower what serves and stands by there"})


def _as_many(blocks: Iterable[BlockSpec], wanted: float, limit: _Limit) -> list[BlockSpec]:
    """The first blocks, as many as are needed and may be, those that are given before all others."""
    kept: list[BlockSpec] = []
    for spec in sorted(blocks, key=lambda block: block.prefix not in limit.given):
        have = _addresses(kept)
        if have < wanted and (spec.prefix in limit.given or have + address_count(spec.prefix) <= limit.most):
            kept.append(spec)
    return kept


def _carved(space: AddressSpace, missing: float, most: float) -> tuple[BlockSpec, ...] | None:
    """A block with slack where there is room for it, else the smallest that will do, else several; None without room.

    Args:
        space: of the region.
        missing: addresses that are needed; none where it is 0 or less.
        most: addresses that may be taken.
    """
    if missing <= 0:
        return ()
    for length in (smallest_length(missing * ADDRESS_SLACK), smallest_length(missing)):
        if 1 << (IPV4_BITS - length) <= most and (block := space.carve(length)):
            return (block,)
    found: list[BlockSpec] = []
    while (lacking := missing - _addresses(found)) > 0:
        left = most - _addresses(found)
        length = max(smallest_length(lacking), IPV4_BITS + 1 - int(min(left, 1 << IPV4_BITS)).bit_length())
        lengths = range(min(length, SMALLEST), SMALLEST + 1) if left >= 1 << (IPV4_BITS - SMALLEST) else ()
        block = next(filter(None, map(space.carve, lengths)), None)
        if block is None:
            return None
        found.append(block)
    return tuple(found)
