"""What buys a resource, and at which marginal price: against one more unit bought, and against a solver."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capacity import Catalog, Offer, Shape
from contracts.failover import Reserve
from contracts.plan import MarginalBasis, Operation, Plan, ReasonCode
from contracts.resources import FailoverSpec, Purpose, ResourceKind
from planner.explain import explain, next_best
from planner.market import Market
from planner.model import ModelBuilder
from planner.reasons import Buying, covering_prices
from planner.solve import solve
from tests.laws.environments import bundle, loaded
from tests.planner.simulate import after
from tests.planner.worlds import RECIPE, WORLD, people, plan_of

PLAN = plan_of(WORLD)
MARKET = Market.read(WORLD.catalog, WORLD.capacity)


def market_of(shapes):
    """A region `fra` that sells shapes of (vcpu, memory, price)."""
    catalog = Catalog(
        shapes=tuple(Shape(name=f"x{at}", vcpu=v, memory_gib=m) for at, (v, m, _) in enumerate(shapes)),
        storage_classes=(),
        circuit_tiers=(),
    )
    offers = tuple(Offer(place="fra", item=f"x{at}", usd_per_hour=p) for at, (_, _, p) in enumerate(shapes))
    return Market.read(catalog, WORLD.capacity.model_copy(update={"offers": offers}))


def least_cost(shapes, vcpu, memory):
    """The cost of covering both, with parts of instances, by the solver."""
    builder = ModelBuilder()
    columns = [builder.column(price, integer=False) for _, _, price in shapes]
    for at, wanted in ((0, vcpu), (1, memory)):
        builder.row([(column, float(shape[at])) for column, shape in zip(columns, shapes, strict=True)], lower=wanted)
    return solve(builder.build()).objective


SHAPES = st.lists(
    st.tuples(st.integers(1, 32), st.integers(1, 256), st.floats(0.05, 3.0)), min_size=1, max_size=5, unique=True
)


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.floats(0, 500), st.floats(0, 2000))
def test_marginal_prices_are_the_duals_of_covering(shapes, vcpu, memory):
    """Strong duality: prices times quantities are the least cost, and no shape is cheaper than what it gives."""
    found = covering_prices(market_of(shapes), "fra", (vcpu, memory))
    assert found is not None
    assert found[0] * vcpu + found[1] * memory == pytest.approx(least_cost(shapes, vcpu, memory), rel=1e-3, abs=1e-2)
    for cpus, gib, price in shapes:
        assert found[0] * cpus + found[1] * gib <= price + 1e-3


def test_where_one_is_plenty_the_other_has_the_price():
    shapes = [(4, 16, 0.2), (16, 64, 0.7)]
    for quantity, expected in (((100, 100), (0.7 / 16, 0)), ((10, 1000), (0, 0.7 / 64))):
        found = covering_prices(market_of(shapes), "fra", quantity)
        assert found is not None and found == pytest.approx(expected, abs=1e-6)
    assert covering_prices(market_of([]), "fra", (1, 1)) is None


def needed(plan, key):
    return next(item for item in plan.requirements if item.id == key)


def of(plan, kind, purpose=None):
    found = [item for item in plan.resources if item.resource.kind is kind]
    return [item for item in found if purpose in (None, item.resource.purpose)]


def test_every_resource_that_meets_a_requirement_says_which_one_buys_it():
    for item in PLAN.resources:
        if not item.reason.requirements or isinstance(item.resource.spec, FailoverSpec):
            continue
        assert item.reason.bought_by in item.reason.requirements
        assert item.reason.marginal is not None and item.reason.marginal.basis is MarginalBasis.MARKET
        assert item.reason.marginal.kind is needed(PLAN, item.reason.bought_by).kind


def test_what_buys_compute_is_what_most_of_its_cost_is_for():
    """Of the least cost of covering vCPUs and memory, the buyer's part is the larger one."""
    for region in ("fra", "ams", "lon", "mad"):
        shapes = [(shape.vcpu, shape.memory_gib, usd) for shape, usd in MARKET.offered_shapes(region)]
        quantities = [needed(PLAN, f"{region}/{kind}/serving").quantity for kind in ("vcpu", "memory_gib")]
        for item in of(PLAN, ResourceKind.COMPUTE, Purpose.SERVING):
            if item.resource.place == region:
                marginal = item.reason.marginal
                assert marginal is not None
                part = marginal.usd_per_hour * needed(PLAN, item.reason.bought_by).quantity
                assert part >= least_cost(shapes, *quantities) / 2 - 1e-3


def test_failover_says_whose_loss_it_is_for():
    entries = of(PLAN, ResourceKind.FAILOVER)
    assert entries and all(item.reason.scenario == item.resource.place for item in entries)
    for item in of(PLAN, ResourceKind.COMPUTE, Purpose.FAILOVER):
        lost, held = item.reason.scenario, item.resource.place
        assert any(
            isinstance(entry.resource.spec, FailoverSpec)
            and (entry.resource.place, entry.resource.spec.partner) == (lost, held)
            for entry in entries
        )
        assert f"critical load of {lost}" in needed(PLAN, item.reason.bought_by).parts
    assert all(not item.reason.scenario for item in of(PLAN, ResourceKind.COMPUTE, Purpose.SERVING))


def test_a_volume_is_paid_where_it_stands_and_where_its_replica_does():
    for item in of(PLAN, ResourceKind.STORAGE, Purpose.SERVING):
        spec = item.resource.spec
        places = [item.resource.place, *([spec.replica_region] if spec.replica_region else [])]
        expected = sum(MARKET.price(place, spec.storage_class) or 0 for place in places)
        assert item.reason.marginal is not None
        assert item.reason.marginal.usd_per_hour == pytest.approx(expected, abs=1e-6)


