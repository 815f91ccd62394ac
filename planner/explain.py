"""Why one resource of a plan is as it is: forecast quantile -> requirement -> resource, and what was refused."""

from dataclasses import dataclass
from difflib import get_close_matches

from contracts.plan import Change, Plan, PlannedResource, Reason, RefusalCode, RefusedAlternative, Requirement
from contracts.resources import Resource
from planner.errors import UnknownResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The chain behind one resource.

    Attributes:
        resource: as the plan wants it; for a deletion, as it was.
        change: what the plan does to it; nothing where it stays as it is.
        usd_per_hour: what it costs once the plan is applied.
        requirements: what it meets, with the forecast number that each rests on.
    """

    key: str
    resource: Resource
    change: Change | None
    usd_per_hour: float
    reason: Reason
    requirements: tuple[Requirement, ...]

    def lines(self) -> tuple[str, ...]:
        """The chain in plain English, one step a line."""
        operation = self.change.operation.value if self.change else "unchanged"
        first = f"{self.key}: {operation}, {self.usd_per_hour:.4f} USD/h, because of {self.reason.code.value}"
        chain = [line for requirement in self.requirements for line in _chain(requirement)]
        return (first, *chain, *(_refusal(item) for item in self.reason.alternatives))


def explain(plan: Plan, key: str) -> Explanation:
    """The reason of one resource of a plan, or of one that the plan deletes.

    Raises:
        UnknownResource: the plan neither wants nor deletes it.
    """
    change = next((item for item in plan.changes if item.key == key), None)
    planned = next((item for item in plan.resources if item.resource.key == key), None)
    resource, usd_per_hour, reason = _subject(plan, key, planned, change)
    by_id = {requirement.id: requirement for requirement in plan.requirements}
    return Explanation(
        key=key,
        resource=resource,
        change=change,
        usd_per_hour=usd_per_hour,
        reason=reason,
        requirements=tuple(by_id[name] for name in reason.requirements if name in by_id),
    )


def _subject(
    plan: Plan, key: str, planned: PlannedResource | None, change: Change | None
) -> tuple[Resource, float, Reason]:
    if planned is not None:
        return planned.resource, planned.usd_per_hour, planned.reason
    if change is not None and change.before is not None:
        return change.before, 0.0, change.reason
    keys = [item.resource.key for item in plan.resources] + [item.key for item in plan.changes]
    likely = get_close_matches(key, keys, n=3)
    raise UnknownResource(
        f"the plan has no resource {key!r}",
        where=f"plan of {plan.environment}",
        expected=f"perhaps {', '.join(likely)}" if likely else f"one of its {len(plan.resources)} keys",
    )


def _chain(requirement: Requirement) -> list[str]:
    lines = []
    link = requirement.forecast
    if link is not None:
        lines.append(
            f"  forecast {link.series}: {link.value:g} at quantile {link.level:g}, peak {link.at:%Y-%m-%d %H:%M} UTC"
        )
    parts = " + ".join(f"{amount:g} {name}" for name, amount in requirement.parts.items())
    lines.append(f"  requirement {requirement.id}: {requirement.quantity:g} {requirement.kind.value} = {parts}")
    return lines


_WORDS = {
    RefusalCode.DEARER: "costs more",
    RefusalCode.NOT_OFFERED: "is not offered there",
    RefusalCode.NO_CAPACITY: "does not fit",
    RefusalCode.SAME_FAULT_DOMAIN: "would fail together with it",
    RefusalCode.TOO_FAR: "is too far",
    RefusalCode.NOT_ALLOWED: "is not allowed",
    RefusalCode.MOVES: "would be no dearer, but moving is not worth it",
}


def _refusal(item: RefusedAlternative) -> str:
    numbers = []
    if item.value is not None:
        numbers.append(f"{item.value:g} {item.unit}".strip())
    if item.limit is not None:
        numbers.append(f"against {item.limit:g}")
    return f"  not {item.candidate}: {_WORDS[item.code]}" + (f" ({', '.join(numbers)})" if numbers else "")
