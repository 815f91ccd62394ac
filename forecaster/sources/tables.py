"""The five tables that can be imported: their columns, and how a row names its series."""

import difflib
from dataclasses import dataclass
from enum import StrEnum

from contracts.series import SeriesKind


class Table(StrEnum):
    """What a file holds."""

    TRAFFIC = "traffic"  # per ordered pair of regions, and by service where a row names one
    REQUESTS = "requests"  # peering requests, one row each
    UTILISATION = "utilisation"  # per region: cpu, memory, storage, bandwidth
    TELEMETRY = "telemetry"  # per service and region: users, transactions
    BLOCKS = "blocks"  # traffic per address block


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table: those that must be there, and those that may."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def missing(self, found: list[str]) -> tuple[str, ...]:
        return tuple(column for column in self.required if column not in found)

    def unknown(self, found: list[str]) -> tuple[str, ...]:
        known = (*self.required, *self.optional)
        return tuple(column for column in found if column not in known)

    def likely(self, column: str) -> str:
        """The column that a misspelt one probably means, or nothing."""
        close = difflib.get_close_matches(column.strip().lower(), (*self.required, *self.optional), n=1)
        return close[0] if close else ""


COLUMNS = {
    Table.TRAFFIC: Columns(("time", "source", "destination", "value"), ("unit", "service")),
    Table.REQUESTS: Columns(
        ("time", "source", "destination"),
        ("vcpu", "memory_gib", "storage_gib", "gbps", "addresses", "prefix_length", "duration_hours"),
    ),
    Table.UTILISATION: Columns(("time", "region", "metric", "value"), ("unit",)),
    Table.TELEMETRY: Columns(("time", "region", "service", "metric", "value"), ("unit",)),
    Table.BLOCKS: Columns(("time", "prefix", "value"), ("unit",)),
}

INTERCHANGE = Columns(("unique_id", "ds", "y"), ("unit", "service"))
"""The usual interchange of forecasting libraries; for traffic, `unique_id` is `source->destination`."""

METRICS = {
    Table.UTILISATION: {
        "cpu": SeriesKind.CPU,
        "memory": SeriesKind.MEMORY,
        "storage": SeriesKind.STORAGE,
        "bandwidth": SeriesKind.BANDWIDTH,
    },
    Table.TELEMETRY: {"users": SeriesKind.USERS, "transactions": SeriesKind.TRANSACTIONS},
}

DEFAULT_UNITS = {
    SeriesKind.CPU: "vcpu",
    SeriesKind.MEMORY: "gib",
    SeriesKind.STORAGE: "gib",
    SeriesKind.USERS: "count",
    SeriesKind.TRANSACTIONS: "count",
}
"""What a value is when nothing is stated. Traffic has no default: bits and bytes are confused too easily."""
