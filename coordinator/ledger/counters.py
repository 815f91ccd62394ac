"""Counters that move in the same transaction as what they count."""

from dataclasses import dataclass

from coordinator.ledger.store import Transaction

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
"""Upper bounds of the decision time histogram: around the promise (5 ms, 25 ms) and up to a slow engine."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Counter:
    """A name, its labels as Prometheus writes them (`kind="peering",outcome="staged"`), and its value."""

    name: str
    labels: str
    value: float


def add(tx: Transaction, name: str, amount: float = 1.0, **labels: str) -> None:
    """Adds to a counter, from zero."""
    text = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    tx.run(
        "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT (name, labels) DO UPDATE SET value = value + excluded.value",
        *(name, text, amount),
    )


def observe(tx: Transaction, name: str, seconds: float, **labels: str) -> None:
    """Adds an observation to a histogram: one bucket (made cumulative when printed), the sum and the count."""
    bound = next((f"{bucket:g}" for bucket in BUCKETS_S if seconds <= bucket), "+Inf")
    add(tx, f"{name}_bucket", 1, le=bound, **labels)
    add(tx, f"{name}_sum", seconds, **labels)
    add(tx, f"{name}_count", 1, **labels)


def listing(tx: Transaction) -> tuple[Counter, ...]:
    """All counters, sorted."""
    rows = tx.rows("SELECT name, labels, value FROM counters ORDER BY name, labels")
    return tuple(Counter(name=row["name"], labels=row["labels"], value=row["value"]) for row in rows)
