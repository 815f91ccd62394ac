"""Which instances would be cheaper committed: told in a plan, not done."""

from pydantic import Field

from contracts.document import Model


class CommitmentAdvice(Model):
    """Instances that would be cheaper committed: recommended only; a plan buys none.

    Attributes:
        count, of: so many of the instances on demand.
        break_even: the share of time from which on a commitment pays: its price over that on demand.
        used: the share of its price on demand that the last of them saves: 1 where plans would have it in every hour.
        saves_usd_per_hour: expected, over the forecast's steps.
        series: whose quantiles say so.
    """

    place: str
    shape: str
    count: int = Field(ge=1)
    of: int = Field(ge=1)
    break_even: float = Field(ge=0, le=1)
    used: float = Field(ge=0, le=1)
    on_demand_usd_per_hour: float = Field(ge=0)
    committed_usd_per_hour: float = Field(ge=0)
    saves_usd_per_hour: float
    series: str
