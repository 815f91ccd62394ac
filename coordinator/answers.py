"""What every answer has in common: the decision document, and the transaction that makes it last.

A decision, the units it hands out, the grant, the counters and the audit row are one transaction: after a crash there
is all of it or nothing.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from contracts.requests import Decision, Latency, Missing, Outcome, ScorePart
from coordinator.ledger import audit, counters, grants, requests
from coordinator.ledger.grants import Grant, GrantKind
from coordinator.ledger.requests import Request
from coordinator.ledger.store import Transaction
from coordinator.ledger.units import Unit

Stopwatch = Callable[[], float]
"""Milliseconds since the request came in."""


def stopwatch() -> Stopwatch:
    """Starts one."""
    started = time.perf_counter()
    return lambda: (time.perf_counter() - started) * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request being answered: since when, and, for addresses, with which score."""

    request: Request
    ms: Stopwatch
    score: float | None = None
    score_parts: tuple[ScorePart, ...] = ()


def grant_units(tx: Transaction, case: Case, taken: tuple[Unit, ...], outcome: Outcome) -> Decision:
    """Hands units out and records the answer, in the caller's transaction.

    Raises:
        UnitTaken: a unit changed since it was read.
    """
    request = case.request
    grant = Grant(
        id=f"g-{request.id}",
        kind=GrantKind.GRANT,
        customer=request.customer,
        priority=request.priority,
        until=tx.now + timedelta(hours=request.duration_hours),
    )
    grants.give(tx, grant, request, taken)
    decision = Decision(
        request=request.id,
        kind=requests.kind_of(request),
        customer=request.customer,
        outcome=outcome,
        latency=Latency.LOW if outcome is Outcome.STAGED else Latency.MEDIUM,
        grant=grant.id,
        units=tuple(sorted(unit.key for unit in taken)),
        prefixes=tuple(sorted(unit.prefix for unit in taken if unit.prefix)),
        score=case.score,
        score_parts=case.score_parts,
        until=grant.until,
        decided_at=tx.now,
        ms=case.ms(),
    )
    return _record(tx, request, decision)


def refuse(tx: Transaction, case: Case, missing: Iterable[Missing]) -> Decision:
    """Records a refusal with what is missing, in the caller's transaction."""
    request = case.request
    decision = Decision(
        request=request.id,
        kind=requests.kind_of(request),
        customer=request.customer,
        outcome=Outcome.REFUSED,
        score=case.score,
        score_parts=case.score_parts,
        missing=tuple(missing),
        decided_at=tx.now,
        ms=case.ms(),
    )
    lacking = [f"{item.kind} at {item.place}: {item.available:g} of {item.wanted:g}" for item in decision.missing]
    audit.append(tx, audit.Event.REFUSED, request.id, {"customer": request.customer, "missing": lacking})
    return _record(tx, request, decision)


def _record(tx: Transaction, request: Request, decision: Decision) -> Decision:
    requests.answer(tx, request, decision)
    kind, outcome = decision.kind, str(decision.outcome)
    counters.add(tx, "prestage_requests_total", kind=kind, outcome=outcome)
    counters.observe(tx, "prestage_decision_seconds", decision.ms / 1000, kind=kind, outcome=outcome)
    return decision
