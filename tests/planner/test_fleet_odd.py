"""What people get wrong, or clouds do: each is told by its own message, or planned around; never a plan that is worse.

Infeasible documents end commands with exit 7, as `FleetImpossible` does.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from contracts.capacity import CapacityKind, Offer, Stock
from contracts.exits import ExitCode
from contracts.plan import Infeasible, Plan
from contracts.resources import CircuitSpec, ComputeSpec
from planner.build import build_plan
from planner.errors import FleetImpossible, InputsDisagree
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.check import refuse_odd
from planner.fleet.greedy import greedy_fleet
from planner.question import Question
from planner.solve import solve
from tests.planner import fleet_world
from tests.planner.fleet_planned import problem_of
from tests.planner.test_fleets import never_asked, people, snapshot, world, wrong


def quick(problem: FleetProblem) -> FleetSolution:
    """The greedy rung: how a fleet is found is not looked at here."""
    return greedy_fleet(problem)


def quota(asked: Question, place: str, kind: CapacityKind, total: float) -> Question:
    changed = (
        item.model_copy(update={"total": total, "used": 0.0, "ours": 0.0})
        if (item.place, item.kind) == (place, kind)
        else item
        for item in asked.capacity.quotas
    )
    return snapshot(asked, quotas=tuple(changed))


def offers(asked: Question, kept: Callable[[Offer], bool]) -> Question:
    return snapshot(asked, offers=tuple(offer for offer in asked.capacity.offers if kept(offer)))


def no_quota() -> Question:
    return quota(world(), "ams", CapacityKind.MEMORY_GIB, 0.0)


def no_room_for_others() -> Question:
    """All load is critical, and each region's vCPU quota is hardly more than what it serves itself."""
    failover = world().environment.failover.model_copy(update={"critical_share": 1.0})
    asked = people(world(), failover=failover)
    plan = build_plan(asked, solve, quick)
    assert isinstance(plan, Plan)
    for need in plan.requirements:
        if need.kind is CapacityKind.VCPU and need.forecast:
            asked = quota(asked, need.place, CapacityKind.VCPU, need.quantity * 1.25)
    return asked


def no_price() -> Question:
    return offers(world(), lambda offer: offer.place != "mad")


def no_circuit_price() -> Question:
    return offers(world(), lambda offer: offer.place != "ams--lon")


def no_partner() -> Question:
    links = (
        link.model_copy(update={"latency_ms": 900.0}) if "mad" in (link.a, link.b) else link
        for link in world().capacity.links
    )
    return snapshot(world(), links=tuple(links))


def one_fault_domain() -> Question:
    regions = (facts.model_copy(update={"fault_domain": "one"}) for facts in world().capacity.regions)
    return snapshot(world(), regions=tuple(regions))


def demand_times(factor: float) -> Question:
    forecast = world().forecast
    values = {key: table * factor for key, table in forecast.values.items()}
    return replace(world(), forecast=replace(forecast, values=values))


def a_million_times() -> Question:
    return demand_times(1e6)


def two_regions_unread() -> Question:
    regions = (
        facts.model_copy(update={"readable": facts.region not in ("fra", "ams")}) for facts in world().capacity.regions
    )
    return snapshot(world(), regions=tuple(regions))


def no_stock() -> Question:
    return snapshot(
        world(), stock=tuple(Stock(place="lon", item=item.name, count=0) for item in world().catalog.shapes)
    )


def negative_price() -> Question:
    odd = world().capacity.offers[0].model_copy(update={"usd_per_hour": -1.0})
    return snapshot(world(), offers=(odd, *list(world().capacity.offers)[1:]))


def no_number() -> Question:
    return demand_times(float("nan"))


def no_room_on_any_link() -> Question:
    """Nothing joins ams to others: what one link has no room for goes over two."""
    asked = world()
    for link in ("ams--fra", "ams--lon", "ams--mad"):
        asked = quota(asked, link, CapacityKind.GBPS, 0.0)
    return asked


