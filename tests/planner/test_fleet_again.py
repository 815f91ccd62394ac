"""Fleets planned again from the one that stands: what holds of each, how little moves, and what is too far."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from planner.errors import FleetTooFar
from planner.fleet import Effort, FleetProblem
from planner.fleet.again import brought_near, carriers, standing_whole
from planner.fleet.bound import Certificate, certified_usd
from planner.fleet.cells import Cells
from planner.fleet.check import checked_fleet
from planner.fleet.churn import churn
from planner.fleet.hulls import floors_of
from planner.fleet.moves import Calm, Work
from planner.fleet.offers import ever_useful
from planner.fleet.problem import NOT_OFFERED, Arcs, FleetSolution, Floats
from planner.fleet.settle import settle
from planner.fleet.solve import solve_proven
from planner.fleet_again import BY_REGION
from tests.planner import fleet_world
from tests.planner.fleet_arrays import Fleet
from tests.planner.fleet_checker import each_lost, judge
from tests.planner.fleet_oracle import optimum
from tests.planner.fleet_planned import problem_of, solution_of
from tests.planner.fleet_world import Recipe

QUICK = Effort(passes=8, turns=2, threads=1, exact=False)
CALM = Calm()
MANY = Recipe(regions=16, types=16, hours=6, level=800, reserved_gbps=8, seed=4)


@cache
def world() -> Fleet:
    return fleet_world.fleet(MANY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stood:
    """A fleet that stands: what it was solved for, and what proves its bound."""

    problem: FleetProblem
    solution: FleetSolution
    certificate: Certificate

    @classmethod
    def of(cls, problem: FleetProblem, effort: Effort = QUICK) -> "Stood":
        solution, certificate = solve_proven(problem, effort)
        return cls(problem=problem, solution=solution, certificate=certificate)

    def near(self, problem: FleetProblem, calm: Calm = CALM) -> FleetSolution:
        """Planned again where something is asked otherwise or lacks."""
        stands, lacks = standing_whole(problem, self.solution)
        looked = np.zeros(problem.regions, dtype=bool)
        for name in BY_REGION:
            old, new = getattr(self.problem, name), getattr(problem, name)
            looked |= (old != new).reshape(problem.regions, -1).any(1) if old.shape == new.shape else True
        return brought_near(problem, stands, calm, looked | lacks & ~carriers(problem, looked))

    def bound(self, problem: FleetProblem) -> float:
        """What the same prices prove of another problem."""
        arcs, every = Arcs.of(problem), np.arange(len(problem.pairs))
        floors = floors_of(problem, every, self.certificate.steps)
        useful = ever_useful(problem, arcs, np.arange(problem.regions))
        return certified_usd(problem, arcs, replace(self.certificate, floors=floors), useful)


@cache
def standing() -> Stood:
    return Stood.of(problem_of(world()))


def times(fleet: Fleet, factor: Floats | float) -> Fleet:
    return replace(fleet, demand=fleet.demand * factor, critical=fleet.critical * factor)


def noise(shape: tuple[int, ...], size: float = 0.03) -> Floats:
    return np.asarray(np.exp(size * np.random.default_rng(11).normal(size=shape)))


def each_region(fleet: Fleet) -> Fleet:
    return times(fleet, noise((fleet.regions, 1, 1)))


def each_hour(fleet: Fleet) -> Fleet:
    return times(fleet, noise(fleet.demand.shape))


def one_region(fleet: Fleet, region: int = 5, factor: float = 1.2) -> Fleet:
    changed = np.ones((fleet.regions, 1, 1))
    changed[region] = factor
    return times(fleet, changed)


def prices(fleet: Fleet) -> Fleet:
    usd = fleet.spot_usd * noise(fleet.spot_usd.shape, 0.3)
    return replace(fleet, spot_usd=usd, on_demand_usd=fleet.on_demand_usd * noise(fleet.stock.shape, 0.1))


def less_stock(fleet: Fleet) -> Fleet:
    stock = np.where(np.isfinite(fleet.stock), np.maximum(fleet.stock - 1, 0), fleet.stock)
    return replace(fleet, stock=stock)


def less_spot(fleet: Fleet) -> Fleet:
    return replace(fleet, spot_share=0.8 * fleet.spot_share)


def more_traffic(fleet: Fleet) -> Fleet:
    return replace(fleet, reserved_gbps=1.2 * fleet.reserved_gbps, replication_gbps=1.1 * fleet.replication_gbps)


def dearer_circuits(fleet: Fleet) -> Fleet:
    return replace(fleet, tier_usd=fleet.tier_usd * noise(fleet.tier_usd.shape, 0.2))


def a_quota(fleet: Fleet) -> Fleet:
    used = np.einsum("tk,rt->rk", fleet.size, standing().solution.committed)
    most = used + np.einsum("tk,rth->rkh", fleet.size, standing().solution.on_demand + standing().solution.spot).max(2)
    return replace(fleet, quota=most * 1.02)


CHANGES = (
    each_region,
    each_hour,
    one_region,
    lambda fleet: times(fleet, 1.03),
    lambda fleet: times(fleet, 0.9),
    lambda fleet: one_region(fleet, factor=3.0),
    prices,
    less_stock,
    less_spot,
    more_traffic,
    dearer_circuits,
    a_quota,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: getattr(change, "__name__", ""))
def test_every_fleet_that_is_planned_again_holds(change: Callable[[Fleet], Fleet]) -> None:
    fleet = change(world())
    problem = problem_of(fleet)
    found = standing().near(problem)
    assert checked_fleet(problem, found) is found
    verdict = judge(fleet, solution_of(found))
    assert verdict.violations == () and verdict.usd == pytest.approx(found.usd, rel=1e-9)
    assert not each_lost(fleet, solution_of(found))
    assert standing().bound(problem) <= found.usd


@pytest.mark.parametrize("change", CHANGES[:4], ids=lambda change: getattr(change, "__name__", ""))
def test_from_one_plan_to_the_next_and_on(change: Callable[[Fleet], Fleet]) -> None:
    fleet, found = world(), standing()
    for _ in range(3):
        fleet = change(fleet)
        problem = problem_of(fleet)
        found = replace(found, problem=problem, solution=found.near(problem))
        assert judge(fleet, solution_of(found.solution)).violations == ()


def test_regions_that_fall_together_are_held_for_together() -> None:
    fleet = replace(world(), fall=world().domain)
    found = Stood.of(problem_of(fleet))
    for change in (each_region, one_region):
        changed = change(fleet)
        after = found.near(problem_of(changed))
        assert judge(changed, solution_of(after)).violations == ()
        assert not each_lost(changed, solution_of(after))


def test_nothing_changes_where_nothing_changed() -> None:
    same = problem_of(world())
    assert same is not standing().problem
    usd = standing().solution.usd
    found = standing().near(same)
    assert found.usd == pytest.approx(usd) and replace(found, usd=usd).to_bytes() == standing().solution.to_bytes()


def test_the_same_change_makes_the_same_fleet() -> None:
    problem = problem_of(each_region(world()))
    first, second = (standing().near(problem).to_bytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("factor", [0.9, 1.02, 1.5])
def test_one_region_touches_none_but_its_partners(factor: float) -> None:
    before, arcs = standing().solution, Arcs.of(standing().problem)
    for region in range(0, MANY.regions, 3):
        after = standing().near(problem_of(one_region(world(), region, factor)))
        far = sorted(set(range(MANY.regions)) - {region, *arcs.carrier[arcs.out[region]].tolist()})
        assert far
        for name in ("committed", "on_demand", "spot"):
            assert np.array_equal(getattr(after, name)[far], getattr(before, name)[far])
        kept = ~(standing().problem.pairs == region).any(1)
        assert np.array_equal(after.shares[kept], before.shares[kept])


@pytest.mark.parametrize("change", [each_region, lambda fleet: times(fleet, 1.03)], ids=["each_region", "up"])
def test_little_moves_for_little_money(change: Callable[[Fleet], Fleet]) -> None:
    problem = problem_of(change(world()))
    anew = solve_proven(problem, QUICK)[0]
    again = standing().near(problem)
    moved, naive = (churn(problem, standing().solution, one).replaced for one in (again, anew))
    assert moved < min(0.01, naive)
    assert again.usd <= anew.usd * 1.02
    free = standing().near(problem, Calm(move_share=0.0))
    assert churn(problem, standing().solution, free).replaced > moved


def test_bounds_of_old_prices_lie_below_the_cheapest_fleet() -> None:
    for seed in range(2):
        fleet = fleet_world.fleet(Recipe(regions=3, types=4, hours=2, level=200, reserved_gbps=20, seed=seed))
        problem = problem_of(fleet)
        stands = Stood.of(problem)
        for change in (each_hour, prices, dearer_circuits, more_traffic):
            changed = change(fleet)
            after = problem_of(changed)
            least = optimum(changed).usd
            assert stands.bound(after) <= least * (1 + 1e-7) <= stands.near(after).usd * (1 + 2e-6)
            assert stands.bound(after) > 0.5 * least


def test_what_is_no_longer_sold_goes() -> None:
    before = standing().solution
    region, kind = np.argwhere(before.spot.any(2))[0].tolist()
    problem = problem_of(world())
    spot = problem.spot_usd.copy()
    spot[region, kind] = NOT_OFFERED
    problem = replace(problem, spot_usd=spot)
    after = checked_fleet(problem, standing().near(problem))
    assert not after.spot[region, kind].any()


@pytest.mark.parametrize("change", ["less demand", "dear commitments"])
def test_what_is_committed_stays_where_that_is_asked(change: str) -> None:
    fleet = times(world(), 0.6) if change == "less demand" else world()
    dear = replace(fleet, committed_usd=fleet.committed_usd * 4) if change == "dear commitments" else fleet
    before, problem = standing().solution, problem_of(dear)
    calms = Calm(move_share=0.0), Calm(move_share=0.0, keeps_committed=True)
    free, kept = (standing().near(problem, calm) for calm in calms)
    assert (free.committed < before.committed).any()
    assert (kept.committed >= before.committed).all()


def test_a_region_that_lacks_nothing_stays_as_it_is_where_that_costs_little() -> None:
    problem = problem_of(replace(times(world(), 0.995), spot_share=world().spot_share / 0.995))
    before = standing().solution
    assert not np.array_equal(standing().near(problem).on_demand, before.on_demand)
    kept = standing().near(problem, Calm(keeps=0.05))
    for name in ("committed", "on_demand", "circuits", "shares"):
        assert np.array_equal(getattr(kept, name), getattr(before, name)), name


def test_only_what_is_replaced_has_a_price() -> None:
    problem, before = standing().problem, standing().solution
    work = Work.start(problem, before, Arcs.of(problem), np.array([0]), Calm(move_share=0.5))
    row, hour = work.rows(np.array([0])), 0
    there = int(np.argmax(work.first[1][row[0], hour]))
    other = int(np.argmin(np.where(work.first[1][row[0], hour] == 0, work.cells.usd[row[0]], np.inf)))
    usd = work.cells.usd[row[0]]

    def price(**change: int) -> float:
        counts = work.first[1][row].copy()
        counts[0, hour, there] += change.get("there", 0)
        counts[0, hour, other] += change.get("other", 0)
        return float(work.price(row, work.first[0][row], counts)[0])

    assert price(other=1) == pytest.approx(price() + usd[other])  # growth
    assert price(there=-1) == pytest.approx(price() - usd[there])  # a fall
    moved = price() - usd[there] + usd[other] + 0.5 * min(usd[there], usd[other])
    assert price(there=-1, other=1) == pytest.approx(moved)


def test_counts_beyond_half_their_bytes_are_kept() -> None:
    fleet = fleet_world.fleet(replace(MANY, regions=4, hours=3))
    stood = Stood.of(problem_of(fleet))
    narrow = FleetSolution.from_bytes(stood.solution.to_bytes())
    assert narrow.on_demand.dtype == np.int32
    problem = problem_of(replace(times(fleet, 3e8), stock=np.full_like(fleet.stock, np.inf)))
    found = replace(stood, solution=narrow).near(problem)
    assert checked_fleet(problem, found) is found and found.on_demand.max() > 2**31


def test_what_moves_cannot_bring_is_too_far() -> None:
    stock = np.zeros_like(world().stock)
    with pytest.raises(FleetTooFar, match="region 0"):
        standing().near(problem_of(replace(world(), stock=stock)))


def test_thousands_of_spot_go_where_there_is_room_for_few() -> None:
    problem = problem_of(fleet_world.fleet(Recipe(regions=5, types=6, hours=1, level=60_000, accelerated=0, seed=4)))
    large = Stood.of(problem, replace(QUICK, passes=4, turns=1))
    fewer = replace(problem, spot_share=0.2 * problem.spot_share)
    found = checked_fleet(fewer, large.near(fewer))
    assert large.solution.spot.sum() - found.spot.sum() > 2000


def test_what_a_commitment_leaves_gives_way_to_less(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(each_region(world()))
    found = standing().near(problem)

    def without_exchanges(
        cells: Cells, committed: Floats, counts: Floats, *, exchanges: bool = True
    ) -> tuple[Floats, NDArray[np.bool_]]:
        return settle(cells, committed, counts, exchanges=False)

    monkeypatch.setattr("planner.fleet.committing.settle", without_exchanges)
    assert found.usd < standing().near(problem).usd - 1


def test_what_a_move_brought_in_need_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [problem_of(times(world(), factor)) for factor in (1.03, 1.05, 1.07)]
    found = [standing().near(problem) for problem in problems]
    monkeypatch.setattr(Work, "origin", property(lambda work: work.counts))
    stiff = [standing().near(problem) for problem in problems]
    moved, more = (
        sum(churn(problem, standing().solution, one).replaced for problem, one in zip(problems, fleets, strict=True))
        for fleets in (found, stiff)
    )
    assert moved < 0.9 * more
    assert all(one.usd <= other.usd for one, other in zip(found, stiff, strict=True))
