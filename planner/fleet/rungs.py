"""The ways down when a fleet is not solved as it should be: one is taken, and named, where those above it failed."""

from enum import StrEnum


class Rung(StrEnum):
    """A way to a fleet, the best first. All keep every constraint; those further down cost more, and prove less."""

    DECOMPOSITION = "decomposition by region"
    PROGRAMME = "one programme of whole numbers"  # small fleets whose limits are too tight for anything else
    ROUNDING = "rounding of the relaxation"
    GREEDY = "greedy with local improvement"
    LAST = "the last accepted plan"


CUT_SHORT = (Rung.ROUNDING, Rung.GREEDY, Rung.LAST)
"""What costs more than need be: the others do not."""


def told(rungs: tuple[str, ...]) -> str:
    """Which rung made a fleet, and what became of those above it.

    Args:
        rungs: what became of each that failed, then the one that was taken; nothing where none failed.
    """
    if not rungs:
        return Rung.DECOMPOSITION
    return f"{rungs[-1]} ({'; '.join(rungs[:-1])})" if len(rungs) > 1 else rungs[-1]
