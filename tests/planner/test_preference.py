"""Demand in cheaper regions: where rules allow it, nowhere else, and only where the whole plan is cheaper for it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from contracts.capacity import CapacityKind
from contracts.environment import RegionSettings
from contracts.failover import FailoverSettings, Reserve
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.limits import Rules
from contracts.plan import Plan
from contracts.preference import BoundUse, Host, HostRefusal, Move, PlacementSettings, RegionPlacement
from contracts.preference_wording import sentences
from contracts.resources import ResourceKind
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.build import build_plan
from planner.explain import explain
from planner.question import Question
from planner.solve import solve
from tests.laws.environments import NOW, Recipe, question
from tests.planner.plan_checker import Rule, breaches
from tests.planner.plan_facts import Asked
from tests.planner.simulate import after
from tests.planner.worlds import people, plan_of

HOME = question(Recipe(regions=3, requests=False))
"""fra, ams, lon; in what follows mad is not there, and prices are set."""


def priced(world: Question, **times: float) -> Question:
    """The world with compute of each region at so many times the price of one region's, all 10 ms apart."""
    listed = {offer.item: offer.usd_per_hour for offer in world.capacity.offers if offer.place == "fra"}
    offers = tuple(
        offer.model_copy(update={"usd_per_hour": round(listed[offer.item] * times[offer.place], 6)})
        if offer.place in times and offer.item in listed
        else offer
        for offer in world.capacity.offers
    )
    links = tuple(link.model_copy(update={"latency_ms": 10.0}) for link in world.capacity.links)
    return replace(world, capacity=world.capacity.model_copy(update={"offers": offers, "links": links}))


def placed(world: Question, region: dict[str, object] | None = None, **settings: float) -> Question:
    """The world with movable demand, and `regions[fra]` with other settings."""
    said = PlacementSettings(**{"movable": 0.3, "max_latency_ms": 40.0, **settings})
    world = people(world, placement=said)
    first, *others = world.environment.regions
    return people(world, regions=(first.model_copy(update=region or {}), *others))


HELD = UnitView(
    key="fra/compute/staged/u1",
    kind=ResourceKind.COMPUTE,
    place="fra",
    root="fra",
    state=UnitState.ACTIVE,
    holder="acme",
)
CHEAP = placed(priced(HOME, fra=1.0, ams=0.6, lon=0.8))
PLAN = plan_of(CHEAP)


def asked_of(world: Question) -> Asked:
    return Asked(
        environment=world.environment,
        forecast=world.forecast,
        capacity=world.capacity,
        catalog=world.catalog,
        earlier=world.earlier,
        ledger=world.ledger,
    )


def judged(world: Question, plan: Plan | None = None) -> Plan:
    plan = plan or plan_of(world)
    assert [str(breach) for breach in breaches(asked_of(world), plan)] == []
    return plan


def why(plan: Plan, region: str, host: str) -> HostRefusal | None:
    assert plan.preference
    item = next(item for item in plan.preference.regions if item.region == region)
    return next((one.why for one in item.refused if one.region == host), None)


def hosts(plan: Plan, region: str) -> set[str]:
    return {move.host for move in plan.preference.moves if move.region == region} if plan.preference else set()


def test_without_the_setting_plans_are_the_same_to_the_byte():
    plan = plan_of(people(CHEAP, placement=PlacementSettings()))
    assert plan.preference is None and "preference" not in plan.sealed()
    assert "placement" not in people(CHEAP, placement=PlacementSettings()).environment.sealed()


def test_demand_goes_where_it_is_cheapest_and_the_whole_plan_is_cheaper():
    judged(CHEAP, PLAN)
    assert hosts(PLAN, "fra") == {"ams"} and hosts(PLAN, "lon") == {"ams"} and not hosts(PLAN, "ams")
    assert PLAN.preference.at_home_usd_per_hour > PLAN.cost.after_usd_per_hour
    home = plan_of(people(CHEAP, placement=PlacementSettings()))
    assert PLAN.preference.at_home_usd_per_hour == home.cost.after_usd_per_hour
    assert sum(move.share for move in PLAN.preference.moves if move.region == "fra") <= 0.3


def test_it_is_explained_with_prices_latency_and_the_next_best():
    said = list(sentences(PLAN.preference, "fra"))
    assert "is served in ams" in said[0] and "10 ms of 40 allowed" in said[0] and " instead of " in said[0]
    assert any("not served in lon" in line and "the next best" in line for line in said)
    key = next(item.resource.key for item in PLAN.resources if item.resource.key.startswith("fra/compute/serving"))
    assert any("is served in ams" in line for line in explain(PLAN, key).lines())


@pytest.mark.parametrize(
    ("world", "refusal"),
    [
        (placed(CHEAP, {"residency": ("lon",)}), HostRefusal.RESIDENCY),
        (placed(CHEAP, {"placement": RegionPlacement(max_latency_ms=5)}), HostRefusal.LATENCY),
        (placed(CHEAP, {"critical_share": 0.9}), HostRefusal.CARRIED_LESS),
        (
            replace(
                people(CHEAP, rules=Rules(headroom_quantile=0.8, allowed_regions={"acme": ("fra", "lon")})),
                ledger=LedgerView(
                    environment="law",
                    revision=1,
                    units=(HELD,),
                ),
            ),
            HostRefusal.CUSTOMER,
        ),
    ],
    ids=["residency", "latency", "critical share", "customer"],
)
def test_a_rule_that_forbids_a_cheaper_region_is_named(world, refusal):
    plan = judged(world)
    assert "ams" not in hosts(plan, "fra") and why(plan, "fra", "ams") is refusal


def test_what_a_customer_who_is_promised_most_announced_stays():
    use = BoundUse(
        customer="acme",
        region="fra",
        kind=CapacityKind.VCPU,
        value=1e6,
        start=NOW - timedelta(days=1),
        end=None,
    )
    plan = plan_of(replace(CHEAP, bound=(use,)))
    item = next(item for item in plan.preference.regions if item.region == "fra")
    assert not item.hosts and item.movable == 0 and item.bound == {"acme": 1.0}


def test_no_room_in_the_cheaper_region_is_no_move():
    quotas = tuple(
        quota.model_copy(update={"total": quota.used + 130.0})
        if quota.place == "ams" and quota.kind is CapacityKind.VCPU
        else quota
        for quota in CHEAP.capacity.quotas
    )
    world = replace(CHEAP, capacity=CHEAP.capacity.model_copy(update={"quotas": quotas}))
    plan = judged(world)
    assert sum(host.vcpu for item in plan.preference.regions for host in item.hosts if host.region == "ams") < sum(
        host.vcpu for item in PLAN.preference.regions for host in item.hosts if host.region == "ams"
    )


def test_where_nothing_is_saved_nothing_moves():
    plan = judged(placed(priced(HOME, fra=1.0, ams=0.99, lon=1.0), saves_share=0.2))
    assert not plan.preference.moves and plan.preference.at_home_usd_per_hour == plan.cost.after_usd_per_hour
    assert why(plan, "fra", "ams") is HostRefusal.NOT_WORTH_IT
