"""The score of an address request: bid, predicted traffic, and alignment with predicted under-use. Pure.

Disclosure 10547586 asks for a score "factoring in bid amount, predicted traffic volume, and alignment with network
optimization goals", which prefers customers whose traffic goes where under-use is predicted. Each part is between 0
and 1; the score is their mean, weighted as the environment says.
"""

from dataclasses import dataclass

from contracts.environment import Score
from contracts.requests import AddressRequest, ScorePart


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is expected of a region over the request's horizon.

    Attributes:
        traffic_gbps: predicted peak of the region's traffic (median); `None`: no forecast of it.
        carried_gbps: what the region's circuits can carry, serving and staged.
        addresses_free_share: of the region's pools, 0 to 1.
    """

    traffic_gbps: float | None
    carried_gbps: float
    addresses_free_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """A score, its parts, and whether it is enough."""

    total: float
    parts: tuple[ScorePart, ...]
    threshold: float

    @property
    def enough(self) -> bool:
        """Disclosure 10547586: `if score > threshold`."""
        return self.total > self.threshold


def score_request(request: AddressRequest, outlook: Outlook, settings: Score) -> Scoring:
    """The weighted mean of the three parts; 0 when all weights are 0."""
    parts = (
        _bid(request.bid_usd_per_hour, settings),
        _traffic(request.expected_gbps, outlook, settings),
        _alignment(outlook, settings),
    )
    weights = sum(part.weight for part in parts)
    total = sum(part.value * part.weight for part in parts) / weights if weights else 0.0
    return Scoring(total=round(total, 6), parts=parts, threshold=settings.threshold)


def _bid(bid: float, settings: Score) -> ScorePart:
    """The share b / (b + r): half at the reference bid r, two thirds at twice it, never quite 1."""
    reference = settings.reference_bid_usd_per_hour
    why = f"{bid:g} USD an hour for each address, reference {reference:g}"
    return _part("bid", bid / (bid + reference), settings.bid_weight, why)


def _traffic(expected: float, outlook: Outlook, settings: Score) -> ScorePart:
    """How much of the region's headroom the customer's own traffic leaves."""
    if outlook.traffic_gbps is None:
        return _part("traffic", 0.0, settings.traffic_weight, "the forecast has no traffic of this region")
    headroom = max(0.0, outlook.carried_gbps - outlook.traffic_gbps)
    value = 1.0 - min(1.0, expected / headroom) if headroom else 0.0
    why = (
        f"{expected:g} gbps expected; {headroom:.3g} gbps left"
        f" of {outlook.carried_gbps:.3g} at a predicted peak of {outlook.traffic_gbps:.3g}"
    )
    return _part("traffic", value, settings.traffic_weight, why)


def _alignment(outlook: Outlook, settings: Score) -> ScorePart:
    """Predicted under-use: of the region's circuits and of its address pools, in equal parts."""
    carried = outlook.carried_gbps
    idle = 0.0
    if outlook.traffic_gbps is not None and carried:
        idle = max(0.0, 1.0 - outlook.traffic_gbps / carried)
    value = (idle + outlook.addresses_free_share) / 2
    why = f"{idle:.0%} of bandwidth and {outlook.addresses_free_share:.0%} of addresses predicted idle"
    return _part("alignment", value, settings.alignment_weight, why)


def _part(name: str, value: float, weight: float, why: str) -> ScorePart:
    return ScorePart(name=name, value=round(min(1.0, max(0.0, value)), 6), weight=weight, why=why)
