"""Churn: how much of a fleet is taken away to be replaced by something else in the same region and hour.

With up(r, h) the vCPUs of all instances that come to a region at an hour, by type and way of paying, and down(r, h) of
those that go:

    churn = sum over r, h of min(up, down) / sum over r, h of the vCPUs that stood

What comes because demand grew, or goes because it fell, replaces nothing and is no churn; a machine that gives way to
one of another type, or is paid for in another way, is.
"""

from dataclasses import dataclass

import numpy as np

from planner.fleet.problem import FleetProblem, FleetSolution, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """Shares of the vCPUs, over all hours, that stood: what came, what went, and what replaced something."""

    came: float
    went: float
    replaced: float


def churn(problem: FleetProblem, before: FleetSolution, after: FleetSolution) -> Churn:
    """How much one fleet differs from another."""
    vcpu = problem.gives[:, 0]
    up, down, stood = (np.zeros((problem.regions, problem.hours)) for _ in range(3))
    for old, new in zip(_by_hour(before), _by_hour(after), strict=True):
        change = new - old
        up += np.einsum("t,rth->rh", vcpu, np.maximum(change, 0))
        down += np.einsum("t,rth->rh", vcpu, np.maximum(-change, 0))
        stood += np.einsum("t,rth->rh", vcpu, old)
    total = max(float(stood.sum()), 1e-12)
    return Churn(
        came=float(up.sum()) / total,
        went=float(down.sum()) / total,
        replaced=float(np.minimum(up, down).sum()) / total,
    )


def _by_hour(solution: FleetSolution) -> tuple[Ints, ...]:
    """Each way of paying, (R, T, H)."""
    committed = np.broadcast_to(solution.committed[:, :, None], solution.on_demand.shape)
    return committed, solution.on_demand, solution.spot
