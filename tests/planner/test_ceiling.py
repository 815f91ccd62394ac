"""What waits above the change ceiling: only savings, the least valuable, and never what serves or stands by."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.capacity import CapacityKind
from contracts.environment import Costs
from contracts.failover import Reserve
from contracts.limits import Rules
from contracts.plan import Infeasible, Operation, Plan, ReasonCode
from contracts.resources import CircuitSpec, ComputeSpec, FailoverSpec, Purpose, StorageSpec
from planner.build import build_plan
from planner.explain import explain
from planner.market import Market
from planner.solve import solve
from policies import words
from policies.case import Case, Facts
from policies.rules.spending import change_ceiling
from prestage.views.plan import plan_text
from tests.laws.environments import Recipe, loaded, question
from tests.laws.keeps import check
from tests.planner.asked_of import asked_of
from tests.planner.plan_checker import Rule, breaches
from tests.planner.simulate import after, standing
from tests.planner.worlds import RECIPE, WORLD, people, plan_of

PLAN = plan_of(WORLD)
STANDING = after(WORLD, PLAN)
FALLEN = loaded(STANDING, RECIPE, 0.3)
WHOLE = plan_of(FALLEN)


def calm(world, ceiling):
    """The world where so many changes may be made, and the rest waits."""
    rules = Rules(headroom_quantile=0.8, change_ceiling_share=1e-9, change_ceiling_minimum=ceiling, defer_changes=True)
    return people(world, rules=rules)


def group(change):
    """What waits together at most: one kind and purpose at one place."""
    return tuple(change.key.split("/")[:3])


def saving(plan):
    """Whether what waits saves, group by group: what is dearer waits only beside what pays for it."""
    saved: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for change in plan.deferred:
        saved[group(change)] -= change.usd_per_hour
    return all(usd >= -1e-6 for usd in saved.values())


def holds(world, plan):
    """Whether all that is required at each place stands there, whatever waits."""
    shapes = {shape.name: shape for shape in world.catalog.shapes}
    held: defaultdict[tuple[str, CapacityKind, str], float] = defaultdict(float)
    for item in plan.resources:
        spec, resource = item.resource.spec, item.resource
        purpose = "staged" if resource.purpose is Purpose.STAGED else resource.purpose.value
        if isinstance(spec, ComputeSpec):
            held[resource.place, CapacityKind.VCPU, purpose] += shapes[spec.shape].vcpu * spec.count
            held[resource.place, CapacityKind.MEMORY_GIB, purpose] += shapes[spec.shape].memory_gib * spec.count
        elif isinstance(spec, StorageSpec):
            held[resource.place, CapacityKind.STORAGE_GIB, purpose] += spec.gib
        elif isinstance(spec, CircuitSpec):
            held[resource.place, CapacityKind.GBPS, purpose] += spec.gbps * spec.count
    for need in plan.requirements:
        if need.kind is not CapacityKind.ADDRESSES:
            assert held[need.place, need.kind, need.id.rpartition("/")[2]] >= need.quantity - 1e-6, need
    return True


def test_nothing_waits_where_nobody_asked_for_it_or_the_ceiling_is_high():
    assert WHOLE.deferred == () and len(WHOLE.changes) > 20
    high = plan_of(calm(FALLEN, 1000))
    assert high.deferred == () and high.changes == WHOLE.changes


def test_a_first_plan_has_no_ceiling():
    assert plan_of(calm(WORLD, 0)).deferred == ()


@pytest.mark.parametrize("ceiling", [20, 10])
def test_the_plan_keeps_within_the_ceiling_and_names_what_waits(ceiling):
    plan = plan_of(calm(FALLEN, ceiling))
    assert len(plan.changes) <= ceiling
    keys = {change.key for change in plan.changes}
    waiting = {change.key for change in plan.deferred}
    assert waiting and not keys & waiting
    assert keys | waiting >= {change.key for change in WHOLE.changes}
    assert saving(plan) and holds(FALLEN, plan)
    check(FALLEN, plan)


def test_the_rule_that_denies_counts_as_the_planner_does():
    """At the very ceiling the policy has nothing to say; of the same plan with all of its changes it has."""
    for ceiling in (20, 10):
        world = calm(FALLEN, ceiling)
        facts = Facts(
            environment=world.environment,
            regions=world.capacity.regions,
            pools=world.capacity.pools,
            ledger=world.ledger,
        )
        within, whole = (
            Case(plan=plan, facts=facts, settings=world.environment.rules, now=world.now)
            for plan in (plan_of(world), WHOLE)
        )
        assert list(change_ceiling(within)) == []
        assert len(list(change_ceiling(whole))) == 1


def test_the_least_valuable_waits_first():
    """However many changes are too many: what waits saves less by the change than what is made."""
    nets: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for change in WHOLE.changes:
        nets[group(change)].append(-change.usd_per_hour)
    each = {what: sum(saved) / len(saved) for what, saved in nets.items()}
    for number in (1, 4, 6, 8):
        waiting = {group(change) for change in plan_of(calm(FALLEN, len(WHOLE.changes) - number)).deferred}
        made = [each[what] for what in each if what not in waiting]
        assert waiting and max(each[what] for what in waiting) <= min(made) + 1e-9


def test_what_waits_stays_as_it_is_and_says_so():
    plan = plan_of(calm(FALLEN, 10))
    wanted = {item.resource.key: item for item in plan.resources}
    for change in plan.deferred:
        if change.before is not None:
            assert wanted[change.key].resource == change.before
            assert wanted[change.key].reason.code is ReasonCode.DEFERRED
        else:
            assert change.key not in wanted


def test_the_cost_is_that_of_what_is_made():
    plan = plan_of(calm(FALLEN, 10))
    waiting = sum(change.usd_per_hour for change in plan.deferred)
    assert waiting < 0
    assert plan.cost.after_usd_per_hour == pytest.approx(WHOLE.cost.after_usd_per_hour - waiting, abs=1e-3)


def test_plan_by_plan_all_of_it_is_made():
    world = calm(FALLEN, 10)
    for _ in range(12):
        plan = plan_of(world)
        world = after(world, plan)
        if not plan.changes:
            break
    assert plan.changes == () and plan.deferred == ()
    assert {item.resource.key for item in plan.resources} == {item.resource.key for item in WHOLE.resources}


def test_what_demand_needs_is_made_above_any_ceiling():
    grown = loaded(STANDING, RECIPE, 1.6)
    plan = plan_of(calm(grown, 0))
    assert len(plan.changes) > 0
    assert holds(grown, plan) and saving(plan)
    check(grown, plan)
    created = {change.key for change in plan_of(grown).changes if change.usd_per_hour > 0}
    assert created <= {change.key for change in plan.changes}


def cheaper(world, region, item, times):
    offers = tuple(
        offer.model_copy(update={"usd_per_hour": offer.usd_per_hour * times})
        if (offer.place, offer.item, offer.purchase) == (region, item, "on_demand")
        else offer
        for offer in world.capacity.offers
    )
    return replace(world, capacity=world.capacity.model_copy(update={"offers": offers}))


SOBER = people(WORLD, costs=Costs(shortage_usd_per_unit_hour={}))
"""Sized by the promised quantile alone, so that no price moves a requirement."""


def swapped(load=1.0):
    """A world where another shape is so cheap that a region's compute moves to it; and where what waits must fit."""
    first = plan_of(SOBER)
    shapes = {
        item.resource.key.rpartition("/")[2] for item in first.resources if "fra/compute/serving" in item.resource.key
    }
    other = next(name for name in ("l32", "c16", "m16") if name not in shapes)
    return cheaper(loaded(after(SOBER, first), RECIPE, load), "fra", other, 0.3)


