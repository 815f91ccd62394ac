"""Units that cannot be divided: ways to fill an instance, placements that hold them, whole plans, refusals."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capacity import CapacityKind, Shape
from contracts.failover import FailoverSettings, Survive
from contracts.plan import Infeasible, ReasonCode, RefusalCode
from contracts.resources import ComputeSpec
from contracts.workloads import Packing, UnitSize, Workload, workload_findings
from planner import packing_model
from planner.build import build_plan
from planner.errors import SolverStalled
from planner.explain import explain
from planner.limits import limits_of
from planner.packing import all_fillings, few_fillings
from planner.placement import Lacking, Placement, place
from planner.sites import Amount
from planner.solve import RELATIVE_GAP, solve
from tests.laws.environments import Recipe, loaded, question
from tests.planner.asked_of import asked_of
from tests.planner.plan_checker import Rule, breaches
from tests.planner.simulate import after
from tests.planner.test_placement import LARGE, NOTHING, SMALL, placed, site
from tests.planner.worlds import WORLD, people, plan_of, region

DB, WEB = UnitSize(name="db", vcpu=9, memory_gib=20), UnitSize(name="web", vcpu=3, memory_gib=6)
ASKED = (
    Workload(name="db", count=3, vcpu=14, memory_gib=20, critical=True),
    Workload(name="web", share=0.3, vcpu=3, memory_gib=6),
)


@cache
def exact():
    """The plan of the plain world with both workloads."""
    return packed(*ASKED)


def packed(*workloads, world=WORLD):
    world = people(world, workloads=workloads)
    plan = plan_of(world)
    assert breaches(asked_of(world), plan) == ()
    return plan


sizes = st.builds(
    lambda at, vcpu, gib, most: UnitSize(name=f"w{at}", vcpu=vcpu, memory_gib=gib, most_per_instance=most),
    st.integers(0, 9),
    st.integers(1, 9),
    st.integers(1, 40),
    st.integers(0, 2),
)
some_units = st.lists(sizes, min_size=1, max_size=3, unique_by=lambda one: one.name).flatmap(
    lambda found: st.tuples(*[st.integers(1, 4)] * len(found)).map(lambda counts: dict(zip(found, counts, strict=True)))
)


def fits(shape, sizes, counts):
    vcpu = sum(size.vcpu * count for size, count in zip(sizes, counts, strict=True))
    gib = sum(size.memory_gib * count for size, count in zip(sizes, counts, strict=True))
    apart = all(count <= (size.most_per_instance or count) for size, count in zip(sizes, counts, strict=True))
    return vcpu <= shape.vcpu and gib <= shape.memory_gib and apart


@settings(max_examples=60, deadline=None)
@given(some_units)
def test_fillings_are_all_those_to_which_nothing_can_be_added(units):
    ways = [c for c in product(*(range(n + 1) for n in units.values())) if any(c) and fits(LARGE, [*units], c)]
    most = [c for c in ways if not any(c != o and all(a <= b for a, b in zip(c, o, strict=True)) for o in ways)]
    assert sorted(all_fillings(LARGE, units) or ()) == sorted(most)
    assert set(few_fillings(LARGE, units)) <= set(most)


def test_of_too_many_ways_to_fill_an_instance_few_stand_for_all():
    many = {UnitSize(name=f"w{at}", vcpu=0.1 + at / 100, memory_gib=0.1): 900 for at in range(6)}
    assert all_fillings(LARGE, many) is None
    few = few_fillings(LARGE, many)
    assert len(few) < 200 and all(any(one[at] for one in few) for at in range(6))


def holds_all(shapes, units):
    """Whether some instances hold all units, by trying every instance for every unit."""
    if not units:
        return True
    (vcpu, gib), *rest = units
    tried = set()
    for at, (has, had) in enumerate(shapes):
        if vcpu <= has and gib <= had and (has, had) not in tried:
            tried.add((has, had))
            if holds_all([*shapes[:at], (has - vcpu, had - gib), *shapes[at + 1 :]], rest):
                return True
    return False


def cheapest(vcpu, units, prices):
    """The least cost of instances of both shapes that give so many vCPUs in sum and hold all units."""
    best = np.inf
    whole = sorted(((size.vcpu, size.memory_gib) for size, count in units.items() for _ in range(count)), reverse=True)
    for few, many in product(range(12), range(6)):
        usd = few * prices[0] + many * prices[1]
        if usd < best and few * 4 + many * 16 >= vcpu and holds_all([(4, 16)] * few + [(16, 64)] * many, whole):
            best = usd
    return best


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 30),
    st.tuples(st.integers(0, 4), st.integers(0, 5)),
    st.sampled_from([(0.2, 0.7), (0.25, 0.6), (0.1, 0.9)]),
    st.booleans(),
)
def test_no_placement_that_holds_all_units_is_cheaper(vcpu, counts, prices, live):
    units = {size: count for size, count in zip((DB, WEB), counts, strict=True) if count}
    wanted = max(vcpu, sum(size.vcpu * count for size, count in units.items()))
    standing = replace(NOTHING, serving={"s4": 12, "m16": 6}) if live else NOTHING
    asked = replace(site("fra", float(wanted), prices, live=standing), units=units)
    least = cheapest(wanted, units, prices)
    found = placed(asked)
    assert found.lower_bound <= least + 1e-9
    assert found.usd_per_hour == pytest.approx(least, rel=2 * RELATIVE_GAP)


def test_units_take_their_room_at_partners_from_nobody_else():
    """Both regions fall at once. Three of db want three of m16 at p1, of which 24 other vCPUs leave 3 too few."""
    ams = replace(site("ams", 0.0, critical=27.0, partners=("p1", "p2")), critical_units={DB: 3}, falls_with="eu")
    fra = replace(site("fra", 0.0, critical=24.0, partners=("p1",)), falls_with="eu")
    small = replace(site("p2", 0.0), failover_shapes=((SMALL, 0.2),), standing=Amount(vcpu=32, memory_gib=128))
    found = placed(ams, fra, site("p1", 0.0), small)
    assert found.units["ams", "p1"] == {DB: 3}
    assert found.failover == {("p1", "m16"): 3, ("p1", "s4"): 1}


def test_what_is_live_stays_where_it_holds_all_units():
    """One of s4 and three of m16 hold three of db and two of web; with a fourth of db another m16 has to come."""
    live = replace(NOTHING, serving={"s4": 1, "m16": 3})
    stays = replace(site("fra", 50.0, (0.2, 0.7), live=live), units={DB: 3, WEB: 2})
    assert placed(stays).serving == {("fra", "s4"): 1, ("fra", "m16"): 3}
    moved = placed(replace(stays, units={DB: 4}))
    assert moved.serving[("fra", "m16")] == 4


def test_what_stays_whatever_demand_says_holds_units_too():
    huge = Shape(name="h64", vcpu=64, memory_gib=256)
    here = replace(site("fra", 0.0), units={DB: 7}, kept=(("fra/compute/serving/h64", huge, 1),))
    assert placed(here).serving == {}
    assert placed(replace(here, units={DB: 8})).serving == {("fra", "m16"): 1}


def test_critical_units_have_places_at_partners_one_loss_at_a_time():
    """Both partners' shapes hold one db each; two regions lean on them, one of which is lost at a time."""
    partners = ("p1", "p2")
    lost = [
        replace(site(name, 0.0, critical=27.0, partners=partners), critical_units={DB: 3}) for name in ("ams", "fra")
    ]
    found = placed(*lost, *(site(name, 0.0, room=40) for name in partners))
    assert {
        name: sum(found.units[name, other][DB] for other in partners if (name, other) in found.units)
        for name in ("ams", "fra")
    } == {"ams": 3, "fra": 3}
    assert sum(count for (_, shape), count in found.failover.items() if shape == "m16") == 3
    none = place([*lost, *(site(name, 0.0, room=15) for name in partners)], FailoverSettings(max_partners=2), solve)
    assert isinstance(none, Lacking) and none.critical_units["ams"][DB] == 3


