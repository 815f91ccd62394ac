"""The ledger: units and who has them, requests and their answers, steps, counters, and the audit of it all."""

from coordinator.ledger.ledger import Ledger

__all__ = ["Ledger"]
