"""The audit: who got what, when and why, in rows that each cover the one before.

A row's hash is SHA-256 over its own content and the hash of the row before it. Changing or removing a row breaks every
later one; removing the last ones is seen in SQLite's own count of rows ever added.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from coordinator.ledger.store import Transaction

FIRST = "0" * 64
"""What the first row covers."""

Details = dict[str, str | int | float | list[str] | None]


class Event(StrEnum):
    """What is worth a row."""

    REGISTERED = "registered"
    RETIRED = "retired"
    DROPPED = "dropped"
    GRANTED = "granted"
    REFUSED = "refused"
    HELD = "held"
    RELEASED = "released"
    LAPSED = "lapsed"
    TAKEN = "taken"
    STEP_BEGUN = "step begun"
    STEP_ENDED = "step ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `verify` found: rows checked, and the first that is broken with why (`None`: the audit is whole)."""

    rows: int
    head: str
    broken_row: int | None = None
    why: str = ""


def append(tx: Transaction, event: Event, subject: str, details: Details) -> None:
    """Adds one row to the transaction."""
    last = tx.row("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1")
    previous = FIRST if last is None else str(last["hash"])
    text = json.dumps(details, sort_keys=True, separators=(",", ":"))
    digest = _digest(previous, tx.at, event, subject, text)
    tx.run(
        "INSERT INTO audit (at, event, subject, details, previous, hash) VALUES (?, ?, ?, ?, ?, ?)",
        *(tx.at, event, subject, text, previous, digest),
    )


def verify(tx: Transaction) -> Verdict:
    """Walks the whole chain and names the first row that does not follow from the one before it."""
    previous, expected = FIRST, 1
    for row in tx.connection.execute("SELECT * FROM audit ORDER BY seq"):
        why = _fault(row, previous, expected)
        if why:
            return Verdict(rows=expected - 1, head=previous, broken_row=expected, why=why)
        previous, expected = str(row["hash"]), expected + 1
    ever = tx.row("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
    if ever is not None and ever["seq"] != expected - 1:
        why = f"the last {ever['seq'] - expected + 1} rows are gone"
        return Verdict(rows=expected - 1, head=previous, broken_row=expected, why=why)
    return Verdict(rows=expected - 1, head=previous)


def _fault(row: sqlite3.Row, previous: str, expected: int) -> str:
    if row["seq"] != expected:
        return f"row {expected} is gone; the next one is {row['seq']}"
    if row["previous"] != previous:
        return "it does not name the hash of the row before it"
    if row["hash"] != _digest(previous, row["at"], row["event"], row["subject"], row["details"]):
        return "its content does not have the hash that it was written with"
    return ""


def _digest(previous: str, at: str, event: str, subject: str, details: str) -> str:
    content = json.dumps([previous, at, str(event), subject, details], separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
