"""HiGHS as every programme of a fleet wants it: silent, one thread, one seed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import highspy


def quiet_program() -> "highspy.Highs":
    """An empty programme. Without presolve: it takes longer than the hundred pivots that it saves."""
    import highspy

    program = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("presolve", "off")):
        program.setOptionValue(option, value)
    return program
