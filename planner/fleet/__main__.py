"""`python -m planner.fleet`: a problem in, a solution out, as npz; an impossible one ends with its message and 7.

With `--rounding`: the relaxation's first passes alone, made whole, as `planner.fleet.rungs` has it.
"""

import sys

from planner.errors import FleetImpossible
from planner.fleet.problem import FleetProblem
from planner.fleet.solve import ROUNDING_ALONE, Effort, solve_fleet

IMPOSSIBLE = 7
"""Exit code of a fleet that no limits allow."""


def main() -> int:
    """Reads a problem from standard input, writes its solution to standard output."""
    effort = ROUNDING_ALONE if sys.argv[1:] == ["--rounding"] else Effort()
    try:
        solution = solve_fleet(FleetProblem.from_bytes(sys.stdin.buffer.read()), effort)
    except FleetImpossible as refused:
        sys.stderr.write("\x1f".join((refused.what, refused.where, refused.expected, refused.next_step)))
        return IMPOSSIBLE
    sys.stdout.buffer.write(solution.to_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
