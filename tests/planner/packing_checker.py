"""Whole units of a plan from outside: each has an instance that holds it, where it serves and wherever it is carried.

Sizes, counts and what is critical are the environment's, shapes the catalog's; of the plan only what it lists is read.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator

from contracts.capacity import CapacityKind, Shape
from contracts.failover import Survive
from contracts.plan import Plan
from contracts.resources import ComputeSpec, Purpose
from contracts.workloads import Packed, Workload
from tests.planner.plan_asked import frozen_regions, in_regions
from tests.planner.plan_breach import HOURS, SLIGHT, Breach, Rule
from tests.planner.plan_facts import Asked, resources_of, shares_of


def packing_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    listed = plan.packing.instances if plan.packing else ()
    yield from _instances(asked, plan, listed)
    for item in listed:
        yield from _on_one(asked, plan, item)
    yield from _all_serve(asked, plan, listed)
    yield from _all_carried(asked, plan, listed)
    told = {size.name: size for size in plan.packing.sizes} if plan.packing else {}
    for workload in asked.environment.workloads:
        if workload.name in told and told[workload.name] != workload.size:
            yield _breach(workload.name, "its size is not as it was asked")


def asked_units(asked: Asked, region: str) -> dict[str, int]:
    """By workload, how many units run in a region at the least."""
    by_hour = in_regions(asked).get((region, CapacityKind.VCPU), (0.0,))
    found = {}
    for item in asked.environment.workloads:
        if not item.regions or region in item.regions:
            count = item.count or math.ceil((item.share or 0.0) * max(by_hour) / item.vcpu - SLIGHT)
            if count:
                found[item.name] = count
    return found


def _instances(asked: Asked, plan: Plan, listed: tuple[Packed, ...]) -> Iterator[Breach]:
    """No more instances hold units at one time than there are."""
    compute = {item.key: item for item in resources_of(plan) if isinstance(item.spec, ComputeSpec)}
    holding: Counter[tuple[str, str]] = Counter()
    for item in listed:
        holding[item.key, item.lost] += item.instances
    for (key, lost), count in holding.items():
        resource = compute.get(key)
        wanted = Purpose.FAILOVER if lost else Purpose.SERVING
        if resource is None or not isinstance(resource.spec, ComputeSpec) or resource.purpose is not wanted:
            yield _breach(key, f"holds units, and is no compute that is {wanted}")
        elif count > min(resource.spec.count_at(hour) for hour in HOURS):
            yield _breach(key, f"{count} instances hold units, there are {resource.spec.count}")


def _on_one(asked: Asked, plan: Plan, item: Packed) -> Iterator[Breach]:
    """What one instance holds fits on it."""
    shapes = {shape.name: shape for shape in asked.catalog.shapes}
    specs = {one.key: one.spec for one in resources_of(plan)}
    spec = specs.get(item.key)
    shape = shapes.get(spec.shape) if isinstance(spec, ComputeSpec) else None
    together: Counter[str] = Counter()
    for name, count in item.units.items():
        together[name.partition("/")[2] if item.lost else name] += count
    if shape is None or not _fit(shape, together, {one.name: one for one in asked.environment.workloads}):
        yield _breach(item.key, f"{dict(together)} do not fit on one instance")


def _fit(shape: Shape, units: Counter[str], workloads: dict[str, Workload]) -> bool:
    if not units.keys() <= workloads.keys():
        return False
    found = [(workloads[name], count) for name, count in units.items()]
    return (
        sum(one.vcpu * count for one, count in found) <= shape.vcpu + SLIGHT
        and sum(one.memory_gib * count for one, count in found) <= shape.memory_gib + SLIGHT
        and sum(one.accelerators * count for one, count in found) <= shape.accelerators
        and (not shape.network_gbps or sum(one.network_gbps * count for one, count in found) <= shape.network_gbps)
        and all(count <= (one.most_per_instance or count) for one, count in found)
    )


def _all_serve(asked: Asked, plan: Plan, listed: tuple[Packed, ...]) -> Iterator[Breach]:
    """Every unit runs in its region."""
    place = {item.key: item.place for item in resources_of(plan)}
    serving: Counter[tuple[str, str]] = Counter()
    for item in listed:
        for name, count in item.units.items() if not item.lost else ():
            serving[place.get(item.key, ""), name] += count * item.instances
    for region in asked.environment.regions:
        if region.name not in frozen_regions(asked):
            for name, count in asked_units(asked, region.name).items():
                if serving[region.name, name] < count:
                    yield _breach(region.name, f"{serving[region.name, name]} of {count} units of {name} run")


def _all_carried(asked: Asked, plan: Plan, listed: tuple[Packed, ...]) -> Iterator[Breach]:
    """Whatever is lost, each critical unit of it has a place at a partner of its own region."""
    place, shares = {item.key: item.place for item in resources_of(plan)}, shares_of(plan)
    alone = asked.environment.failover.survive is Survive.REGION
    falls = {facts.region: facts.region if alone else facts.fault_domain for facts in asked.capacity.regions}
    carried: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for item in listed:
        for name, count in item.units.items() if item.lost else ():
            region, _, workload = name.partition("/")
            if place.get(item.key) not in shares.get(region, {}):
                yield _breach(item.key, f"holds {name}, and is no partner of {region}")
            if item.lost != falls.get(region):
                yield _breach(item.key, f"holds {name} when {item.lost} is lost")
            carried[region, item.lost][workload] += count * item.instances
    critical = {item.name for item in asked.environment.workloads if item.critical}
    for region in {one.name for one in asked.environment.regions} - frozen_regions(asked):
        for name, count in asked_units(asked, region).items():
            have = carried[region, falls[region]][name]
            stays = sum(share for other, share in shares.get(region, {}).items() if other in frozen_regions(asked))
            if name in critical and have < count and stays < 1 - SLIGHT:
                yield _breach(region, f"{have} of {count} critical units of {name} have a place when it is lost")


def _breach(where: str, what: str) -> Breach:
    return Breach(rule=Rule.PACKING, where=where, what=what)
