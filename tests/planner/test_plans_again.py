"""Plans of fleets made again from the plan applied last: without a solver where little changed, in full where not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from contracts.capacity import CapacityKind, Shape
from contracts.limits import Freeze
from contracts.plan import Change, Operation, Plan, ReasonCode
from contracts.resources import CircuitSpec, ComputeSpec, Purpose
from contracts.standing import Standing
from planner import fleet_again
from planner.build import build_plan
from planner.explain import explain, next_best
from planner.fleet import FleetProblem, FleetSolution
from planner.question import Question
from planner.solve import solve
from tests.planner.simulate import after, standing
from tests.planner.test_fleet_proof import pieces, text_of
from tests.planner.test_fleets import fleet_of, people, snapshot, world, wrong


@pytest.fixture(scope="module", autouse=True)
def _as_if_large() -> Iterator[None]:
    """Fleets of this size would be solved as one programme, and never be planned again."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("planner.fleet.solve", "planner.fleet_again"):
            patch.setattr(f"{module}.is_small", lambda problem: False)
        yield


def no_solver(problem: FleetProblem) -> FleetSolution:
    raise AssertionError("a solver was asked")


def again(asked: Question) -> Plan:
    plan = build_plan(asked, solve, no_solver)
    assert isinstance(plan, Plan)
    return plan


def in_full(asked: Question) -> Plan:
    plan = build_plan(asked, solve, fleet_of)
    assert isinstance(plan, Plan)
    return plan


@cache
def first() -> Plan:
    return in_full(world())


def applied() -> Question:
    return after(world(), first())


def asking(asked: Question, factor: float, *regions: str) -> Question:
    """The question when regions want something else; all, where none is named."""
    values = {
        key: table * (factor if not regions or key[0].subject in regions else 1.0)
        for key, table in asked.forecast.values.items()
    }
    return replace(asked, forecast=replace(asked.forecast, values=values))


def remembering(asked: Question, **update: object) -> Question:
    """The question when the plan applied last says something else of how it was solved."""
    assert asked.earlier is not None and asked.earlier.standing is not None
    told = asked.earlier.standing.model_copy(update=update)
    return replace(asked, earlier=asked.earlier.model_copy(update={"standing": told}))


def moves(plan: Plan) -> list[str]:
    """Keys of what serves and changes."""
    return [
        change.key
        for change in plan.changes
        if (resource := change.after or change.before) is not None
        and isinstance(resource.spec, ComputeSpec)
        and resource.purpose is Purpose.SERVING
    ]


def stood(plan: Plan) -> Standing:
    assert plan.standing is not None
    return plan.standing


def test_where_nothing_changed_nothing_is_looked_at() -> None:
    plan = again(applied())
    assert plan.changes == ()
    name = first().digest().removeprefix("sha256:")[:12]
    assert plan.solver.startswith(f"planned again from plan {name}: 0 of 4 regions looked at, gap ")
    assert not plan.cut_short and stood(plan).again == 1
    assert stood(plan).regions == stood(first()).regions
    assert abs(plan.cost.gap - first().cost.gap) < 1e-4


def test_what_a_plan_holds_proves_its_own_bound() -> None:
    failover = world().environment.failover.model_copy(update={"critical_share": 1.0})
    for plan in (first(), in_full(people(world(), failover=failover))):  # of the second, much is there for others
        held = sum(item.least_usd for item in stood(plan).regions) + stood(plan).least_circuits_usd
        assert 1 - 1e-3 < held / (24 * plan.cost.lower_bound_usd_per_hour) <= 1 + 1e-6


def test_nothing_of_what_costs_nothing_changed() -> None:
    offers = (offer.model_copy(update={"usd_per_hour": 0.0}) for offer in world().capacity.offers)
    asked = snapshot(world(), offers=tuple(offers))
    plan = again(after(asked, in_full(asked)))
    assert plan.changes == () and ": 0 of 4 regions looked at, gap 0.0%" in plan.solver


