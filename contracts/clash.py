"""Limits that cannot be kept together with what is asked for, and how far they would have to give way.

Part of `contracts.plan.Infeasible`.
"""

from enum import StrEnum

from pydantic import Field

from contracts.document import Model


class LimitKind(StrEnum):
    """What stands against a demand."""

    QUOTA = "quota"  # how much of a kind a place has for this environment
    OFFERS = "offers"  # what a place sells
    STOCK = "stock"  # how many instances of its shapes a place has
    POOLS = "pools"  # the address pools of a region
    LINKS = "links"  # which regions a way joins
    LATENCY = "max_latency_ms"  # of failover partners
    PARTNERS = "max_partners"
    FAULT_DOMAINS = "fault_domains"  # a partner stands in another one
    RESIDENCY = "residency"  # where what a region serves may be served
    SURVIVE = "survive"  # a whole fault domain may be lost
    CRITICAL_SHARE = "critical_share"  # what partners have to carry
    STORAGE = "storage"  # what is asked of a region's storage besides GiB
    MINIMUM = "minimum"  # what people want at a place whatever the forecast says
    MAXIMUM = "maximum"  # what people allow to serve at a place


class Limit(Model):
    """One limit, as it stands.

    Attributes:
        name: `quota lon vcpu`, `max_latency_ms`, `offers ams--fra`.
        place: where it holds; empty where it holds everywhere.
        value: its number, in `unit`; None where it is no number.
    """

    name: str
    kind: LimitKind
    place: str = ""
    value: float | None = None
    unit: str = ""


class Clash(Model):
    """Limits that cannot all be kept: give any one of them up, and the rest can be.

    `told` says so in a sentence, with the numbers.
    """

    limits: tuple[Limit, ...] = Field(min_length=1)
    told: str = ""


class Relaxed(Model):
    """How far one limit gives way in the nearest plan that there is: none of them can be held tighter by itself.

    `to` is None where the limit is no number: it is given up.
    """

    limit: Limit
    to: float | None = None


class Clashes(Model):
    """Why there is no plan.

    Attributes:
        sets: each irreducible; they have no limit in common.
        relaxed: what makes a plan possible, all of it together.
        usd_per_hour: what that plan would cost.
        cut_short: the search ended before it was done: a set may hold more than it needs, or one may be missing.
        checks: how many questions were asked.
    """

    sets: tuple[Clash, ...] = ()
    relaxed: tuple[Relaxed, ...] = ()
    usd_per_hour: float | None = Field(default=None, ge=0)
    cut_short: bool = False
    checks: int = Field(default=0, ge=0)