def test_a_move_to_a_cheaper_shape_waits_as_a_whole():
    world = swapped()
    moves = {change.key for change in plan_of(world).changes if change.key.startswith("fra/compute/serving")}
    assert len(moves) > 1
    plan = plan_of(calm(world, 0))
    assert moves <= {change.key for change in plan.deferred} and holds(world, plan)
    assert not moves & {change.key for change in plan.changes}


def test_where_what_is_live_does_not_suffice_the_new_is_made_beside_it():
    world = swapped(load=1.3)
    moves = {change.key: change for change in plan_of(world).changes if change.key.startswith("fra/compute/serving")}
    created = {key for key, change in moves.items() if change.operation is Operation.CREATE}
    plan = plan_of(calm(world, 0))
    assert created and created <= {change.key for change in plan.changes}
    assert moves.keys() - created <= {change.key for change in plan.deferred}


@pytest.mark.filterwarnings("ignore:overflow encountered in divide:RuntimeWarning")
def test_where_what_serves_also_stands_by_only_what_is_more_than_wanted_waits():
    """No requirement says how much of it stands by: what is live is never taken for enough."""
    shared = WORLD.environment.failover.model_copy(update={"reserve": Reserve.SHARED, "max_latency_ms": 200.0})
    first = people(SOBER, failover=shared)
    standing = after(first, plan_of(first))
    shapes = {key.rpartition("/")[2] for key in standing.live() if key.startswith("fra/compute/serving")}
    world = standing
    for other in {"l32", "c16", "m16"} - shapes:
        world = cheaper(world, "fra", other, 0.3)
    made = {change.key for change in plan_of(world).changes if change.operation is Operation.CREATE}
    assert any(key.startswith("fra/compute/serving") for key in made)
    plan = plan_of(calm(world, 0))
    assert made <= {change.key for change in plan.changes}
    assert plan.deferred and all(change.operation is not Operation.CREATE for change in plan.deferred)


