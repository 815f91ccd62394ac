"""Requests by id, with their one answer; and the steps on the way to it, recorded before they run."""

from dataclasses import dataclass

from contracts.document import Document
from contracts.ledger import AddressRecord, RequestRecord
from contracts.requests import AddressRequest, Decision, PeeringRequest
from coordinator.errors import RequestConflict
from coordinator.ledger import audit
from coordinator.ledger.store import Transaction, moment

Request = PeeringRequest | AddressRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was begun: what it is about, its name, and what it set out to do (a document's JSON)."""

    subject: str
    name: str
    intent: str
    begun_at: str


def find(tx: Transaction, request: Request) -> Decision | None:
    """The decision on this very request, if it was answered.

    Raises:
        RequestConflict: the id was used with another content.
    """
    row = tx.row("SELECT digest, decision FROM requests WHERE id = ?", request.id)
    if row is None:
        return None
    if row["digest"] != request.digest():
        raise RequestConflict(
            f"request id {request.id!r} was used before with another content",
            where=request.id,
            expected="the same content for the same id",
            next_step="give the new request an id of its own",
        )
    return None if row["decision"] is None else decision_of(row["decision"])


def receive(tx: Transaction, request: Request) -> None:
    """Records a request that is not answered at once. Receiving it again changes nothing."""
    tx.run(
        "INSERT INTO requests (id, kind, digest, content, received_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        *(request.id, kind_of(request), request.digest(), request.model_dump_json(), tx.at),
    )


def answer(tx: Transaction, request: Request, decision: Decision) -> None:
    """Records the one answer to a request."""
    tx.run(
        "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET decision = excluded.decision, answered_at = excluded.answered_at",
        *(request.id, kind_of(request), request.digest(), request.model_dump_json(), tx.at),
        *(decision.model_dump_json(), tx.at),
    )


def unanswered(tx: Transaction) -> tuple[Request, ...]:
    """Requests that were received and never answered: their process ended on the way."""
    rows = tx.rows("SELECT kind, content FROM requests WHERE decision IS NULL ORDER BY received_at, id")
    return tuple(_request(row["kind"], row["content"]) for row in rows)


def decision_of(text: str) -> Decision:
    """The decision that a row of the ledger holds."""
    return Decision.model_validate_json(text)


def records(tx: Transaction) -> tuple[RequestRecord, ...]:
    """Answered peering requests, as the forecaster learns from them."""
    rows = tx.rows(
        "SELECT content, decision, received_at FROM requests WHERE kind = 'peering' AND decision IS NOT NULL"
    )
    return tuple(
        _record(PeeringRequest.model_validate_json(row["content"]), decision_of(row["decision"]), row["received_at"])
        for row in rows
    )


def address_records(tx: Transaction) -> tuple[AddressRecord, ...]:
    """Answered address requests, as the forecaster learns from them."""
    rows = tx.rows(
        "SELECT content, decision, received_at FROM requests WHERE kind = 'address' AND decision IS NOT NULL"
    )
    return tuple(
        _address(AddressRequest.model_validate_json(row["content"]), decision_of(row["decision"]), row["received_at"])
        for row in rows
    )


def begin(tx: Transaction, subject: str, name: str, intent: Document) -> None:
    """Records a step before it runs. One of a name can be open for a subject at a time."""
    tx.run(
        "INSERT INTO steps (subject, name, intent, begun_at) VALUES (?, ?, ?, ?)",
        *(subject, name, intent.canonical(), tx.at),
    )
    audit.append(tx, audit.Event.STEP_BEGUN, subject, {"step": name, "intent": intent.digest()})


def end(tx: Transaction, subject: str, name: str, outcome: str) -> None:
    """Records what became of a step that was begun."""
    tx.run(
        "UPDATE steps SET outcome = ?, ended_at = ? WHERE subject = ? AND name = ? AND outcome IS NULL",
        *(outcome, tx.at, subject, name),
    )
    audit.append(tx, audit.Event.STEP_ENDED, subject, {"step": name, "outcome": outcome})


def open_steps(tx: Transaction, name: str) -> tuple[Step, ...]:
    """Steps of a name that were begun and have no outcome."""
    rows = tx.rows("SELECT * FROM steps WHERE name = ? AND outcome IS NULL ORDER BY id", name)
    return tuple(
        Step(subject=row["subject"], name=row["name"], intent=row["intent"], begun_at=row["begun_at"]) for row in rows
    )


def kind_of(request: Request) -> str:
    """`peering` or `address`."""
    return "peering" if isinstance(request, PeeringRequest) else "address"


def _request(kind: str, content: str) -> Request:
    if kind == "peering":
        return PeeringRequest.model_validate_json(content)
    return AddressRequest.model_validate_json(content)


def _record(request: PeeringRequest, decision: Decision, received_at: str) -> RequestRecord:
    needs = request.requirements
    return RequestRecord(
        at=moment(received_at) or decision.decided_at,
        source=request.source,
        destination=request.destination,
        vcpu=needs.vcpu,
        memory_gib=needs.memory_gib,
        storage_gib=needs.storage_gib,
        gbps=needs.gbps,
        addresses=2 ** (32 - needs.prefix_length) if needs.prefix_length else 0,
        duration_hours=request.duration_hours,
        outcome=decision.outcome,
    )


def _address(request: AddressRequest, decision: Decision, received_at: str) -> AddressRecord:
    return AddressRecord(
        at=moment(received_at) or decision.decided_at,
        region=request.region,
        prefix_length=request.prefix_length,
        prefix=next(iter(decision.prefixes), ""),
        duration_hours=request.duration_hours,
        outcome=decision.outcome,
    )
