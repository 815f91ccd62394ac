"""Wanted serving address blocks, and advice on all. Live ones stay while they are needed; what lacks is carved anew."""

from collections.abc import Iterable, Sequence

from contracts.block_advice import BlockAdvice
from contracts.capacity import CapacityKind
from contracts.plan import PlannedResource, ReasonCode, Requirement, Shortfall
from contracts.resources import BlockSpec, ComputeSpec, Purpose
from planner.address_stock.advice import advise_blocks
from planner.addresses import AddressSpace, smallest_length
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


def want_serving_blocks(desired: Desired, demand: Demand, spaces: dict[str, AddressSpace]) -> tuple[Shortfall, ...]:
    """Addresses for every instance. Live blocks stay while they are needed; what lacks is carved anew."""
    short, instances, live = [], _instances(desired), _serving_blocks(demand.question)
    for region in demand.regions:
        need = _address_requirement(demand, region, instances.get(region, 0))
        if need is None:
            continue
        desired.requirements.append(need)
        space = spaces[region]
        blocks = _as_many(live.get(region, ()), need.quantity)
        missing = need.quantity - sum(address_count(block.prefix) for block in blocks)
        carved = _carve_room(space, missing) if missing > 0 else None
        if missing > 0 and carved is None:
            short.append(shortfall(need, need.quantity - missing + space.free_addresses))
            continue
        for block in (*blocks, *((carved,) if carved else ())):
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


def _as_many(blocks: Iterable[BlockSpec], wanted: float) -> list[BlockSpec]:
    """The first blocks, as many as are needed."""
    kept: list[BlockSpec] = []
    for spec in blocks:
        if sum(address_count(block.prefix) for block in kept) < wanted:
            kept.append(spec)
    return kept


def _carve_room(space: AddressSpace, missing: float) -> BlockSpec | None:
    """A block with slack where there is room for it, else the smallest that will do."""
    return space.carve(smallest_length(missing * ADDRESS_SLACK)) or space.carve(smallest_length(missing))