def test_partners_that_only_change_because_less_stands_by_wait_with_what_stands_by():
    """Half as much is critical: what stands by waits, and with it entries that cost nothing and gain nothing yet."""
    world = question(Recipe(regions=5, seed=1))
    stands = after(world, plan_of(world))
    failover = stands.environment.failover
    less = failover.model_copy(update={"critical_share": failover.critical_share / 2})
    asked = calm(people(stands, failover=less), 3)
    plan = plan_of(asked)
    waits = [change.key for change in plan.deferred]
    assert len(plan.changes) <= 3 and any(key.count("/") == 2 and "/failover/" in key for key in waits)
    check(asked, plan)


def test_a_lost_failover_entry_is_mended_above_any_ceiling():
    live = STANDING.live()
    key = min(name for name, item in live.items() if isinstance(item.spec, FailoverSpec) and item.spec.share < 1)
    hurt = standing(loaded(STANDING, RECIPE, 1.3), [item for name, item in live.items() if name != key])
    plan = plan_of(calm(hurt, 3))
    shares = [
        item.resource.spec.share
        for item in plan.resources
        if isinstance(item.resource.spec, FailoverSpec) and item.resource.place == key.split("/")[0]
    ]
    assert sum(shares) == pytest.approx(1)


def test_what_waits_and_what_is_made_beside_it_keep_a_maximum():
    recipe = Recipe(seed=3, regions=4, maximum=True, requests=False, max_partners=2)
    world = question(recipe)
    asked = calm(loaded(after(world, plan_of(world)), recipe, 0.6), 3)
    check(asked, plan := plan_of(asked))
    most = {item.name: item.maximum.get(CapacityKind.VCPU) for item in asked.environment.regions}
    vcpu = {shape.name: shape.vcpu for shape in asked.catalog.shapes}
    served: defaultdict[str, float] = defaultdict(float)
    for item in plan.resources:
        if isinstance(item.resource.spec, ComputeSpec) and item.resource.purpose is Purpose.SERVING:
            served[item.resource.place] += vcpu[item.resource.spec.shape] * item.resource.spec.count
    assert any(most.values()) and all(served[name] <= value for name, value in most.items() if value)


