"""`HistoryView`: everything that is remembered, as one value with a digest (pure)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from forecaster.batch import REQUEST_COLUMNS, Batch, no_measurements, no_requests

MEASUREMENT_KEY = ["kind", "subject", "time"]
REQUEST_KEY = ["source", "destination", "time", "ordinal"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HistoryView:
    """The history as a value.

    Attributes:
        measurements: kind, subject, time, value, covered; sorted, one row for each kind, subject and time.
        requests: peering requests; sorted by source, destination, time, ordinal.
        digest: a function of what the frames hold, whatever order it was imported in.
    """

    measurements: pd.DataFrame
    requests: pd.DataFrame
    digest: str


def view_of(measurements: pd.DataFrame, requests: pd.DataFrame) -> HistoryView:
    """Sorts both frames and takes their digest."""
    measurements = measurements.sort_values(MEASUREMENT_KEY, ignore_index=True)
    requests = requests.sort_values(REQUEST_KEY, ignore_index=True)
    return HistoryView(measurements=measurements, requests=requests, digest=_digest(measurements, requests))


def view_of_batches(batches: Sequence[Batch]) -> HistoryView:
    """The view of batches that do not overlap, without a store between."""
    measurements = [batch.measurements for batch in batches if len(batch.measurements)]
    requests = [batch.requests for batch in batches if len(batch.requests)]
    return view_of(
        pd.concat(measurements) if measurements else no_measurements(),
        pd.concat(requests) if requests else no_requests(),
    )


def _digest(measurements: pd.DataFrame, requests: pd.DataFrame) -> str:
    hasher = hashlib.sha256()
    for frame, names in ((measurements, MEASUREMENT_KEY[:2]), (requests, REQUEST_KEY[:2])):
        runs = frame.groupby(names, sort=True).size()
        rows = runs.reset_index(name="count").itertuples(index=False, name=None)
        hasher.update("\n".join(f"{first} {second} {count}" for first, second, count in rows).encode())
        hasher.update(frame["time"].astype("int64").to_numpy().tobytes())
        for column in [column for column in ("value", "covered", *REQUEST_COLUMNS[3:]) if column in frame]:
            hasher.update(frame[column].to_numpy(dtype="float64").tobytes())
    return "sha256:" + hasher.hexdigest()
