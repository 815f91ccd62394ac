"""Whether the world moved under a plan. Pure: the plan, a fresh snapshot and the ledger in, findings out.

A change is fresh when its resource is as it was when the plan was made (`before`), or already as the plan wants it
(`after`: an earlier attempt got that far). Being handed out changes no spec, so grants never make a plan stale, except
where it would destroy what was handed out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.capacity import CapacitySnapshot, Offer
from contracts.ledger import LedgerView, UnitState
from contracts.limits import Tolerance
from contracts.names import place_ends
from contracts.plan import Change, Operation, Plan, ReliedOn
from contracts.resources import Resource
from contracts.rows import Rows

_HANDED_OUT = (UnitState.HELD, UnitState.ACTIVE)
_DESTROYS = (Operation.DELETE, Operation.REPLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """One thing that moved: what, what the plan saw, what is there now."""

    what: str
    seen: str
    now: str

    def text(self) -> str:
        return f"{self.what} was {self.seen}, is {self.now}"


def find_staleness(
    plan: Plan, capacity: CapacitySnapshot, ledger: LedgerView, tolerance: Tolerance
) -> tuple[Staleness, ...]:
    """Everything that a plan touches or relies on and that moved further than it may."""
    live = {item.resource.key: item.resource for item in capacity.resources}
    lost = _lost(plan, capacity)
    known = [change for change in plan.changes if lost.isdisjoint(place_ends(change.place))]
    relied_on = [relied for relied in plan.relied_on if lost.isdisjoint(place_ends(relied.what.split(" ")[1]))]
    now = dict(_told(capacity, {relied.what for relied in relied_on}))
    why = {reading.region: reading.failed or "unknown" for reading in capacity.readings}
    return (
        *(Staleness(what=region, seen="read", now=f"not readable: {why.get(region)}") for region in sorted(lost)),
        *(item for change in known for item in _of_change(change, live.get(change.key))),
        *_handed_out(plan, ledger),
        *(item for relied in relied_on for item in _of_relied(relied, now.get(relied.what), tolerance)),
    )


def _lost(plan: Plan, capacity: CapacitySnapshot) -> frozenset[str]:
    """Regions that the plan changes or leans on, and that cannot be read now."""
    unread = {facts.region for facts in capacity.regions if not facts.readable}
    places = {change.place for change in plan.changes} | {relied.what.split(" ")[1] for relied in plan.relied_on}
    return frozenset(unread & {end for place in places for end in place_ends(place)})


def _of_change(change: Change, live: Resource | None) -> Iterator[Staleness]:
    now, before, after = _text(live), _text(change.before), _text(change.after)
    half_replaced = change.operation is Operation.REPLACE and live is None  # an attempt ended between its two halves
    if now not in (before, after) and not half_replaced:
        yield Staleness(what=change.key, seen=before, now=now)


def _handed_out(plan: Plan, ledger: LedgerView) -> Iterator[Staleness]:
    doomed = {change.key for change in plan.changes if change.operation in _DESTROYS}
    for unit in ledger.units:
        if unit.key in doomed and unit.state in _HANDED_OUT:
            yield Staleness(what=unit.key, seen="free to be destroyed", now=f"{unit.state} by {unit.holder}")


def _of_relied(relied: ReliedOn, now: float | None, tolerance: Tolerance) -> Iterator[Staleness]:
    share = tolerance.price_share if relied.what.startswith("price ") else tolerance.quota_share
    if now is None:
        yield Staleness(what=relied.what, seen=f"{relied.value:g}", now="gone")
    elif abs(now - relied.value) > share * max(relied.value, 1e-9):
        yield Staleness(what=relied.what, seen=f"{relied.value:g}", now=f"{now:g} (tolerance {share:.0%})")


def _told(capacity: CapacitySnapshot, asked: set[str]) -> Iterator[tuple[str, float]]:
    """The prices and quotas that are asked for, as they are now; of what is told twice, the first counts."""
    offers = Rows.of(Offer, capacity.offers)[::-1]
    columns = (offers.texts(name).values() for name in ("place", "item", "purchase"))
    for place, item, purchase, usd in zip(*columns, offers.numbers("usd_per_hour").tolist(), strict=True):
        if (name := f"price {place} {item} {purchase}") in asked:
            yield name, usd
    for quota in reversed(capacity.quotas):
        if (name := f"quota {quota.place} {quota.kind}") in asked:
            yield name, quota.available


def _text(resource: Resource | None) -> str:
    if resource is None:
        return "absent"
    fields = resource.spec.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
    return ", ".join(f"{name} {value}" for name, value in fields.items()) or "present"
