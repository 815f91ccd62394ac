"""What a fleet claims is looked at: a lie is told for each constraint, and is noticed by its name."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from planner.errors import SolverLied
from planner.fleet import FleetSolution, solve_fleet
from planner.fleet.check import checked_fleet
from planner.fleet.problem import NOT_OFFERED, Floats, Ints
from tests.planner.test_fleet import fleet, solved


def plus(array: Ints, at: tuple[int, ...], more: int) -> Ints:
    found = array.copy()
    found[at] += more
    return found


def a_machine_too_few() -> FleetSolution:
    bought = solved().committed.any()
    name = "committed" if bought else "on_demand"
    return dearer(replace(solved(), **{name: getattr(solved(), name) // 2}))


def only_spot() -> FleetSolution:
    everything = solved().committed[:, :, None] + solved().on_demand
    none = np.zeros_like(solved().committed)
    return dearer(replace(solved(), committed=none, on_demand=0 * everything, spot=solved().spot + 2 * everything))


def less_than_none() -> FleetSolution:
    return replace(solved(), spot=plus(solved().spot, (0, 0, 0), -1000))


def more_than_there_is() -> FleetSolution:
    region, kind = np.argwhere(np.isfinite(fleet().stock))[0]
    return dearer(replace(solved(), committed=plus(solved().committed, (region, kind), 1000)))


def what_nobody_sells() -> FleetSolution:
    region, kind = np.argwhere(fleet().committed_usd >= NOT_OFFERED)[0]
    return dearer(replace(solved(), committed=plus(solved().committed, (region, kind), 1)))


def no_circuits() -> FleetSolution:
    return dearer(replace(solved(), circuits=0 * solved().circuits))


def nobody_backs_anybody() -> FleetSolution:
    return dearer(replace(solved(), shares=0 * solved().shares))


def one_partner_for_all() -> FleetSolution:
    shares = solved().shares.copy()
    shares[0] = 1.0
    return dearer(replace(solved(), shares=shares))


def shares_that_are_no_numbers() -> FleetSolution:
    return replace(solved(), shares=np.full_like(solved().shares, np.nan))


def cheaper_than_it_is() -> FleetSolution:
    return replace(solved(), usd=solved().usd * 0.999, bound=0.0)


def a_bound_above_its_cost() -> FleetSolution:
    return replace(solved(), bound=solved().usd * 1.01)


def an_infinite_bound() -> FleetSolution:
    return replace(solved(), bound=np.nan)


def another_fleets_arrays() -> FleetSolution:
    return replace(solved(), on_demand=solved().on_demand[:-1])


def dearer(solution: FleetSolution) -> FleetSolution:
    """With the cost that it has, so that nothing else about it is wrong."""
    problem, hours = fleet(), fleet().hours
    usd = hours * (problem.committed_usd * solution.committed).sum()
    usd += (problem.on_demand_usd * solution.on_demand.sum(2)).sum() + (problem.spot_cost * solution.spot.sum(2)).sum()
    usd += hours * (problem.tier_usd * solution.circuits).sum()
    return replace(solution, usd=float(usd), bound=0.0)


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (a_machine_too_few, "demand"),
        (only_spot, "critical load"),
        (less_than_none, "whole"),
        (more_than_there_is, "stock"),
        (what_nobody_sells, "not offered"),
        (no_circuits, "circuits"),
        (nobody_backs_anybody, "shares"),
        (one_partner_for_all, "shares"),
        (shares_that_are_no_numbers, "shares"),
        (cheaper_than_it_is, "cost"),
        (a_bound_above_its_cost, "bound"),
        (an_infinite_bound, "bound"),
        (another_fleets_arrays, "on_demand"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_claim_that_is_not_kept_is_noticed(lie: Callable[[], FleetSolution], told: str) -> None:
    assert checked_fleet(fleet(), solved()) is solved()
    with pytest.raises(SolverLied, match=f"given: .*{told}"):
        checked_fleet(fleet(), lie())


def test_too_much_spot_and_too_little_for_a_loss_are_noticed() -> None:
    less_spot = replace(fleet(), spot_share=fleet().spot_share * 0)
    assert solved().spot.any()
    with pytest.raises(SolverLied, match="given: spot"):
        checked_fleet(less_spot, solved())
    bare = replace(fleet(), critical=fleet().critical * 0)
    found = solve_fleet(bare)
    some = replace(fleet(), critical=np.minimum(fleet().critical, firm_of(found)))
    with pytest.raises(SolverLied, match="given: the loss of a region"):
        checked_fleet(some, found)


def firm_of(solution: FleetSolution) -> Floats:
    held = solution.committed[:, :, None] + solution.on_demand
    return np.asarray(np.einsum("tk,rth->rkh", fleet().gives, held))