@pytest.mark.parametrize(("most", "told"), [(0, "of very many ways"), (64, "packed alike for every loss")])
def test_packed_less_exactly_units_have_places_and_the_bound_holds(monkeypatch, most, told):
    world = people(WORLD, workloads=ASKED)
    best = exact()
    monkeypatch.setattr(packing_model, "MOST_FILLINGS", most)
    plan = plan_of(world)
    assert plan.cut_short and plan.solver.endswith(told) and not best.cut_short
    assert plan.cost.lower_bound_usd_per_hour <= best.cost.optimised_usd_per_hour <= plan.cost.optimised_usd_per_hour
    assert 0 < plan.cost.gap < 0.2
    assert breaches(asked_of(world), plan) == ()


def test_without_a_solver_units_are_packed_by_first_fit():
    def fails(model):
        raise SolverStalled("stopped", where="a test")

    huge = replace(site("fra", 64.0, live=replace(NOTHING, serving={"m16": 4})), units={DB: 4, WEB: 4})
    found = place([huge], FailoverSettings(), fails)
    assert isinstance(found, Placement) and found.cut_short
    assert sum(one.instances for one in found.held) == 4


def test_shapes_are_bought_that_hold_units_and_the_plan_says_so():
    plan = exact()
    assert plan.packing is not None and {size.name for size in plan.packing.sizes} == {"db", "web"}
    assert plan.cost.after_usd_per_hour > packed().cost.after_usd_per_hour and packed().packing is None
    for item in plan.resources:
        holds = bool(plan.packing.on(item.resource.key))
        assert holds == bool(item.reason.unit)
        told = " ".join(explain(plan, item.resource.key).lines())
        assert holds == ("holds whole units" in told)
        assert (item.reason.code is ReasonCode.WORKLOAD) == ("in sum one" in told)


