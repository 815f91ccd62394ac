"""`compare`: whole resources in three views, and the ledger's word on units. See the package's docstring.

What is live and differs from what was applied is a difference; a difference between applied and wanted alone is a
change that a plan shows, not drift. What the ledger explains is expected; what could not be looked at is unknown.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from contracts.drift import Difference, DriftClass, DriftReport
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.resources import ON_DEMAND_PREFIX
from stacks.declaration import Declaration, Value
from stacks.drift.attributes import Subject, changed_in_cloud, changed_on_premises
from stacks.engines.engine import AppliedResource, Observed

WHOLE = "*"
READY = "ready"  # the inventory's word for what the ledger has not touched
HANDED_OUT = frozenset({UnitState.HELD, UnitState.ACTIVE})


class LiveResource(Protocol):
    """A resource as the estate reports it."""

    @property
    def key(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Value]: ...
    @property
    def state(self) -> str: ...
    @property
    def holder(self) -> str | None: ...


class Tagged(Protocol):
    """A resource of a cloud that carries our tags. `key` is empty where a tag says nothing more."""

    @property
    def key(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeViews:
    """What is compared: all resources of one environment.

    Attributes:
        last: by key, what the engine's state holds on premises: the last apply.
        live: by key, what the estate reports as ours by tag.
        wanted: by key, what the reviewed plan declares anywhere. Empty before the first plan.
        ledger: units, with who has them.
        on_demand: by key, what small plans declared that no plan has adopted yet.
        observed: what the engine saw of resources in clouds.
        tagged: what carries our tags there.
        unseen: key -> why it could not be looked at.
    """

    last: Mapping[str, AppliedResource]
    live: Mapping[str, LiveResource]
    wanted: Mapping[str, Declaration]
    ledger: LedgerView
    on_demand: Mapping[str, Declaration] = field(default_factory=dict)
    observed: tuple[Observed, ...] = ()
    tagged: tuple[Tagged, ...] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)


def compare(views: ThreeViews, *, read_at: datetime) -> DriftReport:
    """Names each difference between what was applied and what is live, and what it means. Sorted by key and field."""
    units = {unit.key: unit for unit in views.ledger.units}
    granted = frozenset(unit.root for unit in views.ledger.units)
    found = [*_on_premises(views, units, granted), *_in_clouds(views, units, granted), *_unseen(views)]
    found.sort(key=lambda item: (item.key, item.field))
    return DriftReport(environment=views.ledger.environment, read_at=read_at, differences=tuple(found))


def _on_premises(views: ThreeViews, units: Mapping[str, UnitView], granted: Set[str]) -> Iterator[Difference]:
    for key in views.last.keys() | views.live.keys():
        last, live, wanted = views.last.get(key), views.live.get(key), views.wanted.get(key)
        unit, subject = units.get(key), Subject(key=key)
        if live is None:
            yield _missing(subject, unit, wanted=wanted is not None)
        elif last is None:
            yield _unapplied(subject, unit, wanted=wanted is not None)
        else:
            if not wanted and last.root.startswith(ON_DEMAND_PREFIX):
                yield _on_demand(subject, last.root, unit, granted)
            yield from changed_on_premises(subject, last.arguments, live.arguments, _declared(wanted))
        if live is not None:
            yield from _state(subject, live, unit)


def _in_clouds(views: ThreeViews, units: Mapping[str, UnitView], granted: Set[str]) -> Iterator[Difference]:
    for seen in views.observed:
        declared, unit = views.wanted.get(seen.key), units.get(seen.key)
        subject, wanted = Subject(key=seen.key), declared is not None
        if seen.last is None and seen.live is None:
            continue  # not made yet: a plan's to say
        if seen.live is None:
            yield _missing(subject, unit, wanted=wanted)
        elif seen.last is None:
            yield _unapplied(subject, unit, wanted=wanted)
        else:
            if not wanted and seen.root.startswith(ON_DEMAND_PREFIX):
                yield _on_demand(subject, seen.root, unit, granted)
            yield from changed_in_cloud(subject, seen, declared or views.on_demand.get(seen.key))
    yield from _strangers(views, units)


def _strangers(views: ThreeViews, units: Mapping[str, UnitView]) -> Iterator[Difference]:
    """What carries our tags and is not what the engine knows by that key."""
    known = {seen.key: seen for seen in views.observed if seen.live is not None}
    for item in views.tagged:
        key = item.key or f"{item.type}/{item.id}"
        seen = known.get(key)
        if seen is None and key not in views.unseen:
            yield _unapplied(Subject(key=key), units.get(key), wanted=key in views.wanted)
        elif seen is not None and not _is(seen, item):
            tell = Subject(key=key).teller(WHOLE, None, item.id, None)
            yield tell(DriftClass.FOREIGN, f"is a second {item.type} with this key; the engine knows another")


def _is(seen: Observed, item: Tagged) -> bool:
    """Whether a tagged resource is the observed one: an id that a tag search gives may be any of its names."""
    live = seen.live or {}
    names = {str(live[name]) for name in ("id", "arn", "name", "self_link") if live.get(name)}
    return item.type != seen.type or any(item.id in name or item.id.endswith(name) for name in names)


def _unseen(views: ThreeViews) -> Iterator[Difference]:
    for key, why in views.unseen.items():
        tell = Subject(key=key).teller(WHOLE, None, None, "present" if key in views.wanted else None)
        yield tell(DriftClass.UNKNOWN, f"could not be looked at: {why}")


def _missing(subject: Subject, unit: UnitView | None, *, wanted: bool) -> Difference:
    tell = subject.teller(WHOLE, "present", None, "present" if wanted else None)
    if unit and unit.state in HANDED_OUT:
        return tell(DriftClass.HARMFUL, f"is gone, though the ledger has it {_for_whom(unit)}")
    if wanted:
        return tell(DriftClass.HARMFUL, "was removed from outside")
    return tell(DriftClass.BENIGN, "is gone, and no longer wanted")


def _unapplied(subject: Subject, unit: UnitView | None, *, wanted: bool) -> Difference:
    tell = subject.teller(WHOLE, None, "present", "present" if wanted else None)
    if unit:
        return tell(DriftClass.EXPECTED, f"the ledger has it {_for_whom(unit)}; the next apply takes it in")
    if wanted:
        return tell(DriftClass.BENIGN, "exists as wanted, but the engine does not know it: the next apply adopts it")
    return tell(DriftClass.FOREIGN, "carries our tags, but no plan, no apply and no grant made it")


def _on_demand(subject: Subject, root: str, unit: UnitView | None, granted: Set[str]) -> Difference:
    """What a small plan made for a request stands outside of the plan until the next one adopts it.

    A link or a network is no unit: it is explained by the units that were made with it in the same root.
    """
    tell = subject.teller(WHOLE, "present", "present", None)
    if unit:
        return tell(DriftClass.EXPECTED, f"made on demand {_for_whom(unit)}; the next plan adopts it")
    if root in granted:
        return tell(DriftClass.EXPECTED, f"made on demand with the units of {root}; the next plan adopts it")
    return tell(DriftClass.FOREIGN, f"made on demand in {root}, but the ledger does not know it")


def _state(subject: Subject, live: LiveResource, unit: UnitView | None) -> Iterator[Difference]:
    """A unit's state, against the ledger: the inventory follows it, one step behind at most."""
    booked = unit.state.value if unit else READY
    tell = subject.teller("state", None, _state_text(live.state, live.holder), booked)
    if unit is None:
        if live.state != READY or live.holder:
            yield tell(DriftClass.FOREIGN, "was handed out, but not by this ledger")
    elif live.state == booked:
        if unit.state in HANDED_OUT and live.holder not in (None, unit.holder):
            yield tell(DriftClass.HARMFUL, f"is with {live.holder}, though the ledger has it {_for_whom(unit)}")
        elif unit.state is not UnitState.STAGED:
            yield tell(DriftClass.EXPECTED, f"{_for_whom(unit)}, by the ledger")
    elif live.holder in (None, unit.holder) or unit.holder is None:
        yield tell(DriftClass.EXPECTED, f"the ledger has it {_for_whom(unit)}; the inventory follows")
    else:
        yield tell(DriftClass.HARMFUL, f"is with {live.holder}, though the ledger has it {_for_whom(unit)}")


def _declared(wanted: Declaration | None) -> Mapping[str, Value]:
    return wanted.resolved(lambda ref: "") if wanted else MappingProxyType({})


def _for_whom(unit: UnitView) -> str:
    holder = f" for {unit.holder}" if unit.holder else ""
    until = f" until {unit.until.isoformat(timespec='minutes')}" if unit.until else ""
    return f"{unit.state.value}{holder}{until}"


def _state_text(state: str, holder: str | None) -> str:
    return f"{state} ({holder})" if holder else state
