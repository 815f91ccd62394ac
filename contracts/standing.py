"""`Standing`: what the next plan needs of this one to plan a fleet again instead of solving it anew.

A part of the plan document, because a plan is a function of documents: nothing else remembers how a fleet was solved.
"""

from pydantic import AwareDatetime, Field

from contracts.document import Model


class StandingRegion(Model):
    """What a region was asked, and what that costs at least.

    Attributes:
        asked: digest of its demand, prices, stock, quotas and the circuits to its possible partners.
        least_usd: over the day, what its instances cost at least by the prices that prove the plan's bound.
    """

    region: str
    asked: str
    least_usd: float


class Standing(Model):
    """How a fleet was solved in full, and what it was asked last.

    Attributes:
        solved_at: when a plan was last solved in full.
        again: how many plans, one upon the other, were planned again since; 0 where this one was solved in full.
        gap: between the fleet that was solved in full and what these prices proved then.
        axes: digest of what has to be the same: regions, types, possible partners, circuit tiers, limits of partners.
        regions: by name.
        least_circuits_usd: over the day, what circuits cost at least.
        proof: the prices, packed (`planner.fleet.proof`).
    """

    solved_at: AwareDatetime
    again: int = Field(default=0, ge=0)
    gap: float = Field(ge=0, le=1)
    axes: str
    regions: tuple[StandingRegion, ...]
    least_circuits_usd: float
    proof: str
