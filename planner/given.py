"""What the planner does not decide: units that somebody has, pins, and regions that are left as they are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contracts.failover import Reserve
from contracts.ledger import UnitState
from contracts.plan import PlannedResource, Reason, ReasonCode
from contracts.resources import ON_DEMAND_PREFIX, FailoverSpec, Purpose, Resource, ResourceKind, root_of
from planner.market import Amounts, Market
from planner.pins import missing_pins
from planner.question import TAKEN, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Resources that are in the plan whatever demand says, by key, what they take, and pins of what is not there."""

    resources: dict[str, PlannedResource]
    use: Amounts
    pins_missing: tuple[str, ...] = ()
    _alike: dict[tuple[str, ResourceKind, Purpose], list[Resource]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        alike: dict[tuple[str, ResourceKind, Purpose], list[Resource]] = {}
        for item in self.resources.values():
            resource = item.resource
            alike.setdefault((resource.place, resource.kind, resource.purpose), []).append(resource)
        object.__setattr__(self, "_alike", alike)

    def of(self, place: str, kind: ResourceKind, purpose: Purpose) -> Iterator[Resource]:
        """Given resources of one kind and purpose at a place: they count towards what is needed there."""
        return iter(self._alike.get((place, kind, purpose), ()))


def given_resources(question: Question, market: Market, leaning: Iterable[Resource] = ()) -> Given:
    """Everything live, or wanted earlier, that this plan keeps whatever demand says.

    Args:
        question: whose documents say so.
        market: prices.
        leaning: what stays because it leans on regions that people paused (`planner.paused`).

    Raises:
        InputsDisagree: a key is pinned that no resource could have.
    """
    missing = missing_pins(question, market)
    kept: dict[str, PlannedResource] = {}
    paid = {item.resource.key: item.usd_per_hour for item in question.earlier.resources} if question.earlier else {}
    for resource, code in (*((item, ReasonCode.PAUSED) for item in leaning), *_kept(question)):
        usd_per_hour = market.usd_per_hour(resource)
        if question.is_unread(resource.place):
            usd_per_hour = paid.get(resource.key, usd_per_hour)
        kept[resource.key] = PlannedResource(resource=resource, usd_per_hour=usd_per_hour, reason=Reason(code=code))
    ordered = {key: kept[key] for key in sorted(kept)}
    use = market.total_use(item.resource for item in ordered.values())
    return Given(resources=ordered, use=use, pins_missing=missing)


def _kept(question: Question) -> Iterator[tuple[Resource, ReasonCode]]:
    """Later entries of a key outweigh earlier ones: what people say outweighs what the ledger says."""
    live, earlier, states = question.live(), question.wanted_earlier(), question.unit_states()
    for key, state in states.items():
        unit = _as_handed_out(earlier.get(key), live.get(key))
        if state in TAKEN and unit is not None:
            yield _unit(unit, state)
    for key in question.environment.pins:
        if key in live:
            yield live[key], ReasonCode.PINNED
    for resource in live.values():
        if question.is_frozen(resource.place):
            yield resource, ReasonCode.PAUSED
    for resource in (*live.values(), *earlier.values()):
        if _leans_on_unread(question, resource):
            yield resource, ReasonCode.PAUSED


def _leans_on_unread(question: Question, resource: Resource) -> bool:
    """Whether a resource stands where nothing is known, or names a failover partner there: no reason to leave it."""
    if question.is_unread(resource.place):
        return True
    shared = question.environment.failover.reserve is Reserve.SHARED  # there all shares are chosen together
    return not shared and isinstance(resource.spec, FailoverSpec) and resource.spec.partner in question.unreadable()


def _as_handed_out(earlier: Resource | None, live: Resource | None) -> Resource | None:
    """A unit that was handed out stays as it was promised: what was wanted outweighs what is live."""
    if earlier is None or live is None:
        return earlier or live
    return live.model_copy(update={"spec": earlier.spec})


def _unit(resource: Resource, state: UnitState) -> tuple[Resource, ReasonCode]:
    """The unit in its place's own root, under the purpose that its state gives it."""
    root = root_of(resource.place) if resource.root.startswith(ON_DEMAND_PREFIX) else resource.root
    if state is UnitState.QUARANTINED:
        return resource.model_copy(update={"root": root, "purpose": Purpose.STAGED}), ReasonCode.RELEASED
    return resource.model_copy(update={"root": root, "purpose": Purpose.GRANTED}), ReasonCode.GRANT
