"""What holds for every plan of any world: `check`."""

from collections import Counter
from ipaddress import IPv4Network
from itertools import pairwise

import pytest

from contracts.capacity import CapacityKind
from contracts.plan import Plan, ReasonCode
from contracts.resources import (
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    Purpose,
    Resource,
    StorageSpec,
)
from planner.build import build_plan
from planner.market import Market
from planner.question import Question
from planner.solve import solve


def plan_of(asked_question: Question) -> Plan:
    plan = build_plan(asked_question, solve)
    assert isinstance(plan, Plan), plan
    return plan


def amounts(asked_question: Question, resources: list[Resource]) -> dict[tuple[str, CapacityKind], float]:
    return Market.read(asked_question.catalog, asked_question.capacity).total_use(resources)


def check(asked_question: Question, plan: Plan) -> None:
    """What holds for every plan."""
    resources = [item.resource for item in plan.resources]
    market = Market.read(asked_question.catalog, asked_question.capacity)
    for what, amount in amounts(asked_question, resources).items():
        assert amount <= market.available[what] + 1e-6, (what, amount)
    check_blocks(asked_question, resources)
    check_failover(asked_question, plan)
    check_requirements(plan)
    check_order(plan)
    assert plan.cost.lower_bound_usd_per_hour <= plan.cost.optimised_usd_per_hour
    cost, egress = plan.cost, sum(row.usd_per_hour for row in plan.egress)
    wanted = sum(item.usd_per_hour for item in plan.resources) + egress
    assert cost.after_usd_per_hour == pytest.approx(wanted, abs=1e-3)
    before_and_changes = cost.before_usd_per_hour + sum(change.usd_per_hour for change in plan.changes)
    before_and_changes += egress - cost.egress_before_usd_per_hour
    assert before_and_changes == pytest.approx(plan.cost.after_usd_per_hour, abs=1e-3)


def check_blocks(asked_question: Question, resources: list[Resource]) -> None:
    ours = {item.spec.prefix for item in asked_question.live().values() if isinstance(item.spec, BlockSpec)}
    for pool in asked_question.capacity.pools:
        inside = [item.spec for item in resources if isinstance(item.spec, BlockSpec) and item.spec.pool == pool.cidr]
        foreign = [IPv4Network(prefix) for prefix in pool.taken if prefix not in ours]
        networks = sorted([IPv4Network(spec.prefix) for spec in inside] + foreign)
        assert all(one.broadcast_address < other.network_address for one, other in pairwise(networks))
        assert all(IPv4Network(spec.prefix).subnet_of(IPv4Network(pool.cidr)) for spec in inside)


def check_failover(asked_question: Question, plan: Plan) -> None:
    domains = {facts.region: facts.fault_domain for facts in asked_question.capacity.regions}
    shares: Counter[str] = Counter()
    partners: Counter[str] = Counter()
    for item in plan.resources:
        spec = item.resource.spec
        if isinstance(spec, FailoverSpec):
            assert domains[spec.partner] != domains[item.resource.place]
            shares[item.resource.place] += round(spec.share * 1000)
            partners[item.resource.place] += 1
    assert set(shares.values()) <= {1000}
    assert max(partners.values(), default=0) <= asked_question.environment.failover.dedicated_partners
    check_losses(asked_question, plan)


def check_losses(asked_question: Question, plan: Plan) -> None:
    """Whichever one region is lost, what stands by in each partner carries its part of the critical load."""
    shapes = {shape.name: shape for shape in asked_question.catalog.shapes}
    share = asked_question.environment.failover.critical_share
    standing_by: Counter[str] = Counter()
    for item in plan.resources:
        spec = item.resource.spec
        if isinstance(spec, ComputeSpec) and item.resource.purpose is Purpose.FAILOVER:
            standing_by[item.resource.place] += shapes[spec.shape].vcpu * spec.count
    served = {need.place: need.quantity for need in plan.requirements if need.id == f"{need.place}/vcpu/serving"}
    for item in plan.resources:
        spec = item.resource.spec
        if isinstance(spec, FailoverSpec):
            if asked_question.is_frozen(item.resource.place):
                continue  # left as it is: its requirement is no part of this plan
            assert served[item.resource.place] * share * spec.share <= standing_by[spec.partner] + 1e-6


def check_requirements(plan: Plan) -> None:
    ids = [need.id for need in plan.requirements]
    assert len(ids) == len(set(ids))
    for need in plan.requirements:
        assert sum(need.parts.values()) == pytest.approx(need.quantity, abs=1e-5), need
        unforeseen = need.code is ReasonCode.MINIMUM or "critical load of regions left as they are" in need.parts
        assert need.forecast is not None or unforeseen, need
    for item in plan.resources:
        assert set(item.reason.requirements) <= set(ids)
    check_covered(plan)


def check_covered(plan: Plan) -> None:
    """What serves a place is no less than what must serve there."""
    sizes = {"s4": (4, 16), "m8": (8, 32), "m16": (16, 64), "c16": (16, 32), "l32": (32, 128)}
    served: Counter[tuple[str, CapacityKind]] = Counter()
    for item in plan.resources:
        if item.resource.purpose is not Purpose.SERVING:
            continue
        match item.resource.spec:
            case ComputeSpec(shape=shape, count=count):
                served[item.resource.place, CapacityKind.VCPU] += sizes[shape][0] * count
                served[item.resource.place, CapacityKind.MEMORY_GIB] += sizes[shape][1] * count
            case StorageSpec(gib=gib):
                served[item.resource.place, CapacityKind.STORAGE_GIB] += gib
            case CircuitSpec(gbps=gbps, count=count):
                served[item.resource.place, CapacityKind.GBPS] += gbps * count
            case BlockSpec(prefix=prefix):
                served[item.resource.place, CapacityKind.ADDRESSES] += IPv4Network(prefix).num_addresses
    for need in plan.requirements:
        if need.id.endswith("/serving"):
            assert served[need.place, need.kind] >= need.quantity - 1e-6, need


def check_order(plan: Plan) -> None:
    """A change comes after every change that it depends on."""
    done: set[str] = set()
    changed = {change.key for change in plan.changes}
    for change in plan.changes:
        assert set(change.depends_on) & changed <= done, change.key
        done.add(change.key)
