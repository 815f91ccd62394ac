"""Holds: staged units reserved for a customer until a time (`/allocatePrestage` of disclosure 10547586).

The customer's own requests are answered from the hold first; when its time is over, what is left is staged again.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.document import Model
from contracts.limits import Rules
from contracts.names import link_name
from contracts.requests import Missing, Requirements
from coordinator.allowed import not_allowed
from coordinator.errors import RequestConflict, UnknownName
from coordinator.follow import follow
from coordinator.ledger import grants, units
from coordinator.ledger.grants import Grant, GrantKind
from coordinator.ledger.store import Transaction
from coordinator.matching import match
from coordinator.project import Project
from coordinator.settle import catch_up
from coordinator.stock import lots_for, units_of


class HoldRequest(Model):
    """Criteria of a hold: what, where, for whom, how long.

    Attributes:
        source: the other end of the link that bandwidth is held on; needed only where `gbps` is asked for.
        id: makes a repeated call answer the same; made up when left out.
    """

    customer: str
    region: str
    source: str | None = None
    requirements: Requirements
    hours: float
    priority: int = 0
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What came of it: units held until a time, or what is missing."""

    id: str
    customer: str
    units: tuple[str, ...]
    until: datetime | None
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What was given back, and when it is staged again."""

    id: str
    customer: str
    units: tuple[str, ...]
    staged_again: datetime


def hold(project: Project, request: HoldRequest) -> Hold:
    """Reserves staged units, all that is asked for or none.

    Raises:
        RequestConflict: the id belongs to another hold.
    """
    identity = request.id or f"h-{uuid.uuid4().hex[:12]}"
    catch_up(project)
    with project.ledger.write() as tx:
        held = _known(tx, identity, request) or _hold(tx, identity, request, project.environment.rules)
    follow(project.ledger, project.inventory, project.paths.follow_lock)
    return held


def release(project: Project, identity: str) -> Release:
    """Ends a hold or a grant: what was held is staged at once, what was in use after its quarantine.

    Raises:
        UnknownName: there is no such hold or grant.
    """
    with project.ledger.write() as tx:
        grant = grants.by_id(tx, identity)
        if grant is None:
            asked = f"g-{identity}"  # people know the request that they made
            next_step = f"prestage release {asked}" if grants.by_id(tx, asked) else "prestage status lists them"
            raise UnknownName(f"there is no grant or hold {identity!r}", next_step=next_step)
        until = project.ledger.quarantine_until(tx)
        keys = grants.end(tx, grant, until) if grant.ended_at is None else ()
        again = until if grant.kind is GrantKind.GRANT else tx.now
    follow(project.ledger, project.inventory, project.paths.follow_lock)
    return Release(id=identity, customer=grant.customer, units=keys, staged_again=again)


def _known(tx: Transaction, identity: str, request: HoldRequest) -> Hold | None:
    """The hold of this id, when it was made before with the same criteria."""
    grant = grants.by_id(tx, identity)
    if grant is None:
        return None
    if grants.content_of(tx, identity) != grants.canonical(request):
        raise RequestConflict(
            f"hold id {identity!r} was used before with other criteria",
            where=identity,
            expected="the same criteria for the same id",
            next_step="give the new hold an id of its own",
        )
    keys = tuple(unit.key for unit in units.of_grant(tx, identity))
    return Hold(id=identity, customer=grant.customer, units=keys, until=grant.until)


def _hold(tx: Transaction, identity: str, request: HoldRequest, rules: Rules) -> Hold:
    link = link_name(request.region, request.source or request.region)
    place = link if request.source else request.region
    if denied := not_allowed(rules, request.customer, place):
        return Hold(id=identity, customer=request.customer, units=(), until=None, missing=denied)
    lots = lots_for(tx, request.customer, (request.region, link), priority=0, may_take_held=False)
    free = tuple(lot for lot in lots if lot.holder is None)
    found = match(request.requirements, request.region, link, free)
    if found.missing:
        return Hold(id=identity, customer=request.customer, units=(), until=None, missing=found.missing)
    taken = units_of(tx, found.picks)
    grant = Grant(
        id=identity,
        kind=GrantKind.HOLD,
        customer=request.customer,
        priority=request.priority,
        until=tx.now + timedelta(hours=request.hours),
    )
    grants.give(tx, grant, request, taken)
    return Hold(id=identity, customer=request.customer, units=tuple(unit.key for unit in taken), until=grant.until)
