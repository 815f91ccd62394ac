"""The planner over days: worlds that are planned, applied, handed out, meddled with and planned again."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from contracts.environment import Environment, RegionSettings
from contracts.ledger import UnitState
from contracts.names import is_link
from contracts.plan import Infeasible, Operation, Plan, ReasonCode, RefusalCode
from contracts.resources import (
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    Purpose,
    Resource,
    ResourceKind,
    StorageSpec,
)
from planner.build import build_plan
from planner.question import Question
from planner.solve import solve
from tests.laws.environments import Recipe, environment, loaded, question, recipes
from tests.laws.keeps import check, check_order, plan_of
from tests.planner.simulate import after, granted, standing, unit
from tests.planner.test_small import asked, small

pytestmark = pytest.mark.slow

SEEN: Counter[str] = Counter()
"""What occurred over the run of `test_a_life_of_a_world`; `test_every_kind_occurred` reads it."""


@seed(20261102)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
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
    """Behind the planner's back: something resized, something gone, something foreign, some of other sorts."""
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
    circuits = [key for key in live if "/circuit/serving/1g" in key]
    if circuits and dice & 2:
        live[circuits[0]] = live[circuits[0]].model_copy(update={"spec": CircuitSpec(tier="10g", gbps=10, count=1)})
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
        found = small(request, world)
        if not isinstance(found, Plan):
            continue
        made = [item.resource for item in found.resources]
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
    expected -= {"reason workload"}  # of load that comes in whole units: tests/planner/test_packing.py
    # Of storage that nothing asks for, or that is asked for what its class cannot be: tests/planner/test_stored.py.
    expected -= {"reason content", "reason unfit"}
    expected |= {f"refused {code}" for code in RefusalCode} - {"refused overlaps"}  # carving never offers such blocks
    # Of storage that is asked for more than GiB (tests/planner/test_volumes.py and what stands beside it),
    # or of whole units.
    unseen = (
        RefusalCode.TOO_SLOW,
        RefusalCode.LESS_DURABLE,
        RefusalCode.NO_REPLICA,
        RefusalCode.RESIDENCY,
        RefusalCode.TOO_SMALL,
    )
    expected -= {f"refused {code}" for code in unseen}
    expected |= {"part minimum", "part maximum", "part kept from the last plan", "part max_units_per_place"}
    expected |= {"part other pairs", "part no room", "several partners"}
    expected |= {"short of vcpu", "short of gbps"}
    assert expected - SEEN.keys() == set(), sorted(SEEN)
