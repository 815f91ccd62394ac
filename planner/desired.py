"""The desired state as it grows: resources with their reasons, and the room that is left at every place."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.block_advice import BlockAdvice
from contracts.capacity import CapacityKind
from contracts.plan import PlannedResource, Reason, ReasonCode, RefusedAlternative, Requirement
from contracts.resources import Purpose, Resource, Spec, root_of
from contracts.risk import Scarce
from contracts.storage import StorageNeed
from planner.given import Given
from planner.market import Amounts, Market


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A resource that is wanted, before it has a price."""

    key: str
    place: str
    purpose: Purpose
    spec: Spec
    code: ReasonCode
    requirements: tuple[str, ...] = ()
    alternatives: tuple[RefusedAlternative, ...] = ()
    storage: StorageNeed | None = None
    unit: str = ""
    ready_at: datetime | None = None


@dataclass(slots=True)
class Desired:
    """What is wanted so far. What is given comes first, and a wish for a key that is given changes nothing."""

    market: Market
    resources: dict[str, PlannedResource]
    use: Amounts
    requirements: list[Requirement] = field(default_factory=list)
    unfit: dict[str, Reason] = field(default_factory=dict)  # why some of what is live is not wanted any more
    block_moves: tuple[BlockAdvice, ...] = ()  # of what nobody has: advised, not done
    scarce: list[Scarce] = field(default_factory=list)  # room that is lacking, and what it would be worth

    @classmethod
    def start(cls, market: Market, given: Given) -> "Desired":
        return cls(market=market, resources=dict(given.resources), use=dict(given.use))

    def room(self, place: str, kind: CapacityKind) -> float:
        """How much of a kind this environment may still take at a place."""
        return max(0.0, self.market.room(place, kind) - self.use.get((place, kind), 0.0))

    def fits(self, resource: Resource) -> bool:
        """Whether all that a resource takes is there."""
        return all(amount <= self.room(*what) + 1e-9 for what, amount in self.market.use(resource).items())

    def want(self, wish: Wish) -> None:
        """Adds a resource, at its place's root."""
        if wish.key in self.resources:
            return
        resource = Resource(
            key=wish.key, place=wish.place, root=root_of(wish.place), purpose=wish.purpose, spec=wish.spec
        )
        self.resources[wish.key] = PlannedResource(
            resource=resource,
            usd_per_hour=self.market.usd_per_hour(resource),
            reason=Reason(
                code=wish.code,
                requirements=wish.requirements,
                alternatives=wish.alternatives,
                storage=wish.storage,
                unit=wish.unit,
            ),
            ready_at=wish.ready_at,
        )
        for what, amount in self.market.use(resource).items():
            self.use[what] = self.use.get(what, 0.0) + amount
