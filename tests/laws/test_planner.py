"""Laws of the planner over generated worlds of at least four regions."""

from collections import Counter, defaultdict
from dataclasses import replace
from ipaddress import IPv4Network
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from contracts.capacity import CapacityKind
from contracts.environment import Environment, RegionSettings
from contracts.ledger import UnitState
from contracts.names import is_link
from contracts.plan import Infeasible, Operation, Plan, ReasonCode, RefusalCode
from contracts.resources import (
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    Purpose,
    Resource,
    ResourceKind,
    StorageSpec,
)
from coordinator.solver_process import solve_in_child
from planner.build import build_plan
from planner.market import Market
from planner.question import Question
from planner.small import SmallQuestion, build_small_plan
from planner.solve import solve
from tests.laws.environments import NOW, Recipe, environment, loaded, question, recipes
from tests.planner.simulate import after, granted, standing, unit
from tests.planner.test_small import asked

CALM = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

pytestmark = pytest.mark.slow

SEEN: Counter[str] = Counter()
"""What occurred over the run of `test_a_life_of_a_world`; `test_every_kind_occurred` reads it."""


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
    assert plan.cost.after_usd_per_hour == pytest.approx(sum(item.usd_per_hour for item in plan.resources), abs=1e-3)
    before_and_changes = plan.cost.before_usd_per_hour + sum(change.usd_per_hour for change in plan.changes)
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
    assert max(partners.values(), default=0) <= asked_question.environment.failover.max_partners
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


@settings(CALM, max_examples=10)
@given(recipes())
def test_same_question_same_bytes(recipe: Recipe) -> None:
    first, second = build_plan(question(recipe), solve), build_plan(question(recipe), solve)
    assert first.sealed() == second.sealed()


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(seed=7, regions=6, odd_prices=True, sparse=True)])
def test_same_bytes_out_of_a_child_process(recipe: Recipe) -> None:
    assert build_plan(question(recipe), solve_in_child).sealed() == build_plan(question(recipe), solve).sealed()


@CALM
@given(recipes())
def test_every_plan_keeps_the_rules_and_a_second_changes_nothing(recipe: Recipe) -> None:
    world = question(recipe)
    plan = build_plan(world, solve)
    if isinstance(plan, Infeasible):
        assert all(short.available < short.wanted and short.nearest for short in plan.shortfalls)
        return
    check(world, plan)
    assert plan_of(after(world, plan)).changes == ()


@CALM
@given(recipes(), st.sampled_from([(0.6, 0.7), (0.6, 1.0), (1.0, 1.7)]))
def test_more_load_never_less_capacity(recipe: Recipe, loads: tuple[float, float]) -> None:
    recipe = replace(recipe, tight=False)
    world = question(recipe)
    less, more = (build_plan(loaded(world, recipe, load), solve) for load in loads)
    if isinstance(less, Infeasible) or isinstance(more, Infeasible):
        assert isinstance(more, Infeasible)
        return
    quantities = {need.id: need.quantity for need in more.requirements if need.id.endswith("/serving")}
    for need in less.requirements:
        if need.id.endswith("/serving") and need.kind is not CapacityKind.ADDRESSES:
            assert quantities[need.id] >= need.quantity
    # A tie or the solver's gap may trade one kind for another; cost it cannot.
    assert more.cost.optimised_usd_per_hour >= less.cost.lower_bound_usd_per_hour - 1e-6
    assert more.cost.lower_bound_usd_per_hour >= less.cost.lower_bound_usd_per_hour * (1 - 1e-3)


@CALM
@given(recipes(), st.sampled_from([1.1, 1.5]))
def test_growing_from_what_is_live_never_shrinks_serving(recipe: Recipe, growth: float) -> None:
    recipe = replace(recipe, tight=False, load=0.6)
    world = question(recipe)
    plan = build_plan(world, solve)
    if isinstance(plan, Infeasible):
        return
    grown = loaded(after(world, plan), recipe, 0.6 * growth)
    more = build_plan(grown, solve)
    if isinstance(more, Infeasible):
        return
    check(grown, more)
    for kind in (CapacityKind.STORAGE_GIB, CapacityKind.GBPS):
        for place, amount in serving_amounts(plan, world, kind).items():
            assert serving_amounts(more, world, kind).get(place, 0.0) >= amount


def serving_amounts(plan: Plan, world: Question, kind: CapacityKind) -> dict[str, float]:
    """What serves, by place; replicas aside."""
    market = Market.read(world.catalog, world.capacity)
    found: dict[str, float] = defaultdict(float)
    for item in plan.resources:
        if item.resource.purpose is Purpose.SERVING:
            found[item.resource.place] += market.use(item.resource).get((item.resource.place, kind), 0.0)
    return found


@seed(20261102)
@settings(CALM, max_examples=50, derandomize=True)
@given(recipes(), st.integers(0, 2**16))
def test_a_life_of_a_world(recipe: Recipe, dice: int) -> None:
    """Plan, apply, hand out, meddle, plan again: every step keeps the rules, and ends in a plan without changes."""
    world = question(replace(recipe, load=1.0))
    first = build_plan(world, solve)
    note(recipe, first)
    if isinstance(first, Infeasible):
        return
    lived = live_on(after(world, first), recipe, dice)
    second = build_plan(lived, solve)
    note(recipe, second)
    if isinstance(second, Infeasible):
        return
    check(lived, second) if not recipe.tight else check_order(second)
    kept = {item.resource.key for item in second.resources}
    states = lived.unit_states()
    assert {key for key, state in states.items() if state is not UnitState.STAGED} <= kept
    assert plan_of(after(lived, second)).changes == ()


