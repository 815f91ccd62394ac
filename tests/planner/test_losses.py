"""What may be lost at once, and where load may not go: whole plans, judged from outside."""

from dataclasses import replace

import pytest

from contracts.capacity import CapacityKind
from contracts.clash import LimitKind
from contracts.environment import RegionSettings
from contracts.failover import ResidencyOf, Survive
from contracts.ledger import UnitState, UnitView
from contracts.plan import Infeasible, Plan, RefusalCode
from contracts.resources import FailoverSpec, ResourceKind
from contracts.storage import StorageAsk
from planner.build import build_plan
from planner.clash import explained
from planner.errors import FleetImpossible
from planner.fleet import Effort, solve_fleet
from planner.fleet import solve as fleet_solve
from planner.lifting import lifted
from planner.solve import solve
from tests.laws.environments import Recipe, question
from tests.planner.asked_of import asked_of
from tests.planner.plan_checker import Rule, breaches
from tests.planner.plan_facts import shares_of
from tests.planner.simulate import after
from tests.planner.storage_world import GP3, PD
from tests.planner.test_fleets import world as fleet_world
from tests.planner.test_storage import sold
from tests.planner.worlds import people, plan_of, region

QUICK = Effort(passes=6, turns=1, threads=1)
RECIPE = Recipe(regions=6, seed=9, max_partners=3)
WORLD = question(RECIPE)


def surviving(world, survive):
    return people(world, failover=world.environment.failover.model_copy(update={"survive": survive}))


def bound(world, **residency):
    """The world where some regions' load may be served in some places alone."""
    regions = tuple(
        item.model_copy(update={"residency": residency.get(item.name, ())}) for item in world.environment.regions
    )
    return people(world, regions=regions)


@pytest.fixture(scope="module")
def plan():
    return plan_of(WORLD)


def test_what_a_whole_domain_asks_is_added_up_and_costs_more(plan):
    asked = surviving(WORLD, Survive.DOMAIN)
    domains = [facts.fault_domain for facts in asked.capacity.regions]
    assert len(set(domains)) < len(domains)  # some fall together
    found = plan_of(asked)
    assert [str(breach) for breach in breaches(asked_of(asked), found)] == []
    assert {breach.rule for breach in breaches(asked_of(asked), plan)} == {Rule.FAILOVER}
    assert found.cost.after_usd_per_hour > plan.cost.after_usd_per_hour
    again = plan_of(after(asked, found))
    assert not again.changes


def test_what_stands_by_for_a_domain_names_every_region_of_it():
    found = plan_of(surviving(WORLD, Survive.DOMAIN))
    several = [need for need in found.requirements if need.id.endswith("/failover") and len(need.parts) > 1]
    assert several
    for need in several:
        assert sum(need.parts.values()) == pytest.approx(need.quantity)
    whose = {item.reason.bought_by: item.reason.scenario for item in found.resources if item.reason.scenario}
    assert any(" and " in scenario for scenario in whose.values())


def test_a_region_has_no_partner_or_replica_outside_of_its_residency(plan):
    name, partners = max(shares_of(plan).items())
    others = [
        item.name
        for item in WORLD.environment.regions
        if item.name not in partners and plan_domain(item.name) != plan_domain(name)
    ]
    asked = bound(WORLD, **{name: tuple(others)})
    assert {breach.rule for breach in breaches(asked_of(asked), plan)} == {Rule.RESIDENCY}
    found = plan_of(asked)
    assert [str(breach) for breach in breaches(asked_of(asked), found)] == []
    assert shares_of(found)[name].keys() <= set(others)
    entry = next(
        item.reason
        for item in found.resources
        if isinstance(item.resource.spec, FailoverSpec) and item.resource.place == name
    )
    refused = {item.candidate for item in entry.alternatives if item.code is RefusalCode.RESIDENCY}
    assert refused >= partners.keys()


def plan_domain(name):
    return next(facts.fault_domain for facts in WORLD.capacity.regions if facts.region == name)


def test_countries_are_a_residency_with_their_subdivisions():
    lands = dict(
        zip((item.name for item in WORLD.environment.regions), ("DE-HE", "NL", "GB", "ES", "US", "DE"), strict=True)
    )
    regions = tuple(
        RegionSettings(name=name, country=land, residency=("DE", "ES") if name == "fra" else ())
        for name, land in lands.items()
    )
    environment = WORLD.environment.model_copy(update={"regions": regions})
    assert environment.residency_of("fra") == frozenset(
        name for name, land in lands.items() if land[:2] in ("DE", "ES")
    )
    assert environment.residency_of("ams") is None


def test_where_residency_leaves_nobody_the_message_says_so():
    found = build_plan(bound(WORLD, fra=("fra",)), solve)
    assert isinstance(found, Infeasible)
    (short,) = found.shortfalls
    assert short.nearest.startswith("fra may be served in no other region; no region of another fault domain")
    assert "widen its residency" in short.nearest


def test_where_all_stand_in_one_fault_domain_no_latency_is_named():
    facts = tuple(item.model_copy(update={"fault_domain": "one"}) for item in WORLD.capacity.regions)
    found = build_plan(replace(WORLD, capacity=WORLD.capacity.model_copy(update={"regions": facts})), solve)
    assert isinstance(found, Infeasible) and found.shortfalls
    for short in found.shortfalls:
        assert short.nearest.startswith("all regions stand in one fault domain") and "latency" not in short.nearest


