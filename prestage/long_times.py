"""Times of a file in long form as seconds since the epoch, a batch of rows after the other.

Of text either every time of the file names its zone or none does, and UTC is meant. What a time is does not hang on the
batch that it is in: the first that cannot be read is named by its row.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from forecaster.errors import MalformedFile

ZONE = r"\d[T ].*(Z|[+-]\d\d:?\d*)$"  # at the end of a time in ISO 8601
TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # of a second
WITH_ZONE, WITHOUT = pa.timestamp("us", "UTC"), pa.timestamp("us")


class LongTimes:
    """Reads the column of times of one file, batch by batch, in order."""

    def __init__(self, path: Path, column: str) -> None:
        self._path, self._column = path, column
        self._rows = 0
        self._kind: pa.DataType | None = None

    def seconds(self, times: pa.Array) -> pa.Array:
        """Whole seconds since the epoch of the next rows; a part of a second is cut.

        Raises:
            MalformedFile: one cannot be read, or names a zone where earlier ones do not, or none where they do.
        """
        if pa.types.is_dictionary(times.type):
            times = times.dictionary_decode()
        exact = times if pa.types.is_timestamp(times.type) else self._moments(times)
        self._rows += len(times)
        return pc.divide(exact.cast(pa.int64()), TICKS[exact.type.unit])

    def _moments(self, times: pa.Array) -> pa.Array:
        """Dates and text as moments."""
        if pa.types.is_date(times.type):
            return times.cast(WITHOUT)
        if pa.types.is_string_view(times.type):
            times = times.cast(pa.string())
        named = times.drop_null()
        if self._kind is None and len(named):
            self._kind = WITH_ZONE if pc.match_substring_regex(named[:1], ZONE)[0].as_py() else WITHOUT
        kind = self._kind or WITHOUT
        if _reads(times, kind):
            return times.cast(kind)
        row = _first_unread(times, kind)
        other = WITHOUT if kind == WITH_ZONE else WITH_ZONE
        wrong = (
            "names no zone, and times before it do" if kind == WITH_ZONE else "names a zone, and none before it does"
        )
        raise MalformedFile(
            f"{times[row].as_py()!r} {wrong if _reads(times[row : row + 1], other) else 'is not a time'}",
            where=f"{self._path}, row {self._rows + row + 1}, column {self._column!r}",
            expected="ISO 8601: 2005-02-06T15:00, all with a zone (Z, +01:00) or all without",
        )


def _reads(times: pa.Array, kind: pa.DataType) -> bool:
    try:
        times.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _first_unread(times: pa.Array, kind: pa.DataType) -> int:
    """The first of some times that cannot be read, given that one cannot: halves are tried."""
    low, high = 0, len(times)
    while high - low > 1:
        middle = (low + high) // 2
        if _reads(times[low:middle], kind):
            low = middle
        else:
            high = middle
    return low