def test_one_region_that_wants_more_is_planned_without_a_solver() -> None:
    asked = asking(applied(), 1.1, "fra")
    plan, full = again(asked), in_full(replace(asked, anew=True))
    assert wrong(asked, plan) == []
    assert moves(plan) and len(moves(plan)) <= len(moves(full))
    assert ": 1 of 4 regions looked at" in plan.solver
    assert plan.cost.lower_bound_usd_per_hour <= min(plan.cost.optimised_usd_per_hour, full.cost.optimised_usd_per_hour)
    assert plan.cost.gap <= stood(first()).gap + fleet_again.MARGIN + 1e-6
    assert again(asked).sealed() == plan.sealed()
    reasons = [item.reason.marginal for item in plan.resources if item.resource.key in moves(plan)]
    assert reasons and all(marginal is not None and marginal.basis == "duals" for marginal in reasons)


def test_what_else_would_have_done_is_told_of_each_change() -> None:
    plan = again(asking(applied(), 1.1, "fra"))
    by_key = {item.resource.key: item for item in plan.resources}
    told = {key: next_best(by_key[key].reason) for key in moves(plan) if key in by_key}
    assert told and all(told.values())
    for key, best in told.items():
        assert best is not None and best.value is not None and best.limit is not None and best.value != best.limit
        assert any("next best: " in line and best.candidate in line for line in explain(plan, key).lines())
    still = [item for key, item in by_key.items() if key not in told and isinstance(item.resource.spec, ComputeSpec)]
    assert still and not any(item.reason.alternatives for item in still)


def test_a_document_read_back_plans_the_same() -> None:
    asked = asking(applied(), 1.1, "fra")
    read = Plan.unseal(first().sealed(), where="plans/dev.json")
    assert read == first()
    assert again(replace(asked, earlier=read)).sealed() == again(asked).sealed()


def test_plans_upon_plans_are_counted_and_hold() -> None:
    asked = applied()
    for turn, region in enumerate(("fra", "lon", "fra"), start=1):
        asked = asking(asked, 1.02, region)
        plan = again(asked)
        assert wrong(asked, plan) == [] and stood(plan).again == turn
        assert stood(plan).solved_at == stood(first()).solved_at and stood(plan).gap == stood(first()).gap
        asked = after(asked, plan)


def test_what_was_taken_away_from_outside_is_looked_at() -> None:
    asked = applied()
    live = dict(asked.live())
    key = next(key for key, item in live.items() if isinstance(item.spec, ComputeSpec) and item.place == "lon")
    plan = again(standing(asked, [item for name, item in live.items() if name != key]))
    assert wrong(asked, plan) == [] and ": 0 of 4" not in plan.solver
    assert any(change.place == "lon" and change.operation is Operation.CREATE for change in plan.changes)


def test_what_came_from_outside_is_looked_at() -> None:
    asked = applied()
    live = dict(asked.live())
    key, item = next(
        (key, one) for key, one in live.items() if isinstance(one.spec, ComputeSpec) and one.place == "lon"
    )
    assert isinstance(item.spec, ComputeSpec)
    live[key] = item.model_copy(update={"spec": item.spec.model_copy(update={"count": item.spec.count + 5})})
    plan = again(standing(asked, live.values()))
    assert ": 1 of 4 regions looked at" in plan.solver
    assert [change.operation for change in plan.changes if change.key == key] == [Operation.UPDATE]


def test_a_price_that_falls_a_little_is_looked_at_there_alone() -> None:
    asked = applied()
    offers = (
        offer.model_copy(update={"usd_per_hour": 0.99 * offer.usd_per_hour}) if offer.place == "lon" else offer
        for offer in asked.capacity.offers
    )
    assert ": 1 of 4 regions looked at" in again(snapshot(asked, offers=tuple(offers))).solver


def dearer(asked: Question) -> Question:
    """Prices of one region that rise: old prices prove nothing of that, and their gap tells."""
    offers = (
        offer.model_copy(update={"usd_per_hour": 1.3 * offer.usd_per_hour}) if offer.place == "fra" else offer
        for offer in asked.capacity.offers
    )
    return snapshot(asked, offers=tuple(offers))