def test_prices_of_a_whole_plans_model_outweigh_the_markets():
    item = of(PLAN, ResourceKind.COMPUTE, Purpose.SERVING)[0]
    vcpu, memory = (f"{item.resource.place}/{kind}/serving" for kind in ("vcpu", "memory_gib"))
    buying = Buying.of(MARKET, PLAN.requirements, {vcpu: 0.0, memory: 0.5})
    reason = buying.told(item).reason
    assert reason.bought_by == memory and reason.marginal is not None
    assert (reason.marginal.usd_per_hour, reason.marginal.basis) == (0.5, MarginalBasis.DUALS)


@pytest.mark.filterwarnings("ignore:overflow encountered in divide:RuntimeWarning")
def test_where_a_fleet_is_planned_the_price_is_what_more_demand_adds_to_its_bound():
    """Half as much again: the bound rises in steps of whole instances, which then are small beside what is added."""
    shared = WORLD.environment.failover.model_copy(update={"reserve": Reserve.SHARED, "max_latency_ms": 200.0})
    world = people(WORLD, failover=shared)
    moved = {"cpu:fra", "memory:fra"}
    values = {key: table * (1.5 if str(key[0]) in moved else 1) for key, table in world.forecast.values.items()}
    plan, more = plan_of(world), plan_of(replace(world, forecast=replace(world.forecast, values=values)))
    added = 0.0
    for item in of(plan, ResourceKind.COMPUTE, Purpose.SERVING):
        if item.resource.place == "fra":
            reason = item.reason
            assert reason.marginal is not None and reason.marginal.basis is MarginalBasis.DUALS
            grown = needed(more, reason.bought_by).quantity - needed(plan, reason.bought_by).quantity
            added = reason.marginal.usd_per_hour * grown
    bounds = [one.cost.lower_bound_usd_per_hour for one in (plan, more)]
    assert added == pytest.approx(bounds[1] - bounds[0], rel=0.15) and added > 1


def test_more_demand_costs_about_what_the_marginal_price_says():
    """A tenth more everywhere: the change in cost of serving compute, region by region, within one instance."""
    more = plan_of(loaded(WORLD, RECIPE, 1.1))
    dearest = max(usd for region in MARKET.regions for _, usd in MARKET.offered_shapes(region))
    for region in ("fra", "ams", "lon", "mad"):
        costs = []
        for plan in (PLAN, more):
            items = of(plan, ResourceKind.COMPUTE, Purpose.SERVING)
            costs.append(sum(item.usd_per_hour for item in items if item.resource.place == region))
        reason = next(
            item.reason for item in of(PLAN, ResourceKind.COMPUTE, Purpose.SERVING) if item.resource.place == region
        )
        grown = needed(more, reason.bought_by).quantity - needed(PLAN, reason.bought_by).quantity
        assert reason.marginal is not None
        assert costs[1] - costs[0] == pytest.approx(reason.marginal.usd_per_hour * grown, abs=dearest)


def test_changes_carry_the_same_reasons():
    by_key = {item.resource.key: item.reason for item in PLAN.resources}
    assert PLAN.changes and all(change.reason == by_key[change.key] for change in PLAN.changes)


# --- explained


def told(plan, key):
    return "\n".join(explain(plan, key).lines())


def test_an_explanation_names_the_buyer_the_price_and_the_next_best():
    key = next(item.resource.key for item in of(PLAN, ResourceKind.COMPUTE, Purpose.SERVING))
    text = told(PLAN, key)
    reason = next(item.reason for item in PLAN.resources if item.resource.key == key)
    assert reason.marginal is not None
    assert f"bought by {reason.bought_by}: one more {reason.marginal.kind}" in text
    assert f"would cost {reason.marginal.usd_per_hour:g} USD/h" in text
    best = next_best(reason)
    assert best is not None and f"next best: {best.candidate}, " in text


def test_the_next_best_is_the_cheapest_of_those_that_would_do():
    for item in PLAN.resources:
        best = next_best(item.reason)
        values = [
            other.value
            for other in item.reason.alternatives
            if other.code in ("dearer", "moves") and other.value is not None
        ]
        assert (best.value if best else None) == (min(values) if values else None)


def test_an_explanation_of_failover_names_the_loss():
    item = of(PLAN, ResourceKind.COMPUTE, Purpose.FAILOVER)[0]
    assert f"stands by for the loss of {item.reason.scenario}" in told(PLAN, item.resource.key)


def test_what_goes_is_told_with_what_is_met_without_it():
    world = after(WORLD, PLAN)
    less = plan_of(replace(loaded(world, RECIPE, 0.3), earlier=world.earlier))
    gone = [
        change for change in less.changes if change.operation is Operation.DELETE and "/compute/serving/" in change.key
    ]
    assert gone and gone[0].reason.code is ReasonCode.SURPLUS
    text = told(less, gone[0].key)
    need = needed(less, f"{gone[0].place}/vcpu/serving")
    assert f"met without it: requirement {need.id}" in text and f"forecast cpu:{gone[0].place}" in text


def test_nothing_is_said_of_what_meets_no_requirement():
    silent = plan_of(replace(WORLD, forecast=bundle({}, ())))
    for item in silent.resources:
        assert item.reason.bought_by == "" and item.reason.marginal is None
    assert isinstance(silent, Plan)


def test_earlier_plans_keep_their_seal():
    """Fields that came later are not written where they say nothing."""
    bare = PLAN.model_copy(update={"resources": (), "changes": ()})
    for name in ("bought_by", "scenario", "marginal", "deferred"):
        assert f'"{name}"' not in bare.sealed()