def test_what_would_not_fit_beside_what_must_be_made_goes_after_all():
    """A quota that has room for the new shapes alone: what they replace cannot stay."""
    world = swapped(load=1.3)
    whole = plan_of(world)
    use = Market.read(world.catalog, world.capacity).total_use(item.resource for item in whole.resources)
    quotas = tuple(
        item.model_copy(update={"total": use[item.place, item.kind] + item.used - item.ours + 1})
        if (item.place, item.kind) == ("fra", CapacityKind.VCPU)
        else item
        for item in world.capacity.quotas
    )
    tight = calm(replace(world, capacity=world.capacity.model_copy(update={"quotas": quotas})), 0)
    plan = plan_of(tight)
    gone = {change.key for change in plan.changes if change.operation is Operation.DELETE}
    assert any(key.startswith("fra/compute/serving/") for key in gone)
    assert plan.deferred and holds(tight, plan)
    check(tight, plan)


@pytest.mark.long
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 300),
    st.sampled_from([(1.0, 0.4), (0.6, 1.0), (1.0, 0.85)]),
    st.integers(0, 30),
    st.booleans(),
)
def test_in_any_world_a_plan_that_defers_still_holds(seed, loads, ceiling, odd):
    recipe = Recipe(seed=seed, load=loads[0], odd_prices=odd, sparse=odd)
    first = build_plan(question(recipe), solve)
    if isinstance(first, Infeasible):
        return
    world = calm(loaded(after(question(recipe), first), recipe, loads[1]), ceiling)
    plan = build_plan(world, solve)
    assert isinstance(plan, Plan)
    assert saving(plan) and holds(world, plan)
    check(world, plan)


def test_what_waits_is_explained():
    plan = plan_of(calm(FALLEN, 20))
    stays = next(change for change in plan.deferred if change.operation is Operation.UPDATE)
    first, *chain = explain(plan, stays.key).lines()
    assert f"update waits, worth {-stays.usd_per_hour:.4f} USD/h" in first and "because of deferred" in first
    assert any("forecast" in line for line in chain)
    for change in plan.deferred:
        assert explain(plan, change.key).waits
    assert not explain(plan, plan.changes[0].key).waits


def test_what_waits_is_shown_beside_what_is_made():
    text = plan_text(plan_of(calm(FALLEN, 20)))
    assert "above the ceiling would save" in text and "and wait:" in text
    assert "wait" not in plan_text(WHOLE)


def test_what_waits_is_in_the_cost_and_in_the_gap_until_it_is_done():
    plan = plan_of(calm(FALLEN, 10))
    cost, whole = plan.cost, WHOLE.cost
    assert cost.waiting_usd_per_hour == pytest.approx(-sum(item.usd_per_hour for item in plan.deferred), abs=1e-4)
    assert cost.waiting_usd_per_hour > 0.1 and whole.waiting_usd_per_hour == 0
    assert cost.done_usd_per_hour == pytest.approx(whole.after_usd_per_hour, abs=1e-4)
    assert cost.optimised_usd_per_hour == pytest.approx(
        whole.optimised_usd_per_hour + cost.waiting_usd_per_hour, abs=1e-4
    )
    assert cost.done_gap == pytest.approx(whole.gap, abs=1e-5) and cost.gap > whole.gap + 0.01
    assert "once all is done" in plan_text(plan) and "once all is done" not in plan_text(WHOLE)
    assert "once what waits is done" in words.gap(plan) and "once what waits" not in words.gap(WHOLE)
    free = plan.model_copy(update={"cost": cost.model_copy(update={"waiting_usd_per_hour": 0.0})})
    assert {item.rule for item in breaches(asked_of(FALLEN), free)} == {Rule.COST}
    assert breaches(asked_of(FALLEN), plan) == ()