def replicating(gbps: float, *names: str) -> Question:
    """The world where some regions replicate so much."""
    regions = world().environment.regions
    said = ({"replication_gbps": gbps} if one.name in names else {} for one in regions)
    return people(world(), regions=tuple(one.model_copy(update=new) for one, new in zip(regions, said, strict=True)))


def no_room_for_replication() -> Question:
    """Two of the three links over which mad is backed up carry what is reserved, and no replication."""
    asked = replicating(500.0, "mad")
    for link in ("ams--mad", "fra--mad"):
        asked = quota(asked, link, CapacityKind.GBPS, 10.0)
    return quota(asked, "lon--mad", CapacityKind.GBPS, 1000.0)


EVERYWHERE = {"fra", "ams", "lon", "mad", "ams--fra", "ams--lon", "ams--mad", "fra--lon", "fra--mad", "lon--mad"}

UNMET: dict[Callable[[], Question], tuple[set[str], str]] = {
    no_quota: ({"ams"}, r"^0 of [\d.]+ memory_gib can be had: add hosts for"),
    no_price: ({"mad"}, r"^0 of [\d.]+ (vcpu|memory_gib) can be had: nothing of it has a price at mad"),
    no_partner: ({"mad"}, r"no region of another fault domain near enough.*failover.max_latency_ms"),
    one_fault_domain: (
        {"fra", "ams", "lon", "mad"},
        r"^all regions stand in one fault domain.*: add regions of two others",
    ),
    a_million_times: (EVERYWHERE, r"of [\d.e+]+ (vcpu|memory_gib|gbps) can be had"),
    no_room_on_any_link: ({"ams--fra", "ams--lon", "ams--mad"}, r"^0 of [\d.]+ gbps can be had: add fibre for"),
    no_room_for_replication: ({"mad"}, r"may carry 5\d% of its critical load, as quotas .* ams--mad or fra--mad"),
    two_regions_unread: ({"lon", "mad"}, r"may carry half of its critical load each, and two are needed"),
    no_stock: ({"lon"}, r"^0 of [\d.]+ (vcpu|memory_gib) can be had"),
}
"""Places that are short, and what each is told. No solver is asked."""

IMPOSSIBLE: dict[Callable[[], Question], str] = {
    no_circuit_price: "ams--lon: traffic takes 1 links that no circuit is sold for",
    no_room_for_others: "hold what they would carry for others within stock and quotas",
}


@pytest.mark.parametrize("odd", UNMET, ids=lambda odd: odd.__name__)
def test_what_can_never_be_met_is_told_by_place_without_a_solver(odd: Callable[[], Question]) -> None:
    places, told = UNMET[odd]
    found = build_plan(odd(), solve, never_asked)
    assert isinstance(found, Infeasible)
    assert {item.place for item in found.shortfalls} == places
    for item in found.shortfalls:
        assert item.available < item.wanted
        assert re.search(told, item.nearest), item.nearest


@pytest.mark.parametrize("odd", IMPOSSIBLE, ids=lambda odd: odd.__name__)
def test_what_no_fleet_can_do_ends_with_seven(odd: Callable[[], Question]) -> None:
    with pytest.raises(FleetImpossible, match=IMPOSSIBLE[odd]) as told:
        build_plan(odd(), solve, quick)
    assert told.value.exit_code is ExitCode.UNMET
    assert told.value.next_step


@pytest.mark.parametrize(
    ("odd", "told"),
    [(negative_price, "a price on demand is -1"), (no_number, "nan")],
    ids=["price", "demand"],
)
def test_numbers_that_cannot_be_are_refused(odd: Callable[[], Question], told: str) -> None:
    with pytest.raises((InputsDisagree, ValueError), match=told):
        build_plan(odd(), solve, never_asked)


def test_what_an_instance_gives_is_no_regions() -> None:
    square = problem_of(fleet_world.fleet(fleet_world.Recipe(regions=4, types=4)))
    with pytest.raises(InputsDisagree, match="fleet: what an instance gives is -1"):
        refuse_odd(replace(square, gives=-np.ones_like(square.gives)))


