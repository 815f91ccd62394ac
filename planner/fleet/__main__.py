"""`python -m planner.fleet`: a problem in, a solution out, as npz; an impossible one ends with its message and 7."""

import sys

from planner.errors import FleetImpossible
from planner.fleet.problem import FleetProblem
from planner.fleet.solve import solve_fleet

IMPOSSIBLE = 7
"""Exit code of a fleet that no limits allow."""


def main() -> int:
    """Reads a problem from standard input, writes its solution to standard output."""
    try:
        solution = solve_fleet(FleetProblem.from_bytes(sys.stdin.buffer.read()))
    except FleetImpossible as refused:
        sys.stderr.write("\x1f".join((refused.what, refused.where, refused.expected, refused.next_step)))
        return IMPOSSIBLE
    sys.stdout.buffer.write(solution.to_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