def one_type_more(asked: Question) -> Question:
    new = Shape(name="new", vcpu=6, memory_gib=20)
    return replace(asked, catalog=asked.catalog.model_copy(update={"shapes": (*asked.catalog.shapes, new)}))


def restless(asked: Question) -> Question:
    rules = asked.environment.rules.model_copy(update={"calm": False})
    return replace(asked, environment=asked.environment.model_copy(update={"rules": rules}))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (lambda asked: replace(asked, anew=True), "as asked"),
        (restless, "rules.calm is off"),
        (lambda asked: asking(asked, 1.2), "of what must be paid changed, more than 5%"),
        (dearer, "its gap would be "),
        (one_type_more, "regions, types, possible partners or circuit tiers are others"),
        (lambda asked: remembering(asked, again=fleet_again.MOST), "24 plans in a row were planned again"),
        (lambda asked: remembering(asked, gap=0.0), "its gap would be "),
        (lambda asked: remembering(asked, proof="A"), "its prices cannot be read"),
    ],
)
def test_it_is_solved_in_full_and_told_why(changed: Callable[[Question], Question], why: str) -> None:
    asked = changed(applied())
    plan = in_full(asked)
    told = plan.solver.partition("; in full: ")
    assert told[0].startswith("decomposition by region") and why in told[2]
    assert stood(plan).again == 0
    with pytest.raises(AssertionError, match="a solver was asked"):
        again(asked)


def test_a_first_plan_says_nothing_of_what_it_could_not_lean_on() -> None:
    assert first().solver == "decomposition by region"
    asked = replace(applied(), earlier=first().model_copy(update={"standing": None}))
    assert "in full" not in in_full(asked).solver


def test_a_fall_of_the_forecast_alone_takes_nothing_away() -> None:
    assert moves(again(asking(applied(), 0.95))) == []  # all of them by less than a tenth
    plan = again(asking(applied(), 0.8, "fra"))
    assert moves(plan) and {key.split("/")[0] for key in moves(plan)} <= {"fra", *partners("fra")}


def partners(region: str) -> set[str]:
    assert first().standing is not None
    return {
        key.split("/")[2]
        for key in (item.resource.key for item in first().resources)
        if key.startswith(f"{region}/failover/")
    }


def test_what_is_pinned_and_who_is_paused_stay_as_they_are() -> None:
    start = applied()
    key = next(key for key in start.live() if key.startswith("lon/compute/serving/"))
    regions = tuple(item.model_copy(update={"paused": item.name == "mad"}) for item in start.environment.regions)
    kept = people(start, pins=(key,), regions=regions)
    before = in_full(kept)
    asked = asking(after(kept, before), 1.1, "fra", "mad")
    plan = again(asked)
    assert wrong(asked, plan) == []
    assert moves(plan) and key not in moves(plan) and not any(name.startswith("mad/") for name in moves(plan))
    assert next(item for item in plan.resources if item.resource.key == key).reason.code is ReasonCode.PINNED


def test_a_minimum_and_a_maximum_hold() -> None:
    need = next(item.quantity for item in first().requirements if item.id == "lon/vcpu/serving")
    for bound, parts in ((1.1, "minimum"), (140 / need, "maximum")):
        regions = tuple(
            item.model_copy(update={parts: {CapacityKind.VCPU: bound * need}}) if item.name == "lon" else item
            for item in applied().environment.regions
        )
        asked = people(remembering(applied(), gap=0.5), regions=regions)  # so little is sold that lumps prove little
        plan = again(asked)
        held = next(item for item in plan.requirements if item.id == "lon/vcpu/serving")
        assert parts in held.parts and held.quantity == pytest.approx(bound * need)
        assert ": 1 of 4 regions looked at" in plan.solver and wrong(asked, plan) == []