def test_a_type_under_two_names_is_bought_as_one() -> None:
    """As cheap as without the twin, and no more of them than there are."""
    twins = tuple(shape.model_copy(update={"name": f"{shape.name}-too"}) for shape in world().catalog.shapes)
    names = {shape.name for shape in world().catalog.shapes}
    more = (
        offer.model_copy(update={"item": f"{offer.item}-too"})
        for offer in world().capacity.offers
        if offer.item in names
    )
    asked = snapshot(world(), offers=(*world().capacity.offers, *more))
    asked = replace(asked, catalog=asked.catalog.model_copy(update={"shapes": (*asked.catalog.shapes, *twins)}))
    plan, alone = build_plan(asked, solve, quick), build_plan(world(), solve, quick)
    assert isinstance(plan, Plan) and isinstance(alone, Plan)
    assert wrong(asked, plan) == []
    assert plan.cost.optimised_usd_per_hour <= alone.cost.optimised_usd_per_hour * 1.001


def test_regions_that_could_not_be_read_are_left_as_they_are() -> None:
    """A snapshot in part: the others are planned, when there are enough of them to carry one another."""
    regions = (facts.model_copy(update={"readable": facts.region != "mad"}) for facts in world().capacity.regions)
    plan = build_plan(snapshot(world(), regions=tuple(regions)), solve, quick)
    assert isinstance(plan, Plan)
    assert [unread.region for unread in plan.unread] == ["mad"]
    assert not [change for change in plan.changes if "mad" in change.place]


def test_a_million_times_the_demand_is_bought_where_nothing_limits_it() -> None:
    asked = snapshot(a_million_times(), quotas=(), stock=())
    found = build_plan(asked, solve, quick)
    assert isinstance(found, Plan | Infeasible)
    short = found.shortfalls if isinstance(found, Infeasible) else ()
    assert {item.kind for item in short} <= {CapacityKind.STORAGE_GIB, CapacityKind.ADDRESSES, CapacityKind.GBPS}


def test_a_quota_is_kept_by_planning_within_it() -> None:
    """A region whose quota is below what was bought there buys other types, at a price."""
    free = build_plan(world(), solve, quick)
    assert isinstance(free, Plan)
    most = vcpu(free, "ams") - 1
    plan = build_plan(quota(world(), "ams", CapacityKind.VCPU, most), solve, quick)
    assert isinstance(plan, Plan)
    assert vcpu(plan, "ams") <= most
    assert plan.cost.optimised_usd_per_hour > free.cost.optimised_usd_per_hour
    assert wrong(quota(world(), "ams", CapacityKind.VCPU, most), plan) == []


def test_a_quota_of_a_link_is_kept_by_sending_replication_elsewhere() -> None:
    replicated = replicating(6.0, "fra", "ams", "lon", "mad")
    free = build_plan(replicated, solve, quick)
    assert isinstance(free, Plan)
    most = gbps(free, "lon--mad") - 2
    asked = quota(replicated, "lon--mad", CapacityKind.GBPS, most)
    plan = build_plan(asked, solve, quick)
    assert isinstance(plan, Plan)
    assert 0 < gbps(plan, "lon--mad") <= most
    assert wrong(asked, plan) == []


def gbps(plan: Plan, place: str) -> float:
    """What a plan's circuits at a place come to."""
    specs = (item.resource.spec for item in plan.resources if item.resource.place == place)
    return sum(spec.gbps * spec.count for spec in specs if isinstance(spec, CircuitSpec))


def vcpu(plan: Plan, place: str) -> float:
    """The most vCPU that a plan has at a place at any hour."""
    size = {shape.name: shape.vcpu for shape in world().catalog.shapes}
    by_hour = np.zeros(24)
    for item in plan.resources:
        spec = item.resource.spec
        if item.resource.place == place and isinstance(spec, ComputeSpec):
            by_hour += [size[spec.shape] * spec.count_at(hour) for hour in range(24)]
    return float(by_hour.max())
