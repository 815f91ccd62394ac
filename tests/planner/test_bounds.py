"""Maxima and minima of regions: whatever buys it, no more is placed than people want, and what is not met is told."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from contracts.capacity import CapacityKind, Offer
from contracts.clash import LimitKind
from contracts.failover import Reserve
from contracts.plan import Infeasible, Plan
from contracts.resources import ComputeSpec, Purpose, ResourceKind
from planner.bounds import ONE_SHAPE, STAYS, within_maxima
from planner.build import build_plan
from planner.clash import explained, remembered
from planner.errors import SolverStalled
from planner.given import given_resources
from planner.market import Market
from planner.requirements import serving_requirements
from planner.solve import solve
from tests.planner.simulate import after
from tests.planner.worlds import WORLD, people, region, specs

VCPU, MEMORY = CapacityKind.VCPU, CapacityKind.MEMORY_GIB
ADDRESSES, GIB = CapacityKind.ADDRESSES, CapacityKind.STORAGE_GIB
SHARED = people(
    WORLD,
    failover=WORLD.environment.failover.model_copy(
        update={"reserve": Reserve.SHARED, "max_partners": None, "max_latency_ms": 500.0}
    ),
)
SOLVE = remembered(solve)


def plan_of(world):
    plan = build_plan(world, SOLVE)
    assert isinstance(plan, Plan), plan
    return plan


def serves(plan, kind, place="fra"):
    sizes = {shape.name: {VCPU: shape.vcpu, MEMORY: shape.memory_gib} for shape in WORLD.catalog.shapes}
    found = [item.resource for item in plan.resources if item.resource.place == place]
    found = [item.spec for item in found if item.purpose is Purpose.SERVING and isinstance(item.spec, ComputeSpec)]
    return sum(spec.count * sizes[spec.shape][kind] for spec in found)


def required(plan, kind, place="fra"):
    return next(need for need in plan.requirements if need.id == f"{place}/{kind}/serving")


@pytest.mark.parametrize("world", [WORLD, SHARED], ids=["dedicated", "shared"])
@pytest.mark.parametrize(
    ("maximum", "met"),
    [
        ({VCPU: 40}, {VCPU: 40, MEMORY: 160}),  # memory would buy 78 vCPUs
        ({VCPU: 1}, {VCPU: 0, MEMORY: 0}),  # no instance is as small
        ({MEMORY: 150}, {VCPU: 68, MEMORY: 144}),  # of 150 GiB, and 72 vCPUs
        ({VCPU: 1000, MEMORY: 1000}, None),
    ],
    ids=str,
)
def test_no_more_serves_than_a_maximum_whatever_buys_it(world, maximum, met):
    free, plan = plan_of(world), plan_of(region(world, maximum=maximum))
    assert all(serves(plan, kind) <= most for kind, most in maximum.items())
    for kind in (VCPU, MEMORY):
        need, wanted = required(plan, kind), required(free, kind).quantity
        assert need.quantity == (pytest.approx(met[kind]) if met else wanted)
        assert serves(plan, kind) >= need.quantity and sum(need.parts.values()) == pytest.approx(need.quantity)
        if met:
            assert need.parts["maximum" if kind in maximum else f"maximum of {next(iter(maximum))}"] < 0


@pytest.mark.parametrize("world", [WORLD, SHARED], ids=["dedicated", "shared"])
def test_what_stands_above_a_maximum_is_scaled_in(world):
    standing = region(after(world, plan_of(world)), maximum={VCPU: 40})
    assert serves(plan_of(standing), VCPU) == 40
    again = after(standing, plan_of(standing))
    assert plan_of(again).changes == ()


def test_what_is_pinned_stays_above_a_maximum_and_that_is_told():
    standing = after(WORLD, plan_of(WORLD))
    key = next(key for key in standing.live() if key.startswith("fra/compute/serving/l32"))
    plan = plan_of(people(region(standing, maximum={VCPU: 40}), pins=(key,)))
    assert serves(plan, VCPU) == 64
    assert required(plan, VCPU).parts[STAYS] == 24 and required(plan, MEMORY).quantity == 256


def test_where_the_solver_fails_one_shape_is_fitted_and_that_is_told():
    world = region(WORLD, maximum={VCPU: 42})
    market = Market.read(world.catalog, world.capacity)

    def stalled(model):
        raise SolverStalled("no answer")

    found = within_maxima(world, market, (serving_requirements(world, market), given_resources(world, market)), stalled)
    by_id = {item.id: item for item in found}
    assert by_id["fra/vcpu/serving"].quantity == 40 and ONE_SHAPE in by_id["fra/vcpu/serving"].parts
    assert serves(plan_of(world), VCPU) == 40


def test_a_maximum_hides_nothing_else_that_is_short():
    """Quotas, stock and offers are no maxima: what they lack is told as ever."""
    world = region(WORLD, maximum={VCPU: 40})
    market = Market.read(world.catalog, world.capacity.model_copy(update={"offers": (), "quotas": ()}))
    needs = serving_requirements(world, market)
    assert within_maxima(world, market, (needs, given_resources(world, market)), solve) == needs


def quota(world, total):
    """The world in which so many addresses of its first region may be used."""
    quotas = tuple(
        item.model_copy(update={"total": total, "used": 0.0, "ours": 0.0})
        if (item.place, item.kind) == ("fra", ADDRESSES)
        else item
        for item in world.capacity.quotas
    )
    return replace(world, capacity=world.capacity.model_copy(update={"quotas": quotas}))


def addresses(plan):
    blocks = specs(plan, ResourceKind.BLOCK, Purpose.SERVING)
    return sum(ip_network(spec.prefix).num_addresses for key, spec in blocks.items() if key.startswith("fra/"))


def limited(world, how, most):
    return quota(world, most) if how == "quota" else region(world, maximum={ADDRESSES: most})


@pytest.mark.parametrize("how", ["quota", "maximum"])
def test_addresses_that_serve_keep_quota_and_maximum(how):
    """14 are needed: a /27 with slack, a /28 where no more may be, and what is live becomes smaller."""
    free = plan_of(WORLD)
    assert addresses(free) == 32
    for world in (WORLD, after(WORLD, free)):
        assert addresses(plan_of(limited(world, how, 40))) == 32
        assert addresses(plan_of(limited(world, how, 17))) == 16
        short = build_plan(limited(world, how, 15), SOLVE)
        assert isinstance(short, Infeasible)
        (told,) = short.shortfalls
        assert (told.place, told.kind, told.wanted, told.available) == ("fra", ADDRESSES, 14, 0)
        assert f"the {how} of addresses" in told.nearest and "15" in told.nearest


def test_addresses_in_several_blocks_where_one_would_be_too_large():
    """38 needed of 50: 64 do not fit, 32 and 16 do."""
    world = region(WORLD, minimum={ADDRESSES: 38}, maximum={ADDRESSES: 50})
    assert addresses(plan_of(world)) == 48


def scattered(world, free):
    """The world whose first region has every other /28 of its pool, so many of them, and nothing else."""
    first, *others = world.capacity.pools
    blocks = [str(block) for block in ip_network(first.cidr).subnets(new_prefix=28)]
    left = frozenset(blocks[: 2 * free : 2])
    pool = first.model_copy(update={"taken": tuple(sorted(block for block in blocks if block not in left))})
    return replace(world, capacity=world.capacity.model_copy(update={"pools": (pool, *others)}))


def test_addresses_in_several_blocks_where_a_pool_has_no_larger_one():
    world = region(WORLD, minimum={ADDRESSES: 38})
    assert addresses(plan_of(scattered(world, free=20))) == 48
    short = build_plan(scattered(world, free=2), SOLVE)
    assert isinstance(short, Infeasible)
    (told,) = short.shortfalls
    assert (told.wanted, told.available) == (38, 32) and "add address pools for 6 addresses more" in told.nearest


def test_a_maximum_in_the_way_is_named_among_the_limits():
    world = region(WORLD, maximum={ADDRESSES: 5})
    lacking = build_plan(world, SOLVE)
    assert isinstance(lacking, Infeasible)
    found = explained(world, lacking, lambda asked: build_plan(asked, SOLVE)).clash
    assert found is not None
    assert [(item.limit.kind, item.to) for item in found.relaxed] == [(LimitKind.MAXIMUM, 16.0)]
    assert [limit.name for one in found.sets for limit in one.limits] == ["maximum fra addresses"]


@pytest.mark.parametrize(("most", "gib"), [(333, 330), (330, 330), (1000, 710)])
def test_volumes_keep_a_maximum_in_steps(most, gib):
    plan = plan_of(region(WORLD, maximum={GIB: most}))
    volumes = specs(plan, ResourceKind.STORAGE, Purpose.SERVING)
    assert [spec.gib for key, spec in volumes.items() if key.startswith("fra/")] == [gib]


def test_what_is_stored_stays_above_a_maximum():
    """Nothing moves content: a volume that serves is kept whatever its region's maximum."""
    standing = after(WORLD, plan_of(WORLD))
    for most in (5, 330):
        plan = plan_of(region(standing, maximum={GIB: most}))
        assert specs(plan, ResourceKind.STORAGE)["fra/storage/serving/standard"].gib == 710
    assert isinstance(build_plan(region(WORLD, maximum={GIB: 5}), SOLVE), Infeasible)


def test_addresses_without_a_price_are_refused_as_shapes_are():
    """Never a silent 0, fresh or live; a price of 0 is one."""
    offers = tuple(offer for offer in WORLD.capacity.offers if (offer.place, offer.item) != ("fra", "address"))
    for world in (WORLD, after(WORLD, plan_of(WORLD))):
        short = build_plan(replace(world, capacity=world.capacity.model_copy(update={"offers": offers})), SOLVE)
        assert isinstance(short, Infeasible)
        (told,) = short.shortfalls
        assert (told.place, told.kind, told.available) == ("fra", ADDRESSES, 0)
        assert "no price of `address` is known at fra" in told.nearest
    free = (*offers, Offer(place="fra", item="address", usd_per_hour=0.0))
    plan_of(replace(WORLD, capacity=WORLD.capacity.model_copy(update={"offers": free})))
