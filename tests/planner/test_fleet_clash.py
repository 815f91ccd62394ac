"""Limits that clash where failover is shared: stock among them, small sets, and a nearest plan that holds."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import ValidationError

from contracts.capacity import CapacityKind, Stock
from contracts.clash import Clashes, LimitKind
from contracts.plan import Infeasible, Plan
from planner.build import build_plan
from planner.clash import explained
from planner.errors import FleetImpossible
from planner.fleet.greedy import greedy_fleet
from planner.limits import limits_of
from planner.question import Question
from planner.solve import solve
from planner.trials import answered
from tests.planner.test_fleet_odd import no_circuit_price, no_partner, no_room_for_others, no_stock, quota
from tests.planner.test_fleets import people, snapshot, world, wrong

VCPU = CapacityKind.VCPU


def trial(asked: Question) -> Plan | Infeasible:
    return build_plan(asked, solve, greedy_fleet)


def clash_of(asked: Question) -> Clashes:
    answer = trial(asked)
    assert isinstance(answer, Infeasible)
    found = explained(asked, answer, trial).clash
    assert found is not None and not found.cut_short
    return found


def names(found: Clashes) -> list[set[str]]:
    return [{limit.name for limit in item.limits} for item in found.sets]


def test_stock_that_is_short_is_named() -> None:
    found = clash_of(no_stock())
    assert names(found) == [{"stock lon"}]
    assert [(item.limit.kind, item.to) for item in found.relaxed] == [(LimitKind.STOCK, None)]
    assert "lon wants" in found.sets[0].told and found.checks < 25


def test_a_minimum_and_stock_clash_and_either_may_give_way() -> None:
    """Stock of one shape alone, and a minimum that it does not reach."""
    shapes = sorted(shape.name for shape in world().catalog.shapes)
    short = tuple(Stock(place="lon", item=name, count=20 if name == "m16" else 0) for name in shapes)
    regions = tuple(
        item.model_copy(update={"minimum": {VCPU: 600.0}}) if item.name == "lon" else item
        for item in world().environment.regions
    )
    asked = people(snapshot(world(), stock=short), regions=regions)
    found = clash_of(asked)
    assert names(found) == [{"stock lon", "minimum lon vcpu"}]
    assert found.relaxed  # promises are kept before stock
    assert {item.limit.name for item in found.relaxed} == {"stock lon"}


def test_a_quota_gives_way_to_the_least_number_that_will_do() -> None:
    asked = quota(world(), "ams", VCPU, 40.0)
    found = clash_of(asked)
    assert names(found) == [{"quota ams vcpu"}]
    (relaxed,) = found.relaxed
    assert relaxed.to is not None
    plan = trial(quota(world(), "ams", VCPU, relaxed.to))
    assert isinstance(plan, Plan) and wrong(quota(world(), "ams", VCPU, relaxed.to), plan) == []
    with_less = quota(world(), "ams", VCPU, relaxed.to - 1)
    try:
        assert isinstance(trial(with_less), Infeasible)
    except FleetImpossible as refused:
        assert "ams" in refused.what


def test_too_few_partners_are_a_limit_of_latency() -> None:
    found = clash_of(no_partner())
    assert names(found) == [{"failover.max_latency_ms"}]
    assert [(item.limit.kind, item.to) for item in found.relaxed] == [(LimitKind.LATENCY, 900.0)]


@pytest.mark.parametrize(("odd", "where"), [(no_room_for_others, ""), (no_circuit_price, "ams--lon")])
def test_what_no_fleet_can_do_is_explained_too(odd: Callable[[], Question], where: str) -> None:
    """That a fleet is impossible is an answer with the limits that clash, as what is short by a number is."""
    asked = odd()
    refused = answered(trial)(asked)
    assert isinstance(refused, Infeasible) and not refused.shortfalls
    assert where in refused.where and "next: " in refused.told
    found = explained(asked, refused, answered(trial), trial).clash
    assert found is not None and found.sets and found.relaxed and found.usd_per_hour
    assert refused.told.partition("\n")[0] in found.sets[0].told


def test_an_answer_says_why() -> None:
    with pytest.raises(ValidationError, match="has to be said"):
        Infeasible(environment="dev")


def test_the_last_word_is_that_of_the_solver() -> None:
    """Trials look whether there is a plan; what the nearest one costs is asked as plans are."""
    asked: list[float] = []

    def attempt(question: Question) -> Plan | Infeasible:
        found = trial(question)
        assert isinstance(found, Plan)
        asked.append(found.cost.after_usd_per_hour)
        return found

    answer = trial(no_stock())
    assert isinstance(answer, Infeasible)
    clash = explained(no_stock(), answer, attempt, trial).clash
    assert clash is not None and [clash.usd_per_hour] == asked


def test_what_is_not_stated_is_no_limit_of_a_fleet() -> None:
    bare = snapshot(world(), quotas=(), stock=())
    kinds = {limit.kind for limit in limits_of(bare)}
    assert not kinds & {LimitKind.QUOTA, LimitKind.STOCK}
    stocked = replace(bare, capacity=world().capacity.model_copy(update={"quotas": ()}))
    assert {limit.place for limit in limits_of(stocked) if limit.kind is LimitKind.STOCK} == {"fra", "lon"}
