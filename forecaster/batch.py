"""What one import brings: hourly measurements and peering requests, in UTC and canonical units (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from contracts.ledger import AddressRecord, RequestRecord

MEASUREMENT_COLUMNS = ("kind", "subject", "time", "value", "covered")
SIZE_COLUMNS = ("vcpu", "memory_gib", "storage_gib", "gbps", "addresses", "duration_hours")
REQUEST_COLUMNS = ("source", "destination", "time", "ordinal", *SIZE_COLUMNS)
TIME_TYPE = pd.DatetimeTZDtype("us", "UTC")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Rows that were read and checked.

    Attributes:
        origin: where they come from: a file name, or a name for a process.
        rows_read: rows of the source.
        measurements: `MEASUREMENT_COLUMNS`; `time` is the beginning of an hour, `covered` the share of the hour that
            samples cover (0 to 1]. One row for each kind, subject and time.
        requests: `REQUEST_COLUMNS`; `ordinal` tells requests of one pair at the same time apart.
        notes: what was found and treated, for people.
    """

    origin: str
    rows_read: int
    measurements: pd.DataFrame
    requests: pd.DataFrame
    notes: tuple[str, ...] = ()


def no_measurements() -> pd.DataFrame:
    """An empty frame of measurements."""
    frame = pd.DataFrame({column: pd.Series(dtype="str") for column in ("kind", "subject")})
    frame["time"] = pd.Series(dtype=TIME_TYPE)
    return frame.assign(value=pd.Series(dtype="float64"), covered=pd.Series(dtype="float64"))


def no_requests() -> pd.DataFrame:
    """An empty frame of requests."""
    frame = pd.DataFrame({column: pd.Series(dtype="str") for column in ("source", "destination")})
    frame["time"] = pd.Series(dtype=TIME_TYPE)
    frame["ordinal"] = pd.Series(dtype="int64")
    return frame.assign(**{column: pd.Series(dtype="float64") for column in SIZE_COLUMNS})


def numbered(requests: pd.DataFrame) -> pd.DataFrame:
    """Requests in one order whatever order they came in, each with its ordinal among those of its pair and time."""
    identity = ["source", "destination", "time"]
    ordered = requests.sort_values([*identity, *SIZE_COLUMNS], kind="stable", ignore_index=True)
    ordered["ordinal"] = ordered.groupby(identity).cumcount().astype("int64")
    return ordered[list(REQUEST_COLUMNS)]


def batch_of_requests(records: Sequence[RequestRecord], *, origin: str = "ledger") -> Batch:
    """The requests that a ledger remembers, as a batch: outcomes become history."""
    if not records:
        return Batch(origin=origin, rows_read=0, measurements=no_measurements(), requests=no_requests())
    rows = [record.model_dump(exclude={"at", "outcome"}) for record in records]
    frame = pd.DataFrame(rows).astype(dict.fromkeys(SIZE_COLUMNS, "float64"))
    frame["time"] = pd.Series(pd.to_datetime([record.at for record in records], utc=True)).astype(TIME_TYPE)
    return Batch(origin=origin, rows_read=len(frame), measurements=no_measurements(), requests=numbered(frame))


def batch_of_addresses(records: Sequence[AddressRecord], *, origin: str = "ledger") -> Batch:
    """Address requests that a ledger remembers, as a batch.

    They ask for nothing but addresses of one region, which stands at both ends: no link is theirs.
    """
    requests = [
        RequestRecord(
            at=record.at,
            source=record.region,
            destination=record.region,
            addresses=1 << (32 - record.prefix_length),
            duration_hours=record.duration_hours,
            outcome=record.outcome,
        )
        for record in records
    ]
    return batch_of_requests(requests, origin=origin)
