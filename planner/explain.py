"""Why one resource of a plan is as it is: forecast quantile -> requirement -> resource, and what was refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from contracts.capacity import CapacityKind
from contracts.plan import (
    Change,
    MarginalBasis,
    Plan,
    PlannedResource,
    Reason,
    ReasonCode,
    RefusalCode,
    RefusedAlternative,
    Requirement,
)
from contracts.resources import Purpose, Resource, ResourceKind
from contracts.wording import describe_need
from planner.errors import UnknownResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The chain behind one resource.

    Attributes:
        resource: as the plan wants it; for a deletion, as it was.
        change: what the plan does to it; nothing where it stays as it is.
        waits: whether that change is put off, because it only saves and the plan may change no more.
        usd_per_hour: what it costs once the plan is applied.
        requirements: what it meets, with the forecast number that each rests on.
    """

    key: str
    resource: Resource
    change: Change | None
    usd_per_hour: float
    reason: Reason
    requirements: tuple[Requirement, ...]
    waits: bool = False

    def lines(self) -> tuple[str, ...]:
        """The chain in plain English, one step a line."""
        operation = self.change.operation.value if self.change else "unchanged"
        if self.change and self.waits:
            operation = f"{operation} waits, worth {-self.change.usd_per_hour:.4f} USD/h"
        first = f"{self.key}: {operation}, {self.usd_per_hour:.4f} USD/h, because of {self.reason.code.value}"
        surplus = not self.reason.requirements
        chain = [line for requirement in self.requirements for line in _chain(requirement, surplus=surplus)]
        refused = (_refusal(item) for item in self.reason.alternatives)
        return (first, *chain, *_bought(self.reason), *_next_best(self.reason), *refused)


def explain(plan: Plan, key: str) -> Explanation:
    """The reason of one resource of a plan, or of one that the plan deletes.

    Raises:
        UnknownResource: the plan neither wants nor deletes it.
    """
    made = next((item for item in plan.changes if item.key == key), None)
    change = made or next((item for item in plan.deferred if item.key == key), None)
    planned = next((item for item in plan.resources if item.resource.key == key), None)
    resource, usd_per_hour, reason = _subject(plan, key, planned, change)
    by_id = {requirement.id: requirement for requirement in plan.requirements}
    names = reason.requirements or _met_without(resource, reason)
    return Explanation(
        key=key,
        resource=resource,
        change=change,
        usd_per_hour=usd_per_hour,
        reason=reason,
        requirements=tuple(by_id[name] for name in names if name in by_id),
        waits=made is None and change is not None,
    )


def _subject(
    plan: Plan, key: str, planned: PlannedResource | None, change: Change | None
) -> tuple[Resource, float, Reason]:
    if planned is not None:
        return planned.resource, planned.usd_per_hour, planned.reason
    if change is not None and (resource := change.before or change.after) is not None:
        return resource, 0.0, change.reason
    keys = [item.resource.key for item in plan.resources]
    keys += [item.key for item in (*plan.changes, *plan.deferred)]
    keys = list(dict.fromkeys(keys))
    likely = [each for each in keys if each.startswith(f"{key}/")][:3] or get_close_matches(key, keys, n=3)
    raise UnknownResource(
        f"the plan has no resource {key!r}",
        where=f"plan of {plan.environment}",
        expected=f"perhaps {', '.join(likely)}" if likely else f"one of its {len(plan.resources)} keys",
    )


def next_best(reason: Reason) -> RefusedAlternative | None:
    """The cheapest alternative that would have done, whether it was dearer or not worth a move."""
    would_do = (RefusalCode.DEARER, RefusalCode.MOVES)
    found = [item for item in reason.alternatives if item.code in would_do and item.value is not None]
    return min(found, key=lambda item: (item.value or 0.0, item.candidate), default=None)


def _met_without(resource: Resource, reason: Reason) -> tuple[str, ...]:
    """Ids of what a resource that goes was there for."""
    if reason.code not in (ReasonCode.SURPLUS, ReasonCode.DEFERRED):
        return ()
    suffix = "staged" if resource.purpose is Purpose.STAGED else resource.purpose.value
    return tuple(f"{resource.place}/{kind}/{suffix}" for kind in _KINDS.get(resource.kind, ()))


_KINDS = {
    ResourceKind.COMPUTE: (CapacityKind.VCPU, CapacityKind.MEMORY_GIB),
    ResourceKind.STORAGE: (CapacityKind.STORAGE_GIB,),
    ResourceKind.CIRCUIT: (CapacityKind.GBPS,),
    ResourceKind.BLOCK: (CapacityKind.ADDRESSES,),
}


def _bought(reason: Reason) -> Iterator[str]:
    """What decides the size, at which price, and for which loss."""
    if reason.scenario:
        stands = "serves, and is held firm" if reason.bought_by.endswith("/serving") else "stands by"
        yield f"  {stands} for the loss of {reason.scenario}"
    if reason.storage:
        part = f" {reason.storage.part}" if reason.storage.part else ""
        yield f"  asked of storage{part}: {describe_need(reason.storage)}"
    if reason.bought_by and reason.marginal is not None:
        marginal = reason.marginal
        yield (
            f"  bought by {reason.bought_by}: one more {marginal.kind} would cost {marginal.usd_per_hour:g} USD/h, "
            f"{_BASIS[marginal.basis]}"
        )
    elif reason.bought_by:
        yield f"  bought by {reason.bought_by}: no more of it is sold there"


_BASIS = {
    MarginalBasis.MARKET: "the cheapest way to have it there",
    MarginalBasis.DUALS: "the price of it in the whole plan",
}


def _next_best(reason: Reason) -> Iterator[str]:
    best = next_best(reason)
    if best is not None and best.value is not None:
        more = "" if best.limit is None else f", {best.value - best.limit:+g} against what was chosen"
        yield f"  next best: {best.candidate}, {best.value:g} {best.unit}{more}"


def _chain(requirement: Requirement, *, surplus: bool = False) -> list[str]:
    lines = []
    link = requirement.forecast
    if link is not None:
        lines.append(
            f"  forecast {link.series}: {link.value:g} at quantile {link.level:g}, peak {link.at:%Y-%m-%d %H:%M} UTC"
        )
    parts = " + ".join(f"{amount:g} {name}" for name, amount in requirement.parts.items())
    met = "met without it: " if surplus else ""
    lines.append(f"  {met}requirement {requirement.id}: {requirement.quantity:g} {requirement.kind.value} = {parts}")
    return lines


_WORDS = {
    RefusalCode.DEARER: "costs more",
    RefusalCode.NOT_OFFERED: "is not offered there",
    RefusalCode.NO_CAPACITY: "does not fit",
    RefusalCode.SAME_FAULT_DOMAIN: "would fail together with it",
    RefusalCode.TOO_FAR: "is too far",
    RefusalCode.NOT_ALLOWED: "is not allowed",
    RefusalCode.TOO_SLOW: "is too slow",
    RefusalCode.LESS_DURABLE: "is not durable enough",
    RefusalCode.RESIDENCY: "may not have what is there",
    RefusalCode.MOVES: "would be no dearer, but moving is not worth it",
}


def _refusal(item: RefusedAlternative) -> str:
    numbers = []
    if item.value is not None:
        numbers.append(f"{item.value:g} {item.unit}".strip())
    if item.limit is not None:
        numbers.append(f"against {item.limit:g}")
    return f"  not {item.candidate}: {_WORDS[item.code]}" + (f" ({', '.join(numbers)})" if numbers else "")