def test_a_unit_that_the_sum_would_not_need_is_told_as_what_buys():
    """Two of 17 vCPUs want an instance each, of 32 that are sold: 64 for a demand of 34."""
    plan = packed(Workload(name="big", regions=("mad",), count=5, vcpu=17, memory_gib=20))
    (large,) = [item for item in plan.resources if item.resource.key == "mad/compute/serving/l32"]
    assert isinstance(large.resource.spec, ComputeSpec) and large.resource.spec.count == 5
    assert large.reason.code is ReasonCode.WORKLOAD and large.reason.unit == "big"
    small = {item.candidate for item in large.reason.alternatives if item.code is RefusalCode.TOO_SMALL}
    assert small == {"s4", "m8", "m16", "c16"}
    need = next(item for item in plan.requirements if item.id == "mad/vcpu/serving")
    assert need.quantity == 85 and need.parts["units that cannot be divided"] == pytest.approx(
        85 - need.parts["forecast"]
    )


def test_no_more_of_a_workload_share_an_instance_than_people_want():
    plan = packed(Workload(name="db", regions=("fra",), count=6, vcpu=1, memory_gib=1, most_per_instance=1))
    assert plan.packing is not None
    assert sum(item.instances for item in plan.packing.instances) == 6


def test_a_whole_domain_is_lost_with_the_units_of_all_its_regions():
    """`fra` and `nyc` stand in one domain of a world of five."""
    world = question(Recipe(regions=5, seed=2))
    failover = world.environment.failover.model_copy(update={"survive": Survive.DOMAIN, "max_partners": 3})
    plan = packed(ASKED[0], world=people(world, failover=failover))
    assert plan.packing is not None
    lost = [item.units for item in plan.packing.instances if item.lost == "eu-central"]
    assert {name.partition("/")[0] for units in lost for name in units} == {"fra", "nyc"}


def test_a_partner_that_is_left_as_it_is_keeps_the_units_that_it_has_places_for():
    again = after(people(WORLD, workloads=ASKED), exact())
    regions = tuple(one.model_copy(update={"paused": one.name == "mad"}) for one in again.environment.regions)
    world = people(again, regions=regions)
    plan = plan_of(world)
    assert breaches(asked_of(world), plan) == ()
    assert plan.packing is not None
    assert {"fra", "lon"} <= {item.lost for item in plan.packing.instances if item.key.startswith("mad/")}


def test_planned_again_nothing_changes():
    world = people(WORLD, workloads=ASKED)
    again = after(world, exact())
    plan = plan_of(again)
    assert not [change for change in plan.changes if change.key.partition("/")[2].startswith("compute/serving")]
    assert breaches(asked_of(again), plan) == ()


