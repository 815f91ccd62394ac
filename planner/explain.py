"""Why one resource of a plan is as it is: forecast quantile -> requirement -> resource, and what was refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from contracts.plan import (
    Change,
    MarginalBasis,
    Plan,
    PlannedResource,
    Reason,
    RefusalCode,
    RefusedAlternative,
    Requirement,
)
from contracts.resources import FailoverSpec, Purchase, Resource
from contracts.wording import describe_need
from planner.endings import ENDS, behind, carried, sentences
from planner.errors import UnknownResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The chain behind one resource.

    Attributes:
        resource: as the plan wants it; for a deletion, as it was.
        change: what the plan does to it; nothing where it stays as it is.
        waits: whether that change is put off, because it only saves and the plan may change no more.
        told: what no chain of numbers says, in sentences.
        spot_needs: what would let instances be bought that may be taken back, where nothing of the plan may.
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
    told: tuple[str, ...] = ()
    spot_needs: str = ""

    def lines(self) -> tuple[str, ...]:
        """The chain in plain English, one step a line."""
        operation = self.change.operation.value if self.change else "unchanged"
        if self.change and self.waits:
            operation = f"{operation} waits, worth {-self.change.usd_per_hour:.4f} USD/h"
        first = f"{self.key}: {operation}, {self.usd_per_hour:.4f} USD/h, because of {self.reason.code.value}"
        chain = [line for requirement in self.requirements for line in _chain(requirement, self._of(requirement))]
        refused = (_refusal(item, self.spot_needs) for item in self.reason.alternatives)
        lead = (f"  {self.change.lead.told()}",) if self.change and self.change.lead else ()
        told = (f"  {sentence}" for sentence in self.told)
        return (first, *lead, *told, *chain, *_bought(self.reason), *_next_best(self.reason), *refused)

    def _of(self, requirement: Requirement) -> str:
        """How a requirement and the resource hang together, where that is not plain."""
        entry = isinstance(self.resource.spec, FailoverSpec)
        if not self.reason.requirements and self.reason.code in ENDS and not entry:
            return "met without it: "
        if entry and requirement.place == self.resource.place:
            return f"what {requirement.place} serves, the critical part of which partners carry: "
        return carried(requirement, self.resource)


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
    names = behind(resource, reason)
    return Explanation(
        key=key,
        resource=resource,
        change=change,
        usd_per_hour=usd_per_hour,
        reason=reason,
        requirements=tuple(by_id[name] for name in names if name in by_id),
        waits=made is None and change is not None,
        told=tuple(sentences(plan, resource, made, reason)),
        spot_needs="" if plan.standing or plan.small else "failover.reserve: shared, and purchases.spot_share",
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


def _chain(requirement: Requirement, how: str) -> list[str]:
    lines = []
    link = requirement.forecast
    if link is not None:
        lines.append(
            f"  forecast {link.series}: {link.value:g} at quantile {link.level:g}, peak {link.at:%Y-%m-%d %H:%M} UTC"
        )
    parts = " + ".join(f"{amount:g} {name}" for name, amount in requirement.parts.items())
    lines.append(f"  {how}requirement {requirement.id}: {requirement.quantity:g} {requirement.kind.value} = {parts}")
    return lines + ([f"  {requirement.held.told()}"] if requirement.held else [])


_WORDS = {
    RefusalCode.DEARER: "costs more",
    RefusalCode.NOT_OFFERED: "is not offered there",
    RefusalCode.NO_CAPACITY: "does not fit",
    RefusalCode.SAME_FAULT_DOMAIN: "would fail together with it",
    RefusalCode.TOO_FAR: "is too far",
    RefusalCode.NOT_ALLOWED: "is not allowed",
    RefusalCode.TOO_SLOW: "is too slow",
    RefusalCode.LESS_DURABLE: "is not durable enough",
    RefusalCode.NO_REPLICA: "could have no replica: no partner sells it and has the room",
    RefusalCode.RESIDENCY: "may not have what is there",
    RefusalCode.TOO_SMALL: "does not hold a unit whole",
    RefusalCode.MOVES: "would be no dearer, but moving is not worth it",
}


def _refusal(item: RefusedAlternative, spot_needs: str) -> str:
    numbers = []
    if item.value is not None:
        numbers.append(f"{item.value:g} {item.unit}".strip())
    if item.limit is not None:
        numbers.append(f"against {item.limit:g}")
    spot = item.code is RefusalCode.NOT_ALLOWED and item.candidate.endswith(f" {Purchase.SPOT}")
    why = f"needs {spot_needs}" if spot and spot_needs else _WORDS[item.code]
    return f"  not {item.candidate}: {why}" + (f" ({', '.join(numbers)})" if numbers else "")
