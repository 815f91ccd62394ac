"""`Risk`: what a plan costs when its forecast is wrong, and what one unit more would be worth.

Everything is of the hours that the plan holds for, and of demand as the forecast tells it. A shortage costs what the
environment's `costs` say of one unit missing during one hour.
"""

from pydantic import AwareDatetime, Field

from contracts.capacity import CapacityKind
from contracts.document import Model, unsaid


class ShortAt(Model):
    """What is missing somewhere in a case that is looked at.

    Attributes:
        units: missing in the hour that misses most.
        hours: in which something is missing.
    """

    place: str
    kind: CapacityKind
    units: float = Field(gt=0)
    hours: int = Field(ge=1)


class DemandCase(Model):
    """The case that all demand comes at one quantile of its forecast, everywhere and in every hour.

    Places do not peak together, so an upper case is rarer than its level says, and dearer than what comes.

    Attributes:
        level: of the quantile.
        shortage_usd_per_hour: what is missing costs so much, mean over the hours.
        usd_per_hour: that, and what the plan costs.
        egress_usd_per_hour: what traffic at that quantile costs by the GB; part of `usd_per_hour`.
        places: at how many places and of how many kinds something is missing, together.
        short: the dearest ten of those.
    """

    level: float = Field(gt=0, lt=1)
    shortage_usd_per_hour: float = Field(ge=0)
    usd_per_hour: float = Field(ge=0)
    egress_usd_per_hour: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    places: int = Field(ge=0)
    short: tuple[ShortAt, ...] = ()


class PathCase(Model):
    """What shortages cost, everywhere together, on all but so many of the paths.

    Attributes:
        level: of the quantile over paths.
        shortage_usd_per_hour: mean over the hours.
    """

    level: float = Field(gt=0, lt=1)
    shortage_usd_per_hour: float = Field(ge=0)


class Together(Model):
    """Shortages on samples of whole paths, on which places peak together as often as they did.

    Unlike elsewhere, demand goes beyond the forecast's highest level, as steeply as it comes to it.

    Attributes:
        paths: how many were looked at.
        chance: that anything is missing anywhere in any of the hours.
        cases: at the quantiles 0.5, 0.95 and 0.99.
    """

    paths: int = Field(ge=1)
    chance: float = Field(ge=0, le=1)
    cases: tuple[PathCase, ...]


class Exposure(Model):
    """One kind of capacity at one place beside its demand.

    Attributes:
        available: what the plan has for serving; where it varies by the hour, in the hour `at`.
        short: probability that it does not suffice in the hour where that is likeliest,
        at: which is this one.
        expected_units: missing, mean over hours and chances; demand above the forecast's highest level counts as that.
        expected_usd_per_hour: what that costs.
        next_unit_usd_per_hour: what one unit more would save, less what it would cost; below 0 it is not worth having.
    """

    place: str
    kind: CapacityKind
    available: float = Field(ge=0)
    short: float = Field(ge=0, le=1)
    at: AwareDatetime
    expected_units: float = Field(ge=0)
    expected_usd_per_hour: float = Field(ge=0)
    next_unit_usd_per_hour: float


class Scarce(Model):
    """A limit that costs something: what room for one more of something would save of what the plan costs.

    Attributes:
        limit: what there is of the kind for this environment at the place.
        item: room for one more of which is looked at; `staged ...`: of a unit that stands ready for requests.
        units: of the kind that it takes.
        saves_usd_per_hour: what the cheapest plan is proven to cost more without it; of a fleet, what this plan costs
            more than one near it; of a staged unit, the misses that it would save, less what it costs.
    """

    place: str
    kind: CapacityKind
    limit: float = Field(ge=0)
    item: str
    units: float = Field(gt=0)
    saves_usd_per_hour: float = Field(gt=0)

    def told(self) -> str:
        """`room for one more 10g (10 gbps, beside 5) would save 0.5 USD/h`."""
        beside = f"{self.units:g} {self.kind}, beside {self.limit:g}"
        return f"room for one more {self.item} ({beside}) would save {self.saves_usd_per_hour:g} USD/h"


class Risk(Model):
    """The cost of being wrong.

    Attributes:
        hours: that it is about.
        expected_usd_per_hour: what shortages cost, expected, everywhere together.
        cases: at the quantiles 0.5, 0.95 and 0.99.
        exposures: every place and kind that has a forecast, the most expected cost first.
        together: what places cost together, where the forecast has paths of all of them.
    """

    hours: int = Field(ge=1)
    expected_usd_per_hour: float = Field(ge=0)
    cases: tuple[DemandCase, ...]
    exposures: tuple[Exposure, ...]
    together: Together | None = Field(default=None, exclude_if=unsaid)

    def scarce(self) -> tuple[Exposure, ...]:
        """Where one unit more would be worth more than it costs, the most valuable first."""
        worth = (item for item in self.exposures if item.next_unit_usd_per_hour > 0)
        return tuple(sorted(worth, key=lambda item: (-item.next_unit_usd_per_hour, item.place, item.kind)))
