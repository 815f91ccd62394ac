"""`Purchases`: how compute may be paid for, and whether its counts may follow the hours of the day.

Part of `contracts.environment.Environment`.
"""

from pydantic import Field

from contracts.document import Model
from contracts.resources import Purchase


class Purchases(Model):
    """What a plan may use besides capacity on demand, which it may always use.

    Attributes:
        committed: capacity paid for around the clock at a lower price. Whether a plan buys it or only recommends it is
            the account's to say (`buy_commitments`).
        spot_share: at most this share of a region's demand for vCPU is met by capacity that may be taken back.
        hourly: counts may vary by hour of the day (scheduled scaling). Of regions in clouds only: on premises, what is
            not used costs the same.
    """

    committed: bool = False
    spot_share: float = Field(default=0.0, ge=0, le=1)
    hourly: bool = False

    @property
    def allowed(self) -> tuple[Purchase, ...]:
        """What compute may be paid for by."""
        spot = (Purchase.SPOT,) if self.spot_share > 0 else ()
        return (Purchase.ON_DEMAND, *spot, *((Purchase.COMMITTED,) if self.committed else ()))


def only_on_demand(value: Purchases) -> bool:
    """Whether nothing is allowed but what always is: not written then, so that earlier documents keep their digest."""
    return value == Purchases()
