"""What circuits cost at least, whichever way detours go: below every way there is, and not far below."""

from itertools import count, pairwise, product

import pytest

from contracts.names import link_ends, link_name
from contracts.plan import PlannedResource, Reason, ReasonCode
from contracts.resources import LINKS_ROOT, CircuitSpec, Purpose, Resource
from planner import detour_bound
from planner.circuits import cheapest_circuits, least_costs
from planner.detour_bound import circuits_bound
from planner.detours import Way, over_more_paths
from planner.errors import SolverStalled
from planner.given import Given, given_resources
from planner.market import Market
from planner.requirements import serving_requirements
from planner.solve import solve
from tests.planner.test_detours import ASKED, FULL, within
from tests.planner.worlds import WORLD, plan_of

PARTS = 8


def asked(gbps):
    """What circuits are asked where the fullest link has room for so much, and the question's market."""
    world = within(WORLD, {FULL: gbps})
    market = Market.read(world.catalog, world.capacity)
    given = given_resources(world, market)
    needs, moved = over_more_paths(world, market, serving_requirements(world, market), given)
    return world, market, (needs, given, moved)


def usd(market, given, loads):
    """Of whole circuits for what links carry."""
    found = (
        cheapest_circuits(gbps, Way.of(market, given, name).room_gbps, Way.of(market, given, name).offers)
        for name, gbps in loads.items()
    )
    return sum(each.usd_per_hour if each else float("inf") for each in found)


def every_way(market, given, gbps):
    """The cheapest of all ways to send what the link has no room for, in eighths, over one region or both."""
    (a, b), over = link_ends(FULL), ASKED[FULL] - gbps
    one, other = sorted({end for name in ASKED for end in link_ends(name)} - {a, b})
    ways = [(a, one, b), (a, other, b), (a, one, other, b), (a, other, one, b)]
    least = float("inf")
    for parts in product(range(PARTS + 1), repeat=3):
        if sum(parts) <= PARTS:
            loads = {**ASKED, FULL: gbps}
            for part, way in zip((*parts, PARTS - sum(parts)), ways, strict=True):
                for hop in pairwise(way):
                    loads[link_name(*hop)] += over * part / PARTS
            least = min(least, usd(market, given, loads))
    return least


@pytest.mark.parametrize("gbps", [1.0, 6.0])
def test_no_way_costs_less_than_the_bound(gbps):
    world, market, needs = asked(gbps)
    bound, taken = circuits_bound(world, market, needs, solve), plan_of(world).cost
    best = every_way(market, needs[1], gbps)
    alone = usd(market, needs[1], {**ASKED, FULL: gbps})
    assert alone - 1e-6 <= bound <= best + 1e-4
    assert bound - alone > 0.3 * (best - alone) - 1e-6  # of the flow, not of links by themselves
    circuits = usd(market, needs[1], {need.place: need.quantity for need in needs[0] if "gbps" in need.id})
    assert circuits >= best - 1e-4
    assert taken.optimised_usd_per_hour - taken.lower_bound_usd_per_hour == pytest.approx(circuits - bound, abs=0.01)


def test_circuits_that_are_given_carry_in_the_bound():
    """A link whose circuits are given sells no others, and has room all the same."""
    world, market, (needs, given, moved) = asked(1.0)
    pinned = [
        Resource(
            key=f"{link}/circuit/serving/{tier.name}",
            place=link,
            root=LINKS_ROOT,
            purpose=Purpose.SERVING,
            spec=CircuitSpec(tier=tier.name, gbps=tier.gbps, count=3),
        )
        for link, _ in moved
        for tier in market.tiers.values()
    ]
    kept = (PlannedResource(resource=item, usd_per_hour=0.0, reason=Reason(code=ReasonCode.PINNED)) for item in pinned)
    given = Given(resources={item.resource.key: item for item in kept}, use=market.total_use(pinned))
    needs, moved = over_more_paths(world, market, serving_requirements(world, market), given)
    ways = [(Way.of(market, given, need.place), need.quantity) for need in needs if "gbps" in need.id]
    found = [cheapest_circuits(gbps - way.given_gbps, way.room_gbps, way.offers) for way, gbps in ways]
    bound = circuits_bound(world, market, (needs, given, moved), solve)
    assert moved and bound is not None
    assert bound <= sum(each.usd_per_hour for each in found if each) + 1e-6


def test_links_of_too_many_steps_to_tell_carry_in_the_bound(monkeypatch):
    """What is not told of a link only lowers the bound."""
    world, market, needs = asked(1.0)
    told = circuits_bound(world, market, needs, solve)
    for third in range(3):
        calls = count()

        def not_all(*args, calls=calls, third=third):
            return [] if next(calls) % 3 == third else least_costs(*args)

        monkeypatch.setattr(detour_bound, "least_costs", not_all)
        bound = circuits_bound(world, market, needs, solve)
        assert bound is not None and told is not None and bound <= told + 1e-6


def test_where_the_solver_gives_no_answer_links_cost_what_their_own_traffic_does():
    def stalls(model):
        raise SolverStalled("gives no answer", where="test")

    world, market, needs = asked(1.0)
    assert circuits_bound(world, market, needs, stalls) == pytest.approx(
        usd(market, needs[1], {**ASKED, FULL: 1.0}), abs=1e-6
    )
    assert circuits_bound(world, market, (needs[0], needs[1], {}), stalls) is None


def test_what_carries_more_costs_no_less():
    way = Way.of(asked(1.0)[1], asked(1.0)[2][1], min(ASKED))
    for gbps, cost in least_costs(30.0, 1000.0, way.offers)[1:40]:
        found = cheapest_circuits(gbps, 1000.0, way.offers)
        assert found and found.usd_per_hour == pytest.approx(cost)


def test_very_many_circuits_are_as_cheap_as_if_every_number_of_them_was_looked_at(monkeypatch):
    way = Way.of(asked(1.0)[1], asked(1.0)[2][1], min(ASKED))
    plain = [cheapest_circuits(gbps, gbps + 9, way.offers) for gbps in (11_000.0, 12_345.6)]
    monkeypatch.setattr("planner.circuits.MOST_UNITS", 10)
    assert [cheapest_circuits(gbps, gbps + 9, way.offers) for gbps in (11_000.0, 12_345.6)] == plain
    very_many = cheapest_circuits(1e9, 1e12, way.offers)
    assert very_many and very_many.gbps == 1e9
