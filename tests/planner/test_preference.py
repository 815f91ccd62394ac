"""Demand in cheaper regions: where rules allow it, nowhere else, and only where the whole plan is cheaper for it."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from contracts.capacity import CapacityKind
from contracts.failover import FailoverSettings, Reserve
from contracts.plan import Infeasible, Plan
from contracts.preference import BoundUse, HostRefusal, Move, PlacementSettings, RegionPlacement
from contracts.preference_wording import sentences, summary
from contracts.series import SeriesKey, SeriesKind
from planner.errors import SolverStalled
from planner.explain import explain
from planner.market import Market
from planner.moved import served_curves
from planner.packing_units import asked_vcpu
from planner.preference import preferred
from planner.preference_case import case_of, choice_of, staying
from planner.preference_model import build_choice
from planner.preference_rules import STEP
from planner.question import Question
from planner.requirements import level_of, serving_requirements
from planner.residency import Residency
from planner.solve import solve
from tests.laws.environments import NOW, Recipe, question
from tests.planner.preference_world import (
    CHEAP,
    HELD,
    HOME,
    PLAN,
    decided,
    paid_by_gb,
    placed,
    priced,
    said_of,
    wrong,
)
from tests.planner.simulate import after
from tests.planner.worlds import people, plan_of


def test_without_the_setting_nothing_is_said():
    off = people(CHEAP, placement=PlacementSettings())
    assert "placement" not in off.environment.sealed()
    plan = preferred(off, solve, lambda asked: PLAN.model_copy(update={"solver": str(asked.moved)}))
    assert isinstance(plan, Plan) and plan.solver == "()"
    assert '"preference"' not in PLAN.model_copy(update={"preference": None}).sealed()


def test_demand_goes_where_it_is_cheapest_and_the_plan_holds():
    assert wrong(CHEAP, PLAN) == []
    moves = said_of(PLAN).moves
    assert {(move.region, move.host) for move in moves} <= {("fra", "ams"), ("fra", "lon"), ("lon", "ams")}
    assert ("fra", "ams") in {(move.region, move.host) for move in moves}
    assert said_of(PLAN).at_home_usd_per_hour > PLAN.cost.after_usd_per_hour
    assert sum(move.share for move in moves if move.region == "fra") <= 0.3


def test_it_is_explained_with_prices_latency_and_the_next_best():
    said = list(sentences(said_of(PLAN), "fra"))
    assert "is served in ams" in said[0] and "10 ms of 40 allowed" in said[0] and " instead of " in said[0]
    assert any("not served in lon" in line for line in said)
    key = next(item.resource.key for item in PLAN.resources if item.resource.key.startswith("fra/compute/serving"))
    assert any("is served in ams" in line for line in explain(PLAN, key).lines())
    assert any("all demand at home" in line for line in summary(said_of(PLAN), PLAN.cost.after_usd_per_hour))


@pytest.mark.parametrize(
    ("world", "refusal"),
    [
        (placed(CHEAP, {"residency": ("lon",)}), HostRefusal.RESIDENCY),
        (placed(CHEAP, {"placement": RegionPlacement(max_latency_ms=5)}), HostRefusal.LATENCY),
        (placed(CHEAP, {"critical_share": 0.9}), HostRefusal.CARRIED_LESS),
        (HELD, HostRefusal.CUSTOMER),
        (priced(CHEAP, ams=1.2), HostRefusal.DEARER),
    ],
    ids=["residency", "latency", "critical share", "customer", "price"],
)
def test_a_rule_that_forbids_a_region_is_named(world, refusal):
    case = case_of(world, Market.read(world.catalog, world.capacity))
    judged = next(item for item in case.judged if item.source.region == "fra")
    assert {one.region: one.why for one in judged.refused}["ams"] is refusal
    assert "ams" not in {pair.host for pair in judged.pairs}


def test_what_a_customer_who_is_promised_most_announced_stays():
    use = BoundUse(
        customer="acme", region="fra", kind=CapacityKind.VCPU, value=1e6, start=NOW - timedelta(days=1), end=None
    )
    worlds = [replace(CHEAP, bound=(replace(use, start=start),)) for start in (use.start, NOW + timedelta(days=9))]
    stays, later = (case_of(world, Market.read(world.catalog, world.capacity)).judged for world in worlds)
    assert [item.source.steps for item in stays if item.source.region == "fra"] == [0]
    assert [item.source.bound for item in stays if item.source.region == "fra"] == [{"acme": 1.0}]
    assert [item.source.steps for item in later if item.source.region == "fra"] == [6]


def test_no_more_comes_than_there_is_room_for():
    room = {"ams": 100.0}
    quotas = tuple(
        quota.model_copy(update={"total": quota.used + room[quota.place]})
        if quota.place in room and quota.kind is CapacityKind.VCPU
        else quota
        for quota in CHEAP.capacity.quotas
    )
    tight = replace(CHEAP, capacity=CHEAP.capacity.model_copy(update={"quotas": quotas}))
    came = sum(move.share for move in said_of(PLAN).moves if move.host == "ams")
    assert sum(steps for (_, host), steps in decided(tight).items() if host == "ams") * STEP < came


def test_traffic_that_costs_more_than_compute_saves_keeps_demand_at_home():
    dear = paid_by_gb(priced(HOME, fra=1.0, ams=0.6, lon=0.8), 0.1)
    assert not decided(placed(dear, gbps_per_vcpu=0.01)) and decided(placed(dear))


def shifted(world: Question, region: str, hours: int) -> Question:
    """The world with the demand of a region so many hours later, and as large as that of fra."""
    values = dict(world.forecast.values)
    for (key, granularity), table in world.forecast.values.items():
        if key.kind in (SeriesKind.CPU, SeriesKind.MEMORY) and key.subject == "fra":
            values[SeriesKey(key.kind, region), granularity] = np.roll(table, hours, axis=0)
    return replace(world, forecast=world.forecast.moved(world.forecast.document, values))


def test_demand_that_peaks_while_it_is_night_elsewhere_goes_there():
    alike = priced(HOME, fra=1.0, ams=1.0, lon=1.0)
    together, apart = (placed(shifted(alike, "ams", hours), movable=0.25, saves_share=0.02) for hours in (0, 12))
    assert not decided(together).get(("fra", "ams")) and not decided(together).get(("ams", "fra"))
    moved = decided(apart)
    assert moved.get(("fra", "ams")) or moved.get(("ams", "fra"))
    assert not (moved.get(("fra", "ams")) and moved.get(("ams", "fra")))


@pytest.mark.parametrize("seed", range(3))
def test_the_programme_finds_the_least_cost_of_all_shares(seed):
    """Without failover: every share of two regions tried, each region covered by itself."""
    world = question(Recipe(seed=seed, regions=2, requests=False, critical_share=0.0))
    world = placed(world, movable=0.2, max_latency_ms=500, saves_share=0.0)
    market = Market.read(world.catalog, world.capacity)
    model, columns = build_choice(choice_of(case_of(world, market)))
    best = min(
        sum(covered(replace(world, moved=moves(shares)), market, region) for region in ("ams", "fra"))
        for shares in product((0.0, 0.05, 0.1, 0.15, 0.2), repeat=2)
        if not all(shares)
        and all(pair in columns.steps or not share for pair, share in zip(PAIRS, shares, strict=True))
    )
    assert solve(model).objective == pytest.approx(best, rel=2e-4)


PAIRS = (("ams", "fra"), ("fra", "ams"))


def moves(shares: tuple[float, ...]) -> tuple[Move, ...]:
    return tuple(Move(*pair, share) for pair, share in zip(PAIRS, shares, strict=True) if share)


def covered(world: Question, market: Market, region: str) -> float:
    """The least USD of parts of instances for what a region serves."""
    offers = market.offered_shapes(region)
    wanted = []
    for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB):
        curves = served_curves(world, region, kind)
        assert curves
        wanted.append(float(curves.total_at(level_of(world, market, region, kind)).max()))
    gives = np.array([(shape.vcpu, shape.memory_gib) for shape, _ in offers], dtype=float).T
    usd = np.array([usd for _, usd in offers])
    found = milp(usd, constraints=LinearConstraint(gives, lb=wanted), bounds=Bounds(0))
    return float(found.fun)


def test_partners_that_may_not_have_it_carry_nothing_for_who_serves_it():
    """fra may be in ams alone, so that nobody carries for ams what it serves of fra."""
    world = placed(CHEAP, {"residency": ("ams",)})
    market = Market.read(world.catalog, world.capacity)
    choice = choice_of(case_of(world, market))
    residency = Residency.of(replace(world, moved=(Move("fra", "ams", 0.1),)))
    assert not residency.may_carry("ams", "lon") and Residency.of(world).may_carry("ams", "lon")
    assert choice.barred["fra", "ams"] == ("lon",)
    model, columns = build_choice(choice)
    values = solve(model).values
    assert values[columns.steps["fra", "ams"]] > 0
    assert values[columns.carried["ams", "lon", CapacityKind.VCPU]] == pytest.approx(0, abs=1e-6)


def choosing(world: Question, usd: dict[tuple[tuple[str, str], ...], float | None], solve=solve):
    """What is taken of plans that cost so much, by who serves whom; None: there is none."""
    asked: list[tuple[Move, ...]] = []

    def attempt(question: Question) -> Plan | Infeasible:
        asked.append(question.moved)
        cost = usd[tuple((move.region, move.host) for move in question.moved)]
        if cost is None:
            return Infeasible(environment="law", told="none")
        told = PLAN.cost.model_copy(update={"after_usd_per_hour": cost})
        plan: Plan = PLAN.model_copy(update={"cost": told, "preference": None})
        return plan

    return preferred(world, solve, attempt), asked


ONE = placed(priced(HOME, fra=1.0, ams=0.6, lon=1.0), {"placement": RegionPlacement(movable=0.3)}, movable=0.0)
"""Nothing but demand of fra may move, and ams alone is cheaper."""


def elsewhere(world: Question, *shares: float) -> Question:
    """The world with so much of fra served in ams by the last plan."""
    item = next(item for item in said_of(PLAN).regions if item.region == "fra")
    hosts = tuple(item.hosts[0].model_copy(update={"region": "ams", "share": share}) for share in shares)
    preference = said_of(PLAN).model_copy(update={"regions": (item.model_copy(update={"hosts": hosts}),)})
    return replace(world, earlier=PLAN.model_copy(update={"preference": preference, "requirements": ()}))


HERE, THERE = (), (("fra", "ams"),)


@pytest.mark.parametrize(
    ("usd", "taken"),
    [
        ({HERE: 100.0, THERE: 90.0}, True),
        ({HERE: 100.0, THERE: 99.99}, False),  # less than the margin
        ({HERE: 100.0, THERE: 101.0}, False),
        ({HERE: 100.0, THERE: None}, False),
        ({HERE: None, THERE: 90.0}, True),
    ],
)
def test_it_moves_where_the_whole_plan_is_cheaper_by_the_margin(usd, taken):
    plan, asked = choosing(ONE, usd)
    assert isinstance(plan, Plan) and len(asked) == 2
    assert bool(said_of(plan).moves) is taken
    assert said_of(plan).at_home_usd_per_hour == usd[HERE]


def test_what_is_elsewhere_stays_unless_a_move_pays():
    stood = elsewhere(ONE, 0.3)
    assert said_of(choosing(stood, {HERE: 99.99, THERE: 100.0})[0]).moves == (Move("fra", "ams", 0.3),)
    assert said_of(choosing(stood, {HERE: 90.0, THERE: 100.0})[0]).moves == ()
    dearer = priced(stood, ams=1.005, lon=2.0)
    assert said_of(choosing(dearer, {HERE: 99.99, THERE: 100.0})[0]).moves == (Move("fra", "ams", 0.3),)
    back = said_of(choosing(dearer, {HERE: 90.0, THERE: 100.0})[0])
    assert [one.why for item in back.regions for one in item.refused if one.region == "ams"] == [HostRefusal.DEARER]
    assert back.moves == ()
    bound = placed(ONE, {"residency": ("lon",)}, movable=0.0)
    assert said_of(choosing(elsewhere(bound, 0.3), {HERE: 100.0})[0]).moves == ()


def test_a_maximum_that_leaves_demand_unmet_makes_no_plan_at_home_cheaper():
    need = next(item for item in PLAN.requirements if item.id == "fra/vcpu/serving")
    cut = need.model_copy(update={"parts": {"forecast": need.quantity + 900, "maximum": -900.0}})

    def attempt(asked: Question) -> Plan:
        cost = PLAN.cost.model_copy(update={"after_usd_per_hour": 100.0 if asked.moved else 90.0})
        needs = () if asked.moved else (cut,)
        plan: Plan = PLAN.model_copy(update={"cost": cost, "preference": None, "requirements": needs})
        return plan

    stood = elsewhere(ONE, 0.3)
    assert said_of(preferred(stood, solve, attempt)).moves == (Move("fra", "ams", 0.3),)


def test_what_is_elsewhere_stays_while_one_end_is_paused():
    for at in (0, 1):
        regions = list(ONE.environment.regions)
        regions[at] = regions[at].model_copy(update={"paused": True})
        plan, asked = choosing(people(elsewhere(ONE, 0.25), regions=tuple(regions)), {THERE: 100.0})
        assert said_of(plan).moves == (Move("fra", "ams", 0.25),) and len(asked) == 1


@pytest.mark.parametrize("at", [0, 1])
def test_what_is_elsewhere_with_an_end_that_is_paused_stays_also_once_nothing_may_move(at):
    regions = [item.model_copy(update={"placement": None}) for item in ONE.environment.regions]
    regions[at] = regions[at].model_copy(update={"paused": True})
    off = people(elsewhere(ONE, 0.25), regions=tuple(regions), placement=PlacementSettings())
    plan, asked = choosing(off, {THERE: 100.0, HERE: 90.0})
    assert asked == [(Move("fra", "ams", 0.25),)] == [said_of(plan).moves]
    (told,), (was, *_) = (
        next(item for item in said_of(one).regions if item.region == "fra").hosts for one in (plan, PLAN)
    )
    assert told.vcpu / 0.25 == pytest.approx(was.vcpu / was.share)


def test_demand_that_is_served_elsewhere_whole_stays_in_the_requirements_and_its_units_stay():
    gone = replace(CHEAP, moved=(Move("fra", "ams", 1.0),))
    needs, before = (serving_requirements(world, Market.read(CHEAP.catalog, CHEAP.capacity)) for world in (gone, CHEAP))
    left = next(need for need in needs if need.id == "fra/vcpu/serving")
    assert left.quantity == pytest.approx(0, abs=1e-6) and "served in ams" in left.parts
    assert asked_vcpu(needs, "fra") == pytest.approx(asked_vcpu(before, "fra"))
    assert asked_vcpu(needs, "ams") > asked_vcpu(before, "ams")


def test_where_the_programme_fails_what_is_elsewhere_stays_and_it_is_told():
    def stalls(_):
        raise SolverStalled("took too long", where="test")

    plan, _ = choosing(elsewhere(ONE, 0.2), {HERE: 100.0, THERE: 100.0}, stalls)
    assert said_of(plan).moves == (Move("fra", "ams", 0.2),) and "took too long" in said_of(plan).told


def test_no_demand_moves_where_the_reserve_is_shared():
    shared = people(CHEAP, failover=FailoverSettings(reserve=Reserve.SHARED))
    plan, asked = choosing(shared, {HERE: 100.0})
    assert plan.preference is None and asked == [()]


def test_calm_looks_at_a_regions_own_demand_wherever_it_is_served():
    """A move of a twentieth is no fall of demand that calm would keep; demand that falls is still kept."""
    market = Market.read(CHEAP.catalog, CHEAP.capacity)
    before = serving_requirements(CHEAP, market)
    next_day = replace(CHEAP, earlier=PLAN.model_copy(update={"requirements": before}))
    own = {need.id: need.quantity for need in before}
    moved = serving_requirements(replace(next_day, moved=(Move("fra", "ams", 0.05),)), market)
    found = {need.id: need.quantity for need in moved}
    assert found["fra/vcpu/serving"] == pytest.approx(0.95 * own["fra/vcpu/serving"])
    assert found["ams/vcpu/serving"] > own["ams/vcpu/serving"]


def test_plans_made_again_change_nothing_and_a_host_that_is_paused_keeps_what_it_serves():
    world = after(CHEAP, PLAN)
    again = plan_of(world)
    assert said_of(again).moves == said_of(PLAN).moves and not again.changes
    fra, ams, *others = world.environment.regions
    paused = people(world, regions=(fra, ams.model_copy(update={"paused": True}), *others))
    plan = plan_of(paused)
    assert wrong(paused, plan) == []
    assert said_of(plan).moves == tuple(move for move in said_of(PLAN).moves if "ams" in (move.region, move.host))


def test_nothing_moves_from_or_to_regions_that_one_carries_which_is_not_read():
    """What stands by in ams is not known and cannot grow: who leans on it neither gives demand away nor takes any."""
    world = after(CHEAP, PLAN)
    facts = tuple(item.model_copy(update={"readable": item.region != "ams"}) for item in world.capacity.regions)
    unread = replace(world, capacity=world.capacity.model_copy(update={"regions": facts}))
    leaning = {item.place for item in unread.live().values() if item.key.endswith("/failover/ams")}
    assert leaning == {"fra", "lon"}
    asked = replace(unread, earlier=None)
    market = Market.read(asked.catalog, asked.capacity)
    case = case_of(asked, market)
    assert case.pairs == () and staying(unread) == said_of(PLAN).moves
    why = {one.why for item in case.judged for one in item.refused if one.region in leaning}
    assert HostRefusal.LEFT_AS_IT_IS in why
    parted = tuple(item for item in unread.capacity.resources if not item.resource.key.endswith("/failover/ams"))
    free = replace(asked, capacity=asked.capacity.model_copy(update={"resources": parted}))
    assert {(pair.source.region, pair.host) for pair in case_of(free, market).pairs} == {("fra", "lon")}
