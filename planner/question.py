"""What the planner is asked: every document that goes into a plan, as one value."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from contracts.capacity import CapacitySnapshot, Catalog
from contracts.environment import Environment
from contracts.forecast import ForecastBundle
from contracts.ledger import LedgerView, UnitState
from contracts.names import place_ends
from contracts.plan import Plan
from contracts.preference import BoundUse, Move
from contracts.requests import PeeringRequest
from contracts.resources import Resource

TAKEN = frozenset({UnitState.HELD, UnitState.ACTIVE, UnitState.QUARANTINED})
"""Units that no plan may touch: somebody has them, or had them until a moment ago."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""Between who read capacity and who plans: what is read later than that has a time that cannot be true."""


def age_text(age: timedelta) -> str:
    """`45 min`, `26.5 h`."""
    minutes = age.total_seconds() / 60
    return f"{minutes:.3g} min" if minutes < 120 else f"{minutes / 60:.4g} h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything that a plan is a function of.

    Attributes:
        rules: digest of the policy bundle.
        previous_plan: digest of the plan that was applied last, as the journal says.
        earlier: that plan itself, where there is one: what was wanted then, for repairs and for calm.
        damaged: keys of resources of which a part was changed or removed from outside, though they look as planned.
        moved: demand that other regions serve than those where it is forecast (`planner.preference` decides it).
        bound: what customers announced and that stays where it is, whatever may move.
        anew: whether a fleet is solved in full, though planning the one that stands again would do.
    """

    environment: Environment
    forecast: ForecastBundle
    capacity: CapacitySnapshot
    catalog: Catalog
    ledger: LedgerView
    rules: str
    previous_plan: str | None
    now: datetime
    earlier: Plan | None = None
    damaged: frozenset[str] = frozenset()
    anew: bool = False
    moved: tuple[Move, ...] = ()
    bound: tuple[BoundUse, ...] = ()
    _too_old: frozenset[str] = field(init=False, repr=False, compare=False)
    _unreadable: frozenset[str] = field(init=False, repr=False, compare=False)
    _frozen: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        read = {item.region: item.read_at for item in self.capacity.readings if item.read_at}
        old = frozenset(region for region, read_at in read.items() if self.age(read_at) > self.most_age())
        unreadable = old | {facts.region for facts in self.capacity.regions if not facts.readable}
        paused = {region.name for region in self.environment.regions if region.paused}
        object.__setattr__(self, "_too_old", old)
        object.__setattr__(self, "_unreadable", unreadable)
        object.__setattr__(self, "_frozen", unreadable | paused)

    def from_now(self) -> "Question":
        """The same question, its forecast without the periods of validity that are over when the plan is made."""
        return replace(self, forecast=self.forecast.since(self.now, self.environment.horizons.validity_hours))

    def expiry(self) -> datetime:
        """When a plan stops to hold: where the period that it is sized for ends."""
        valid = timedelta(hours=self.environment.horizons.validity_hours)
        ends = self.forecast.origin + valid
        return ends if self.now < ends <= self.now + valid else self.now + valid

    def live(self) -> dict[str, Resource]:
        """What exists of ours, by key; where a place could not be read, as far as is known."""
        return {item.resource.key: item.resource for item in self.capacity.resources}

    def wanted_earlier(self) -> dict[str, Resource]:
        """What the plan applied last wanted, by key."""
        return {item.resource.key: item.resource for item in self.earlier.resources} if self.earlier else {}

    def unit_states(self) -> dict[str, UnitState]:
        """The ledger's word on every unit, by key."""
        return {unit.key: unit.state for unit in self.ledger.units}

    def age(self, read_at: datetime) -> timedelta:
        """How long ago something was read when the plan is made."""
        return self.now - read_at

    def most_age(self) -> timedelta:
        """How old capacity may be."""
        return timedelta(minutes=self.environment.capacity.max_age_minutes)

    def unreadable(self) -> frozenset[str]:
        """Regions that capacity could not be read of, or that were read too long ago."""
        return self._unreadable

    def why_unread(self) -> dict[str, str]:
        """By region that is not read: why not."""
        said = {item.region: item for item in self.capacity.readings}
        why = {region: said[region].failed if region in said else "" for region in self._unreadable}
        for region in self._too_old:
            if not why[region] and (read_at := said[region].read_at):
                why[region] = f"was read {age_text(self.age(read_at))} ago; {self.allowed_age()}"
        return why

    def allowed_age(self) -> str:
        """How old capacity may be, and which setting says so."""
        return f"at most {age_text(self.most_age())} are allowed (capacity.max_age_minutes)"

    def is_unread(self, place: str) -> bool:
        """Whether what lives at a place is not known: its region, or one end of a link, could not be read."""
        return not self.unreadable().isdisjoint(place_ends(place))

    def frozen_regions(self) -> frozenset[str]:
        """Regions that this plan leaves exactly as they are: paused by people, or not readable."""
        return self._frozen

    def is_frozen(self, place: str) -> bool:
        """Whether a place is left as it is; a link is when one of its ends is."""
        return not self.frozen_regions().isdisjoint(place_ends(place))


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallQuestion:
    """Everything that a small plan, for one request that staging could not meet, is a function of."""

    environment: Environment
    request: PeeringRequest
    capacity: CapacitySnapshot
    catalog: Catalog
    ledger: LedgerView
    rules: str
    now: datetime