def test_a_freeze_changes_no_plan() -> None:
    asked = asking(applied(), 1.1, "fra")
    frozen = people(asked, freezes=(Freeze(start=asked.now, end=asked.now.replace(year=2040), reason="sale"),))
    assert again(frozen).resources == again(asked).resources


def ceiling(asked: Question, most: int) -> Question:
    """The question where what only saves waits beyond so many changes."""
    rules = asked.environment.rules.model_copy(
        update={"defer_changes": True, "change_ceiling_share": 1e-9, "change_ceiling_minimum": most}
    )
    return people(asked, rules=rules)


@pytest.mark.parametrize(
    ("region", "factor", "operation"), [("fra", 0.8, Operation.DELETE), ("lon", 0.88, Operation.UPDATE)]
)
def test_what_only_saves_waits_above_the_ceiling_and_is_carried_on(
    region: str, factor: float, operation: Operation
) -> None:
    asked = ceiling(asking(remembering(applied(), gap=0.5), factor, region), 0)
    free, plan = again(people(asked, rules=world().environment.rules)), again(asked)
    assert free.deferred == () and plan.deferred and len(plan.changes) < len(free.changes)
    assert {change.key for change in plan.deferred} & set(moves(free))
    values = [change.usd_per_hour for change in plan.deferred]
    assert values == sorted(values) and sum(values) < 0
    assert operation in {change.operation for change in moving(plan)}
    later = after(asked, plan)
    kept = again(later)
    assert f"0 of 4 regions looked at, {len(moving(plan))} changes carried on that wait" in kept.solver
    assert moving(kept) == moving(plan) and kept.changes == ()
    assert again(later).sealed() == kept.sealed()
    made = again(ceiling(later, 100))  # room for them now
    assert made.deferred == () and {change.key for change in made.changes} >= {change.key for change in moving(plan)}
    assert made.cost.after_usd_per_hour == pytest.approx(free.cost.after_usd_per_hour)


def moving(plan: Plan) -> list[Change]:
    """What of a fleet waits."""
    kinds = (ComputeSpec, CircuitSpec)
    return [item for item in plan.deferred if item.before is not None and isinstance(item.before.spec, kinds)]


def test_what_waits_at_a_region_that_is_asked_something_else_is_weighed_anew() -> None:
    asked = ceiling(asking(applied(), 0.8, "fra"), 0)
    waits = again(asked)
    assert {change.place for change in moving(waits)} == {"fra"}
    later = asking(after(asked, waits), 1.25, "fra")  # as it was: what is live meets it
    plan = again(later)
    assert "carried on" not in plan.solver and moving(plan) == [] and wrong(later, plan) == []


def test_no_price_in_a_plan_proves_more_than_there_is() -> None:
    """Whatever is written in place of the prices: a fleet that costs less than its bound would be found out."""
    asked: list[FleetProblem] = []

    def listening(problem: FleetProblem) -> FleetSolution:
        asked.append(problem)
        return fleet_of(problem)

    full = build_plan(replace(applied(), anew=True), solve, listening)
    assert isinstance(full, Plan)
    for text in altered(asked[0], stood(first()).proof):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fleet_again, "CHANGED", np.inf)
            patch.setattr(fleet_again, "MARGIN", np.inf)
            plan = again(remembering(applied(), proof=text))
        assert plan.cost.lower_bound_usd_per_hour <= full.cost.optimised_usd_per_hour + 1e-6


def altered(problem: FleetProblem, text: str) -> Iterator[str]:
    """Other prices, none of those that partners' parts are of: which are written hangs on them."""
    random = np.random.default_rng(3)
    for size in (1e-3, 1e-2, 0.3):
        found = pieces(problem, text)
        for which in (0, 2, 3, 4, 5):
            values = np.frombuffer(found[which][1], dtype=np.uint8).copy()
            at = np.flatnonzero(random.random(len(values)) < size)
            values[at] = random.integers(0, 256, len(at))
            found[which] = found[which][0], values.tobytes()
        yield text_of(found)
