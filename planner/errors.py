"""What can go wrong in the planner, sorted by what the caller does about it.

PlannerError
├── InputsDisagree     ask the person: the documents that go into a plan do not belong together
├── CapacityTooOld     read capacity again: the snapshot is older than the environment allows (exit 6)
├── BlockNotTaken      stop: a block is given back that nobody has
├── UnknownResource    ask the person: no such key in the plan
├── WhatIfRefused      ask the person: a changed circumstance that names what is not there
├── FleetImpossible    ask the person: no fleet keeps the limits, whatever it costs
├── FleetTooFar        solve anew: small moves do not lead there from the fleet that stands
└── SolverError        stop: no plan can be trusted
    ├── SolverCrashed      the child process ended without an answer
    ├── SolverStalled      it was killed at its time limit
    └── SolverLied         its answer breaks the model that it was given

A demand that cannot be met is no error: `build_plan` returns an `Infeasible` document.
"""

from contracts.errors import PrestageError
from contracts.exits import ExitCode


class PlannerError(PrestageError):
    """No plan could be made."""


class InputsDisagree(PlannerError):
    """Forecast, capacity and environment are not of one another."""


class CapacityTooOld(PlannerError):
    """The capacity snapshot is older than the environment allows, or of a time that is still to come."""

    exit_code = ExitCode.REFUSED


class UnknownResource(PlannerError):
    """The plan neither wants nor deletes a resource of this key."""


class BlockNotTaken(PlannerError):
    """A block is given back that is not taken, or not as one."""


class WhatIfRefused(PlannerError):
    """A what-if names a place, an item or a series that is not there, or does not say what would be otherwise."""


class FleetImpossible(PlannerError):
    """No fleet meets the demand within stock, shares and partners."""

    exit_code = ExitCode.UNMET


class FleetTooFar(PlannerError):
    """The fleet that stands cannot be brought by small moves to what is asked."""


AGAIN = "plan again; if it fails again, report the environment and the forecast that it was asked for"


class SolverError(PlannerError):
    """The solver gave no answer that can be trusted."""

    def __init__(self, what: str, *, where: str = "", expected: str = "", next_step: str = AGAIN) -> None:
        super().__init__(what, where=where, expected=expected, next_step=next_step)


class SolverCrashed(SolverError):
    """The child process ended without an answer."""


class SolverStalled(SolverError):
    """The child process was killed at its time limit."""


class SolverLied(SolverError):
    """The answer breaks a row, a bound or the integrality of the model."""