def live_on(world: Question, recipe: Recipe, dice: int) -> Question:
    """A day later: some units handed out, something changed from outside, demand moved, people spoke, prices moved."""
    staged = [key for key, state in world.unit_states().items() if state is UnitState.STAGED]
    world = granted(world, staged[: dice % 4])
    world = granted(world, staged[dice % 4 : dice % 4 + 1], UnitState.QUARANTINED)
    world = meddled(world, dice)
    if dice & 8:
        world = on_demand(world)
    world = loaded(world, recipe, (1.0, 0.4, 0.95, 1.2)[dice >> 4 & 3])
    if dice & 64:
        world = replace(world, environment=spoken(recipe, world))
    if dice & 128:
        world = repriced(world)
    return world


def meddled(world: Question, dice: int) -> Question:
    """Behind the planner's back: something resized, something gone, something foreign, a volume of another class."""
    live = world.live()
    computes = [key for key, item in live.items() if isinstance(item.spec, ComputeSpec) and "/serving/" in key]
    volumes = [key for key, item in live.items() if isinstance(item.spec, StorageSpec) and "/serving/" in key]
    if computes and dice & 1:
        live[computes[0]] = live[computes[0]].model_copy(
            update={"spec": live[computes[0]].spec.model_copy(update={"count": 1})}
        )
    if volumes and dice & 2:
        spec = live[volumes[0]].spec.model_copy(update={"storage_class": "fast"})
        live[volumes[0]] = live[volumes[0]].model_copy(update={"spec": spec})
    if dice & 4:
        live.pop(next(key for key, item in live.items() if item.kind is ResourceKind.ALERT), None)
        place = world.environment.regions[0].name
        foreign = ComputeSpec(shape="s4", count=1)
        key = f"{place}/compute/someone/s4"
        live[key] = Resource(key=key, place=place, root=place, purpose=Purpose.SUPPORT, spec=foreign)
    return standing(world, live.values())


def on_demand(world: Question) -> Question:
    """Two requests were met on demand; one of them was given back since."""
    names = [region.name for region in world.environment.regions]
    for at, identity in enumerate(("od-1", "od-2")):
        request = asked(identity, names[at], names[at + 1])
        small = build_small_plan(
            SmallQuestion(
                environment=world.environment,
                request=request,
                capacity=world.capacity,
                catalog=world.catalog,
                ledger=world.ledger,
                rules=world.rules,
                now=NOW,
            )
        )
        if not isinstance(small, Plan):
            continue
        made = [item.resource for item in small.resources]
        world = standing(world, [*world.live().values(), *made])
        if at == 0:
            units = tuple(unit(item, UnitState.ACTIVE) for item in made if item.purpose is Purpose.GRANTED)
            ledger = world.ledger.model_copy(update={"units": (*world.ledger.units, *units)})
            world = replace(world, ledger=ledger)
    return world


def repriced(world: Question) -> Question:
    """Fast storage is on sale, and falls below what volumes stand on."""
    offers = tuple(
        offer.model_copy(update={"usd_per_hour": 0.00009}) if offer.item == "fast" else offer
        for offer in world.capacity.offers
    )
    return replace(world, capacity=world.capacity.model_copy(update={"offers": offers}))


def spoken(recipe: Recipe, world: Question) -> Environment:
    """People pin one resource and pause the last region."""
    made = environment(recipe)
    paused = RegionSettings(name=made.regions[-1].name, paused=True)
    pins = tuple(key for key in world.live() if "/circuit/serving/" in key)[:1]
    return made.model_copy(update={"regions": (*made.regions[:-1], paused), "pins": pins})


def note(recipe: Recipe, plan: Plan | Infeasible) -> None:
    """Counts what occurs."""
    if isinstance(plan, Infeasible):
        SEEN.update(f"short of {short.kind}" for short in plan.shortfalls)
        return
    SEEN.update(f"operation {change.operation}" for change in plan.changes)
    SEEN.update(f"reason {change.reason.code}" for change in plan.changes)
    SEEN.update(f"reason {item.reason.code}" for item in plan.resources)
    SEEN.update(f"kind {item.resource.kind}" for item in plan.resources)
    SEEN.update(f"requirement {need.kind} {'link' if is_link(need.place) else 'region'}" for need in plan.requirements)
    SEEN.update(f"part {name}" for need in plan.requirements for name in need.parts if "->" not in name)
    SEEN.update(f"refused {item.code}" for planned in plan.resources for item in planned.reason.alternatives)
    SEEN["several partners"] += any(len(parts) > 1 for parts in partners_of(plan).values())


def partners_of(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in plan.resources:
        if isinstance(item.resource.spec, FailoverSpec):
            found.setdefault(item.resource.place, []).append(item.resource.spec.partner)
    return found


def test_every_kind_occurred() -> None:
    """Runs after the life of the worlds above: every operation, kind, reason, constraint and refusal was there."""
    if not SEEN:
        test_a_life_of_a_world()
    expected = {f"operation {operation}" for operation in Operation}
    expected |= {f"kind {kind}" for kind in ResourceKind}
    expected |= {f"reason {code}" for code in ReasonCode}
    expected -= {"reason request", "reason deferred"}  # of small plans, and of environments that ask for it, alone
    expected |= {f"refused {code}" for code in RefusalCode} - {"refused overlaps"}  # carving never offers such blocks
    expected |= {"part minimum", "part maximum", "part kept from the last plan", "part max_units_per_place"}
    expected |= {"part other pairs", "part no room", "several partners"}
    expected |= {"short of vcpu", "short of gbps"}
    assert expected - SEEN.keys() == set(), sorted(SEEN)