def test_plans_hold_at_first_and_after_a_change():
    recipe = Recipe(seed=5, regions=4, odd_prices=True, minimum=True)
    workloads = (*ASKED, Workload(name="one", regions=("ams",), count=2, vcpu=6, memory_gib=40, most_per_instance=1))
    world = people(question(recipe), workloads=workloads)
    later = loaded(after(world, packed(*workloads, world=world)), recipe, 0.6)
    assert breaches(asked_of(later), plan_of(later)) == ()


def test_a_unit_that_no_shape_holds_is_refused_with_the_largest_that_is_sold():
    world = people(WORLD, workloads=(Workload(name="huge", regions=("fra",), count=1, vcpu=40, memory_gib=64),))
    refused = build_plan(world, solve)
    assert isinstance(refused, Infeasible)
    (short,) = refused.shortfalls
    assert (short.place, short.kind, short.wanted, short.available) == ("fra", CapacityKind.VCPU, 40, 32)
    assert short.workload == "huge" and "l32 (32 vCPU, 128 GiB)" in short.nearest
    taller = WORLD.environment.model_copy(
        update={"workloads": (Workload(name="tall", regions=("fra",), count=1, vcpu=2, memory_gib=300),)}
    )
    told = build_plan(replace(WORLD, environment=taller), solve)
    assert isinstance(told, Infeasible)
    assert told.shortfalls[0].kind is CapacityKind.MEMORY_GIB and told.shortfalls[0].available == 128


def test_units_that_quotas_leave_no_room_for_are_refused():
    world = people(WORLD, workloads=(Workload(name="db", regions=("fra",), count=300, vcpu=14, memory_gib=20),))
    refused = build_plan(world, solve)
    assert isinstance(refused, Infeasible)
    assert "db" in {short.workload for short in refused.shortfalls}
    assert all(short.place == "fra" for short in refused.shortfalls)


def test_a_maximum_that_leaves_no_room_for_units_is_a_refusal():
    world = region(people(WORLD, workloads=ASKED), maximum={CapacityKind.VCPU: 40, CapacityKind.MEMORY_GIB: 160})
    refused = build_plan(world, solve)
    assert isinstance(refused, Infeasible) and refused.shortfalls[0].workload == "db"
    assert "maximum fra vcpu" in {limit.name for limit in limits_of(world)}


@pytest.mark.parametrize(
    ("workloads", "said"),
    [
        ((ASKED[0], ASKED[0]), "'db' is listed twice"),
        ((ASKED[1], ASKED[1].model_copy(update={"name": "x", "share": 0.8})), "come to 1.1"),
    ],
)
def test_workloads_that_contradict_each_other_are_found(workloads, said):
    assert said in " ".join(workload_findings(workloads, ["fra"]))


@pytest.mark.parametrize("counted", [{}, {"count": 1, "share": 0.2}])
def test_a_workload_is_counted_once(counted):
    with pytest.raises(ValueError, match="gives"):
        Workload(name="db", vcpu=1, memory_gib=1, **counted)


def broken(plan, **update):
    """The plan with something else in its first entry that serves."""
    at = next(at for at, item in enumerate(plan.packing.instances) if not item.lost)
    items = list(plan.packing.instances)
    items[at] = items[at].model_copy(update=update)
    return plan.model_copy(update={"packing": plan.packing.model_copy(update={"instances": tuple(items)})})


@pytest.mark.parametrize(
    "mutate",
    [
        lambda plan: plan.model_copy(update={"packing": None}),
        lambda plan: broken(plan, instances=9),
        lambda plan: broken(plan, units={"db": 3}),
        lambda plan: broken(plan, units={"dbx": 1}),
        lambda plan: broken(plan, key="fra/compute/serving/none"),
        lambda plan: broken(plan, units={"web": 1}),
        lambda plan: broken(plan, lost="ams"),
        lambda plan: plan.model_copy(
            update={
                "packing": Packing(
                    sizes=plan.packing.sizes, instances=tuple(one for one in plan.packing.instances if not one.lost)
                )
            }
        ),
    ],
    ids=["none", "more instances", "too full", "unknown", "no such key", "fewer units", "another time", "none carried"],
)
def test_the_judge_notices(mutate):
    world = people(WORLD, workloads=ASKED)
    found = breaches(asked_of(world), mutate(exact()))
    assert Rule.PACKING in {breach.rule for breach in found}
