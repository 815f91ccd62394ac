"""What a plan can break, and how that is told."""

from dataclasses import dataclass
from enum import StrEnum

SLIGHT = 1e-6
"""Parts of an amount that rounding may hide."""

HOURS = range(24)


class Rule(StrEnum):
    """What a plan can break."""

    COST = "cost"
    EGRESS = "egress"
    OFFER = "offered"
    QUOTA = "quota"
    STOCK = "stock"
    BLOCK = "blocks"
    LINK = "links"
    PARTNER = "partners"
    FAILOVER = "failover"
    SPOT = "spot share"
    DEMAND = "demand"
    BOUNDS = "minimum and maximum"
    ADDRESSES = "addresses"
    FORECAST = "forecast"
    CHANGES = "changes"
    STORAGE = "storage"
    RESIDENCY = "residency"
    PLACEMENT = "placement"
    PACKING = "packing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One rule that does not hold, where, in words with numbers."""

    rule: Rule
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}, {self.where}: {self.what}"
