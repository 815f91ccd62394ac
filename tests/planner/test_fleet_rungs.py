"""Rungs below the decomposition keep what it keeps: partners that people limit, and the same bytes every time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from planner.errors import FleetImpossible
from planner.fleet import Effort, FleetProblem, FleetSolution, solve_fleet
from planner.fleet.check import checked_fleet
from planner.fleet.exact import solve_exactly
from planner.fleet.greedy import greedy_fleet
from planner.fleet.partners import too_many
from planner.fleet.plain import plain_bound, plain_prices
from planner.fleet.problem import Floats
from planner.fleet.rungs import CUT_SHORT, Rung, told
from tests.planner import fleet_world
from tests.planner.fleet_oracle import optimum
from tests.planner.fleet_planned import problem_of
from tests.planner.fleet_world import Recipe

WORLD = fleet_world.fleet(Recipe(regions=6, types=4, hours=1, level=300, choices=5, seed=5))


def pairs_only(problem: FleetProblem) -> FleetProblem:
    return replace(problem, partners=np.full(problem.regions, 2))


def greedy_shares(problem: FleetProblem) -> Floats:
    return checked_fleet(problem, greedy_fleet(problem)).shares


def exact_shares(problem: FleetProblem) -> Floats:
    found = solve_exactly(problem)
    assert found is not None
    return found[0][3]


@pytest.mark.parametrize("way", [greedy_shares, exact_shares])
def test_no_region_has_more_partners_than_it_may(way: Callable[[FleetProblem], Floats]) -> None:
    problem = problem_of(WORLD)
    assert len(too_many(pairs_only(problem), way(problem)))  # it would have more
    assert not len(too_many(pairs_only(problem), way(pairs_only(problem))))


def test_greedy_says_the_same_each_time() -> None:
    problem = problem_of(WORLD)
    assert greedy_fleet(problem).to_bytes() == greedy_fleet(problem).to_bytes()


def test_any_fleet_keeps_what_the_improved_one_does_and_costs_more() -> None:
    problem = problem_of(WORLD)
    quick = greedy_fleet(problem, at_any_cost=True)
    assert checked_fleet(problem, quick).usd > greedy_fleet(problem).usd


def test_plain_prices_prove_a_bound_and_dearer_ones_do_not() -> None:
    problem, best = problem_of(WORLD), optimum(WORLD).usd
    prices = plain_prices(problem)
    assert 0.3 * best < plain_bound(problem, prices) <= best
    for factor in (0.0, 0.5, 1.5, 3.0):  # what types would earn is taken off
        other = replace(prices, served=factor * prices.served, firm=factor * prices.firm)
        assert plain_bound(problem, other) <= plain_bound(problem, prices) * (1 + 1e-9)


def test_what_was_taken_is_told_before_what_failed() -> None:
    assert told(()) == "decomposition by region"
    assert told(("decomposition by region: stalled", Rung.ROUNDING)) == (
        "rounding of the relaxation (decomposition by region: stalled)"
    )
    greedy: FleetSolution = greedy_fleet(problem_of(WORLD))
    assert told(greedy.rungs) == "greedy with local improvement"


def test_a_fleet_that_one_programme_alone_finds_is_told_so_and_has_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(problem: FleetProblem, effort: Effort) -> FleetSolution:
        raise FleetImpossible("too tight", where="fleet")

    problem = problem_of(WORLD)
    monkeypatch.setattr("planner.fleet.solve._decomposed", refused)
    found = checked_fleet(problem, solve_fleet(problem, Effort(passes=6, turns=0, threads=1)))
    assert told(found.rungs) == "one programme of whole numbers (decomposition by region: too tight)"
    best = optimum(WORLD).usd
    assert found.bound <= best * (1 + 1e-9) and found.usd <= best * 1.001
    paid = (found.worth * problem.demand).sum() + (found.worth_critical * problem.critical).sum()
    assert 0.3 * best < paid <= best * 1.01  # what demand is worth at its prices, beside circuits and what is shared
    assert found.proof and not CUT_SHORT.count(Rung.PROGRAMME)
    with pytest.raises(FleetImpossible, match="too tight"):
        solve_fleet(problem, Effort(passes=6, turns=0, threads=1, exact=False))
