"""Drift: what was applied last, what is live and what is wanted, compared three ways. Pure; never writes.

Where it stands: `coordinator.drift` reads the three views (the engine's state, the inventory, the reviewed plan) and
the ledger, and calls `compare`. What is live and differs from what was applied is a difference; a difference between
applied and wanted alone is a change that a plan shows, not drift. What the ledger explains is expected.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from contracts.drift import Difference, DriftClass, DriftReport
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.resources import ON_DEMAND_PREFIX
from stacks.declaration import Declaration, Value
from stacks.engines.engine import AppliedResource

WHOLE = "*"
READY = "ready"  # the inventory's word for what the ledger has not touched
HANDED_OUT = frozenset({UnitState.HELD, UnitState.ACTIVE})
CAPACITY_FIELDS = frozenset({"instances", "gib", "circuits", "gbps", "share"})
WITHOUT_EFFECT = frozenset({"owner", "metric", "threshold"})  # on what demand can be met with
NOT_COMPARED = frozenset({"id", "state"})  # computed: not anybody's to declare


class LiveResource(Protocol):
    """A resource as the target reports it."""

    @property
    def key(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Value]: ...
    @property
    def state(self) -> str: ...
    @property
    def holder(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeViews:
    """What is compared: all resources of one environment, by key.

    Attributes:
        last: what the engine's state holds: the last apply.
        live: what the target reports as ours by tag.
        wanted: what the reviewed plan declares. Empty before the first plan.
        ledger: units, with who has them.
    """

    last: Mapping[str, AppliedResource]
    live: Mapping[str, LiveResource]
    wanted: Mapping[str, Declaration]
    ledger: LedgerView


def compare(views: ThreeViews, *, read_at: datetime) -> DriftReport:
    """Names each difference between what was applied and what is live, and what it means. Sorted by key and field."""
    units = {unit.key: unit for unit in views.ledger.units}
    granted = frozenset(unit.root for unit in views.ledger.units)
    keys = sorted(views.last.keys() | views.live.keys())
    found = [difference for key in keys for difference in _of_key(views, key, units.get(key), granted)]
    return DriftReport(environment=views.ledger.environment, read_at=read_at, differences=tuple(found))


def _of_key(views: ThreeViews, key: str, unit: UnitView | None, granted: Set[str]) -> Iterator[Difference]:
    last, live, wanted = views.last.get(key), views.live.get(key), views.wanted.get(key)
    if live is None:
        yield _missing(key, wanted, unit)
    elif last is None:
        yield _unapplied(key, live, wanted, unit)
    else:
        if not wanted and last.root.startswith(ON_DEMAND_PREFIX):
            yield _on_demand(key, last.root, unit, granted)
        yield from _changed(key, last.arguments, live.arguments, _declared(wanted))
    if live is not None:
        yield from _state(key, live, unit)


def _missing(key: str, wanted: Declaration | None, unit: UnitView | None) -> Difference:
    tell = _teller(key, WHOLE, "present", None, "present" if wanted else None)
    if unit and unit.state in HANDED_OUT:
        return tell(DriftClass.HARMFUL, f"is gone, though the ledger has it {_for_whom(unit)}")
    if wanted:
        return tell(DriftClass.HARMFUL, "was removed from outside")
    return tell(DriftClass.BENIGN, "is gone, and no longer wanted")


def _unapplied(key: str, live: LiveResource, wanted: Declaration | None, unit: UnitView | None) -> Difference:
    tell = _teller(key, WHOLE, None, "present", "present" if wanted else None)
    if unit:
        return tell(DriftClass.EXPECTED, f"the ledger has it {_for_whom(unit)}; the next apply takes it in")
    if wanted:
        return tell(DriftClass.BENIGN, "exists as wanted, but the engine does not know it: the next apply adopts it")
    return tell(DriftClass.FOREIGN, "carries our tags, but no plan, no apply and no grant made it")


def _on_demand(key: str, root: str, unit: UnitView | None, granted: Set[str]) -> Difference:
    """What a small plan made for a request stands outside of the plan until the next one adopts it.

    A link or a network is no unit: it is explained by the units that were made with it in the same root.
    """
    tell = _teller(key, WHOLE, "present", "present", None)
    if unit:
        return tell(DriftClass.EXPECTED, f"made on demand {_for_whom(unit)}; the next plan adopts it")
    if root in granted:
        return tell(DriftClass.EXPECTED, f"made on demand with the units of {root}; the next plan adopts it")
    return tell(DriftClass.FOREIGN, f"made on demand in {root}, but the ledger does not know it")


def _changed(
    key: str, last: Mapping[str, Value], live: Mapping[str, Value], wanted: Mapping[str, Value]
) -> Iterator[Difference]:
    for field in sorted((last.keys() | live.keys()) - NOT_COMPARED):
        before, now, aim = _text(last.get(field)), _text(live.get(field)), _text(wanted.get(field))
        if before == now:
            continue
        tell = _teller(key, field, before, now, aim)
        if now == aim:
            yield tell(DriftClass.BENIGN, "was changed from outside to what is wanted")
        elif field in WITHOUT_EFFECT:
            yield tell(DriftClass.BENIGN, "was changed from outside, without effect on what demand can be met with")
        elif field in CAPACITY_FIELDS:
            yield _resized(tell, live.get(field), wanted.get(field, last.get(field)))
        else:
            yield tell(DriftClass.HARMFUL, "was changed from outside")


def _resized(tell: "Teller", now: Value | None, aim: Value | None) -> Difference:
    if isinstance(now, int | float) and isinstance(aim, int | float) and now > aim:
        return tell(DriftClass.BENIGN, f"{now - aim:g} more than is wanted")
    less = f"{aim - now:g} less" if isinstance(now, int | float) and isinstance(aim, int | float) else "other"
    return tell(DriftClass.HARMFUL, f"{less} than is wanted")


def _state(key: str, live: LiveResource, unit: UnitView | None) -> Iterator[Difference]:
    """A unit's state, against the ledger: the inventory follows it, one step behind at most."""
    booked = unit.state.value if unit else READY
    tell = _teller(key, "state", None, _state_text(live.state, live.holder), booked)
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


Teller = Callable[[DriftClass, str], Difference]


def _teller(key: str, field: str, last: str | None, live: str | None, wanted: str | None) -> Teller:
    def tell(drift_class: DriftClass, why: str) -> Difference:
        return Difference(
            key=key,
            place=key.partition("/")[0],
            field=field,
            last_applied=last,
            live=live,
            wanted=wanted,
            drift_class=drift_class,
            why=why,
        )

    return tell


def _declared(wanted: Declaration | None) -> Mapping[str, Value]:
    if wanted is None:
        return MappingProxyType({})
    return wanted.resolved(lambda ref: "")


def _for_whom(unit: UnitView) -> str:
    holder = f" for {unit.holder}" if unit.holder else ""
    until = f" until {unit.until.isoformat(timespec='minutes')}" if unit.until else ""
    return f"{unit.state.value}{holder}{until}"


def _state_text(state: str, holder: str | None) -> str:
    return f"{state} ({holder})" if holder else state


def _text(value: Value | Iterable[Value] | None) -> str | None:
    """One spelling of a value: engines hand whole numbers back as floats, lists in any order of types."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.15g}"
    if isinstance(value, str):
        return value
    return ", ".join(_text(item) or "" for item in value)
