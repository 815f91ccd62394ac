"""`WhatIf`: a question about a plan that people ask in YAML, and its answer. Nothing of it is ever applied."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.capacity import CapacityKind
from contracts.comparison import Comparison
from contracts.document import Document, Model
from contracts.names import RegionName
from contracts.plan import Infeasible
from contracts.resources import Purchase


class QuotaChange(Model):
    """Another total of a kind at a place: `total` as a number, or so many `times` what it is. One of the two.

    `place` may be a pattern (`*`, `us-*`, `*--fra`).
    """

    place: str = Field(min_length=1)
    kind: CapacityKind
    total: float | None = Field(default=None, ge=0)
    times: float | None = Field(default=None, ge=0)


class PriceChange(Model):
    """Another price of an item at a place: `usd_per_hour`, or so many `times` what it is. One of the two.

    `place` and `item` may be patterns. A price of an item that a place does not sell yet makes it sell it.
    """

    place: str = Field(min_length=1)
    item: str = Field(min_length=1)
    purchase: Purchase = Purchase.ON_DEMAND
    usd_per_hour: float | None = Field(default=None, ge=0)
    times: float | None = Field(default=None, ge=0)


class EventChange(Model):
    """Demand of some series times `uplift`, at every quantile, from `start` until `end`.

    `series` may be a pattern: `cpu:fra`, `traffic:*->fra`, `*:*`.
    """

    series: str = Field(min_length=3)
    start: AwareDatetime
    end: AwareDatetime
    uplift: float = Field(ge=0, le=1000)


class WhatIf(Document):
    """What is otherwise than it is; all of it at once.

    Attributes:
        demand: factor on every series of the forecast.
        lost: regions that are gone, with all that they have and offer. Partners carry their critical load.
        budget_usd_per_hour: what the environment may cost: by how much is it over, and what would have to give?
    """

    FORMAT: ClassVar[str] = "prestage/what-if"

    demand: float = Field(default=1.0, ge=0, le=1e6)
    quotas: tuple[QuotaChange, ...] = ()
    prices: tuple[PriceChange, ...] = ()
    lost: tuple[RegionName, ...] = ()
    events: tuple[EventChange, ...] = ()
    budget_usd_per_hour: float | None = Field(default=None, gt=0)


class Unserved(Model):
    """What a lost region leaves of one kind: its peak demand, what others carry of it, and what nobody does."""

    region: RegionName
    kind: CapacityKind
    demand: float = Field(ge=0)
    carried: dict[str, float] = Field(default={})  # by region
    unmet: float = Field(ge=0)


class Concession(Model):
    """Something that would have to give for the budget: a setting, its number now and then, and what that saves."""

    what: str
    told: str
    before: float
    after: float
    saves_usd_per_hour: float


class BudgetAnswer(Model):
    """How a plan stands to a budget, USD per hour.

    Attributes:
        over: what the plan costs beyond it; negative below it.
        gives: what would have to give, in the order in which it hurts least; nothing where the plan is within it.
        reached_usd_per_hour: what the plan costs once all of that gave.
    """

    budget_usd_per_hour: float
    usd_per_hour: float = Field(ge=0)
    over_usd_per_hour: float
    gives: tuple[Concession, ...] = ()
    reached_usd_per_hour: float = Field(ge=0)


class WhatIfAnswer(Document):
    """The answer: what the plan would be, against the plan without the change.

    Attributes:
        comparison: from the plan as it is to the plan under the change; None where there is none of one of them.
        infeasible: why there is no plan under the change.
        feasible_before: whether there is a plan without it.
        unserved: what lost regions leave unmet.
        notes: what the change did not do, and why.
    """

    FORMAT: ClassVar[str] = "prestage/what-if-answer"

    environment: str
    asked: WhatIf
    comparison: Comparison | None = None
    infeasible: Infeasible | None = None
    feasible_before: bool = True
    unserved: tuple[Unserved, ...] = ()
    budget: BudgetAnswer | None = None
    notes: tuple[str, ...] = ()
