"""What one request needs and lacks, as `planner.small` finds it out."""

from dataclasses import dataclass, field

from contracts.capacity import CapacityKind
from contracts.names import link_name
from contracts.plan import PlannedResource, Reason, ReasonCode, Requirement
from contracts.requests import Missing
from contracts.resources import ON_DEMAND_PREFIX, Purpose, Resource, Spec
from planner.market import Market
from planner.question import SmallQuestion
from planner.requirements import rounded


@dataclass(slots=True)
class Work:
    """What is wanted and what is missing so far. `live` leaves out what the request itself has made already."""

    question: SmallQuestion
    market: Market
    live: dict[str, Resource]
    made: dict[str, Resource]
    wanted: dict[str, PlannedResource] = field(default_factory=dict)
    requirements: list[Requirement] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    lower_bound: float = 0.0

    @classmethod
    def start(cls, question: SmallQuestion) -> "Work":
        everything = {item.resource.key: item.resource for item in question.capacity.resources}
        made = {
            key: resource
            for key, resource in everything.items()
            if resource.root == _root(question) or key.endswith(f"/{question.request.id}")
        }
        live = {key: resource for key, resource in everything.items() if key not in made}
        market = Market.read(question.catalog, question.capacity)
        return cls(question=question, market=market, live=live, made=made)

    @property
    def destination(self) -> str:
        return self.question.request.destination

    @property
    def link(self) -> str:
        return link_name(self.question.request.source, self.destination)

    @property
    def root(self) -> str:
        return _root(self.question)

    def room(self, place: str, kind: CapacityKind) -> float:
        """What is left of a place for this request."""
        used = self.market.total_use(self.live.values()).get((place, kind), 0.0)
        return max(0.0, self.market.available.get((place, kind), 0.0) - used)

    def need(self, place: str, kind: CapacityKind, quantity: float) -> str:
        """Notes a requirement; returns its id."""
        name = f"{place}/{kind}/request/{self.question.request.id}"
        part = {f"request {self.question.request.id}": rounded(quantity)}
        requirement = Requirement(
            id=name, place=place, kind=kind, quantity=rounded(quantity), code=ReasonCode.REQUEST, parts=part
        )
        self.requirements.append(requirement)
        return name

    def lacks(self, place: str, kind: CapacityKind, wanted: float, available: float, *, why: str = "") -> None:
        """Notes what is missing: more is wanted than is available, if nothing else is said."""
        why = why or f"{available:g} of {wanted:g} {kind.value} are left at {place}"
        self.missing.append(
            Missing(kind=kind.value, place=place, wanted=rounded(wanted), available=rounded(available), why=why)
        )

    def want(self, key: str, place: str, purpose: Purpose, spec: Spec, reason: Reason) -> None:
        """Adds a resource, in the request's own root."""
        resource = Resource(key=key, place=place, root=self.root, purpose=purpose, spec=spec)
        usd_per_hour = rounded(self.market.usd_per_hour(resource))
        self.wanted[key] = PlannedResource(resource=resource, usd_per_hour=usd_per_hour, reason=reason)


def _root(question: SmallQuestion) -> str:
    return f"{ON_DEMAND_PREFIX}{question.request.id}"