def test_where_vcpus_lack_no_hosts_are_asked_for_memory():
    quotas = tuple(
        item.model_copy(update={"total": item.used}) if (item.place, item.kind) == ("ams", CapacityKind.VCPU) else item
        for item in WORLD.capacity.quotas
    )
    found = build_plan(replace(WORLD, capacity=WORLD.capacity.model_copy(update={"quotas": quotas})), solve)
    assert isinstance(found, Infeasible)
    told = {short.kind: short.nearest for short in found.shortfalls if short.place == "ams"}
    assert told[CapacityKind.MEMORY_GIB].startswith("the quota of vcpu at ams leaves nothing")
    assert "add hosts for " in told[CapacityKind.VCPU]


def test_customers_who_hold_something_bind_its_region_where_they_are_asked(plan):
    name, partners = max(shares_of(plan).items())
    held = UnitView(
        key=f"{name}/compute/staged/s4/0001",
        kind=ResourceKind.COMPUTE,
        place=name,
        root=name,
        state=UnitState.ACTIVE,
        holder="acme",
    )
    allowed = tuple(item.name for item in WORLD.environment.regions if item.name not in list(partners)[:1])
    world = replace(WORLD, ledger=WORLD.ledger.model_copy(update={"units": (held,)}))
    world = people(world, rules=world.environment.rules.model_copy(update={"allowed_regions": {"acme": allowed}}))
    assert shares_of(plan_of(world))[name].keys() == partners.keys()
    failover = world.environment.failover.model_copy(update={"residency": ResidencyOf.HOLDERS})
    assert shares_of(plan_of(people(world, failover=failover)))[name].keys() <= set(allowed)


@pytest.fixture
def no_branching(monkeypatch):
    """Small fleets by the decomposition alone, in a tenth of the time."""
    monkeypatch.setattr(fleet_solve, "is_small", lambda problem: False)


def quick(world):
    plan = build_plan(world, solve, lambda problem: solve_fleet(problem, QUICK))
    assert isinstance(plan, Plan)
    return plan


@pytest.mark.usefixtures("no_branching")
def test_a_fleet_survives_a_domain_where_that_is_asked():
    two = tuple(
        facts.model_copy(update={"fault_domain": "south" if facts.region in ("lon", "mad") else facts.fault_domain})
        for facts in fleet_world().capacity.regions
    )
    world = replace(fleet_world(), capacity=fleet_world().capacity.model_copy(update={"regions": two}))
    world = people(
        world, failover=world.environment.failover.model_copy(update={"critical_share": 0.9, "max_latency_ms": 500.0})
    )
    plans = [quick(surviving(world, survive)) for survive in Survive]
    asked = asked_of(surviving(world, Survive.DOMAIN))
    assert {breach.rule for breach in breaches(asked, plans[0])} == {Rule.FAILOVER}
    assert [str(breach) for breach in breaches(asked, plans[1])] == []
    assert plans[1].cost.after_usd_per_hour > plans[0].cost.after_usd_per_hour


@pytest.mark.usefixtures("no_branching")
def test_a_fleet_s_partners_are_within_residency_and_it_binds_one_way():
    world = bound(fleet_world(), mad=("ams", "lon"))
    plan = quick(world)
    assert [str(breach) for breach in breaches(asked_of(world), plan)] == []
    shares = shares_of(plan)
    assert shares["mad"].keys() == {"ams", "lon"} and "mad" in shares["fra"]


def test_a_fleet_that_residency_leaves_too_few_partners_names_the_region():
    with pytest.raises(FleetImpossible, match="left by residency: fra may be served in ams alone"):
        build_plan(bound(fleet_world(), fra=("ams",)), solve)


def clashes_of(world):
    """Sets of limits by name, and how far they give way: with these lifted there is a plan."""
    found = build_plan(world, solve)
    assert isinstance(found, Infeasible)
    clash = explained(world, found, lambda asked: build_plan(asked, solve)).clash
    assert clash is not None
    assert isinstance(build_plan(lifted(world, [item.limit for item in clash.relaxed]), solve), Plan)
    return {frozenset(limit.name for limit in one.limits) for one in clash.sets}, clash.relaxed


def test_a_residency_that_clashes_is_named_and_kept_longest():
    sets, relaxed = clashes_of(bound(question(Recipe(regions=4)), fra=("fra",)))
    assert sets == {frozenset({"residency fra", "failover.critical_share"})}
    assert [(item.limit.kind, item.to) for item in relaxed] == [(LimitKind.CRITICAL_SHARE, 0.0)]


def test_what_is_asked_of_storage_and_cannot_be_had_is_named():
    ask = StorageAsk(iops=900_000, least_durability=0.99999)
    sets, relaxed = clashes_of(region(sold(question(Recipe(regions=4)), (GP3, PD)), storage=(ask,)))
    assert sets == {frozenset({"storage fra"})}
    assert [item.limit.kind for item in relaxed] == [LimitKind.STORAGE]
