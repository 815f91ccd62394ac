"""Documents to plan and back where failover's reserve is shared: plans that hold, and what is told where none can."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

import pytest

from contracts.accounts import Account, CloudRegion, TargetName
from contracts.capacity import CapacityKind, CircuitTier, Stock
from contracts.environment import RegionSettings
from contracts.failover import Reserve
from contracts.plan import Infeasible, Plan
from contracts.purchases import Purchases
from contracts.resources import ComputeSpec, FailoverSpec, Purchase
from planner.build import build_plan
from planner.errors import FleetImpossible, InputsDisagree
from planner.fleet import Effort, FleetProblem, FleetSolution, solve_fleet
from planner.fleet.check import checked_fleet
from planner.question import Question
from planner.solve import solve
from tests.laws.environments import Recipe, question
from tests.planner.plan_checker import breaches
from tests.planner.plan_facts import Asked
from tests.planner.simulate import after

CLOUDS = ("fra", "ams")
HOURLY = Purchases(committed=True, spot_share=0.3, hourly=True)


@cache
def world() -> Question:
    """Four regions in as many domains, two of them in a cloud, hour by hour; spot and commitments; short stock."""
    asked = question(Recipe(regions=4, requests=False))
    regions = tuple(settled(item, at) for at, item in enumerate(asked.environment.regions))
    failover = asked.environment.failover.model_copy(
        update={"reserve": Reserve.SHARED, "max_latency_ms": 150, "max_partners": 3}
    )
    account = Account(name="main", target=TargetName.AWS, id="123456789012", buy_commitments=True)
    environment = asked.environment.model_copy(
        update={"accounts": (account,), "regions": regions, "failover": failover}
    )
    capacity = asked.capacity.model_copy(
        update={
            "offers": (*asked.capacity.offers, *committed(asked)),
            "stock": (Stock(place="fra", item="m16", count=1), Stock(place="lon", item="l32", count=0)),
        }
    )
    return replace(asked, environment=environment, capacity=capacity, forecast=without_storage(asked).forecast)


def settled(settings: RegionSettings, at: int) -> RegionSettings:
    if settings.name not in CLOUDS:
        return settings
    cloud = CloudRegion(
        account="main",
        location=f"place-{at}",
        zones=(f"place-{at}a",),
        pools=(f"10.{at}.0.0/16",),
        continent="europe",
        fault_domain=("eu-central", "eu-west", "us-east", "us-south")[at],
    )
    return settings.model_copy(update={"cloud": cloud, "purchases": HOURLY, "replication_gbps": 0.5})


def committed(asked: Question) -> Iterable[object]:
    return (
        offer.model_copy(update={"purchase": Purchase.COMMITTED, "usd_per_hour": round(offer.usd_per_hour * 0.62, 4)})
        for offer in asked.capacity.offers
        if offer.item in {shape.name for shape in asked.catalog.shapes} and offer.purchase is Purchase.ON_DEMAND
    )


def without_storage(asked: Question) -> Question:
    kept = {key: table for key, table in asked.forecast.values.items() if key[0].kind.value != "storage"}
    return replace(asked, forecast=replace(asked.forecast, values=kept))


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Fleets of this size would be solved as one programme too, which takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("planner.fleet.solve.is_small", lambda problem: False)
        yield


def fleet_of(problem: FleetProblem) -> FleetSolution:
    return checked_fleet(problem, solve_fleet(problem, Effort(passes=5, turns=1, threads=1)))


def planned(asked: Question) -> Plan:
    plan = build_plan(asked, solve, fleet_of)
    assert isinstance(plan, Plan), plan
    return plan


def people(asked: Question, **update: object) -> Question:
    return replace(asked, environment=asked.environment.model_copy(update=update))


def snapshot(asked: Question, **update: object) -> Question:
    return replace(asked, capacity=asked.capacity.model_copy(update=update))


def wrong(asked: Question, plan: Plan) -> list[str]:
    documents = Asked(
        environment=asked.environment, forecast=asked.forecast, capacity=asked.capacity, catalog=asked.catalog
    )
    return [str(breach) for breach in breaches(documents, plan)]


def compute(plan: Plan) -> list[tuple[str, ComputeSpec]]:
    items = (item.resource for item in plan.resources)
    return [(item.place, item.spec) for item in items if isinstance(item.spec, ComputeSpec)]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(world())


def test_a_fleet_plan_holds_and_is_calm(plan: Plan) -> None:
    assert wrong(world(), plan) == []
    assert "decomposition by region" in plan.solver
    again = planned(after(world(), plan))
    assert again.changes == ()
    assert [item.resource for item in again.resources] == [item.resource for item in plan.resources]


def test_counts_follow_the_hours_in_clouds_alone(plan: Plan) -> None:
    varied = {place for place, spec in compute(plan) if spec.by_hour}
    assert varied and varied <= set(CLOUDS)


@pytest.mark.parametrize("share", [0.9, 1.3])
def test_a_minimum_holds_at_night_too(plan: Plan, share: float) -> None:
    need = next(item for item in plan.requirements if item.id == "fra/vcpu/serving")
    minimum = {CapacityKind.VCPU: share * need.quantity}
    regions = tuple(
        item.model_copy(update={"minimum": minimum}) if item.name == "fra" else item
        for item in world().environment.regions
    )
    asked = people(world(), regions=regions)
    other = planned(asked)
    assert wrong(asked, other) == []
    vcpu = {shape.name: shape.vcpu for shape in asked.catalog.shapes}
    serving = [spec for place, spec in compute(other) if place == "fra"]
    left = {purchase: 0.9 if purchase is Purchase.SPOT else 1.0 for purchase in Purchase}  # what may be taken away
    for hour in range(24):
        have = sum(left[spec.purchase] * vcpu[spec.shape] * spec.count_at(hour) for spec in serving)
        assert have >= share * need.quantity * (1 - 1e-6)


def test_every_way_of_paying_is_used_where_it_may_be(plan: Plan) -> None:
    bought = {purchase: {place for place, spec in compute(plan) if spec.purchase is purchase} for purchase in Purchase}
    assert bought[Purchase.COMMITTED] and bought[Purchase.COMMITTED] <= set(CLOUDS)  # whose account buys it
    assert bought[Purchase.SPOT]
    account = world().environment.accounts[0].model_copy(update={"buy_commitments": False})
    recommended = people(world(), accounts=(account,))
    other = planned(recommended)
    assert wrong(recommended, other) == []
    assert not [spec for _, spec in compute(other) if spec.purchase is Purchase.COMMITTED]


def test_stock_is_kept_and_none_is_none(plan: Plan) -> None:
    assert not [spec for place, spec in compute(plan) if (place, spec.shape) == ("lon", "l32")]


def test_a_paused_region_is_left_as_it_is(plan: Plan) -> None:
    regions = tuple(item.model_copy(update={"paused": item.name == "mad"}) for item in world().environment.regions)
    settled = after(people(world(), regions=regions), plan)
    other = planned(settled)
    before = {item.resource.key: item.resource for item in plan.resources if item.resource.place == "mad"}
    assert {item.resource.key: item.resource for item in other.resources if item.resource.place == "mad"} == before
    assert not [change for change in other.changes if change.key.startswith("mad/")]


def test_a_type_without_a_price_is_never_bought() -> None:
    gone = {("fra", "m8"), ("ams", "s4")}
    offers = tuple(offer for offer in world().capacity.offers if (offer.place, offer.item) not in gone)
    asked = snapshot(world(), offers=offers)
    other = planned(asked)
    assert wrong(asked, other) == []
    assert not [spec for place, spec in compute(other) if (place, spec.shape) in gone]


def never_asked(problem: FleetProblem) -> FleetSolution:
    raise AssertionError("what can never be met needs no solver")


def test_a_quota_that_is_exceeded_is_a_shortfall() -> None:
    quotas = tuple(
        quota.model_copy(update={"total": 16.0, "used": 0.0})
        if (quota.place, quota.kind) == ("fra", CapacityKind.VCPU)
        else quota
        for quota in world().capacity.quotas
    )
    found = build_plan(snapshot(world(), quotas=quotas), solve, never_asked)
    assert isinstance(found, Infeasible)
    assert {(item.place, item.kind) for item in found.shortfalls} == {("fra", CapacityKind.VCPU)}
    assert found.shortfalls[0].available == 16


def test_a_region_with_one_partner_is_named() -> None:
    links = tuple(
        link.model_copy(update={"latency_ms": 400})
        if "mad" in (link.a, link.b) and "fra" not in (link.a, link.b)
        else link
        for link in world().capacity.links
    )
    found = build_plan(snapshot(world(), links=links), solve, never_asked)
    assert isinstance(found, Infeasible)
    (told,) = found.shortfalls
    assert told.place == "mad" and told.available == pytest.approx(told.wanted / 2, abs=1e-3)
    assert "partners (fra)" in told.nearest and "failover.max_latency_ms" in told.nearest


def test_a_region_without_stock_is_named() -> None:
    stock = tuple(Stock(place="lon", item=shape.name, count=0) for shape in world().catalog.shapes)
    found = build_plan(snapshot(world(), stock=stock), solve, never_asked)
    assert isinstance(found, Infeasible)
    assert {(item.place, item.available) for item in found.shortfalls} == {("lon", 0.0)}


def test_a_region_that_sells_nothing_is_named() -> None:
    offers = tuple(offer for offer in world().capacity.offers if offer.place != "lon")
    found = build_plan(snapshot(world(), offers=offers), solve, never_asked)
    assert isinstance(found, Infeasible)
    assert {(item.place, item.available) for item in found.shortfalls} == {("lon", 0.0)}


def test_a_link_that_sells_no_circuit_is_told() -> None:
    offers = tuple(offer for offer in world().capacity.offers if offer.place != "fra--lon")
    with pytest.raises(FleetImpossible, match="fra--lon"):
        planned(snapshot(world(), offers=offers))


@pytest.mark.parametrize("gbps", [(1, 10, 25), (1, 1), ()], ids=str)
def test_tiers_that_do_not_divide_one_another_are_told(gbps: tuple[int, ...]) -> None:
    tiers = tuple(CircuitTier(name=f"{size}g-{at}", gbps=size) for at, size in enumerate(gbps))
    catalog = world().catalog.model_copy(update={"circuit_tiers": tiers})
    with pytest.raises(InputsDisagree, match="do not divide one another"):
        planned(replace(world(), catalog=catalog))


def test_a_million_times_the_demand_is_told() -> None:
    values = {key: table * 1e6 for key, table in world().forecast.values.items()}
    found = build_plan(replace(world(), forecast=replace(world().forecast, values=values)), solve, fleet_of)
    assert isinstance(found, Infeasible)
    assert {"fra", "ams", "lon", "mad"} <= {item.place for item in found.shortfalls}
    assert all(item.nearest for item in found.shortfalls)
    vcpu = [item for item in found.shortfalls if item.kind is CapacityKind.VCPU]
    assert len(vcpu) == 4 and all(item.wanted > 1e3 * item.available for item in vcpu)


def test_shares_add_up_and_go_to_other_domains(plan: Plan) -> None:
    shares: dict[str, list[float]] = {}
    for item in plan.resources:
        if isinstance(item.resource.spec, FailoverSpec):
            shares.setdefault(item.resource.place, []).append(item.resource.spec.share)
    assert set(shares) == {"fra", "ams", "lon", "mad"}
    assert all(math.isclose(sum(parts), 1, abs_tol=1e-5) and max(parts) <= 0.5 + 1e-6 for parts in shares.values())
